#include "base/buf.h"

#include "base/mem.h"
#include "base/msg.h"

#include <stdio.h>
#include <stdlib.h>

void
buf_init(struct buf *b, size_t max)
{
	*b = BUF_INIT;
	b->max = max;
}

void
buf_release(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

static size_t
limit(const struct buf *b)
{
	return b->max == 0 ? BUF_MAX_DEFAULT : b->max;
}

bool
buf_fits(const struct buf *b, size_t n)
{
	return b->len <= limit(b) && n <= limit(b) - b->len;
}

char *
buf_grow(struct buf *b, size_t n)
{
	size_t cap;

	if (!buf_fits(b, n))
		msg_die(STATUS_CANNOT,
		    "out of memory: a buffer would pass its maximum of %zu bytes",
		    limit(b));
	cap = b->cap < 64 ? 64 : b->cap;
	while (cap - b->len < n)
		cap *= 2;
	/* Doubling must not ask for more than was declared. */
	if (cap > limit(b))
		cap = limit(b);
	b->data = mem_resize(b->data, cap, 1);
	b->cap = cap;
	return b->data + b->len;
}

void
buf_addi(struct buf *b, int64_t n)
{
	uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	char digits[20], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (n < 0)
		*--p = '-';
	buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char small[256], *big;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n < 0)
		msg_die(STATUS_CANNOT, "out of memory");
	if ((size_t)n < sizeof(small)) {
		buf_add(b, small, (size_t)n);
	} else {
		/* vsnprintf() wants a place for its NUL, which the maximum need not
		 * allow. */
		big = mem_alloc((size_t)n + 1);
		vsnprintf(big, (size_t)n + 1, fmt, again);
		buf_add(b, big, (size_t)n);
		free(big);
	}
	va_end(again);
}

void
buf_drop(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	if (n > 0)
		memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}

const char *
buf_cstr(struct buf *b)
{
	*buf_room(b, 1) = '\0';
	return b->data;
}
