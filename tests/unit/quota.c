/* Quotas over simulated time: never above, never idle while it is permitted. */
#include "pacing/quota.h"

#include "pacing_help.h"

/* ---- one limit ---- */

/* What was spent in the last minute, by hand. */
struct ledger {
	int64_t (*spent)[2]; /* when, how much */
	size_t first, n;
	int64_t sum, most;
};

static void
spend(struct ledger *l, int64_t now, int64_t cost)
{
	l->spent[l->n][0] = now;
	l->spent[l->n++][1] = cost;
	l->sum += cost;
	while (l->spent[l->first][0] <= now - MINUTE)
		l->sum -= l->spent[l->first++][1];
	if (l->sum > l->most)
		l->most = l->sum;
}

/*
 * n things of up to most each, wanted all the time but for rests of up to
 * rest microseconds.
 */
static void
run(const char *what, size_t n, int64_t limit, int64_t most, int64_t rest)
{
	struct ledger l = {.first = 0};
	struct quota q = {.newest = 0};
	struct rng r;
	int64_t now = 1000 * MINUTE, begun = now, opens, cost, total = 0;
	bool early = false;
	double rate;

	rng_seed(&r, (uint64_t)limit);
	l.spent = malloc(n * sizeof *l.spent);
	for (size_t i = 0; i < n; i++) {
		cost = 1 + (int64_t)rng_below(&r, (uint64_t)most);
		opens = quota_opens(&q, limit, now, cost);
		if (opens > now) {
			early |= quota_opens(&q, limit, opens - 1, cost) < opens;
			now = opens;
		}
		early |= quota_opens(&q, limit, now, cost) > now;
		quota_take(&q, now, cost);
		spend(&l, now, cost);
		total += cost;
		if (rest > 0 && rng_below(&r, 100) == 0)
			now += (int64_t)rng_below(&r, (uint64_t)rest);
	}
	rate = (double)total / ((double)(now - begun) / (double)MINUTE);
	ok(l.most <= limit, "%s: never above in any minute (%lld of %lld)", what,
	    (long long)l.most, (long long)limit);
	ok(!early, "%s: it opens when it said, and not before", what);
	if (rest == 0)
		ok(rate > 0.96 * (double)limit, "%s: %.1f%% of it is used", what,
		    100 * rate / (double)limit);
	free(l.spent);
}

static void
test_correction(void)
{
	struct quota q = {.newest = 0};
	int64_t now = MINUTE, i, total = 0;

	for (i = 0; i < 60000; i++) {
		if (quota_opens(&q, 60000, now, 1000) > now)
			now = quota_opens(&q, 60000, now, 1000);
		quota_take(&q, now, 1000);
		quota_correct(&q, now, 1000, 10);
		total += 10;
	}
	ok(now - MINUTE < 11 * MINUTE && now - MINUTE > 9 * MINUTE,
	    "what was charged too much comes back: %lld tokens in %lld minutes",
	    (long long)total, (long long)((now - MINUTE) / MINUTE));
	q = (struct quota){.newest = 0};
	quota_opens(&q, 600, MINUTE, 10);
	quota_take(&q, MINUTE, 10);
	quota_correct(&q, MINUTE, 10, 300);
	ok(quota_opens(&q, 600, MINUTE, 301) > MINUTE + 50 * SECOND &&
		quota_opens(&q, 600, MINUTE, 300) < MINUTE + 50 * SECOND,
	    "what was charged too little is taken then");
	quota_correct(&q, MINUTE, 300, 1 << 30);
	ok(quota_opens(&q, 600, MINUTE, 1) <= 2 * MINUTE + SECOND,
	    "and holds nothing back for more than a window");
	quota_correct(&q, MINUTE, 1 << 30, 0);
	is_int(q.sum, 0, "all of it may come back");
	quota_correct(&q, MINUTE, 5, 0);
	is_int(q.sum, 0, "but not more");
	quota_take(&q, 2 * MINUTE, 600);
	quota_correct(&q, MINUTE / 2, 600, 0);
	is_int(q.sum, 600, "nor what has left the window");
}

/* ---- several limits, and what was said against what is counted by hand ---- */

