/* print: what the parts of bf-print share. */
#ifndef BF_PRINT_H
#define BF_PRINT_H

#include "base/buf.h"
#include "io/visible.h"

/*
 * Appends visible text in lines of at most width columns, each ended by \n.
 * What fits is left as it is; what does not is broken at spaces, or within a
 * word that is longer than a line.  Lines but the first are indented by indent
 * and, where a line of the text is continued, by that line's own indentation.
 * column is where the first line begins.
 */
void wrap_add(struct buf *out, struct span text, size_t width, size_t column,
    size_t indent);

#endif
