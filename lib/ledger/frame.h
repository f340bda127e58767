/*
 * frame: zstd frames (RFC 8878) as a segment holds them: one block of lines
 * each, standing alone, content size and checksum inside.  The first frame of
 * a segment is a skippable one that names format and version.
 */
#ifndef BF_LEDGER_FRAME_H
#define BF_LEDGER_FRAME_H

#include "base/buf.h"
#include "base/err.h"

#define FRAME_VERSION     1
#define FRAME_HEADER_SIZE 20
#define FRAME_TEXT_MAX    ((size_t)512 << 20) /* what a frame may claim to hold */

struct frame_coder {
	void *packer;
	void *unpacker;
	int level; /* of zstd, before the first frame is packed; 0: the usual one */
};

void frame_coder_release(struct frame_coder *c);

/* The first frame of a segment. */
void frame_header(unsigned char out[FRAME_HEADER_SIZE]);

enum frame_header_state {
	HEADER_OURS,
	HEADER_BEGUN, /* fewer bytes than a header, and they are its beginning */
	HEADER_NEWER, /* ours, of a version that is not known here */
	HEADER_ALIEN,
};
enum frame_header_state frame_header_look(struct span bytes, unsigned *version);

enum frame_state {
	FRAME_WHOLE,
	FRAME_SKIP,  /* a skippable frame: nothing in it for us */
	FRAME_SHORT, /* it goes on beyond these bytes */
	FRAME_BAD,
};

/* What stands at the beginning of bytes: its size in all, and that of its text. */
enum frame_state frame_look(struct span bytes, size_t *size, size_t *text);

/* Appends a frame that holds lines. */
int frame_pack(struct frame_coder *c, struct span lines, struct buf *out, struct err *e);

/* The text of a whole frame, its checksum verified; out needs room for it. 0 or -1. */
int frame_unpack(struct frame_coder *c, struct span frame, char *out, size_t text);

/* Offset of the next thing that may be a frame at or after from; bytes.n if none. */
size_t frame_search(struct span bytes, size_t from);

#endif
