#include "price/prices.h"

#include "base/mem.h"
#include "io/configfile.h"
#include "io/num.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdlib.h>

#define FILE_MAX ((size_t)64 << 20)
#define RATE_MAX 1.0 /* dollars for a token */
#define USD_MAX  1e9
#define PICO     1e12
#define NANO     1000000000

/* share/prices.json, put into the program by the assembler. */
extern const char prices_json[];
__asm__(".pushsection .rodata\n"
	"prices_json: .incbin \"share/prices.json\"\n"
	".byte 0\n"
	".popsection");

/* Looked through for each model that a run asks for, which are few. */
struct table {
	char *name; /* of the file, for messages */
	struct buf text;
	struct span models; /* the object */
};

struct prices {
	struct table tables[3]; /* the last that knows a model counts */
	size_t n;
};

/* ---- files ---- */

/* Takes text, which is its to release then. */
static int
add_table(struct prices *ps, const char *name, struct buf *text, struct err *e)
{
	struct table *t = &ps->tables[ps->n++];
	struct json_fault f;

	t->name = mem_strdup(name);
	t->text = *text;
	*text = BUF_INIT;
	if (json_check(buf_span(&t->text), &f) != 0)
		return err_set(e, "%s: not JSON: byte %zu: %s", name, f.at, f.what);
	t->models = json_value(buf_span(&t->text));
	return json_type(t->models) == JSON_OBJECT
		   ? 0
		   : err_set(
			 e, "%s: not an object with models and their prices", name);
}

static int
add_users(struct prices *ps, struct err *e)
{
	struct buf path = BUF_INIT, text = BUF_INIT;
	int rc = configfile_read("prices.json", FILE_MAX, &path, &text, e);

	if (rc == 1)
		rc = add_table(ps, buf_cstr(&path), &text, e);
	buf_release(&path);
	buf_release(&text);
	return rc;
}

static int
add_named(struct prices *ps, const char *path, struct err *e)
{
	struct buf text = BUF_INIT;
	int rc = configfile_read_path(path, FILE_MAX, &text, e);

	if (rc == 1)
		rc = add_table(ps, path, &text, e);
	else if (rc == 0)
		rc = err_set(e, "%s: there is no such file", path);
	buf_release(&text);
	return rc;
}

struct prices *
prices_new(const char *file, struct err *e)
{
	struct prices *ps = mem_zero(1, sizeof *ps);
	struct buf own = BUF_INIT;

	buf_adds(&own, prices_json);
	if (add_table(ps, "share/prices.json", &own, e) == 0 &&
	    add_users(ps, e) == 0 && (file == NULL || add_named(ps, file, e) == 0))
		return ps;
	prices_free(ps);
	return NULL;
}

void
prices_free(struct prices *ps)
{
	if (ps == NULL)
		return;
	for (size_t i = 0; i < ps->n; i++) {
		free(ps->tables[i].name);
		buf_release(&ps->tables[i].text);
	}
	free(ps);
}

/* ---- one model ---- */

static int
take_rate(int64_t *to, struct span value, struct err *e)
{
	double usd;

	if (json_type(value) == JSON_NULL)
		return 0;
	if (!json_double(value, &usd) || !(usd >= 0 && usd <= RATE_MAX))
		return err_set(e, "not a price of a token in US dollars");
	*to = (int64_t)(usd * PICO + 0.5);
	return 0;
}

/* The rates of a tier, which is made where there is none; NULL: there are too many.
 */
static struct price_rates *
tier_rates(struct price *p, int64_t above)
{
	size_t i = 0;

	while (i < p->ntiers && p->tiers[i].above < above)
		i++;
	if (i < p->ntiers && p->tiers[i].above == above)
		return &p->tiers[i].rates;
	if (p->ntiers == PRICE_TIERS)
		return NULL;
	memmove(
	    p->tiers + i + 1, p->tiers + i, (p->ntiers++ - i) * sizeof *p->tiers);
	p->tiers[i].above = above;
	p->tiers[i].rates = (struct price_rates){-1, -1, -1, -1, -1};
	return &p->tiers[i].rates;
}

/* The rates that a name ends in: "", "_above_200k_tokens"; NULL: none of these. */
static struct price_rates *
rates_of_end(struct price *p, struct span end)
{
	const struct span above = SPAN("_above_"), tokens = SPAN("k_tokens");
	uint64_t n;

	if (end.n == 0)
		return &p->usual;
	if (end.n <= above.n + tokens.n || !span_starts(end, above) ||
	    memcmp(end.p + end.n - tokens.n, tokens.p, tokens.n) != 0 ||
	    num_u64(span_of(end.p + above.n, end.n - above.n - tokens.n), &n) !=
		0 ||
	    n == 0 || n > 1000000)
		return NULL;
	return tier_rates(p, (int64_t)n * 1000);
}

