#include "base/mem.h"
#include "ledger/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define WINDOW_READ     ((size_t)1 << 20)
#define FRAME_MAX       (FRAME_TEXT_MAX + ((size_t)8 << 20)) /* compressed */
#define FRAME_BEGIN_MAX 18                                   /* a frame's header */

/* hint: bytes to read first; one of zero: a sequential reader, which reads far. */
int
scan_frame(struct ledger *l, int fd, uint64_t at, size_t hint,
    enum frame_state *state, struct span *frame, size_t *text)
{
	struct window *w = &l->window;
	bool sequential = hint == 0;
	size_t size = 0, want = sequential ? 4096 : hint;

	if (!sequential)
		window_clear(w); /* what is on disk now */
	for (;; want *= 2) {
		struct span have;
		bool at_end;
		if (sequential && at >= w->at && at + want > window_end(w) &&
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

uint64_t
scan_size(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

void
scan_damage(struct ledger *l, struct segment *s, const char *suffix, uint64_t at,
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

void
scan_text(struct ledger *l, uint32_t segment, uint32_t frame, struct span text)
{
	struct segment *s = &l->segments[segment];
	bool fresh = l->frames[frame].kind == FRAME_IN_SEGMENT;
	struct span rest = text, line;
	struct record_head h;
	bool whole;

	while (record_next(&rest, &line, &whole)) {
		size_t at = (size_t)(line.p - text.p);
		if (!whole || record_head(line, &h) != 0 || !record_crc_holds(line))
			scan_damage(l, s, "", l->frames[frame].at,
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
	scan_text(l, segment, n, span_of(text, size));
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

	window_clear(&l->window);
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
	scan_damage(l, s, "", 0, "the header is damaged");
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
	struct stat tail;

	memset(end, 0, sizeof(*end));
	if (s->end == 0) {
		int rc = scan_header(l, s, fd, end);
		if (rc <= 0) {
			end->size = window_end(&l->window);
			return rc;
		}
	}
	at = walk_start(s);
	window_clear(&l->window);
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
			window_clear(&l->window);
			continue;
		}
		if (scan_next_frame(l, fd, at, &next, &end->zeros) != 0)
			return -1;
		end->torn = next == window_end(&l->window);
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
		scan_damage(l, s, "", at,
		    tail_stat(l, s, &tail)
			? "this is no whole frame; of the records in it "
			  "those in the tail are left"
			: "this is no whole frame; the records in it are "
			  "lost");
		at = next;
	}
	end->size = window_end(&l->window);
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
