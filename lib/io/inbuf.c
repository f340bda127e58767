#include "io/inbuf.h"

#include "base/mem.h"
#include "base/span.h"
#include "io/unpack.h"

#include <stdlib.h>

#define READ_SIZE ((size_t)128 << 10)

void
inbuf_init(struct inbuf *b, void (*before)(void *arg), void *arg)
{
	*b = (struct inbuf){.before = before, .arg = arg};
}

void
inbuf_release(struct inbuf *b)
{
	unpack_close(b->in);
	free(b->data);
	*b = (struct inbuf){.data = NULL};
}

void
inbuf_open(struct inbuf *b, int fd)
{
	unpack_close(b->in);
	b->in = unpack_open(fd);
	if (b->no_wait)
		unpack_no_wait(b->in);
	if (b->data == NULL) {
		b->cap = READ_SIZE;
		b->data = mem_alloc(b->cap);
	}
	b->start = b->end = b->held = b->counted = 0;
	b->line = b->column = 1;
	b->eof = b->begun = false;
}

void
inbuf_no_wait(struct inbuf *b)
{
	b->no_wait = true;
	if (b->in != NULL)
		unpack_no_wait(b->in);
}

/* Line and column of data[at], from what is known of data[counted]. */
static void
count(const struct inbuf *b, size_t at, uint64_t *line, uint64_t *column)
{
	const char *p = b->data + b->counted, *end = b->data + at, *nl;

	*line = b->line;
	*column = b->column;
	while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		++*line;
		*column = 1;
		p = nl + 1;
	}
	*column += (uint64_t)(end - p);
}

static void
count_up_to(struct inbuf *b, size_t at)
{
	if (at > b->counted) {
		count(b, at, &b->line, &b->column);
		b->counted = at;
	}
}

void
inbuf_place(struct inbuf *b, size_t at, uint64_t *line, uint64_t *column)
{
	count_up_to(b, at < b->start ? at : b->start);
	count(b, at, line, column);
}

/* Moves what is needed to the front; where that fills the buffer, it doubles. */
static void
make_room(struct inbuf *b)
{
	if (b->start > 0) {
		count_up_to(b, b->start);
		memmove(b->data, b->data + b->start, b->end - b->start);
		b->end -= b->start;
		b->start = b->counted = 0;
	}
	if (b->end >= b->cap - b->cap / 4) {
		b->data = mem_resize(b->data, b->cap, 2);
		b->cap *= 2;
	}
}

static int
fill(struct inbuf *b, struct err *e)
{
	ssize_t n;

	make_room(b);
	if (b->before != NULL)
		b->before(b->arg);
	n = unpack_read(b->in, b->data + b->end, b->cap - b->end, e);
	if (n < 0)
		return -1;
	b->eof = n == 0;
	b->end += (size_t)n;
	return 0;
}

int
inbuf_fill(struct inbuf *b, struct err *e)
{
	static const struct span mark = SPAN_INIT("\xef\xbb\xbf");

	b->end += b->held;
	b->held = 0;
	if (b->begun)
		return fill(b, e);
	/* Nothing is seen of the beginning until it tells whether it is a mark. */
	do {
		if (fill(b, e) < 0) {
			b->held = b->end;
			b->end = 0;
			return -1;
		}
	} while (
	    !b->eof && b->end < mark.n && memcmp(b->data, mark.p, b->end) == 0);
	b->begun = true;
	if (span_starts(span_of(b->data, b->end), mark))
		b->start = mark.n;
	return 0;
}
