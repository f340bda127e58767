/*
 * blocks: the blocks of index files, checked, in a cache of fixed size.
 *
 * A file is read with pread(2), a block of 4 KiB at a time, and never mapped:
 * memory does not grow with the ledger, an unreadable disk is an error and no
 * signal, and a block that is not in memory costs a tenth of a page fault.
 * The last four bytes of a block are the CRC-32C of those before them, which
 * begins with the file's seed and the block's number: no block of another place
 * or another file passes for it.
 *
 * One cache serves all indexes of a ledger; it is of one thread.  What goes is
 * chosen by the clock algorithm (second chance; Corbato, 1968).
 */
#ifndef BF_LEDGER_BLOCKS_H
#define BF_LEDGER_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#define BLOCK_SIZE   4096
#define BLOCK_CRC_AT 4092

struct blocks;

/* Where blocks come from: a file, or its bytes in memory where there is none. */
struct block_file {
	int fd; /* -1: none */
	const unsigned char *bytes;
	size_t nblocks;
	uint32_t seed;
	uint32_t *slots; /* of each block, where in the cache it is + 1; 0: it is not */
};

struct blocks *blocks_new(size_t most); /* 4 KiB each, taken as they are needed */
void blocks_free(struct blocks *c);

/* Neither descriptor nor bytes are taken over; both stay until blocks_leave(). */
void blocks_join(struct block_file *f);
void blocks_leave(struct blocks *c, struct block_file *f);

/*
 * Block n, borrowed until the next one is asked for; NULL if it cannot be read or
 * its checksum is wrong.
 */
const unsigned char *blocks_get(struct blocks *c, struct block_file *f, size_t n);

/* A byte of block n will be asked for: its cache line is waited for already. */
void blocks_prefetch(
    const struct blocks *c, const struct block_file *f, size_t n, size_t at);

uint32_t block_crc(const unsigned char *block, uint32_t seed, size_t n);

#endif
