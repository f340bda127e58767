/*
 * embedding: a vector as JSON has it, an array of numbers or a string of base64
 * (RFC 4648) of float32, little-endian, as providers send them.
 */
#ifndef BF_VECTOR_EMBEDDING_H
#define BF_VECTOR_EMBEDDING_H

#include "base/err.h"
#include "json/json.h"

struct embedding {
	float *v;
	size_t n, cap;
	struct buf scratch;
};

#define EMBEDDING_INIT ((struct embedding){.v = NULL})

/*
 * A checked value into v and n, which live until the next call.  Numbers are
 * rounded to doubles and those to float32.  -1 and e ("number 3 is a string"):
 * it is no vector, has no numbers or more than DOT_MOST, one that is not finite
 * as a float32, or only zeros, which have no direction.
 */
int embedding_read(struct embedding *em, struct span value, struct err *e);
void embedding_release(struct embedding *em);

/*
 * Appends a value that reads as these same numbers, which are finite: an array, each
 * number in as few digits as it takes, or a string of base64.
 */
void embedding_add_array(struct buf *out, const float *v, size_t n);
void embedding_add_base64(struct buf *out, const float *v, size_t n);

#endif
