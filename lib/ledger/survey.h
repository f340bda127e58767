/*
 * survey: all that is in a segment and its tail, and all that is wrong there.
 *
 * It reads the data alone, whatever an index says, and looks at every checksum
 * of every frame and the crc of every record.  Where a frame is broken it
 * takes the records out of it whose crc holds all the same.  Who opens a
 * ledger looks for answers (ledger.h); who surveys it wants to know what is
 * there: verify, repair, compact, merge.
 *
 *	survey_open()                      a directory
 *	  survey_names()
 *	  survey_take()                    one segment, locked or not
 *	    survey_read()                  as often as one likes
 *	  survey_drop()
 *	survey_close()
 */
#ifndef BF_LEDGER_SURVEY_H
#define BF_LEDGER_SURVEY_H

#include "ledger/record.h"

struct survey_damage {
	bool in_tail;
	bool unfinished; /* what a crash leaves and the next writer cuts off: no loss */
	uint64_t at;     /* byte of the file */
	uint64_t bytes;
	uint64_t lost;   /* records, about */
	uint64_t saved;  /* records in it that are good all the same */
	const char *what;
};

struct survey_line {
	struct span line; /* without newline; borrowed for the call */
	struct record_head head;
	bool in_tail;  /* and in no frame */
	uint64_t frame; /* where its frame begins */
	size_t at;     /* where it begins in the frame's text */
};

/* Each good record, once: frames in their order, then what only the tail has. 0, or -1 to end. */
typedef int survey_fn(void *arg, const struct survey_line *line);

/* What the last survey_read() found. */
struct survey_found {
	uint64_t size, tail_size; /* of the files */
	uint64_t end;             /* after the last whole frame */
	uint64_t frames;
	uint64_t text;    /* bytes of good lines, newlines included */
	uint64_t records; /* good ones */
	uint64_t both;    /* of these, in a frame and in the tail: as it should be */
	struct survey_damage *damage; /* by place; survey.c's */
	size_t ndamage;
	bool has_tail;
	bool alien; /* not a segment */
	bool newer; /* of a version not known here: not looked into */
};

enum survey_lock {
	SURVEY_FREE,  /* no lock: others may be writing */
	SURVEY_OWN,   /* the exclusive one, for who is going to change something */
	SURVEY_HELD,  /* the caller has it, by survey_keep_lock() */
};

struct survey;

/* NULL and e. stranger hears of files that are none of a ledger's; may be NULL. */
struct survey *survey_open(
    const char *dir, void (*stranger)(void *arg, const char *text), void *arg, struct err *e);
void survey_close(struct survey *s);

/* The names of its segments, in their order; the survey's until the next call. */
int survey_names(struct survey *s, char *const **names, size_t *n, struct err *e);

/*
 * Takes a segment up: 1; 0 if another process holds its lock, or it is gone; -1
 * and e.  A tail alone is a segment that is empty.
 */
int survey_take(struct survey *s, const char *name, enum survey_lock lock, struct err *e);
/* Whether somebody else has it locked right now. */
bool survey_is_busy(struct survey *s);
/* Whether it has no tail and was last written before that time, in Unix milliseconds. */
bool survey_is_older(const struct survey *s, int64_t ms);

/*
 * Reads it; fn may be NULL.  Where there is no lock, it is read again until
 * nothing moved meanwhile, so that fn may hear of a record more than once; and
 * what looks broken is judged while nobody writes, or by looking again.
 * 0, or -1 and e: cannot be read, or fn said so.
 */
int survey_read(struct survey *s, survey_fn *fn, void *arg, struct err *e);
const struct survey_found *survey_found(const struct survey *s);
/* Whether a segment of this name is of the host we are on: locks of others prove nothing. */
bool survey_is_of_here(const char *name);

/* Without what is only unfinished. */
size_t survey_damages(const struct survey *s);

int survey_dir(const struct survey *s);         /* descriptor of the directory */
const char *survey_path(const struct survey *s); /* the directory's */
const char *survey_name(const struct survey *s); /* of the segment taken */

/* Lets go of it, and of the lock. */
void survey_drop(struct survey *s);
/* Leaves it locked: the descriptor is the caller's. */
int survey_keep_lock(struct survey *s);

#endif
