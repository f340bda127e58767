/*
 * lists: the items of a list in an answer, and numbers.
 */
#include "answer/find.h"
#include "io/num.h"

#define INTEGERS_MAX 1000000 /* of one answer */

/* A list given as JSON, by itself or in a fence: an array of such values alone. */
static bool
json_list(struct search *s, bool (*is_item)(struct span value), struct buf *out)
{
	struct json_member m;
	struct json_iter it;
	size_t from = out->len;
	struct span value;
	bool good;

	if (!given_json(s, out))
		return false;
	value = span_of(out->data + from, out->len - from);
	it = json_iter(value);
	good = json_type(value) == JSON_ARRAY;
	while (good && json_next(&it, &m))
		good = is_item(m.value);
	if (!good)
		out->len = from;
	return good;
}

static bool
is_string(struct span value)
{
	return json_type(value) == JSON_STRING;
}

/* The length of "- ", "* ", "+ ", "1. " or "1) " at the head of s; 0 if none is
 * there. */
static size_t
marker_length(struct span s)
{
	size_t n = 0;

	while (n < s.n && n < 9 && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	if (n == s.n)
		return 0;
	if (n > 0 ? s.p[n] != '.' && s.p[n] != ')' : strchr("-*+", s.p[n]) == NULL)
		return 0;
	n++;
	if (n < s.n && s.p[n] != ' ' && s.p[n] != '\t')
		return 0;
	return n;
}

/* A line of three or more of - or *, with space between them: no item. */
static bool
is_rule(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == ' ' || s.p[i] == '\t')
			continue;
		if (s.p[i] != s.p[0] || (s.p[0] != '-' && s.p[0] != '*'))
			return false;
		n++;
	}
	return n >= 3;
}

static void
item_end(struct buf *item, struct buf *out)
{
	if (item->len > 0) {
		if (out->data[out->len - 1] != '[')
			buf_addc(out, ',');
		json_add_string(out, buf_span(item));
	}
	buf_clear(item);
}

/* One line of a list: an item's first, or a further one, which is indented. */
static void
list_line(struct span line, bool *in_item, struct buf *item, struct buf *out)
{
	struct span content = text_trim(line);
	size_t n = is_rule(content) ? 0 : marker_length(content);
	bool indented = line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');

	if (content.n == 0)
		return;
	if (n > 0) {
		item_end(item, out);
		content = text_trim(skip(content, n));
		*in_item = true;
	} else if (!indented || !*in_item) {
		*in_item = false;
		return;
	}
	if (item->len > 0 && content.n > 0)
		buf_addc(item, ' ');
	buf_addspan(item, content);
}

enum miss
find_list(struct search *s, struct buf *out)
{
	struct span text = s->text;
	struct buf item = BUF_INIT;
	size_t from = out->len, used;
	bool in_item = false;
	struct fence f;

	if (json_list(s, is_string, out))
		return MISS_NONE;
	buf_addc(out, '[');
	for (; text.n > 0; text = skip(text, used)) {
		struct span line = line_at(text, &used);

		if (fence_at(text, &f))
			used = f.length;
		else
			list_line(line, &in_item, &item, out);
	}
	item_end(&item, out);
	buf_release(&item);
	buf_addc(out, ']');
	return out->len == from + 2 ? MISS_LIST : MISS_NONE;
}

/* ---- whole numbers ---- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ASCII alone: between other letters, digits stand for themselves in some scripts.
 */
static bool
is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

/* How long what stands between the ends of a range is, here; 0: nothing such. */
static size_t
range_mark(struct span s)
{
	static const struct span marks[] = {SPAN_INIT("-"),
	    SPAN_INIT("\xe2\x80\x93"), SPAN_INIT("\xe2\x80\x94"), SPAN_INIT("..."),
	    SPAN_INIT(".."), SPAN_INIT("to "), SPAN_INIT("through ")};
	size_t n = 0, m;

	while (n < s.n && s.p[n] == ' ')
		n++;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (!span_starts(skip(s, n), marks[i]))
			continue;
		m = n + marks[i].n;
		while (m < s.n && s.p[m] == ' ')
			m++;
		return m < s.n && is_digit(s.p[m]) ? m : 0;
	}
	return 0;
}

/* Digits at the head of s, which they are taken off. */
static bool
take_number(struct span *s, uint64_t *n)
{
	size_t i = 0;

	while (i < s->n && is_digit(s->p[i]))
		i++;
	if (num_u64(span_of(s->p, i), n) < 0 || *n > INT64_MAX)
		return false;
	*s = skip(*s, i);
	/* 3.5 and 2nd are no whole numbers; "3." ends a sentence. */
	return s->n == 0 || (!is_word(s->p[0]) && (s->p[0] != '.' || s->n == 1 ||
						      !is_digit(s->p[1])));
}

struct integers {
	struct buf *out;
	size_t n;
};

static bool
add_range(struct integers *to, uint64_t first, uint64_t last, bool negative)
{
	if (last < first || last - first >= INTEGERS_MAX - to->n)
		return false;
	for (uint64_t i = first;; i++) {
		if (to->n++ > 0)
			buf_addc(to->out, ',');
		buf_addi(to->out, negative ? -(int64_t)i : (int64_t)i);
		if (i == last)
			return true;
	}
}

/* A number or a range at the head of s. */
static enum miss
take_integers(struct span *s, bool negative, struct integers *to)
{
	uint64_t first, last;
	size_t n;

	if (!take_number(s, &first))
		return MISS_INTEGER;
	n = negative ? 0 : range_mark(*s);
	last = first;
	if (n > 0) {
		*s = skip(*s, n);
		if (!take_number(s, &last))
			return MISS_INTEGER;
	}
	return add_range(to, first, last, negative) ? MISS_NONE : MISS_RANGE;
}

enum miss
find_integers(struct search *s, struct buf *out)
{
	struct integers to = {out, 0};
	struct span rest = s->text;
	enum miss miss;
	char before = ' ', sign = ' ';

	if (span_eq(s->text, SPAN("[]"))) {
		buf_adds(out, "[]");
		return MISS_NONE;
	}
	buf_addc(out, '[');
	while (rest.n > 0) {
		if (is_digit(*rest.p) && !is_word(before)) {
			miss = take_integers(
			    &rest, before == '-' && !is_word(sign), &to);
			if (miss != MISS_NONE)
				return miss;
			sign = ' ';
			before = '0';
			continue;
		}
		sign = before;
		before = *rest.p;
		rest = skip(rest, 1);
	}
	buf_addc(out, ']');
	return to.n > 0 ? MISS_NONE : MISS_INTEGERS;
}
