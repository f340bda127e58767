/*
 * walk: every record of a ledger, in the order in which it lies there.
 *
 * Segments in the order of their names, in each its frames, then the lines of
 * its tail that no frame holds.  No lock is held and nothing is changed; no
 * table of keys is made, so that memory stays what a frame and a tail need.
 * The crc of each record has been verified; what is damaged is told once a
 * segment is through.
 *
 * Each record of a segment comes once, though its owner may move records
 * between tail and frames meanwhile.  Equal lines in two segments, as copying
 * segments makes them, come as often as they are there.
 *
 * Whether a record is the newest word on its key is not known here: the answer
 * of a key is what ledger_get() says.
 */
#ifndef BF_LEDGER_WALK_H
#define BF_LEDGER_WALK_H

#include "ledger/survey.h"

struct walk {
	/* A record; survey.h says what is told of it.  0, or -1 to end. May be NULL. */
	int (*record)(void *arg, const struct survey_line *line);
	/* After the records of a segment: survey_found() is of it. May be NULL. */
	void (*segment)(void *arg, const struct survey *s);
	/* A file that is none of a ledger's; may be NULL. */
	void (*stranger)(void *arg, const char *text);
	void *arg;
	/* Segments last written before that are passed over; Unix milliseconds, 0: none. */
	int64_t since;
};

/*
 * 0; or -1 and e: the directory or a segment cannot be read, a segment was
 * written by a newer version, or record() ended it, with e as it was.
 */
int walk_ledger(const char *dir, const struct walk *w, struct err *e);

#endif
