#include "io/process.h"

#include "io/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

static int child_pipe[2] = {-1, -1};

static void
on_child(int signo)
{
	int saved = errno;
	ssize_t ignored = write(child_pipe[1], "", 1);

	(void)signo;
	(void)ignored;
	errno = saved;
}

int
process_watch(struct err *e)
{
	struct sigaction sa = {
	    .sa_handler = on_child, .sa_flags = SA_RESTART | SA_NOCLDSTOP};

	if (child_pipe[0] >= 0)
		return child_pipe[0];
	if (pipe2(child_pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		child_pipe[0] = child_pipe[1] = -1;
		return err_sys(e, "pipe");
	}
	sigemptyset(&sa.sa_mask);
	sigaction(SIGCHLD, &sa, NULL);
	return child_pipe[0];
}

void
process_seen(void)
{
	char some[64];

	while (read(child_pipe[0], some, sizeof some) > 0)
		;
}

static void
close_one(int *fd)
{
	if (*fd >= 0)
		(void)fd_close(*fd);
	*fd = -1;
}

/* A group of its own, and what dies with us. */
static void
set_apart(pid_t parent)
{
	(void)setpgid(0, 0);
#ifdef __linux__
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
#else
	(void)parent;
#endif
}

/*
 * In the child, which shares our memory until it is another program: nothing is
 * written there but *failed.
 */
static _Noreturn void
become(char *const *argv, char *const *env, const int fds[3], const sigset_t *mask,
    volatile int *failed)
{
	for (int signo = 1; signo < NSIG; signo++)
		(void)signal(signo, SIG_DFL);
	if (dup2(fds[0], STDIN_FILENO) >= 0 && dup2(fds[1], STDOUT_FILENO) >= 0 &&
	    (fds[2] < 0 || dup2(fds[2], STDERR_FILENO) >= 0)) {
		sigprocmask(SIG_SETMASK, mask, NULL);
		execvpe(argv[0], argv, env);
	}
	*failed = errno;
	_exit(127);
}

static int
spawn(struct process *p, char *const *argv, char *const *env, const int fds[3],
    bool apart, struct err *e)
{
	volatile int failed = 0;
	pid_t parent = getpid();
	sigset_t all, mask;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	p->pid = vfork();
	if (p->pid == 0) {
		if (apart)
			set_apart(parent);
		become(argv, env, fds, &mask, &failed);
	}
	if (p->pid < 0)
		failed = errno;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (failed == 0) {
		p->group = apart ? p->pid : 0;
		return 0;
	}
	if (p->pid > 0)
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
	p->pid = 0;
	errno = failed;
	return err_sys(e, "%s", argv[0]);
}

/* A pipe of which neither end is a standard stream, ours without waiting. */
static int
make_pipe(int *ours, int *theirs, bool we_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	*ours = fds[we_write];
	*theirs = fds[!we_write];
	return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

int
process_start(struct process *p, char *const *argv, char *const *env,
    enum process_pipes pipes, struct err *e)
{
	int fds[3] = {-1, -1, -1}, rc;

	*p = (struct process){.in = -1, .out = -1, .err = -1};
	if (make_pipe(&p->in, &fds[0], true) == 0 &&
	    make_pipe(&p->out, &fds[1], false) == 0 &&
	    (pipes != PROCESS_ALL || make_pipe(&p->err, &fds[2], false) == 0))
		rc = spawn(p, argv, env, fds, true, e);
	else
		rc = err_sys(e, "pipe");
	for (int i = 0; i < 3; i++)
		close_one(&fds[i]);
	if (rc != 0)
		process_stop(p);
	return rc;
}

int
process_start_at(
    struct process *p, char *const *argv, char *const *env, int fd, struct err *e)
{
	const int fds[3] = {fd, fd, fd};

	*p = (struct process){.in = -1, .out = -1, .err = -1};
	return spawn(p, argv, env, fds, false, e);
}

bool
process_ended(struct process *p)
{
	pid_t got;

	if (p->pid == 0)
		return true;
	do
		got = waitpid(p->pid, &p->status, WNOHANG);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return false;
	p->pid = 0;
	return true;
}

void
process_signal(const struct process *p, int signo)
{
	if (p->group > 0)
		(void)kill(-p->group, signo);
	else if (p->pid > 0)
		(void)kill(p->pid, signo);
}

void
process_stop(struct process *p)
{
	process_signal(p, SIGKILL);
	p->group = 0;
	while (p->pid > 0 && waitpid(p->pid, &p->status, 0) < 0 && errno == EINTR)
		;
	p->pid = 0;
	close_one(&p->in);
	close_one(&p->out);
	close_one(&p->err);
}
