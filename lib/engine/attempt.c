/* What an attempt came to: an answer, another attempt, a failure, the end of the
 * run. */
#include "engine/private.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/clock.h"
#include "pacing/retry.h"

#include <inttypes.h>
#include <stdio.h>

enum { KEY_LEAST = 8 }; /* shorter ones are no secrets, but words */

void
attempt_mask_key(const struct provider *p, char *text, size_t n)
{
	const char *key = p->key;
	size_t k = key == NULL ? 0 : strlen(key);
	char *at;

	if (k < KEY_LEAST)
		return;
	while ((at = memmem(text, n, key, k)) != NULL) {
		memset(at, '*', k);
		n -= (size_t)(at + k - text);
		text = at + k;
	}
}

static void
read_error(const struct provider *p, struct span body, struct dialect_error *de)
{
	struct buf masked = BUF_INIT;

	buf_addspan(&masked, body);
	if (masked.len > 0)
		attempt_mask_key(p, masked.data, masked.len);
	p->dialect->error(buf_span(&masked), de);
	buf_release(&masked);
}

/*
 * What came in pieces is one body from here on; 0, or -1 and e where it did not
 * come whole.  The answer's bytes are joined's then.
 */
static int
join_pieces(const struct provider *p, struct http_call *hc, struct buf *joined,
    struct err *e)
{
	if (!dialect_is_stream(hc->answer))
		return 0;
	if (p->dialect->join(joined, hc->answer, e) != 0)
		return -1;
	hc->answer = buf_span(joined);
	return 0;
}

static bool
read_answer(struct call *x, struct buf *joined, struct buf *response,
    struct dialect_answer *a, struct err *e)
{
	const struct provider *p = x->provider;
	struct http_call *hc = &x->http;

	if (x->en->o->stream && join_pieces(p, hc, joined, e) != 0)
		return false;
	return dialect_check(hc->answer, e) == 0 &&
	       p->dialect->answer(
		   response, hc->answer, buf_span(&x->model), a, e) == 0;
}

/* Some say when to come back in the error's body, and in no header. */
static void
heed_error(struct http_call *hc, const struct dialect_error *de)
{
	if (hc->retry_after[0] == '\0' && hc->retry_after_ms[0] == '\0')
		memcpy(hc->retry_after, de->retry_after, sizeof de->retry_after);
}

/* What the attempt came to, in words. */
static void
describe(char *out, size_t size, const struct http_call *hc,
    const struct err *rubbish, const struct dialect_error *de)
{
	if (hc->outcome != HTTP_ANSWERED)
		snprintf(out, size, "%s", hc->error);
	else if (hc->status >= 200 && hc->status < 300)
		snprintf(out, size, "%s", rubbish->text);
	else if (hc->status >= 300 && hc->status < 400)
		snprintf(out, size,
		    "the server redirects (HTTP %d); give its real address with "
		    "--base-url",
		    hc->status);
	else
		snprintf(out, size, "HTTP %d%s%s%s%s%s", hc->status,
		    de->message[0] != '\0' ? ": " : "", de->message,
		    de->code[0] != '\0' ? " (" : "", de->code,
		    de->code[0] != '\0' ? ")" : "");
}

static enum retry_outcome
outcome_of(const struct http_call *hc, bool answer)
{
	switch (hc->outcome) {
	case HTTP_TIMED_OUT:
		return RETRY_TIMED_OUT;
	case HTTP_TRANSPORT:
		return RETRY_TRANSPORT;
	case HTTP_REFUSED:
		return RETRY_REFUSED;
	case HTTP_TOO_LARGE:
		return RETRY_OVERSIZE;
	case HTTP_CONFIG:
		return RETRY_MISCONFIGURED;
	default:
		break;
	}
	if (answer)
		return RETRY_GOT_ANSWER;
	return hc->status >= 200 && hc->status < 300 ? RETRY_GOT_RUBBISH
						     : RETRY_GOT_STATUS;
}

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

