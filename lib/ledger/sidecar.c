#include "base/mem.h"
#include "io/clock.h"
#include "io/fdio.h"
#include "ledger/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STALE_TEMP 60 /* seconds after which a temporary file is nobody's */

static uint64_t
covered(const struct segment *s)
{
	return s->index == NULL ? FRAME_HEADER_SIZE : s->index->covered;
}

uint64_t
sidecar_beyond(const struct segment *s)
{
	return s->end <= covered(s) ? 0 : s->end - covered(s);
}

void
sidecar_release(struct segment *s)
{
	index_free(s->index);
	free(s->known);
	free(s->spooled);
	free(s->frames);
	free(s->fresh);
}

/* ---- loading ---- */

/* The bytes by which a segment is known: the last that are covered. */
static int
read_proof(int fd, uint64_t end, unsigned char proof[INDEX_PROOF])
{
	return end < INDEX_PROOF ? -1
	       : fd_read_at(fd, proof, INDEX_PROOF, end - INDEX_PROOF) ==
		       INDEX_PROOF
		   ? 0
		   : -1;
}

static bool
is_of(const struct index *ix, int fd)
{
	unsigned char proof[INDEX_PROOF], header[FRAME_HEADER_SIZE];
	unsigned version;

	return fd_read_at(fd, header, sizeof(header), 0) == sizeof(header) &&
	       frame_header_look(span_of((char *)header, sizeof(header)),
		   &version) == HEADER_OURS &&
	       read_proof(fd, ix->covered, proof) == 0 &&
	       memcmp(proof, ix->proof, sizeof(proof)) == 0;
}

bool
sidecar_holds(struct ledger *l, uint32_t segment, int fd)
{
	const struct index *ix = l->segments[segment].index;

	return ix == NULL || is_of(ix, fd);
}

/* An index that is there; one may be open for every segment there is. */
static struct index *
open_index(struct ledger *l, const char *name)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd = openat(l->dir, name, flags);

	if (fd < 0 && errno == EMFILE && fd_raise_limit() == 0)
		fd = openat(l->dir, name, flags);
	return fd < 0 ? NULL : index_open(l->blocks, fd);
}

/* What is known of frames grows with the index. */
static void
take_index(struct ledger *l, struct segment *s, struct index *ix)
{
	uint32_t before = s->index == NULL ? 0 : s->index->nframes;

	s->known = mem_resize(s->known, (size_t)ix->nframes + 1, sizeof(*s->known));
	s->spooled = mem_resize(
	    s->spooled, (size_t)ix->nframes + 1, sizeof(*s->spooled));
	memset(s->known + before, 0, (ix->nframes - before) * sizeof(*s->known));
	memset(
	    s->spooled + before, 0, (ix->nframes - before) * sizeof(*s->spooled));
	index_free(s->index);
	s->index = ix;
	l->has_memo = false;
	repeats_forget(l);
}

void
sidecar_load(struct ledger *l, uint32_t segment, int fd)
{
	struct segment *s = &l->segments[segment];
	struct buf name = BUF_INIT;
	struct index *ix;

	if (s->index != NULL || s->end != 0 || s->no_file || fd < 0)
		return;
	buf_addf(&name, "%s.idx", s->name);
	ix = open_index(l, buf_cstr(&name));
	buf_release(&name);
	if (ix == NULL || !is_of(ix, fd)) {
		s->no_file = true;
		index_free(ix);
		return;
	}
	take_index(l, s, ix);
	s->end = ix->covered;
}

/* The table keeps what it has of frames beyond; their numbers stay. */
void
sidecar_drop(struct ledger *l, uint32_t segment)
{
	struct segment *s = &l->segments[segment];

	if (s->index == NULL)
		return;
	for (uint32_t i = 0; i < s->index->nframes; i++)
		if (s->known[i] != 0)
			store_free(l, s->known[i] - 1);
	index_free(s->index);
	free(s->known);
	free(s->spooled);
	s->index = NULL;
	s->known = NULL;
	s->spooled = NULL;
	s->no_file = true;
	s->end = s->last = 0;
	s->nframes = s->nfresh = s->published = 0;
	l->has_memo = false;
	repeats_forget(l);
}

/* ---- what lies beyond ---- */

static void
push_frame(struct segment *s, uint32_t n)
{
	if (s->nframes == s->frames_cap) {
		s->frames_cap = s->frames_cap == 0 ? 16 : 2 * s->frames_cap;
		s->frames = mem_resize(
		    s->frames, s->frames_cap, sizeof(*s->frames));
	}
	s->frames[s->nframes++] = n;
}

/* The records of the last frame are no longer fresh. */
static void
pop_records(struct segment *s, uint32_t frame)
{
	while (s->nfresh > 0 && s->fresh[s->nfresh - 1].frame == frame)
		s->nfresh--;
	if (s->published > s->nfresh)
		s->published = s->nfresh;
}

