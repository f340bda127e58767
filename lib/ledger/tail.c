#include "base/mem.h"
#include "io/hashset.h"
#include "ledger/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static const char *
tail_name(const struct segment *s, struct buf *b)
{
	buf_addf(b, "%s.tail", s->name);
	return buf_cstr(b);
}

bool
tail_stat(const struct ledger *l, const struct segment *s, struct stat *st)
{
	struct buf name = BUF_INIT;
	bool there = fstatat(
			 l->dir, tail_name(s, &name), st, AT_SYMLINK_NOFOLLOW) == 0;

	buf_release(&name);
	return there;
}

/*
 * A record in a line of a tail: the whole line, or what follows zeros or the
 * beginning of another one, as a power cut leaves it.  A last line without a
 * newline is none, but where one byte stands in the newline's place.
 */
bool
tail_record(
    struct span line, bool whole, struct span *record, struct record_head *h)
{
	const struct span begin = SPAN("{\"v\":1,\"k\":\"");
	struct span rest;

	if (!whole && line.n > 0)
		line.n--;
	for (rest = line;;) {
		const char *p = rest.n == 0
				    ? NULL
				    : memmem(rest.p, rest.n, begin.p, begin.n);
		if (p == NULL)
			return false;
		*record = span_of(p, (size_t)(line.p + line.n - p));
		if (record_head(*record, h) == 0 && record_crc_holds(*record))
			return true;
		rest = span_of(p + 1, (size_t)(line.p + line.n - p) - 1);
	}
}

/*
 * Whether bytes that are no record are the remains of a write: the end of the
 * file, cut off, or a hole, which is never a few zeros only.
 */
bool
tail_is_remains(struct span line, bool at_end)
{
	static const char hole[8];

	return at_end || memmem(line.p, line.n, hole, sizeof(hole)) != NULL;
}

/* ---- what no frame holds ---- */

static size_t
add_marks(struct ledger *l, uint32_t frame, struct hashset *marks)
{
	struct span text, line;
	struct record_head h;
	uint64_t mark;
	size_t size;
	bool whole;

	if (frame == NO_FRAME || l->frames[frame].kind != FRAME_IN_SEGMENT ||
	    store_text(l, frame, &text) != 0)
		return 0;
	size = text.n;
	while (record_next(&text, &line, &whole))
		if (record_head(line, &h) == 0) {
			mark = record_mark(line, &h);
			hashset_add(marks, &mark);
		}
	store_drop(l, frame);
	return size;
}

/* The records of a segment's last frames, as far back as its tail may reach. */
static struct hashset
recent_marks(struct ledger *l, uint32_t segment, size_t reach)
{
	const struct segment *s = &l->segments[segment];
	struct hashset m = HASHSET_INIT(sizeof(uint64_t));
	size_t seen = 0;
	uint32_t n = s->index == NULL ? 0 : s->index->nframes;

	if (reach == 0)
		return m;
	reach += ledger_sizes.tail;
	for (size_t i = s->nframes; i-- > 0 && seen < reach;)
		seen += add_marks(l, s->frames[i], &m);
	while (n-- > 0 && seen < reach)
		seen += add_marks(l, store_indexed(l, segment, n), &m);
	return m;
}

/*
 * Sorts out a tail: records that no frame holds, remains of a write that was
 * cut off (the last line without its newline, zeros), damage.
 */
void
tail_sort_out(
    struct ledger *l, uint32_t segment, struct span tail, struct tail_lines *t)
{
	struct hashset marks = recent_marks(l, segment, tail.n);
	struct span rest = tail, line, record;
	struct record_head h;
	uint64_t mark;
	bool whole, found;

	memset(t, 0, sizeof(*t));
	while (record_next(&rest, &line, &whole)) {
		found = tail_record(line, whole, &record, &h);
		if (!whole || !found || record.n < line.n) {
			if (tail_is_remains(line, !whole && !found))
				t->torn += line.n + whole - (found ? record.n : 0);
			else if (t->bad == 0)
				t->bad = (size_t)(line.p - tail.p) + 1;
		}
		if (!found)
			continue;
		t->records++;
		t->good_end = (size_t)(rest.p - tail.p);
		mark = record_mark(record, &h);
		if (hashset_has(&marks, &mark))
			continue;
		buf_addspan(&t->lines, record);
		buf_addc(&t->lines, '\n');
	}
	hashset_release(&marks);
}

int
tail_find(
    struct ledger *l, uint32_t segment, const unsigned char *key, struct span *line)
{
	struct buf tail = BUF_INIT;
	struct span rest, one, record;
	struct record_head h;
	int64_t newest = INT64_MIN;
	bool whole;

