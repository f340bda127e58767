/* bf-near: nearest neighbours of entries by their embeddings. */
#include "base/mem.h"
#include "base/msg.h"
#include "io/fdio.h"
#include "io/num.h"
#include "near.h"
#include "vector/embedding.h"
#include "vector/nearest.h"
#include "json/stage.h"

#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	OPT_SELF = CLI_FIRST,
	OPT_QUERIES,
	OPT_QUERY,
	OPT_EMBED,
	OPT_DEDUPE,
	OPT_FIELD,
	OPT_ID,
	OPT_MIN,
	OPT_DROP_EMBEDDING,
};

#define NUMBER       10
#define NUMBER_MOST  1000000
#define THREADS_MOST 1024
#define MEMORY       ((uint64_t)256 << 20)
/* Of what is answered at once: lines, neighbours. */
#define BATCH_BYTES ((size_t)64 << 20)
/* Kept entries are compared with those of a batch, and its entries with each other.
 */
#define DEDUPE_BATCH ((size_t)2048)
/* A query waits no longer for others to be answered together. */
#define WAIT_MS 100

static const struct cli_option options[] = {
    {OPT_SELF, "self", NULL, "the nearest of each entry among the others"},
    {OPT_QUERIES, "queries", "FILE", "the nearest of each entry of FILE"},
    {OPT_QUERY, "query", "TEXT", "the nearest of this text"},
    {OPT_EMBED, "embed", "PIPE",
	"what makes the text's embedding: a shell command"},
    {OPT_DEDUPE, "dedupe", "SCORE", "drop entries that are as near to one before"},
    {'k', "number", "N", "neighbours of each (default 10)"},
    {OPT_MIN, "min", "SCORE", "none that is less near, from -1 to 1"},
    {OPT_FIELD, "field", "FIELD", "where the embedding is (default embedding)"},
    {OPT_ID, "id", "FIELD", "what neighbours are named by (default id)"},
    {OPT_DROP_EMBEDDING, "drop-embedding", NULL, "leave the embedding out"},
    {'j', "jobs", "N", "threads (default: as many as processors)"},
    {'m', "memory", "SIZE",
	"more lines of --self go to a temporary file (default 256M)"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-near",
    "--self | --queries FILE | --query TEXT --embed PIPE | --dedupe SCORE [-k N] "
    "[--min SCORE] [--field FIELD] "
    "[--id FIELD] [--drop-embedding] [-j N] [-m SIZE] [FILE...]",
    "nearest neighbours of entries by their embeddings", options};

struct app {
	struct stage st;
	struct entry en;
	struct embedding embedding;
	bool self, dedupe, drop, numbered;
	char *queries;            /* a file; NULL: not asked for */
	const char *query, *pipe; /* likewise */
	struct path *field, *id;
	size_t most, threads;
	uint64_t memory;
	double min;

	struct vectors all; /* of the input, or what is kept of it */
	struct texts ids;   /* as JSON, of the input */
	struct texts lines; /* of the input or a batch, as they will be put out */
	struct vectors batch, left;
	size_t batch_most; /* entries */
	struct near *near;
	size_t *counts;
	struct buf out;
	struct buf question; /* the line of query */
};

/* ---- options ---- */

static double
score(const struct cli *cli)
{
	double x;

	if (num_double(span_str(cli->arg), &x) < 0 || x < -1 || x > 1)
		cli_usage(cli, "%s wants a number from -1 to 1, not '%s'",
		    cli->name, cli->arg);
	return x;
}

static void
set_path(struct path **p, const struct cli *cli)
{
	path_free(*p);
	*p = stage_path(cli);
}

static void
set_option(struct app *x, const struct cli *cli, int key)
{
	switch (key) {
	case OPT_SELF:
		x->self = true;
		break;
	case OPT_QUERIES:
		x->queries = (char *)(uintptr_t)cli->arg;
		break;
	case OPT_QUERY:
		x->query = cli->arg;
		break;
	case OPT_EMBED:
		x->pipe = cli->arg;
		break;
	case OPT_DEDUPE:
		x->dedupe = true;
		x->min = score(cli);
		break;
	case 'k':
		x->numbered = true;
		x->most = (size_t)cli_count(cli, NUMBER_MOST);
		break;
	case OPT_MIN:
		x->numbered = true;
		x->min = score(cli);
		break;
	case OPT_FIELD:
		set_path(&x->field, cli);
		break;
	case OPT_ID:
		set_path(&x->id, cli);
		break;
	case OPT_DROP_EMBEDDING:
		x->drop = true;
		break;
	case 'j':
		x->threads = (size_t)cli_count(cli, THREADS_MOST);
		break;
	case 'm':
		x->memory = cli_size(cli);
		break;
	}
}

static void
check_options(const struct app *x, const struct cli *cli)
{
	bool stdin_too = cli->noperands == 0;
	bool other = x->queries != NULL || x->query != NULL;

	if (!x->self && !x->dedupe && !other)
		cli_usage(cli,
		    "say --self, --queries FILE, --query TEXT or --dedupe SCORE");
	if (other && (x->self || x->dedupe))
		cli_usage(cli,
		    "--queries and --query compare with the input, --self and "
		    "--dedupe compare the input with itself");
	if (x->queries != NULL && x->query != NULL)
		cli_usage(cli, "--queries and --query contradict each other");
	if (x->query != NULL && x->pipe == NULL)
		cli_usage(cli,
		    "--query TEXT needs --embed PIPE (a file of entries is "
		    "for --queries)");
	if (x->query == NULL && x->pipe != NULL)
		cli_usage(cli, "--embed is for --query TEXT");
	if (x->dedupe && x->numbered)
		cli_usage(cli, "-k and --min are not for --dedupe");
	if (x->drop && path_name(x->field).p == NULL)
		cli_usage(
		    cli, "--drop-embedding wants a field of the entry itself");
	for (int i = 0; i < cli->noperands; i++)
		stdin_too |= strcmp(cli->operands[i], "-") == 0;
	if (x->queries != NULL && strcmp(x->queries, "-") == 0 && stdin_too)
		cli_usage(cli, "standard input is wanted twice");
}

static struct path *
path_of(const char *name)
{
	struct err e = ERR_INIT;

	return path_parse(span_str(name), &e);
}

static void
init(struct app *x)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	x->field = path_of("embedding");
	x->id = path_of("id");
	x->most = NUMBER;
	x->min = -INFINITY;
	x->memory = MEMORY;
	x->threads = processors < 1 ? 1 : (size_t)processors;
	if (x->threads > THREADS_MOST)
		x->threads = THREADS_MOST;
}

