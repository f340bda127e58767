/* messages: Anthropic Messages. */
#include "dialect.h"
#include "stream.h"

#include <inttypes.h>

#define THINKING_MIN 1024

/* ---- requests ---- */

static int
missing(struct asked *a, struct err *e, const char *member)
{
	return asked_wrong(a, e, member, "Field required");
}

static int
check_string(struct asked *a, struct span value, const char *member, struct err *e)
{
	if (value.p == NULL)
		return missing(a, e, member);
	if (json_type(value) != JSON_STRING)
		return asked_wrong(a, e, member, "Input should be a valid string");
	return 0;
}

static int
take_image(
    struct asked *a, struct span source, size_t message, size_t i, struct err *e)
{
	static const char *const media[] = {
	    "image/jpeg", "image/png", "image/gif", "image/webp"};
	struct span type = member(source, "type");
	struct span kind = member(source, "media_type");
	size_t k = 0;

	if (check_string(a, type,
		asked_at(
		    a, "messages.%zu.content.%zu.image.source.type", message, i),
		e) == -1)
		return -1;
	if (!json_is(type, "base64"))
		return 0;
	asked_at(a, "messages.%zu.content.%zu.image.source.base64.media_type",
	    message, i);
	if (check_string(a, kind, a->member, e) == -1)
		return -1;
	while (k < 4 && !json_is(kind, media[k]))
		k++;
	if (k == 4)
		return asked_wrong(a, e, a->member,
		    "Input should be 'image/jpeg', 'image/png', 'image/gif' or "
		    "'image/webp'");
	asked_at(
	    a, "messages.%zu.content.%zu.image.source.base64.data", message, i);
	if (images_add(&a->images, kind, json_get(source, "data")) == -1)
		return asked_wrong(a, e, a->member, "invalid base64 data");
	return 0;
}

static int
check_block(struct asked *a, struct span block, size_t message, size_t i,
    bool *result, struct err *e)
{
	struct span type;

	if (json_type(block) != JSON_OBJECT)
		return asked_wrong(a, e,
		    asked_at(a, "messages.%zu.content.%zu", message, i),
		    "Input should be a valid dictionary");
	type = json_get(block, "type");
	if (check_string(a, type,
		asked_at(a, "messages.%zu.content.%zu.type", message, i), e) == -1)
		return -1;
	if (json_is(type, "text")) {
		struct span text = json_get(block, "text");

		asked_at(a, "messages.%zu.content.%zu.text", message, i);
		if (check_string(a, text, a->member, e) == -1)
			return -1;
		if (text.n == 2)
			return asked_wrong(a, e, a->member,
			    "text content blocks must be non-empty");
		asked_add_text(a, text);
	}
	if (json_is(type, "image") &&
	    take_image(a, json_get(block, "source"), message, i, e) == -1)
		return -1;
	*result = json_is(type, "tool_result");
	return 0;
}

/* A tool's result may be a string or text blocks. */
static void
add_result(struct asked *a, struct span block)
{
	struct span content = json_get(block, "content");
	struct json_iter it;
	struct json_member m;

	asked_add_text(a, content);
	if (!is_type(content, JSON_ARRAY))
		return;
	it = json_iter(content);
	while (json_next(&it, &m))
		if (json_type(m.value) == JSON_OBJECT)
			asked_add_text(a, json_get(m.value, "text"));
}

/* A user's message that holds nothing but results of tools is no prompt. */
static int
take_blocks(struct asked *a, struct span content, size_t message, bool *results,
    struct err *e)
{
	struct json_iter it = json_iter(content);
	struct json_member m;
	bool result = false;

	*results = true;
	for (size_t i = 0; json_next(&it, &m); i++) {
		if (check_block(a, m.value, message, i, &result, e) == -1)
			return -1;
		if (result)
			add_result(a, m.value);
		*results = *results && result;
	}
	return 0;
}

static int
take_message(
    struct asked *a, struct span message, size_t i, bool user, struct err *e)
{
	struct span role, content;
	bool results = false;

