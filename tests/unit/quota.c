/* Quotas over simulated time: never above, never idle while it is permitted. */
#include "pacing/quota.h"

#include "io/rng.h"
#include "tap.h"

#define SECOND ((int64_t)1000000)
#define MINUTE (60 * SECOND)

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
	struct quota q;
	struct rng r;
	int64_t now = 1000 * MINUTE, begun = now, opens, cost, total = 0;
	bool early = false;
	double rate;

	rng_seed(&r, (uint64_t)limit);
	quota_init(&q, limit, MINUTE);
	l.spent = malloc(n * sizeof *l.spent);
	for (size_t i = 0; i < n; i++) {
		cost = 1 + (int64_t)rng_below(&r, (uint64_t)most);
		opens = quota_opens(&q, now, cost);
		if (opens > now) {
			early |= quota_opens(&q, opens - 1, cost) < opens;
			now = opens;
		}
		early |= quota_opens(&q, now, cost) > now;
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
	struct quota q;
	int64_t now = MINUTE, i, total = 0;

	quota_init(&q, 60000, MINUTE);
	for (i = 0; i < 60000; i++) {
		if (quota_opens(&q, now, 1000) > now)
			now = quota_opens(&q, now, 1000);
		quota_take(&q, now, 1000);
		quota_correct(&q, now, 1000, 10);
		total += 10;
	}
	ok(now - MINUTE < 11 * MINUTE && now - MINUTE > 9 * MINUTE,
	    "what was charged too much comes back: %lld tokens in %lld minutes",
	    (long long)total, (long long)((now - MINUTE) / MINUTE));
	quota_init(&q, 600, MINUTE);
	quota_take(&q, MINUTE, 10);
	quota_correct(&q, MINUTE, 10, 300);
	ok(quota_opens(&q, MINUTE, 301) > MINUTE + 50 * SECOND &&
		quota_opens(&q, MINUTE, 300) < MINUTE + 50 * SECOND,
	    "what was charged too little is taken then");
	quota_correct(&q, MINUTE, 300, 1 << 30);
	ok(quota_opens(&q, MINUTE, 1) <= 2 * MINUTE + SECOND,
	    "and holds nothing back for more than a window");
	quota_correct(&q, MINUTE, 600, 0);
	is_int(q.sum, 0, "all of it may come back");
	quota_take(&q, 2 * MINUTE, 600);
	quota_correct(&q, MINUTE / 2, 600, 0);
	is_int(q.sum, 600, "but not once it has left the window");
}

int
main(void)
{
	struct quota none = {.limit = 0}, q;

	is_int(quota_opens(&none, 5, 1 << 30), 0, "no limit, no wait");
	quota_take(&none, 5, 7);
	quota_init(&q, 10, MINUTE);
	ok(quota_opens(&q, MINUTE, 11) == QUOTA_NEVER,
	    "more than the limit never fits");
	ok(quota_opens(&q, MINUTE, 10) <= MINUTE, "all of it does");
	run("3 a minute", 10000, 3, 1, 0);
	run("600 a minute", 1000000, 600, 1, 0);
	run("600 a minute, with rests", 1000000, 600, 1, 20 * SECOND);
	run("1,000,000 a minute", 3000000, 1000000, 1, 0);
	run("tokens", 1000000, 150000, 4000, 0);
	run("tokens, with rests", 1000000, 150000, 4000, 90 * SECOND);
	run("few large ones", 100000, 10000, 10000, 2 * MINUTE);
	test_correction();
	return done();
}
