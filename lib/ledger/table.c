#include "ledger/table.h"

#include "base/mem.h"

#include <stdlib.h>

#define CHUNK 4096 /* entries */
#define FREE \
	UINT32_MAX /* as an entry's frame; its line leads to the next free one */

void
table_init(struct table *t)
{
	memset(t, 0, sizeof(*t));
}

void
table_release(struct table *t)
{
	for (uint32_t i = 0; i * (uint64_t)CHUNK < t->count; i++)
		free(t->chunks[i]);
	free(t->chunks);
	free(t->index);
	table_init(t);
}

static struct table_entry *
entry_at(const struct table *t, uint32_t n)
{
	return &t->chunks[n / CHUNK][n % CHUNK];
}

const struct table_entry *
table_at(const struct table *t, uint32_t n)
{
	const struct table_entry *e = entry_at(t, n);

	return e->frame == FREE ? NULL : e;
}

/* Where the search for a key begins: its hash scaled to the number of slots. */
static uint64_t
slot_of(const struct table *t, const unsigned char *key)
{
	uint64_t a, b;

	memcpy(&a, key, 8);
	memcpy(&b, key + 8, 8);
	a = a * 0x9e3779b97f4a7c15 ^ b * 0xc2b2ae3d27d4eb4f;
	a = (a ^ a >> 29) * 0xd6e8feb86659fd93;
	return (a >> 32) * t->slots >> 32;
}

static void
index_put(struct table *t, uint32_t n)
{
	uint64_t i = slot_of(t, entry_at(t, n)->key);

	while (t->index[i] != 0)
		i = i + 1 == t->slots ? 0 : i + 1;
	t->index[i] = n + 1;
}

/* By half, not by doubling: the index is never less than 58% full. */
static void
index_grow(struct table *t)
{
	t->slots = t->slots == 0 ? 1024 : t->slots + t->slots / 2;
	free(t->index);
	t->index = mem_zero(t->slots, sizeof(*t->index));
	for (uint32_t n = 0; n < t->count; n++)
		if (entry_at(t, n)->frame != FREE)
			index_put(t, n);
}

struct table_entry *
table_find(const struct table *t, const unsigned char *key)
{
	if (t->slots == 0)
		return NULL;
	for (uint64_t i = slot_of(t, key); t->index[i] != 0;
	     i = i + 1 == t->slots ? 0 : i + 1) {
		struct table_entry *e = entry_at(t, t->index[i] - 1);
		if (memcmp(e->key, key, LEDGER_KEY_SIZE) == 0)
			return e;
	}
	return NULL;
}

/* An entry that was removed, used again. */
static struct table_entry *
reuse(struct table *t, const unsigned char *key)
{
	uint32_t n = t->free - 1;
	struct table_entry *e = entry_at(t, n);

	t->free = e->line;
	memcpy(e->key, key, LEDGER_KEY_SIZE);
	e->frame = 0;
	e->line = 0;
	index_put(t, n);
	return e;
}

struct table_entry *
table_add(struct table *t, const unsigned char *key)
{
	struct table_entry *e;

	if (t->free != 0)
		return reuse(t, key);
	if (t->count % CHUNK == 0) {
		uint32_t c = t->count / CHUNK;
		if ((c & (c - 1)) == 0)
			t->chunks = mem_resize(t->chunks,
			    c == 0 ? 1 : 2 * (size_t)c, sizeof(*t->chunks));
		t->chunks[c] = mem_alloc(CHUNK * sizeof(**t->chunks));
	}
	e = entry_at(t, t->count);
	memcpy(e->key, key, LEDGER_KEY_SIZE);
	e->frame = 0;
	e->line = 0;
	t->count++;
	if (t->count > t->slots - t->slots / 8)
		index_grow(t); /* takes the new one in */
	else
		index_put(t, t->count - 1);
	return e;
}

/* What follows in the run of slots moves up, so that no search ends too early. */
static void
index_remove(struct table *t, uint64_t hole)
{
	uint64_t i = hole;

	for (;;) {
		uint64_t home;
		i = i + 1 == t->slots ? 0 : i + 1;
		if (t->index[i] == 0)
			break;
		home = slot_of(t, entry_at(t, t->index[i] - 1)->key);
		if (hole <= i ? home > hole && home <= i : home > hole || home <= i)
			continue;
		t->index[hole] = t->index[i];
		hole = i;
	}
	t->index[hole] = 0;
}

void
table_remove(struct table *t, struct table_entry *e)
{
	uint64_t i = slot_of(t, e->key);

	while (entry_at(t, t->index[i] - 1) != e)
		i = i + 1 == t->slots ? 0 : i + 1;
	e->line = t->free;
	t->free = t->index[i];
	e->frame = FREE;
	index_remove(t, i);
}
