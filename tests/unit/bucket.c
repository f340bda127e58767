/* A bucket that several processes share, over simulated time. */
#include "pacing/bucket.h"

#include "pacing_help.h"

enum { CLIENTS_MOST = 80, FLYING_MOST = 4096 };

enum state { RUNS, STOPPED, GONE };

/* A process, which always has calls to send. */
struct client {
	uint64_t who;
	int64_t rpm, tpm;
	int64_t least, most; /* tokens a call is taken for */
	double real;         /* the part of these that it comes to */
	uint64_t slots, flying;
	enum state state;
	int64_t wakes; /* when it asks again */
	int64_t resumes;
	int64_t tokens; /* of its next call */
	int64_t since;  /* it waits; -1: it does not */
	int64_t longest;
	uint64_t taken, tokens_taken;
};

struct flight {
	struct client *c;
	int64_t lands;
	int64_t
	    asked; /* -2: answered; else it was refused: Retry-After, -1: none */
	size_t requests, tokens; /* numbers of what was spent */
	struct bucket_taken taken;
};

struct world {
	struct bucket b;
	struct rng r;
	uint64_t seed;
	int64_t now, began;
	struct client clients[CLIENTS_MOST];
	size_t nclients;
	struct flight flying[FLYING_MOST];
	size_t nflying;
	struct spending requests, tokens;
	int64_t latency;  /* up to this */
	int64_t lateness; /* of a process that should wake: up to this */
	int64_t refuses_from, refuses_until; /* the server answers 429 ... */
	int64_t retry_after;                 /* ... with this */
	/* what came of it */
	size_t above, inside;
	int64_t opens; /* the first could have started, after the last event */
	int64_t idle_from, idle; /* the longest that it could have, and did not */
	struct spending starts;
};

static struct world *
world_new(uint64_t seed)
{
	struct world *w = mem_zero(1, sizeof(*w));

	rng_seed(&w->r, seed);
	w->seed = seed;
	w->now = w->began = 1000 * MINUTE;
	w->latency = SECOND / 5;
	w->idle_from = -1;
	w->opens = w->now;
	return w;
}

static void
world_free(struct world *w)
{
	free(w->requests.all);
	free(w->tokens.all);
	free(w->starts.all);
	free(w);
}

static struct client *
add_client(struct world *w, int64_t rpm, int64_t tpm, int64_t least, int64_t most)
{
	struct client *c = &w->clients[w->nclients++];

	*c = (struct client){.who = w->nclients,
	    .rpm = rpm,
	    .tpm = tpm,
	    .least = least,
	    .most = most,
	    .real = 1,
	    .slots = 16,
	    .tokens = least,
	    .since = -1,
	    .wakes = w->now};
	return c;
}

/* ---- one client ---- */

static void
fly(struct world *w, struct client *c, const struct bucket_taken *taken)
{
	struct flight *f = &w->flying[w->nflying++];
	bool refused = w->now >= w->refuses_from && w->now < w->refuses_until;

	w->inside += w->b.cooldown.resuming && w->now < w->b.cooldown.until;
	f->c = c;
	f->taken = *taken;
	f->asked = refused ? w->retry_after : -2;
	f->lands = w->now + 1000 + (int64_t)rng_below(&w->r, (uint64_t)w->latency);
	f->requests = spent_add(&w->requests, w->now, 1);
	f->tokens = spent_add(&w->tokens, w->now, c->tokens);
	(void)spent_add(&w->starts, w->now, (int64_t)c->who);
	if (c->rpm != 0)
		w->above += spent_in_minute(&w->requests, w->now) > c->rpm;
	if (c->tpm != 0)
		w->above += spent_in_minute(&w->tokens, w->now) > c->tpm;
	c->taken++;
	c->tokens_taken += (uint64_t)c->tokens;
	c->flying++;
	c->tokens = c->least +
		    (int64_t)rng_below(&w->r, (uint64_t)(c->most - c->least + 1));
}

static void
note_wait(struct world *w, struct client *c, bool waits)
{
	if (c->since >= 0 && w->now - c->since > c->longest)
		c->longest = w->now - c->since;
	c->since = waits ? w->now : -1;
}

