#include "schema/schema.h"

#include "schema/decimal.h"
#include "schema/ecma.h"
#include "schema/uri.h"
#include "tap.h"
#include "json/json.h"

static struct schema_options options;

/* "valid", or what is reported, or why that cannot be told. */
static const char *
verdict(struct span schema, struct span value)
{
	static struct buf out;
	struct err e = ERR_INIT;
	struct json_fault f;
	struct schema *s = schema_compile(schema, &options, &e);
	int rc = s == NULL ? -2 : schema_check(s, value, &e);

	buf_clear(&out);
	if (json_check(value, &f) != 0)
		buf_addf(&out, "not JSON at %zu: %s", f.at, f.what);
	else if (rc < 0)
		buf_addf(&out, "%s: %s", rc == -2 ? "no schema" : "cannot", e.text);
	else if (rc == 1)
		buf_adds(&out, "valid");
	else
		schema_report(s, &out);
	if (rc == 0 && out.len > 0)
		out.len--;
	schema_free(s);
	return buf_cstr(&out);
}

static void
says(const char *schema, const char *value, const char *want)
{
	char what[200];

	snprintf(what, sizeof(what), "%s: %s", schema, value);
	is_str(verdict(span_str(schema), span_str(value)), want, what);
}

static void
fits(const char *schema, const char *value)
{
	says(schema, value, "valid");
}

/* Only whether. */
static void
fails(const char *schema, const char *value)
{
	const char *got = verdict(span_str(schema), span_str(value));

	if (!ok(*got == '(' || *got == '/', "%s: not %s", schema, value))
		printf("# got  '%s'\n", got);
}

/* ---- numbers ---- */

static void
test_decimals(void)
{
	static const char *const ascending[] = {"-1e400", "-12345678901234567891",
	    "-12345678901234567890", "-1.5", "-1", "-1e-400", "0", "1e-400", "0.1",
	    "0.10000000000000000001", "0.3", "1", "1.00000000000000000001", "9",
	    "10", "12345678901234567890", "12345678901234567890.5",
	    "12345678901234567891", "1e400", "1.1e400", "1e401"};
	size_t n = sizeof(ascending) / sizeof(*ascending);
	struct decimal a, b;
	bool good = true;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			int want = i < j ? -1 : i > j;
			int got;

			decimal_parse(&a, span_str(ascending[i]));
			decimal_parse(&b, span_str(ascending[j]));
			got = decimal_compare(&a, &b);
			if ((got > 0) - (got < 0) == want)
				continue;
			printf("# %s, %s\n", ascending[i], ascending[j]);
			good = false;
		}
	ok(good, "numbers of any size are in order");
}

static void
test_equal(void)
{
	static const char *const same[][2] = {{"0", "-0.0e9"}, {"1", "1.000"},
	    {"100", "1e2"}, {"1200", "0.12e4"}, {"0.001", "1e-3"},
	    {"0.00120", "12E-4"},
	    {"1e99999999999999999999", "1e999999999999999999999"}};
	struct decimal a, b;

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		decimal_parse(&a, span_str(same[i][0]));
		decimal_parse(&b, span_str(same[i][1]));
		ok(decimal_compare(&a, &b) == 0 &&
			decimal_hash(&a) == decimal_hash(&b),
		    "%s is %s", same[i][0], same[i][1]);
	}
}

static void
test_multiples(void)
{
	static const struct {
		const char *number, *of;
		int want;
	} all[] = {
	    {"0.3", "0.1", 1},
	    {"1.1", "0.1", 1},
	    {"4.35", "0.01", 1},
	    {"0.35", "0.1", 0},
	    {"1e400", "0.1", 1},
	    {"1e400", "3", 0},
	    {"3e400", "3", 1},
	    {"1e100000000", "0.123456789", 0},
	    {"1e-400", "1", 0},
	    {"12345678901234567890", "10", 1},
	    {"12345678901234567891", "10", 0},
	    {"0", "12345678901234567890123", 1},
	    {"-24691357802469135780246", "12345678901234567890123", 1},
	    {"24691357802469135780247", "12345678901234567890123", 0},
	    {"1e17", "999999999999999999", 0},
	    {"999999999999999998000000000000000001", "999999999999999999", 1},
	    {"999999999999999999998000000000000000000001", "999999999999999999999",
		1},
	    {"999999999999999999998000000000000000000002", "999999999999999999999",
		0},
	    {"123456789012345678901.5", "1.5", 1},
	    {"1e20000", "1234567890123456789012345", -1},
	};
	struct decimal a, b;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		decimal_parse(&a, span_str(all[i].number));
		decimal_parse(&b, span_str(all[i].of));
		is_int(decimal_is_multiple(&a, &b), all[i].want, all[i].number);
	}
}

