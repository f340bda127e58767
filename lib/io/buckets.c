#include "io/buckets.h"

#include "base/mem.h"
#include "io/fdio.h"
#include "io/tempfile.h"

#include <stdlib.h>

#define BLOCK_MIN ((size_t)32 << 10)

struct block {
	uint64_t at;
	size_t n;
};

struct bucket {
	struct buf held; /* of the next block */
	struct block *blocks;
	size_t nblocks, cap;
	uint64_t size;
};

struct buckets {
	int fd;
	uint64_t end; /* of the file */
	size_t block; /* bytes that are written at once */
	size_t n;
	struct bucket at[];
};

struct buckets *
buckets_new(size_t n, size_t memory, struct err *e)
{
	struct buckets *b;
	int fd = tempfile_open(e);

	if (fd < 0)
		return NULL;
	b = mem_zero(1, sizeof(*b) + n * sizeof(b->at[0]));
	b->fd = fd;
	b->n = n;
	/* A power of two, as a buffer's size is. */
	b->block = BLOCK_MIN;
	while (b->block <= memory / n / 2)
		b->block *= 2;
	return b;
}

static void
new_block(struct buckets *b, struct bucket *u, size_t n)
{
	if (u->nblocks == u->cap) {
		u->cap = u->cap == 0 ? 4 : 2 * u->cap;
		u->blocks = mem_resize(u->blocks, u->cap, sizeof(*u->blocks));
	}
	u->blocks[u->nblocks] = (struct block){b->end, n};
	b->end += n;
	u->nblocks++;
}

static int
write_held(struct buckets *b, struct bucket *u, struct err *e)
{
	if (u->held.len == 0)
		return 0;
	new_block(b, u, u->held.len);
	if (tempfile_write(b->fd, buf_span(&u->held), e) < 0)
		return -1;
	buf_clear(&u->held);
	return 0;
}

int
buckets_add(struct buckets *b, size_t i, const void *head, size_t nhead,
    struct span body, struct err *e)
{
	struct bucket *u = &b->at[i];
	size_t n = nhead + body.n;

	u->size += n;
	if (u->held.len + n > b->block && write_held(b, u, e) < 0)
		return -1;
	if (n > b->block) {
		new_block(b, u, n);
		if (tempfile_write(b->fd, span_of(head, nhead), e) < 0)
			return -1;
		return tempfile_write(b->fd, body, e);
	}
	if (u->held.data == NULL)
		buf_room(&u->held, b->block);
	buf_add(&u->held, head, nhead);
	buf_addspan(&u->held, body);
	return 0;
}

int
buckets_end(struct buckets *b, struct err *e)
{
	for (size_t i = 0; i < b->n; i++) {
		if (write_held(b, &b->at[i], e) < 0)
			return -1;
		buf_release(&b->at[i].held);
	}
	return 0;
}

uint64_t
buckets_size(const struct buckets *b, size_t i)
{
	return b->at[i].size;
}

int
buckets_next(const struct buckets *b, size_t i, size_t *block, struct buf *out,
    struct err *e)
{
	const struct bucket *u = &b->at[i];
	const struct block *k;

	if (*block == u->nblocks)
		return 0;
	k = &u->blocks[(*block)++];
	return tempfile_read(b->fd, k->at, k->n, out, e) < 0 ? -1 : 1;
}

void
buckets_free(struct buckets *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n; i++) {
		buf_release(&b->at[i].held);
		free(b->at[i].blocks);
	}
	fd_close(b->fd);
	free(b);
}
