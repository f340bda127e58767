/* chat: OpenAI chat completions. */
#include "dialect.h"
#include "stream.h"

#include <inttypes.h>

#define CHOICES_MAX 128

/* The text of a message's content: a string, or the text parts of an array. */
static int
take_content(struct asked *a, struct span content, struct err *e)
{
	struct json_iter it;
	struct json_member m;
	struct span image;

	if (content.p == NULL)
		return 0;
	asked_add_text(a, content);
	if (json_type(content) != JSON_ARRAY)
		return 0;
	it = json_iter(content);
	while (json_next(&it, &m)) {
		asked_add_text(a, member(m.value, "text"));
		image = member(member(m.value, "image_url"), "url");
		if (image.p != NULL && images_add_url(&a->images, image) == -1)
			return err_set(
			    e, "'image_url' must hold a URL or data in base64");
	}
	return 0;
}

static int
parse_messages(struct asked *a, struct span messages, struct err *e)
{
	struct json_iter it = json_iter(messages);
	struct json_member m;

	while (json_next(&it, &m)) {
		enum asked_role who = ASKED_OTHER;
		struct span role;

		if (json_type(m.value) != JSON_OBJECT)
			return err_set(e, "each of 'messages' must be an object");
		role = json_get(m.value, "role");
		if (role.p == NULL || json_type(role) != JSON_STRING)
			return err_set(e, "each of 'messages' needs a 'role'");
		if (take_content(a, json_get(m.value, "content"), e) == -1)
			return -1;
		if (json_is(role, "user"))
			who = ASKED_USER;
		else if (json_is(role, "system") || json_is(role, "developer"))
			who = ASKED_SYSTEM;
		else if (json_is(role, "tool"))
			who = ASKED_TOOL;
		asked_end_message(a, who);
	}
	asked_end(a);
	return 0;
}

/* What is of the wrong form is as if it were not there. */
static void
take_tools(struct asked *a, struct span choice, struct span tools)
{
	struct json_iter it;
	struct json_member m;

	if (is_type(choice, JSON_OBJECT)) {
		a->tool_named = member(json_get(choice, "function"), "name");
		a->tools = TOOLS_MUST;
	} else if (choice.p != NULL && json_is(choice, "required")) {
		a->tools = TOOLS_MUST;
	} else if (choice.p != NULL && json_is(choice, "none")) {
		a->tools = TOOLS_NEVER;
	}
	if (!is_type(tools, JSON_ARRAY))
		return;
	it = json_iter(tools);
	while (json_next(&it, &m)) {
		struct span function = member(m.value, "function");

		if (is_type(member(function, "name"), JSON_STRING))
			asked_add_tool(a, json_get(function, "name"),
			    json_get(function, "parameters"));
	}
}

static void
take_format(struct asked *a, struct span format)
{
	if (is_type(member(format, "type"), JSON_STRING) &&
	    json_is(json_get(format, "type"), "json_schema"))
		a->schema = member(json_get(format, "json_schema"), "schema");
}

enum {
	MODEL,
	MESSAGES,
	N,
	STREAM,
	STREAM_OPTIONS,
	TOOLS,
	TOOL_CHOICE,
	RESPONSE_FORMAT,
	MAX_TOKENS, /* either name, the last that is there */
	MAX_COMPLETION_TOKENS,
	MEMBERS,
};

/* In one pass over the body, which may be long. */
static void
find_members(struct span body, struct span *found)
{
	static const struct span names[MEMBERS] = {
	    [MODEL] = SPAN_INIT("model"),
	    [MESSAGES] = SPAN_INIT("messages"),
	    [N] = SPAN_INIT("n"),
	    [STREAM] = SPAN_INIT("stream"),
	    [STREAM_OPTIONS] = SPAN_INIT("stream_options"),
	    [TOOLS] = SPAN_INIT("tools"),
	    [TOOL_CHOICE] = SPAN_INIT("tool_choice"),
	    [RESPONSE_FORMAT] = SPAN_INIT("response_format"),
	    [MAX_TOKENS] = SPAN_INIT("max_tokens"),
	    [MAX_COMPLETION_TOKENS] = SPAN_INIT("max_completion_tokens"),
	};
	struct json_iter it = json_iter(body);
	struct json_member m;

	for (int i = 0; i < MEMBERS; i++)
		found[i] = SPAN_NONE;
	while (json_next(&it, &m)) {
		int i = 0;

		while (i < MEMBERS && !json_key_is(m.key, names[i]))
			i++;
		if (i < MEMBERS)
			found[i == MAX_COMPLETION_TOKENS ? MAX_TOKENS : i] =
			    m.value;
	}
}

