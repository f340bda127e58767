/*
 * secrets: values of environment variables that requests carry and records do not.
 *
 * In a text that is kept or shown ${NAME} stands for one.
 */
#ifndef BF_HTTP_SECRETS_H
#define BF_HTTP_SECRETS_H

#include "base/buf.h"
#include "base/err.h"

struct secrets {
	char **names;
	const char **values; /* NULL at the end */
	char **encoded;      /* the same as a URL has them */
	size_t n;
};

/* Takes a variable up. -1 and e: it is not set, or to nothing. */
int secrets_add(struct secrets *s, struct span name, struct err *e);

/* SPAN_NONE: it was not taken up. */
struct span secrets_value(const struct secrets *s, struct span name);

/* Appends text, with values for their ${NAME}, as a URL has them; or the other way
 * round, whichever way they are written. */
void secrets_show(const struct secrets *s, struct span text, struct buf *out);
void secrets_hide(const struct secrets *s, struct span text, struct buf *out);

/* The values are the environment's, and stay. */
void secrets_release(struct secrets *s);

#endif
