/* The account of a run: for --stats as JSON, for --metrics as Prometheus text. */
#include "engine/private.h"

#include "base/mem.h"
#include "io/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { METRICS_EVERY = 2000000 }; /* microseconds */

/* Seconds, as Prometheus text has them, and microseconds. */
static const struct {
	const char *text;
	uint64_t us;
} bounds[LATENCY_BOUNDS] = {{"0.1", 100000}, {"0.25", 250000}, {"0.5", 500000},
    {"1", 1000000}, {"2.5", 2500000}, {"5", 5000000}, {"10", 10000000},
    {"25", 25000000}, {"60", 60000000}, {"120", 120000000}, {"300", 300000000},
    {"600", 600000000}};

/* ---- counting ---- */

static void
count_class(struct class_counts *counts, struct span class)
{
	struct class_count *c;
	size_t i;

	for (i = 0; i < counts->n; i++)
		if (span_eq(buf_span(&counts->classes[i].name), class))
			break;
	if (i == counts->n) {
		counts->classes = mem_resize(
		    counts->classes, i + 1, sizeof *counts->classes);
		counts->classes[i] = (struct class_count){.name = BUF_INIT};
		buf_addspan(&counts->classes[i].name, class);
		counts->n++;
	}
	c = &counts->classes[i];
	c->n++;
}

void
account_started(struct engine *en, struct call *c)
{
	c->lane->spent.calls++;
	en->calls++;
	en->hedges += c->is_copy;
	if (c->attempts == 0)
		return;
	en->retries++;
	count_class(&en->account.retries, span_str(c->again));
}

void
account_not_asked(struct engine *en, struct call *c)
{
	c->lane->spent.calls--;
	en->calls--;
}

void
account_ended(
    struct engine *en, struct call *c, const struct dialect_usage *u, bool answer)
{
	struct account *a = &en->account;
	struct spent *t = &c->lane->spent;
	int64_t micros = copies_micros(c);
	uint64_t us = micros > 0 ? (uint64_t)micros : 0;
	size_t i;

	en->tokens_in += u->input;
	en->tokens_out += u->output;
	t->input += u->input;
	t->output += u->output;
	t->cached += u->cached;
	t->reasoning += u->reasoning;
	if (!answer)
		return;
	t->answers++;
	en->hedges_won += c->is_copy;
	if (a->latency == NULL)
		return;
	histogram_add(a->latency, us);
	if (a->first != NULL)
		histogram_add(a->first,
		    (uint64_t)(micros - c->ask.micros + c->ask.first_micros));
	for (i = 0; i < LATENCY_BOUNDS; i++)
		a->within[i] += us <= bounds[i].us;
}

void
account_failed(struct engine *en, struct span error)
{
	struct span class = SPAN("error");
	struct buf scratch = BUF_INIT;

	en->failed++;
	(void)json_text(json_get(error, "class"), &scratch, &class);
	count_class(&en->account.failures, class);
	limits_failed(en, class);
	buf_release(&scratch);
}

static struct spent
total(const struct engine *en)
{
	struct spent sum = {.calls = 0}, *t;
	size_t i;

	for (i = 0; i < en->nlanes; i++) {
		t = &en->lanes[i]->spent;
		sum.calls += t->calls;
		sum.answers += t->answers;
		sum.input += t->input;
		sum.output += t->output;
		sum.cached += t->cached;
		sum.reasoning += t->reasoning;
		sum.cost += t->cost;
		sum.unpriced += t->unpriced;
	}
	return sum;
}

static struct span
lane_name(const struct engine *en, size_t i)
{
	return i == LANES_MOST - 1 ? SPAN("others") : buf_span(&en->lanes[i]->name);
}

/* ---- JSON ---- */

static void
add_number(struct buf *b, const char *name, int64_t n)
{
	buf_addf(b, "\"%s\":%" PRId64 ",", name, n);
}

/* Milliseconds, with what is below them. */
static void
add_millis(struct buf *b, const char *name, uint64_t us)
{
	buf_addf(
	    b, "\"%s\":%" PRIu64 ".%03u,", name, us / 1000, (unsigned)(us % 1000));
}

/* In place of the comma after the last member. */
static void
close_object(struct buf *b, const char *end)
{
	if (b->data[b->len - 1] == ',')
		b->len--;
	buf_adds(b, end);
}

