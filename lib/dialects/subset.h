/* subset: whether a JSON Schema stays within what Anthropic's formats take. */
#ifndef BF_DIALECTS_SUBSET_H
#define BF_DIALECTS_SUBSET_H

#include "dialects/ask.h"

/*
 * 0, or -1 and a->e with the place and what is wrong there: every object says
 * "additionalProperties": false; no limits of numbers, lengths or counts
 * (minItems 0 and 1 excepted); $ref only within the schema, and nothing refers
 * to itself.  What is data (enum, const, default, examples) is not looked into.
 */
int subset_check(struct ask *a, struct span schema);

#endif
