#include "io/delimited.h"

#include "base/buf.h"
#include "base/mem.h"
#include "io/inbuf.h"
#include "io/utf8.h"

#include <stdlib.h>

/* Where in a row the reader is. */
enum state {
	AT_CELL, /* before its first byte */
	IN_PLAIN,
	IN_QUOTES,
	AFTER_QUOTE, /* within quotes: it ends the cell or is the first of two */
	TO_NEWLINE,  /* what is left of a bad row */
};

enum step { STEP_MORE, STEP_ROW, STEP_BAD };

/* A cell as it is written, less the quotes around it; at counts from the row. */
struct raw {
	size_t at, n;
	bool quoted;
	bool doubled; /* it holds quotes, doubled */
};

/* Offsets count from the row's beginning, which is in.start while it is read. */
struct delimited_reader {
	struct inbuf in;
	size_t max;
	enum delimited_kind kind;
	char delimiter;

	enum state state;
	size_t pos; /* up to here it has been looked at */
	struct raw cell;
	struct raw *raws;
	size_t nraws, cap;
	bool dropping; /* a row that is too long: nothing of it is kept */
	bool done;     /* the row is all dealt with */

	size_t row_at; /* in the buffer: the row last handed out */
	size_t bad_at; /* likewise */
	bool is_bad;
	struct span *cells;
	struct buf text; /* of cells that are not as they are written */
};

struct delimited_reader *
delimited_reader_new(size_t max, void (*before)(void *arg), void *arg)
{
	struct delimited_reader *r = mem_zero(1, sizeof(*r));

	inbuf_init(&r->in, before, arg);
	r->max = max;
	return r;
}

void
delimited_reader_free(struct delimited_reader *r)
{
	if (r == NULL)
		return;
	inbuf_release(&r->in);
	free(r->raws);
	free(r->cells);
	buf_release(&r->text);
	free(r);
}

static void
begin_row(struct delimited_reader *r)
{
	r->in.start += r->pos;
	r->pos = r->nraws = 0;
	r->state = AT_CELL;
	r->dropping = r->done = false;
}

void
delimited_reader_open(
    struct delimited_reader *r, int fd, enum delimited_kind kind, char delimiter)
{
	inbuf_open(&r->in, fd);
	r->kind = kind;
	r->delimiter = kind == DELIMITED_TSV ? '\t' : delimiter;
	r->pos = 0;
	begin_row(r);
}

void
delimited_reader_no_wait(struct delimited_reader *r)
{
	inbuf_no_wait(&r->in);
}

void
delimited_place(
    struct delimited_reader *r, size_t cell, uint64_t *line, uint64_t *column)
{
	size_t at = r->row_at;

	if (r->is_bad)
		at = r->bad_at;
	else if (cell > 0)
		at += r->raws[cell].at - r->raws[cell].quoted;
	inbuf_place(&r->in, at, line, column);
}

/* ---- taking a row apart ---- */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (unsigned char)(byte))

/* Whether a byte of w is zero. */
static inline uint64_t
has_zero(uint64_t w)
{
	return (w - EACH(1)) & ~w & EACH(0x80);
}

/* The first a or b, or end. */
static const char *
find_either(const char *p, const char *end, char a, char b)
{
	uint64_t w;

	for (; end - p >= 8; p += 8) {
		memcpy(&w, p, sizeof(w));
		if ((has_zero(w ^ EACH(a)) | has_zero(w ^ EACH(b))) != 0)
			break;
	}
	while (p < end && *p != a && *p != b)
		p++;
	return p;
}

static void
end_cell(struct delimited_reader *r, size_t end)
{
	if (r->dropping)
		return;
	if (r->nraws == r->cap) {
		r->cap = r->cap == 0 ? 32 : 2 * r->cap;
		r->raws = mem_resize(r->raws, r->cap, sizeof(*r->raws));
		r->cells = mem_resize(r->cells, r->cap, sizeof(*r->cells));
	}
	r->cell.n = end - r->cell.at;
	r->raws[r->nraws++] = r->cell;
}

/* The steps take p through a cell, to end where that is not all there. */

