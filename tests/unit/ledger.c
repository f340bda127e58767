/* The ledger as its callers see it: open, append, commit, get, close, open again.
 */
#include "ledger/ledger.h"
#include "ledger_help.h"

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
	unsigned frames;
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
	ok(l->segments[0].index != NULL, "by an index");
	frames = l->segments[0].index->nframes + (unsigned)l->segments[0].nframes;
	ok(frames >= 20 && frames < 60, "frames of 128 KiB: %u", frames);
	ok(l->nframes < 20, "of which those in the cache are held: %u", l->nframes);
	close_ledger(l, "close");
	no_reports("nothing to report");
}

/* A clock that went back: what comes later counts as later. */
static void
test_clock(void)
{
	struct ledger *l;
	struct ledger_record r;

	new_dir();
	l = open_ledger(&writing);
	r = make_record(1, "from the future");
	r.time = 4000000000000;
	ledger_append(l, &r, &e);
	close_ledger(l, "close");
	l = open_ledger(&writing);
	r = make_record(1, "");
	r.status = LEDGER_FORGET;
	ledger_append(l, &r, &e);
	ok(has_none(l, 1), "forgotten by one whose clock is behind");
	close_ledger(l, "close");
	l = open_ledger(&writing);
	ok(has_none(l, 1), "also when opened again");
	add(l, 1, "now");
	close_ledger(l, "close");
	l = open_ledger(&reading);
	ok(has_answer(l, 1, "now"), "and answered again");
	close_ledger(l, "close");
}

/* A reader's frame is taken back and written again, longer, at the same place. */
static void
test_taken_back(void)
{
	struct ledger *l, *reader;

	new_dir();
	l = open_ledger(&writing);
	add(l, 1, "one");
	add(l, 2, "two");
	close_ledger(l, "close");
	reader = open_ledger(&reading);
	l = open_ledger(&writing);
	add(l, 3, "three");
	commit(l);
	is_int(files(".tail"), 1, "taken back into the tail");
	ok(has_answer(reader, 1, "one"), "a reader finds it in the tail");
	close_ledger(l, "close");
	ok(has_answer(reader, 2, "two"), "and in the new frame");
	ok(has_none(reader, 3), "it knows what was there when it opened");
	close_ledger(reader, "close");
	no_reports("nothing to report");
}

static void
write_file(const char *name, const void *data, size_t n)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	spit(path, data, n);
}

static int
times_reported(const char *text)
{
	int n = 0;

	for (const char *p = buf_cstr(&reports); (p = strstr(p, text)) != NULL; p++)
		n++;
	return n;
}

static void
test_strangers(void)
{
	struct ledger *l;

	new_dir();
	l = open_ledger(&writing);
	add(l, 1, "one");
	close_ledger(l, "close");
	write_file("notes.txt", "mine", 4);
	write_file("other.jsonl.zst", "this is no zstd at all", 22);
	write_file("x.jsonl.zst.idx", "", 0);
	write_file(".hidden", "", 0);
	l = open_ledger(&writing);
	add(l, 2, "two"); /* looks at the directory again */
	ok(has_answer(l, 1, "one"), "other files do not disturb");
	close_ledger(l, "close");
	is_int(times_reported("notes.txt: not a file of a ledger"), 1,
	    "one is reported once");
	is_int(times_reported("other.jsonl.zst: not a segment"), 1,
	    "and one that only has the name");
	is_int(times_reported("\n"), 2, "no other");
	is_int(files("notes.txt") + files("other.jsonl.zst"), 2,
	    "they are left alone");

	write_file("new.jsonl.zst",
	    "\x5b\x2a\x4d\x18\x0d\0\0\0bf-ledger 12\n and more", 30);
	ok(ledger_open(dir, &reading, &e) == NULL,
	    "a newer version's segment is refused");
	ok(strstr(e.text,
	       "new.jsonl.zst: this segment was written by a newer version") !=
		NULL,
	    "with a message that names it");
}

