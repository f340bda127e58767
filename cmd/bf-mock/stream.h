/*
 * stream: answers as server-sent events (WHATWG HTML, 9.2).
 *
 * An event is written between stream_event() and stream_end():
 *	event: NAME
 *	data: JSON
 * and an empty line.  The whole stream is in a buffer before any of it is sent;
 * what is to go wrong in it is done to the buffer.
 */
#ifndef BF_MOCK_STREAM_H
#define BF_MOCK_STREAM_H

#include "faults.h"

/* name NULL: the event has none. */
void stream_event(struct buf *out, const char *name);
void stream_end(struct buf *out);

/*
 * Cuts the next piece off the contents of a JSON string: to the end of a word,
 * a few bytes at most, never inside of a character or an escape.  False when
 * nothing is left.
 */
bool stream_piece(struct span *rest, struct span *piece);

/* Keeps the first half of the events; how many those are. */
size_t stream_cut(struct buf *out);
void stream_crlf(struct buf *out); /* every line ends in \r\n */

#endif
