/*
 * quota: at most so much in any window of time, spent evenly.  Pure.
 *
 *	quota_opens(q, now, cost) <= now     may it be spent?
 *		quota_take(q, now, cost)
 *	quota_correct(q, then, cost, real)   later, when it is known what it was
 *
 * What was spent in the last window is kept in QUOTA_SLOTS parts of it, so that
 * the sum over any window is exact but for the rounding of its ends, which is to
 * the safe side.  Beside that it is spent evenly, with a sixtieth of the window
 * that may be spent at once (the generic cell rate algorithm, ITU-T I.371), as
 * providers refill their own meters by and by.
 */
#ifndef BF_PACING_QUOTA_H
#define BF_PACING_QUOTA_H

#include <stdint.h>

enum { QUOTA_SLOTS = 240 };

#define QUOTA_LIMIT_MAX INT64_C(100000000000)
#define QUOTA_NEVER     INT64_MAX

struct quota {
	int64_t limit;  /* in a window; 0: none, and nothing is kept */
	int64_t window; /* microseconds */
	int64_t even;   /* evenly spent up to here; may lie ahead */
	int64_t newest; /* number of the newest slot */
	int64_t sum;    /* of all slots */
	int64_t slots[QUOTA_SLOTS + 1];
};

/* limit up to QUOTA_LIMIT_MAX; window a multiple of QUOTA_SLOTS, up to a minute. */
void quota_init(struct quota *q, int64_t limit, int64_t window_us);

/*
 * From when on cost may be spent, if nothing else is; now or earlier: at once.
 * QUOTA_NEVER if it is more than the limit.
 */
int64_t quota_opens(struct quota *q, int64_t now, int64_t cost);

void quota_take(struct quota *q, int64_t now, int64_t cost);

/* What was taken at that time as cost was real. */
void quota_correct(struct quota *q, int64_t then, int64_t cost, int64_t real);

#endif