static void
test_numbers(void)
{
	fits("{\"type\":\"integer\"}", "1.0");
	fits("{\"type\":\"integer\"}", "1e400");
	fits("{\"type\":\"integer\"}", "-120e-1");
	fails("{\"type\":\"integer\"}", "12345678901234567890.5");
	fits("{\"maximum\":12345678901234567890}", "12345678901234567890");
	says("{\"maximum\":12345678901234567890}", "12345678901234567891",
	    "(root): must be at most 12345678901234567890 (maximum), is "
	    "12345678901234567891");
	fails("{\"enum\":[9007199254740993]}", "9007199254740992");
	fits("{\"enum\":[1,100]}", "1e2");
	fits("{\"const\":{\"a\":[1.0]}}", "{\"a\":[1]}");
	fails("{\"uniqueItems\":true}", "[1,2,1.0]");
	fits("{\"uniqueItems\":true}", "[0.1,0.10000000000000000001]");
	fits("{\"multipleOf\":0.01}", "19.99");
	says("{\"multipleOf\":1234567890123456789012345}", "1e20000",
	    "cannot: a number is too long to be divided");
	fits("{\"minLength\":2.0,\"maxLength\":1e400}", "\"ab\"");
}

/* ---- what is reported ---- */

#define PRICES                                                                     \
	"{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":" \
	"{\"type\":\"array\",\"items\":{\"properties\":{\"price\":{\"type\":"      \
	"\"number\",\"minimum\":0}},\"required\":[\"price\"]}}}}"

static void
test_messages(void)
{
	says(PRICES,
	    "{\"items\":[{\"price\":1},{\"price\":-1},{\"price\":\"x\"},{}]}",
	    "/items/1/price: must be at least 0 (minimum), is -1\n"
	    "/items/2/price: must be number (type), is \"x\"\n"
	    "/items/3: must have \"price\" (required)");
	says(PRICES, "[]", "(root): must be object (type), is an empty array");
	says("{\"type\":[\"null\",\"string\",\"integer\"]}", "1.5",
	    "(root): must be string, integer or null (type), is 1.5");
	says("{\"enum\":[\"a\",1,{\"b\":[2]}]}", "\"c\"",
	    "(root): must be one of \"a\", 1, {\"b\":[2]} (enum), is \"c\"");
	says("{\"const\":\"a\\n\"}", "\"\\u0061\"",
	    "(root): must be \"a\\n\" (const), is \"a\"");
	says("{\"exclusiveMinimum\":1}", "1",
	    "(root): must be more than 1 (exclusiveMinimum), is 1");
	says("{\"exclusiveMaximum\":1}", "1",
	    "(root): must be less than 1 (exclusiveMaximum), is 1");
	says("{\"multipleOf\":0.1}", "0.25",
	    "(root): must be a multiple of 0.1 (multipleOf), is 0.25");
	says("{\"minLength\":3}", "\"\\ud83d\\ude00\303\244\"",
	    "(root): must have at least 3 characters (minLength), has 2: "
	    "\"\360\237\230\200\303\244\"");
	says("{\"maxItems\":1}", "[1,2]",
	    "(root): must have at most 1 item (maxItems), has 2");
	says("{\"minProperties\":1}", "{}",
	    "(root): must have at least 1 member (minProperties), has 0");
	says("{\"pattern\":\"^a\"}", "\"b\"",
	    "(root): must match the pattern ^a (pattern), is \"b\"");
	says("{\"additionalProperties\":{\"pattern\":\"\\u001b\\n\"}}",
	    "{\"a\\n\\u0007\":\"\\u001b\"}",
	    "/a \\x07: must match the pattern \\x1b  (pattern), is \"\\u001b\"");
	says("{\"uniqueItems\":true}", "[1,2,1]",
	    "(root): must not have equal items (uniqueItems), 0 and 2 are");
	says("{\"contains\":{\"const\":1},\"minContains\":2}", "[1,3]",
	    "(root): must have at least 2 items that match (minContains), has 1");
	says("{\"contains\":{\"const\":1},\"maxContains\":1}", "[1,1]",
	    "(root): must have at most 1 item that matches (maxContains), has 2");
	says("{\"contains\":true}", "[]",
	    "(root): must have at least 1 item that matches (contains), has 0");
	says("{\"not\":{\"type\":\"string\"}}", "\"a\"",
	    "(root): must not match the schema (not), is \"a\"");
	says("false", "1", "(root): is not allowed (false)");
	says("{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}",
	    "(root): must have \"b\" (dependentRequired), as it has \"a\"");
	says("{\"unevaluatedItems\":false,\"prefixItems\":[true]}", "[1,2]",
	    "/1: is not allowed (unevaluatedItems)");
}

static void
test_names(void)
{
	says("{\"properties\":{\"a/"
	     "b~\":{\"const\":1}},\"additionalProperties\":false}",
	    "{\"c\":1,\"a/b~\":2}",
	    "/c: is not allowed (additionalProperties)\n"
	    "/a~1b~0: must be 1 (const), is 2");
	says("{\"propertyNames\":{\"maxLength\":2}}", "{\"abc\":1}",
	    "/abc: its name must have at most 2 characters (maxLength), has 3: "
	    "\"abc\"");
	fits("{\"properties\":{\"a\":{\"type\":\"string\"}},"
	     "\"additionalProperties\":false}",
	    "{\"\\u0061\":\"x\"}");
	fits("{\"properties\":{\"a\":{\"type\":\"string\"}}}",
	    "{\"a\":1,\"a\":\"x\"}");
	options.refuse_duplicates = true;
	says("true", "{\"b\":{\"a\":1,\"c\":2,\"\\u0061\":1}}",
	    "/b/a: must not be there a second time");
	fits("true", "{\"b\":{\"a\":1},\"c\":{\"a\":1}}");
	options.refuse_duplicates = false;
}

static void
test_closest(void)
{
	static const char shapes[] =
	    "{\"oneOf\":[{\"properties\":{\"kind\":{\"const\":\"circle\"},\"r\":{"
	    "\"type\":\"number\"}},\"required\":[\"r\"]},{\"properties\":{\"kind\":"
	    "{\"const\":\"square\"},\"a\":{\"type\":\"number\"}},\"required\":["
	    "\"a\",\"b\"]}]}";

	says(shapes, "{\"kind\":\"square\",\"a\":\"1\"}",
	    "(root): must match exactly one of 2 schemas (oneOf), comes closest to "
	    "number 2\n"
	    "(root): must have \"b\" (required)\n"
	    "/a: must be number (type), is \"1\"");
	says("{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "3",
	    "(root): must be string or null (anyOf), is 3");
	says("{\"oneOf\":[{\"minimum\":1},{\"minimum\":5},{\"minimum\":2}]}", "3",
	    "(root): must match exactly one of 3 schemas (oneOf), matches numbers "
	    "1 "
	    "and 3");
	fits("{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":1}]}", "3");
}

