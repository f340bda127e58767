/* csv (RFC 4180, lines ending in \n) and tsv (\t, \n, \r and \ escaped). */
#include "save.h"

typedef void add_cell(struct buf *out, struct span text);

static bool
needs_quotes(struct span text)
{
	char c;
	size_t i;

	for (i = 0; i < text.n; i++) {
		c = text.p[i];
		if (c == ',' || c == '"' || c == '\n' || c == '\r')
			return true;
	}
	return false;
}

static void
add_csv_cell(struct buf *out, struct span text)
{
	const char *quote;
	size_t n;

	if (!needs_quotes(text)) {
		buf_addspan(out, text);
		return;
	}
	buf_addc(out, '"');
	while ((quote = memchr(text.p, '"', text.n)) != NULL) {
		n = (size_t)(quote - text.p) + 1;
		buf_add(out, text.p, n);
		buf_addc(out, '"');
		text = span_of(text.p + n, text.n - n);
	}
	buf_addspan(out, text);
	buf_addc(out, '"');
}

static void
add_tsv_cell(struct buf *out, struct span text)
{
	size_t i;

	for (i = 0; i < text.n; i++)
		switch (text.p[i]) {
		case '\t':
			buf_adds(out, "\\t");
			break;
		case '\n':
			buf_adds(out, "\\n");
			break;
		case '\r':
			buf_adds(out, "\\r");
			break;
		case '\\':
			buf_adds(out, "\\\\");
			break;
		default:
			buf_addc(out, text.p[i]);
		}
}

static void
add_header(struct save *s, char separator, add_cell *cell)
{
	size_t i, start = s->out.len;

	for (i = 0; i < s->columns.n; i++) {
		if (i > 0)
			buf_addc(&s->out, separator);
		cell(&s->out, s->columns.v[i].name);
	}
	if (s->out.len == start && separator == ',')
		buf_adds(&s->out, "\"\"");
	buf_addc(&s->out, '\n');
}

/*
 * A field without a column would be lost.  Fields mostly come in the order of
 * the columns, so that is tried first.
 */
static int
check_fields(const struct columns *c, const struct entry *en, struct err *e)
{
	struct buf name = BUF_INIT;
	size_t i, j;

	for (i = 0; i < en->n; i++) {
		if (i < c->n && json_key_is(en->members[i].key, c->v[i].name))
			continue;
		for (j = 0; j < c->n; j++)
			if (json_key_is(en->members[i].key, c->v[j].name))
				break;
		if (j < c->n)
			continue;
		json_unescape(&name, en->members[i].key);
		err_set(e,
		    "field \"%s\" is no column; name the columns with --fields",
		    buf_cstr(&name));
		buf_release(&name);
		return -1;
	}
	return 0;
}

static int
add_row(struct save *s, char separator, add_cell *cell, struct err *e)
{
	struct columns *c = &s->columns;
	struct span value;
	size_t i, start;

	if (c->n == 0 && columns_from_entry(c, &s->en, e) < 0)
		return -1;
	if (c->n == 0)
		return err_set(e, "an entry without fields gives no columns");
	if (!c->given && check_fields(c, &s->en, e) < 0)
		return -1;
	if (s->in_file == 0 && !s->resumed)
		add_header(s, separator, cell);
	start = s->out.len;
	for (i = 0; i < c->n; i++) {
		if (i > 0)
			buf_addc(&s->out, separator);
		value = column_get(&c->v[i], &s->en);
		if (value.p != NULL)
			cell(&s->out, save_text(s, c->v[i].name, value));
	}
	/* An empty line would be no row to most readers. */
	if (s->out.len == start && separator == ',')
		buf_adds(&s->out, "\"\"");
	buf_addc(&s->out, '\n');
	return 0;
}

static int
csv_add(struct save *s, struct err *e)
{
	return add_row(s, ',', add_csv_cell, e);
}

