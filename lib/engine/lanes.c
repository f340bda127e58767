/* Lanes: what one model's calls wait in, and when the next of them may start. */
#include "engine/private.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/clock.h"
#include "io/num.h"

#include <stdlib.h>

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)

/* max_completion_tokens, or as it was called before. */
int64_t
lanes_limit(struct span body)
{
	static const char *const names[] = {"max_completion_tokens", "max_tokens"};
	int64_t most;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (num_i64(json_get(body, names[i]), &most) == 0 && most >= 0 &&
		    most <= QUOTA_LIMIT_MAX)
			return most;
	return 0;
}

int64_t
lanes_most_out(const struct engine *en, struct span body)
{
	int64_t most;

	if (en->broker->mute)
		return 0;
	most = lanes_limit(body);
	return most > 0 ? most : TOKENS_OUT;
}

int64_t
lanes_estimate(
    const struct engine *en, const struct lane *l, int64_t size, struct span body)
{
	/* Where nobody counts tokens, looking through the body is not worth it. */
	bool counted = l->tpm != 0 || bucket_counts_tokens(
					  budget_seen(l->budget), clock_mono_us());

	return size / BYTES_PER_TOKEN + 1 +
	       (counted || en->broker->mute ? lanes_most_out(en, body)
					    : TOKENS_OUT);
}

/* ---- lanes ---- */

/* Once in a run. */
static void
tell_trouble(struct engine *en, const struct lane *l)
{
	enum budget_trouble trouble;
	struct err e;

	if (en->alone_told)
		return;
	trouble = budget_trouble(l->budget, &e);
	if (trouble == BUDGET_SHARED)
		return;
	en->alone_told = true;
	engine_say(en, trouble == BUDGET_UNSAFE ? ENGINE_WARN : ENGINE_DEBUG,
	    "what other processes send is not counted: %s", e.text);
}

/* Opens it, so that it is known what others count. */
static void
look(struct engine *en, struct lane *l)
{
	int64_t now;

	do
		(void)budget_begin(l->budget, &now);
	while (!budget_end(l->budget));
	tell_trouble(en, l);
}

struct lane *
lanes_of(struct engine *en, const struct provider *p, struct span model)
{
	struct lane *l;
	size_t i;

	for (i = 0; i < en->nlanes; i++)
		if (en->lanes[i]->provider == p &&
		    span_eq(buf_span(&en->lanes[i]->model), model))
			return en->lanes[i];
	/* Models beyond these share the last lane: paced more than they need. */
	if (i == LANES_MOST)
		return en->lanes[i - 1];
	l = mem_zero(1, sizeof *l);
	l->provider = p;
	buf_addspan(&l->model, model);
	buf_addspan(&l->name, model);
	if (strcmp(p->name, PROVIDER_DEFAULT) != 0)
		buf_addf(&l->name, "@%s", p->name);
	if (en->o->jobs_auto)
		adapt_init(
		    &l->adapt, found_before(en, p, model), (unsigned)en->jobs_most);
	copies_open(en, l);
	money_price(en, l);
	l->rpm = en->o->rpm != 0 ? en->o->rpm : p->rpm;
	l->tpm = en->o->tpm != 0 ? en->o->tpm : p->tpm;
	l->budget = budget_new(p->base_url, p->key, model);
	look(en, l);
	en->lanes = mem_resize(en->lanes, i + 1, sizeof *en->lanes);
	return en->lanes[en->nlanes++] = l;
}

int64_t
lanes_cooldown_until(const struct lane *l)
{
	return budget_seen(l->budget)->cooldown.until;
}

/* The loop's next turn looks again at what may start. */
static void
on_opening(void *arg)
{
	(void)arg;
}

static void
wake_at(struct engine *en, int64_t at)
{
	en->opening.fn = on_opening;
	if (en->opening.slot == 0 || en->opening.at != at)
		loop_timer_set(en->loop, &en->opening, at);
}

static size_t
slots_of(const struct engine *en, const struct lane *l)
{
	return en->o->jobs_auto ? adapt_limit(&l->adapt) : en->jobs_most;
}

/* ---- what may start ---- */

