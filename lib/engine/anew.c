/* Answers that are there and asked for anew all the same: --refresh and --redo. */
#include "engine/private.h"

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
	if (hashset_has(&en->fresh_keys, key))
		return true;
	return !en->o->refresh && !is_unwanted(en, p, key);
}

void
anew_answered(struct engine *en, const unsigned char *key)
{
	if (en->o->refresh || en->o->nredo > 0)
		hashset_add(&en->fresh_keys, key);
}

void
anew_close(struct engine *en)
{
	hashset_release(&en->fresh_keys);
}
