/*
 * The first line of the input is a schema, the rest a value: the check ends
 * within few steps, says the same twice, and has errors if and only if the
 * value is not valid.  Each error's place is one in the value.
 */
#include "schema/schema.h"

#include "json/json.h"

#include <stdlib.h>

#define STEPS 20000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_errors(struct schema *s, int rc)
{
	struct schema_error error;

	if ((rc == 0) != (schema_errors(s) > 0))
		abort();
	if (schema_errors(s) > SCHEMA_ERRORS_DEFAULT)
		abort();
	for (size_t i = 0; i < schema_errors(s); i++) {
		schema_error(s, i, &error);
		if (error.instance.n > 0 && *error.instance.p != '/')
			abort();
		if (error.text.n == 0 || error.text.n > 3000)
			abort();
	}
}

static void
check_twice(struct schema *s, struct span value)
{
	struct buf first = BUF_INIT, second = BUF_INIT;
	struct err e = ERR_INIT;
	int rc = schema_check(s, value, &e);

	check_errors(s, rc);
	schema_report(s, &first);
	if (schema_check(s, value, &e) != rc)
		abort();
	schema_report(s, &second);
	if (!span_eq(buf_span(&first), buf_span(&second)))
		abort();
	buf_release(&first);
	buf_release(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	const char *nl = size == 0 ? NULL : memchr(bytes, '\n', size);
	size_t n = nl == NULL ? size : (size_t)(nl - bytes);
	struct span rest = span_of(bytes + n, size - n);
	struct schema_options o = {.steps = STEPS,
	    .formats = size % 2 == 0,
	    .refuse_duplicates = size % 3 == 0};
	struct err e = ERR_INIT;
	struct json_fault f;
	struct schema *s = schema_compile(span_of(bytes, n), &o, &e);

	if (s == NULL && e.text[0] == '\0')
		abort();
	if (s != NULL && json_check(rest, &f) == 0)
		check_twice(s, rest);
	schema_free(s);
	return 0;
}
