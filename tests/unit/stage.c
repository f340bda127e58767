#include "json/stage.h"

#include "base/msg.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a stage in a process of its own ---- */

struct outcome {
	struct buf out;
	struct buf err;
	int status; /* -N: died of signal N */
};

static void
drain(int fd, struct buf *b)
{
	ssize_t n;

	buf_clear(b);
	while ((n = read(fd, buf_room(b, 4096), 4096)) > 0)
		b->len += (size_t)n;
	close(fd);
}

/* What body does with this text as its standard input. */
static void
run(int (*body)(char **operands), char **operands, const char *input,
    struct outcome *o)
{
	int in[2], out[2], err[2], st;
	pid_t pid;

	if (pipe(in) < 0 || pipe(out) < 0 || pipe(err) < 0 ||
	    write(in[1], input, strlen(input)) < 0)
		exit(99);
	close(in[1]);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		msg_init("bf-x");
		_exit(body(operands));
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	drain(out[0], &o->out);
	drain(err[0], &o->err);
	waitpid(pid, &st, 0);
	o->status = WIFSIGNALED(st) ? -WTERMSIG(st) : WEXITSTATUS(st);
}

static bool keep_going;
static const char *errors_path;

static void
start(struct stage *st, char **operands)
{
	static struct cli cli;

	cli = (struct cli){.operands = operands, .max_line = CLI_MAX_LINE_DEFAULT};
	cli.keep_going = keep_going;
	while (operands != NULL && operands[cli.noperands] != NULL)
		cli.noperands++;
	stage_open(st, &cli);
	if (errors_path != NULL)
		stage_errors(st, errors_path);
}

/* What each entry tells it to do. */
static int
obey(char **operands)
{
	struct entry en = ENTRY_INIT;
	struct stage st;
	struct span what;

	start(&st, operands);
	while (stage_entry(&st, &en)) {
		what = entry_get(&en, "do");
		if (what.p == NULL)
			stage_emit(&st, &en);
		else if (json_is(what, "fail"))
			stage_fail(&st, &en, "odd", "%s", "not \"even\"");
		else if (json_is(what, "stop"))
			stage_stop(&st, STATUS_TEMPFAIL, "budget %s", "reached");
		else if (json_is(what, "INT"))
			raise(SIGINT);
		else if (json_is(what, "TERM"))
			raise(SIGTERM);
	}
	entry_release(&en);
	return stage_close(&st);
}

static void
expect(struct outcome *o, int status, const char *out, const char *err,
    const char *what)
{
	char name[200];

	snprintf(name, sizeof(name), "%s: status", what);
	is_int(o->status, status, name);
	snprintf(name, sizeof(name), "%s: output", what);
	is_str(buf_cstr(&o->out), out, name);
	snprintf(name, sizeof(name), "%s: messages", what);
	is_str(buf_cstr(&o->err), err, name);
}

#define MARK(by, why, status)                               \
	"{\"incomplete\":{\"by\":\"" by "\",\"why\":\"" why \
	"\",\"status\":" status "}}\n"

static void
test_stops(void)
{
	struct outcome o = {BUF_INIT, BUF_INIT, 0};

	run(obey, NULL, "{\"a\":1}\n\n{\"b\":2.0}", &o);
	expect(&o, 0, "{\"a\":1}\n{\"b\":2.0}\n", "", "all well");
	run(obey, NULL, "", &o);
	expect(&o, 0, "", "", "nothing");
	run(obey, NULL, "{\"a\":1}\n" MARK("bf-y", "w", "75") "{\"b\":2}\n", &o);
	expect(&o, 75, "{\"a\":1}\n" MARK("bf-y", "w", "75"), "",
	    "mark from upstream");
	run(obey, NULL, MARK("bf-y", "interrupted", "130"), &o);
	expect(&o, 130, MARK("bf-y", "interrupted", "130"), "",
	    "an interrupted stage upstream");
	run(obey, NULL, "{\"a\":1}\n{\"do\":\"stop\"}\n{\"b\":2}\n", &o);
	expect(&o, 75, "{\"a\":1}\n" MARK("bf-x", "budget reached", "75"),
	    "bf-x: budget reached\n", "own stop");
	run(obey, NULL, "{\"a\":1}\n{\"do\":\"INT\"}\n", &o);
	expect(&o, -SIGINT, "{\"a\":1}\n" MARK("bf-x", "interrupted", "130"), "",
	    "INT");
	run(obey, NULL, "{\"a\":1}\n{\"do\":\"TERM\"}\n", &o);
	expect(&o, -SIGTERM, "{\"a\":1}\n" MARK("bf-x", "terminated", "143"), "",
	    "TERM");
	buf_release(&o.out);
	buf_release(&o.err);
}

