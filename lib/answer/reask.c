#include "answer/reask.h"

#include "answer/find.h"

static void
add_message(struct buf *out, const char *role, struct span text)
{
	buf_addf(out, "{\"role\":\"%s\",\"content\":", role);
	json_add_string(out, text);
	buf_addc(out, '}');
}

static void
add_line(struct buf *out, struct span at, struct span message)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct span text;

	buf_adds(out, "- ");
	if (at.p != NULL && json_text(at, &a, &text) && text.n > 0) {
		buf_addspan(out, text);
		buf_adds(out, ": ");
	}
	if (message.p != NULL && json_text(message, &b, &text))
		buf_addspan(out, text);
	buf_addc(out, '\n');
	buf_release(&a);
	buf_release(&b);
}

static void
add_errors(struct buf *out, struct span error)
{
	struct span errors = json_get(error, "errors");
	struct json_iter it;
	struct json_member m;

	if (errors.p == NULL || json_type(errors) != JSON_ARRAY) {
		add_line(out, SPAN_NONE, json_get(error, "message"));
		return;
	}
	it = json_iter(errors);
	while (json_next(&it, &m))
		add_line(
		    out, json_get(m.value, "at"), json_get(m.value, "message"));
}

/* Whether the request tells the schema in its own way. */
static bool
has_schema(struct span body)
{
	struct span format = json_get(body, "response_format");

	return format.p != NULL && json_type(format) == JSON_OBJECT &&
	       json_get(format, "json_schema").p != NULL;
}

static void
add_correction(struct buf *out, struct span body, const struct reask *r)
{
	struct buf text = BUF_INIT;

	buf_adds(&text, "This answer cannot be used:\n");
	add_errors(&text, r->error);
	if (r->schema.p != NULL && !has_schema(body)) {
		buf_adds(&text,
		    "\nThe answer must be JSON that satisfies this JSON Schema:\n");
		buf_addspan(&text, r->schema);
		buf_addc(&text, '\n');
	}
	buf_adds(&text, "\nReply with the whole answer, corrected: the JSON alone, "
			"with no words around it.");
	add_message(out, "user", buf_span(&text));
	buf_release(&text);
}

static void
add_messages(struct buf *out, struct span body, const struct reask *r)
{
	struct span messages = json_get(body, "messages");
	struct span answer = r->answer, thought;

	if (r->answer.p == NULL || messages.p == NULL) {
		buf_addspan(out, messages.p == NULL ? SPAN("[]") : messages);
		return;
	}
	buf_add(out, messages.p, messages.n - 1);
	if (!json_is_empty(messages))
		buf_addc(out, ',');
	/* What it thought is not what it said. */
	(void)reasoning_strip(&answer, &thought);
	answer = text_trim(answer);
	/* Providers refuse a turn that says nothing. */
	if (answer.n > 0) {
		add_message(out, "assistant", answer);
		buf_addc(out, ',');
	}
	add_correction(out, body, r);
	buf_addc(out, ']');
}

void
reask_write(struct buf *out, struct span body, const struct reask *r)
{
	struct json_iter it = json_iter(body);
	const char *limit = "max_completion_tokens";
	struct json_member m;

	if (json_get(body, limit).p == NULL &&
	    json_get(body, "max_tokens").p != NULL)
		limit = "max_tokens";
	buf_addc(out, '{');
	while (json_next(&it, &m)) {
		if (span_eq(m.key, SPAN("messages")) ||
		    (r->model.p != NULL && span_eq(m.key, SPAN("model"))) ||
		    (r->temperature.p != NULL &&
			span_eq(m.key, SPAN("temperature"))) ||
		    (r->max_tokens != 0 && span_eq(m.key, span_str(limit))))
			continue;
		buf_addc(out, '"');
		buf_addspan(out, m.key);
		buf_adds(out, "\":");
		buf_addspan(out, m.value);
		buf_addc(out, ',');
	}
	if (r->model.p != NULL) {
		buf_adds(out, "\"model\":");
		json_add_string(out, r->model);
		buf_addc(out, ',');
	}
	if (r->temperature.p != NULL) {
		buf_adds(out, "\"temperature\":");
		buf_addspan(out, r->temperature);
		buf_addc(out, ',');
	}
	if (r->max_tokens != 0) {
		buf_addf(out, "\"%s\":", limit);
		buf_addi(out, r->max_tokens);
		buf_addc(out, ',');
	}
	buf_adds(out, "\"messages\":");
	add_messages(out, body, r);
	buf_addc(out, '}');
}
