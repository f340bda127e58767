/*
 * inbuf: the bytes of a file in a buffer, for readers that look for more than
 * lines.
 *
 * What has been read and is still needed stands from start to end; the reader
 * moves start on, and asks for more with inbuf_fill(), which may move the
 * bytes: offsets that it keeps are best counted from start.  The buffer grows
 * while start stays, so a reader that has a longest record looks at its length
 * before it asks.  gzip and zstd are taken off (unpack.h), and so is a byte
 * order mark at the beginning.
 *
 * Places are lines and columns from 1; columns count bytes.
 */
#ifndef BF_IO_INBUF_H
#define BF_IO_INBUF_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unpack;

struct inbuf {
	char *data;
	size_t start; /* the first byte that is still needed */
	size_t end;
	bool eof; /* nothing comes after end */

	/* the rest is inbuf's own */
	size_t cap;
	struct unpack *in;
	void (*before)(void *arg);
	void *arg;
	bool no_wait;
	size_t held;     /* bytes behind end that are not yet to be seen */
	bool begun;      /* a byte order mark is behind start, if there was one */
	size_t counted;  /* up to here, line and column are known */
	uint64_t line;   /* of counted */
	uint64_t column; /* of counted */
};

/* before is called ahead of each read(2): a stage flushes its output there. */
void inbuf_init(struct inbuf *b, void (*before)(void *arg), void *arg);
void inbuf_release(struct inbuf *b);

/* Begins a file; takes over fd. */
void inbuf_open(struct inbuf *b, int fd);

/*
 * More bytes behind end, or eof; 0.  -1 and e, errnum EINTR after a stop
 * request; EAGAIN under inbuf_no_wait(), and then it may be called again.
 */
int inbuf_fill(struct inbuf *b, struct err *e);
void inbuf_no_wait(struct inbuf *b);

/* The place of data[at], which is not before what start was at the last fill. */
void inbuf_place(struct inbuf *b, size_t at, uint64_t *line, uint64_t *column);

#endif
