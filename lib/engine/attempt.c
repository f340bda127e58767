/* What an attempt came to: an answer, another attempt, a failure, the end of the
 * run. */
#include "engine/private.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/clock.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- what is done about it; x is the call that landed, or its copy ---- */

static void
tell_attempt(struct call *x, const char *class, const char *why, const char *then)
{
	const struct call *c = copies_call(x);

	engine_say(x->en, ENGINE_DEBUG, "%s:%" PRIu64 ": attempt %u: %s: %s; %s",
	    c->jobs->file, c->jobs->lineno, c->attempts, class, why, then);
}

/* Put off until its delay is over. */
static void
put_off(struct call *x, int64_t delay_us, const char *class, const char *why)
{
	char then[40];

	snprintf(then, sizeof then, "again in %.1f s", (double)delay_us / 1e6);
	tell_attempt(x, class, why, then);
	flight_end(x->en, copies_call(x));
	calls_put_off(x->en, copies_call(x), delay_us);
}

/* It waits with all others of its model. */
static void
hold_back(struct call *x, const char *class, const char *why)
{
	tell_attempt(x, class, why, "again when the model takes calls");
	flight_end(x->en, copies_call(x));
	calls_again(copies_call(x));
}

/* What comes of its call is the other copy's to say, while that is in flight. */
static void
leave_to_other(struct call *x)
{
	flight_end(x->en, x);
	x->place = CALL_LANDED;
}

/* Not answered, and not to be sent again in this run. */
static void
leave(struct call *x)
{
	if (copies_other_flies(x))
		leave_to_other(x);
	else
		calls_end(x->en, copies_call(x), NULL);
}

/* The server asks for more patience than there is. */
static void
refuse_wait(struct call *x, const char *class, int64_t asked_us)
{
	struct engine *en = x->en;
	char why[200];

	snprintf(why, sizeof why,
	    "the server asks to wait %.0f s, more than --max-wait allows (%.0f s)",
	    (double)asked_us / 1e6, (double)en->o->max_wait_us / 1e6);
	if (x->ask.status != 429) {
		calls_fail(en, copies_call(x), class, why, x->ask.status);
		return;
	}
	if (en->stop_status == 0)
		engine_say(en, ENGINE_ERROR, "%s: %s", class, why);
	engine_stop(en, STATUS_TEMPFAIL, "%s: %s", class, why);
	en->no_reading = true;
	leave(x);
	engine_stop_sending(en);
}

/* Whether it is the model that takes no calls for now. */
static bool
is_limit(const struct call *x, const struct retry_ruling *r)
{
	return r->free && x->ask.reached;
}

static void
try_again(struct call *x, const struct retry_ruling *r, const char *why)
{
	struct engine *en = x->en;
	struct call *c = copies_call(x);
	int64_t asked = x->ask.asked_us, delay;

	c->again = r->class;
	if (r->free)
		c->limited++;
	else
		c->failures++;
	if (c->failures >= en->o->attempts || c->limited >= LIMITED_MOST) {
		calls_fail(en, c, r->class, why, x->ask.status);
		return;
	}
	if (en->no_sending) {
		calls_end(en, c, NULL);
		return;
	}
	if (asked > en->o->max_wait_us) {
		refuse_wait(x, r->class, asked);
		return;
	}
	if (asked >= 0)
		delay = retry_spread_us(asked, rng_unit(&en->rng));
	else
		delay = retry_backoff_us(
		    r->free ? c->limited - 1 : c->failures - 1, rng_unit(&en->rng));
	if (is_limit(x, r) && lanes_refused(en, x, asked)) {
		hold_back(x, r->class, why);
		return;
	}
	put_off(x, delay, r->class, why);
}

/* It failed, and the other copy may be answered yet.  A 429 is news all the same.
 */
static void
await_other(struct call *x, const struct retry_ruling *r, const char *why)
{
	struct engine *en = x->en;
	int64_t asked = x->ask.asked_us;

	tell_attempt(x, r->class, why, "its copy is in flight");
	if (is_limit(x, r) && asked > en->o->max_wait_us && !en->no_sending) {
		refuse_wait(x, r->class, asked);
		return;
	}
	if (is_limit(x, r))
		(void)lanes_refused(en, x, asked);
	leave_to_other(x);
}

