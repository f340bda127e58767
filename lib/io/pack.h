/*
 * pack: takes bytes and makes gzip (RFC 1952) or zstd (RFC 8878) of them, for
 * io/unpack.h to take off again.
 *
 *	struct pack *p = pack_open(PACK_ZSTD, &e);
 *	pack_add(p, bytes, &out, &e);
 *	pack_end(p, &out, &e);
 *	pack_close(p);
 *
 * The same bytes give the same packed bytes, however they come: a gzip header
 * holds no name and no time.  Both kinds end in a checksum of the content.
 * zlib and libzstd are loaded with dlopen(3) by pack_open() and need not be
 * there before.
 */
#ifndef BF_IO_PACK_H
#define BF_IO_PACK_H

#include "base/buf.h"
#include "base/err.h"

enum pack_form { PACK_NONE, PACK_GZIP, PACK_ZSTD };

/* What a name asks for by its end, .gz or .zst. */
enum pack_form pack_by_name(struct span name);
/* The name without that end. */
struct span pack_stem(struct span name);
/* What a file is that begins with these bytes (four tell). */
enum pack_form pack_by_start(struct span start);

struct pack;

/* NULL and e where the library is missing or will not start. */
struct pack *pack_open(enum pack_form form, struct err *e);

/*
 * Packed bytes are appended to out as they come.  0, or -1 and e: the library
 * failed, and what is in out is worth nothing.
 */
int pack_add(struct pack *p, struct span bytes, struct buf *out, struct err *e);

/*
 * Ends the member (gzip) or frame (zstd), also one of no bytes; pack_add() begins
 * the next, and readers take them as one stream.
 */
int pack_end(struct pack *p, struct buf *out, struct err *e);

/* NULL does nothing. */
void pack_close(struct pack *p);

#endif
