/*
 * Second copies of calls that are slow to be answered: --hedge.
 *
 * A copy is a call of its own to the lane, which sends it when it has a slot, no
 * cooldown and quota for it, and to the marks.  All else is its call's: the jobs,
 * the attempts, what is recorded.
 */
#include "engine/private.h"

#include "base/mem.h"
#include "io/clock.h"

#include <inttypes.h>
#include <stdlib.h>

void
copies_open(struct engine *en, struct lane *l)
{
	if (en->o->hedge <= 0)
		return;
	l->hedge = mem_zero(1, sizeof *l->hedge);
	hedge_init(l->hedge, en->o->hedge);
}

struct call *
copies_call(struct call *x)
{
	return x->is_copy ? x->twin : x;
}

bool
copies_other_flies(const struct call *x)
{
	return x->twin != NULL && x->twin->place == CALL_FLIES;
}

/* ---- made ---- */

/* Whether it is in its lane's list of those that may be doubled, once it flies. */
static bool
is_single(const struct call *c)
{
	return c->lane->hedge != NULL && !c->is_copy && !c->doubled;
}

static void
make_copy(struct engine *en, struct call *c)
{
	struct call *copy = mem_zero(1, sizeof *copy);

	call_list_take(&c->lane->single, c);
	c->doubled = true;
	hedge_doubled(c->lane->hedge);
	copy->en = en;
	copy->provider = c->provider;
	copy->lane = c->lane;
	copy->size = c->size;
	copy->tokens = c->tokens;
	memcpy(copy->key, c->key, sizeof copy->key);
	buf_addspan(&copy->model, buf_span(&c->model));
	copy->mark = MARKS_NONE;
	copy->is_copy = true;
	copy->twin = c;
	c->twin = copy;
	calls_again(copy);
}

/* From when on it may be doubled; the time in which we were stopped is not its. */
static int64_t
due(struct engine *en, const struct call *c)
{
	return hedge_due(
	    c->lane->hedge, c->sent + loop_lost_us(en->loop) - c->lost);
}

/* The loop's next turn looks again. */
static void
on_hedging(void *arg)
{
	(void)arg;
}

void
copies_look(struct engine *en)
{
	int64_t now, at, next = HEDGE_NEVER;
	struct lane *l;
	size_t i;

	if (en->o->hedge <= 0 || en->no_sending)
		return;
	now = clock_mono_us();
	for (i = 0; i < en->nlanes; i++) {
		l = en->lanes[i];
		at = HEDGE_NEVER;
		while (l->single.first != NULL &&
		       (at = due(en, l->single.first)) <= now)
			make_copy(en, l->single.first);
		if (l->single.first != NULL && at < next)
			next = at;
	}
	en->hedging.fn = on_hedging;
	if (next == HEDGE_NEVER)
		loop_timer_clear(en->loop, &en->hedging);
	else if (en->hedging.slot == 0 || en->hedging.at != next)
		loop_timer_set(en->loop, &en->hedging, next);
}

void
copies_started(struct engine *en, struct call *x)
{
	const struct call *c = copies_call(x);

	if (x->lane->hedge == NULL)
		return;
	x->sent = clock_mono_us();
	x->lost = loop_lost_us(en->loop);
	if (x->is_copy) {
		engine_say(en, ENGINE_DEBUG,
		    "%s:%" PRIu64 ": no answer within %.1f s; sent once more",
		    c->jobs->file, c->jobs->lineno,
		    (double)(x->sent - c->sent) / 1e6);
		return;
	}
	hedge_sent(x->lane->hedge);
	if (is_single(x))
		call_list_add(&x->lane->single, x);
}

/* ---- ended ---- */

void
copies_free(struct engine *en, struct call *c)
{
	struct call *copy = c->twin;

	if (copy == NULL)
		return;
	flight_end(en, copy);
	c->twin = NULL;
	buf_release(&copy->model);
	free(copy);
}

/* As long as its call is in flight there will be no other. */
void
copies_drop(struct engine *en, struct call *copy)
{
	calls_unready(copy);
	hedge_spared(copy->lane->hedge);
	copies_free(en, copy->twin);
}

void
copies_landed(struct engine *en, struct call *x)
{
	if (is_single(x)) {
		call_list_take(&x->lane->single, x);
	} else if (!x->is_copy && x->twin != NULL && x->twin->place == CALL_READY) {
		copies_drop(en, x->twin);
		x->doubled = false;
	}
}

int64_t
copies_micros(struct call *x)
{
	return x->ask.micros + x->sent - copies_call(x)->sent;
}

void
copies_answered(struct engine *en, struct call *x)
{
	struct call *other = x->twin;

	if (x->lane->hedge != NULL)
		hedge_answered(x->lane->hedge, copies_micros(x));
	if (!copies_other_flies(x))
		return;
	en->broker->cancel(en->broker, &other->ask);
	other->place = CALL_LANDED;
	en->flying--;
	lanes_landed(en, other);
	money_landed(en, other);
	money_unknown(en, other);
}
