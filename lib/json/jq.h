/*
 * jq: expressions in jq's language, by way of libjq
 * (https://jqlang.org), which is loaded when an expression is met and not before:
 * compiling its builtins takes 10 ms.
 *
 * What holds is as jq has it: all but false and null.
 */
#ifndef BF_JSON_JQ_H
#define BF_JSON_JQ_H

#include "base/buf.h"
#include "base/err.h"

struct jq;

/* NULL and e: libjq is not there, or the program does not compile. */
struct jq *jq_open(const char *program, struct err *e);

/*
 * 1: some output of the program for this checked JSON text is neither false nor
 * null, 0: none is, -1 and e: it fails on it.
 */
int jq_is_true(struct jq *jq, struct span text, struct err *e);

/*
 * Appends the first output as compact JSON: 1, 0: there is none, -1 and e: it
 * fails. Numbers are as libjq has them: 1.6 keeps 17 digits.
 */
int jq_first(struct jq *jq, struct span text, struct buf *out, struct err *e);

void jq_close(struct jq *jq); /* NULL does nothing */

#endif
