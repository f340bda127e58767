/* Linear probing; by half, not by doubling, so that it is always 58% full. */
#include "io/hashset.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 64 /* slots */

static bool
is_zero(const struct hashset *s, const unsigned char *hash)
{
	static const unsigned char zero[32];

	return memcmp(hash, zero, s->width) == 0;
}

/* The slot that holds it, else the free one where it belongs. */
static unsigned char *
find(const struct hashset *s, const unsigned char *hash)
{
	unsigned char *slot;
	uint64_t a, b;
	size_t i;

	memcpy(&a, hash, 8);
	memcpy(&b, hash + s->width - 8, 8);
	a = (a ^ b * 0xc2b2ae3d27d4eb4f) * 0x9e3779b97f4a7c15;
	for (i = (size_t)((a >> 32) * s->size >> 32);;
	     i = i + 1 == s->size ? 0 : i + 1) {
		slot = s->slots + i * s->width;
		if (is_zero(s, slot) || memcmp(slot, hash, s->width) == 0)
			return slot;
	}
}

static void
grow(struct hashset *s)
{
	struct hashset old = *s;

	s->size = old.size == 0 ? FIRST : old.size / 2 * 3;
	s->slots = mem_zero(s->size, s->width);
	for (size_t i = 0; i < old.size; i++) {
		unsigned char *hash = old.slots + i * s->width;

		if (!is_zero(s, hash))
			memcpy(find(s, hash), hash, s->width);
	}
	free(old.slots);
}

bool
hashset_add(struct hashset *s, const void *hash)
{
	unsigned char *slot;

	if (is_zero(s, hash)) {
		bool new = !s->zero;
		s->zero = true;
		return new;
	}
	if (s->n >= s->size / 8 * 7)
		grow(s);
	slot = find(s, hash);
	if (!is_zero(s, slot))
		return false;
	memcpy(slot, hash, s->width);
	s->n++;
	return true;
}

bool
hashset_has(const struct hashset *s, const void *hash)
{
	if (is_zero(s, hash))
		return s->zero;
	return s->n > 0 && !is_zero(s, find(s, hash));
}

void
hashset_clear(struct hashset *s)
{
	if (s->n > 0)
		memset(s->slots, 0, s->size * s->width);
	s->n = 0;
	s->zero = false;
}

void
hashset_release(struct hashset *s)
{
	free(s->slots);
	*s = HASHSET_INIT(s->width);
}