static void
test_bounds(void)
{
	struct buf value = BUF_INIT;
	struct err e = ERR_INIT;
	struct schema *s = schema_compile(
	    SPAN("{\"items\":{\"type\":\"string\"}}"), NULL, &e);
	struct schema_error error;

	buf_addc(&value, '[');
	for (int i = 0; i < 5000; i++)
		buf_adds(&value, i == 0 ? "1" : ",1");
	buf_addc(&value, ']');
	is_int(schema_check(s, buf_span(&value), &e), 0, "five thousand errors");
	ok(schema_errors(s) == SCHEMA_ERRORS_DEFAULT &&
		schema_unsaid(s) == 5000 - SCHEMA_ERRORS_DEFAULT,
	    "twenty are told");
	schema_error(s, 3, &error);
	is_span(error.instance, SPAN("/3"), "an error's place");
	is_span(error.schema, SPAN("#/items/type"), "the schema's");
	is_span(error.keyword, SPAN("type"), "its keyword");
	is_int(schema_check(s, SPAN("[]"), &e), 1, "the next value begins anew");
	is_int((long long)schema_errors(s), 0, "without errors");
	schema_free(s);
	buf_release(&value);
	schema_free(NULL);
}

/* ---- schemas that are none ---- */

static void
test_refused(void)
{
	says("{", "1", "no schema: #: not JSON: byte 2: unexpected end");
	says("3", "1", "no schema: #: a schema must be an object, true or false");
	says("{\"properties\":{\"a\":{\"minimum\":\"1\"}}}", "1",
	    "no schema: #/properties/a/minimum: must be a number");
	says("{\"type\":\"int\"}", "1",
	    "no schema: #/type: must be null, boolean, object, array, number, "
	    "string or integer, or an array of these");
	says("{\"allOf\":[]}", "1",
	    "no schema: #/allOf: must have at least one schema");
	says("{\"multipleOf\":0.0}", "1",
	    "no schema: #/multipleOf: must be more than 0");
	says("{\"minLength\":-1}", "1",
	    "no schema: #/minLength: must be a whole number, 0 or more");
	says("{\"$ref\":\"#/$defs/a\"}", "1",
	    "no schema: #/$ref: #/$defs/a: nothing is there");
	says("{\"$ref\":\"#a\"}", "1",
	    "no schema: #/$ref: #a: nothing has that anchor");
	says("{\"$ref\":\"http://example.com/a\"}", "1",
	    "no schema: #/$ref: no document http://example.com/a: none is ever "
	    "fetched");
	says("{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}", "1",
	    "no schema: #/$schema: the dialect "
	    "http://json-schema.org/draft-07/schema is not known: use "
	    "https://json-schema.org/draft/2020-12/schema");
	says("{\"pattern\":\"a(\"}", "1",
	    "no schema: #/pattern: at byte 3: missing closing parenthesis");
	says("{\"$defs\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$anchor\":\"x\"}}}",
	    "1", "no schema: #/$defs/b/$anchor: another schema has this anchor");
	says("{\"$defs\":{\"a\":{\"$id\":\"x\"},\"b\":{\"$id\":\"x\"}}}", "1",
	    "no schema: #/$defs/b/$id: another schema has this $id");
	fits("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema#\","
	     "\"unknown\":{\"type\":3}}",
	    "1");
}

