#include "json/entry.h"

#include "io/rng.h"
#include "tap.h"

static struct entry en;
static struct buf out;

static void
parse(const char *line)
{
	struct json_fault f;

	if (entry_parse(&en, span_str(line), &f) != 0)
		ok(false, "%s: %s at %zu", line, f.what, f.at);
}

/* The entry with its edits is want (without the newline). */
static void
writes(const char *want)
{
	buf_clear(&out);
	entry_write(&en, &out);
	if (ok(out.len == strlen(want) + 1 && out.data[out.len - 1] == '\n' &&
		    memcmp(out.data, want, out.len - 1) == 0,
		"%s", want))
		return;
	printf("# got  %.*s", (int)out.len, out.data);
}

static void
deletes(const char *line, const char *name, const char *want)
{
	parse(line);
	entry_del(&en, name);
	writes(want);
}

static void
sets(const char *line, const char *name, const char *value, const char *want)
{
	parse(line);
	entry_set(&en, name, span_str(value));
	writes(want);
}

static void
refuses(struct span line, size_t at, const char *what)
{
	struct json_fault f = {0, ""};

	if (!ok(entry_parse(&en, line, &f) == -1 && f.at == at &&
		    strcmp(f.what, what) == 0,
		"refused at %zu: %s", at, what))
		printf("# %s at %zu\n", f.what, f.at);
}

static void
test_parse(void)
{
	parse(" { \"a\" : 1 , \"b\\n\":[1, {\"a\":2}] ,\"a\":\"x\",\"\":null } ");
	is_int((long long)en.n, 4, "members");
	is_span(en.members[1].key, SPAN("b\\n"), "a key as written");
	is_span(entry_get(&en, "a"), SPAN("\"x\""), "of duplicates the last");
	is_span(entry_get(&en, "b\n"), SPAN("[1, {\"a\":2}]"),
	    "by a name with an escape");
	is_span(entry_get(&en, ""), SPAN("null"), "by the empty name");
	ok(entry_get(&en, "c").p == NULL, "none");
	is_span(entry_getn(&en, SPAN("ax")), SPAN_NONE, "none by length");
	parse("{\"k\\u0000\":1}");
	is_span(entry_getn(&en, SPAN("k\0")), SPAN("1"), "a name that holds a NUL");
	parse("{}");
	is_int((long long)en.n, 0, "no members");
}

static void
test_refuse(void)
{
	struct buf b = BUF_INIT;

	refuses(SPAN(""), 0, "unexpected end");
	refuses(SPAN(" [1]"), 1, "not an object");
	refuses(SPAN("12"), 0, "not an object");
	refuses(SPAN("{"), 1, "unexpected end");
	refuses(SPAN("{\"a\":1"), 6, "unexpected end");
	refuses(SPAN("{\"a\":1,}"), 7, "unexpected character");
	refuses(SPAN("{\"a\":1]"), 6, "unexpected character");
	refuses(SPAN("{\"a\":1} x"), 8, "unexpected character after the value");
	refuses(SPAN("{\"a\":{\"b\":[1,2}}"), 14, "unexpected character");
	refuses(SPAN("{\"a\":\"\xc3\"}"), 6, "invalid UTF-8");
	refuses(SPAN("{\"a\":\"\0\"}"), 6, "control character in a string");

	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_adds(&b, "{\"a\":");
	buf_adds(&b, "[");
	refuses(buf_span(&b), b.len - 1, "nested too deeply");
	buf_release(&b);
}

