/* CSV and TSV: each row an entry. */
#include "read.h"

#include "io/delimited.h"

#include <inttypes.h>

struct delimited_input {
	const struct file *file;
	struct delimited_reader *rows;
	struct titles columns;
	bool named; /* the columns are known */
};

static const char *
row_where(struct reader *r)
{
	struct delimited_input *in = r->input;
	uint64_t line, column;

	delimited_place(in->rows, 0, &line, &column);
	return place(r, in->file, line);
}

/* Reports what is wrong with a cell, or whatever delimited_read() has found. */
static void
bad(struct reader *r, struct delimited_input *in, size_t cell, const char *what)
{
	struct buf text = BUF_INIT;
	uint64_t line, column;

	buf_adds(&text, what);
	if (!in->named && r->st->cli->keep_going)
		buf_adds(&text, "; this file is not read");
	delimited_place(in->rows, cell, &line, &column);
	stage_bad(r->st, place(r, in->file, line), column, buf_cstr(&text));
	buf_release(&text);
}

/* The next row; false at the end, where the stage must stop, or without a header.
 */
static bool
next_row(struct reader *r, struct delimited_input *in, struct delimited_row *row)
{
	struct err e = ERR_INIT;

	while (!stage_interrupted(r->st) && !stage_stopped(r->st))
		switch (delimited_read(in->rows, row, &e)) {
		case DELIMITED_ROW:
			return true;
		case DELIMITED_BAD:
			bad(r, in, 0, e.text);
			if (!in->named)
				return false;
			break;
		case DELIMITED_FAIL:
			if (!stage_interrupted(r->st))
				stage_lost(r->st, file_name(in->file), e.text);
			return false;
		case DELIMITED_END:
			return false;
		}
	return false;
}

/* A line with nothing in it; see delimited.h. */
static bool
is_blank(const struct delimited_row *row)
{
	return row->n == 1 && row->cells[0].n == 0;
}

/* The columns by the first row; false if it does not name them. */
static bool
read_header(struct reader *r, struct delimited_input *in)
{
	struct delimited_row row;
	const char *what = NULL;
	size_t i;

	do {
		if (!next_row(r, in, &row))
			return false;
	} while (in->file->format == FORMAT_TSV && is_blank(&row));
	for (i = 0; what == NULL && i < row.n; i++)
		if (row.cells[i].n == 0)
			what = "this column has no name; give it one, or all with "
			       "--header if this is no header";
		else if (!titles_add(&in->columns, row.cells[i]))
			what = "another column has the same name; rename one, or "
			       "name all with --header if this is no header";
	if (what != NULL)
		bad(r, in, i - 1, what);
	return what == NULL;
}

/* A comma-separated list; false if a name is empty or there twice. */
static bool
split_header(struct titles *c, const char *list)
{
	const char *comma;
	bool good;

	do {
		comma = strchrnul(list, ',');
		good = comma > list &&
		       titles_add(c, span_of(list, (size_t)(comma - list)));
		list = comma + 1;
	} while (good && *comma != '\0');
	return good;
}

bool
header_is_good(const char *list)
{
	struct titles c;
	bool good;

	titles_init(&c);
	good = split_header(&c, list);
	titles_release(&c);
	return good;
}

/* Whether a cell is, whole, a value that is no string. */
static bool
is_value(struct reader *r, struct span cell)
{
	struct json_fault fault;

	if (cell.n == 0 || memchr("-0123456789tfn[{", *cell.p, 16) == NULL)
		return false;
	if (strchr(" \t\r\n", cell.p[cell.n - 1]) != NULL ||
	    json_check(cell, &fault) < 0)
		return false;
	if (*cell.p != '[' && *cell.p != '{')
		return true;
	/* It will be one level deeper. */
	buf_clear(&r->scratch);
	buf_addc(&r->scratch, '[');
	buf_addspan(&r->scratch, cell);
	buf_addc(&r->scratch, ']');
	return json_check(buf_span(&r->scratch), &fault) == 0;
}

static void
add_cell(struct reader *r, struct span cell)
{
	if (!r->infer || !is_value(r, cell))
		json_add_string(&r->fields, cell);
	else if (memchr(cell.p, '\n', cell.n) != NULL)
		json_compact(&r->fields, cell);
	else
		buf_addspan(&r->fields, cell);
}

static void
put_row(
    struct reader *r, struct delimited_input *in, const struct delimited_row *row)
{
	const struct titles *c = &in->columns;
	struct err e = ERR_INIT;

	if (row->n != c->n) {
		err_set(&e, "%zu cell%s here, where the header names %zu column%s",
		    row->n, row->n == 1 ? "" : "s", c->n, c->n == 1 ? "" : "s");
		bad(r, in, row->n > c->n ? c->n : 0, e.text);
		return;
	}
	buf_clear(&r->fields);
	for (size_t i = 0; i < c->n; i++) {
		row_name(r, c, i);
		add_cell(r, row->cells[i]);
	}
	row_end(r, c);
}

static void
put_rows(struct reader *r, struct delimited_input *in)
{
	bool tsv = in->file->format == FORMAT_TSV;
	struct delimited_row row;

	if (r->header != NULL)
		split_header(&in->columns, r->header);
	else if (!read_header(r, in))
		return;
	in->named = true;
	while (next_row(r, in, &row))
		if (!tsv || in->columns.n == 1 || !is_blank(&row))
			put_row(r, in, &row);
}

void
read_delimited(struct reader *r, const struct file *f)
{
	struct delimited_input in = {.file = f};
	int fd = open_file(r, f);

	if (fd < 0)
		return;
	titles_init(&in.columns);
	in.rows = delimited_reader_new(
	    (size_t)r->st->cli->max_line, reader_flush, r);
	delimited_reader_open(in.rows, fd,
	    f->format == FORMAT_TSV ? DELIMITED_TSV : DELIMITED_CSV,
	    r->delimiter == '\0' ? ',' : r->delimiter);
	places_by(r, row_where, &in);
	put_rows(r, &in);
	delimited_reader_free(in.rows);
	titles_release(&in.columns);
}