/* -1: it asks for no time. */
static int64_t
asked_by_server(const struct http_call *hc)
{
	int64_t asked;

	if (hc->outcome == HTTP_ANSWERED &&
	    retry_asked_us(span_str(hc->retry_after_ms), span_str(hc->retry_after),
		clock_wall_ms(), &asked))
		return asked;
	return -1;
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
	if (x->http.status != 429) {
		calls_fail(en, copies_call(x), class, why, x->http.status);
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
	return r->free && x->http.outcome == HTTP_ANSWERED;
}

static void
try_again(struct call *x, const struct retry_ruling *r, const char *why)
{
	struct engine *en = x->en;
	struct call *c = copies_call(x);
	int64_t asked = asked_by_server(&x->http), delay;

	c->again = r->class;
	if (r->free)
		c->limited++;
	else
		c->failures++;
	if (c->failures >= en->o->attempts || c->limited >= LIMITED_MOST) {
		calls_fail(en, c, r->class, why, x->http.status);
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
	int64_t asked = asked_by_server(&x->http);

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
	bool config = x->http.outcome == HTTP_CONFIG;
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

	if (!further_falls_back(en, r->class) || x->http.outcome != HTTP_ANSWERED)
		return false;
	if (x->lane->refused == NULL)
		engine_say(en, ENGINE_WARN,
		    "%s is asked no more: provider refusing: %s: %s",
		    buf_cstr(&x->lane->name), r->class, why);
	x->lane->refused = r->class;
	if (copies_other_flies(x))
		leave_to_other(x);
	else
		calls_fail(en, copies_call(x), r->class, why, x->http.status);
	return true;
}

static void
take_answer(struct call *x, struct buf *response, const struct dialect_answer *a)
{
	struct engine *en = x->en;
	struct call *c = copies_call(x);
	struct outcome *o = mem_zero(1, sizeof *o);

	lanes_answered(en, x, &a->usage);
	copies_answered(en, x);
	record_answer(en, c, x, &a->usage);
	o->text = *response;
	o->aside = a->aside;
	o->attempts = (int)c->attempts;
	o->recorded = en->ledger != NULL;
	calls_end(en, c, o);
}

static void
take_failure(struct call *x, const struct retry_ruling *r, const char *why,
    const struct dialect_usage *u)
{
	struct call *c = copies_call(x);

	if (r->verdict == RETRY_STOP) {
		if (!go_without(x, r, why))
			stop_run(x, r, why);
	} else if (copies_other_flies(x))
		await_other(x, r, why);
	else if (r->verdict == RETRY_AGAIN)
		try_again(x, r, why);
	else
		calls_fail(x->en, c, r->class, why, x->http.status);
	if (u->known || (c->place == CALL_ENDED && c->outcome != NULL))
		record_failure(x->en, c, x, r->class, u);
	/* Where its call goes on it does without this one. */
	if (x->is_copy && c->place != CALL_ENDED)
		copies_free(x->en, c);
}

void
attempt_done(struct http_call *hc)
{
	struct call *x = hc->arg;
	struct engine *en = x->en;
	const struct provider *p = x->provider;
	struct dialect_answer a = {.aside = NULL};
	struct dialect_error de = {.message = ""};
	struct buf response = BUF_INIT, joined = BUF_INIT;
	struct err e = ERR_INIT;
	struct retry_facts facts;
	struct retry_ruling r;
	bool answer = false;
	char why[700];

	en->flying--;
	lanes_landed(en, x);
	money_landed(en, x);
	copies_landed(en, x);
	if (hc->outcome == HTTP_ANSWERED && hc->status >= 200 && hc->status < 300)
		answer = read_answer(x, &joined, &response, &a, &e);
	else if (hc->outcome == HTTP_ANSWERED) {
		read_error(p, hc->answer, &de);
		heed_error(hc, &de);
	}
	account_ended(en, x, &a.usage, answer);
	money_ended(en, x, &a.usage, answer);
	if (answer) {
		take_answer(x, &response, &a);
		buf_release(&joined);
		return;
	}
	buf_release(&response);
	facts = (struct retry_facts){outcome_of(hc, answer), hc->status,
	    span_str(de.code), span_str(de.type), span_str(hc->should_retry)};
	r = retry_rule(&facts);
	describe(why, sizeof why, hc, &e, &de);
	attempt_mask_key(p, why, strlen(why));
	take_failure(x, &r, why, &a.usage);
	buf_release(&joined);
}
