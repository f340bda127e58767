#include "base/mem.h"
#include "io/clock.h"
#include "ledger/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_READ     ((size_t)1 << 20)
#define FRAME_MAX       (FRAME_TEXT_MAX + ((size_t)8 << 20)) /* compressed */
#define TRIES           64
#define FRAME_BEGIN_MAX 18   /* a frame's header */
#define COARSE          2000 /* milliseconds that a file system's clock may be off */

/* ---- reading ---- */

/* Makes the window begin at an offset and hold `want` bytes, fewer at the end of
 * the file. */
static int
window_fill(struct window *w, int fd, uint64_t at, size_t want)
{
	if (at < w->at || at > w->at + w->bytes.len) {
		w->bytes.len = 0;
		w->at = at;
	}
	if (w->at + w->bytes.len - at >= want)
		return 0;
	buf_drop(&w->bytes, (size_t)(at - w->at));
	w->at = at;
	while (w->bytes.len < want) {
		size_t more = want - w->bytes.len;
		char *p = buf_room(&w->bytes, more);
		ssize_t n = pread(fd, p, more, (off_t)(at + w->bytes.len));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		w->bytes.len += (size_t)n;
	}
	return 0;
}

static struct span
window_from(const struct window *w, uint64_t at)
{
	size_t skip = (size_t)(at - w->at);

	return span_of(w->bytes.data + skip, w->bytes.len - skip);
}

/* hint: bytes to read first; one of zero: a sequential reader, which reads far. */
int
scan_frame(struct ledger *l, int fd, uint64_t at, size_t hint,
    enum frame_state *state, struct span *frame, size_t *text)
{
	struct window *w = &l->window;
	bool sequential = hint == 0;
	size_t size = 0, want = sequential ? 4096 : hint;

	if (!sequential)
		w->bytes.len = 0; /* what is on disk now */
	for (;; want *= 2) {
		struct span have;
		bool at_end;
		if (sequential && at >= w->at && at + want > w->at + w->bytes.len &&
		    want < WINDOW_READ)
			want = WINDOW_READ;
		if (window_fill(w, fd, at, want) != 0)
			return -1;
		have = window_from(w, at);
		at_end = have.n < want;
		*state = frame_look(have, &size, text);
		*frame = span_of(have.p,
		    *state == FRAME_SHORT || *state == FRAME_BAD ? have.n : size);
		if (*state != FRAME_SHORT || at_end)
			return 0;
		if (want > FRAME_MAX) {
			*state = FRAME_BAD;
			return 0;
		}
	}
}

/* ---- frames ---- */

static const char *
tail_name(const struct segment *s, struct buf *b)
{
	buf_addf(b, "%s.tail", s->name);
	return buf_cstr(b);
}

static bool
tail_is_there(const struct ledger *l, const struct segment *s)
{
	struct buf name = BUF_INIT;
	struct stat st;
	bool there = fstatat(l->dir, tail_name(s, &name), &st,
			 AT_SYMLINK_NOFOLLOW) == 0;

	buf_release(&name);
	return there;
}

static void
damage(struct ledger *l, struct segment *s, const char *suffix, uint64_t at,
    const char *what)
{
	s->damaged = true;
	ledger_report(
	    l, "%s/%s%s: byte %" PRIu64 ": %s", l->path, s->name, suffix, at, what);
	if (!l->advised)
		ledger_report(l,
		    "%s: bf-ledger verify shows all damage, bf-ledger repair "
		    "mends it; the other records serve",
		    l->path);
	l->advised = true;
}

/* Finds the keys of a text's lines, and makes sure that they can be answers. */
static void
index_text(struct ledger *l, uint32_t segment, uint32_t frame, struct span text)
{
	struct segment *s = &l->segments[segment];
	bool fresh = l->frames[frame].kind == FRAME_IN_SEGMENT;
	struct span rest = text, line;
	struct record_head h;
	bool whole;

	while (record_next(&rest, &line, &whole)) {
		size_t at = (size_t)(line.p - text.p);
		if (!whole || record_head(line, &h) != 0 || !record_crc_holds(line))
			damage(l, s, "", l->frames[frame].at,
			    "the frame holds a line that is no record");
		else if (fresh)
			fresh_add(l, segment, &h, frame, at);
		else
			store_record(l, &h, frame, at);
	}
}

