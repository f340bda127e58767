/*
 * budget_file: where budgets lie: the directory, and the files in it.
 *
 * All that makes, judges or removes a file is done under a lock (flock(2)) of
 * the directory, so that a name stands for a whole file or for none.
 */
#ifndef BF_PACING_BUDGET_FILE_H
#define BF_PACING_BUDGET_FILE_H

#include "base/err.h"
#include "pacing/bucket.h"

#include <stdatomic.h>
#include <sys/types.h>

/* The word: a number that grows with each change, and these. */
#define BUDGET_HELD      UINT64_C(1)         /* somebody changes it */
#define BUDGET_STEP      UINT64_C(2)
#define BUDGET_CLOSED    (UINT64_C(1) << 63) /* nobody will any more */
#define BUDGET_HALF(word) ((word) / BUDGET_STEP % 2) /* of the two that is in use */

/* In the machine's own form. */
struct budget_head {
	char magic[16];
	unsigned char boot[16]; /* BLAKE2b-128 of the boot's name */
	uint64_t size;          /* of the file */
	_Atomic uint64_t word;
	_Atomic int64_t matters; /* until then, CLOCK_MONOTONIC in microseconds */
	int64_t spare;
};

struct budget_file {
	struct budget_head head;
	struct bucket half[2];
};

/* One that is mapped. */
struct budget_map {
	struct budget_file *file; /* NULL: none */
	char *path;
	dev_t dev;
	ino_t ino;
};

/*
 * Maps the file of that name.  Where there is none, or one of another boot, it is
 * made and has what is in seed; where it is closed, a copy takes its place.
 * 0, or -1 and e; unsafe: as another user may have a hand in the directory.
 */
int budget_file_open(struct budget_map *m, const char *name,
    const struct bucket *seed, bool *unsafe, struct err *e);
void budget_file_close(struct budget_map *m);

/* Whether its name still stands for it. */
bool budget_file_is_there(const struct budget_map *m);

/* Calls fn, which touches a map and nothing else; false if that was cut off. */
bool budget_file_touch(void (*fn)(void *arg), void *arg);

#endif
