/*
 * internal: what the files of the ledger share.
 *
 *	record.c     a line                       (record.h)
 *	frame.c      a zstd frame                 (frame.h)
 *	index.c      key to place in a segment    (index.h)
 *	table.c      key to place, for the rest   (table.h)
 *	store.c      frames by number, decoded ones kept in a cache
 *	ahead.c      frames that will be asked for next, decoded beforehand
 *	spool.c      decoded frames in a temporary file
 *	sidecar.c    a segment's index, and what lies beyond it
 *	place.c      look-up: the newest word on a key
 *	window.c     bytes of a file, from an offset on
 *	scan.c       the frames of a segment: reading
 *	tail.c       its tail: the records there that no frame holds
 *	reading.c    a segment with its tail, while others may write
 *	directory.c  names in the directory, and all segments of them
 *	segment.c    the one segment that is written
 *	repeats.c    keys that more than one index has
 *	ledger.c     the public functions
 *
 * A place is a frame's number and an offset in its text.  A frame begins in
 * memory, as the block of lines that is being filled, and keeps its number
 * when it goes to the segment: the table need not hear of it.  In an index a
 * place has the number of the frame in the index's own list; such a frame gets
 * one of the ledger's numbers while it is in the cache.
 */
#ifndef BF_LEDGER_INTERNAL_H
#define BF_LEDGER_INTERNAL_H

#include "io/hashset.h"
#include "ledger/frame.h"
#include "ledger/index.h"
#include "ledger/record.h"
#include "ledger/table.h"

#include <sys/stat.h>
#include <time.h>

/* Sizes of ledger(5), and of what is held of it; variable for the tests alone. */
struct ledger_sizes {
	size_t block;     /* records that make a frame */
	size_t tail;      /* a longer tail is cut when it can be */
	uint64_t segment; /* a segment that has come to this gets no more */
	uint64_t index;   /* with more of it beyond its index, that is renewed */
	size_t blocks;    /* of the indexes, in memory */
};
extern struct ledger_sizes ledger_sizes;

enum frame_kind {
	FRAME_IN_SEGMENT,
	FRAME_IN_BLOCK,  /* in the writer's lines; at is the offset there */
	FRAME_FROM_TAIL, /* text owned: lines of a tail that no frame holds */
	FRAME_FREE,      /* its number is: older leads to the next such */
};

#define NO_FRAME UINT32_MAX

/* A line whose crc holds and that is JSON: need not be looked at again. */
struct checked_line {
	uint32_t at, size; /* in its frame's text, without the newline */
	struct ledger_record record;
};

struct frame {
	uint64_t at;         /* where it begins in its segment */
	int64_t first, last; /* least and greatest time of its records */
	char *text;          /* decoded, or NULL */
	size_t text_size;
	uint32_t packed;  /* bytes in the segment, as last seen */
	uint32_t segment;
	uint32_t newer, older; /* the cache's list */
	uint32_t local;        /* number in the segment's index + 1; 0: beyond it */
	struct checked_line *lines; /* all of the text's, if they were checked; or NULL */
	size_t nlines;
	enum frame_kind kind;
};

struct segment {
	char *name; /* without ".tail" */
	int fd;     /* -1: not open */
	uint64_t last; /* where the last whole frame begins; 0: none is known */
	uint64_t end;  /* after the last whole frame; 0: not even a header is there */
	bool damaged;  /* reported; not written to */
	bool alien;    /* not ours: nothing is taken from it */

	struct index *index; /* of the frames before index->covered; may be NULL */
	uint32_t *known;     /* for each of these: its number in the ledger + 1, or 0 */
	uint64_t *spooled;   /* and 0; 1: has been decoded; else offset in the spool + 2 */
	bool no_file;        /* the index beside it is wrong */

	/* What lies beyond: frames by offset, their records. */
	uint32_t *frames;
	size_t nframes, frames_cap;
	struct index_record *fresh;
	size_t nfresh, fresh_cap;
	size_t published; /* of fresh: the table has them */

