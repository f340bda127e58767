/*
 * dot: products of vectors of float32.
 *
 * Two kinds.  Many at once in single precision, which is what the time goes
 * into: a block of DOT_ROWS by DOT_COLS vectors, there for several instruction
 * sets.  And one exactly: in double precision, summed up in an order that is
 * fixed, so that every machine gets the same bits; a product of two float32 is
 * exact in a double, so that it does not matter whether it is rounded.
 */
#ifndef BF_VECTOR_DOT_H
#define BF_VECTOR_DOT_H

#include <stddef.h>

#define DOT_ROWS 6
#define DOT_COLS 16

struct dot {
	const char *name;

	/*
	 * out[r * DOT_COLS + c] is the product of row r and column c.  Element i of
	 * row r is rows[i * DOT_ROWS + r]; cols and out likewise by DOT_COLS, and
	 * both begin at a multiple of 32 bytes.  With elements of vectors of length
	 * 1 each is wrong by no more than dot_error(n).
	 */
	void (*block)(const float *rows, const float *cols, size_t n, float *out);
};

/* The implementations this processor can run, best first; NULL past the last. */
const struct dot *dot_choice(size_t i);

/*
 * How far block() may be from the product of two vectors that were made as long
 * as 1 in double precision and rounded to float32: n roundings of sums (Higham,
 * Accuracy and Stability of Numerical Algorithms, section 3.1), those of the
 * elements, and some to spare.  For n up to DOT_MOST.
 */
#define DOT_MOST ((size_t)1 << 20)
double dot_error(size_t n);

/* The product of two vectors; element i is added to sum i % 8 of eight. */
double dot_exact(const float *a, const float *b, size_t n);

/* ---- the implementations ---- */

extern const struct dot dot_portable;
#if defined(__x86_64__)
extern const struct dot dot_avx2;
#endif

#endif
