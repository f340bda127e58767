/* vector: products against plain loops, neighbours against all pairs sorted. */
#include "vector/nearest.h"

#include "base/mem.h"
#include "io/rng.h"
#include "tap.h"
#include "vector/dot.h"
#include "vector/embedding.h"

#include <math.h>

static struct rng rng;

static float
any(void)
{
	return (float)(rng_unit(&rng) * 2 - 1);
}

/* ---- products ---- */

static bool
block_is_near(const struct dot *dot, size_t n)
{
	size_t size = (n * DOT_COLS + 16) * sizeof(float);
	float *rows = mem_alloc(size), *cols = mem_aligned(64, size);
	_Alignas(64) float out[DOT_ROWS * DOT_COLS];
	/* Of unit vectors; these are longer. */
	double sum, most = dot_error(n) * (double)n;
	bool good = true;

	for (size_t i = 0; i < n * DOT_ROWS; i++)
		rows[i] = any();
	for (size_t i = 0; i < n * DOT_COLS; i++)
		cols[i] = any();
	dot->block(rows, cols, n, out);
	for (size_t r = 0; r < DOT_ROWS; r++)
		for (size_t c = 0; c < DOT_COLS; c++) {
			sum = 0;
			for (size_t i = 0; i < n; i++)
				sum += (double)rows[i * DOT_ROWS + r] *
				       (double)cols[i * DOT_COLS + c];
			good = good &&
			       fabs(sum - (double)out[r * DOT_COLS + c]) <= most;
		}
	free(rows);
	free(cols);
	return good;
}

static void
test_blocks(void)
{
	const struct dot *dot;

	for (size_t i = 0; (dot = dot_choice(i)) != NULL; i++)
		for (size_t n = 1; n < 2000; n = n < 20 ? n + 1 : 2 * n + 1)
			ok(block_is_near(dot, n), "%s: blocks of length %zu",
			    dot->name, n);
}

/* The order that the header promises, to the bit. */
static double
slow_exact(const float *a, const float *b, size_t n)
{
	volatile double sum[8] = {0};

	for (size_t i = 0; i < n; i++)
		sum[i % 8] += (double)a[i] * (double)b[i];
	return ((sum[0] + sum[4]) + (sum[2] + sum[6])) +
	       ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

static void
test_exact(void)
{
	float a[100], b[100];
	bool good = true;

	for (int i = 0; i < 100; i++) {
		a[i] = any();
		b[i] = any();
	}
	for (size_t n = 0; n <= 100; n++)
		good = good && dot_exact(a, b, n) == slow_exact(a, b, n);
	ok(good, "exact products of all lengths, to the bit");
}

/* ---- neighbours ---- */

static struct vectors
some_vectors(size_t n, size_t length, int values)
{
	struct vectors vs = VECTORS_INIT;
	float v[64];

	vs.length = length;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < length; k++)
			v[k] = values == 0
				   ? any()
				   : (float)rng_below(&rng, (uint64_t)values);
		v[0] += 1; /* none is zero */
		vectors_add(&vs, v);
	}
	return vs;
}

