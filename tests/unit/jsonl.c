#include "json/jsonl.h"

#include "base/mem.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A span for the initialiser of a static table. */
#define LITERAL(s)                 \
	{                          \
		(s), sizeof(s) - 1 \
	}

#define MAX_LINE 20

/* One event of the reader as text: "1=line ", "2!5 ", "." at the end. */
static enum jsonl_result
note(struct jsonl_reader *r, struct buf *log)
{
	struct err e = ERR_INIT;
	struct span line;
	enum jsonl_result got = jsonl_read(r, &line, &e);

	if (got == JSONL_LINE) {
		buf_addf(log, "%d=", (int)jsonl_lineno(r));
		if (jsonl_column_shift(r) > 0)
			buf_addf(log, "+%zu:", jsonl_column_shift(r));
		buf_addspan(log, line);
		buf_addc(log, ' ');
	} else if (got == JSONL_BAD) {
		buf_addf(log, "%d!%zu ", (int)jsonl_lineno(r), jsonl_bad_column(r));
	} else if (got == JSONL_FAIL) {
		buf_addf(log, "fail: %s", e.text);
	} else if (got == JSONL_END) {
		buf_addc(log, '.');
	}
	return got;
}

/*
 * The events of a text that arrives in pieces of n bytes: after each piece the
 * reader takes all that is there, so that each is a read(2) of its own.
 */
static void
in_pieces(struct span text, size_t n, struct buf *log)
{
	struct jsonl_reader *r = jsonl_reader_new(MAX_LINE, NULL, NULL);
	enum jsonl_result got = JSONL_AGAIN;
	size_t at, len;
	int fd[2];

	buf_clear(log);
	if (pipe(fd) < 0)
		exit(99);
	jsonl_reader_no_wait(r);
	jsonl_reader_open(r, fd[0], "x");
	for (at = 0; at < text.n; at += len) {
		len = text.n - at < n ? text.n - at : n;
		if (write(fd[1], text.p + at, len) != (ssize_t)len)
			exit(99);
		while ((got = note(r, log)) == JSONL_LINE || got == JSONL_BAD)
			;
		if (got != JSONL_AGAIN)
			break;
	}
	close(fd[1]);
	while (got != JSONL_END && got != JSONL_FAIL)
		got = note(r, log);
	jsonl_reader_free(r);
}

static const struct {
	const char *name;
	struct span text;
	const char *want;
} cases[] = {
    {"nothing", {"", 0}, "."},
    {"one line", LITERAL("abc\n"), "1=abc ."},
    {"no last newline", LITERAL("abc\ndef"), "1=abc 2=def ."},
    {"blank lines count", LITERAL("\n \t\na\n\r\nb\n\n"), "3=a 5=b ."},
    {"CRLF", LITERAL("a\r\nb\rc\r\nd\r"), "1=a 2=b\rc 3=d ."},
    {"byte order mark",
	LITERAL("\xef\xbb\xbf"
		"a\nb\n"),
	"1=+3:a 2=b ."},
    {"a mark alone", LITERAL("\xef\xbb\xbf\na\n"), "2=a ."},
    {"a mark elsewhere is data",
	LITERAL("a\n\xef\xbb\xbf"
		"b\n"),
	"1=a 2=\xef\xbb\xbf"
	"b ."},
    {"other line ends are data",
	LITERAL("a\xe2\x80\xa8"
		"b\xc2\x85"
		"c\vd\fe\n"),
	"1=a\xe2\x80\xa8"
	"b\xc2\x85"
	"c\vd\fe ."},
    {"NUL", LITERAL("a\nbc\0d\ne\n"), "1=a 2!3 3=e ."},
    {"NUL after a mark", LITERAL("\xef\xbb\xbf\0\ne\n"), "1!4 2=e ."},
    {"NUL at the end", LITERAL("a\n\0"), "1=a 2!1 ."},
    {"longest line", LITERAL("12345678901234567890\nb\n"),
	"1=12345678901234567890 2=b ."},
    {"longest line with mark and CR",
	LITERAL("\xef\xbb\xbf"
		"12345678901234567890\r\nb\n"),
	"1=+3:12345678901234567890 2=b ."},
    {"longest line, no newline", LITERAL("12345678901234567890"),
	"1=12345678901234567890 ."},
    {"one byte too long", LITERAL("a\n123456789012345678901\nb\n"),
	"1=a 2!21 3=b ."},
    {"far too long",
	LITERAL("12345678901234567890123456789012345678901234567890\n\nb\n"),
	"1!21 3=b ."},
    {"too many spaces", LITERAL("                              \nb\n"),
	"1!21 2=b ."},
    {"too long, no newline",
	LITERAL("12345678901234567890123456789012345678901234567890"), "1!21 ."},
    {"first byte of a magic number", LITERAL("(\n\x1f\n"), "1=( 2=\x1f ."},
    {"half a magic number", LITERAL("\x28\xb5\x2f"), "1=\x28\xb5\x2f ."},
    {"gzip",
	LITERAL(
	    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xcf\x4b\xe5\x2a\x29\xcf"
	    "\xe7"
	    "\x02\x00\xe6\x0b\xba\x12\x08\x00\x00\x00"),
	"1=one 2=two ."},
    {"zstd",
	LITERAL(
	    "\x28\xb5\x2f\xfd\x20\x08\x41\x00\x00\x6f\x6e\x65\x0a\x74\x77\x6f\x0a"),
	"1=one 2=two ."},
};

