/*
 * uri: references resolved as RFC 3986, section 5, says.
 */
#ifndef BF_SCHEMA_URI_H
#define BF_SCHEMA_URI_H

#include "base/buf.h"

/* SPAN_NONE is a part that is not there; a path always is. */
struct uri {
	struct span scheme, authority, path, query, fragment;
};

/* After the expression of RFC 3986, appendix B: any text has these parts. */
void uri_split(struct uri *u, struct span text);

/* What a reference means in a document whose URI is base, without its fragment. */
void uri_resolve(struct buf *out, struct span base, struct span reference);

/* With %41 as A; what is no such escape stays. */
void uri_decode(struct buf *out, struct span text);

/* By the grammar; absolute: it has a scheme. */
bool uri_is_valid(struct span text, bool absolute);

#endif
