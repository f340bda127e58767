#include "vectors.h"

#include "io/hash.h"
#include "io/rng.h"

#include <math.h>

static bool
is_of_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* Of the word's start, however long it is. */
static uint64_t
hash_word(struct span word)
{
	char start[64];
	size_t n = word.n < sizeof(start) ? word.n : sizeof(start);

	for (size_t i = 0; i < n; i++)
		start[i] = lower(word.p[i]);
	return hash_u64(span_of(start, n));
}

static void
add_direction(uint64_t hash, double *sum, size_t n)
{
	struct rng rng;

	rng_seed(&rng, hash);
	for (size_t i = 0; i < n; i++)
		sum[i] += 2 * rng_unit(&rng) - 1;
}

static void
add_words(struct span text, uint64_t seed, double *sum, size_t n)
{
	size_t from = 0, to, words = 0;

	while (from < text.n) {
		for (to = from; to < text.n && is_of_word(text.p[to]); to++)
			;
		if (to > from) {
			add_direction(
			    seed ^ hash_word(span_of(text.p + from, to - from)),
			    sum, n);
			words++;
		}
		from = to + 1;
	}
	if (words == 0)
		add_direction(seed ^ hash_u64(text), sum, n);
}

void
vectors_make(struct span text, uint64_t seed, float *v, size_t n)
{
	double sum[VECTORS_MOST] = {0}, squares = 0;

	add_words(text, seed, sum, n);
	for (size_t i = 0; i < n; i++)
		squares += sum[i] * sum[i];
	for (size_t i = 0; i < n; i++)
		v[i] = (float)(sum[i] / sqrt(squares));
}
