/* bf-if: entries for which a condition holds go through a pipe. */
#include "base/mem.h"
#include "base/msg.h"
#include "pipe/mark.h"
#include "pipe/order.h"
#include "pipe/pump.h"
#include "json/jq.h"
#include "json/stage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPT_CASE = CLI_FIRST, OPT_ELSE, OPT_MANY, OPT_UNORDERED };

#define MEMORY_DEFAULT ((uint64_t)64 << 20)

static const struct cli_option options[] = {
    {OPT_CASE, "case", "EXPR", "with its PIPE: the first that holds is taken"},
    {OPT_ELSE, "else", "PIPE", "where no condition holds"},
    {OPT_MANY, "many", NULL, "pipes give none or several for one, in order"},
    {OPT_UNORDERED, "unordered", NULL, "put out whatever comes, as it comes"},
    {'m', "memory", "SIZE", "memory for what waits (default 64M)"},
    {CLI_ERRORS, "errors", "FILE", "write failed entries to FILE"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-if",
    "[--many|--unordered] [-m SIZE] [--errors FILE] "
    "{EXPR PIPE [ELSE-PIPE] | --case EXPR PIPE ... [--else PIPE]}",
    "entries for which a condition holds go through a pipe", options};

/* Where entries go. */
struct branch {
	const char *expression; /* NULL: all that come so far */
	struct jq *condition;
	bool straight; /* to the output */
	size_t pipe;
	bool started;
	bool over;         /* nothing more comes back */
	uint64_t passed;   /* by --many: the places before are over */
	uint64_t sent;     /* entries */
	uint64_t unwanted; /* that the pipe did not read any more */
	uint64_t gone;     /* that did not come back */
};

struct choice {
	struct branch *branches; /* the last takes what the others do not */
	size_t n;
	char **operands; /* with the branches' pipes */
	const char *otherwise;
	bool many, unordered;
	uint64_t memory;
	const char *errors;

	struct stage st;
	struct pump pump;
	struct lines lines;
	struct order order;
	struct entry back;
	struct buf mark, line;
};

/* ---- options ---- */

static struct branch *
add_branch(struct choice *x, const char *expression)
{
	x->branches = mem_resize(x->branches, x->n + 1, sizeof(*x->branches));
	x->branches[x->n] = (struct branch){
	    .expression = expression, .straight = true};
	return &x->branches[x->n++];
}

static void
set_pipe(struct choice *x, struct branch *b, const char *command_text)
{
	if (command_text == NULL || command_text[0] == '\0')
		return;
	b->straight = false;
	b->pipe = pump_add(&x->pump, command_text);
}

/* What is meant as a FILE would be run, and standard input waited for. */
static void
refuse_file(const struct cli *cli, const char *text)
{
	struct stat st;

	if (stat(text, &st) == 0 && S_ISREG(st.st_mode) && access(text, X_OK) != 0)
		cli_usage(cli,
		    "ELSE-PIPE %s is a file: entries come from standard input",
		    text);
}

static void
check_operands(struct choice *x, const struct cli *cli)
{
	int n = cli->noperands;

	if (x->n > 0 && (size_t)n != x->n)
		cli_usage(cli,
		    "each --case takes an EXPR and a PIPE: %zu of them, %d pipes",
		    x->n, n);
	if (x->n > 0)
		return;
	if (n == 3 && x->otherwise == NULL)
		refuse_file(cli, x->otherwise = cli->operands[--n]);
	if (n < 2)
		cli_usage(cli, n == 0 ? "no EXPR: on what condition?"
				      : "no PIPE: what do entries go through?");
	if (n > 2)
		cli_usage(cli, "too many operands: EXPR PIPE [ELSE-PIPE] "
			       "(entries come from standard input)");
}

static void
read_options(struct choice *x, struct cli *cli)
{
	int key;

	while ((key = cli_next(cli)) != CLI_DONE)
		switch (key) {
		case OPT_CASE:
			add_branch(x, cli->arg);
			break;
		case OPT_ELSE:
			x->otherwise = cli->arg;
			break;
		case OPT_MANY:
			x->many = true;
			break;
		case OPT_UNORDERED:
			x->unordered = true;
			break;
		case 'm':
			x->memory = cli_size(cli);
			break;
		case CLI_ERRORS:
			x->errors = cli->arg;
			break;
		}
	if (x->many && x->unordered)
		cli_usage(cli, "--many or --unordered, not both");
	check_operands(x, cli);
	x->operands = cli->operands;
	cli->noperands = 0; /* entries come from standard input */
}

static void
set_branches(struct choice *x)
{
	char **operand = x->operands;

	if (x->n == 0)
		add_branch(x, *operand++);
	for (size_t i = 0; i < x->n; i++)
		set_pipe(x, &x->branches[i], *operand++);
	set_pipe(x, add_branch(x, NULL), x->otherwise);
}

static void
compile(struct choice *x, const struct cli *cli)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i + 1 < x->n; i++) {
		struct branch *b = &x->branches[i];

		b->condition = jq_open(b->expression, &e);
		if (b->condition == NULL)
			cli_usage(cli, "EXPR %s: %s", b->expression, e.text);
	}
}