static const char *
step_plain(struct delimited_reader *r, const char *row, const char *p,
    const char *end, enum step *step)
{
	const char *cell = row + r->cell.at, *cell_end;

	p = find_either(p, end, r->delimiter, '\n');
	if (p == end && !r->in.eof)
		return p;
	cell_end = p;
	if ((p == end || *p == '\n') && p > cell && p[-1] == '\r')
		cell_end--;
	end_cell(r, (size_t)(cell_end - row));
	r->state = AT_CELL;
	if (p < end && *p == r->delimiter)
		return p + 1;
	*step = STEP_ROW;
	return p < end ? p + 1 : p;
}

static const char *
step_after_quote(struct delimited_reader *r, const char *row, const char *p,
    const char *end, enum step *step)
{
	size_t cell_end = (size_t)(p - row) - 1;

	if (p < end && *p == '"') {
		r->cell.doubled = true;
		r->state = IN_QUOTES;
		return p + 1;
	}
	if (p < end && *p == r->delimiter) {
		end_cell(r, cell_end);
		r->state = AT_CELL;
		return p + 1;
	}
	if (p < end && *p == '\r') {
		if (p + 1 == end && !r->in.eof)
			return p;
		p++;
	}
	if (p < end && *p != '\n') {
		r->bad_at = r->in.start + cell_end + 1;
		r->state = TO_NEWLINE;
		*step = r->dropping ? STEP_MORE : STEP_BAD;
		return p;
	}
	end_cell(r, cell_end);
	*step = STEP_ROW;
	return p < end ? p + 1 : p;
}

static const char *
begin_cell(
    struct delimited_reader *r, const char *row, const char *p, const char *end)
{
	bool quoted = r->kind == DELIMITED_CSV && p < end && *p == '"';

	p += quoted;
	r->cell = (struct raw){.at = (size_t)(p - row), .quoted = quoted};
	r->state = quoted ? IN_QUOTES : IN_PLAIN;
	return p;
}

/* To the end of the row, or of what is there. */
static enum step
scan_row(struct delimited_reader *r)
{
	const char *row = r->in.data + r->in.start, *end = r->in.data + r->in.end;
	const char *p = row + r->pos, *before;
	enum step step = STEP_MORE;
	enum state was;

	do {
		before = p;
		was = r->state;
		if (r->state == AT_CELL && (p < end || r->in.eof))
			p = begin_cell(r, row, p, end);
		if (r->state == IN_PLAIN) {
			p = step_plain(r, row, p, end, &step);
		} else if (r->state == IN_QUOTES) {
			p = p == end ? NULL : memchr(p, '"', (size_t)(end - p));
			r->state = p == NULL ? IN_QUOTES : AFTER_QUOTE;
			p = p == NULL ? end : p + 1;
		} else if (r->state == AFTER_QUOTE && (p < end || r->in.eof)) {
			p = step_after_quote(r, row, p, end, &step);
		} else if (r->state == TO_NEWLINE) {
			p = find_either(p, end, '\n', '\n');
			if (p < end || r->in.eof)
				step = STEP_ROW;
			p += p < end;
		}
	} while (step == STEP_MORE && (p > before || r->state != was));
	r->pos = (size_t)(p - row);
	return step;
}

/* ---- what the cells say ---- */

/* n bytes without every second quote of two. */
static void
add_undoubled(struct buf *b, const char *p, size_t n)
{
	const char *end = p + n, *quote;

	while (p < end && (quote = memchr(p, '"', (size_t)(end - p))) != NULL) {
		buf_add(b, p, (size_t)(quote - p) + 1);
		p = quote + 2;
	}
	if (p < end)
		buf_add(b, p, (size_t)(end - p));
}

static void
add_unescaped(struct buf *b, const char *p, size_t n)
{
	static const char letters[] = "tnr\\", bytes[] = "\t\n\r\\";
	const char *end = p + n, *known;

	for (; p < end; p++) {
		known = *p == '\\' && end - p > 1 && p[1] != '\0'
			    ? strchr(letters, p[1])
			    : NULL;
		if (known != NULL)
			p++;
		buf_addc(b, known == NULL ? *p : bytes[known - letters]);
	}
}

static bool
is_as_written(const struct delimited_reader *r, const struct raw *c, const char *p)
{
	if (r->kind == DELIMITED_CSV)
		return !c->doubled;
	return c->n == 0 || memchr(p, '\\', c->n) == NULL;
}

