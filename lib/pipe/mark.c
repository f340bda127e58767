#include "pipe/mark.h"

void
mark_set(struct entry *en, uint64_t which, uint64_t what, struct buf *scratch)
{
	struct span old = entry_get(en, MARK_NAME);

	buf_clear(scratch);
	buf_addc(scratch, '[');
	buf_addi(scratch, (int64_t)which);
	buf_addc(scratch, ',');
	buf_addi(scratch, (int64_t)what);
	if (old.p != NULL) {
		buf_addc(scratch, ',');
		buf_addspan(scratch, old);
	}
	buf_addc(scratch, ']');
	entry_set(en, MARK_NAME, buf_span(scratch));
}

static bool
number(struct json_iter *it, uint64_t *n)
{
	struct json_member m;
	int64_t i;

	if (!json_next(it, &m) || json_type(m.value) != JSON_NUMBER ||
	    !json_i64(m.value, &i) || i < 0)
		return false;
	*n = (uint64_t)i;
	return true;
}

bool
mark_take(struct entry *en, uint64_t *which, uint64_t *what)
{
	struct span value = entry_get(en, MARK_NAME);
	struct json_member old, more;
	struct json_iter it;

	if (value.p == NULL || json_type(value) != JSON_ARRAY)
		return false;
	it = json_iter(value);
	if (!number(&it, which) || !number(&it, what))
		return false;
	if (!json_next(&it, &old))
		entry_del(en, MARK_NAME);
	else if (!json_next(&it, &more))
		entry_set(en, MARK_NAME, old.value);
	else
		return false;
	return true;
}
