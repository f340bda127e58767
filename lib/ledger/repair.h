/*
 * repair: a damaged segment becomes one that holds all its good records.
 *
 * The new segment is written whole and synced before it takes the name of the
 * old one, which is kept beside it as NAME.damaged (NAME.2.damaged, ... where
 * that is taken), and so is a damaged tail.  A kill at any moment leaves each
 * record in a file that readers look into; what was begun is done by the next
 * repair.
 */
#ifndef BF_LEDGER_REPAIR_H
#define BF_LEDGER_REPAIR_H

#include "ledger/survey.h"

enum repair_result {
	REPAIR_FAILED = -1,  /* e says why */
	REPAIR_SOUND = 0,    /* nothing was wrong */
	REPAIR_DONE = 1,
	REPAIR_BUSY = 2,     /* another process has it locked, or it is gone */
	REPAIR_NOT_OURS = 3, /* not a segment, or one of a newer version */
};

/* NULL where nothing was kept. To be released. */
struct repair_report {
	struct buf kept; /* names of the damaged files, with a space between */
};

/* survey_found() then says what was found in the old one. */
enum repair_result repair_segment(struct survey *s, const char *name,
    struct repair_report *report, struct err *e);

#endif
