/*
 * outfile: an output file that appears whole or not at all.
 *
 * outfile_open() makes a temporary file beside the target (0600 until it is
 * committed), the caller writes, outfile_commit() does fsync, rename, fsync of
 * the directory, in that order.  Until then the target is as it was; after
 * outfile_abandon() too.  A target that is a symbolic link is written where
 * the link points.  A target that is no regular file (/dev/stdout, a FIFO,
 * /dev/full) is written directly and has no atomicity to offer; /dev/stdout,
 * /dev/stderr and /dev/fd/N stand for the open descriptor, not for the file
 * that it may lead to.
 *
 * Mode: that of the file replaced, else 0666 less the umask.  The owner is kept
 * where the system allows it; other hard links to the old file keep the old
 * contents.  A file that may not be written is not replaced.
 */
#ifndef BF_IO_OUTFILE_H
#define BF_IO_OUTFILE_H

#include "base/err.h"
#include "base/span.h"

struct outfile;

/* NULL and e on failure. */
struct outfile *outfile_open(const char *path, struct err *e);

/* Buffered; an error is kept and comes back from commit too. 0 or -1. */
int outfile_write(struct outfile *o, struct span bytes, struct err *e);
int outfile_flush(struct outfile *o, struct err *e);

/*
 * Puts the file in place and frees o, whatever the result.  When the target
 * already holds the same bytes it is left alone, time stamps included, and
 * *changed is false (changed may be NULL).  When all went well but for the
 * fsync of the directory, -1 is returned although the file is in place.
 */
int outfile_commit(struct outfile *o, bool *changed, struct err *e);

/*
 * Puts what was written at PATH.partial instead (atomically too; beside where
 * a link points) and frees o; the target stays as it was.  A target that is
 * written directly has got it already.
 */
int outfile_keep_partial(struct outfile *o, struct err *e);

/* Borrowed: the target, links followed. */
const char *outfile_path(const struct outfile *o);
bool outfile_is_direct(const struct outfile *o);

/* Removes the temporary file, frees o; NULL does nothing. */
void outfile_abandon(struct outfile *o);

/* fsync of the directory that holds path. */
int outfile_sync_dir(const char *path, struct err *e);

#endif
