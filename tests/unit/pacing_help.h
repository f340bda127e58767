/*
 * What tests over simulated time share: seeds, more of them with BF_SOAK, and what
 * was spent in any minute, counted one by one.
 */
#ifndef BF_TESTS_PACING_HELP_H
#define BF_TESTS_PACING_HELP_H

#include "base/mem.h"
#include "io/rng.h"
#include "tap.h"

#include <inttypes.h>

#define SECOND ((int64_t)1000000)
#define MINUTE (60 * SECOND)

/* n, and twenty times as many with BF_SOAK. */
__attribute__((unused)) static size_t
many(size_t n)
{
	return getenv("BF_SOAK") == NULL ? n : 20 * n;
}

/*
 * The seed of run number i: the same in each "make check"; another with BF_SOAK;
 * BF_SEED=N is that of run 0.
 */
__attribute__((unused)) static uint64_t
seed_of(size_t i)
{
	static uint64_t base;
	const char *given = getenv("BF_SEED");

	if (base == 0 && given != NULL)
		base = strtoull(given, NULL, 10);
	else if (base == 0)
		base = getenv("BF_SOAK") == NULL ? 1 : rng_entropy() >> 16;
	return base + i;
}

/* As ok(), and says with which seed it failed. */
__attribute__((format(printf, 3, 4), unused)) static bool
holds(bool good, uint64_t seed, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!ok(good, "%s", text))
		printf("# again with BF_SEED=%" PRIu64 "\n", seed);
	return good;
}

/* ---- what was spent, one by one ---- */

struct spending {
	struct spent {
		int64_t when, cost;
	} *all;
	size_t n, size;
};

/* Its number, by which the cost may be changed later. */
__attribute__((unused)) static size_t
spent_add(struct spending *s, int64_t when, int64_t cost)
{
	if (s->n == s->size) {
		s->size = s->size == 0 ? 1024 : 2 * s->size;
		s->all = mem_resize(s->all, s->size, sizeof(*s->all));
	}
	s->all[s->n] = (struct spent){when, cost};
	return s->n++;
}

/* In the minute that ends then, itself not counted. */
__attribute__((unused)) static int64_t
spent_in_minute(const struct spending *s, int64_t then)
{
	int64_t sum = 0;

	for (size_t i = s->n; i > 0 && s->all[i - 1].when > then - MINUTE; i--)
		sum += s->all[i - 1].cost;
	return sum;
}

#endif
