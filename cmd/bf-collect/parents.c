/*
 * Parents that wait for children.  Lines are held in memory, a buffer for each
 * parent; where that is more than it may be, all that is held goes to the end of a
 * temporary file, a piece for each parent, which tells where the piece before is.
 */
#include "base/mem.h"
#include "collect.h"
#include "io/fdio.h"
#include "io/hash.h"
#include "io/tempfile.h"

#include <stdlib.h>
#include <unistd.h>

#define WRITE_SIZE ((size_t)128 << 10)
/* Bytes of a parent beside its lines: with its place in the table. */
#define OVERHEAD (sizeof(struct parent) + 32)

/* Stands before each line, in memory and in the file. */
struct line_head {
	uint64_t index;
	uint64_t n;
};

/* Stands before each piece in the file: the one before, of the same parent. */
struct piece_head {
	uint64_t n; /* bytes; 0: none */
	uint64_t at;
};

/* ---- by key: chains, of which there are as many as parents ---- */

static struct parent **
chain_of(const struct parents *ps, const unsigned char *key)
{
	uint64_t h;

	memcpy(&h, key, sizeof(h));
	return &ps->chains[h & (ps->nchains - 1)];
}

/* Where it hangs in its chain, or the chain's end. */
static struct parent **
look_up(const struct parents *ps, const unsigned char *key)
{
	struct parent **at = chain_of(ps, key);

	while (*at != NULL && memcmp((*at)->key, key, PARENT_KEY) != 0)
		at = &(*at)->chain;
	return at;
}

static void
hang(const struct parents *ps, struct parent *p)
{
	struct parent **at = chain_of(ps, p->key);

	p->chain = *at;
	*at = p;
}

static void
grow(struct parents *ps)
{
	free(ps->chains);
	ps->nchains = ps->nchains == 0 ? 64 : 2 * ps->nchains;
	ps->chains = mem_zero(ps->nchains, sizeof(*ps->chains));
	for (struct parent *p = ps->first; p != NULL; p = p->next)
		hang(ps, p);
}

static struct parent *
add(struct parents *ps, const unsigned char *key, uint64_t count)
{
	struct parent *p = mem_zero(1, sizeof(*p));

	if (ps->n++ == ps->nchains)
		grow(ps);
	memcpy(p->key, key, PARENT_KEY);
	p->count = count;
	p->others = HASHSET_INIT(sizeof(uint64_t));
	buf_init(&p->lines, SIZE_MAX / 2);
	hang(ps, p);
	p->prev = ps->last;
	*(ps->last == NULL ? &ps->first : &ps->last->next) = p;
	ps->last = p;
	ps->held += OVERHEAD;
	return p;
}

struct parent *
parents_find(struct parents *ps, const struct child *c)
{
	unsigned char key[PARENT_KEY];
	struct parent *p = NULL;

	buf_clear(&ps->scratch);
	json_canon(&ps->scratch, c->parent);
	hash_blake2b(buf_span(&ps->scratch), key, PARENT_KEY);
	if (ps->nchains > 0)
		p = *look_up(ps, key);
	return p != NULL ? p : add(ps, key, c->count);
}

/* ---- which children are there ---- */

bool
parent_has(const struct parent *p, uint64_t index)
{
	return index < p->in_order || hashset_has(&p->others, &index);
}

static void
number(struct parents *ps, struct parent *p, uint64_t index)
{
	size_t was = p->others.size;

	p->have++;
	if (index != p->in_order)
		hashset_add(&p->others, &index);
	else
		do
			p->in_order++;
		while (hashset_has(&p->others, &p->in_order));
	ps->held += (p->others.size - was) * p->others.width;
}

/* ---- the file ---- */

/* Puts a parent's lines behind what is in out, and frees them. */
static void
add_piece(struct parents *ps, struct parent *p, struct buf *out)
{
	struct piece_head head = {p->spilled, p->spilled_at};

	p->spilled = sizeof(head) + p->lines.len;
	p->spilled_at = ps->size;
	ps->size += p->spilled;
	buf_add(out, &head, sizeof(head));
	buf_addspan(out, buf_span(&p->lines));
	ps->held -= p->lines.cap;
	buf_release(&p->lines);
}

