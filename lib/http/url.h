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

#endif