static void
note_idle(struct world *w)
{
	if (w->idle_from >= 0 && w->now - w->idle_from > w->idle)
		w->idle = w->now - w->idle_from;
	w->idle_from = -1;
}

/* Sends what it may; returns when it has to wait. */
static void
act(struct world *w, struct client *c)
{
	struct bucket_taken taken;
	int64_t opens;

	c->wakes = INT64_MAX;
	while (c->flying < c->slots) {
		struct bucket_ask a = {c->who, c->rpm, c->tpm, c->tokens, c->slots,
		    c->flying + 1 < c->slots, rng_unit(&w->r)};

		opens = bucket_take(&w->b, &a, w->now, &taken);
		if (opens > w->now) {
			if (c->since < 0)
				note_wait(w, c, true);
			c->wakes = opens;
			if (w->lateness > 0)
				c->wakes += (int64_t)rng_below(
				    &w->r, (uint64_t)w->lateness);
			return;
		}
		note_wait(w, c, false);
		note_idle(w);
		fly(w, c, &taken);
	}
}

static void
land(struct world *w, size_t i)
{
	struct flight f = w->flying[i];
	int64_t real = (int64_t)((double)f.taken.tokens * f.c->real);

	w->flying[i] = w->flying[--w->nflying];
	f.c->flying--;
	if (f.c->state == GONE)
		return;
	if (f.asked == -2) {
		bucket_answered(&w->b, &f.taken, real);
		w->tokens.all[f.tokens].cost = real;
	} else
		(void)bucket_refused(
		    &w->b, &f.taken, w->now, f.asked, rng_unit(&w->r));
	if (f.c->state == RUNS)
		act(w, f.c);
}

/* ---- the world ---- */

/* From when on some client that waits could send, if turns did not matter. */
static int64_t
could_send(const struct world *w)
{
	struct quota requests = w->b.requests, tokens = w->b.tokens;
	int64_t first = INT64_MAX, opens[3], last;

	for (size_t i = 0; i < w->nclients; i++) {
		const struct client *c = &w->clients[i];

		if (c->state != RUNS || c->flying >= c->slots)
			continue;
		opens[0] = quota_opens(&requests, c->rpm, w->now, 1);
		opens[1] = quota_opens(&tokens, c->tpm, w->now, c->tokens);
		opens[2] = cooldown_opens(&w->b.cooldown);
		last = w->now;
		for (size_t k = 0; k < 3; k++)
			last = opens[k] > last ? opens[k] : last;
		first = last < first ? last : first;
	}
	return first;
}

/* Goes to the next event; false when it is later than until. */
static bool
step(struct world *w, int64_t until)
{
	struct client *next = NULL, *c;
	size_t lands = SIZE_MAX, i;
	int64_t at = until;

	for (c = w->clients; c < w->clients + w->nclients; c++) {
		if (c->state == STOPPED && c->resumes < at) {
			at = c->resumes;
			next = c;
		} else if (c->state == RUNS && c->wakes < at) {
			at = c->wakes;
			next = c;
		}
	}
	for (i = 0; i < w->nflying; i++)
		if (w->flying[i].lands < at) {
			at = w->flying[i].lands;
			lands = i;
		}
	if (at == until)
		return false;
	w->now = at > w->now ? at : w->now;
	if (w->opens < w->now && w->idle_from < 0)
		w->idle_from = w->opens;
	if (lands != SIZE_MAX)
		land(w, lands);
	else {
		next->state = RUNS;
		act(w, next);
	}
	return true;
}

static void
look(struct world *w)
{
	w->opens = could_send(w);
	if (w->opens == INT64_MAX)
		w->idle_from = -1; /* nobody waits any more */
}

/* As many events, with what could be sent looked at after each of them. */
static void
go(struct world *w, size_t events, bool looks)
{
	w->opens = INT64_MAX;
	while (events-- > 0 && step(w, INT64_MAX))
		if (looks)
			look(w);
}

static double
part_used(const struct world *w, uint64_t taken, int64_t limit)
{
	return (double)taken / ((double)(w->now - w->began) / (double)MINUTE) /
	       (double)limit;
}

