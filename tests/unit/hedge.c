/* Hedging over simulated time: who may be doubled when, and how many at most. */
#include "pacing/hedge.h"

#include "io/rng.h"
#include "tap.h"

#define MS ((int64_t)1000)

/* n calls, the k-th of which takes k milliseconds. */
static void
answer(struct hedge *h, int n)
{
	for (int i = 1; i <= n; i++) {
		hedge_sent(h);
		hedge_answered(h, i * MS);
	}
}

/* Within the 1/64 that a histogram is exact to. */
static bool
is_about(int64_t got, int64_t want)
{
	return got >= want && got <= want + want / 64 + 1;
}

static void
test_when(void)
{
	struct hedge h;

	hedge_init(&h, 0.95);
	ok(hedge_due(&h, 5) == HEDGE_NEVER, "never without an answer");
	answer(&h, 19);
	ok(hedge_due(&h, 5) == HEDGE_NEVER, "nor with 19");
	hedge_sent(&h);
	hedge_answered(&h, 20 * MS);
	ok(is_about(hedge_due(&h, 0), 19 * MS),
	    "20 answers are enough for the 95th percentile");
	is_int(hedge_due(&h, 7000) - hedge_due(&h, 0), 7000,
	    "it is counted from when the call was sent");
	for (int i = 0; i < 980; i++)
		hedge_answered(&h, 1000 * MS);
	ok(is_about(hedge_due(&h, 0), 1000 * MS), "it moves as answers come");

	hedge_init(&h, 0.99);
	answer(&h, 99);
	ok(hedge_due(&h, 0) == HEDGE_NEVER, "the 99th needs more than 99");
	hedge_answered(&h, 100 * MS);
	ok(is_about(hedge_due(&h, 0), 99 * MS), "and is found with 100");
	hedge_init(&h, 0.5);
	answer(&h, 19);
	ok(hedge_due(&h, 0) == HEDGE_NEVER, "the 50th needs 20 too");
	hedge_answered(&h, 20 * MS);
	ok(is_about(hedge_due(&h, 0), 10 * MS), "and is the median");
	hedge_answered(&h, -5);
	ok(hedge_due(&h, 0) > 0, "a clock that went back does no harm");
}

/* How many may be doubled now. */
static int
room(struct hedge *h)
{
	int n = 0;

	while (hedge_due(h, 0) != HEDGE_NEVER && n < 100000) {
		hedge_doubled(h);
		n++;
	}
	return n;
}

static void
test_bound(void)
{
	struct hedge h;

	hedge_init(&h, 0.95);
	answer(&h, 1000);
	is_int(room(&h), HEDGE_SAVED, "a few may be doubled at once");
	is_int(room(&h), 0, "and no more");
	hedge_spared(&h);
	is_int(room(&h), 1, "a copy that was not sent does not count");
	for (int i = 0; i < 9; i++)
		hedge_sent(&h);
	is_int(room(&h), 0, "after that one in ten further calls may be");
	hedge_sent(&h);
	hedge_sent(&h);
	is_int(room(&h), 1, "and is");
	hedge_init(&h, 0.99);
	answer(&h, 100);
	room(&h);
	for (int i = 0; i < 251; i++)
		hedge_sent(&h);
	is_int(room(&h), 5, "one in fifty for the 99th");
}

/* A latency in microseconds with a long tail: half are under 200 ms, one in ten
 * over 1 s. */
static int64_t
draw(struct rng *r)
{
	return (int64_t)(100000 / (1 - rng_unit(r)));
}

/*
 * Calls one after the other to a server of such latencies times slower; how
 * many of them were doubled.
 */
static int
doubled(struct hedge *h, struct rng *r, int n, int64_t slower)
{
	int64_t first, copy, limit;
	int count = 0;

	for (int i = 0; i < n; i++) {
		hedge_sent(h);
		first = draw(r) * slower;
		limit = hedge_due(h, 0);
		if (first > limit) {
			hedge_doubled(h);
			count++;
			copy = limit + draw(r) * slower;
			first = copy < first ? copy : first;
		}
		hedge_answered(h, first);
	}
	return count;
}

static void
test_share(void)
{
	struct hedge h;
	struct rng r;
	int n;

	rng_seed(&r, 3);
	hedge_init(&h, 0.95);
	n = doubled(&h, &r, 20000, 1);
	ok(n > 800 && n <= 1200,
	    "of 20,000 calls to an even server about a twentieth is doubled (%d)",
	    n);
	n = doubled(&h, &r, 2000, 10);
	ok(n <= 200 + HEDGE_SAVED,
	    "one that has become slower is not stormed (%d of 2000)", n);
	n = doubled(&h, &r, 2000, 1000);
	ok(n <= 200 + HEDGE_SAVED, "however much (%d of 2000)", n);
}

int
main(void)
{
	test_when();
	test_bound();
	test_share();
	return done();
}
