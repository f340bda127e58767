#include "base/mem.h"
#include "io/clock.h"
#include "io/fdio.h"
#include "io/rng.h"
#include "ledger/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SYNC_EVERY 1000000 /* microseconds */

struct ledger_sizes ledger_sizes = {
    .block = (size_t)128 << 10,
    .tail = (size_t)4 << 20,
    .segment =
	(uint64_t)248 << 20, /* what is framed at the end stays below 256 MiB */
    .index = (uint64_t)4 << 20,
    .blocks = 2048, /* 8 MiB */
};

void
writer_init(struct writer *w)
{
	memset(w, 0, sizeof(*w));
	w->fd = w->tail = -1;
}

static void
writer_let_go(struct writer *w)
{
	if (w->tail >= 0)
		close(w->tail);
	if (w->fd >= 0)
		close(w->fd); /* and the lock with it */
	w->fd = w->tail = -1;
}

void
writer_release(struct ledger *l)
{
	writer_let_go(&l->writer);
	buf_release(&l->writer.lines);
	buf_release(&l->writer.packed);
	free(l->writer.blocks);
}

static const char *
name_of(const struct ledger *l)
{
	return l->segments[l->writer.segment].name;
}

/* ---- blocks ---- */

static void
block_begin(struct writer *w, uint32_t frame, size_t start)
{
	if (w->nblocks == w->blocks_cap) {
		w->blocks_cap = w->blocks_cap == 0 ? 8 : 2 * w->blocks_cap;
		w->blocks = mem_resize(
		    w->blocks, w->blocks_cap, sizeof(*w->blocks));
	}
	w->blocks[w->nblocks++] = (struct block){frame, start};
}

/* Which block a line that begins at start belongs to: a new one when the last is
 * full. */
static const struct block *
block_for(struct ledger *l, size_t start)
{
	struct writer *w = &l->writer;

	if (w->nblocks == 0 ||
	    start - w->blocks[w->nblocks - 1].start >= ledger_sizes.block)
		block_begin(
		    w, store_add(l, FRAME_IN_BLOCK, w->segment, start), start);
	return &w->blocks[w->nblocks - 1];
}

void
writer_added(struct ledger *l, size_t start)
{
	struct writer *w = &l->writer;
	const struct block *b = block_for(l, start);
	struct record_head h;

	if (record_head(span_of(w->lines.data + start, w->lines.len - start), &h) ==
	    0)
		store_record(l, &h, b->frame, start - b->start);
}

/* The first block has gone to the segment; the lines after it move down. */
static void
block_end(struct ledger *l, size_t bytes)
{
	struct writer *w = &l->writer;

	w->nblocks--;
	memmove(w->blocks, w->blocks + 1, w->nblocks * sizeof(*w->blocks));
	for (size_t i = 0; i < w->nblocks; i++) {
		w->blocks[i].start -= bytes;
		l->frames[w->blocks[i].frame].at = w->blocks[i].start;
	}
	buf_drop(&w->lines, bytes);
	w->committed -= bytes;
}

/* ---- writing ---- */

/* write(2) until all is written or fails; how much was. */
static size_t
write_some(int fd, const char *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t k = write(fd, p + done, n - done);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			break;
		done += (size_t)k;
	}
	return done;
}

static int
writer_fail(struct ledger *l, struct err *e)
{
	l->writer.failed = true;
	l->writer.error = *e;
	return -1;
}

/* A block becomes a frame. What does not fit is taken off again: it is in the tail.
 */
static int
frame_write(struct ledger *l, size_t bytes, struct err *e)
{
	struct writer *w = &l->writer;
	struct frame *f = &l->frames[w->blocks[0].frame];
	struct segment *s = &l->segments[w->segment];

	buf_clear(&w->packed);
	if (frame_pack(&l->coder, span_of(w->lines.data, bytes), &w->packed, e) !=
	    0)
		return -1;
	if (write_some(w->fd, w->packed.data, w->packed.len) < w->packed.len) {
		err_set(e,
		    "cannot write to %s/%s: %s; its records are in its .tail",
		    l->path, s->name, strerror(errno));
		if (ftruncate(w->fd, (off_t)w->size) != 0) {
			/* The next owner cuts it: it is no whole frame. */
		}
		return -1;
	}
	f->kind = FRAME_IN_SEGMENT;
	f->at = s->last = w->size;
	f->packed = (uint32_t)w->packed.len;
	f->text_size = bytes;
	w->size += w->packed.len;
	s->end = w->size;
	fresh_written(
	    l, w->segment, w->blocks[0].frame, span_of(w->lines.data, bytes));
	block_end(l, bytes);
	return 0;
}

