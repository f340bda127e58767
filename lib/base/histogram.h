/*
 * histogram: how values are spread, in little memory whatever their number.
 *
 * Log-linear slots, after the idea of HdrHistogram (Gil Tene): 64 to each
 * doubling, so that a quantile is at most 1/64 above the value that it stands
 * for.  Values of HISTOGRAM_MOST and more count as that; the greatest is kept
 * as it was.  Pure; all zero is one without values.
 */
#ifndef BF_BASE_HISTOGRAM_H
#define BF_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum {
	HISTOGRAM_STEP_BITS = 6,
	HISTOGRAM_BITS = 42, /* microseconds: 50 days */
	HISTOGRAM_SLOTS = (HISTOGRAM_BITS - HISTOGRAM_STEP_BITS + 1)
			  << HISTOGRAM_STEP_BITS,
};

#define HISTOGRAM_MOST (((uint64_t)1 << HISTOGRAM_BITS) - 1)

struct histogram {
	uint64_t count, sum, greatest;
	uint64_t slots[HISTOGRAM_SLOTS];
};

void histogram_add(struct histogram *h, uint64_t value);

/*
 * The least value that is no less than this part (0 to 1) of all, as exactly as
 * slots allow and never more than the greatest; 0 where there are no values.
 */
uint64_t histogram_quantile(const struct histogram *h, double part);

#endif
