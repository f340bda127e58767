/*
 * seen: how often each request body came, and the random draws that go with it.
 *
 * A draw depends on the seed, the body and how often that body had come
 * before, so that a run meets the same faults and latencies however its
 * requests are spread over connections and in whatever order they arrive.
 */
#ifndef BF_MOCK_SEEN_H
#define BF_MOCK_SEEN_H

#include <stddef.h>
#include <stdint.h>

struct seen_body {
	uint64_t hash;
	uint32_t times;    /* came, this time included; 0: a free place */
	uint32_t answered; /* with status 200 */
};

struct seen {
	struct seen_body *table;
	size_t size; /* a power of two */
	size_t distinct;
	uint64_t duplicates;
};

/* The draws for one request, each in [0, 1). */
struct draws {
	double latency;
	double drop;
	double status;
};

/* Counts the body; borrowed until the next call. */
struct seen_body *seen_add(struct seen *s, uint64_t hash);
/* Counts an answer with status 200; how many this body had had before. */
uint32_t seen_answered(struct seen *s, uint64_t hash);

void draws_make(struct draws *d, uint64_t seed, uint64_t hash, uint32_t times);

void seen_release(struct seen *s); /* forgets all; may be used again */

#endif