static void
test_delete(void)
{
	deletes("{\"a\":1 , \"b\":2 , \"c\":3}", "a", "{\"b\":2 , \"c\":3}");
	deletes("{\"a\":1 , \"b\":2 , \"c\":3}", "b", "{\"a\":1 , \"c\":3}");
	deletes("{\"a\":1 , \"b\":2 , \"c\":3 }", "c", "{\"a\":1 , \"b\":2 }");
	deletes(" { \"a\" : [1, 2] } ", "a", " {  } ");
	deletes("{\"a\":1,\"b\":2,\"a\":3}", "a", "{\"b\":2}");
	deletes("{\"a\":1,\"a\":2, \"b\":3,\"a\":4}", "a", "{\"b\":3}");
	deletes("{\"a\":1,\"a\":2}", "a", "{}");
	deletes("{\"\\u0061\":1,\"b\":2}", "a", "{\"b\":2}");
	deletes("{\"a\":1}", "x", "{\"a\":1}");
	deletes("{}", "x", "{}");

	parse("{\"a\":1, \"b\":2, \"c\":3, \"d\":4}");
	entry_del(&en, "a");
	entry_del(&en, "c");
	writes("{\"b\":2, \"d\":4}");
	entry_del(&en, "d");
	writes("{\"b\":2}");
	entry_del(&en, "b");
	writes("{}");
	entry_set(&en, "e", SPAN("5"));
	writes("{\"e\":5}");
}

static void
test_set(void)
{
	sets("{}", "a", "1", "{\"a\":1}");
	sets(" { } ", "a", "1", " {\"a\":1 } ");
	sets("{ \"a\": 1 }", "b", "[2]", "{ \"a\": 1,\"b\":[2] }");
	sets("{ \"a\": 1 , \"b\":2}", "a", "\"x\"", "{ \"a\": \"x\" , \"b\":2}");
	sets("{\"a\":1,\"b\":2,\"a\":3}", "a", "4", "{\"a\":1,\"b\":2,\"a\":4}");
	sets("{\"\\u0061\":1}", "a", "2", "{\"\\u0061\":2}");
	sets("{\"a\":1}", "q\"\n\xc3\xa9", "2", "{\"a\":1,\"q\\\"\\n\xc3\xa9\":2}");

	parse("{\"a\":1,\"b\":2}");
	entry_set(&en, "c", SPAN("3"));
	entry_del(&en, "a");
	entry_set(&en, "b", SPAN("4"));
	writes("{\"b\":4,\"c\":3}");
	entry_set(&en, "a", SPAN("9"));
	entry_del(&en, "b");
	entry_set(&en, "c", SPAN("8"));
	writes("{\"a\":9,\"c\":8}");
	is_span(entry_get(&en, "a"), SPAN("1"), "edits are not seen by entry_get");
	parse("{\"a\":1}");
	writes("{\"a\":1}");
}

/* Bytes that are not looked at stay: odd numbers, escapes, white space. */
static void
test_untouched(void)
{
	sets("{\"n\":1.0 "
	     ",\"big\":12345678901234567890,\"e\":1e400,\"s\":\"\\u00e9\\/"
	     "\xc3\xa9\","
	     "\"lone\":\"\\ud800\",\"ls\":\"\xe2\x80\xa8\"}\r",
	    "big", "0",
	    "{\"n\":1.0 ,\"big\":0,\"e\":1e400,\"s\":\"\\u00e9\\/\xc3\xa9\","
	    "\"lone\":\"\\ud800\",\"ls\":\"\xe2\x80\xa8\"}\r");
}

/* As many edits as one likes. */
static void
test_many(void)
{
	static char names[100][8];
	struct buf want = BUF_INIT;

	parse("{\"a\":1}");
	buf_adds(&want, "{\"a\":1");
	for (int i = 0; i < 100; i++) {
		snprintf(names[i], sizeof names[i], "n%d", i);
		entry_set(&en, names[i], SPAN("0"));
		buf_addf(&want, ",\"n%d\":0", i);
	}
	buf_adds(&want, "}\n");
	buf_clear(&out);
	entry_write(&en, &out);
	is_span(buf_span(&out), buf_span(&want), "a hundred members added");
	buf_release(&want);
}

static void
add_space(struct buf *b, struct rng *r)
{
	static const char *const spaces[] = {"", "", "", " ", "  ", "\t", "\r"};

	buf_adds(b, spaces[rng_below(r, sizeof spaces / sizeof spaces[0])]);
}

