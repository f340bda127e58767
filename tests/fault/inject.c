/*
 * inject: makes one system call of a program go wrong.
 *
 *	LD_PRELOAD=$BUILD/fault/inject.so BF_INJECT=write:3:ENOSPC bf-save out
 *
 * BF_INJECT=CALL:N:WHAT lets the Nth call (from 1) of CALL do WHAT; N+ means the
 * Nth and all later ones, as on a disk that stays full.
 *
 *   CALL	read (also pread), write (also pwrite, writev), open (also
 *		openat, mkostemp), fsync, fdatasync, rename (also renameat),
 *		link (linkat), unlink (also unlinkat), close, ftruncate, mmap,
 *		poll, pipe (pipe2), spawn (posix_spawn), dlopen (whatever its
 *		WHAT, the library is not found)
 *
 *   WHAT	an errno by name or number: the call does nothing and fails
 *		short	half of the bytes are read or written (at least one)
 *		kill	the process gets SIGKILL before the call
 *		killed	the process gets SIGKILL after the call
 *
 * BF_INJECT_PROGRAM=NAME	only in the program of this name (its last path
 *			component), so that a shell in between is left alone
 * BF_INJECT_FD=N		count and spoil only calls on this descriptor
 * BF_INJECT_PATH=TEXT	only calls whose file's path contains TEXT, or ends with
 *			it where TEXT ends with $ (of a descriptor: what
 *			/proc/self/fd says; of rename: the new name)
 *
 * BF_INJECT_COUNT=FILE	at exit, append a line "CALL COUNT", also when
 *			BF_INJECT is only "CALL": so a test learns how far N may go
 *
 * Calls that the C library makes inside itself (stdio, the loader) are not seen.
 * close() closes before it fails, as on Linux.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum what { NOTHING, FAIL, SHORT, KILL, KILLED };

static struct {
	bool ready;
	char call[16];
	long nth; /* 0: only count */
	bool onward;
	enum what what;
	int errnum;
	int fd;
	const char *path;
	long count;
} plan;

static const struct {
	const char *name;
	int number;
} names[] = {{"EPERM", EPERM}, {"ENOENT", ENOENT}, {"EINTR", EINTR}, {"EIO", EIO},
    {"EBADF", EBADF}, {"EAGAIN", EAGAIN}, {"ENOMEM", ENOMEM}, {"EACCES", EACCES},
    {"EINVAL", EINVAL}, {"EMFILE", EMFILE}, {"ENFILE", ENFILE}, {"EFBIG", EFBIG},
    {"ENOSPC", ENOSPC}, {"EROFS", EROFS}, {"EPIPE", EPIPE}, {"EDQUOT", EDQUOT},
    {"EXDEV", EXDEV}, {"ENODEV", ENODEV}};

static _Noreturn void
bad(const char *text)
{
	fprintf(stderr, "inject: %s\n", text);
	_exit(99);
}

static void
parse_what(const char *s)
{
	size_t i;

	plan.what = FAIL;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(s, names[i].name) == 0)
			plan.errnum = names[i].number;
	if (strcmp(s, "short") == 0)
		plan.what = SHORT;
	else if (strcmp(s, "kill") == 0)
		plan.what = KILL;
	else if (strcmp(s, "killed") == 0)
		plan.what = KILLED;
	else if (plan.errnum == 0 && (plan.errnum = atoi(s)) <= 0)
		bad("BF_INJECT: what should happen?");
}

static void
setup(void)
{
	const char *s = getenv("BF_INJECT"), *only = getenv("BF_INJECT_PROGRAM");
	char *end;
	size_t n;

	plan.ready = true;
	plan.fd = -1;
	if (s == NULL ||
	    (only != NULL && strcmp(only, program_invocation_short_name) != 0))
		return;
	n = strcspn(s, ":");
	if (n >= sizeof(plan.call))
		bad("BF_INJECT: no such call");
	memcpy(plan.call, s, n);
	if (getenv("BF_INJECT_FD") != NULL)
		plan.fd = atoi(getenv("BF_INJECT_FD"));
	plan.path = getenv("BF_INJECT_PATH");
	if (s[n] == '\0')
		return;
	plan.nth = strtol(s + n + 1, &end, 10);
	plan.onward = *end == '+';
	end += plan.onward;
	if (*end != ':' || plan.nth < 1)
		bad("BF_INJECT: CALL:N:WHAT");
	parse_what(end + 1);
}

