/*
 * What a run would ask and cost, without asking: how many calls, of which
 * model, and about how many tokens, learned from what the ledger has.
 */
#include "engine/private.h"

#include "base/mem.h"
#include "base/msg.h"
#include "engine/inlined.h"
#include "ledger/survey.h"

#include <math.h>
#include <stdlib.h>

enum {
	SAMPLES = 1000,     /* of a model, at most */
	SAMPLES_LEAST = 8,  /* fewer tell nothing */
	LOOKED_AT = 200000, /* records, at most */
	USUAL_OUT = 256,    /* tokens of an answer, where nothing is known */
};

/* A mean, and how far single values are from it. */
struct sample {
	double sum, squares;
};

static void
sample_add(struct sample *s, double v)
{
	s->sum += v;
	s->squares += v * v;
}

static double
variance(const struct sample *s, double n)
{
	double mean = s->sum / n, v = s->squares / n - mean * mean;

	return v > 0 ? v : 0;
}

/* One model's calls, and what is known of such calls. */
struct planned {
	const struct lane *lane;
	uint64_t calls;
	double bytes;    /* of their requests */
	double size;     /* the same, as calls_size() has it */
	double most_out; /* tokens that they allow, in all */

	double n; /* answers in the ledger that were looked at */
	struct sample per_byte,
	    out; /* tokens in, by the request's size; tokens out */
	double cached, in, millis;
};

struct plan {
	struct engine_plan told;
	struct planned *models;
	size_t n;
	struct hashset asked; /* keys */
	uint64_t looked_at;
	struct buf scratch;
};

static struct plan *
plan_of(struct engine *en)
{
	if (en->plan == NULL) {
		en->plan = mem_zero(1, sizeof *en->plan);
		en->plan->asked = HASHSET_INIT(REQUEST_KEY_SIZE);
	}
	return en->plan;
}

static struct planned *
planned_of(struct plan *p, const struct lane *l)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->models[i].lane == l)
			return &p->models[i];
	p->models = mem_resize(p->models, p->n + 1, sizeof *p->models);
	p->models[p->n] = (struct planned){.lane = l};
	return &p->models[p->n++];
}

void
plan_hit(struct engine *en)
{
	plan_of(en)->told.hits++;
}

void
plan_bad(struct engine *en)
{
	plan_of(en)->told.bad++;
}

void
plan_ask(struct engine *en, const struct request *r)
{
	struct plan *p = plan_of(en);
	struct planned *m;

	if (!hashset_add(&p->asked, r->key)) {
		p->told.same++;
		return;
	}
	p->told.calls++;
	m = planned_of(p, lanes_of(en, r->provider, buf_span(&r->model)));
	m->calls++;
	m->bytes += (double)inlined_size(buf_span(&r->body));
	m->size += (double)calls_size(en, r);
	m->most_out += (double)lanes_most_out(en, buf_span(&r->body));
}

/* ---- what the ledger tells ---- */

static struct planned *
planned_like(struct plan *p, const struct ledger_record *rec)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct lane *l = p->models[i].lane;

		if (span_eq(buf_span(&l->model), rec->model) &&
		    span_eq(span_str(l->provider->endpoint), rec->endpoint))
			return &p->models[i];
	}
	return NULL;
}

static bool
knows_enough(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->models[i].n < SAMPLES)
			return p->looked_at >= LOOKED_AT;
	return true;
}

static int
learn(void *arg, const struct survey_line *line)
{
	struct plan *p = arg;
	struct ledger_record rec;
	struct dialect_usage u;
	struct planned *m;
	struct err e;

	p->looked_at++;
	if (line->head.status != LEDGER_OK ||
	    ledger_record_read(line->line, &rec, &p->scratch, &e) != 0 ||
	    rec.usage.p == NULL || rec.request.n == 0 ||
	    (m = planned_like(p, &rec)) == NULL || m->n >= SAMPLES)
		return knows_enough(p) ? -1 : 0;
	dialect_read_usage(rec.usage, &u);
	m->n++;
	m->in += (double)u.input;
	m->cached += (double)u.cached;
	m->millis += (double)rec.millis;
	sample_add(
	    &m->per_byte, (double)u.input / (double)inlined_size(rec.request));
	sample_add(&m->out, (double)u.output);
	return knows_enough(p) ? -1 : 0;
}

/* The newest segments first: prompts and models change. */
static void
learn_all(struct engine *en, struct plan *p)
{
	struct err e;
	struct survey *s;
	char *const *names;
	size_t n = 0;

	if (en->ledger == NULL || p->n == 0 ||
	    (s = survey_open(en->o->ledger, NULL, NULL, &e)) == NULL)
		return;
	if (survey_names(s, &names, &n, &e) == 0)
		while (n-- > 0 && !knows_enough(p))
			if (survey_take(s, names[n], SURVEY_FREE, &e) >= 0)
				(void)survey_read(s, learn, p, &e);
	survey_close(s);
}

