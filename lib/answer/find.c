/*
 * find: tags, code, JSON and what an expression matches in an answer.
 */
#include "answer/find.h"

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
next_tag(struct search *s, struct buf *out)
{
	const char *begin, *end, *behind;
	struct span found;

	if (s->rest.n == 0 || tag_find(s->rest, SPAN("<"), s->name, &begin) == NULL)
		return MISS_TAG;
	s->rest = skip(s->rest, (size_t)(begin - s->rest.p));
	end = tag_find(s->rest, SPAN("</"), s->name, &behind);
	if (end == NULL)
		return MISS_TAG_OPEN;
	s->rest = skip(s->rest, (size_t)(behind - s->rest.p));
	found = text_trim(span_of(begin, (size_t)(end - begin)));
	if (found.n == 0)
		return MISS_EMPTY;
	json_add_string(out, found);
	return MISS_NONE;
}

enum miss
next_code(struct search *s, struct buf *out)
{
	struct fence f;

	while (fence_next(&s->rest, &f)) {
		if (s->name.p != NULL && !fence_is(&f, s->name))
			continue;
		if (!f.closed)
			return MISS_CODE_OPEN;
		buf_clear(&s->body);
		fence_text(&f, &s->body);
		if (text_trim(buf_span(&s->body)).n == 0)
			return MISS_EMPTY;
		json_add_string(out, buf_span(&s->body));
		return MISS_NONE;
	}
	return MISS_CODE;
}

/* ---- expressions ---- */

/* The groups that have names, as an object. */
static enum miss
add_groups(const struct search *s, struct buf *out)
{
	enum miss miss = MISS_REGEX_GROUP;
	const char *name;
	struct span text;
	size_t n = 0;

	buf_addc(out, '{');
	for (unsigned i = 1; i <= regex_groups(s->regex); i++) {
		name = regex_name(s->regex, i);
		text = regex_group(s->regex, s->text, i);
		if (name == NULL || text.p == NULL)
			continue;
		if (n++ > 0)
			buf_addc(out, ',');
		json_add_string(out, span_str(name));
		buf_addc(out, ':');
		json_add_string(out, text);
		if (text.n > 0)
			miss = MISS_NONE;
		else if (miss != MISS_NONE)
			miss = MISS_EMPTY;
	}
	buf_addc(out, '}');
	return miss;
}

static enum miss
add_match(const struct search *s, struct buf *out)
{
	struct span found;

	if (s->named)
		return add_groups(s, out);
	found = regex_group(s->regex, s->text, regex_groups(s->regex) > 0 ? 1 : 0);
	if (found.p == NULL)
		return MISS_REGEX_GROUP;
	if (found.n == 0)
		return MISS_EMPTY;
	json_add_string(out, found);
	return MISS_NONE;
}

bool
regex_has_names(const struct regex *r)
{
	for (unsigned i = 1; i <= regex_groups(r); i++)
		if (regex_name(r, i) != NULL)
			return true;
	return false;
}

/* Behind the match, and at least a character on. */
static void
move_on(struct search *s)
{
	struct span all = regex_group(s->regex, s->text, 0);
	size_t end = (size_t)(all.p + all.n - s->text.p);

	if (end <= s->at) {
		end = s->at + 1;
		while (end < s->text.n && (s->text.p[end] & 0xc0) == 0x80)
			end++;
	}
	s->at = end;
}

enum miss
next_regex(struct search *s, struct buf *out)
{
	size_t from = out->len;
	enum miss miss;
	struct err e;
	int rc;

	do {
		if (s->at > s->text.n)
			return MISS_REGEX;
		rc = regex_find_from(s->regex, s->text, s->at, &e);
		if (rc <= 0)
			return rc == 0 ? MISS_REGEX : MISS_REGEX_LIMIT;
		out->len = from;
		miss = add_match(s, out);
		move_on(s);
	} while (miss != MISS_NONE && s->which != WHICH_FIRST);
	return miss;
}

/* ---- JSON ---- */

/* The JSON of the next fence marked json that holds nothing else. */
static bool
fenced_json(struct search *s, struct buf *out)
{
	struct json_fault fault;
	struct fence f;

	while (fence_next(&s->rest, &f)) {
		if (!f.closed || !fence_is(&f, SPAN("json")))
			continue;
		buf_clear(&s->body);
		fence_text(&f, &s->body);
		if (json_check(buf_span(&s->body), &fault) == 0) {
			json_compact(out, buf_span(&s->body));
			return true;
		}
	}
	return false;
}

