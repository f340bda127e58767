/*
 * stream: answers that come in pieces, as server-sent events (WHATWG HTML, 9.2),
 * put together to what would have come in one.
 *
 * The ledger keeps that body, so that nobody who reads it need know how an answer
 * was carried, and the response has the same bytes either way.  What is not asked
 * for by a dialect's answer() (ids of chunks, padding) may be missing in it.
 *
 * An answer is whole when its stream says so: a connection that ends in good order
 * before that is no end of the answer.  An error in the middle of a stream takes
 * the answer's place, as an error with status 200 would.
 */
#ifndef BF_DIALECTS_STREAM_H
#define BF_DIALECTS_STREAM_H

#include "base/buf.h"
#include "base/err.h"

/* The events of a stream, one after the other. */
struct sse {
	struct span rest;
	struct buf lines; /* the data of an event of several lines */
};
/*
 * The next event's data; events without any and comments are passed over.  Borrowed
 * until the next call.  false at the end.
 */
bool sse_next(struct sse *s, struct span *data);
void sse_release(struct sse *s);

/*
 * One more event of a stream, checked JSON; SPAN_NONE: "[DONE]".  1: it was the last one, 0: more are to come,
 * -1 and e where it makes no sense.
 */
typedef int stream_take(void *state, struct span data, struct err *e);

/*
 * Gives all events to take.  0 when one was the last; 1 where one is an error, whose
 * data was appended to out then; -1 and e: the stream is none, or is cut.
 */
int stream_read(struct buf *out, struct span events, stream_take *take, void *state,
    struct err *e);

/* A value of several events: the first that is there, or the last one. */
void stream_keep(struct buf *kept, struct span value);
void stream_keep_last(struct buf *kept, struct span value);
/* A member at the end of an object that is being written; nothing for no value. */
void stream_add(struct buf *out, const char *name, struct span value);

/* Each dialect's: struct dialect's join. */
int chat_join(struct buf *out, struct span events, struct err *e);
int responses_join(struct buf *out, struct span events, struct err *e);
int anthropic_join(struct buf *out, struct span events, struct err *e);
int gemini_join(struct buf *out, struct span events, struct err *e);

#endif