/* ---- entries in ---- */

/* Refuses the entry where it has no vector like those before it. */
static bool
read_vector(struct app *x)
{
	struct span value = stage_find(&x->st, x->field, &x->en);
	struct span name = path_text(x->field);
	struct embedding *em = &x->embedding;
	struct err e = ERR_INIT;

	if (value.p == NULL)
		return false;
	if (embedding_read(em, value, &e) == 0) {
		if (x->all.length == 0)
			x->all.length = x->batch.length = x->left.length = em->n;
		if (em->n == x->all.length)
			return true;
		err_set(&e, "%zu numbers, where those before have %zu", em->n,
		    x->all.length);
	}
	stage_refuse(&x->st, "field '%.*s': %s", (int)name.n, name.p, e.text);
	return false;
}

/* The line as it will be put out, but for what is added. */
static struct span
line_of(struct app *x)
{
	if (!x->drop)
		return x->en.text;
	buf_clear(&x->out);
	entry_deln(&x->en, path_name(x->field));
	entry_write(&x->en, &x->out);
	return span_of(x->out.data, x->out.len - 1);
}

static int
add(struct app *x, struct err *e)
{
	struct span id = stage_find(&x->st, x->id, &x->en);

	if (id.p == NULL || !read_vector(x))
		return 0;
	vectors_add(&x->all, x->embedding.v);
	if (texts_add(&x->ids, id, e) < 0)
		return -1;
	return x->self ? texts_add(&x->lines, line_of(x), e) : 0;
}

/* All of the input; false where there is nothing to answer of it. */
static bool
read_all(struct app *x)
{
	struct err e = ERR_INIT;
	int r = 0;

	while (r == 0 && stage_entry(&x->st, &x->en))
		r = add(x, &e);
	if (r < 0 || texts_end(&x->lines, &e) < 0)
		stage_stop(&x->st, STATUS_CANNOT, "%s", e.text);
	return !stage_is_cut(&x->st);
}

/* ---- answers ---- */

/* Neighbours that a query can have. */
static size_t
most_of(const struct app *x)
{
	size_t n = x->all.n > 0 ? x->all.n : 1;

	return x->most < n ? x->most : n;
}

/* Answers of at most n queries at once, and `most` neighbours of each. */
static void
make_batches(struct app *x, size_t n, size_t most)
{
	if (n > BATCH_BYTES / most / sizeof(*x->near))
		n = BATCH_BYTES / most / sizeof(*x->near);
	x->batch_most = n > 0 ? n : 1;
	x->near = mem_zero(x->batch_most * most, sizeof(*x->near));
	x->counts = mem_zero(x->batch_most, sizeof(*x->counts));
}

