/*
 * prices: what a model's tokens cost, and what a call has cost.
 *
 * Prices are read from share/prices.json, which is part of the program, from
 * the user's $XDG_CONFIG_HOME/bf/prices.json, else ~/.config/bf/prices.json,
 * and from a file that is named: what comes later overrides.  All have the form
 * of LiteLLM's model_prices_and_context_window.json, which may be given as it
 * is (https://github.com/BerriAI/litellm):
 *
 *	{"MODEL": {"litellm_provider": "PROVIDER",
 *	    "input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07,
 *	    "cache_read_input_token_cost": 7.5e-08,
 *	    "cache_creation_input_token_cost": ...,
 *	    "output_cost_per_reasoning_token": ...,
 *	    "input_cost_per_token_above_200k_tokens": ..., ...}, ...}
 *
 * in US dollars.  Other members are passed over.  MODEL at PROVIDER is looked
 * for as "PROVIDER/MODEL", then as "MODEL" where that names no other
 * litellm_provider.
 *
 * Sums are integers: a price is in 10^-12 of a dollar for a token, a cost in
 * 10^-9 of a dollar, each call's rounded once, so that they add up to the same
 * in any order.
 */
#ifndef BF_PRICE_PRICES_H
#define BF_PRICE_PRICES_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#define PRICE_TIERS 4

/* 10^-12 US dollars for a token. */
struct price_rates {
	int64_t input, output;
	int64_t cached;    /* input that was read from a cache */
	int64_t written;   /* input that was written to one */
	int64_t reasoning; /* output that was not shown */
};

struct price {
	struct price_rates usual;
	/* For all tokens of a call whose input has more than that many; by number.
	 */
	struct {
		int64_t above;
		struct price_rates rates;
	} tiers[PRICE_TIERS];
	size_t ntiers;
};

/* Of one call: cached and written are part of input, reasoning is part of output.
 */
struct price_tokens {
	int64_t input, output, cached, written, reasoning;
};

/* 10^-9 US dollars. */
typedef int64_t price_nano;

struct prices;

/* file: one more, may be NULL. NULL and e: a file cannot be read, or is no such
 * file. */
struct prices *prices_new(const char *file, struct err *e);
void prices_free(struct prices *ps);

/*
 * The price of a model: 1; 0 where there is none; -1 and e where what stands there
 * is no price: file and member.
 */
int prices_get(const struct prices *ps, struct span model, struct span provider,
    struct price *p, struct err *e);

price_nano price_of(const struct price *p, const struct price_tokens *t);

/* Appends an amount in dollars, exactly: 0.0000315, 12.5, 3. */
void price_add_usd(struct buf *out, price_nano n);
/* The same for people, rounded to cents, to two digits below a cent:
 * 0.000032, 12.50, 3.00. */
void price_add_rounded(struct buf *out, price_nano n);
/* Dollars as they are written in JSON, 0 or more; more than 9 decimals are rounded.
 * 0 or -1. */
int price_parse_usd(struct span text, price_nano *n);

#endif