static void
test_documents(void)
{
	static const struct schema_document documents[] = {
	    {SPAN_INIT("https://example.com/a/b"),
		SPAN_INIT("{\"$id\":\"c\",\"$defs\":{\"n\":{\"type\":\"null\"}}}")},
	    {SPAN_INIT("https://example.com/broken"), SPAN_INIT("{")},
	    {SPAN_INIT("https://example.com/meta"),
		SPAN_INIT("{\"$vocabulary\":{\"https://example.com/x\":true}}")},
	};

	options.documents = documents;
	options.ndocuments = sizeof(documents) / sizeof(*documents);
	fits("{\"$ref\":\"https://example.com/a/b#/$defs/n\"}", "null");
	says("{\"$ref\":\"https://example.com/a/c#/$defs/n\"}", "1",
	    "(root): must be null (type), is 1");
	says("{\"$ref\":\"https://example.com/broken\"}", "1",
	    "no schema: https://example.com/broken#: not JSON: byte 2: unexpected "
	    "end");
	says("{\"$schema\":\"https://example.com/meta\"}", "1",
	    "no schema: https://example.com/meta#/$vocabulary/https:~1~1example."
	    "com~1x: a vocabulary that is not known");
	options.base = SPAN("https://example.com/a/z");
	fits("{\"$ref\":\"b#/$defs/n\"}", "null");
	options = (struct schema_options){0};
	fails("{\"$ref\":\"https://json-schema.org/draft/2020-12/schema\"}",
	    "{\"properties\":{\"a\":{\"type\":3}}}");
	fits("{\"$ref\":\"https://json-schema.org/draft/2020-12/schema\"}", PRICES);
}

