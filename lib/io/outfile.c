#include "io/outfile.h"

#include "base/buf.h"
#include "base/mem.h"
#include "io/fdio.h"
#include "io/num.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITE_SIZE ((size_t)128 << 10)
#define LINKS_MAX  40

struct outfile {
	char *path; /* where the bytes will be: links are followed */
	char *temp; /* NULL: the target is written directly */
	int fd;
	bool replaces; /* path was there when we began */
	struct stat was;
	struct buf out;
	bool failed;
	struct err first;
};

/* ---- where to write ---- */

/* The descriptor that a name such as /dev/stdout or /dev/fd/3 stands for, or -1. */
static int
named_fd(const char *path)
{
	static const struct span folders[] = {
	    {"/dev/fd/", 8}, {"/proc/self/fd/", 14}};
	struct span s = span_str(path);
	uint64_t fd;
	size_t i;

	if (strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (!span_starts(s, folders[i]))
			continue;
		s.p += folders[i].n;
		s.n -= folders[i].n;
		if (num_u64(s, &fd) == 0 && fd <= INT32_MAX)
			return (int)fd;
	}
	return -1;
}

/* The folder part of path with its slash; empty for a bare name. */
static struct span
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? SPAN("") : span_of(path, (size_t)(slash - path) + 1);
}

/*
 * Follows symbolic links, also one that leads to nothing yet: the caller owns
 * the name.  Stops at names of descriptors, which look like links to files.
 */
static char *
follow_links(const char *path, struct err *e)
{
	char *at = mem_strdup(path), *next;
	char target[4096];
	struct buf joined = BUF_INIT;
	ssize_t n;
	int i;

	for (i = 0; i < LINKS_MAX; i++) {
		if (named_fd(at) >= 0)
			return at;
		n = readlink(at, target, sizeof(target));
		if (n < 0)
			return at;
		if ((size_t)n == sizeof(target)) {
			errno = ENAMETOOLONG;
			goto fail;
		}
		if (n > 0 && target[0] != '/')
			buf_addspan(&joined, folder_of(at));
		buf_add(&joined, target, (size_t)n);
		next = mem_strndup(joined.data, joined.len);
		buf_release(&joined);
		free(at);
		at = next;
	}
	errno = ELOOP;
fail:
	err_sys(e, "%s", path);
	free(at);
	return NULL;
}

/* ".NAME.XXXXXX" beside path; a long name is cut, so that it stays a name. */
static char *
temp_name(const char *path)
{
	struct span dir = folder_of(path);
	const char *base = path + dir.n;
	struct buf b = BUF_INIT;
	size_t n = strlen(base);

	buf_addspan(&b, dir);
	buf_addc(&b, '.');
	buf_add(&b, base, n > 200 ? 200 : n);
	buf_adds(&b, ".XXXXXX");
	buf_cstr(&b);
	return b.data;
}

static int
open_temp(struct outfile *o, struct err *e)
{
	/* rename(2) would not ask whether the file may be written. */
	if (o->replaces && faccessat(AT_FDCWD, o->path, W_OK, AT_EACCESS) < 0)
		return err_sys(e, "%s", o->path);
	o->temp = temp_name(o->path);
	o->fd = mkostemp(o->temp, O_CLOEXEC);
	if (o->fd >= 0)
		return 0;
	free(o->temp);
	o->temp = NULL;
	return err_sys(e, "%s: cannot create a file in its folder", o->path);
}

static int
open_direct(struct outfile *o, struct err *e)
{
	int fd = named_fd(o->path);

	if (fd >= 0)
		o->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	else
		o->fd = fd_open(o->path, O_WRONLY | O_NOCTTY, 0);
	return o->fd < 0 ? err_sys(e, "%s", o->path) : 0;
}

static void
release(struct outfile *o)
{
	buf_release(&o->out);
	free(o->temp);
	free(o->path);
	free(o);
}

struct outfile *
outfile_open(const char *path, struct err *e)
{
	struct outfile *o = mem_zero(1, sizeof(*o));
	int r;

	o->fd = -1;
	buf_init(&o->out, 0);
	o->path = follow_links(path, e);
	if (o->path == NULL)
		goto fail;
	if (named_fd(o->path) < 0) {
		o->replaces = stat(o->path, &o->was) == 0;
		if (!o->replaces && errno != ENOENT) {
			err_sys(e, "%s", path);
			goto fail;
		}
		if (o->replaces && S_ISDIR(o->was.st_mode)) {
			errno = EISDIR;
			err_sys(e, "%s", path);
			goto fail;
		}
	}
	if (named_fd(o->path) >= 0 || (o->replaces && !S_ISREG(o->was.st_mode)))
		r = open_direct(o, e);
	else
		r = open_temp(o, e);
	if (r == 0)
		return o;
fail:
	release(o);
	return NULL;
}

/* ---- writing ---- */

