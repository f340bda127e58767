/*
 * inlined: images and other files that are within a request, and what the ledger
 * keeps of them.
 *
 * They are data: URLs in base64 (RFC 2397, RFC 4648), wherever a request has one
 * as its member "url", "image_url" or "file_data".  The ledger keeps of such a URL
 *
 *	data:MEDIA;base64,DATA
 *	digest:MEDIA;blake2b=<32 hex>;bytes=<decimal>
 *
 * the BLAKE2b-128 (RFC 7693) of the bytes, as `b2sum -l 128` prints it, and how
 * many they are.  DATA of which no encoder would be the author stays as it is, so
 * that each digest stands for one text only.  No provider knows the scheme
 * "digest:", and request_read() refuses it.
 *
 * All texts are canonical JSON (json_canon()).
 */
#ifndef BF_ENGINE_INLINED_H
#define BF_ENGINE_INLINED_H

#include "base/buf.h"

/* The text with digests: itself where nothing is inlined, else put into scratch. */
struct span inlined_digest(struct span text, struct buf *scratch);

/* Whether there are digests in it. */
bool inlined_is_digest(struct span text);

/*
 * How many bytes of text it is like, for estimates of its tokens: the bytes of an
 * image are none, and what it is taken for does not depend on how it is kept.
 */
size_t inlined_size(struct span text);

#endif
