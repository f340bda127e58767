#include "json/incomplete.h"

#include "tap.h"

static const struct {
	const char *line;
	int status; /* 0: it is none */
} marks[] = {
    {"{\"incomplete\":{\"by\":\"bf-x\",\"why\":\"y\",\"status\":75}}", 75},
    {" { \"incomplete\" : {\"status\":2,\"why\":\"\",\"by\":\"\",\"more\":1} } ",
	2},
    {"{\"incompl\\u0065te\":{\"by\":\"b\",\"why\":\"y\",\"status\":130}}", 130},
    {"{\"\\u0069ncomplete\":{\"by\":\"b\",\"why\":\"y\",\"status\":130}}", 130},
    {"{\"incomplete\":{\"by\":\"b\",\"why\":\"y\",\"status\":0}}", 2},
    {"{\"incomplete\":{\"by\":\"b\",\"why\":\"y\",\"status\":256}}", 2},
    {"{\"incomplete\":{\"by\":\"b\",\"why\":\"y\",\"status\":-1}}", 2},
    {"{\"incomplete\":{\"by\":\"b\",\"why\":\"y\",\"status\":75},\"id\":1}", 0},
    {"{\"incomplete\":{\"by\":\"b\",\"why\":\"y\"}}", 0},
    {"{\"incomplete\":{\"by\":\"b\",\"why\":\"y\",\"status\":\"75\"}}", 0},
    {"{\"incomplete\":{\"by\":\"b\",\"status\":75}}", 0},
    {"{\"incomplete\":{\"by\":1,\"why\":\"y\",\"status\":75}}", 0},
    {"{\"incomplete\":true}", 0},
    {"{\"incomplete\":{\"by\":\"b\",\"why\":\"y\",\"status\":75}", 0},
    {"{\"incompleted\":{\"by\":\"b\",\"why\":\"y\",\"status\":75}}", 0},
    {"{\"incomplete\"", 0},
    {"{\"", 0},
    {"{", 0},
    {"", 0},
    {"[\"incomplete\"]", 0},
};

static void
test_mark(void)
{
	struct buf b = BUF_INIT;
	int status;
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		status = 0;
		if (!incomplete_is(span_str(marks[i].line), &status))
			status = 0;
		is_int(status, marks[i].status, marks[i].line);
	}
	incomplete_add(&b, "bf-x", "a \"b\"\n", 75);
	is_span(buf_span(&b),
	    SPAN("{\"incomplete\":{\"by\":\"bf-x\",\"why\":\"a "
		 "\\\"b\\\"\\n\",\"status\":75}}\n"),
	    "a mark is written");
	b.len--;
	ok(incomplete_is(buf_span(&b), &status) && status == 75, "and known again");
	buf_release(&b);
}

static void
test_why(void)
{
	struct buf b = BUF_INIT;
	struct span line = SPAN(" {\"incomplete\":{\"by\":\"bf-x\",\"why\":\"a "
				"\\\"b\\\"\",\"status\":75}}\n");

	incomplete_why(&b, line, "bf-x");
	is_span(buf_span(&b), SPAN("a \"b\""), "why it stopped itself");
	buf_clear(&b);
	incomplete_why(&b, line, "bf-y");
	is_span(buf_span(&b), SPAN("incomplete input: bf-x: a \"b\""),
	    "why another did");
	buf_release(&b);
}

int
main(void)
{
	test_mark();
	test_why();
	return done();
}
