/* What calls cost: those that were paid, and those in flight, as estimated. */
#include "engine/private.h"

#include "base/msg.h"
#include "io/clock.h"
#include "ledger/walk.h"

#include <inttypes.h>

#define KNOWN_AFTER 8 /* answers, before what they took on average counts */

/* ---- prices ---- */

/* Whose prices are those of a provider. */
static struct span
seller(const struct provider *p)
{
	return span_str(p->prices != NULL ? p->prices : p->name);
}

/* Whether a price is known for the model of a lane. */
void
money_price(struct engine *en, struct lane *l)
{
	struct err e = ERR_INIT;
	int rc = 0;

	if (en->o->prices != NULL)
		rc = prices_get(en->o->prices, buf_span(&l->model),
		    seller(l->provider), &l->price, &e);
	if (rc < 0)
		engine_say(en, ENGINE_WARN, "%s", e.text);
	l->priced = rc == 1;
}

/* Models that share a lane beyond LANES_MOST have each a price of its own. */
static bool
price_of_call(struct engine *en, const struct call *c, struct price *p)
{
	struct span model = buf_span(&c->model);
	struct err e;

	if (span_eq(buf_span(&c->lane->model), model)) {
		*p = c->lane->price;
		return c->lane->priced;
	}
	return en->o->prices != NULL &&
	       prices_get(en->o->prices, model, seller(c->provider), p, &e) == 1;
}

/* ---- what earlier runs paid ---- */

struct earlier {
	struct money sum;
	int64_t since;
	struct hashset
	    seen; /* a record may be in two segments, where one was copied */
	struct buf scratch;
};

static int
add_earlier(void *arg, const struct survey_line *l)
{
	struct earlier *w = arg;
	struct ledger_record rec;
	struct dialect_usage u;
	uint64_t mark;
	price_nano cost;
	struct err e;

	if (l->head.time < w->since)
		return 0;
	mark = record_mark(l->line, &l->head);
	if (!hashset_add(&w->seen, &mark) ||
	    ledger_record_read(l->line, &rec, &w->scratch, &e) != 0)
		return 0;
	if (rec.cost.p != NULL && price_parse_usd(rec.cost, &cost) == 0)
		w->sum.cost += cost;
	dialect_read_usage(rec.usage, &u);
	w->sum.tokens += u.input + u.output;
	return 0;
}

int
money_open(struct engine *en, struct err *e)
{
	struct earlier w = {
	    .since = clock_wall_ms() - en->o->budget_window_us / 1000,
	    .seen = HASHSET_INIT(sizeof(uint64_t))};
	const struct walk walk = {
	    .record = add_earlier, .arg = &w, .since = w.since};
	int rc = 0;

	if (en->o->budget_window_us > 0 && en->ledger != NULL)
		rc = walk_ledger(en->o->ledger, &walk, e);
	en->before = w.sum;
	hashset_release(&w.seen);
	buf_release(&w.scratch);
	return rc;
}

/* ---- what was paid ---- */

void
money_ended(
    struct engine *en, struct call *x, const struct dialect_usage *u, bool answer)
{
	struct spent *t = &x->lane->spent;
	struct price p;

	x->cost = MONEY_UNKNOWN;
	if (!u->known && !answer)
		return;
	if (u->known && price_of_call(en, x, &p)) {
		x->cost = price_of(&p, &(struct price_tokens){.input = u->input,
					   .output = u->output,
					   .cached = u->cached,
					   .written = u->written,
					   .reasoning = u->reasoning});
		t->cost += x->cost;
		en->cost += x->cost;
	} else
		money_unknown(en, x);
	if (u->known)
		t->bytes += x->size;
}

void
money_unknown(struct engine *en, struct call *x)
{
	x->lane->spent.unpriced++;
	en->unpriced++;
}

/* ---- what is to come ---- */

static int64_t
tokens_in(const struct call *c)
{
	const struct spent *t = &c->lane->spent;
	int64_t n = c->size;

	if (t->answers < KNOWN_AFTER || t->bytes == 0)
		return n / BYTES_PER_TOKEN + 1;
	return (int64_t)((double)n * (double)t->input / (double)t->bytes) + 1;
}

