#include "json/incomplete.h"

#include "base/msg.h"
#include "json/json.h"

static const char mark[] = "incomplete";

static struct span
skip_space(struct span s)
{
	while (s.n > 0 && (*s.p == ' ' || *s.p == '\t' || *s.p == '\r'))
		s = span_of(s.p + 1, s.n - 1);
	return s;
}

/*
 * A cheap look first: this is asked of every line.  An escape in the name may
 * stand for any character.
 */
static bool
looks_like_mark(struct span s)
{
	size_t i;

	if (s.n == 0 || *s.p != '{')
		return false;
	s = skip_space(span_of(s.p + 1, s.n - 1));
	if (s.n <= sizeof(mark) || *s.p != '"')
		return false;
	for (i = 0; i < sizeof(mark) - 1; i++)
		if (s.p[i + 1] != mark[i])
			return s.p[i + 1] == '\\';
	return true;
}

static bool
is_type(struct span value, enum json_type t)
{
	return value.p != NULL && json_type(value) == t;
}

bool
incomplete_is(struct span line, int *status)
{
	struct json_fault f;
	struct json_iter it;
	struct json_member m, more;
	struct span number;
	int64_t n;

	line = skip_space(line);
	if (!looks_like_mark(line) || json_check(line, &f) < 0)
		return false;
	it = json_iter(line);
	if (!json_next(&it, &m) || json_next(&it, &more) ||
	    !json_key_is(m.key, span_str(mark)) || !is_type(m.value, JSON_OBJECT))
		return false;
	number = json_get(m.value, "status");
	if (!is_type(json_get(m.value, "by"), JSON_STRING) ||
	    !is_type(json_get(m.value, "why"), JSON_STRING) ||
	    !is_type(number, JSON_NUMBER) || !json_i64(number, &n))
		return false;
	*status = n >= 1 && n <= 255 ? (int)n : STATUS_CANNOT;
	return true;
}

void
incomplete_add(struct buf *out, const char *by, const char *why, int status)
{
	buf_adds(out, "{\"incomplete\":{\"by\":");
	json_add_string(out, span_str(by));
	buf_adds(out, ",\"why\":");
	json_add_string(out, span_str(why));
	buf_addf(out, ",\"status\":%d}}\n", status);
}

void
incomplete_why(struct buf *out, struct span line, const char *command)
{
	struct span body = json_get(skip_space(line), mark);
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct span by, why;

	if (json_text(json_get(body, "by"), &a, &by) &&
	    json_text(json_get(body, "why"), &b, &why)) {
		if (!span_eq(by, span_str(command))) {
			buf_adds(out, "incomplete input: ");
			buf_addspan(out, by);
			buf_adds(out, ": ");
		}
		buf_addspan(out, why);
	}
	buf_release(&a);
	buf_release(&b);
}