/* The oracle: all that was spent, and a leaky bucket for each limit. */
struct oracle {
	struct spending spent;
	size_t first; /* of those that can be in the window */
	int64_t limits[QUOTA_PACES];
	int64_t even[QUOTA_PACES];
};

static int64_t
slot_of(int64_t t)
{
	return t / (MINUTE / QUOTA_SLOTS);
}

/* When the window would let it in: it goes through what was spent, oldest first. */
static int64_t
window_lets(struct oracle *o, int64_t limit, int64_t newest, int64_t cost)
{
	int64_t sum = cost;
	size_t i;

	while (o->first < o->spent.n &&
	       slot_of(o->spent.all[o->first].when) < newest - QUOTA_SLOTS)
		o->first++;
	for (i = o->first; i < o->spent.n; i++)
		sum += o->spent.all[i].cost;
	if (sum <= limit || cost > limit)
		return 0;
	for (i = o->first; sum > limit; i++)
		sum -= o->spent.all[i].cost;
	return (slot_of(o->spent.all[i - 1].when) + QUOTA_SLOTS + 1) *
	       (MINUTE / QUOTA_SLOTS);
}

static int64_t
takes(int64_t limit, int64_t cost)
{
	long double us = (long double)cost * (long double)MINUTE /
			 (long double)limit;

	if (us >= (long double)MINUTE)
		return MINUTE;
	return (int64_t)us + ((long double)(int64_t)us < us);
}

static void
oracle_spend(struct oracle *o, int64_t now, int64_t newest, int64_t cost)
{
	int64_t most = (newest + 1) * (MINUTE / QUOTA_SLOTS) + MINUTE;

	for (size_t i = 0; i < QUOTA_PACES; i++) {
		if (now >= 0 && o->even[i] < now)
			o->even[i] = now;
		o->even[i] += cost >= 0 ? takes(o->limits[i], cost)
					: -takes(o->limits[i], -cost);
		o->even[i] = o->even[i] < 0 ? 0 : o->even[i];
		o->even[i] = o->even[i] > most ? most : o->even[i];
	}
}

/* One of what was spent lately was more, or less. */
static void
correct_one(struct quota *q, struct oracle *o, struct rng *r)
{
	size_t back = (size_t)rng_below(r, 50);
	struct spent *s;
	int64_t real;

	if (back >= o->spent.n)
		return;
	s = &o->spent.all[o->spent.n - 1 - back];
	real = (int64_t)rng_below(r, (uint64_t)(2 * s->cost + 1));
	quota_correct(q, s->when, s->cost, real);
	oracle_spend(o, -1, q->newest, real - s->cost);
	s->cost = real;
}

/*
 * Those who have one of four limits ask in turn, spend as soon as they may, or
 * do not; what was spent is corrected now and then.
 */
static void
test_oracle(uint64_t seed, size_t n, const int64_t limits[QUOTA_PACES],
    int64_t most, bool correct)
{
	struct quota q = {.newest = 0};
	struct oracle o = {.first = 0};
	int64_t now = 77 * MINUTE, cost, opens, want, limit, in;
	size_t above = 0, wrong = 0, early = 0, k;
	struct rng r;

	rng_seed(&r, seed);
	for (k = 0; k < QUOTA_PACES; k++) {
		o.limits[k] = limits[k];
		(void)quota_opens(&q, limits[k], now, 1);
	}
	for (size_t i = 0; i < n; i++) {
		k = (size_t)rng_below(&r, QUOTA_PACES);
		limit = limits[k];
		cost = 1 + (int64_t)rng_below(&r, (uint64_t)most);
		opens = quota_opens(&q, limit, now, cost);
		want = o.even[k] - MINUTE / 60;
		in = window_lets(&o, limit, slot_of(now), cost);
		want = in > want ? in : want;
		if (cost > limit)
			want = QUOTA_NEVER;
		wrong += opens != want && (opens > now || want > now);
		/* Most of the time those that may not yet wait for it. */
		if (opens > now && opens < QUOTA_NEVER && rng_below(&r, 4) != 0) {
			early += quota_opens(&q, limit, opens - 1, cost) < opens;
			now = opens;
			opens = quota_opens(&q, limit, now, cost);
		}
		if (opens <= now) {
			above += spent_in_minute(&o.spent, now) + cost > limit;
			(void)spent_add(&o.spent, quota_take(&q, now, cost), cost);
			oracle_spend(&o, now, q.newest, cost);
		}
		if (correct && rng_below(&r, 3) == 0)
			correct_one(&q, &o, &r);
		if (rng_below(&r, 1000) == 0)
			now += (int64_t)rng_below(&r, 2 * MINUTE);
		else if (rng_below(&r, 3) == 0)
			now += (int64_t)rng_below(&r, SECOND / 50);
	}
	holds(above == 0, seed,
	    "limits up to %" PRId64 ": nobody spends above his own", limits[0]);
	holds(wrong == 0 && early == 0, seed,
	    "and it opens exactly when it should (%zu of %zu do not)",
	    wrong + early, n);
	free(o.spent.all);
}