	if (json_type(message) != JSON_OBJECT)
		return asked_wrong(a, e, asked_at(a, "messages.%zu", i),
		    "Input should be a valid dictionary");
	role = json_get(message, "role");
	if (check_string(a, role, asked_at(a, "messages.%zu.role", i), e) == -1)
		return -1;
	if (!json_is(role, "user") && !json_is(role, "assistant"))
		return asked_wrong(
		    a, e, a->member, "Input should be 'user' or 'assistant'");
	if (json_is(role, "user") != user)
		return asked_wrong(a, e, a->member,
		    i == 0 ? "first message must use the \"user\" role"
			   : "roles must alternate between \"user\" and "
			     "\"assistant\", but found two in a row");
	content = json_get(message, "content");
	asked_at(a, "messages.%zu.content", i);
	if (content.p == NULL)
		return missing(a, e, a->member);
	if (json_type(content) == JSON_STRING)
		asked_add_text(a, content);
	else if (json_type(content) != JSON_ARRAY)
		return asked_wrong(
		    a, e, a->member, "Input should be a string or a list");
	if (json_type(content) == JSON_STRING ? content.n == 2
					      : json_is_empty(content))
		return asked_wrong(
		    a, e, a->member, "messages must have non-empty content");
	if (json_type(content) == JSON_ARRAY &&
	    take_blocks(a, content, i, &results, e) == -1)
		return -1;
	asked_end_message(a, results && user ? ASKED_TOOL
			     : user          ? ASKED_USER
					     : ASKED_OTHER);
	return 0;
}

static int
take_messages(struct asked *a, struct span messages, struct err *e)
{
	struct json_iter it;
	struct json_member m;

	if (messages.p == NULL)
		return missing(a, e, "messages");
	if (json_type(messages) != JSON_ARRAY)
		return asked_wrong(
		    a, e, "messages", "Input should be a valid list");
	if (json_is_empty(messages))
		return asked_wrong(
		    a, e, "messages", "at least one message is required");
	it = json_iter(messages);
	for (size_t i = 0; json_next(&it, &m); i++)
		if (take_message(a, m.value, i, i % 2 == 0, e) == -1)
			return -1;
	return 0;
}

static int
take_system(struct asked *a, struct span system, struct err *e)
{
	struct json_iter it;
	struct json_member m;

	if (system.p == NULL)
		return 0;
	if (json_type(system) != JSON_STRING && json_type(system) != JSON_ARRAY)
		return asked_wrong(
		    a, e, "system", "Input should be a string or a list");
	asked_add_text(a, system);
	it = json_iter(system);
	for (size_t i = 0; json_next(&it, &m); i++) {
		if (json_type(m.value) != JSON_OBJECT ||
		    !json_is(json_get(m.value, "type"), "text"))
			return asked_wrong(a, e, asked_at(a, "system.%zu.type", i),
			    "Input should be 'text'");
		asked_add_text(a, json_get(m.value, "text"));
	}
	asked_end_message(a, ASKED_SYSTEM);
	return 0;
}

static int
take_thinking(struct asked *a, struct span thinking, struct err *e)
{
	int64_t budget;

	if (thinking.p == NULL)
		return 0;
	if (json_type(thinking) != JSON_OBJECT)
		return asked_wrong(
		    a, e, "thinking", "Input should be a valid dictionary");
	if (!json_is(json_get(thinking, "type"), "enabled"))
		return 0;
	thinking = json_get(thinking, "budget_tokens");
	if (thinking.p == NULL)
		return missing(a, e, "thinking.enabled.budget_tokens");
	if (!json_i64(thinking, &budget) || budget < THINKING_MIN)
		return asked_wrong(a, e, "thinking.enabled.budget_tokens",
		    "Input should be greater than or equal to 1024");
	if (budget >= a->max_tokens)
		return asked_wrong(a, e, "max_tokens",
		    "must be greater than thinking.budget_tokens");
	return 0;
}

