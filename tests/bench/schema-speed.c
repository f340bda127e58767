/*
 * schema-speed [--print]: microseconds for an answer of 1 KB to be checked
 * against a schema of 40 properties; --print shows the two.  The best of a few
 * rounds counts.
 */
#include "schema/schema.h"

#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS     9
#define REPEATS    20000
#define PROPERTIES 40

static const struct {
	const char *schema, *value;
} kinds[] = {
    {"{\"type\":\"string\",\"minLength\":1,\"maxLength\":200}",
	"\"a text of some words\""},
    {"{\"type\":\"integer\",\"minimum\":0,\"maximum\":100000}", "4711"},
    {"{\"enum\":[\"low\",\"medium\",\"high\"]}", "\"medium\""},
    {"{\"type\":\"number\",\"exclusiveMinimum\":0}", "0.75"},
    {"{\"type\":[\"string\",\"null\"]}", "null"},
    {"{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":8}",
	"[\"one\",\"two\",\"three\"]"},
    {"{\"type\":\"boolean\"}", "true"},
    {"{\"type\":\"object\",\"properties\":{\"from\":{\"type\":\"integer\"},"
     "\"to\":{\"type\":\"integer\"}},\"required\":[\"from\",\"to\"],"
     "\"additionalProperties\":false}",
	"{\"from\":12,\"to\":345}"},
};

static void
make(struct buf *schema, struct buf *value)
{
	const size_t n = sizeof(kinds) / sizeof(*kinds);

	buf_adds(schema, "{\"type\":\"object\",\"additionalProperties\":false,"
			 "\"properties\":{");
	buf_addc(value, '{');
	for (size_t i = 0; i < PROPERTIES; i++) {
		const char *comma = i == 0 ? "" : ",";

		buf_addf(
		    schema, "%s\"field_%zu\":%s", comma, i, kinds[i % n].schema);
		buf_addf(value, "%s\"field_%zu\":%s", comma, i, kinds[i % n].value);
	}
	buf_adds(schema, "},\"required\":[");
	for (size_t i = 0; i < PROPERTIES; i++)
		buf_addf(schema, "%s\"field_%zu\"", i == 0 ? "" : ",", i);
	buf_adds(schema, "]}");
	buf_addc(value, '}');
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int
main(int argc, char **argv)
{
	struct buf schema = BUF_INIT, value = BUF_INIT;
	struct err e = ERR_INIT;
	struct schema *s;
	double best = 0, begin, end;
	int valid = 0;

	make(&schema, &value);
	if (argc > 1 && strcmp(argv[1], "--print") == 0) {
		printf("%s\n", buf_cstr(&schema));
		printf("%s\n", buf_cstr(&value));
		return 0;
	}
	begin = now();
	s = schema_compile(buf_span(&schema), NULL, &e);
	printf("%zu bytes of schema, compiled in %.1f us\n", schema.len,
	    now() - begin);
	if (s == NULL) {
		printf("%s\n", e.text);
		return 1;
	}
	for (int round = 0; round < ROUNDS; round++) {
		begin = now();
		for (int i = 0; i < REPEATS; i++)
			valid += schema_check(s, buf_span(&value), &e) == 1;
		end = (now() - begin) / REPEATS;
		if (round == 0 || end < best)
			best = end;
	}
	printf("%zu bytes of value, checked in %.2f us%s\n", value.len, best,
	    valid == ROUNDS * REPEATS ? "" : ": not valid");
	schema_free(s);
	buf_release(&schema);
	buf_release(&value);
	return 0;
}
