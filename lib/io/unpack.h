/*
 * unpack: reads a descriptor and takes off gzip (RFC 1952) or zstd (RFC 8878)
 * where the first bytes say so; everything else passes as it is.
 *
 * zlib and libzstd are loaded with dlopen(3) when the first compressed file
 * is met: a filter that meets none pays nothing for them at start-up.
 * Several gzip members or zstd frames in a row are one stream.  A stream that
 * is cut short is an error, never an early end.
 */
#ifndef BF_IO_UNPACK_H
#define BF_IO_UNPACK_H

#include "base/err.h"
#include "base/span.h"

#include <sys/types.h>

struct unpack;

/* Takes over fd (closes it at the end, unless it is 0). Reads nothing yet. */
struct unpack *unpack_open(int fd);

/* Bytes, 0 at the end, -1 and e; errno EINTR after a stop request (fdio.h). */
ssize_t unpack_read(struct unpack *u, void *p, size_t n, struct err *e);

/* Whether unpack_read() would not wait (bytes at hand, or poll(2) says so). */
bool unpack_ready(const struct unpack *u);
int unpack_fd(const struct unpack *u);

/*
 * From now on unpack_read() never waits: where it would, it returns -1 with
 * errnum EAGAIN, also in the middle of compressed data that gives nothing yet.
 */
void unpack_no_wait(struct unpack *u);

/* Whether a file that begins with these bytes is one to take something off. */
bool unpack_is_packed(struct span start);

void unpack_close(struct unpack *u);

#endif