/* What was granted to a call that was not sent after all. */
static void
give_back(struct lane *l)
{
	int64_t now;

	if (!l->granted)
		return;
	do
		bucket_give_back(budget_begin(l->budget, &now), &l->taken);
	while (!budget_end(l->budget));
	l->granted = false;
	l->sent.requests--;
	l->sent.tokens -= (uint64_t)l->taken.tokens;
}

/* It has nothing to send, and waits for nothing. */
static void
leave_queue(struct lane *l)
{
	int64_t now;

	if (!l->waits)
		return;
	do
		bucket_leave(budget_begin(l->budget, &now), budget_who(l->budget));
	while (!budget_end(l->budget));
	l->waits = false;
}

/*
 * Takes what its first call needs, so that no other process does. From when on it
 * may start, and the time now.
 */
static int64_t
take(struct engine *en, struct lane *l, int64_t *now)
{
	size_t slots = slots_of(en, l);
	struct bucket_ask a = {.who = budget_who(l->budget),
	    .rpm = l->rpm,
	    .tpm = l->tpm,
	    .tokens = l->ready.first->tokens,
	    .slots = engine_requests(en, slots),
	    .more = l->ready.n > 1 && l->flying + 1 < slots &&
		    en->flying + 1 < en->jobs_most,
	    .unit = rng_unit(&en->rng)};
	struct bucket *b;
	int64_t opens;

	do {
		b = budget_begin(l->budget, now);
		opens = bucket_take(b, &a, *now, &l->taken);
	} while (!budget_end(l->budget));
	tell_trouble(en, l);
	l->granted = opens <= *now;
	l->waits = !l->granted || a.more;
	if (!l->granted)
		return opens;
	l->sent.requests++;
	l->sent.tokens += (uint64_t)l->taken.tokens;
	return opens;
}

static bool
is_over_patience(struct engine *en, const struct cooldown *c, int64_t now)
{
	int64_t most = en->o->max_wait_us;

	/* Some wait so long unasked. */
	if (most < MINUTE_US)
		most = MINUTE_US;
	/* With what is added for jitter. */
	return c->until - now - 2 * SECOND_US > most;
}

static void
stop_impatient(struct engine *en, double left)
{
	if (en->stop_status == 0)
		engine_say(en, ENGINE_ERROR,
		    "rate_limit: the server asked another process to wait "
		    "(%.0f s are left), longer than --max-wait allows (%.0f s)",
		    left, (double)en->o->max_wait_us / 1e6);
	engine_stop(en, STATUS_TEMPFAIL,
	    "rate_limit: the server asked another process to wait (%.0f s are "
	    "left)",
	    left);
	en->no_reading = true;
	engine_stop_sending(en);
}

/* Another process may have been refused: then all wait. */
static void
heed_cooldown(struct engine *en, struct lane *l, int64_t now)
{
	const struct cooldown *c = &budget_seen(l->budget)->cooldown;
	double left = (double)(c->until - now) / 1e6;

	if (c->until <= now)
		return;
	if (c->epoch != l->epoch)
		engine_say(en, ENGINE_DEBUG,
		    "%s refuses calls of another process for now: nothing is sent "
		    "for %.1f s",
		    buf_cstr(&l->name), left);
	l->epoch = c->epoch;
	if (is_over_patience(en, c, now))
		stop_impatient(en, left);
}

/* Whether it has a call that a slot is free for. */
static bool
has_one(struct engine *en, struct lane *l)
{
	give_back(l);
	if (l->ready.n > 0 && l->flying < slots_of(en, l))
		return true;
	leave_queue(l);
	if (l->ready.n > 0) {
		adapt_full(&l->adapt);
		en->held_back = true;
	}
	return false;
}

struct call *
lanes_next(struct engine *en)
{
	int64_t now, opens, first = INT64_MAX;
	struct lane *l;
	size_t i;

	en->held_back = false;
	for (i = 0; i < en->nlanes; i++) {
		l = en->lanes[(en->lane_turn + i) % en->nlanes];
		if (!has_one(en, l))
			continue;
		opens = take(en, l, &now);
		if (l->granted) {
			en->lane_turn = (en->lane_turn + i + 1) % en->nlanes;
			return l->ready.first;
		}
		heed_cooldown(en, l, now);
		en->held_back = true;
		if (opens < first)
			first = opens;
	}
	if (first != INT64_MAX)
		wake_at(en, first);
	return NULL;
}