/* Frames the full blocks, or all of them. Everything is committed. */
static int
writer_frame(struct ledger *l, bool all, struct err *e)
{
	struct writer *w = &l->writer;

	while (w->nblocks > 0) {
		size_t bytes = w->nblocks > 1 ? w->blocks[1].start : w->lines.len;
		if (w->nblocks == 1 && bytes < ledger_sizes.block && !all)
			break;
		if (frame_write(l, bytes, e) != 0)
			return -1;
	}
	return 0;
}

static int
sync_fd(struct ledger *l, int fd, const char *suffix, struct err *e)
{
	if (fd_datasync(fd) == 0)
		return 0;
	return err_sys(e, "cannot sync %s/%s%s", l->path, name_of(l), suffix);
}

/* The order that keeps every record in one place at least: sync, then cut. */
static int
writer_cut_tail(struct ledger *l, struct err *e)
{
	struct writer *w = &l->writer;

	if (sync_fd(l, w->fd, "", e) != 0)
		return -1;
	if (ftruncate(w->tail, 0) != 0)
		return err_sys(e, "cannot cut %s/%s.tail", l->path, name_of(l));
	w->tail_size = 0;
	w->dirty_since = 0;
	return 0;
}

/* Where much lies beyond the index, measured by what it covers. */
static bool
index_is_due(const struct segment *s)
{
	uint64_t least = ledger_sizes.index / 64, share = s->end / 256;

	return sidecar_beyond(s) > (share > least ? share : least);
}

/* All is framed: the tail goes, and the lock. */
static int
writer_finish(struct ledger *l, struct err *e)
{
	struct writer *w = &l->writer;
	int rc;

	if (w->fd < 0)
		return 0;
	rc = sync_fd(l, w->fd, "", e);
	if (rc == 0)
		rc = directory_remove(l->dir, l->path, name_of(l), ".tail", e);
	w->dirty_since = 0;
	if (rc == 0 && index_is_due(&l->segments[w->segment]))
		(void)sidecar_renew(l, w->segment, true);
	writer_let_go(w);
	return rc;
}

/* ---- taking a segment over ---- */

static int
open_tail(struct ledger *l, struct err *e)
{
	struct writer *w = &l->writer;
	struct buf name = BUF_INIT;
	struct stat st;
	int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

	buf_addf(&name, "%s.tail", name_of(l));
	w->tail = openat(l->dir, buf_cstr(&name), flags);
	if (w->tail < 0 && errno == ENOENT)
		w->tail = openat(
		    l->dir, buf_cstr(&name), flags | O_CREAT | O_EXCL, 0600);
	if (w->tail < 0 || fstat(w->tail, &st) != 0)
		err_sys(e, "cannot open %s/%s", l->path, buf_cstr(&name));
	else if (!S_ISREG(st.st_mode))
		err_set(e, "%s/%s is no regular file", l->path, buf_cstr(&name));
	else {
		w->tail_size = (uint64_t)st.st_size;
		buf_release(&name);
		return 0;
	}
	buf_release(&name);
	return -1;
}

/* Lines that are in the tail and in no frame begin the first block. */
static void
take_lines(struct ledger *l, struct span lines)
{
	struct writer *w = &l->writer;
	struct span line;
	bool whole;

	while (record_next(&lines, &line, &whole)) {
		size_t start = w->lines.len;
		buf_addspan(&w->lines, line);
		buf_addc(&w->lines, '\n');
		writer_added(l, start);
	}
	w->committed = w->lines.len;
}

/* The number under which the segment's last frame is known. */
static uint32_t
last_frame(const struct ledger *l, const struct segment *s)
{
	uint32_t n = s->nframes == 0 ? NO_FRAME : s->frames[s->nframes - 1];

	return n != NO_FRAME && l->frames[n].at == s->last ? n : NO_FRAME;
}

/*
 * A short last frame goes back into the tail, so that many small runs make one
 * good frame.  Its number stays, and so do the places of its records.
 */
