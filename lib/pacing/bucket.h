/*
 * bucket: when the calls of several processes to one model may start.  Pure:
 * a function of what is in it and of the time.
 *
 *	opens = bucket_take(b, &ask, now, &taken)
 *	if (opens <= now)                     taken: send it
 *		bucket_give_back(b, &taken)       it was not sent after all
 *	else                                  ask again at that time
 *
 *	bucket_answered(), _refused(), _tell()    when its answer is there
 *	bucket_leave()                        there is nothing to send any more
 *
 * All that is known of the model is in it: what was spent (quota), what the
 * provider tells (rates), whether it refuses (cooldown), and who waits (turns).
 * It has no pointers, so that it can lie in memory that processes share.
 *
 * Those that wait go by turns: when it is closed, whoever asks is put behind
 * those that wait already, and is told when its turn may come.
 */
#ifndef BF_PACING_BUCKET_H
#define BF_PACING_BUCKET_H

#include "pacing/cooldown.h"
#include "pacing/quota.h"
#include "pacing/rates.h"
#include "pacing/turns.h"

/* All zero is the bucket of a model that nobody has called yet. */
struct bucket {
	struct quota requests, tokens;     /* what was spent */
	struct meter more_requests, more_tokens; /* what the provider says */
	struct cooldown cooldown;
	uint64_t sent, sent_tokens;        /* in all */
	struct turns turns;                /* last: most of it is unused */
};

/* Who asks, and for what. */
struct bucket_ask {
	uint64_t who;    /* a number of its own, not 0 */
	int64_t rpm;     /* its limit of requests a minute; 0: none */
	int64_t tpm;     /* of tokens */
	int64_t tokens;  /* that the call may come to */
	uint64_t slots;  /* calls that it may have in flight */
	bool more;       /* it has another to ask for at once */
	double unit;     /* in [0, 1): the dice */
};

/* What one call took. */
struct bucket_taken {
	int64_t then;
	int64_t tokens;
	uint32_t epoch; /* of the cooldown */
};

/*
 * Takes what one call needs and returns a time that is not after now; or takes
 * nothing, and returns when to ask again: TURNS_LOOK_US later at most.  QUOTA_NEVER where
 * it is more than the limit.
 */
int64_t bucket_take(struct bucket *b, const struct bucket_ask *a, int64_t now,
    struct bucket_taken *taken);

/* It was not sent. */
void bucket_give_back(struct bucket *b, const struct bucket_taken *taken);

/* It waits no more. */
void bucket_leave(struct bucket *b, uint64_t who);

/* It has an answer, and came to so many tokens; -1: not known. */
void bucket_answered(struct bucket *b, const struct bucket_taken *taken, int64_t tokens);

/* It was refused: see cooldown_refused(). */
bool bucket_refused(struct bucket *b, const struct bucket_taken *taken, int64_t now,
    int64_t asked_us, double unit);

/* What its answer says of limits; and what may not be counted there yet. */
void bucket_tell(struct bucket *b, int64_t now, const struct rates *r, int64_t requests,
    int64_t tokens);

/* Whether it matters how many tokens a call comes to. */
bool bucket_counts_tokens(const struct bucket *b, int64_t now);

/* Until when what is in it can matter to anybody. */
int64_t bucket_matters_until(const struct bucket *b, int64_t now);

/* The bytes of it that are used: the rest need not be kept. */
size_t bucket_size(const struct bucket *b);

/*
 * Makes sense of one that comes from outside, of any bytes: afterwards all of
 * the above may be asked of it.
 */
void bucket_bound(struct bucket *b, int64_t now);

#endif
