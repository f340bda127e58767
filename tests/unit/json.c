#include "json/json.h"

#include "base/buf.h"
#include "base/mem.h"
#include "io/rng.h"
#include "tap.h"
#include "json/scan.h"

#include <dirent.h>

/* Which of the files that RFC 8259 leaves open are accepted; DECISIONS.md says why.
 */
static const struct {
	const char *name;
	bool accepted;
} decided[] = {
    {"i_number_double_huge_neg_exp.json", true},
    {"i_number_huge_exp.json", true},
    {"i_number_neg_int_huge_exp.json", true},
    {"i_number_pos_double_huge_exp.json", true},
    {"i_number_real_neg_overflow.json", true},
    {"i_number_real_underflow.json", true},
    {"i_number_too_big_neg_int.json", true},
    {"i_number_too_big_pos_int.json", true},
    {"i_number_very_big_negative_int.json", true},
    {"i_object_key_lone_2nd_surrogate.json", true},
    {"i_string_1st_valid_surrogate_2nd_invalid.json", true},
    {"i_string_UTF-16LE_with_BOM.json", false},
    {"i_string_UTF-8_invalid_sequence.json", false},
    {"i_string_UTF8_surrogate_U+D800.json", false},
    {"i_string_incomplete_surrogate_and_escape_valid.json", true},
    {"i_string_incomplete_surrogates_escape_valid.json", true},
    {"i_string_invalid_lonely_surrogate.json", true},
    {"i_string_invalid_surrogate.json", true},
    {"i_string_invalid_utf-8.json", false},
    {"i_string_inverted_surrogates_U+1D11E.json", true},
    {"i_string_lone_second_surrogate.json", true},
    {"i_string_lone_utf8_continuation_byte.json", false},
    {"i_string_not_in_unicode_range.json", false},
    {"i_string_overlong_sequence_2_bytes.json", false},
    {"i_string_overlong_sequence_6_bytes.json", false},
    {"i_string_truncated-utf-8.json", false},
    {"i_string_utf16BE_no_BOM.json", false},
    {"i_string_utf16LE_no_BOM.json", false},
    {"i_structure_500_nested_arrays.json", true},
    {"i_structure_UTF-8_BOM_empty_object.json", false},
};
#define DECIDED (sizeof decided / sizeof decided[0])

static bool
is_to_be_accepted(const char *name)
{
	for (size_t i = 0; i < DECIDED; i++)
		if (strcmp(name, decided[i].name) == 0)
			return decided[i].accepted;
	return name[0] == 'y';
}

/* A text in memory of exactly its size, so that reading past it is noticed. */
static struct span
exact(const char *p, size_t n)
{
	return span_of(mem_dup(p, n), n);
}

static void
release(struct span s)
{
	union {
		const char *in;
		void *out;
	} p = {s.p};

	free(p.out);
}

static bool
read_file(const char *dir, const char *name, struct buf *b)
{
	char path[512];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	if ((f = fopen(path, "r")) == NULL)
		return false;
	buf_clear(b);
	while ((n = fread(buf_room(b, 65536), 1, 65536, f)) > 0)
		b->len += n;
	fclose(f);
	return true;
}

/* The result and the fault are the same whatever does the scanning. */
static bool
checks_alike(struct span text, int *result)
{
	struct json_fault first = {0, NULL}, f = {0, NULL};
	const struct scan *s;

	for (size_t i = 0; (s = scan_choice(i)) != NULL; i++) {
		int r;

		scan_use(s);
		f = (struct json_fault){0, NULL};
		r = json_check(text, &f);
		if (i == 0) {
			*result = r;
			first = f;
		} else if (r != *result || f.at != first.at ||
			   f.what != first.what) {
			return false;
		}
	}
	scan_use(scan_choice(0));
	return f.at <= text.n && (*result == 0) == (f.what == NULL);
}

static int
mutate_and_check(struct span text, struct rng *r, int times)
{
	static const char bytes[] =
	    "\"\\[]{},:0-9.eEtfn \x00\x1f\x80\xc3\xe2\xed\xf0\xff";
	char *copy = mem_dup(text.p, text.n);
	int wrong = 0, result;

	for (int i = 0; i < times && text.n > 0; i++) {
		copy[rng_below(r, text.n)] = bytes[rng_below(r, sizeof bytes - 1)];
		wrong += !checks_alike(span_of(copy, text.n), &result);
	}
	free(copy);
	return wrong;
}

