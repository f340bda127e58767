/*
 * reask: the request that is made of another one when its answer was not what was
 * asked for.
 *
 * It is part of a completion key, and so is every word in it: who changes one has
 * all users pay again for what they have in their ledgers.
 */
#ifndef BF_ANSWER_REASK_H
#define BF_ANSWER_REASK_H

#include "base/buf.h"
#include "json/json.h"

#include <stdint.h>

/* How it is different. */
struct reask {
	struct span model;       /* text; p NULL: the request's own */
	struct span temperature; /* a JSON number; p NULL: the request's own */
	int64_t max_tokens;      /* 0: the request's own */
	/*
	 * What goes back: the answer's text, and an error object as judge_error()
	 * has it.  p NULL: nothing, the same is asked.
	 */
	struct span answer, error;
	struct span schema; /* shown where the request has it not */
};

/* body: a chat completion's in the OpenAI form, with "messages". */
void reask_write(struct buf *out, struct span body, const struct reask *r);

#endif
