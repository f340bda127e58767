/*
 * history: a conversation that an entry holds, as messages.
 *
 * It is an array of turns, {"role":NAME,"content":TEXT}; their other members are
 * passed over.  Seen by one of the speakers, that one's own turns are the
 * assistant's and all others' the user's; where more than one other speaks, each
 * of their turns is led by "NAME: ".  A system turn is one from every view.
 */
#ifndef BF_PROMPT_HISTORY_H
#define BF_PROMPT_HISTORY_H

#include "messages.h"

struct history {
	struct path *path; /* NULL: there is none */
	struct span as;    /* whose view; p NULL: the roles as they are */
	struct buf first, other;
};

/* Nothing where the entry has no such field.  0, or -1 and e, which names it. */
int history_render(
    struct history *h, struct messages *m, const struct entry *en, struct err *e);

void history_release(struct history *h);

#endif