static int
take_back(struct ledger *l, struct err *e)
{
	struct writer *w = &l->writer;
	struct segment *s = &l->segments[w->segment];
	uint32_t n = last_frame(l, s);
	struct span text;

	if (s->last == 0 || s->last >= s->end || n == NO_FRAME ||
	    store_text(l, n, &text) != 0 || text.n >= ledger_sizes.block / 2)
		return 0;
	if (write_some(w->tail, text.p, text.n) < text.n) {
		err_sys(e, "cannot write to %s/%s.tail", l->path, s->name);
		if (ftruncate(w->tail, 0) != 0) {
			/* Whole lines that a frame holds too, or the remains of
			 * one: harmless. */
		}
		return -1;
	}
	/* Whatever the policy: other runs were promised that these records last. */
	if (sync_fd(l, w->tail, ".tail", e) != 0 ||
	    directory_sync(l->dir, l->path, e) != 0)
		return -1;
	if (ftruncate(w->fd, (off_t)s->last) != 0)
		return err_sys(e, "cannot cut %s/%s", l->path, s->name);
	w->tail_size = text.n;
	buf_addspan(&w->lines, text);
	w->committed = w->lines.len;
	store_drop(l, n);
	fresh_taken_back(l, w->segment, n);
	l->frames[n].kind = FRAME_IN_BLOCK;
	l->frames[n].at = 0;
	block_begin(w, n, 0);
	w->size = s->end = s->last;
	return 0;
}

/*
 * What follows the last whole frame is cut off.  Where there is a tail it is the
 * work of a crash; without one the segment had come to a clean end, and a last
 * frame that is broken now is damage, which is left for repair.
 */
static int
mend_segment(
    struct ledger *l, const struct scan_end *end, struct span lines, struct err *e)
{
	struct writer *w = &l->writer;
	struct segment *s = &l->segments[w->segment];
	unsigned char header[FRAME_HEADER_SIZE];

	if (end->size > s->end) {
		if (ftruncate(w->fd, (off_t)s->end) != 0)
			return err_sys(e, "cannot cut %s/%s", l->path, s->name);
		ledger_report(l,
		    "%s/%s: byte %" PRIu64 ": cut off %" PRIu64
		    " bytes of an unfinished frame: %s",
		    l->path, s->name, s->end, end->size - s->end,
		    scan_is_covered(end, lines) ? "nothing is lost"
						: "of the records in it "
						  "those in the tail are left");
	}
	if (s->end == 0) {
		frame_header(header);
		if (write_some(w->fd, (char *)header, sizeof(header)) <
		    sizeof(header)) {
			err_sys(e, "cannot write to %s/%s", l->path, s->name);
			if (ftruncate(w->fd, 0) != 0) {
				/* The beginning of a header is no damage. */
			}
			return -1;
		}
		s->end = FRAME_HEADER_SIZE;
	}
	w->size = s->end;
	return 0;
}

/* And what follows the last whole line. */
static int
mend_tail(struct ledger *l, const struct tail_lines *t, struct err *e)
{
	struct writer *w = &l->writer;
	const char *name = name_of(l);

	if (w->tail_size <= t->good_end)
		return 0;
	if (ftruncate(w->tail, (off_t)t->good_end) != 0)
		return err_sys(e, "cannot cut %s/%s.tail", l->path, name);
	ledger_report(l,
	    "%s/%s.tail: byte %zu: cut off %" PRIu64
	    " bytes of an unfinished record",
	    l->path, name, t->good_end, w->tail_size - t->good_end);
	w->tail_size = t->good_end;
	return 0;
}