/* ---- equal ones ---- */

static void
test_equal(uint64_t seed, size_t n, int64_t rpm, int64_t lateness)
{
	struct world *w = world_new(seed);
	uint64_t least = UINT64_MAX, most = 0, sum = 0;
	int64_t wait = 0, fair;

	w->lateness = lateness;
	for (size_t i = 0; i < n; i++)
		add_client(w, rpm, 0, 10, 10)->slots = 1 + (uint64_t)(rpm < 60000
									  ? rpm / 60
									  : 1000);
	/* What may be spent at once goes to the first; it is no part of this. */
	go(w, 10000, true);
	for (size_t i = 0; i < n; i++)
		w->clients[i].taken = 0;
	w->began = w->now;
	go(w, 60000, true);
	for (size_t i = 0; i < n; i++) {
		struct client *c = &w->clients[i];
		least = c->taken < least ? c->taken : least;
		most = c->taken > most ? c->taken : most;
		wait = c->longest > wait ? c->longest : wait;
		sum += c->taken;
	}
	holds(w->above == 0, seed,
	    "%zu at %" PRId64 " a minute: never above it together", n, rpm);
	holds(part_used(w, sum, rpm) > 0.98, seed, "%.1f%% of it is used",
	    100 * part_used(w, sum, rpm));
	holds(w->idle <= TURNS_LOOK_US + 2 * lateness + 2000, seed,
	    "it is idle for %.1f ms at most", (double)w->idle / 1e3);
	holds(most - least <= 2 + most / 20, seed,
	    "each gets its part: from %" PRIu64 " to %" PRIu64, least, most);
	fair = (int64_t)n * MINUTE / rpm;
	holds(wait <= 2 * fair + 2 * SECOND + 2 * (int64_t)n * lateness, seed,
	    "none waits longer than %.1f s (a round takes %.1f s)",
	    (double)wait / 1e6, (double)fair / 1e6);
	world_free(w);
}

/* ---- large ones beside small ones ---- */

static void
test_sizes(uint64_t seed)
{
	struct world *w = world_new(seed);
	const int64_t tpm = 100000;
	struct client *large;

	large = add_client(w, 0, tpm, 20000, 30000);
	for (size_t i = 0; i < 3; i++)
		add_client(w, 0, tpm, 50, 200)->slots = 40;
	w->latency = 2 * SECOND;
	go(w, 200000, false);
	holds(w->above == 0, seed, "tokens: never above");
	holds(large->longest < MINUTE, seed,
	    "calls that are large are not starved by small ones (%.1f s at most)",
	    (double)large->longest / 1e6);
	holds(large->taken > 100, seed, "%" PRIu64 " of them were sent",
	    large->taken);
	world_free(w);
}

/* What was charged too much comes back, to all. */
static void
test_refunds(uint64_t seed)
{
	struct world *w = world_new(seed);
	const int64_t tpm = 60000;
	uint64_t sum = 0;

	for (size_t i = 0; i < 3; i++)
		add_client(w, 0, tpm, 1000, 1000)->real = 0.01;
	w->latency = SECOND / 20;
	go(w, 30000, false);
	for (size_t i = 0; i < 3; i++)
		sum += w->clients[i].taken * 10;
	holds(w->above == 0, seed, "refunds: never above");
	holds(part_used(w, sum, tpm) > 0.5, seed,
	    "%.0f%% of the limit is used by calls that are charged a hundredfold",
	    100 * part_used(w, sum, tpm));
	world_free(w);
}

/* ---- different limits ---- */

