#include "ledger/compact.h"

#include "base/mem.h"
#include "io/fdio.h"
#include "ledger/internal.h"
#include "ledger/rewrite.h"

#include <stdlib.h>
#include <unistd.h>

/* A record: where it is in the order in which all are read. */
struct item {
	unsigned char key[LEDGER_KEY_SIZE];
	int64_t time;
	uint32_t number;
	uint32_t mark; /* of the line, the lowest two bits its status */
};

struct piece {
	char *name;
	int fd;         /* locked; -1: left alone */
	uint32_t first; /* number of its first record */
	uint32_t tail;  /* of the first that only its tail has */
	uint32_t end;
	uint64_t bytes;
	bool rewrite;
};

struct work {
	struct survey *s;
	const struct compact_options *o;
	struct compact_report *report;
	struct piece *pieces;
	size_t n;
	struct item *items;
	uint32_t nitems, cap;
	unsigned char *keep; /* a bit a record */
	struct piece *at;    /* that is being read */
	uint32_t number;
	struct rewrite *to;
	struct err *e;
};

static bool
is_kept(const struct work *w, uint32_t number)
{
	return (w->keep[number / 8] >> number % 8 & 1) != 0;
}

static void
drop(struct work *w, const struct item *i, uint64_t *count)
{
	w->keep[i->number / 8] &= (unsigned char)~(1u << i->number % 8);
	++*count;
}

static enum ledger_status
status_of(const struct item *i)
{
	return (enum ledger_status)(i->mark & 3);
}

/* ---- taking up the segments ---- */

static int
take_item(void *arg, const struct survey_line *l)
{
	struct work *w = arg;
	struct item *i;

	if (w->nitems == UINT32_MAX)
		return err_set(w->e, "more than 4294967295 records");
	if (w->nitems == w->cap) {
		w->cap = w->cap == 0               ? 4096
			 : w->cap > UINT32_MAX / 2 ? UINT32_MAX
						   : 2 * w->cap;
		w->items = mem_resize(w->items, w->cap, sizeof(*w->items));
	}
	i = &w->items[w->nitems];
	memcpy(i->key, l->head.key, sizeof(i->key));
	i->time = l->head.time;
	i->number = w->nitems++;
	i->mark = ((uint32_t)(record_mark(l->line, &l->head) >> 32) & ~3u) |
		  (uint32_t)l->head.status;
	if (!l->in_tail)
		w->at->tail = w->nitems;
	return 0;
}

/* Reads one; *mine: it is locked, and may be written anew. */
static int
read_piece(struct work *w, struct piece *p)
{
	struct survey *s = w->s;
	bool here = survey_is_of_here(p->name) || w->o->all;
	int rc = here ? survey_take(s, p->name, SURVEY_OWN, w->e) : 0;
	bool mine = rc == 1;

	if (rc == 0)
		rc = survey_take(s, p->name, SURVEY_FREE, w->e);
	if (rc != 1)
		return -1;
	w->at = p;
	p->first = p->tail = w->nitems;
	if (survey_read(s, take_item, w, w->e) != 0)
		return -1;
	p->end = w->nitems;
	p->bytes = survey_found(s)->size + survey_found(s)->tail_size;
	if (!here)
		w->report->foreign++;
	else if (!mine)
		w->report->busy++;
	else if (survey_damages(s) > 0)
		w->report->damaged++;
	else
		p->fd = survey_keep_lock(s);
	survey_drop(s);
	return 0;
}

static int
read_pieces(struct work *w)
{
	char *const *names;

	if (survey_names(w->s, &names, &w->n, w->e) != 0)
		return -1;
	w->pieces = mem_zero(w->n, sizeof(*w->pieces));
	for (size_t i = 0; i < w->n; i++) {
		w->pieces[i].name = mem_strdup(names[i]);
		w->pieces[i].fd = -1;
	}
	for (size_t i = 0; i < w->n; i++)
		if (read_piece(w, &w->pieces[i]) != 0)
			return -1;
	return 0;
}

/* ---- what goes ---- */

static struct piece *
piece_of(const struct work *w, uint32_t number)
{
	size_t lo = 0, hi = w->n;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if (w->pieces[mid].first <= number)
			lo = mid;
		else
			hi = mid;
	}
	return &w->pieces[lo];
}

/* The file that a record is in: what one unlink(2) removes. */
static uint64_t
file_of(const struct work *w, const struct item *i)
{
	const struct piece *p = piece_of(w, i->number);

	return (uint64_t)(p - w->pieces) * 2 + (i->number >= p->tail);
}

static bool
is_ours(const struct work *w, const struct item *i)
{
	return piece_of(w, i->number)->fd >= 0;
}