static bool
path_meant(const char *path)
{
	size_t n = strlen(path), m = strlen(plan.path);

	if (m == 0 || plan.path[m - 1] != '$')
		return strstr(path, plan.path) != NULL;
	m--;
	return n >= m && memcmp(path + n - m, plan.path, m) == 0;
}

/* Counts a call that is meant; what is to happen to it. */
static enum what
meet(const char *call, int fd, const char *path)
{
	char link[64], file[4096];
	ssize_t n;

	if (!plan.ready)
		setup();
	if (strcmp(call, plan.call) != 0 || (plan.fd >= 0 && fd != plan.fd))
		return NOTHING;
	if (plan.path != NULL) {
		if (path == NULL) {
			snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
			n = readlink(link, file, sizeof(file) - 1);
			if (n < 0)
				return NOTHING;
			file[n] = '\0';
			path = file;
		}
		if (!path_meant(path))
			return NOTHING;
	}
	plan.count++;
	if (plan.nth == 0 ||
	    (plan.onward ? plan.count < plan.nth : plan.count != plan.nth))
		return NOTHING;
	if (plan.what == KILL)
		raise(SIGKILL);
	if (plan.what == FAIL)
		errno = plan.errnum;
	return plan.what;
}

static void
after(enum what w)
{
	if (w == KILLED)
		raise(SIGKILL);
}

__attribute__((destructor)) static void
report(void)
{
	const char *file = getenv("BF_INJECT_COUNT");
	FILE *f;

	if (file == NULL || plan.call[0] == '\0' || (f = fopen(file, "a")) == NULL)
		return;
	fprintf(f, "%s %ld\n", plan.call, plan.count);
	fclose(f);
}

/* The function that would have been called. */
static void
real(const char *name, void *function)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (p == NULL)
		bad(name);
	memcpy(function, &p, sizeof(p));
}

#define REAL(name, ...)                \
	static __typeof__(name) *next; \
	if (next == NULL)              \
		real(#name, &next);    \
	enum what w = meet(__VA_ARGS__)

#define FINISH(type, expression)    \
	type result = (expression); \
	after(w);                   \
	return result

static size_t
part(enum what w, size_t n)
{
	return w == SHORT && n > 1 ? n / 2 : n;
}

ssize_t
read(int fd, void *p, size_t n)
{
	REAL(read, "read", fd, NULL);
	if (w == FAIL)
		return -1;
	FINISH(ssize_t, next(fd, p, part(w, n)));
}

ssize_t __read_chk(int fd, void *p, size_t n, size_t size);

ssize_t
__read_chk(int fd, void *p, size_t n, size_t size)
{
	return n > size ? abort(), -1 : read(fd, p, n);
}

ssize_t
pread(int fd, void *p, size_t n, off_t at)
{
	REAL(pread, "read", fd, NULL);
	if (w == FAIL)
		return -1;
	FINISH(ssize_t, next(fd, p, part(w, n), at));
}

ssize_t __pread_chk(int fd, void *p, size_t n, off_t at, size_t size);

ssize_t
__pread_chk(int fd, void *p, size_t n, off_t at, size_t size)
{
	return n > size ? abort(), -1 : pread(fd, p, n, at);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	REAL(write, "write", fd, NULL);
	if (w == FAIL)
		return -1;
	FINISH(ssize_t, next(fd, p, part(w, n)));
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	REAL(pwrite, "write", fd, NULL);
	if (w == FAIL)
		return -1;
	FINISH(ssize_t, next(fd, p, part(w, n), at));
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	REAL(writev, "write", fd, NULL);
	if (w == FAIL)
		return -1;
	if (w == SHORT) {
		struct iovec one = {v[0].iov_base, part(w, v[0].iov_len)};

		return next(fd, &one, 1);
	}
	FINISH(ssize_t, next(fd, v, n));
}

static int
mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, int) : 0;
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	REAL(open, "open", -1, path);
	if (w == FAIL)
		return -1;
	FINISH(int, next(path, flags, mode));
}