/* A whole frame. Its records are known once fresh_publish() is called. */
static int
take_frame(struct ledger *l, uint32_t segment, uint64_t at, struct span packed,
    size_t size)
{
	char *text = mem_alloc(size);
	uint32_t n;

	if (frame_unpack(&l->coder, packed, text, size) != 0) {
		free(text);
		return -1;
	}
	n = fresh_frame(l, segment, at);
	l->frames[n].text_size = size;
	l->frames[n].packed = (uint32_t)packed.n;
	index_text(l, segment, n, span_of(text, size));
	free(text);
	return 0;
}

/*
 * What stands at an offset is no frame: the next offset where a whole one
 * begins, or the end of the file.
 */
int
scan_next_frame(
    struct ledger *l, int fd, uint64_t from, uint64_t *next, bool *zeros)
{
	uint64_t at = from + 1;

	*zeros = true;
	if (window_fill(&l->window, fd, from, 1) != 0)
		return -1;
	if (l->window.bytes.len > 0 && window_from(&l->window, from).p[0] != 0)
		*zeros = false;
	for (;;) {
		struct span have;
		size_t hit;
		if (window_fill(&l->window, fd, at, WINDOW_READ) != 0)
			return -1;
		have = window_from(&l->window, at);
		hit = frame_search(have, 0);
		for (size_t i = 0; *zeros && i < hit; i++)
			*zeros = have.p[i] == 0;
		if (hit == have.n && have.n < WINDOW_READ) {
			*next = at + have.n;
			return 0;
		}
		if (hit == have.n) {
			at += have.n - 3;
			continue;
		}
		at += hit;
		enum frame_state state;
		struct span frame;
		size_t size;
		char *text;
		int bad = 1;
		if (scan_frame(l, fd, at, 0, &state, &frame, &size) != 0)
			return -1;
		if (state == FRAME_WHOLE && size > 0) {
			text = mem_alloc(size);
			bad = frame_unpack(&l->coder, frame, text, size);
			free(text);
		}
		*next = at;
		if (bad == 0)
			return 0;
		*zeros = false;
		at++;
	}
}

/* The header, when the segment is new to us. 1: go on; 0: nothing to be had. */
static int
scan_header(struct ledger *l, struct segment *s, int fd, struct scan_end *end)
{
	unsigned version = 0;
	struct span have;
	size_t at, size, text;

	l->window.bytes.len = 0;
	if (window_fill(&l->window, fd, 0, 64) != 0)
		return -1;
	have = window_from(&l->window, 0);
	if (have.n == 0)
		return 0;
	switch (frame_header_look(have, &version)) {
	case HEADER_OURS:
		s->end = FRAME_HEADER_SIZE;
		return 1;
	case HEADER_BEGUN:
		end->torn = true;
		end->zeros = true;
		return 0;
	case HEADER_NEWER:
		s->alien = true;
		errno = 0;
		return -1;
	default:
		break;
	}
	for (at = 0; at < have.n && have.p[at] == 0;)
		at++;
	if (at == have.n) { /* made just before a power cut */
		end->torn = end->zeros = true;
		return 0;
	}
	at = FRAME_HEADER_SIZE;
	if (have.n < at + 8 || frame_look(span_of(have.p + at, have.n - at), &size,
				   &text) == FRAME_BAD) {
		s->alien = true;
		return 0;
	}
	damage(l, s, "", 0, "the header is damaged");
	s->end = FRAME_HEADER_SIZE;
	return 1;
}

/*
 * The last frame that is known, if it may have changed: what the index covers
 * was looked at when that was opened.
 */
static uint64_t
walk_start(const struct segment *s)
{
	if (s->index != NULL && s->last < s->index->covered)
		return s->end;
	return s->last != 0 ? s->last : FRAME_HEADER_SIZE;
}