static void
test_pieces(void)
{
	static const size_t sizes[] = {1, 2, 3, 7, 4096};
	struct buf log = BUF_INIT;
	size_t i, j;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			in_pieces(cases[i].text, sizes[j], &log);
			if (!ok(strcmp(buf_cstr(&log), cases[i].want) == 0,
				"%s, in pieces of %zu", cases[i].name, sizes[j]))
				printf("# got  %s\n# want %s\n", buf_cstr(&log),
				    cases[i].want);
		}
	buf_release(&log);
}

static int
file_of(struct span text)
{
	FILE *f = tmpfile();
	int fd;

	if (f == NULL || fwrite(text.p, 1, text.n, f) != text.n || fflush(f) != 0)
		exit(99);
	fd = dup(fileno(f));
	lseek(fd, 0, SEEK_SET);
	fclose(f);
	return fd;
}

/* Lines around the size of the buffer, whose start moves in it. */
static void
test_large(void)
{
	static const size_t sizes[] = {
	    1, 100, 65535, 131071, 131072, 131073, 1000000, 5};
	struct jsonl_reader *r = jsonl_reader_new((size_t)1 << 20, NULL, NULL);
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	struct span line;
	size_t i, n = sizeof(sizes) / sizeof(sizes[0]), good = 0;

	for (i = 0; i < 3 * n; i++) {
		memset(buf_room(&text, sizes[i % n]), 'a' + (int)i, sizes[i % n]);
		text.len += sizes[i % n];
		buf_addc(&text, '\n');
	}
	jsonl_reader_open(r, file_of(buf_span(&text)), "x");
	for (i = 0; i < 3 * n && jsonl_read(r, &line, &e) == JSONL_LINE; i++)
		good += line.n == sizes[i % n] && line.p[0] == (char)('a' + i) &&
			line.p[line.n - 1] == (char)('a' + i) &&
			jsonl_lineno(r) == i + 1;
	is_int(
	    (long long)good, (long long)(3 * n), "long lines between short ones");
	is_int(jsonl_read(r, &line, &e), JSONL_END, "and the end");
	is_int(jsonl_read(r, &line, &e), JSONL_END, "which stays the end");
	is_int(jsonl_reader_fd(r), -1, "nothing is open then");
	jsonl_reader_open(r, file_of(SPAN("again\n")), "y");
	is_int(jsonl_read(r, &line, &e), JSONL_LINE, "another file can be opened");
	is_int((long long)jsonl_lineno(r), 1, "and lines are counted anew");
	is_str(jsonl_name(r), "y", "under its name");
	jsonl_reader_free(r);
	buf_release(&text);
}

static void
test_fail(void)
{
	struct jsonl_reader *r = jsonl_reader_new(MAX_LINE, NULL, NULL);
	struct err e = ERR_INIT;
	struct span line;

	jsonl_reader_open(r, open("/", O_RDONLY | O_CLOEXEC), "/");
	is_int(jsonl_read(r, &line, &e), JSONL_FAIL, "a folder cannot be read");
	is_str(e.text, "cannot read: Is a directory", "and the text says so");
	is_int(e.errnum, EISDIR, "errnum too");
	jsonl_reader_free(r);
}

static void
count(void *arg)
{
	++*(int *)arg;
}

static void
test_writer(void)
{
	struct jsonl_writer w;
	struct jsonl_reader *r;
	struct buf big = BUF_INIT;
	struct err e = ERR_INIT;
	struct span line;
	char got[100] = "";
	int fd[2], reads = 0;

	if (pipe(fd) < 0)
		exit(99);
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	jsonl_writer_init(&w, fd[1]);
	is_int(jsonl_write_line(&w, SPAN("a")), 0, "a line is taken");
	buf_adds(jsonl_out(&w), "b\n");
	is_int(jsonl_written(&w), 0, "one that is appended too");
	is_int(read(fd[0], got, sizeof(got)), -1, "nothing is written yet");
	is_int(jsonl_flush(&w), 0, "flush writes");
	is_int(read(fd[0], got, sizeof(got)), 4, "all of it");
	is_str(got, "a\nb\n", "as it was");
	close(fd[0]);
	close(fd[1]);
	jsonl_writer_release(&w);

	jsonl_writer_init(&w, open("/dev/full", O_WRONLY | O_CLOEXEC));
	is_int(jsonl_write_line(&w, SPAN("a")), 0,
	    "a full device is not seen at once");
	is_int(jsonl_flush(&w), -1, "but when it is written to");
	is_int(errno, ENOSPC, "with errno");
	errno = 0;
	is_int(jsonl_write_line(&w, SPAN("a")), -1,
	    "and from then on each line fails");
	is_int(errno, ENOSPC, "with the first errno");
	memset(buf_room(&big, 200000), 'x', 200000);
	big.len = 200000;
	close(w.fd);
	jsonl_writer_release(&w);
	jsonl_writer_init(&w, open("/dev/full", O_WRONLY | O_CLOEXEC));
	is_int(jsonl_write_line(&w, buf_span(&big)), -1, "much is written at once");
	close(w.fd);
	jsonl_writer_release(&w);
	buf_release(&big);

	r = jsonl_reader_new(MAX_LINE, count, &reads);
	jsonl_reader_open(r, file_of(SPAN("a\nb\n")), "x");
	is_int(jsonl_read(r, &line, &e), JSONL_LINE, "a line");
	is_int(reads, 1, "the callback was called before the read");
	is_int(jsonl_read(r, &line, &e), JSONL_LINE, "another line");
	is_int(reads, 1, "but not where there is none");
	jsonl_reader_free(r);
}

int
main(void)
{
	test_pieces();
	test_large();
	test_fail();
	test_writer();
	return done();
}