/* No call can succeed. The entry has not failed: a later run may have it answered.
 */
static void
stop_run(struct call *x, const struct retry_ruling *r, const char *why)
{
	struct engine *en = x->en;
	bool config = x->ask.hopeless;
	int status = config ? STATUS_CANNOT : STATUS_TEMPFAIL;

	if (en->stop_status == 0)
		engine_say(en, ENGINE_ERROR, "%s: %s: %s; stopping",
		    config ? x->provider->base_url : "provider refusing", r->class,
		    why);
	engine_stop(en, status, "%s: %s",
	    config ? "cannot connect" : "provider refusing", why);
	en->no_reading = true;
	leave(x);
	engine_stop_sending(en);
}

/*
 * With other models to ask, one that refuses every call is asked no more, and
 * the run goes on.
 */
static bool
go_without(struct call *x, const struct retry_ruling *r, const char *why)
{
	struct engine *en = x->en;

	if (!further_falls_back(en, r->class) || !x->ask.reached)
		return false;
	if (x->lane->refused == NULL)
		engine_say(en, ENGINE_WARN,
		    "%s is asked no more: provider refusing: %s: %s",
		    buf_cstr(&x->lane->name), r->class, why);
	x->lane->refused = r->class;
	if (copies_other_flies(x))
		leave_to_other(x);
	else
		calls_fail(en, copies_call(x), r->class, why, x->ask.status);
	return true;
}

/* The broker left it. */
static void
take_left(struct call *x)
{
	struct engine *en = x->en;

	en->let_be++;
	if (!x->ask.reached)
		account_not_asked(en, x);
	if (x->ask.no_more && !en->no_sending) {
		engine_say(en, ENGINE_WARN, "%s; stopping", x->ask.why);
		engine_stop(en, STATUS_TEMPFAIL, "%s", x->ask.why);
		en->no_reading = true;
	}
	leave(x);
	if (x->ask.no_more)
		engine_stop_sending(en);
}

static void
take_answer(struct call *x)
{
	struct engine *en = x->en;
	struct call *c = copies_call(x);
	struct outcome *o = mem_zero(1, sizeof *o);

	lanes_answered(en, x, &x->ask.answer.usage);
	copies_answered(en, x);
	record_answer(en, c, x, &x->ask.answer.usage);
	o->text = x->ask.response;
	x->ask.response = BUF_INIT;
	o->aside = x->ask.answer.aside;
	o->attempts = (int)c->attempts;
	o->recorded = en->ledger != NULL;
	calls_end(en, c, o);
}

static void
take_failure(struct call *x)
{
	const struct dialect_usage *u = &x->ask.answer.usage;
	const struct retry_ruling *r = &x->ask.ruling;
	const char *why = x->ask.why;
	struct call *c = copies_call(x);

	if (r->verdict == RETRY_STOP) {
		if (!go_without(x, r, why))
			stop_run(x, r, why);
	} else if (copies_other_flies(x))
		await_other(x, r, why);
	else if (r->verdict == RETRY_AGAIN)
		try_again(x, r, why);
	else
		calls_fail(x->en, c, r->class, why, x->ask.status);
	if (u->known || (c->place == CALL_ENDED && c->outcome != NULL))
		record_failure(x->en, c, x, r->class, u);
	/* Where its call goes on it does without this one. */
	if (x->is_copy && c->place != CALL_ENDED)
		copies_free(x->en, c);
}

void
attempt_done(struct broker_call *ask)
{
	struct call *x = ask->arg;
	struct engine *en = x->en;

	en->flying--;
	lanes_landed(en, x);
	money_landed(en, x);
	copies_landed(en, x);
	account_ended(en, x, &ask->answer.usage, ask->answered);
	money_ended(en, x, &ask->answer.usage, ask->answered);
	if (ask->answered)
		take_answer(x);
	else if (ask->left)
		take_left(x);
	else
		take_failure(x);
}
