/* bf-ledger stat: how much there is in a ledger, and what it took. */
#include "pick.h"
#include "subcommand.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/visible.h"
#include "ledger/marks.h"
#include "price/prices.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdlib.h>

enum { OPT_JSON = CLI_FIRST };

static const struct cli_option options[] = {
    LEDGER_OPTION,
    {OPT_JSON, "json", NULL, "print an object"},
    CLI_COMMON_BASIC,
    CLI_END,
};
static const struct cli_command command = {"bf-ledger stat", "[-l DIR] [--json]",
    "say how much there is in a ledger, and what it took", options};

enum { INPUT, OUTPUT, CACHED, REASONING, TOKENS };
static const char *const token_names[] = {"input", "output", "cached", "reasoning"};

/* Of one model at one endpoint. */
struct row {
	char *model, *endpoint;
	uint64_t answers, failed, billed, attempts;
	int64_t tokens[TOKENS];
	uint64_t priced; /* records that tell their cost */
	price_nano cost;
};

struct named {
	char *name;
	uint64_t n;
};

struct stat_sum {
	struct row *rows;
	size_t nrows;
	struct named *classes;
	size_t nclasses;
	uint64_t records, forgets;
	int64_t first, last;
	/* From the marks: not recorded yet. */
	uint64_t in_flight, elsewhere;
};

/* ---- sums ---- */

static struct row *
row_of(struct stat_sum *s, struct span model, struct span endpoint)
{
	struct row *r;

	for (size_t i = 0; i < s->nrows; i++) {
		r = &s->rows[i];
		if (span_eq(span_str(r->model), model) &&
		    span_eq(span_str(r->endpoint), endpoint))
			return r;
	}
	s->rows = mem_resize(s->rows, s->nrows + 1, sizeof(*s->rows));
	r = &s->rows[s->nrows++];
	memset(r, 0, sizeof(*r));
	r->model = mem_strndup(model.p == NULL ? "" : model.p, model.n);
	r->endpoint = mem_strndup(endpoint.p == NULL ? "" : endpoint.p, endpoint.n);
	return r;
}

static void
count_class(struct stat_sum *s, struct span class)
{
	for (size_t i = 0; i < s->nclasses; i++)
		if (span_eq(span_str(s->classes[i].name), class)) {
			s->classes[i].n++;
			return;
		}
	s->classes = mem_resize(s->classes, s->nclasses + 1, sizeof(*s->classes));
	s->classes[s->nclasses++] = (struct named){
	    mem_strndup(class.p == NULL ? "" : class.p, class.n), 1};
}

static void
add_usage(struct row *r, struct span usage)
{
	int64_t n;

	if (usage.p == NULL)
		return;
	for (int i = 0; i < TOKENS; i++) {
		struct span v = json_get(usage, token_names[i]);
		if (v.p != NULL && json_i64(v, &n))
			r->tokens[i] += n;
	}
}

static void
add_cost(struct row *r, struct span cost)
{
	price_nano n;

	if (cost.p == NULL || price_parse_usd(cost, &n) != 0)
		return;
	r->cost += n;
	r->priced++;
}

static void
add_record(void *arg, const struct picked *p)
{
	const struct ledger_record *rec = p->rec;
	struct stat_sum *s = arg;
	struct row *r;

	s->records++;
	if (s->first == 0 || rec->time < s->first)
		s->first = rec->time;
	if (rec->time > s->last)
		s->last = rec->time;
	if (rec->status == LEDGER_FORGET) {
		s->forgets++;
		return;
	}
	r = row_of(s, rec->model, rec->endpoint);
	if (rec->status == LEDGER_OK) {
		r->answers++;
	} else if (rec->class.p != NULL &&
		   span_eq(rec->class, SPAN("possibly_billed"))) {
		r->billed++;
	} else if (rec->status == LEDGER_ERROR) {
		r->failed++;
		count_class(s, rec->class);
	}
	r->attempts += rec->attempts > 0 ? (uint64_t)rec->attempts : 0;
	add_usage(r, rec->usage);
	add_cost(r, rec->cost);
}

/* What killed runs left is counted as the next run will record it. */
static void
add_marks(void *arg, const struct marks_run *run)
{
	struct stat_sum *s = arg;

	for (size_t i = 0; i < run->ncalls; i++)
		if (run->owner == MARKS_DEAD)
			row_of(s, run->calls[i].model, run->calls[i].endpoint)
			    ->billed++;
		else if (run->owner == MARKS_ALIVE)
			s->in_flight++;
		else
			s->elsewhere++;
}

