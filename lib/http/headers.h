/*
 * headers: what an answer's headers say, as bytes from a server.
 */
#ifndef BF_HTTP_HEADERS_H
#define BF_HTTP_HEADERS_H

#include "base/buf.h"

/*
 * Puts into out the value of the header of that name, in lower case, in the lines of
 * an answer; of several the last, but those of "link", a list, follow each other.
 */
void headers_find(struct span lines, const char *name, struct buf *out);

/*
 * A parameter of a value, as utf-8 is in "text/html; charset=utf-8", its quotes gone;
 * SPAN_NONE.
 */
struct span headers_parameter(struct span value, const char *name);

/* The target of the link whose rel is next, in the value of "link" (RFC 8288); SPAN_NONE. */
struct span headers_next_link(struct span value);

#endif
