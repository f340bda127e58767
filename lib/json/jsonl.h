/*
 * jsonl: lines in, lines out.
 *
 * The reader works on read(2) and a buffer that grows to max_line; lines end
 * at \n and at nothing else (U+2028, NEL, VT, FF are data).  A carriage return
 * before the \n is taken off, a byte order mark at the start of a file too,
 * the last line may lack its newline, blank lines (nothing but spaces and tabs)
are counted and passed over.
 * .gz and .zst are unpacked (io/unpack.h).
 *
 * A line that is too long or holds a NUL byte is bad: jsonl_read() says so
 * once and goes on at the next newline if it is called again.
 *
 * The texts of errors name neither file nor line: jsonl_name(), jsonl_lineno()
 * and jsonl_bad_column() do.
 */
#ifndef BF_JSON_JSONL_H
#define BF_JSON_JSONL_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

enum jsonl_result {
	JSONL_END = 0,
	JSONL_LINE = 1,
	JSONL_AGAIN = 2, /* only after jsonl_reader_no_wait(): no whole line is there yet */
	JSONL_FAIL = -1, /* cannot go on: e says why; errnum EINTR after a stop request */
	JSONL_BAD = -2,  /* this line is unusable: e says why; the next call goes on */
};

struct jsonl_reader;

/* Called before each read(2): a stage flushes its output here. */
typedef void jsonl_before_read(void *arg);

struct jsonl_reader *jsonl_reader_new(size_t max_line, jsonl_before_read *before,
    void *arg);
void jsonl_reader_free(struct jsonl_reader *r);

/* Begins a file; takes over fd. name is borrowed, for messages. */
void jsonl_reader_open(struct jsonl_reader *r, int fd, const char *name);

/*
 * Begins a text that is in memory and stays there: lines are borrowed from it,
 * for as long as it is.
 */
void jsonl_reader_open_text(struct jsonl_reader *r, struct span text, const char *name);

/*
 * From now on jsonl_read() does not wait for input: where read(2) would block
 * it returns JSONL_AGAIN, and the caller polls jsonl_reader_fd() (-1 when
 * nothing is open; a regular file is always ready).
 */
void jsonl_reader_no_wait(struct jsonl_reader *r);
int jsonl_reader_fd(const struct jsonl_reader *r);

/* The line is borrowed until the next call. */
enum jsonl_result jsonl_read(struct jsonl_reader *r, struct span *line, struct err *e);

const char *jsonl_name(const struct jsonl_reader *r);
uint64_t jsonl_lineno(const struct jsonl_reader *r); /* of the line last returned; from 1 */
/* Bytes to add to an offset in the line for its column: the mark taken off the first line. */
size_t jsonl_column_shift(const struct jsonl_reader *r);
/* After JSONL_BAD: the column of what is wrong, in bytes from 1. */
size_t jsonl_bad_column(const struct jsonl_reader *r);

/*
 * The writer: a buffer in front of a descriptor.  The first failed write is
 * kept; later calls return -1 at once, so that a caller may check now and then.
 */
struct jsonl_writer {
	int fd;
	struct buf out;
	int failed; /* errno of the first failure */
};

void jsonl_writer_init(struct jsonl_writer *w, int fd);
void jsonl_writer_release(struct jsonl_writer *w);
/* Where to append whole lines; follow it with jsonl_written(). */
static inline struct buf *
jsonl_out(struct jsonl_writer *w)
{
	return &w->out;
}
int jsonl_written(struct jsonl_writer *w);                   /* flushes what has grown large; 0 or -1, errno */
int jsonl_write_line(struct jsonl_writer *w, struct span line); /* and a newline */
int jsonl_flush(struct jsonl_writer *w);                     /* 0, or -1 and errno */

#endif
