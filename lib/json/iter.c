#include "json/iter.h"
#include "json/scan.h"

const char *
iter_value_end(const char *p, const char *end)
{
	switch (*p) {
	case '"':
		return scan->quote(p + 1, end) + 1;
	case '[':
	case '{':
		return scan->close(p + 1, end);
	default:
		while (p < end && !check_is_space(*p) && *p != ',' && *p != ']' &&
		       *p != '}')
			p++;
		return p;
	}
}

struct json_iter
json_iter(struct span value)
{
	enum json_type t = json_type(value);
	struct json_iter it = {value.p, value.p, t == JSON_OBJECT};

	if (t == JSON_OBJECT || t == JSON_ARRAY) {
		it.p++;
		it.end += value.n;
	}
	return it;
}

bool
iter_next(struct json_iter *it, struct span *key)
{
	const char *p = it->p, *q;

	if (p == it->end)
		return false;
	p = iter_space(p, it->end);
	if (*p == ',')
		p = iter_space(p + 1, it->end);
	if (*p == ']' || *p == '}') {
		it->p = it->end;
		return false;
	}
	*key = SPAN_NONE;
	if (it->object) {
		q = scan->quote(p + 1, it->end);
		*key = span_of(p + 1, (size_t)(q - p - 1));
		p = iter_space(q + 1, it->end);
		p = iter_space(p + 1, it->end);
	}
	it->p = p;
	return true;
}

bool
json_next(struct json_iter *it, struct json_member *m)
{
	const char *p;

	if (!iter_next(it, &m->key))
		return false;
	p = it->p;
	it->p = iter_value_end(p, it->end);
	m->value = span_of(p, (size_t)(it->p - p));
	return true;
}
