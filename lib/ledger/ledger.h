/*
 * ledger: finished calls on disk, found again by key.
 *
 * The format is that of ledger(5): a directory of append-only segments, zstd
 * frames of JSON Lines, with the newest records raw in a tail beside each.
 *
 *	ledger_open()
 *	  ledger_get()                 any time
 *	  ledger_append() ...          the answers of one turn of the event loop
 *	  ledger_commit()              one write(2); from here on they survive SIGKILL
 *	  only now do their entries go to standard output
 *	ledger_close()                 frames all, syncs, removes the tail
 *
 * A segment is locked and made only when the first record is appended, so that
 * a run of hits alone writes nothing.  Any number of processes may use the
 * directory at once.  Not thread-safe.
 */
#ifndef BF_LEDGER_LEDGER_H
#define BF_LEDGER_LEDGER_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#define LEDGER_KEY_SIZE 16

enum ledger_status {
	LEDGER_OK,     /* an answer */
	LEDGER_ERROR,  /* history, never an answer */
	LEDGER_FORGET, /* withdraws what was recorded before it */
	LEDGER_BATCH,  /* a batch job's state */
};

enum ledger_sync { LEDGER_SYNC_SECOND, LEDGER_SYNC_ALWAYS, LEDGER_SYNC_NEVER };

struct ledger_record {
	unsigned char key[LEDGER_KEY_SIZE];
	int64_t time; /* Unix, milliseconds; 0 on append means now */
	enum ledger_status status;
	int http;       /* HTTP status; 0 if there was none */
	int attempts;   /* calls made, the last included */
	int64_t millis; /* the last attempt's */
	struct span model;    /* text */
	struct span endpoint; /* text */
	struct span class;    /* text: the error's class; none on an answer */
	struct span usage;    /* JSON: normalised usage; may be none */
	struct span cost;     /* JSON: a number, US dollars; none where no price is known */
	struct span request;  /* JSON: canonical, without new lines */
	struct span response; /* JSON: the provider's answer as it came (a JSON string where it was no JSON) */
};

struct ledger_options {
	enum ledger_sync sync;
	size_t cache; /* bytes of decoded frames kept; 0: 16 MiB */
	bool read_only;
	/* Damage and repairs, a line each, as they are met; may be NULL. */
	void (*report)(void *arg, const char *text);
	void *arg;
};

struct ledger;

/* The directory where none is named: $BF_LEDGER, else .bf/ledger. */
const char *ledger_default(void);

/*
 * Makes the directory (0700, parents too) unless read_only; takes in the
 * records of all segments.  NULL and e on failure; a directory that is not
 * there is an empty ledger for a reader.  A segment of a newer version is a
 * failure: answers that are silently missing would be paid for again.  Files
 * that are not a ledger's are reported and left alone, but for names that
 * begin with a dot, which are not even reported.
 */
struct ledger *ledger_open(const char *dir, const struct ledger_options *o, struct err *e);

/*
 * The answer for a key: 1 and rec, 0 if there is none, -1 and e.  Spans are
 * borrowed until the next call on this ledger.  Sees what was appended here,
 * committed or not.
 */
int ledger_get(struct ledger *l, const unsigned char key[LEDGER_KEY_SIZE],
    struct ledger_record *rec, struct err *e);

/* Whether there is an answer, without decoding it. */
bool ledger_has(struct ledger *l, const unsigned char key[LEDGER_KEY_SIZE]);

/*
 * Takes in what other processes have recorded since: before a call is paid for
 * whose answer may be there by now.  When nothing has come it costs a few
 * stat(2); some ten times a second are enough.  0, or -1 and e.
 */
int ledger_refresh(struct ledger *l, struct err *e);

/*
 * Locks a segment or makes one now, which the first record would do: before
 * anything is paid for that could not be recorded.  0, or -1 and e; then the
 * ledger takes no records at all, as after a failed ledger_commit().
 */
int ledger_prepare(struct ledger *l, struct err *e);

/*
 * Puts a record into this turn's write; copies everything.  0, or -1 and e when
 * such a record can never be written (a reader's ledger, 256 MiB or more).  A
 * segment that cannot be locked or made is ledger_commit()'s failure, so that
 * ledger_unwritten() has the record.
 */
int ledger_append(struct ledger *l, const struct ledger_record *rec, struct err *e);

/*
 * The same with a record's line as it is, its own time and crc in it; without
 * its newline.  -1 and e as above, or where it is no record or its crc does not
 * hold.
 */
int ledger_append_line(struct ledger *l, struct span line, struct err *e);

/*
 * Writes this turn's records to the tail with one write(2), frames what has
 * come to a block, syncs as the policy asks.  0 and they are recorded; -1 and
 * e: the tail has been cut back to its last whole line, and ledger_unwritten()
 * holds what is not recorded (nothing, where the write went well and framing
 * failed; some that is, where a sync failed).  After a failure the ledger still
 * answers and takes no more: each commit fails alike, close too.  Cheap when
 * nothing was appended.
 */
int ledger_commit(struct ledger *l, struct err *e);

/* After a failed commit: record lines, for a spill file. */
struct span ledger_unwritten(const struct ledger *l);

/*
 * Milliseconds until ledger_commit() should be called again although nothing
 * was appended, for the sync policy's sake; -1: never.
 */
int64_t ledger_sync_due(const struct ledger *l);

/* Distinct keys with an answer. Looks each of them up: not for every day. */
uint64_t ledger_count(struct ledger *l);

/* Descriptors that it holds at most: the more, the more segments there are. */
size_t ledger_files(const struct ledger *l);

/* Frames, syncs, removes the tail, frees l whatever happens. 0, or -1 and e. */
int ledger_close(struct ledger *l, struct err *e);

/* ---- the records themselves ---- */

/* One line, with crc and "\n", appended. */
void ledger_record_write(struct buf *out, const struct ledger_record *rec);
/* Checks the crc and parses; spans are borrowed from line. 0, or -1 and e. */
int ledger_record_read(struct span line, struct ledger_record *rec, struct buf *scratch,
    struct err *e);

#endif
