/* bf-loop: entries go through a pipe again and again, until they are done. */
#include "base/mem.h"
#include "base/msg.h"
#include "pipe/mark.h"
#include "pipe/order.h"
#include "pipe/pump.h"
#include "json/jq.h"
#include "json/stage.h"

#include <inttypes.h>
#include <stdlib.h>

enum { OPT_UNTIL = CLI_FIRST, OPT_WHILE, OPT_PER_ROUND, OPT_UNORDERED };

#define MEMORY_DEFAULT ((uint64_t)64 << 20)
#define ROUNDS_DEFAULT 10
#define ROUNDS_MOST    1000000000
#define FEED           ((size_t)64 << 10) /* bytes before the pipe */

static const struct cli_option options[] = {
    {'n', "rounds", "MAX", "at most so many rounds (default 10)"},
    {OPT_UNTIL, "until", "EXPR", "after a round, leave where EXPR holds"},
    {OPT_WHILE, "while", "EXPR", "before a round, leave where EXPR does not hold"},
    {OPT_PER_ROUND, "per-round", NULL, "a new pipe for each round of all entries"},
    {OPT_UNORDERED, "unordered", NULL, "put entries out as they leave"},
    {'m', "memory", "SIZE", "memory for what waits (default 64M)"},
    {CLI_ERRORS, "errors", "FILE", "write failed entries to FILE"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-loop",
    "[-n MAX] [--until EXPR | --while EXPR] [--per-round] [--unordered] [-m SIZE] "
    "[--errors FILE] PIPE [FILE...]",
    "entries go through a pipe until a condition holds", options};

/* Places whose entries wait for a round, first in first out. */
struct queue {
	uint64_t *places;
	size_t from, n, cap;
};

enum { WAITS, IN_PIPE }; /* place.pipe */

struct rounds {
	const char *condition_text;
	struct jq *condition; /* NULL: none but the number of rounds */
	bool until;           /* it, or while */
	bool limited;         /* by an option */
	uint64_t most;
	bool per_round, unordered;
	const char *pipe_text;
	uint64_t memory;
	const char *errors;

	struct stage st;
	struct pump pump;
	size_t pipe;
	struct lines lines;
	struct order order;
	struct queue now;  /* for the pipe that runs */
	struct queue next; /* for the one after it */
	struct entry back, clean, fed;
	struct buf mark, line, text, rounds, where;
	uint64_t left;    /* entries */
	uint64_t at_most; /* that left as they had gone round most often */
	uint64_t all;     /* rounds */
	uint64_t gone;    /* entries that a pipe dropped */
};

/* ---- options ---- */

static void
set_condition(struct rounds *x, const struct cli *cli, bool until)
{
	if (x->condition_text != NULL)
		cli_usage(cli, "one --until or --while, not several");
	x->condition_text = cli->arg;
	x->until = until;
}

static void
take_pipe(struct rounds *x, struct cli *cli)
{
	if (cli->noperands == 0 || cli->operands[0][0] == '\0')
		cli_usage(cli, "no PIPE: what do entries go through?");
	if (!x->limited && x->condition_text == NULL)
		cli_usage(cli, "how often? -n MAX, --until EXPR or --while EXPR");
	x->pipe_text = *cli->operands++;
	cli->noperands--;
}

static void
compile(struct rounds *x, const struct cli *cli)
{
	struct err e = ERR_INIT;

	if (x->condition_text == NULL)
		return;
	x->condition = jq_open(x->condition_text, &e);
	if (x->condition == NULL)
		cli_usage(cli, "EXPR %s: %s", x->condition_text, e.text);
}

static void
read_options(struct rounds *x, struct cli *cli)
{
	int key;

	while ((key = cli_next(cli)) != CLI_DONE)
		switch (key) {
		case 'n':
			x->most = cli_u64(cli);
			x->limited = true;
			if (x->most == 0 || x->most > ROUNDS_MOST)
				cli_usage(cli, "%s takes 1 to %d", cli->name,
				    ROUNDS_MOST);
			break;
		case OPT_UNTIL:
		case OPT_WHILE:
			set_condition(x, cli, key == OPT_UNTIL);
			break;
		case OPT_PER_ROUND:
			x->per_round = true;
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
	take_pipe(x, cli);
	compile(x, cli);
}

/* ---- queues ---- */

static void
queue_add(struct queue *q, uint64_t place)
{
	if (q->from > 0 && q->from + q->n == q->cap) {
		memmove(q->places, q->places + q->from, q->n * sizeof(*q->places));
		q->from = 0;
	}
	if (q->n == q->cap) {
		q->cap = q->cap == 0 ? 64 : 2 * q->cap;
		q->places = mem_resize(q->places, q->cap, sizeof(*q->places));
	}
	q->places[q->from + q->n++] = place;
}

static uint64_t
queue_take(struct queue *q)
{
	uint64_t place = q->places[q->from++];

	if (--q->n == 0)
		q->from = 0;
	return place;
}

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* What goes through the next pipe does so in the order of the input. */
static void
turn_over(struct rounds *x)
{
	struct queue former = x->now;

	x->now = x->next;
	x->next = former;
	if (x->now.n > 1)
		qsort(x->now.places + x->now.from, x->now.n, sizeof(*x->now.places),
		    by_number);
}

/* ---- entries that fail ---- */

static const char *
where(struct rounds *x, const struct place *p)
{
	buf_clear(&x->where);
	buf_addf(&x->where, "%s:%" PRIu64, p->input, p->lineno);
	return buf_cstr(&x->where);
}

/* Its error says how many rounds are behind it: from there it goes on. */
static void
fail(struct rounds *x, const struct place *p, struct entry *en, uint64_t rounds,
    const char *class, const char *what)
{
	struct buf more = BUF_INIT;

	buf_addf(&more, ",\"rounds\":%" PRIu64, rounds);
	stage_fail_at(&x->st, where(x, p), en, class, buf_cstr(&more), "%s", what);
	buf_release(&more);
}

static void
advance(struct rounds *x)
{
	pump_advance(&x->pump, &x->order);
}

/* As it went into its round. false: it cannot be read again, and the stage stops.
 */
static bool
load(struct rounds *x, const struct place *p)
{
	struct json_fault f;
	struct span text;

	if (lines_get(&x->lines, p->kept, &x->text, &text) < 0) {
		stage_stop(&x->st, STATUS_CANNOT, "%s", x->lines.e.text);
		return false;
	}
	entry_parse(&x->fed, text, &f); /* which has been checked */
	return true;
}

static void
lose(struct rounds *x, const struct place *p)
{
	struct buf what = BUF_INIT;

	if (p->pipe == IN_PIPE)
		buf_addf(&what, "did not come back from round %" PRIu32, p->round);
	else
		buf_addf(&what, "round %" PRIu32 " was not begun", p->round);
	if (load(x, p))
		fail(x, p, &x->fed, p->round - 1, "lost", buf_cstr(&what));
	buf_release(&what);
}

/* ---- round and round ---- */

static void
leave(struct rounds *x, uint64_t n, struct entry *en, uint64_t rounds)
{
	buf_clear(&x->rounds);
	buf_addi(&x->rounds, (int64_t)rounds);
	entry_set(en, "rounds", buf_span(&x->rounds));
	x->left++;
	x->all += rounds;
	if (x->unordered) {
		stage_emit(&x->st, en);
	} else {
		buf_clear(&x->text);
		entry_write(en, &x->text);
		order_back(&x->order, n, span_of(x->text.data, x->text.len - 1));
	}
	order_over(&x->order, n);
	advance(x);
}

/* Whether it leaves after so many rounds: 1, 0, -1 and e. */
static int
is_done(struct rounds *x, const struct entry *en, uint64_t rounds, struct err *e)
{
	int holds;

	if (x->condition != NULL && (rounds > 0 || !x->until)) {
		holds = jq_is_true(x->condition, en->text, e);
		if (holds < 0 || (holds > 0) == x->until)
			return holds < 0 ? -1 : 1;
	}
	if (rounds < x->most)
		return 0;
	x->at_most += x->condition != NULL;
	return 1;
}

static void
wait_for_round(struct rounds *x, uint64_t n, struct span text, uint64_t round)
{
	struct place *p = order_place(&x->order, n);
	bool takes = !pump_runs(&x->pump, x->pipe) || pump_takes(&x->pump, x->pipe);

	lines_free(&x->lines, p->kept);
	p->kept = lines_add(&x->lines, text);
	p->round = (uint32_t)round;
	p->pipe = WAITS;
	queue_add(takes && (!x->per_round || round == 1) ? &x->now : &x->next, n);
}

/* It has so many rounds behind it. */
static void
consider(struct rounds *x, uint64_t n, struct entry *en, uint64_t rounds)
{
	struct err e = ERR_INIT;
	struct buf what = BUF_INIT;

	switch (is_done(x, en, rounds, &e)) {
	case 1:
		leave(x, n, en, rounds);
		break;
	case 0:
		wait_for_round(x, n, en->text, rounds + 1);
		advance(x);
		break;
	default:
		buf_addf(&what, "%s: %s", x->condition_text, e.text);
		fail(x, order_place(&x->order, n), en, rounds, "condition",
		    buf_cstr(&what));
		buf_release(&what);
		order_over(&x->order, n);
		advance(x);
	}
}

/* The next in the queue goes into the pipe. false: it takes nothing. */
static bool
feed_one(struct rounds *x)
{
	struct buf *out = pump_send(&x->pump, x->pipe);
	struct place *p;
	uint64_t n;

	if (out == NULL)
		return false;
	n = queue_take(&x->now);
	p = order_place(&x->order, n);
	if (!load(x, p))
		return false;
	mark_set(&x->fed, n, p->round, &x->mark);
	entry_write(&x->fed, out);
	p->pipe = IN_PIPE;
	return true;
}

static void
feed(struct rounds *x)
{
	while (x->now.n > 0 && pump_backlog(&x->pump, x->pipe) < FEED)
		if (!feed_one(x))
			break;
}

/*
 * One pipe at a time, so that a ledger is closed before it is opened again.  It
 * gets what there is while there is input; then it sees the end of its own, and
 * what is to go round again goes through another, so that a pipe which waits for
 * the end comes to it.
 */
static void
on_turn(void *arg)
{
	struct rounds *x = arg;

	if (!pump_runs(&x->pump, x->pipe) && x->now.n == 0 &&
	    (x->pump.input_over || !x->per_round))
		turn_over(x);
	feed(x);
	if (x->pump.input_over && x->now.n == 0)
		pump_end(&x->pump, x->pipe);
}

/* ---- entries in ---- */

/* An entry that failed in a loop before goes on from there. */
static uint64_t
rounds_before(struct rounds *x, struct entry *en)
{
	struct span error = entry_get(en, "error"), value;
	struct json_fault f;
	int64_t n;

	if (error.p == NULL || json_type(error) != JSON_OBJECT)
		return 0;
	value = json_get(error, "rounds");
	if (value.p == NULL || json_type(value) != JSON_NUMBER ||
	    !json_i64(value, &n) || n < 0 || n > ROUNDS_MOST)
		return 0;
	entry_del(en, "error");
	buf_clear(&x->line);
	entry_write(en, &x->line);
	entry_parse(en, span_of(x->line.data, x->line.len - 1), &f);
	return (uint64_t)n;
}

static void
on_entry(void *arg, struct entry *en)
{
	struct rounds *x = arg;
	uint64_t n = order_add(&x->order);
	struct place *p = order_place(&x->order, n);

	p->input = jsonl_name(x->st.reader);
	p->lineno = jsonl_lineno(x->st.reader);
	consider(x, n, en, rounds_before(x, en));
	feed(x);
}

/* What goes round comes first. */
static bool
wants(void *arg)
{
	struct rounds *x = arg;

	return x->now.n == 0 && pump_backlog(&x->pump, x->pipe) < FEED;
}

/* ---- lines out ---- */

/* A place of its own for one of several that came back for an entry. */
static uint64_t
add_place(struct rounds *x, const struct place *former)
{
	const char *input = former == NULL ? x->pipe_text : former->input;
	uint64_t lineno = former == NULL ? x->pump.pipes[x->pipe].lineno
					 : former->lineno;
	uint64_t n = order_add(&x->order);
	struct place *p = order_place(&x->order, n);

	p->input = input;
	p->lineno = lineno;
	return n;
}

/* Its place and round. false: it has none, which has been told. */
static bool
find_place(struct rounds *x, uint64_t *n, uint64_t *round)
{
	const struct place *p;

	if (!mark_take(&x->back, n, round)) {
		pump_bad(&x->pump, x->pipe, 0,
		    "an entry without its field \"" MARK_NAME
		    "\", which says where it belongs: keep the field");
		return false;
	}
	if (*n >= x->order.next || *round == 0 || *round > ROUNDS_MOST) {
		pump_bad(&x->pump, x->pipe, 0,
		    "the field \"" MARK_NAME "\" is not one that was given");
		return false;
	}
	p = order_place(&x->order, *n);
	if (!x->unordered &&
	    (p == NULL || p->pipe != IN_PIPE || p->round != *round)) {
		pump_bad(&x->pump, x->pipe, 0,
		    "an entry that came back before: --unordered takes several");
		return false;
	}
	return true;
}

static void
come_back(struct rounds *x)
{
	uint64_t n, round, anew;
	struct json_fault f;
	struct place *p;

	if (!find_place(x, &n, &round))
		return;
	buf_clear(&x->line);
	entry_write(&x->back, &x->line);
	entry_parse(&x->clean, span_of(x->line.data, x->line.len - 1), &f);
	if (x->unordered) {
		p = order_place(&x->order, n);
		anew = add_place(x, p);
		if (p != NULL)
			order_over(&x->order, n);
		n = anew;
	}
	consider(x, n, &x->clean, round);
}

static void
on_line(void *arg, size_t pipe, struct span line)
{
	struct rounds *x = arg;
	struct json_fault f;

	if (entry_parse(&x->back, line, &f) < 0)
		pump_bad(&x->pump, pipe, f.at + 1, f.what);
	else
		come_back(x);
}

/* Those that did not come back from a pipe that did well were dropped by it. */
static void
on_ended(void *arg, size_t pipe, int status)
{
	struct rounds *x = arg;
	struct place *p;

	(void)pipe;
	if (status != STATUS_OK && status != STATUS_SOME_FAILED)
		return; /* what is left is told in the end */
	for (uint64_t n = x->order.base; n < x->order.next; n++) {
		p = order_place(&x->order, n);
		if (p == NULL || p->pipe != IN_PIPE)
			continue;
		if (status == STATUS_OK)
			x->gone++;
		else
			lose(x, p);
		order_over(&x->order, n);
	}
	advance(x);
}

/* ---- the end ---- */

/* What is still in the loop where it stopped early. */
static void
give_up(struct rounds *x)
{
	uint64_t count = 0;
	struct place *p;

	for (uint64_t n = x->order.base; n < x->order.next; n++) {
		p = order_place(&x->order, n);
		if (p == NULL || p->kept == NULL)
			continue;
		count++;
		if (x->errors != NULL)
			lose(x, p);
		order_over(&x->order, n);
	}
	if (count > 0 && x->st.out.failed == 0)
		msg_warn("stopped with %" PRIu64 " entries in the loop", count);
	advance(x);
}

static void
summarize(struct rounds *x)
{
	if (x->gone > 0)
		msg_info("%" PRIu64 " entries did not come back from %s", x->gone,
		    pump_name(&x->pump, x->pipe));
	if (x->pump.cut)
		return;
	msg_info("%" PRIu64 " entries, %" PRIu64 " rounds", x->left, x->all);
	if (x->at_most > 0)
		msg_info("%" PRIu64 " of them left for having gone round %" PRIu64
			 " times",
		    x->at_most, x->most);
}

static void
release(struct rounds *x)
{
	jq_close(x->condition);
	order_release(&x->order);
	lines_release(&x->lines);
	free(x->now.places);
	free(x->next.places);
	entry_release(&x->back);
	entry_release(&x->clean);
	entry_release(&x->fed);
	buf_release(&x->mark);
	buf_release(&x->line);
	buf_release(&x->text);
	buf_release(&x->rounds);
	buf_release(&x->where);
}

int
main(int argc, char **argv)
{
	static const struct pump_calls calls = {
	    .wants = wants,
	    .entry = on_entry,
	    .line = on_line,
	    .ended = on_ended,
	    .turn = on_turn,
	};
	struct rounds x = {.most = ROUNDS_DEFAULT, .memory = MEMORY_DEFAULT};
	struct cli cli;
	int status;

	cli_start(&cli, &command, argc, argv);
	read_options(&x, &cli);
	lines_init(&x.lines, x.memory);
	order_init(&x.order, &x.lines, pump_put_line, &x.pump);
	stage_open(&x.st, &cli);
	pump_open(&x.pump, &x.st, &calls, &x);
	x.pipe = pump_add(&x.pump, x.pipe_text);
	if (x.errors != NULL)
		stage_errors(&x.st, x.errors);
	while (pump_turn(&x.pump))
		;
	give_up(&x);
	summarize(&x);
	pump_close(&x.pump);
	status = stage_close(&x.st);
	release(&x);
	return status;
}
