/*
 * examples: entries with the answers that they should have, as messages.
 *
 * Of each line of a file, packed or not, a user's message is made with a
 * template, and with its answer an assistant's.
 */
#ifndef BF_PROMPT_EXAMPLES_H
#define BF_PROMPT_EXAMPLES_H

#include "messages.h"

#include "json/template.h"

#define EXAMPLES_MAX ((size_t)64 << 20) /* bytes of their messages */

struct examples {
	const char *path;
	const char *answer; /* the field with the answer, by its path */
	const struct template *user;
	struct images *images;
	size_t max_line;
};

/*
 * Appends at least two messages to out, of which the last is open.  0, or -1 and e,
 * which names the file, and the line and the field where it is one of these.
 */
int examples_read(const struct examples *x, struct buf *out, struct err *e);

#endif