/* The nearest among all of n queries; false: a signal came. */
static bool
find(struct app *x, const struct vectors *all, const struct vectors *queries,
    size_t from, size_t n, size_t most)
{
	struct nearest job = {.all = all,
	    .queries = queries,
	    .from = from,
	    .n = n,
	    .self = queries == all,
	    .most = most,
	    .min = x->min,
	    .threads = x->threads,
	    .near = x->near,
	    .counts = x->counts};

	if (nearest_find(&job) == 0)
		return true;
	stage_interrupted(&x->st);
	return false;
}

static void
add_score(struct buf *out, double s)
{
	size_t from = out->len;

	buf_addf(out, "%.6f", s);
	if (span_eq(
		span_of(out->data + from, out->len - from), SPAN("-0.000000"))) {
		out->len = from;
		buf_adds(out, "0.000000");
	}
}

/*
 * An entry with the neighbours of the i-th of those that were found at once; false:
 * the output is gone.
 */
static bool
put(struct app *x, struct span line, size_t i)
{
	const struct near *near = x->near + i * most_of(x);
	struct json_fault f;

	buf_clear(&x->out);
	buf_addc(&x->out, '[');
	for (size_t k = 0; k < x->counts[i]; k++) {
		buf_adds(&x->out, k == 0 ? "{\"id\":" : ",{\"id\":");
		buf_addspan(&x->out, texts_at(&x->ids, near[k].index));
		buf_adds(&x->out, ",\"score\":");
		add_score(&x->out, near[k].score);
		buf_addc(&x->out, '}');
	}
	buf_addc(&x->out, ']');
	entry_parse(&x->en, line, &f); /* which has been checked */
	entry_set(&x->en, "near", buf_span(&x->out));
	return stage_emit(&x->st, &x->en);
}

static void
answer_self(struct app *x)
{
	struct err e = ERR_INIT;
	struct span line;
	size_t n;

	make_batches(x, NEAREST_BLOCK * x->threads, most_of(x));
	for (size_t from = 0; from < x->all.n; from += n) {
		n = x->all.n - from;
		n = n < x->batch_most ? n : x->batch_most;
		if (!find(x, &x->all, &x->all, from, n, most_of(x)))
			return;
		for (size_t i = 0; i < n; i++) {
			if (texts_get(&x->lines, from + i, &line, &e) < 0) {
				stage_stop(&x->st, STATUS_CANNOT, "%s", e.text);
				return;
			}
			if (!put(x, line, i))
				return;
		}
	}
}

/* Waits for input, not long where there is something to answer; false: for none. */
static bool
await(struct app *x)
{
	struct pollfd p[] = {{.fd = stage_fd(&x->st), .events = POLLIN},
	    {.fd = fd_stop_pipe(), .events = POLLIN}};

	if (!stage_waits(&x->st))
		return false;
	if (x->batch.n == 0)
		jsonl_flush(&x->st.out);
	return poll(p, 2, x->batch.n == 0 ? -1 : WAIT_MS) != 0;
}

static bool
is_full(const struct app *x)
{
	return x->batch.n == x->batch_most || x->lines.bytes.len > BATCH_BYTES;
}

/* The next entries that are there, into the batch; false: there are no more. */
static bool
read_batch(struct app *x)
{
	struct err e = ERR_INIT;

	vectors_clear(&x->batch);
	texts_clear(&x->lines);
	do {
		while (!is_full(x) && stage_entry(&x->st, &x->en)) {
			if (!read_vector(x))
				continue;
			vectors_add(&x->batch, x->embedding.v);
			texts_add(&x->lines, line_of(x), &e);
		}
	} while (!is_full(x) && !stage_interrupted(&x->st) && await(x));
	return x->batch.n > 0;
}

static void
answer_queries(struct app *x)
{
	make_batches(x, NEAREST_BLOCK * x->threads, most_of(x));
	stage_input(&x->st, &x->queries);
	stage_no_wait(&x->st);
	while (read_batch(x)) {
		if (!find(x, &x->all, &x->batch, 0, x->batch.n, most_of(x)))
			return;
		for (size_t i = 0; i < x->batch.n; i++)
			if (!put(x, texts_at(&x->lines, i), i))
				return;
	}
}

/* ---- a text ---- */

/* What came back for it has a vector: 0, or -1 and e. */
static int
read_question(struct app *x, struct err *e)
{
	struct span name = path_text(x->field), value;
	struct json_fault f;

	if (entry_parse(&x->en, buf_span(&x->question), &f) != 0)
		return err_set(
		    e, "what came back is no entry: byte %zu: %s", f.at, f.what);
	value = path_find_entry(x->field, &x->en);
	if (value.p == NULL)
		return err_set(
		    e, "what came back has no field '%.*s'", (int)name.n, name.p);
	if (embedding_read(&x->embedding, value, e) != 0)
		return err_prefix(
		    e, "what came back: field '%.*s'", (int)name.n, name.p);
	if (x->all.length != 0 && x->all.length != x->embedding.n)
		return err_set(e,
		    "what came back has %zu numbers, and the input's have %zu",
		    x->embedding.n, x->all.length);
	return 0;
}

