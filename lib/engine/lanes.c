/* Lanes: what one model's calls wait in, and when the next of them may start. */
#include "engine/private.h"

#include "base/mem.h"
#include "io/clock.h"

#include <stdlib.h>

struct lane *
lanes_of(struct engine *en, struct span model)
{
	struct lane *l;
	size_t i;

	for (i = 0; i < en->nlanes; i++)
		if (span_eq(buf_span(&en->lanes[i]->model), model))
			return en->lanes[i];
	/* Models beyond these share the last lane: paced more than they need. */
	if (i == LANES_MOST)
		return en->lanes[i - 1];
	l = mem_zero(1, sizeof *l);
	buf_addspan(&l->model, model);
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

/* From when on the first of those that wait may start. */
static int64_t
opens_at(const struct lane *l)
{
	return cooldown_opens(&l->cooldown);
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
		opens = opens_at(l);
		if (opens > 0 && now == 0)
			now = clock_mono_us();
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
	if (cooldown_opens(&l->cooldown) != 0)
		cooldown_started(&l->cooldown, clock_mono_us(), en->jobs_most,
		    rng_unit(&en->rng));
}

void
lanes_answered(struct engine *en, struct call *c)
{
	(void)en;
	cooldown_answered(&c->lane->cooldown, c->epoch);
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
		    buf_cstr(&c->lane->model), (double)(cd->until - now) / 1e6);
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
		free(en->lanes[i]);
	}
	free(en->lanes);
}
