#include "io/statusline.h"

#include "base/buf.h"
#include "io/clock.h"
#include "io/fdio.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CLEAR "\r\033[K"

enum { PLAIN_EVERY = 1000000, WIDTH = 80 };

static struct {
	bool open;
	bool in_place;
	bool visible;
	bool waits;      /* without a place: not written yet */
	int64_t written; /* without a place */
	struct buf line;
} status;

static bool
can_redraw(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term != NULL && *term != '\0' &&
	       strcmp(term, "dumb") != 0;
}

bool
statusline_open(enum statusline_when when)
{
	status.in_place = can_redraw();
	status.open = when == STATUSLINE_ALWAYS ||
		      (when == STATUSLINE_AUTO && status.in_place);
	return status.open;
}

unsigned
statusline_width(void)
{
	struct winsize w;

	if (status.in_place && ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 &&
	    w.ws_col > 0)
		return w.ws_col;
	return WIDTH;
}

bool
statusline_has_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return status.in_place && (no == NULL || *no == '\0');
}

static void
put(const char *before, struct span line, const char *after)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
	struct buf b = BUF_INIT;

	if (poll(&p, 1, 0) > 0 && (p.revents & POLLOUT) != 0) {
		buf_adds(&b, before);
		buf_addspan(&b, line);
		buf_adds(&b, after);
		(void)fd_write(STDERR_FILENO, b.data, b.len);
	}
	buf_release(&b);
}

static void
put_plain(void)
{
	put("", buf_span(&status.line), "\n");
	status.written = clock_mono_us();
	status.waits = false;
}

void
statusline_draw(struct span line)
{
	if (!status.open)
		return;
	buf_clear(&status.line);
	buf_addspan(&status.line, line);
	status.waits = true;
	if (status.in_place) {
		put("\r", line, "\033[K");
		status.visible = true;
	} else if (clock_mono_us() - status.written >= PLAIN_EVERY)
		put_plain();
}

void
statusline_hide(void)
{
	if (status.visible)
		put(CLEAR, SPAN_NONE, "");
	status.visible = false;
}

void
statusline_show(void)
{
	if (!status.open || !status.in_place || status.line.len == 0)
		return;
	put("\r", buf_span(&status.line), "\033[K");
	status.visible = true;
}

void
statusline_close(void)
{
	statusline_hide();
	if (status.open && !status.in_place && status.waits)
		put_plain();
	status.open = false;
	buf_release(&status.line);
}
