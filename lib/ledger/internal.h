/*
 * internal: what the files of the ledger share.
 *
 *	record.c   a line                       (record.h)
 *	frame.c    a zstd frame                 (frame.h)
 *	table.c    key to place                 (table.h)
 *	store.c    frames by number, decoded ones kept in a cache
 *	scan.c     the directory, its segments and tails: reading
 *	segment.c  the one segment that is written
 *	ledger.c   the public functions
 *
 * A place is a frame's number and an offset in its text.  A frame begins in
 * memory, as the block of lines that is being filled, and keeps its number
 * when it goes to the segment: the table need not hear of it.
 */
#ifndef BF_LEDGER_INTERNAL_H
#define BF_LEDGER_INTERNAL_H

#include "ledger/frame.h"
#include "ledger/record.h"
#include "ledger/table.h"

/* Sizes of ledger(5); variable for the tests alone. */
struct ledger_sizes {
	size_t block;     /* records that make a frame */
	size_t tail;      /* a longer tail is cut when it can be */
	uint64_t segment; /* a segment that has come to this gets no more */
};
extern struct ledger_sizes ledger_sizes;

enum frame_kind {
	FRAME_IN_SEGMENT,
	FRAME_IN_BLOCK,  /* in the writer's lines; at is the offset there */
	FRAME_FROM_TAIL, /* text owned: lines of a tail that no frame holds */
};

#define NO_FRAME UINT32_MAX

struct frame {
	uint64_t at;         /* where it begins in its segment */
	int64_t first, last; /* least and greatest time of its records */
	char *text;          /* decoded, or NULL */
	size_t text_size;
	uint32_t packed;  /* bytes in the segment, as last seen */
	uint32_t segment;
	uint32_t newer, older; /* the cache's list */
	enum frame_kind kind;
};

struct segment {
	char *name; /* without ".tail" */
	int fd;     /* -1: not open */
	uint64_t last; /* where the last whole frame begins; 0: none is known */
	uint64_t end;  /* after the last whole frame; 0: not even a header is there */
	bool damaged;  /* reported; not written to */
	bool alien;    /* not ours: nothing is taken from it */
};

/* Bytes of a file from one offset on. */
struct window {
	struct buf bytes;
	uint64_t at;
};

struct block {
	uint32_t frame;
	size_t start; /* in the writer's lines */
};

struct writer {
	int fd; /* the segment, locked; -1: none */
	int tail;
	uint32_t segment;
	uint64_t size, tail_size;
	struct buf lines; /* what is not framed, then what is not committed */
	size_t committed;
	struct block *blocks;
	size_t nblocks, blocks_cap;
	struct buf packed;
	int64_t dirty_since; /* clock_mono_us; 0: all is synced */
	bool failed;
	bool doubtful; /* a sync failed: what was committed may not last */
	struct err error;
};

struct ledger {
	char *path;
	int dir; /* -1: a reader's directory that is not there */
	struct ledger_options options;
	struct segment *segments;
	size_t nsegments;
	size_t nopen; /* segments with a descriptor */
	char **strangers; /* names reported */
	size_t nstrangers;
	struct frame *frames;
	uint32_t nframes;
	uint32_t newest, oldest; /* of the cache */
	size_t cached;
	struct table table;
	uint64_t answers;
	struct frame_coder coder;
	struct window window;
	struct buf found;   /* a line that was found elsewhere */
	struct buf scratch; /* unescaped texts of the record handed out */
	struct writer writer;
};

void ledger_report(struct ledger *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- store.c ---- */

uint32_t store_add(struct ledger *l, enum frame_kind kind, uint32_t segment, uint64_t at);
void store_release(struct ledger *l);

/* A segment's descriptor for reading, opened when needed; -1 and errno. */
int store_fd(struct ledger *l, uint32_t segment);

/* A frame's text, borrowed until the next call; 0, or -1 when it is not to be had. */
int store_text(struct ledger *l, uint32_t frame, struct span *text);
/* Forgets a decoded text, so that the next one asked for is read anew. */
void store_drop(struct ledger *l, uint32_t frame);

/* The line of a place, of this key, its crc verified; 0, or -1. */
int store_line(struct ledger *l, const struct table_entry *entry, struct span *line);

/* A record's time; INT64_MIN when it is not to be had. Looks into the frame only if it must. */
int64_t store_time(struct ledger *l, const struct table_entry *entry);

/* A record has been found (or appended) at a place. */
void store_record(struct ledger *l, const struct record_head *h, uint32_t frame, size_t line);

/* ---- scan.c ---- */

/* The frame at an offset, in l->window. -1 and errno if it cannot be read. */
int scan_frame(struct ledger *l, int fd, uint64_t at, size_t hint, enum frame_state *state,
    struct span *frame, size_t *text);

/* Takes in what has not been seen: new segments, and all of them the first time. */
int scan_directory(struct ledger *l, struct err *e);

/* Takes in what has come to a segment from its last known frame on. */
struct scan_end {
	uint64_t size; /* of the file */
	bool torn;     /* bytes after the last whole frame that are none */
	bool zeros;    /* and they are all zero */
	size_t text;   /* what the broken frame would hold, where its header says so */
};
int scan_frames(struct ledger *l, uint32_t segment, int fd, struct scan_end *end);

/* Whether a tail's lines can stand for the frame that is torn. */
bool scan_is_covered(const struct scan_end *end, size_t lines);

/* All of a tail's bytes; 1, 0 if there is none, -1 and errno. */
int scan_read_tail(struct ledger *l, uint32_t segment, struct buf *out);

struct tail_lines {
	struct buf lines;    /* whole records that no frame holds */
	size_t good_end;     /* offset after the last good line */
	size_t torn;         /* bytes that are remains of an unfinished write */
	size_t records;      /* good ones, framed or not */
	size_t bad;          /* offset + 1 of the first damaged line */
};
void scan_tail(struct ledger *l, uint32_t segment, struct span tail, struct tail_lines *t);

/* A key's newest record in a segment's tail, as it is now; 1 and line, or 0. */
int scan_find_in_tail(struct ledger *l, uint32_t segment, const unsigned char *key,
    struct span *line);

/* ---- segment.c ---- */

/* The host's name as a file's name may hold it. */
#define LEDGER_HOST_MAX 65
void ledger_host(char *out, size_t size);

void writer_init(struct writer *w);
void writer_release(struct ledger *l);

/* Locks a segment of this host or makes one. Before the first line is added. */
int writer_acquire(struct ledger *l, struct err *e);
/* A line has been put at the end of lines, beginning at start. */
void writer_added(struct ledger *l, size_t start);
int writer_commit(struct ledger *l, struct err *e);
int writer_close(struct ledger *l, struct err *e);

#endif
