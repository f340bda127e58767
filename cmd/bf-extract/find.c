/*
 * find: tags, code, JSON, lists and what an expression matches in an answer.
 */
#include "extract.h"
#include "json/json.h"

static struct span
skip(struct span s, size_t n)
{
	return span_of(s.p + n, s.n - n);
}

static bool
starts_at(struct span s, const char *p, struct span prefix)
{
	return span_starts(span_of(p, (size_t)(s.p + s.n - p)), prefix);
}

/* "<", lead and name at p, and then what ends a tag's name; behind the name, or
 * NULL. */
static const char *
tag_name_at(struct span s, const char *p, struct span lead, struct span name)
{
	const char *end = s.p + s.n;

	if (!starts_at(s, p, lead) || !starts_at(s, p + lead.n, name))
		return NULL;
	p += lead.n + name.n;
	if (p == end || (*p != '>' && *p != ' ' && !(*p >= '\t' && *p <= '\r')))
		return NULL;
	return p;
}

/* The first tag of that name: where it begins; *behind it. NULL if there is none.
 */
static const char *
tag_find(struct span s, struct span lead, struct span name, const char **behind)
{
	const char *p = s.p, *end = s.p + s.n, *q;

	while ((p = memchr(p, '<', (size_t)(end - p))) != NULL) {
		q = tag_name_at(s, p, lead, name);
		if (q != NULL) {
			q = memchr(q, '>', (size_t)(end - q));
			if (q == NULL)
				return NULL;
			*behind = q + 1;
			return p;
		}
		p++;
	}
	return NULL;
}

enum miss
find_tag(struct span text, struct span name, struct span *found)
{
	const char *begin, *end, *behind;

	if (text.n == 0 || tag_find(text, SPAN("<"), name, &begin) == NULL)
		return MISS_TAG;
	end = tag_find(
	    skip(text, (size_t)(begin - text.p)), SPAN("</"), name, &behind);
	if (end == NULL)
		return MISS_TAG_OPEN;
	*found = text_trim(span_of(begin, (size_t)(end - begin)));
	return found->n == 0 ? MISS_EMPTY : MISS_NONE;
}

enum miss
find_code(struct span text, struct span language, struct buf *out)
{
	struct fence f;

	while (fence_next(&text, &f)) {
		if (language.p != NULL && !fence_is(&f, language))
			continue;
		if (!f.closed)
			return MISS_CODE_OPEN;
		fence_text(&f, out);
		return text_trim(buf_span(out)).n == 0 ? MISS_EMPTY : MISS_NONE;
	}
	return MISS_CODE;
}

enum miss
find_regex(struct span text, struct regex *r, struct span *found)
{
	struct err e;
	int rc = regex_find(r, text, &e);

	if (rc <= 0)
		return rc == 0 ? MISS_REGEX : MISS_REGEX_LIMIT;
	*found = regex_group(r, text, regex_groups(r) > 0 ? 1 : 0);
	if (found->p == NULL)
		return MISS_REGEX_GROUP;
	return found->n == 0 ? MISS_EMPTY : MISS_NONE;
}

/* The JSON of the first fence marked json that holds nothing else, into out. */
static bool
fenced_json(struct span text, struct buf *out)
{
	struct buf body = BUF_INIT;
	struct json_fault fault;
	struct fence f;
	bool found = false;

	while (!found && fence_next(&text, &f)) {
		if (!f.closed || !fence_is(&f, SPAN("json")))
			continue;
		buf_clear(&body);
		fence_text(&f, &body);
		found = json_check(buf_span(&body), &fault) == 0;
	}
	if (found)
		json_compact(out, buf_span(&body));
	buf_release(&body);
	return found;
}

/*
 * The first object or array in prose.  Each bracket is tried; brackets that
 * never close could make that quadratic, so that the work is bounded.
 */
static enum miss
json_in_prose(struct span text, struct buf *out)
{
	uint64_t budget = (uint64_t)text.n * 32 + 65536;
	struct json_fault fault;
	size_t used;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '{' && text.p[i] != '[')
			continue;
		if (json_check_next(skip(text, i), &used, &fault) == 0) {
			json_compact(out, span_of(text.p + i, used));
			return MISS_NONE;
		}
		if (budget < fault.at + 1)
			return MISS_JSON_BUDGET;
		budget -= fault.at + 1;
	}
	return MISS_JSON;
}

enum miss
find_json(struct span text, struct buf *out)
{
	struct json_fault fault;

	if (json_check(text, &fault) == 0) {
		json_compact(out, text);
		return MISS_NONE;
	}
	if (fenced_json(text, out))
		return MISS_NONE;
	return json_in_prose(text, out);
}

/* A list given as JSON: an array of strings and nothing else. */
static bool
json_list(struct span text, struct buf *out)
{
	struct json_fault fault;
	struct json_member m;
	struct json_iter it;
	size_t from = out->len;
	struct span value;
	bool strings;

	if (json_check(text, &fault) == 0)
		json_compact(out, text);
	else if (!fenced_json(text, out))
		return false;
	value = span_of(out->data + from, out->len - from);
	it = json_iter(value);
	strings = json_type(value) == JSON_ARRAY;
	while (strings && json_next(&it, &m))
		strings = json_type(m.value) == JSON_STRING;
	if (!strings)
		out->len = from;
	return strings;
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
find_list(struct span text, struct buf *out)
{
	struct buf item = BUF_INIT;
	size_t from = out->len, used;
	bool in_item = false;
	struct fence f;

	if (json_list(text, out))
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
