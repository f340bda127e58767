#include "json/values.h"

#include "base/mem.h"
#include "io/inbuf.h"
#include "json/check.h"
#include "json/scan.h"

#include <inttypes.h>
#include <stdlib.h>

/* The longest part of a UTF-8 sequence that the end of a buffer may cut off. */
#define CUT_MAX 3

/* What may come next. */
enum where {
	AT_TOP,
	AT_FIRST, /* behind the bracket: an element or the other bracket */
	AT_NEXT,  /* behind a comma: an element */
	AT_REST,  /* behind an element: a comma or the bracket */
	AT_BAD,
};

struct values_reader {
	struct inbuf in;
	size_t max;
	enum where where;
	bool in_array; /* the value handed out was */
	bool any;      /* there has been a value */
	size_t at;     /* for values_place() */
	uint64_t array_line;

	/* the search for the end of a value that is not yet there, see seek() */
	bool seeking;
	size_t sought; /* bytes of it */
	size_t depth;
	bool string;
	bool escape;
};

struct values_reader *
values_reader_new(size_t max, void (*before)(void *arg), void *arg)
{
	struct values_reader *r = mem_zero(1, sizeof(*r));

	inbuf_init(&r->in, before, arg);
	r->max = max;
	return r;
}

void
values_reader_free(struct values_reader *r)
{
	if (r == NULL)
		return;
	inbuf_release(&r->in);
	free(r);
}

void
values_reader_open(struct values_reader *r, int fd)
{
	inbuf_open(&r->in, fd);
	r->where = AT_TOP;
	r->any = r->in_array = r->seeking = false;
}

void
values_reader_no_wait(struct values_reader *r)
{
	inbuf_no_wait(&r->in);
}

bool
values_in_array(const struct values_reader *r)
{
	return r->in_array;
}

void
values_place(struct values_reader *r, uint64_t *line, uint64_t *column)
{
	inbuf_place(&r->in, r->at, line, column);
}

static enum values_result
bad(struct values_reader *r, size_t at, struct err *e, const char *what)
{
	r->where = AT_BAD;
	r->at = at;
	err_set(e, "%s", what);
	return VALUES_BAD;
}

/* ---- the end of a value that is not all there ---- */

static void
seek_from_start(struct values_reader *r)
{
	r->seeking = true;
	r->sought = r->depth = 0;
	r->string = r->escape = false;
}

/* Through a string, to its quote or the end. */
static const char *
seek_quote(struct values_reader *r, const char *p, const char *end)
{
	if (r->escape) {
		r->escape = false;
		p++;
	}
	for (; (p = scan->plain(p, end)) < end && *p != '"'; p++)
		if (*p == '\\' && ++p == end) {
			r->escape = true;
			break;
		}
	return p;
}

static bool
ends_word(char c)
{
	return check_is_space(c) || c == ',' || c == '"' || c == '[' || c == ']' ||
	       c == '{' || c == '}';
}

/*
 * Whether the value at start ends in what is there.  Looks at each byte once,
 * however often it is called, and at strings and the number of brackets alone:
 * the check comes later.
 */
static bool
seek(struct values_reader *r)
{
	const char *begin = r->in.data + r->in.start, *end = r->in.data + r->in.end;
	const char *p = begin + r->sought;
	bool word = *begin != '"' && *begin != '{' && *begin != '[', found = false;

	while (p < end && !found) {
		if (r->string) {
			p = seek_quote(r, p, end);
			if (p == end)
				break;
			r->string = false;
			found = r->depth == 0;
		} else if (word) {
			found = ends_word(*p);
		} else if (*p == '"') {
			r->string = true;
		} else if (*p == '{' || *p == '[') {
			r->depth++;
		} else if (*p == '}' || *p == ']') {
			found = --r->depth == 0;
		}
		p++;
	}
	r->sought = (size_t)(p - begin);
	return found;
}

/* ---- a value ---- */

static enum values_result
too_long(struct values_reader *r, struct err *e)
{
	bad(r, r->in.start, e, "");
	err_set(e, "a value longer than %zu bytes (see --max-line)", r->max);
	return VALUES_BAD;
}

static bool
ends_itself(char last)
{
	return last == '"' || last == '}' || last == ']';
}

/*
 * Checks the value at start, whose end c.p then is.  VALUES_END where it takes
 * more bytes to tell, or more than a value may have.
 */
