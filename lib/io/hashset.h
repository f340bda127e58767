/*
 * hashset: a set of hashes, all of one length.
 *
 *	struct hashset seen = HASHSET_INIT(LEDGER_KEY_SIZE);
 *	if (hashset_add(&seen, key))
 *		... for the first time
 *	hashset_release(&seen);
 *
 * What is put in is a hash already: its bytes say where it goes.  It takes 1.1
 * to 1.7 times its length, and 2.9 times while the set grows.
 */
#ifndef BF_IO_HASHSET_H
#define BF_IO_HASHSET_H

#include <stdbool.h>
#include <stddef.h>

struct hashset {
	size_t width; /* bytes of a hash, 8 to 32 */
	unsigned char *slots; /* one that is all zero is free */
	size_t size; /* slots */
	size_t n;
	bool zero; /* the hash that is all zero is in it */
};

#define HASHSET_INIT(bytes) ((struct hashset){.width = (bytes)})

/* false if it is in it already. */
bool hashset_add(struct hashset *s, const void *hash);
bool hashset_has(const struct hashset *s, const void *hash);

void hashset_clear(struct hashset *s);   /* empty; keeps the memory */
void hashset_release(struct hashset *s); /* empty; may be used again */

#endif
