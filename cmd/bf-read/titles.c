/* Rows of named columns to entries. */
#include "read.h"

#include "base/mem.h"
#include "io/hash.h"

#include <stdlib.h>

void
titles_init(struct titles *c)
{
	*c = (struct titles){.seen = HASHSET_INIT(16), .id = COLUMN_NONE};
}

void
titles_release(struct titles *c)
{
	buf_release(&c->names);
	hashset_release(&c->seen);
	free(c->end);
}

bool
titles_add(struct titles *c, struct span name)
{
	unsigned char hash[16];

	hash_blake2b(name, hash, sizeof(hash));
	if (!hashset_add(&c->seen, hash))
		return false;
	if (span_eq(name, SPAN("id")))
		c->id = c->n;
	if (c->n == c->cap) {
		c->cap = c->cap == 0 ? 16 : 2 * c->cap;
		c->end = mem_resize(c->end, c->cap, sizeof(*c->end));
	}
	buf_addc(&c->names, c->n == 0 ? '{' : ',');
	json_add_string(&c->names, name);
	buf_addc(&c->names, ':');
	c->end[c->n++] = c->names.len;
	return true;
}

void
row_name(struct reader *r, const struct titles *c, size_t i)
{
	size_t from = i == 0 ? 0 : c->end[i - 1];

	buf_add(&r->fields, c->names.data + from, c->end[i] - from);
}

void
row_end(struct reader *r, const struct titles *c)
{
	struct json_fault fault;

	if (c->id == COLUMN_NONE) {
		entry_end(r, NULL);
		return;
	}
	buf_addc(&r->fields, '}');
	if (entry_parse(&r->entry, buf_span(&r->fields), &fault) == 0)
		entry_pass_row(r); /* anything else cannot be: it was made here */
}
