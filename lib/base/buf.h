/*
 * buf: a growing byte buffer with a declared maximum.
 *
 * An owner calls buf_init() (or uses BUF_INIT), appends, and gives the memory
 * back with buf_release().  buf_clear() keeps the memory, so that a buffer is
 * reused from record to record.  Contents are not NUL-terminated unless
 * buf_cstr() is asked for it.
 *
 * Growing past the maximum ends the program with a message, as running out of
 * memory does: where outside data decides the length, ask buf_fits() first.
 */
#ifndef BF_BASE_BUF_H
#define BF_BASE_BUF_H

#include "base/span.h"

#include <stdarg.h>
#include <stdint.h>

#define BUF_MAX_DEFAULT ((size_t)1 << 32)

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max; /* bytes; 0 means BUF_MAX_DEFAULT */
};

#define BUF_INIT ((struct buf){NULL, 0, 0, 0})

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b); /* frees; the buffer may be used again */

/* Whether n more bytes would stay within the maximum. */
bool buf_fits(const struct buf *b, size_t n);

/* buf_room() where there is none yet. */
char *buf_grow(struct buf *b, size_t n);

void buf_addi(struct buf *b, int64_t n); /* in decimal */
void buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Removes the first n bytes, moving the rest down. */
void buf_drop(struct buf *b, size_t n);

/* NUL-terminates without counting the NUL; valid until the next change. */
const char *buf_cstr(struct buf *b);

/* Makes room for n more bytes; returns where they go (data + len). */
static inline char *
buf_room(struct buf *b, size_t n)
{
	if (b->cap - b->len < n || b->data == NULL)
		return buf_grow(b, n);
	return b->data + b->len;
}

static inline void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_room(b, n), p, n);
	b->len += n;
}

static inline void
buf_clear(struct buf *b)
{
	b->len = 0;
}

static inline void
buf_addspan(struct buf *b, struct span s)
{
	buf_add(b, s.p, s.n);
}

static inline void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void
buf_addc(struct buf *b, char c)
{
	if (b->len == b->cap)
		buf_room(b, 1);
	b->data[b->len++] = c;
}

static inline struct span
buf_span(const struct buf *b)
{
	return span_of(b->data == NULL ? "" : b->data, b->len);
}

#endif
