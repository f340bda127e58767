/*
 * turns: who is next, of several that wait for the same thing.  Pure.
 *
 * Each says when it will look again, very soon.  Who has not looked a little
 * later may have been stopped or killed, and is passed until it does; so none
 * that is gone holds up the others for long.  It is a queue: who has had what
 * was there goes to its end.
 *
 * One that is held by a limit of its own is passed by those that have a higher
 * one: they count what all spend, but owe it no patience.  And where it opens
 * sooner than was said, as something was given back, those that are awake may
 * pass one that is not, some times.
 */
#ifndef BF_PACING_TURNS_H
#define BF_PACING_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TURNS_MOST = 64, TURNS_SLOTS_MOST = 1000000, TURNS_PASSES = 16 };

#define TURNS_LOOK_US  INT64_C(100000) /* the longest anybody may promise */
#define TURNS_GRACE_US INT64_C(250000) /* after that it is passed */
#define TURNS_GONE_US  INT64_C(10000000) /* and after that its place is gone */
#define TURNS_LONG_US  INT64_C(10000)   /* a turn, where others wait */

struct turn {
	uint64_t who;    /* never 0 */
	int64_t due;     /* when it looks again */
	int64_t began;   /* its turn, with what it took first; 0: not yet */
	int64_t held;    /* its own limits let it go from then on */
	int64_t rpm, tpm;
	int64_t tokens;  /* what it waits for */
	uint64_t slots;  /* calls it may have in flight */
	uint64_t passed; /* times; TURNS_PASSES at most */
};

/* All zero is nobody. */
struct turns {
	uint64_t n;
	struct turn turn[TURNS_MOST]; /* the first of them is next */
};

struct turn *turns_find(struct turns *t, uint64_t who);

/* Drops those that are gone. */
void turns_drop_gone(struct turns *t, int64_t now);

/* Whether one with these limits has to let it go first, being behind it. */
bool turns_blocks(const struct turn *one, int64_t rpm, int64_t tpm, int64_t now);

/* The last such before who, waiting already or not; NULL: none. */
struct turn *turns_before(
    struct turns *t, uint64_t who, int64_t rpm, int64_t tpm, int64_t now);

/* Adds one at the end, in the place of one that is late if need be; NULL: no room. */
struct turn *turns_add(struct turns *t, uint64_t who, int64_t now);
void turns_remove(struct turns *t, uint64_t who);

/* To the end, with a new turn; the one that was given has moved. */
struct turn *turns_requeue(struct turns *t, uint64_t who, int64_t now);

/* Slots of all that wait but for who. */
uint64_t turns_slots(const struct turns *t, uint64_t who);

/* Makes sense of what comes from outside. */
void turns_bound(struct turns *t, int64_t now);

#endif
