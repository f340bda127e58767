/*
 * chunker: chunks of a number of units.
 *
 * Two cursors go through the units, one at the chunk's start and one at its
 * end, so that a text of any length needs no list of its units.
 */
#include "chunk.h"

#define TOKEN_WORD_MAX 64 /* bytes of a word that tokens are not cut within */

static uint64_t
weight_of(const struct chunker *c, uint64_t units)
{
	if (c->unit != TOKENS)
		return units;
	return units > UINT64_MAX / TOKEN_BYTES ? UINT64_MAX : units * TOKEN_BYTES;
}

/* The boundary after p, which is not at the text's end. */
static struct cursor
after(const struct chunker *c, struct cursor p)
{
	uint64_t max = weight_of(c, c->size);

	if (c->unit == SECTIONS)
		return (struct cursor){c->sections.at[p.weight + 1], p.weight + 1};
	if (max > TOKEN_WORD_MAX)
		max = TOKEN_WORD_MAX;
	p.at = unit_end(c->unit, c->text, p.at, (size_t)max);
	p.weight = c->unit == TOKENS ? p.at : p.weight + 1;
	return p;
}

int
chunker_begin(struct chunker *c, struct span text, struct err *e)
{
	c->text = text;
	chunker_rewind(c);
	return c->unit == SECTIONS ? sections_find(&c->sections, text, e) : 0;
}

void
chunker_rewind(struct chunker *c)
{
	c->start = c->end = (struct cursor){0, 0};
	c->begun = false;
}

bool
chunker_next(struct chunker *c, struct span *chunk)
{
	uint64_t size = weight_of(c, c->size);
	uint64_t overlap = weight_of(c, c->overlap);
	struct cursor next;

	if (c->begun && c->end.at == c->text.n)
		return false;
	c->begun = true;
	next = c->text.n == 0 ? c->end : after(c, c->end);
	/* What is repeated leaves room for something new. */
	while (
	    c->start.at < c->end.at && (c->end.weight - c->start.weight > overlap ||
					   next.weight - c->start.weight > size))
		c->start = after(c, c->start);
	c->end = next;
	while (c->end.at < c->text.n) {
		next = after(c, c->end);
		if (next.weight - c->start.weight > size)
			break;
		c->end = next;
	}
	*chunk = span_of(c->text.p + c->start.at, c->end.at - c->start.at);
	return true;
}

void
chunker_release(struct chunker *c)
{
	sections_release(&c->sections);
}
