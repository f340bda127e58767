/* child: runs the command and passes signals on. */
#include "child.h"

#include "base/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int wake[2] = {-1, -1};
static pid_t child = -1;
static int status;
static struct rlimit files;

/* What the handler writes: the signal, and whether the whole group got it. */
struct note {
	unsigned char signo;
	bool group;
};

static void
on_signal(int signo, siginfo_t *info, void *context)
{
	struct note note = {(unsigned char)signo, info->si_code == SI_KERNEL};
	int saved = errno;

	(void)context;
	(void)!write(wake[1], &note, sizeof(note));
	errno = saved;
}

int
child_catch_signals(void)
{
	static const int caught[] = {SIGINT, SIGTERM, SIGCHLD};
	struct sigaction old,
	    sa = {.sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP};

	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) == -1)
		msg_die(STATUS_CANNOT, "cannot make a pipe: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++) {
		/* nohup(1) and a shell's background jobs have some of them ignored.
		 */
		if (caught[i] == SIGCHLD ||
		    sigaction(caught[i], NULL, &old) == -1 ||
		    old.sa_handler != SIG_IGN)
			sigaction(caught[i], &sa, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	return wake[0];
}

void
child_raise_files(void)
{
	struct rlimit more;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1)
		return;
	more = files;
	more.rlim_cur = more.rlim_max;
	setrlimit(RLIMIT_NOFILE, &more);
}

static void
set(const char *name, const char *value)
{
	if (setenv(name, value, 1) == -1)
		msg_die(126, "cannot set the environment: %s", strerror(errno));
}

static void
set_environment(const char *url, const char *key)
{
	char beta[256];

	snprintf(beta, sizeof(beta), "%sbeta", url);
	set("OPENAI_BASE_URL", url);
	set("ANTHROPIC_BASE_URL", url);
	set("GEMINI_BASE_URL", beta);
	set("OPENAI_API_KEY", key);
	set("ANTHROPIC_API_KEY", key);
	set("GEMINI_API_KEY", key);
	set("BF_ENDPOINT", "mock");
}

/* Statuses 126 and 127 are the shell's for a command that cannot be run. */
static _Noreturn void
run(char **argv, const char *url, const char *key)
{
	signal(SIGPIPE, SIG_DFL);
	if (files.rlim_max != 0)
		setrlimit(RLIMIT_NOFILE, &files);
	set_environment(url, key);
	execvp(argv[0], argv);
	msg_error("cannot run %s: %s", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

void
child_start(char **argv, const char *url, const char *key)
{
	child = fork();
	if (child == -1)
		msg_die(STATUS_CANNOT, "cannot fork: %s", strerror(errno));
	if (child == 0)
		run(argv, url, key);
}

static bool
reap(void)
{
	int how;

	if (child == -1 || waitpid(child, &how, WNOHANG) != child)
		return false;
	status = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
	return true;
}

bool
child_ended(void)
{
	struct note note;
	bool ended = false;

	while (!ended && read(wake[0], &note, sizeof(note)) == sizeof(note)) {
		if (note.signo == SIGCHLD)
			ended = reap();
		else if (child == -1)
			ended = true;
		else if (!note.group)
			kill(child, note.signo);
	}
	return ended;
}

void
child_stop(void)
{
	if (child == -1)
		return;
	kill(child, SIGTERM);
	while (waitpid(child, NULL, 0) == -1 && errno == EINTR)
		;
}

int
child_status(void)
{
	return status;
}
