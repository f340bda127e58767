/* bf-ledger verify: whether all that is in a ledger is as it was written. */
#include "change.h"
#include "subcommand.h"

#include "base/msg.h"
#include "io/cli.h"
#include "ledger/verify.h"
#include "json/json.h"

#include <inttypes.h>

enum { OPT_JSON = CLI_FIRST };

static const struct cli_option options[] = {
    LEDGER_OPTION,
    {OPT_JSON, "json", NULL, "an object a line"},
    CLI_COMMON_BASIC,
    CLI_END,
};
static const struct cli_command command = {"bf-ledger verify", "[-l DIR] [--json]",
    "look at every checksum in a ledger", options};

struct sum {
	uint64_t segments, frames, records, both, damages, lost, saved, unread;
	uint64_t bytes;
	bool json;
	struct buf out;
};

static void
say_index(struct sum *sum, const struct survey *s, const char *what)
{
	struct buf file = BUF_INIT;

	buf_addf(&file, "%s/%s.idx", survey_path(s), survey_name(s));
	sum->damages++;
	if (sum->json) {
		buf_adds(&sum->out, "{\"file\":");
		json_add_string(&sum->out, buf_span(&file));
		buf_adds(&sum->out, ",\"byte\":0,\"bytes\":0,\"what\":");
		json_add_string(&sum->out, span_str(what));
		buf_adds(&sum->out, ",\"damage\":true,\"lost\":0,\"saved\":0}\n");
	} else
		buf_addf(&sum->out,
		    "%s: %s (nothing is lost: remove it, it is made again)\n",
		    buf_cstr(&file), what);
	buf_release(&file);
}

static void
add_found(struct sum *sum, const struct survey *s)
{
	const struct survey_found *f = survey_found(s);

	sum->segments++;
	sum->frames += f->frames;
	sum->records += f->records;
	sum->both += f->both;
	sum->bytes += f->size + f->tail_size;
	for (size_t i = 0; i < f->ndamage; i++) {
		const struct survey_damage *d = &f->damage[i];
		if (sum->json)
			change_json_damage(&sum->out, s, d);
		else
			change_say_damage(&sum->out, s, d);
		sum->damages += !d->unfinished;
		sum->lost += d->lost;
		sum->saved += d->saved;
	}
}

static void
verify_one(struct sum *sum, struct survey *s, const char *name)
{
	struct err e = ERR_INIT;
	enum verify_index index;
	const char *wrong;

	if (survey_take(s, name, SURVEY_FREE, &e) != 1 ||
	    verify_segment(s, &index, &wrong, &e) != 0) {
		msg_error("%s", e.text);
		sum->unread++;
		return;
	}
	add_found(sum, s);
	if (index == VERIFY_WRONG)
		say_index(sum, s, wrong);
	survey_drop(s);
	change_put(&sum->out);
}

static void
say_sum(struct sum *sum)
{
	struct buf *out = &sum->out;

	if (sum->json) {
		buf_addf(out,
		    "{\"segments\":%" PRIu64 ",\"bytes\":%" PRIu64
		    ",\"frames\":%" PRIu64 ",\"records\":%" PRIu64
		    ",\"in_frame_and_tail\":%" PRIu64 ",\"damages\":%" PRIu64
		    ",\"lost\":%" PRIu64 ",\"saved\":%" PRIu64
		    ",\"unread\":%" PRIu64 "}\n",
		    sum->segments, sum->bytes, sum->frames, sum->records, sum->both,
		    sum->damages, sum->lost, sum->saved, sum->unread);
		return;
	}
	buf_addf(out, "%" PRIu64 " segment%s, ", sum->segments,
	    change_many(sum->segments));
	change_add_size(out, sum->bytes);
	buf_addf(out,
	    ": %" PRIu64 " good record%s in %" PRIu64 " frame%s and tails",
	    sum->records, change_many(sum->records), sum->frames,
	    change_many(sum->frames));
	if (sum->both > 0)
		buf_addf(out, "; %" PRIu64 " in both, as it should be", sum->both);
	if (sum->damages == 0)
		buf_adds(out, "; no damage\n");
	else
		buf_addf(out,
		    "; %" PRIu64 " place%s damaged, about %" PRIu64
		    " record%s lost%s\n",
		    sum->damages, change_many(sum->damages), sum->lost,
		    change_many(sum->lost),
		    sum->saved > 0 ? " (bf-ledger repair saves what can be)" : "");
}

int
ledger_verify(int argc, char **argv)
{
	const char *dir = ledger_default();
	struct sum sum = {.out = BUF_INIT};
	char *const *names;
	struct survey *s;
	struct cli cli;
	size_t n;
	int key;

	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE) {
		if (key == 'l')
			dir = cli.arg;
		else if (key == OPT_JSON)
			sum.json = true;
	}
	if (cli.noperands > 0)
		cli_usage(&cli, "no operands are taken: the ledger is -l DIR");
	s = change_open(dir);
	n = change_names(s, &names);
	for (size_t i = 0; i < n; i++)
		verify_one(&sum, s, names[i]);
	say_sum(&sum);
	change_put(&sum.out);
	buf_release(&sum.out);
	survey_close(s);
	return sum.unread > 0    ? STATUS_CANNOT
	       : sum.damages > 0 ? STATUS_SOME_FAILED
				 : STATUS_OK;
}
