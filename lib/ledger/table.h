/*
 * table: from key to place, for the records that no index holds.
 *
 * Entries lie in chunks that never move and are never copied; an index of
 * 32-bit numbers leads to them by linear probing.  24 bytes an entry and 4.6
 * to 6.9 of index: at most 31 bytes a record.
 */
#ifndef BF_LEDGER_TABLE_H
#define BF_LEDGER_TABLE_H

#include "ledger/ledger.h"

struct table_entry {
	unsigned char key[LEDGER_KEY_SIZE];
	uint32_t frame; /* number in the set of frames */
	uint32_t line;  /* offset of the line in the frame's text, TABLE_FORGOTTEN or'd in */
};

#define TABLE_FORGOTTEN 0x80000000u /* the newest word on this key is that it is withdrawn */

struct table {
	struct table_entry **chunks;
	uint32_t *index; /* number of the entry + 1; 0 is free */
	uint64_t slots;
	uint32_t count; /* entries in the chunks, free ones too */
	uint32_t free;  /* the first free one's number + 1 */
};

void table_init(struct table *t);
void table_release(struct table *t);

/* NULL if there is none. */
struct table_entry *table_find(const struct table *t, const unsigned char *key);

/* A key that is not there yet; the caller fills in the place. */
struct table_entry *table_add(struct table *t, const unsigned char *key);

/* By number, below count; NULL where it is free. */
const struct table_entry *table_at(const struct table *t, uint32_t n);

/* The entry that table_find() gave: its place is used again. */
void table_remove(struct table *t, struct table_entry *e);

#endif
