#include "ledger/survey.h"

#include "base/mem.h"
#include "io/hashset.h"
#include "ledger/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES      64
#define SALVAGE    ((size_t)1 << 20) /* bytes of text that a broken frame may hold */
#define USUAL_LINE 1500

struct survey {
	struct ledger shell; /* directory, window, coder: what reading works with */
	char **names;
	size_t nnames;
	char *name;
	int fd; /* -1: there is only a tail */
	bool owned;
	struct buf tail;
	struct buf scratch;
	struct survey_found found;
	size_t damage_cap;
	struct hashset
	    framed; /* marks of records in frames, where there is a tail */
	survey_fn *fn;
	void *arg;
	struct err *e;
};

struct survey *
survey_open(const char *dir, void (*stranger)(void *arg, const char *text),
    void *arg, struct err *e)
{
	struct survey *s = mem_zero(1, sizeof(*s));

	s->fd = -1;
	s->framed = HASHSET_INIT(sizeof(uint64_t));
	s->shell.path = mem_strdup(dir);
	for (size_t n = strlen(dir); n > 1 && dir[n - 1] == '/'; n--)
		s->shell.path[n - 1] = '\0';
	s->shell.options.report = stranger;
	s->shell.options.arg = arg;
	s->shell.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->shell.dir >= 0)
		return s;
	err_sys(e, "cannot open %s", dir);
	survey_close(s);
	return NULL;
}

static void
free_names(struct survey *s)
{
	for (size_t i = 0; i < s->nnames; i++)
		free(s->names[i]);
	free(s->names);
	s->names = NULL;
	s->nnames = 0;
}

void
survey_close(struct survey *s)
{
	if (s == NULL)
		return;
	survey_drop(s);
	free_names(s);
	for (size_t i = 0; i < s->shell.nstrangers; i++)
		free(s->shell.strangers[i]);
	free(s->shell.strangers);
	frame_coder_release(&s->shell.coder);
	buf_release(&s->shell.window.bytes);
	buf_release(&s->tail);
	buf_release(&s->scratch);
	free(s->found.damage);
	hashset_release(&s->framed);
	free(s->shell.path);
	if (s->shell.dir >= 0)
		close(s->shell.dir);
	free(s);
}

int
survey_names(struct survey *s, char *const **names, size_t *n, struct err *e)
{
	size_t kept = 0;

	free_names(s);
	if (scan_names(&s->shell, &s->names, &s->nnames, e) != 0)
		return -1;
	for (size_t i = 0; i < s->nnames; i++)
		if (kept > 0 && strcmp(s->names[i], s->names[kept - 1]) == 0)
			free(s->names[i]);
		else
			s->names[kept++] = s->names[i];
	*n = s->nnames = kept;
	*names = s->names;
	return 0;
}

/* ---- one segment ---- */