/* A writer that has locked its segment and records nothing leaves it as it was. */
static void
test_prepare(void)
{
	struct ledger *l;

	new_dir();
	l = open_ledger(&writing);
	add(l, 1, "one");
	close_ledger(l, "close");
	l = open_ledger(&reading);
	is_int(ledger_prepare(l, &e), -1, "a reader has nothing to prepare");
	close_ledger(l, "close");
	l = open_ledger(&writing);
	is_int(ledger_prepare(l, &e), 0, "prepared");
	is_int(ledger_prepare(l, &e), 0, "twice");
	is_int(files(".tail"), 1, "the segment is taken");
	ok(has_answer(l, 1, "one"), "its record is found");
	close_ledger(l, "close");
	is_int(files(".zst") + 2 * files(".tail"), 1, "one segment and no tail");
	l = open_ledger(&reading);
	ok(has_answer(l, 1, "one"), "still found");
	is_int((long long)ledger_count(l), 1, "one answer");
	close_ledger(l, "close");
	no_reports("nothing to report");
}

/* A frame that is sound and holds a line whose crc is wrong. */
static void
test_wrong_crc(void)
{
	struct buf lines = BUF_INIT, file = BUF_INIT;
	struct frame_coder coder = {NULL, NULL, 0};
	struct ledger_record r = make_record(1, "one");
	struct ledger *l;

	new_dir();
	close_ledger(open_ledger(&writing), "an empty ledger");
	r.time = 1780000000000;
	ledger_record_write(&lines, &r);
	lines.data[lines.len - 4] ^= 1;
	r = make_record(2, "two");
	ledger_record_write(&lines, &r);
	frame_header((unsigned char *)buf_room(&file, FRAME_HEADER_SIZE));
	file.len = FRAME_HEADER_SIZE;
	is_int(frame_pack(&coder, buf_span(&lines), &file, &e), 0, "packed");
	write_file("a.jsonl.zst", file.data, file.len);
	l = open_ledger(&reading);
	ok(has_none(l, 1), "a record whose crc is wrong is no answer");
	is_int(
	    times_reported(
		"a.jsonl.zst: byte 20: the frame holds a line that is no record"),
	    1, "it is reported");
	ok(has_answer(l, 2, "two"), "the one after it serves");
	close_ledger(l, "close");
	frame_coder_release(&coder);
	buf_release(&lines);
	buf_release(&file);
}

static void
test_limits(void)
{
	struct ledger *l;
	struct ledger_record r = make_record(1, "");
	char *big = malloc(RECORD_MAX);

	new_dir();
	memset(big, '1', RECORD_MAX);
	r.response = span_of(big, RECORD_MAX);
	l = open_ledger(&writing);
	is_int(ledger_append(l, &r, &e), -1, "a record of 256 MiB is refused");
	add(l, 1, "");
	r = make_record(2, "");
	r.response = span_of(big, 3000000);
	is_int(ledger_append(l, &r, &e), 0, "one of 3 MB is not");
	add(l, 3, "");
	commit(l);
	close_ledger(l, "close");
	l = open_ledger(&reading);
	is_int(ledger_get(l, r.key, &r, &e), 1, "and read back");
	ok(r.response.n == 3000000 && memcmp(r.response.p, big, 3000000) == 0,
	    "whole");
	ok(has_answer(l, 1, "") && has_answer(l, 3, ""), "with its neighbours");
	close_ledger(l, "close");
	free(big);
}

/* Bytes a record: chunks and index, the worst that any number of entries has. */
static void
test_table(void)
{
	struct table t;
	struct table_entry *entry;
	unsigned char key[LEDGER_KEY_SIZE];
	double most = 0;
	int bad = 0;

	table_init(&t);
	for (unsigned n = 0; n < 300000; n++) {
		make_key(key, n);
		entry = table_add(&t, key);
		entry->line = n;
		double per = ((double)t.slots * 4 +
				 (double)(n / 4096 + 1) * 4096 * sizeof(*entry)) /
			     (n + 1);
		if (n > 200000 && per > most)
			most = per;
	}
	for (unsigned n = 0; n < 300000; n++) {
		make_key(key, n);
		entry = table_find(&t, key);
		bad += entry == NULL || entry->line != n;
		make_key(key, n + 300000);
		bad += table_find(&t, key) != NULL;
	}
	is_int(bad, 0, "300000 keys are found, others are not");
	ok(most > 0 && most <= 32, "at most 32 bytes a record: %.1f", most);
	table_release(&t);
}

int
main(void)
{
	test_round_trip();
	test_statuses();
	test_many();
	test_clock();
	test_taken_back();
	test_strangers();
	test_prepare();
	test_wrong_crc();
	test_limits();
	test_table();
	new_dir();
	buf_release(&reports);
	return done();
}
