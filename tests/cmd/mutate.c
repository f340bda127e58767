/*
 * mutate SEED: standard input, spoilt in a few places, to standard output.
 */
#include "base/buf.h"
#include "io/fdio.h"
#include "io/num.h"
#include "io/rng.h"

#include <unistd.h>

/* Bytes that mean something in one format or another. */
static const char telling[] = "\0\n\r\t \"'`\\,;:#-<>[]{}0\x7f\x80\xc3\xef\xff";

static void
spoil(struct rng *r, struct buf *b)
{
	size_t at = (size_t)rng_below(r, b->len);
	size_t n = 1 + (size_t)rng_below(r, b->len - at < 64 ? b->len - at : 64);
	char *p = b->data + at;

	switch (rng_below(r, 6)) {
	case 0:
		*p = (char)(*p ^ (1 << rng_below(r, 8)));
		break;
	case 1:
		*p = telling[rng_below(r, sizeof(telling) - 1)];
		break;
	case 2: /* takes some out */
		memmove(p, p + n, b->len - at - n);
		b->len -= n;
		break;
	case 3: /* some twice */
		buf_room(b, n);
		p = b->data + at;
		memmove(p + n, p, b->len - at);
		b->len += n;
		break;
	case 4: /* some elsewhere */
		memmove(b->data + rng_below(r, b->len - n + 1), p, n);
		break;
	case 5: /* cut off, now and then */
		if (rng_below(r, 4) == 0)
			b->len = at;
		break;
	}
}

int
main(int argc, char **argv)
{
	struct buf b = BUF_INIT;
	uint64_t seed = 0;
	struct rng r;
	ssize_t n;

	if (argc != 2 || num_u64(span_str(argv[1]), &seed) < 0)
		return 2;
	rng_seed(&r, seed);
	while ((n = fd_read(STDIN_FILENO, buf_room(&b, 65536), 65536)) > 0)
		b.len += (size_t)n;
	for (uint64_t i = 1 + rng_below(&r, 8); i > 0 && b.len > 0; i--)
		spoil(&r, &b);
	n = fd_write(STDOUT_FILENO, b.data, b.len);
	buf_release(&b);
	return n < 0 ? 2 : 0;
}