	if (directory_read(l->dir, l->segments[segment].name, ".tail", &tail) ==
	    1) {
		for (rest = buf_span(&tail); record_next(&rest, &one, &whole);) {
			if (!tail_record(one, whole, &record, &h) ||
			    h.time < newest || h.status != LEDGER_OK ||
			    memcmp(h.key, key, sizeof(h.key)) != 0)
				continue;
			newest = h.time;
			buf_clear(&l->found);
			buf_addspan(&l->found, record);
		}
		*line = buf_span(&l->found);
	}
	buf_release(&tail);
	return newest != INT64_MIN;
}

/* ---- what is known of it ---- */

/* What a frame of a tail held has been found elsewhere, or it stays. */
static void
retire_tail(struct ledger *l, uint32_t frame)
{
	struct span rest, line;
	struct record_head h;
	bool whole;

	if (frame == NO_FRAME)
		return;
	rest = span_of(l->frames[frame].text, l->frames[frame].text_size);
	while (record_next(&rest, &line, &whole)) {
		const struct table_entry *e;
		if (record_head(line, &h) != 0)
			continue;
		e = table_find(&l->table, h.key);
		if (e != NULL && e->frame == frame)
			return;
	}
	store_free(l, frame);
}

void
tail_keep(struct ledger *l, uint32_t segment, const struct buf *lines)
{
	uint32_t n = NO_FRAME;

	if (lines->len > 0) {
		n = store_add(l, FRAME_FROM_TAIL, segment, 0);
		l->frames[n].text = mem_dup(lines->data, lines->len);
		l->frames[n].text_size = lines->len;
		scan_text(l, segment, n, buf_span(lines));
	}
	retire_tail(l, l->segments[segment].tail_frame);
	l->segments[segment].tail_frame = n;
}

/* The last bytes of a tail that were read, to know it again. */
static void
note_proof(struct segment *s, struct span read)
{
	size_t n = read.n < INDEX_PROOF ? read.n : INDEX_PROOF,
	       keep = INDEX_PROOF - n;

	memmove(s->tail_proof, s->tail_proof + n, keep);
	memcpy(s->tail_proof + keep, read.p + read.n - n, n);
}

void
tail_note(struct segment *s, struct span tail, size_t good_end)
{
	s->tail_seen = good_end;
	note_proof(s, span_of(tail.p, good_end));
}

/* Bytes of a tail from an offset on; -1 if what was read before it has changed. */
static int
read_growth(struct ledger *l, struct segment *s, struct buf *out)
{
	size_t n = s->tail_seen < INDEX_PROOF ? (size_t)s->tail_seen : INDEX_PROOF;
	struct window w = {.bytes = BUF_INIT};
	struct buf name = BUF_INIT;
	int rc = -1, fd;

	fd = openat(l->dir, tail_name(s, &name),
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	buf_release(&name);
	if (fd < 0)
		return -1;
	if (window_fill(&w, fd, s->tail_seen - n, ledger_sizes.tail * 2 + n) == 0 &&
	    w.bytes.len >= n &&
	    memcmp(w.bytes.data, s->tail_proof + INDEX_PROOF - n, n) == 0) {
		buf_drop(&w.bytes, n);
		*out = w.bytes;
		w.bytes = BUF_INIT;
		rc = 0;
	}
	buf_release(&w.bytes);
	close(fd);
	return rc;
}

/* Whole records at its end join those of it that are known. */
int
tail_grow(struct ledger *l, uint32_t segment)
{
	struct segment *s = &l->segments[segment];
	struct buf more = BUF_INIT, all = BUF_INIT;
	struct span rest, line, record;
	struct record_head h;
	size_t good_end = 0, old;
	bool whole;

	if (read_growth(l, s, &more) != 0)
		return -1;
	if (s->tail_frame == NO_FRAME)
		s->tail_frame = store_add(l, FRAME_FROM_TAIL, segment, 0);
	old = l->frames[s->tail_frame].text_size;
	buf_add(&all, l->frames[s->tail_frame].text, old);
	for (rest = buf_span(&more); record_next(&rest, &line, &whole) && whole;) {
		if (!tail_record(line, whole, &record, &h))
			continue;
		good_end = (size_t)(rest.p - more.data);
		buf_addspan(&all, record);
		buf_addc(&all, '\n');
	}
	if (good_end > 0) {
		struct frame *f = &l->frames[s->tail_frame];
		struct span added = span_of(all.data + old, all.len - old);
		free(f->text);
		f->text = mem_dup(all.data, all.len);
		f->text_size = all.len;
		while (record_next(&added, &line, &whole))
			if (record_head(line, &h) == 0)
				store_record(l, &h, s->tail_frame,
				    (size_t)(line.p - all.data));
		s->tail_seen += good_end;
		note_proof(s, span_of(more.data, good_end));
	}
	buf_release(&more);
	buf_release(&all);
	return 0;
}
