/*
 * buckets: more records than memory holds, sorted into buckets in one temporary
 * file (fd_open_nameless()).
 *
 * A record goes into the bucket that the caller says; each bucket gives back its
 * records in the order in which they went in.  A record is a head of a size that
 * is the caller's, which says how long the body behind it is.
 *
 *	b = buckets_new(64, 16 << 20, &e);
 *	buckets_add(b, i, &head, sizeof(head), body, &e);
 *	...
 *	buckets_end(b, &e);
 *	for (block = 0; (r = buckets_next(b, i, &block, &buf, &e)) > 0; )
 *		... whole records, appended to buf
 *	buckets_free(b);
 */
#ifndef BF_IO_BUCKETS_H
#define BF_IO_BUCKETS_H

#include "base/buf.h"
#include "base/err.h"

struct buckets;

/*
 * n buckets; about so many bytes of memory are used for writing, 32 KiB a bucket at
 * the least.  NULL and e.
 */
struct buckets *buckets_new(size_t n, size_t memory, struct err *e);

/* 0, or -1 and e: the file cannot be written. */
int buckets_add(struct buckets *b, size_t i, const void *head, size_t nhead,
    struct span body, struct err *e);

/* Nothing more is added; frees the memory that was for writing. 0, or -1 and e. */
int buckets_end(struct buckets *b, struct err *e);

uint64_t buckets_size(const struct buckets *b, size_t i); /* bytes */

/*
 * Appends the next of a bucket's blocks, each some whole records, to out. *block
 * is 0 before the first.  1, 0 when there is none, -1 and e.
 */
int buckets_next(const struct buckets *b, size_t i, size_t *block, struct buf *out,
    struct err *e);

void buckets_free(struct buckets *b); /* NULL does nothing */

#endif
