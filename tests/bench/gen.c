/*
 * gen: JSON Lines for benchmarks, the same on every machine.
 *
 *	gen entries BYTES	{"id","directory","keyword","text","n"}, 1.6 KB each
 *	gen answers BYTES	the same with a request and a response
 *	gen bodies N		bodies of chat requests, 1 KB each
 *	gen requests N		entries with these bodies as their request
 *	gen vectors N		{"id","embedding"}, 384 numbers each
 *
 * About one word in eight holds bytes beyond ASCII, one in twenty an escape.
 */
#include "base/buf.h"
#include "io/fdio.h"
#include "io/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRY_TEXT 1450
#define BODY_TEXT  900
#define NUMBERS    384

static const char *const words[] = {"the", "river", "carried", "small", "boats",
    "past", "gardens", "where", "nobody", "asked", "about", "winter", "until",
    "evening", "letters", "arrived", "from", "another", "country", "and", "were",
    "read", "aloud", "by", "someone", "who", "had", "never", "been", "there",
    "na\303\257ve", "\345\214\227\344\272\254", "\320\274\320\276\321\200\320\265",
    "\316\270\316\254\316\273\316\261\317\203\317\203\316\261", "\\\"so\\\"",
    "line\\nbreak", "caf\\u00e9", "\360\237\230\200"};
static struct buf line;

#define NWORDS (sizeof(words) / sizeof(*words))

static void
put_text(struct rng *r, size_t least)
{
	for (size_t n = 0; n < least;) {
		const char *w = words[rng_below(r, NWORDS)];

		n += strlen(w) + 1;
		buf_adds(&line, w);
		buf_addc(&line, ' ');
	}
}

static void
put_body(struct rng *r, unsigned long i, size_t least)
{
	buf_addf(&line,
	    "{\"model\":\"mock-1\",\"messages\":[{\"role\":\"user\",\"content\":"
	    "\"%lu: ",
	    i);
	put_text(r, least);
	buf_adds(&line, "\"}],\"temperature\":0.7}");
}

static void
put_fields(struct rng *r, unsigned long i, size_t least)
{
	buf_addf(&line,
	    "{\"id\":\"%016llx\",\"directory\":\"part %llu/chapter "
	    "%llu\",\"keyword\":\"",
	    (unsigned long long)rng_next(r), (unsigned long long)rng_below(r, 9),
	    (unsigned long long)rng_below(r, 99));
	put_text(r, 20);
	buf_adds(&line, "\",\"text\":\"");
	put_text(r, least);
	buf_addf(&line, "\",\"n\":%lu", i);
}

static void
put_response(struct rng *r)
{
	buf_adds(&line, ",\"response\":{\"text\":\"Here it is: ");
	put_text(r, 500);
	buf_addf(&line,
	    "\\n```json\\n{\\\"score\\\": %llu, \\\"why\\\": \\\"the river said "
	    "so\\\"}\\n```\\n"
	    "\",\"model\":\"mock-1\",\"finish_reason\":\"stop\",\"usage\":{"
	    "\"input\":250,"
	    "\"output\":160,\"cached\":0,\"reasoning\":0}}",
	    (unsigned long long)rng_below(r, 10));
}

static void
put_vector(struct rng *r, uint64_t i)
{
	buf_addf(&line, "{\"id\":%lu,\"embedding\":", (unsigned long)i);
	for (int k = 0; k < NUMBERS; k++)
		buf_addf(&line, "%c%.8f", k == 0 ? '[' : ',', rng_unit(r) - 0.5);
	buf_adds(&line, "]}");
}

static void
put_entry(struct rng *r, const char *kind, uint64_t i)
{
	if (strcmp(kind, "bodies") == 0) {
		put_body(r, i, BODY_TEXT);
	} else if (strcmp(kind, "requests") == 0) {
		buf_addf(&line, "{\"id\":\"%lu\",\"request\":", (unsigned long)i);
		put_body(r, i, BODY_TEXT);
		buf_addc(&line, '}');
	} else if (strcmp(kind, "vectors") == 0) {
		put_vector(r, i);
	} else {
		bool answers = strcmp(kind, "answers") == 0;

		put_fields(r, i, answers ? 100 : ENTRY_TEXT);
		if (answers) {
			buf_adds(&line, ",\"request\":");
			put_body(r, i, 400);
			put_response(r);
		}
		buf_addc(&line, '}');
	}
	buf_addc(&line, '\n');
}

int
main(int argc, char **argv)
{
	const char *kind = argc == 3 ? argv[1] : "";
	unsigned long limit = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	bool by_count = strcmp(kind, "bodies") == 0 ||
			strcmp(kind, "requests") == 0 ||
			strcmp(kind, "vectors") == 0;
	struct rng r;

	rng_seed(&r, 1);
	for (uint64_t i = 0, bytes = 0; (by_count ? i : bytes) < limit; i++) {
		buf_clear(&line);
		put_entry(&r, kind, i);
		bytes += line.len;
		if (fd_write(STDOUT_FILENO, line.data, line.len) == -1) {
			perror("gen");
			return 2;
		}
	}
	return 0;
}
