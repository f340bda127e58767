/*
 * stage: what every filter of a pipe has in common.
 *
 * A stage reads the lines of its operands ("-" or none is standard input),
 * hands them out one by one, writes lines to standard output, flushing before
 * each read, and ends with the right status:
 *
 *	struct stage st;
 *	struct entry en = ENTRY_INIT;
 *	stage_open(&st, &cli);
 *	while (stage_entry(&st, &en)) {
 *		entry_set(&en, "text", ...);
 *		stage_emit(&st, &en);
 *	}
 *	return stage_close(&st);
 *
 * - A file that cannot be opened or read is reported, the rest still runs, the
 *   status is 2, and an incomplete line at the end keeps what came out from
 *   looking whole.
 * - A bad line (no JSON, no object, too long, a NUL) stops the stage with
 *   status 2, naming file, line and column; under --keep-going it is reported,
 *   skipped, and the status is at least 1.
 * - An incomplete line (incomplete.h) from upstream is passed on as the last
 *   line, nothing is read after it, and the status is the one it says.
 * - A stage that stops early itself (status 2 or 75, INT, TERM) writes such a
 *   line.  After INT or TERM stage_close() dies of that signal.
 * - A failed write to standard output is an error with status 2; SIGPIPE has
 *   its default action, so that "| head" ends a filter quietly.
 *
 * stage prints messages and decides statuses: with msg, mem and cli it is the
 * part of lib/ that may.
 */
#ifndef BF_JSON_STAGE_H
#define BF_JSON_STAGE_H

#include "io/cli.h"
#include "io/filemap.h"
#include "io/outfile.h"
#include "json/entry.h"
#include "json/jsonl.h"
#include "json/path.h"

struct stage {
	const struct cli *cli;
	struct jsonl_reader *reader;
	struct jsonl_writer out;
	char *const *inputs; /* the operands, unless stage_input() was called */
	int ninputs;
	int operand;  /* next of them to open */
	bool open;    /* a file is being read */
	bool no_mark; /* for the command to set: standard output takes no incomplete
			 line */
	bool ended;   /* no more lines will be handed out */
	bool waits;   /* see stage_no_wait() */
	int status;
	int stop_status;       /* set once the stream is incomplete */
	struct buf incomplete; /* the line to write last */
	int signo;             /* to die of, at the end */
	struct buf lost;       /* the first input that could not be read, and why */
	struct buf *where;
	struct buf scratch;
	uint64_t failed;      /* entries that failed */
	struct filemap *maps; /* of files read under stage_map() */
	size_t nmaps;
	uint64_t map_most; /* bytes that may be mapped yet */
	bool mapped;       /* the file being read is */
	struct outfile
	    *errors; /* NULL: failed entries are told on standard error */
};

/* After cli_next() returned CLI_DONE. Catches INT and TERM. */
void stage_open(struct stage *st, const struct cli *cli);

/* The next entry, checked; false at the end or where the stage must stop. */
bool stage_entry(struct stage *st, struct entry *en);

/* The next line as it is, not looked into but for the incomplete mark. */
bool stage_line(struct stage *st, struct span *line);

/*
 * For a command that waits for other things too: from now on stage_line() and the
 * like also return false where no whole line is there yet.  stage_waits() says that
 * it was so, and they are called again when stage_fd() is readable.  Output is
 * flushed before each read all the same, and by the caller before it waits.
 */
void stage_no_wait(struct stage *st);
bool stage_waits(const struct stage *st);
int stage_fd(const struct stage *st);

/*
 * For a command that finds its inputs itself: this path ("-" is standard input)
 * is read next, and instead of the operands.  stage_line() and the like end
 * with it; stage_stopped() says whether the whole stage must.  path is borrowed
 * until then.
 */
void stage_input(struct stage *st, char *const *path);
bool stage_stopped(const struct stage *st);

/*
 * The next line of an input that is no JSON Lines but text: it is checked to be
 * UTF-8, and no incomplete mark is looked for.
 */
bool stage_text_line(struct stage *st, struct span *line);