static int
by_score(const void *a, const void *b)
{
	const struct near *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static bool
is_right(const struct nearest *job, size_t i)
{
	struct near *want = mem_zero(job->all->n + 1, sizeof(*want));
	const struct near *got = job->near + i * job->most;
	size_t n = 0, query = job->from + i;
	bool good;

	for (size_t k = 0; k < job->all->n; k++) {
		want[n].index = k;
		want[n].score = nearest_score(job->queries, query, job->all, k);
		if (want[n].score >= job->min && !(job->self && k == query))
			n++;
	}
	qsort(want, n, sizeof(*want), by_score);
	n = n < job->most ? n : job->most;
	good = job->counts[i] == n;
	for (size_t k = 0; good && k < n; k++)
		good = got[k].index == want[k].index &&
		       got[k].score == want[k].score;
	free(want);
	return good;
}

static bool
all_right(struct nearest *job)
{
	bool good = true;

	job->near = mem_zero(job->n * job->most + 1, sizeof(*job->near));
	job->counts = mem_zero(job->n + 1, sizeof(*job->counts));
	good = nearest_find(job) == 0;
	for (size_t i = 0; i < job->n; i++)
		good = good && is_right(job, i);
	free(job->near);
	free(job->counts);
	return good;
}

/* Of small integers many are the same, and many as near. */
static void
test_nearest(size_t n, size_t queries, size_t length, int values)
{
	struct vectors all = some_vectors(n, length, values);
	struct vectors others = some_vectors(queries, length, values);
	struct nearest job = {.all = &all};
	bool good = true;

	for (size_t most = 1; most <= 2 * n + 1; most = 3 * most + 1)
		for (size_t threads = 1; threads <= 5; threads += 2)
			for (int min = -2; min <= 1; min++) {
				job.most = most;
				job.threads = threads;
				job.min = min == -2 ? -INFINITY : min * 0.95;
				job.queries = &others;
				job.self = false;
				job.from = queries / 3;
				job.n = queries - job.from;
				good = good && all_right(&job);
				job.queries = &all;
				job.self = true;
				job.from = n / 3;
				job.n = n - job.from;
				good = good && all_right(&job);
			}
	ok(good, "%zu among %zu, of %zu numbers%s", queries, n, length,
	    values == 0 ? "" : ", small integers");
	vectors_release(&all);
	vectors_release(&others);
}

/* What overflows and vanishes in single precision. */
static void
test_sizes(void)
{
	static const float v[][2] = {
	    {1e38f, 1e38f}, {1e-45f, 1e-45f}, {3e38f, -1}, {0, 1e-40f}};
	struct vectors vs = VECTORS_INIT;
	struct nearest job = {.all = &vs,
	    .queries = &vs,
	    .n = 4,
	    .self = true,
	    .most = 3,
	    .min = -INFINITY,
	    .threads = 1};

	vs.length = 2;
	for (int i = 0; i < 4; i++)
		vectors_add(&vs, v[i]);
	ok(all_right(&job), "vectors of any length");
	ok(nearest_score(&vs, 0, &vs, 1) == 1, "which are the same direction");
	vectors_release(&vs);
}

static void
test_copies(void)
{
	struct vectors vs = some_vectors(1, 61, 0);
	struct nearest job = {.all = &vs,
	    .queries = &vs,
	    .self = true,
	    .most = 3,
	    .min = nextafter(1, 2),
	    .threads = 2};
	bool good = true;
	float v[61];

	for (int i = 0; i < 1000; i++) {
		for (int k = 0; k < 61; k++)
			v[k] = any();
		vectors_add(&vs, v);
		vectors_add(&vs, v);
		good = good && nearest_score(&vs, vs.n - 1, &vs, vs.n - 2) == 1;
	}
	ok(good, "a copy has a score of 1, to the bit");
	job.n = 100;
	ok(all_right(&job), "what is less near than the least by a bit is none");
	vectors_release(&vs);
}

/* ---- embeddings ---- */

static void
reads(const char *json, const char *want)
{
	struct embedding em = EMBEDDING_INIT;
	struct err e = ERR_INIT;
	struct buf got = BUF_INIT;

	if (embedding_read(&em, span_str(json), &e) < 0)
		buf_adds(&got, e.text);
	else
		for (size_t i = 0; i < em.n; i++)
			buf_addf(
			    &got, "%s%.9g", i == 0 ? "" : " ", (double)em.v[i]);
	is_str(buf_cstr(&got), want, json);
	buf_release(&got);
	embedding_release(&em);
}

static void
test_embeddings(void)
{
	reads("[1, -2.5,1e-3]", "1 -2.5 0.00100000005");
	reads("[0.1,16777217]", "0.100000001 16777216");
	reads("\"AACAPwAAAMA=\"", "1 -2");
	reads("\"AACAPwAAAMA\\u003d\"", "1 -2");
	reads("[0,0,1e-45]", "0 0 1.40129846e-45");
	reads("[]", "no numbers");
	reads("\"\"", "no numbers");
	reads("[0,-0.0,1e-60]", "only zeros, which have no direction");
	reads("\"AAAAAAAAAIA=\"", "only zeros, which have no direction");
	reads("[1,\"2\"]", "number 2 is of type string");
	reads("[1,null]", "number 2 is of type null");
	reads("[1,[2]]", "number 2 is of type array");
	reads("[1e39]", "number 1 is not finite as a float32");
	reads("[1,1e999]", "number 2 is not finite as a float32");
	reads("\"AACAfw==\"", "number 1 is not finite as a float32");
	reads("\"AADAfwAAgD8=\"", "number 1 is not finite as a float32");
	reads("\"AACA\"", "base64 of 3 bytes, which are no float32");
	reads("\"AACAPwA\"", "a string that is not base64");
	reads("\"[1,2]\"", "a string that is not base64");
	reads("{}", "neither an array of numbers nor base64, but of type object");
	reads("null", "neither an array of numbers nor base64, but of type null");
}

/* What is written of a number; the text is static. */
static const char *
written(float x)
{
	static struct buf out;

	buf_clear(&out);
	embedding_add_array(&out, &x, 1);
	return buf_cstr(&out);
}

static float
of_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* Whether it reads as the same, and %g needs as many digits. */
static bool
is_shortest(float x)
{
	struct embedding em = EMBEDDING_INIT;
	const char *text = written(x), *p;
	struct err e;
	int digits = 0, least = 1;
	char other[40];
	bool good;

	good = embedding_read(&em, span_str(text), &e) == 0 &&
	       memcmp(em.v, &x, sizeof(x)) == 0;
	embedding_release(&em);
	for (; least < 9; least++) {
		snprintf(other, sizeof(other), "%.*g", least, (double)x);
		if (strtof(other, NULL) == x)
			break;
	}
	for (p = text; *p != ']' && *p != 'e'; p++)
		digits += *p >= '0' && *p <= '9' && (digits > 0 || *p != '0');
	for (; p > text && digits > 1 && (p[-1] == '0' || p[-1] == '.'); p--)
		digits -= p[-1] == '0';
	return good && digits <= least;
}

static void
test_written(void)
{
	static const struct {
		float x;
		const char *text;
	} cases[] = {{1, "[1]"}, {-0.5f, "[-0.5]"}, {0.1f, "[0.1]"}, {0, "[0]"},
	    {-0.0f, "[-0]"}, {1.0f / 3, "[0.33333334]"}, {100, "[100]"},
	    {16777216, "[16777216]"}, {0.00002f, "[0.00002]"}, {1e-7f, "[1e-7]"},
	    {-1.25e-8f, "[-1.25e-8]"}, {3e10f, "[3e+10]"}, {1e-30f, "[1e-30]"},
	    {0.010203f, "[0.010203]"}};
	const float two[] = {1, -2};
	struct buf out = BUF_INIT;
	uint32_t bits;
	bool good = true;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		is_str(written(cases[i].x), cases[i].text, cases[i].text);
	for (int i = 0; i < 200000; i++)
		good = good &&
		       (is_shortest(any()) || !printf("# %s\n", written(0)));
	ok(good, "numbers to 1 in as few digits as it takes");
	good = true;
	for (int i = 0; i < 200000 && good; i++) {
		bits = (uint32_t)rng_next(&rng);
		good = !isfinite(of_bits(bits)) || of_bits(bits) == 0 ||
		       is_shortest(of_bits(bits));
	}
	ok(good, "any numbers in as few digits as it takes");
	if (!good)
		printf(
		    "# %.9g %s\n", (double)of_bits(bits), written(of_bits(bits)));
	embedding_add_base64(&out, two, 2);
	is_span(buf_span(&out), SPAN("\"AACAPwAAAMA=\""), "as base64");
	buf_release(&out);
}

int
main(void)
{
	rng_seed(&rng, 1);
	test_blocks();
	test_exact();
	test_nearest(0, 3, 4, 0);
	test_nearest(1, 2, 1, 0);
	test_nearest(40, 70, 13, 0);
	test_nearest(101, 33, 64, 0);
	test_nearest(90, 50, 3, 2);
	test_nearest(100, 100, 2, 4);
	test_sizes();
	test_copies();
	test_embeddings();
	test_written();
	return done();
}
