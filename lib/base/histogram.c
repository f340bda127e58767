#include "base/histogram.h"

#define STEPS ((uint64_t)1 << HISTOGRAM_STEP_BITS)

/*
 * Below STEPS each value has its slot.  From there on a doubling has STEPS of
 * them: the bits after the leading one say which.
 */
static size_t
slot_of(uint64_t value)
{
	int top, shift;

	if (value > HISTOGRAM_MOST)
		value = HISTOGRAM_MOST;
	if (value < STEPS)
		return (size_t)value;
	top = 63 - __builtin_clzll(value);
	shift = top - HISTOGRAM_STEP_BITS;
	return ((size_t)shift << HISTOGRAM_STEP_BITS) + (size_t)(value >> shift);
}

/* The greatest value of a slot. */
static uint64_t
slot_end(size_t slot)
{
	uint64_t steps;
	size_t shift;

	if (slot < STEPS)
		return slot;
	shift = (slot >> HISTOGRAM_STEP_BITS) - 1;
	steps = slot - (shift << HISTOGRAM_STEP_BITS);
	return ((steps + 1) << shift) - 1;
}

void
histogram_add(struct histogram *h, uint64_t value)
{
	h->count++;
	h->sum += value;
	if (value > h->greatest)
		h->greatest = value;
	h->slots[slot_of(value)]++;
}

uint64_t
histogram_quantile(const struct histogram *h, double part)
{
	double exact = part * (double)h->count;
	uint64_t rank = (uint64_t)exact, seen = 0;
	size_t i;

	if ((double)rank < exact)
		rank++;
	if (rank == 0)
		rank = 1;
	for (i = 0; i < HISTOGRAM_SLOTS; i++) {
		seen += h->slots[i];
		if (seen >= rank)
			return slot_end(i) < h->greatest ? slot_end(i)
							 : h->greatest;
	}
	return h->greatest;
}
