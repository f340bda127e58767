/* billing: prices, and the sums of what was asked for. */
#include "billing.h"

#include "base/mem.h"
#include "io/num.h"

#include <inttypes.h>
#include <stdlib.h>

#define DECIMALS       6
#define PICO           UINT64_C(1000000) /* picodollars a token for 1 USD per million */
#define PICO_IN_DOLLAR UINT64_C(1000000000000)
#define PRICE_MAX      UINT64_C(1000000)

/* ---- prices ---- */

static int
parse_price(struct span text, uint64_t *pico, struct err *e)
{
	const char *dot = text.n == 0 ? NULL : memchr(text.p, '.', text.n);
	struct span whole = text, part = SPAN_NONE;
	uint64_t dollars, fraction = 0;

	if (dot != NULL) {
		whole.n = (size_t)(dot - text.p);
		part = span_of(dot + 1, text.n - whole.n - 1);
	}
	if (num_u64(whole, &dollars) == -1 || dollars > PRICE_MAX ||
	    (dot != NULL && (part.n == 0 || part.n > DECIMALS ||
				num_u64(part, &fraction) == -1)))
		return err_set(e, "no price in USD with at most %d decimals: %.*s",
		    DECIMALS, (int)text.n, text.p);
	for (size_t i = part.n; i < DECIMALS; i++)
		fraction *= 10;
	*pico = dollars * PICO + fraction;
	return 0;
}

/* Cuts off what is before the next comma. */
static struct span
next_field(struct span *rest)
{
	const char *comma = rest->n == 0 ? NULL : memchr(rest->p, ',', rest->n);
	struct span field = *rest;

	if (comma == NULL) {
		*rest = SPAN_NONE;
		return field;
	}
	field.n = (size_t)(comma - rest->p);
	*rest = span_of(comma + 1, rest->n - field.n - 1);
	return field;
}

int
prices_add(struct prices *ps, struct span text, struct err *e)
{
	const char *equals = memrchr(text.p, '=', text.n);
	struct span rest = text, input, output;
	struct price price = {.model = NULL};

	if (equals != NULL) {
		size_t n = (size_t)(equals - text.p);

		rest = span_of(equals + 1, text.n - n - 1);
		price.model = mem_strndup(text.p, n);
	}
	ps->list = mem_resize(ps->list, ps->n + 1, sizeof(*ps->list));
	ps->list[ps->n] = price;
	input = next_field(&rest);
	output = next_field(&rest);
	ps->n++;
	if (output.p == NULL)
		return err_set(e, "a price is IN,OUT or IN,OUT,CACHED: %.*s",
		    (int)text.n, text.p);
	if (parse_price(input, &price.input, e) == -1 ||
	    parse_price(output, &price.output, e) == -1)
		return -1;
	price.cached = price.input;
	if (rest.p != NULL && parse_price(rest, &price.cached, e) == -1)
		return -1;
	ps->list[ps->n - 1] = price;
	return 0;
}

/* The model's own price, the last that was given, else the one of all others. */
static const struct price *
find_price(const struct prices *ps, struct span model)
{
	const struct price *found = NULL;
	struct buf scratch = BUF_INIT;
	struct span name;

	if (!json_text(model, &scratch, &name))
		name = SPAN("");
	for (size_t i = 0; i < ps->n; i++) {
		const char *own = ps->list[i].model;

		if (own == NULL ? found == NULL || found->model == NULL
				: span_eq(span_str(own), name))
			found = &ps->list[i];
	}
	buf_release(&scratch);
	return found;
}

void
prices_release(struct prices *ps)
{
	for (size_t i = 0; i < ps->n; i++)
		free(ps->list[i].model);
	free(ps->list);
	*ps = (struct prices){NULL, 0};
}

/* ---- sums ---- */

static struct bill *
find_bill(struct billing *b, struct span model)
{
	struct bill *bill;

	for (size_t i = 0; i < b->n; i++)
		if (span_eq(b->bills[i].model, model))
			return &b->bills[i];
	b->bills = mem_resize(b->bills, b->n + 1, sizeof(*b->bills));
	bill = &b->bills[b->n++];
	*bill = (struct bill){
	    .model = span_of(mem_strndup(model.p, model.n), model.n),
	    .price = find_price(b->prices, model),
	};
	return bill;
}

static void
add_usage(struct usage *sum, const struct usage *u)
{
	sum->input += u->input;
	sum->cached += u->cached;
	sum->output += u->output;
	sum->reasoning += u->reasoning;
}

void
billing_add(struct billing *b, struct span model, const struct usage *u)
{
	struct bill *bill = find_bill(b, model);

	bill->calls++;
	add_usage(&bill->usage, u);
}

static uint64_t
billed(const struct bill *b)
{
	const struct usage *u = &b->usage;
	const struct price *p = b->price;

	if (p == NULL)
		return 0;
	return (u->input - u->cached) * p->input + u->cached * p->cached +
	       u->output * p->output;
}

static void
add_dollars(struct buf *out, uint64_t pico)
{
	buf_addf(out, "%" PRIu64 ".%012" PRIu64, pico / PICO_IN_DOLLAR,
	    pico % PICO_IN_DOLLAR);
	while (out->data[out->len - 1] == '0')
		out->len--;
	if (out->data[out->len - 1] == '.')
		out->len--;
}

static void
add_sums(struct buf *out, const struct usage *u, bool priced, uint64_t pico)
{
	buf_addf(out,
	    "\"input_tokens\":%" PRIu64 ",\"cached_tokens\":%" PRIu64
	    ",\"output_tokens\":%" PRIu64 ",\"reasoning_tokens\":%" PRIu64
	    ",\"billed_usd\":",
	    u->input, u->cached, u->output, u->reasoning);
	if (priced)
		add_dollars(out, pico);
	else
		buf_adds(out, "null");
}

void
billing_add_stats(const struct billing *b, struct buf *out)
{
	struct usage sum = {0, 0, 0, 0};
	uint64_t pico = 0;

	for (size_t i = 0; i < b->n; i++) {
		add_usage(&sum, &b->bills[i].usage);
		pico += billed(&b->bills[i]);
	}
	add_sums(out, &sum, b->prices->n > 0, pico);
	buf_adds(out, ",\"models\":{");
	for (size_t i = 0; i < b->n; i++) {
		const struct bill *bill = &b->bills[i];

		if (i > 0)
			buf_addc(out, ',');
		buf_addspan(out, bill->model);
		buf_addf(out, ":{\"calls\":%" PRIu64 ",", bill->calls);
		add_sums(out, &bill->usage, bill->price != NULL, billed(bill));
		buf_addc(out, '}');
	}
	buf_addc(out, '}');
}

void
billing_clear(struct billing *b)
{
	for (size_t i = 0; i < b->n; i++)
		free((char *)(uintptr_t)b->bills[i].model.p);
	free(b->bills);
	b->bills = NULL;
	b->n = 0;
}
