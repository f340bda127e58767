#include "json/jsonl.h"

#include "base/mem.h"
#include "io/fdio.h"
#include "io/unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define READ_SIZE  ((size_t)128 << 10)
#define WRITE_SIZE ((size_t)128 << 10)

static const struct span bom = {"\xef\xbb\xbf", 3};

struct jsonl_reader {
	struct unpack *in; /* NULL: nothing is open, or a text is */
	const char *name;
	jsonl_before_read *before;
	void *arg;
	size_t max_line;

	char *data; /* bytes of the file, or of a text */
	char *own;  /* the buffer, kept while a text is read */
	size_t cap;
	size_t start; /* of what has not been handed out */
	size_t scan;  /* no newline before this */
	size_t end;

	uint64_t lineno;
	size_t shift;
	size_t bad_at;
	bool eof;
	bool skipping; /* the rest of a line that was too long */
	bool no_wait;
};

struct jsonl_reader *
jsonl_reader_new(size_t max_line, jsonl_before_read *before, void *arg)
{
	struct jsonl_reader *r = mem_zero(1, sizeof(*r));

	r->max_line = max_line;
	r->before = before;
	r->arg = arg;
	return r;
}

void
jsonl_reader_free(struct jsonl_reader *r)
{
	if (r == NULL)
		return;
	if (r->in != NULL)
		unpack_close(r->in);
	free(r->own);
	free(r);
}

static void
begin(struct jsonl_reader *r, size_t n, const char *name)
{
	r->name = name;
	r->start = r->scan = 0;
	r->end = n;
	r->lineno = 0;
	r->shift = r->bad_at = 0;
	r->eof = r->skipping = false;
}

void
jsonl_reader_open(struct jsonl_reader *r, int fd, const char *name)
{
	if (r->in != NULL)
		unpack_close(r->in);
	r->in = unpack_open(fd);
	if (r->no_wait)
		unpack_no_wait(r->in);
	r->data = r->own;
	begin(r, 0, name);
}

void
jsonl_reader_open_text(struct jsonl_reader *r, struct span text, const char *name)
{
	if (r->in != NULL)
		unpack_close(r->in);
	r->in = NULL;
	/* Nothing is ever read behind it, so nothing is written to it. */
	r->data = (char *)(uintptr_t)text.p;
	begin(r, text.n, name);
	r->eof = true;
}

void
jsonl_reader_no_wait(struct jsonl_reader *r)
{
	r->no_wait = true;
	if (r->in != NULL)
		unpack_no_wait(r->in);
}

int
jsonl_reader_fd(const struct jsonl_reader *r)
{
	return r->in == NULL ? -1 : unpack_fd(r->in);
}

const char *
jsonl_name(const struct jsonl_reader *r)
{
	return r->name == NULL ? "" : r->name;
}

uint64_t
jsonl_lineno(const struct jsonl_reader *r)
{
	return r->lineno;
}

size_t
jsonl_column_shift(const struct jsonl_reader *r)
{
	return r->shift;
}

size_t
jsonl_bad_column(const struct jsonl_reader *r)
{
	return r->bad_at + 1;
}

/*
 * Makes room behind end: what is left of the buffer goes to its front, and
 * where that fills it, it doubles.  A line of max_line bytes with its mark, a
 * carriage return and one byte more must fit, so that too long is seen.
 */
static void
make_room(struct jsonl_reader *r)
{
	if (r->start > 0) {
		memmove(r->data, r->data + r->start, r->end - r->start);
		r->scan -= r->start;
		r->end -= r->start;
		r->start = 0;
	}
	if (r->cap == 0) {
		r->cap = READ_SIZE;
		r->data = r->own = mem_alloc(r->cap);
	} else if (r->end >= r->cap - r->cap / 4) {
		r->data = r->own = mem_resize(r->own, r->cap, 2);
		r->cap *= 2;
	}
}

/* More bytes; JSONL_LINE if there are some or the file has ended. */
static enum jsonl_result
fill(struct jsonl_reader *r, struct err *e)
{
	ssize_t n;

	make_room(r);
	if (r->before != NULL)
		r->before(r->arg);
	n = unpack_read(r->in, r->data + r->end, r->cap - r->end, e);
	if (n < 0)
		return r->no_wait && e->errnum == EAGAIN ? JSONL_AGAIN : JSONL_FAIL;
	if (n == 0)
		r->eof = true;
	r->end += (size_t)n;
	return JSONL_LINE;
}

