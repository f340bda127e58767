#include "vector/dot.h"

#include "io/cpu.h"

#define LANES 8

const struct dot *
dot_choice(size_t i)
{
#if defined(__x86_64__)
	if (!cpu_has_fma())
		i++;
	return i == 0 ? &dot_avx2 : i == 1 ? &dot_portable : NULL;
#else
	return i == 0 ? &dot_portable : NULL;
#endif
}

double
dot_error(size_t n)
{
	return 1.1 * 0x1p-24 * (double)(n + 16);
}

double
dot_exact(const float *a, const float *b, size_t n)
{
	double sum[LANES] = {0};
	size_t i, l;

	for (i = 0; n - i >= LANES; i += LANES)
#pragma GCC unroll 8
		for (l = 0; l < LANES; l++)
			sum[l] += (double)a[i + l] * (double)b[i + l];
	for (l = 0; i + l < n; l++)
		sum[l] += (double)a[i + l] * (double)b[i + l];
	return ((sum[0] + sum[4]) + (sum[2] + sum[6])) +
	       ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

/*
 * By the compiler's vector extension, which becomes whatever the processor has.
 * Half of the rows at a time, whose sums fit into sixteen registers.
 */
#define WIDTH 4
#define HALF  (DOT_ROWS / 2)
#define PARTS (DOT_COLS / WIDTH)
typedef float vec __attribute__((vector_size(4 * WIDTH)));

static void
half_block(const float *rows, const vec *cols, size_t n, vec *out)
{
	vec sum[HALF][PARTS] = {{{0}}};

	for (size_t i = 0; i < n; i++) {
#pragma GCC unroll 3
		for (int r = 0; r < HALF; r++)
#pragma GCC unroll 4
			for (int p = 0; p < PARTS; p++)
				sum[r][p] += rows[r] * cols[p];
		rows += DOT_ROWS;
		cols += PARTS;
	}
	for (int r = 0; r < HALF; r++)
		for (int p = 0; p < PARTS; p++)
			out[r * PARTS + p] = sum[r][p];
}

static void
block(const float *rows, const float *cols, size_t n, float *out)
{
	half_block(rows, (const vec *)cols, n, (vec *)out);
	half_block(
	    rows + HALF, (const vec *)cols, n, (vec *)(out + HALF * DOT_COLS));
}

const struct dot dot_portable = {"portable", block};