/* The two rules of recovery. 1: ours now; 0: better not touched; -1 and e. */
static int
recover(struct ledger *l, struct err *e)
{
	struct writer *w = &l->writer;
	struct segment *s = &l->segments[w->segment];
	struct tail_lines t = {.lines = BUF_INIT};
	struct buf tail = BUF_INIT;
	struct scan_end end;
	int rc = -1, has_tail = -1;

	if (!sidecar_holds(l, w->segment, w->fd))
		sidecar_drop(l, w->segment);
	if (scan_frames(l, w->segment, w->fd, &end) != 0 ||
	    (has_tail = directory_read(l->dir, s->name, ".tail", &tail)) < 0) {
		err_sys(e, "cannot read %s/%s", l->path, s->name);
		goto out;
	}
	tail_sort_out(l, w->segment, buf_span(&tail), &t);
	fresh_publish(l, w->segment, false);
	if (s->damaged || s->alien || t.bad != 0 ||
	    s->end >= ledger_sizes.segment ||
	    (has_tail == 0 && !scan_is_covered(&end, SPAN_NONE))) {
		rc = 0;
		goto out;
	}
	if (mend_segment(l, &end, buf_span(&t.lines), e) != 0 ||
	    open_tail(l, e) != 0 || mend_tail(l, &t, e) != 0)
		goto out;
	if (t.lines.len > 0)
		take_lines(l, buf_span(&t.lines));
	else if ((w->tail_size > 0 && writer_cut_tail(l, e) != 0) ||
		 take_back(l, e) != 0)
		goto out;
	/* Also what was there: who made it may have been killed before its sync. */
	rc = l->options.sync != LEDGER_SYNC_NEVER &&
		     directory_sync(l->dir, l->path, e) != 0
		 ? -1
		 : 1;
out:
	buf_release(&t.lines);
	buf_release(&tail);
	return rc;
}

/* Locks a segment; 1, 0 if it is not to be had, -1 and e. */
static int
try_segment(struct ledger *l, uint32_t n, struct err *e)
{
	struct writer *w = &l->writer;
	struct segment *s = &l->segments[n];
	struct stat st;
	int rc;

	w->fd = openat(l->dir, s->name,
	    O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (w->fd < 0)
		return errno == ENOENT || errno == ELOOP || errno == EACCES
			   ? 0
			   : err_sys(e, "cannot open %s/%s", l->path, s->name);
	w->segment = n;
	if (flock(w->fd, LOCK_EX | LOCK_NB) != 0) {
		rc = errno == EWOULDBLOCK
			 ? 0
			 : err_sys(e, "cannot lock %s/%s", l->path, s->name);
	} else if (fstat(w->fd, &st) != 0 || !S_ISREG(st.st_mode) ||
		   (uint64_t)st.st_size >= ledger_sizes.segment ||
		   !directory_has(l->dir, s->name, w->fd)) {
		rc = 0;
	} else {
		rc = recover(l, e);
	}
	if (rc != 1)
		writer_let_go(w);
	return rc;
}

void
ledger_host(char *out, size_t size)
{
	if (gethostname(out, size) != 0)
		out[0] = '\0';
	out[size - 1] = '\0';
	for (char *p = out; *p != '\0'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= '0' && *p <= '9') || *p == '.' || *p == '-'))
			*p = '_';
	if (out[0] == '\0')
		memcpy(out, "localhost", sizeof("localhost"));
}

/* <time>-<host>-<random>.jsonl.zst */
bool
ledger_is_of_host(const char *name, const char *host)
{
	const char *dash = strchr(name, '-'), *last = strrchr(name, '-');
	size_t n = strlen(host);

	return dash != NULL && last > dash && (size_t)(last - dash) == n + 1 &&
	       memcmp(dash + 1, host, n) == 0;
}

/* Of this host and moment. */
void
ledger_segment_name(struct buf *out)
{
	char host[LEDGER_HOST_MAX];
	struct tm tm;
	time_t now = (time_t)(clock_wall_ms() / 1000);

	ledger_host(host, sizeof(host));
	gmtime_r(&now, &tm);
	buf_addf(out, "%04d%02d%02dT%02d%02d%02dZ-%s-%016" PRIx64 ".jsonl.zst",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, host, rng_entropy());
}

static int
make_segment(struct ledger *l, struct err *e)
{
	struct buf name = BUF_INIT;
	int fd, rc;

	ledger_segment_name(&name);
	fd = openat(l->dir, buf_cstr(&name),
	    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		rc = err_sys(e, "cannot make %s/%s", l->path, buf_cstr(&name));
		buf_release(&name);
		return rc;
	}
	close(fd);
	l->segments = mem_resize(
	    l->segments, l->nsegments + 1, sizeof(*l->segments));
	l->segments[l->nsegments] = (struct segment){
	    .name = mem_strdup(buf_cstr(&name)), .fd = -1, .tail_frame = NO_FRAME};
	l->nsegments++;
	buf_release(&name);
	return try_segment(l, (uint32_t)l->nsegments - 1, e);
}

