/* The limit of calls in flight, against servers of several kinds. */
#include "pacing/adapt.h"

#include "io/rng.h"
#include "tap.h"

enum { MOST = 500 };

/* A server that serves so many at a time; more wait, or are refused. */
struct server {
	unsigned serves;
	bool refuses;
	double noise; /* of latencies: 0 none, 1 much */
};

struct run {
	struct adapt a;
	struct rng r;
	int64_t now;
	int64_t lands[MOST];
	int64_t latency[MOST]; /* -1: refused */
	uint32_t stamp[MOST];
	unsigned flying;
	uint64_t answered, refused;
};

static void
send_call(struct run *run, const struct server *s)
{
	double us = 100000 * (1 + s->noise * (2 * rng_unit(&run->r) - 1));
	unsigned n = run->flying++;

	if (run->flying > s->serves && !s->refuses)
		us *= (double)run->flying / s->serves;
	run->stamp[n] = adapt_stamp(&run->a);
	run->latency[n] = run->flying > s->serves && s->refuses ? -1 : (int64_t)us;
	run->lands[n] = run->now + (run->latency[n] < 0 ? 1000 : (int64_t)us);
}

static void
land_call(struct run *run)
{
	unsigned first = 0;

	for (unsigned i = 1; i < run->flying; i++)
		if (run->lands[i] < run->lands[first])
			first = i;
	run->now = run->lands[first];
	if (run->latency[first] < 0) {
		run->refused++;
		adapt_refused(&run->a, run->stamp[first]);
	} else {
		run->answered++;
		adapt_answered(&run->a, run->stamp[first], run->latency[first]);
	}
	run->flying--;
	run->lands[first] = run->lands[run->flying];
	run->latency[first] = run->latency[run->flying];
	run->stamp[first] = run->stamp[run->flying];
}

/* Until so many more have landed. */
static void
go(struct run *run, const struct server *s, uint64_t landings)
{
	uint64_t until = run->answered + run->refused + landings;

	while (run->answered + run->refused < until) {
		while (run->flying < adapt_limit(&run->a))
			send_call(run, s);
		adapt_full(&run->a);
		land_call(run);
	}
}

static void
start(struct run *run, unsigned found, uint64_t seed)
{
	memset(run, 0, sizeof *run);
	rng_seed(&run->r, seed);
	adapt_init(&run->a, found, MOST);
}

/* The share of what the server gives that is used, from here on. */
static double
use(struct run *run, const struct server *s, uint64_t landings)
{
	int64_t begun = run->now;
	uint64_t before = run->answered;

	run->refused = 0;
	go(run, s, landings);
	return (double)(run->answered - before) /
	       ((double)(run->now - begun) / 100000 * s->serves);
}

static void
test_queueing(unsigned serves, double noise, uint64_t seed)
{
	struct server s = {serves, false, noise};
	struct run run;
	double used;

	start(&run, 0, seed);
	go(&run, &s, 30000);
	used = use(&run, &s, 30000);
	ok(used > 0.85 && adapt_found(&run.a) <= 3 * serves + 8 &&
		adapt_settled(&run.a),
	    "%u at a time, noise %.1f: %.0f%% used with %u in flight", serves,
	    noise, 100 * used, adapt_found(&run.a));
}

static void
test_refusing(unsigned serves, double noise)
{
	struct server s = {serves, true, noise};
	struct run run;
	double used;

	start(&run, 0, serves);
	go(&run, &s, 50000);
	used = use(&run, &s, 100000);
	ok(run.refused * 100 < 2 * 100000,
	    "%u at a time, more refused: %.2f%% are refused", serves,
	    (double)run.refused / 1000);
	ok(used > 0.7, "and %.0f%% of it is used", 100 * used);
}

static void
test_change(void)
{
	struct server big = {200, false, 0.3}, small = {20, false, 0.3};
	struct run run;

	start(&run, 0, 5);
	go(&run, &big, 50000);
	ok(adapt_found(&run.a) >= 150, "a big server: %u", adapt_found(&run.a));
	go(&run, &small, 50000);
	ok(adapt_found(&run.a) <= 80, "becomes small: %u", adapt_found(&run.a));
	go(&run, &big, 200000);
	ok(adapt_found(&run.a) >= 150, "and big again: %u", adapt_found(&run.a));
}

static void
test_refusals(void)
{
	struct adapt a;
	uint32_t old;
	int i;

	adapt_init(&a, 64, MOST);
	old = adapt_stamp(&a);
	for (i = 0; i < 64; i++)
		adapt_refused(&a, old);
	is_int(adapt_limit(&a), 32, "refusals of calls sent together halve once");
	adapt_refused(&a, adapt_stamp(&a));
	is_int(adapt_limit(&a), 16, "one sent since then halves again");
	for (i = 0; i < 10; i++)
		adapt_refused(&a, adapt_stamp(&a));
	is_int(adapt_limit(&a), 1, "down to one");
	adapt_init(&a, 0, MOST);
	for (i = 0; i < 100000; i++)
		adapt_answered(&a, adapt_stamp(&a), 1000);
	ok(adapt_limit(&a) == ADAPT_START && adapt_found(&a) == 0,
	    "what is not used does not grow");
	adapt_init(&a, 9999, MOST);
	is_int(adapt_limit(&a), MOST, "never more than the most");
}

int
main(void)
{
	struct server endless = {1000000, false, 0.5};
	struct run run;

	test_refusals();
	start(&run, 0, 1);
	go(&run, &endless, 10000);
	is_int(adapt_found(&run.a), MOST, "an endless server: all there are");
	for (uint64_t seed = 1; seed <= 3; seed++) {
		test_queueing(1, 0, seed);
		test_queueing(10, 0.5, seed);
		test_queueing(50, 0.9, seed);
		test_queueing(100, 0.5, seed);
	}
	test_refusing(10, 0.3);
	test_refusing(37, 0.3);
	test_refusing(100, 0.3);
	test_change();
	return done();
}
