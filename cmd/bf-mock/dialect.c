/* dialect: what several of them need. */
#include "dialect.h"

#include "io/hash.h"

/* A day in 2024; answers are dated within a year from it. */
#define DATE_FROM 1704067200
#define DATE_SPAN 31536000

int64_t
answer_date(const struct answer *a)
{
	return DATE_FROM + ((int64_t)a->id[0] << 24 | a->id[1] << 16 |
			       a->id[2] << 8 | a->id[3]) %
			       DATE_SPAN;
}

void
add_id(struct buf *out, const char *prefix, const struct answer *a)
{
	char hex[2 * ANSWER_ID_BYTES];

	hash_hex(a->id, ANSWER_ID_BYTES, hex);
	buf_addf(out, "\"%s%.*s\"", prefix, (int)sizeof(hex), hex);
}

static struct span
contents_of(struct span object, const char *name)
{
	struct span value = json_get(object, name);

	return is_type(value, JSON_STRING) ? string_contents(value) : SPAN_NONE;
}

struct said
said_of(const struct answer *a)
{
	struct said s = {a->content, SPAN_NONE, SPAN_NONE};

	if (a->message.p != NULL) {
		s.text = contents_of(a->message, "content");
		s.refusal = contents_of(a->message, "refusal");
		s.calls = json_get(a->message, "tool_calls");
	}
	if (!is_type(s.calls, JSON_ARRAY))
		s.calls = SPAN_NONE;
	return s;
}

static struct span
string_or_empty(struct span object, const char *name)
{
	struct span value = SPAN_NONE;

	if (is_type(object, JSON_OBJECT))
		value = json_get(object, name);
	return is_type(value, JSON_STRING) ? value : SPAN("\"\"");
}

bool
said_next_call(struct json_iter *it, struct call *c)
{
	struct json_member m;
	struct span function;

	if (!json_next(it, &m))
		return false;
	function = is_type(m.value, JSON_OBJECT) ? json_get(m.value, "function")
						 : SPAN_NONE;
	c->id = string_or_empty(m.value, "id");
	c->name = string_or_empty(function, "name");
	c->arguments = string_or_empty(function, "arguments");
	return true;
}

void
add_arguments(struct buf *out, struct span arguments)
{
	struct json_fault fault;
	size_t before = out->len;

	json_unescape(out, string_contents(arguments));
	if (json_check(span_of(buf_span(out).p + before, out->len - before),
		&fault) == -1) {
		out->len = before;
		buf_adds(out, "{}");
	}
}
