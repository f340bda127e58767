/*
 * The first three bytes are the longest row, the size of the pieces in which
 * the rest arrives, and whether it is TSV.  What comes out does not depend on
 * the pieces; and it is what a plain reader of the whole text, here, gives.
 */
#include "io/delimited.h"

#include "base/buf.h"
#include "io/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
note_row(struct buf *log, const struct delimited_row *row)
{
	for (size_t i = 0; i < row->n; i++) {
		buf_addf(log, "%zu=", row->cells[i].n);
		buf_addspan(log, row->cells[i]);
	}
	buf_addc(log, '\n');
}

static bool
take(struct delimited_reader *r, struct buf *log)
{
	struct err e = ERR_INIT;
	struct delimited_row row;
	uint64_t line, column;

	switch (delimited_read(r, &row, &e)) {
	case DELIMITED_ROW:
		for (size_t i = 0; i < row.n; i++) {
			if (utf8_valid(row.cells[i]) < row.cells[i].n)
				abort();
			delimited_place(r, i, &line, &column);
			buf_addf(log, "%llu:%llu ", (unsigned long long)line,
			    (unsigned long long)column);
		}
		note_row(log, &row);
		return true;
	case DELIMITED_BAD:
		delimited_place(r, 0, &line, &column);
		buf_addf(log, "%llu:%llu!%s\n", (unsigned long long)line,
		    (unsigned long long)column, e.text);
		return true;
	case DELIMITED_FAIL:
		if (e.errnum != EAGAIN)
			abort();
		return false;
	case DELIMITED_END:
		return false;
	}
	abort();
}

static void
feed(struct span text, enum delimited_kind kind, size_t max, size_t piece,
    struct buf *log)
{
	struct delimited_reader *r = delimited_reader_new(max, NULL, NULL);
	size_t at, n;
	int fd[2];

	if (pipe(fd) < 0)
		abort();
	delimited_reader_no_wait(r);
	delimited_reader_open(r, fd[0], kind, ',');
	for (at = 0; at < text.n; at += n) {
		n = text.n - at < piece ? text.n - at : piece;
		if (write(fd[1], text.p + at, n) != (ssize_t)n)
			abort();
		while (take(r, log))
			;
	}
	close(fd[1]);
	while (take(r, log))
		;
	delimited_reader_free(r);
}

/* Only rows, without places; what is bad, without why. */
static void
feed_rows(struct span text, enum delimited_kind kind, struct buf *log)
{
	struct delimited_reader *r = delimited_reader_new(60000, NULL, NULL);
	enum delimited_result got;
	struct err e = ERR_INIT;
	struct delimited_row row;
	int fd[2];

	if (pipe(fd) < 0 || write(fd[1], text.p, text.n) != (ssize_t)text.n)
		abort();
	close(fd[1]);
	delimited_reader_open(r, fd[0], kind, ',');
	while ((got = delimited_read(r, &row, &e)) != DELIMITED_END) {
		if (got == DELIMITED_FAIL)
			abort();
		if (got == DELIMITED_ROW)
			note_row(log, &row);
		else
			buf_adds(log, "bad\n");
	}
	delimited_reader_free(r);
}

/* ---- the plain reader ---- */

struct plain {
	const char *p, *end;
	struct buf cell;
	struct buf row; /* as note_row() has it */
	size_t ncells;
	bool quoted;
};

static bool
at_line_end(const struct plain *s)
{
	return s->p == s->end || *s->p == '\n' ||
	       (*s->p == '\r' && (s->p + 1 == s->end || s->p[1] == '\n'));
}

/* false if the cell is bad. */
static bool
plain_quoted(struct plain *s)
{
	s->quoted = true;
	for (s->p++;; s->p++) {
		if (s->p == s->end)
			return false;
		if (*s->p != '"') {
			buf_addc(&s->cell, *s->p);
		} else if (s->p + 1 < s->end && s->p[1] == '"') {
			buf_addc(&s->cell, '"');
			s->p++;
		} else {
			break;
		}
	}
	s->p++;
	return at_line_end(s) || *s->p == ',';
}

static void
plain_tsv(struct plain *s)
{
	static const char from[] = "tnr\\", to[] = "\t\n\r\\";

	for (; !at_line_end(s) && *s->p != '\t'; s->p++) {
		const char *known = NULL;

		if (*s->p == '\\' && s->p + 1 < s->end && s->p[1] != '\0')
			known = strchr(from, s->p[1]);
		if (known != NULL)
			s->p++;
		buf_addc(&s->cell, known == NULL ? *s->p : to[known - from]);
	}
}

static bool
plain_cell(struct plain *s, enum delimited_kind kind)
{
	bool good = true;

	buf_clear(&s->cell);
	s->quoted = false;
	if (kind == DELIMITED_TSV)
		plain_tsv(s);
	else if (s->p < s->end && *s->p == '"')
		good = plain_quoted(s);
	else
		for (; !at_line_end(s) && *s->p != ','; s->p++)
			buf_addc(&s->cell, *s->p);
	buf_addf(&s->row, "%zu=", s->cell.len);
	buf_addspan(&s->row, buf_span(&s->cell));
	s->ncells++;
	return good;
}

static void
plain_row(struct plain *s, enum delimited_kind kind, struct buf *log)
{
	char delimiter = kind == DELIMITED_CSV ? ',' : '\t';
	const char *start = s->p;
	bool good, blank;

	buf_clear(&s->row);
	s->ncells = 0;
	while ((good = plain_cell(s, kind)) && s->p < s->end && *s->p == delimiter)
		s->p++;
	while (s->p < s->end && *s->p != '\n')
		s->p++;
	s->p += s->p < s->end;
	blank = kind == DELIMITED_CSV && s->ncells == 1 && s->cell.len == 0 &&
		!s->quoted;
	if (!good || utf8_valid(span_of(start, (size_t)(s->p - start))) <
			 (size_t)(s->p - start))
		buf_adds(log, "bad\n");
	else if (!blank) {
		buf_addspan(log, buf_span(&s->row));
		buf_addc(log, '\n');
	}
}

static void
by_whole(struct span text, enum delimited_kind kind, struct buf *log)
{
	struct plain s = {.p = text.p, .end = text.p + text.n};

	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		s.p += 3;
	while (s.p < s.end)
		plain_row(&s, kind, log);
	buf_release(&s.cell);
	buf_release(&s.row);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	enum delimited_kind kind;
	struct span text;

	if (size < 3 || size > 60000)
		return 0;
	text = span_of((const char *)data + 3, size - 3);
	/* Compressed text has a target of its own. */
	if (text.n > 0 && (text.p[0] == '\x1f' || text.p[0] == '\x28'))
		return 0;
	kind = (data[2] & 1) != 0 ? DELIMITED_TSV : DELIMITED_CSV;
	feed(text, kind, data[0] + 1u, 60000, &a);
	feed(text, kind, data[0] + 1u, data[1] + 1u, &b);
	if (!span_eq(buf_span(&a), buf_span(&b)))
		abort();
	buf_clear(&a);
	buf_clear(&b);
	feed_rows(text, kind, &a);
	by_whole(text, kind, &b);
	if (!span_eq(buf_span(&a), buf_span(&b)))
		abort();
	buf_release(&a);
	buf_release(&b);
	return 0;
}
