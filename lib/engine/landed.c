#include "engine/landed.h"

#include "io/clock.h"
#include "pacing/retry.h"

#include <stdio.h>
#include <string.h>

enum { SECRET_LEAST = 8 }; /* shorter ones are no secrets, but words */

/* ---- what is read off any ---- */

/* 429, 503, 529 or silence: there is less to be had. */
static bool
is_overload(const struct http_call *hc)
{
	if (hc->outcome != HTTP_ANSWERED)
		return hc->outcome == HTTP_TIMED_OUT;
	return hc->status == 429 || hc->status == 503 || hc->status == 529;
}

void
landed_note(struct broker_call *c, const struct http_call *hc)
{
	c->reached = hc->outcome == HTTP_ANSWERED;
	c->overloaded = is_overload(hc);
	c->hopeless = hc->outcome == HTTP_CONFIG;
	c->status = hc->status;
	c->rates = c->reached ? hc->kept : NULL;
	c->micros = hc->micros;
	c->first_micros = hc->first_micros;
}

/* ---- what is no answer ---- */

void
landed_mask(const char *const *secrets, char *text, size_t n)
{
	size_t k, left;
	char *at, *from;

	for (; *secrets != NULL; secrets++) {
		k = strlen(*secrets);
		if (k < SECRET_LEAST)
			continue;
		from = text;
		left = n;
		while ((at = memmem(from, left, *secrets, k)) != NULL) {
			memset(at, '*', k);
			left -= (size_t)(at + k - from);
			from = at + k;
		}
	}
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
explain(char *out, size_t size, const struct http_call *hc,
    const struct err *rubbish, const struct dialect_error *de)
{
	if (hc->outcome != HTTP_ANSWERED)
		snprintf(out, size, "%s", hc->error);
	else if (rubbish->text[0] != '\0')
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
outcome_of(const struct http_call *hc)
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
	case HTTP_FORBIDDEN:
		return RETRY_FORBIDDEN;
	case HTTP_CONFIG:
		return RETRY_MISCONFIGURED;
	default:
		break;
	}
	return hc->status >= 200 && hc->status < 300 ? RETRY_GOT_RUBBISH
						     : RETRY_GOT_STATUS;
}

void
landed_failed(struct broker_call *c, struct http_call *hc,
    const struct err *rubbish, const char *const *secrets, struct buf *masked)
{
	struct dialect_error de = {.message = ""};
	struct retry_facts facts;

	buf_release(&c->response);
	buf_addspan(masked, hc->answer);
	if (masked->len > 0)
		landed_mask(secrets, masked->data, masked->len);
	c->raw = buf_span(masked);
	if (c->reached && hc->status / 100 != 2) {
		c->provider->dialect->error(c->raw, &de);
		heed_error(hc, &de);
	}
	facts = (struct retry_facts){outcome_of(hc), hc->status, span_str(de.code),
	    span_str(de.type), span_str(hc->should_retry)};
	c->ruling = retry_rule(&facts);
	explain(c->why, sizeof c->why, hc, rubbish, &de);
	landed_mask(secrets, c->why, strlen(c->why));
	if (c->reached &&
	    !retry_asked_us(span_str(hc->retry_after_ms), span_str(hc->retry_after),
		clock_wall_ms(), &c->asked_us))
		c->asked_us = -1;
}
