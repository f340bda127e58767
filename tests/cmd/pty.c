/*
 * pty: runs a command at a terminal of its own, and is the person there.
 *
 *	pty [-t SECONDS] [-o TRANSCRIPT] SCRIPT COMMAND [ARGUMENT...]
 *
 * The standard streams are ours; the terminal is /dev/tty.  The command is in a
 * process group of its own there, as a shell's job in the foreground.  Lines of
 * SCRIPT, one after the other:
 *
 *	expect TEXT	wait until the terminal has shown this since the last
 *	send TEXT	type this
 *	signal NAME	send it HUP, INT, QUIT, TERM, KILL or CONT
 *	stopped		wait until it has stopped
 *	changed		the terminal must be set otherwise than at first
 *	same		it must be set as at first
 *	hangup		the terminal goes away
 *	ended		wait until it has ended
 *
 * In TEXT \n, \r, \t, \e, \\ and \xHH stand for bytes.  The status is the
 * command's, 128 and the signal that it died of, or 99 where the script was not
 * to be followed within so many seconds.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { SHOWN_MOST = 1 << 20, WRONG = 99 };

/* What the leader of the session tells of the command. */
struct news {
	pid_t pid;
	int status; /* as waitpid(2) has it; -1: it was begun */
};

static int master = -1, told, line_number;
static struct termios first;
static struct news last;
static char shown[SHOWN_MOST];
static size_t nshown, matched; /* of it, up to here */
static time_t until;

static _Noreturn void
wrong(const char *what, const char *more)
{
	fprintf(stderr,
	    "pty: line %d of the script: %s%s; the terminal shows:\n%.*s\n",
	    line_number, what, more, (int)nshown, shown);
	if (last.pid > 0)
		kill(last.pid, SIGKILL);
	exit(WRONG);
}

/* ---- the other side ---- */

static _Noreturn void
be_command(int slave, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	tcsetpgrp(slave, getpid());
	signal(SIGTTOU, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL); /* what is started behind a shell ignores it */
	execvp(argv[0], argv);
	err(127, "%s", argv[0]);
}

/* Holds the session, as a shell would. */
static _Noreturn void
lead(const char *name, int tell, char **argv)
{
	struct news n = {.status = -1};
	int slave;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(master);
	signal(SIGTTOU, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	if (setsid() < 0 || (slave = open(name, O_RDWR | O_CLOEXEC)) < 0 ||
	    ioctl(slave, TIOCSCTTY, 0) < 0)
		err(WRONG, "%s", name);
	n.pid = fork();
	if (n.pid < 0)
		err(WRONG, "fork");
	if (n.pid == 0)
		be_command(slave, argv);
	setpgid(n.pid, n.pid);
	tcsetpgrp(slave, n.pid);
	if (write(tell, &n, sizeof n) != sizeof n)
		_exit(WRONG);
	while (waitpid(n.pid, &n.status, WUNTRACED) > 0 || errno == EINTR) {
		if (write(tell, &n, sizeof n) != sizeof n)
			_exit(WRONG);
		if (!WIFSTOPPED(n.status))
			break;
	}
	/* What the command wrote is to be read before the terminal goes. */
	pause();
	_exit(0);
}

static void
start(char **argv)
{
	const char *name;
	int fds[2];
	pid_t pid;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 ||
	    (name = ptsname(master)) == NULL || pipe2(fds, O_CLOEXEC) != 0)
		err(WRONG, "a terminal");
	if (tcgetattr(master, &first) != 0)
		err(WRONG, "tcgetattr");
	pid = fork();
	if (pid < 0)
		err(WRONG, "fork");
	if (pid == 0)
		lead(name, fds[1], argv);
	close(fds[1]);
	told = fds[0];
}

/* ---- ours ---- */

static void
read_shown(void)
{
	ssize_t n;

	if (nshown == SHOWN_MOST)
		wrong("more than a MiB is shown", "");
	n = read(master, shown + nshown, SHOWN_MOST - nshown);
	if (n > 0) {
		nshown += (size_t)n;
	} else if (n == 0 || errno != EINTR) {
		close(master);
		master = -1;
	}
}

static void
read_news(void)
{
	if (read(told, &last, sizeof last) != sizeof last)
		wrong("the session has ended", "");
}

/* One thing that happens. */
static void
wait_more(const char *what, const char *more)
{
	struct pollfd p[2] = {
	    {.fd = told, .events = POLLIN}, {.fd = master, .events = POLLIN}};
	time_t now = time(NULL);

	if (now >= until || poll(p, 2, (int)(until - now) * 1000) == 0)
		wrong(what, more);
	if (p[1].revents != 0)
		read_shown();
	else if (p[0].revents != 0)
		read_news();
}

static bool
has_ended(void)
{
	return last.pid > 0 && last.status != -1 && !WIFSTOPPED(last.status);
}

