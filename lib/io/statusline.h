/*
 * statusline: one line on standard error that is drawn over and over.
 *
 * On a terminal it is drawn in place.  Elsewhere, or where TERM is dumb, it is
 * a line of its own, once a second and at the end.  A message goes between
 * statusline_hide() and statusline_show(), so that neither tears the other.
 * Like msg it writes to standard error: that is its work.  It never waits for a
 * terminal that takes nothing, and what cannot be written is lost.
 */
#ifndef BF_IO_STATUSLINE_H
#define BF_IO_STATUSLINE_H

#include "base/span.h"

enum statusline_when {
	STATUSLINE_AUTO, /* where standard error is a terminal that can redraw */
	STATUSLINE_ALWAYS,
	STATUSLINE_NEVER,
};

/* Whether there is to be one; the other functions do nothing where there is none. */
bool statusline_open(enum statusline_when when);

/* Columns that a line may have now: the window may change its size. */
unsigned statusline_width(void);

/* Whether colours are wanted: on a terminal, unless NO_COLOR is set (no-color.org). */
bool statusline_has_colour(void);

void statusline_draw(struct span line);
void statusline_hide(void);
void statusline_show(void);  /* again, what was hidden */
void statusline_close(void); /* takes it away, or ends it with a last line */

#endif