static void
test_suite(void)
{
	const char *dir = "tests/data/json-parsing";
	struct buf b = BUF_INIT;
	int files = 0, open = 0, wrong = 0, result = 0;
	struct dirent *e;
	struct rng r;
	DIR *d = opendir(dir);

	rng_seed(&r, 3);
	while (d != NULL && (e = readdir(d)) != NULL) {
		struct span text;

		if (strstr(e->d_name, ".json") == NULL ||
		    !read_file(dir, e->d_name, &b))
			continue;
		files++;
		open += e->d_name[0] == 'i';
		text = exact(b.data, b.len);
		if (!checks_alike(text, &result))
			ok(false, "%s: the implementations differ", e->d_name);
		if ((result == 0) != is_to_be_accepted(e->d_name))
			ok(false, "%s: result %d", e->d_name, result);
		if (b.len < 10000)
			wrong += mutate_and_check(text, &r, 200);
		release(text);
	}
	if (d != NULL)
		closedir(d);
	ok(files == 265 && open == (int)DECIDED,
	    "parsing suite: %d files, %d of them ours to decide", files, open);
	is_int(wrong, 0, "mutated files: the implementations agree");
	buf_release(&b);
}

static void
test_faults(void)
{
	static const struct {
		const char *text;
		size_t at;
		const char *what;
	} cases[] = {
	    {"", 0, "unexpected end"},
	    {"  ", 2, "unexpected end"},
	    {"[", 1, "unexpected end"},
	    {"[1", 2, "unexpected end"},
	    {"[1,", 3, "unexpected end"},
	    {"[1,]", 3, "unexpected character"},
	    {"[1 2]", 3, "unexpected character"},
	    {"[1}", 2, "unexpected character"},
	    {"{\"a\"]", 4, "unexpected character"},
	    {"{\"a\":1]", 6, "unexpected character"},
	    {"[{\"a\":1},{\"b\":[2}]", 16, "unexpected character"},
	    {"{a:1}", 1, "unexpected character"},
	    {"{\"a\":1,}", 7, "unexpected character"},
	    {"{\"a\" 1}", 5, "unexpected character"},
	    {"nulx", 3, "unexpected character"},
	    {"nul", 3, "unexpected end"},
	    {"tru e", 3, "unexpected character"},
	    {"truex", 4, "unexpected character after the value"},
	    {"1 2", 2, "unexpected character after the value"},
	    {"01", 1, "unexpected character after the value"},
	    {"-", 1, "unexpected end"},
	    {"-a", 1, "unexpected character"},
	    {"1.", 2, "unexpected end"},
	    {"[1.]", 3, "unexpected character"},
	    {"[1e+]", 4, "unexpected character"},
	    {"+1", 0, "unexpected character"},
	    {"\"abc", 4, "unexpected end"},
	    {"\"a\nc\"", 2, "control character in a string"},
	    {"\"a\\xc\"", 3, "invalid escape in a string"},
	    {"\"a\\u12g4\"", 6, "invalid escape in a string"},
	    {"\"a\\u12\"", 6, "invalid escape in a string"},
	    {"\"a\\", 3, "unexpected end"},
	    {"\"a\\u1", 5, "unexpected end"},
	    {"\"ab\xc3\"", 3, "invalid UTF-8"},
	    {"\"\xc3\xa9\xe2\x82\"", 3, "invalid UTF-8"},
	    {"\"\xed\xa0\x80\"", 1, "invalid UTF-8"},
	    {"{\"\xff\":1}", 2, "invalid UTF-8"},
	    {"\"0123456789012345678901234567890123456789\xc3\xa9\xc3\"", 43,
		"invalid UTF-8"},
	    {"\"0123456789012345678901234567890123456789\\n\x01\"", 43,
		"control character in a string"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct json_fault f = {99, ""};
		struct span text = exact(cases[i].text, strlen(cases[i].text));
		bool good = json_check(text, &f) == -1 && f.at == cases[i].at &&
			    strcmp(f.what, cases[i].what) == 0;

		if (!ok(good, "fault %zu at byte %zu", i, cases[i].at))
			printf("# %s: %s at %zu\n", cases[i].text, f.what, f.at);
		release(text);
	}
}

static void
nest(struct buf *b, const char *open, const char *close, size_t depth)
{
	buf_clear(b);
	for (size_t i = 0; i < depth; i++)
		buf_adds(b, open);
	buf_addc(b, '0');
	for (size_t i = 0; i < depth; i++)
		buf_adds(b, close);
}

static void
test_depth(void)
{
	struct buf b = BUF_INIT, out = BUF_INIT;
	struct json_fault f;

	nest(&b, "[", "]", JSON_DEPTH_MAX);
	ok(json_check(buf_span(&b), &f) == 0, "%d levels are accepted",
	    JSON_DEPTH_MAX);
	json_canon(&out, buf_span(&b));
	ok(span_eq(buf_span(&out), buf_span(&b)), "and have a canonical form");
	buf_clear(&out);
	json_compact(&out, buf_span(&b));
	ok(span_eq(buf_span(&out), buf_span(&b)), "and a compact one");
	nest(&b, "[", "]", JSON_DEPTH_MAX + 1);
	ok(json_check(buf_span(&b), &f) == -1 && f.at == JSON_DEPTH_MAX &&
		strcmp(f.what, "nested too deeply") == 0,
	    "one more is refused where it opens");
	nest(&b, "{\"a\":", "}", JSON_DEPTH_MAX);
	ok(json_check(buf_span(&b), &f) == 0, "the same for objects");
	buf_clear(&out);
	json_canon(&out, buf_span(&b));
	ok(span_eq(buf_span(&out), buf_span(&b)), "and their canonical form");
	nest(&b, "{\"a\":[", "]}", 100000);
	ok(json_check(buf_span(&b), &f) == -1 && f.at == JSON_DEPTH_MAX / 2 * 6,
	    "200,000 levels are refused");
	buf_release(&b);
	buf_release(&out);
}

static void
test_next(void)
{
	static const char stream[] = " {\"a\":1}[2]\"x\"null 3\n-4.5e1 ";
	static const size_t ends[] = {8, 11, 14, 18, 20, 27};
	struct span rest = span_str(stream);
	struct json_fault f;
	size_t used, n = 0, at = 0;

	while (json_check_next(rest, &used, &f) == 0) {
		at += used;
		ok(n < 6 && at == ends[n], "value %zu of a stream ends at %zu", n,
		    at);
		n++;
		rest = span_of(rest.p + used, rest.n - used);
	}
	ok(n == 6 && json_check_next(rest, &used, &f) == 1 && used == 1,
	    "then only white space is left");
	ok(json_check_next(SPAN(" 01"), &used, &f) == -1 && f.at == 2,
	    "01 is not two values");
	ok(json_check_next(SPAN("1-2"), &used, &f) == -1 && f.at == 1,
	    "nor is 1-2");
	ok(json_check_next(SPAN("truefalse"), &used, &f) == -1 && f.at == 4,
	    "nor truefalse");
	ok(json_check_next(SPAN("{} ]"), &used, &f) == 0 && used == 2,
	    "what follows a value is not looked at");
}

static void
test_iterate(void)
{
	struct span picked[2], v = SPAN("{ \"a\" : 1 , \"b\":[ ] ,\"c\\n\": "
					"{\"d\":\"]}\\\"\"}, \"e\":-1.5e3 , "
					"\"a\":\" x \"}");
	struct json_iter it = json_iter(v);
	struct json_member m;

	json_next(&it, &m);
	is_span(m.key, SPAN("a"), "first key");
	is_span(m.value, SPAN("1"), "first value");
	json_next(&it, &m);
	is_span(m.value, SPAN("[ ]"), "second value");
	json_next(&it, &m);
	is_span(m.key, SPAN("c\\n"), "a key as written");
	ok(json_key_is(m.key, SPAN("c\n")), "which means this name");
	ok(!json_key_is(m.key, SPAN("c\\n")), "and not its own letters");
	is_span(m.value, SPAN("{\"d\":\"]}\\\"\"}"), "brackets in a string");
	json_next(&it, &m);
	is_span(m.value, SPAN("-1.5e3"), "a number");
	ok(json_next(&it, &m) && !json_next(&it, &m) && !json_next(&it, &m),
	    "ends and stays ended");
	is_int((long long)json_count(v), 5, "count");
	is_span(json_get(v, "a"), SPAN("\" x \""), "of duplicates the last");
	ok(json_get(v, "d").p == NULL, "no such member");
	json_pick(v, (const struct span[]){SPAN("d"), SPAN("a")}, picked, 2);
	ok(picked[0].p == NULL, "picked together: none");
	is_span(picked[1], json_get(v, "a"), "picked together: the last");
	json_pick(SPAN("[\"a\"]"), (const struct span[]){SPAN("a")}, picked, 1);
	ok(picked[0].p == NULL, "picked together: not from an array");
	ok(json_get(SPAN("[1]"), "a").p == NULL, "no members in an array");

	v = SPAN("[ [1,[2]] , \"a\" ,null,{} ]");
	is_span(json_at(v, 0), SPAN("[1,[2]]"), "element 0");
	is_span(json_at(v, 1), SPAN("\"a\""), "element 1");
	is_span(json_at(v, 3), SPAN("{}"), "element 3");
	ok(json_at(v, 4).p == NULL, "no element 4");
	is_int((long long)json_count(v), 4, "count of elements");
	is_int((long long)json_count(SPAN("[ ]")), 0, "of none");
	is_int((long long)json_count(SPAN("12")), 0, "of a number");
	ok(json_is_empty(SPAN("[ ]")) && json_is_empty(SPAN("{}")) &&
		!json_is_empty(SPAN("[ 0 ]")) && !json_is_empty(SPAN("{\"\":[]}")),
	    "what is empty");
}

static void
test_types(void)
{
	ok(json_type(SPAN("null")) == JSON_NULL &&
		json_type(SPAN("true")) == JSON_TRUE &&
		json_type(SPAN("false")) == JSON_FALSE &&
		json_type(SPAN("-1")) == JSON_NUMBER &&
		json_type(SPAN("\"\"")) == JSON_STRING &&
		json_type(SPAN("[]")) == JSON_ARRAY &&
		json_type(SPAN("{}")) == JSON_OBJECT,
	    "types");
	is_str(json_type_name(JSON_TRUE), "boolean", "a type's name");
}

static void
unescapes(const char *raw, struct span want, size_t lone)
{
	struct buf b = BUF_INIT;
	struct span in = exact(raw, strlen(raw));
	size_t n;

	buf_adds(&b, "<");
	n = json_unescape(&b, in);
	is_span(span_of(b.data + 1, b.len - 1), want, raw);
	ok(n == lone, "with %zu lone surrogates", lone);
	release(in);
	buf_release(&b);
}

static void
test_unescape(void)
{
	unescapes("", SPAN(""), 0);
	unescapes("plain", SPAN("plain"), 0);
	unescapes("\\\"\\\\\\/\\b\\f\\n\\r\\t", SPAN("\"\\/\b\f\n\r\t"), 0);
	unescapes("\\u0000", SPAN("\0"), 0);
	unescapes("a\\u00e9b\\u20AC",
	    SPAN("a\xc3\xa9"
		 "b\xe2\x82\xac"),
	    0);
	unescapes("\\ud83d\\ude00!", SPAN("\xf0\x9f\x98\x80!"), 0);
	unescapes("\\uDBFF\\uDFFF", SPAN("\xf4\x8f\xbf\xbf"), 0);
	unescapes("\\ud800", SPAN("\xef\xbf\xbd"), 1);
	unescapes("\\udc00x", SPAN("\xef\xbf\xbdx"), 1);
	unescapes("\\ud800\\n", SPAN("\xef\xbf\xbd\n"), 1);
	unescapes("\\ud800\\ud83d\\ude00", SPAN("\xef\xbf\xbd\xf0\x9f\x98\x80"), 1);
	unescapes("\\ude00\\ud83d", SPAN("\xef\xbf\xbd\xef\xbf\xbd"), 2);
	unescapes("\\ud83d\\u0041",
	    SPAN("\xef\xbf\xbd"
		 "A"),
	    1);
	unescapes("\\uffff\\ufeff", SPAN("\xef\xbf\xbf\xef\xbb\xbf"), 0);
}

static void
escapes(struct span text, const char *want)
{
	struct buf b = BUF_INIT;
	struct span in = exact(text.p, text.n);

	json_escape(&b, in);
	is_span(buf_span(&b), span_str(want), want);
	release(in);
	buf_release(&b);
}

static void
test_escape(void)
{
	escapes(SPAN(""), "");
	escapes(SPAN("\"\\/\b\f\n\r\t\x7f"), "\\\"\\\\/\\b\\f\\n\\r\\t\x7f");
	escapes(SPAN("a\0b\x1f\x0b"), "a\\u0000b\\u001f\\u000b");
	escapes(SPAN("\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80"),
	    "\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80");
	escapes(SPAN("a\xff"
		     "b\xc3"),
	    "a\xef\xbf\xbd"
	    "b\xef\xbf\xbd");
	escapes(SPAN("\xe2\x82|\xf0\x9f\x98|\xed\xa0\x80|\xc0\xaf"),
	    "\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|"
	    "\xef\xbf\xbd\xef\xbf\xbd");
}

static void
test_round_trip(void)
{
	struct buf b = BUF_INIT, back = BUF_INIT;
	struct json_fault f;
	struct span text;
	char in[100];
	int wrong = 0;
	struct rng r;

	rng_seed(&r, 4);
	for (int i = 0; i < 5000; i++) {
		size_t n = rng_below(&r, sizeof in);

		for (size_t k = 0; k < n; k++)
			in[k] = (char)rng_below(&r, rng_below(&r, 2) ? 128 : 36);
		buf_clear(&b);
		json_add_string(&b, span_of(in, n));
		wrong += json_check(buf_span(&b), &f) != 0 ||
			 !json_text(buf_span(&b), &back, &text) ||
			 !span_eq(text, span_of(in, n));
	}
	is_int(wrong, 0, "escaped text checks, and unescapes to what it was");
	buf_release(&b);
	buf_release(&back);
}

static void
test_text(void)
{
	struct buf scratch = BUF_INIT;
	struct span v = SPAN("\"plain\""), text;

	buf_adds(&scratch, "old");
	ok(json_text(v, &scratch, &text) && text.p == v.p + 1 && text.n == 5,
	    "text without escapes is borrowed");
	ok(json_text(SPAN("\"a\\tb\""), &scratch, &text) &&
		span_eq(text, SPAN("a\tb")),
	    "other text is in scratch");
	ok(!json_text(SPAN("12"), &scratch, &text), "a number is no text");
	ok(json_is(SPAN("\"a\\u0062\""), "ab") && !json_is(SPAN("\"ab\""), "a") &&
		!json_is(SPAN("12"), "12"),
	    "json_is");
	buf_release(&scratch);
}

static void
test_numbers(void)
{
	int64_t i = 7;
	double d = 7;

	ok(json_i64(SPAN("-9223372036854775808"), &i) == true && i == INT64_MIN,
	    "the least integer");
	ok(json_i64(SPAN("-0"), &i) && i == 0, "-0");
	i = 7;
	ok(!json_i64(SPAN("9223372036854775808"), &i) && i == 7, "out of range");
	ok(!json_i64(SPAN("1.0"), &i) && !json_i64(SPAN("1e2"), &i) &&
		!json_i64(SPAN("\"1\""), &i) && !json_i64(SPAN("null"), &i) &&
		i == 7,
	    "no integer literals");
	ok(json_double(SPAN("-1.5e3"), &d) && d == -1500, "a double");
	ok(!json_double(SPAN("\"1\""), &d) && d == -1500, "a string is none");
}

static void
test_compact(void)
{
	struct buf b = BUF_INIT;

	json_compact(&b,
	    SPAN(" [ 1 ,\t{ \"a b\" :\n\" \\\" \" , \"c\":[ ] } ,1.0\r, -0 ] "));
	is_span(buf_span(&b), SPAN("[1,{\"a b\":\" \\\" \",\"c\":[]},1.0,-0]"),
	    "white space goes, but not in strings");
	buf_release(&b);
}

int
main(void)
{
	test_suite();
	test_faults();
	test_depth();
	test_next();
	test_iterate();
	test_types();
	test_unescape();
	test_escape();
	test_round_trip();
	test_text();
	test_numbers();
	test_compact();
	return done();
}