/* ---- what is to be expected ---- */

/* Square root, without a library for it. */
static double
root(double v)
{
	double r = v > 1 ? v : 1;

	for (int i = 0; i < 100 && v > 0; i++)
		r = (r + v / r) / 2;
	return v > 0 ? r : 0;
}

/* Twice the standard error of a sum of n values, of which m others are known. */
static double
spread(double variance_of_one, double n, double m)
{
	return 2 * root(variance_of_one * (n + n * n / m));
}

static struct engine_range
range(double likely, double less, double more, double most)
{
	if (more > most)
		more = most;
	if (likely > more)
		likely = more;
	return (struct engine_range){likely, less > 0 ? less : 0, more};
}

static void
expect_tokens(const struct planned *m, struct engine_plan_model *out)
{
	double n = (double)m->calls, each, wide;
	double usual = m->most_out > 0 ? n * USUAL_OUT : 0;

	if (m->n < SAMPLES_LEAST) {
		out->in = range(
		    m->size / BYTES_PER_TOKEN, m->size / 6, m->size / 2, HUGE_VAL);
		out->out = range(usual, usual / 16, m->most_out, m->most_out);
		return;
	}
	each = m->bytes / n;
	wide = each * spread(variance(&m->per_byte, m->n), n, m->n);
	out->in = range(m->bytes * m->per_byte.sum / m->n,
	    m->bytes * m->per_byte.sum / m->n - wide,
	    m->bytes * m->per_byte.sum / m->n + wide, HUGE_VAL);
	wide = spread(variance(&m->out, m->n), n, m->n);
	out->out = range(n * m->out.sum / m->n, n * m->out.sum / m->n - wide,
	    n * m->out.sum / m->n + wide, HUGE_VAL);
}

/* Of so many calls alike. */
static double
usd(const struct planned *m, double in, double out)
{
	double n = (double)m->calls, cached = m->in > 0 ? m->cached / m->in : 0;
	struct price_tokens t = {
	    .input = (int64_t)(in / n + 0.5), .output = (int64_t)(out / n + 0.5)};

	t.cached = (int64_t)((double)t.input * cached);
	return n * (double)price_of(&m->lane->price, &t) / 1e9;
}

static struct engine_plan_model
expect(const struct planned *m)
{
	struct engine_plan_model out = {
	    .name = span_of(m->lane->name.data, m->lane->name.len),
	    .calls = m->calls,
	    .learned_from = m->n < SAMPLES_LEAST ? 0 : (uint64_t)m->n,
	    .priced = m->lane->priced};

	expect_tokens(m, &out);
	if (out.priced)
		out.usd = (struct engine_range){
		    usd(m, out.in.likely, out.out.likely),
		    usd(m, out.in.least, out.out.least),
		    usd(m, out.in.most, out.out.most)};
	return out;
}

/* Seconds at the pace of the answers that are known; -1: of a model none is. */
static double
seconds(const struct engine *en, const struct plan *p,
    const struct engine_plan_model *models)
{
	double work = 0, paced = 0, jobs = (double)en->jobs_most, s;

	for (size_t i = 0; i < p->n; i++) {
		const struct planned *m = &p->models[i];

		if (m->n < SAMPLES_LEAST)
			return -1;
		if (en->o->jobs_auto)
			jobs = (double)adapt_limit(&m->lane->adapt);
		work += (double)m->calls * m->millis / m->n / 1e3 / jobs;
		s = m->lane->rpm > 0 ? (double)m->calls * 60 / (double)m->lane->rpm
				     : 0;
		paced = s > paced ? s : paced;
		s = m->lane->tpm > 0
			? (models[i].in.likely + models[i].out.likely) * 60 /
			      (double)m->lane->tpm
			: 0;
		paced = s > paced ? s : paced;
	}
	return work > paced ? work : paced;
}

void
plan_tell(struct engine *en)
{
	struct plan *p = plan_of(en);

	learn_all(en, p);
	p->told.entries = en->entries;
	p->told.nmodels = p->n;
	p->told.models = mem_zero(p->n + 1, sizeof *p->told.models);
	for (size_t i = 0; i < p->n; i++)
		p->told.models[i] = expect(&p->models[i]);
	p->told.seconds = seconds(en, p, p->told.models);
	p->told.costs = en->broker->costs;
	p->told.mute = en->broker->mute;
	if (p->told.calls > 0)
		engine_at_least(en, STATUS_SOME_FAILED);
	en->o->plan(&p->told);
}

void
plan_close(struct engine *en)
{
	struct plan *p = en->plan;

	if (p == NULL)
		return;
	free(p->told.models);
	free(p->models);
	hashset_release(&p->asked);
	buf_release(&p->scratch);
	free(p);
}