/*
 * For inputs that the command opens: whether a line is the incomplete mark, which
 * is passed on then, and the stage stops.
 */
bool stage_incomplete(struct stage *st, struct span line);

/*
 * For inputs that the command opens: one that cannot be read, as above, and one
 * with something bad in it (a bad line, as above) at "FILE:LINE" and a column, or
 * where there are no lines at any place.
 */
void stage_lost(struct stage *st, const char *name, const char *why);
void stage_bad(
    struct stage *st, const char *where, size_t column, const char *what);
void stage_bad_entry(struct stage *st, const char *where, const char *what);

/*
 * From now on regular files that are not packed are mapped (io/filemap.h), as
 * long as they are no more than `most` bytes together, and where stage_mapped()
 * says so the line last handed out stays where it is until stage_close().  The
 * caller deals with SIGBUS, and asks stage_whole() at the end whether a file
 * changed.
 */
void stage_map(struct stage *st, uint64_t most);
bool stage_mapped(const struct stage *st);

/*
 * Whether everything there is has been handed out: every input was read to its
 * end and unchanged, there was no incomplete mark, no reason to stop.  An input
 * that changed is a reason.  For stages whose result depends on all entries.
 */
bool stage_whole(struct stage *st);

/*
 * Whether INT or TERM came, which stops the stage; for commands that go on for
 * long without reading a line.
 */
bool stage_interrupted(struct stage *st);

/* Writes an entry with its edits, or whole lines. false: stop, output is gone. */
bool stage_emit(struct stage *st, const struct entry *en);
bool stage_emit_line(struct stage *st, struct span line);

/* "FILE:LINE", of the entry last handed out, for messages. */
const char *stage_where(const struct stage *st);

/*
 * Failed entries go to this file, with an "error" field, instead of to standard
 * error.  It is replaced whole when the stage ends (io/outfile.h), so that it
 * may also be the input.  Call it after stage_open(); exits if path is not
 * writable.  When the stage stops early it becomes PATH.partial instead: PATH
 * may be the input, of which not everything has been tried again.
 */
void stage_errors(struct stage *st, const char *path);

/* The status is at least 1, for what the command has told of itself. */
void stage_some_failed(struct stage *st);

/*
 * This entry failed: it is not emitted; the errors file gets it (with the edits
 * made to it and {"error":{"class":..,"message":..}}), else a message with its
 * place is printed; the status is at least 1, and the stage goes on.
 */
void stage_fail(struct stage *st, struct entry *en, const char *class,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The same for an entry handed out before, at that place, with more members for the
 * error object: "" or ",\"name\":value". */
void stage_fail_at(struct stage *st, const char *where, struct entry *en,
    const char *class, const char *more, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/* The same with an error object of the caller's:
 * {"class":..,"message":..,"status":..}. */
void stage_fail_json(struct stage *st, struct entry *en, struct span error);

/*
 * The current option's argument as a path, the caller's; a usage error if it is
 * none.  And its value in an entry: SPAN_NONE where there is none, and the entry
 * has been refused.
 */
struct path *stage_path(const struct cli *cli);
struct span stage_find(
    struct stage *st, const struct path *p, const struct entry *en);

/*
 * An entry that this command cannot take is like a bad line: it stops the stage,
 * or under keep-going is told and left out.
 */
void stage_refuse(struct stage *st, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Stop early: the text is printed and goes into the incomplete line as "why";
 * stage_close() will return that status.  The first stop counts.
 */
void stage_stop(struct stage *st, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same where the message has been printed already. */
void stage_stop_told(struct stage *st, int status, const char *why);

/* After the last entry: whether those handed out are not the whole. */
bool stage_is_cut(struct stage *st);
/* Then: why, for a message; "incomplete input: bf-llm: budget reached",
 * "interrupted". */
void stage_why(const struct stage *st, struct buf *out);

/*
 * Flushes, writes the incomplete line, frees; the exit status.  Where a command
 * ignores SIGPIPE and the reader is gone, it dies of SIGPIPE here.
 */
int stage_close(struct stage *st);

#endif