static int
parse(struct asked *a, struct span body, struct err *e)
{
	struct span found[MEMBERS];

	if (asked_begin(a, body, e) == -1)
		return -1;
	find_members(a->body, found);
	a->model = found[MODEL];
	if (found[MAX_TOKENS].p == NULL ||
	    !json_i64(found[MAX_TOKENS], &a->max_tokens) || a->max_tokens < 0)
		a->max_tokens = 0;
	if (!is_type(a->model, JSON_STRING))
		return err_set(e, "you must provide a 'model', a string");
	if (!is_type(found[MESSAGES], JSON_ARRAY) || json_is_empty(found[MESSAGES]))
		return err_set(
		    e, "you must provide 'messages', an array of at least one");
	if (is_given(found[N]) && (!json_i64(found[N], &a->choices) ||
				      a->choices < 1 || a->choices > CHOICES_MAX))
		return err_set(
		    e, "'n' must be an integer from 1 to %d", CHOICES_MAX);
	a->stream = is_type(found[STREAM], JSON_TRUE);
	a->stream_usage = is_type(
	    member(found[STREAM_OPTIONS], "include_usage"), JSON_TRUE);
	take_tools(a, found[TOOL_CHOICE], found[TOOLS]);
	take_format(a, found[RESPONSE_FORMAT]);
	return parse_messages(a, found[MESSAGES], e);
}

/* ---- answers ---- */

static void
add_choice(struct buf *out, const struct answer *a, int64_t index)
{
	buf_addf(out, "%s{\"index\":%" PRId64 ",\"message\":", index > 0 ? "," : "",
	    index);
	if (a->message.p != NULL) {
		buf_addspan(out, a->message);
	} else {
		buf_adds(out, "{\"role\":\"assistant\",\"content\":\"");
		buf_addspan(out, a->content);
		buf_adds(out, "\",\"refusal\":null}");
	}
	buf_adds(out, ",\"logprobs\":null,\"finish_reason\":");
	json_add_string(out, a->finish_reason);
	buf_addc(out, '}');
}

/* The parts are told of where there are any. */
static void
add_usage(struct buf *out, const struct usage *u)
{
	buf_addf(out,
	    "\"usage\":{\"prompt_tokens\":%" PRIu64
	    ",\"completion_tokens\":%" PRIu64 ",\"total_tokens\":%" PRIu64,
	    u->input, u->output, u->input + u->output);
	if (u->cached > 0)
		buf_addf(out,
		    ",\"prompt_tokens_details\":{\"cached_tokens\":%" PRIu64 "}",
		    u->cached);
	if (u->reasoning > 0)
		buf_addf(out,
		    ",\"completion_tokens_details\":{\"reasoning_tokens\":%" PRIu64
		    "}",
		    u->reasoning);
	buf_addc(out, '}');
}

static void
add_head(struct buf *out, const struct asked *asked, const struct answer *a,
    const char *object)
{
	buf_adds(out, "{\"id\":");
	add_id(out, "chatcmpl-", a);
	buf_addf(out,
	    ",\"object\":\"%s\",\"created\":%" PRId64 ",\"model\":", object,
	    answer_date(a));
	buf_addspan(out, asked->model);
}

static void
add_answer(struct buf *out, struct asked *asked, const struct answer *a)
{
	add_head(out, asked, a, "chat.completion");
	buf_adds(out, ",\"choices\":[");
	for (int64_t i = 0; i < asked->choices; i++)
		add_choice(out, a, i);
	buf_adds(out, "],");
	add_usage(out, &a->usage);
	buf_adds(out, ",\"system_fingerprint\":\"bf-mock\"}\n");
}

/* ---- streams ---- */

static void
begin_chunk(struct buf *out, const struct asked *asked, const struct answer *a)
{
	stream_event(out, NULL);
	add_head(out, asked, a, "chat.completion.chunk");
	buf_adds(out, ",\"system_fingerprint\":\"bf-mock\",\"choices\":[");
}

static void
end_chunk(struct buf *out, const struct asked *asked)
{
	buf_adds(out, asked->stream_usage ? "],\"usage\":null}" : "]}");
	stream_end(out);
}

static void
begin_delta(struct buf *out, const struct asked *asked, const struct answer *a,
    int64_t index)
{
	begin_chunk(out, asked, a);
	buf_addf(out, "{\"index\":%" PRId64 ",\"delta\":{", index);
}

/* reason SPAN_NONE: it goes on */
static void
end_delta(struct buf *out, const struct asked *asked, struct span reason)
{
	buf_adds(out, "},\"logprobs\":null,\"finish_reason\":");
	if (reason.p == NULL)
		buf_adds(out, "null");
	else
		json_add_string(out, reason);
	buf_addc(out, '}');
	end_chunk(out, asked);
}

static void
stream_text(struct buf *out, const struct asked *asked, const struct answer *a,
    int64_t index, const char *name, struct span text)
{
	struct span piece;

	while (text.p != NULL && stream_piece(&text, &piece)) {
		begin_delta(out, asked, a, index);
		buf_addf(out, "\"%s\":\"", name);
		buf_addspan(out, piece);
		buf_addc(out, '"');
		end_delta(out, asked, SPAN_NONE);
	}
}

