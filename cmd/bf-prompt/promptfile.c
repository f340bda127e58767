#include "promptfile.h"

#include "base/mem.h"
#include "io/utf8.h"
#include "json/json.h"

#include <stdlib.h>

/* ---- lines ---- */

struct lines {
	struct span rest;
	struct span line; /* without its end */
	size_t number;
};

static bool
is_blank(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ' ' && s.p[i] != '\t')
			return false;
	return true;
}

static struct span
trim(struct span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_of(s.p + 1, s.n - 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static bool
next_line(struct lines *l)
{
	const char *nl;
	size_t n;

	if (l->rest.n == 0)
		return false;
	nl = memchr(l->rest.p, '\n', l->rest.n);
	n = nl == NULL ? l->rest.n : (size_t)(nl - l->rest.p);
	l->line = span_of(l->rest.p, n);
	if (n > 0 && l->line.p[n - 1] == '\r')
		l->line.n--;
	n += nl != NULL;
	l->rest = span_of(l->rest.p + n, l->rest.n - n);
	l->number++;
	return true;
}

/* The next line that is indented by two spaces, less these, or is blank. */
static bool
next_indented(struct lines *l)
{
	struct lines next = *l;

	if (!next_line(&next))
		return false;
	if (is_blank(next.line))
		next.line.n = 0;
	else if (span_starts(next.line, SPAN("  ")))
		next.line = span_of(next.line.p + 2, next.line.n - 2);
	else
		return false;
	*l = next;
	return true;
}

/* ---- values ---- */

/* Where a value says by its beginning that it is JSON, it must be. */
static int
check_json(struct span value, const char *beginnings, struct err *e)
{
	struct json_fault fault;

	if (strchr(beginnings, value.p[0]) != NULL && value.p[0] != '\0')
		return json_check(value, &fault) == 0
			   ? 1
			   : err_set(e, "no JSON: %s", fault.what);
	if (value.n > 1 && value.p[0] == '\'' && value.p[value.n - 1] == '\'')
		return err_set(e, "quotes are written \"\", as in JSON");
	return 0;
}

static int
read_text(struct buf *out, struct span value, struct err *e)
{
	int rc = check_json(value, "\"", e);

	if (rc == 1)
		json_unescape(out, span_of(value.p + 1, value.n - 2));
	else if (rc == 0)
		buf_addspan(out, value);
	return rc < 0 ? -1 : 0;
}

/* The lines of a block, less the last ends of line. */
static void
read_block(struct buf *out, struct lines *l)
{
	size_t end = 0;

	while (next_indented(l)) {
		buf_addspan(out, l->line);
		if (l->line.n > 0)
			end = out->len;
		buf_addc(out, '\n');
	}
	out->len = end;
}

static int
read_schema(struct buf *out, struct span value, struct err *e)
{
	int rc = check_json(value, "{", e);

	if (rc == 1)
		json_compact(out, value);
	return rc == 0 ? read_text(out, value, e) : rc == 1 ? 0 : -1;
}

static int
read_param(struct buf *out, struct span value, struct err *e)
{
	struct json_fault fault;

	if (check_json(value, "\"{[", e) < 0)
		return -1;
	if (json_check(value, &fault) == 0)
		json_compact(out, value);
	else
		json_add_string(out, value);
	return 0;
}

/* ---- keys ---- */

/* A line's parts. */
static int
split(struct span line, struct span *key, struct span *value, struct err *e)
{
	const char *colon = memchr(line.p, ':', line.n);
	size_t n = colon == NULL ? 0 : (size_t)(colon - line.p);

	*key = trim(span_of(line.p, n));
	if (key->n == 0)
		return err_set(e, "no KEY: VALUE");
	*value = trim(span_of(colon + 1, line.n - n - 1));
	return 0;
}

static int
fail_of(struct span key, const char *why, struct err *e)
{
	return err_set(
	    e, "\"%.*s\" %s", (int)(key.n < 80 ? key.n : 80), key.p, why);
}

static int
add_param(struct promptfile *f, struct span key, struct span value, struct err *e)
{
	struct promptfile_param *p;

	if (span_eq(key, SPAN("model")) || span_eq(key, SPAN("messages")))
		return fail_of(key, "is no parameter", e);
	for (size_t i = 0; i < f->nparams; i++)
		if (span_eq(buf_span(&f->params[i].key), key))
			return fail_of(key, "is given twice", e);
	if (value.n == 0)
		return fail_of(key, "is empty", e);
	f->params = mem_resize(f->params, f->nparams + 1, sizeof(*f->params));
	p = &f->params[f->nparams++];
	*p = (struct promptfile_param){BUF_INIT, BUF_INIT};
	buf_addspan(&p->key, key);
	return read_param(&p->value, value, e);
}

static int
read_params(struct promptfile *f, struct lines *l, struct err *e)
{
	struct span key, value;

	while (next_indented(l)) {
		if (l->line.n == 0 || l->line.p[0] == '#')
			continue;
		if (l->line.p[0] == ' ' || l->line.p[0] == '\t')
			return err_set(e, "indented by more than two spaces");
		if (split(l->line, &key, &value, e) < 0 ||
		    add_param(f, key, value, e) < 0)
			return -1;
	}
	return f->nparams > 0 ? 0 : err_set(e, "\"parameters\" is empty");
}

static struct buf *
text_of(struct promptfile *f, struct span key)
{
	if (span_eq(key, SPAN("description")))
		return &f->description;
	if (span_eq(key, SPAN("model")))
		return &f->model;
	if (span_eq(key, SPAN("schema")))
		return &f->schema;
	return span_eq(key, SPAN("system")) ? &f->system : NULL;
}

static int
read_key(struct promptfile *f, struct lines *l, struct err *e)
{
	struct span key, value;
	struct buf *out;
	int rc = 0;

	if (l->line.p[0] == ' ' || l->line.p[0] == '\t')
		return err_set(e, "indented, and belongs to nothing");
	if (split(l->line, &key, &value, e) < 0)
		return -1;
	if (span_eq(key, SPAN("parameters"))) {
		if (f->nparams > 0)
			return fail_of(key, "is given twice", e);
		if (value.n > 0)
			return fail_of(key,
			    "is followed by lines of two spaces and KEY: VALUE", e);
		return read_params(f, l, e);
	}
	out = text_of(f, key);
	if (out == NULL)
		return fail_of(key,
		    "is unknown: description, model, schema, system, parameters",
		    e);
	if (out->len > 0)
		return fail_of(key, "is given twice", e);
	if (out == &f->system && span_eq(value, SPAN("|")))
		read_block(out, l);
	else if (value.n > 0)
		rc = out == &f->schema ? read_schema(out, value, e)
				       : read_text(out, value, e);
	if (rc == 0 && out->len == 0)
		return fail_of(key, "is empty", e);
	return rc;
}

/* ---- the file ---- */

static bool
is_rule(struct span line)
{
	return span_starts(line, SPAN("---")) &&
	       is_blank(span_of(line.p + 3, line.n - 3));
}

/* Up to the second rule.  -1 and e, which is about the line at l. */
static int
read_front(struct promptfile *f, struct lines *l, struct err *e)
{
	while (next_line(l)) {
		if (is_rule(l->line))
			return 0;
		if (is_blank(l->line) || l->line.p[0] == '#')
			continue;
		if (read_key(f, l, e) < 0)
			return -1;
	}
	return err_set(e, "the first line, ---, has no second one");
}

static int
check_format(const struct promptfile *f, struct err *e)
{
	for (size_t i = 0; f->schema.len > 0 && i < f->nparams; i++)
		if (span_eq(buf_span(&f->params[i].key), SPAN("response_format")))
			return err_set(
			    e, "either \"schema\" or a \"response_format\"");
	return 0;
}

static void
take_template(struct promptfile *f, struct lines *l)
{
	struct lines next = *l;
	struct span t;

	while (next_line(&next) && is_blank(next.line))
		*l = next;
	f->line = l->number + 1;
	t = l->rest;
	if (t.n > 0 && t.p[t.n - 1] == '\n')
		t.n -= t.n > 1 && t.p[t.n - 2] == '\r' ? 2 : 1;
	f->template = t;
}

static size_t
line_at(struct span text, size_t at)
{
	size_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += text.p[i] == '\n';
	return line;
}

int
promptfile_parse(
    struct promptfile *f, const char *name, struct span text, struct err *e)
{
	size_t valid = utf8_valid(text);
	struct lines l = {.rest = text}, first;

	if (valid < text.n) {
		err_set(e, "not UTF-8");
		return err_prefix(e, "%s:%zu", name, line_at(text, valid));
	}
	if (span_starts(text, SPAN("\xef\xbb\xbf")))
		l.rest = span_of(text.p + 3, text.n - 3);
	first = l;
	if (next_line(&first) && is_rule(first.line)) {
		l = first;
		if (read_front(f, &l, e) < 0 || check_format(f, e) < 0)
			return err_prefix(e, "%s:%zu", name, l.number);
	}
	take_template(f, &l);
	return 0;
}

void
promptfile_release(struct promptfile *f)
{
	buf_release(&f->description);
	buf_release(&f->model);
	buf_release(&f->system);
	buf_release(&f->schema);
	for (size_t i = 0; i < f->nparams; i++) {
		buf_release(&f->params[i].key);
		buf_release(&f->params[i].value);
	}
	free(f->params);
	*f = PROMPTFILE_INIT;
}
