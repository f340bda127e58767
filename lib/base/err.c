#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * A text that was cut ends in "..."; the cut falls between characters, so that
 * what was UTF-8 stays it.
 */
static void
mark_cut(char *text, size_t size)
{
	size_t end = size - 1 - 3;

	while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
		end--;
	memcpy(text + end, "...", 4);
}

__attribute__((format(printf, 3, 0))) static void
format(char *text, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(text, size, fmt, ap);

	if (n < 0)
		text[0] = '\0';
	else if ((size_t)n >= size)
		mark_cut(text, size);
}

int
err_set(struct err *e, const char *fmt, ...)
{
	va_list ap;
	char text[sizeof(e->text)];

	/* An argument may be e->text itself. */
	va_start(ap, fmt);
	format(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(e->text, text, sizeof(text));
	e->errnum = 0;
	return -1;
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	va_list ap;
	char text[sizeof(e->text) - 100];
	int errnum = errno;

	va_start(ap, fmt);
	format(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(e->text, sizeof(e->text), "%s: %s", text, strerror(errnum));
	e->errnum = errnum;
	errno = errnum;
	return -1;
}

int
err_prefix(struct err *e, const char *fmt, ...)
{
	va_list ap;
	char old[sizeof(e->text)];
	char prefix[sizeof(e->text) / 2];
	int n;

	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	format(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	n = snprintf(e->text, sizeof(e->text), "%s: %s", prefix, old);
	if (n >= (int)sizeof(e->text))
		mark_cut(e->text, sizeof(e->text));
	return -1;
}
