/* bf-ledger repair: whole segments made of what is good in damaged ones. */
#include "change.h"
#include "subcommand.h"

#include "base/msg.h"
#include "io/cli.h"
#include "ledger/repair.h"
#include "ledger/rewrite.h"

#include <inttypes.h>

static const struct cli_option options[] = {
    LEDGER_OPTION,
    {'a', "all", NULL, "also segments of other hosts: nothing writes there"},
    CLI_COMMON_BASIC,
    CLI_END,
};
static const struct cli_command command = {
    "bf-ledger repair", "[-l DIR] [--all]", "make damaged segments whole", options};

struct sum {
	uint64_t repaired, lost, kept;
	bool left; /* damage that stays */
	bool failed;
	struct buf out;
};

static void
say_repaired(struct sum *sum, const struct survey *s, struct repair_report *report)
{
	const struct survey_found *f = survey_found(s);

	for (size_t i = 0; i < f->ndamage; i++) {
		change_say_damage(&sum->out, s, &f->damage[i]);
		sum->lost += f->damage[i].lost;
	}
	buf_addf(&sum->out, "%s/%s: repaired: %" PRIu64 " record%s kept",
	    survey_path(s), survey_name(s), f->records, change_many(f->records));
	if (report->kept.len > 0)
		buf_addf(&sum->out, "; as it was: %s", buf_cstr(&report->kept));
	buf_addc(&sum->out, '\n');
	sum->repaired++;
	sum->kept += f->records;
}

static void
repair_one(struct sum *sum, struct survey *s, const char *name)
{
	struct repair_report report = {BUF_INIT};
	struct err e = ERR_INIT;

	switch (repair_segment(s, name, &report, &e)) {
	case REPAIR_FAILED:
		msg_error("%s", e.text);
		sum->failed = true;
		break;
	case REPAIR_DONE:
		say_repaired(sum, s, &report);
		break;
	case REPAIR_BUSY:
		msg_info("%s/%s: a process is writing to it; left alone",
		    survey_path(s), name);
		break;
	case REPAIR_NOT_OURS:
		msg_warn("%s/%s: %s; left alone", survey_path(s), name,
		    survey_found(s)->newer ? "written by a newer version"
					   : "not a segment of a ledger");
		sum->left = true;
		break;
	case REPAIR_SOUND:
		break;
	}
	survey_drop(s);
	buf_release(&report.kept);
	change_put(&sum->out);
}

/* Whether another host's segment would be repaired; it is not touched. */
static void
look_at_other(struct sum *sum, struct survey *s, const char *name)
{
	struct err e = ERR_INIT;

	if (survey_take(s, name, SURVEY_FREE, &e) != 1 ||
	    survey_read(s, NULL, NULL, &e) != 0) {
		msg_error("%s", e.text);
		sum->failed = true;
	} else if (survey_damages(s) > 0) {
		msg_warn("%s/%s: damaged, and another host's: left alone without "
			 "--all",
		    survey_path(s), name);
		sum->left = true;
	}
	survey_drop(s);
}

int
ledger_repair(int argc, char **argv)
{
	const char *dir = ledger_default();
	struct sum sum = {.out = BUF_INIT};
	char *const *names;
	struct survey *s;
	struct cli cli;
	bool all = false;
	size_t n;
	int key;

	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE) {
		if (key == 'l')
			dir = cli.arg;
		else if (key == 'a')
			all = true;
	}
	if (cli.noperands > 0)
		cli_usage(&cli, "no operands are taken: the ledger is -l DIR");
	s = change_open(dir);
	rewrite_sweep(survey_dir(s));
	n = change_names(s, &names);
	for (size_t i = 0; i < n; i++)
		if (all || survey_is_of_here(names[i]))
			repair_one(&sum, s, names[i]);
		else
			look_at_other(&sum, s, names[i]);
	if (sum.repaired > 0)
		buf_addf(&sum.out,
		    "%" PRIu64 " segment%s repaired: %" PRIu64
		    " record%s kept, about %" PRIu64 " lost\n",
		    sum.repaired, change_many(sum.repaired), sum.kept,
		    change_many(sum.kept), sum.lost);
	else if (!sum.left && !sum.failed)
		buf_adds(&sum.out, "nothing to repair\n");
	change_put(&sum.out);
	buf_release(&sum.out);
	survey_close(s);
	return sum.failed ? STATUS_CANNOT
	       : sum.left ? STATUS_SOME_FAILED
			  : STATUS_OK;
}
