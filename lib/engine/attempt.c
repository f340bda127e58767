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

/* Put off until its delay is over. */
static void
put_off(struct engine *en, struct call *c, int64_t delay_us, const char *class,
    const char *why)
{
	engine_say(en, ENGINE_DEBUG,
	    "%s:%" PRIu64 ": attempt %u: %s: %s; again in %.1f s", c->jobs->file,
	    c->jobs->lineno, c->attempts, class, why, (double)delay_us / 1e6);
	flight_end(en, c);
	calls_put_off(en, c, delay_us);
}

/* It waits with all others of its model. */
static void
hold_back(struct engine *en, struct call *c, const char *class, const char *why)
{
	engine_say(en, ENGINE_DEBUG,
	    "%s:%" PRIu64 ": attempt %u: %s: %s; again when the model takes calls",
	    c->jobs->file, c->jobs->lineno, c->attempts, class, why);
	flight_end(en, c);
	calls_again(c);
}

/* The server asks for more patience than there is. */
static void
refuse_wait(struct engine *en, struct call *c, const char *class, int64_t asked_us)
{
	char why[200];

	snprintf(why, sizeof why,
	    "the server asks to wait %.0f s, more than --max-wait allows (%.0f s)",
	    (double)asked_us / 1e6, (double)en->o->max_wait_us / 1e6);
	if (c->http.status != 429) {
		calls_fail(en, c, class, why);
		return;
	}
	if (en->stop_status == 0)
		engine_say(en, ENGINE_ERROR, "%s: %s", class, why);
	engine_stop(en, STATUS_TEMPFAIL, "%s: %s", class, why);
	en->no_reading = true;
	calls_end(en, c, NULL);
	engine_stop_sending(en);
}

static void
try_again(struct engine *en, struct call *c, const struct retry_ruling *r,
    const char *why)
{
	int64_t asked = -1, delay;

	c->again = r->class;
	if (r->free)
		c->limited++;
	else
		c->failures++;
	if (c->failures >= en->o->attempts || c->limited >= LIMITED_MOST) {
		calls_fail(en, c, r->class, why);
		return;
	}
	if (en->no_sending) {
		calls_end(en, c, NULL);
		return;
	}
	delay = retry_backoff_us(
	    r->free ? c->limited - 1 : c->failures - 1, rng_unit(&en->rng));
	if (c->http.outcome == HTTP_ANSWERED &&
	    retry_asked_us(span_str(c->http.retry_after_ms),
		span_str(c->http.retry_after), clock_wall_ms(), &asked)) {
		if (asked > en->o->max_wait_us) {
			refuse_wait(en, c, r->class, asked);
			return;
		}
		delay = retry_spread_us(asked, rng_unit(&en->rng));
	}
	if (r->free && c->http.outcome == HTTP_ANSWERED &&
	    lanes_refused(en, c, asked)) {
		hold_back(en, c, r->class, why);
		return;
	}
	put_off(en, c, delay, r->class, why);
}

/* No call can succeed. The entry has not failed: a later run may have it answered.
 */
static void
stop_run(struct engine *en, struct call *c, const struct retry_ruling *r,
    const char *why)
{
	bool config = c->http.outcome == HTTP_CONFIG;
	int status = config ? STATUS_CANNOT : STATUS_TEMPFAIL;

	if (en->stop_status == 0)
		engine_say(en, ENGINE_ERROR, "%s: %s: %s; stopping",
		    config ? c->provider->base_url : "provider refusing", r->class,
		    why);
	engine_stop(en, status, "%s: %s",
	    config ? "cannot connect" : "provider refusing", why);
	en->no_reading = true;
	calls_end(en, c, NULL);
	engine_stop_sending(en);
}

static void
take_answer(struct engine *en, struct call *c, struct buf *response,
    const struct dialect_answer *a)
{
	struct outcome *o = mem_zero(1, sizeof *o);

	record_answer(en, c, &a->usage);
	o->text = *response;
	o->aside = a->aside;
	o->attempts = (int)c->attempts;
	o->recorded = en->ledger != NULL;
	calls_end(en, c, o);
}

void
attempt_done(struct http_call *hc)
{
	struct call *c = hc->arg;
	struct engine *en = c->en;
	const struct provider *p = c->provider;
	struct dialect_answer a = {.aside = NULL};
	struct dialect_error de = {{0}, {0}, {0}};
	struct buf response = BUF_INIT;
	struct err e = ERR_INIT;
	struct retry_facts facts;
	struct retry_ruling r;
	bool answer = false;
	char why[700];

	en->flying--;
	lanes_landed(en, c);
	if (hc->outcome == HTTP_ANSWERED && hc->status >= 200 && hc->status < 300)
		answer = dialect_check(hc->answer, &e) == 0 &&
			 p->dialect->answer(&response, hc->answer,
			     buf_span(&c->model), &a, &e) == 0;
	else if (hc->outcome == HTTP_ANSWERED)
		read_error(p, hc->answer, &de);
	account_ended(en, c, &a.usage, answer);
	if (answer) {
		lanes_answered(en, c, &a.usage);
		take_answer(en, c, &response, &a);
		return;
	}
	buf_release(&response);
	facts = (struct retry_facts){outcome_of(hc, answer), hc->status,
	    span_str(de.code), span_str(de.type), span_str(hc->should_retry)};
	r = retry_rule(&facts);
	describe(why, sizeof why, hc, &e, &de);
	attempt_mask_key(p, why, strlen(why));
	if (r.verdict == RETRY_AGAIN)
		try_again(en, c, &r, why);
	else if (r.verdict == RETRY_FAIL)
		calls_fail(en, c, r.class, why);
	else
		stop_run(en, c, &r, why);
	if (c->place == CALL_ENDED && c->outcome != NULL)
		record_failure(en, c, r.class);
}
