#include "tap.h"

#include "base/msg.h"
#include "io/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPT_EVERY = CLI_FIRST, OPT_EVENLY, OPT_COLOR };

static const struct cli_option options[] = {
    {'n', "number", "N", "take N entries"},
    {'x', NULL, NULL, "a letter alone"},
    {OPT_EVERY, "every", "K", "take every Kth entry"},
    {OPT_EVENLY, "evenly", NULL, "no argument"},
    {OPT_COLOR, "color", "[WHEN]", "an optional argument"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {
    "bf-x", "[-n N] [FILE...]", "do something", options};

#define ARGV(...) ((const char *[]){"bf-x", __VA_ARGS__, NULL})

static int
count(const char **argv)
{
	int n = 0;

	while (argv[n] != NULL)
		n++;
	return n;
}

/* What a child that parses argv and then does act prints and returns. */
static int
child(
    const char **argv, int out_fd, int (*act)(struct cli *), char *out, size_t size)
{
	int p[2], status = 0;
	size_t n = 0;
	ssize_t r;
	pid_t pid;

	if (pipe(p) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		struct cli c;

		dup2(p[1], out_fd);
		close(p[0]);
		close(p[1]);
		/* As for main(): the array may be reordered, the strings stay. */
		cli_start(&c, &command, count(argv), (char **)(void *)argv);
		_exit(act(&c));
	}
	close(p[1]);
	while (n < size - 1 && (r = read(p[0], out + n, size - 1 - n)) > 0)
		n += (size_t)r;
	out[n] = '\0';
	close(p[0]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* Says on standard error what it is given. */
static int
say_all(struct cli *c)
{
	int key;

	while ((key = cli_next(c)) != CLI_DONE) {
		if (key == 'n')
			dprintf(2, "n=%llu ", (unsigned long long)cli_u64(c));
		else
			dprintf(
			    2, "%s=%s ", c->name, c->arg == NULL ? "-" : c->arg);
	}
	dprintf(2, "keep=%d max=%llu level=%d :", c->keep_going,
	    (unsigned long long)c->max_line, (int)msg_level());
	for (int i = 0; i < c->noperands; i++)
		dprintf(2, " %s", c->operands[i]);
	return 0;
}

static int
duration(struct cli *c)
{
	cli_next(c);
	dprintf(2, "%lld", (long long)cli_duration(c));
	return 0;
}

static int
fraction(struct cli *c)
{
	cli_next(c);
	dprintf(2, "%g", cli_fraction(c));
	return 0;
}

static int
to_full(struct cli *c)
{
	dup2(open("/dev/full", O_WRONLY), 1);
	cli_next(c);
	return 99;
}

static int
pipe_signal(struct cli *c)
{
	struct sigaction sa;

	(void)c;
	sigaction(SIGPIPE, NULL, &sa);
	return sa.sa_handler == SIG_DFL ? 0 : 1;
}

static void
good(const char **argv, const char *want, const char *name)
{
	char out[4096];
	int status = child(argv, 2, say_all, out, sizeof(out));

	is_str(out, want, name);
	is_int(status, 0, "... with status 0");
}

static void
bad(const char **argv, const char *want, const char *name)
{
	char out[4096];
	int status = child(argv, 2, say_all, out, sizeof(out));

	is_str(out, want, name);
	is_int(status, 2, "... with status 2");
}

static void
test_good(void)
{
	good(ARGV("a", "-n", "3", "b", "--", "-n"),
	    "n=3 keep=0 max=268435456 level=1 : a b -n",
	    "options and operands mixed, and -- ends the options");
	good(ARGV("-n3", "--number=4", "--number", "5"),
	    "n=3 n=4 n=5 keep=0 max=268435456 level=1 :",
	    "an argument, attached or not");
	good(ARGV("-xn7", "--every", "2", "--evenly", "-"),
	    "-x=- n=7 --every=2 --evenly=- keep=0 max=268435456 level=1 : -",
	    "letters together, long names alone, and - as an operand");
	good(ARGV("--color", "--color=auto"),
	    "--color=- --color=auto keep=0 max=268435456 level=1 :",
	    "an optional argument");
	good(ARGV("--keep-going", "--max-line", "64K", "-v"),
	    "keep=1 max=65536 level=2 :", "the common ones");
	good(ARGV("-q"), "keep=0 max=268435456 level=0 :", "-q");
}

static void
test_bad(void)
{
	const char *untouched[] = {"bf-x", NULL};

	bad(ARGV("--foo"), "bf-x: unknown option '--foo' (see bf-x --help)\n",
	    "unknown");
	bad(ARGV("--foo=bar"), "bf-x: unknown option '--foo' (see bf-x --help)\n",
	    "unknown, with an argument");
	bad(ARGV("-qz"), "bf-x: unknown option '-z' (see bf-x --help)\n",
	    "unknown letter");
	bad(ARGV("--ev"), "bf-x: ambiguous option '--ev' (see bf-x --help)\n",
	    "ambiguous");
	bad(ARGV("--evenly=1"),
	    "bf-x: option '--evenly' takes no argument (see bf-x --help)\n",
	    "an argument too many");
	bad(ARGV("-n"),
	    "bf-x: option '-n' needs an argument (N) (see bf-x --help)\n",
	    "an argument missing");
	bad(ARGV("--every"),
	    "bf-x: option '--every' needs an argument (K) (see bf-x --help)\n",
	    "an argument missing of a long option");
	bad(ARGV("-n", "three"),
	    "bf-x: -n wants a whole number, not 'three' (see bf-x --help)\n",
	    "no number");
	bad(ARGV("--max-line=0"),
	    "bf-x: --max-line must be at least 1 (see bf-x --help)\n",
	    "--max-line 0");
	bad(ARGV("--a\x1b[31mb"),
	    "bf-x: unknown option '--a\\x1b[31mb' (see bf-x --help)\n",
	    "controls are escaped");
	good(untouched, "keep=0 max=268435456 level=1 :", "nothing given");
}

static void
test_values(void)
{
	char out[4096];

	child(ARGV("--every=1.5s"), 2, duration, out, sizeof(out));
	is_str(out, "1500000", "cli_duration");
	is_int(child(ARGV("--every=soon"), 2, duration, out, sizeof(out)), 2,
	    "and what is none");
	child(ARGV("--every=5%"), 2, fraction, out, sizeof(out));
	is_str(out, "0.05", "cli_fraction");
	is_int(child(ARGV("--every=7"), 2, fraction, out, sizeof(out)), 2,
	    "and what is none");
}

static void
test_help(void)
{
	char out[4096];

	is_int(child(ARGV("--help"), 1, say_all, out, sizeof(out)), 0,
	    "--help has status 0");
	is_str(out,
	    "usage: bf-x [-n N] [FILE...]\n"
	    "do something\n"
	    "\n"
	    "  -n, --number N       take N entries\n"
	    "  -x                   a letter alone\n"
	    "      --every K        take every Kth entry\n"
	    "      --evenly         no argument\n"
	    "      --color[=WHEN]   an optional argument\n"
	    "  -h, --help           print this help\n"
	    "  -V, --version        print the version\n"
	    "  -q, --quiet          only errors and warnings\n"
	    "  -v, --verbose        say more\n"
	    "      --keep-going     report bad lines, go on, end with status 1\n"
	    "      --max-line SIZE  longest line (default 256M)\n",
	    "and goes to standard output");
	is_int(child(ARGV("-V"), 1, say_all, out, sizeof(out)), 0,
	    "--version has status 0");
	is_str(out, "bf-x " BF_VERSION "\n", "and says it");
	is_int(child(ARGV("--help"), 2, to_full, out, sizeof(out)), 2,
	    "--help to a full device has status 2");
	is_str(out, "bf-x: standard output: No space left on device\n",
	    "and says why");
}

int
main(void)
{
	char out[16];

	test_good();
	test_bad();
	test_values();
	test_help();
	signal(SIGPIPE, SIG_IGN);
	is_int(child(ARGV("-q"), 1, pipe_signal, out, sizeof(out)), 0,
	    "SIGPIPE has its default action again");
	return done();
}
