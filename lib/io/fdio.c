#include "io/fdio.h"

#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMPARE_SIZE ((size_t)128 << 10)

static volatile sig_atomic_t stop_signal;
static int stop_pipe[2] = {-1, -1};

void
fd_open_std(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(2);
}

int
fd_open(const char *path, int flags, int mode)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR && !fd_stopped());
	return fd;
}

/*
 * Waits until fd is ready; -1 and EINTR if a stop request comes first.  poll(2)
 * says POLLNVAL or POLLERR at once where waiting makes no sense; the call that
 * follows then says what is wrong.
 */
static int
wait_ready(int fd, short events, int stoppable)
{
	struct pollfd pfd[2] = {
	    {.fd = fd, .events = events},
	    {.fd = stoppable ? stop_pipe[0] : -1, .events = POLLIN},
	};

	for (;;) {
		if (poll(pfd, 2, -1) < 0) {
			if (errno != EINTR)
				return -1;
		} else if (pfd[0].revents != 0) {
			return 0;
		}
		if (stoppable && stop_signal != 0) {
			errno = EINTR;
			return -1;
		}
	}
}

int
fd_open_nameless(void)
{
	const char *dir = getenv("TMPDIR");
	struct buf name = BUF_INIT;
	int fd;

	if (dir == NULL || dir[0] == '\0')
		dir = "/tmp";
	fd = fd_open(dir, O_TMPFILE | O_RDWR, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	buf_addf(&name, "%s/bf.XXXXXX", dir);
	(void)buf_cstr(&name);
	fd = mkostemp(name.data, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(name.data);
	buf_release(&name);
	return fd;
}

ssize_t
fd_read(int fd, void *p, size_t n)
{
	ssize_t got;

	for (;;) {
		if (stop_signal != 0) {
			errno = EINTR;
			return -1;
		}
		/*
		 * A signal between this test and read(2) would go unseen until
		 * the next byte; waiting on the pipe as well leaves no such gap.
		 */
		if (stop_pipe[0] >= 0 && wait_ready(fd, POLLIN, 1) < 0)
			return -1;
		got = read(fd, p, n);
		if (got >= 0)
			return got;
		if (errno == EAGAIN) {
			if (wait_ready(fd, POLLIN, stop_pipe[0] >= 0) < 0)
				return -1;
		} else if (errno != EINTR) {
			return -1;
		}
	}
}

int
fd_write(int fd, const void *p, size_t n)
{
	const char *at = p;
	ssize_t put;

	while (n > 0) {
		put = write(fd, at, n);
		if (put >= 0) {
			at += put;
			n -= (size_t)put;
		} else if (errno == EAGAIN) {
			if (wait_ready(fd, POLLOUT, 0) < 0)
				return -1;
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

ssize_t
fd_read_at(int fd, void *p, size_t n, uint64_t at)
{
	size_t have = 0;
	ssize_t got;

	while (have < n) {
		got = pread(fd, (char *)p + have, n - have, (off_t)(at + have));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

bool
fd_same_bytes(int a, int b)
{
	char *p = mem_alloc(2 * COMPARE_SIZE), *q = p + COMPARE_SIZE;
	uint64_t at = 0;
	ssize_t n;
	bool same;

	do {
		n = fd_read_at(a, p, COMPARE_SIZE, at);
		same = n >= 0 && fd_read_at(b, q, COMPARE_SIZE, at) == n &&
		       memcmp(p, q, (size_t)n) == 0;
		at += n < 0 ? 0 : (uint64_t)n;
	} while (same && n > 0);
	free(p);
	return same;
}

int
fd_raise_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= r.rlim_max)
		return -1;
	r.rlim_cur = r.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &r);
}

int
fd_sync(int fd)
{
	int r;

	do
		r = fsync(fd);
	while (r < 0 && errno == EINTR);
	return r;
}

int
fd_datasync(int fd)
{
	int r;

	do
		r = fdatasync(fd);
	while (r < 0 && errno == EINTR);
	return r;
}

/* Linux has closed the descriptor also where it says EINTR. */
int
fd_close(int fd)
{
	return close(fd) < 0 && errno != EINTR ? -1 : 0;
}

static const int stop_signals[] = {SIGINT, SIGTERM};
#define NSTOP (sizeof(stop_signals) / sizeof(*stop_signals))

static void
on_stop(int signo)
{
	int saved = errno;
	ssize_t ignored;

	stop_signal = signo;
	/* A second signal, whichever, finds the default action. */
	for (size_t i = 0; i < NSTOP; i++)
		signal(stop_signals[i], SIG_DFL);
	ignored = write(stop_pipe[1], "", 1);
	(void)ignored;
	errno = saved;
}

void
fd_catch_stop(void)
{
	struct sigaction sa = {.sa_handler = on_stop}, old;

	if (stop_pipe[0] >= 0)
		return;
	if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		stop_pipe[0] = stop_pipe[1] = -1;
		return;
	}
	/* Neither may come in while the handler runs for the other. */
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < NSTOP; i++)
		sigaddset(&sa.sa_mask, stop_signals[i]);
	for (size_t i = 0; i < NSTOP; i++) {
		/* What a parent (nohup, a shell's background) ignores stays so. */
		if (sigaction(stop_signals[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(stop_signals[i], &sa, NULL);
	}
}

int
fd_stopped(void)
{
	return stop_signal;
}

int
fd_stop_pipe(void)
{
	return stop_pipe[0];
}

static int told_pipe[2] = {-1, -1};

static void
on_told(int signo)
{
	int saved = errno;
	unsigned char byte = (unsigned char)signo;
	ssize_t ignored = write(told_pipe[1], &byte, 1);

	(void)ignored;
	errno = saved;
}

void
fd_tell_of(int signo)
{
	struct sigaction sa = {.sa_handler = on_told, .sa_flags = SA_RESTART};

	if (told_pipe[0] < 0 && pipe2(told_pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		told_pipe[0] = told_pipe[1] = -1;
		return;
	}
	sigemptyset(&sa.sa_mask);
	sigaction(signo, &sa, NULL);
}

int
fd_told_pipe(void)
{
	return told_pipe[0];
}

void
fd_die_of(int signo)
{
	sigset_t set;

	signal(signo, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signo);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(signo);
	_exit(128 + signo);
}

/* A new directory lasts once the one above it is synced. */
static int
sync_above(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *above = slash == NULL ? mem_strdup(".")
				    : mem_strndup(path, (size_t)(slash - path) + 1);
	int fd = fd_open(above, O_RDONLY | O_DIRECTORY, 0), rc = 0;

	/* One that may be written to and not read is left to the kernel. */
	if (fd >= 0 && fd_sync(fd) != 0 && errno != EINVAL)
		rc = err_sys(e, "cannot sync %s", above);
	if (fd >= 0)
		close(fd);
	free(above);
	return rc;
}

int
fd_make_dirs(const char *dir, bool sync, struct err *e)
{
	char *path = mem_strdup(dir);
	int rc = 0;

	for (char *p = path + 1; rc == 0; p++) {
		char c = *p;
		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) == 0)
			rc = sync ? sync_above(path, e) : 0;
		else if (errno != EEXIST && errno != EROFS)
			rc = err_sys(e, "cannot make %s", path);
		*p = c;
		if (c == '\0')
			break;
	}
	free(path);
	return rc;
}