/* The lock is on what the name stands for, or it is none. */
static int
lock_segment(struct survey *s, struct err *e)
{
	if (flock(s->fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? 0
					    : err_sys(e, "cannot lock %s/%s",
						  s->shell.path, s->name);
	return directory_has(s->shell.dir, s->name, s->fd);
}

int
survey_take(
    struct survey *s, const char *name, enum survey_lock lock, struct err *e)
{
	struct stat st;
	int rc = 1;

	survey_drop(s);
	s->name = mem_strdup(name);
	s->fd = openat(
	    s->shell.dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (s->fd < 0 && errno == ENOENT && lock == SURVEY_OWN)
		/* A tail alone gets a segment to be locked by. */
		s->fd = openat(s->shell.dir, name,
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0 && errno != ENOENT)
		rc = err_sys(e, "cannot open %s/%s", s->shell.path, name);
	else if (s->fd >= 0 && fstat(s->fd, &st) == 0 && !S_ISREG(st.st_mode))
		rc = err_set(e, "%s/%s is no regular file", s->shell.path, name);
	else if (lock == SURVEY_OWN)
		rc = lock_segment(s, e);
	if (rc == 1)
		s->owned = lock != SURVEY_FREE;
	else
		survey_drop(s);
	return rc;
}

int
survey_keep_lock(struct survey *s)
{
	int fd = s->fd;

	s->fd = -1;
	survey_drop(s);
	return fd;
}

void
survey_drop(struct survey *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->owned = false;
	free(s->name);
	s->name = NULL;
}

bool
survey_is_busy(struct survey *s)
{
	if (s->fd < 0 || s->owned)
		return false;
	if (flock(s->fd, LOCK_SH | LOCK_NB) != 0)
		return true;
	flock(s->fd, LOCK_UN);
	return false;
}

bool
survey_is_older(const struct survey *s, int64_t ms)
{
	struct buf tail = BUF_INIT;
	struct stat st;
	bool older;

	buf_addf(&tail, "%s.tail", s->name);
	older = s->fd >= 0 && fstat(s->fd, &st) == 0 &&
		(int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 <
		    ms &&
		faccessat(
		    s->shell.dir, buf_cstr(&tail), F_OK, AT_SYMLINK_NOFOLLOW) != 0;
	buf_release(&tail);
	return older;
}

const struct survey_found *
survey_found(const struct survey *s)
{
	return &s->found;
}

size_t
survey_damages(const struct survey *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->found.ndamage; i++)
		n += !s->found.damage[i].unfinished;
	return n;
}

int
survey_dir(const struct survey *s)
{
	return s->shell.dir;
}

const char *
survey_path(const struct survey *s)
{
	return s->shell.path;
}

const char *
survey_name(const struct survey *s)
{
	return s->name;
}

/* ---- what is found ---- */

static struct survey_damage *
add_damage(struct survey *s, uint64_t at, uint64_t bytes, const char *what)
{
	struct survey_found *f = &s->found;

	if (f->ndamage == s->damage_cap) {
		s->damage_cap = s->damage_cap == 0 ? 8 : 2 * s->damage_cap;
		f->damage = mem_resize(
		    f->damage, s->damage_cap, sizeof(*f->damage));
	}
	f->damage[f->ndamage] = (struct survey_damage){
	    .at = at, .bytes = bytes, .what = what};
	return &f->damage[f->ndamage++];
}

static int
give_line(struct survey *s, struct survey_line *l)
{
	s->found.records++;
	s->found.text += l->line.n + 1;
	if (!l->in_tail && s->found.has_tail) {
		uint64_t mark = record_mark(l->line, &l->head);
		hashset_add(&s->framed, &mark);
	}
	return s->fn == NULL ? 0 : s->fn(s->arg, l);
}

/* How many records these bytes of text may have held. */
static uint64_t
about(const struct survey *s, uint64_t text)
{
	const struct survey_found *f = &s->found;
	uint64_t each = f->records == 0 ? USUAL_LINE : f->text / f->records;

	return text == 0 ? 0 : (text + each - 1) / each;
}

/* ---- frames ---- */

static int
take_text(struct survey *s, uint64_t at, struct span text)
{
	struct survey_line l = {.frame = at};
	struct span rest = text;
	bool whole;

	while (record_next(&rest, &l.line, &whole)) {
		l.at = (size_t)(l.line.p - text.p);
		if (whole && record_head(l.line, &l.head) == 0 &&
		    record_crc_holds(l.line)) {
			if (give_line(s, &l) != 0)
				return -1;
			continue;
		}
		add_damage(s, at, l.line.n,
		    record_head(l.line, &l.head) == 0
			? "the crc of a record in this frame does not hold"
			: "a line in this frame is no record")
		    ->lost = 1;
	}
	return 0;
}

/* Good records in what a broken frame could be decoded to. */
static int
take_salvage(
    struct survey *s, uint64_t at, struct span text, uint64_t *saved, bool *begun)
{
	struct survey_line l = {.frame = at};
	struct span rest = text;
	bool whole;

	while (record_next(&rest, &l.line, &whole)) {
		if (!whole || record_head(l.line, &l.head) != 0 ||
		    !record_crc_holds(l.line))
			continue;
		l.at = (size_t)(l.line.p - text.p);
		++*saved;
		*begun = true;
		if (give_line(s, &l) != 0)
			return -1;
	}
	return 0;
}

/*
 * Bytes that hold no whole frame: decodes what can be decoded of the frames that
 * begin there.  Whatever comes out, a record is one whose crc holds.
 */
static int
salvage(
    struct survey *s, uint64_t at, uint64_t bytes, uint64_t *saved, uint64_t *text)
{
	struct window packed = {.bytes = BUF_INIT};
	int rc = window_fill(&packed, s->fd, at, bytes);
	struct span all = span_of(packed.bytes.data, packed.bytes.len);

	*saved = *text = 0;
	if (all.n >= 4) /* its first bytes may be what is broken */
		memcpy(packed.bytes.data, "\x28\xb5\x2f\xfd", 4);
	for (size_t i = 0; rc == 0 && i + 8 <= all.n;) {
		struct span from = span_of(all.p + i, all.n - i);
		size_t size, claimed, room;
		bool any = false;
		char *out;

		if (frame_look(from, &size, &claimed) == FRAME_WHOLE)
			from.n = size;
		room = claimed > SALVAGE ? claimed : SALVAGE;
		out = mem_zero(room, 1);
		(void)frame_unpack(&s->shell.coder, from, out, room);
		rc = take_salvage(s, at + i, span_of(out, room), saved, &any);
		free(out);
		*text += claimed;
		i = frame_search(all, i + 1);
	}
	buf_release(&packed.bytes);
	return rc;
}

static int
take_broken(struct survey *s, uint64_t at, uint64_t next, const char *what)
{
	uint64_t saved, text, all;
	struct survey_damage *d;

	if (salvage(s, at, next - at, &saved, &text) != 0)
		return -1;
	if (text == 0)
		text = (next - at) * 4;
	all = about(s, text);
	d = add_damage(s, at, next - at, what);
	d->saved = saved;
	d->lost = all > saved ? all - saved : 0;
	return 0;
}

struct torn {
	bool is;
	bool zeros;
	uint64_t at, text;
};

/* A whole frame at an offset, its checksum right: 1 and its size; 0; -1. */
static int
take_frame(struct survey *s, uint64_t at, struct span packed, size_t size)
{
	char *text = mem_alloc(size);
	int rc = 0;

	if (frame_unpack(&s->shell.coder, packed, text, size) == 0) {
		s->found.frames++;
		rc = take_text(s, at, span_of(text, size)) == 0 ? 1 : -1;
	}
	free(text);
	return rc;
}

static int
read_frames(struct survey *s, uint64_t at, struct torn *torn)
{
	struct ledger *l = &s->shell;

	window_clear(&l->window);
	for (;;) {
		enum frame_state state;
		struct span frame;
		uint64_t next, size;
		size_t text;
		int rc = 0;

		if (scan_frame(l, s->fd, at, 0, &state, &frame, &text) != 0)
			return -1;
		size = frame.n;
		if (size == 0 && state == FRAME_SHORT)
			break;
		if (state == FRAME_WHOLE &&
		    (rc = take_frame(s, at, frame, text)) < 0)
			return -1;
		if (rc == 1 || state == FRAME_SKIP) {
			s->found.end = at = at + size;
			continue;
		}
		if (scan_next_frame(l, s->fd, at, &next, &torn->zeros) != 0)
			return -1;
		if (next == window_end(&l->window)) {
			torn->is = true;
			torn->at = at;
			torn->text = text;
			s->found.size = next;
			return 0;
		}
		if (take_broken(s, at, next, "a broken frame") != 0)
			return -1;
		at = next;
	}
	s->found.size = at;
	return 0;
}

/* Where the frames begin; 0 if there are none to be read. */
static int
read_header(struct survey *s, uint64_t *at, struct torn *torn)
{
	char bytes[64];
	ssize_t n = pread(s->fd, bytes, sizeof(bytes), 0);
	size_t zeros, size, text;
	unsigned version;

	*at = 0;
	if (n < 0)
		return -1;
	s->found.size = (uint64_t)n;
	if (n == 0)
		return 0;
	for (zeros = 0; zeros < (size_t)n && bytes[zeros] == '\0';)
		zeros++;
	switch (frame_header_look(span_of(bytes, (size_t)n), &version)) {
	case HEADER_OURS:
		*at = FRAME_HEADER_SIZE;
		return 0;
	case HEADER_BEGUN:
		*torn = (struct torn){.is = true, .zeros = true};
		return 0;
	case HEADER_NEWER:
		s->found.newer = true;
		add_damage(s, 0, 0, "written by a newer version");
		return 0;
	default:
		break;
	}
	if (zeros == (size_t)n) { /* made just before a power cut */
		uint64_t next;
		window_clear(&s->shell.window);
		torn->is = true;
		if (scan_next_frame(&s->shell, s->fd, 0, &next, &torn->zeros) != 0)
			return -1;
		s->found.size = next;
		return 0;
	}
	*at = FRAME_HEADER_SIZE;
	if (n < FRAME_HEADER_SIZE + 8 ||
	    frame_look(span_of(bytes + *at, (size_t)n - *at), &size, &text) ==
		FRAME_BAD) {
		s->found.alien = true;
		add_damage(s, 0, 0, "not a segment of a ledger");
		*at = 0;
	} else
		add_damage(s, 0, FRAME_HEADER_SIZE, "the header is damaged");
	return 0;
}

/* ---- the tail ---- */

static void
judge_tail_bytes(struct survey *s, uint64_t at, struct span bytes, bool at_end)
{
	struct survey_damage *d = add_damage(
	    s, at, bytes.n, "the record's crc does not hold");

	d->in_tail = true;
	d->lost = 1;
	if (!tail_is_remains(bytes, at_end))
		return;
	d->unfinished = true;
	d->lost = 0;
	d->what = "remains of an unfinished write";
}

/* Lines of the tail; *fresh: bytes of those that are in no frame. */
static int
take_tail(struct survey *s, uint64_t *fresh)
{
	struct span rest = buf_span(&s->tail), line;
	struct survey_line l = {.in_tail = true};
	bool whole;

	*fresh = 0;
	while (record_next(&rest, &line, &whole)) {
		bool found = tail_record(line, whole, &l.line, &l.head);
		uint64_t mark;

		l.at = (size_t)(line.p - s->tail.data);
		if (!whole || !found || l.line.n < line.n)
			judge_tail_bytes(s, l.at,
			    span_of(line.p, line.n - (found ? l.line.n : 0)),
			    !whole && !found);
		if (!found)
			continue;
		mark = record_mark(l.line, &l.head);
		if (hashset_has(&s->framed, &mark)) {
			s->found.both++;
			continue;
		}
		*fresh += l.line.n + 1;
		if (give_line(s, &l) != 0)
			return -1;
	}
	return 0;
}

/* ---- all of it ---- */

/* A frame that ends the file, and is none: what its writer left, or damage. */
static int
judge_torn(struct survey *s, const struct torn *torn, uint64_t tail_text)
{
	uint64_t bytes = s->found.size - torn->at;
	struct survey_damage *d;

	if (!torn->is)
		return 0;
	if (!torn->zeros && (tail_text == 0 || tail_text < torn->text))
		return take_broken(
		    s, torn->at, s->found.size, "the last frame is broken");
	d = add_damage(s, torn->at, bytes, "an unfinished frame");
	d->unfinished = true;
	return 0;
}

static int
read_once(struct survey *s, struct torn *torn)
{
	struct survey_damage *damage = s->found.damage;
	uint64_t at = 0, tail_text;
	int has_tail;

	s->found = (struct survey_found){.damage = damage};
	memset(torn, 0, sizeof(*torn));
	hashset_clear(&s->framed);
	has_tail = directory_read(s->shell.dir, s->name, ".tail", &s->tail);
	if (has_tail < 0)
		return -1;
	s->found.has_tail = has_tail == 1;
	s->found.tail_size = s->tail.len;
	if (s->fd >= 0 && (read_header(s, &at, torn) != 0 ||
			      (at != 0 && read_frames(s, at, torn) != 0)))
		return -1;
	if (s->found.newer || s->found.alien)
		return 0;
	return take_tail(s, &tail_text) != 0 || judge_torn(s, torn, tail_text) != 0
		   ? -1
		   : 0;
}

/*
 * A writer makes a segment shorter only when it takes back the last frame; who
 * sees that reads again.
 */
static int
read_stable(struct survey *s, struct torn *torn)
{
	for (int i = 0; i < TRIES; i++) {
		uint64_t before = scan_size(s->fd), after;

		if (read_once(s, torn) != 0)
			return -1;
		after = scan_size(s->fd);
		if (s->owned || s->fd < 0 ||
		    (s->found.size >= before && after >= s->found.size &&
			!(torn->is && after != s->found.size)))
			break;
	}
	return 0;
}

static bool
same_damage(const struct survey_damage *a, const struct survey_damage *b)
{
	return a->in_tail == b->in_tail && a->at == b->at && a->bytes == b->bytes;
}

/* Leaves what was seen before as well, and is not at the end, where a writer is. */
static void
keep_lasting(struct survey *s, const struct survey_damage *old, size_t nold)
{
	struct survey_found *f = &s->found;
	size_t kept = 0;

	for (size_t i = 0; i < f->ndamage; i++) {
		const struct survey_damage d = f->damage[i];
		bool lasting = false;

		for (size_t k = 0; k < nold; k++)
			lasting |= same_damage(&d, &old[k]);
		if (lasting && !d.unfinished &&
		    (d.in_tail || d.at + d.bytes < f->size))
			f->damage[kept++] = d;
	}
	f->ndamage = kept;
}

static int
read_judged(struct survey *s)
{
	struct torn torn;
	int rc = read_stable(s, &torn);

	for (int i = 0; i < 8 && rc == 0 && !s->owned && s->fd >= 0 &&
			s->found.ndamage > 0 && !s->found.newer;
	     i++) {
		struct survey_damage *old;
		size_t nold = s->found.ndamage;
		bool quiet = flock(s->fd, LOCK_SH | LOCK_NB) == 0;

		old = mem_dup(s->found.damage, nold * sizeof(*old));
		rc = read_stable(s, &torn);
		if (!quiet && rc == 0)
			keep_lasting(s, old, nold);
		free(old);
		if (!quiet && i < 2)
			continue;
		if (quiet)
			flock(s->fd, LOCK_UN);
		break;
	}
	return rc;
}

int
survey_read(struct survey *s, survey_fn *fn, void *arg, struct err *e)
{
	int rc;

	s->fn = fn;
	s->arg = arg;
	errno = 0;
	err_init(e);
	rc = read_judged(s);
	if (rc != 0 && e->text[0] == '\0')
		err_sys(e, "cannot read %s/%s", s->shell.path, s->name);
	return rc;
}

bool
survey_is_of_here(const char *name)
{
	char host[LEDGER_HOST_MAX];

	ledger_host(host, sizeof(host));
	return ledger_is_of_host(name, host);
}
