#include "io/rng.h"

#include "io/clock.h"

#include <sys/random.h>

#include <errno.h>
#include <unistd.h>

static uint64_t
splitmix64(uint64_t *x)
{
	uint64_t z = (*x += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t
rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

void
rng_seed(struct rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix64(&seed);
}

uint64_t
rng_next(struct rng *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

/*
 * The high half of a 128-bit product, refusing the few low halves that would
 * favour some results (Lemire, Fast random integer generation in an interval,
 * 2019).
 */
uint64_t
rng_below(struct rng *r, uint64_t n)
{
	__extension__ typedef unsigned __int128 u128;
	u128 m = (u128)rng_next(r) * n;

	if ((uint64_t)m < n) {
		uint64_t least = -n % n;

		while ((uint64_t)m < least)
			m = (u128)rng_next(r) * n;
	}
	return (uint64_t)(m >> 64);
}

double
rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53;
}

uint64_t
rng_entropy(void)
{
	uint64_t v;

	while (getrandom(&v, sizeof(v), 0) != (ssize_t)sizeof(v))
		if (errno != EINTR)
			return (uint64_t)clock_mono_us() *
				   UINT64_C(0x9e3779b97f4a7c15) ^
			       (uint64_t)getpid() << 40;
	return v;
}