/*
 * Walks frame by frame from the last one known: an owner that takes back a
 * short last frame writes a longer one at the same offset.
 */
int
scan_frames(struct ledger *l, uint32_t segment, int fd, struct scan_end *end)
{
	struct segment *s = &l->segments[segment];
	uint64_t at, bad = 0, found = 0;

	memset(end, 0, sizeof(*end));
	if (s->end == 0) {
		int rc = scan_header(l, s, fd, end);
		if (rc <= 0) {
			end->size = l->window.at + l->window.bytes.len;
			return rc;
		}
	}
	at = walk_start(s);
	l->window.bytes.len = 0;
	for (;;) {
		enum frame_state state;
		struct span frame;
		uint64_t next;
		size_t text;
		if (scan_frame(l, fd, at, 0, &state, &frame, &text) != 0)
			return -1;
		if (frame.n == 0 && state == FRAME_SHORT)
			break;
		if (state == FRAME_WHOLE &&
		    take_frame(l, segment, at, frame, text) != 0)
			state = FRAME_BAD;
		if (state == FRAME_WHOLE || state == FRAME_SKIP) {
			next = at + frame.n;
			if (state == FRAME_WHOLE)
				s->last = at;
			s->end = at = next;
			continue;
		}
		if (bad != at) { /* does the frame before it still end here? */
			bad = at;
			at = walk_start(s) < at ? walk_start(s) : at;
			l->window.bytes.len = 0;
			continue;
		}
		if (scan_next_frame(l, fd, at, &next, &end->zeros) != 0)
			return -1;
		end->torn = next == l->window.at + l->window.bytes.len;
		end->text = text;
		end->rest = next - at;
		if (end->torn)
			break;
		if (found != next) { /* an owner at work goes on to other frames:
					look again */
			found = next;
			bad = 0;
			continue;
		}
		damage(l, s, "", at,
		    tail_is_there(l, s)
			? "this is no whole frame; of the records in it "
			  "those in the tail are left"
			: "this is no whole frame; the records in it are "
			  "lost");
		at = next;
	}
	end->size = l->window.at + l->window.bytes.len;
	if (at < s->end) /* the last known frame was taken back */
		s->end = at;
	return 0;
}

/*
 * A frame is written from lines that are in the tail, and they stay there until
 * the frame is safe on disk.  It is made of the first whole lines that no frame
 * holds: where as many bytes of them do not end with a line, the frame held
 * others, and so it may have where more than its beginning is there and it does
 * not tell how many.
 */
bool
scan_is_covered(const struct scan_end *end, struct span lines)
{
	if (!end->torn || end->zeros)
		return true;
	if (lines.n == 0 || lines.n < end->text)
		return false;
	return end->text == 0 ? end->rest < FRAME_BEGIN_MAX
			      : lines.p[end->text - 1] == '\n';
}

/* ---- tails ---- */

