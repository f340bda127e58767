/*
 * retry: what to do after an attempt, and when.  Pure: no clock, no network.
 *
 * Decisions go by what happened, the HTTP status, and the code or type of the
 * provider's error object; never by words in a text.  They follow the
 * providers' own client libraries:
 *
 *	transport error, request not taken, timeout, 408, 409, 425, 429, 5xx
 *	                                                    try again
 *	401, 402, 403, a 400 whose code says that the key is none, a 429 whose code
 *	says that the money is gone                         stop the run
 *	400, 404, 413, 422, any other 3xx or 4xx            this entry fails
 *	a 200 that is no answer                             try again
 *
 * x-should-retry overrides that, but where the account's money is gone.
 */
#ifndef BF_PACING_RETRY_H
#define BF_PACING_RETRY_H

#include "base/span.h"

#include <stdint.h>

enum retry_verdict {
	RETRY_ANSWER, /* done */
	RETRY_AGAIN,  /* after a delay, while there are attempts left */
	RETRY_FAIL,   /* this entry is put aside */
	RETRY_STOP,   /* no call of this run can succeed: stop */
};

/* How an attempt ended. */
enum retry_outcome {
	RETRY_GOT_ANSWER,    /* a 2xx that holds an answer */
	RETRY_GOT_RUBBISH,   /* a 2xx that holds none */
	RETRY_GOT_STATUS,    /* any other status */
	RETRY_TIMED_OUT,
	RETRY_TRANSPORT,
	RETRY_REFUSED,       /* the server says that it did not take the request */
	RETRY_OVERSIZE,      /* the answer is longer than is taken */
	RETRY_FORBIDDEN,     /* it may not be asked there */
	RETRY_MISCONFIGURED, /* trying again cannot help any call */
};

struct retry_facts {
	enum retry_outcome outcome;
	int status;               /* HTTP; 0 where none came */
	struct span code;         /* of the error object; text, may be none */
	struct span type;
	struct span should_retry; /* the header's value; may be none */
};

struct retry_ruling {
	enum retry_verdict verdict;
	const char *class; /* static text: the error's class; "" on an answer */
	bool free;         /* does not use up one of the attempts (429, not taken) */
};

struct retry_ruling retry_rule(const struct retry_facts *f);

/*
 * Exponential backoff with full jitter: uniform in [0, min(60 s, 0.5 s × 2^failures)),
 * failures from 0; unit in [0, 1) is the dice.  (Brooker, "Exponential Backoff
 * and Jitter", AWS Architecture Blog, 2015.)
 */
int64_t retry_backoff_us(unsigned failures, double unit);

/*
 * What the server asked for: retry-after-ms, else retry-after as seconds (a
 * fraction too) or an HTTP date (RFC 9110, 10.2.3), now_ms being the wall
 * clock.  True if either is there and understood; the past counts as now.
 */
bool retry_asked_us(struct span after_ms, struct span after, int64_t now_ms, int64_t *us);

/* The three forms of an HTTP date (RFC 9110, 5.6.7), as seconds since 1970. */
bool retry_http_date(struct span text, int64_t *seconds);

/* A date and time of RFC 3339 (2026-11-20T21:50:00.5+01:00), as milliseconds since 1970. */
bool retry_rfc3339(struct span text, int64_t *ms);

/*
 * The delay that honours what was asked: never less than that, spread by up to
 * a quarter of it or a second, whichever is less.
 */
int64_t retry_spread_us(int64_t asked_us, double unit);

#endif