/* Asked before the input is read, so that what is wrong is known at once. */
static bool
ask_question(struct app *x)
{
	struct err e = ERR_INIT;

	if (question_ask(
		x->pipe, x->query, x->st.cli->max_line, &x->question, &e) == 0 &&
	    read_question(x, &e) == 0)
		return true;
	if (!stage_interrupted(&x->st))
		stage_stop(&x->st, STATUS_CANNOT, "--embed: %s", e.text);
	return false;
}

static void
answer_question(struct app *x)
{
	struct err e = ERR_INIT;

	if (read_question(x, &e) != 0) {
		stage_stop(&x->st, STATUS_CANNOT, "--embed: %s", e.text);
		return;
	}
	make_batches(x, 1, most_of(x));
	x->batch.length = x->embedding.n;
	vectors_add(&x->batch, x->embedding.v);
	if (texts_add(&x->lines, line_of(x), &e) == 0 &&
	    find(x, &x->all, &x->batch, 0, 1, most_of(x)))
		(void)put(x, texts_at(&x->lines, 0), 0);
}

/* ---- entries that are near to one before ---- */

/* Whether any of the i-th's neighbours is an earlier one that is kept. */
static bool
is_near_kept(const struct app *x, size_t i, size_t most, const bool *kept)
{
	const struct near *near = x->near + i * most;

	for (size_t k = 0; k < x->counts[i]; k++)
		if (near[k].index < i && kept[near[k].index])
			return true;
	return false;
}

/*
 * First the batch is compared with what is kept, then those of it that are left
 * with each other, one after the other in their order.  false: a signal came.
 */
static bool
choose(struct app *x, size_t *left, bool *kept)
{
	size_t n = 0;

	vectors_clear(&x->left);
	if (!find(x, &x->all, &x->batch, 0, x->batch.n, 1))
		return false;
	for (size_t i = 0; i < x->batch.n; i++)
		if (x->counts[i] == 0) {
			vectors_add(&x->left, vectors_at(&x->batch, i));
			left[n++] = i;
		}
	if (!find(x, &x->left, &x->left, 0, n, n))
		return false;
	for (size_t i = 0; i < n; i++)
		kept[i] = !is_near_kept(x, i, n, kept);
	return true;
}

static void
dedupe(struct app *x)
{
	static size_t left[DEDUPE_BATCH];
	static bool kept[DEDUPE_BATCH];
	uint64_t seen = 0;

	make_batches(x, DEDUPE_BATCH, DEDUPE_BATCH);
	stage_no_wait(&x->st);
	while (read_batch(x)) {
		if (!choose(x, left, kept))
			return;
		seen += x->batch.n;
		for (size_t i = 0; i < x->left.n; i++) {
			if (!kept[i])
				continue;
			vectors_add(&x->all, vectors_at(&x->left, i));
			if (!stage_emit_line(&x->st, texts_at(&x->lines, left[i])))
				return;
		}
	}
	msg_info(
	    "%" PRIu64 " of %" PRIu64 " entries dropped", seen - x->all.n, seen);
}

static void
answer(struct app *x)
{
	if (x->dedupe)
		dedupe(x);
	else if ((x->query != NULL && !ask_question(x)) || !read_all(x))
		return;
	else if (x->query != NULL)
		answer_question(x);
	else if (x->queries != NULL)
		answer_queries(x);
	else
		answer_self(x);
}

static void
release(struct app *x)
{
	entry_release(&x->en);
	embedding_release(&x->embedding);
	path_free(x->field);
	path_free(x->id);
	vectors_release(&x->all);
	vectors_release(&x->batch);
	vectors_release(&x->left);
	texts_release(&x->ids);
	texts_release(&x->lines);
	free(x->near);
	free(x->counts);
	buf_release(&x->out);
	buf_release(&x->question);
}

int
main(int argc, char **argv)
{
	struct app x = {.en = ENTRY_INIT};
	struct cli cli;
	int key, status;

	init(&x);
	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE)
		set_option(&x, &cli, key);
	check_options(&x, &cli);
	texts_init(&x.ids, UINT64_MAX);
	texts_init(&x.lines, x.self && !x.dedupe ? x.memory : UINT64_MAX);
	stage_open(&x.st, &cli);
	answer(&x);
	status = stage_close(&x.st);
	release(&x);
	return status;
}
