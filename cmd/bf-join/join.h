/*
 * bf-join's parts: main.c knows the options and lets entries through, key.c makes
 * keys of them, table.c holds the other file.
 */
#ifndef BF_JOIN_H
#define BF_JOIN_H

#include "io/hashset.h"
#include "json/columns.h"
#include "json/stage.h"

/* ---- key.c: what entries are compared by ---- */

/*
 * A value as text: a string's contents, anything else in canonical form, so that
 * 7 and "7" are one key.  It lives in scratch, or in the value.
 */
struct span key_text(struct span value, struct buf *scratch);

#define KEY_HASH 16 /* bytes */

/* The keys of a file: entries, or one a line. */
struct keys {
	struct hashset hashes;
	struct buf scratch;
};

/* Reads them; where that failed the stage is stopped, or has lost the file. */
void keys_read(
    struct keys *k, struct stage *st, char *const *file, const struct path *p);
bool keys_have(struct keys *k, struct span text);
void keys_release(struct keys *k);

/* ---- table.c: entries to join with ---- */

struct row {
	uint64_t hash; /* of its key */
	uint64_t at;   /* where its line begins, behind those before it */
	uint64_t n;    /* bytes of the line */
	uint32_t next; /* another row of the same chain, from 1; 0: none */
};

struct table {
	const struct path *key;
	struct row *rows;
	size_t n, cap;
	uint32_t *chains; /* the first row of each, from 1 */
	size_t nchains;   /* a power of 2 */
	struct buf lines; /* in memory, or those that go to the file next */
	uint64_t memory;
	int fd;           /* of the file; -1: all are in memory */
	uint64_t written; /* bytes in it */
	uint64_t without; /* entries that have no key */
	struct buf line;  /* read from the file */
	struct buf scratch;
};

#define TABLE_INIT ((struct table){.fd = -1})

/* Reads it, as keys_read() does. */
void table_read(struct table *t, struct stage *st, char *const *file);

/*
 * The rows of a key, in their order: *row is 0 before the first.  Parses each into
 * en, which lives until the next.  1, 0 when there is none, -1 and e.
 */
int table_next(struct table *t, struct span key, uint32_t *row, struct entry *en,
    struct err *e);

void table_release(struct table *t);

#endif