/* ---- entries in ---- */

/* NULL: a condition cannot be told, and the entry has failed. */
static struct branch *
choose(struct choice *x, struct entry *en)
{
	struct err e = ERR_INIT;
	int holds;

	for (size_t i = 0; i + 1 < x->n; i++) {
		holds = jq_is_true(x->branches[i].condition, en->text, &e);
		if (holds > 0)
			return &x->branches[i];
		if (holds < 0) {
			stage_fail(&x->st, en, "condition", "%s: %s",
			    x->branches[i].expression, e.text);
			return NULL;
		}
	}
	return &x->branches[x->n - 1];
}

static void
advance(struct choice *x)
{
	pump_advance(&x->pump, &x->order);
}

static void
go_straight(struct choice *x, const struct entry *en)
{
	uint64_t n;

	if (x->unordered) {
		stage_emit_line(&x->st, en->text);
		return;
	}
	n = order_add(&x->order);
	order_back(&x->order, n, en->text);
	order_over(&x->order, n);
	advance(x);
}

/* Its place, and the mark that says so. */
static void
take_place(struct choice *x, struct branch *b, struct entry *en)
{
	uint64_t n = order_add(&x->order);

	order_place(&x->order, n)->pipe = (uint32_t)b->pipe;
	mark_set(en, n, b->pipe, &x->mark);
	if (b->over) {
		order_over(&x->order, n);
		b->gone++;
		advance(x);
	}
}

static void
send(struct choice *x, struct branch *b, struct entry *en)
{
	struct buf *out = NULL;

	if (!b->started || pump_runs(&x->pump, b->pipe))
		out = pump_send(&x->pump, b->pipe);
	b->started = true;
	if (out == NULL) {
		b->unwanted++;
		return;
	}
	b->sent++;
	if (!x->unordered)
		take_place(x, b, en);
	entry_write(en, out);
}

static void
on_entry(void *arg, struct entry *en)
{
	struct choice *x = arg;
	struct branch *b = choose(x, en);

	if (b == NULL)
		return;
	if (b->straight)
		go_straight(x, en);
	else
		send(x, b, en);
}

/* Reading stops where a pipe has as much before it as memory is for. */
static bool
wants(void *arg)
{
	struct choice *x = arg;

	for (size_t i = 0; i < x->pump.n; i++)
		if (pump_backlog(&x->pump, i) > x->memory / 2 / x->pump.n)
			return false;
	return true;
}

/* ---- lines out ---- */

static struct branch *
branch_of(struct choice *x, size_t pipe)
{
	struct branch *b = x->branches;

	while (b->straight || b->pipe != pipe)
		b++;
	return b;
}

/* Its place. false: it has none, which has been told. */
static bool
find_place(struct choice *x, size_t pipe, uint64_t *n)
{
	uint64_t what;

	if (!mark_take(&x->back, n, &what)) {
		pump_bad(&x->pump, pipe, 0,
		    "an entry without its field \"" MARK_NAME
		    "\", which says where it belongs: keep the field, or use "
		    "--unordered");
		return false;
	}
	if (what != pipe || *n >= x->order.next) {
		pump_bad(&x->pump, pipe, 0,
		    "the field \"" MARK_NAME "\" is not one that was given");
		return false;
	}
	if (order_place(&x->order, *n) == NULL) {
		pump_bad(&x->pump, pipe, 0,
		    x->many
			? "an entry after one that came later: --many wants the "
			  "order kept; use --unordered"
			: "an entry that came back before: use --many or "
			  "--unordered");
		return false;
	}
	return true;
}

