/*
 * lines: lines that wait, in memory up to a limit, and beyond it in a temporary
 * file (io/tempfile.h).
 *
 * A line belongs to the caller, who gives it back with lines_free().  The file is
 * used from its beginning again whenever nothing waits in it.
 */
#ifndef BF_PIPE_LINES_H
#define BF_PIPE_LINES_H

#include "base/buf.h"
#include "base/err.h"

struct line {
	struct line *next; /* the caller's */
	uint64_t at;       /* in the file */
	size_t n;          /* bytes, without newline */
	bool filed;        /* in the file, not here */
	char data[];
};

struct lines {
	size_t limit; /* bytes in memory */
	size_t used;
	int fd;
	uint64_t end;  /* of what is in the file */
	uint64_t live; /* bytes in it that are still wanted */
	struct err e;  /* the file failed: nothing more goes there */
	bool failed;
};

void lines_init(struct lines *l, size_t limit);
void lines_release(struct lines *l);

/*
 * Never NULL: where the file cannot be written the line stays in memory, failed is
 * set and e says why.
 */
struct line *lines_add(struct lines *l, struct span text);

/* Its text, in scratch or borrowed from the line. 0, or -1 and l->e: it cannot be
 * read. */
int lines_get(struct lines *l, const struct line *line, struct buf *scratch,
    struct span *text);

void lines_free(struct lines *l, struct line *line); /* NULL does nothing */

#endif
