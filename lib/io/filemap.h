/*
 * filemap: the bytes of a regular file where the kernel has them.
 *
 * Touching a page that another process has cut off meanwhile raises SIGBUS; a
 * user of a map says what is to happen then with filemap_on_shrink().  What
 * else was changed under the map is told by filemap_changed(): whoever promises
 * something about the whole file asks at the end.
 */
#ifndef BF_IO_FILEMAP_H
#define BF_IO_FILEMAP_H

#include "base/span.h"

#include <sys/stat.h>

#include <stdint.h>

struct filemap {
	struct span bytes;
	int fd;
	struct stat was;
	const char *name; /* the caller's, borrowed */
};

/*
 * Maps the file that fd has open, and takes fd over.  -1, and fd is as it was,
 * where that cannot be done: no regular file, empty, longer than most bytes, packed
 * (io/unpack.h), or read from already.
 */
int filemap_open(struct filemap *m, int fd, uint64_t most);

bool filemap_changed(const struct filemap *m);
void filemap_close(struct filemap *m); /* closes fd too, unless it is 0 */

/* The handler must not return: siglongjmp(3) or _exit(2). */
void filemap_on_shrink(void (*handler)(int));

#endif
