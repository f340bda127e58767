/*
 * limits: so many requests and tokens in a window, as providers enforce them.
 *
 * Two token buckets that hold a window's worth and fill evenly: a client that
 * was idle may send a window's worth at once.  A request is charged when it is
 * let in, max(max_tokens, estimate) tokens; one that is refused is charged
 * nothing.  What asks for more than a bucket holds is let in when it is full.
 */
#ifndef BF_MOCK_LIMITS_H
#define BF_MOCK_LIMITS_H

#include "base/buf.h"

#include <stdint.h>

struct limits_config {
	uint64_t requests, tokens; /* in a window; 0: no limit */
	int64_t window_us;
};

struct limits_bucket {
	double used; /* what is missing from a full bucket */
	int64_t at;  /* when that was so */
};

struct limits {
	const struct limits_config *config;
	struct limits_bucket requests, tokens;
};

/* 0 if the request is let in; else how long, in microseconds, until it would be. */
int64_t limits_take(struct limits *l, uint64_t tokens, int64_t now_us);

enum limits_style {
	LIMITS_OPENAI,    /* x-ratelimit-{limit,remaining,reset}-{requests,tokens} */
	LIMITS_ANTHROPIC, /* anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset} */
	LIMITS_UNTOLD,
};

/* Of what is limited. The reset is a duration, or a time of RFC 3339. */
void limits_add_headers(struct limits *l, enum limits_style style,
    struct buf *headers, int64_t now_us);

#endif