static int
by_answers(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->answers != y->answers)
		return x->answers < y->answers ? 1 : -1;
	return strcmp(x->model, y->model);
}

/* ---- for people ---- */

/* A name as it is shown. */
static struct span
shown(const char *name)
{
	return span_str(*name == '\0' ? "-" : name);
}

static size_t
wider(size_t width, const char *name)
{
	size_t n = visible_width(shown(name));

	return n > width ? n : width;
}

/* In twelve columns and a blank. */
static void
add_dollars(struct buf *out, const struct row *r)
{
	struct buf usd = BUF_INIT;

	if (r->priced == 0)
		buf_addc(&usd, '-');
	else
		price_add_rounded(&usd, r->cost);
	buf_addf(out, " %12s", buf_cstr(&usd));
	buf_release(&usd);
}

static void
add_table(struct buf *out, const struct stat_sum *s)
{
	size_t models = 5, endpoints = 8;
	uint64_t priced = 0;

	for (size_t i = 0; i < s->nrows; i++) {
		priced += s->rows[i].priced;
		models = wider(models, s->rows[i].model);
		endpoints = wider(endpoints, s->rows[i].endpoint);
	}
	buf_addc(out, '\n');
	visible_add_column(out, SPAN("model"), models);
	buf_adds(out, "  ");
	visible_add_column(out, SPAN("endpoint"), endpoints);
	buf_addf(out, " %9s %9s %9s %9s %12s %12s %12s %12s", "answers", "failed",
	    "billed?", "calls", "input", "output", "cached", "reasoning");
	buf_adds(out, priced > 0 ? "          USD\n" : "\n");
	for (size_t i = 0; i < s->nrows; i++) {
		const struct row *r = &s->rows[i];

		visible_add_column(out, shown(r->model), models);
		buf_adds(out, "  ");
		visible_add_column(out, shown(r->endpoint), endpoints);
		buf_addf(out,
		    " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64
		    " %12" PRId64 " %12" PRId64 " %12" PRId64 " %12" PRId64,
		    r->answers, r->failed, r->billed, r->attempts, r->tokens[INPUT],
		    r->tokens[OUTPUT], r->tokens[CACHED], r->tokens[REASONING]);
		if (priced > 0)
			add_dollars(out, r);
		buf_addc(out, '\n');
	}
}

static void
say(struct buf *out, const struct stat_sum *s, const struct pick *p,
    uint64_t answers)
{
	uint64_t disk = p->bytes + p->tail_bytes, billed = 0;

	buf_addf(out,
	    "%s: %" PRIu64 " record%s, %" PRIu64 " answer%s that serve%s\n", p->dir,
	    s->records, change_many(s->records), answers, change_many(answers),
	    answers == 1 ? "s" : "");
	buf_addf(
	    out, "%" PRIu64 " segment%s, ", p->segments, change_many(p->segments));
	change_add_size(out, disk);
	buf_adds(out, " on disk for ");
	change_add_size(out, p->text);
	buf_adds(out, " of records");
	if (p->text > disk)
		buf_addf(
		    out, ": %.1f times smaller", (double)p->text / (double)disk);
	buf_addc(out, '\n');
	if (s->records > 0) {
		pick_add_time(out, s->first);
		buf_adds(out, " to ");
		pick_add_time(out, s->last);
		buf_addc(out, '\n');
	}
	if (s->nrows > 0)
		add_table(out, s);
	for (size_t i = 0; i < s->nrows; i++)
		billed += s->rows[i].billed;
	if (s->nclasses > 0) {
		buf_adds(out, "\nfailed:");
		for (size_t i = 0; i < s->nclasses; i++) {
			buf_addf(out, "%s %" PRIu64 " ", i == 0 ? "" : ",",
			    s->classes[i].n);
			visible_add_line(out, shown(s->classes[i].name));
		}
		buf_addc(out, '\n');
	}
	if (billed > 0)
		buf_addf(out,
		    "%sbilled?: %" PRIu64 " call%s in flight when a run was "
		    "killed; the provider may have "
		    "answered, and billed, %s\n",
		    s->nclasses > 0 ? "" : "\n", billed, change_many(billed),
		    billed == 1 ? "it" : "them");
	if (s->in_flight > 0)
		buf_addf(out, "%" PRIu64 " call%s in flight now\n", s->in_flight,
		    change_many(s->in_flight));
	if (s->elsewhere > 0)
		buf_addf(out,
		    "%" PRIu64 " call%s marked in flight on other hosts\n",
		    s->elsewhere, change_many(s->elsewhere));
}

