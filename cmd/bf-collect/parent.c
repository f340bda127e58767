/*
 * An entry of its children: the first of them, with what was gathered of all in
 * its place, less the fields in which they differ.
 */
#include "base/mem.h"
#include "collect.h"

#include <stdlib.h>

bool
maker_takes(const struct maker *m, const struct entry *en, struct err *e)
{
	struct span text;

	for (size_t i = 0; i < m->columns.n; i++)
		if (column_get(&m->columns.v[i], en).p == NULL) {
			text = path_text(m->columns.v[i].path);
			err_set(e, "no field '%.*s'", (int)text.n, text.p);
			return false;
		}
	return true;
}

/* ---- values ---- */

/* Appends a value to those of children before it. */
static void
gather(const struct maker *m, struct buf *out, struct span value, bool first)
{
	struct buf compact = BUF_INIT;

	if (m->join.p == NULL) {
		if (!first)
			buf_addc(out, ',');
		buf_addspan(out, value);
		return;
	}
	if (!first)
		buf_addspan(out, m->join);
	if (json_type(value) == JSON_STRING) {
		buf_add(out, value.p + 1, value.n - 2);
		return;
	}
	json_compact(&compact, value);
	json_escape(out, buf_span(&compact));
	buf_release(&compact);
}

static int
gather_all(struct maker *m, const struct entry *en, bool first, struct err *e)
{
	for (size_t i = 0; i < m->columns.n; i++) {
		gather(m, &m->values[i], column_get(&m->columns.v[i], en), first);
		if (m->values[i].len > m->max)
			return err_set(e,
			    "'%.*s' would be longer than %zu bytes (see "
			    "--max-line)",
			    (int)m->columns.v[i].name.n, m->columns.v[i].name.p,
			    m->max);
	}
	return 0;
}

/* ---- fields that differ ---- */

/* A field that stays, whatever the children have in it. */
static bool
stays(const struct maker *m, struct span name)
{
	return children_own(name) || span_eq(name, SPAN("error")) ||
	       columns_find(&m->columns, name) < m->columns.n;
}

/* Whether something of a field is gathered: nobody misses the rest. */
static bool
is_used(const struct maker *m, struct span name)
{
	for (size_t i = 0; i < m->columns.n; i++)
		if (span_eq(path_top(m->columns.v[i].path), name))
			return true;
	return false;
}

static struct span
name_of(struct maker *m, struct span key)
{
	buf_clear(&m->scratch);
	json_unescape(&m->scratch, key);
	return buf_span(&m->scratch);
}

/* Members of base that the other child does not have as they are. */
static void
mark_different(struct maker *m)
{
	const struct entry *a = &m->base, *b = &m->other;
	struct span value;

	for (size_t i = 0; i < a->n; i++) {
		if (i < b->n && span_eq(a->members[i].key, b->members[i].key))
			value = b->members[i].value;
		else
			value = entry_getn(b, name_of(m, a->members[i].key));
		if (value.p == NULL || !span_eq(a->members[i].value, value))
			m->differs[i] = true;
	}
}

static void
tell_left_out(struct maker *m, struct span name)
{
	if (is_used(m, name))
		return;
	for (size_t i = 0; i < m->nleft_out; i++)
		if (span_eq(m->left_out[i], name))
			return;
	m->left_out = mem_resize(
	    m->left_out, m->nleft_out + 1, sizeof(*m->left_out));
	m->left_out[m->nleft_out++] = span_of(mem_strndup(name.p, name.n), name.n);
}

/* Members of the other child that base has not. */
static void
tell_more(struct maker *m)
{
	const struct entry *a = &m->base, *b = &m->other;
	struct span name;

	for (size_t i = 0; i < b->n; i++) {
		if (i < a->n && span_eq(a->members[i].key, b->members[i].key))
			continue;
		name = name_of(m, b->members[i].key);
		if (entry_getn(a, name).p == NULL && !stays(m, name))
			tell_left_out(m, name);
	}
}

static void
leave_out(struct maker *m)
{
	struct span name;

	buf_clear(&m->names);
	for (size_t i = 0; i < m->base.n; i++) {
		if (!m->differs[i])
			continue;
		name = entry_name(&m->base, i, &m->names);
		if (stays(m, name))
			continue;
		entry_deln(&m->base, name);
		tell_left_out(m, name);
	}
}

/* ---- the parent ---- */

static void
begin(struct maker *m, struct span line)
{
	struct json_fault f;

	entry_parse(&m->base, line, &f); /* which has been checked */
	m->differs = mem_resize(m->differs, m->base.n, sizeof(*m->differs));
	memset(m->differs, 0, m->base.n * sizeof(*m->differs));
	if (m->values == NULL)
		m->values = mem_zero(m->columns.n, sizeof(*m->values));
	for (size_t i = 0; i < m->columns.n; i++) {
		buf_clear(&m->values[i]);
		buf_addc(&m->values[i], m->join.p == NULL ? '[' : '"');
	}
}

static void
end(struct maker *m)
{
	struct column *c;
	struct span name;

	for (size_t i = 0; i < m->columns.n; i++) {
		c = &m->columns.v[i];
		name = path_name(c->path);
		buf_addc(&m->values[i], m->join.p == NULL ? ']' : '"');
		entry_setn(&m->base, c->name, buf_span(&m->values[i]));
		if (name.p != NULL &&
		    columns_find(&m->columns, name) == m->columns.n)
			entry_deln(&m->base, name);
	}
	leave_out(m);
	entry_del(&m->base, "error");
}

int
maker_make(struct maker *m, const struct line *lines, size_t n, struct span missing,
    struct err *e)
{
	struct json_fault f;
	struct child c;

	begin(m, lines[0].text);
	if (gather_all(m, &m->base, true, e) < 0)
		return -1;
	for (size_t i = 1; i < n; i++) {
		entry_parse(&m->other, lines[i].text, &f);
		if (gather_all(m, &m->other, false, e) < 0)
			return -1;
		mark_different(m);
		tell_more(m);
	}
	end(m);
	if (child_read(&c, &m->base, e) < 0)
		return -1; /* cannot be: it was one when it came */
	child_restore(&c, &m->base);
	if (missing.p != NULL)
		entry_set(&m->base, "missing", missing);
	return 0;
}

void
maker_release(struct maker *m)
{
	for (size_t i = 0; m->values != NULL && i < m->columns.n; i++)
		buf_release(&m->values[i]);
	for (size_t i = 0; i < m->nleft_out; i++)
		free((char *)m->left_out[i].p);
	columns_release(&m->columns);
	entry_release(&m->base);
	entry_release(&m->other);
	free(m->values);
	free(m->differs);
	free(m->left_out);
	buf_release(&m->names);
	buf_release(&m->scratch);
}
