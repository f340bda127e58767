/*
 * rng: xoshiro256** (Blackman and Vigna, 2018) seeded through SplitMix64, so
 * that one seed gives one sequence on every machine.  Not for secrets.
 */
#ifndef BF_IO_RNG_H
#define BF_IO_RNG_H

#include <stdint.h>

struct rng {
	uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* uniform in [0, n), without bias; n > 0 */
double rng_unit(struct rng *r);                /* [0, 1), 53 bits */

/* A seed from the kernel, for jitter and file names. */
uint64_t rng_entropy(void);

#endif
