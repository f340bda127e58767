/* Histograms: quantiles beside those of the sorted values. */
#include "base/histogram.h"

#include "io/rng.h"
#include "tap.h"

static struct histogram h;

static void
clear(void)
{
	h = (struct histogram){.count = 0};
}

static void
test_small(void)
{
	uint64_t i;

	clear();
	is_int((long long)histogram_quantile(&h, 0.5), 0, "no values: 0");
	histogram_add(&h, 7);
	ok(histogram_quantile(&h, 0) == 7 && histogram_quantile(&h, 0.5) == 7 &&
		histogram_quantile(&h, 1) == 7,
	    "one value is each quantile");
	clear();
	for (i = 1; i <= 100; i++)
		histogram_add(&h, i % 50);
	is_int((long long)h.count, 100, "values are counted");
	is_int((long long)h.sum, 2450, "and added up");
	is_int((long long)histogram_quantile(&h, 0.5), 24, "small ones are exact");
	is_int((long long)histogram_quantile(&h, 0.99), 49, "at the end too");
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of all magnitudes. */
static void
test_against_sorted(void)
{
	static uint64_t values[20000];
	const double parts[] = {0.001, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1};
	size_t n = sizeof values / sizeof values[0], i, rank;
	uint64_t got, want;
	struct rng rng;
	bool good = true;

	clear();
	rng_seed(&rng, 3);
	for (i = 0; i < n; i++) {
		values[i] = rng_next(&rng) >> (22 + i % 42);
		histogram_add(&h, values[i]);
	}
	qsort(values, n, sizeof values[0], compare);
	for (i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		rank = (size_t)(parts[i] * (double)n + 0.9999999);
		want = values[rank - 1];
		got = histogram_quantile(&h, parts[i]);
		good &= got >= want && got - want <= want / 64;
	}
	ok(good, "quantiles are at most 1/64 above those of the sorted values");
	ok(histogram_quantile(&h, 1) == values[n - 1], "the last is the greatest");
}

static void
test_edges(void)
{
	int bit;
	bool good = true;

	for (bit = 0; bit < HISTOGRAM_BITS; bit++) {
		uint64_t v = (uint64_t)1 << bit;

		clear();
		histogram_add(&h, v - 1);
		histogram_add(&h, v);
		histogram_add(&h, UINT64_MAX / 4);
		good &= histogram_quantile(&h, 0.3) - (v - 1) <= v / 64 &&
			histogram_quantile(&h, 0.6) - v <= v / 64;
	}
	ok(good, "around the powers of two");
	ok(histogram_quantile(&h, 1) == HISTOGRAM_MOST &&
		h.greatest == UINT64_MAX / 4,
	    "what is beyond counts as the most; the greatest is kept");
}

int
main(void)
{
	test_small();
	test_against_sorted();
	test_edges();
	return done();
}
