/* --split N: files of N entries each, NAME-00001.EXT and so on. */
#include "base/mem.h"
#include "base/msg.h"
#include "io/fdio.h"
#include "io/num.h"
#include "io/outset.h"
#include "save.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS    5
#define PARTS_MAX 99999

struct parts {
	struct outset *set;
	char *folder;
	const char *base; /* FILE's last part: a name */
	struct span stem; /* what stands before the number */
	struct span end;  /* and after it, from a dot */
	uint64_t n;       /* parts that are finished */
	struct buf name;
	struct pack *pack; /* NULL: nothing is to be packed */
	struct buf packed;
	struct err broken; /* of pack: its output cannot be kept */
};

/* "out.csv.gz" is "out" and ".csv.gz"; ".out" has no end. */
static void
find_stem(struct parts *p)
{
	struct span all = span_str(p->base), stem = pack_stem(all);
	size_t n = stem.n;

	while (n > 0 && stem.p[n - 1] != '.')
		n--;
	p->stem = n > 1 ? span_of(stem.p, n - 1) : stem;
	p->end = span_of(all.p + p->stem.n, all.n - p->stem.n);
}

static const char *
part_name(struct parts *p, uint64_t number)
{
	buf_clear(&p->name);
	buf_addf(&p->name, "%.*s-%0*" PRIu64 "%.*s", (int)p->stem.n, p->stem.p,
	    DIGITS, number, (int)p->end.n, p->end.p);
	return buf_cstr(&p->name);
}

static void
release(struct save *s)
{
	struct parts *p = s->parts;

	outset_close(p->set);
	pack_close(p->pack);
	buf_release(&p->packed);
	buf_release(&p->name);
	free(p->folder);
	free(p);
	s->parts = NULL;
}

static int
begin(struct save *s, struct err *e)
{
	struct parts *p = s->parts = mem_zero(1, sizeof(*p));
	enum pack_form form = pack_by_name(span_str(s->name));
	const char *slash = strrchr(s->name, '/');

	p->base = slash == NULL ? s->name : slash + 1;
	p->folder = slash == NULL ? mem_strdup(".")
		    : slash == s->name
			? mem_strdup("/")
			: mem_strndup(s->name, (size_t)(slash - s->name));
	find_stem(p);
	if (form != PACK_NONE && (p->pack = pack_open(form, e)) == NULL)
		err_prefix(e, "%s", s->name);
	else if ((p->set = outset_open(p->folder, p->base, e)) != NULL)
		return 0;
	release(s);
	return -1;
}

/* ---- a part ---- */

static int
begin_part(struct save *s, struct err *e)
{
	struct parts *p = s->parts;

	if (p->n == PARTS_MAX)
		return err_set(e, "%s: more than %d parts; take a larger N",
		    s->name, PARTS_MAX);
	return outset_begin(p->set, part_name(p, p->n + 1), false, e);
}

static int
write_packed(struct save *s, int r, struct err *e)
{
	struct parts *p = s->parts;

	if (r < 0) {
		err_prefix(e, "%s", s->name);
		p->broken = *e;
		return -1;
	}
	r = outset_write(p->set, buf_span(&p->packed), e);
	buf_clear(&p->packed);
	return r;
}

static int
write_out(struct save *s, struct err *e)
{
	struct parts *p = s->parts;
	int r;

	if (p->pack == NULL)
		r = outset_write(p->set, buf_span(&s->out), e);
	else
		r = write_packed(
		    s, pack_add(p->pack, buf_span(&s->out), &p->packed, e), e);
	buf_clear(&s->out);
	return r;
}

/* Closes it; with all that stands after its last entry when that has come. */
static int
end_part(struct save *s, bool whole, struct err *e)
{
	struct parts *p = s->parts;

	if (p->broken.text[0] != '\0') {
		*e = p->broken;
		return -1;
	}
	if (whole && s->format->end != NULL)
		s->format->end(s);
	if (write_out(s, e) < 0)
		return -1;
	if (p->pack != NULL &&
	    write_packed(s, pack_end(p->pack, &p->packed, e), e) < 0)
		return -1;
	if (outset_end(p->set, e) < 0)
		return -1;
	p->n++;
	s->in_file = 0;
	buf_clear(&s->path);
	return 0;
}

