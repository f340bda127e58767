/*
 * cooldown: whether clients wait when they are told to.
 *
 * A cooldown begins when a 429 says how long to wait, and ends when the
 * longest such time is over.  A client cannot know of it at once: what arrives
 * within COOLDOWN_GRACE_US of its beginning is not held against it.
 */
#ifndef BF_MOCK_COOLDOWN_H
#define BF_MOCK_COOLDOWN_H

#include <stddef.h>
#include <stdint.h>

#define COOLDOWN_GRACE_US ((int64_t)100000)
#define COOLDOWN_SLICE_US ((int64_t)100000)  /* arrivals are counted in this */
#define COOLDOWN_AFTER_US ((int64_t)2000000) /* for so long after the end */

struct cooldown {
	int64_t began, until; /* 0: there was none */
	uint64_t count;       /* cooldowns */
	uint64_t arrivals;    /* inside one */
	uint64_t peak_after;  /* the most in any slice after one */
	int64_t *recent;      /* a ring of the times of arrivals after one */
	size_t first, n, cap;
};

void cooldown_announce(struct cooldown *c, int64_t wait_us, int64_t now_us);
void cooldown_arrival(struct cooldown *c, int64_t now_us);
void cooldown_release(struct cooldown *c); /* as if there had been none */

#endif