static int
fail(struct outfile *o, const char *what, struct err *e)
{
	err_sys(e, "%s%s%s", o->path, what[0] == '\0' ? "" : ": ", what);
	o->failed = true;
	o->first = *e;
	return -1;
}

int
outfile_flush(struct outfile *o, struct err *e)
{
	if (o->failed) {
		*e = o->first;
		return -1;
	}
	if (o->out.len > 0 && fd_write(o->fd, o->out.data, o->out.len) < 0)
		return fail(o, "cannot write", e);
	buf_clear(&o->out);
	return 0;
}

int
outfile_write(struct outfile *o, struct span bytes, struct err *e)
{
	if (o->failed) {
		*e = o->first;
		return -1;
	}
	buf_addspan(&o->out, bytes);
	return o->out.len < WRITE_SIZE ? 0 : outfile_flush(o, e);
}

/* ---- putting it in place ---- */

/* Whether the target holds what was written; any doubt means no. */
static bool
is_unchanged(struct outfile *o)
{
	struct stat now, ours;
	bool same;
	int fd;

	if (stat(o->path, &now) < 0 || fstat(o->fd, &ours) < 0 ||
	    !S_ISREG(now.st_mode) || now.st_size != ours.st_size)
		return false;
	fd = fd_open(o->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return false;
	same = fd_same_bytes(o->fd, fd);
	fd_close(fd);
	return same;
}

/* Owner and mode of the file replaced, else what open(2) would have given. */
static int
set_mode(struct outfile *o)
{
	mode_t mask;

	if (!o->replaces) {
		mask = umask(0);
		umask(mask);
		return fchmod(o->fd, 0666 & ~mask);
	}
	if (o->was.st_uid != geteuid() || o->was.st_gid != getegid())
		(void)!fchown(
		    o->fd, o->was.st_uid, o->was.st_gid); /* only root may */
	return fchmod(o->fd, o->was.st_mode & 0777);
}

int
outfile_sync_dir(const char *path, struct err *e)
{
	struct span dir = folder_of(path);
	char *name = dir.n == 0 ? mem_strdup(".") : mem_strndup(dir.p, dir.n);
	int fd = fd_open(name, O_RDONLY | O_DIRECTORY, 0);
	int r = 0;

	if (fd < 0 && errno != EACCES)
		r = err_sys(e, "%s: cannot open the folder", name);
	if (fd >= 0 && fd_sync(fd) < 0 && errno != EINVAL)
		r = err_sys(e, "%s: cannot sync the folder", name);
	if (fd >= 0 && fd_close(fd) < 0 && r == 0)
		r = err_sys(e, "%s: cannot close the folder", name);
	free(name);
	return r;
}

/* The written file to its place: mode, fsync, close, rename, fsync of the folder.
 */
static int
put(struct outfile *o, const char *path, struct err *e)
{
	int fd = o->fd;

	if (set_mode(o) < 0)
		return fail(o, "cannot set its mode", e);
	if (fd_sync(fd) < 0)
		return fail(o, "cannot sync", e);
	o->fd = -1;
	if (fd_close(fd) < 0)
		return fail(o, "cannot close", e);
	if (rename(o->temp, path) < 0)
		return fail(o, "cannot rename into place", e);
	free(o->temp);
	o->temp = NULL;
	return outfile_sync_dir(path, e);
}

/* For a target that is written directly. */
static int
finish_direct(struct outfile *o, struct err *e)
{
	int fd = o->fd;

	o->fd = -1;
	return fd_close(fd) < 0 ? fail(o, "cannot close", e) : 0;
}

int
outfile_commit(struct outfile *o, bool *changed, struct err *e)
{
	int r = outfile_flush(o, e);

	if (changed != NULL)
		*changed = true;
	if (r == 0 && o->temp == NULL)
		r = finish_direct(o, e);
	else if (r == 0 && o->replaces && is_unchanged(o)) {
		if (changed != NULL)
			*changed = false;
	} else if (r == 0)
		r = put(o, o->path, e);
	outfile_abandon(o);
	return r;
}

int
outfile_keep_partial(struct outfile *o, struct err *e)
{
	struct buf name = BUF_INIT;
	int r = outfile_flush(o, e);

	buf_addf(&name, "%s.partial", o->path);
	if (r == 0)
		r = o->temp == NULL ? finish_direct(o, e)
				    : put(o, buf_cstr(&name), e);
	buf_release(&name);
	outfile_abandon(o);
	return r;
}

void
outfile_abandon(struct outfile *o)
{
	if (o == NULL)
		return;
	if (o->fd >= 0)
		fd_close(o->fd);
	if (o->temp != NULL)
		unlink(o->temp);
	release(o);
}

const char *
outfile_path(const struct outfile *o)
{
	return o->path;
}

bool
outfile_is_direct(const struct outfile *o)
{
	return o->temp == NULL;
}
