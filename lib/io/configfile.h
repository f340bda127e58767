/* configfile: what the user has set up for bf, in $XDG_CONFIG_HOME/bf or
 * ~/.config/bf. */
#ifndef BF_IO_CONFIGFILE_H
#define BF_IO_CONFIGFILE_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Reads the user's file of that name ("prices.json"), at most max bytes, behind
 * what text holds; its path goes into path.  1; 0 if there is none; -1 and e.
 */
int configfile_read(const char *name, size_t max, struct buf *path,
    struct buf *text, struct err *e);

/* The same for a file that is named by its path. */
int configfile_read_path(
    const char *path, size_t max, struct buf *text, struct err *e);

#endif
