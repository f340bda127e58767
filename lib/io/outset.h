/*
 * outset: files of one folder that appear together, as far as files can.
 *
 *	struct outset *o = outset_open("folder", "name", &e);
 *	outset_begin(o, "a", false, &e);
 *	outset_write(o, bytes, &e);
 *	outset_end(o, &e);
 *	... and more of them ...
 *	outset_check_all(o, &e);
 *	outset_place_all(o, &changed, &e);
 *	outset_close(o);
 *
 * They are written into a temporary folder in the folder, .NAME.XXXXXX, one after
 * the other, each closed before the next: neither descriptors nor memory grow
 * with their number.  Checking is all that can be done beforehand: a file that is
 * there with the same bytes stays, time stamps included, all others are on disk.
 * Placing is a rename(2) for each.  What ends before that leaves the folder as it
 * was; what ends while it happens leaves some files old and some new, each of
 * them whole.
 *
 * A path is of the kind "a" or "a/b", with no part that is empty, "." or "..", and
 * at most OUTSET_DEPTH_MAX parts.  Nothing goes out of the folder by a symbolic
 * link in it; one that is where a file goes is replaced.  Mode and owner are as
 * outfile.h has them, and so is a file that may not be written.
 */
#ifndef BF_IO_OUTSET_H
#define BF_IO_OUTSET_H

#include "base/err.h"
#include "base/span.h"

#define OUTSET_DEPTH_MAX 64

struct outset;

/* The folder must be there.  NULL and e on failure. */
struct outset *outset_open(const char *folder, const char *name, struct err *e);

/*
 * Where there is such a file already, which this set has written, e->errnum is
 * EEXIST; with more it is gone on with.
 */
int outset_begin(struct outset *o, const char *path, bool more, struct err *e);
bool outset_began(const struct outset *o); /* and has not ended */
int outset_write(struct outset *o, struct span bytes, struct err *e);
int outset_end(struct outset *o, struct err *e);
bool outset_is_empty(const struct outset *o); /* the file begun holds nothing yet */

/* One of them, or all. *changed is set to true where any was. */
int outset_check(struct outset *o, const char *path, struct err *e);
int outset_place(struct outset *o, const char *path, bool *changed, struct err *e);
int outset_check_all(struct outset *o, struct err *e);
int outset_place_all(struct outset *o, bool *changed, struct err *e);

/*
 * The temporary folder becomes this name in the folder, instead of what is there
 * of former runs, which is removed.
 */
int outset_keep(struct outset *o, const char *name, struct err *e);

/* Removes a file, or a folder with all in it; none is fine. */
int outset_remove(struct outset *o, const char *name, struct err *e);

/* Borrowed: the folder's descriptor. */
int outset_folder(const struct outset *o);

/* The folder on disk; for outset_place() and outset_remove(). */
int outset_sync(struct outset *o, struct err *e);

/* Removes the temporary folder with what is left in it; NULL does nothing. */
void outset_close(struct outset *o);

#endif