/* ---- for programs ---- */

static void
add_row(struct buf *out, const struct row *r)
{
	buf_adds(out, "{\"model\":");
	json_add_string(out, span_str(r->model));
	buf_adds(out, ",\"endpoint\":");
	json_add_string(out, span_str(r->endpoint));
	buf_addf(out,
	    ",\"answers\":%" PRIu64 ",\"failed\":%" PRIu64
	    ",\"possibly_billed\":%" PRIu64 ",\"attempts\":%" PRIu64
	    ",\"tokens\":{",
	    r->answers, r->failed, r->billed, r->attempts);
	for (int i = 0; i < TOKENS; i++)
		buf_addf(out, "%s\"%s\":%" PRId64, i == 0 ? "" : ",",
		    token_names[i], r->tokens[i]);
	buf_adds(out, "},\"cost_usd\":");
	price_add_usd(out, r->cost);
	buf_addf(out, ",\"priced\":%" PRIu64 "}", r->priced);
}

static void
say_json(struct buf *out, const struct stat_sum *s, const struct pick *p,
    uint64_t answers)
{
	buf_addf(out,
	    "{\"records\":%" PRIu64 ",\"answers\":%" PRIu64
	    ",\"withdrawals\":%" PRIu64 ",\"first\":%" PRId64 ",\"last\":%" PRId64
	    ",\"segments\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"tails\":%" PRIu64
	    ",\"tail_bytes\":%" PRIu64 ",\"record_bytes\":%" PRIu64
	    ",\"damages\":%" PRIu64 ",\"in_flight\":%" PRIu64
	    ",\"elsewhere\":%" PRIu64 ",\"models\":[",
	    s->records, answers, s->forgets, s->first, s->last, p->segments,
	    p->bytes, p->tails, p->tail_bytes, p->text, p->damages, s->in_flight,
	    s->elsewhere);
	for (size_t i = 0; i < s->nrows; i++) {
		if (i > 0)
			buf_addc(out, ',');
		add_row(out, &s->rows[i]);
	}
	buf_adds(out, "],\"failed\":{");
	for (size_t i = 0; i < s->nclasses; i++) {
		if (i > 0)
			buf_addc(out, ',');
		json_add_string(out, span_str(s->classes[i].name));
		buf_addf(out, ":%" PRIu64, s->classes[i].n);
	}
	buf_adds(out, "}}\n");
}

static uint64_t
count_answers(const char *dir)
{
	struct ledger_options o = {.read_only = true};
	struct err e = ERR_INIT;
	struct ledger *l = ledger_open(dir, &o, &e);
	uint64_t n;

	if (l == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	n = ledger_count(l);
	ledger_close(l, &e);
	return n;
}

static void
release(struct stat_sum *s)
{
	for (size_t i = 0; i < s->nrows; i++) {
		free(s->rows[i].model);
		free(s->rows[i].endpoint);
	}
	for (size_t i = 0; i < s->nclasses; i++)
		free(s->classes[i].name);
	free(s->rows);
	free(s->classes);
}

int
ledger_stat(int argc, char **argv)
{
	struct stat_sum sum = {.rows = NULL};
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	struct pick pick;
	struct cli cli;
	bool json = false;
	int key, status;

	pick_init(&pick);
	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE)
		if (key == OPT_JSON)
			json = true;
		else
			pick_option(&pick, &cli, key);
	if (cli.noperands > 0)
		cli_usage(&cli, "no operands are taken: the ledger is -l DIR");
	status = pick_walk(&pick, add_record, &sum);
	if (marks_look(pick.dir, add_marks, &sum, &e) != 0)
		msg_die(STATUS_CANNOT, "%s", e.text);
	if (sum.nrows > 0)
		qsort(sum.rows, sum.nrows, sizeof(*sum.rows), by_answers);
	(json ? say_json : say)(&out, &sum, &pick, count_answers(pick.dir));
	change_put(&out);
	buf_release(&out);
	release(&sum);
	return status;
}