	/* The tail, as far as it was read. */
	bool live; /* there is one */
	uint64_t tail_seen;
	uint32_t tail_frame;
	unsigned char tail_proof[INDEX_PROOF]; /* the last bytes of it */
};

/* Where the newest word on a key is. */
struct place {
	struct table_entry entry; /* frame: in the ledger's numbers, or the index's */
	uint32_t segment;
	bool indexed;
};

/* A record's line, where it was found. */
struct found_line {
	struct span text;
	struct record_head head;
	const struct checked_line *checked; /* the same one, or NULL */
};

/* Where the record behind the last one that was found begins. */
struct next_line {
	uint32_t segment, local; /* the frame's number in its index + 1; 0: not known */
	uint32_t line;
	size_t number; /* in the frame's checked lines */
};

/* Frames of an index that were read one after the other. */
struct course {
	uint32_t segment, local; /* the last one */
	unsigned run;
	struct ahead *ahead; /* NULL: no reason for it so far */
	bool off;            /* it does not start */
};

/* Frames that were decoded again and again, as text. */
struct spool {
	int fd; /* -1: none yet */
	uint64_t size;
	unsigned again; /* frames decoded a second time */
	bool off;       /* there is no room */
	struct buf line;
};

/* Keys that more than one index has. */
struct repeats {
	struct hashset keys;
	bool tried, exact;
	uint64_t asked; /* filters that it would have saved, and */
	uint64_t due;   /* how many are enough; 0: not known */
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
	bool advised; /* what to do about damage has been said */
	struct frame *frames;
	uint32_t nframes;
	uint32_t newest, oldest; /* of the cache */
	size_t cached;
	uint32_t free_frame;
	struct table table;
	struct blocks *blocks; /* of all indexes */
	struct repeats repeats;
	struct spool spool;
	struct course course;
	struct next_line next;
	uint32_t last_hit; /* segment */
	struct place memo; /* of the last look-up */
	bool has_memo;
	int64_t listed;           /* clock_wall_ms when the directory was read */
	struct timespec modified; /* and its time stamp then */
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
/* The frame is no more, nor its number. */
void store_free(struct ledger *l, uint32_t frame);

/* The number of a frame of an index while it is in the cache; NO_FRAME if broken. */
uint32_t store_indexed(struct ledger *l, uint32_t segment, uint32_t local);

/*
 * A line of an indexed frame, from wherever it is quickest: its text, and as it was
 * checked. -1 when not to be had.
 */
int store_indexed_line(struct ledger *l, const struct place *p, struct found_line *line);

/* The line at an offset of a text; -1 if there is none. */
int store_line_in(struct span text, size_t at, struct span *line);

/* A record has been found (or appended) at a place beyond the indexes. */
void store_record(struct ledger *l, const struct record_head *h, uint32_t frame, size_t line);
void store_note_time(struct frame *f, int64_t time);

/*
 * Whether the record behind the last one that was found is an answer with this
 * key, and its frame decoded: then its place. Its crc is not looked at.
 */
bool store_next(struct ledger *l, uint32_t segment, const unsigned char *key,
    struct table_entry *e);

/* ---- ahead.c ---- */

/*
 * Decodes and checks frames on a thread of its own, so that a rerun in the
 * ledger's order finds the next ones ready. All that can go wrong there makes a
 * frame that is not taken: who asks reads it himself.
 */
enum { AHEAD_MOST = 16 }; /* frames that are wanted at once */
struct ahead *ahead_new(void); /* NULL: no thread is to be had */
void ahead_free(struct ahead *a);
/* The frame at an offset of a segment will be wanted; packed bytes of fd hold it. */
void ahead_want(struct ahead *a, uint32_t segment, int fd, uint64_t at, size_t packed);
/* It goes on elsewhere: what was wanted so far makes room. */
void ahead_turn(struct ahead *a);
/*
 * The text of a frame that was wanted, and its lines, as f's memory: waits for it.
 * false: it was not, or is not to be had this way.
 */
bool ahead_take(struct ahead *a, struct frame *f);

/* ---- spool.c ---- */

void spool_init(struct spool *s);
void spool_release(struct spool *s);
/* 1: the text is there, at *at; 0: it is not, and will not be. */
int spool_put(struct spool *s, struct span text, uint64_t *at);
/* The line at an offset, borrowed until the next call; 0 or -1. */
int spool_line(struct spool *s, uint64_t at, struct span *line);

/* ---- repeats.c ---- */

/* Of a key that an index has: whether it is known that no other index has it. */
bool repeats_not(struct ledger *l, const unsigned char *key);
/* The indexes are no longer the same. */
void repeats_forget(struct ledger *l);

/* ---- place.c ---- */

/* The newest word on a key, an answer or its withdrawal; false if there is none. */
bool place_find(struct ledger *l, const unsigned char *key, struct place *p);
/* The line of a place, of this key, its crc verified; 0, or -1. */
int place_line(struct ledger *l, const struct place *p, struct found_line *line);
/* A record's time; INT64_MIN when it is not to be had. Looks into the frame only if it must. */
int64_t place_time(struct ledger *l, const struct place *p);
/* No record of the place is newer, none is older. */
int64_t place_latest(struct ledger *l, const struct place *p);
int64_t place_earliest(struct ledger *l, const struct place *p);
struct place place_of_entry(const struct ledger *l, const struct table_entry *e);
bool place_same(const struct place *a, const struct place *b);

/* ---- sidecar.c ---- */

/* Opens the index beside a segment that was not read yet, if it is one of it. */
void sidecar_load(struct ledger *l, uint32_t segment, int fd);
/* Whether the segment is still the one that its index is of. */
bool sidecar_holds(struct ledger *l, uint32_t segment, int fd);
/* The index is wrong: the segment is to be read from its beginning. */
void sidecar_drop(struct ledger *l, uint32_t segment);
/* Bytes of frames that lie beyond. */
uint64_t sidecar_beyond(const struct segment *s);
/* Takes what lies beyond into the index, also on disk if asked to; 0 or -1. */
int sidecar_renew(struct ledger *l, uint32_t segment, bool write);
void sidecar_release(struct segment *s);

/* A frame has been found at an offset: its number.  What lay there or further is gone. */
uint32_t fresh_frame(struct ledger *l, uint32_t segment, uint64_t at);
/* A block has become a frame; its records are in the table. */
void fresh_written(struct ledger *l, uint32_t segment, uint32_t frame, struct span text);
/* The last frame is a block again. */
void fresh_taken_back(struct ledger *l, uint32_t segment, uint32_t frame);
void fresh_add(struct ledger *l, uint32_t segment, const struct record_head *h,
    uint32_t frame, size_t line);
/* Makes what was found known: to the table, or to an index if it is much. */
void fresh_publish(struct ledger *l, uint32_t segment, bool write);

/* ---- window.c ---- */

/* Makes it begin at an offset and hold `want` bytes, fewer at the end of the file; -1 and errno. */
int window_fill(struct window *w, int fd, uint64_t at, size_t want);
/* Its bytes from an offset on, which lies in it. */
struct span window_from(const struct window *w, uint64_t at);
uint64_t window_end(const struct window *w);
/* Forgets what it holds: the file may have changed. */
void window_clear(struct window *w);

/* ---- scan.c ---- */

/* The frame at an offset, in l->window. -1 and errno if it cannot be read. */
int scan_frame(struct ledger *l, int fd, uint64_t at, size_t hint, enum frame_state *state,
    struct span *frame, size_t *text);

/* What stands at an offset is no frame: where the next whole one begins, or the end. */
int scan_next_frame(struct ledger *l, int fd, uint64_t from, uint64_t *next, bool *zeros);

/* Takes in what has come to a segment from its last known frame on. */
struct scan_end {
	uint64_t size; /* of the file */
	bool torn;     /* bytes after the last whole frame that are none */
	bool zeros;    /* and they are all zero */
	uint64_t rest; /* how many */
	size_t text;   /* what the broken frame would hold, where its header says so */
};
int scan_frames(struct ledger *l, uint32_t segment, int fd, struct scan_end *end);

/* Whether a tail's lines can stand for the frame that is torn. */
bool scan_is_covered(const struct scan_end *end, struct span lines);

/* Finds the keys of a text's lines, and makes sure that they can be answers. */
void scan_text(struct ledger *l, uint32_t segment, uint32_t frame, struct span text);

/* Bytes of a file; 0 where none is open. */
uint64_t scan_size(int fd);

/* Reports what is wrong at a byte of a segment's file (suffix: "" or ".tail"). */
void scan_damage(struct ledger *l, struct segment *s, const char *suffix, uint64_t at,
    const char *what);

/* ---- tail.c ---- */

bool tail_stat(const struct ledger *l, const struct segment *s, struct stat *st);

/* The record in a line of a tail, which may begin with remains of another. */
bool tail_record(
    struct span line, bool whole, struct span *record, struct record_head *h);
/* Whether what is no record in a tail is what an unfinished write leaves. */
bool tail_is_remains(struct span line, bool at_end);

struct tail_lines {
	struct buf lines;    /* whole records that no frame holds */
	size_t good_end;     /* offset after the last good line */
	size_t torn;         /* bytes that are remains of an unfinished write */
	size_t records;      /* good ones, framed or not */
	size_t bad;          /* offset + 1 of the first damaged line */
};
void tail_sort_out(
    struct ledger *l, uint32_t segment, struct span tail, struct tail_lines *t);

/* A key's newest record in a segment's tail, as it is now; 1 and line, or 0. */
int tail_find(struct ledger *l, uint32_t segment, const unsigned char *key,
    struct span *line);

/* Makes these lines known, in place of those that the tail had before. */
void tail_keep(struct ledger *l, uint32_t segment, const struct buf *lines);
/* Up to where it was read, so that only what comes after is read next time. */
void tail_note(struct segment *s, struct span tail, size_t good_end);
/* Takes in what has come at its end. -1: it is not otherwise as it was. */
int tail_grow(struct ledger *l, uint32_t segment);

/* ---- reading.c ---- */

/* A segment that is new to us, or has changed in any way. */
int scan_segment(struct ledger *l, uint32_t segment, struct err *e);
/* One whose index has been dropped. */
void scan_again(struct ledger *l, uint32_t segment);
/* Takes in what has come to it since; cheap when nothing has. */
int scan_news(struct ledger *l, uint32_t segment, struct err *e);

/* ---- directory.c ---- */

/* All of a file of a segment (suffix ".tail", ".idx"); 1, 0 if there is none, -1 and errno. */
int directory_read(int dir, const char *segment, const char *suffix, struct buf *out);
/* Removes one, if it is there; 0, or -1 and e. */
int directory_remove(int dir, const char *path, const char *segment, const char *suffix,
    struct err *e);
int directory_sync(int dir, const char *path, struct err *e);
/* Whether the name still stands for the file that is open. */
bool directory_has(int dir, const char *name, int fd);

/* Names of all segments, and of those that only a tail is left of: sorted, some twice. */
int scan_names(struct ledger *l, char ***names, size_t *n, struct err *e);

/* Takes in what has not been seen: new segments, and all of them the first time. */
int scan_directory(struct ledger *l, struct err *e);

/* Takes in what has come since, to all; cheap when nothing has. */
int scan_refresh(struct ledger *l, struct err *e);

/* ---- segment.c ---- */

/* The host's name as a file's name may hold it. */
#define LEDGER_HOST_MAX 65
void ledger_host(char *out, size_t size);
/* A new segment's name. */
void ledger_segment_name(struct buf *out);
/* Whether a segment of this name is of that host. */
bool ledger_is_of_host(const char *name, const char *host);

void writer_init(struct writer *w);
void writer_release(struct ledger *l);

/* Locks a segment of this host or makes one. Before the first line is added. */
int writer_acquire(struct ledger *l, struct err *e);
/* A line has been put at the end of lines, beginning at start. */
void writer_added(struct ledger *l, size_t start);
int writer_commit(struct ledger *l, struct err *e);
int writer_close(struct ledger *l, struct err *e);

#endif
