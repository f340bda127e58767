#include "io/utf8.h"
#include "print.h"

static void
add_spaces(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_addc(out, ' ');
}

static size_t
leading_spaces(struct span s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] == ' ')
		n++;
	return n;
}

/*
 * How many bytes of the line go into `room` columns: up to a space where there
 * is one, else as many characters as fit, and at least one.
 */
static size_t
fit(struct span line, size_t room)
{
	size_t at = 0, column = 0, space = 0, n, w;
	uint32_t c;
	bool in_word = false;

	while (at < line.n) {
		n = utf8_decode(line.p + at, line.n - at, &c);
		w = utf8_width(span_of(line.p + at, n));
		if (c == ' ' && in_word)
			space = at;
		if (column + w > room && c != ' ')
			return space > 0 ? space : at > 0 ? at : n;
		in_word = c != ' ';
		column += w;
		at += n;
	}
	return at;
}

/* One line of the text, broken where it must be. */
static void
add_line(
    struct buf *out, struct span line, size_t width, size_t column, size_t indent)
{
	size_t own = leading_spaces(line), n;

	if (own > width / 2)
		own = 0;
	for (;;) {
		n = fit(line, column < width ? width - column : 1);
		buf_add(out, line.p, n);
		while (out->len > 0 && out->data[out->len - 1] == ' ')
			out->len--;
		buf_addc(out, '\n');
		line = span_of(line.p + n, line.n - n);
		n = leading_spaces(line);
		line = span_of(line.p + n, line.n - n);
		if (line.n == 0)
			return;
		column = indent + own;
		add_spaces(out, column);
	}
}

void
wrap_add(
    struct buf *out, struct span text, size_t width, size_t column, size_t indent)
{
	const char *nl;
	struct span line;

	for (;;) {
		nl = memchr(text.p, '\n', text.n);
		line = span_of(text.p, nl == NULL ? text.n : (size_t)(nl - text.p));
		add_line(out, line, width, column, indent);
		if (nl == NULL)
			return;
		text = span_of(nl + 1, text.n - line.n - 1);
		column = indent;
		if (text.n > 0 && text.p[0] != '\n')
			add_spaces(out, indent);
	}
}
