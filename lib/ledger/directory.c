#include "base/mem.h"
#include "io/clock.h"
#include "io/fdio.h"
#include "ledger/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* milliseconds that a file system's clock may be off */
#define COARSE 2000

/* ---- files ---- */

int
directory_read(int dir, const char *segment, const char *suffix, struct buf *out)
{
	struct buf name = BUF_INIT;
	struct stat st;
	ssize_t n = -1;
	int fd;

	buf_clear(out);
	buf_addf(&name, "%s%s", segment, suffix);
	fd = openat(
	    dir, buf_cstr(&name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	buf_release(&name);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	errno = EINVAL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		do {
			n = pread(fd, buf_room(out, 65536), 65536, (off_t)out->len);
			if (n > 0)
				out->len += (size_t)n;
		} while (n > 0 || (n < 0 && errno == EINTR));
	close(fd);
	return n < 0 ? -1 : 1;
}

int
directory_remove(int dir, const char *path, const char *segment, const char *suffix,
    struct err *e)
{
	struct buf name = BUF_INIT;
	int rc = 0;

	buf_addf(&name, "%s%s", segment, suffix);
	if (unlinkat(dir, buf_cstr(&name), 0) != 0 && errno != ENOENT)
		rc = err_sys(e, "cannot remove %s/%s", path, buf_cstr(&name));
	buf_release(&name);
	return rc;
}

int
directory_sync(int dir, const char *path, struct err *e)
{
	return fd_sync(dir) == 0 || errno == EINVAL
		   ? 0
		   : err_sys(e, "cannot sync %s", path);
}

bool
directory_has(int dir, const char *name, int fd)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 &&
	       fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

/* ---- segments ---- */

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
		if (scan_news(l, i, e) != 0)
			return -1;
	}
	return 0;
}