static void
random_object(struct buf *b, struct rng *r)
{
	static const char *const values[] = {
	    "1", "\"\"", "{}", "[ 1,2]", "null", "\"a,}\\\"\"", "{\"x\":[{}]}"};
	size_t n = rng_below(r, 5);

	buf_clear(b);
	add_space(b, r);
	buf_addc(b, '{');
	add_space(b, r);
	for (size_t i = 0; i < n; i++) {
		if (i > 0) {
			buf_addc(b, ',');
			add_space(b, r);
		}
		buf_addf(b, "\"%c\"", (int)('a' + rng_below(r, 4)));
		add_space(b, r);
		buf_addc(b, ':');
		add_space(b, r);
		buf_adds(b, values[rng_below(r, sizeof values / sizeof values[0])]);
		add_space(b, r);
	}
	buf_addc(b, '}');
	add_space(b, r);
}

/* What is spliced into any object and out again leaves its bytes. */
static void
test_in_and_out(void)
{
	struct buf text = BUF_INIT, with = BUF_INIT;
	struct entry other = ENTRY_INIT;
	int wrong = 0;
	struct json_fault f;
	struct rng r;

	rng_seed(&r, 5);
	for (int i = 0; i < 20000; i++) {
		bool two = rng_below(&r, 2);

		random_object(&text, &r);
		wrong += entry_parse(&en, buf_span(&text), &f) != 0;
		entry_set(&en, "new\n", SPAN("[ 1 ]"));
		if (two)
			entry_set(&en, "more", SPAN("{}"));
		buf_clear(&with);
		entry_write(&en, &with);
		with.len--;
		wrong += entry_parse(&other, buf_span(&with), &f) != 0;
		wrong += !span_eq(entry_get(&other, "new\n"), SPAN("[ 1 ]"));
		entry_del(&other, "new\n");
		if (two)
			entry_del(&other, "more");
		buf_clear(&out);
		entry_write(&other, &out);
		out.len--;
		wrong += !span_eq(buf_span(&out), buf_span(&text));
	}
	is_int(wrong, 0, "in and out again");
	buf_release(&text);
	buf_release(&with);
	entry_release(&other);
}

/* Any edits of any object give an object with just those members. */
static void
test_random_edits(void)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	struct buf text = BUF_INIT, line = BUF_INIT;
	struct entry other = ENTRY_INIT;
	struct json_fault f;
	int wrong = 0;
	struct rng r;

	rng_seed(&r, 6);
	for (int i = 0; i < 20000; i++) {
		int done_to[5] = {0};

		random_object(&text, &r);
		entry_parse(&en, buf_span(&text), &f);
		for (size_t k = rng_below(&r, 4); k > 0; k--) {
			size_t which = rng_below(&r, 5);

			done_to[which] = 1 + (int)rng_below(&r, 2);
			if (done_to[which] == 1)
				entry_del(&en, names[which]);
			else
				entry_set(&en, names[which], SPAN("\"set\""));
		}
		buf_clear(&line);
		entry_write(&en, &line);
		line.len--;
		wrong += entry_parse(&other, buf_span(&line), &f) != 0;
		for (size_t k = 0; k < 5; k++) {
			struct span want = done_to[k] == 1 ? SPAN_NONE
					   : done_to[k] == 2
					       ? SPAN("\"set\"")
					       : entry_get(&en, names[k]);
			struct span got = entry_get(&other, names[k]);

			wrong += (got.p == NULL) != (want.p == NULL) ||
				 !span_eq(got, want);
		}
	}
	is_int(wrong, 0, "random edits");
	buf_release(&text);
	buf_release(&line);
	entry_release(&other);
}

int
main(void)
{
	en = ENTRY_INIT;
	test_parse();
	test_refuse();
	test_delete();
	test_set();
	test_untouched();
	test_many();
	test_in_and_out();
	test_random_edits();
	entry_release(&en);
	buf_release(&out);
	return done();
}
