/* userdir: where a user's files are, by the XDG Base Directory Specification. */
#ifndef BF_IO_USERDIR_H
#define BF_IO_USERDIR_H

#include "base/buf.h"

#include <stdbool.h>

/*
 * Appends what variable holds, else $HOME/below ("XDG_CONFIG_HOME", ".config");
 * false where neither is an absolute path.
 */
bool userdir(struct buf *path, const char *variable, const char *below);

#endif
