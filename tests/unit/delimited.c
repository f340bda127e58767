#include "io/delimited.h"

#include "base/buf.h"
#include "tap.h"

#include <errno.h>
#include <unistd.h>

#define MAX 20

/* One event of the reader as text: "1:<a><b> ", "2:4!why ", "." at the end. */
static enum delimited_result
note(struct delimited_reader *r, struct buf *log)
{
	struct err e = ERR_INIT;
	struct delimited_row row;
	uint64_t line, column;
	enum delimited_result got = delimited_read(r, &row, &e);

	if (got == DELIMITED_FAIL && e.errnum == EAGAIN)
		return got;
	if (got == DELIMITED_ROW) {
		delimited_place(r, row.n - 1, &line, &column);
		buf_addf(log, "%d:%d", (int)line, (int)column);
		for (size_t i = 0; i < row.n; i++) {
			buf_addc(log, '<');
			buf_addspan(log, row.cells[i]);
			buf_addc(log, '>');
		}
		buf_addc(log, ' ');
	} else if (got == DELIMITED_BAD) {
		delimited_place(r, 0, &line, &column);
		buf_addf(log, "%d:%d!%.12s ", (int)line, (int)column, e.text);
	} else if (got == DELIMITED_FAIL) {
		buf_addf(log, "fail: %s", e.text);
	} else {
		buf_addc(log, '.');
	}
	return got;
}

/* The events of a text that arrives in pieces of n bytes. */
static void
in_pieces(struct span text, enum delimited_kind kind, char delimiter, size_t n,
    struct buf *log)
{
	struct delimited_reader *r = delimited_reader_new(MAX, NULL, NULL);
	enum delimited_result got;
	size_t at, len;
	int fd[2];

	buf_clear(log);
	if (pipe(fd) < 0)
		exit(99);
	delimited_reader_no_wait(r);
	delimited_reader_open(r, fd[0], kind, delimiter);
	for (at = 0; at < text.n; at += len) {
		len = text.n - at < n ? text.n - at : n;
		if (write(fd[1], text.p + at, len) != (ssize_t)len)
			exit(99);
		do
			got = note(r, log);
		while (got == DELIMITED_ROW || got == DELIMITED_BAD);
	}
	close(fd[1]);
	do
		got = note(r, log);
	while (got == DELIMITED_ROW || got == DELIMITED_BAD);
	delimited_reader_free(r);
}

struct test {
	struct span text;
	const char *want;
};

