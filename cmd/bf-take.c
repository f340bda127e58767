/* bf-take: pass on some of the entries. */
#include "base/msg.h"
#include "io/hash.h"
#include "io/hashset.h"
#include "io/num.h"
#include "json/stage.h"

enum { OPT_EVERY = CLI_FIRST, OPT_SHARD, OPT_FIRST_PER };

#define VALUE_HASH 16 /* bytes */

static const struct cli_option options[] = {
    {'n', "number", "N", "take N entries and stop"},
    {'o', "offset", "OFFSET", "pass over the first OFFSET entries"},
    {OPT_EVERY, "every", "K", "take the first of every K entries"},
    {'p', "fraction", "FRACTION", "take about this part, 0.05 or 5%, by hash"},
    {OPT_SHARD, "shard", "I/N", "take part I, from 1, of N parts by hash"},
    {OPT_FIRST_PER, "first-per", "FIELD",
	"take the first entry with each value of FIELD"},
    {'s', "seed", "SEED", "another choice for -p (default 0)"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-take",
    "[-n N] [-o OFFSET] [--every K] [-p FRACTION] [--shard I/N] "
    "[--first-per FIELD] [-s SEED] [FILE...]",
    "pass on some of the entries", options};

struct selection {
	uint64_t number; /* UINT64_MAX: all */
	uint64_t offset;
	uint64_t every;
	uint64_t shard;  /* from 0 */
	uint64_t shards; /* 0: not asked for */
	uint64_t seed;
	bool sampling;
	double fraction;
	struct path *first_per; /* NULL: not asked for */

	struct entry en;
	struct buf canon;
	struct hashset values; /* of that field */
	uint64_t seen;         /* entries that passed those, modulo every */
};

static void
set_shard(struct selection *sel, const struct cli *cli)
{
	struct span s = span_str(cli->arg);
	const char *slash = memchr(s.p, '/', s.n);
	size_t n = slash == NULL ? s.n : (size_t)(slash - s.p);
	uint64_t i;

	if (slash == NULL || num_u64(span_of(s.p, n), &i) < 0 ||
	    num_u64(span_of(slash + 1, s.n - n - 1), &sel->shards) < 0 || i < 1 ||
	    i > sel->shards)
		cli_usage(cli,
		    "%s wants I/N with I from 1 to N, such as 1/4, not '%s'",
		    cli->name, cli->arg);
	sel->shard = i - 1;
}

static void
read_options(struct selection *sel, struct cli *cli)
{
	bool seeded = false;
	int key;

	while ((key = cli_next(cli)) != CLI_DONE) {
		switch (key) {
		case 'n':
			sel->number = cli_u64(cli);
			break;
		case 'o':
			sel->offset = cli_u64(cli);
			break;
		case OPT_EVERY:
			sel->every = cli_u64(cli);
			if (sel->every == 0)
				cli_usage(cli, "%s must be at least 1", cli->name);
			break;
		case 'p':
			sel->fraction = cli_fraction(cli);
			sel->sampling = true;
			break;
		case OPT_SHARD:
			set_shard(sel, cli);
			break;
		case OPT_FIRST_PER:
			path_free(sel->first_per);
			sel->first_per = stage_path(cli);
			break;
		case 's':
			sel->seed = cli_u64(cli);
			seeded = true;
			break;
		}
	}
	if (seeded && !sel->sampling)
		cli_usage(cli, "-s has a meaning only with -p");
}

/* The high half of the product spreads all hashes evenly over the shards. */
static bool
in_shard(const struct selection *sel, struct span line)
{
	__extension__ typedef unsigned __int128 u128;

	return (uint64_t)((u128)hash_u64(line) * sel->shards >> 64) == sel->shard;
}

/* The choice is independent of that of any other seed and of the shards. */
static bool
in_sample(const struct selection *sel, struct span line)
{
	return (double)(hash_u64_seeded(sel->seed, line) >> 11) * 0x1p-53 <
	       sel->fraction;
}

/* Whether no entry before it had the same value, however it is written. */
static bool
is_first(struct selection *sel, struct stage *st)
{
	struct span value = stage_find(st, sel->first_per, &sel->en);
	unsigned char hash[VALUE_HASH];

	if (value.p == NULL)
		return false;
	buf_clear(&sel->canon);
	json_canon(&sel->canon, value);
	hash_blake2b(buf_span(&sel->canon), hash, VALUE_HASH);
	return hashset_add(&sel->values, hash);
}

static bool
is_taken(struct selection *sel, struct stage *st, struct span line)
{
	if (sel->shards != 0 && !in_shard(sel, line))
		return false;
	if (sel->sampling && !in_sample(sel, line))
		return false;
	if (sel->first_per != NULL && !is_first(sel, st))
		return false;
	if (sel->every > 1) {
		if (sel->seen++ != 0) {
			if (sel->seen == sel->every)
				sel->seen = 0;
			return false;
		}
	}
	if (sel->offset > 0) {
		sel->offset--;
		return false;
	}
	return true;
}

/* The lines are looked into only where an option wants it. */
static bool
next(struct selection *sel, struct stage *st, struct span *line)
{
	if (sel->first_per == NULL)
		return stage_line(st, line);
	if (!stage_entry(st, &sel->en))
		return false;
	*line = sel->en.text;
	return true;
}

int
main(int argc, char **argv)
{
	struct selection sel = {.number = UINT64_MAX,
	    .every = 1,
	    .en = ENTRY_INIT,
	    .values = HASHSET_INIT(VALUE_HASH)};
	struct cli cli;
	struct stage st;
	struct span line;

	cli_start(&cli, &command, argc, argv);
	read_options(&sel, &cli);
	stage_open(&st, &cli);
	while (sel.number > 0 && next(&sel, &st, &line)) {
		if (!is_taken(&sel, &st, line))
			continue;
		sel.number--;
		if (!stage_emit_line(&st, line))
			break;
	}
	entry_release(&sel.en);
	buf_release(&sel.canon);
	hashset_release(&sel.values);
	path_free(sel.first_per);
	return stage_close(&st);
}
