#include "json/values.h"

#include "base/buf.h"
#include "tap.h"

#include <errno.h>
#include <unistd.h>

#define MAX 20

/* One event of the reader as text: "1:2=value ", in an array "1:2-value ". */
static enum values_result
note(struct values_reader *r, struct buf *log)
{
	struct err e = ERR_INIT;
	struct span value;
	uint64_t line, column;
	enum values_result got = values_read(r, &value, &e);

	if (got == VALUES_FAIL && e.errnum == EAGAIN)
		return got;
	if (got != VALUES_END) {
		values_place(r, &line, &column);
		buf_addf(log, "%d:%d", (int)line, (int)column);
	}
	if (got == VALUES_VALUE) {
		buf_addc(log, values_in_array(r) ? '-' : '=');
		buf_addspan(log, value);
		buf_addc(log, ' ');
	} else if (got == VALUES_BAD) {
		buf_addf(log, "!%s", e.text);
	} else if (got == VALUES_FAIL) {
		buf_addf(log, "fail: %s", e.text);
	} else {
		buf_addc(log, '.');
	}
	return got;
}

/* The events of a text that arrives in pieces of n bytes. */
static void
in_pieces(struct span text, size_t n, struct buf *log)
{
	struct values_reader *r = values_reader_new(MAX, NULL, NULL);
	enum values_result got = VALUES_VALUE;
	size_t at, len;
	int fd[2];

	buf_clear(log);
	if (pipe(fd) < 0)
		exit(99);
	values_reader_no_wait(r);
	values_reader_open(r, fd[0]);
	for (at = 0; at < text.n; at += len) {
		len = text.n - at < n ? text.n - at : n;
		if (write(fd[1], text.p + at, len) != (ssize_t)len)
			exit(99);
		while ((got = note(r, log)) == VALUES_VALUE)
			;
		if (got == VALUES_BAD)
			break;
	}
	close(fd[1]);
	if (got != VALUES_BAD)
		while (note(r, log) == VALUES_VALUE)
			;
	values_reader_free(r);
}

static const struct {
	struct span text;
	const char *want;
} cases[] = {
    {SPAN_INIT(""), "1:1!no JSON value in it"},
    {SPAN_INIT(" \n\t"), "2:2!no JSON value in it"},
    {SPAN_INIT("\xef\xbb\xbf"), "1:4!no JSON value in it"},
    {SPAN_INIT("\xef\xbb\xbf{}"), "1:4={} ."},
    {SPAN_INIT("\xef\xbb"), "1:1!unexpected character"},
    {SPAN_INIT("[]"), "."},
    {SPAN_INIT("[ ]\n[\n]"), "."},
    {SPAN_INIT("{\"a\": [1, \"]\\\"\"]}\n"), "1:1={\"a\": [1, \"]\\\"\"]} ."},
    {SPAN_INIT("[1, -2.5e+7 ,\n {}, [[]],\"\\\\\"]"),
	"1:2-1 1:5--2.5e+7 2:2-{} 2:6-[[]] 2:11-\"\\\\\" ."},
    {SPAN_INIT("1 2\"a\"{}\"b\"[3]true null"),
	"1:1=1 1:3=2 1:4=\"a\" 1:7={} 1:9=\"b\" 1:13-3 1:15=true 1:20=null ."},
    {SPAN_INIT("12"), "1:1=12 ."},
    {SPAN_INIT("[12"),
	"1:2-12 1:4!unexpected end: the array of line 1 is not closed"},
    {SPAN_INIT("\n[1,\n"),
	"2:2-1 3:1!unexpected end: the array of line 2 is not closed"},
    {SPAN_INIT("[1,]"), "1:2-1 1:4!unexpected character"},
    {SPAN_INIT("[,1]"), "1:2!unexpected character"},
    {SPAN_INIT("[1 2]"), "1:2-1 1:4!no comma or closing bracket after an element"},
    {SPAN_INIT("[1}"), "1:2-1 1:3!no comma or closing bracket after an element"},
    {SPAN_INIT("[1] ]"), "1:2-1 1:5!unexpected character"},
    {SPAN_INIT("[1],"), "1:2-1 1:4!unexpected character"},
    {SPAN_INIT("01"), "1:2!unexpected character"},
    {SPAN_INIT("1true"), "1:2!unexpected character"},
    {SPAN_INIT("{\"a\":1"), "1:7!unexpected end"},
    {SPAN_INIT("[{\"a\":[1}]"), "1:9!unexpected character"},
    {SPAN_INIT("[\"a"), "1:4!unexpected end"},
    {SPAN_INIT("[\"\xe2\x82\xac\xf0\x9f\x98\x80\"]"),
	"1:2-\"\xe2\x82\xac\xf0\x9f\x98\x80\" ."},
    {SPAN_INIT("[\"\xe2\x82\"]"), "1:3!invalid UTF-8"},
    {SPAN_INIT("[\"a\nb\"]"), "1:4!control character in a string"},
    {SPAN_INIT("[tru]"), "1:5!unexpected character"},
    {SPAN_INIT("[\"\\u12\"]"), "1:7!invalid escape in a string"},
    {SPAN_INIT("[\"345678901234567890\"]"), "1:2-\"345678901234567890\" ."},
    {SPAN_INIT("[\"3456789012345678901\"]"),
	"1:2!a value longer than 20 bytes (see --max-line)"},
    {SPAN_INIT("{\"34567890123456789012345678901234567890"),
	"1:1!a value longer than 20 bytes (see --max-line)"},
};

static void
test_cases(void)
{
	static const size_t sizes[] = {1, 2, 3, 7, 4096};
	struct buf log = BUF_INIT;
	char name[64];
	size_t i, j;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (j = 0; j < sizeof(sizes) / sizeof(*sizes); j++) {
			in_pieces(cases[i].text, sizes[j], &log);
			snprintf(name, sizeof(name), "case %zu in pieces of %zu", i,
			    sizes[j]);
			is_str(buf_cstr(&log), cases[i].want, name);
		}
	buf_release(&log);
}

int
main(void)
{
	test_cases();
	return done();
}