static int
take_settings(struct asked *a, struct err *e)
{
	struct span most = json_get(a->body, "max_tokens");
	struct span temperature = json_get(a->body, "temperature");
	struct span stream = json_get(a->body, "stream");
	double t;

	if (most.p == NULL)
		return missing(a, e, "max_tokens");
	if (!json_i64(most, &a->max_tokens))
		return asked_wrong(
		    a, e, "max_tokens", "Input should be a valid integer");
	if (a->max_tokens < 1)
		return asked_wrong(a, e, "max_tokens",
		    "Input should be greater than or equal to 1");
	if (temperature.p != NULL &&
	    (!json_double(temperature, &t) || t < 0 || t > 1))
		return asked_wrong(
		    a, e, "temperature", "Input should be a number from 0 to 1");
	if (stream.p != NULL && !is_bool(stream))
		return asked_wrong(
		    a, e, "stream", "Input should be a valid boolean");
	a->stream = is_type(stream, JSON_TRUE);
	return take_thinking(a, json_get(a->body, "thinking"), e);
}

static int
take_tools(struct asked *a, struct span tools, struct err *e)
{
	struct json_iter it = json_iter(tools.p == NULL ? SPAN("[]") : tools);
	struct json_member m;

	if (tools.p != NULL && json_type(tools) != JSON_ARRAY)
		return asked_wrong(a, e, "tools", "Input should be a valid list");
	for (size_t i = 0; json_next(&it, &m); i++) {
		struct span type = member(m.value, "type");
		struct span name = member(m.value, "name");

		if (check_string(a, name, asked_at(a, "tools.%zu.name", i), e) ==
		    -1)
			return -1;
		if (type.p != NULL && !json_is(type, "custom"))
			continue;
		asked_at(a, "tools.%zu.input_schema", i);
		if (json_get(m.value, "input_schema").p == NULL)
			return missing(a, e, a->member);
		asked_add_tool(a, name, json_get(m.value, "input_schema"));
	}
	if (a->tools == TOOLS_MUST && a->tool.name.p == NULL)
		return asked_wrong(
		    a, e, "tool_choice", "there is no such tool in 'tools'");
	return 0;
}

static int
take_choice(struct asked *a, struct span choice, struct err *e)
{
	struct span type = member(choice, "type");

	if (choice.p == NULL)
		return 0;
	if (check_string(a, type, "tool_choice.type", e) == -1)
		return -1;
	if (json_is(type, "none"))
		a->tools = TOOLS_NEVER;
	else if (json_is(type, "any") || json_is(type, "tool"))
		a->tools = TOOLS_MUST;
	else if (!json_is(type, "auto"))
		return asked_wrong(a, e, "tool_choice.type",
		    "Input should be 'auto', 'any', 'tool' or 'none'");
	if (!json_is(type, "tool"))
		return 0;
	a->tool_named = json_get(choice, "name");
	return check_string(a, a->tool_named, "tool_choice.tool.name", e);
}

static int
take_format(struct asked *a, struct span format, struct err *e)
{
	struct span type = member(format, "type");

	if (!is_given(format))
		return 0;
	if (check_string(a, type, "output_config.format.type", e) == -1)
		return -1;
	if (!json_is(type, "json_schema"))
		return asked_wrong(a, e, "output_config.format.type",
		    "Input should be 'json_schema'");
	a->schema = json_get(format, "schema");
	if (a->schema.p == NULL)
		return missing(a, e, "output_config.format.schema");
	return 0;
}

static int
refuse_unknown(struct asked *a, struct err *e)
{
	static const char *const known[] = {"cache_control", "container",
	    "context_management", "inference_geo", "max_tokens", "mcp_servers",
	    "messages", "metadata", "model", "output_config", "output_format",
	    "service_tier", "stop_sequences", "stream", "system", "temperature",
	    "thinking", "tool_choice", "tools", "top_k", "top_p"};
	struct span key = asked_unknown(
	    a->body, known, sizeof(known) / sizeof(*known));

	if (key.p == NULL)
		return 0;
	asked_at(a, "%.*s", (int)(key.n < 60 ? key.n : 60), key.p);
	return asked_wrong(a, e, a->member, "Extra inputs are not permitted");
}

static int
parse(struct asked *a, struct span body, struct err *e)
{
	if (asked_begin(a, body, e) == -1 || refuse_unknown(a, e) == -1)
		return -1;
	a->model = json_get(a->body, "model");
	if (check_string(a, a->model, "model", e) == -1 ||
	    take_settings(a, e) == -1 ||
	    take_choice(a, json_get(a->body, "tool_choice"), e) == -1 ||
	    take_tools(a, json_get(a->body, "tools"), e) == -1 ||
	    take_format(
		a, member(json_get(a->body, "output_config"), "format"), e) == -1 ||
	    take_system(a, json_get(a->body, "system"), e) == -1 ||
	    take_messages(a, json_get(a->body, "messages"), e) == -1)
		return -1;
	asked_end(a);
	return 0;
}

