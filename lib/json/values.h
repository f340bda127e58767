/*
 * values: the values of a JSON text too large for memory, one by one.
 *
 * A text is any number of values with white space between them (as RFC 8259
 * has it of each, and in the way of jq).  Of an array at the top each element
 * is handed out, of everything else the value itself; each has been checked as
 * json_check() does.  Memory is in proportion to the longest one.
 *
 * An array that is not closed, a missing comma, one too many, a text without
 * any value: all are bad, and never an end.  After a bad value the reader does
 * not go on with that file, for it cannot know where the next value begins.
 */
#ifndef BF_JSON_VALUES_H
#define BF_JSON_VALUES_H

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum values_result {
	VALUES_END = 0,
	VALUES_VALUE = 1,
	VALUES_FAIL = -1, /* cannot read: e says why; see inbuf_fill() for its errnum */
	VALUES_BAD = -2,  /* no JSON: e says why, values_place() where */
};

struct values_reader;

/* max: bytes of the longest value. before: see inbuf_init(). */
struct values_reader *values_reader_new(size_t max, void (*before)(void *arg),
    void *arg);
void values_reader_free(struct values_reader *r);

/* Begins a file; takes over fd. */
void values_reader_open(struct values_reader *r, int fd);
/* See inbuf_no_wait(). */
void values_reader_no_wait(struct values_reader *r);

/* The value as it is written, borrowed until the next call. */
enum values_result values_read(struct values_reader *r, struct span *value,
    struct err *e);

/* Whether the value last handed out is an element of an array at the top. */
bool values_in_array(const struct values_reader *r);

/* Where that value begins; after VALUES_BAD, what is wrong. */
void values_place(struct values_reader *r, uint64_t *line, uint64_t *column);

#endif