int __open_2(const char *path, int flags);

int
__open_2(const char *path, int flags)
{
	return open(path, flags);
}

int
openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	REAL(openat, "open", -1, path);
	if (w == FAIL)
		return -1;
	FINISH(int, next(dir, path, flags, mode));
}

int __openat_2(int dir, const char *path, int flags);

int
__openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}

/* The names by which SQLite knows them. */
int
open64(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open(path, flags | O_LARGEFILE, mode);
}

ssize_t
pread64(int fd, void *p, size_t n, off64_t at)
{
	return pread(fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

int
ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

int
mkostemp(char *template, int flags)
{
	REAL(mkostemp, "open", -1, template);
	if (w == FAIL)
		return -1;
	FINISH(int, next(template, flags));
}

int
fsync(int fd)
{
	REAL(fsync, "fsync", fd, NULL);
	if (w == FAIL)
		return -1;
	FINISH(int, next(fd));
}

int
fdatasync(int fd)
{
	REAL(fdatasync, "fdatasync", fd, NULL);
	if (w == FAIL)
		return -1;
	FINISH(int, next(fd));
}

int
rename(const char *from, const char *to)
{
	REAL(rename, "rename", -1, to);
	if (w == FAIL)
		return -1;
	FINISH(int, next(from, to));
}

int
renameat(int fromdir, const char *from, int todir, const char *to)
{
	REAL(renameat, "rename", -1, to);
	if (w == FAIL)
		return -1;
	FINISH(int, next(fromdir, from, todir, to));
}

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	REAL(linkat, "link", -1, to);
	if (w == FAIL)
		return -1;
	FINISH(int, next(from_dir, from, to_dir, to, flags));
}

int
unlink(const char *path)
{
	REAL(unlink, "unlink", -1, path);
	if (w == FAIL)
		return -1;
	FINISH(int, next(path));
}

int
unlinkat(int dir, const char *path, int flags)
{
	REAL(unlinkat, "unlink", -1, path);
	if (w == FAIL)
		return -1;
	FINISH(int, next(dir, path, flags));
}

int
close(int fd)
{
	REAL(close, "close", fd, NULL);
	int result = next(fd);

	after(w);
	if (w != FAIL)
		return result;
	errno = plan.errnum;
	return -1;
}

int
ftruncate(int fd, off_t size)
{
	REAL(ftruncate, "ftruncate", fd, NULL);
	if (w == FAIL)
		return -1;
	FINISH(int, next(fd, size));
}

void *
mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
	REAL(mmap, "mmap", fd, NULL);
	if (w == FAIL)
		return MAP_FAILED;
	FINISH(void *, next(at, n, prot, flags, fd, offset));
}

int
poll(struct pollfd *fds, nfds_t n, int timeout)
{
	REAL(poll, "poll", n > 0 ? fds[0].fd : -1, NULL);
	if (w == FAIL)
		return -1;
	FINISH(int, next(fds, n, timeout));
}

int
pipe2(int fds[2], int flags)
{
	REAL(pipe2, "pipe", -1, NULL);
	if (w == FAIL)
		return -1;
	FINISH(int, next(fds, flags));
}

/* It gives the error's number back. */
int
posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	REAL(posix_spawn, "spawn", -1, path);
	if (w == FAIL)
		return errno;
	FINISH(int, next(pid, path, actions, attr, argv, envp));
}

void *
dlopen(const char *name, int flags)
{
	REAL(dlopen, "dlopen", -1, name);
	if (w != NOTHING)
		return NULL;
	return next(name, flags);
}

int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size);

int
__poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size)
{
	return n * sizeof(*fds) > size ? abort(), -1 : poll(fds, n, timeout);
}