static void
test_bad(void)
{
	struct outcome o = {BUF_INIT, BUF_INIT, 0};

	run(obey, NULL, "{\"a\":1}\n[2]\n{\"b\":2}\n", &o);
	expect(&o, 2, "{\"a\":1}\n" MARK("bf-x", "bad line <stdin>:2", "2"),
	    "bf-x: <stdin>:2:1: not an object\n", "bad line");
	run(obey, NULL, "\xef\xbb\xbf{x\n", &o);
	expect(&o, 2, MARK("bf-x", "bad line <stdin>:1", "2"),
	    "bf-x: <stdin>:1:5: unexpected character\n", "columns count the mark");
	keep_going = true;
	run(obey, NULL, "{\"a\":1}\n[2]\n{\"b\":2}\n", &o);
	expect(&o, 1, "{\"a\":1}\n{\"b\":2}\n",
	    "bf-x: <stdin>:2:1: not an object\n", "bad line, keep going");
	keep_going = false;
	run(obey, (char *[]){(char *)"none", (char *)"-", NULL}, "{\"a\":1}\n", &o);
	expect(&o, 2,
	    "{\"a\":1}\n" MARK("bf-x", "none: No such file or directory", "2"),
	    "bf-x: none: No such file or directory\n", "a file that is not there");
	run(obey, (char *[]){(char *)"/", (char *)"-", NULL}, "{\"a\":1}\n", &o);
	expect(&o, 2,
	    "{\"a\":1}\n" MARK("bf-x", "/: cannot read: Is a directory", "2"),
	    "bf-x: /: cannot read: Is a directory\n", "a file that cannot be read");
	run(obey, (char *[]){(char *)"none", (char *)"-", NULL},
	    MARK("y", "w", "75"), &o);
	expect(&o, 75, MARK("y", "w", "75"),
	    "bf-x: none: No such file or directory\n",
	    "a mark after a file that is not there");
	buf_release(&o.out);
	buf_release(&o.err);
}

/* Contents of a file in b; "(none)" if there is none. */
static const char *
contents(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	buf_clear(b);
	if (fd < 0)
		return "(none)";
	drain(fd, b);
	return buf_cstr(b);
}

#define FAILED                                                                     \
	"{\"n\":1,\"do\":\"fail\",\"error\":{\"class\":\"odd\",\"message\":\"not " \
	"\\\"even\\\"\"}}\n"

static void
test_failed(void)
{
	char dir[] = "/tmp/bf-stage.XXXXXX";
	struct outcome o = {BUF_INIT, BUF_INIT, 0};
	struct buf b = BUF_INIT;

	if (mkdtemp(dir) == NULL || chdir(dir) < 0)
		exit(99);
	run(obey, NULL, "{\"n\":1,\"do\":\"fail\"}\n{\"b\":2}\n", &o);
	expect(&o, 1, "{\"b\":2}\n", "bf-x: <stdin>:1: odd: not \"even\"\n",
	    "failed entry");
	errors_path = "errors";
	run(obey, NULL, "{\"n\":1,\"do\":\"fail\"}\n{\"b\":2}\n", &o);
	expect(&o, 1, "{\"b\":2}\n", "", "failed entry, with an errors file");
	is_str(contents("errors", &b), FAILED, "which has it");
	run(obey, (char *[]){(char *)"errors", NULL}, "", &o);
	expect(&o, 1, "", "", "the errors file as input");
	is_str(contents("errors", &b), FAILED, "its error is replaced");
	run(obey, NULL, "{\"n\":1,\"do\":\"fail\"}\n{\"do\":\"stop\"}\n", &o);
	is_int(o.status, 75, "stopped with an errors file");
	is_str(buf_cstr(&o.err),
	    "bf-x: budget reached\nbf-x: failed entries so far are in "
	    "errors.partial\n",
	    "it is kept as partial, which is told");
	is_str(contents("errors.partial", &b), FAILED, "it holds what failed");
	run(obey, NULL, "{\"b\":2}\n", &o);
	is_str(contents("errors", &b), "", "none failed: an empty file");
	unlink("errors");
	unlink("errors.partial");
	errors_path = "/dev/full";
	run(obey, NULL, "{\"n\":1,\"do\":\"fail\"}\n{\"b\":2}\n", &o);
	expect(&o, 2,
	    "{\"b\":2}\n" MARK(
		"bf-x", "/dev/full: cannot write: No space left on device", "2"),
	    "bf-x: /dev/full: cannot write: No space left on device\n",
	    "an errors file that cannot be written");
	errors_path = "none/errors";
	run(obey, NULL, "{\"b\":2}\n", &o);
	is_int(o.status, 2, "one that cannot be made");
	errors_path = NULL;
	if (chdir("/") < 0)
		exit(99);
	is_int(rmdir(dir), 0, "no file is left");
	buf_release(&o.out);
	buf_release(&o.err);
	buf_release(&b);
}

static int
into_full(char **operands)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	dup2(fd, 1);
	return obey(operands);
}

static int
into_nothing(char **operands)
{
	int fd[2];

	if (pipe(fd) < 0)
		return 99;
	close(fd[0]);
	dup2(fd[1], 1);
	close(fd[1]);
	return obey(operands);
}

static int
ignoring(char **operands)
{
	signal(SIGPIPE, SIG_IGN);
	return into_nothing(operands);
}

static void
test_output(void)
{
	struct outcome o = {BUF_INIT, BUF_INIT, 0};

	run(into_full, NULL, "{\"a\":1}\n", &o);
	expect(&o, 2, "", "bf-x: standard output: No space left on device\n",
	    "a full device");
	run(into_nothing, NULL, "{\"a\":1}\n", &o);
	expect(&o, -SIGPIPE, "", "", "a reader that is gone");
	run(ignoring, NULL, "{\"a\":1}\n", &o);
	expect(&o, -SIGPIPE, "", "", "a reader that is gone, SIGPIPE ignored");
	buf_release(&o.out);
	buf_release(&o.err);
}

int
main(void)
{
	test_stops();
	test_bad();
	test_failed();
	test_output();
	return done();
}
