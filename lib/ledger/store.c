#include "base/mem.h"
#include "ledger/internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define CACHE_DEFAULT     ((size_t)32 << 20)
#define OPEN_MAX_SEGMENTS 16
#define TRIES             16

/* ---- frames ---- */

uint32_t
store_add(struct ledger *l, enum frame_kind kind, uint32_t segment, uint64_t at)
{
	uint32_t n = l->nframes;
	struct frame *f;

	if (n == 0 || (n >= 64 && (n & (n - 1)) == 0))
		l->frames = mem_resize(
		    l->frames, n == 0 ? 64 : 2 * (size_t)n, sizeof(*l->frames));
	f = &l->frames[n];
	memset(f, 0, sizeof(*f));
	f->kind = kind;
	f->segment = segment;
	f->at = at;
	f->first = INT64_MAX;
	f->last = INT64_MIN;
	f->newer = f->older = NO_FRAME;
	l->nframes++;
	return n;
}

void
store_release(struct ledger *l)
{
	for (uint32_t i = 0; i < l->nframes; i++)
		free(l->frames[i].text);
	free(l->frames);
	for (size_t i = 0; i < l->nsegments; i++) {
		if (l->segments[i].fd >= 0)
			close(l->segments[i].fd);
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
store_drop(struct ledger *l, uint32_t n)
{
	struct frame *f = &l->frames[n];

	if (f->kind != FRAME_IN_SEGMENT || f->text == NULL)
		return;
	cache_unlink(l, n);
	l->cached -= f->text_size;
	free(f->text);
	f->text = NULL;
}

/* The newest stays, however big it is. */
static void
cache_put(struct ledger *l, uint32_t n, char *text, size_t size)
{
	size_t most = l->options.cache == 0 ? CACHE_DEFAULT : l->options.cache;

	l->frames[n].text = text;
	l->frames[n].text_size = size;
	l->cached += size;
	cache_link(l, n);
	while (l->cached > most && l->oldest != n)
		store_drop(l, l->oldest);
}

static int
read_frame(struct ledger *l, uint32_t n)
{
	const struct frame *f = &l->frames[n];
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
	cache_put(l, n, text, size);
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
	if (f->text == NULL && read_frame(l, n) != 0)
		return -1;
	if (f->kind == FRAME_IN_SEGMENT && l->newest != n) {
		cache_unlink(l, n);
		cache_link(l, n);
	}
	*text = span_of(f->text, f->text_size);
	return 0;
}

/* ---- records ---- */

static int
line_at(struct ledger *l, const struct table_entry *entry, struct span *line,
    struct record_head *h)
{
	size_t at = entry->line & ~TABLE_FORGOTTEN;
	struct span text;
	const char *nl;

	if (store_text(l, entry->frame, &text) != 0 || at >= text.n)
		return -1;
	nl = memchr(text.p + at, '\n', text.n - at);
	if (nl == NULL)
		return -1;
	*line = span_of(text.p + at, (size_t)(nl - text.p) - at);
	if (record_head(*line, h) != 0 ||
	    memcmp(h->key, entry->key, sizeof(h->key)) != 0)
		return -1;
	return 0;
}

/*
 * A short last frame may have been taken back into the tail and written again,
 * longer, at the same offset, by the next owner of the segment: what is not
 * in the one place is in the other.
 */
int
store_line(struct ledger *l, const struct table_entry *entry, struct span *line)
{
	struct record_head h;

	for (int i = 0; i < TRIES; i++) {
		if (line_at(l, entry, line, &h) == 0 && record_crc_holds(*line))
			return 0;
		if (l->frames[entry->frame].kind != FRAME_IN_SEGMENT)
			return -1;
		store_drop(l, entry->frame);
		if (scan_find_in_tail(
			l, l->frames[entry->frame].segment, entry->key, line) == 1)
			return 0;
	}
	return -1;
}

int64_t
store_time(struct ledger *l, const struct table_entry *entry)
{
	const struct frame *f = &l->frames[entry->frame];
	struct record_head h;
	struct span line;

	if (f->first == f->last)
		return f->first;
	return line_at(l, entry, &line, &h) == 0 ? h.time : INT64_MIN;
}

/* Whether a record of this time is older than the one the table knows. */
static bool
is_older(struct ledger *l, int64_t time, const struct table_entry *entry)
{
	const struct frame *f = &l->frames[entry->frame];

	if (time >= f->last)
		return false;
	if (time < f->first)
		return true;
	return time < store_time(l, entry);
}

static void
note_time(struct frame *f, int64_t time)
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
	bool known, was, is = h->status == LEDGER_OK;

	if (h->status == LEDGER_OK || h->status == LEDGER_FORGET) {
		entry = table_find(&l->table, h->key);
		known = entry != NULL;
		if (!known)
			entry = table_add(&l->table, h->key);
		if (!known || !is_older(l, h->time, entry)) {
			was = known && (entry->line & TABLE_FORGOTTEN) == 0;
			entry->frame = frame;
			entry->line = (uint32_t)line | (is ? 0 : TABLE_FORGOTTEN);
			l->answers = l->answers + is - was;
		}
	}
	note_time(&l->frames[frame], h->time);
}