static bool
has_brackets(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (strchr("{}[]", s.p[i]) != NULL && s.p[i] != '\0')
			return true;
	return false;
}

/*
 * The next object or array in prose.  Each bracket is tried; brackets that
 * never close could make that quadratic, so that the work is bounded.
 */
static enum miss
json_in_prose(struct search *s, struct buf *out)
{
	struct json_fault fault;
	size_t used;

	for (; s->rest.n > 0; s->rest = skip(s->rest, 1)) {
		if (*s->rest.p != '{' && *s->rest.p != '[')
			continue;
		if (json_check_next(s->rest, &used, &fault) == 0) {
			json_compact(out, span_of(s->rest.p, used));
			s->rest = skip(s->rest, used);
			return s->alone && has_brackets(s->rest) ? MISS_JSON_MORE
								 : MISS_NONE;
		}
		if (s->budget < fault.at + 1)
			return MISS_JSON_BUDGET;
		s->budget -= fault.at + 1;
	}
	return MISS_JSON;
}

bool
given_json(struct search *s, struct buf *out)
{
	struct json_fault fault;

	if (s->where == JSON_UNKNOWN && json_check(s->text, &fault) == 0) {
		json_compact(out, s->text);
		s->where = JSON_IN_PROSE;
		s->rest.n = 0;
		return true;
	}
	if (s->where == JSON_IN_PROSE || !fenced_json(s, out))
		return false;
	s->where = JSON_IN_FENCES;
	return true;
}

enum miss
next_json(struct search *s, struct buf *out)
{
	if (given_json(s, out))
		return MISS_NONE;
	if (s->where == JSON_IN_FENCES)
		return MISS_JSON;
	if (s->where == JSON_UNKNOWN) {
		s->where = JSON_IN_PROSE;
		s->rest = s->text;
		s->budget = (uint64_t)s->text.n * 32 + 65536;
	}
	return json_in_prose(s, out);
}

/* The arguments of the next call of a tool, of that name. */
enum miss
next_call(struct search *s, struct buf *out)
{
	struct json_fault fault;
	struct json_member m;
	struct span function, value, text;

	while (json_next(&s->calls, &m)) {
		function = json_get(m.value, "function");
		value = json_get(function, "name");
		if (s->name.p != NULL &&
		    (value.p == NULL || !json_text(value, &s->body, &text) ||
			!span_eq(text, s->name)))
			continue;
		value = json_get(function, "arguments");
		if (value.p == NULL || !json_text(value, &s->body, &text) ||
		    json_check(text, &fault) < 0)
			return MISS_ARGUMENTS;
		json_compact(out, text);
		return MISS_NONE;
	}
	return MISS_CALL;
}

/* ---- which of them ---- */

static bool
is_end(enum miss miss)
{
	return miss == MISS_TAG || miss == MISS_CODE || miss == MISS_REGEX ||
	       miss == MISS_JSON || miss == MISS_CALL;
}

static enum miss
find_last(struct search *s, search_next *next, struct buf *out)
{
	size_t from = out->len, mark = from;
	enum miss miss = next(s, out);

	if (miss != MISS_NONE)
		return miss;
	do {
		/* The one before it goes. */
		memmove(out->data + from, out->data + mark, out->len - mark);
		mark = out->len -= mark - from;
		miss = next(s, out);
	} while (miss == MISS_NONE);
	out->len = mark;
	return is_end(miss) ? MISS_NONE : miss;
}

static enum miss
find_all(struct search *s, search_next *next, struct buf *out)
{
	enum miss miss;
	size_t mark, n;

	buf_addc(out, '[');
	for (n = 0;; n++) {
		mark = out->len;
		if (n > 0)
			buf_addc(out, ',');
		miss = next(s, out);
		if (miss != MISS_NONE)
			break;
	}
	out->len = mark;
	buf_addc(out, ']');
	return n > 0 && is_end(miss) ? MISS_NONE : miss;
}

void
search_begin(struct search *s, struct span text)
{
	s->text = s->rest = text;
	s->at = 0;
	s->where = JSON_UNKNOWN;
}

enum miss
search_run(struct search *s, search_next *next, struct buf *out)
{
	switch (s->which) {
	case WHICH_LAST:
		return find_last(s, next, out);
	case WHICH_ALL:
		return find_all(s, next, out);
	case WHICH_FIRST:
		break;
	}
	return next(s, out);
}
