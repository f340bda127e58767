/* The ledger as its callers see it: open, append, commit, get, close, open again.
 */
#include "ledger/ledger.h"
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

static void
report(void *arg, const char *text)
{
	(void)arg;
	buf_adds(&reports, text);
	buf_addc(&reports, '\n');
}

static const struct ledger_options writing = {.report = report};
static const struct ledger_options reading = {.report = report, .read_only = true};

static void
make_key(unsigned char key[LEDGER_KEY_SIZE], unsigned n)
{
	memset(key, 0, LEDGER_KEY_SIZE);
	key[0] = (unsigned char)(n * 151);
	for (int i = 0; i < 4; i++)
		key[15 - i] = (unsigned char)(n >> 8 * i);
}

/* Record n says {"n":n,...} in its answer. */
static char res[2048];
static struct ledger_record
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

static void
add(struct ledger *l, unsigned n, const char *more)
{
	struct ledger_record r = make_record(n, more);

	if (ledger_append(l, &r, &e) != 0)
		ok(false, "append %u: %s", n, e.text);
}

static bool
has_answer(struct ledger *l, unsigned n, const char *more)
{
	unsigned char key[LEDGER_KEY_SIZE];
	struct ledger_record r, want = make_record(n, more);

	make_key(key, n);
	return ledger_has(l, key) && ledger_get(l, key, &r, &e) == 1 &&
	       memcmp(r.key, key, sizeof(key)) == 0 &&
	       span_eq(r.response, want.response);
}

static bool
has_none(struct ledger *l, unsigned n)
{
	unsigned char key[LEDGER_KEY_SIZE];
	struct ledger_record r;

	make_key(key, n);
	return !ledger_has(l, key) && ledger_get(l, key, &r, &e) == 0;
}

static struct ledger *
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
static int
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

static void
new_dir(void)
{
	static int n;
	char cmd[100];

	if (n > 0) {
		snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
		if (system(cmd) != 0)
			exit(1);
	}
	snprintf(dir, sizeof(dir), "/tmp/bf-ledger-%d/%d", (int)getpid(), n++);
}

static void
close_ledger(struct ledger *l, const char *what)
{
	is_int(ledger_close(l, &e), 0, what);
}

static void
commit(struct ledger *l)
{
	if (ledger_commit(l, &e) != 0)
		ok(false, "commit: %s", e.text);
}

static void
no_reports(const char *what)
{
	is_span(buf_span(&reports), SPAN(""), what);
}

static void
test_round_trip(void)
{
	struct ledger *l;
	struct ledger_record r = make_record(1, "");
	struct stat st;

	new_dir();
	l = open_ledger(&reading);
	ok(has_none(l, 1),
	    "a reader of a directory that is not there finds nothing");
	is_int(ledger_append(l, &r, &e), -1, "a reader cannot append");
	close_ledger(l, "closing it");
	is_int(stat(dir, &st), -1, "a reader makes no directory");

	l = open_ledger(&writing);
	ok(stat(dir, &st) == 0 && (st.st_mode & 07777) == 0700,
	    "the directory is 0700");
	ok(has_none(l, 1), "nothing there");
	is_int(files(""), 0, "opening makes no file");
	add(l, 1, "one");
	ok(has_answer(l, 1, "one"),
	    "what is appended is found before it is committed");
	commit(l);
	ok(has_answer(l, 1, "one"), "and after");
	is_int(files(".jsonl.zst"), 1, "one segment");
	is_int(files(".tail"), 1, "and its tail");
	ok(ledger_sync_due(l) > 0 && ledger_sync_due(l) <= 1000,
	    "a sync is due within a second");
	close_ledger(l, "close");
	is_int(files(".tail"), 0, "no tail after a clean end");

	l = open_ledger(&reading);
	ok(has_answer(l, 1, "one"), "found again");
	ok(has_none(l, 2), "another is not");
	is_int((long long)ledger_count(l), 1, "one answer");
	is_int(ledger_get(l, r.key, &r, &e), 1, "get");
	is_span(r.model, SPAN("gpt \"4\" \xc3\xa9\n"),
	    "model, with its escapes resolved");
	is_span(r.endpoint, SPAN("mock"), "endpoint");
	is_span(r.usage, SPAN("{\"input\":3}"), "usage");
	is_span(r.request, SPAN("{\"messages\":[]}"), "request");
	ok(r.class.p == NULL, "an answer has no class");
	ok(r.http == 200 && r.attempts == 1 && r.millis == 12 &&
		r.status == LEDGER_OK && r.time > 1700000000000,
	    "numbers, status, time");
	close_ledger(l, "close");
	no_reports("nothing to report");
}

