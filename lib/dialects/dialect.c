#include "dialects/dialect.h"

#include "dialects/reply.h"

static const struct dialect *const dialects[] = {&dialect_openai_chat,
    &dialect_openai_responses, &dialect_anthropic, &dialect_gemini};

const struct dialect *
dialect_at(size_t n)
{
	return n < sizeof dialects / sizeof *dialects ? dialects[n] : NULL;
}

const struct dialect *
dialect_of_answer(struct span body)
{
	/* Members that the answers of no other have. */
	static const struct span names[] = {SPAN_INIT("choices"),
	    SPAN_INIT("stop_reason"), SPAN_INIT("candidates"),
	    SPAN_INIT("promptFeedback"), SPAN_INIT("output"), SPAN_INIT("stdout"),
	    SPAN_INIT("body"), SPAN_INIT("answer"), SPAN_INIT("embedding")};
	static const struct dialect *const whose[] = {&dialect_openai_chat,
	    &dialect_anthropic, &dialect_gemini, &dialect_gemini,
	    &dialect_openai_responses, &dialect_command, &dialect_http,
	    &dialect_human, &dialect_embeddings};
	struct span in[sizeof names / sizeof *names];

	if (body.p != NULL)
		body = json_value(body);
	if (!is_object(body))
		return &dialect_openai_chat;
	json_pick(body, names, in, sizeof names / sizeof *names);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (in[i].p != NULL)
			return whose[i];
	return &dialect_openai_chat;
}

/* ---- requests ---- */

static bool
is_one_of(struct span name, const struct span *list)
{
	for (; list->p != NULL; list++)
		if (json_key_is(name, *list))
			return true;
	return false;
}

bool
dialect_is_sent(struct span name)
{
	static const struct span not_sent[] = {
	    SPAN_INIT("stream"), SPAN_INIT("stream_options"), {NULL, 0}};

	return !is_one_of(name, not_sent);
}

bool
dialect_is_transport(struct span name)
{
	static const struct span transport[] = {SPAN_INIT("store"),
	    SPAN_INIT("metadata"), SPAN_INIT("user"),
	    SPAN_INIT("safety_identifier"), SPAN_INIT("service_tier"),
	    SPAN_INIT("prompt_cache_key"), SPAN_INIT("prompt_cache_retention"),
	    {NULL, 0}};

	return !dialect_is_sent(name) || is_one_of(name, transport);
}

void
dialect_form(struct buf *out, struct span request, struct span model)
{
	struct json_iter it = json_iter(request);
	struct json_member m;
	char before = '{';

	while (json_next(&it, &m)) {
		if (!dialect_is_sent(m.key))
			continue;
		buf_addc(out, before);
		before = ',';
		buf_addc(out, '"');
		buf_addspan(out, m.key);
		buf_adds(out, "\":");
		if (json_key_is(m.key, SPAN("model")))
			json_add_string(out, model);
		else
			buf_addspan(out, m.value);
	}
	if (before == '{')
		buf_addc(out, before);
	buf_addc(out, '}');
}

/* Nothing in it that ends a part of a path, escapes, or means another folder. */
static bool
is_path_part(struct span s)
{
	static const char most[] = "abcdefghijklmnopqrstuvwxyz0123456789"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.";

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || strchr(most, s.p[i]) == NULL)
			return false;
	return s.n > 0 && *s.p != '.';
}

int
dialect_path(struct buf *out, const struct dialect *d, struct span model,
    bool stream, struct err *e)
{
	static const struct span name = SPAN_INIT("{model}");
	const char *path = stream && d->stream_path != NULL ? d->stream_path
							    : d->path;
	const char *at = strstr(path, name.p);

	if (at == NULL) {
		buf_adds(out, path);
		return 0;
	}
	if (!is_path_part(model))
		return err_set(e,
		    "the model's name \"%.*s\" cannot be part of a URL: letters, "
		    "digits, -, _ and . make one",
		    (int)(model.n > 100 ? 100 : model.n), model.p);
	buf_add(out, path, (size_t)(at - path));
	buf_addspan(out, model);
	buf_adds(out, at + name.n);
	return 0;
}

void
dialect_ask_stream(struct buf *body, const struct dialect *d)
{
	if (d->stream_members == NULL)
		return;
	body->len--; /* the closing brace: a body has a model or messages */
	buf_adds(body, d->stream_members);
	buf_addc(body, '}');
}

/* ---- answers ---- */

bool
dialect_is_stream(struct span body)
{
	while (body.n > 0 && strchr(" \t\r\n", *body.p) != NULL)
		body = span_of(body.p + 1, body.n - 1);
	return body.n > 0 && *body.p != '{' && *body.p != '[' && *body.p != '<';
}

int
dialect_check(struct span body, struct err *e)
{
	struct json_fault fault;

	if (body.n == 0)
		return err_set(e, "the answer is empty");
	if (json_check(body, &fault) != 0)
		return err_set(e, "the answer is not JSON: byte %zu: %s", fault.at,
		    fault.what);
	return 0;
}
