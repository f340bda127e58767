/*
 * visible: text from outside, for a terminal: nothing in it can drive one.
 */
#ifndef BF_IO_VISIBLE_H
#define BF_IO_VISIBLE_H

#include "base/buf.h"

/*
 * Appends text.  Lines end at \n, tabs become spaces, control characters and
 * those that turn the direction of writing are shown as \x1b or \u202e; what is
 * no UTF-8 becomes U+FFFD.
 */
void visible_add(struct buf *out, struct span text);
/* The same on one line: newlines become spaces. */
void visible_add_line(struct buf *out, struct span text);

/* A line's width in columns, and the line with blanks up to a width. */
size_t visible_width(struct span text);
void visible_add_column(struct buf *out, struct span text, size_t width);

#endif
