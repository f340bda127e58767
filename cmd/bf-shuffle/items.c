#include "base/mem.h"
#include "shuffle.h"

#include <sys/mman.h>

#include <stdlib.h>

/* Lines that do not stay are copied here; what is kept never moves. */
#define KEEP_SIZE ((size_t)4 << 20)
#define HUGE_PAGE ((size_t)2 << 20)

struct keep {
	struct keep *next; /* the one before it */
	size_t used, size;
	char data[];
};

static struct keep *
new_keep(struct keep *next, size_t line)
{
	size_t size = sizeof(struct keep) + line;
	struct keep *k;

	size = size > KEEP_SIZE ? (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE
				: KEEP_SIZE;
	k = mem_aligned(HUGE_PAGE, size);
	/* A fault for each 4 KiB costs more than the copy. */
	madvise(k, size, MADV_HUGEPAGE);
	*k = (struct keep){next, 0, size - sizeof(*k)};
	return k;
}

static struct span
keep(struct items *s, struct span line)
{
	struct keep *k = s->keep;

	if (k == NULL || k->size - k->used < line.n)
		s->keep = k = new_keep(k, line.n);
	memcpy(k->data + k->used, line.p, line.n);
	line.p = k->data + k->used;
	k->used += line.n;
	return line;
}

void
items_add(
    struct items *s, uint64_t number, uint64_t came, struct span line, bool stays)
{
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 4096 : 2 * s->cap;
		s->at = mem_resize(s->at, s->cap, sizeof(*s->at));
	}
	if (!stays)
		line = keep(s, line);
	s->at[s->n++] = (struct item){number, came, line};
	s->lines += line.n;
}

uint64_t
items_size(const struct items *s)
{
	return s->n * sizeof(*s->at) + s->lines;
}

/* ---- sorting ---- */

static bool
is_before(const struct item *a, const struct item *b)
{
	return a->number != b->number ? a->number < b->number : a->came < b->came;
}

static int
compare(const void *a, const void *b)
{
	return is_before(a, b) ? -1 : is_before(b, a);
}

static void
sort_few(struct item *a, size_t n)
{
	struct item x;
	size_t j;

	if (n > 32) {
		/* A group, or numbers that are not random. */
		qsort(a, n, sizeof(*a), compare);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		x = a[i];
		for (j = i; j > 0 && is_before(&x, &a[j - 1]); j--)
			a[j] = a[j - 1];
		a[j] = x;
	}
}

/* Which part a number belongs to: by so many bits behind those that all share. */
struct digits {
	int shared, bits;
};

static size_t
part_of(const struct digits *d, const struct item *i)
{
	return (size_t)(i->number << d->shared >> (64 - d->bits));
}

/* In place: each item by way of the one whose place it takes. */
static void
move_to_parts(
    struct item *a, const struct digits *d, size_t *next, const size_t *end)
{
	struct item x, y;
	size_t to;

	for (size_t p = 0; p < (size_t)1 << d->bits; p++)
		while (next[p] < end[p]) {
			x = a[next[p]];
			while ((to = part_of(d, &x)) != p) {
				y = a[next[to]];
				a[next[to]++] = x;
				x = y;
			}
			a[next[p]++] = x;
		}
}

/* Numbers are random: parts of about four are soon sorted. */
static void
sort_by_parts(struct item *a, size_t n, const struct digits *d)
{
	size_t parts = (size_t)1 << d->bits, sum = 0, i, p;
	size_t *next = mem_zero(parts, sizeof(*next));
	size_t *end = mem_zero(parts, sizeof(*end));

	for (i = 0; i < n; i++)
		end[part_of(d, &a[i])]++;
	for (p = 0; p < parts; p++) {
		next[p] = sum;
		end[p] = sum += end[p];
	}
	move_to_parts(a, d, next, end);
	for (p = 0, i = 0; p < parts; i = end[p++])
		sort_few(a + i, end[p] - i);
	free(next);
	free(end);
}

void
items_sort(struct items *s)
{
	struct digits d = {0, 1};
	uint64_t differ = 0;

	for (size_t i = 1; i < s->n; i++)
		differ |= s->at[i].number ^ s->at[0].number;
	if (s->n <= 32 || differ == 0) {
		sort_few(s->at, s->n);
		return;
	}
	d.shared = __builtin_clzll(differ);
	while (d.bits < 24 && d.bits < 64 - d.shared && s->n >> d.bits > 4)
		d.bits++;
	sort_by_parts(s->at, s->n, &d);
}

/* ---- the first ones alone ---- */

/* How many of the sorted items have one of the n least numbers. */
static size_t
groups_end(const struct items *s, uint64_t n)
{
	size_t i = 0;

	for (; i < s->n; i++)
		if ((i == 0 || s->at[i].number != s->at[i - 1].number) && n-- == 0)
			break;
	return i;
}

static int
by_arrival(const void *a, const void *b)
{
	uint64_t i = ((const struct item *)a)->came,
		 j = ((const struct item *)b)->came;

	return i < j ? -1 : i > j;
}

static void
free_keep(struct keep *k)
{
	struct keep *next;

	for (; k != NULL; k = next) {
		next = k->next;
		free(k);
	}
}

void
items_cut(struct items *s, uint64_t n, bool by_group, uint64_t *last)
{
	struct items old = *s;
	size_t left;

	items_sort(&old);
	left = by_group ? groups_end(&old, n) : n < old.n ? (size_t)n : old.n;
	if (left == old.n) {
		qsort(s->at, s->n, sizeof(*s->at), by_arrival);
		return;
	}
	*last = old.at[left - 1].number;
	qsort(old.at, left, sizeof(*old.at), by_arrival);
	*s = (struct items){.at = NULL};
	for (size_t i = 0; i < left; i++)
		items_add(s, old.at[i].number, old.at[i].came, old.at[i].line,
		    old.keep == NULL);
	items_release(&old);
}

void
items_release(struct items *s)
{
	free_keep(s->keep);
	free(s->at);
	*s = (struct items){.at = NULL};
}

/* ---- output ---- */

/* The lines are far apart: ask for the next ones while one is copied. */
static void
prefetch(struct span s)
{
	size_t n = s.n < 512 ? s.n : 512;

	for (size_t i = 0; i < n; i += 64)
		__builtin_prefetch(s.p + i);
}

/* Whether an item is among those wanted, and counts it. */
static bool
is_wanted(struct output *o, uint64_t number)
{
	if (o->by_group && o->begun && o->number == number)
		return true;
	if (o->left == 0)
		return false;
	o->left--;
	o->begun = true;
	o->number = number;
	return true;
}

bool
output_items(struct output *o, const struct items *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (i + 4 < s->n)
			prefetch(s->at[i + 4].line);
		if (!is_wanted(o, s->at[i].number) || stage_interrupted(o->st) ||
		    !stage_emit_line(o->st, s->at[i].line))
			return false;
	}
	return true;
}
