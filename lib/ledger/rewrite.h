/*
 * rewrite: new segments made of records that others hold.
 *
 * A segment is written under a name that begins with a dot, which readers pass
 * over, and is locked from its beginning; it gets its real name when it is
 * whole and synced.  What a killed process leaves is removed by
 * rewrite_sweep().
 */
#ifndef BF_LEDGER_REWRITE_H
#define BF_LEDGER_REWRITE_H

#include "base/buf.h"
#include "base/err.h"

#define REWRITE_BLOCK ((size_t)256 << 10) /* most text in a frame of several records */

struct rewrite;

/* dir and path are borrowed.  level: zstd's; block: bytes of text a frame. */
struct rewrite *rewrite_new(int dir, const char *path, int level, size_t block);
/* Removes what has no real name yet; lets go of the locks. */
void rewrite_free(struct rewrite *r);

/* One record, without its newline.  A segment that is full is followed by another. */
int rewrite_line(struct rewrite *r, struct span line, struct err *e);

/*
 * Writes what is left and syncs the files.  mark: to be known again by its
 * level; without it there is one segment at least, be it empty.
 */
int rewrite_end(struct rewrite *r, bool mark, struct err *e);

/*
 * After the end: gives the segments their names and syncs the directory.  The
 * first gets name, replacing what has it, or all get new ones where it is NULL.
 */
int rewrite_place(struct rewrite *r, const char *name, struct err *e);

size_t rewrite_count(const struct rewrite *r);   /* segments */
uint64_t rewrite_bytes(const struct rewrite *r); /* in them */

/* The level at which all of a segment was rewritten; 0 if it was not. */
int rewrite_level_of(int fd);

/* Removes what killed processes left. */
void rewrite_sweep(int dir);

#endif
