#include "json/json.h"

#include "io/num.h"
#include "json/check.h"
#include "json/iter.h"
#include "json/scan.h"

enum json_type
json_type(struct span value)
{
	switch (value.n == 0 ? '\0' : *value.p) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
	case '\0':
		return JSON_NULL;
	default:
		return JSON_NUMBER;
	}
}

const char *
json_type_name(enum json_type t)
{
	switch (t) {
	case JSON_NULL:
		return "null";
	case JSON_FALSE:
	case JSON_TRUE:
		return "boolean";
	case JSON_NUMBER:
		return "number";
	case JSON_STRING:
		return "string";
	case JSON_ARRAY:
		return "array";
	case JSON_OBJECT:
		return "object";
	}
	return "unknown";
}

bool
json_escaped_key_is(struct span key, struct span name)
{
	struct buf text = BUF_INIT;
	bool same;

	if (key.n == name.n)
		return span_eq(key, name) &&
		       (key.n == 0 || memchr(key.p, '\\', key.n) == NULL);
	if (memchr(key.p, '\\', key.n) == NULL)
		return false;
	json_unescape(&text, key);
	same = span_eq(buf_span(&text), name);
	buf_release(&text);
	return same;
}

struct span
json_get(struct span object, const char *name)
{
	struct json_iter it = json_iter(object);
	struct span found = SPAN_NONE, want = span_str(name);
	struct json_member m;

	if (!it.object)
		return SPAN_NONE;
	while (json_next(&it, &m))
		if (json_key_is(m.key, want))
			found = m.value;
	return found;
}

void
json_pick(
    struct span object, const struct span *names, struct span *values, size_t n)
{
	struct json_iter it = json_iter(object);
	struct json_member m;

	for (size_t i = 0; i < n; i++)
		values[i] = SPAN_NONE;
	if (!it.object)
		return;
	while (json_next(&it, &m))
		for (size_t i = 0; i < n; i++)
			if (json_key_is(m.key, names[i]))
				values[i] = m.value;
}

struct span
json_at(struct span array, size_t index)
{
	struct json_iter it = json_iter(array);
	struct json_member m;

	if (it.object)
		return SPAN_NONE;
	while (json_next(&it, &m))
		if (index-- == 0)
			return m.value;
	return SPAN_NONE;
}

size_t
json_count(struct span value)
{
	struct json_iter it = json_iter(value);
	struct json_member m;
	size_t n = 0;

	while (json_next(&it, &m))
		n++;
	return n;
}

bool
json_is_empty(struct span value)
{
	struct json_iter it = json_iter(value);
	struct span key;

	return !iter_next(&it, &key);
}

bool
json_i64(struct span value, int64_t *v)
{
	return json_type(value) == JSON_NUMBER && num_i64(value, v) == 0;
}

bool
json_double(struct span value, double *v)
{
	return json_type(value) == JSON_NUMBER && num_double(value, v) == 0;
}

struct span
json_value(struct span text)
{
	const char *p;

	if (text.n == 0)
		return text;
	p = iter_space(text.p, text.p + text.n);
	return span_of(p, text.n - (size_t)(p - text.p));
}

/* Where white space ends what can be copied in one piece: strings are passed over.
 */
static const char *
dense_end(const char *p, const char *end)
{
	while (p < end && !check_is_space(*p))
		p = *p == '"' ? scan->quote(p + 1, end) + 1 : p + 1;
	return p;
}

void
json_compact(struct buf *out, struct span value)
{
	const char *p = value.p, *end = value.p + value.n, *q;

	while ((p = iter_space(p, end)) < end) {
		q = dense_end(p, end);
		buf_add(out, p, (size_t)(q - p));
		p = q;
	}
}
