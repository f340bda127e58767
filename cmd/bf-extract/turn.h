/*
 * turn: what was extracted, as the next turn of a conversation.
 *
 * A conversation is an array of turns, {"role":NAME,"content":TEXT}.  All that
 * is in it stays as it was, byte for byte.
 */
#ifndef BF_EXTRACT_TURN_H
#define BF_EXTRACT_TURN_H

#include "base/buf.h"
#include "base/err.h"

struct turn {
	struct buf field; /* where the conversation is; empty: not asked for */
	struct span role; /* who speaks; p NULL: not said; borrowed */
	struct buf turns; /* JSON, of the last turn_add() */
	struct buf content;
};

/*
 * Behind the name of who speaks, where a text begins with it, and the white space
 * around it: "Ada:", "**Ada:**", "**Ada**:", "[Ada]", "[Ada]:", in either case of
 * ASCII letters.  All of it where it does not.
 */
struct span turn_untagged(struct span text, struct span role);

/*
 * Makes turns of the conversation so far (SPAN_NONE: there is none), and of a
 * value: a string is what was said, of any other it is its JSON.  0; -1 and e:
 * those are no turns; 1: nothing was said.
 */
int turn_add(struct turn *t, struct span turns, struct span value, struct err *e);

void turn_release(struct turn *t);

#endif