/* ---- references ---- */

/* RFC 3986, section 5.4. */
static void
test_uris(void)
{
	static const char *const all[][2] = {{"g:h", "g:h"},
	    {"g", "http://a/b/c/g"}, {"./g", "http://a/b/c/g"},
	    {"g/", "http://a/b/c/g/"}, {"/g", "http://a/g"}, {"//g", "http://g"},
	    {"?y", "http://a/b/c/d;p?y"}, {"g?y", "http://a/b/c/g?y"},
	    {"#s", "http://a/b/c/d;p?q"}, {"g;x?y#s", "http://a/b/c/g;x?y"},
	    {"", "http://a/b/c/d;p?q"}, {".", "http://a/b/c/"},
	    {"./", "http://a/b/c/"}, {"..", "http://a/b/"}, {"../", "http://a/b/"},
	    {"../g", "http://a/b/g"}, {"../..", "http://a/"},
	    {"../../g", "http://a/g"}, {"../../../g", "http://a/g"},
	    {"/./g", "http://a/g"}, {"/../g", "http://a/g"},
	    {"g.", "http://a/b/c/g."}, {"..g", "http://a/b/c/..g"},
	    {"./g/.", "http://a/b/c/g/"}, {"g/./h", "http://a/b/c/g/h"},
	    {"g/../h", "http://a/b/c/h"}, {"g;x=1/../y", "http://a/b/c/y"},
	    {"g?y/../x", "http://a/b/c/g?y/../x"}, {"http:g", "http:g"}};
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		buf_clear(&out);
		uri_resolve(&out, SPAN("http://a/b/c/d;p?q"), span_str(all[i][0]));
		is_span(buf_span(&out), span_str(all[i][1]), all[i][0]);
	}
	buf_release(&out);
}

/* ---- patterns ---- */

static void
matches(const char *pattern, const char *text, int want)
{
	struct err e = ERR_INIT;
	struct regex *r = ecma_regex(span_str(pattern), &e);
	int rc = r == NULL ? -2 : regex_find(r, span_str(text), &e);

	if (!ok(rc == want, "/%s/ %s %s", pattern,
		want == 1 ? "matches" : "does not match", text))
		printf("# got  %d %s\n", rc, e.text);
	regex_free(r);
}

static void
test_patterns(void)
{
	matches("b", "abc", 1);
	matches("^b", "abc", 0);
	matches("c$", "abc", 1);
	matches("c$", "abc\n", 0);
	matches("^\\d$", "\331\243", 0);
	matches("^\\w$", "\303\244", 0);
	matches("^\\s$", "\342\200\250", 1);
	matches("^\\S$", "\342\200\250", 0);
	matches("^[\\s]$", "\303\244", 0);
	matches("^[\\S]$", "\303\244", 1);
	matches("^[^\\s]+$", "a\303\244", 1);
	matches(
	    "^\\p{Letter}\\p{Lu}\\p{Script=Greek}$", "\303\244\303\204\316\261", 1);
	matches("^\\P{L}$", "a", 0);
	matches("^.$", "\360\237\230\200", 1);
	matches("^.$", "\r", 0);
	matches("^[^]$", "\n", 1);
	matches("[]", "a", 0);
	matches(
	    "^\\u{1F600}\\ud83d\\ude00$", "\360\237\230\200\360\237\230\200", 1);
	matches("^\\x41\\cJ\\v\\0?$", "A\n\v", 1);
	matches("^a{2,3}$", "aaa", 1);
	matches("^a{,3}$", "a{,3}", 1);
	matches("^{$", "{", 1);
	matches("^[[:alpha:]]$", ":]", 1);
	matches("^\\/\\-$", "/-", 1);
	matches("^(a)|b\\1$", "b", 1);
	matches("^(?<x>a)\\k<x>$", "aa", 1);
	matches("(?<=a)b(?!c)", "abd", 1);
	matches("a++", "aa", -2);
	matches("(?i)a", "a", -2);
	matches("\\Aa", "a", -2);
	matches("(?>a)", "a", -2);
	matches("(*COMMIT)a", "a", -2);
	matches("\\ud800", "a", -2);
	matches("[z-a]", "a", -2);
	matches("*", "a", -2);
}

