/* bf-vote: of several answers to one question, what most of them say. */
#include "base/mem.h"
#include "base/msg.h"
#include "io/hash.h"
#include "io/hashset.h"
#include "vote.h"
#include "json/stage.h"

#include <inttypes.h>
#include <stdlib.h>

enum { OPT_BY = CLI_FIRST, OPT_NUMBER, OPT_MIN };

#define GROUP_HASH 16 /* bytes */

static const struct cli_option options[] = {
    {OPT_BY, "by", "KEY", "what answers to one question share (default id)"},
    {OPT_NUMBER, "number", NULL, "compare the last number in FIELD"},
    {OPT_MIN, "min", "FRACTION", "less agreement fails the entry: 0.5, 50%"},
    {CLI_ERRORS, "errors", "FILE", "write failed entries to FILE"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-vote",
    "[--by KEY] [--number] [--min FRACTION] [--errors FILE] FIELD [FILE...]",
    "of several answers to one question, what most of them say", options};

/* A value that was voted for. */
struct choice {
	struct buf value; /* canonical */
	struct buf line;  /* the first entry that has it */
	uint64_t votes;
};

struct vote {
	struct stage st;
	struct entry en;
	struct entry chosen; /* that is put out */
	struct path *by;
	struct path *field;
	bool number;
	double least; /* agreement */
	const char *errors;

	struct buf group; /* the key of the question that is voted on, canonical */
	bool open;        /* there is one */
	struct hashset former;  /* questions that are closed */
	struct choice *choices; /* in the order in which they came */
	size_t n, cap;
	uint64_t votes;      /* all, also those of no number */
	uint64_t void_votes; /* those, of all questions */
	struct buf line;     /* the first of the question's entries */
	struct buf scratch, text, value;
	uint64_t questions, ties, unanimous;
};

/* ---- options ---- */

static void
take_field(struct vote *x, struct cli *cli)
{
	struct err e = ERR_INIT;

	if (cli->noperands == 0)
		cli_usage(cli, "no FIELD: which one is voted on?");
	x->field = path_parse(span_str(cli->operands[0]), &e);
	if (x->field == NULL)
		cli_usage(cli, "FIELD %s: %s", cli->operands[0], e.text);
	cli->operands++;
	cli->noperands--;
}

static void
read_options(struct vote *x, struct cli *cli)
{
	struct err e = ERR_INIT;
	int key;

	while ((key = cli_next(cli)) != CLI_DONE)
		switch (key) {
		case OPT_BY:
			path_free(x->by);
			x->by = stage_path(cli);
			break;
		case OPT_NUMBER:
			x->number = true;
			break;
		case OPT_MIN:
			x->least = cli_fraction(cli);
			break;
		case CLI_ERRORS:
			x->errors = cli->arg;
			break;
		}
	if (x->by == NULL)
		x->by = path_parse(SPAN("id"), &e);
	take_field(x, cli);
}

/* ---- the end of a question ---- */

static const struct choice *
winner(const struct vote *x, bool *tie)
{
	const struct choice *best = &x->choices[0];

	*tie = false;
	for (size_t i = 1; i < x->n; i++) {
		if (x->choices[i].votes == best->votes)
			*tie = true;
		if (x->choices[i].votes > best->votes) {
			best = &x->choices[i];
			*tie = false;
		}
	}
	return best;
}

/* {"for":2,"of":3,"agreement":0.6667} */
static void
write_votes(struct vote *x, const struct choice *c, bool tie)
{
	struct buf *out = &x->value;
	uint64_t parts = (c->votes * 20000 / x->votes + 1) / 2; /* of 10000 */

	buf_clear(out);
	buf_addf(out,
	    "{\"for\":%" PRIu64 ",\"of\":%" PRIu64 ",\"agreement\":", c->votes,
	    x->votes);
	if (parts == 10000) {
		buf_addc(out, '1');
	} else {
		buf_addf(out, "0.%04" PRIu64, parts);
		while (out->data[out->len - 1] == '0')
			out->len--;
	}
	if (x->number) {
		buf_adds(out, ",\"number\":");
		buf_addspan(out, buf_span(&c->value));
	}
	buf_adds(out, tie ? ",\"tie\":true}" : "}");
}

static void
parse(struct vote *x, const struct buf *line)
{
	struct json_fault f;

	entry_parse(&x->chosen, buf_span(line), &f); /* which has been checked */
}

static void
put_out(struct vote *x)
{
	const struct choice *c;
	double agreement;
	bool tie;

	if (x->n == 0) {
		parse(x, &x->line);
		stage_fail(&x->st, &x->chosen, "no_vote",
		    "none of the answers holds a number");
		return;
	}
	c = winner(x, &tie);
	agreement = (double)c->votes / (double)x->votes;
	parse(x, &c->line);
	write_votes(x, c, tie);
	x->ties += tie;
	x->unanimous += c->votes == x->votes;
	if (agreement < x->least) {
		stage_fail(&x->st, &x->chosen, "no_majority",
		    "%" PRIu64 " of %" PRIu64 " agree", c->votes, x->votes);
		return;
	}
	entry_del(&x->chosen, "sample");
	entry_set(&x->chosen, "votes", buf_span(&x->value));
	stage_emit(&x->st, &x->chosen);
}

static void
close_question(struct vote *x)
{
	unsigned char hash[GROUP_HASH];

	if (!x->open)
		return;
	put_out(x);
	x->questions++;
	hash_blake2b(buf_span(&x->group), hash, GROUP_HASH);
	hashset_add(&x->former, hash);
	x->open = false;
}

/* ---- votes ---- */

static void
open_question(struct vote *x, struct span line)
{
	buf_clear(&x->group);
	buf_addspan(&x->group, buf_span(&x->scratch));
	buf_clear(&x->line);
	buf_addspan(&x->line, line);
	x->open = true;
	x->n = 0;
	x->votes = 0;
}

/* Whether the key, in scratch, is one of a question that is closed. */
static bool
is_former(struct vote *x)
{
	unsigned char hash[GROUP_HASH];

	hash_blake2b(buf_span(&x->scratch), hash, GROUP_HASH);
	return hashset_has(&x->former, hash);
}

static struct choice *
choice_of(struct vote *x, struct span value)
{
	struct choice *c;

	for (size_t i = 0; i < x->n; i++)
		if (span_eq(buf_span(&x->choices[i].value), value))
			return &x->choices[i];
	if (x->n == x->cap) {
		x->cap = x->cap == 0 ? 8 : 2 * x->cap;
		x->choices = mem_resize(x->choices, x->cap, sizeof(*x->choices));
		memset(x->choices + x->n, 0, (x->cap - x->n) * sizeof(*x->choices));
	}
	c = &x->choices[x->n++];
	buf_clear(&c->value);
	buf_addspan(&c->value, value);
	buf_clear(&c->line);
	buf_addspan(&c->line, x->en.text);
	c->votes = 0;
	return c;
}

/* As it is compared. false: there is no number in it. */
static bool
normal_value(struct vote *x, struct span value, struct span *normal)
{
	struct span text;

	buf_clear(&x->scratch);
	if (!x->number) {
		json_canon(&x->scratch, value);
	} else {
		if (!json_text(value, &x->text, &text))
			text = value;
		if (!number_normal(text, &x->scratch))
			return false;
	}
	*normal = buf_span(&x->scratch);
	return true;
}

static void
take(struct vote *x)
{
	struct span key = stage_find(&x->st, x->by, &x->en), value, normal;

	if (key.p == NULL)
		return;
	value = stage_find(&x->st, x->field, &x->en);
	if (value.p == NULL)
		return;
	buf_clear(&x->scratch);
	json_canon(&x->scratch, key);
	if (!x->open || !span_eq(buf_span(&x->group), buf_span(&x->scratch))) {
		if (is_former(x)) {
			stage_refuse(&x->st,
			    "the question %.*s comes again: bf-shuffle --by puts "
			    "its answers together",
			    (int)key.n, key.p);
			return;
		}
		close_question(x);
		open_question(x, x->en.text);
	}
	x->votes++;
	if (normal_value(x, value, &normal))
		choice_of(x, normal)->votes++;
	else
		x->void_votes++;
}

static void
summarize(const struct vote *x)
{
	msg_info("%" PRIu64 " questions: %" PRIu64 " unanimous, %" PRIu64 " ties",
	    x->questions, x->unanimous, x->ties);
	if (x->void_votes > 0)
		msg_info("answers without a number, which do not count: %" PRIu64,
		    x->void_votes);
}

static void
release(struct vote *x)
{
	for (size_t i = 0; i < x->cap; i++) {
		buf_release(&x->choices[i].value);
		buf_release(&x->choices[i].line);
	}
	free(x->choices);
	path_free(x->by);
	path_free(x->field);
	hashset_release(&x->former);
	entry_release(&x->en);
	entry_release(&x->chosen);
	buf_release(&x->group);
	buf_release(&x->line);
	buf_release(&x->scratch);
	buf_release(&x->text);
	buf_release(&x->value);
}

int
main(int argc, char **argv)
{
	struct vote x = {.en = ENTRY_INIT,
	    .chosen = ENTRY_INIT,
	    .former = HASHSET_INIT(GROUP_HASH)};
	struct cli cli;
	int status;

	cli_start(&cli, &command, argc, argv);
	read_options(&x, &cli);
	stage_open(&x.st, &cli);
	if (x.errors != NULL)
		stage_errors(&x.st, x.errors);
	while (stage_entry(&x.st, &x.en))
		take(&x);
	/* Of a stream that was cut, the last question may have more answers. */
	if (!stage_is_cut(&x.st)) {
		close_question(&x);
		summarize(&x);
	}
	status = stage_close(&x.st);
	release(&x);
	return status;
}
