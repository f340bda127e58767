/*
 * record: writes down what a program does to the files of one directory, for
 * power.c to replay.
 *
 *	LD_PRELOAD=$BUILD/fault/record.so BF_RECORD=trace BF_RECORD_DIR=/abs/dir
 * bf-llm ...
 *
 * Each operation that went well is appended to the trace, with one write(2), so
 * that the runs of several programs follow each other:
 *
 *	KIND INODE OFFSET NAME-LENGTH OTHER-LENGTH DATA-LENGTH\n NAME OTHER DATA \n
 *
 *   b	a program begins; data: BF_SYNC
 *   c	a file of that name was made; its inode
 *   w	data was written at the offset
 *   t	the file was cut to the offset
 *   s	the file was synced
 *   S	a directory was synced; name: its path
 *   m	a directory was made; name: its path
 *   r	name was renamed to other
 *   u	name was unlinked
 *   a	data was written to standard output: what is said is done
 *
 * Names are those in the directory.  What is written by way of mmap is not seen.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int trace = -1;
static const char *dir;

static void
real(const char *name, void *function)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (p == NULL)
		_exit(99);
	memcpy(function, &p, sizeof(p));
}

#define REAL(name)                     \
	static __typeof__(name) *next; \
	if (next == NULL)              \
	real(#name, &next)

static int (*real_openat)(int, const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);

static void
put(char kind, uint64_t inode, uint64_t at, const char *name, const char *other,
    const void *data, size_t n)
{
	size_t names = strlen(name), others = strlen(other);
	char *p = malloc(names + others + n + 128);
	int k;

	if (p == NULL)
		_exit(99);
	k = sprintf(p, "%c %llu %llu %zu %zu %zu\n", kind,
	    (unsigned long long)inode, (unsigned long long)at, names, others, n);
	memcpy(p + k, name, names);
	memcpy(p + k + names, other, others);
	if (n > 0)
		memcpy(p + k + names + others, data, n);
	n += (size_t)k + names + others;
	p[n++] = '\n';
	if (real_write(trace, p, n) != (ssize_t)n)
		_exit(99);
	free(p);
}

__attribute__((constructor)) static void
begin(void)
{
	const char *file = getenv("BF_RECORD"), *sync = getenv("BF_SYNC");

	real("openat", &real_openat);
	real("write", &real_write);
	dir = getenv("BF_RECORD_DIR");
	if (file == NULL || dir == NULL)
		return;
	trace = real_openat(
	    AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (trace < 0)
		_exit(99);
	if (sync == NULL)
		sync = "second";
	put('b', 0, 0, "", "", sync, strlen(sync));
}

/* The path of a descriptor or of a name in a directory; false if it has none. */
static bool
path_of(int fd, const char *name, char *path, size_t size)
{
	char link[64];
	ssize_t n = 0;

	if (name == NULL || name[0] != '/') {
		snprintf(link, sizeof(link),
		    fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", fd);
		n = readlink(link, path, size - 1);
		if (n < 0)
			return false;
	}
	path[n] = '\0';
	if (name != NULL && (size_t)n + strlen(name) + 2 > size)
		return false;
	if (name != NULL)
		sprintf(path + n, "%s%s", n > 0 ? "/" : "", name);
	return trace >= 0;
}

/* The name of a file in the directory, or NULL. */
static const char *
name_in(int fd, const char *name, char *path, size_t size)
{
	size_t n;

	if (!path_of(fd, name, path, size))
		return NULL;
	n = strlen(dir);
	return strncmp(path, dir, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

int
openat(int at, const char *file, int flags, ...)
{
	char path[4096];
	const char *name;
	struct stat st;
	bool there;
	va_list ap;
	int mode, fd;

	va_start(ap, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, int) : 0;
	va_end(ap);
	there = (flags & O_CREAT) == 0 || fstatat(at, file, &st, 0) == 0;
	fd = real_openat(at, file, flags, mode);
	if (fd >= 0 && !there && (name = name_in(fd, NULL, path, sizeof(path))) &&
	    fstat(fd, &st) == 0)
		put('c', st.st_ino, 0, name, "", NULL, 0);
	return fd;
}

int __openat_2(int at, const char *path, int flags);

int
__openat_2(int at, const char *path, int flags)
{
	return openat(at, path, flags);
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, int) : 0;
	va_end(ap);
	return openat(AT_FDCWD, path, flags, mode);
}

int __open_2(const char *path, int flags);

int
__open_2(const char *path, int flags)
{
	return open(path, flags);
}

/* An operation on a file of the directory. */
static void
note(char kind, int fd, uint64_t at, const void *data, size_t n)
{
	char path[4096];
	const char *name = name_in(fd, NULL, path, sizeof(path));
	struct stat st;

	if (name != NULL && fstat(fd, &st) == 0)
		put(kind, st.st_ino, at, name, "", data, n);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	ssize_t done = real_write(fd, p, n);

	if (done > 0 && fd == STDOUT_FILENO && trace >= 0)
		put('a', 0, 0, "", "", p, (size_t)done);
	else if (done > 0 && fd != trace)
		note('w', fd, (uint64_t)(lseek(fd, 0, SEEK_CUR) - done), p,
		    (size_t)done);
	return done;
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	REAL(pwrite);
	ssize_t done = next(fd, p, n, at);

	if (done > 0)
		note('w', fd, (uint64_t)at, p, (size_t)done);
	return done;
}

int
ftruncate(int fd, off_t size)
{
	REAL(ftruncate);
	int rc = next(fd, size);

	if (rc == 0)
		note('t', fd, (uint64_t)size, NULL, 0);
	return rc;
}

static void
note_sync(int fd)
{
	char path[4096];
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (path_of(fd, NULL, path, sizeof(path)))
			put('S', st.st_ino, 0, path, "", NULL, 0);
	} else {
		note('s', fd, 0, NULL, 0);
	}
}

int
fsync(int fd)
{
	REAL(fsync);
	int rc = next(fd);

	if (rc == 0)
		note_sync(fd);
	return rc;
}

int
fdatasync(int fd)
{
	REAL(fdatasync);
	int rc = next(fd);

	if (rc == 0)
		note_sync(fd);
	return rc;
}

int
mkdir(const char *file, mode_t mode)
{
	char path[4096];
	REAL(mkdir);
	int rc = next(file, mode);

	if (rc == 0 && path_of(AT_FDCWD, file, path, sizeof(path)))
		put('m', 0, 0, path, "", NULL, 0);
	return rc;
}

int
renameat(int a, const char *from, int b, const char *to)
{
	char path[4096], other[4096];
	const char *x = name_in(a, from, path, sizeof(path)),
		   *y = name_in(b, to, other, sizeof(other));
	REAL(renameat);
	int rc = next(a, from, b, to);

	if (rc == 0 && x != NULL && y != NULL)
		put('r', 0, 0, x, y, NULL, 0);
	return rc;
}

int
rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int
unlinkat(int at, const char *file, int flags)
{
	char path[4096];
	const char *name = name_in(at, file, path, sizeof(path));
	REAL(unlinkat);
	int rc = next(at, file, flags);

	if (rc == 0 && name != NULL && (flags & AT_REMOVEDIR) == 0)
		put('u', 0, 0, name, "", NULL, 0);
	return rc;
}

int
unlink(const char *file)
{
	return unlinkat(AT_FDCWD, file, 0);
}
