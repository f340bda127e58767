/*
 * tempfile: what does not fit into memory, in a file without a name
 * (fd_open_nameless()), with errors that say what it is.
 */
#ifndef BF_IO_TEMPFILE_H
#define BF_IO_TEMPFILE_H

#include "base/buf.h"
#include "base/err.h"

/* A descriptor, or -1 and e. */
int tempfile_open(struct err *e);

/* Behind what it holds. 0, or -1 and e. */
int tempfile_write(int fd, struct span bytes, struct err *e);

/* Appends n bytes from there to out. 0, or -1 and e: it has not as many. */
int tempfile_read(int fd, uint64_t at, size_t n, struct buf *out, struct err *e);

#endif