static void
make_cells(struct delimited_reader *r, const char *row)
{
	size_t from;

	buf_clear(&r->text);
	for (size_t i = 0; i < r->nraws; i++) {
		const struct raw *c = &r->raws[i];
		const char *p = row + c->at;

		r->cells[i] = span_of(p, c->n);
		if (is_as_written(r, c, p))
			continue;
		/* All at once, for it must not move once cells are in it. */
		if (r->text.len == 0)
			buf_room(&r->text, r->pos);
		from = r->text.len;
		if (r->kind == DELIMITED_CSV)
			add_undoubled(&r->text, p, c->n);
		else
			add_unescaped(&r->text, p, c->n);
		r->cells[i] = span_of(r->text.data + from, r->text.len - from);
	}
}

/* ---- rows ---- */

static enum delimited_result
bad(struct delimited_reader *r, size_t at, struct err *e, const char *what)
{
	r->is_bad = true;
	r->bad_at = at;
	err_set(e, "%s", what);
	return DELIMITED_BAD;
}

static enum delimited_result
too_long(struct delimited_reader *r, struct err *e)
{
	bad(r, r->in.start, e, "");
	err_set(e,
	    "a row longer than %zu bytes (see --max-line), or a quote in it that "
	    "is never closed",
	    r->max);
	r->dropping = true;
	return DELIMITED_BAD;
}

/* Reads on; what has been looked at of a row that is dropped is not kept. */
static enum delimited_result
read_on(struct delimited_reader *r, struct err *e)
{
	if (r->dropping || r->state == TO_NEWLINE) {
		r->in.start += r->pos;
		r->pos = r->cell.at = 0;
	} else if (r->in.end - r->in.start > r->max + 1) {
		/* One more may be a carriage return. */
		return too_long(r, e);
	}
	return inbuf_fill(&r->in, e) < 0 ? DELIMITED_FAIL : DELIMITED_ROW;
}

/* Where the file ends within quotes. */
static enum delimited_result
never_closed(struct delimited_reader *r, struct err *e)
{
	r->done = true;
	if (r->dropping)
		return DELIMITED_END;
	return bad(r, r->in.start + r->cell.at - 1, e,
	    "this quote is never closed; the rest of the file is in it");
}

/* The row that was scanned; DELIMITED_END where it is to be passed over. */
static enum delimited_result
finish(struct delimited_reader *r, struct delimited_row *row, struct err *e)
{
	struct span raw = span_of(r->in.data + r->in.start, r->pos);
	bool blank = r->nraws == 1 && r->cell.n == 0 && !r->cell.quoted;
	size_t valid;

	r->done = true;
	r->row_at = r->in.start;
	if (r->dropping || r->state == TO_NEWLINE ||
	    (blank && r->kind == DELIMITED_CSV))
		return DELIMITED_END;
	if (r->cell.at + r->cell.n + r->cell.quoted > r->max)
		return too_long(r, e);
	valid = utf8_valid(raw);
	if (valid < raw.n)
		return bad(r, r->in.start + valid, e,
		    "invalid UTF-8; iconv makes UTF-8 of other encodings");
	make_cells(r, raw.p);
	*row = (struct delimited_row){r->cells, r->nraws};
	return DELIMITED_ROW;
}

enum delimited_result
delimited_read(struct delimited_reader *r, struct delimited_row *row, struct err *e)
{
	enum delimited_result got;

	r->is_bad = false;
	for (;;) {
		if (r->done)
			begin_row(r);
		if (r->in.eof && r->in.start == r->in.end)
			return DELIMITED_END;
		switch (scan_row(r)) {
		case STEP_BAD:
			if (r->pos > r->max + 1)
				return too_long(r, e);
			return bad(r, r->bad_at, e,
			    "text after a closing quote; a quote that is data is "
			    "doubled");
		case STEP_ROW:
			got = finish(r, row, e);
			if (got != DELIMITED_END)
				return got;
			break;
		case STEP_MORE:
			if (r->in.eof)
				return never_closed(r, e);
			got = read_on(r, e);
			if (got != DELIMITED_ROW)
				return got;
			break;
		}
	}
}