static void
add_classes(struct buf *b, const char *name, const struct class_counts *counts)
{
	size_t i;

	buf_addf(b, "\"%s\":{", name);
	for (i = 0; i < counts->n; i++) {
		json_add_string(b, buf_span(&counts->classes[i].name));
		buf_addf(b, ":%" PRIu64 ",", counts->classes[i].n);
	}
	close_object(b, "},");
}

static void
add_tokens(struct buf *b, const struct spent *t)
{
	buf_adds(b, "\"tokens\":{");
	add_number(b, "input", t->input);
	add_number(b, "output", t->output);
	add_number(b, "cached", t->cached);
	add_number(b, "reasoning", t->reasoning);
	close_object(b, "},");
}

static void
add_cost(struct buf *b, const struct spent *t)
{
	buf_adds(b, "\"cost_usd\":");
	price_add_usd(b, t->cost);
	buf_addc(b, ',');
	add_number(b, "unpriced_calls", (int64_t)t->unpriced);
}

static void
add_latency(struct buf *b, const char *name, const struct histogram *h)
{
	static const struct {
		const char *name;
		double part;
	} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}};
	size_t i;

	buf_addf(b, "\"%s\":", name);
	if (h->count == 0) {
		buf_adds(b, "null,");
		return;
	}
	buf_addc(b, '{');
	for (i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
		add_millis(
		    b, quantiles[i].name, histogram_quantile(h, quantiles[i].part));
	add_millis(b, "max", h->greatest);
	add_millis(b, "mean", h->sum / h->count);
	close_object(b, "},");
}

static void
add_models(const struct engine *en, struct buf *b)
{
	const struct spent *t;
	size_t i;

	buf_adds(b, "\"models\":{");
	for (i = 0; i < en->nlanes; i++) {
		t = &en->lanes[i]->spent;
		json_add_string(b, lane_name(en, i));
		buf_adds(b, ":{");
		add_number(b, "calls", (int64_t)t->calls);
		add_number(b, "answers", (int64_t)t->answers);
		add_tokens(b, t);
		add_cost(b, t);
		close_object(b, "},");
	}
	close_object(b, "}");
}

/* Why the run ended before its time, from the line that tells it downstream. */
static void
add_why(const struct engine *en, struct buf *b)
{
	struct span why = SPAN_NONE;

	if (en->stop_status != 0)
		why = json_get(
		    json_get(buf_span(&en->incomplete), "incomplete"), "why");
	buf_adds(b, "\"stopped\":");
	buf_addspan(b, why.n == 0 ? SPAN("null") : why);
	buf_addc(b, ',');
}

static void
add_stats(const struct engine *en, struct buf *b, int status)
{
	struct spent sum = total(en);
	uint64_t wall = (uint64_t)(clock_mono_us() - en->started);

	buf_addc(b, '{');
	add_number(b, "status", status);
	add_why(en, b);
	add_number(b, "entries", (int64_t)en->entries);
	add_number(b, "answers", (int64_t)(en->answered + en->hits));
	add_number(b, "hits", (int64_t)en->hits);
	add_number(b, "failed", (int64_t)en->failed);
	add_number(b, "left", (int64_t)en->left);
	add_number(b, "calls", (int64_t)en->calls);
	if (en->broker->together > 1)
		add_number(b, "requests", (int64_t)en->broker->requests);
	add_number(b, "retries", (int64_t)en->retries);
	add_number(b, "cooldowns", (int64_t)en->cooldowns);
	add_number(b, "fallbacks", (int64_t)en->fallbacks);
	add_number(b, "repairs", (int64_t)en->repairs);
	add_number(b, "grown", (int64_t)en->grown);
	add_number(b, "hedges", (int64_t)en->hedges);
	add_number(b, "hedges_won", (int64_t)en->hedges_won);
	add_classes(b, "retries_by_class", &en->account.retries);
	add_classes(b, "failures_by_class", &en->account.failures);
	add_latency(b, "latency_ms", en->account.latency);
	if (en->account.first != NULL)
		add_latency(b, "first_token_ms", en->account.first);
	add_tokens(b, &sum);
	add_cost(b, &sum);
	add_millis(b, "wall_ms", wall);
	buf_addf(b, "\"calls_per_second\":%.3f,",
	    wall == 0 ? 0.0 : (double)en->calls * 1e6 / (double)wall);
	add_models(en, b);
	buf_adds(b, "}\n");
}

/* ---- Prometheus text ---- */

static void
add_family(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP bf_llm_%s %s\n# TYPE bf_llm_%s %s\n", name, help, name,
	    type);
}