static void
test_statuses(void)
{
	struct ledger *l;
	struct ledger_record r;

	new_dir();
	l = open_ledger(&writing);
	r = make_record(1, "");
	r.status = LEDGER_ERROR;
	r.class = SPAN("server");
	ledger_append(l, &r, &e);
	ok(has_none(l, 1), "an error is no answer");
	add(l, 2, "old");
	add(l, 2, "new");
	ok(has_answer(l, 2, "new"), "the newer answer stands");
	r = make_record(2, "late");
	r.time = 1;
	ledger_append(l, &r, &e);
	ok(has_answer(l, 2, "new"), "an older one that comes later does not");
	add(l, 3, "x");
	r = make_record(3, "");
	r.status = LEDGER_FORGET;
	r.request = r.response = r.usage = SPAN_NONE;
	ledger_append(l, &r, &e);
	ok(has_none(l, 3), "forgotten");
	add(l, 4, "x");
	r = make_record(4, "");
	r.status = LEDGER_FORGET;
	ledger_append(l, &r, &e);
	add(l, 4, "again");
	ok(has_answer(l, 4, "again"), "forgotten and answered again");
	r = make_record(5, "");
	r.response = SPAN("{\n  \"n\": 5,\n  \"more\": \"\"\n}\n");
	ledger_append(l, &r, &e);
	ok(has_answer(l, 5, ""), "a response of several lines becomes one");
	is_int((long long)ledger_count(l), 3, "three answers");
	close_ledger(l, "close");
	l = open_ledger(&reading);
	ok(has_none(l, 1) && has_answer(l, 2, "new") && has_none(l, 3) &&
		has_answer(l, 4, "again") && has_answer(l, 5, ""),
	    "all the same when opened again");
	is_int((long long)ledger_count(l), 3, "three answers");
	close_ledger(l, "close");
}

static void
test_many(void)
{
	struct ledger_options small = {.report = report, .cache = 300000};
	static char text[1500];
	struct ledger *l;
	int bad = 0;

	new_dir();
	for (size_t i = 0; i + 1 < sizeof(text); i++)
		text[i] = (char)('a' + i * i % 23);
	l = open_ledger(&small);
	for (unsigned n = 0; n < 5000; n++) {
		add(l, n, text + n % 700);
		if (n % 97 == 0)
			commit(l);
		bad += !has_answer(l, n / 2, text + n / 2 % 700);
	}
	commit(l);
	is_int(
	    bad, 0, "found while others are written, framed, and the tail is cut");
	close_ledger(l, "close");
	l = open_ledger(&small);
	for (unsigned n = 0; n < 5000; n++)
		bad += !has_answer(l, n, text + n % 700);
	for (unsigned n = 5000; n-- > 0;)
		bad += !has_answer(l, n * 31 % 5000, text + n * 31 % 5000 % 700);
	is_int(bad, 0, "5000 records found again, in order and not");
	is_int((long long)ledger_count(l), 5000, "counted");
	ok(l->cached <= 300000, "the cache keeps its limit");
	ok(l->nframes >= 20 && l->nframes < 60, "frames of 128 KiB: %u",
	    l->nframes);
	close_ledger(l, "close");
	no_reports("nothing to report");
}

int
main(void)
{
	test_round_trip();
	test_statuses();
	test_many();
	new_dir();
	return done();
}