static void
expect(const char *text, size_t n)
{
	const char *at;
	bool over;

	for (;;) {
		at = memmem(shown + matched, nshown - matched, text, n);
		if (at != NULL) {
			matched = (size_t)(at - shown) + n;
			return;
		}
		over = has_ended() || master < 0;
		if (over && master >= 0) {
			struct pollfd p = {.fd = master, .events = POLLIN};

			if (poll(&p, 1, 0) > 0) {
				read_shown();
				continue;
			}
		}
		if (over)
			wrong("it ended without ", text);
		wait_more("not seen: ", text);
	}
}

static void
type(const char *text, size_t n)
{
	if (write(master, text, n) != (ssize_t)n)
		wrong("cannot type", "");
}

static void
send_signal(const char *name)
{
	static const struct {
		const char *name;
		int signo;
	} signals[] = {{"HUP", SIGHUP}, {"INT", SIGINT}, {"QUIT", SIGQUIT},
	    {"TERM", SIGTERM}, {"KILL", SIGKILL}, {"CONT", SIGCONT}};

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if (strcmp(name, signals[i].name) == 0) {
			kill(signals[i].signo == SIGCONT ? -last.pid : last.pid,
			    signals[i].signo);
			if (signals[i].signo == SIGCONT)
				last.status = -1;
			return;
		}
	wrong("no such signal: ", name);
}

static bool
is_same(void)
{
	struct termios now;

	if (tcgetattr(master, &now) != 0)
		wrong("tcgetattr", "");
	return now.c_iflag == first.c_iflag && now.c_oflag == first.c_oflag &&
	       now.c_lflag == first.c_lflag &&
	       memcmp(now.c_cc, first.c_cc, sizeof now.c_cc) == 0;
}

static void
wait_end(void)
{
	while (!has_ended())
		wait_more("it did not end", "");
}

static void
follow(const char *word, const char *text, size_t n)
{
	if (strcmp(word, "expect") == 0)
		expect(text, n);
	else if (strcmp(word, "send") == 0)
		type(text, n);
	else if (strcmp(word, "signal") == 0)
		send_signal(text);
	else if (strcmp(word, "stopped") == 0)
		while (last.status == -1 || !WIFSTOPPED(last.status))
			wait_more("it did not stop", "");
	else if (strcmp(word, "ended") == 0)
		wait_end();
	else if (strcmp(word, "hangup") == 0) {
		close(master);
		master = -1;
	} else if (strcmp(word, "changed") == 0 ? is_same()
		   : strcmp(word, "same") == 0  ? !is_same()
						: true)
		wrong("not so: ", word);
}

static int
hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

/* In place; the length. */
static size_t
unescape(char *text)
{
	static const char names[] = "nrte\\", bytes[] = "\n\r\t\33\\";
	char *to = text;
	const char *at;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\\' && p[1] == 'x' && hex(p[2]) >= 0 && hex(p[3]) >= 0) {
			*to++ = (char)(hex(p[2]) * 16 + hex(p[3]));
			p += 3;
		} else if (*p == '\\' && p[1] != '\0' &&
			   (at = strchr(names, p[1])) != NULL) {
			*to++ = bytes[at - names];
			p++;
		} else
			*to++ = *p;
	}
	*to = '\0';
	return (size_t)(to - text);
}

static void
follow_all(const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL, *text;
	size_t cap = 0;
	ssize_t n;

	if (f == NULL)
		err(WRONG, "%s", path);
	while ((n = getline(&line, &cap, f)) > 0) {
		line_number++;
		if (line[n - 1] == '\n')
			line[--n] = '\0';
		text = strchr(line, ' ');
		if (text != NULL)
			*text++ = '\0';
		else
			text = line + n;
		if (*line != '\0')
			follow(line, text, unescape(text));
	}
	free(line);
	fclose(f);
}

static void
write_transcript(const char *path)
{
	FILE *f = fopen(path, "we");

	if (f == NULL || fwrite(shown, 1, nshown, f) != nshown || fclose(f) != 0)
		err(WRONG, "%s", path);
}

int
main(int argc, char **argv)
{
	const char *transcript = NULL;
	long seconds = 120;
	int opt;

	while ((opt = getopt(argc, argv, "+o:t:")) != -1)
		if (opt == 'o')
			transcript = optarg;
		else if (opt == 't')
			seconds = strtol(optarg, NULL, 10);
		else
			return WRONG;
	if (argc - optind < 2)
		errx(WRONG, "usage: pty [-o TRANSCRIPT] SCRIPT COMMAND...");
	until = time(NULL) + seconds;
	start(argv + optind + 1);
	while (last.pid == 0)
		wait_more("it did not begin", "");
	follow_all(argv[optind]);
	wait_end();
	if (transcript != NULL)
		write_transcript(transcript);
	return WIFSIGNALED(last.status) ? 128 + WTERMSIG(last.status)
					: WEXITSTATUS(last.status);
}
