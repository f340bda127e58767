/* bf-shuffle: put the entries into a random order. */
#include "base/mem.h"
#include "base/msg.h"
#include "io/rng.h"
#include "json/stage.h"

#include <setjmp.h>
#include <stdlib.h>

static const struct cli_option options[] = {
    {'s', "seed", "SEED", "another order (default 0)"},
    {'n', "number", "N", "only the first N of that order: a sample"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-shuffle",
    "[-s SEED] [-n N] [FILE...]", "put the entries into a random order", options};

/* Where lines that do not stay are copied to; what is in a block never moves. */
#define BLOCK_SIZE ((size_t)4 << 20)

struct block {
	struct block *next;
	size_t used, size;
	char data[];
};

struct lines {
	struct span *at;
	size_t n, cap;
	struct block *blocks; /* the newest first */
};

/* A file that shrinks under its map ends up here, from within any access to it. */
static sigjmp_buf shrunk;

static void
on_shrink(int signo)
{
	siglongjmp(shrunk, signo);
}

static struct span
keep(struct lines *l, struct span s)
{
	struct block *b = l->blocks;
	size_t size;

	if (b == NULL || b->size - b->used < s.n) {
		size = s.n > BLOCK_SIZE ? s.n : BLOCK_SIZE;
		b = mem_alloc(sizeof(*b) + size);
		*b = (struct block){.next = l->blocks, .size = size};
		l->blocks = b;
	}
	memcpy(b->data + b->used, s.p, s.n);
	s.p = b->data + b->used;
	b->used += s.n;
	return s;
}

static void
collect(struct lines *l, struct stage *st)
{
	struct span line;

	while (stage_line(st, &line)) {
		if (l->n == l->cap) {
			l->cap = l->cap == 0 ? 4096 : 2 * l->cap;
			l->at = mem_resize(l->at, l->cap, sizeof(*l->at));
		}
		l->at[l->n++] = stage_mapped(st) ? line : keep(l, line);
	}
}

/*
 * The first n places of the permutation, by Fisher and Yates from the front:
 * each place in turn gets one of those that are left, so that a sample is the
 * beginning of the whole.
 */
static void
permute(struct lines *l, size_t n, uint64_t seed)
{
	struct rng r;
	struct span s;
	size_t j;

	rng_seed(&r, seed);
	for (size_t i = 0; i < n; i++) {
		j = i + (size_t)rng_below(&r, l->n - i);
		s = l->at[i];
		l->at[i] = l->at[j];
		l->at[j] = s;
	}
}

/* The lines are far apart: ask for the next ones while one is copied. */
static void
prefetch(struct span s)
{
	size_t n = s.n < 512 ? s.n : 512;

	for (size_t i = 0; i < n; i += 64)
		__builtin_prefetch(s.p + i);
}

static void
emit(const struct lines *l, size_t n, struct stage *st)
{
	for (size_t i = 0; i < n; i++) {
		if (i + 4 < n)
			prefetch(l->at[i + 4]);
		if (stage_interrupted(st) || !stage_emit_line(st, l->at[i]))
			return;
	}
}

static void
shuffle(struct stage *st, uint64_t seed, uint64_t number)
{
	static struct lines l;
	size_t n;

	collect(&l, st);
	/* A permutation of a part would be another one than that of the whole. */
	if (!stage_whole(st))
		return;
	n = number < l.n ? (size_t)number : l.n;
	permute(&l, n, seed);
	emit(&l, n, st);
	stage_whole(st);
}

int
main(int argc, char **argv)
{
	/* Not on the stack, for the way back from on_shrink(). */
	static struct stage st;
	static uint64_t seed = 0, number = UINT64_MAX;
	struct cli cli;
	int key;

	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE) {
		if (key == 's')
			seed = cli_u64(&cli);
		else if (key == 'n')
			number = cli_u64(&cli);
	}
	stage_open(&st, &cli);
	stage_map(&st);
	filemap_on_shrink(on_shrink);
	if (sigsetjmp(shrunk, 1) == 0)
		shuffle(&st, seed, number);
	else
		stage_stop(
		    &st, STATUS_CANNOT, "an input file shrank while it was read");
	return stage_close(&st);
}
