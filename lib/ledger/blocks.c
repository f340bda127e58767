#include "ledger/blocks.h"

#include "base/mem.h"
#include "io/fdio.h"
#include "io/hash.h"

#include <stdlib.h>
#include <string.h>

struct slot {
	unsigned char *data;
	struct block_file *file; /* NULL: free */
	size_t n;
	bool again; /* asked for since the hand was here */
};

struct blocks {
	struct slot *slots;
	size_t most;
	size_t taken, cap; /* slots */
	size_t hand;
};

struct blocks *
blocks_new(size_t most)
{
	struct blocks *c = mem_zero(1, sizeof(*c));

	c->most = most;
	return c;
}

void
blocks_free(struct blocks *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->taken; i++)
		free(c->slots[i].data);
	free(c->slots);
	free(c);
}

void
blocks_join(struct block_file *f)
{
	f->slots = mem_zero(f->nblocks, sizeof(*f->slots));
}

void
blocks_leave(struct blocks *c, struct block_file *f)
{
	for (size_t i = 0; i < c->taken; i++)
		if (c->slots[i].file == f)
			c->slots[i].file = NULL;
	free(f->slots);
	f->slots = NULL;
}

uint32_t
block_crc(const unsigned char *block, uint32_t seed, size_t n)
{
	return hash_crc32c(seed + (uint32_t)n, block, BLOCK_CRC_AT);
}

static int
read_block(const struct block_file *f, size_t n, unsigned char *to)
{
	uint32_t crc;

	if (f->fd < 0)
		memcpy(to, f->bytes + n * BLOCK_SIZE, BLOCK_SIZE);
	else if (fd_read_at(f->fd, to, BLOCK_SIZE, (uint64_t)n * BLOCK_SIZE) !=
		 BLOCK_SIZE)
		return -1;
	memcpy(&crc, to + BLOCK_CRC_AT, sizeof(crc));
	return crc == block_crc(to, f->seed, n) ? 0 : -1;
}

static size_t
new_slot(struct blocks *c)
{
	if (c->taken == c->cap) {
		c->cap = c->cap == 0 ? 16 : 2 * c->cap;
		c->slots = mem_resize(c->slots, c->cap, sizeof(*c->slots));
	}
	c->slots[c->taken] = (struct slot){.data = mem_alloc(BLOCK_SIZE)};
	return c->taken++;
}

/* A slot that is free, or whose block was not asked for again. */
static size_t
make_room(struct blocks *c)
{
	struct slot *s;

	if (c->taken < c->most)
		return new_slot(c);
	for (;; c->hand = (c->hand + 1) % c->taken) {
		s = &c->slots[c->hand];
		if (s->file == NULL || !s->again)
			break;
		s->again = false;
	}
	if (s->file != NULL)
		s->file->slots[s->n] = 0;
	s->file = NULL;
	return c->hand;
}

static const unsigned char *
load(struct blocks *c, struct block_file *f, size_t n)
{
	size_t i = make_room(c);
	struct slot *s = &c->slots[i];

	c->hand = (i + 1) % c->taken;
	if (read_block(f, n, s->data) != 0)
		return NULL;
	s->file = f;
	s->n = n;
	s->again = false;
	f->slots[n] = (uint32_t)i + 1;
	return s->data;
}

const unsigned char *
blocks_get(struct blocks *c, struct block_file *f, size_t n)
{
	uint32_t slot = f->slots[n];

	if (slot == 0)
		return load(c, f, n);
	c->slots[slot - 1].again = true;
	return c->slots[slot - 1].data;
}

void
blocks_prefetch(
    const struct blocks *c, const struct block_file *f, size_t n, size_t at)
{
	if (f->slots[n] != 0)
		__builtin_prefetch(c->slots[f->slots[n] - 1].data + at);
}