uint32_t
fresh_frame(struct ledger *l, uint32_t segment, uint64_t at)
{
	struct segment *s = &l->segments[segment];
	uint32_t n;

	while (
	    s->nframes > 0 && l->frames[n = s->frames[s->nframes - 1]].at >= at) {
		pop_records(s, n);
		if (l->frames[n].at == at) {
			store_drop(l, n);
			return n;
		}
		s->nframes--;
	}
	n = store_add(l, FRAME_IN_SEGMENT, segment, at);
	push_frame(&l->segments[segment], n);
	return n;
}

void
fresh_add(struct ledger *l, uint32_t segment, const struct record_head *h,
    uint32_t frame, size_t line)
{
	struct segment *s = &l->segments[segment];
	struct index_record *r;

	store_note_time(&l->frames[frame], h->time);
	if (h->status != LEDGER_OK && h->status != LEDGER_FORGET)
		return;
	if (s->nfresh == s->fresh_cap) {
		s->fresh_cap = s->fresh_cap == 0 ? 256 : 2 * s->fresh_cap;
		s->fresh = mem_resize(s->fresh, s->fresh_cap, sizeof(*s->fresh));
	}
	r = &s->fresh[s->nfresh++];
	memcpy(r->key, h->key, sizeof(r->key));
	r->time = h->time;
	r->frame = frame;
	r->line = (uint32_t)line | (h->status == LEDGER_OK ? 0 : TABLE_FORGOTTEN);
}

void
fresh_written(struct ledger *l, uint32_t segment, uint32_t frame, struct span text)
{
	struct segment *s = &l->segments[segment];
	struct span rest = text, line;
	struct record_head h;
	bool whole;

	push_frame(s, frame);
	while (record_next(&rest, &line, &whole))
		if (record_head(line, &h) == 0)
			fresh_add(l, segment, &h, frame, (size_t)(line.p - text.p));
	s->published = s->nfresh;
}

void
fresh_taken_back(struct ledger *l, uint32_t segment, uint32_t frame)
{
	struct segment *s = &l->segments[segment];

	if (s->nframes == 0 || s->frames[s->nframes - 1] != frame)
		return;
	pop_records(s, frame);
	s->nframes--;
}

void
fresh_publish(struct ledger *l, uint32_t segment, bool write)
{
	struct segment *s = &l->segments[segment];

	l->has_memo = false;
	if (sidecar_beyond(s) > ledger_sizes.index)
		(void)sidecar_renew(
		    l, segment, write && !l->options.read_only && !s->damaged);
	for (; s->published < s->nfresh; s->published++) {
		const struct index_record *r = &s->fresh[s->published];
		struct record_head h = {.time = r->time,
		    .status = (r->line & TABLE_FORGOTTEN) == 0 ? LEDGER_OK
							       : LEDGER_FORGET};
		memcpy(h.key, r->key, sizeof(h.key));
		store_record(l, &h, r->frame, r->line & ~TABLE_FORGOTTEN);
	}
}

/* ---- making an index ---- */

/* What goes into it. */
struct batch {
	struct index_frame *frames;
	size_t nframes;  /* of those beyond, from the first on */
	size_t nrecords; /* of the fresh ones, likewise */
	size_t skip;     /* frames at the beginning that the index has already */
};

/*
 * A short last frame stays out: the next writer takes it back, and with it
 * would go the proof that the index is of this segment.
 */
static void
choose(const struct ledger *l, const struct segment *s, struct batch *b)
{
	const struct frame *f;

	memset(b, 0, sizeof(*b));
	b->nframes = s->nframes;
	while (b->nframes > 0) {
		f = &l->frames[s->frames[b->nframes - 1]];
		if (f->at < s->end && f->text_size >= ledger_sizes.block / 2)
			break;
		b->nframes--;
	}
	while (
	    b->skip < b->nframes && l->frames[s->frames[b->skip]].at < covered(s))
		b->skip++;
	b->nrecords = s->nfresh;
	for (size_t i = s->nframes; i-- > b->nframes;)
		while (b->nrecords > 0 &&
		       s->fresh[b->nrecords - 1].frame == s->frames[i])
			b->nrecords--;
}

struct judge {
	struct ledger *l;
	uint32_t segment;
};

static bool
is_older(void *arg, const struct index_record *r, const struct table_entry *e)
{
	const struct judge *j = arg;
	struct place p = {.entry = *e, .segment = j->segment, .indexed = true};

	if (r->time >= place_latest(j->l, &p))
		return false;
	if (r->time < place_earliest(j->l, &p))
		return true;
	return r->time < place_time(j->l, &p);
}

/* Records with the frames' numbers in the index. */
static struct index_record *
renumbered(
    struct ledger *l, const struct segment *s, const struct batch *b, size_t *n)
{
	uint32_t base = s->index == NULL ? 0 : s->index->nframes;
	struct index_record *r = mem_alloc((b->nrecords + 1) * sizeof(*r));
	size_t k = 0;

	*n = 0;
	for (size_t i = 0; i < b->nrecords; i++) {
		while (s->frames[k] != s->fresh[i].frame)
			k++;
		if (k < b->skip)
			continue;
		r[*n] = s->fresh[i];
		r[(*n)++].frame = base + (uint32_t)(k - b->skip);
	}
	(void)l;
	return r;
}

