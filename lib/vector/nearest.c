#include "vector/nearest.h"

#include "base/mem.h"
#include "io/fdio.h"
#include "vector/dot.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ALIGNMENT ((size_t)64)
/* Packed queries of a thread are no more than this, if they are more than a few. */
#define ROWS_SIZE ((size_t)4 << 20)

struct search {
	const struct nearest *job;
	const struct dot *dot;
	double error;
	size_t block;       /* queries that are taken at once */
	atomic_size_t next; /* of those */
};

/* A thread's own. */
struct worker {
	struct search *s;
	size_t from, n; /* its queries now, from job->from */
	float *rows;    /* them as dot's blocks want them */
	float *cols;
	float *least; /* of each query: a product below is not near enough */
};

double
nearest_score(const struct vectors *a, size_t i, const struct vectors *b, size_t j)
{
	double dot = dot_exact(vectors_at(a, i), vectors_at(b, j), a->length);

	return dot / sqrt(a->squares[i] * b->squares[j]);
}

/* ---- the best of a query: a heap, the worst at its root ---- */

static bool
is_worse(const struct near *a, const struct near *b)
{
	return a->score < b->score || (a->score == b->score && a->index > b->index);
}

static int
by_rank(const void *a, const void *b)
{
	return is_worse(a, b) ? 1 : -1;
}

static void
sift_up(struct near *heap, size_t i, struct near x)
{
	for (; i > 0 && is_worse(&x, &heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = x;
}

static void
sift_down(struct near *heap, size_t n, struct near x)
{
	size_t i = 0, child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && is_worse(&heap[child + 1], &heap[child]))
			child++;
		if (!is_worse(&heap[child], &x))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = x;
}

/* What a product must be so that the pair may belong to the best. */
static float
least(const struct search *s, double score)
{
	return (float)(score - s->error);
}

/* Query q of the worker's may have this neighbour. */
static void
offer(struct worker *w, size_t q, size_t index)
{
	const struct nearest *job = w->s->job;
	size_t i = w->from + q, query = job->from + i;
	struct near *heap = job->near + i * job->most, x = {.index = index};

	if (job->self && query == index)
		return;
	x.score = nearest_score(job->queries, query, job->all, index);
	if (x.score < job->min)
		return;
	if (job->counts[i] < job->most)
		sift_up(heap, job->counts[i]++, x);
	else if (is_worse(&heap[0], &x))
		sift_down(heap, job->most, x);
	if (job->counts[i] == job->most)
		w->least[q] = least(w->s, heap[0].score);
}

/* ---- blocks ---- */

/* Vectors from..from+n of a block of `width`, each made as long as 1; zeros after.
 */
static void
pack(const struct vectors *vs, size_t from, size_t n, size_t width, float *out)
{
	const float *v;
	double scale;

	for (size_t k = 0; k < width; k++) {
		v = k < n ? vectors_at(vs, from + k) : NULL;
		scale = k < n ? 1 / sqrt(vs->squares[from + k]) : 0;
		for (size_t i = 0; i < vs->length; i++)
			out[i * width + k] = v == NULL
						 ? 0
						 : (float)((double)v[i] * scale);
	}
}

static size_t
at_most(size_t n, size_t most)
{
	return n < most ? n : most;
}

static void
look(struct worker *w, const float *products, size_t q, size_t from, size_t n)
{
	bool any = false;

	for (size_t c = 0; c < DOT_COLS; c++)
		any |= products[c] >= w->least[q];
	for (size_t c = 0; any && c < n; c++)
		if (products[c] >= w->least[q])
			offer(w, q, from + c);
}

/* Vectors from..from+n with all of the worker's queries. */
static void
compare(struct worker *w, size_t from, size_t n)
{
	_Alignas(32) float products[DOT_ROWS * DOT_COLS];
	const struct nearest *job = w->s->job;
	size_t length = job->all->length;

	pack(job->all, from, n, DOT_COLS, w->cols);
	for (size_t q = 0; q < w->n; q += DOT_ROWS) {
		w->s->dot->block(w->rows + q * length, w->cols, length, products);
		for (size_t r = 0; r < DOT_ROWS && q + r < w->n; r++)
			look(w, products + r * DOT_COLS, q + r, from, n);
	}
}

static void
take(struct worker *w)
{
	const struct nearest *job = w->s->job;
	size_t length = job->all->length, i;

	for (size_t q = 0; q < w->n; q += DOT_ROWS)
		pack(job->queries, job->from + w->from + q,
		    at_most(w->n - q, DOT_ROWS), DOT_ROWS, w->rows + q * length);
	for (size_t q = 0; q < w->n; q++) {
		w->least[q] = least(w->s, job->min);
		job->counts[w->from + q] = 0;
	}
	for (i = 0; i < job->all->n && fd_stopped() == 0; i += DOT_COLS)
		compare(w, i, at_most(job->all->n - i, DOT_COLS));
	for (size_t q = 0; q < w->n; q++) {
		i = w->from + q;
		qsort(job->near + i * job->most, job->counts[i], sizeof(*job->near),
		    by_rank);
	}
}

static float *
floats(size_t n)
{
	size_t size = n * sizeof(float);

	return mem_aligned(
	    ALIGNMENT, (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

static void *
work(void *arg)
{
	struct search *s = arg;
	struct worker w = {.s = s};
	size_t length = s->job->all->length;

	w.rows = floats(s->block * length);
	w.cols = floats(DOT_COLS * length);
	w.least = floats(s->block);
	while ((w.from = atomic_fetch_add(&s->next, s->block)) < s->job->n) {
		w.n = at_most(s->job->n - w.from, s->block);
		take(&w);
	}
	free(w.rows);
	free(w.cols);
	free(w.least);
	return NULL;
}

/* As many as keep all threads busy, a multiple of a block's rows. */
static size_t
block_size(const struct nearest *job)
{
	size_t n = (job->n + job->threads - 1) / job->threads;

	n = at_most(n, NEAREST_BLOCK);
	n = at_most(n, ROWS_SIZE / sizeof(float) / job->all->length);
	n = n > 0 ? n : 1;
	return (n + DOT_ROWS - 1) / DOT_ROWS * DOT_ROWS;
}

int
nearest_find(const struct nearest *job)
{
	struct search s = {.job = job, .dot = dot_choice(0)};
	pthread_t *threads;
	size_t n = 0;

	if (job->all->n == 0) {
		for (size_t i = 0; i < job->n; i++)
			job->counts[i] = 0;
		return 0;
	}
	s.error = dot_error(job->all->length);
	s.block = block_size(job);
	threads = mem_zero(job->threads, sizeof(*threads));
	while (n + 1 < job->threads && (n + 1) * s.block < job->n &&
	       pthread_create(&threads[n], NULL, work, &s) == 0)
		n++;
	work(&s);
	while (n > 0)
		pthread_join(threads[--n], NULL);
	free(threads);
	return fd_stopped() == 0 ? 0 : -1;
}