static void
test_limits(uint64_t seed)
{
	struct world *w = world_new(seed);
	struct client *low = add_client(w, 300, 0, 10, 10),
		      *high = add_client(w, 600, 0, 10, 10),
		      *none = add_client(w, 0, 0, 10, 10);
	uint64_t before;

	none->state = GONE;
	go(w, 50000, false);
	holds(w->above == 0, seed, "different limits: nobody is above his own");
	holds(part_used(w, low->taken + high->taken, 600) > 0.98, seed,
	    "the higher one is used (%.1f%%)",
	    100 * part_used(w, low->taken + high->taken, 600));
	holds(high->taken > 20 * low->taken, seed,
	    "the lower one gets what is left: %" PRIu64 " of %" PRIu64, low->taken,
	    low->taken + high->taken);
	high->state = GONE;
	bucket_leave(&w->b, high->who);
	before = low->taken;
	w->began = w->now;
	go(w, 20000, false);
	holds(part_used(w, low->taken - before, 300) > 0.95, seed,
	    "and all of its own once it is alone (%.1f%%)",
	    100 * part_used(w, low->taken - before, 300));
	none->state = RUNS;
	none->wakes = w->now;
	go(w, 20000, false);
	holds(none->taken > 5000, seed,
	    "one without a limit is held back by nobody (%" PRIu64 ")",
	    none->taken);
	holds(w->above == 0, seed, "and counts for the others");
	world_free(w);
}

/* ---- those that are stopped and killed ---- */

static void
test_gone(uint64_t seed)
{
	struct world *w = world_new(seed);
	const int64_t rpm = 1200;
	int64_t until = w->now;
	uint64_t sum = 0;
	struct client *c;

	for (size_t i = 0; i < 8; i++)
		add_client(w, rpm, 0, 10, 10);
	while (w->requests.n < 40000) {
		until += (int64_t)rng_below(&w->r, 2 * SECOND);
		while (step(w, until))
			look(w);
		c = &w->clients[rng_below(&w->r, 8)];
		if (c->state == STOPPED)
			continue;
		if (rng_below(&w->r, 3) == 0) {
			/* Killed; another begins in its place. */
			sum += c->taken;
			c->taken = 0;
			c->who += 100;
			c->since = -1;
			c->wakes = w->now;
		} else {
			c->state = STOPPED;
			c->since = -1;
			c->resumes = w->now + (int64_t)rng_below(&w->r, 5 * SECOND);
		}
	}
	for (size_t i = 0; i < 8; i++)
		sum += w->clients[i].taken;
	holds(w->above == 0, seed, "stopped and killed ones: never above");
	holds(part_used(w, sum, rpm) > 0.9, seed,
	    "the others go on (%.1f%% of the limit)", 100 * part_used(w, sum, rpm));
	/* Several may be gone one after another. */
	holds(w->idle < 2 * (TURNS_GRACE_US + TURNS_LOOK_US), seed,
	    "after %.0f ms at most", (double)w->idle / 1e3);
	world_free(w);
}

/* More wait than there is room for. */
static void
test_crowd(uint64_t seed)
{
	struct world *w = world_new(seed);
	uint64_t sum = 0;

	for (size_t i = 0; i < CLIENTS_MOST; i++)
		add_client(w, 6000, 0, 10, 10);
	go(w, 100000, false);
	for (size_t i = 0; i < CLIENTS_MOST; i++)
		sum += w->clients[i].taken;
	holds(w->above == 0 && part_used(w, sum, 6000) > 0.98, seed,
	    "%d that wait: %.1f%% of the limit is used", CLIENTS_MOST,
	    100 * part_used(w, sum, 6000));
	world_free(w);
}

/* ---- cooldowns ---- */

static size_t
starts_between(const struct world *w, int64_t from, int64_t to)
{
	size_t n = 0;

	for (size_t i = 0; i < w->starts.n; i++)
		n += w->starts.all[i].when >= from && w->starts.all[i].when < to;
	return n;
}

static void
test_cooldown(uint64_t seed)
{
	struct world *w = world_new(seed);
	int64_t until;
	size_t i;

	for (i = 0; i < 4; i++)
		add_client(w, 0, 0, 10, 10);
	go(w, 5000, false);
	w->refuses_from = w->now;
	w->refuses_until = w->now + 1;
	w->retry_after = 5 * SECOND;
	/* All that fly are refused. */
	for (i = 0; i < w->nflying; i++)
		w->flying[i].asked = i % 2 == 0 ? 5 * SECOND
						: (int64_t)i * SECOND / 10;
	while (w->b.cooldown.epoch == 0)
		go(w, 1, false);
	while (w->now < w->b.cooldown.until)
		go(w, 1, false);
	until = w->b.cooldown.until;
	holds(w->b.cooldown.epoch == 1, seed,
	    "one refusal holds back all, however many come");
	go(w, 3000, false);
	holds(w->inside == 0, seed, "nothing starts inside it");
	holds(starts_between(w, until, until + SECOND / 10) <= 4, seed,
	    "afterwards they begin one by one (%zu in 0.1 s)",
	    starts_between(w, until, until + SECOND / 10));
	holds(starts_between(w, until, until + SECOND) <= 14, seed,
	    "all together (%zu in the first second)",
	    starts_between(w, until, until + SECOND));
	holds(
	    w->now > until && !w->b.cooldown.resuming, seed, "and go on as before");
	world_free(w);
}

