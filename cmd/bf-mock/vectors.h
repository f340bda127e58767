/* vectors: embeddings that are made up. */
#ifndef BF_MOCK_VECTORS_H
#define BF_MOCK_VECTORS_H

#include "base/span.h"

#include <stdint.h>

#define VECTORS_USUAL 64 /* numbers, where a request does not say */
#define VECTORS_MOST  4096

/*
 * n numbers, of length 1: each word gives a direction, and a text the sum of its
 * words', so that texts with words in common are near each other.  ASCII letters,
 * digits and all beyond ASCII make words, in either case.
 */
void vectors_make(struct span text, uint64_t seed, float *v, size_t n);

#endif
