/*
 * The first line of the input is a template, the rest an entry: what is
 * rendered is always the contents of a JSON string.
 */
#include "json/template.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
render(const struct template *t, const struct entry *en)
{
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	struct json_fault f;

	buf_addc(&out, '"');
	if (template_render(t, en, &out, &e) == 0) {
		buf_addc(&out, '"');
		if (json_check(buf_span(&out), &f) < 0)
			abort();
	}
	buf_release(&out);
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
	struct template *t;

	t = template_parse(span_of(bytes, n), &e);
	if (t != NULL && entry_parse(&en, rest, &f) == 0)
		render(t, &en);
	template_free(t);
	entry_release(&en);
	return 0;
}