static int64_t
tokens_out(const struct call *c)
{
	const struct spent *t = &c->lane->spent;
	int64_t most = lanes_most_out(c->en, calls_wire(c)), usual = TOKENS_OUT;

	if (t->answers >= KNOWN_AFTER)
		usual = t->output / (int64_t)t->answers + 1;
	return most < usual ? most : usual;
}

static bool
is_capped(const struct engine *en)
{
	return en->o->max_cost != MONEY_UNKNOWN ||
	       en->o->max_tokens_total != MONEY_UNKNOWN;
}

static void
estimate(struct engine *en, const struct call *c, struct money *m)
{
	struct price p;
	struct price_tokens t = {.input = tokens_in(c), .output = tokens_out(c)};

	m->tokens = t.input + t.output;
	m->cost = price_of_call(en, c, &p) ? price_of(&p, &t) : MONEY_UNKNOWN;
}

void
money_started(struct engine *en, struct call *x)
{
	if (!is_capped(en))
		return;
	estimate(en, x, &x->projected);
	en->projected.tokens += x->projected.tokens;
	if (x->projected.cost > 0)
		en->projected.cost += x->projected.cost;
}

void
money_landed(struct engine *en, struct call *x)
{
	en->projected.tokens -= x->projected.tokens;
	if (x->projected.cost > 0)
		en->projected.cost -= x->projected.cost;
	x->projected = (struct money){0, 0};
}

/* ---- caps ---- */

static void
stop_unpriced(struct engine *en, const struct call *c)
{
	engine_say(en, ENGINE_ERROR,
	    "--max-cost: no price is known for %s: give --prices FILE, or put it "
	    "into ~/.config/bf/prices.json",
	    buf_cstr(&c->lane->name));
	engine_stop(en, STATUS_CANNOT, "no price is known for %s",
	    buf_cstr(&c->lane->name));
	en->no_reading = true;
	engine_stop_sending(en);
}

static void
stop_spent(struct engine *en, const char *what)
{
	engine_say(en, ENGINE_ERROR, "%s; stopping", what);
	engine_stop(en, STATUS_TEMPFAIL, "budget reached");
	/* Reading goes on: what the ledger has is still served. */
	engine_stop_starting(en);
}

static void
stop_cost(struct engine *en, price_nano next)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "cost budget reached (--max-cost ");
	price_add_usd(&b, en->o->max_cost);
	buf_adds(&b, "): $");
	price_add_rounded(&b, en->before.cost + en->cost);
	buf_adds(&b, " spent, the next call about $");
	price_add_rounded(&b, next);
	stop_spent(en, buf_cstr(&b));
	buf_release(&b);
}

static int64_t
tokens_spent(const struct engine *en)
{
	return en->before.tokens + en->tokens_in + en->tokens_out;
}

static void
stop_tokens(struct engine *en, int64_t next)
{
	struct buf b = BUF_INIT;

	buf_addf(&b,
	    "token budget reached (--max-tokens-total %" PRId64 "): %" PRId64
	    " spent, the next call about %" PRId64,
	    en->o->max_tokens_total, tokens_spent(en), next);
	stop_spent(en, buf_cstr(&b));
	buf_release(&b);
}

/* Whether that much more stays below a cap. */
static bool
fits(int64_t cap, int64_t spent, int64_t in_flight, int64_t next)
{
	return cap == MONEY_UNKNOWN || spent + in_flight + next <= cap;
}

bool
money_allows(struct engine *en, const struct call *c)
{
	const struct engine_options *o = en->o;
	struct money next;
	bool cost, tokens;

	if (!is_capped(en))
		return true;
	estimate(en, c, &next);
	if (o->max_cost != MONEY_UNKNOWN && next.cost == MONEY_UNKNOWN) {
		stop_unpriced(en, c);
		return false;
	}
	cost = fits(
	    o->max_cost, en->before.cost + en->cost, en->projected.cost, next.cost);
	tokens = fits(o->max_tokens_total, tokens_spent(en), en->projected.tokens,
	    next.tokens);
	if (cost && tokens)
		return true;
	/* What is in flight may turn out cheaper than it looks. */
	if (en->flying > 0)
		return false;
	if (!cost)
		stop_cost(en, next.cost);
	else
		stop_tokens(en, next.tokens);
	return false;
}