/* ---- formats ---- */

static void
test_formats(void)
{
	static const struct {
		const char *name, *good[8], *bad[12];
	} all[] = {
	    {"date-time",
		{"1963-06-19T08:30:06.283185Z", "1998-12-31T23:59:60Z",
		    "1998-12-31T15:59:60.123-08:00", "1963-06-19t08:30:06z"},
		{"1998-12-31T23:58:60Z", "1998-12-31T22:59:60Z",
		    "1990-02-31T15:59:59.123Z", "06/19/1963 08:30:06 PST",
		    "2013-350T01:01:01", "1963-06-19T08:30:06"}},
	    {"date", {"1963-06-19", "2020-02-29", "2000-02-29"},
		{"2021-02-29", "1900-02-29", "2020-13-01", "1998-1-20",
		    "2020-00-01", "2020-04-31"}},
	    {"time",
		{"08:30:06Z", "23:59:60Z", "01:29:60+01:30", "15:59:60-08:00",
		    "08:30:06.283185+20:30"},
		{"24:00:00Z", "00:60:00Z", "22:59:60Z", "01:02:03",
		    "01:02:03+24:00", "01:02:03Z+00:30", "1:2:3Z", "01:02:03.Z"}},
	    {"email",
		{"joe.bloggs@example.com", "te~st@example.com",
		    "\\\"joe bloggs\\\"@example.com", "a@[127.0.0.1]",
		    "a@[IPv6:::1]"},
		{"2962", ".test@example.com", "test.@example.com",
		    "te..st@example.com", "a@b@c", "joe@", "@example.com",
		    "a@[127.0.0.300]"}},
	    {"hostname", {"www.example.com", "xn--4gbwdl.xn--wgbh1c", "1.2"},
		{"-bad", "bad-", "a..b", "a_b", "", ".a", "a."}},
	    {"ipv4", {"192.168.0.1", "0.0.0.0"},
		{"127.0.0.0.1", "256.1.1.1", "127.0", "0x7f.0.0.1", "087.10.0.1",
		    "1.2.3.", "1..2.3"}},
	    {"ipv6",
		{"::1", "::", "1:2:3:4:5:6:7:8", "::ffff:192.168.0.1", "1::8",
		    "1:2:3:4:5:6:1.2.3.4", "::42:ff:1"},
		{"12345::", "1:1:1:1:1:1:1:1:1", "::abcef::1", ":2:3:4:5:6:7:8",
		    "1:2:3:4:5:6:7:", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7::8:9",
		    "::1%eth0", "1:2:3:4:1.2.3", "1:::2"}},
	    {"uri",
		{"http://foo.bar/?baz=qux#quux", "urn:oasis:names", "tel:+1-816",
		    "http://[::1]:80/", "mailto:a@b"},
		{"//foo.bar", "/abc", "abc", "http:// shouldfail.com",
		    "bar,baz:foo", "http://a\\\\b", "http://[1::2::3]/",
		    "http://a:b/", "http://a/%zz"}},
	    {"uri-reference", {"/abc", "//foo/bar", "#frag", "", "a?b"},
		{"\\\\\\\\WINDOWS", "#frag\\\\ment", ":a", "\303\244"}},
	    {"uuid", {"2EB8AA08-aa98-11ea-b4aa-73b441d16380"},
		{"2eb8aa08-aa98-11ea-b4aa-73b441d1638",
		    "2eb8aa08aa9811eab4aa73b441d16380",
		    "2eb8aa08-aa98-11ea-b4ga-73b441d16380"}},
	    {"json-pointer", {"", "/foo/0", "/a~1b~0", "/"},
		{"a", "/~", "/~2", "#/a"}},
	    {"regex", {"([abc])+\\\\s+$"}, {"^(abc]", "\\\\A"}},
	};
	char schema[100], value[200];

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		snprintf(
		    schema, sizeof(schema), "{\"format\":\"%s\"}", all[i].name);
		for (const char *const *s = all[i].good; *s != NULL; s++) {
			snprintf(value, sizeof(value), "\"%s\"", *s);
			options.formats = true;
			fits(schema, value);
		}
		for (const char *const *s = all[i].bad; *s != NULL; s++) {
			snprintf(value, sizeof(value), "\"%s\"", *s);
			options.formats = true;
			fails(schema, value);
			options.formats = false;
			fits(schema, value);
		}
	}
	options.formats = true;
	fits("{\"format\":\"no such\"}", "\"a\"");
	fits("{\"format\":\"date\"}", "3");
	says("{\"format\":\"date\"}", "\"3\"",
	    "(root): must be of the format date (format), is \"3\"");
	options.formats = false;
}