static struct index_frame *
frame_list(const struct ledger *l, const struct segment *s, const struct batch *b)
{
	struct index_frame *list = mem_alloc(
	    (b->nframes - b->skip + 1) * sizeof(*list));

	for (size_t i = b->skip; i < b->nframes; i++) {
		const struct frame *f = &l->frames[s->frames[i]];
		list[i - b->skip] = (struct index_frame){.at = f->at,
		    .first = f->first,
		    .last = f->last,
		    .packed = f->packed,
		    .text = (uint32_t)f->text_size};
	}
	return list;
}

/* One process at a time makes the file; who finds another at it goes without. */
static int
open_temp(int dir, const char *name)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(dir, name, flags, 0600);
	struct stat st;

	if (fd >= 0 || errno != EEXIST ||
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    clock_wall_ms() / 1000 - st.st_mtime < STALE_TEMP)
		return fd;
	(void)unlinkat(dir, name, 0);
	return openat(dir, name, flags, 0600);
}

/* Not synced: what a power cut leaves of it has no right checksums. */
static struct index *
write_file(struct ledger *l, const struct segment *s, struct span bytes)
{
	struct buf name = BUF_INIT, temp = BUF_INIT;
	struct index *ix = NULL;
	int fd, rc;

	buf_addf(&name, "%s.idx", s->name);
	buf_addf(&temp, ".%s.idx", s->name);
	fd = open_temp(l->dir, buf_cstr(&temp));
	if (fd >= 0) {
		rc = fd_write(fd, bytes.p, bytes.n);
		if (fd_close(fd) != 0)
			rc = -1;
		if (rc == 0)
			ix = open_index(l, buf_cstr(&temp));
		if (rc != 0 || ix == NULL ||
		    renameat(l->dir, buf_cstr(&temp), l->dir, buf_cstr(&name)) != 0)
			(void)unlinkat(l->dir, buf_cstr(&temp), 0);
	}
	buf_release(&name);
	buf_release(&temp);
	return ix;
}

/* The frames are the index's now, and the table need not know their records. */
static void
hand_over(struct ledger *l, struct segment *s, const struct batch *b, uint32_t base)
{
	for (size_t i = 0; i < b->nrecords; i++) {
		struct table_entry *e = table_find(&l->table, s->fresh[i].key);
		if (e != NULL && e->frame == s->fresh[i].frame)
			table_remove(&l->table, e);
	}
	for (size_t i = 0; i < b->nframes; i++) {
		struct frame *f = &l->frames[s->frames[i]];
		if (i >= b->skip && f->text != NULL) {
			f->local = base + (uint32_t)(i - b->skip) + 1;
			s->known[f->local - 1] = s->frames[i] + 1;
			s->spooled[f->local - 1] = 1;
		} else
			store_free(l, s->frames[i]);
	}
	s->nframes -= b->nframes;
	memmove(s->frames, s->frames + b->nframes, s->nframes * sizeof(*s->frames));
	s->nfresh -= b->nrecords;
	memmove(s->fresh, s->fresh + b->nrecords, s->nfresh * sizeof(*s->fresh));
	s->published = s->published < b->nrecords ? 0 : s->published - b->nrecords;
	if (s->nfresh == 0) {
		free(s->fresh);
		s->fresh = NULL;
		s->fresh_cap = 0;
	}
	l->has_memo = false;
}

static int
make_plan(
    struct ledger *l, uint32_t segment, const struct batch *b, struct index_plan *p)
{
	struct segment *s = &l->segments[segment];
	const struct frame *last = &l->frames[s->frames[b->nframes - 1]];
	int fd = store_fd(l, segment);

	memset(p, 0, sizeof(*p));
	p->covered = last->at + last->packed;
	if (fd < 0 || read_proof(fd, p->covered, p->proof) != 0)
		return -1;
	p->old = s->index;
	p->records = renumbered(l, s, b, &p->nrecords);
	p->frames = frame_list(l, s, b);
	p->nframes = b->nframes - b->skip;
	p->is_older = is_older;
	return 0;
}

int
sidecar_renew(struct ledger *l, uint32_t segment, bool write)
{
	struct segment *s = &l->segments[segment];
	struct judge judge = {l, segment};
	struct buf bytes = BUF_INIT;
	struct index_plan plan;
	struct index *ix = NULL;
	struct batch b;
	uint32_t base = s->index == NULL ? 0 : s->index->nframes;

	choose(l, s, &b);
	if (b.nframes <= b.skip || make_plan(l, segment, &b, &plan) != 0)
		return -1;
	plan.arg = &judge;
	if (index_make(&plan, &bytes) == 0 && write)
		ix = write_file(l, s, buf_span(&bytes));
	if (ix == NULL && (s->index == NULL || !s->index->broken))
		ix = index_of(l->blocks, &bytes);
	buf_release(&bytes);
	free(plan.records);
	free((void *)(uintptr_t)plan.frames);
	if (ix == NULL)
		return -1;
	take_index(l, s, ix);
	hand_over(l, s, &b, base);
	return 0;
}