static enum jsonl_result
too_long(struct jsonl_reader *r, struct err *e)
{
	r->bad_at = r->max_line;
	err_set(e, "line longer than %zu bytes (see --max-line)", r->max_line);
	return JSONL_BAD;
}

/* Judges the bytes of one line; JSONL_AGAIN here means blank. */
static enum jsonl_result
judge(struct jsonl_reader *r, struct span raw, struct span *line, struct err *e)
{
	const char *nul;
	size_t i = 0;

	r->lineno++;
	r->shift = 0;
	if (r->lineno == 1 && span_starts(raw, bom)) {
		raw = span_of(raw.p + bom.n, raw.n - bom.n);
		r->shift = bom.n;
	}
	if (raw.n > 0 && raw.p[raw.n - 1] == '\r')
		raw.n--;
	if (raw.n > r->max_line)
		return too_long(r, e);
	while (
	    i < raw.n && (raw.p[i] == ' ' || raw.p[i] == '\t' || raw.p[i] == '\r'))
		i++;
	if (i == raw.n)
		return JSONL_AGAIN;
	nul = memchr(raw.p, '\0', raw.n);
	if (nul != NULL) {
		r->bad_at = (size_t)(nul - raw.p) + r->shift;
		err_set(e, "NUL byte in the line");
		return JSONL_BAD;
	}
	*line = raw;
	return JSONL_LINE;
}

/* Whether the unfinished line is longer than any that could still be good. */
static bool
outgrown(const struct jsonl_reader *r)
{
	size_t spare = 1 + (r->lineno == 0 ? bom.n : 0);
	size_t n = r->end - r->start;

	return n > spare && n - spare > r->max_line;
}

enum jsonl_result
jsonl_read(struct jsonl_reader *r, struct span *line, struct err *e)
{
	enum jsonl_result got;
	struct span raw;
	char *nl;

	if (r->in == NULL && r->start == r->end)
		return JSONL_END;
	for (;;) {
		nl = NULL;
		if (r->scan < r->end)
			nl = memchr(r->data + r->scan, '\n', r->end - r->scan);
		if (nl == NULL && !r->eof) {
			r->scan = r->end;
			if (r->skipping)
				r->start = r->end;
			else if (outgrown(r)) {
				r->lineno++;
				r->shift = 0;
				r->skipping = true;
				r->start = r->end;
				return too_long(r, e);
			}
			if ((got = fill(r, e)) != JSONL_LINE)
				return got;
			continue;
		}
		if (nl == NULL && r->start == r->end)
			break;
		raw.p = r->data + r->start;
		raw.n = (nl == NULL ? r->end : (size_t)(nl - r->data)) - r->start;
		r->start = r->scan = nl == NULL ? r->end
						: (size_t)(nl - r->data) + 1;
		if (r->skipping) {
			r->skipping = false;
			continue;
		}
		if ((got = judge(r, raw, line, e)) != JSONL_AGAIN)
			return got;
	}
	if (r->in != NULL)
		unpack_close(r->in);
	r->in = NULL;
	return JSONL_END;
}

void
jsonl_writer_init(struct jsonl_writer *w, int fd)
{
	w->fd = fd;
	w->failed = 0;
	buf_init(&w->out, 0);
}

void
jsonl_writer_release(struct jsonl_writer *w)
{
	buf_release(&w->out);
}

int
jsonl_flush(struct jsonl_writer *w)
{
	if (w->failed == 0 && w->out.len > 0 &&
	    fd_write(w->fd, w->out.data, w->out.len) < 0)
		w->failed = errno == 0 ? EIO : errno;
	buf_clear(&w->out);
	if (w->failed == 0)
		return 0;
	errno = w->failed;
	return -1;
}

int
jsonl_written(struct jsonl_writer *w)
{
	if (w->failed == 0 && w->out.len < WRITE_SIZE)
		return 0;
	return jsonl_flush(w);
}

int
jsonl_write_line(struct jsonl_writer *w, struct span line)
{
	buf_addspan(&w->out, line);
	buf_addc(&w->out, '\n');
	return jsonl_written(w);
}