static void
add_single(
    struct buf *b, const char *name, const char *type, const char *help, uint64_t n)
{
	add_family(b, name, type, help);
	buf_addf(b, "bf_llm_%s %" PRIu64 "\n", name, n);
}

/* A label's value: backslash, quote and new line are escaped, no more. */
static void
add_label(struct buf *b, const char *name, struct span value)
{
	size_t i;

	buf_addf(b, "%s=\"", name);
	for (i = 0; i < value.n; i++)
		if (value.p[i] == '\n')
			buf_adds(b, "\\n");
		else {
			if (value.p[i] == '\\' || value.p[i] == '"')
				buf_addc(b, '\\');
			buf_addc(b, value.p[i]);
		}
	buf_addc(b, '"');
}

static void
add_by_class(struct buf *b, const char *name, const char *help,
    const struct class_counts *counts)
{
	size_t i;

	if (counts->n == 0)
		return;
	add_family(b, name, "counter", help);
	for (i = 0; i < counts->n; i++) {
		buf_addf(b, "bf_llm_%s{", name);
		add_label(b, "class", buf_span(&counts->classes[i].name));
		buf_addf(b, "} %" PRIu64 "\n", counts->classes[i].n);
	}
}

static void
add_token_metrics(const struct engine *en, struct buf *b)
{
	static const char *const kinds[] = {
	    "input", "output", "cached", "reasoning"};
	size_t i, k;

	if (en->nlanes == 0)
		return;
	add_family(b, "tokens_total", "counter",
	    "Tokens paid for, by model and kind; cached ones are input too, those "
	    "of reasoning output.");
	for (i = 0; i < en->nlanes; i++) {
		const struct spent *t = &en->lanes[i]->spent;
		const int64_t counts[] = {
		    t->input, t->output, t->cached, t->reasoning};

		for (k = 0; k < 4; k++) {
			buf_adds(b, "bf_llm_tokens_total{");
			add_label(b, "model", lane_name(en, i));
			buf_addc(b, ',');
			add_label(b, "kind", span_str(kinds[k]));
			buf_addf(b, "} %" PRId64 "\n", counts[k]);
		}
	}
}

static void
add_call_metrics(const struct engine *en, struct buf *b)
{
	size_t i;

	if (en->nlanes == 0)
		return;
	add_family(b, "calls_total", "counter", "Calls made, attempts counted.");
	for (i = 0; i < en->nlanes; i++) {
		buf_adds(b, "bf_llm_calls_total{");
		add_label(b, "model", lane_name(en, i));
		buf_addf(b, "} %" PRIu64 "\n", en->lanes[i]->spent.calls);
	}
}

static void
add_cost_metrics(const struct engine *en, struct buf *b)
{
	if (en->nlanes == 0)
		return;
	add_family(b, "cost_usd_total", "counter",
	    "US dollars paid, as far as prices are known.");
	for (size_t i = 0; i < en->nlanes; i++) {
		buf_adds(b, "bf_llm_cost_usd_total{");
		add_label(b, "model", lane_name(en, i));
		buf_adds(b, "} ");
		price_add_usd(b, en->lanes[i]->spent.cost);
		buf_addc(b, '\n');
	}
}

static void
add_latency_metrics(const struct engine *en, struct buf *b)
{
	const struct account *a = &en->account;
	const char *name = "bf_llm_call_duration_seconds";
	size_t i;

	add_family(b, "call_duration_seconds", "histogram",
	    "Time from sending a call to its answer.");
	for (i = 0; i < LATENCY_BOUNDS; i++)
		buf_addf(b, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name,
		    bounds[i].text, a->within[i]);
	buf_addf(
	    b, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, a->latency->count);
	buf_addf(b, "%s_sum %" PRIu64 ".%06u\n", name, a->latency->sum / 1000000,
	    (unsigned)(a->latency->sum % 1000000));
	buf_addf(b, "%s_count %" PRIu64 "\n", name, a->latency->count);
}

