/* bf-ledger compact: segments without what no longer counts, packed tighter. */
#include "change.h"
#include "subcommand.h"

#include "base/msg.h"
#include "io/cli.h"
#include "ledger/compact.h"

#include <inttypes.h>

enum { OPT_LEVEL = CLI_FIRST, OPT_DROP_ERRORS };

static const struct cli_option options[] = {
    LEDGER_OPTION,
    {OPT_LEVEL, "level", "N",
	"compress at this level of zstd, 1 to 22 (default 9)"},
    {'a', "all", NULL, "also what is compact already, and segments of other hosts"},
    {OPT_DROP_ERRORS, "drop-errors", NULL, "drop the history of failed calls, too"},
    CLI_COMMON_BASIC,
    CLI_END,
};
static const struct cli_command command = {"bf-ledger compact",
    "[-l DIR] [--level N] [--all] [--drop-errors]",
    "drop what no longer counts, and compress anew", options};

static void
say_left(const char *what, uint64_t n)
{
	if (n > 0)
		msg_info("%" PRIu64 " segment%s left alone: %s", n, change_many(n),
		    what);
}

static void
say_dropped(struct buf *out, const char *what, uint64_t n, bool *any)
{
	if (n == 0)
		return;
	buf_addf(out, "%s%" PRIu64 " %s", *any ? ", " : "; dropped: ", n, what);
	*any = true;
}

static void
say_report(const struct compact_report *r)
{
	struct buf out = BUF_INIT;
	bool any = false;

	say_left("another process writes there", r->busy);
	say_left("of another host (--all)", r->foreign);
	say_left("damaged (bf-ledger repair)", r->damaged);
	if (r->segments == 0) {
		buf_adds(&out, "nothing to compact\n");
	} else {
		buf_addf(&out, "%" PRIu64 " segment%s of ", r->segments,
		    change_many(r->segments));
		change_add_size(&out, r->bytes);
		buf_addf(&out, " to %" PRIu64 " of ", r->new_segments);
		change_add_size(&out, r->new_bytes);
		buf_addf(&out, ": %" PRIu64 " record%s", r->records,
		    change_many(r->records));
		say_dropped(&out, "superseded", r->superseded, &any);
		say_dropped(&out, "withdrawn", r->withdrawn, &any);
		say_dropped(&out, "that withdrew", r->forgets, &any);
		say_dropped(&out, "repeated", r->repeated, &any);
		say_dropped(&out, "errors", r->errors, &any);
		buf_addc(&out, '\n');
	}
	change_put(&out);
	buf_release(&out);
}

int
ledger_compact(int argc, char **argv)
{
	const char *dir = ledger_default();
	struct compact_options o = {.level = COMPACT_LEVEL};
	struct compact_report report;
	struct err e = ERR_INIT;
	struct survey *s;
	struct cli cli;
	uint64_t level;
	int key, rc;

	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE) {
		if (key == 'l')
			dir = cli.arg;
		else if (key == 'a')
			o.all = true;
		else if (key == OPT_DROP_ERRORS)
			o.history = true;
		else if (key == OPT_LEVEL) {
			level = cli_u64(&cli);
			if (level < 1 || level > 22)
				cli_usage(
				    &cli, "--level takes 1 to 22, not %s", cli.arg);
			o.level = (int)level;
		}
	}
	if (cli.noperands > 0)
		cli_usage(&cli, "no operands are taken: the ledger is -l DIR");
	s = change_open(dir);
	rc = compact_ledger(s, &o, &report, &e);
	if (rc == 0)
		say_report(&report);
	else
		msg_error("%s", e.text);
	survey_close(s);
	return rc == 0 ? STATUS_OK : STATUS_CANNOT;
}
