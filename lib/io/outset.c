#include "io/outset.h"

#include "base/buf.h"
#include "base/mem.h"
#include "io/beneath.h"
#include "io/fdio.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITE_SIZE ((size_t)128 << 10)

struct outset {
	char *folder; /* for messages */
	char *temp;   /* its name in the folder; NULL: no longer there */
	int dir;
	int temp_dir;
	struct buf path; /* of the file begun */
	int fd;          /* -1: none */
	bool more;       /* it may be gone on with: it is synced at the end */
	bool empty;
	struct buf out;
	bool failed;
	struct err first;
	struct buf above; /* the folder that files were placed in last */
	int above_dir;    /* -1: none */
};

/* ---- the folders ---- */

static int
open_folder(int dir, const char *path)
{
	int fd;

	do
		fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd;
}

struct outset *
outset_open(const char *folder, const char *name, struct err *e)
{
	struct outset *o = mem_zero(1, sizeof(*o));
	struct buf path = BUF_INIT;

	o->dir = o->temp_dir = o->fd = o->above_dir = -1;
	o->folder = mem_strdup(folder);
	o->dir = open_folder(AT_FDCWD, folder);
	if (o->dir < 0) {
		err_sys(e, "%s", folder);
		goto fail;
	}
	buf_addf(&path, "%s/.%.200s.XXXXXX", folder, name);
	if (mkdtemp((char *)buf_cstr(&path)) == NULL) {
		err_sys(e, "%s: cannot create a folder in it", folder);
		goto fail;
	}
	o->temp = mem_strdup(strrchr(path.data, '/') + 1);
	o->temp_dir = open_folder(o->dir, o->temp);
	if (o->temp_dir < 0) {
		err_sys(e, "%s/%s", folder, o->temp);
		goto fail;
	}
	buf_release(&path);
	return o;
fail:
	buf_release(&path);
	outset_close(o);
	return NULL;
}

int
outset_folder(const struct outset *o)
{
	return o->dir;
}

int
outset_sync(struct outset *o, struct err *e)
{
	if (fd_sync(o->dir) < 0 && errno != EINVAL)
		return err_sys(e, "%s: cannot sync the folder", o->folder);
	return 0;
}

/* Every folder of path but its last part, made where it is missing. */
static int
make_above(int dir, const char *path)
{
	char *copy = mem_strdup(path), *slash = copy;
	int r = 0;

	while (r == 0 && (slash = strchr(slash, '/')) != NULL) {
		*slash = '\0';
		r = mkdirat(dir, copy, 0777) < 0 && errno != EEXIST ? -1 : 0;
		*slash++ = '/';
	}
	free(copy);
	return r;
}

/* ---- writing ---- */

static int
fail(struct outset *o, const char *path, const char *what, struct err *e)
{
	err_sys(e, "%s/%s%s%s", o->folder, path, what[0] == '\0' ? "" : ": ", what);
	o->failed = true;
	o->first = *e;
	return -1;
}

static int
failed_before(const struct outset *o, struct err *e)
{
	if (o->failed)
		*e = o->first;
	return o->failed ? -1 : 0;
}

int
outset_begin(struct outset *o, const char *path, bool more, struct err *e)
{
	int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
		    (more ? O_APPEND : O_EXCL);

	if (failed_before(o, e) < 0)
		return -1;
	if (make_above(o->temp_dir, path) < 0)
		return fail(o, path, "cannot make its folder", e);
	do
		o->fd = openat(o->temp_dir, path, flags, 0666);
	while (o->fd < 0 && errno == EINTR);
	if (o->fd < 0 && errno == EEXIST && !more) /* nothing is broken */
		return err_sys(e, "%s/%s", o->folder, path);
	if (o->fd < 0)
		return fail(o, path, "cannot create it", e);
	buf_clear(&o->path);
	buf_add(&o->path, path, strlen(path) + 1);
	o->more = more;
	o->empty = !more || lseek(o->fd, 0, SEEK_END) == 0;
	return 0;
}

bool
outset_began(const struct outset *o)
{
	return o->fd >= 0;
}

bool
outset_is_empty(const struct outset *o)
{
	return o->empty;
}

static int
flush(struct outset *o, struct err *e)
{
	if (failed_before(o, e) < 0)
		return -1;
	if (o->out.len > 0 && fd_write(o->fd, o->out.data, o->out.len) < 0)
		return fail(o, o->path.data, "cannot write", e);
	buf_clear(&o->out);
	return 0;
}

int
outset_write(struct outset *o, struct span bytes, struct err *e)
{
	if (failed_before(o, e) < 0)
		return -1;
	buf_addspan(&o->out, bytes);
	o->empty = o->empty && bytes.n == 0;
	return o->out.len < WRITE_SIZE ? 0 : flush(o, e);
}

/* ---- comparing ---- */

