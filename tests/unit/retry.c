/* Decisions after an attempt: what is tried again, and when. */
#include "pacing/retry.h"

#include "tap.h"

static struct retry_ruling
rule(enum retry_outcome outcome, int status, const char *code, const char *should)
{
	struct retry_facts f = {
	    outcome, status, span_str(code), SPAN_NONE, span_str(should)};

	return retry_rule(&f);
}

static void
status_is(int status, enum retry_verdict verdict, const char *class)
{
	struct retry_ruling r = rule(RETRY_GOT_STATUS, status, NULL, NULL);

	ok(r.verdict == verdict && strcmp(r.class, class) == 0, "HTTP %d: %s",
	    status, class);
}

static void
test_statuses(void)
{
	static const int again[] = {500, 502, 503, 504, 520, 529, 599};
	size_t i;

	for (i = 0; i < sizeof again / sizeof *again; i++)
		status_is(again[i], RETRY_AGAIN, "server");
	status_is(408, RETRY_AGAIN, "timeout");
	status_is(409, RETRY_AGAIN, "conflict");
	status_is(425, RETRY_AGAIN, "conflict");
	status_is(429, RETRY_AGAIN, "rate_limit");
	status_is(400, RETRY_FAIL, "bad_request");
	status_is(404, RETRY_FAIL, "not_found");
	status_is(413, RETRY_FAIL, "too_large");
	status_is(422, RETRY_FAIL, "bad_request");
	status_is(418, RETRY_FAIL, "bad_request");
	status_is(307, RETRY_FAIL, "redirect");
	status_is(401, RETRY_STOP, "auth");
	status_is(402, RETRY_STOP, "quota");
	status_is(403, RETRY_STOP, "auth");
}

static void
test_codes(void)
{
	struct retry_facts f = {RETRY_GOT_STATUS, 429, SPAN_NONE,
	    SPAN("insufficient_quota"), SPAN_NONE};
	struct retry_ruling r;

	r = rule(RETRY_GOT_STATUS, 429, "insufficient_quota", NULL);
	ok(r.verdict == RETRY_STOP && strcmp(r.class, "quota") == 0,
	    "a 429 whose code says that the quota is gone stops the run");
	ok(retry_rule(&f).verdict == RETRY_STOP,
	    "the error's type says it as well");
	r = rule(RETRY_GOT_STATUS, 429, "insufficient_quota", "true");
	ok(r.verdict == RETRY_STOP, "and no header overrides that");
	r = rule(RETRY_GOT_STATUS, 429, "slow_down", NULL);
	ok(r.verdict == RETRY_AGAIN && r.free,
	    "slow_down is an ordinary 429, without cost in attempts");
	r = rule(RETRY_GOT_STATUS, 500, "insufficient_quota", NULL);
	ok(r.verdict == RETRY_AGAIN, "the code of another status does not count");
	r = rule(RETRY_GOT_STATUS, 400, "API_KEY_INVALID", NULL);
	ok(r.verdict == RETRY_STOP && strcmp(r.class, "auth") == 0,
	    "a 400 whose code says that the key is none stops the run");
	r = rule(RETRY_GOT_STATUS, 400, "content_filter", NULL);
	ok(r.verdict == RETRY_FAIL && strcmp(r.class, "content_filter") == 0,
	    "a 400 of the content filter is its own class");
}

static void
test_outcomes(void)
{
	ok(rule(RETRY_GOT_ANSWER, 200, NULL, "false").verdict == RETRY_ANSWER,
	    "an answer");
	ok(rule(RETRY_GOT_RUBBISH, 200, NULL, NULL).verdict == RETRY_AGAIN,
	    "a 200 without an answer is tried again");
	ok(rule(RETRY_TRANSPORT, 0, NULL, NULL).verdict == RETRY_AGAIN,
	    "a broken connection");
	ok(!rule(RETRY_TRANSPORT, 0, NULL, NULL).free, "uses up an attempt");
	ok(rule(RETRY_REFUSED, 0, NULL, NULL).verdict == RETRY_AGAIN &&
		rule(RETRY_REFUSED, 0, NULL, NULL).free,
	    "a request that was not taken does not");
	ok(rule(RETRY_TIMED_OUT, 0, NULL, NULL).verdict == RETRY_AGAIN,
	    "a timeout");
	ok(rule(RETRY_OVERSIZE, 200, NULL, NULL).verdict == RETRY_FAIL,
	    "an endless answer");
	ok(rule(RETRY_MISCONFIGURED, 0, NULL, NULL).verdict == RETRY_STOP,
	    "a certificate that is refused");
	ok(rule(RETRY_GOT_STATUS, 500, NULL, "false").verdict == RETRY_FAIL,
	    "x-should-retry: false is obeyed");
	ok(rule(RETRY_GOT_STATUS, 400, NULL, "true").verdict == RETRY_AGAIN,
	    "x-should-retry: true is obeyed");
}