static enum values_result
check(struct values_reader *r, struct check *c, bool whole, struct err *e)
{
	size_t outer = r->where == AT_TOP ? 0 : 1;
	size_t n = r->in.end - r->in.start;
	const char *begin = r->in.data + r->in.start;
	bool good;

	/* So that what is told does not depend on how much has been read. */
	if (n > r->max && n - r->max > 1) {
		n = r->max + 1;
		whole = whole && r->seeking && r->sought <= n;
	}
	*c = (struct check){begin, begin + n, NULL};
	good = check_value(c, outer);
	if (good && !whole && c->p == c->end && !ends_itself(c->p[-1]))
		return VALUES_END;
	if (good && outer == 0 && !check_ends_word(c))
		good = check_fail(c);
	if (good)
		return VALUES_VALUE;
	if (!whole && c->end - c->p <= CUT_MAX)
		return VALUES_END;
	return bad(r, (size_t)(c->p - r->in.data), e, c->why);
}

/* The same, reading on until that can be told. */
static enum values_result
read_and_check(struct values_reader *r, struct check *c, struct err *e)
{
	enum values_result got;
	struct inbuf *in = &r->in;
	bool whole;

	if (!r->seeking)
		seek_from_start(r);
	while (!(whole = seek(r) || in->eof) && in->end - in->start <= r->max)
		if (inbuf_fill(in, e) < 0)
			return VALUES_FAIL;
	got = check(r, c, whole, e);
	r->seeking = false;
	return got;
}

static enum values_result
take(struct values_reader *r, struct span *value, struct err *e)
{
	struct inbuf *in = &r->in;
	enum values_result got = VALUES_END;
	struct check c;

	/* Most are there as a whole. */
	if (!r->seeking)
		got = check(r, &c, in->eof, e);
	if (got == VALUES_END)
		got = read_and_check(r, &c, e);
	if (got == VALUES_END)
		return too_long(r, e);
	if (got != VALUES_VALUE)
		return got;
	*value = span_of(
	    in->data + in->start, (size_t)(c.p - in->data) - in->start);
	if (value->n > r->max)
		return too_long(r, e);
	r->at = in->start;
	in->start += value->n;
	r->any = true;
	r->in_array = r->where != AT_TOP;
	if (r->in_array)
		r->where = AT_REST;
	return VALUES_VALUE;
}

/* ---- what is around values ---- */

/* To what is not white space; whether there is anything, or -1. */
static int
skip_space(struct values_reader *r, struct err *e)
{
	struct inbuf *in = &r->in;

	for (;;) {
		while (in->start < in->end && check_is_space(in->data[in->start]))
			in->start++;
		if (in->start < in->end)
			return 1;
		if (in->eof)
			return 0;
		if (inbuf_fill(in, e) < 0)
			return -1;
	}
}

static enum values_result
at_end(struct values_reader *r, struct err *e)
{
	size_t at = r->in.start;

	if (r->where == AT_TOP && r->any)
		return VALUES_END;
	if (r->where == AT_TOP)
		return bad(r, at, e, "no JSON value in it");
	bad(r, at, e, "");
	err_set(e, "unexpected end: the array of line %" PRIu64 " is not closed",
	    r->array_line);
	return VALUES_BAD;
}

static void
enter_array(struct values_reader *r)
{
	uint64_t column;

	inbuf_place(&r->in, r->in.start, &r->array_line, &column);
	r->in.start++;
	r->any = true;
	r->where = AT_FIRST;
}

enum values_result
values_read(struct values_reader *r, struct span *value, struct err *e)
{
	int more;
	char c;

	if (r->where == AT_BAD)
		return VALUES_END;
	for (;;) {
		more = skip_space(r, e);
		if (more <= 0)
			return more == 0 ? at_end(r, e) : VALUES_FAIL;
		c = r->in.data[r->in.start];
		if (r->where == AT_TOP && c == '[') {
			enter_array(r);
		} else if (c == ']' &&
			   (r->where == AT_FIRST || r->where == AT_REST)) {
			r->in.start++;
			r->where = AT_TOP;
		} else if (r->where != AT_REST) {
			return take(r, value, e);
		} else if (c == ',') {
			r->in.start++;
			r->where = AT_NEXT;
		} else {
			return bad(r, r->in.start, e,
			    "no comma or closing bracket after an element");
		}
	}
}
