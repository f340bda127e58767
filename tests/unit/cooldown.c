/* Cooldowns over simulated time: one for many refusals, and no storm after it. */
#include "pacing/cooldown.h"

#include "io/rng.h"
#include "tap.h"

#define SECOND ((int64_t)1000000)

static void
test_one_for_many(void)
{
	struct cooldown c = {.epoch = 0};
	int64_t until;
	int i;

	ok(cooldown_opens(&c) == 0, "before any refusal nothing is held back");
	for (i = 0; i < 1000; i++)
		cooldown_refused(&c, SECOND + i, 0, 2 * SECOND, 0);
	is_int(c.epoch, 1, "a thousand refusals make one cooldown");
	is_int(c.until, 3 * SECOND + 999, "which ends after the last one's wait");
	ok(cooldown_refused(&c, 2 * SECOND, 0, 5 * SECOND, 0) &&
		c.until == 7 * SECOND,
	    "a longer Retry-After prolongs it");
	ok(cooldown_refused(&c, 2 * SECOND, 0, SECOND, 0) && c.until == 7 * SECOND,
	    "a shorter one does not shorten it");
	ok(cooldown_refused(&c, 6 * SECOND, 0, -1, 0) && c.until == 7 * SECOND,
	    "nor does one without");
	ok(!cooldown_refused(&c, 8 * SECOND, 0, 60 * SECOND, 0) && c.epoch == 1 &&
		cooldown_opens(&c) == 7 * SECOND,
	    "a call that was sent before it cannot begin another");
	cooldown_started(&c, 8 * SECOND, 16, 0);
	ok(cooldown_refused(&c, 9 * SECOND, c.epoch, 3 * SECOND, 0) &&
		c.epoch == 2 && cooldown_opens(&c) == 12 * SECOND,
	    "one that was sent after it does");
	until = c.until;
	cooldown_refused(&c, 9 * SECOND, 1, 3 * SECOND, 0);
	ok(c.epoch == 2 && c.until == until, "once");
}

static void
test_length(void)
{
	struct cooldown c = {.epoch = 0};
	int64_t now = SECOND;
	unsigned i;

	for (i = 0; i < 10; i++) {
		cooldown_refused(&c, now, c.epoch, -1, 0);
		if (c.until - now != (i < 6 ? SECOND << i : 60 * SECOND))
			break;
		now = c.until;
	}
	is_int(i, 10, "without Retry-After: doubled from a second to a minute");
	cooldown_answered(&c, c.epoch - 1);
	cooldown_refused(&c, now, c.epoch, -1, 0);
	is_int(
	    c.until - now, 60 * SECOND, "an answer from before it proves nothing");
	now = c.until;
	cooldown_answered(&c, c.epoch);
	cooldown_refused(&c, now, c.epoch, -1, 0.999);
	ok(c.until - now >= SECOND / 2 && c.until - now < SECOND,
	    "one to a call sent since begins anew; jitter takes up to half");
	now = c.until;
	cooldown_refused(&c, now, c.epoch, 0, 0.5);
	ok(cooldown_opens(&c) <= now, "Retry-After: 0 is no wait");
}

/* How many of n calls start in the first steps after a pause, by step. */
static void
resume(struct rng *r, uint64_t n, int64_t pause, uint64_t slots, uint64_t *by_step)
{
	struct cooldown c = {.epoch = 0};
	int64_t now, step;

	cooldown_refused(&c, SECOND, 0, pause, 0);
	step = c.step;
	for (uint64_t i = 0; i < n; i++) {
		now = cooldown_opens(&c);
		if (now == 0)
			return;
		if (now < SECOND + pause)
			by_step[0] = UINT64_MAX;
		if ((now - c.until) / step < 32)
			by_step[(now - c.until) / step]++;
		cooldown_started(&c, now, slots, rng_unit(r));
	}
}

