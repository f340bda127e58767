/*
 * ledger_help: numbered records for the tests of the ledger.  Record n has the
 * key of n; its answer says n and a text.
 */
#ifndef BF_TESTS_LEDGER_HELP_H
#define BF_TESTS_LEDGER_HELP_H

#include "ledger/internal.h"

#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static struct err e;
static struct buf reports = {NULL, 0, 0, 0};

__attribute__((unused)) static void
report(void *arg, const char *text)
{
	(void)arg;
	buf_adds(&reports, text);
	buf_addc(&reports, '\n');
}

__attribute__((unused)) static const struct ledger_options writing = {
    .report = report};
__attribute__((unused)) static const struct ledger_options reading = {
    .report = report, .read_only = true};

__attribute__((unused)) static void
make_key(unsigned char key[LEDGER_KEY_SIZE], unsigned n)
{
	memset(key, 0, LEDGER_KEY_SIZE);
	key[0] = (unsigned char)(n * 151);
	for (int i = 0; i < 4; i++)
		key[15 - i] = (unsigned char)(n >> 8 * i);
}

/* Record n says {"n":n,...} in its answer. */
static char res[2048];
__attribute__((unused)) static struct ledger_record
make_record(unsigned n, const char *more)
{
	struct ledger_record r;

	memset(&r, 0, sizeof(r));
	make_key(r.key, n);
	r.http = 200;
	r.attempts = 1;
	r.millis = 12;
	r.model = SPAN("gpt \"4\" \xc3\xa9\n");
	r.endpoint = SPAN("mock");
	r.usage = SPAN("{\"input\":3}");
	r.request = SPAN("{\"messages\":[]}");
	snprintf(res, sizeof(res), "{\"n\":%u,\"more\":\"%s\"}", n, more);
	r.response = span_str(res);
	return r;
}

__attribute__((unused)) static void
add(struct ledger *l, unsigned n, const char *more)
{
	struct ledger_record r = make_record(n, more);

	if (ledger_append(l, &r, &e) != 0)
		ok(false, "append %u: %s", n, e.text);
}

__attribute__((unused)) static bool
has_answer(struct ledger *l, unsigned n, const char *more)
{
	unsigned char key[LEDGER_KEY_SIZE];
	struct ledger_record r, want = make_record(n, more);

	make_key(key, n);
	return ledger_has(l, key) && ledger_get(l, key, &r, &e) == 1 &&
	       memcmp(r.key, key, sizeof(key)) == 0 &&
	       span_eq(r.response, want.response);
}

__attribute__((unused)) static bool
has_none(struct ledger *l, unsigned n)
{
	unsigned char key[LEDGER_KEY_SIZE];
	struct ledger_record r;

	make_key(key, n);
	return !ledger_has(l, key) && ledger_get(l, key, &r, &e) == 0;
}

__attribute__((unused)) static struct ledger *
open_ledger(const struct ledger_options *o)
{
	struct ledger *l;

	buf_clear(&reports);
	l = ledger_open(dir, o, &e);
	if (l == NULL) {
		printf("Bail out! cannot open: %s\n", e.text);
		exit(1);
	}
	return l;
}

/* Files of the directory whose name ends so. */
__attribute__((unused)) static int
files(const char *end)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	int n = 0;

	while (d != NULL && (de = readdir(d)) != NULL) {
		size_t k = strlen(de->d_name), m = strlen(end);
		n += de->d_name[0] != '.' && k >= m &&
		     strcmp(de->d_name + k - m, end) == 0;
	}
	if (d != NULL)
		closedir(d);
	return n;
}

struct image {
	char *data;
	size_t n;
};

/* All of a file; nothing where there is none. The caller frees it. */
__attribute__((unused)) static struct image
slurp(const char *path)
{
	struct buf b = BUF_INIT;
	int fd = open(path, O_RDONLY);
	ssize_t n;

	while ((n = read(fd, buf_room(&b, 65536), 65536)) > 0)
		b.len += (size_t)n;
	if (fd >= 0)
		close(fd);
	return (struct image){b.data, b.len};
}

__attribute__((unused)) static void
spit(const char *path, const void *data, size_t n)
{
	FILE *out = fopen(path, "wb");

	if (out == NULL || fwrite(data, 1, n, out) != n || fclose(out) != 0)
		exit(1);
}

/* Paths of the one segment that is there, and of the tail that it may have. */
__attribute__((unused)) static char segment[400], tail[410];
__attribute__((unused)) static void
find_segment(void)
{
	DIR *d = opendir(dir);
	struct dirent *de;

	while (d != NULL && (de = readdir(d)) != NULL) {
		size_t n = strlen(de->d_name);
		if (n > 4 && strcmp(de->d_name + n - 4, ".zst") == 0)
			snprintf(segment, sizeof(segment), "%s/%s", dir, de->d_name);
	}
	if (d != NULL)
		closedir(d);
	snprintf(tail, sizeof(tail), "%s.tail", segment);
}

__attribute__((unused)) static void
new_dir(void)
{
	static int n;
	char cmd[100];

	if (n > 0) {
		snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
		if (system(cmd) != 0)
			exit(1);
	}
	snprintf(dir, sizeof(dir), "%s/bf-ledger-%d-%d",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid(),
	    n++);
}

__attribute__((unused)) static void
close_ledger(struct ledger *l, const char *what)
{
	is_int(ledger_close(l, &e), 0, what);
}

__attribute__((unused)) static void
commit(struct ledger *l)
{
	if (ledger_commit(l, &e) != 0)
		ok(false, "commit: %s", e.text);
}

__attribute__((unused)) static void
no_reports(const char *what)
{
	is_span(buf_span(&reports), SPAN(""), what);
}

#endif
