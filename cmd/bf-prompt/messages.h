/*
 * messages: the messages of a request, as JSON, one behind the other.
 *
 * The last one stays open until the next begins: what else is said in its role
 * goes into it, behind an empty line, so that no two messages in a row have the
 * same role, which some providers refuse.
 */
#ifndef BF_PROMPT_MESSAGES_H
#define BF_PROMPT_MESSAGES_H

#include "image.h"

enum role { ROLE_NONE, ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT };

struct messages {
	struct buf *out; /* borrowed */
	enum role last;  /* ROLE_NONE: there is no message yet */
	bool open;
	size_t content; /* where the last one's content begins in out */
};

/* What is appended to out then, the contents of a JSON string, is said in it. */
void messages_begin(struct messages *m, enum role role);
void messages_end(struct messages *m);

/* Appends messages of which the last one is open, and an assistant's. */
void messages_append(struct messages *m, struct span open);

/*
 * Ends the last message, which is open, with the images of an entry in it.  0, or
 * -1 and e.
 */
int messages_images(
    struct messages *m, struct images *im, const struct entry *en, struct err *e);

#endif