/* Whether the folder's file at path holds what fd does; any doubt means no. */
static bool
is_unchanged(const struct outset *o, const char *path, int fd)
{
	struct stat ours, now;
	int old = beneath_open(
	    o->dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	bool same;

	if (old < 0)
		return false;
	same = fstat(old, &now) == 0 && S_ISREG(now.st_mode) &&
	       fstat(fd, &ours) == 0 && ours.st_size == now.st_size &&
	       fd_same_bytes(fd, old);
	fd_close(old);
	return same;
}

int
outset_end(struct outset *o, struct err *e)
{
	int r = flush(o, e), fd = o->fd;

	if (r == 0 && !o->more && !is_unchanged(o, o->path.data, fd) &&
	    fd_sync(fd) < 0)
		r = fail(o, o->path.data, "cannot sync", e);
	o->fd = -1;
	if (fd >= 0 && fd_close(fd) < 0 && r == 0)
		r = fail(o, o->path.data, "cannot close", e);
	return r;
}

/* ---- checking ---- */

/* Mode and owner of the file that will be replaced, if there is one. */
static int
take_after(struct outset *o, const char *path, int fd, struct err *e)
{
	struct stat was;
	int old = beneath_open(o->dir, path, O_PATH | O_NOFOLLOW), r;

	if (old < 0 && errno == ENOENT)
		return 0;
	if (old < 0 && (errno == EXDEV || errno == ELOOP))
		return err_set(e, "%s/%s: a symbolic link leads out of the folder",
		    o->folder, path);
	if (old < 0)
		return fail(o, path, "", e);
	r = fstat(old, &was);
	fd_close(old);
	if (r < 0)
		return fail(o, path, "", e);
	if (S_ISDIR(was.st_mode)) {
		errno = EISDIR;
		return fail(o, path, "", e);
	}
	if (!S_ISREG(was.st_mode))
		return 0;
	if (faccessat(o->dir, path, W_OK, AT_EACCESS) < 0)
		return fail(o, path, "", e);
	if (was.st_uid != geteuid() || was.st_gid != getegid())
		(void)!fchown(fd, was.st_uid, was.st_gid); /* only root may */
	if (fchmod(fd, was.st_mode & 0777) < 0)
		return fail(o, path, "cannot set its mode", e);
	return 0;
}

int
outset_check(struct outset *o, const char *path, struct err *e)
{
	int fd = beneath_open(o->temp_dir, path, O_RDONLY | O_NOFOLLOW), r;

	if (fd < 0)
		return fail(o, path, "cannot open what was written", e);
	if (is_unchanged(o, path, fd)) {
		r = 0;
		if (unlinkat(o->temp_dir, path, 0) < 0)
			r = fail(o, path, "cannot remove its copy", e);
	} else {
		r = take_after(o, path, fd, e);
		if (r == 0 && fd_sync(fd) < 0)
			r = fail(o, path, "cannot sync", e);
	}
	if (fd_close(fd) < 0 && r == 0)
		r = fail(o, path, "cannot close", e);
	return r;
}

/* ---- placing ---- */

/* The folder that files were placed in last, on disk and closed. */
static int
leave_above(struct outset *o, struct err *e)
{
	int r = 0;

	if (o->above_dir < 0)
		return 0;
	if (fd_sync(o->above_dir) < 0 && errno != EINVAL)
		r = err_sys(e, "%s/%.*s: cannot sync the folder", o->folder,
		    (int)o->above.len, o->above.data);
	fd_close(o->above_dir);
	o->above_dir = -1;
	return r;
}

/* Makes one folder beneath dir; takes dir over and returns that of the new one. */
static int
step_into(int dir, const char *name)
{
	int made = mkdirat(dir, name, 0777), fd = -1;

	if (made == 0 || errno == EEXIST)
		fd = beneath_open(dir, name, O_RDONLY | O_DIRECTORY);
	if (made == 0 && fd >= 0 && fd_sync(dir) < 0 && errno != EINVAL) {
		fd_close(fd);
		fd = -1;
	}
	fd_close(dir);
	return fd;
}

/*
 * The folder of path's last part, which is *base then; made where it is missing.
 * A link inside the folder is followed, one that leads out is not.
 */
static int
enter_above(struct outset *o, const char *path, const char **base, struct err *e)
{
	const char *slash = strrchr(path, '/');
	struct span above;
	char *copy, *part, *end;

	*base = slash == NULL ? path : slash + 1;
	if (slash == NULL)
		return o->dir;
	above = span_of(path, (size_t)(slash - path));
	if (o->above_dir >= 0 && span_eq(buf_span(&o->above), above))
		return o->above_dir;
	if (leave_above(o, e) < 0)
		return -1;
	buf_clear(&o->above);
	buf_addspan(&o->above, above);
	copy = mem_strndup(above.p, above.n);
	o->above_dir = beneath_open(o->dir, copy, O_RDONLY | O_DIRECTORY);
	if (o->above_dir < 0 && errno == ENOENT) {
		o->above_dir = fcntl(o->dir, F_DUPFD_CLOEXEC, 3);
		for (part = copy; part != NULL && o->above_dir >= 0; part = end) {
			end = strchr(part, '/');
			if (end != NULL)
				*end++ = '\0';
			o->above_dir = step_into(o->above_dir, part);
		}
	}
	free(copy);
	if (o->above_dir < 0)
		fail(o, path, "cannot make its folder", e);
	return o->above_dir;
}

int
outset_place(struct outset *o, const char *path, bool *changed, struct err *e)
{
	const char *base;
	int above;

	/* One that has not changed is gone since it was checked. */
	if (faccessat(o->temp_dir, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno == ENOENT)
		return 0;
	above = enter_above(o, path, &base, e);
	if (above < 0)
		return -1;
	if (renameat(o->temp_dir, path, above, base) < 0)
		return fail(o, path, "cannot rename into place", e);
	*changed = true;
	return 0;
}

/* ---- all of them ---- */

typedef int visit(struct outset *o, const char *path, bool *changed, struct err *e);

/* Each file below the folder at path, which is dir; takes dir over. */
static int
walk(struct outset *o, int dir, struct buf *path, visit *each, bool *changed,
    struct err *e)
{
	DIR *d = fdopendir(dir);
	struct dirent *entry;
	size_t len = path->len;
	int r = 0, sub;

	if (d == NULL) {
		fd_close(dir);
		return err_sys(e, "%s/%s", o->folder, o->temp);
	}
	while (r == 0 && (errno = 0, entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		path->len = len;
		if (len > 0)
			buf_addc(path, '/');
		buf_adds(path, entry->d_name);
		sub = open_folder(dirfd(d), entry->d_name);
		if (sub >= 0)
			r = walk(o, sub, path, each, changed, e);
		else if (errno == ENOTDIR)
			r = each(o, buf_cstr(path), changed, e);
		else
			r = err_sys(e, "%s/%s", o->folder, buf_cstr(path));
	}
	if (r == 0 && errno != 0)
		r = err_sys(e, "%s/%s: cannot read it", o->folder, o->temp);
	path->len = len;
	closedir(d);
	return r;
}

static int
walk_all(struct outset *o, visit *each, bool *changed, struct err *e)
{
	struct buf path = BUF_INIT;
	int dir = open_folder(o->temp_dir, "."), r;

	if (dir < 0)
		return err_sys(e, "%s/%s", o->folder, o->temp);
	r = walk(o, dir, &path, each, changed, e);
	buf_release(&path);
	return r;
}

static int
check_one(struct outset *o, const char *path, bool *changed, struct err *e)
{
	(void)changed;
	return outset_check(o, path, e);
}

int
outset_check_all(struct outset *o, struct err *e)
{
	return walk_all(o, check_one, NULL, e);
}

/* ---- removing, and keeping ---- */

/* 0, or -1 and errno. */
static int
remove_tree(int dir, const char *name)
{
	struct dirent *entry;
	DIR *d;
	int fd, r = 0;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 0;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	d = fdopendir(fd);
	if (d == NULL) {
		fd_close(fd);
		return -1;
	}
	while (r == 0 && (errno = 0, entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			r = remove_tree(dirfd(d), entry->d_name);
	if (errno != 0)
		r = -1;
	closedir(d);
	return r < 0 ? -1 : unlinkat(dir, name, AT_REMOVEDIR);
}

int
outset_remove(struct outset *o, const char *name, struct err *e)
{
	if (remove_tree(o->dir, name) < 0)
		return err_sys(e, "%s/%s: cannot remove it", o->folder, name);
	return 0;
}

int
outset_place_all(struct outset *o, bool *changed, struct err *e)
{
	if (walk_all(o, outset_place, changed, e) < 0 || leave_above(o, e) < 0 ||
	    outset_sync(o, e) < 0)
		return -1;
	/* The folders in it are left, which nobody wants to find. */
	return outset_remove(o, o->temp, e);
}

int
outset_keep(struct outset *o, const char *name, struct err *e)
{
	mode_t mask = umask(0);

	umask(mask);
	if (failed_before(o, e) < 0 || outset_remove(o, name, e) < 0)
		return -1;
	if (fchmod(o->temp_dir, 0777 & ~mask) < 0)
		return fail(o, name, "cannot set its mode", e);
	if (fd_sync(o->temp_dir) < 0 && errno != EINVAL)
		return fail(o, name, "cannot sync", e);
	if (renameat(o->dir, o->temp, o->dir, name) < 0)
		return fail(o, name, "cannot rename into place", e);
	free(o->temp);
	o->temp = NULL;
	return outset_sync(o, e);
}

void
outset_close(struct outset *o)
{
	if (o == NULL)
		return;
	if (o->fd >= 0)
		fd_close(o->fd);
	if (o->above_dir >= 0)
		fd_close(o->above_dir);
	if (o->temp != NULL)
		(void)!remove_tree(o->dir, o->temp);
	if (o->temp_dir >= 0)
		fd_close(o->temp_dir);
	if (o->dir >= 0)
		fd_close(o->dir);
	free(o->folder);
	free(o->temp);
	buf_release(&o->path);
	buf_release(&o->out);
	buf_release(&o->above);
	free(o);
}