static int
write_out(const struct parents *ps, struct buf *out, size_t least, struct err *e)
{
	if (out->len <= least)
		return 0;
	if (tempfile_write(ps->fd, buf_span(out), e) < 0)
		return -1;
	buf_clear(out);
	return 0;
}

static int
spill(struct parents *ps, struct err *e)
{
	struct buf out = BUF_INIT;
	int r = 0;

	if (ps->fd < 0)
		ps->fd = tempfile_open(e);
	if (ps->fd < 0)
		return -1;
	buf_init(&out, SIZE_MAX / 2);
	for (struct parent *p = ps->first; p != NULL && r == 0; p = p->next)
		if (p->lines.len > 0) {
			add_piece(ps, p, &out);
			r = write_out(ps, &out, WRITE_SIZE, e);
		}
	if (r == 0)
		r = write_out(ps, &out, 0, e);
	buf_release(&out);
	ps->lines = 0;
	return r;
}

/* Reads the pieces of a parent, the last first. */
static int
read_pieces(const struct parents *ps, const struct parent *p, struct buf *out,
    struct err *e)
{
	struct piece_head head = {p->spilled, p->spilled_at};
	size_t from;
	char *piece;

	while (head.n > 0) {
		from = out->len;
		if (tempfile_read(ps->fd, head.at, (size_t)head.n, out, e) < 0)
			return -1;
		piece = out->data + from;
		memcpy(&head, piece, sizeof(head));
		out->len -= sizeof(head);
		memmove(piece, piece + sizeof(head), out->len - from);
	}
	return 0;
}

/* ---- lines ---- */

int
parents_hold(struct parents *ps, struct parent *p, uint64_t index, struct span line,
    struct err *e)
{
	struct line_head head = {index, line.n};
	size_t cap = p->lines.cap;

	number(ps, p, index);
	buf_add(&p->lines, &head, sizeof(head));
	buf_addspan(&p->lines, line);
	ps->held += p->lines.cap - cap;
	ps->lines += sizeof(head) + line.n;
	/* What cannot be put away is no reason to write little again and again. */
	if (ps->held > ps->memory && ps->lines > ps->memory / 8)
		return spill(ps, e);
	return 0;
}

static int
by_index(const void *a, const void *b)
{
	uint64_t i = ((const struct line *)a)->index,
		 j = ((const struct line *)b)->index;

	return i < j ? -1 : i > j;
}

int
parents_lines(const struct parents *ps, const struct parent *p, struct buf *memory,
    struct line **lines, struct err *e)
{
	struct line_head head;
	bool sorted = true;
	const char *at;
	size_t n = 0;

	buf_clear(memory);
	if (read_pieces(ps, p, memory, e) < 0)
		return -1;
	buf_addspan(memory, buf_span(&p->lines));
	*lines = mem_resize(NULL, (size_t)p->have, sizeof(**lines));
	for (at = memory->data; at < memory->data + memory->len; at += head.n) {
		memcpy(&head, at, sizeof(head));
		at += sizeof(head);
		(*lines)[n] = (struct line){
		    head.index, span_of(at, (size_t)head.n)};
		if (n > 0 && (*lines)[n - 1].index > head.index)
			sorted = false;
		n++;
	}
	if (!sorted)
		qsort(*lines, n, sizeof(**lines), by_index);
	return 0;
}

void
parents_forget(struct parents *ps, struct parent *p)
{
	*look_up(ps, p->key) = p->chain;
	ps->n--;
	*(p->prev == NULL ? &ps->first : &p->prev->next) = p->next;
	*(p->next == NULL ? &ps->last : &p->next->prev) = p->prev;
	ps->held -= OVERHEAD + p->lines.cap + p->others.size * p->others.width;
	ps->lines -= p->lines.len;
	buf_release(&p->lines);
	hashset_release(&p->others);
	free(p);
}

void
parents_release(struct parents *ps)
{
	while (ps->first != NULL)
		parents_forget(ps, ps->first);
	free(ps->chains);
	buf_release(&ps->scratch);
	if (ps->fd >= 0)
		fd_close(ps->fd);
}
