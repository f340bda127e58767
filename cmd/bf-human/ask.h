/*
 * ask: one question after the other at the terminal.
 *
 *	x = ask_new(o, loop, asked, arg, &e);
 *	ask_begin(x, call, &e);        asked() is called once, in a later turn
 *	ask_free(x);
 */
#ifndef BF_HUMAN_ASK_H
#define BF_HUMAN_ASK_H

#include "human.h"

enum asked {
	ASKED_ANSWERED,
	ASKED_SKIPPED,
	ASKED_QUIT,
	ASKED_GONE, /* the terminal is */
};

/* The text is borrowed. */
typedef void asked_fn(void *arg, enum asked how, struct span text);

struct ask;

/* NULL and e: there is no terminal. */
struct ask *ask_new(const struct human_options *o, struct loop *l, asked_fn *asked,
    void *arg, struct err *e);
int ask_begin(struct ask *x, const struct broker_call *c, struct err *e);
/* What is asked is soon told of as skipped, but for what is being edited. */
void ask_hurry(struct ask *x);
/* The same, and it is not told of. */
void ask_drop(struct ask *x);
void ask_free(struct ask *x); /* NULL does nothing */

#endif
