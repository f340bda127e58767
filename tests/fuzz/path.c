/*
 * The first line of the input is a path, the rest an entry: what is found lies
 * inside of the entry and is JSON.
 */
#include "json/path.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_found(struct span found, struct span inside)
{
	struct json_fault f;

	if (found.p == NULL)
		return;
	if (found.p < inside.p || found.p + found.n > inside.p + inside.n)
		abort();
	if (json_check(found, &f) < 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	const char *nl = size == 0 ? NULL : memchr(bytes, '\n', size);
	size_t n = nl == NULL ? size : (size_t)(nl - bytes);
	struct span rest = span_of(bytes + n, size - n);
	struct entry en = ENTRY_INIT;
	struct err e = ERR_INIT;
	struct json_fault f;
	struct path *p;

	p = path_parse(span_of(bytes, n), &e);
	if (p != NULL && entry_parse(&en, rest, &f) == 0) {
		check_found(path_find_entry(p, &en), rest);
		check_found(path_find(p, rest), rest);
		path_name(p);
	}
	path_free(p);
	entry_release(&en);
	return 0;
}
