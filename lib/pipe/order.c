#include "pipe/order.h"

#include "base/mem.h"

#include <stdlib.h>

void
order_init(struct order *o, struct lines *lines, order_put_fn *put, void *arg)
{
	*o = (struct order){.lines = lines, .put = put, .arg = arg};
}

static struct place *
at(const struct order *o, uint64_t n)
{
	return &o->ring[n & (o->cap - 1)];
}

static void
clear(struct order *o, struct place *p)
{
	struct line *line;

	while ((line = p->first) != NULL) {
		p->first = line->next;
		lines_free(o->lines, line);
	}
	p->last = NULL;
	lines_free(o->lines, p->kept);
	p->kept = NULL;
}

void
order_release(struct order *o)
{
	for (uint64_t n = o->base; n < o->next; n++)
		clear(o, at(o, n));
	free(o->ring);
	buf_release(&o->scratch);
}

static void
grow(struct order *o)
{
	size_t cap = o->cap == 0 ? 64 : 2 * o->cap;
	struct place *ring = mem_zero(cap, sizeof(*ring));

	for (uint64_t n = o->base; n < o->next; n++)
		ring[n & (cap - 1)] = *at(o, n);
	free(o->ring);
	o->ring = ring;
	o->cap = cap;
}

uint64_t
order_add(struct order *o)
{
	if (o->next - o->base == o->cap)
		grow(o);
	*at(o, o->next) = (struct place){.first = NULL};
	return o->next++;
}

struct place *
order_place(const struct order *o, uint64_t n)
{
	return n < o->base || n >= o->next || at(o, n)->over ? NULL : at(o, n);
}

void
order_back(struct order *o, uint64_t n, struct span text)
{
	struct place *p = at(o, n);
	struct line *line;

	p->back = true;
	if (n == o->base && p->first == NULL) {
		o->put(o->arg, text);
		return;
	}
	line = lines_add(o->lines, text);
	if (p->first == NULL)
		p->first = line;
	else
		p->last->next = line;
	p->last = line;
}

void
order_over(struct order *o, uint64_t n)
{
	at(o, n)->over = true;
}

static int
put_out(struct order *o, struct place *p)
{
	struct line *line;
	struct span text;
	int rc = 0;

	while ((line = p->first) != NULL) {
		if (lines_get(o->lines, line, &o->scratch, &text) == 0)
			o->put(o->arg, text);
		else
			rc = -1;
		p->first = line->next;
		lines_free(o->lines, line);
	}
	return rc;
}

int
order_advance(struct order *o)
{
	int rc = 0;

	while (o->base < o->next) {
		struct place *p = at(o, o->base);

		if (put_out(o, p) < 0)
			rc = -1;
		if (!p->over)
			break;
		clear(o, p);
		o->base++;
	}
	return rc;
}
