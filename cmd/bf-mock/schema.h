/*
 * schema: makes a JSON text that satisfies a JSON Schema.
 *
 * Objects have all of their properties and what else is required, arrays their
 * minItems and at least one element, of anyOf and oneOf the first branch is
 * taken; below a depth of DEEP only what must be is there, so that recursive
 * schemas come to an end.  Types may be in capitals, as Gemini writes them.
 * What it cannot satisfy by construction, such as a pattern, is an error.
 * The same schema and seed give the same text.
 */
#ifndef BF_MOCK_SCHEMA_H
#define BF_MOCK_SCHEMA_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

/* Appends the text. schema: checked JSON. 0, or -1 and e. */
int schema_make(struct buf *out, struct span schema, uint64_t seed, struct err *e);

#endif