/* ---- answers ---- */

static struct span
stop_reason(const struct answer *a)
{
	static const struct {
		struct span chat, here;
	} words[] = {
	    {SPAN_INIT("stop"), SPAN_INIT("end_turn")},
	    {SPAN_INIT("length"), SPAN_INIT("max_tokens")},
	    {SPAN_INIT("tool_calls"), SPAN_INIT("tool_use")},
	    {SPAN_INIT("content_filter"), SPAN_INIT("refusal")},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (span_eq(a->finish_reason, words[i].chat))
			return words[i].here;
	return a->finish_reason;
}

static void
add_content(struct buf *out, const struct answer *a)
{
	struct said s = said_of(a);
	struct json_iter it = json_iter(s.calls.p == NULL ? SPAN("[]") : s.calls);
	struct span text = s.text.p != NULL ? s.text : s.refusal;
	struct call c;
	const char *comma = "";

	if (text.p != NULL) {
		buf_adds(out, "{\"type\":\"text\",\"text\":\"");
		buf_addspan(out, text);
		buf_adds(out, "\"}");
		comma = ",";
	}
	while (said_next_call(&it, &c)) {
		buf_addf(out, "%s{\"type\":\"tool_use\",\"id\":", comma);
		buf_addspan(out, c.id);
		buf_adds(out, ",\"name\":");
		buf_addspan(out, c.name);
		buf_adds(out, ",\"input\":");
		add_arguments(out, c.arguments);
		buf_addc(out, '}');
		comma = ",";
	}
}

/* What is cached is told of apart from the input. */
static void
add_usage(struct buf *out, const struct usage *u)
{
	buf_addf(out,
	    "{\"input_tokens\":%" PRIu64 ",\"cache_creation_input_tokens\":0,"
	    "\"cache_read_input_tokens\":%" PRIu64 ",\"output_tokens\":%" PRIu64
	    "}",
	    u->input - u->cached, u->cached, u->output);
}

static void
add_head(struct buf *out, const struct asked *asked, const struct answer *a)
{
	buf_adds(out, "{\"id\":");
	add_id(out, "msg_", a);
	buf_adds(out, ",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
	buf_addspan(out, asked->model);
}

static void
add_answer(struct buf *out, struct asked *asked, const struct answer *a)
{
	add_head(out, asked, a);
	buf_adds(out, ",\"content\":[");
	add_content(out, a);
	buf_adds(out, "],\"stop_reason\":");
	json_add_string(out, stop_reason(a));
	buf_adds(out, ",\"stop_sequence\":null,\"usage\":");
	add_usage(out, &a->usage);
	buf_adds(out, "}\n");
}

/* ---- streams ---- */

static void
begin(struct buf *out, const char *type)
{
	stream_event(out, type);
	buf_addf(out, "{\"type\":\"%s\"", type);
}

static void
end(struct buf *out)
{
	buf_addc(out, '}');
	stream_end(out);
}

static void
stream_pieces(struct buf *out, size_t index, const char *type, const char *name,
    struct span rest)
{
	struct span piece;

	while (stream_piece(&rest, &piece)) {
		begin(out, "content_block_delta");
		buf_addf(out, ",\"index\":%zu,\"delta\":{\"type\":\"%s\",\"%s\":\"",
		    index, type, name);
		buf_addspan(out, piece);
		buf_adds(out, "\"}");
		end(out);
	}
	begin(out, "content_block_stop");
	buf_addf(out, ",\"index\":%zu", index);
	end(out);
}

static void
stream_call(struct buf *out, size_t index, const struct call *c)
{
	begin(out, "content_block_start");
	buf_addf(out,
	    ",\"index\":%zu,\"content_block\":{\"type\":\"tool_use\",\"id\":",
	    index);
	buf_addspan(out, c->id);
	buf_adds(out, ",\"name\":");
	buf_addspan(out, c->name);
	buf_adds(out, ",\"input\":{}}");
	end(out);
	stream_pieces(out, index, "input_json_delta", "partial_json",
	    string_contents(c->arguments));
}

static void
stream_content(struct buf *out, const struct answer *a)
{
	struct said s = said_of(a);
	struct json_iter it = json_iter(s.calls.p == NULL ? SPAN("[]") : s.calls);
	struct span text = s.text.p != NULL ? s.text : s.refusal;
	struct call c;
	size_t index = 0;

	if (text.p != NULL) {
		begin(out, "content_block_start");
		buf_adds(out, ",\"index\":0,\"content_block\":{\"type\":\"text\","
			      "\"text\":\"\"}");
		end(out);
		begin(out, "ping");
		end(out);
		stream_pieces(out, index++, "text_delta", "text", text);
	}
	while (said_next_call(&it, &c))
		stream_call(out, index++, &c);
}

/* The usage is that of the beginning: hardly anything is said yet. */
static void
add_stream(struct buf *out, struct asked *asked, const struct answer *a)
{
	struct usage first = a->usage;

	first.output = 1;
	begin(out, "message_start");
	buf_adds(out, ",\"message\":");
	add_head(out, asked, a);
	buf_adds(out, ",\"content\":[],\"stop_reason\":null,"
		      "\"stop_sequence\":null,\"usage\":");
	add_usage(out, &first);
	buf_addc(out, '}');
	end(out);
	stream_content(out, a);
	begin(out, "message_delta");
	buf_adds(out, ",\"delta\":{\"stop_reason\":");
	json_add_string(out, stop_reason(a));
	buf_addf(out,
	    ",\"stop_sequence\":null},\"usage\":{\"output_tokens\":%" PRIu64 "}",
	    a->usage.output);
	end(out);
	begin(out, "message_stop");
	end(out);
}

static void
add_stream_error(struct buf *out, size_t events)
{
	(void)events;
	begin(out, "error");
	buf_adds(out, ",\"error\":{\"type\":\"overloaded_error\",\"message\":"
		      "\"this is a test: an error in mid-stream\"}");
	end(out);
}

/* ---- errors ---- */

static const char *
error_type(int status)
{
	switch (status) {
	case 401:
		return "authentication_error";
	case 402:
		return "billing_error";
	case 403:
		return "permission_error";
	case 404:
		return "not_found_error";
	case 413:
		return "request_too_large";
	case 429:
		return "rate_limit_error";
	case 504:
		return "timeout_error";
	case 529:
		return "overloaded_error";
	default:
		return status >= 500 ? "api_error" : "invalid_request_error";
	}
}

static void
add_error(struct buf *out, const struct failure *f)
{
	buf_addf(out, "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":",
	    error_type(f->status));
	json_add_string(out, f->message);
	if (f->code != NULL) {
		buf_adds(out, ",\"details\":{\"error_code\":");
		json_add_string(out, span_str(f->code));
		buf_addc(out, '}');
	}
	buf_adds(out, "},\"request_id\":\"req_mock\"}\n");
}

#define TEST_MESSAGE                                                              \
	"{\"id\":\"msg_test\",\"type\":\"message\",\"role\":\"assistant\","       \
	"\"model\":\"test\",\"stop_reason\":\"end_turn\",\"stop_sequence\":null," \
	"\"content\":"

const struct dialect dialect_messages = {
    .parse = parse,
    .add_answer = add_answer,
    .add_stream = add_stream,
    .add_stream_error = add_stream_error,
    .add_error = add_error,
    .empty_choices = TEST_MESSAGE "[]}\n",
    .null_content = TEST_MESSAGE "null}\n",
    .error_body = "{\"type\":\"error\",\"error\":{\"type\":\"api_error\","
		  "\"message\":\"this is a test: an error with status 200\"},"
		  "\"request_id\":\"req_mock\"}\n",
    .call_id = "toolu_",
    .key_header = "x-api-key",
    .no_key = {401, NULL, "x-api-key header is required"},
    .wrong_key = {401, NULL, "invalid x-api-key"},
    .version_header = "anthropic-version",
    .wait = WAIT_IN_SECONDS,
    .rates = LIMITS_ANTHROPIC,
};
