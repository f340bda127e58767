/*
 * Asked for in the ledger's order, records are found without a search, in
 * frames that were made ready beforehand: the answers are those that any other
 * order gives.
 */
#include "ledger_help.h"

#include "io/hash.h"
#include "io/rng.h"

#define N 3000 /* keys */

static const struct ledger_options one_frame = {
    .report = report, .read_only = true, .cache = 1};

static void
small_sizes(void)
{
	ledger_sizes.block = 2048;
	ledger_sizes.tail = 8192;
	ledger_sizes.index = 4096;
}

static struct ledger *
new_ledger(void)
{
	new_dir();
	return open_ledger(&writing);
}

static void
add_all(struct ledger *l, const char *text)
{
	for (unsigned n = 0; n < N; n++) {
		add(l, n, text);
		if (n % 16 == 0)
			commit(l);
	}
}

/* Keys in their order whose answer is not text, or not newer where n % 10 is 0. */
static int
wrong(struct ledger *l, const char *text, const char *newer)
{
	int bad = 0;

	for (unsigned n = 0; n < N; n++)
		bad += !has_answer(l, n, n % 10 == 0 ? newer : text);
	return bad;
}

static void
test_order(void)
{
	struct ledger *l = new_ledger();

	add_all(l, "a");
	close_ledger(l, "written");
	l = open_ledger(&reading);
	is_int(wrong(l, "a", "a"), 0, "in order, all are right");
	ok(l->course.ahead != NULL, "frames were made ready");
	ok(l->segments[0].index->distinct, "no search was needed");
	close_ledger(l, "closed while frames may be on their way");
	l = open_ledger(&one_frame);
	is_int(wrong(l, "a", "a"), 0, "and with a cache of one frame");
	close_ledger(l, "close");
	no_reports("nothing to report");
}

/* Runs in order from anywhere, and single jumps. */
static void
test_jumps(void)
{
	struct ledger *l = open_ledger(&one_frame);
	struct rng rng;
	int bad = 0;

	rng_seed(&rng, 1);
	for (int i = 0; i < 200; i++) {
		unsigned n = (unsigned)rng_below(&rng, N);
		unsigned end = n + (unsigned)rng_below(&rng, i % 3 ? 300 : 2);
		for (; n < end && n < N; n++)
			bad += !has_answer(l, n, "a");
	}
	is_int(bad, 0, "going on elsewhere gives the right answers too");
	close_ledger(l, "close");
}

static void
withdraw(struct ledger *l, unsigned n)
{
	struct ledger_record r = make_record(n, "");

	r.status = LEDGER_FORGET;
	r.request = r.response = r.usage = SPAN_NONE;
	if (ledger_append(l, &r, &e) != 0)
		ok(false, "append: %s", e.text);
}

static void
test_newer(void)
{
	struct ledger *l = new_ledger(), *other;

	add_all(l, "old");
	for (unsigned n = 0; n < N; n += 10)
		add(l, n, "new");
	withdraw(l, 501);
	commit(l);
	close_ledger(l, "written");
	l = open_ledger(&reading);
	ok(l->segments[0].index != NULL && !l->segments[0].index->distinct,
	    "a key has two records");
	is_int(wrong(l, "old", "new"), 1,
	    "a newer answer further on in the segment is the answer");
	ok(has_answer(l, 500, "new") && has_none(l, 501) &&
		has_answer(l, 502, "old"),
	    "what is withdrawn further on is none");
	close_ledger(l, "close");

	l = new_ledger();
	other = open_ledger(&writing);
	add_all(l, "old");
	for (unsigned n = 0; n < N; n += 10)
		add(other, n, "new");
	withdraw(other, 501);
	close_ledger(l, "written");
	close_ledger(other, "and another segment");
	l = open_ledger(&reading);
	is_int((long long)l->nsegments, 2, "two segments");
	is_int(
	    wrong(l, "old", "new"), 1, "a newer answer in another is the answer");
	ok(has_answer(l, 500, "new") && has_none(l, 501) &&
		has_answer(l, 502, "old"),
	    "and so is a withdrawal");
	ok(l->course.ahead != NULL, "in order");
	close_ledger(l, "close");
	no_reports("nothing to report");
}

