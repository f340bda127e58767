/*
 * What users ask: any JSON object as a request, said in each dialect, strictly
 * and leniently.  What is sent is JSON; what is refused has a reason.
 */
#include "dialects/dialect.h"
#include "json/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
say(const struct dialect *d, struct span form, bool lenient)
{
	static struct buf out, dropped;
	struct err e = ERR_INIT;
	struct json_fault f;

	buf_clear(&out);
	buf_clear(&dropped);
	if (d->body(&out, form, SPAN("m"), lenient, &dropped, &e) != 0) {
		if (e.text[0] == '\0')
			abort();
		return -1;
	}
	/* A tool call's arguments may be as deep as a text of their own. */
	if (json_check(buf_span(&out), &f) != 0 && strstr(f.what, "deep") == NULL)
		abort();
	if (!lenient && dropped.len != 0)
		abort();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct buf canon, form;
	struct span text = span_of(size == 0 ? "" : (const char *)data, size);
	const struct dialect *d;
	struct json_fault f;

	if (json_check(text, &f) != 0 || json_type(json_value(text)) != JSON_OBJECT)
		return 0;
	buf_clear(&canon);
	buf_clear(&form);
	json_canon(&canon, json_value(text));
	dialect_form(&form, buf_span(&canon), SPAN("m"));
	for (size_t i = 0; (d = dialect_at(i)) != NULL; i++)
		if (d->body != NULL && say(d, buf_span(&form), false) == 0 &&
		    say(d, buf_span(&form), true) != 0)
			abort();
	return 0;
}
