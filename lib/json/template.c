/*
 * template: see template.h.
 *
 * A template is a row of parts.  Literals and defaults are escaped once, when
 * the template is parsed; rendering is copying.
 */
#include "json/template.h"

#include "base/mem.h"
#include "io/utf8.h"

#include <stdlib.h>

struct part {
	struct path *path; /* NULL: a literal */
	struct buf text;   /* escaped: the literal, or the field's default */
	bool has_default;
};

struct template
{
	struct part *parts;
	size_t n;
};

static struct part *
part_add(struct template *t, struct path *path)
{
	struct part *p;

	t->parts = mem_resize(t->parts, t->n + 1, sizeof(*t->parts));
	p = &t->parts[t->n++];
	*p = (struct part){.path = path, .text = BUF_INIT};
	return p;
}

/* Neighbouring literals become one part. */
static void
literal_add(struct template *t, struct span text)
{
	struct part *last = t->n == 0 ? NULL : &t->parts[t->n - 1];

	if (text.n == 0)
		return;
	if (last == NULL || last->path != NULL)
		last = part_add(t, NULL);
	json_escape(&last->text, text);
}

/* "column 7", or "line 2, column 7" when there is more than one; in characters. */
static int
fault_at(struct err *e, struct span text, size_t at)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at; i++) {
		if (text.p[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)text.p[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	if (memchr(text.p, '\n', text.n) == NULL)
		return err_prefix(e, "column %zu", column);
	return err_prefix(e, "line %zu, column %zu", line, column);
}

/* Where the path in s ends: at "}", at ":-", or at a brace that is wrong there. */
static size_t
path_length(struct span s)
{
	bool quoted = false, pointer = s.n > 0 && s.p[0] == '/';
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"' && !pointer)
			quoted = !quoted && i > 0 && s.p[i - 1] == '[';
		else if (!quoted && (s.p[i] == '}' || s.p[i] == '{'))
			return i;
		else if (!quoted && s.p[i] == ':' && i + 1 < s.n &&
			 s.p[i + 1] == '-')
			return i;
	}
	return s.n;
}

static int
field_text_error(struct err *e)
{
	return err_set(e, "\"{\" without \"}\" (a brace is written \"{{\")");
}

/* The field at the head of s, behind its "{"; *used counts up to its "}". */
static int
field_parse(struct template *t, struct span s, size_t *used, struct err *e)
{
	size_t n = path_length(s), end;
	struct path *path;
	struct part *p;

	if (n >= s.n || s.p[n] == '{')
		return field_text_error(e);
	end = n;
	if (s.p[n] == ':')
		for (end = n + 2; end < s.n && s.p[end] != '}'; end++)
			if (s.p[end] == '{')
				return err_set(e, "\"{\" in a field's default");
	if (end >= s.n)
		return field_text_error(e);
	path = path_parse(span_of(s.p, n), e);
	if (path == NULL)
		return err_prefix(e, "{%.*s} (a brace is written \"{{\")",
		    (int)(n < 80 ? n : 80), s.p);
	p = part_add(t, path);
	if (s.p[n] == ':') {
		p->has_default = true;
		json_escape(&p->text, span_of(s.p + n + 2, end - n - 2));
	}
	*used = end + 1;
	return 0;
}

static int
parts_parse(struct template *t, struct span s, struct err *e)
{
	size_t i = 0, start = 0, used = 0;

	while (i < s.n) {
		if (s.p[i] != '{' && s.p[i] != '}') {
			i++;
			continue;
		}
		if (i + 1 < s.n && s.p[i + 1] == s.p[i]) {
			literal_add(t, span_of(s.p + start, i + 1 - start));
			i += 2;
		} else if (s.p[i] == '}') {
			err_set(
			    e, "\"}\" without \"{\" (a brace is written \"}}\")");
			return fault_at(e, s, i);
		} else {
			literal_add(t, span_of(s.p + start, i - start));
			if (field_parse(
				t, span_of(s.p + i + 1, s.n - i - 1), &used, e) < 0)
				return fault_at(e, s, i);
			i += 1 + used;
		}
		start = i;
	}
	literal_add(t, span_of(s.p + start, s.n - start));
	return 0;
}

struct template *
template_parse(struct span text, struct err *e)
{
	struct template *t = mem_zero(1, sizeof(*t));
	size_t valid = utf8_valid(text);
	int r;

	if (valid != text.n) {
		err_set(e, "not UTF-8");
		r = fault_at(e, text, valid);
	} else {
		r = parts_parse(t, text, e);
	}
	if (r == 0)
		return t;
	template_free(t);
	return NULL;
}

void
template_free(struct template *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++) {
		path_free(t->parts[i].path);
		buf_release(&t->parts[i].text);
	}
	free(t->parts);
	free(t);
}

bool
template_is_constant(const struct template *t)
{
	return t->n == 0 || (t->n == 1 && t->parts[0].path == NULL);
}

/*
 * Escapes the JSON that stands behind from.  Checked and compact JSON holds no
 * control character, so that only quotes and backslashes grow, and the bytes
 * can be moved apart where they stand.
 */
static void
escape_in_place(struct buf *out, size_t from)
{
	size_t grow = 0, r, w;

	for (size_t i = from; i < out->len; i++)
		grow += out->data[i] == '"' || out->data[i] == '\\';
	if (grow == 0)
		return;
	buf_room(out, grow);
	r = out->len;
	w = out->len += grow;
	while (w > r) {
		char c = out->data[--r];

		out->data[--w] = c;
		if (c == '"' || c == '\\')
			out->data[--w] = '\\';
	}
}

static void
value_render(struct span v, struct buf *out)
{
	size_t from = out->len;

	switch (json_type(v)) {
	case JSON_STRING:
		buf_add(out, v.p + 1, v.n - 2);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		json_compact(out, v);
		escape_in_place(out, from);
		break;
	default:
		buf_addspan(out, v);
		break;
	}
}

/* A field's value or its default, or a literal. */
static int
part_render(
    const struct part *p, const struct entry *en, struct buf *out, struct err *e)
{
	struct span v = SPAN_NONE, text;

	if (p->path != NULL)
		v = path_find_entry(p->path, en);
	if (v.p != NULL)
		value_render(v, out);
	else if (p->path == NULL || p->has_default)
		buf_addspan(out, buf_span(&p->text));
	else {
		text = path_text(p->path);
		return err_set(e, "no field \"%.*s\"",
		    (int)(text.n < 300 ? text.n : 300), text.p);
	}
	return 0;
}

int
template_render(const struct template *t, const struct entry *en, struct buf *out,
    struct err *e)
{
	for (size_t i = 0; i < t->n; i++)
		if (part_render(&t->parts[i], en, out, e) != 0)
			return -1;
	return 0;
}

int
template_render_by(const struct template *t, const struct entry *en,
    template_put *put, void *arg, struct buf *out, struct err *e)
{
	struct buf value = BUF_INIT;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		if (t->parts[i].path == NULL) {
			rc = part_render(&t->parts[i], en, out, e);
			continue;
		}
		buf_clear(&value);
		rc = part_render(&t->parts[i], en, &value, e);
		if (rc == 0)
			rc = put(arg, out, buf_span(&value), i == 0, e);
	}
	buf_release(&value);
	return rc;
}
