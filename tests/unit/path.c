/* Field paths: their spellings, what they find, what is refused. */
#include "json/path.h"

#include "tap.h"

static const char line[] =
    "{\"a\":{\"b\":[10,{\"c\":\"deep\"},[1,[2]]],\"x.y\":1,\"\":2},\"e\\u0301\":3,"
    "\"a/b\":4,\"m~n\":5,\"dup\":1,\"dup\":2,\"two "
    "words\":6,\"q\\\"\":7,\"n\":null,"
    "\"list\":[\"zero\",\"one\"],\"0\":\"name\",\"\xc3\xa9\":8,\"end}\":9}";

static struct entry en;

static void
finds(const char *path, const char *want)
{
	struct err e = ERR_INIT;
	struct path *p = path_parse(span_str(path), &e);

	if (p == NULL) {
		ok(false, "%s: %s", path, e.text);
		return;
	}
	is_span(path_find_entry(p, &en), span_str(want), path);
	is_span(path_find(p, SPAN(line)), span_str(want), "the same in the value");
	is_span(path_text(p), span_str(path), "its text is kept");
	path_free(p);
}

static void
finds_nothing(const char *path)
{
	struct err e = ERR_INIT;
	struct path *p = path_parse(span_str(path), &e);

	if (p == NULL) {
		ok(false, "%s: %s", path, e.text);
		return;
	}
	ok(path_find_entry(p, &en).p == NULL, "nothing at %s", path);
	ok(path_find(p, SPAN(line)).p == NULL, "nor in the value");
	path_free(p);
}

static void
refused(struct span path, const char *why)
{
	struct err e = ERR_INIT;
	struct path *p = path_parse(path, &e);

	ok(p == NULL && strstr(e.text, why) != NULL, "refused: %.*s (%s)",
	    (int)path.n, path.p, e.text);
	path_free(p);
}

static void
name_is(const char *path, struct span want)
{
	struct err e = ERR_INIT;
	struct path *p = path_parse(span_str(path), &e);

	ok(p != NULL && (path_name(p).p == NULL) == (want.p == NULL) &&
		span_eq(path_name(p), want),
	    "the name of %s", path);
	path_free(p);
}

static void
test_dotted(void)
{
	finds("a.b[0]", "10");
	finds("a.b[1].c", "\"deep\"");
	finds("a.b[2][1][0]", "2");
	finds("a[\"x.y\"]", "1");
	finds("a[\"\"]", "2");
	finds("[\"a\"].b[0]", "10");
	finds("e\xcc\x81", "3");
	finds("[\"e\\u0301\"]", "3");
	finds("\xc3\xa9", "8");
	finds("[\"end}\"]", "9");
	finds("dup", "2");
	finds("two words", "6");
	finds("[\"q\\\"\"]", "7");
	finds("n", "null");
	finds("0", "\"name\"");
	finds("a/b", "4");
	finds_nothing("a.b.c");
	finds_nothing("a.b[3]");
	finds_nothing("a.b[18446744073709551615]");
	finds_nothing("a[0]");
	finds_nothing("[0]");
	finds_nothing("n.x");
	finds_nothing("list.0");
	finds_nothing("list[0][0]");
}

static void
test_pointer(void)
{
	finds("/a/b/0", "10");
	finds("/a/b/1/c", "\"deep\"");
	finds("/a/x.y", "1");
	finds("/a/", "2");
	finds("/a~1b", "4");
	finds("/m~0n", "5");
	finds("/0", "\"name\"");
	finds("/list/1", "\"one\"");
	finds_nothing("/");
	finds_nothing("/list/01");
	finds_nothing("/list/-");
	finds_nothing("/list/99999999999999999999999");
}

static void
test_refused(void)
{
	refused(SPAN(""), "empty");
	refused(SPAN("."), "name");
	refused(SPAN(".a"), "name");
	refused(SPAN("a."), "name");
	refused(SPAN("a..b"), "name");
	refused(SPAN("a.[0]"), "name");
	refused(SPAN("a[0]b"), "must follow");
	refused(SPAN("a["), "without");
	refused(SPAN("a[]"), "index");
	refused(SPAN("a[-1]"), "index");
	refused(SPAN("a[01]"), "index");
	refused(SPAN("a[x]"), "index");
	refused(SPAN("a[99999999999999999999999]"), "index");
	refused(SPAN("a[\"x]"), "quoted");
	refused(SPAN("a[\"x\""), "quoted");
	refused(SPAN("a[\"\\x\"]"), "JSON string");
	refused(SPAN("a]"), "character");
	refused(SPAN("a\"b"), "character");
	refused(SPAN("a\nb"), "character");
	refused(SPAN(" a"), "space");
	refused(SPAN("a .b"), "space");
	refused(SPAN("/a~2"), "~");
	refused(SPAN("/a~"), "~");
	refused(SPAN("a\xff"), "UTF-8");
}

int
main(void)
{
	struct json_fault f;

	en = ENTRY_INIT;
	ok(entry_parse(&en, SPAN(line), &f) == 0, "the entry is one");
	test_dotted();
	test_pointer();
	test_refused();
	name_is("text", SPAN("text"));
	name_is("[\"x.y\"]", SPAN("x.y"));
	name_is("/text", SPAN("text"));
	name_is("[\"\"]", SPAN(""));
	name_is("a.b", SPAN_NONE);
	name_is("[0]", SPAN_NONE);
	entry_release(&en);
	return done();
}
