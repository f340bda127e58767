#include "json/columns.h"

#include "base/mem.h"

#include <stdlib.h>

static void
add(struct columns *c, struct span name, struct path *path)
{
	c->v = mem_resize(c->v, c->n + 1, sizeof(*c->v));
	c->v[c->n].name = span_of(mem_strndup(name.p, name.n), name.n);
	c->v[c->n].path = path;
	c->n++;
}

void
columns_add(struct columns *c, struct span name)
{
	add(c, name, NULL);
}

size_t
columns_find(const struct columns *c, struct span name)
{
	size_t i = 0;

	while (i < c->n && !span_eq(c->v[i].name, name))
		i++;
	return i;
}

/* Offset of the next `what` that stands in no quotes and no brackets, or s.n. */
static size_t
find_outside(struct span s, char what)
{
	bool quoted = false;
	size_t i, depth = 0;

	for (i = 0; i < s.n; i++) {
		if (quoted && s.p[i] == '\\' && i + 1 < s.n)
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted && depth > 0;
		else if (quoted)
			continue;
		else if (s.p[i] == '[')
			depth++;
		else if (s.p[i] == ']' && depth > 0)
			depth--;
		else if (s.p[i] == what && depth == 0)
			break;
	}
	return i;
}

/* "path" or "name=path". */
static int
parse_one(struct columns *c, struct span item, struct err *e)
{
	size_t eq = find_outside(item, '=');
	struct span name = SPAN_NONE, text = item;
	struct path *path;

	if (eq < item.n) {
		name = span_of(item.p, eq);
		text = span_of(item.p + eq + 1, item.n - eq - 1);
		if (name.n == 0)
			return err_set(e, "no name before '='");
	}
	path = path_parse(text, e);
	if (path == NULL)
		return -1;
	if (name.p == NULL)
		name = path_name(path).p != NULL ? path_name(path) : text;
	if (columns_find(c, name) < c->n) {
		err_set(e, "'%.*s' comes twice", (int)name.n, name.p);
		path_free(path);
		return -1;
	}
	add(c, name, path);
	return 0;
}

int
columns_parse(struct columns *c, struct span text, struct err *e)
{
	size_t n;

	c->given = true;
	for (;;) {
		n = find_outside(text, ',');
		if (n == 0)
			return err_set(e, "an empty field name");
		if (parse_one(c, span_of(text.p, n), e) < 0)
			return -1;
		if (n == text.n)
			return 0;
		text.p += n + 1;
		text.n -= n + 1;
	}
}

int
columns_from_entry(struct columns *c, const struct entry *en, struct err *e)
{
	struct buf name = BUF_INIT;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < en->n; i++) {
		buf_clear(&name);
		if (json_unescape(&name, en->members[i].key) > 0)
			r = err_set(e, "a field's name holds half of a surrogate "
				       "pair, which is no character");
		else if (columns_find(c, buf_span(&name)) == c->n)
			columns_add(c, buf_span(&name));
	}
	if (r < 0)
		columns_cut(c, 0);
	buf_release(&name);
	return r;
}

struct span
column_get(const struct column *c, const struct entry *en)
{
	return c->path == NULL ? entry_getn(en, c->name)
			       : path_find_entry(c->path, en);
}

void
columns_cut(struct columns *c, size_t n)
{
	while (c->n > n) {
		c->n--;
		free((char *)c->v[c->n].name.p);
		path_free(c->v[c->n].path);
	}
}

void
columns_release(struct columns *c)
{
	columns_cut(c, 0);
	free(c->v);
}