/* By --many those that went into the pipe before are over. */
static void
pass(struct choice *x, size_t pipe, uint64_t n)
{
	struct branch *b = branch_of(x, pipe);
	struct place *p;

	for (uint64_t i = b->passed; i < n; i++) {
		p = order_place(&x->order, i);
		if (p == NULL || p->pipe != pipe)
			continue;
		b->gone += !p->back;
		order_over(&x->order, i);
	}
	b->passed = n;
}

static void
put_back(struct choice *x, size_t pipe)
{
	uint64_t n;

	if (!find_place(x, pipe, &n))
		return;
	buf_clear(&x->line);
	entry_write(&x->back, &x->line);
	x->line.len--; /* the newline */
	if (x->many)
		pass(x, pipe, n);
	order_back(&x->order, n, buf_span(&x->line));
	if (!x->many)
		order_over(&x->order, n);
	advance(x);
}

static void
on_line(void *arg, size_t pipe, struct span line)
{
	struct choice *x = arg;
	struct json_fault f;

	if (entry_parse(&x->back, line, &f) < 0)
		pump_bad(&x->pump, pipe, f.at + 1, f.what);
	else if (x->unordered)
		stage_emit_line(&x->st, line);
	else
		put_back(x, pipe);
}

static void
on_over(void *arg, size_t pipe)
{
	struct choice *x = arg;
	struct branch *b = branch_of(x, pipe);
	struct place *p;

	b->over = true;
	for (uint64_t n = x->order.base; n < x->order.next; n++) {
		p = order_place(&x->order, n);
		if (p == NULL || p->pipe != pipe)
			continue;
		b->gone += !p->back;
		order_over(&x->order, n);
	}
	advance(x);
}

static void
on_turn(void *arg)
{
	struct choice *x = arg;

	/* Where input was lost the pipes are told, too. */
	if (x->pump.input_over && !stage_is_cut(&x->st))
		for (size_t i = 0; i < x->pump.n; i++)
			pump_end(&x->pump, i);
}

/* ---- the end ---- */

static void
summarize(struct choice *x)
{
	for (size_t i = 0; i < x->n; i++) {
		const struct branch *b = &x->branches[i];

		if (b->straight || x->pump.cut)
			continue;
		if (b->unwanted > 0)
			msg_warn("%s stopped reading: %" PRIu64
				 " more entries were for it",
			    pump_name(&x->pump, b->pipe), b->unwanted);
		if (b->gone > 0)
			msg_info("%" PRIu64 " of %" PRIu64
				 " entries did not come back from %s",
			    b->gone, b->sent, pump_name(&x->pump, b->pipe));
	}
}

static void
release(struct choice *x)
{
	for (size_t i = 0; i < x->n; i++)
		jq_close(x->branches[i].condition);
	free(x->branches);
	order_release(&x->order);
	lines_release(&x->lines);
	entry_release(&x->back);
	buf_release(&x->mark);
	buf_release(&x->line);
}

int
main(int argc, char **argv)
{
	static const struct pump_calls calls = {
	    .wants = wants,
	    .entry = on_entry,
	    .line = on_line,
	    .over = on_over,
	    .turn = on_turn,
	};
	struct choice x = {.memory = MEMORY_DEFAULT, .back = ENTRY_INIT};
	struct cli cli;
	int status;

	cli_start(&cli, &command, argc, argv);
	read_options(&x, &cli);
	lines_init(&x.lines, x.memory / 2);
	order_init(&x.order, &x.lines, pump_put_line, &x.pump);
	stage_open(&x.st, &cli);
	pump_open(&x.pump, &x.st, &calls, &x);
	set_branches(&x);
	compile(&x, &cli);
	if (x.errors != NULL)
		stage_errors(&x.st, x.errors);
	while (pump_turn(&x.pump))
		;
	summarize(&x);
	pump_close(&x.pump);
	status = stage_close(&x.st);
	release(&x);
	return status;
}