static const struct test csv[] = {
    {SPAN_INIT(""), "."},
    {SPAN_INIT("\n\r\n\n"), "."},
    {SPAN_INIT("a,b\n1,2\n"), "1:3<a><b> 2:3<1><2> ."},
    {SPAN_INIT("a,b\r\n1,2"), "1:3<a><b> 2:3<1><2> ."},
    {SPAN_INIT("a\r"), "1:1<a> ."},
    {SPAN_INIT(","), "1:2<><> ."},
    {SPAN_INIT(",,\n,"), "1:3<><><> 2:2<><> ."},
    {SPAN_INIT("\"\"\n\n\"\""), "1:1<> 3:1<> ."},
    {SPAN_INIT("\"a,b\",\"c\"\"d\"\r\n"), "1:7<a,b><c\"d> ."},
    {SPAN_INIT("\"\"\"\",\"\"\"\"\"\""), "1:6<\"><\"\"> ."},
    {SPAN_INIT("\"a\r\n\nb\",c\nd"), "3:4<a\r\n\nb><c> 4:1<d> ."},
    {SPAN_INIT("\"a\"\r"), "1:1<a> ."},
    {SPAN_INIT("a\"b\",c\"\n"), "1:6<a\"b\"><c\"> ."},
    {SPAN_INIT("a\rb\r\r\n"), "1:1<a\rb\r> ."},
    {SPAN_INIT(" \"a\"\n"), "1:1< \"a\"> ."},
    {SPAN_INIT("\xef\xbb\xbf\"a\",b\n"), "1:8<a><b> ."},
    {SPAN_INIT("\xef\xbb\xbf"), "."},
    {SPAN_INIT("\"a\"b\n\"c\"\n"), "1:4!text after a 2:1<c> ."},
    {SPAN_INIT("\"a\" \n\"c\"\n"), "1:4!text after a 2:1<c> ."},
    {SPAN_INIT("\"a\"\rb\nc"), "1:4!text after a 2:1<c> ."},
    {SPAN_INIT("x\n\"a\"b"), "1:1<x> 2:4!text after a ."},
    {SPAN_INIT("x\na,\"b\nc"), "1:1<x> 2:3!this quote i ."},
    {SPAN_INIT("\""), "1:1!this quote i ."},
    {SPAN_INIT("a\n\xff,b\nc\n"), "1:1<a> 2:1!invalid UTF- 3:1<c> ."},
    {SPAN_INIT("a,\xe2\x82\nc\n"), "1:3!invalid UTF- 2:1<c> ."},
    {SPAN_INIT("\xc3\xa9,\xf0\x9f\x98\x80\xe2\x80\xa8\n"),
	"1:4<\xc3\xa9><\xf0\x9f\x98\x80\xe2\x80\xa8> ."},
    {SPAN_INIT("12345678901234567890\r\nb"), "1:1<12345678901234567890> 2:1<b> ."},
    {SPAN_INIT("123456789012345678901\nb"), "1:1!a row longer 2:1<b> ."},
    {SPAN_INIT("1234567890123456789012345678901,2345,\"a\nb\"\nc"),
	"1:1!a row longer 3:1<c> ."},
    {SPAN_INIT("1,\"345678901234567890\n123456789012\n34\",\"5\"\nc"),
	"1:1!a row longer 4:1<c> ."},
    {SPAN_INIT("1,\"345678901234567890\n123456789012\n34\"x,\"5\nc"),
	"1:1!a row longer 4:1<c> ."},
    {SPAN_INIT("1,\"345678901234567890\n123456789012\n34"), "1:1!a row longer ."},
};

static const struct test tsv[] = {
    {SPAN_INIT("a\tb\n1\t\n"), "1:3<a><b> 2:3<1><> ."},
    {SPAN_INIT("\n\t\n"), "1:1<> 2:2<><> ."},
    {SPAN_INIT("\"a\tb\"\n"), "1:4<\"a><b\"> ."},
    {SPAN_INIT("\\t\\n\\r\\\\\tn\\\r\n"), "1:10<\t\n\r\\><n\\> ."},
    {SPAN_INIT("\\x\\\\n\\"), "1:1<\\x\\n\\> ."},
};

static void
test_all(
    const char *name, const struct test *tests, size_t n, enum delimited_kind kind)
{
	static const size_t sizes[] = {1, 2, 3, 7, 4096};
	struct buf log = BUF_INIT;
	char title[64];
	size_t i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < sizeof(sizes) / sizeof(*sizes); j++) {
			snprintf(title, sizeof(title), "%s %zu in pieces of %zu",
			    name, i, sizes[j]);
			in_pieces(tests[i].text, kind, ',', sizes[j], &log);
			is_str(buf_cstr(&log), tests[i].want, title);
		}
	buf_release(&log);
}

static void
test_delimiter(void)
{
	struct buf log = BUF_INIT;

	in_pieces(SPAN("a;b,c\n\";\";2"), DELIMITED_CSV, ';', 4096, &log);
	is_str(buf_cstr(&log), "1:3<a><b,c> 2:5<;><2> .", "another delimiter");
	in_pieces(SPAN("a\0b,\0\n"), DELIMITED_CSV, ',', 4096, &log);
	is_span(buf_span(&log), SPAN("1:5<a\0b><\0> ."), "NUL bytes are data");
	buf_release(&log);
}

int
main(void)
{
	test_all("csv", csv, sizeof(csv) / sizeof(*csv), DELIMITED_CSV);
	test_all("tsv", tsv, sizeof(tsv) / sizeof(*tsv), DELIMITED_TSV);
	test_delimiter();
	return done();
}
