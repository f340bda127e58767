#include "base/mem.h"
#include "ledger/internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define CACHE_DEFAULT     ((size_t)16 << 20)
#define OPEN_MAX_SEGMENTS 16
#define AGAIN             64 /* frames decoded twice before the spool is used */

/* ---- frames ---- */

/* A number for one more: of a frame that is no more, or a new one. */
static uint32_t
new_number(struct ledger *l)
{
	uint32_t n = l->free_frame;

	if (n != NO_FRAME) {
		l->free_frame = l->frames[n].older;
		return n;
	}
	n = l->nframes++;
	if (n == 0 || (n >= 64 && (n & (n - 1)) == 0))
		l->frames = mem_resize(
		    l->frames, n == 0 ? 64 : 2 * (size_t)n, sizeof(*l->frames));
	return n;
}

uint32_t
store_add(struct ledger *l, enum frame_kind kind, uint32_t segment, uint64_t at)
{
	uint32_t n = new_number(l);
	struct frame *f = &l->frames[n];

	memset(f, 0, sizeof(*f));
	f->kind = kind;
	f->segment = segment;
	f->at = at;
	f->first = INT64_MAX;
	f->last = INT64_MIN;
	f->newer = f->older = NO_FRAME;
	return n;
}

static void
forget_text(struct frame *f)
{
	free(f->text);
	free(f->lines);
	f->text = NULL;
	f->lines = NULL;
	f->nlines = 0;
}

static size_t
weight(const struct frame *f)
{
	return f->text_size + f->nlines * sizeof(*f->lines);
}

void
store_release(struct ledger *l)
{
	ahead_free(l->course.ahead);
	for (uint32_t i = 0; i < l->nframes; i++)
		forget_text(&l->frames[i]);
	free(l->frames);
	for (size_t i = 0; i < l->nsegments; i++) {
		if (l->segments[i].fd >= 0)
			close(l->segments[i].fd);
		sidecar_release(&l->segments[i]);
		free(l->segments[i].name);
	}
	free(l->segments);
}