static int
item_order(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int c = memcmp(x->key, y->key, sizeof(x->key));

	if (c != 0)
		return c;
	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* Whether nothing that it withdraws outlives it. */
static bool
has_done_its_work(const struct work *w, const struct item *forget,
    const struct item *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (status_of(&from[i]) == LEDGER_OK &&
		    (!is_ours(w, &from[i]) ||
			file_of(w, &from[i]) != file_of(w, forget)))
			return false;
	return true;
}

/* The records of one key, the oldest first. */
static void
judge_key(struct work *w, const struct item *from, size_t n)
{
	const struct item *newest = NULL; /* of the words that are ours */
	struct compact_report *r = w->report;

	for (size_t i = 0; i < n; i++)
		if (is_ours(w, &from[i]) &&
		    (status_of(&from[i]) == LEDGER_OK ||
			status_of(&from[i]) == LEDGER_FORGET))
			newest = &from[i];
	for (size_t i = 0; i < n; i++) {
		const struct item *it = &from[i];
		bool again = i + 1 < n && is_ours(w, &from[i + 1]) &&
			     from[i + 1].time == it->time &&
			     from[i + 1].mark == it->mark;
		if (!is_ours(w, it))
			continue;
		if (status_of(it) == LEDGER_OK && again)
			drop(w, it, &r->repeated);
		else if (status_of(it) == LEDGER_OK && it != newest)
			drop(w, it,
			    status_of(newest) == LEDGER_OK ? &r->superseded
							   : &r->withdrawn);
		else if (status_of(it) == LEDGER_FORGET &&
			 (it != newest || has_done_its_work(w, it, from, n)))
			drop(w, it, &r->forgets);
		else if (status_of(it) == LEDGER_ERROR && w->o->history)
			drop(w, it, &r->errors);
		else if (again)
			drop(w, it, &r->repeated);
	}
}

static void
judge(struct work *w)
{
	w->keep = mem_alloc((size_t)w->nitems / 8 + 1);
	memset(w->keep, 0xff, (size_t)w->nitems / 8 + 1);
	if (w->nitems > 0)
		qsort(w->items, w->nitems, sizeof(*w->items), item_order);
	for (size_t i = 0, k; i < w->nitems; i = k) {
		for (k = i + 1;
		     k < w->nitems && memcmp(w->items[k].key, w->items[i].key,
					  LEDGER_KEY_SIZE) == 0;)
			k++;
		judge_key(w, &w->items[i], k - i);
	}
	free(w->items);
	w->items = NULL;
}

/* ---- writing ---- */

/* Whether there is something to gain: what goes, a tail, or a level that is lower.
 */
static bool
is_worth_it(const struct work *w, const struct piece *p, int level)
{
	if (p->fd < 0)
		return false;
	if (w->o->all || p->tail < p->end || rewrite_level_of(p->fd) < level)
		return true;
	for (uint32_t i = p->first; i < p->end; i++)
		if (!is_kept(w, i))
			return true;
	return false;
}

static int
copy_kept(void *arg, const struct survey_line *l)
{
	struct work *w = arg;
	uint32_t number = w->number++;

	if (number >= w->at->end || !is_kept(w, number))
		return 0;
	w->report->records++;
	return rewrite_line(w->to, l->line, w->e);
}

static int
copy_piece(struct work *w, struct piece *p)
{
	int rc = survey_take(w->s, p->name, SURVEY_HELD, w->e);

	w->at = p;
	w->number = p->first;
	if (rc == 1 && survey_read(w->s, copy_kept, w, w->e) == 0 &&
	    w->number == p->end) {
		survey_drop(w->s);
		return 0;
	}
	if (w->e->text[0] == '\0')
		err_set(w->e, "%s/%s: it changed while it was read",
		    survey_path(w->s), p->name);
	survey_drop(w->s);
	return -1;
}

static int
write_new(struct work *w, int level)
{
	w->to = rewrite_new(
	    survey_dir(w->s), survey_path(w->s), level, REWRITE_BLOCK);
	for (size_t i = 0; i < w->n; i++) {
		struct piece *p = &w->pieces[i];
		if (!p->rewrite)
			continue;
		if (copy_piece(w, p) != 0)
			return -1;
		w->report->segments++;
		w->report->bytes += p->bytes;
	}
	if (rewrite_end(w->to, true, w->e) != 0 ||
	    rewrite_place(w->to, NULL, w->e) != 0)
		return -1;
	w->report->new_segments = rewrite_count(w->to);
	w->report->new_bytes = rewrite_bytes(w->to);
	return 0;
}

/* ---- removing ---- */

static int
remove_old(struct work *w)
{
	static const char *const suffixes[] = {"", ".tail", ".idx"};
	const char *path = survey_path(w->s);
	int dir = survey_dir(w->s);

	for (size_t i = 0; i < w->n; i++) {
		const struct piece *p = &w->pieces[i];
		for (size_t k = 0; p->rewrite && k < 3; k++)
			if (directory_remove(
				dir, path, p->name, suffixes[k], w->e) != 0)
				return -1;
	}
	return directory_sync(dir, path, w->e);
}

static void
let_go(struct work *w)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->pieces[i].fd >= 0)
			close(w->pieces[i].fd);
		free(w->pieces[i].name);
	}
	free(w->pieces);
	free(w->items);
	free(w->keep);
	rewrite_free(w->to);
}

int
compact_ledger(struct survey *s, const struct compact_options *o,
    struct compact_report *report, struct err *e)
{
	struct work w = {.s = s, .o = o, .report = report, .e = e};
	int level = o->level == 0 ? COMPACT_LEVEL : o->level, rc;
	size_t worth = 0;

	memset(report, 0, sizeof(*report));
	(void)fd_raise_limit();
	rewrite_sweep(survey_dir(s));
	rc = read_pieces(&w);
	if (rc == 0)
		judge(&w);
	for (size_t i = 0; rc == 0 && i < w.n; i++) {
		w.pieces[i].rewrite = is_worth_it(&w, &w.pieces[i], level);
		worth += w.pieces[i].rewrite;
		report->compact += w.pieces[i].fd >= 0 && !w.pieces[i].rewrite;
	}
	if (rc == 0 && worth > 0 &&
	    (write_new(&w, level) != 0 || remove_old(&w) != 0))
		rc = -1;
	let_go(&w);
	return rc;
}