static int
take_member(struct price *p, const struct json_member *m, struct err *e)
{
	static const struct {
		struct span name;
		size_t at;
	} known[] = {{SPAN_INIT("input_cost_per_token"),
			 offsetof(struct price_rates, input)},
	    {SPAN_INIT("output_cost_per_token"),
		offsetof(struct price_rates, output)},
	    {SPAN_INIT("cache_read_input_token_cost"),
		offsetof(struct price_rates, cached)},
	    {SPAN_INIT("cache_creation_input_token_cost"),
		offsetof(struct price_rates, written)},
	    {SPAN_INIT("output_cost_per_reasoning_token"),
		offsetof(struct price_rates, reasoning)}};
	struct price_rates *r;

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		const struct span name = known[i].name;

		if (!span_starts(m->key, name))
			continue;
		r = rates_of_end(p, span_of(m->key.p + name.n, m->key.n - name.n));
		if (r == NULL)
			return 0;
		return take_rate(
		    (int64_t *)(void *)((char *)r + known[i].at), m->value, e);
	}
	return 0;
}

/* What is not said is as elsewhere. */
static void
fill(struct price_rates *r, const struct price_rates *usual)
{
	if (r->input < 0)
		r->input = usual == NULL ? 0 : usual->input;
	if (r->output < 0)
		r->output = usual == NULL ? 0 : usual->output;
	if (r->cached < 0)
		r->cached = usual == NULL ? r->input : usual->cached;
	if (r->written < 0)
		r->written = usual == NULL ? r->input : usual->written;
	if (r->reasoning < 0)
		r->reasoning = r->output;
}

/* 1, 0 if it names no price of tokens, or -1 and e. */
static int
take_price(struct price *p, struct span value, struct err *e)
{
	struct json_iter it = json_iter(value);
	struct json_member m;

	memset(p, 0, sizeof *p);
	p->usual = (struct price_rates){-1, -1, -1, -1, -1};
	while (json_next(&it, &m))
		if (take_member(p, &m, e) != 0)
			return err_prefix(e, "\"%.*s\"", (int)m.key.n, m.key.p);
	if (p->usual.input < 0 && p->usual.output < 0)
		return 0;
	fill(&p->usual, NULL);
	for (size_t i = 0; i < p->ntiers; i++)
		fill(&p->tiers[i].rates, &p->usual);
	return 1;
}

/* Whether a price that is not named after its provider is one of another. */
static bool
is_of_other(struct span value, struct span provider)
{
	struct span of = json_get(value, "litellm_provider"), text;
	struct buf scratch = BUF_INIT;
	bool other;

	other = of.p != NULL && json_text(of, &scratch, &text) &&
		!span_eq(text, provider);
	buf_release(&scratch);
	return other;
}

static int
look_into(const struct table *t, struct span model, struct span provider,
    struct price *p, struct err *e)
{
	struct buf full = BUF_INIT;
	struct span named, bare;
	int rc = 0;

	buf_addspan(&full, provider);
	buf_addc(&full, '/');
	buf_addspan(&full, model);
	const struct span names[] = {buf_span(&full), model};
	struct span values[2];

	json_pick(t->models, names, values, 2);
	named = values[0];
	bare = values[1];
	if (named.p == NULL && bare.p != NULL && !is_of_other(bare, provider))
		named = bare;
	if (named.p != NULL && json_type(named) == JSON_OBJECT)
		rc = take_price(p, named, e);
	if (rc < 0)
		err_prefix(e, "%s: \"%.*s\"", t->name, (int)model.n, model.p);
	buf_release(&full);
	return rc;
}

int
prices_get(const struct prices *ps, struct span model, struct span provider,
    struct price *p, struct err *e)
{
	int rc = 0;

	for (size_t i = ps->n; i-- > 0 && rc == 0;)
		rc = look_into(&ps->tables[i], model, provider, p, e);
	return rc;
}

/* ---- costs ---- */

static int64_t
at_least_0(int64_t n)
{
	return n > 0 ? n : 0;
}

price_nano
price_of(const struct price *p, const struct price_tokens *t)
{
	const struct price_rates *r = &p->usual;
	int64_t plain = at_least_0(t->input - t->cached - t->written);
	int64_t shown = at_least_0(t->output - t->reasoning);
	double sum;

	for (size_t i = 0; i < p->ntiers; i++)
		if (t->input > p->tiers[i].above)
			r = &p->tiers[i].rates;
	/* Far beyond what any call costs, where integers would overflow. */
	sum = (double)t->input * (double)r->input +
	      (double)t->output * (double)r->output;
	if (sum > 1e18)
		return INT64_MAX / 4;
	return (plain * r->input + t->cached * r->cached + t->written * r->written +
		   shown * r->output + t->reasoning * r->reasoning + 500) /
	       1000;
}

void
price_add_usd(struct buf *out, price_nano n)
{
	buf_addf(out, "%" PRId64 ".%09" PRId64, n / NANO, n % NANO);
	while (out->data[out->len - 1] == '0')
		out->len--;
	if (out->data[out->len - 1] == '.')
		out->len--;
}

void
price_add_rounded(struct buf *out, price_nano n)
{
	price_nano unit = NANO / 100;
	int decimals = 2;

	/* Two digits that say something, where there is less than a cent. */
	for (; decimals < 9 && n > 0 && n < unit * 10 && n < NANO / 100; decimals++)
		unit /= 10;
	n = (n + unit / 2) / unit;
	buf_addf(out, "%" PRId64 ".%0*" PRId64, n / (NANO / unit), decimals,
	    n % (NANO / unit));
}

int
price_parse_usd(struct span text, price_nano *n)
{
	double usd;

	if (num_double(text, &usd) != 0 || !(usd >= 0 && usd <= USD_MAX))
		return -1;
	*n = (price_nano)(usd * NANO + 0.5);
	return 0;
}
