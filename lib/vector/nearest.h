/*
 * nearest: the nearest neighbours by cosine, exactly.
 *
 * All pairs are compared.  Products in single precision say which may be near
 * enough; for those the score is computed in double precision from the vectors
 * as they are: ab / sqrt(aa bb), each by dot_exact().  So the result does not
 * depend on the processor or the number of threads, and a vector and its copy
 * have a score of 1.
 */
#ifndef BF_VECTOR_NEAREST_H
#define BF_VECTOR_NEAREST_H

#include "vector/vectors.h"

#include <stdbool.h>

struct near {
	double score;
	size_t index;
};

/* Queries that a thread takes at once; with many times as many all are busy. */
#define NEAREST_BLOCK ((size_t)480)

struct nearest {
	const struct vectors *all;
	const struct vectors *queries; /* of the same length */
	size_t from, n;                /* these of them */
	bool self;      /* both are the same, and none is its own neighbour */
	size_t most;    /* neighbours of each, at least 1 */
	double min;     /* their least score; -INFINITY: any */
	size_t threads; /* fewer where the system does not give as many */
	/* of query from + i: counts[i], from near[i * most], best first, of equal
	 * scores the one with the lower index first; the caller's memory */
	struct near *near;
	size_t *counts;
};

/* 0; -1 where fd_stopped() says that a signal came, and nothing is found. */
int nearest_find(const struct nearest *job);

/* The score of two vectors. */
double nearest_score(
    const struct vectors *a, size_t i, const struct vectors *b, size_t j);

#endif
