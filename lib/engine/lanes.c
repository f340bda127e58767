/* Lanes: what one model's calls wait in, and when the next of them may start. */
#include "engine/private.h"

#include "base/mem.h"
#include "io/clock.h"
#include "io/num.h"

#include <stdlib.h>

/* max_completion_tokens, or as it was called before. */
static int64_t
most_out(struct span body)
{
	static const char *const names[] = {"max_completion_tokens", "max_tokens"};
	int64_t most;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (num_i64(json_get(body, names[i]), &most) == 0 && most >= 0 &&
		    most <= QUOTA_LIMIT_MAX)
			return most;
	return TOKENS_OUT;
}

int64_t
lanes_estimate(const struct lane *l, struct span body)
{
	/* Where nobody counts tokens, looking through the body is not worth it. */
	bool counted = l->tpm != 0 || l->tokens.told != 0;

	return (int64_t)body.n / BYTES_PER_TOKEN + 1 +
	       (counted ? most_out(body) : TOKENS_OUT);
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
	l->rpm = en->o->rpm != 0 ? en->o->rpm : p->rpm;
	l->tpm = en->o->tpm != 0 ? en->o->tpm : p->tpm;
	en->lanes = mem_resize(en->lanes, i + 1, sizeof *en->lanes);
	return en->lanes[en->nlanes++] = l;
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

static bool
is_paced(const struct lane *l)
{
	return l->cooldown.resuming || l->rpm != 0 || l->tpm != 0 ||
	       l->requests.told != 0 || l->tokens.told != 0;
}

/* From when on the first of those that wait may start. */
static int64_t
opens_at(struct lane *l, int64_t now)
{
	int64_t tokens = l->ready.first->tokens;
	const int64_t opens[] = {cooldown_opens(&l->cooldown),
	    quota_opens(&l->spent_requests, l->rpm, now, 1),
	    quota_opens(&l->spent_tokens, l->tpm, now, tokens),
	    meter_opens(&l->requests, 1), meter_opens(&l->tokens, tokens)};
	int64_t last = 0;

	for (size_t i = 0; i < sizeof opens / sizeof *opens; i++)
		if (opens[i] > last)
			last = opens[i];
	return last;
}

struct call *
lanes_next(struct engine *en)
{
	int64_t now = 0, opens, first = INT64_MAX;
	struct lane *l;
	size_t i;

	en->held_back = false;
	for (i = 0; i < en->nlanes; i++) {
		l = en->lanes[(en->lane_turn + i) % en->nlanes];
		if (l->ready.n == 0)
			continue;
		if (l->flying >= slots_of(en, l)) {
			adapt_full(&l->adapt);
			en->held_back = true;
			continue;
		}
		if (now == 0 && is_paced(l))
			now = clock_mono_us();
		opens = is_paced(l) ? opens_at(l, now) : 0;
		if (opens <= now) {
			en->lane_turn = (en->lane_turn + i + 1) % en->nlanes;
			return l->ready.first;
		}
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

	c->epoch = l->cooldown.epoch;
	c->stamp = adapt_stamp(&l->adapt);
	c->sent = clock_mono_us();
	l->flying++;
	l->flying_tokens += c->tokens;
	if (!is_paced(l))
		return;
	cooldown_started(
	    &l->cooldown, c->sent, slots_of(en, l), rng_unit(&en->rng));
	quota_take(&l->spent_requests, c->sent, 1);
	quota_take(&l->spent_tokens, c->sent, c->tokens);
	meter_take(&l->requests, 1);
	meter_take(&l->tokens, c->tokens);
}

/* 429, 503, 529 or silence: there is less to be had. */
static bool
is_overload(const struct http_call *hc)
{
	if (hc->outcome != HTTP_ANSWERED)
		return hc->outcome == HTTP_TIMED_OUT;
	return hc->status == 429 || hc->status == 503 || hc->status == 529;
}

static void
adapt_to(struct adapt *a, const struct call *c)
{
	if (is_overload(&c->http))
		adapt_refused(a, c->stamp);
	else if (c->http.outcome == HTTP_ANSWERED && c->http.status / 100 == 2)
		adapt_answered(a, c->stamp, c->http.micros);
}

void
lanes_landed(struct engine *en, struct call *c)
{
	struct lane *l = c->lane;
	struct rates r;
	size_t i;

	l->flying--;
	l->flying_tokens -= c->tokens;
	if (en->o->jobs_auto)
		adapt_to(&l->adapt, c);
	if (c->http.outcome != HTTP_ANSWERED)
		return;
	for (i = 0; i < RATES_HEADERS && c->http.kept[i].n == 0; i++)
		;
	if (i == RATES_HEADERS)
		return;
	rates_read(&r, c->http.kept, clock_wall_ms());
	meter_tell(&l->requests, clock_mono_us(), &r.requests, (int64_t)l->flying);
	meter_tell(&l->tokens, clock_mono_us(), &r.tokens, l->flying_tokens);
}

void
lanes_answered(struct engine *en, struct call *c, const struct dialect_usage *u)
{
	(void)en;
	cooldown_answered(&c->lane->cooldown, c->epoch);
	if (u->known && u->input >= 0 && u->output >= 0 &&
	    u->input < QUOTA_LIMIT_MAX && u->output < QUOTA_LIMIT_MAX)
		quota_correct(&c->lane->spent_tokens, c->sent, c->tokens,
		    u->input + u->output);
}

bool
lanes_refused(struct engine *en, struct call *c, int64_t asked_us)
{
	struct cooldown *cd = &c->lane->cooldown;
	uint32_t epoch = cd->epoch;
	int64_t now = clock_mono_us();
	bool held = cooldown_refused(
	    cd, now, c->epoch, asked_us, rng_unit(&en->rng));

	if (cd->epoch != epoch) {
		en->cooldowns++;
		engine_say(en, ENGINE_DEBUG,
		    "%s refuses calls for now: nothing is sent for %.1f s",
		    buf_cstr(&c->lane->name), (double)(cd->until - now) / 1e6);
	}
	return held;
}

void
lanes_free(struct engine *en)
{
	size_t i;

	loop_timer_clear(en->loop, &en->opening);
	for (i = 0; i < en->nlanes; i++) {
		buf_release(&en->lanes[i]->model);
		buf_release(&en->lanes[i]->name);
		free(en->lanes[i]);
	}
	free(en->lanes);
}
