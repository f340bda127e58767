/* bf-shuffle: put the entries into a random order. */
#include "base/msg.h"
#include "io/hash.h"
#include "io/rng.h"
#include "shuffle.h"

#include <setjmp.h>

enum { OPT_BY = CLI_FIRST };

#define MEMORY     ((uint64_t)1 << 30)
#define MEMORY_OWN ((uint64_t)3 << 20)
#define MEMORY_MIN ((uint64_t)1 << 20)
#define CUT_FIRST  4096 /* items, before the first time that some are let go */

static const struct cli_option options[] = {
    {'s', "seed", "SEED", "another order (default 0)"},
    {'n', "number", "N", "only the first N of that order: a sample"},
    {OPT_BY, "by", "FIELD", "keep entries with the same FIELD together"},
    {'m', "memory", "SIZE", "more than this goes to a file (default 1G)"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-shuffle",
    "[-s SEED] [-n N] [--by FIELD] [-m SIZE] [FILE...]",
    "put the entries into a random order", options};

struct shuffle {
	struct stage st;
	uint64_t seed;
	uint64_t number; /* of entries or groups that are asked for */
	uint64_t memory;
	struct path *by; /* NULL: each entry by itself */

	struct rng rng;
	struct entry en;
	struct buf canon;
	struct items items;
	struct beyond *beyond; /* NULL: all are in memory */
	uint64_t came;
	uint64_t
	    last; /* lines with a higher number are not among those asked for */
	size_t cut_at; /* items */
};

/* A file that shrinks under its map ends up here, from within any access to it. */
static sigjmp_buf shrunk;

static void
on_shrink(int signo)
{
	siglongjmp(shrunk, signo);
}

/* ---- numbers ---- */

/* That of an entry's group, by the value that all of it have. */
static bool
group_number(struct shuffle *x, uint64_t *number)
{
	struct span value = stage_find(&x->st, x->by, &x->en);

	if (value.p == NULL)
		return false;
	buf_clear(&x->canon);
	json_canon(&x->canon, value);
	*number = hash_u64_seeded(x->seed, buf_span(&x->canon));
	return true;
}

static bool
next(struct shuffle *x, struct span *line, uint64_t *number)
{
	if (x->by == NULL) {
		*number = rng_next(&x->rng);
		return stage_line(&x->st, line);
	}
	while (stage_entry(&x->st, &x->en)) {
		*line = x->en.text;
		if (group_number(x, number))
			return true;
	}
	return false;
}

/* ---- lines ---- */

static int
put_beyond(struct shuffle *x, struct err *e)
{
	x->beyond = beyond_new(x->memory, e);
	if (x->beyond == NULL)
		return -1;
	for (size_t i = 0; i < x->items.n; i++)
		if (beyond_add(x->beyond, x->items.at[i].number,
			x->items.at[i].line, e) < 0)
			return -1;
	items_release(&x->items);
	return 0;
}

/* Of a sample, lets go what is not in it. */
static void
cut(struct shuffle *x)
{
	items_cut(&x->items, x->number, x->by != NULL, &x->last);
	x->cut_at = 2 * x->items.n < CUT_FIRST ? CUT_FIRST : 2 * x->items.n;
}

static int
add(struct shuffle *x, struct span line, uint64_t number, struct err *e)
{
	if (x->number == 0 || number > x->last)
		return 0;
	if (x->beyond != NULL)
		return beyond_add(x->beyond, number, line, e);
	items_add(&x->items, number, x->came++, line, stage_mapped(&x->st));
	if (x->number < UINT64_MAX && x->items.n >= x->cut_at)
		cut(x);
	if (items_size(&x->items) > x->memory)
		return put_beyond(x, e);
	return 0;
}

static void
shuffle(struct shuffle *x)
{
	struct output o = {&x->st, x->number, x->by != NULL, false, 0};
	struct err e = ERR_INIT;
	struct span line;
	uint64_t number;
	int r = 0;

	while (r == 0 && next(x, &line, &number))
		r = add(x, line, number, &e);
	/* A permutation of a part would be another one than that of the whole. */
	if (r == 0 && !stage_whole(&x->st))
		return;
	if (r == 0 && x->beyond != NULL) {
		r = beyond_output(x->beyond, &o, &e);
	} else if (r == 0) {
		items_sort(&x->items);
		output_items(&o, &x->items);
	}
	if (r < 0)
		stage_stop(&x->st, STATUS_CANNOT, "%s", e.text);
	stage_whole(&x->st);
}

/* What is left of it for lines: the rest is for buffers, and the program itself. */
static void
set_memory(struct shuffle *x, uint64_t all)
{
	uint64_t rest = all > MEMORY_OWN ? all - MEMORY_OWN : 0;

	x->memory = rest / 4 * 3 < MEMORY_MIN ? MEMORY_MIN : rest / 4 * 3;
}

static void
read_options(struct shuffle *x, struct cli *cli)
{
	int key;

	while ((key = cli_next(cli)) != CLI_DONE)
		switch (key) {
		case 's':
			x->seed = cli_u64(cli);
			break;
		case 'n':
			x->number = cli_u64(cli);
			break;
		case OPT_BY:
			path_free(x->by);
			x->by = stage_path(cli);
			break;
		case 'm':
			set_memory(x, cli_size(cli));
			break;
		}
}

int
main(int argc, char **argv)
{
	/* Not on the stack, for the way back from on_shrink(). */
	static struct shuffle x = {
	    .number = UINT64_MAX, .last = UINT64_MAX, .cut_at = CUT_FIRST};
	struct cli cli;

	cli_start(&cli, &command, argc, argv);
	set_memory(&x, MEMORY);
	read_options(&x, &cli);
	rng_seed(&x.rng, x.seed);
	stage_open(&x.st, &cli);
	stage_map(&x.st, x.memory);
	filemap_on_shrink(on_shrink);
	if (sigsetjmp(shrunk, 1) == 0)
		shuffle(&x);
	else
		stage_stop(
		    &x.st, STATUS_CANNOT, "an input file shrank while it was read");
	beyond_free(x.beyond);
	items_release(&x.items);
	entry_release(&x.en);
	buf_release(&x.canon);
	path_free(x.by);
	return stage_close(&x.st);
}
