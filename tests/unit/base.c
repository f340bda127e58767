#include "tap.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/msg.h"

#include <errno.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

static void
test_mem(void)
{
	char *p = mem_strndup("abc\0def", 7);
	uint64_t *z = mem_zero(100, sizeof(*z));
	bool zero = true;

	ok(memcmp(p, "abc\0def", 8) == 0,
	    "mem_strndup copies NUL bytes and terminates");
	free(p);
	for (int i = 0; i < 100; i++)
		zero = zero && z[i] == 0;
	ok(zero, "mem_zero zeroes");
	z = mem_resize(z, 200, sizeof(*z));
	ok(z != NULL && z[99] == 0, "mem_resize keeps");
	free(z);
	p = mem_alloc(0);
	ok(p != NULL, "mem_alloc(0) gives something to free");
	free(p);
	p = mem_dup("xy", 2);
	ok(memcmp(p, "xy", 2) == 0, "mem_dup");
	free(p);
}

static void
test_buf(void)
{
	struct buf b = BUF_INIT;
	char big[1000];

	is_span(buf_span(&b), SPAN(""), "an empty buffer gives an empty span");
	ok(buf_span(&b).p != NULL, "which is there");
	buf_adds(&b, "one");
	buf_addc(&b, ' ');
	buf_addspan(&b, SPAN("two"));
	buf_addf(&b, " %d", 3);
	is_span(buf_span(&b), SPAN("one two 3"), "appends");
	is_str(buf_cstr(&b), "one two 3", "buf_cstr terminates");
	is_int((long long)b.len, 9, "and does not count the NUL");
	buf_drop(&b, 4);
	is_span(buf_span(&b), SPAN("two 3"), "buf_drop moves down");
	buf_drop(&b, 100);
	is_int((long long)b.len, 0, "dropping more than there is empties");
	memset(big, 'x', sizeof(big));
	buf_addf(&b, "<%.*s>", (int)sizeof(big), big);
	ok(b.len == 1002 && b.data[0] == '<' && b.data[1001] == '>',
	    "a long buf_addf");
	buf_release(&b);

	buf_init(&b, 10);
	ok(buf_fits(&b, 10) && !buf_fits(&b, 11), "buf_fits knows the maximum");
	buf_adds(&b, "0123456789");
	ok(!buf_fits(&b, 1) && buf_fits(&b, 0), "also when full");
	ok(!buf_fits(&b, SIZE_MAX), "and without overflow");
	ok(b.cap <= 10, "no more is reserved than the maximum");
	buf_release(&b);
	buf_adds(&b, "again");
	is_span(buf_span(&b), SPAN("again"), "a released buffer may be used again");
	buf_release(&b);
}

static void
test_err(void)
{
	struct err e = ERR_INIT;
	char big[2000];

	is_int(err_set(&e, "bad %s", "thing"), -1, "err_set returns -1");
	is_str(e.text, "bad thing", "err_set");
	err_prefix(&e, "file:%d", 3);
	is_str(e.text, "file:3: bad thing", "err_prefix");
	err_set(&e, "again: %s", e.text);
	is_str(e.text, "again: file:3: bad thing", "err_set over its own text");
	errno = ENOENT;
	err_sys(&e, "x");
	is_str(e.text, "x: No such file or directory", "err_sys adds strerror");
	is_int(e.errnum, ENOENT, "and keeps errno");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	errno = EIO;
	err_sys(&e, "%s", big);
	ok(strstr(e.text, "...: Input/output error") != NULL,
	    "a long text is cut, the reason is not");
	/* é is two bytes: one of two starting points would be cut in half. */
	for (size_t i = 1; i + 1 < sizeof(big) - 1; i += 2)
		memcpy(big + i, "\xc3\xa9", 2);
	err_set(&e, "%s", big);
	ok(strcmp(e.text + strlen(e.text) - 5, "\xc3\xa9...") == 0 ||
		e.text[strlen(e.text) - 4] == 'x',
	    "a cut leaves whole characters");
}

/* What a message looks like on standard error. */
static size_t
captured(char *out, size_t size, void (*say)(void))
{
	int p[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	if (pipe(p) < 0)
		return 0;
	dup2(p[1], STDERR_FILENO);
	close(p[1]);
	say();
	dup2(saved, STDERR_FILENO);
	close(saved);
	/* One read, as there was one write. */
	n = read(p[0], out, size - 1);
	close(p[0]);
	out[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

static void
say_controls(void)
{
	msg_error("a\nb\tc\x1b[31m\x7f \xc2\x9b \xff \xed\xa0\x80 \xc3\xa9 "
		  "\xf0\x9f\x98\x80");
}

static void
say_long(void)
{
	static char big[10000];

	memset(big, 'x', sizeof(big) - 1);
	msg_error("%s", big);
}

static void
say_long_escaped(void)
{
	static char big[4000];

	memset(big, 1, sizeof(big) - 1);
	msg_error("%s", big);
}

static void
say_by_level(void)
{
	msg_set_level(MSG_QUIET);
	msg_info("info when quiet;");
	msg_warn("warn when quiet;");
	msg_set_level(MSG_NORMAL);
	msg_debug("debug when normal;");
	msg_info("info when normal;");
	msg_set_level(MSG_VERBOSE);
	msg_debug("debug when verbose;");
	msg_set_level(MSG_NORMAL);
}

static void
test_msg(void)
{
	char out[8192];
	size_t n;

	captured(out, sizeof(out), say_controls);
	is_str(out,
	    "bf-x: a\\nb\\tc\\x1b[31m\\x7f \\xc2\\x9b \\xff \\xed\\xa0\\x80 "
	    "\xc3\xa9 \xf0\x9f\x98\x80\n",
	    "controls and what is no UTF-8 are escaped, the rest is not");
	n = captured(out, sizeof(out), say_long);
	ok(n > 4000 && n <= 4096 && strcmp(out + n - 4, "...\n") == 0,
	    "a long message is cut, and ends in a newline");
	n = captured(out, sizeof(out), say_long_escaped);
	ok(n > 4000 && n <= 4096 && strcmp(out + n - 8, "\\x01...\n") == 0,
	    "also when escapes make it long; none is cut in half");
	captured(out, sizeof(out), say_by_level);
	is_str(out,
	    "bf-x: warn when quiet;\nbf-x: info when normal;\nbf-x: debug when "
	    "verbose;\n",
	    "levels");
}

static int
status_of(void (*run)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		close(STDERR_FILENO);
		run();
		_exit(99);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void
die_75(void)
{
	msg_die(STATUS_TEMPFAIL, "to nobody");
}

static void
too_much(void)
{
	struct buf b;

	buf_init(&b, 10);
	buf_adds(&b, "01234567890");
}

static void
overflow(void)
{
	mem_resize(NULL, SIZE_MAX / 2, 4);
}

int
main(void)
{
	msg_init("bf-x");
	test_mem();
	test_buf();
	test_err();
	test_msg();
	is_int(status_of(die_75), 75, "msg_die with standard error closed");
	is_int(
	    status_of(too_much), 2, "a buffer past its maximum ends the program");
	is_int(status_of(overflow), 2, "so does an overflow of a size");
	return done();
}