static int
tsv_add(struct save *s, struct err *e)
{
	return add_row(s, '\t', add_tsv_cell, e);
}

/* ---- the header of a file that is appended to ---- */

/* One cell of a csv header: its end, with what follows; 0 where it has none. */
static size_t
read_csv_cell(struct span text, struct buf *name)
{
	size_t i = 0;

	if (text.n == 0 || text.p[0] != '"') {
		while (i < text.n && text.p[i] != ',' && text.p[i] != '\n')
			buf_addc(name, text.p[i++]);
		if (i < text.n && text.p[i] == '\n' && name->len > 0 &&
		    name->data[name->len - 1] == '\r')
			name->len--;
		return i;
	}
	for (i = 1; i < text.n; i++) {
		if (text.p[i] != '"')
			buf_addc(name, text.p[i]);
		else if (i + 1 < text.n && text.p[i + 1] == '"')
			buf_addc(name, text.p[i++]);
		else
			break;
	}
	i++;
	return i < text.n && text.p[i] == '\r' ? i + 1 : i;
}

static size_t
read_tsv_cell(struct span text, struct buf *name)
{
	size_t i;

	for (i = 0; i < text.n && text.p[i] != '\t' && text.p[i] != '\n'; i++) {
		if (text.p[i] != '\\' || i + 1 == text.n) {
			buf_addc(name, text.p[i]);
			continue;
		}
		i++;
		buf_addc(name, text.p[i] == 't'   ? '\t'
			       : text.p[i] == 'n' ? '\n'
			       : text.p[i] == 'r' ? '\r'
						  : text.p[i]);
	}
	return i;
}

static int
same_header(const struct columns *given, const struct columns *have, struct err *e)
{
	size_t i;

	for (i = 0; i < given->n && i < have->n; i++)
		if (!span_eq(given->v[i].name, have->v[i].name))
			return err_set(e,
			    "cannot append: its column %zu is \"%.*s\", not "
			    "\"%.*s\"",
			    i + 1, (int)have->v[i].name.n, have->v[i].name.p,
			    (int)given->v[i].name.n, given->v[i].name.p);
	if (given->n != have->n)
		return err_set(e, "cannot append: it has %zu columns, not %zu",
		    have->n, given->n);
	return 0;
}

/* The columns are those that the file has; --fields must agree with them. */
static int
resume(struct save *s, struct span text, char separator,
    size_t (*read_cell)(struct span, struct buf *), struct err *e)
{
	struct columns have = {0};
	struct buf name = BUF_INIT;
	size_t n;
	int r = 0;

	if (span_starts(text, SPAN("\xef\xbb\xbf")))
		text = span_of(text.p + 3, text.n - 3);
	for (;;) {
		buf_clear(&name);
		n = read_cell(text, &name);
		columns_add(&have, buf_span(&name));
		if (n >= text.n || text.p[n] != separator)
			break;
		text = span_of(text.p + n + 1, text.n - n - 1);
	}
	if (n < text.n && text.p[n] != '\n')
		r = err_set(e, "cannot append: its first line is no header");
	else if (s->columns.given)
		r = same_header(&s->columns, &have, e);
	else {
		s->columns = have;
		have = (struct columns){0};
	}
	s->resumed = true;
	columns_release(&have);
	buf_release(&name);
	return r;
}

static int
csv_resume(struct save *s, struct span *text, struct err *e)
{
	return resume(s, *text, ',', read_csv_cell, e);
}

static int
tsv_resume(struct save *s, struct span *text, struct err *e)
{
	return resume(s, *text, '\t', read_tsv_cell, e);
}

const struct format format_csv = {
    .name = "csv",
    .extension = ".csv",
    .add = csv_add,
    .resume = csv_resume,
};

const struct format format_tsv = {
    .name = "tsv",
    .extension = ".tsv",
    .add = tsv_add,
    .resume = tsv_resume,
};
