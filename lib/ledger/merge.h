/*
 * merge: records of elsewhere into a ledger, each once.
 *
 * Lines are taken as they are, with their own times, so that of two answers the
 * newer stands, whichever came in first.  A record that is there already (the
 * same key, time and status) is passed over: what is merged twice is merged
 * once.  28 to 40 bytes of memory a record of both.
 */
#ifndef BF_LEDGER_MERGE_H
#define BF_LEDGER_MERGE_H

#include "ledger/ledger.h"

struct merge;

/* Opens the ledger, makes it where there is none, and learns what is in it. */
struct merge *merge_open(const char *dir, const struct ledger_options *o, struct err *e);

enum merge_result {
	MERGE_CANNOT = -2, /* e: the ledger takes no more */
	MERGE_BAD = -1,    /* e: this line is no record */
	MERGE_HAD = 0,
	MERGE_TAKEN = 1,
};

/* A line without its newline.  Recorded for sure after merge_close(). */
enum merge_result merge_line(struct merge *m, struct span line, struct err *e);

/* Syncs, frees m whatever happens.  -1 and e: what came last is not recorded. */
int merge_close(struct merge *m, struct err *e);

#endif
