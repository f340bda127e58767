/*
 * cooldown: when calls to one model may start, after its provider refused some
 * with 429.  Pure: times come in and go out; any clock in microseconds that
 * does not go back will do.
 *
 *	if (cooldown_opens(c) <= now)      may a call start?
 *		cooldown_started(c, now, slots, unit), and keep c->epoch with it
 *	cooldown_refused(c, now, epoch, asked, unit)    its answer is a 429
 *	cooldown_answered(c, epoch)                     it has an answer
 *
 * However many 429s arrive, they make one cooldown: a call that was sent before
 * a cooldown began cannot begin another.  While one lasts, each 429 may prolong
 * it, so that the longest Retry-After wins.
 *
 * Afterwards calls start one by one, the k-th about a k-th of a step after the
 * one before it, so that they grow by a factor of e with each step; a step is a
 * quarter of the cooldown, at most a second.  Each gap is drawn from half to one
 * and a half times that.  Once as many have started as there are slots, it is
 * over.  A late start is not made up for by a burst.
 */
#ifndef BF_PACING_COOLDOWN_H
#define BF_PACING_COOLDOWN_H

#include <stdbool.h>
#include <stdint.h>

/* All zero is a model that has refused nothing. */
struct cooldown {
	uint32_t epoch;    /* cooldowns begun */
	uint32_t level;    /* of these, since the last answer */
	int64_t until;     /* nothing starts before */
	int64_t next;      /* nor before this */
	int64_t step;      /* of the resumption; 0: none */
	uint64_t begun;    /* calls started since then */
	uint64_t resuming; /* not 0: it lasts, or its end does not pass at once */
};

/* From when on the next call may start; 0: whenever it likes. */
int64_t cooldown_opens(const struct cooldown *c);

/* A call starts now; slots is how many may be in flight; unit in [0, 1) is the dice. */
void cooldown_started(struct cooldown *c, int64_t now, uint64_t slots, double unit);

/*
 * A call that was sent in that epoch was refused; asked_us is its Retry-After,
 * or -1 where there was none: then it is a second, doubled with each cooldown in
 * a row up to a minute, less up to half.  True if the call may start again as
 * soon as cooldown_opens() lets it; false if no cooldown lasts and none began,
 * so that only this call has to wait.
 */
bool cooldown_refused(struct cooldown *c, int64_t now, uint32_t epoch,
    int64_t asked_us, double unit);

/* A call that was sent in that epoch was answered. */
void cooldown_answered(struct cooldown *c, uint32_t epoch);

/* Makes sense of one that comes from outside; it lasts for a year at most. */
void cooldown_bound(struct cooldown *c, int64_t now);

#endif
