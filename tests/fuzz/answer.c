/*
 * What providers send: any JSON is taken for an answer of each dialect, or not,
 * and any bytes for an error and for a stream of events, whose body is JSON.
 */
#include "dialects/dialect.h"
#include "json/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_terminated(const char *text, size_t size)
{
	if (memchr(text, '\0', size) == NULL)
		abort();
}

static void
read_error(const struct dialect *d, struct span body)
{
	struct dialect_error de;

	memset(&de, 'x', sizeof de);
	d->error(body, &de);
	check_terminated(de.message, sizeof de.message);
	check_terminated(de.code, sizeof de.code);
	check_terminated(de.type, sizeof de.type);
	check_terminated(de.retry_after, sizeof de.retry_after);
}

/* A response is JSON with a text; what is none leaves nothing behind. */
static void
read_answer(const struct dialect *d, struct span body)
{
	static struct buf out;
	struct dialect_answer a;
	struct err e = ERR_INIT;
	struct json_fault f;
	struct span text;

	buf_clear(&out);
	if (d->answer(&out, body, SPAN("m"), &a, &e) != 0) {
		if (out.len != 0 || e.text[0] == '\0')
			abort();
		return;
	}
	if (json_check(buf_span(&out), &f) != 0)
		abort();
	text = json_get(buf_span(&out), "text");
	if (text.p == NULL || json_type(text) != JSON_STRING)
		abort();
	if (a.usage.input < 0 || a.usage.output < 0 || a.usage.cached < 0 ||
	    a.usage.reasoning < 0)
		abort();
}

static void
read_stream(const struct dialect *d, struct span events)
{
	static struct buf body;
	struct err e = ERR_INIT;

	buf_clear(&body);
	if (d->join(&body, events, &e) != 0) {
		if (e.text[0] == '\0')
			abort();
		return;
	}
	/* responses: an event without its response leaves nothing, which is no
	 * answer */
	if (body.len == 0 && d == &dialect_openai_responses)
		return;
	if (dialect_check(buf_span(&body), &e) != 0)
		abort();
	read_answer(d, buf_span(&body));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span body = span_of(size == 0 ? "" : (const char *)data, size);
	const struct dialect *d;
	struct err e = ERR_INIT;
	bool is_json = dialect_check(body, &e) == 0;

	if (is_json)
		(void)dialect_of_answer(body);
	for (size_t i = 0; (d = dialect_at(i)) != NULL; i++) {
		read_error(d, body);
		read_stream(d, body);
		if (is_json)
			read_answer(d, body);
	}
	return 0;
}