int
scan_read_tail(struct ledger *l, uint32_t segment, struct buf *out)
{
	struct buf name = BUF_INIT;
	struct stat st;
	int rc = -1, fd;

	buf_clear(out);
	fd = openat(l->dir, tail_name(&l->segments[segment], &name),
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	buf_release(&name);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		goto out;
	for (;;) {
		ssize_t n = pread(fd, buf_room(out, 65536), 65536, (off_t)out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			goto out;
		if (n == 0)
			break;
		out->len += (size_t)n;
	}
	rc = 1;
out:
	close(fd);
	return rc;
}

/*
 * A record in a line of a tail: the whole line, or what follows zeros or the
 * beginning of another one, as a power cut leaves it.  A last line without a
 * newline is none, but where one byte stands in the newline's place.
 */
bool
scan_tail_record(
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
scan_is_remains(struct span line, bool at_end)
{
	static const char hole[8];

	return at_end || memmem(line.p, line.n, hole, sizeof(hole)) != NULL;
}

static int
mark_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

struct marks {
	uint64_t *v;
	size_t n, cap;
};

static void
marks_add(struct marks *m, uint64_t mark)
{
	if (m->n == m->cap) {
		m->cap = m->cap == 0 ? 1024 : 2 * m->cap;
		m->v = mem_resize(m->v, m->cap, sizeof(*m->v));
	}
	m->v[m->n++] = mark;
}

static size_t
marks_of_frame(struct ledger *l, uint32_t frame, struct marks *m)
{
	struct span text, line;
	struct record_head h;
	size_t size;
	bool whole;

	if (frame == NO_FRAME || l->frames[frame].kind != FRAME_IN_SEGMENT ||
	    store_text(l, frame, &text) != 0)
		return 0;
	size = text.n;
	while (record_next(&text, &line, &whole))
		if (record_head(line, &h) == 0)
			marks_add(m, record_mark(line, &h));
	store_drop(l, frame);
	return size;
}

/* The records of a segment's last frames, as far back as its tail may reach. */
static struct marks
recent_marks(struct ledger *l, uint32_t segment, size_t reach)
{
	const struct segment *s = &l->segments[segment];
	struct marks m = {NULL, 0, 0};
	size_t seen = 0;
	uint32_t n = s->index == NULL ? 0 : s->index->nframes;

	if (reach == 0)
		return m;
	reach += ledger_sizes.tail;
	for (size_t i = s->nframes; i-- > 0 && seen < reach;)
		seen += marks_of_frame(l, s->frames[i], &m);
	while (n-- > 0 && seen < reach)
		seen += marks_of_frame(l, store_indexed(l, segment, n), &m);
	if (m.n > 0)
		qsort(m.v, m.n, sizeof(*m.v), mark_order);
	return m;
}

/*
 * Sorts out a tail: records that no frame holds, remains of a write that was
 * cut off (the last line without its newline, zeros), damage.
 */
void
scan_tail(
    struct ledger *l, uint32_t segment, struct span tail, struct tail_lines *t)
{
	struct marks marks = recent_marks(l, segment, tail.n);
	struct span rest = tail, line, record;
	struct record_head h;
	uint64_t mark;
	bool whole, found;

	memset(t, 0, sizeof(*t));
	while (record_next(&rest, &line, &whole)) {
		found = scan_tail_record(line, whole, &record, &h);
		if (!whole || !found || record.n < line.n) {
			if (scan_is_remains(line, !whole && !found))
				t->torn += line.n + whole - (found ? record.n : 0);
			else if (t->bad == 0)
				t->bad = (size_t)(line.p - tail.p) + 1;
		}
		if (!found)
			continue;
		t->records++;
		t->good_end = (size_t)(rest.p - tail.p);
		mark = record_mark(record, &h);
		if (marks.n > 0 && bsearch(&mark, marks.v, marks.n, sizeof(mark),
				       mark_order) != NULL)
			continue;
		buf_addspan(&t->lines, record);
		buf_addc(&t->lines, '\n');
	}
	free(marks.v);
}

int
scan_find_in_tail(
    struct ledger *l, uint32_t segment, const unsigned char *key, struct span *line)
{
	struct buf tail = BUF_INIT;
	struct span rest, one, record;
	struct record_head h;
	int64_t newest = INT64_MIN;
	bool whole;

	if (scan_read_tail(l, segment, &tail) == 1) {
		for (rest = buf_span(&tail); record_next(&rest, &one, &whole);) {
			if (!scan_tail_record(one, whole, &record, &h) ||
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

/* ---- a segment with its tail ---- */

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

static void
keep_tail_lines(struct ledger *l, uint32_t segment, const struct buf *lines)
{
	uint32_t n = NO_FRAME;

	if (lines->len > 0) {
		n = store_add(l, FRAME_FROM_TAIL, segment, 0);
		l->frames[n].text = mem_dup(lines->data, lines->len);
		l->frames[n].text_size = lines->len;
		index_text(l, segment, n, buf_span(lines));
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

/* Up to where the tail was read, so that only what comes after is read next time.
 */
static void
note_tail(struct segment *s, struct span tail, size_t good_end)
{
	s->tail_seen = good_end;
	note_proof(s, span_of(tail.p, good_end));
}

static uint64_t
size_of(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/*
 * The tail first, then the frames: records only go from the tail to the
 * segment, but for an owner that begins by taking back a short last frame.
 * The segment is shorter then than it was, and all is read again.
 */
static int
read_stable(struct ledger *l, uint32_t segment, int fd, struct buf *tail,
    int *has_tail, struct scan_end *end)
{
	for (int i = 0; i < TRIES; i++) {
		uint64_t before = size_of(fd), after;
		*has_tail = scan_read_tail(l, segment, tail);
		if (*has_tail < 0)
			return -1;
		if (fd < 0)
			return 0;
		if (!sidecar_holds(l, segment, fd))
			sidecar_drop(l, segment);
		if (scan_frames(l, segment, fd, end) != 0)
			return -1;
		after = size_of(fd);
		if (end->size >= before && after >= end->size &&
		    !(end->torn && after != end->size))
			break;
	}
	return 0;
}

/* A segment and its tail as they were read. */
struct reading {
	struct scan_end end;
	struct tail_lines tail;
	struct buf bytes; /* the tail's */
	int has_tail;
};

static void
reading_release(struct reading *r)
{
	buf_release(&r->tail.lines);
	buf_release(&r->bytes);
}

static int
read_segment(struct ledger *l, uint32_t segment, int fd, struct reading *r)
{
	if (read_stable(l, segment, fd, &r->bytes, &r->has_tail, &r->end) != 0)
		return -1;
	buf_release(&r->tail.lines);
	scan_tail(l, segment, buf_span(&r->bytes), &r->tail);
	return 0;
}

static bool
is_sound(const struct reading *r)
{
	return r->tail.bad == 0 &&
	       scan_is_covered(&r->end, buf_span(&r->tail.lines));
}

/*
 * What looks broken may only be what an owner is writing: it is judged while
 * nobody can write, or, where there is an owner, by looking again.
 */
static int
read_again(struct ledger *l, uint32_t segment, int fd, struct reading *r)
{
	int rc = 0;

	for (int i = 0; i < 8 && rc == 0 && fd >= 0 && !is_sound(r); i++) {
		bool quiet = flock(fd, LOCK_SH | LOCK_NB) == 0;
		rc = read_segment(l, segment, fd, r);
		if (!quiet)
			continue;
		flock(fd, LOCK_UN);
		return rc;
	}
	if (!scan_is_covered(&r->end, buf_span(&r->tail.lines)) && fd >= 0)
		r->end.torn = false; /* its owner will have done with it */
	return rc;
}

static void
report_reading(struct ledger *l, struct segment *s, const struct reading *r)
{
	bool before;

	if (r->tail.bad != 0)
		damage(l, s, ".tail", r->tail.bad - 1,
		    "the record's crc does not hold");
	if (scan_is_covered(&r->end, buf_span(&r->tail.lines)))
		return;
	before = s->damaged;
	damage(l, s, "", s->end,
	    r->has_tail == 1
		? "the last frame is broken; of the records in it those "
		  "in the tail are left"
		: "the last frame is broken; the records in it are lost");
	/* The work of a crash alone is mended by the next writer. */
	if (r->has_tail == 1)
		s->damaged = before;
}

/* What was found becomes known. An index is written where no owner is at work. */
static void
take_reading(struct ledger *l, uint32_t segment, const struct reading *r)
{
	struct segment *s = &l->segments[segment];

	fresh_publish(l, segment, r->has_tail == 0);
	keep_tail_lines(l, segment, &r->tail.lines);
	s->live = r->has_tail == 1;
	note_tail(s, buf_span(&r->bytes), r->tail.good_end);
	report_reading(l, s, r);
}

static int
scan_segment(struct ledger *l, uint32_t segment, struct err *e)
{
	struct segment *s = &l->segments[segment];
	struct reading r;
	int fd = store_fd(l, segment), rc = 0;

	memset(&r, 0, sizeof(r));
	if (fd < 0 && errno == ELOOP) {
		damage(l, s, "", 0, "a symbolic link; left alone");
		return 0;
	}
	if (fd < 0 && errno != ENOENT)
		return err_sys(e, "cannot open %s/%s", l->path, s->name);
	sidecar_load(l, segment, fd);
	if (read_segment(l, segment, fd, &r) != 0 ||
	    read_again(l, segment, fd, &r) != 0) {
		if (s->alien)
			rc = err_set(e,
			    "%s/%s: this segment was written by a newer version: "
			    "use that one, "
			    "or move the segment away",
			    l->path, s->name);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			rc = err_sys(e, "cannot read %s/%s", l->path, s->name);
		else
			damage(l, s, "", s->end, strerror(errno));
	} else if (s->alien) {
		s->damaged = true;
		ledger_report(l, "%s/%s: not a segment of a ledger; left alone",
		    l->path, s->name);
	} else {
		take_reading(l, segment, &r);
	}
	reading_release(&r);
	return rc;
}

void
scan_again(struct ledger *l, uint32_t segment)
{
	struct scan_end end;
	struct err e;
	int fd;

	if (l->writer.fd < 0 || l->writer.segment != segment) {
		(void)scan_segment(l, segment, &e);
		return;
	}
	/* Our own: what is not in its frames is in our hands. */
	fd = store_fd(l, segment);
	if (fd >= 0 && scan_frames(l, segment, fd, &end) == 0)
		fresh_publish(l, segment, true);
}

/* ---- the directory ---- */

static bool
ends_with(const char *s, size_t n, const char *end)
{
	size_t k = strlen(end);

	return n > k && memcmp(s + n - k, end, k) == 0;
}

/* The length of the segment's name in a file's name; 0 if it is no file of a
 * segment. */
static size_t
segment_part(const char *name)
{
	size_t n = strlen(name);

	if (ends_with(name, n, ".jsonl.zst"))
		return n;
	if (ends_with(name, n, ".jsonl.zst.tail"))
		return n - 5;
	return 0;
}

static void
meet_stranger(struct ledger *l, const char *name)
{
	size_t n = strlen(name);

	if (name[0] == '.' || ends_with(name, n, ".jsonl.zst.idx") ||
	    ends_with(name, n, ".damaged") || strncmp(name, "inflight-", 9) == 0)
		return;
	for (size_t i = 0; i < l->nstrangers; i++)
		if (strcmp(l->strangers[i], name) == 0)
			return;
	l->strangers = mem_resize(
	    l->strangers, l->nstrangers + 1, sizeof(*l->strangers));
	l->strangers[l->nstrangers++] = mem_strdup(name);
	ledger_report(
	    l, "%s/%s: not a file of a ledger; left alone", l->path, name);
}

static int
name_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
segment_order(const void *name, const void *segment)
{
	return strcmp(name, ((const struct segment *)segment)->name);
}

/* Segments come in the order of their names within one look at the directory. */
static bool
is_known(const struct ledger *l, size_t sorted, size_t before, const char *name)
{
	if (sorted > 0 && bsearch(name, l->segments, sorted, sizeof(*l->segments),
			      segment_order) != NULL)
		return true;
	for (size_t i = sorted; i < before; i++)
		if (strcmp(l->segments[i].name, name) == 0)
			return true;
	return false;
}

int
scan_names(struct ledger *l, char ***names, size_t *n, struct err *e)
{
	int fd = openat(l->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;
	size_t cap = 0, k;

	*names = NULL;
	*n = 0;
	if (d == NULL) {
		err_sys(e, "cannot list %s", l->path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while ((de = readdir(d)) != NULL) {
		if ((k = segment_part(de->d_name)) == 0) {
			meet_stranger(l, de->d_name);
			continue;
		}
		if (*n == cap) {
			cap = cap == 0 ? 16 : 2 * cap;
			*names = mem_resize(*names, cap, sizeof(**names));
		}
		(*names)[(*n)++] = mem_strndup(de->d_name, k);
	}
	closedir(d);
	if (*n > 0)
		qsort(*names, *n, sizeof(**names), name_order);
	return 0;
}

int
scan_directory(struct ledger *l, struct err *e)
{
	size_t n, before = l->nsegments, sorted;
	struct stat st;
	char **names;
	int rc = 0;

	if (fstat(l->dir, &st) == 0)
		l->modified = st.st_mtim;
	l->listed = clock_wall_ms();
	if (scan_names(l, &names, &n, e) != 0)
		return -1;
	for (sorted = 1; sorted < before; sorted++)
		if (strcmp(l->segments[sorted - 1].name, l->segments[sorted].name) >
		    0)
			break;
	if (before == 0)
		sorted = 0;
	for (size_t i = 0; i < n; i++) {
		if (rc != 0 || (i > 0 && strcmp(names[i], names[i - 1]) == 0) ||
		    is_known(l, sorted, before, names[i]))
			continue;
		l->segments = mem_resize(
		    l->segments, l->nsegments + 1, sizeof(*l->segments));
		l->segments[l->nsegments] = (struct segment){
		    .name = mem_strdup(names[i]), .fd = -1, .tail_frame = NO_FRAME};
		rc = scan_segment(l, (uint32_t)l->nsegments++, e);
	}
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return rc;
}

/* ---- what others have added since ---- */

struct look {
	struct stat segment, tail;
	bool has_tail;
};

static int
look_at(struct ledger *l, uint32_t segment, struct look *k)
{
	const struct segment *s = &l->segments[segment];
	struct buf name = BUF_INIT;
	int fd = store_fd(l, segment);

	k->has_tail = fstatat(l->dir, tail_name(s, &name), &k->tail,
			  AT_SYMLINK_NOFOLLOW) == 0;
	buf_release(&name);
	return fd < 0 ? -1 : fstat(fd, &k->segment);
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

/*
 * Whole records at the end of a tail that is otherwise as it was.  They join
 * those of it that are known.  -1: it is not as it was.
 */
static int
take_growth(struct ledger *l, uint32_t segment)
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
		if (!scan_tail_record(line, whole, &record, &h))
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

/*
 * The common case is a tail that has grown, and frames that were made of it.
 * What else has happened is found by reading the segment as if it were new.
 */
static int
refresh_segment(struct ledger *l, uint32_t segment, struct err *e)
{
	struct segment *s = &l->segments[segment];
	struct scan_end end;
	struct look k;

	if (look_at(l, segment, &k) != 0)
		return 0; /* gone: who needs it will look for it elsewhere */
	if (k.has_tail == s->live &&
	    (!k.has_tail || (uint64_t)k.tail.st_size == s->tail_seen) &&
	    (uint64_t)k.segment.st_size == s->end)
		return 0;
	if (!k.has_tail || (uint64_t)k.tail.st_size < s->tail_seen ||
	    (uint64_t)k.segment.st_size < s->end || take_growth(l, segment) != 0)
		return scan_segment(l, segment, e);
	s->live = true;
	if ((uint64_t)k.segment.st_size > s->end &&
	    scan_frames(l, segment, store_fd(l, segment), &end) == 0)
		fresh_publish(l, segment, false);
	return 0;
}

/*
 * A tail that appears changes the directory; the time stamp of a file system is
 * coarse, so that a change of just now may be followed by one that it hides.
 */
static bool
directory_changed(struct ledger *l)
{
	struct stat st;
	int64_t ms;

	if (fstat(l->dir, &st) != 0)
		return true;
	ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	return st.st_mtim.tv_sec != l->modified.tv_sec ||
	       st.st_mtim.tv_nsec != l->modified.tv_nsec || l->listed - ms < COARSE;
}

int
scan_refresh(struct ledger *l, struct err *e)
{
	bool changed = directory_changed(l);
	size_t known = l->nsegments;

	if (changed && scan_directory(l, e) != 0)
		return -1;
	for (uint32_t i = 0; i < known; i++) {
		struct segment *s = &l->segments[i];
		if (s->alien || (!changed && !s->live) ||
		    (l->writer.fd >= 0 && l->writer.segment == i))
			continue;
		if (refresh_segment(l, i, e) != 0)
			return -1;
	}
	return 0;
}