/* ---- what is asked of one by hand ---- */

static void
test_by_hand(void)
{
	struct bucket b = {.sent = 0};
	struct bucket_ask one = {1, 60, 0, 10, 4, true, 0.5},
			  two = {2, 60, 0, 10, 4, false, 0.5};
	struct bucket_taken t;
	int64_t now = MINUTE;

	ok(bucket_take(&b, &one, now, &t) <= now &&
		bucket_take(&b, &one, now, &t) <= now,
	    "what is there goes to him who asks");
	ok(bucket_take(&b, &one, now, &t) == now + TURNS_LOOK_US,
	    "who has to wait promises to look again");
	ok(bucket_take(&b, &two, now, &t) > now && b.turns.n == 2,
	    "the next one waits behind");
	now += SECOND;
	/* Both looked now and then. */
	b.turns.turn[0].due = b.turns.turn[1].due = now;
	ok(bucket_take(&b, &two, now, &t) > now, "and is not let past");
	ok(bucket_take(&b, &one, now, &t) <= now, "the first one's turn");
	bucket_give_back(&b, &t);
	ok(b.sent == 2 && bucket_take(&b, &one, now, &t) <= now,
	    "what was not sent is given back");
	ok(bucket_take(&b, &one, now, &t) > now && b.turns.turn[0].who == 2,
	    "who had his turn waits behind the others");
	bucket_leave(&b, 2);
	ok(b.turns.n == 1 && b.turns.turn[0].who == 1, "who leaves is gone");
	now += SECOND;
	ok(bucket_take(&b, &two, now, &t) <= now,
	    "who did not look when it should have is passed");
	ok(bucket_take(&b, &two, now, &t) > now && b.turns.turn[0].who == 1 &&
		bucket_take(&b, &one, now + SECOND, &t) <= now + SECOND,
	    "and is the first again when it does");
	b.turns.n = 0;
	ok(bucket_counts_tokens(&b, now) == false, "nobody counts tokens");
	one.tpm = 20;
	(void)bucket_take(&b, &one, now, &t);
	ok(bucket_counts_tokens(&b, now), "somebody does");
	one.tpm = 5;
	ok(bucket_take(&b, &one, now, &t) == QUOTA_NEVER,
	    "what can never be is said to be so");
}

/* Puts one before the others that looks again only then. */
static struct turn *
put_sleeper(struct bucket *b, int64_t due, int64_t tokens)
{
	struct turn *one = turns_add(&b->turns, 50, 0);

	one->due = due;
	one->tpm = 60000;
	one->tokens = tokens;
	return one;
}

static void
test_passing(void)
{
	struct bucket b = {.sent = 0};
	struct bucket_ask a = {1, 0, 60000, 1, 9, false, 0.5};
	struct bucket_taken t;
	int64_t now = MINUTE;
	int n = 0;

	put_sleeper(&b, now + SECOND / 10, 100);
	while (n < 100 && bucket_take(&b, &a, now, &t) <= now)
		n++;
	is_int(n, TURNS_PASSES, "one that is asleep is passed some times");
	b = (struct bucket){.sent = 0};
	put_sleeper(&b, now, 100);
	ok(bucket_take(&b, &a, now, &t) > now, "one that is awake is not");
	/* It waits for more than there is just now. */
	b = (struct bucket){.sent = 0};
	(void)quota_take(&b.tokens, now - 30 * SECOND, 30000);
	put_sleeper(&b, now + SECOND / 10, 40000);
	ok(bucket_take(&b, &a, now, &t) > now,
	    "nor one that would never be let in so");
}

