/*
 * index: where the answers of one segment are, by key.
 *
 * The bytes are those of the file beside the segment (ledger(5), INDEX), or
 * the same in memory where it could not be written.  They are blocks of 4 KiB,
 * read and verified when they are looked at, so that opening reads the header
 * alone.  A file is replaced by rename and never changed, so what is open stays
 * whole for as long as it is held.
 *
 * Nothing that is found here is believed: an entry leads to a line, and the
 * line's key and crc decide.  A block whose checksum fails makes the index
 * broken; then it is thrown away and the segment read.
 */
#ifndef BF_LEDGER_INDEX_H
#define BF_LEDGER_INDEX_H

#include "base/buf.h"
#include "ledger/blocks.h"
#include "ledger/table.h"

#define INDEX_VERSION 2
#define INDEX_PAYLOAD 4080 /* bytes of a block: its checksum is in the last four */
#define INDEX_PROOF   32 /* last bytes that are covered, to know the segment by */

/* In entries of an index the frame is a number in its own list. */
struct index_frame {
	uint64_t at;         /* where it begins in the segment */
	int64_t first, last; /* least and greatest time of its records */
	uint32_t packed;     /* bytes in the segment */
	uint32_t text;       /* bytes decoded */
};

struct index {
	struct blocks *cache;
	struct block_file file;
	struct buf bytes; /* the file's, where there is none */
	bool broken;
	uint32_t nframes;
	uint64_t entries;
	uint64_t covered; /* bytes of the segment */
	int64_t first, last;
	bool distinct; /* no key has two records in what is covered */
	unsigned char proof[INDEX_PROOF];
	uint64_t words; /* of the filter */
	size_t entry_at, frame_at, fence_at, filter_at; /* blocks */
};

/* A record that an index is made from. */
struct index_record {
	unsigned char key[LEDGER_KEY_SIZE];
	int64_t time;
	uint32_t frame;
	uint32_t line;
};

struct index_plan {
	struct index *old; /* its entries and frames stay; may be NULL */
	struct index_record *records; /* new ones; sorted here */
	size_t nrecords;
	const struct index_frame *frames; /* numbered on from those of old */
	size_t nframes;
	uint64_t covered;
	unsigned char proof[INDEX_PROOF];
	/* Whether a record is older than an entry of old with the same key. */
	bool (*is_older)(void *arg, const struct index_record *r,
	    const struct table_entry *e);
	void *arg;
};

/* Appends the bytes of an index to out; -1 if old turned out to be broken. */
int index_make(struct index_plan *p, struct buf *out);

/*
 * Of a file or of bytes in memory; the descriptor is closed and the bytes are freed on
 * release, at once if they are no index: then NULL.  The cache outlives it.
 */
struct index *index_open(struct blocks *cache, int fd);
struct index *index_of(struct blocks *cache, struct buf *bytes);
void index_free(struct index *ix);

/* false: not there, or the index is broken. */
bool index_find(struct index *ix, const unsigned char *key, struct table_entry *e);

/* In a block: of more entries no more are ever at hand at once. */
#define INDEX_ENTRIES (INDEX_PAYLOAD / sizeof(struct table_entry))

/* Up to n of them from one number on, as many as are at hand; 0: as below. */
size_t index_entries(
    struct index *ix, uint64_t from, struct table_entry *e, size_t n);

/* By number; false when out of range or broken. */
bool index_entry(struct index *ix, uint64_t n, struct table_entry *e);
bool index_frame(struct index *ix, uint32_t n, struct index_frame *f);

/* Before a key is looked for in many: their memory is waited for at once. */
void index_prefetch(const struct index *ix, const unsigned char *key);

#endif
