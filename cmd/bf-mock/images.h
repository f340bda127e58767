/*
 * images: the images of a request, so that a client can see that their bytes
 * came whole.
 *
 * They are kept as what the log and the templates show of them, the elements
 * of a JSON array: {"media_type":TEXT,"bytes":N,"blake2b":HEX}, the digest as
 * `b2sum -l 128` prints it.
 */
#ifndef BF_MOCK_IMAGES_H
#define BF_MOCK_IMAGES_H

#include "base/buf.h"

struct images {
	struct buf list;
	struct buf bytes, scratch;
};

void images_clear(struct images *im);
/*
 * Both: JSON strings; data is base64 (RFC 4648), padded.  -1 if either is no
 * string or data is not that.
 */
int images_add(struct images *im, struct span media, struct span data);
/* A JSON string; any other URL than data:MEDIA;base64,DATA is left out. */
int images_add_url(struct images *im, struct span url);
void images_release(struct images *im);

#endif
