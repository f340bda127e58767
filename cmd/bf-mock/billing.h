/*
 * billing: what the answers given would have cost, model by model.
 *
 * Prices are USD per million tokens with at most six decimals, so that one
 * token costs a whole number of picodollars and every sum is exact.
 */
#ifndef BF_MOCK_BILLING_H
#define BF_MOCK_BILLING_H

#include "base/err.h"
#include "dialect.h"

/* Picodollars a token. */
struct price {
	char *model; /* NULL: every other */
	uint64_t input, output, cached;
};

struct prices {
	struct price *list;
	size_t n;
};

/* What one model was asked for. */
struct bill {
	struct span model; /* a JSON string, owned */
	uint64_t calls;
	struct usage usage;
	const struct price *price; /* NULL: none is known */
};

struct billing {
	const struct prices *prices;
	struct bill *bills; /* in the order in which the models came */
	size_t n;
};

/* "[MODEL=]IN,OUT[,CACHED]"; cached tokens cost IN where nothing else is said. 0, or -1 and e. */
int prices_add(struct prices *ps, struct span text, struct err *e);
void prices_release(struct prices *ps);

/* model: a JSON string. */
void billing_add(struct billing *b, struct span model, const struct usage *u);
/* Members of an object: sums of tokens, billed_usd, and models with the same of each. */
void billing_add_stats(const struct billing *b, struct buf *out);
void billing_clear(struct billing *b); /* as if nothing had come; frees */

#endif
