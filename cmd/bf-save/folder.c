/* A folder of files: one for each entry, or in md for each source. */
#include "base/mem.h"
#include "io/hash.h"
#include "io/outset.h"
#include "save.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH_SIZE 8

struct folder {
	struct outset *set;
	char *path;      /* without a slash at its end */
	bool made;       /* by us */
	struct buf name; /* of the entry's file */
	struct buf last; /* of the file that is being written */
};

/* ---- names ---- */

static bool
is_control(const char *p, size_t n)
{
	unsigned char c = (unsigned char)p[0];

	/* In UTF-8, U+0080 to U+009F are two bytes. */
	return c < 0x20 || c == 0x7f ||
	       (c == 0xc2 && n > 1 && (unsigned char)p[1] < 0xa0);
}

static void
add_encoded(struct buf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%%%02X", (unsigned)(unsigned char)p[i]);
}

/* Text as a name, or a part of a path: what is not safe as %XX. */
static void
add_safe(struct buf *out, struct span text)
{
	size_t i;

	for (i = 0; i < text.n; i++) {
		if (is_control(text.p + i, text.n - i)) {
			size_t n = (unsigned char)text.p[i] == 0xc2 ? 2 : 1;

			add_encoded(out, text.p + i, n);
			i += n - 1;
		} else if (text.p[i] == '/' || text.p[i] == '%' ||
			   (text.p[i] == '.' && i == 0))
			add_encoded(out, text.p + i, 1);
		else
			buf_addc(out, text.p[i]);
	}
}

/* Cuts what begins at start to room bytes, if it is longer, with a hash of text. */
static void
fit_name(struct buf *out, size_t start, size_t room, struct span text)
{
	unsigned char hash[HASH_SIZE];
	char hex[2 * HASH_SIZE];
	size_t end = start + room - sizeof(hex) - 1;

	if (out->len - start <= room)
		return;
	while (end > start && ((unsigned char)out->data[end] & 0xc0) == 0x80)
		end--;
	for (size_t i = 1; i <= 2; i++) /* no half of a %XX */
		if (end > start + i && out->data[end - i] == '%')
			end -= i;
	out->len = end;
	hash_blake2b(text, hash, sizeof(hash));
	hash_hex(hash, sizeof(hash), hex);
	buf_addc(out, '-');
	buf_add(out, hex, sizeof(hex));
}

/*
 * A path as one below the folder.  Empty parts and "." say nothing; ".." becomes
 * a name that is none to the system, as does the beginning of an absolute path.
 */
static int
add_path(struct buf *out, struct span path, struct err *e)
{
	const char *slash;
	struct span part;
	size_t parts = 0, start;

	if (path.n > 0 && path.p[0] == '/')
		buf_adds(out, "%2F");
	while (path.n > 0) {
		slash = memchr(path.p, '/', path.n);
		part = span_of(
		    path.p, slash == NULL ? path.n : (size_t)(slash - path.p));
		path.p += part.n + (slash != NULL);
		path.n -= part.n + (slash != NULL);
		if (part.n == 0 || (part.n == 1 && part.p[0] == '.'))
			continue;
		if (parts++ == OUTSET_DEPTH_MAX)
			return err_set(
			    e, "has more than %d parts", OUTSET_DEPTH_MAX);
		if (parts > 1)
			buf_addc(out, '/');
		start = parts > 1 ? out->len : 0;
		add_safe(out, part);
		fit_name(out, start, NAME_MAX, part);
	}
	return parts == 0 ? err_set(e, "names no file") : 0;
}

/* The entry's file, into folder.name. */
static int
find_name(struct save *s, struct err *e)
{
	struct folder *f = s->folder;
	struct span value = path_find_entry(s->name_field, &s->en), text;
	struct span field = path_text(s->name_field);
	size_t end = strlen(s->extension);
	int r = 0;

	buf_clear(&f->name);
	buf_clear(&s->scratch);
	if (value.p == NULL)
		return err_set(e, "no field \"%.*s\", which names the file",
		    (int)field.n, field.p);
	if (json_type(value) == JSON_STRING) {
		if (json_unescape(&s->scratch, span_of(value.p + 1, value.n - 2)) >
		    0)
			r = err_set(e,
			    "holds half of a surrogate pair, which is no "
			    "character");
	} else if (json_type(value) == JSON_NUMBER)
		buf_addspan(&s->scratch, value);
	else
		r = err_set(e, "is %s: only a string or a number names a file",
		    json_type_name(json_type(value)));
	text = buf_span(&s->scratch);
	if (r == 0 && text.n == 0)
		r = err_set(e, "is empty and names no file");
	if (r == 0 && s->by_source)
		r = add_path(&f->name, text, e);
	else if (r == 0) {
		add_safe(&f->name, text);
		fit_name(&f->name, 0, NAME_MAX - end, text);
		buf_adds(&f->name, s->extension);
	}
	return r < 0 ? err_prefix(e, "field \"%.*s\"", (int)field.n, field.p) : 0;
}

