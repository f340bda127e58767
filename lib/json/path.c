/*
 * path: see path.h.
 *
 * A path is a row of steps.  A dotted path knows from its spelling whether a
 * step is a name or an index; a token of a JSON Pointer is decided by the
 * value it meets, as RFC 6901 section 4 has it.
 */
#include "json/path.h"

#include "base/mem.h"
#include "io/utf8.h"

#include <stdlib.h>

enum step_kind {
	STEP_NAME,  /* of an object's member */
	STEP_INDEX, /* of an array's element */
	STEP_TOKEN, /* of a JSON Pointer: either */
};

struct step {
	enum step_kind kind;
	struct buf name;
	size_t index;
	bool is_index; /* the token is spelled as an index */
};

struct path {
	struct buf text;
	struct step *steps;
	size_t n;
};

static struct step *
path_step_add(struct path *p, enum step_kind kind)
{
	struct step *s;

	p->steps = mem_resize(p->steps, p->n + 1, sizeof(*p->steps));
	s = &p->steps[p->n++];
	*s = (struct step){.kind = kind, .name = BUF_INIT};
	return s;
}

/* RFC 6901: 0, or digits that do not begin with 0. */
static bool
index_parse(struct span s, size_t *index)
{
	size_t v = 0, digit;

	if (s.n == 0 || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		digit = (size_t)(s.p[i] - '0');
		if (v > (SIZE_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*index = v;
	return true;
}

static int
token_parse(struct path *p, struct span token, struct err *e)
{
	struct step *s = path_step_add(p, STEP_TOKEN);

	for (size_t i = 0; i < token.n; i++) {
		if (token.p[i] != '~') {
			buf_addc(&s->name, token.p[i]);
			continue;
		}
		if (++i == token.n || (token.p[i] != '0' && token.p[i] != '1'))
			return err_set(
			    e, "in a JSON Pointer \"~\" is written \"~0\"");
		buf_addc(&s->name, token.p[i] == '0' ? '~' : '/');
	}
	s->is_index = index_parse(token, &s->index);
	return 0;
}

static int
pointer_parse(struct path *p, struct span t, struct err *e)
{
	size_t start = 1;

	for (size_t i = 1; i <= t.n; i++) {
		if (i < t.n && t.p[i] != '/')
			continue;
		if (token_parse(p, span_of(t.p + start, i - start), e) < 0)
			return -1;
		start = i + 1;
	}
	return 0;
}

/* Bytes up to and including the string's closing quote; 0 if there is none. */
static size_t
quoted_length(struct span t)
{
	for (size_t i = 1; i < t.n; i++) {
		if (t.p[i] == '\\')
			i++;
		else if (t.p[i] == '"')
			return i + 1;
	}
	return 0;
}

/* What follows a "[": an index or a quoted name, and "]". Moves *at behind it. */
static int
bracket_parse(struct path *p, struct span t, size_t *at, struct err *e)
{
	struct span rest = span_of(t.p + *at, t.n - *at);
	struct json_fault fault;
	const char *close;
	struct step *s;
	size_t n;

	if (rest.n > 0 && rest.p[0] == '"') {
		n = quoted_length(rest);
		if (n == 0 || n == rest.n || rest.p[n] != ']')
			return err_set(e, "a quoted name ends with \"]");
		if (json_check(span_of(rest.p, n), &fault) < 0)
			return err_set(
			    e, "a quoted name is a JSON string: %s", fault.what);
		s = path_step_add(p, STEP_NAME);
		json_unescape(&s->name, span_of(rest.p + 1, n - 2));
	} else {
		close = rest.n == 0 ? NULL : memchr(rest.p, ']', rest.n);
		if (close == NULL)
			return err_set(e, "\"[\" without \"]\"");
		n = (size_t)(close - rest.p);
		s = path_step_add(p, STEP_INDEX);
		if (!index_parse(span_of(rest.p, n), &s->index))
			return err_set(
			    e, "in [] stands an index (0, 1, ...) or a \"name\"");
	}
	*at += n + 1;
	return 0;
}

static bool
name_ends(char c)
{
	return c == '.' || c == '[';
}

static int
name_parse(struct path *p, struct span t, size_t *at, struct err *e)
{
	size_t start = *at, i = *at;
	struct step *s;

	for (; i < t.n && !name_ends(t.p[i]); i++)
		if ((unsigned char)t.p[i] < 0x20 ||
		    memchr("]\"{}", t.p[i], 4) != NULL)
			return err_set(e, "a name with such a character is "
					  "written [\"name\"]");
	if (i == start)
		return err_set(e, "a name is missing");
	if (t.p[start] == ' ' || t.p[i - 1] == ' ')
		return err_set(e, "space around a name; if it is meant, "
				  "write [\" name \"]");
	s = path_step_add(p, STEP_NAME);
	buf_add(&s->name, t.p + start, i - start);
	*at = i;
	return 0;
}

static int
dotted_parse(struct path *p, struct span t, struct err *e)
{
	size_t at = 0;

	for (;;) {
		if (t.p[at] == '[') {
			at++;
			if (bracket_parse(p, t, &at, e) < 0)
				return -1;
		} else if (name_parse(p, t, &at, e) < 0) {
			return -1;
		}
		if (at == t.n)
			return 0;
		if (t.p[at] == '[')
			continue;
		if (t.p[at] != '.')
			return err_set(e, "\".\" or \"[\" must follow \"]\"");
		if (++at == t.n || t.p[at] == '[')
			return err_set(e, "a name must follow \".\"");
	}
}

struct path *
path_parse(struct span text, struct err *e)
{
	struct path *p = mem_zero(1, sizeof(*p));
	int r;

	buf_addspan(&p->text, text);
	if (text.n == 0)
		r = err_set(e, "an empty path names no field");
	else if (utf8_valid(text) != text.n)
		r = err_set(e, "a path must be UTF-8");
	else if (text.p[0] == '/')
		r = pointer_parse(p, text, e);
	else
		r = dotted_parse(p, text, e);
	if (r == 0)
		return p;
	path_free(p);
	return NULL;
}

void
path_free(struct path *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		buf_release(&p->steps[i].name);
	free(p->steps);
	buf_release(&p->text);
	free(p);
}

struct span
path_text(const struct path *p)
{
	return buf_span(&p->text);
}

struct span
path_name(const struct path *p)
{
	if (p->n != 1 || p->steps[0].kind == STEP_INDEX)
		return SPAN_NONE;
	return buf_span(&p->steps[0].name);
}

struct span
path_top(const struct path *p)
{
	if (p->n == 0 || p->steps[0].kind == STEP_INDEX)
		return SPAN_NONE;
	return buf_span(&p->steps[0].name);
}

static struct span
member_find(struct span object, struct span name)
{
	struct json_iter it = json_iter(object);
	struct span found = SPAN_NONE;
	struct json_member m;

	while (json_next(&it, &m))
		if (json_key_is(m.key, name))
			found = m.value;
	return found;
}

static struct span
step_find(const struct step *s, struct span value)
{
	switch (json_type(value)) {
	case JSON_OBJECT:
		if (s->kind != STEP_INDEX)
			return member_find(value, buf_span(&s->name));
		break;
	case JSON_ARRAY:
		if (s->kind == STEP_INDEX || s->is_index)
			return json_at(value, s->index);
		break;
	default:
		break;
	}
	return SPAN_NONE;
}

static struct span
steps_find(const struct path *p, size_t from, struct span value)
{
	for (size_t i = from; i < p->n && value.p != NULL; i++)
		value = step_find(&p->steps[i], value);
	return value;
}

struct span
path_find(const struct path *p, struct span value)
{
	return steps_find(p, 0, value);
}

struct span
path_find_entry(const struct path *p, const struct entry *en)
{
	if (p->steps[0].kind == STEP_INDEX)
		return SPAN_NONE;
	return steps_find(p, 1, entry_getn(en, buf_span(&p->steps[0].name)));
}
