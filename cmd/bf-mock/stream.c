/* stream: server-sent events, and the pieces that go into them. */
#include "stream.h"

#define PIECE_MAX 16

void
stream_event(struct buf *out, const char *name)
{
	if (name != NULL)
		buf_addf(out, "event: %s\n", name);
	buf_adds(out, "data: ");
}

void
stream_end(struct buf *out)
{
	buf_adds(out, "\n\n");
}

static bool
is_surrogate(struct span s, size_t at, char low, char high)
{
	return at + 6 <= s.n && s.p[at] == '\\' && s.p[at + 1] == 'u' &&
	       (s.p[at + 2] | 0x20) == 'd' && (s.p[at + 3] | 0x20) >= low &&
	       (s.p[at + 3] | 0x20) <= high;
}

/* How many bytes are one character at the beginning, escaped or not. */
static size_t
unit(struct span s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = 1;

	if (c == '\\' && s.n > 1 && s.p[1] == 'u')
		n = (is_surrogate(s, 0, '8', '9') ||
			is_surrogate(s, 0, 'a', 'b')) &&
			    (is_surrogate(s, 6, 'c', 'f'))
			? 12
			: 6;
	else if (c == '\\')
		n = 2;
	else if (c >= 0xf0)
		n = 4;
	else if (c >= 0xe0)
		n = 3;
	else if (c >= 0xc0)
		n = 2;
	return n < s.n ? n : s.n;
}

bool
stream_piece(struct span *rest, struct span *piece)
{
	size_t n = 0;

	while (n < rest->n && n < PIECE_MAX && (n == 0 || rest->p[n - 1] != ' '))
		n += unit(span_of(rest->p + n, rest->n - n));
	*piece = span_of(rest->p, n);
	*rest = span_of(rest->p + n, rest->n - n);
	return n > 0;
}

size_t
stream_cut(struct buf *out)
{
	size_t events = 0, keep, at = 0;

	for (size_t i = 0; i + 1 < out->len; i++)
		events += out->data[i] == '\n' && out->data[i + 1] == '\n';
	keep = events / 2;
	for (size_t left = keep; left > 0; at++)
		left -= out->data[at] == '\n' && out->data[at + 1] == '\n';
	out->len = keep == 0 ? 0 : at + 1;
	return keep;
}

void
stream_crlf(struct buf *out)
{
	struct buf whole = BUF_INIT;

	for (size_t i = 0; i < out->len; i++) {
		if (out->data[i] == '\n')
			buf_addc(&whole, '\r');
		buf_addc(&whole, out->data[i]);
	}
	buf_clear(out);
	buf_addspan(out, buf_span(&whole));
	buf_release(&whole);
}
