/*
 * Beyond memory: items go into buckets by the upper bits of their number, so that
 * the buckets come out one after the other, each sorted in memory; one that does
 * not fit there goes into buckets by the bits that follow.
 */
#include "base/mem.h"
#include "shuffle.h"

#include <stdlib.h>

#define BITS    6
#define BUCKETS ((size_t)1 << BITS)

struct head {
	uint64_t number;
	uint64_t n; /* bytes of the line */
};

struct part {
	uint64_t items;
	uint64_t number; /* of the first one */
	bool mixed;      /* others have another */
};

struct beyond {
	struct buckets *buckets;
	struct part parts[BUCKETS];
	uint64_t memory;
	int shift; /* of a number, to have its bucket in the lowest bits */
};

static struct beyond *
new_level(uint64_t memory, int shift, struct err *e)
{
	struct beyond *b = mem_zero(1, sizeof(*b));

	b->memory = memory;
	b->shift = shift;
	b->buckets = buckets_new(BUCKETS, (size_t)(memory / 8), e);
	if (b->buckets != NULL)
		return b;
	free(b);
	return NULL;
}

struct beyond *
beyond_new(uint64_t memory, struct err *e)
{
	return new_level(memory, 64 - BITS, e);
}

int
beyond_add(struct beyond *b, uint64_t number, struct span line, struct err *e)
{
	size_t i = (size_t)(number >> b->shift) % BUCKETS;
	struct head head = {number, line.n};
	struct part *p = &b->parts[i];

	if (p->items++ == 0)
		p->number = number;
	p->mixed = p->mixed || p->number != number;
	return buckets_add(b->buckets, i, &head, sizeof(head), line, e);
}

/* The next record of a block; false at its end. */
static bool
next_record(struct span *block, struct head *head, struct span *line)
{
	if (block->n == 0)
		return false;
	memcpy(head, block->p, sizeof(*head));
	*line = span_of(block->p + sizeof(*head), (size_t)head->n);
	block->p = line->p + line->n;
	block->n -= sizeof(*head) + line->n;
	return true;
}

/* ---- what becomes of a bucket ---- */

typedef int each_record(
    void *arg, const struct head *head, struct span line, struct err *e);

/* Block by block. 1: the function had enough. */
static int
for_each(const struct beyond *b, size_t i, each_record *f, void *arg, struct err *e)
{
	struct buf block = BUF_INIT;
	struct span rest, line;
	struct head head;
	size_t at = 0;
	int r, got = 0;

	buf_init(&block, SIZE_MAX / 2);
	while ((r = buckets_next(b->buckets, i, &at, &block, e)) > 0) {
		rest = buf_span(&block);
		while (got == 0 && next_record(&rest, &head, &line))
			got = f(arg, &head, line, e);
		if (got != 0)
			break;
		buf_clear(&block);
	}
	buf_release(&block);
	return r < 0 ? -1 : got;
}

static int
put_out(void *arg, const struct head *head, struct span line, struct err *e)
{
	struct item item = {head->number, 0, line};

	(void)e;
	return output_items(arg, &(struct items){.at = &item, .n = 1}) ? 0 : 1;
}

static int
put_deeper(void *arg, const struct head *head, struct span line, struct err *e)
{
	return beyond_add(arg, head->number, line, e);
}

static int
sort_in_memory(const struct beyond *b, size_t i, struct output *o, struct err *e)
{
	struct items items = {.cap = (size_t)b->parts[i].items};
	struct buf all = BUF_INIT;
	struct span rest, line;
	struct head head;
	size_t at = 0;
	int r;

	buf_init(&all, SIZE_MAX / 2);
	/* Each takes as much as it must. */
	all.data = mem_alloc(all.cap = (size_t)buckets_size(b->buckets, i));
	items.at = mem_resize(NULL, items.cap, sizeof(*items.at));
	while ((r = buckets_next(b->buckets, i, &at, &all, e)) > 0)
		;
	if (r == 0) {
		rest = buf_span(&all);
		while (next_record(&rest, &head, &line))
			items_add(&items, head.number, items.n, line, true);
		items_sort(&items);
		r = output_items(o, &items) ? 0 : 1;
	}
	items_release(&items);
	buf_release(&all);
	return r;
}

static int output_all(struct beyond *b, struct output *o, struct err *e);

static int
output_bucket(const struct beyond *b, size_t i, struct output *o, struct err *e)
{
	const struct part *p = &b->parts[i];
	struct beyond *deeper;
	int r;

	if (buckets_size(b->buckets, i) + p->items * sizeof(struct item) <=
	    b->memory)
		return sort_in_memory(b, i, o, e);
	if (!p->mixed)
		return for_each(b, i, put_out, o, e);
	deeper = new_level(b->memory, b->shift > BITS ? b->shift - BITS : 0, e);
	if (deeper == NULL)
		return -1;
	r = for_each(b, i, put_deeper, deeper, e);
	if (r == 0)
		r = output_all(deeper, o, e);
	beyond_free(deeper);
	return r;
}

/* 0, 1: no more is wanted, or -1 and e. */
static int
output_all(struct beyond *b, struct output *o, struct err *e)
{
	int r = buckets_end(b->buckets, e);

	for (size_t i = 0; r == 0 && i < BUCKETS; i++)
		if (b->parts[i].items > 0)
			r = output_bucket(b, i, o, e);
	return r;
}

int
beyond_output(struct beyond *b, struct output *o, struct err *e)
{
	return output_all(b, o, e) < 0 ? -1 : 0;
}

void
beyond_free(struct beyond *b)
{
	if (b == NULL)
		return;
	buckets_free(b->buckets);
	free(b);
}
