/* Answers that are there and asked for anew all the same: --refresh and --redo. */
#include "engine/private.h"

#include "base/mem.h"

#include <stdlib.h>

/* ---- keys: hashes, of which any bytes will do ---- */

static size_t
keys_slot(const struct keys *k, const unsigned char *key)
{
	static const unsigned char none[REQUEST_KEY_SIZE];
	uint64_t h;
	size_t i;

	memcpy(&h, key, sizeof h);
	for (i = h & (k->size - 1); memcmp(k->slots[i], none, sizeof none) != 0;
	     i = (i + 1) & (k->size - 1))
		if (memcmp(k->slots[i], key, sizeof k->slots[i]) == 0)
			break;
	return i;
}

static bool
keys_is_zero(const unsigned char *key)
{
	static const unsigned char none[REQUEST_KEY_SIZE];

	return memcmp(key, none, sizeof none) == 0;
}

static bool
keys_have(const struct keys *k, const unsigned char *key)
{
	if (keys_is_zero(key))
		return k->zero;
	return k->size > 0 && !keys_is_zero(k->slots[keys_slot(k, key)]);
}

static void
keys_add(struct keys *k, const unsigned char *key)
{
	struct keys bigger = {.size = k->size == 0 ? 64 : 2 * k->size};

	if (keys_is_zero(key)) {
		k->zero = true;
		return;
	}
	if (k->n >= k->size / 4 * 3) {
		bigger.slots = mem_zero(bigger.size, sizeof *bigger.slots);
		for (size_t i = 0; i < k->size; i++)
			if (!keys_is_zero(k->slots[i]))
				memcpy(
				    bigger.slots[keys_slot(&bigger, k->slots[i])],
				    k->slots[i], sizeof *k->slots);
		free(k->slots);
		k->slots = bigger.slots;
		k->size = bigger.size;
	}
	if (!keys_have(k, key))
		k->n++;
	memcpy(k->slots[keys_slot(k, key)], key, sizeof *k->slots);
}

/* ---- which answers serve ---- */

static bool
has_value(struct span response, const struct engine_redo *redo)
{
	static const char *const names[] = {"finish_reason", "model", "refusal"};
	struct span v = json_get(response, names[redo->field]);

	if (v.p == NULL)
		return false;
	return json_type(v) == JSON_STRING ? json_is(v, redo->value)
					   : span_eq(v, span_str(redo->value));
}

/* Whether the ledger's answer is one of those that are not wanted. */
static bool
is_unwanted(struct engine *en, const struct provider *p, const unsigned char *key)
{
	struct ledger_record rec;
	struct dialect_answer a;
	struct buf response = BUF_INIT;
	struct err e = ERR_INIT;
	bool unwanted = false;

	/* One that cannot be read is told of when its turn comes. */
	if (ledger_get(en->ledger, key, &rec, &e) == 1 &&
	    p->dialect->answer(&response, rec.response, rec.model, &a, &e) == 0)
		for (size_t i = 0; i < en->o->nredo && !unwanted; i++)
			unwanted = has_value(buf_span(&response), &en->o->redo[i]);
	buf_release(&response);
	return unwanted;
}

bool
anew_is_hit(struct engine *en, const struct provider *p, const unsigned char *key)
{
	if (en->ledger == NULL || !ledger_has(en->ledger, key))
		return false;
	if (!en->o->refresh && en->o->nredo == 0)
		return true;
	if (keys_have(&en->fresh_keys, key))
		return true;
	return !en->o->refresh && !is_unwanted(en, p, key);
}

void
anew_answered(struct engine *en, const unsigned char *key)
{
	if (en->o->refresh || en->o->nredo > 0)
		keys_add(&en->fresh_keys, key);
}

void
anew_close(struct engine *en)
{
	free(en->fresh_keys.slots);
}
