/*
 * ecma: the regular expressions of ECMA-262 (with its "u" flag) as PCRE2's.
 *
 * Both mean the same by most of what is written in practice.  What they mean
 * differently is rewritten; what PCRE2 alone has, such as (?i) or \A, is an
 * error.  A brace or bracket that means itself need not be escaped.
 */
#ifndef BF_SCHEMA_ECMA_H
#define BF_SCHEMA_ECMA_H

#include "base/buf.h"
#include "io/regex.h"

/* 0, or -1 and e. */
int ecma_translate(struct buf *out, struct span pattern, struct err *e);

/* NULL and e. */
struct regex *ecma_regex(struct span pattern, struct err *e);

#endif
