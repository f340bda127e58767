/*
 * query: a value within a JSON text: by a JSON Pointer (RFC 6901) where it begins
 * with "/", else by an expression in jq's language.
 *
 * A plain jq path (.a.b[0]) is looked up as a path (path.h), with which every value
 * stays as it was written; other expressions go through libjq (jq.h), to which
 * numbers are doubles.
 */
#ifndef BF_JSON_QUERY_H
#define BF_JSON_QUERY_H

#include "base/buf.h"
#include "base/err.h"

struct query;

/* NULL and e: not well formed, or libjq is not there. */
struct query *query_open(const char *text, struct err *e);
void query_free(struct query *q); /* NULL does nothing */

/*
 * Appends what it finds in a checked text, compact: 1; 0: nothing, or null; -1 and
 * e: the expression fails on it.
 */
int query_get(struct query *q, struct span text, struct buf *out, struct err *e);

#endif