/* The newest free segment of this host that has room, else a new one. */
int
writer_acquire(struct ledger *l, struct err *e)
{
	char host[LEDGER_HOST_MAX];
	uint32_t *tried;
	size_t n;
	int rc = 0;

	ledger_host(host, sizeof(host));
	if (scan_directory(l, e) != 0)
		return writer_fail(l, e);
	n = l->nsegments;
	tried = mem_zero(n + 1, sizeof(*tried));
	while (rc == 0) {
		uint32_t best = NO_FRAME;
		for (uint32_t i = 0; i < n; i++)
			if (!tried[i] && !l->segments[i].damaged &&
			    !l->segments[i].alien &&
			    ledger_is_of_host(l->segments[i].name, host) &&
			    (best == NO_FRAME || strcmp(l->segments[i].name,
						     l->segments[best].name) > 0))
				best = i;
		if (best == NO_FRAME)
			break;
		tried[best] = 1;
		rc = try_segment(l, best, e);
	}
	free(tried);
	for (int i = 0; i < 16 && rc == 0;
	     i++) /* another process may take a new one first */
		rc = make_segment(l, e);
	if (rc == 0)
		rc = err_set(e, "no segment can be locked in %s", l->path);
	return rc == 1 ? 0 : writer_fail(l, e);
}

/* ---- commit ---- */

/* This turn's lines, with one write(2). What did not get there is cut off. */
static int
write_tail(struct ledger *l, struct err *e)
{
	struct writer *w = &l->writer;
	const char *p = w->lines.data + w->committed;
	size_t n = w->lines.len - w->committed, done = write_some(w->tail, p, n);
	const char *nl;

	if (done == n) {
		w->tail_size += n;
		w->committed = w->lines.len;
		return 0;
	}
	err_sys(e, "cannot write to %s/%s.tail", l->path, name_of(l));
	nl = done == 0 ? NULL : memrchr(p, '\n', done);
	done = nl == NULL ? 0 : (size_t)(nl - p) + 1;
	if (ftruncate(w->tail, (off_t)(w->tail_size + done)) != 0) {
		/* The beginning of a line stays there; recovery takes it off. */
	}
	w->tail_size += done;
	w->committed += done;
	return -1;
}

static int
sync_tail(struct ledger *l, struct err *e)
{
	struct writer *w = &l->writer;
	int64_t now;

	if (l->options.sync == LEDGER_SYNC_NEVER)
		return 0;
	if (l->options.sync == LEDGER_SYNC_SECOND) {
		now = clock_mono_us();
		if (w->dirty_since == 0)
			w->dirty_since = now;
		if (now - w->dirty_since < SYNC_EVERY)
			return 0;
	}
	w->dirty_since = 0;
	if (sync_fd(l, w->tail, ".tail", e) == 0)
		return 0;
	w->doubtful = true;
	return -1;
}

int
writer_commit(struct ledger *l, struct err *e)
{
	struct writer *w = &l->writer;
	bool fresh = w->lines.len > w->committed;

	if (w->failed) {
		*e = w->error;
		return -1;
	}
	if (fresh && write_tail(l, e) != 0)
		return writer_fail(l, e);
	if ((fresh || w->dirty_since != 0) && sync_tail(l, e) != 0)
		return writer_fail(l, e);
	if (!fresh)
		return 0;
	if (writer_frame(l, w->tail_size > ledger_sizes.tail, e) != 0 ||
	    (w->tail_size > ledger_sizes.tail && writer_cut_tail(l, e) != 0))
		return writer_fail(l, e);
	/* All that the index would cover is on disk now. */
	if (w->tail_size == 0 &&
	    sidecar_beyond(&l->segments[w->segment]) > ledger_sizes.index)
		(void)sidecar_renew(l, w->segment, true);
	if (w->tail_size == 0 && w->size >= ledger_sizes.segment &&
	    writer_finish(l, e) != 0)
		return writer_fail(l, e);
	return 0;
}

int
writer_close(struct ledger *l, struct err *e)
{
	struct writer *w = &l->writer;

	if (w->fd < 0 && !w->failed)
		return 0;
	if (writer_commit(l, e) != 0 || writer_frame(l, true, e) != 0)
		return -1;
	return writer_finish(l, e);
}
