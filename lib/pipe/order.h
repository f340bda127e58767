/*
 * order: what comes back from pipes, put out in the order of the input.
 *
 * Each entry has a place, numbered from 0.  What came back for it waits there until
 * all places before are over; of the first place that is not over it is put out at
 * once.  A place that is over and holds nothing is an entry that is gone.  What
 * waits is in lines (lines.h); a place takes 64 bytes beside it.
 */
#ifndef BF_PIPE_ORDER_H
#define BF_PIPE_ORDER_H

#include "pipe/lines.h"

struct place {
	struct line *first, *last; /* what came back and waits */
	bool over;                 /* nothing more will */
	bool back;                 /* something did */

	/* the caller's */
	struct line *kept; /* the entry as it went in; given back with the place */
	const char *input; /* where it comes from */
	uint64_t lineno;
	uint32_t pipe;  /* that it is in */
	uint32_t round; /* that it is in */
};

/* Takes a line without newline. */
typedef void order_put_fn(void *arg, struct span line);

struct order {
	struct lines *lines;
	order_put_fn *put;
	void *arg;
	struct place *ring;
	size_t cap;    /* a power of 2 */
	uint64_t base; /* the first place that is not over */
	uint64_t next; /* the place that the next entry gets */
	struct buf scratch;
};

void order_init(struct order *o, struct lines *lines, order_put_fn *put, void *arg);
void order_release(struct order *o);

/* A place behind all others, zeroed. */
uint64_t order_add(struct order *o);

/* NULL: it is over, or there is none such yet. Borrowed until the next order_add().
 */
struct place *order_place(const struct order *o, uint64_t n);

/* Of a place that is not over: a line came back; nothing more will. */
void order_back(struct order *o, uint64_t n, struct span line);
void order_over(struct order *o, uint64_t n);

/*
 * Puts out what may be.  A line that cannot be read again is lost: -1, and the
 * error is that of the lines.
 */
int order_advance(struct order *o);

#endif
