#include "base/mem.h"
#include "ledger/internal.h"

#include <endian.h>
#include <stdlib.h>

/*
 * Of a key that is found in one index the others are asked as well, for a newer
 * word on it.  Hardly ever is there one, and a filter's word is far from the
 * last one that was looked at.  So after some look-ups all indexes are gone
 * through once, side by side in the order of keys, and what more than one of
 * them has is kept: it is exact, and true until one of them changes.
 */

#define MOST    65536 /* of them that are kept; with more all indexes are asked */
#define LEAST   1024  /* filters asked before it is worth while */
#define FOR_ONE 64    /* entries that are gone through while one filter is asked */

/* An index, at its next key. */
struct cursor {
	uint64_t high, low; /* the key, as numbers */
	struct index *index;
	uint64_t read;               /* entries of it */
	struct table_entry *entries; /* the last ones */
	size_t at, n;
};

/* Cursors in a heap, the least key on top. */
struct heap {
	struct cursor *v;
	struct table_entry *entries; /* of all */
	size_t n;
};

static bool
is_less(const struct cursor *a, const struct cursor *b)
{
	return a->high != b->high ? a->high < b->high : a->low < b->low;
}

static void
sift_down(struct heap *h, size_t i)
{
	struct cursor moved = h->v[i];
	size_t child;

	while ((child = 2 * i + 1) < h->n) {
		if (child + 1 < h->n && is_less(&h->v[child + 1], &h->v[child]))
			child++;
		if (!is_less(&h->v[child], &moved))
			break;
		h->v[i] = h->v[child];
		i = child;
	}
	h->v[i] = moved;
}

static bool
step(struct cursor *c)
{
	uint64_t halves[2];

	if (++c->at >= c->n) {
		c->n = index_entries(c->index, c->read, c->entries, INDEX_ENTRIES);
		c->read += c->n;
		c->at = 0;
	}
	if (c->n == 0)
		return false;
	memcpy(halves, c->entries[c->at].key, sizeof(halves));
	c->high = be64toh(halves[0]);
	c->low = be64toh(halves[1]);
	return true;
}

static struct heap
all_indexes(const struct ledger *l)
{
	size_t each = INDEX_ENTRIES * sizeof(struct table_entry);
	struct heap h = {mem_alloc(l->nsegments * sizeof(*h.v)),
	    mem_alloc(l->nsegments * each), 0};

	for (size_t i = 0; i < l->nsegments; i++) {
		h.v[h.n] = (struct cursor){.index = l->segments[i].index,
		    .entries = h.entries + i * INDEX_ENTRIES};
		if (h.v[h.n].index != NULL && step(&h.v[h.n]))
			h.n++;
	}
	for (size_t i = h.n / 2; i-- > 0;)
		sift_down(&h, i);
	return h;
}

/* The keys that come twice; false: too many. */
static bool
go_through(struct heap *h, struct hashset *twice)
{
	struct cursor last;
	uint64_t key[2];

	while (h->n > 1) {
		last = h->v[0];
		if (!step(&h->v[0]))
			h->v[0] = h->v[--h->n];
		sift_down(h, 0);
		if (is_less(&last, &h->v[0]))
			continue;
		key[0] = htobe64(last.high);
		key[1] = htobe64(last.low);
		if (hashset_add(twice, key) && twice->n > MOST)
			return false;
	}
	return true;
}

static bool
is_broken(const struct ledger *l)
{
	for (size_t i = 0; i < l->nsegments; i++)
		if (l->segments[i].index != NULL && l->segments[i].index->broken)
			return true;
	return false;
}

static void
find_repeats(struct ledger *l)
{
	struct repeats *r = &l->repeats;
	struct heap h = all_indexes(l);

	r->exact = go_through(&h, &r->keys) && !is_broken(l);
	r->tried = true;
	if (!r->exact)
		hashset_release(&r->keys);
	free(h.v);
	free(h.entries);
}

/* As much has been spent on asking as going through all would cost. */
static bool
is_due(struct ledger *l)
{
	struct repeats *r = &l->repeats;
	uint64_t entries = 0;

	r->asked += l->nsegments - 1;
	if (r->due == 0) {
		for (size_t i = 0; i < l->nsegments; i++)
			if (l->segments[i].index != NULL)
				entries += l->segments[i].index->entries;
		r->due = LEAST + entries / FOR_ONE;
	}
	return r->asked >= r->due;
}

bool
repeats_not(struct ledger *l, const unsigned char *key)
{
	struct repeats *r = &l->repeats;

	if (!r->tried && is_due(l))
		find_repeats(l);
	return r->exact && !hashset_has(&r->keys, key);
}

void
repeats_forget(struct ledger *l)
{
	hashset_release(&l->repeats.keys);
	l->repeats = (struct repeats){.keys = HASHSET_INIT(LEDGER_KEY_SIZE)};
}