static void
test_long_turn(void)
{
	struct bucket b = {.sent = 0};
	struct bucket_ask one = {1, 60000, 0, 1, 9, true, 0.5},
			  two = {2, 60000, 0, 1, 9, true, 0.5};
	struct bucket_taken t;
	int64_t now = MINUTE;

	while (bucket_take(&b, &one, now, &t) <= now)
		;
	(void)bucket_take(&b, &two, now, &t);
	now += TURNS_LOOK_US;
	ok(bucket_take(&b, &one, now, &t) <= now &&
		bucket_take(&b, &one, now + TURNS_LONG_US, &t) <=
		    now + TURNS_LONG_US,
	    "a turn goes on while something is there");
	now += 2 * TURNS_LONG_US;
	ok(bucket_take(&b, &one, now, &t) > now &&
		bucket_take(&b, &two, now, &t) <= now,
	    "but not for long where others wait");
}

static void
test_slots(void)
{
	struct bucket b = {.sent = 0};
	struct bucket_ask one = {1, 0, 0, 1, 4, true, 0.5},
			  two = {2, 0, 0, 1, 4, true, 0.5};
	struct bucket_taken t;
	int64_t now = MINUTE;

	(void)bucket_take(&b, &one, now, &t);
	(void)bucket_refused(&b, &t, now, 4 * SECOND, 0);
	while (b.cooldown.resuming && now < 2 * MINUTE) {
		(void)bucket_take(&b, &one, now, &t);
		(void)bucket_take(&b, &two, now, &t);
		now += 1000;
	}
	/* With each its four, and perhaps the last of them unseen by the other. */
	ok(b.sent >= 8, "a cooldown is over when all that wait have started: %d",
	    (int)b.sent);
}

/* Of any bytes: it can be asked, and holds nobody for long. */
static void
test_bound(uint64_t seed)
{
	struct bucket *b = mem_zero(1, sizeof(*b));
	int64_t now = 3000 * MINUTE, opens;
	struct bucket_ask a = {7, 100, 1000, 10, 4, true, 0.5};
	size_t stuck = 0, i, j;
	struct bucket_taken t;
	struct rng r;

	rng_seed(&r, seed);
	for (i = 0; i < many(3000); i++) {
		for (j = 0; j < sizeof(*b) / 8; j++)
			((uint64_t *)(void *)b)[j] = rng_next(&r) >>
						     rng_below(&r, 64);
		b->turns.n = rng_below(&r, TURNS_MOST + 2);
		bucket_bound(b, now);
		/* A cooldown of a year is honoured, whoever says so. */
		b->cooldown.resuming = 0;
		for (j = 0; j < 10000; j++) {
			opens = bucket_take(b, &a, now, &t);
			if (opens <= now)
				break;
			if (opens > now + 2 * TURNS_GRACE_US)
				break;
			now = opens;
		}
		stuck += opens > now;
		bucket_answered(b, &t, 12);
		(void)bucket_refused(b, &t, now, -1, 0.5);
		stuck += bucket_size(b) > sizeof(*b);
	}
	holds(stuck == 0, seed, "one of any bytes can be used (%zu cannot)", stuck);
	free(b);
}

int
main(void)
{
	test_by_hand();
	test_passing();
	test_long_turn();
	test_slots();
	for (size_t i = 0; i < many(1); i++) {
		test_equal(seed_of(i), 1, 600, 0);
		test_equal(seed_of(i), 2, 600, 0);
		test_equal(seed_of(i), 4, 600, 5000);
		test_equal(seed_of(i), 4, 60000, 2000);
		test_equal(seed_of(i), 8, 30, 5000);
		test_equal(seed_of(i), 3, 1000000, 1000);
		test_sizes(seed_of(i));
		test_refunds(seed_of(i));
		test_limits(seed_of(i));
		test_gone(seed_of(i));
		test_crowd(seed_of(i));
		test_cooldown(seed_of(i));
		test_bound(seed_of(i));
	}
	return done();
}
