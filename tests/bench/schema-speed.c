/*
 * schema-speed [--print]: microseconds to compile a schema of 40 properties, to
 * check an answer of 1 KB against it, and to check its bytes as JSON as well;
 * --print shows the two.  The best of a few rounds counts.
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

/* Microseconds of a check, of the bytes as JSON first or not; negative: not valid.
 */
static double
check(struct schema *s, struct span value, bool bytes)
{
	double best = 0, begin, end;
	struct json_fault f;
	struct err e;

	for (int round = 0; round < ROUNDS; round++) {
		begin = now();
		for (int i = 0; i < REPEATS; i++)
			if ((bytes && json_check(value, &f) != 0) ||
			    schema_check(s, value, &e) != 1)
				return -1;
		end = (now() - begin) / REPEATS;
		if (round == 0 || end < best)
			best = end;
	}
	return best;
}

int
main(int argc, char **argv)
{
	struct buf schema = BUF_INIT, value = BUF_INIT;
	struct err e = ERR_INIT;
	struct schema *s;
	double begin;

	make(&schema, &value);
	if (argc > 1 && strcmp(argv[1], "--print") == 0) {
		printf("%s\n", buf_cstr(&schema));
		printf("%s\n", buf_cstr(&value));
		return 0;
	}
	begin = now();
	s = schema_compile(buf_span(&schema), NULL, &e);
	if (s == NULL) {
		printf("%s\n", e.text);
		return 1;
	}
	printf("compile %.1f\n", now() - begin);
	printf("check %.2f\n", check(s, buf_span(&value), false));
	printf("check_with_bytes %.2f\n", check(s, buf_span(&value), true));
	schema_free(s);
	buf_release(&schema);
	buf_release(&value);
	return 0;
}
