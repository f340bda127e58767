/*
 * rates: what a provider's answers say about how much it still takes.  Pure.
 *
 * Headers of OpenAI and those who follow it:
 *	x-ratelimit-{limit,remaining,reset}-{requests,tokens}
 *	reset is a duration: 1s, 6m0s, 500ms
 * and of Anthropic:
 *	anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}
 *	reset is a time: 2026-11-20T21:50:00Z (RFC 3339)
 * Any may be absent; 0 as a limit and -1 as a rest say nothing.
 *
 * A meter goes by the last answer: what remained, less what is in flight (which
 * may not be counted yet), plus what has been refilled since.  It refills so as
 * to be full at its reset; where none was told, in a minute.  It never holds a
 * call back for longer than a minute, so that a new answer tells more.
 */
#ifndef BF_PACING_RATES_H
#define BF_PACING_RATES_H

#include "base/span.h"

#include <stdint.h>

enum { RATES_HEADERS = 12 };

/* Their names, in lower case. */
extern const char *const rates_headers[RATES_HEADERS];

struct rate {
	int64_t limit;     /* -1: not told */
	int64_t remaining; /* -1: not told */
	int64_t reset_us;  /* from now; -1: not told */
};

struct rates {
	struct rate requests, tokens;
};

/* values[i] is the value of rates_headers[i], empty where it is absent. */
void rates_read(struct rates *r, const struct span *values, int64_t now_ms);

/* All zero is a meter that knows nothing and holds nothing back. */
struct meter {
	int64_t told;  /* when it was; 0: not yet */
	int64_t full;  /* the most it can hold; 0: not known */
	double level;  /* then, less what was taken since */
	double refill; /* per microsecond */
};

void meter_tell(struct meter *m, int64_t now, const struct rate *r, int64_t in_flight);
/* From when on cost may be taken; now or earlier: at once. */
int64_t meter_opens(const struct meter *m, int64_t cost);
void meter_take(struct meter *m, int64_t cost);
/* Makes sense of one that comes from outside. */
void meter_bound(struct meter *m, int64_t now);

#endif
