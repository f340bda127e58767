/*
 * The first byte is the size of the pieces in which the rest arrives.  However
 * it does, the same comes out, and nothing is read or written out of bounds.
 */
#include "io/unpack.h"

#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define OUT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes what is there; false when no more will come. */
static bool
take(struct unpack *u, size_t room, struct buf *out)
{
	struct err e = {.errnum = 0};
	char p[4096];
	ssize_t n;

	while ((n = unpack_read(u, p, room, &e)) > 0) {
		if ((size_t)n > room)
			abort();
		buf_add(out, p, (size_t)n);
		if (out->len > OUT_MAX)
			return false;
	}
	if (n < 0 && e.errnum == EAGAIN)
		return true;
	buf_addc(out, n < 0 ? '!' : '.');
	return false;
}

static void
feed(struct span text, size_t piece, size_t room, struct buf *out)
{
	bool more = true;
	struct unpack *u;
	size_t at, n;
	int fd[2];

	if (pipe(fd) < 0)
		abort();
	u = unpack_open(fd[0]);
	unpack_no_wait(u);
	for (at = 0; more && at < text.n; at += n) {
		n = text.n - at < piece ? text.n - at : piece;
		if (write(fd[1], text.p + at, n) != (ssize_t)n)
			abort();
		more = take(u, room, out);
	}
	close(fd[1]);
	if (more)
		take(u, room, out);
	unpack_close(u);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct span text;

	if (size < 1 || size > 60000)
		return 0;
	text = span_of((const char *)data + 1, size - 1);
	feed(text, 60000, 4096, &a);
	feed(text, data[0] + 1u, 4096, &b);
	/*
	 * Of damaged data, how much comes before the error may depend on the
	 * pieces; that there is one may not.
	 */
	if (a.len <= OUT_MAX && b.len <= OUT_MAX) {
		if (a.data[a.len - 1] != b.data[b.len - 1])
			abort();
		if (a.data[a.len - 1] == '.' &&
		    !span_eq(buf_span(&a), buf_span(&b)))
			abort();
	}
	buf_release(&a);
	buf_release(&b);
	return 0;
}
