#include "base/msg.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Up to PIPE_BUF (4096 on Linux) a write to a pipe is not mixed with those of
 * others, so no message is longer.
 */
#define LINE_MAX_BYTES 4096
#define CUT            "..."

static const char *program = "bf";
static enum msg_level level = MSG_NORMAL;

struct line {
	char data[LINE_MAX_BYTES];
	size_t len;
	int full;
};

void
msg_init(const char *name)
{
	program = name;
}

const char *
msg_program(void)
{
	return program;
}

void msg_set_level(enum msg_level new)
{
	level = new;
}

enum msg_level
msg_level(void)
{
	return level;
}

/* Whole pieces only, leaving room for the mark of a cut and the newline. */
static void
line_add(struct line *l, const char *p, size_t n)
{
	if (l->full || n > sizeof(l->data) - sizeof(CUT) - l->len) {
		l->full = 1;
		return;
	}
	memcpy(l->data + l->len, p, n);
	l->len += n;
}

static void
line_add_hex(struct line *l, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	char esc[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};

	line_add(l, esc, sizeof(esc));
}

/* Bytes of the UTF-8 character at p, 0 if it is none or a control (C1). */
static size_t
shown_character(const unsigned char *p)
{
	size_t i, n;

	n = p[0] >= 0xf0 && p[0] <= 0xf4  ? 4
	    : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
	    : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
					  : 0;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0; /* also at the NUL */
	if (p[0] == 0xc2 && p[1] < 0xa0)
		return 0;
	/* Overlong forms, surrogates, too large. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))
		return 0;
	return n;
}

static void
line_add_escaped(struct line *l, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n;

	while (*p != '\0' && !l->full) {
		n = 1;
		if (*p >= 0x20 && *p < 0x7f)
			line_add(l, (const char *)p, 1);
		else if (*p == '\n')
			line_add(l, "\\n", 2);
		else if (*p == '\t')
			line_add(l, "\\t", 2);
		else if (*p == '\r')
			line_add(l, "\\r", 2);
		else if (*p >= 0x80 && (n = shown_character(p)) > 0)
			line_add(l, (const char *)p, n);
		else {
			line_add_hex(l, *p);
			n = 1;
		}
		p += n;
	}
}

/* A message that cannot be written is lost; there is nobody left to tell. */
static void
line_write(const struct line *l)
{
	struct pollfd pfd = {.fd = STDERR_FILENO, .events = POLLOUT};
	size_t done = 0;
	ssize_t n;

	while (done < l->len) {
		n = write(STDERR_FILENO, l->data + done, l->len - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			poll(&pfd, 1, -1);
		else if (errno != EINTR)
			return;
	}
}

__attribute__((format(printf, 1, 0))) static void
message(const char *fmt, va_list ap)
{
	struct line l;
	char text[LINE_MAX_BYTES];
	int saved = errno;
	int n;

	l.len = 0;
	l.full = 0;
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		text[0] = '\0';
	line_add_escaped(&l, program);
	line_add(&l, ": ", 2);
	line_add_escaped(&l, text);
	if (l.full || n >= (int)sizeof(text)) {
		memcpy(l.data + l.len, CUT, sizeof(CUT) - 1);
		l.len += sizeof(CUT) - 1;
	}
	l.data[l.len++] = '\n';
	line_write(&l);
	errno = saved;
}

void
msg_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
}

void
msg_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
}

void
msg_info(const char *fmt, ...)
{
	va_list ap;

	if (level < MSG_NORMAL)
		return;
	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
}

void
msg_debug(const char *fmt, ...)
{
	va_list ap;

	if (level < MSG_VERBOSE)
		return;
	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
}

void
msg_die(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	exit(status);
}
