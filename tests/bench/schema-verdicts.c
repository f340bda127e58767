/*
 * schema-verdicts: for each line {"schema":...,"value":...} of standard input
 * whether the value is
 * valid, formats included: "true", "false", "no schema: why" or "cannot: why".
 */
#include "schema/schema.h"

#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>

static void
print_verdict(struct span line)
{
	const struct schema_options o = {.formats = true};
	struct json_fault f;
	struct err e = ERR_INIT;
	struct schema *s;
	int rc;

	if (json_check(line, &f) != 0) {
		printf("not JSON: %s\n", f.what);
		return;
	}
	s = schema_compile(json_get(line, "schema"), &o, &e);
	rc = s == NULL ? -2 : schema_check(s, json_get(line, "value"), &e);
	if (rc >= 0)
		puts(rc == 1 ? "true" : "false");
	else
		printf("%s: %s\n", rc == -2 ? "no schema" : "cannot", e.text);
	schema_free(s);
}

int
main(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0)
		print_verdict(span_of(line, (size_t)n));
	free(line);
	return 0;
}
