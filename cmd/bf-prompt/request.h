/*
 * request: the request that an entry makes.
 *
 * Its constant parts are rendered once; an entry costs the copying of its own
 * spans between them.  With a history, whose messages depend on each other, they
 * are made one by one.
 */
#ifndef BF_PROMPT_REQUEST_H
#define BF_PROMPT_REQUEST_H

#include "history.h"

#include "json/template.h"

struct param {
	struct span key;  /* borrowed */
	struct buf value; /* JSON */
};

struct request {
	/* What it is made of. */
	struct span model; /* p NULL: it names none; borrowed */
	struct param *params;
	size_t nparams;
	struct template *system; /* NULL: there is none */
	struct template *user;   /* the same, with a history */
	struct images images;
	struct history history;
	struct buf examples; /* messages, the last one open; or nothing */

	/* The last one made. */
	struct buf text;

	struct buf head;    /* {"model":..,"messages":[{..,"content":" */
	struct buf between; /* from the system text to the user's content */
	struct buf tail;    /* behind the user's content, to the closing brace */
};

void request_init(struct request *r);

/* The parameter of that name, without a value if it is new. */
struct param *request_param(struct request *r, struct span key);

/* Once all is there that it is made of. */
void request_prepare(struct request *r);

/* 0, or -1, e, and the failure's class. */
int request_make(
    struct request *r, const struct entry *en, const char **class, struct err *e);

void request_release(struct request *r);

#endif
