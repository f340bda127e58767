#include "io/beneath.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SYS_openat2
#include <linux/openat2.h>
#endif

bool
beneath_is_path(struct span path)
{
	static const struct span up = SPAN_INIT("..");
	const char *end = path.p + path.n, *slash;

	if (path.n > 0 && *path.p == '/')
		return false;
	for (const char *p = path.p; p < end; p = slash + 1) {
		slash = memchr(p, '/', (size_t)(end - p));
		if (slash == NULL)
			slash = end;
		if (span_eq(span_of(p, (size_t)(slash - p)), up))
			return false;
	}
	return true;
}

/* Takes dir over unless it is the caller's. */
static int
step(int dir, bool own, const char *name, int flags)
{
	int fd, saved;

	do
		fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	saved = errno;
	if (own)
		close(dir);
	errno = saved;
	return fd;
}

int
beneath_open_portable(int dir, const char *path, int flags)
{
	char *copy = mem_dup(path, strlen(path) + 1), *part = copy, *slash;
	int fd = dir;

	while (fd >= 0 && (slash = strchr(part, '/')) != NULL) {
		*slash = '\0';
		/* Of "a//b" and "./a" nothing is to be opened. */
		if (*part != '\0' && strcmp(part, ".") != 0)
			fd = step(fd, fd != dir, part, O_RDONLY | O_DIRECTORY);
		part = slash + 1;
	}
	if (fd >= 0)
		fd = step(fd, fd != dir, *part == '\0' ? "." : part, flags);
	free(copy);
	return fd;
}

#ifdef SYS_openat2
int
beneath_open(int dir, const char *path, int flags)
{
	struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	long fd;

	/* EAGAIN: something was renamed meanwhile, so that nobody knows. */
	do
		fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	/* Sandboxes say EPERM of system calls that they do not know. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return beneath_open_portable(dir, path, flags);
	return (int)fd;
}
#else
int
beneath_open(int dir, const char *path, int flags)
{
	return beneath_open_portable(dir, path, flags);
}
#endif