static int
add(struct save *s, struct err *e)
{
	struct parts *p = s->parts;

	if (s->in_file == s->split && end_part(s, true, e) < 0)
		return SAVE_FAILED;
	if (s->in_file == 0 && s->format->begin != NULL)
		s->format->begin(s);
	if (save_add(s, e) < 0) {
		buf_clear(&s->out);
		return SAVE_REFUSED;
	}
	if (!outset_began(p->set) && begin_part(s, e) < 0)
		return SAVE_FAILED;
	return write_out(s, e) < 0 ? SAVE_FAILED : SAVE_OK;
}

static int
end(struct save *s, struct err *e)
{
	struct parts *p = s->parts;

	if (!outset_began(p->set)) {
		if (p->n > 0)
			return 0;
		/* No entries at all are one part without any. */
		if (s->format->begin != NULL)
			s->format->begin(s);
		if (begin_part(s, e) < 0)
			return -1;
	}
	return end_part(s, true, e);
}

/* ---- the set ---- */

/* The number of a name that is one of ours, else 0. */
static uint64_t
part_number(const struct parts *p, struct span name)
{
	uint64_t n;

	if (name.n != p->stem.n + 1 + DIGITS + p->end.n ||
	    !span_starts(name, p->stem) || name.p[p->stem.n] != '-' ||
	    memcmp(name.p + name.n - p->end.n, p->end.p, p->end.n) != 0 ||
	    num_u64(span_of(name.p + p->stem.n + 1, DIGITS), &n) < 0)
		return 0;
	return n;
}

/* Those of a former run that had more of them. */
static int
remove_surplus(struct save *s, struct err *e)
{
	struct parts *p = s->parts;
	struct dirent *entry;
	struct stat st;
	int fd = openat(
	    outset_folder(p->set), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int r = 0;

	if (d == NULL) {
		err_sys(e, "%s", p->folder);
		if (fd >= 0)
			fd_close(fd);
		return -1;
	}
	while (r == 0 && (errno = 0, entry = readdir(d)) != NULL) {
		if (part_number(p, span_str(entry->d_name)) <= p->n ||
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (unlinkat(fd, entry->d_name, 0) < 0)
			r = err_sys(
			    e, "%s/%s: cannot remove it", p->folder, entry->d_name);
		else
			msg_debug("%s/%s: removed: there are %" PRIu64 " parts now",
			    p->folder, entry->d_name, p->n);
		s->changed = true;
	}
	if (r == 0 && errno != 0)
		r = err_sys(e, "%s: cannot read the folder", p->folder);
	closedir(d);
	return r;
}

static int
place(struct save *s, struct err *e)
{
	struct parts *p = s->parts;
	struct buf partial = BUF_INIT;
	uint64_t i;
	int r = 0;

	s->changed = false;
	for (i = 1; r == 0 && i <= p->n; i++)
		r = outset_check(p->set, part_name(p, i), e);
	for (i = 1; r == 0 && i <= p->n; i++)
		r = outset_place(p->set, part_name(p, i), &s->changed, e);
	if (r < 0 || remove_surplus(s, e) < 0)
		return -1;
	buf_addf(&partial, "%s.partial", p->base);
	r = outset_remove(p->set, buf_cstr(&partial), e);
	buf_release(&partial);
	return r < 0 ? -1 : outset_sync(p->set, e);
}

static int
commit(struct save *s, struct err *e)
{
	int r = place(s, e);

	release(s);
	return r;
}

static int
keep(struct save *s, struct err *e)
{
	struct parts *p = s->parts;
	struct buf name = BUF_INIT;
	int r = 0;

	buf_addf(&s->aside, "%s.partial", s->name);
	buf_addf(&name, "%s.partial", p->base);
	if (outset_began(p->set))
		r = end_part(s, false, e);
	if (r == 0)
		r = outset_keep(p->set, buf_cstr(&name), e);
	buf_release(&name);
	release(s);
	return r;
}

const struct target target_parts = {
    .open = begin,
    .add = add,
    .end = end,
    .commit = commit,
    .keep = keep,
};