static void
test_resumption(void)
{
	uint64_t by_step[32], sum, worst_first = 0;
	struct rng r;
	double growth, most = 0;
	int run, i;

	rng_seed(&r, 1);
	for (run = 0; run < 2000; run++) {
		memset(by_step, 0, sizeof by_step);
		resume(&r, 5000, 10 * SECOND, 4000, by_step);
		if (by_step[0] > worst_first)
			worst_first = by_step[0];
		for (sum = by_step[0], i = 1; i < 7; sum += by_step[i++]) {
			growth = (double)(sum + by_step[i]) / (double)sum;
			if (i >= 3 && growth > most)
				most = growth;
		}
	}
	ok(worst_first <= 12, "the first step sees a few calls (%d at most)",
	    (int)worst_first);
	ok(most < 5, "each later one multiplies them by about e (%.1f at most)",
	    most);
}

/*
 * A provider that takes limit calls a second and refuses the rest until the
 * next whole second; slots clients that want nothing else.
 */
struct world {
	struct cooldown c;
	struct rng r;
	int64_t now, window, arrived_since;
	uint64_t taken, refused, inside, stale_began, sent;
};

struct sent {
	int64_t lands;
	uint32_t epoch;
	int64_t asked; /* -1: answered */
};

static void
send_one(struct world *w, struct sent *s, uint64_t limit, uint64_t slots)
{
	w->inside += w->now < w->c.until;
	s->epoch = w->c.epoch;
	cooldown_started(&w->c, w->now, slots, rng_unit(&w->r));
	if (w->now / SECOND != w->window) {
		w->window = w->now / SECOND;
		w->arrived_since = 0;
	}
	w->sent++;
	s->asked = (uint64_t)++w->arrived_since <= limit
		       ? -1
		       : (w->window + 1) * SECOND - w->now;
	s->lands = w->now + 1000 + (int64_t)rng_below(&w->r, 300000);
}

static void
land_one(struct world *w, const struct sent *s)
{
	uint32_t before = w->c.epoch;

	if (s->asked < 0) {
		w->taken++;
		cooldown_answered(&w->c, s->epoch);
		return;
	}
	w->refused++;
	cooldown_refused(&w->c, w->now, s->epoch, s->asked, rng_unit(&w->r));
	w->stale_began += w->c.epoch != before && s->epoch != before;
}

static void
test_world(void)
{
	enum { SLOTS = 64 };
	struct world w = {.window = -1, .now = SECOND};
	struct sent flying[SLOTS];
	size_t n = 0, i, first;
	uint64_t stuck = 0;

	rng_seed(&w.r, 7);
	while (w.sent < 1000000 && stuck < 1000) {
		if (n < SLOTS && cooldown_opens(&w.c) <= w.now) {
			send_one(&w, &flying[n++], 100, SLOTS);
			continue;
		}
		for (first = 0, i = 1; i < n; i++)
			if (flying[i].lands < flying[first].lands)
				first = i;
		/* The next event: a call lands, or the lane opens. */
		if (n == 0 ||
		    (n < SLOTS && cooldown_opens(&w.c) < flying[first].lands)) {
			stuck = cooldown_opens(&w.c) <= w.now ? stuck + 1 : 0;
			w.now = cooldown_opens(&w.c);
			continue;
		}
		w.now = flying[first].lands;
		land_one(&w, &flying[first]);
		flying[first] = flying[--n];
	}
	is_int((long long)w.sent, 1000000, "a million calls: it never gets stuck");
	is_int((long long)w.inside, 0, "none starts inside a cooldown");
	is_int(
	    (long long)w.stale_began, 0, "none from before a cooldown begins one");
	ok(w.taken > w.refused * 4, "most of them are taken (%.1f%% refused)",
	    100 * (double)w.refused / (double)w.sent);
}

int
main(void)
{
	test_one_for_many();
	test_length();
	test_resumption();
	test_world();
	return done();
}
