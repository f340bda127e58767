/* seen: a hash table with linear probing, keyed by what is a hash already. */
#include "seen.h"

#include "base/mem.h"
#include "io/rng.h"

#include <stdlib.h>

static struct seen_body *
find(struct seen_body *table, size_t size, uint64_t hash)
{
	size_t i = hash & (size - 1);

	while (table[i].times != 0 && table[i].hash != hash)
		i = (i + 1) & (size - 1);
	return &table[i];
}

static void
grow(struct seen *s)
{
	size_t size = s->size == 0 ? 1024 : 2 * s->size;
	struct seen_body *table = mem_zero(size, sizeof(*table));

	for (size_t i = 0; i < s->size; i++)
		if (s->table[i].times != 0)
			*find(table, size, s->table[i].hash) = s->table[i];
	free(s->table);
	s->table = table;
	s->size = size;
}

struct seen_body *
seen_add(struct seen *s, uint64_t hash)
{
	struct seen_body *b;

	if (2 * s->distinct >= s->size)
		grow(s);
	b = find(s->table, s->size, hash);
	if (b->times == 0) {
		b->hash = hash;
		s->distinct++;
	} else {
		s->duplicates++;
	}
	b->times++;
	return b;
}

uint32_t
seen_answered(struct seen *s, uint64_t hash)
{
	struct seen_body *b;

	if (s->size == 0)
		return 0;
	b = find(s->table, s->size, hash);
	return b->times == 0 ? 0 : b->answered++;
}

void
draws_make(struct draws *d, uint64_t seed, uint64_t hash, uint32_t times)
{
	struct rng rng;

	rng_seed(&rng, seed ^ hash);
	rng_seed(&rng, rng_next(&rng) ^ times);
	d->latency = rng_unit(&rng);
	d->drop = rng_unit(&rng);
	d->status = rng_unit(&rng);
}

void
seen_release(struct seen *s)
{
	free(s->table);
	*s = (struct seen){NULL, 0, 0, 0};
}
