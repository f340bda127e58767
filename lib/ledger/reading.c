#include "ledger/internal.h"

#include <errno.h>
#include <sys/file.h>

#define TRIES 64

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
		uint64_t before = scan_size(fd), after;
		*has_tail = directory_read(
		    l->dir, l->segments[segment].name, ".tail", tail);
		if (*has_tail < 0)
			return -1;
		if (fd < 0)
			return 0;
		if (!sidecar_holds(l, segment, fd))
			sidecar_drop(l, segment);
		if (scan_frames(l, segment, fd, end) != 0)
			return -1;
		after = scan_size(fd);
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
	tail_sort_out(l, segment, buf_span(&r->bytes), &r->tail);
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
		scan_damage(l, s, ".tail", r->tail.bad - 1,
		    "the record's crc does not hold");
	if (scan_is_covered(&r->end, buf_span(&r->tail.lines)))
		return;
	before = s->damaged;
	scan_damage(l, s, "", s->end,
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
	tail_keep(l, segment, &r->tail.lines);
	s->live = r->has_tail == 1;
	tail_note(s, buf_span(&r->bytes), r->tail.good_end);
	report_reading(l, s, r);
}

int
scan_segment(struct ledger *l, uint32_t segment, struct err *e)
{
	struct segment *s = &l->segments[segment];
	struct reading r;
	int fd = store_fd(l, segment), rc = 0;

	memset(&r, 0, sizeof(r));
	if (fd < 0 && errno == ELOOP) {
		scan_damage(l, s, "", 0, "a symbolic link; left alone");
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
			scan_damage(l, s, "", s->end, strerror(errno));
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

/* ---- what others have added since ---- */

struct look {
	struct stat segment, tail;
	bool has_tail;
};

static int
look_at(struct ledger *l, uint32_t segment, struct look *k)
{
	const struct segment *s = &l->segments[segment];
	int fd = store_fd(l, segment);

	k->has_tail = tail_stat(l, s, &k->tail);
	return fd < 0 ? -1 : fstat(fd, &k->segment);
}

/*
 * The common case is a tail that has grown, and frames that were made of it.
 * What else has happened is found by reading the segment as if it were new.
 */
int
scan_news(struct ledger *l, uint32_t segment, struct err *e)
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
	    (uint64_t)k.segment.st_size < s->end || tail_grow(l, segment) != 0)
		return scan_segment(l, segment, e);
	s->live = true;
	if ((uint64_t)k.segment.st_size > s->end &&
	    scan_frames(l, segment, store_fd(l, segment), &end) == 0)
		fresh_publish(l, segment, false);
	return 0;
}
