/*
 * url: an http or https URL taken apart and put in one form (RFC 3986), by libcurl,
 * so that what is checked is what is connected to.
 */
#ifndef BF_HTTP_URL_H
#define BF_HTTP_URL_H

#include "base/buf.h"
#include "base/err.h"

struct url {
	struct buf text; /* without a fragment, its dots resolved */
	struct buf
	    origin; /* SCHEME://HOST:PORT, in lower case, the port always named */
	struct buf host;
};

/*
 * Fills u, whose memory is reused: with text, relative to base unless that is NULL.
 * -1 and e: it is none, of another scheme, or holds a user or a password.
 */
int url_read(struct url *u, const char *base, const char *text, struct err *e);
void url_release(struct url *u);

/* ---- without libcurl ---- */

/* Appends text with all but unreserved characters percent-encoded: a part of a part. */
void url_add_encoded(struct buf *out, struct span text);

/* A URL as people write it: white space around it goes, what none may hold is encoded. */
void url_add_written(struct buf *out, struct span text);

#endif
