/* numbered: records with nothing in them but a number. */
#ifndef BF_TESTS_NUMBERED_H
#define BF_TESTS_NUMBERED_H

#include "base/buf.h"
#include "io/hash.h"
#include "ledger/ledger.h"

#include <inttypes.h>

static struct buf response;

static void
make_key(unsigned char *key, uint64_t n)
{
	hash_blake2b(span_of((char *)&n, sizeof(n)), key, LEDGER_KEY_SIZE);
}

/* Of a length of its own, and not too easy to compress. */
static struct span
make_response(uint64_t n)
{
	uint64_t x = n * 0x9e3779b97f4a7c15 + 1;

	buf_clear(&response);
	buf_addf(&response, "{\"n\":%" PRIu64 ",\"text\":\"", n);
	for (uint64_t i = x >> 32 & 511; i > 0; i--) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		buf_addc(&response, (char)('a' + (x & 15)));
	}
	buf_adds(&response, "\"}");
	return buf_span(&response);
}

/* Whether the answer of a number is there: 1; 0; -1: there is a wrong one. */
static int
look_for(struct ledger *l, uint64_t n)
{
	unsigned char key[LEDGER_KEY_SIZE];
	struct ledger_record r;
	struct err why;

	make_key(key, n);
	if (ledger_get(l, key, &r, &why) != 1)
		return 0;
	return span_eq(r.response, make_response(n)) ? 1 : -1;
}

#endif
