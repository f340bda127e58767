/*
 * delimited: rows of CSV and TSV from a file of any size.
 *
 * CSV is that of RFC 4180 with any delimiter: a cell in quotes may hold
 * delimiters, line ends and, doubled, quotes, all kept byte for byte.  A quote
 * elsewhere than at a cell's beginning is data.  TSV has no quotes: \t, \n, \r
 * and \\ stand for a tab, a newline, a carriage return and a backslash; any
 * other backslash is data.
 *
 * A row ends at a newline, before which a carriage return is taken off, or at
 * the end of the file.  A byte order mark is taken off.  NUL bytes are data.
 * Cells are UTF-8.  Blank lines of CSV are passed over; in TSV one is a row of
 * one empty cell, since there is no other way to write that.
 *
 * A bad row is told once; the next call goes on with the row after it.
 */
#ifndef BF_IO_DELIMITED_H
#define BF_IO_DELIMITED_H

#include "base/err.h"
#include "base/span.h"

#include <stdint.h>

enum delimited_kind { DELIMITED_CSV, DELIMITED_TSV };

enum delimited_result {
	DELIMITED_END = 0,
	DELIMITED_ROW = 1,
	DELIMITED_FAIL = -1, /* cannot read: e says why; see inbuf_fill() for its errnum */
	DELIMITED_BAD = -2,  /* e says why this row is none, delimited_place() where */
};

/* Cells with quotes and escapes taken off; borrowed until the next call. */
struct delimited_row {
	const struct span *cells;
	size_t n; /* at least 1 */
};

struct delimited_reader;

/* max: bytes of the longest row. before: see inbuf_init(). */
struct delimited_reader *delimited_reader_new(size_t max, void (*before)(void *arg),
    void *arg);
void delimited_reader_free(struct delimited_reader *r);

/* Begins a file; takes over fd. delimiter: of CSV, an ASCII character. */
void delimited_reader_open(struct delimited_reader *r, int fd,
    enum delimited_kind kind, char delimiter);
/* See inbuf_no_wait(). */
void delimited_reader_no_wait(struct delimited_reader *r);

enum delimited_result delimited_read(struct delimited_reader *r,
    struct delimited_row *row, struct err *e);

/* The place of a cell of the row last handed out; after DELIMITED_BAD, what is wrong. */
void delimited_place(struct delimited_reader *r, size_t cell, uint64_t *line,
    uint64_t *column);

#endif
