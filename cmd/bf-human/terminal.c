#include "terminal.h"

#include "io/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int signal_pipe[2] = {-1, -1};
static struct terminal *begun; /* to set right at exit */

/* What is caught between begin and end, and what was done about it before. */
static const int caught[] = {SIGHUP, SIGQUIT, SIGTSTP, SIGCONT};
#define NCAUGHT (sizeof caught / sizeof *caught)
static struct sigaction caught_before[NCAUGHT];

/* What a terminal that is lent sends to its user alone. */
static const int lent[] = {SIGINT, SIGQUIT};
#define NLENT (sizeof lent / sizeof *lent)
static struct sigaction lent_before[NLENT];

static void
on_signal(int signo)
{
	int saved = errno;
	unsigned char byte = (unsigned char)signo;
	ssize_t ignored = write(signal_pipe[1], &byte, 1);

	(void)ignored;
	errno = saved;
}

static void catch (void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < NCAUGHT; i++) {
		sigaction(caught[i], NULL, &caught_before[i]);
		/* What a parent ignores stays so. */
		if (caught_before[i].sa_handler != SIG_IGN)
			sigaction(caught[i], &sa, NULL);
	}
}

static void
release(void)
{
	for (size_t i = 0; i < NCAUGHT; i++)
		sigaction(caught[i], &caught_before[i], NULL);
}

static void
ignore_lent(void)
{
	struct sigaction sa = {.sa_handler = SIG_IGN};

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < NLENT; i++)
		sigaction(lent[i], &sa, &lent_before[i]);
}

static void
heed_lent(void)
{
	for (size_t i = 0; i < NLENT; i++)
		sigaction(lent[i], &lent_before[i], NULL);
}

/* ---- how it is set ---- */

static int
set(int fd, int when, const struct termios *to)
{
	int rc;

	do
		rc = tcsetattr(fd, when, to);
	while (rc != 0 && errno == EINTR);
	return rc;
}

static int
change(struct terminal *t)
{
	struct termios to;

	if (tcgetattr(t->fd, &t->before) != 0)
		return -1;
	to = t->before;
	to.c_lflag |= ISIG;
	if (t->mode == TERMINAL_KEYS) {
		to.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		to.c_cc[VMIN] = 1;
		to.c_cc[VTIME] = 0;
	} else {
		to.c_lflag |= ICANON | ECHO | ECHOE;
#ifdef IUTF8
		to.c_iflag |= IUTF8; /* a character is erased, not a byte */
#endif
	}
	to.c_iflag |= ICRNL;
	to.c_oflag |= OPOST | ONLCR;
	t->changed = true;
	return set(t->fd, TCSAFLUSH, &to);
}

static void
change_back(struct terminal *t)
{
	if (t->changed)
		(void)set(t->fd, TCSANOW, &t->before);
	t->changed = false;
}

static void
change_back_at_exit(void)
{
	if (begun != NULL)
		change_back(begun);
}

/* ---- from the first question to the last ---- */

int
terminal_open(struct terminal *t, struct err *e)
{
	t->fd = fd_open(TERMINAL_PATH, O_RDWR | O_NOCTTY | O_NONBLOCK, 0);
	if (t->fd < 0)
		return err_sys(e,
		    "no terminal to ask at (--export writes the questions to a "
		    "file, --import takes the answers from one): " TERMINAL_PATH);
	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		signal_pipe[0] = signal_pipe[1] = -1;
		return err_sys(e, "pipe");
	}
	if (atexit(change_back_at_exit) != 0)
		return err_set(e, "atexit failed");
	return 0;
}

void
terminal_close(struct terminal *t)
{
	if (t->begun)
		terminal_end(t);
	if (t->fd >= 0)
		(void)fd_close(t->fd);
	t->fd = -1;
	for (int i = 0; i < 2; i++) {
		if (signal_pipe[i] >= 0)
			(void)fd_close(signal_pipe[i]);
		signal_pipe[i] = -1;
	}
}

int
terminal_begin(struct terminal *t, enum terminal_mode mode)
{
	t->mode = mode;
	t->begun = true;
	begun = t;
	catch ();
	if (mode != TERMINAL_LENT)
		return change(t);
	ignore_lent();
	return 0;
}

void
terminal_end(struct terminal *t)
{
	change_back(t);
	if (t->mode == TERMINAL_LENT)
		heed_lent();
	release();
	t->begun = false;
	begun = NULL;
}

void
terminal_leave(struct terminal *t)
{
	if (t->begun)
		terminal_end(t);
	(void)signal(SIGHUP, SIG_IGN);
}

/* Until it takes more; -1 once the run is to stop: Ctrl-S may hold it for ever. */
static int
wait_writable(struct terminal *t)
{
	struct pollfd p[2] = {{.fd = t->fd, .events = POLLOUT},
	    {.fd = fd_stop_pipe(), .events = POLLIN}};

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return -1;
	return fd_stopped() != 0 ? -1 : 0;
}

int
terminal_say(struct terminal *t, struct span text)
{
	ssize_t n;

	while (text.n > 0) {
		n = write(t->fd, text.p, text.n);
		if (n >= 0)
			text = span_of(text.p + n, text.n - (size_t)n);
		else if (errno == EAGAIN ? wait_writable(t) != 0 : errno != EINTR)
			return -1;
	}
	return 0;
}

ssize_t
terminal_read(struct terminal *t, char *to, size_t n)
{
	ssize_t got;

	do
		got = read(t->fd, to, n);
	while (got < 0 && errno == EINTR);
	return got;
}

/* ---- signals ---- */

int
terminal_signals(void)
{
	return signal_pipe[0];
}

/* Is stopped, as it would have been; what is set afterwards is for SIGCONT to say.
 */
static void
stop(struct terminal *t)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL}, before;

	change_back(t);
	sigemptyset(&dfl.sa_mask);
	sigaction(SIGTSTP, &dfl, &before);
	(void)raise(SIGTSTP);
	sigaction(SIGTSTP, &before, NULL);
}

/* In the background the terminal is not ours to set: "fg" continues once more. */
static enum terminal_news
go_on(struct terminal *t)
{
	if (!t->begun || t->mode == TERMINAL_LENT || tcgetpgrp(t->fd) != getpgrp())
		return TERMINAL_NOTHING;
	change_back(t);
	return change(t) == 0 ? TERMINAL_AGAIN : TERMINAL_GONE;
}

enum terminal_news
terminal_signal(struct terminal *t)
{
	enum terminal_news news = TERMINAL_NOTHING;
	unsigned char signo;

	while (news == TERMINAL_NOTHING && read(signal_pipe[0], &signo, 1) == 1)
		switch (signo) {
		case SIGHUP:
			news = TERMINAL_GONE;
			break;
		case SIGQUIT:
			change_back(t);
			fd_die_of(SIGQUIT);
		case SIGTSTP:
			stop(t);
			break;
		case SIGCONT:
			news = go_on(t);
			break;
		}
	return news;
}