/* ---- entries ---- */

static void
release(struct save *s)
{
	struct folder *f = s->folder;

	outset_close(f->set);
	if (f->made)
		rmdir(f->path); /* unless something is in it */
	free(f->path);
	buf_release(&f->name);
	buf_release(&f->last);
	free(f);
	s->folder = NULL;
}

static int
begin(struct save *s, struct err *e)
{
	struct folder *f = s->folder = mem_zero(1, sizeof(*f));
	size_t n = strlen(s->name);

	while (n > 1 && s->name[n - 1] == '/')
		n--;
	f->path = mem_strndup(s->name, n);
	f->made = mkdir(f->path, 0777) == 0;
	if (!f->made && errno != EEXIST)
		err_sys(e, "%s", f->path);
	else if ((f->set = outset_open(f->path, "bf-save", e)) != NULL)
		return 0;
	release(s);
	return -1;
}

/* Opens the entry's file unless it is open. */
static int
enter_file(struct save *s, struct err *e)
{
	struct folder *f = s->folder;
	struct span text;

	if (outset_began(f->set) && outset_end(f->set, e) < 0)
		return SAVE_FAILED;
	if (outset_begin(f->set, buf_cstr(&f->name), s->by_source, e) < 0) {
		if (e->errnum != EEXIST || s->by_source)
			return SAVE_FAILED;
		text = path_text(s->name_field);
		err_set(e, "%s/%s: an entry before has the same \"%.*s\"", f->path,
		    buf_cstr(&f->name), (int)text.n, text.p);
		return SAVE_REFUSED;
	}
	buf_clear(&f->last);
	buf_addspan(&f->last, buf_span(&f->name));
	return SAVE_OK;
}

static int
add(struct save *s, struct err *e)
{
	struct folder *f = s->folder;
	bool same;
	int r;

	if (find_name(s, e) < 0)
		return SAVE_REFUSED;
	same = s->by_source && outset_began(f->set) &&
	       span_eq(buf_span(&f->name), buf_span(&f->last));
	if (!same) {
		s->in_file = 0;
		buf_clear(&s->path);
	}
	if (save_add(s, e) < 0)
		return SAVE_REFUSED;
	r = same ? SAVE_OK : enter_file(s, e);
	/* A source that was written to before goes on after a blank line. */
	if (r == SAVE_OK && !same && !outset_is_empty(f->set) &&
	    outset_write(f->set, SPAN("\n"), e) < 0)
		r = SAVE_FAILED;
	if (r == SAVE_OK && outset_write(f->set, buf_span(&s->out), e) < 0)
		r = SAVE_FAILED;
	buf_clear(&s->out);
	return r;
}

static int
end(struct save *s, struct err *e)
{
	struct folder *f = s->folder;

	return outset_began(f->set) ? outset_end(f->set, e) : 0;
}

static int
commit(struct save *s, struct err *e)
{
	struct outset *set = s->folder->set;
	int r;

	s->changed = s->folder->made;
	s->folder->made = false;
	r = outset_check_all(set, e) < 0 ||
		    outset_place_all(set, &s->changed, e) < 0 ||
		    outset_remove(set, ".partial", e) < 0 || outset_sync(set, e) < 0
		? -1
		: 0;
	release(s);
	return r;
}

static int
keep(struct save *s, struct err *e)
{
	struct folder *f = s->folder;
	int r = outset_began(f->set) ? outset_end(f->set, e) : 0;

	buf_addf(&s->aside, "%s/.partial", f->path);
	if (r == 0)
		r = outset_keep(f->set, ".partial", e);
	release(s);
	return r;
}

const struct target target_folder = {
    .open = begin,
    .add = add,
    .end = end,
    .commit = commit,
    .keep = keep,
};