static void
test_backoff(void)
{
	unsigned i;
	int64_t most = 500000;

	ok(retry_backoff_us(0, 0) == 0, "full jitter begins at nothing");
	for (i = 0; i < 12; i++, most *= 2) {
		int64_t cap = most < 60000000 ? most : 60000000;

		ok(retry_backoff_us(i, 0.5) == cap / 2,
		    "failure %u: half of the range", i);
	}
	ok(retry_backoff_us(4000000000u, 0.999) < 60000000,
	    "never more than a minute");
	ok(retry_spread_us(2000000, 0) == 2000000,
	    "what was asked for is the least");
	ok(retry_spread_us(2000000, 0.999) < 2500000, "spread by up to a quarter");
	ok(retry_spread_us(60000000, 0.999) < 61000000, "or by a second");
}

static void
asked_is(const char *ms, const char *after, int64_t want)
{
	int64_t us = -1;
	/* 1994-11-06 08:49:07 GMT, thirty seconds before the date used below */
	bool there = retry_asked_us(
	    span_str(ms), span_str(after), INT64_C(784111747000), &us);

	ok(there == (want >= 0) && us == want, "retry-after-ms %s, retry-after %s",
	    ms == NULL ? "absent" : ms, after == NULL ? "absent" : after);
}

static void
test_asked(void)
{
	asked_is(NULL, NULL, -1);
	asked_is(NULL, "", -1);
	asked_is(NULL, "soon", -1);
	asked_is(NULL, "2", 2000000);
	asked_is(NULL, "0.25", 250000);
	asked_is(NULL, "0", 0);
	asked_is(NULL, "-3", 0);
	asked_is("150", "2", 150000);
	asked_is("", "2", 2000000);
	asked_is("1.5", NULL, 1500);
	asked_is(NULL, "1e99", INT64_C(31536000000000));
	asked_is(NULL, "Sun, 06 Nov 1994 08:49:37 GMT", 30000000);
	asked_is(NULL, "Sunday, 06-Nov-94 08:49:37 GMT", 30000000);
	asked_is(NULL, "Sun Nov  6 08:49:37 1994", 30000000);
	asked_is(NULL, "Sun, 06 Nov 1994 08:48:37 GMT", 0);
	asked_is(NULL, "Sun, 06 Nov 1994 08:49:37 CET", -1);
	asked_is(NULL, "Sun, 41 Nov 1994 08:49:37 GMT", -1);
}

static void
test_dates(void)
{
	int64_t t;

	ok(retry_http_date(SPAN("Thu, 01 Jan 1970 00:00:00 GMT"), &t) && t == 0,
	    "1970");
	ok(retry_http_date(SPAN("Thu, 29 Feb 2024 12:00:00 GMT"), &t) &&
		t == 1709208000,
	    "a leap day");
	ok(retry_http_date(SPAN("Tue, 19 Jan 2038 03:14:08 GMT"), &t) &&
		t == 2147483648,
	    "beyond 32 bits");
	ok(!retry_http_date(SPAN(""), &t) && !retry_http_date(SPAN("Sun,"), &t) &&
		!retry_http_date(SPAN("Sun Nov"), &t),
	    "no date");
}

int
main(void)
{
	test_statuses();
	test_codes();
	test_outcomes();
	test_backoff();
	test_asked();
	test_dates();
	return done();
}
