/*
 * incomplete: the line that ends a stream which is not the whole.
 *
 *	{"incomplete":{"by":"bf-llm","why":"interrupted","status":130}}
 *
 * It is an object whose only member is "incomplete", an object with string
 * "by", the command that stopped, string "why" and integer "status", its exit
 * status.  Who reads it takes no line after it and passes it on.
 */
#ifndef BF_JSON_INCOMPLETE_H
#define BF_JSON_INCOMPLETE_H

#include "base/buf.h"

/*
 * Whether a line is the mark.  A status that is no exit status of a failure (1
 * to 255) reads as 2.
 */
bool incomplete_is(struct span line, int *status);

/* Appends the mark and a newline. */
void incomplete_add(struct buf *out, const char *by, const char *why, int status);

/*
 * Appends a mark's why for a message of that command: "interrupted", or
 * "incomplete input: bf-llm: interrupted" where it was another that stopped.
 */
void incomplete_why(struct buf *out, struct span line, const char *command);

#endif
