/*
 * vectors: many of one length, as float32, and how long each is.
 *
 * They stand one after the other, in 4 bytes a number and 8 bytes more a vector.
 * The caller adds none of zeros alone, and none with an infinity or a NaN.
 */
#ifndef BF_VECTOR_VECTORS_H
#define BF_VECTOR_VECTORS_H

#include <stddef.h>

struct vectors {
	float *v;
	double *squares; /* the product of each with itself, dot_exact()'s */
	size_t n, cap;
	size_t length; /* numbers in each; the caller sets it before the first */
};

#define VECTORS_INIT ((struct vectors){.v = NULL})

void vectors_add(struct vectors *vs, const float *v);
void vectors_clear(struct vectors *vs); /* keeps the memory and the length */
void vectors_release(struct vectors *vs);

static inline const float *
vectors_at(const struct vectors *vs, size_t i)
{
	return vs->v + i * vs->length;
}

#endif
