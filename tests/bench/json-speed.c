/*
 * json-speed [FILE]: nanoseconds a byte of the check, entry_parse() and passing
 * over values, for each instruction set, on JSON Lines of FILE or on made-up
 * entries of several kinds.  The best of a few rounds counts.
 */
#include "base/buf.h"
#include "json/entry.h"
#include "json/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 7

struct job {
	const char *name;
	size_t (*run)(struct span line);
};

static struct entry entry;
static struct buf out;

static size_t
run_check(struct span line)
{
	struct json_fault f;

	return (size_t)json_check(line, &f);
}

static size_t
run_entry(struct span line)
{
	struct json_fault f;

	return (size_t)entry_parse(&entry, line, &f) + entry.n;
}

static size_t
run_edit(struct span line)
{
	struct json_fault f;

	entry_parse(&entry, line, &f);
	entry_set(&entry, "extra", SPAN("\"some text\""));
	buf_clear(&out);
	entry_write(&entry, &out);
	return out.len;
}

static size_t
run_skip(struct span line)
{
	return json_count(line);
}

static size_t
run_canon(struct span line)
{
	buf_clear(&out);
	return json_canon(&out, line);
}

static size_t
run_unescape(struct span line)
{
	struct json_iter it = json_iter(line);
	struct json_member m;
	struct span text;
	size_t n = 0;

	while (json_next(&it, &m))
		n += json_text(m.value, &out, &text);
	return n;
}

static const struct job jobs[] = {
    {"check", run_check},
    {"entry", run_entry},
    {"edit", run_edit},
    {"skip", run_skip},
    {"texts", run_unescape},
    {"canon", run_canon},
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static size_t
run_lines(const struct job *job, struct span text)
{
	const char *p = text.p, *end = text.p + text.n, *nl;
	size_t sum = 0;

	while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		sum += job->run(span_of(p, (size_t)(nl - p)));
		p = nl + 1;
	}
	return sum;
}

static void
measure(const char *kind, struct span text)
{
	volatile size_t sum = 0;
	const struct scan *s;

	for (size_t i = 0; (s = scan_choice(i)) != NULL; i++) {
		scan_use(s);
		printf("%-10s %-9s", kind, s->name);
		for (size_t j = 0; j < sizeof jobs / sizeof jobs[0]; j++) {
			double best = 1e18;

			for (int r = 0; r < ROUNDS; r++) {
				double start = now(), took;

				sum += run_lines(&jobs[j], text);
				took = (now() - start) / (double)text.n;
				best = took < best ? took : best;
			}
			printf("  %s %.3f", jobs[j].name, best);
		}
		putchar('\n');
	}
}

/* 2,000 entries of about 1.6 KB whose text repeats a sentence. */
static void
measure_made(const char *kind, const char *sentence)
{
	struct buf text = BUF_INIT;

	for (int i = 0; i < 2000; i++) {
		size_t start = text.len;

		buf_addf(&text,
		    "{\"id\":\"%08x\",\"source\":{\"file\":\"a/b.md\",\"line\":%d},"
		    "\"ok\":true,\"text\":\"",
		    (unsigned)i * 2654435761u, i);
		while (text.len - start < 1600)
			buf_adds(&text, sentence);
		buf_adds(&text, "\",\"tags\":[\"one\",\"two\",3.25]}\n");
	}
	measure(kind, buf_span(&text));
	buf_release(&text);
}

static int
measure_file(const char *path)
{
	struct buf text = BUF_INIT;
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL) {
		perror(path);
		return 2;
	}
	while ((n = fread(buf_room(&text, 1 << 16), 1, 1 << 16, f)) > 0)
		text.len += n;
	fclose(f);
	measure("file", buf_span(&text));
	buf_release(&text);
	return 0;
}

int
main(int argc, char **argv)
{
	int status = 0;

	if (argc > 1) {
		status = measure_file(argv[1]);
	} else {
		measure_made(
		    "ascii", "The quick brown fox jumps over the lazy dog. ");
		measure_made(
		    "newlines", "A line of some forty characters or so.\\n");
		measure_made("mixed", "Ein Satz mit \xc3\xa9, \xe2\x80\x9c"
				      "quotes\xe2\x80\x9d and a "
				      "\\\"word\\\" \xf0\x9f\x98\x80.\\n");
		measure_made("cyrillic",
		    "\xd0\x91\xd1\x8b\xd1\x81\xd1\x82\xd1\x80\xd0"
		    "\xb0\xd1\x8f \xd0\xbb\xd0\xb8\xd1\x81\xd0\xb0. ");
		measure_made("cjk",
		    "\xe6\x95\x8f\xe6\x8d\xb7\xe7\x9a\x84\xe6\xa3\x95"
		    "\xe8\x89\xb2\xe7\x8b\x90\xe7\x8b\xb8\xe3\x80\x82");
		measure_made(
		    "escaped", "\\u0411\\u044b\\u0441\\u0442\\u0440\\u0430 ");
		measure_made(
		    "tokens", "\",\"a\":[1,2,{\"b\":null},true],\"c\":\"d");
	}
	entry_release(&entry);
	buf_release(&out);
	return status;
}
