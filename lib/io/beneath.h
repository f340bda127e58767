/*
 * beneath: files of a folder, by paths that come from data and must not lead out
 * of it.
 */
#ifndef BF_IO_BENEATH_H
#define BF_IO_BENEATH_H

#include "base/span.h"

/* Whether a path is not absolute and has no part "..". */
bool beneath_is_path(struct span path);

/*
 * open(2), O_CLOEXEC, of a path of which beneath_is_path() holds, from the folder
 * dir.  A descriptor, or -1 and errno, which is EXDEV where a symbolic link leads
 * out of the folder.  Linux's openat2(2) does it; where that is missing,
 * beneath_open_portable().
 */
int beneath_open(int dir, const char *path, int flags);

/* The same part by part, for every other kernel: no link is followed, ELOOP. */
int beneath_open_portable(int dir, const char *path, int flags);

#endif