static void
add_metrics(const struct engine *en, struct buf *b, int status)
{
	add_single(b, "entries_total", "counter", "Entries read.", en->entries);
	add_single(b, "answers_total", "counter", "Calls answered.", en->answered);
	add_single(b, "hits_total", "counter", "Entries answered from the ledger.",
	    en->hits);
	add_by_class(b, "failures_total", "Entries that failed, by class.",
	    &en->account.failures);
	add_call_metrics(en, b);
	add_by_class(b, "retries_total",
	    "Calls made again, by what went wrong before.", &en->account.retries);
	add_single(b, "cooldowns_total", "counter",
	    "Times that a model refused calls for a while.", en->cooldowns);
	add_single(b, "fallbacks_total", "counter",
	    "Entries passed on to another model, each time.", en->fallbacks);
	add_single(b, "repairs_total", "counter",
	    "Answers sent back with what was wrong with them.", en->repairs);
	add_single(b, "grown_total", "counter",
	    "Entries asked again as their answer was cut.", en->grown);
	add_single(b, "hedges_total", "counter",
	    "Second copies of slow calls; they are calls too.", en->hedges);
	add_single(b, "hedges_won_total", "counter",
	    "Second copies whose answer came first.", en->hedges_won);
	add_token_metrics(en, b);
	add_cost_metrics(en, b);
	add_single(b, "unpriced_calls_total", "counter",
	    "Calls paid for whose price is not known.", en->unpriced);
	add_latency_metrics(en, b);
	add_single(b, "calls_in_flight", "gauge", "Calls in flight.", en->flying);
	add_single(b, "entries_left", "gauge",
	    "Entries that this run will not have answered.", en->left);
	add_single(b, "running", "gauge", "1 until the run has ended.", status < 0);
	if (status >= 0)
		add_single(b, "exit_status", "gauge", "How the run ended.",
		    (uint64_t)status);
	add_single(b, "written_timestamp_seconds", "gauge",
	    "When this was written.", (uint64_t)clock_wall_ms() / 1000);
}

/* status: -1 while it runs. */
static int
write_metrics(struct engine *en, int status, struct err *e)
{
	struct outfile *file = outfile_open(en->o->metrics, e);
	struct buf b = BUF_INIT;
	int r = -1;

	if (file == NULL)
		return -1;
	add_metrics(en, &b, status);
	if (outfile_write(file, buf_span(&b), e) == 0)
		r = outfile_commit(file, NULL, e);
	else
		outfile_abandon(file);
	buf_release(&b);
	return r;
}

static void
on_metrics_timer(void *arg)
{
	struct engine *en = arg;
	struct err e = ERR_INIT;

	if (write_metrics(en, -1, &e) != 0 && !en->account.metrics_failed) {
		engine_say(en, ENGINE_WARN, "%s", e.text);
		en->account.metrics_failed = true;
	}
	loop_timer_set(
	    en->loop, &en->account.metrics_timer, clock_mono_us() + METRICS_EVERY);
}

/* ---- from the first to the last ---- */

int
account_open(struct engine *en, struct err *e)
{
	struct account *a = &en->account;

	if (en->o->stats == NULL && en->o->metrics == NULL)
		return 0;
	a->latency = mem_zero(1, sizeof *a->latency);
	if (en->o->stream)
		a->first = mem_zero(1, sizeof *a->first);
	if (en->o->stats != NULL &&
	    (a->stats = outfile_open(en->o->stats, e)) == NULL)
		return -1;
	if (en->o->metrics == NULL)
		return 0;
	if (write_metrics(en, -1, e) != 0)
		return -1;
	a->metrics_timer = (struct loop_timer){.fn = on_metrics_timer, .arg = en};
	loop_timer_set(en->loop, &a->metrics_timer, en->started + METRICS_EVERY);
	return 0;
}

int
account_finish(struct engine *en, int status, struct err *e)
{
	struct account *a = &en->account;
	struct outfile *stats = a->stats;
	struct buf b = BUF_INIT;
	int r = 0;

	a->stats = NULL;
	if (stats != NULL) {
		add_stats(en, &b, status);
		r = outfile_write(stats, buf_span(&b), e);
		if (r == 0)
			r = outfile_commit(stats, NULL, e);
		else
			outfile_abandon(stats);
		buf_release(&b);
	}
	if (a->metrics_timer.fn != NULL && write_metrics(en, status, e) != 0)
		r = -1;
	return r;
}

static void
counts_release(struct class_counts *counts)
{
	size_t i;

	for (i = 0; i < counts->n; i++)
		buf_release(&counts->classes[i].name);
	free(counts->classes);
}

void
account_close(struct engine *en)
{
	struct account *a = &en->account;

	if (a->metrics_timer.fn != NULL)
		loop_timer_clear(en->loop, &a->metrics_timer);
	if (a->stats != NULL)
		outfile_abandon(a->stats);
	counts_release(&a->retries);
	counts_release(&a->failures);
	free(a->latency);
	free(a->first);
}
