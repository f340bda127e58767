#include "pipe/subpipe.h"

#include "io/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_SIZE ((size_t)128 << 10)

extern char **environ;

void
subpipe_init(struct subpipe *p, const char *command, size_t max_line)
{
	*p = (struct subpipe){
	    .command = command, .max_line = max_line, .to = -1, .from = -1};
}

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
subpipe_release(struct subpipe *p)
{
	shut(&p->to);
	shut(&p->from);
	buf_release(&p->out);
	buf_release(&p->in);
}

/* ---- its start ---- */

/* Whether the terminal that we may have sends us its signals. */
static bool
in_foreground(void)
{
	int fd = fd_open("/dev/tty", O_RDWR | O_NOCTTY, 0);
	bool is = fd >= 0 && tcgetpgrp(fd) == getpgrp();

	if (fd >= 0)
		close(fd);
	return is;
}

static int
spawn(struct subpipe *p, int in, int out)
{
	static char sh[] = "sh", c[] = "-c", dashes[] = "--";
	char *argv[] = {sh, c, dashes, (char *)(uintptr_t)p->command, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	short flags = POSIX_SPAWN_SETSIGDEF;
	sigset_t pipe_signal;
	int errnum;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &pipe_signal);
	if (p->group) {
		flags |= POSIX_SPAWN_SETPGROUP;
		posix_spawnattr_setpgroup(&attr, 0);
	}
	posix_spawnattr_setflags(&attr, flags);
	errnum = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	if (errnum == 0)
		errnum = posix_spawn_file_actions_adddup2(
		    &files, out, STDOUT_FILENO);
	if (errnum == 0)
		errnum = posix_spawn(
		    &p->pid, "/bin/sh", &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return errnum;
}

static void
begin(struct subpipe *p, int to, int from)
{
	p->to = to;
	p->from = from;
	buf_clear(&p->out);
	buf_clear(&p->in);
	p->put = p->start = p->scan = 0;
	p->lineno = 0;
	p->midway = p->ending = p->skipping = false;
}

int
subpipe_start(struct subpipe *p, struct err *e)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1};
	int errnum;

	p->group = !in_foreground();
	p->pid = 0;
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
	    fcntl(in[1], F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(out[0], F_SETFL, O_NONBLOCK) < 0)
		errnum = errno;
	else
		errnum = spawn(p, in[0], out[1]);
	shut(&in[0]);
	shut(&out[1]);
	if (errnum == 0) {
		begin(p, in[1], out[0]);
		return 0;
	}
	p->pid = 0;
	shut(&in[1]);
	shut(&out[0]);
	errno = errnum;
	return err_sys(e, "cannot start a pipe");
}

/* ---- what goes in ---- */

size_t
subpipe_backlog(const struct subpipe *p)
{
	return p->out.len - p->put;
}

bool
subpipe_takes(const struct subpipe *p)
{
	return p->to >= 0 && !p->ending;
}

bool
subpipe_writes(const struct subpipe *p)
{
	return p->to >= 0 && subpipe_backlog(p) > 0;
}

static void
close_when_written(struct subpipe *p)
{
	if (p->ending && subpipe_backlog(p) == 0)
		shut(&p->to);
}

void
subpipe_end(struct subpipe *p, struct span last)
{
	if (!subpipe_takes(p))
		return;
	buf_addspan(&p->out, last);
	p->ending = true;
	close_when_written(p);
}

void
subpipe_cut(struct subpipe *p, struct span last)
{
	const char *rest = p->out.data + p->put, *nl;

	if (p->to < 0)
		return;
	nl = p->midway ? memchr(rest, '\n', subpipe_backlog(p)) : NULL;
	p->out.len = p->put + (nl == NULL ? 0 : (size_t)(nl - rest) + 1);
	p->ending = false;
	subpipe_end(p, last);
}

/* What went in is forgotten, not at each write but when it is half of the buffer.
 */
static void
forget_written(struct subpipe *p)
{
	if (p->put < p->out.len / 2)
		return;
	buf_drop(&p->out, p->put);
	p->put = 0;
}

int
subpipe_write(struct subpipe *p, struct err *e)
{
	ssize_t n;

	while (subpipe_writes(p)) {
		n = write(p->to, p->out.data + p->put, subpipe_backlog(p));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			shut(&p->to);
			buf_clear(&p->out);
			p->put = 0;
			return errno == EPIPE
				   ? 0
				   : err_sys(e, "cannot write to a pipe");
		}
		p->put += (size_t)n;
		p->midway = p->out.data[p->put - 1] != '\n';
		forget_written(p);
	}
	close_when_written(p);
	return 0;
}

/* ---- what comes out ---- */

int
subpipe_read(struct subpipe *p, struct err *e)
{
	ssize_t n;

	buf_drop(&p->in, p->start);
	p->scan -= p->start;
	p->start = 0;
	do
		n = read(p->from, buf_room(&p->in, READ_SIZE), READ_SIZE);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n > 0) {
		p->in.len += (size_t)n;
		return 0;
	}
	shut(&p->from);
	return n == 0 ? 0 : err_sys(e, "cannot read from a pipe");
}

static bool
is_blank(struct span s)
{
	size_t i = 0;

	while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\r'))
		i++;
	return i == s.n;
}

/* Up to the next newline, or at the end to the end. false: there is none yet. */
static bool
next_line(struct subpipe *p, struct span *line)
{
	char *from = p->in.data + p->start, *nl = NULL;

	if (p->scan < p->in.len)
		nl = memchr(p->in.data + p->scan, '\n', p->in.len - p->scan);
	if (nl == NULL && (p->from >= 0 || p->start == p->in.len)) {
		p->scan = p->in.len;
		return false;
	}
	if (nl == NULL)
		nl = p->in.data + p->in.len;
	*line = span_of(from, (size_t)(nl - from));
	p->start = p->scan = (size_t)(nl - p->in.data) +
			     (nl < p->in.data + p->in.len);
	p->lineno++;
	return true;
}

static int
too_long(struct subpipe *p, struct err *e)
{
	return err_set(
	    e, "line longer than %zu bytes (see --max-line)", p->max_line);
}

int
subpipe_line(struct subpipe *p, struct span *line, struct err *e)
{
	while (next_line(p, line)) {
		if (p->skipping) {
			p->skipping = false;
			p->lineno--;
			continue;
		}
		if (line->n > p->max_line)
			return too_long(p, e);
		if (!is_blank(*line))
			return 1;
	}
	if (p->in.len - p->start > p->max_line || p->skipping) {
		bool told = p->skipping;

		p->start = p->scan = p->in.len;
		p->skipping = p->from >= 0;
		p->lineno += !told;
		return told ? 0 : too_long(p, e);
	}
	return 0;
}

void
subpipe_close_output(struct subpipe *p)
{
	shut(&p->from);
	p->start = p->scan = p->in.len;
}

/* ---- its end ---- */

bool
subpipe_is_done(const struct subpipe *p)
{
	return p->pid != 0 && p->to < 0 && p->from < 0;
}

void
subpipe_signal(const struct subpipe *p, int signo)
{
	if (p->pid != 0 && p->group)
		kill(-p->pid, signo);
}

int
subpipe_wait(struct subpipe *p, bool block, int *how)
{
	pid_t pid;

	do
		pid = waitpid(p->pid, how, block ? 0 : WNOHANG);
	while (pid < 0 && errno == EINTR && fd_stopped() == 0);
	if (pid <= 0)
		return (int)pid;
	p->pid = 0;
	return 1;
}