static void
test_oracles(void)
{
	static const int64_t limits[][QUOTA_PACES] = {{3, 2, 1, 4},
	    {600, 300, 60, 599}, {100000, 90000, 1000, 50000},
	    {QUOTA_LIMIT_MAX, 10000, QUOTA_LIMIT_MAX - 1, 777777}};
	static const int64_t most[] = {1, 2, 3000, 20000};

	for (size_t i = 0; i < many(4); i++) {
		test_oracle(seed_of(i), 100000, limits[i % 4], most[i % 4], false);
		test_oracle(
		    seed_of(i) + 1000, 100000, limits[i % 4], most[i % 4], true);
	}
}

/* ---- what comes from outside ---- */

static void
test_bound(void)
{
	struct quota q;
	int64_t now = 500 * MINUTE, opens;
	size_t late = 0, i, j;
	struct rng r;

	rng_seed(&r, seed_of(0));
	for (i = 0; i < many(20000); i++) {
		for (j = 0; j < sizeof(q) / 8; j++)
			((uint64_t *)(void *)&q)[j] = rng_next(&r) >>
						      rng_below(&r, 64);
		if (rng_below(&r, 2) == 0)
			q.newest = slot_of(now);
		quota_bound(&q, now);
		opens = quota_opens(&q, 100, now, 1 + (int64_t)(i % 100));
		late += opens > now + MINUTE + SECOND;
		quota_take(&q, now, 100);
		quota_correct(&q, now, 100, (int64_t)(i % 1000));
		late += quota_opens(&q, 100, now + 2 * MINUTE, 100) >
			now + 2 * MINUTE;
	}
	holds(late == 0, seed_of(0),
	    "of any bytes: nobody is held back for more than a minute");
}

int
main(void)
{
	struct quota q = {.newest = 0};

	is_int(quota_opens(&q, 0, 5, 1 << 30), 0, "no limit, no wait");
	ok(quota_opens(&q, 10, MINUTE, 11) == QUOTA_NEVER,
	    "more than the limit never fits");
	ok(quota_opens(&q, 10, MINUTE, 10) <= MINUTE, "all of it does");
	quota_take(&q, MINUTE, 10);
	ok(quota_opens(&q, 0, MINUTE, 5) == 0 &&
		quota_opens(&q, 5, MINUTE, 1) > MINUTE + 30 * SECOND,
	    "what one without a limit spends counts for the others");
	ok(quota_is_limited(&q, MINUTE) && !quota_is_limited(&q, 3 * MINUTE),
	    "whether anybody has a limit is known for a minute");
	run("3 a minute", 10000, 3, 1, 0);
	run("600 a minute", 1000000, 600, 1, 0);
	run("600 a minute, with rests", 1000000, 600, 1, 20 * SECOND);
	run("1,000,000 a minute", 3000000, 1000000, 1, 0);
	run("tokens", 1000000, 150000, 4000, 0);
	run("tokens, with rests", 1000000, 150000, 4000, 90 * SECOND);
	run("few large ones", 100000, 10000, 10000, 2 * MINUTE);
	test_correction();
	test_oracles();
	test_bound();
	return done();
}
