#include "io/visible.h"

#include "io/utf8.h"

/* C0 and C1 controls, line separators, and what overrides text direction. */
static bool
is_harmful(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029 ||
	       c == 0x200e || c == 0x200f || c == 0x061c ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	       c == 0xfeff;
}

static void
add_tab(struct buf *out)
{
	const char *line = out->len == 0 ? NULL
					 : memrchr(out->data, '\n', out->len);
	size_t start = line == NULL ? 0 : (size_t)(line - out->data) + 1;
	size_t column = utf8_width(span_of(out->data + start, out->len - start));

	do
		buf_addc(out, ' ');
	while (++column % 8 != 0);
}

static void
add_char(struct buf *out, const char *p, size_t n, uint32_t c)
{
	if (c == '\t')
		add_tab(out);
	else if (!is_harmful(c))
		buf_add(out, p, n);
	else if (c < 0x100)
		buf_addf(out, "\\x%02x", c);
	else
		buf_addf(out, "\\u%04x", c);
}

static void
add(struct buf *out, struct span text, char newline)
{
	uint32_t c;
	size_t i = 0, n;

	while (i < text.n) {
		n = utf8_decode(text.p + i, text.n - i, &c);
		if (n == 0) {
			n = 1;
			buf_adds(out, "\xef\xbf\xbd");
		} else if (c == '\n')
			buf_addc(out, newline);
		else if (c == '\r' && i + 1 < text.n && text.p[i + 1] == '\n')
			;
		else
			add_char(out, text.p + i, n, c);
		i += n;
	}
}

void
visible_add(struct buf *out, struct span text)
{
	add(out, text, '\n');
}

void
visible_add_line(struct buf *out, struct span text)
{
	add(out, text, ' ');
}

size_t
visible_width(struct span text)
{
	struct buf shown = BUF_INIT;
	size_t n;

	visible_add_line(&shown, text);
	n = utf8_width(buf_span(&shown));
	buf_release(&shown);
	return n;
}

void
visible_add_column(struct buf *out, struct span text, size_t width)
{
	visible_add_line(out, text);
	for (size_t n = visible_width(text); n < width; n++)
		buf_addc(out, ' ');
}
