/*
 * progress: how far a run is, in words.  Pure.
 */
#ifndef BF_ENGINE_PROGRESS_H
#define BF_ENGINE_PROGRESS_H

#include "base/buf.h"
#include "price/prices.h"

#include <stdint.h>

struct engine_progress {
	int64_t elapsed_us; /* since the start */
	uint64_t entries;   /* read */
	uint64_t done;      /* answered or failed */
	uint64_t hits, failed, calls, retries, in_flight;
	int64_t tokens_in, tokens_out;
	price_nano cost; /* 0: nothing was spent, or nobody knows how much */
	int64_t cooldown_us; /* until all models take calls again */
	double part_read;    /* of the input, 0 to 1; less than 0: not known */
	bool ended;          /* the last word before the summary */
};

/* All zero at first; the same one each time. */
struct progress_rates {
	struct engine_progress before;
	double done, calls, tokens_in, tokens_out; /* a second */
};

/*
 * A line of at most width columns for a terminal: what does not fit is left
 * out, the least important first.
 */
void progress_line(struct buf *out, struct progress_rates *r,
    const struct engine_progress *p, unsigned width, bool colour);

/* One sentence, for a message. */
void progress_status(struct buf *out, const struct engine_progress *p);

#endif
