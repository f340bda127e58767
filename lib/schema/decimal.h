/*
 * decimal: JSON numbers of any size, compared exactly.
 *
 * A number is 0.DIGITS x 10^exponent, its digits without zeros at either end;
 * zero has none.  It borrows the text it came from.
 */
#ifndef BF_SCHEMA_DECIMAL_H
#define BF_SCHEMA_DECIMAL_H

#include "base/span.h"

#include <stdint.h>

/* Where a division by more than 18 digits is given up. */
#define DECIMAL_DIVISOR_MAX  1000
#define DECIMAL_DIVIDEND_MAX 10000

struct decimal {
	const char *digits; /* the first; a point may be among them */
	size_t n;
	int64_t exponent; /* at most 10^17 either way */
	bool negative;
};

void decimal_parse(struct decimal *d, struct span number);
int decimal_compare(const struct decimal *a, const struct decimal *b);
uint64_t decimal_hash(const struct decimal *d); /* equal numbers', equal */
bool decimal_is_integer(const struct decimal *d);

/* Of an integer that is not negative; what is too large becomes UINT64_MAX. */
bool decimal_u64(const struct decimal *d, uint64_t *n);

/* 1: a is a multiple of b, which is not 0; 0: it is not; -1: too long to tell. */
int decimal_is_multiple(const struct decimal *a, const struct decimal *b);

#endif
