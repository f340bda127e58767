/*
 * compact: segments written anew without what no longer counts.
 *
 * Dropped are answers that a newer record of their key supersedes or withdraws,
 * records that withdraw and have nothing left to withdraw, and lines that are
 * there twice; errors as well if asked to.  Batch records stay.
 *
 * Segments that are free are locked, all of them; those in which another
 * process writes are left alone.  At every moment the directory holds
 * everything: the new segments are whole, synced and named before the first
 * old one is removed, and any old ones that a kill leaves change no answer: a
 * record that withdraws goes only when all that it withdraws is removed by the
 * same unlink(2), at the latest by the compaction after this one.
 */
#ifndef BF_LEDGER_COMPACT_H
#define BF_LEDGER_COMPACT_H

#include "ledger/survey.h"

#define COMPACT_LEVEL 9

struct compact_options {
	int level;    /* zstd's, 1 to 22; 0: COMPACT_LEVEL */
	bool all;     /* segments of other hosts, and those that are compact already */
	bool history; /* drop errors */
};

struct compact_report {
	uint64_t segments, new_segments;
	uint64_t bytes, new_bytes; /* of files, tails included */
	uint64_t records;
	uint64_t superseded, withdrawn, forgets, repeated, errors; /* dropped */
	uint64_t busy;    /* segments that others write to */
	uint64_t foreign; /* of other hosts */
	uint64_t damaged; /* left alone */
	uint64_t compact; /* there was nothing to do */
};

/* 0, or -1 and e: then nothing is changed, or the rest is for the next time. */
int compact_ledger(struct survey *s, const struct compact_options *o,
    struct compact_report *report, struct err *e);

#endif
