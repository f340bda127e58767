/*
 * quota: at most so much in any minute, spent evenly.  Pure.
 *
 *	quota_opens(q, limit, now, cost) <= now     may it be spent?
 *		then = quota_take(q, now, cost)
 *	quota_correct(q, then, cost, real)          later, when it is known what it was
 *
 * What is kept is what was spent, by whomever; a limit is of him who asks.  So
 * those who share a quota may each keep to a limit of their own, all counting
 * what all have spent.
 *
 * What was spent in the last minute is kept in QUOTA_SLOTS parts of it, so that
 * the sum over any minute is exact but for the rounding of its ends, which is to
 * the safe side.  Beside that it is spent evenly, with a sixtieth of a minute's
 * worth that may be spent at once (the generic cell rate algorithm, ITU-T
 * I.371), as providers refill their own meters by and by.  How far it is spent
 * evenly is kept for each limit that was asked about lately; for a limit that
 * is new it is found from the slots.
 */
#ifndef BF_PACING_QUOTA_H
#define BF_PACING_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

enum { QUOTA_SLOTS = 240, QUOTA_PACES = 4 };

#define QUOTA_WINDOW_US INT64_C(60000000)
#define QUOTA_SLOT_US   (QUOTA_WINDOW_US / QUOTA_SLOTS)
#define QUOTA_LIMIT_MAX INT64_C(100000000000)
#define QUOTA_NEVER     INT64_MAX

/* All zero is one of which nothing was spent. */
struct quota {
	int64_t newest; /* number of the newest slot */
	int64_t sum;    /* of all slots */
	int64_t slots[QUOTA_SLOTS + 1];
	struct quota_pace {
		int64_t limit; /* 0: none */
		int64_t even;  /* spent evenly up to here; may lie ahead, by a minute at most */
		int64_t asked; /* when it was asked about last */
	} paces[QUOTA_PACES];
};

/*
 * From when on cost may be spent, if nothing else is; now or earlier: at once.
 * QUOTA_NEVER if it is more than the limit.  limit up to QUOTA_LIMIT_MAX; 0: none.
 */
int64_t quota_opens(struct quota *q, int64_t limit, int64_t now, int64_t cost);

/* When it counts as spent: now, or a little later if another was ahead. */
int64_t quota_take(struct quota *q, int64_t now, int64_t cost);

/* What was taken then as cost was real. */
void quota_correct(struct quota *q, int64_t then, int64_t cost, int64_t real);

/* Whether somebody who has a limit asked in the last minute. */
bool quota_is_limited(const struct quota *q, int64_t now);

/*
 * Makes sense of one that comes from outside: afterwards whatever is asked of it
 * ends, overflows nothing, and holds nobody back for more than a minute.
 */
void quota_bound(struct quota *q, int64_t now);

#endif