/* The record behind is of the key that is asked for next, but no answer. */
static void
test_history(void)
{
	struct ledger *l = new_ledger();
	struct ledger_record r;

	for (unsigned n = 0; n < N; n++) {
		r = make_record(n, "failed");
		r.status = LEDGER_ERROR;
		r.class = SPAN("server");
		if (ledger_append(l, &r, &e) != 0)
			ok(false, "append: %s", e.text);
		add(l, n, "a");
		if (n % 16 == 0)
			commit(l);
	}
	close_ledger(l, "written");
	l = open_ledger(&reading);
	is_int(wrong(l, "a", "a"), 0, "an error is never the answer");
	close_ledger(l, "close");
}

/* A record with a right crc that is no JSON: "} is missing. */
static void
add_broken(struct ledger *l, unsigned n)
{
	struct buf line = BUF_INIT;
	struct ledger_record r = make_record(n, "broken");

	r.time = 1700000000000 + n;
	ledger_record_write(&line, &r);
	line.len -= 20; /* }, crc and newline */
	buf_addf(&line, " ");
	buf_addf(&line, ",\"crc\":\"%08x\"}",
	    (unsigned)hash_crc32c(0, line.data, line.len));
	if (ledger_append_line(l, buf_span(&line), &e) != 0)
		ok(false, "append: %s", e.text);
	buf_release(&line);
}

static void
test_no_json(void)
{
	struct ledger *l = new_ledger();
	int bad = 0;

	for (unsigned n = 0; n < N; n++) {
		if (n == 1500)
			add_broken(l, n);
		else
			add(l, n, "a");
		if (n % 16 == 0)
			commit(l);
	}
	close_ledger(l, "written");
	l = open_ledger(&reading);
	for (unsigned n = 0; n < N; n++)
		bad += has_answer(l, n, n == 1500 ? "broken" : "a") == (n == 1500);
	is_int(bad, 0, "the others are right");
	ok(strstr(buf_cstr(&reports), "no JSON") != NULL, "it is reported: %s",
	    buf_cstr(&reports));
	close_ledger(l, "close");
}

static void
flip(uint64_t at)
{
	char path[400];
	DIR *d = opendir(dir);
	struct dirent *de;
	char c;
	int fd;

	while (d != NULL && (de = readdir(d)) != NULL)
		if (strstr(de->d_name, ".zst") != NULL &&
		    strstr(de->d_name, ".idx") == NULL) {
			snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
			fd = open(path, O_RDWR | O_CLOEXEC);
			if (fd < 0 || pread(fd, &c, 1, (off_t)at) != 1)
				ok(false, "cannot read %s", path);
			c ^= 16;
			if (pwrite(fd, &c, 1, (off_t)at) != 1)
				ok(false, "cannot write %s", path);
			close(fd);
		}
	if (d != NULL)
		closedir(d);
}

/* In order and in no order, the same are found, and none of them is wrong. */
static void
test_damaged(void)
{
	struct ledger *l = new_ledger(), *other;
	int found = 0, differ = 0, wrong_ones = 0;
	struct index_frame f = {0};
	bool here, there;

	add_all(l, "a");
	close_ledger(l, "written");
	l = open_ledger(&reading);
	/* In the middle of a frame far behind the first. */
	if (!index_frame(l->segments[0].index, 40, &f))
		ok(false, "no frame 40");
	flip(f.at + 60);
	close_ledger(l, "looked where frames are");
	l = open_ledger(&reading);
	other = open_ledger(&reading);
	for (unsigned n = 0; n < N; n++) {
		unsigned m = n * 7 % N;
		here = has_answer(l, n, "a");
		found += here;
		wrong_ones += !here && !has_none(l, n);
		there = has_answer(other, m, "a");
		wrong_ones += !there && !has_none(other, m);
	}
	for (unsigned n = 0; n < N; n++)
		differ += has_answer(l, n, "a") != has_answer(other, n, "a");
	ok(found > N - 100 && found < N, "one frame's records are gone: %d left",
	    found);
	is_int(wrong_ones, 0, "no answer is wrong");
	is_int(differ, 0, "the order makes no difference");
	ok(strstr(buf_cstr(&reports), "no whole frame") != NULL, "it is reported");
	close_ledger(l, "close");
	close_ledger(other, "close");
}

int
main(void)
{
	small_sizes();
	test_order();
	test_jumps();
	test_newer();
	test_history();
	test_no_json();
	test_damaged();
	new_dir();
	return done();
}
