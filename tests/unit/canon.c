/* The canonical form: what is the same request has the same bytes. */
#include "io/rng.h"
#include "tap.h"
#include "json/json.h"

static size_t
canon(struct buf *b, struct span text)
{
	struct json_fault f;

	buf_clear(b);
	if (json_check(text, &f) != 0)
		ok(false, "not JSON at %zu", f.at);
	return json_canon(b, text);
}

static void
gives(const char *text, const char *want)
{
	struct buf b = BUF_INIT, again = BUF_INIT;

	canon(&b, span_str(text));
	is_span(buf_span(&b), span_str(want), want);
	canon(&again, buf_span(&b));
	ok(span_eq(buf_span(&b), buf_span(&again)), "its own canonical form");
	buf_release(&b);
	buf_release(&again);
}

static void
test_values(void)
{
	gives("null", "null");
	gives("[ true , false ]", "[true,false]");
	gives("[ ]", "[]");
	gives("{ }", "{}");
	gives("\"\"", "\"\"");
	gives("[[],[[ ]],{},[{\"a\" : [ ]}]]", "[[],[[]],{},[{\"a\":[]}]]");
	gives("[1.0,1,1e400,12345678901234567890,-0,0,1E5,1e5]",
	    "[1.0,1,1e400,12345678901234567890,-0,0,1E5,1e5]");
}

static void
test_strings(void)
{
	gives("[\"\xc3\xa9\",\"\\u00e9\",\"\\u00E9\"]",
	    "[\"\xc3\xa9\",\"\xc3\xa9\",\"\xc3\xa9\"]");
	gives("\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"");
	gives("\"\\/ \\u002f \\u0022 \\u005c \\u000a \\u0001 \\u007f\"",
	    "\"/ / \\\" \\\\ \\n \\u0001 \x7f\"");
	gives("\"\\u0000\"", "\"\\u0000\"");
	gives("\"\\u2028\"", "\"\xe2\x80\xa8\"");
}

static void
test_objects(void)
{
	gives("{\"b\":1, \"a\":2}", "{\"a\":2,\"b\":1}");
	gives("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}");
	gives("{\"a\":[1,{}],\"\\u0061\":{\"z\":1,\"y\":[{\"q\":1,\"p\":2}]},\"B\":"
	      "0}",
	    "{\"B\":0,\"a\":{\"y\":[{\"p\":2,\"q\":1}],\"z\":1}}");
	gives("{\"ab\":1,\"a\":2,\"\":3,\"abc\":4}",
	    "{\"\":3,\"a\":2,\"ab\":1,\"abc\":4}");
	/* By bytes: U+FF5E before U+1F600, whatever their UTF-16 says. */
	gives("{\"\\ud83d\\ude00\":1,\"\xef\xbd\x9e\":2,\"\\u00e9\":3,\"z\":4}",
	    "{\"z\":4,\"\xc3\xa9\":3,\"\xef\xbd\x9e\":2,\"\xf0\x9f\x98\x80\":1}");
	gives("{\"x\\n\":1,\"x\\u0009\":2}", "{\"x\\t\":2,\"x\\n\":1}");
	gives("{\"k\":{\"b\":[{\"d\":1,\"c\":2},[{\"f\":1,\"e\":2}]],\"a\":0},"
	      "\"j\":[{}]}",
	    "{\"j\":[{}],\"k\":{\"a\":0,\"b\":[{\"c\":2,\"d\":1},[{\"e\":2,\"f\":1}"
	    "]]}}");
}

static void
test_lone(void)
{
	struct buf b = BUF_INIT;

	is_int((long long)canon(&b, SPAN("[\"\\ud800\",\"\\udc00 \\ud800\"]")), 3,
	    "lone surrogates are counted");
	is_span(buf_span(&b),
	    SPAN("[\"\xef\xbf\xbd\",\"\xef\xbf\xbd \xef\xbf\xbd\"]"),
	    "and replaced");
	is_int(
	    (long long)canon(&b, SPAN("{\"\\ud800\":1,\"\\udc00\":\"\\ud800\"}")),
	    2, "in names too");
	is_span(buf_span(&b), SPAN("{\"\xef\xbf\xbd\":\"\xef\xbf\xbd\"}"),
	    "where they make duplicates");
	is_int((long long)canon(&b, SPAN("[\"\\ud83d\\ude00\"]")), 0,
	    "a pair is none");
	buf_release(&b);
}

/* One value, written in two ways. */
struct twin {
	struct buf a;
	struct buf b;
};

static void
twin_add(struct twin *t, const char *s)
{
	buf_adds(&t->a, s);
	buf_adds(&t->b, s);
}

static void
twin_space(struct twin *t, struct rng *r)
{
	if (rng_below(r, 3) == 0)
		buf_adds(&t->a, " ");
	if (rng_below(r, 3) == 0)
		buf_adds(&t->b, "\t\r ");
}

/* The first writes it raw, the second escapes what it likes. */
static void
twin_string(struct twin *t, struct rng *r, int number)
{
	static const char *const forms[][2] = {
	    {"x", "\\u0078"},
	    {"\xc3\xa9", "\\u00e9"},
	    {"\\n", "\\u000A"},
	    {"\\\"", "\\u0022"},
	    {"/", "\\/"},
	    {"\xf0\x9f\x98\x80", "\\uD83D\\uDE00"},
	};

	twin_add(t, "\"");
	buf_addf(&t->a, "%d", number);
	buf_addf(&t->b, "%d", number);
	for (size_t n = rng_below(r, 4); n > 0; n--) {
		size_t which = rng_below(r, sizeof forms / sizeof forms[0]);

		buf_adds(&t->a, forms[which][0]);
		buf_adds(&t->b, forms[which][rng_below(r, 2)]);
	}
	twin_add(t, "\"");
}

static void twin_value(struct twin *t, struct rng *r, int depth);

/* Members in one order, and in the other. */
static void
twin_object(struct twin *t, struct rng *r, int depth)
{
	struct twin members[4];
	size_t n = rng_below(r, 5);

	memset(members, 0, sizeof members);
	for (size_t i = 0; i < n; i++) {
		twin_string(&members[i], r, (int)i);
		twin_space(&members[i], r);
		twin_add(&members[i], ":");
		twin_space(&members[i], r);
		twin_value(&members[i], r, depth + 1);
	}
	twin_add(t, "{");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			twin_add(t, ",");
		twin_space(t, r);
		buf_addspan(&t->a, buf_span(&members[i].a));
		buf_addspan(&t->b, buf_span(&members[n - 1 - i].b));
		twin_space(t, r);
	}
	twin_add(t, "}");
	for (size_t i = 0; i < n; i++) {
		buf_release(&members[i].a);
		buf_release(&members[i].b);
	}
}

