/*
 * replies: prepared answers, found by the last user message.
 *
 * A file of JSON Lines,
 *	{"match":TEXT,"reply":TEXT-OR-MESSAGE,"status":N,"finish_reason":TEXT}
 * of which the first line whose match is the whole message answers it, else
 * the first whose match is contained in it.  An empty match is contained in
 * everything.  Looking one up takes time in proportion to the message, not to
 * the file: every match of eight bytes and more is found by eight bytes from
 * its middle, in one pass over the message.
 */
#ifndef BF_MOCK_REPLIES_H
#define BF_MOCK_REPLIES_H

#include "base/err.h"
#include "base/span.h"

#include <stdint.h>

struct reply {
	struct span match;
	struct span content;       /* contents of a JSON string; or SPAN_NONE */
	struct span message;       /* an object to use as the whole message */
	struct span finish_reason; /* SPAN_NONE: the usual one */
	int status;                /* 200, or an error whose message is the reply */
	uint32_t next_whole;       /* chains of the two tables, by index + 1 */
	uint32_t next_gram;
};

struct replies;

/* NULL and e, naming file and line. */
struct replies *replies_load(const char *path, struct err *e);
const struct reply *replies_find(const struct replies *rs, struct span message);
void replies_free(struct replies *rs);

#endif
