/*
 * num: numbers as people write them in options, and no locale.
 *
 * All take the whole string or fail (-1; nothing is stored).
 */
#ifndef BF_IO_NUM_H
#define BF_IO_NUM_H

#include "base/span.h"

#include <stdint.h>

int num_u64(struct span s, uint64_t *v);      /* decimal digits only */
int num_i64(struct span s, int64_t *v);
int num_size(struct span s, uint64_t *bytes); /* 123, 64K, 256M, 2G, 1T: powers of 1024 */
int num_duration(struct span s, int64_t *us); /* 10ms, 1.5s, 2m, 1h, 7d, 250us; a bare number is seconds */
int num_fraction(struct span s, double *v);   /* 0.05 or 5%; 0 to 1 */
int num_double(struct span s, double *v);     /* JSON's number grammar, correctly rounded, locale-proof */

#endif