/* ---- hostile ---- */

static void
add_times(struct buf *out, size_t n, const char *s)
{
	while (n-- > 0)
		buf_adds(out, s);
}

static void
test_deep(void)
{
	struct buf schema = BUF_INIT, value = BUF_INIT;

	add_times(&schema, 1000, "{\"items\":");
	buf_adds(&schema, "true");
	add_times(&schema, 1000, "}");
	add_times(&value, 1000, "[");
	add_times(&value, 1000, "]");
	is_str(
	    verdict(buf_span(&schema), buf_span(&value)), "valid", "a deep schema");
	is_str(
	    verdict(SPAN("{\"allOf\":[{\"$ref\":\"#/$defs/a\"}],\"$defs\":{\"a\":"
			 "{\"items\":{\"$ref\":\"#\"}}}}"),
		buf_span(&value)),
	    "valid", "a deep value");
	buf_clear(&schema);
	buf_adds(&schema, "{\"const\":");
	buf_addspan(&schema, buf_span(&value));
	buf_addc(&schema, '}');
	is_str(
	    verdict(buf_span(&schema), buf_span(&value)), "valid", "a deep const");
	says("{\"$ref\":\"#\"}", "1",
	    "cannot: too deep: the schema refers to itself without end, or the "
	    "value "
	    "is nested too deeply for it");
	says("{\"$defs\":{\"a\":{\"anyOf\":[{\"$ref\":\"#/$defs/a\"},{\"$ref\":"
	     "\"#/$defs/a\"}]}},\"$ref\":\"#/$defs/a\"}",
	    "1",
	    "cannot: too deep: the schema refers to itself without end, or the "
	    "value "
	    "is nested too deeply for it");
	buf_release(&schema);
	buf_release(&value);
}

/* Each schema tries the next one twice: 2^40. */
static void
test_exponential(void)
{
	static const char *const keywords[] = {"allOf", "anyOf", "oneOf"};
	struct buf schema = BUF_INIT;

	for (size_t k = 0; k < 3; k++) {
		buf_clear(&schema);
		buf_adds(&schema, "{\"$ref\":\"#/$defs/0\",\"$defs\":{");
		for (int i = 0; i < 40; i++)
			buf_addf(&schema,
			    "\"%d\":{\"%s\":[{\"$ref\":\"#/$defs/%d\"},"
			    "{\"$ref\":\"#/$defs/%d\"}]},",
			    i, keywords[k], i + 1, i + 1);
		buf_addf(&schema, "\"40\":{\"type\":\"%s\"}}}",
		    k == 0 ? "number" : "string");
		is_str(verdict(buf_span(&schema), SPAN("1")),
		    "cannot: too complex: the check takes too many steps",
		    keywords[k]);
	}
	buf_release(&schema);
}