/* A few descriptors are kept; when they are too many, all are closed. */
int
store_fd(struct ledger *l, uint32_t segment)
{
	struct segment *s = &l->segments[segment];

	if (s->fd >= 0)
		return s->fd;
	if (l->nopen >= OPEN_MAX_SEGMENTS) {
		for (size_t i = 0; i < l->nsegments; i++)
			if (l->segments[i].fd >= 0) {
				close(l->segments[i].fd);
				l->segments[i].fd = -1;
			}
		l->nopen = 0;
	}
	s->fd = openat(
	    l->dir, s->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (s->fd >= 0)
		l->nopen++;
	return s->fd;
}

/* ---- the cache: a list from newest to oldest use ---- */

static void
cache_unlink(struct ledger *l, uint32_t n)
{
	struct frame *f = &l->frames[n];

	if (f->newer == NO_FRAME)
		l->newest = f->older;
	else
		l->frames[f->newer].older = f->older;
	if (f->older == NO_FRAME)
		l->oldest = f->newer;
	else
		l->frames[f->older].newer = f->newer;
	f->newer = f->older = NO_FRAME;
}

static void
cache_link(struct ledger *l, uint32_t n)
{
	l->frames[n].older = l->newest;
	l->frames[n].newer = NO_FRAME;
	if (l->newest == NO_FRAME)
		l->oldest = n;
	else
		l->frames[l->newest].newer = n;
	l->newest = n;
}

void
store_free(struct ledger *l, uint32_t n)
{
	struct frame *f = &l->frames[n];
	uint32_t local = f->local;

	if (local != 0) {
		f->local = 0;
		l->segments[f->segment].known[local - 1] = 0;
	}
	store_drop(l, n);
	forget_text(f);
	f->kind = FRAME_FREE;
	f->older = l->free_frame;
	l->free_frame = n;
}

void
store_drop(struct ledger *l, uint32_t n)
{
	struct frame *f = &l->frames[n];

	if (f->kind != FRAME_IN_SEGMENT || f->text == NULL)
		return;
	cache_unlink(l, n);
	l->cached -= weight(f);
	forget_text(f);
	if (f->local != 0)
		store_free(l, n);
}

/* The newest stays, however big it is. */
static void
cache_put(struct ledger *l, uint32_t n)
{
	size_t most = l->options.cache == 0 ? CACHE_DEFAULT : l->options.cache;

	l->cached += weight(&l->frames[n]);
	cache_link(l, n);
	while (l->cached > most && l->oldest != n)
		store_drop(l, l->oldest);
}

/*
 * Frames of an index that are decoded again and again go into a temporary file,
 * as text: whoever asks in an order far from the ledger's pays once for each.
 */
static void
note_decoded(struct ledger *l, const struct frame *f, struct span text)
{
	uint64_t *note, at;

	if (f->local == 0)
		return;
	note = &l->segments[f->segment].spooled[f->local - 1];
	if (*note > 1)
		return;
	l->spool.again += *note == 1 && l->spool.again < AGAIN;
	*note = 1;
	if (l->spool.again == AGAIN && spool_put(&l->spool, text, &at) == 1)
		*note = at + 2;
}

/* ---- frames one after the other ---- */

/* Asks for those that follow, unless their text is there already. */
static void
want_next(
    struct ledger *l, const struct segment *s, uint32_t segment, uint32_t local)
{
	const struct index *ix = s->index;
	uint32_t last = ix->nframes - local > AHEAD_MOST ? local + AHEAD_MOST
							 : ix->nframes - 1;
	int fd = store_fd(l, segment);

	for (uint32_t i = local + 1; fd >= 0 && i <= last; i++) {
		struct index_frame f;
		if (s->known[i] == 0 && s->spooled[i] <= 1 &&
		    index_frame(s->index, i, &f) && f.at < ix->covered &&
		    f.packed <= ix->covered - f.at)
			ahead_want(l->course.ahead, segment, fd, f.at, f.packed);
	}
}

/* A frame of an index was read: if that becomes a habit, the next ones are made
 * ready.
 */
static void
follow(struct ledger *l, uint32_t segment, uint32_t local)
{
	struct course *c = &l->course;
	bool goes_on = c->run > 0 && c->segment == segment && c->local + 1 == local;

	if (!goes_on && c->ahead != NULL)
		ahead_turn(c->ahead);
	c->run = goes_on ? c->run + 1 : 1;
	c->segment = segment;
	c->local = local;
	/*
	 * After half as many in their order, and then several at once: each
	 * call may have to wake the thread.
	 */
	if (c->off || c->run % (AHEAD_MOST / 2) != 0)
		return;
	if (c->ahead == NULL && (c->ahead = ahead_new()) == NULL)
		c->off = true;
	else
		want_next(l, &l->segments[segment], segment, local);
}

static bool
take_ahead(struct ledger *l, uint32_t n)
{
	struct frame *f = &l->frames[n];

	return f->local != 0 && l->course.ahead != NULL &&
	       ahead_take(l->course.ahead, f);
}

static int
read_frame(struct ledger *l, uint32_t n)
{
	struct frame *f = &l->frames[n];
	int fd = store_fd(l, f->segment);
	enum frame_state state;
	struct span packed;
	size_t size;
	char *text;

	if (fd < 0 ||
	    scan_frame(l, fd, f->at, f->packed, &state, &packed, &size) != 0 ||
	    state != FRAME_WHOLE)
		return -1;
	text = mem_alloc(size);
	if (frame_unpack(&l->coder, packed, text, size) != 0) {
		free(text);
		return -1;
	}
	f->text = text;
	f->text_size = size;
	return 0;
}

static int
fetch_frame(struct ledger *l, uint32_t n)
{
	const struct frame *f;

	if (!take_ahead(l, n) && read_frame(l, n) != 0)
		return -1;
	cache_put(l, n);
	f = &l->frames[n];
	note_decoded(l, f, span_of(f->text, f->text_size));
	if (f->local != 0)
		follow(l, f->segment, f->local - 1);
	return 0;
}

static struct span
block_text(const struct ledger *l, uint32_t n)
{
	const struct writer *w = &l->writer;
	size_t start = l->frames[n].at, end = w->lines.len;

	for (size_t i = 0; i + 1 < w->nblocks; i++)
		if (w->blocks[i].frame == n)
			end = w->blocks[i + 1].start;
	return span_of(w->lines.data + start, end - start);
}

int
store_text(struct ledger *l, uint32_t n, struct span *text)
{
	struct frame *f = &l->frames[n];

	if (f->kind == FRAME_IN_BLOCK) {
		*text = block_text(l, n);
		return 0;
	}
	if (f->text == NULL && fetch_frame(l, n) != 0)
		return -1;
	if (f->kind == FRAME_IN_SEGMENT && l->newest != n) {
		cache_unlink(l, n);
		cache_link(l, n);
	}
	*text = span_of(f->text, f->text_size);
	return 0;
}

/* ---- frames of an index ---- */

uint32_t
store_indexed(struct ledger *l, uint32_t segment, uint32_t local)
{
	struct segment *s = &l->segments[segment];
	struct index_frame f;
	uint32_t n;

	if (local < s->index->nframes && s->known[local] != 0)
		return s->known[local] - 1;
	if (!index_frame(s->index, local, &f) || f.at >= s->index->covered)
		return NO_FRAME;
	n = store_add(l, FRAME_IN_SEGMENT, segment, f.at);
	l->frames[n].first = f.first;
	l->frames[n].last = f.last;
	l->frames[n].packed = f.packed < 64 ? 64
			      : f.packed > s->index->covered - f.at
				  ? (uint32_t)(s->index->covered - f.at)
				  : f.packed;
	l->frames[n].local = local + 1;
	s->known[local] = n + 1;
	return n;
}

/* The checked line at an offset, which is likely the one of that number. */
static const struct checked_line *
checked_at(const struct frame *f, size_t at, size_t number)
{
	size_t low = 0, high = f->nlines, mid = number;

	while (low < high) {
		if (mid >= high)
			mid = low + (high - low) / 2;
		if (f->lines[mid].at == at)
			return &f->lines[mid];
		if (f->lines[mid].at < at)
			low = mid + 1;
		else
			high = mid;
		mid = high;
	}
	return NULL;
}

static int
line_in_frame(
    const struct frame *f, size_t at, size_t number, struct found_line *line)
{
	line->checked = checked_at(f, at, number);
	if (line->checked == NULL)
		return store_line_in(
		    span_of(f->text, f->text_size), at, &line->text);
	line->text = span_of(f->text + at, line->checked->size);
	return 0;
}

int
store_indexed_line(struct ledger *l, const struct place *p, struct found_line *line)
{
	const struct frame *f;
	struct segment *s = &l->segments[p->segment];
	size_t at = p->entry.line & ~TABLE_FORGOTTEN;
	uint32_t local = p->entry.frame, n;
	struct span text;

	line->checked = NULL;
	if (local < s->index->nframes && s->known[local] == 0 &&
	    s->spooled[local] > 1)
		return spool_line(
		    &l->spool, s->spooled[local] - 2 + at, &line->text);
	n = store_indexed(l, p->segment, local);
	if (n == NO_FRAME)
		return -1;
	if (store_text(l, n, &text) != 0) {
		store_free(l, n);
		return -1;
	}
	f = &l->frames[n];
	if (line_in_frame(f, at, l->next.number, line) != 0)
		return -1;
	l->next = (struct next_line){
	    p->segment, local + 1, (uint32_t)(at + line->text.n + 1), 0};
	if (line->checked != NULL)
		l->next.number = (size_t)(line->checked - f->lines) + 1;
	return 0;
}

/*
 * Behind a frame's last record comes the first one of the frame that follows.
 * Where frames are read one after the other, that one is ready or soon will be.
 */
static const struct frame *
go_on(struct ledger *l, const struct segment *s)
{
	uint32_t segment = l->next.segment, local = l->next.local, n;
	struct span text;

	if (l->course.ahead == NULL || l->course.segment != segment ||
	    l->course.local + 1 != local || l->course.run < AHEAD_MOST / 2 ||
	    local >= s->index->nframes || s->spooled[local] > 1)
		return NULL;
	n = store_indexed(l, segment, local);
	if (n == NO_FRAME)
		return NULL;
	if (store_text(l, n, &text) != 0) {
		store_free(l, n);
		return NULL;
	}
	l->next = (struct next_line){segment, local + 1, 0, 0};
	return &l->frames[n];
}

/* The frame of the next line, if its text is at hand. */
static const struct frame *
next_frame(struct ledger *l, const struct segment *s)
{
	const struct frame *f;

	if (l->next.local == 0 || l->next.local > s->index->nframes ||
	    s->known[l->next.local - 1] == 0)
		return NULL;
	f = &l->frames[s->known[l->next.local - 1] - 1];
	if (f->text == NULL)
		return NULL;
	return l->next.line < f->text_size ? f : go_on(l, s);
}

bool
store_next(struct ledger *l, uint32_t segment, const unsigned char *key,
    struct table_entry *e)
{
	const struct next_line *next = &l->next;
	const struct checked_line *checked;
	const struct frame *f;
	struct record_head h;

	if (next->segment != segment ||
	    (f = next_frame(l, &l->segments[segment])) == NULL)
		return false;
	if ((checked = checked_at(f, next->line, next->number)) != NULL)
		h = record_head_of(&checked->record);
	else if (record_head(
		     span_of(f->text + next->line, f->text_size - next->line),
		     &h) != 0)
		return false;
	if (h.status != LEDGER_OK || memcmp(h.key, key, sizeof(h.key)) != 0)
		return false;
	memcpy(e->key, key, sizeof(e->key));
	e->frame = next->local - 1;
	e->line = next->line;
	return true;
}

/* ---- records ---- */

int
store_line_in(struct span text, size_t at, struct span *line)
{
	const char *nl = at >= text.n ? NULL
				      : memchr(text.p + at, '\n', text.n - at);

	if (nl == NULL)
		return -1;
	*line = span_of(text.p + at, (size_t)(nl - text.p) - at);
	return 0;
}

/* Whether a record of this time is older than the one the table knows. */
static bool
is_older(struct ledger *l, int64_t time, const struct table_entry *entry)
{
	const struct frame *f = &l->frames[entry->frame];
	struct place p;

	if (time >= f->last)
		return false;
	if (time < f->first)
		return true;
	p = place_of_entry(l, entry);
	return time < place_time(l, &p);
}

void
store_note_time(struct frame *f, int64_t time)
{
	if (time < f->first)
		f->first = time;
	if (time > f->last)
		f->last = time;
}

/*
 * Of two words on one key the newer stands; of two of the same millisecond the
 * one further on.
 */
void
store_record(
    struct ledger *l, const struct record_head *h, uint32_t frame, size_t line)
{
	struct table_entry *entry;
	bool known;

	l->has_memo = false;
	if (h->status == LEDGER_OK || h->status == LEDGER_FORGET) {
		entry = table_find(&l->table, h->key);
		known = entry != NULL;
		if (!known)
			entry = table_add(&l->table, h->key);
		if (!known || !is_older(l, h->time, entry)) {
			entry->frame = frame;
			entry->line = (uint32_t)line |
				      (h->status == LEDGER_OK ? 0
							      : TABLE_FORGOTTEN);
		}
	}
	store_note_time(&l->frames[frame], h->time);
}