void
lanes_started(struct engine *en, struct call *c)
{
	struct lane *l = c->lane;
	const struct bucket *seen = budget_seen(l->budget);

	(void)en;
	c->stamp = adapt_stamp(&l->adapt);
	c->taken = l->taken;
	c->others.requests = seen->sent - l->sent.requests;
	c->others.tokens = seen->sent_tokens - l->sent.tokens;
	l->granted = false;
	l->flying++;
	l->flying_tokens += c->tokens;
}

/* ---- what came of it ---- */

static void
adapt_to(struct adapt *a, const struct call *c)
{
	if (c->ask.overloaded)
		adapt_refused(a, c->stamp);
	else if (c->ask.answered)
		adapt_answered(a, c->stamp, c->ask.micros);
}

/* What others have sent since; what the provider says may not count it yet. */
static int64_t
sent_since(uint64_t all, uint64_t ours, uint64_t then)
{
	int64_t n = (int64_t)(all - ours - then);

	return n < 0 ? 0 : n > QUOTA_LIMIT_MAX ? QUOTA_LIMIT_MAX : n;
}

static void
tell_rates(struct lane *l, const struct call *c)
{
	struct bucket *b;
	struct rates r;
	int64_t now;

	rates_read(&r, c->ask.rates, clock_wall_ms());
	do {
		b = budget_begin(l->budget, &now);
		bucket_tell(b, now, &r,
		    (int64_t)l->flying +
			sent_since(b->sent, l->sent.requests, c->others.requests),
		    l->flying_tokens + sent_since(b->sent_tokens, l->sent.tokens,
					   c->others.tokens));
	} while (!budget_end(l->budget));
}

void
lanes_landed(struct engine *en, struct call *c)
{
	struct lane *l = c->lane;
	size_t i;

	l->flying--;
	l->flying_tokens -= c->tokens;
	if (en->o->jobs_auto)
		adapt_to(&l->adapt, c);
	if (c->ask.rates == NULL)
		return;
	for (i = 0; i < RATES_HEADERS && c->ask.rates[i].n == 0; i++)
		;
	if (i < RATES_HEADERS)
		tell_rates(l, c);
}

void
lanes_answered(struct engine *en, struct call *c, const struct dialect_usage *u)
{
	struct budget *b = c->lane->budget;
	bool known = u->known && u->input >= 0 && u->output >= 0 &&
		     u->input < QUOTA_LIMIT_MAX && u->output < QUOTA_LIMIT_MAX;
	int64_t now;

	(void)en;
	do
		bucket_answered(budget_begin(b, &now), &c->taken,
		    known ? u->input + u->output : -1);
	while (!budget_end(b));
}

bool
lanes_refused(struct engine *en, struct call *c, int64_t asked_us)
{
	struct lane *l = c->lane;
	double unit = rng_unit(&en->rng);
	struct bucket *b;
	uint32_t before;
	int64_t now;
	bool held;

	do {
		b = budget_begin(l->budget, &now);
		before = b->cooldown.epoch;
		held = bucket_refused(b, &c->taken, now, asked_us, unit);
	} while (!budget_end(l->budget));
	if (b->cooldown.epoch != before) {
		en->cooldowns++;
		l->epoch = b->cooldown.epoch;
		engine_say(en, ENGINE_DEBUG,
		    "%s refuses calls for now: nothing is sent for %.1f s",
		    buf_cstr(&l->name), (double)(b->cooldown.until - now) / 1e6);
	}
	return held;
}

void
lanes_free(struct engine *en)
{
	size_t i;

	loop_timer_clear(en->loop, &en->opening);
	for (i = 0; i < en->nlanes; i++) {
		give_back(en->lanes[i]);
		budget_free(en->lanes[i]->budget);
		buf_release(&en->lanes[i]->model);
		buf_release(&en->lanes[i]->name);
		free(en->lanes[i]->hedge);
		free(en->lanes[i]);
	}
	free(en->lanes);
}
