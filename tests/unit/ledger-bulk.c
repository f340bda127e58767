/*
 * The ledger against damage, in the sizes of every day: cut anywhere in the last
 * 64 KiB, a bit flipped anywhere.  BF_SOAK=1: every byte, and 10,000 bits.
 */
#include "base/mem.h"
#include "io/rng.h"

#include "ledger_help.h"

#define FRAMED 600
#define ALL    900
#define REACH  65536

static struct image clean, live, live_tail;
static struct rng rng;
static bool soak;
static int found, wrong; /* of the last look */

/* Hard to compress, so that the files are large. */
static const char *
text_of(unsigned n)
{
	static char text[1024];
	struct rng own;
	unsigned k, size = 300 + n * 37 % 400;

	rng_seed(&own, n);
	for (k = 0; k < size; k++)
		text[k] = "0123456789abcdef"[rng_below(&own, 16)];
	text[k] = '\0';
	return text;
}

static void
add_all(struct ledger *l, unsigned from, unsigned to)
{
	for (unsigned n = from; n < to; n++) {
		add(l, n, text_of(n));
		commit(l);
	}
}

/* After a clean end, without an index; then of a writer at work. */
static void
make_images(void)
{
	struct ledger *l;
	char index[420];

	new_dir();
	l = open_ledger(&writing);
	add_all(l, 0, FRAMED);
	ledger_close(l, &e);
	find_segment();
	snprintf(index, sizeof(index), "%s.idx", segment);
	unlink(index);
	clean = slurp(segment);
	l = open_ledger(&writing);
	ledger_sizes.block = 1 << 20;
	add_all(l, FRAMED, ALL);
	live = slurp(segment);
	live_tail = slurp(tail);
	ledger_close(l, &e);
	unlink(index);
	ledger_sizes.block = (size_t)128 << 10;
}

/* Opens what is there; -1 if that is refused, else how many answers are. */
static int
look(unsigned n)
{
	struct ledger *l;
	unsigned char key[LEDGER_KEY_SIZE];
	struct ledger_record r;

	buf_clear(&reports);
	l = ledger_open(dir, &reading, &e);
	if (l == NULL)
		return -1;
	found = 0;
	for (unsigned i = 0; i < n; i++) {
		make_key(key, i);
		if (ledger_get(l, key, &r, &e) != 1)
			continue;
		found++;
		wrong += !span_eq(r.response, make_record(i, text_of(i)).response);
	}
	ledger_close(l, &e);
	return found;
}

static int
lines_before(size_t n)
{
	int lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += live_tail.data[i] == '\n';
	return lines;
}

static size_t
reach_from(const struct image *f)
{
	return f->n > REACH ? f->n - REACH : 0;
}

static void
test_cut_segment(size_t step)
{
	int last = 0, less = 0, silent = 0;

	unlink(tail);
	for (size_t n = reach_from(&clean); n <= clean.n; n += step) {
		int now;
		spit(segment, clean.data, n);
		now = look(FRAMED);
		less += now < last;
		silent += now < FRAMED && reports.len == 0;
		last = now;
	}
	is_int(less, 0, "a segment cut further on has no less");
	/* Cut between two frames it is a shorter segment, at most once a frame. */
	ok(silent <= 1, "what is missing is reported");
	is_int(wrong, 0, "no answer is wrong");
}

static void
test_cut_tail(size_t step)
{
	int bad = 0, told = 0, framed;

	spit(segment, live.data, live.n);
	unlink(tail);
	framed = look(ALL);
	for (size_t n = reach_from(&live_tail); n <= live_tail.n; n += step) {
		spit(tail, live_tail.data, n);
		bad += look(ALL) != framed + lines_before(n);
		told += reports.len != 0;
	}
	is_int(bad, 0, "a tail cut anywhere gives all its whole lines");
	is_int(told, 0, "and there is nothing to report");
	is_int(wrong, 0, "no answer is wrong");
}

/* The most records that one frame holds. */
static int
most_in_a_frame(void)
{
	struct ledger *l = open_ledger(&reading);
	struct span text, line;
	int most = 0;
	bool whole;

	for (uint32_t i = 0; i < l->nframes; i++) {
		int n = 0;
		if (store_text(l, i, &text) != 0)
			continue;
		while (record_next(&text, &line, &whole))
			n++;
		most = n > most ? n : most;
	}
	ledger_close(l, &e);
	return most;
}

static void
test_flips(int count)
{
	int silent = 0, many = 0, refused = 0, most;

	spit(segment, live.data, live.n);
	spit(tail, live_tail.data, live_tail.n);
	is_int(look(ALL), ALL, "undamaged, all are there");
	most = most_in_a_frame();
	for (int i = 0; i < count; i++) {
		size_t at = (size_t)rng_below(&rng, live.n + live_tail.n);
		char bit = (char)(1 << rng_below(&rng, 8)), *byte;
		const char *path = at < live.n ? segment : tail;
		struct image *f = at < live.n ? &live : &live_tail;
		int now;
		byte = at < live.n ? &live.data[at] : &live_tail.data[at - live.n];
		*byte ^= bit;
		spit(path, f->data, f->n);
		now = look(ALL);
		*byte ^= bit;
		spit(path, f->data, f->n);
		refused += now < 0;
		if (now < 0)
			continue;
		silent += now < ALL && reports.len == 0;
		many += ALL - now > (at < live.n ? most : 1);
	}
	is_int(wrong, 0, "flipped bits: never a wrong answer");
	is_int(silent, 0, "never a silent loss");
	is_int(many, 0, "never more lost than a frame, or one record of a tail");
	ok(refused <= 1 + count / 1000, "refused as of a newer version: %d",
	    refused);
}

int
main(void)
{
	soak = getenv("BF_SOAK") != NULL;
	rng_seed(&rng, 11);
	make_images();
	ok(clean.n > REACH && live_tail.n > REACH, "more than 64 KiB each");
	test_cut_segment(soak ? 1 : 1499);
	test_cut_tail(soak ? 1 : 1499);
	test_flips(soak ? 10000 : 200);
	free(clean.data);
	free(live.data);
	free(live_tail.data);
	new_dir();
	buf_release(&reports);
	return done();
}