static void
stream_call(struct buf *out, const struct asked *asked, const struct answer *a,
    int64_t index, size_t i, const struct call *c)
{
	struct span rest = string_contents(c->arguments), piece;

	begin_delta(out, asked, a, index);
	buf_addf(out, "\"tool_calls\":[{\"index\":%zu,\"id\":", i);
	buf_addspan(out, c->id);
	buf_adds(out, ",\"type\":\"function\",\"function\":{\"name\":");
	buf_addspan(out, c->name);
	buf_adds(out, ",\"arguments\":\"\"}}]");
	end_delta(out, asked, SPAN_NONE);
	while (stream_piece(&rest, &piece)) {
		begin_delta(out, asked, a, index);
		buf_addf(out,
		    "\"tool_calls\":[{\"index\":%zu,\"function\":{"
		    "\"arguments\":\"",
		    i);
		buf_addspan(out, piece);
		buf_adds(out, "\"}}]");
		end_delta(out, asked, SPAN_NONE);
	}
}

static void
stream_choice(struct buf *out, const struct asked *asked, const struct answer *a,
    int64_t index)
{
	struct said s = said_of(a);
	struct json_iter it = json_iter(s.calls.p == NULL ? SPAN("[]") : s.calls);
	struct call c;

	begin_delta(out, asked, a, index);
	buf_addf(out, "\"role\":\"assistant\",\"content\":%s,\"refusal\":null",
	    s.text.p != NULL ? "\"\"" : "null");
	end_delta(out, asked, SPAN_NONE);
	stream_text(out, asked, a, index, "content", s.text);
	stream_text(out, asked, a, index, "refusal", s.refusal);
	for (size_t i = 0; said_next_call(&it, &c); i++)
		stream_call(out, asked, a, index, i, &c);
	begin_delta(out, asked, a, index);
	end_delta(out, asked, a->finish_reason);
}

static void
add_stream(struct buf *out, struct asked *asked, const struct answer *a)
{
	for (int64_t i = 0; i < asked->choices; i++)
		stream_choice(out, asked, a, i);
	if (asked->stream_usage) {
		begin_chunk(out, asked, a);
		buf_adds(out, "],");
		add_usage(out, &a->usage);
		buf_addc(out, '}');
		stream_end(out);
	}
	stream_event(out, NULL);
	buf_adds(out, "[DONE]");
	stream_end(out);
}

static void
add_stream_error(struct buf *out, size_t events)
{
	(void)events;
	stream_event(out, NULL);
	buf_adds(out, "{\"error\":{\"message\":\"this is a test: an error in "
		      "mid-stream\",\"type\":\"server_error\",\"param\":null,"
		      "\"code\":\"server_is_overloaded\"}}");
	stream_end(out);
}

/* ---- errors ---- */

void
add_openai_error(struct buf *out, const struct failure *f)
{
	const char *type = f->status >= 500 ? "server_error"
					    : "invalid_request_error";
	const char *code = f->code;

	if (f->status == 429)
		type = code != NULL ? code : "requests";
	if (code == NULL && f->status == 401)
		code = "invalid_api_key";
	if (code == NULL && f->status == 429)
		code = "rate_limit_exceeded";
	if (code == NULL && f->status == 503)
		code = "server_is_overloaded";
	buf_adds(out, "{\"error\":{\"message\":");
	json_add_string(out, f->message);
	buf_adds(out, ",\"type\":");
	json_add_string(out, span_str(type));
	buf_adds(out, ",\"param\":");
	if (f->member == NULL)
		buf_adds(out, "null");
	else
		json_add_string(out, span_str(f->member));
	buf_adds(out, ",\"code\":");
	if (code == NULL)
		buf_adds(out, "null");
	else
		json_add_string(out, span_str(code));
	buf_adds(out, "}}\n");
}

const struct dialect dialect_chat = {
    .parse = parse,
    .add_answer = add_answer,
    .add_stream = add_stream,
    .add_stream_error = add_stream_error,
    .add_error = add_openai_error,
    .empty_choices = "{\"id\":\"chatcmpl-test\",\"object\":\"chat.completion\","
		     "\"choices\":[]}\n",
    .null_content = "{\"id\":\"chatcmpl-test\",\"object\":\"chat.completion\","
		    "\"choices\":[{\"index\":0,\"message\":{\"role\":"
		    "\"assistant\",\"content\":null},\"finish_reason\":"
		    "\"stop\"}]}\n",
    .error_body = "{\"error\":{\"message\":\"this is a test: an error with "
		  "status 200\",\"code\":502}}\n",
    .call_id = "call_",
    .key_header = "Authorization",
    .key_optional = true,
    .no_key = {401, NULL, "incorrect API key provided"},
    .wrong_key = {401, NULL, "incorrect API key provided"},
    .wait = WAIT_IN_HEADERS,
    .rates = LIMITS_OPENAI,
};