static void
test_large(void)
{
	struct buf text = BUF_INIT, value = BUF_INIT;

	buf_addc(&value, '[');
	for (int i = 0; i < 100000; i++)
		buf_addf(&value, "%s{\"id\":%d}", i == 0 ? "" : ",", i);
	buf_addc(&value, ']');
	is_str(verdict(SPAN("{\"uniqueItems\":true}"), buf_span(&value)), "valid",
	    "a hundred thousand different items");
	value.len--;
	buf_adds(&value, ",{\"id\":7.0}]");
	is_str(verdict(SPAN("{\"uniqueItems\":true}"), buf_span(&value)),
	    "(root): must not have equal items (uniqueItems), 7 and 100000 are",
	    "and two that are equal");
	buf_adds(&text, "{\"items\":{\"enum\":");
	buf_addspan(&text, buf_span(&value));
	buf_adds(&text, "}}");
	is_str(verdict(buf_span(&text), buf_span(&value)), "valid",
	    "each is in an enum of as many");
	buf_clear(&text);
	buf_clear(&value);
	buf_adds(&text, "{\"additionalProperties\":false,\"properties\":{");
	buf_addc(&value, '{');
	for (int i = 0; i < 230000; i++) {
		buf_addf(&text,
		    "%s\"name %d\":{\"type\":\"integer\",\"minimum\":0}",
		    i == 0 ? "" : ",", i);
		buf_addf(&value, "%s\"name %d\":%d", i == 0 ? "" : ",", i, i);
	}
	buf_adds(&text, "}}");
	buf_addc(&value, '}');
	ok(text.len > 10000000, "a schema of %zu bytes", text.len);
	is_str(verdict(buf_span(&text), buf_span(&value)), "valid",
	    "members of an object as large");
	buf_release(&text);
	buf_release(&value);
}

/* What was evaluated is kept for each of nested schemas. */
static void
test_marks(void)
{
	struct buf schema = BUF_INIT, value = BUF_INIT;

	buf_adds(&schema, "{\"$ref\":\"#/$defs/0\",\"$defs\":{");
	for (int i = 0; i < 1000; i++)
		buf_addf(&schema,
		    "\"%d\":{\"unevaluatedItems\":true,\"$ref\":\"#/$defs/%d\"},",
		    i, i + 1);
	buf_adds(&schema, "\"1000\":true}}");
	buf_addc(&value, '[');
	add_times(&value, 400000, "1,");
	buf_adds(&value, "1]");
	is_str(verdict(buf_span(&schema), buf_span(&value)),
	    "cannot: too complex: too much depends on what else was evaluated",
	    "a thousand times what was evaluated of a large array");
	is_str(
	    verdict(buf_span(&schema), SPAN("[1,2]")), "valid", "of a small one");
	buf_release(&schema);
	buf_release(&value);
}

static void
test_walks(void)
{
	struct buf schema = BUF_INIT;

	buf_adds(&schema, "{\"$defs\":{");
	for (int i = 0; i < 20000; i++)
		buf_addf(&schema, "\"%d\":{\"$ref\":\"#/x/%d\"},", i, 59999 - i);
	buf_adds(&schema, "\"a\":true},\"allOf\":[true");
	for (int i = 0; i < 20000; i++)
		buf_addf(&schema, ",{\"$ref\":\"#/$defs/%d\"}", i);
	buf_adds(&schema, "],\"x\":[");
	add_times(&schema, 59999, "true,");
	buf_adds(&schema, "true]}");
	is_str(verdict(buf_span(&schema), SPAN("1")),
	    "no schema: #/$defs/9009/$ref: #/x/50990: too many references into "
	    "large "
	    "arrays",
	    "references far into an array");
	buf_release(&schema);
}

static void
test_bombs(void)
{
	struct buf value = BUF_INIT;

	buf_addc(&value, '"');
	add_times(&value, 5000, "a");
	buf_adds(&value, "!\"");
	is_str(verdict(SPAN("{\"pattern\":\"^(a|aa)+$\"}"), buf_span(&value)),
	    "cannot: too complex: a pattern backtracks without end",
	    "an expression that cannot be told");
	is_str(verdict(
		   SPAN("{\"not\":{\"pattern\":\"^(a|aa)+$\"}}"), buf_span(&value)),
	    "cannot: too complex: a pattern backtracks without end",
	    "nor can what is not to match");
	options.steps = 10;
	says("{\"items\":true}", "[1,1,1,1,1,1,1,1,1,1,1,1]",
	    "cannot: too complex: the check takes too many steps");
	fits("{\"items\":true}", "[1]");
	options.steps = 0;
	buf_release(&value);
}

int
main(void)
{
	test_decimals();
	test_equal();
	test_multiples();
	test_numbers();
	test_messages();
	test_names();
	test_closest();
	test_bounds();
	test_refused();
	test_documents();
	test_uris();
	test_patterns();
	test_formats();
	test_deep();
	test_exponential();
	test_large();
	test_marks();
	test_walks();
	test_bombs();
	return done();
}
