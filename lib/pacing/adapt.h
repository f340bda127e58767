/*
 * adapt: how many calls in flight a provider makes the most of.  Pure: no clock;
 * latencies come in, a number of calls goes out.
 *
 *	adapt_init(a, 0, most)         or with what an earlier run found
 *	a call may start while fewer than adapt_limit(a) are in flight;
 *	stamp = adapt_stamp(a)         with each call that is sent
 *	adapt_full(a)                  there are more to send, but the limit is reached
 *	adapt_answered(a, stamp, us)   with its latency
 *	adapt_refused(a, stamp)        429, 503, or no answer in time
 *
 * It goes in rounds, over the calls that are sent while the limit is what it is
 * and is reached.  By Little's law the throughput of a round is the limit by the
 * mean latency.  The limit is doubled while that makes throughput grow by a
 * quarter, then it holds, and tries a quarter more from time to time, ever
 * less often: what does not bring half of its share is taken back.  Where
 * latency has grown by half it tries a quarter less, and stays there if
 * throughput does not suffer (the idea of gradient limits).  A refusal halves it,
 * once for all calls that were sent before the halving; what was refused is
 * not tried again for a while.
 */
#ifndef BF_PACING_ADAPT_H
#define BF_PACING_ADAPT_H

#include <stdbool.h>
#include <stdint.h>

enum { ADAPT_START = 8 };

enum adapt_phase { ADAPT_CLIMBS, ADAPT_HOLDS, ADAPT_TRIES_MORE, ADAPT_TRIES_LESS };

struct adapt {
	enum adapt_phase phase;
	unsigned limit;
	unsigned most;
	unsigned kept;      /* the last limit that proved good; 0: none yet */
	unsigned ceiling;   /* was refused not long ago; 0: none */
	double kept_rate;   /* calls per microsecond there; 0: not known */
	double base;        /* about the least mean latency, microseconds */
	uint32_t round;
	uint32_t heard;     /* refusals of calls from earlier rounds are no news */
	bool full;          /* the limit was reached in this round */
	unsigned answered;  /* in this round */
	double latencies;   /* their sum */
	unsigned held;      /* rounds that it holds */
	unsigned patience;  /* rounds it holds before it tries something */
};

/* found: what an earlier run settled at, or 0. */
void adapt_init(struct adapt *a, unsigned found, unsigned most);

unsigned adapt_limit(const struct adapt *a);
uint32_t adapt_stamp(const struct adapt *a);
void adapt_full(struct adapt *a);
void adapt_answered(struct adapt *a, uint32_t stamp, int64_t micros);
void adapt_refused(struct adapt *a, uint32_t stamp);

/* What proved good so far, for the next run; 0: nothing yet. */
unsigned adapt_found(const struct adapt *a);
/* It has seen where more brings no more. */
bool adapt_settled(const struct adapt *a);

#endif
