#include "base/mem.h"
#include "json/iter.h"
#include "json/scan.h"
#include "json/text.h"

#include <stdlib.h>

/*
 * Arrays and objects are numbered as they open.  One pass over the text notes
 * where each ends, so that going through the members of an object need not read
 * what is in them, and all of the work is in proportion to the text, however
 * deeply it is nested.
 */
struct extent {
	const char *end;
	size_t next; /* the number of the first one behind it; while open, its
			parent */
};

/* A member of an object that is being written. */
struct item {
	struct span name; /* unescaped */
	char *own;   /* name's memory, or NULL where the text holds it as it is */
	size_t lone; /* surrogates replaced in it */
	struct span value;
	size_t number; /* of the value, if it is an array or object */
};

/* An array or object that is being written. */
struct frame {
	struct json_iter it; /* array: what follows */
	size_t number;       /* array: of the next array or object in it */
	size_t first;        /* object: its items, sorted */
	size_t n;
	size_t i; /* members or elements written */
};

struct canon {
	struct buf *out;
	struct extent *extents;
	size_t nextents, extents_cap;
	struct item *items; /* of all open objects */
	size_t nitems, items_cap;
	struct frame *frames;
	size_t nframes, frames_cap;
	size_t lone;
};

/* Makes room for one more. */
static void *
grow(void *p, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return p;
	*cap = *cap == 0 ? 16 : *cap * 2;
	return mem_resize(p, *cap, size);
}

static void
map_extents(struct canon *c, struct span value)
{
	const char *p = value.p, *end = value.p + value.n;
	size_t open = 0, parent;

	for (; p < end; p++) {
		switch (*p) {
		case '"':
			p = scan->quote(p + 1, end);
			break;
		case '[':
		case '{':
			c->extents = grow(c->extents, c->nextents, &c->extents_cap,
			    sizeof *c->extents);
			c->extents[c->nextents] = (struct extent){NULL, open};
			open = c->nextents++;
			break;
		case ']':
		case '}':
			parent = c->extents[open].next;
			c->extents[open] = (struct extent){p + 1, c->nextents};
			open = parent;
			break;
		default:
			break;
		}
	}
}

/* Past the value at it->p, whose number is *number if it is an array or object. */
static struct span
take_value(const struct canon *c, struct json_iter *it, size_t *number)
{
	const char *p = it->p;

	if (*p == '[' || *p == '{') {
		it->p = c->extents[*number].end;
		*number = c->extents[*number].next;
	} else {
		it->p = iter_value_end(p, it->end);
	}
	return span_of(p, (size_t)(it->p - p));
}

static void
item_name(struct item *item, struct span key)
{
	struct buf text = BUF_INIT;

	item->name = key;
	item->own = NULL;
	item->lone = 0;
	if (key.n == 0 || memchr(key.p, '\\', key.n) == NULL)
		return;
	item->lone = json_unescape(&text, key);
	item->name = buf_span(&text);
	item->own = text.data;
}

/* By name; those of the same name in the order of the text. */
static int
item_order(const void *va, const void *vb)
{
	const struct item *a = va, *b = vb;
	size_t n = a->name.n < b->name.n ? a->name.n : b->name.n;
	int order = n == 0 ? 0 : memcmp(a->name.p, b->name.p, n);

	if (order != 0)
		return order;
	if (a->name.n != b->name.n)
		return a->name.n < b->name.n ? -1 : 1;
	return a->value.p < b->value.p ? -1 : 1;
}

/* Of the sorted items from first on, leaves the last of each name. */
static void
drop_duplicates(struct canon *c, size_t first)
{
	size_t to = first;

	for (size_t i = first; i < c->nitems; i++) {
		struct item *item = &c->items[i];

		if (i + 1 < c->nitems && span_eq(item->name, item[1].name))
			free(item->own);
		else
			c->items[to++] = *item;
	}
	c->nitems = to;
}

static void
open_object(struct canon *c, struct frame *f, struct span value, size_t number)
{
	struct json_iter it = json_iter(value);
	struct item item;
	struct span key;

	f->first = c->nitems;
	number++;
	while (iter_next(&it, &key)) {
		item_name(&item, key);
		item.number = number;
		item.value = take_value(c, &it, &number);
		c->items = grow(
		    c->items, c->nitems, &c->items_cap, sizeof *c->items);
		c->items[c->nitems++] = item;
	}
	if (c->nitems - f->first > 1)
		qsort(c->items + f->first, c->nitems - f->first, sizeof *c->items,
		    item_order);
	drop_duplicates(c, f->first);
	f->n = c->nitems - f->first;
}

/* Writes a value, of an array or object the bracket alone, and opens its frame. */
static void
begin_value(struct canon *c, struct span value, size_t number)
{
	struct frame *f;

	if (*value.p == '"') {
		buf_addc(c->out, '"');
		c->lone += text_normal(c->out, span_of(value.p + 1, value.n - 2));
		buf_addc(c->out, '"');
		return;
	}
	if (*value.p != '[' && *value.p != '{') {
		buf_addspan(c->out, value);
		return;
	}
	buf_addc(c->out, *value.p);
	c->frames = grow(c->frames, c->nframes, &c->frames_cap, sizeof *c->frames);
	f = &c->frames[c->nframes++];
	*f = (struct frame){.it = json_iter(value), .number = number + 1};
	if (f->it.object)
		open_object(c, f, value, number);
}

/* A name that needed no unescaping needs no escaping. */
static void
add_name(struct buf *out, const struct item *item)
{
	buf_addc(out, '"');
	if (item->own == NULL)
		buf_addspan(out, item->name);
	else
		json_escape(out, item->name);
	buf_addc(out, '"');
}

/* The next element or member of the innermost frame; false at its end. */
static bool
write_next(struct canon *c)
{
	struct frame *f = &c->frames[c->nframes - 1];
	struct item *item;
	struct span key, value;
	size_t number = f->number;

	if (f->it.object) {
		if (f->i == f->n)
			return false;
		if (f->i > 0)
			buf_addc(c->out, ',');
		item = &c->items[f->first + f->i++];
		add_name(c->out, item);
		c->lone += item->lone;
		buf_addc(c->out, ':');
		begin_value(c, item->value, item->number);
		return true;
	}
	if (!iter_next(&f->it, &key))
		return false;
	if (f->i++ > 0)
		buf_addc(c->out, ',');
	value = take_value(c, &f->it, &f->number);
	begin_value(c, value, number);
	return true;
}

static void
end_frame(struct canon *c)
{
	struct frame *f = &c->frames[--c->nframes];

	buf_addc(c->out, f->it.object ? '}' : ']');
	if (!f->it.object)
		return;
	for (size_t i = f->first; i < c->nitems; i++)
		free(c->items[i].own);
	c->nitems = f->first;
}

size_t
json_canon(struct buf *out, struct span value)
{
	struct canon c = {.out = out};

	map_extents(&c, value);
	begin_value(&c, value, 0);
	while (c.nframes > 0)
		if (!write_next(&c))
			end_frame(&c);
	free(c.extents);
	free(c.items);
	free(c.frames);
	return c.lone;
}