static void
twin_value(struct twin *t, struct rng *r, int depth)
{
	switch (rng_below(r, depth < 4 ? 5 : 2)) {
	case 0:
		twin_add(t, "12.50");
		break;
	case 1:
		twin_string(t, r, 0);
		break;
	case 2:
		twin_add(t, "[");
		twin_space(t, r);
		twin_value(t, r, depth + 1);
		twin_space(t, r);
		twin_add(t, ",null]");
		break;
	default:
		twin_object(t, r, depth);
		break;
	}
}

static void
test_twins(void)
{
	struct twin t = {BUF_INIT, BUF_INIT};
	struct buf a = BUF_INIT, b = BUF_INIT;
	int wrong = 0, differ = 0;
	struct rng r;

	rng_seed(&r, 7);
	for (int i = 0; i < 3000; i++) {
		buf_clear(&t.a);
		buf_clear(&t.b);
		twin_object(&t, &r, 0);
		canon(&a, buf_span(&t.a));
		canon(&b, buf_span(&t.b));
		differ += !span_eq(buf_span(&t.a), buf_span(&t.b));
		wrong += !span_eq(buf_span(&a), buf_span(&b));
	}
	ok(wrong == 0 && differ > 1000,
	    "%d values written in two ways, %d with two canonical forms", differ,
	    wrong);
	buf_release(&t.a);
	buf_release(&t.b);
	buf_release(&a);
	buf_release(&b);
}

int
main(void)
{
	test_values();
	test_strings();
	test_objects();
	test_lone();
	test_twins();
	return done();
}
