/* responses: OpenAI Responses. */
#include "dialect.h"
#include "stream.h"

#include <inttypes.h>
#include <stdio.h>

#define OUTPUT_TOKENS_MIN 16

/* ---- requests ---- */

static int
missing(struct asked *a, struct err *e, const char *member)
{
	if (member != a->member)
		asked_at(a, "%s", member);
	a->code = "missing_required_parameter";
	return err_set(e, "Missing required parameter: '%s'.", a->member);
}

static int
wrong_type(struct asked *a, struct err *e, const char *member, const char *wanted)
{
	if (member != a->member)
		asked_at(a, "%s", member);
	a->code = "invalid_type";
	return err_set(e, "Invalid type for '%s': expected %s.", a->member, wanted);
}

static int
wrong_value(struct asked *a, struct err *e, const char *member, const char *wanted)
{
	if (member != a->member)
		asked_at(a, "%s", member);
	a->code = "invalid_value";
	return err_set(
	    e, "Invalid value for '%s': expected %s.", a->member, wanted);
}

static int
take_part(struct asked *a, struct span part, bool assistant, size_t item, size_t i,
    struct err *e)
{
	struct span type;

	if (json_type(part) != JSON_OBJECT)
		return wrong_type(a, e,
		    asked_at(a, "input[%zu].content[%zu]", item, i), "an object");
	type = json_get(part, "type");
	asked_at(a, "input[%zu].content[%zu].type", item, i);
	if (type.p == NULL)
		return missing(a, e, a->member);
	if (json_is(type, assistant ? "output_text" : "input_text")) {
		asked_at(a, "input[%zu].content[%zu].text", item, i);
		if (!is_type(json_get(part, "text"), JSON_STRING))
			return missing(a, e, a->member);
		asked_add_text(a, json_get(part, "text"));
		return 0;
	}
	if (assistant)
		return json_is(type, "refusal") ? 0
						: wrong_value(a, e, a->member,
						      "'output_text' or 'refusal'");
	if (json_is(type, "input_image")) {
		struct span url = json_get(part, "image_url");

		asked_at(a, "input[%zu].content[%zu].image_url", item, i);
		if (is_given(url) && images_add_url(&a->images, url) == -1)
			return wrong_value(
			    a, e, a->member, "a URL or data in base64");
		return 0;
	}
	if (json_is(type, "input_file"))
		return 0;
	return wrong_value(
	    a, e, a->member, "'input_text', 'input_image' or 'input_file'");
}

static int
take_message(struct asked *a, struct span message, size_t item, struct err *e)
{
	struct span role = json_get(message, "role");
	struct span content = json_get(message, "content");
	enum asked_role who = ASKED_OTHER;
	struct json_iter it;
	struct json_member m;
	size_t i = 0;

	asked_at(a, "input[%zu].role", item);
	if (role.p == NULL)
		return missing(a, e, a->member);
	if (json_is(role, "user"))
		who = ASKED_USER;
	else if (json_is(role, "system") || json_is(role, "developer"))
		who = ASKED_SYSTEM;
	else if (!json_is(role, "assistant"))
		return wrong_value(a, e, a->member,
		    "'user', 'assistant', 'system' or 'developer'");
	asked_at(a, "input[%zu].content", item);
	if (content.p == NULL)
		return missing(a, e, a->member);
	if (json_type(content) != JSON_STRING && json_type(content) != JSON_ARRAY)
		return wrong_type(a, e, a->member, "a string or an array");
	asked_add_text(a, content);
	it = json_iter(content);
	while (json_next(&it, &m))
		if (take_part(a, m.value, who == ASKED_OTHER, item, i++, e) == -1)
			return -1;
	asked_end_message(a, who);
	return 0;
}

static int
take_input(struct asked *a, struct span input, struct err *e)
{
	struct json_iter it;
	struct json_member m;

	if (input.p == NULL)
		return missing(a, e, "input");
	if (json_type(input) == JSON_STRING) {
		asked_add_text(a, input);
		asked_end_message(a, ASKED_USER);
		return 0;
	}
	if (json_type(input) != JSON_ARRAY)
		return wrong_type(a, e, "input", "a string or an array");
	it = json_iter(input);
	for (size_t i = 0; json_next(&it, &m); i++) {
		struct span type = SPAN_NONE;

		if (json_type(m.value) != JSON_OBJECT)
			return wrong_type(
			    a, e, asked_at(a, "input[%zu]", i), "an object");
		type = json_get(m.value, "type");
		if (type.p == NULL || json_is(type, "message")) {
			if (take_message(a, m.value, i, e) == -1)
				return -1;
		} else if (json_is(type, "function_call_output")) {
			asked_add_text(a, json_get(m.value, "output"));
			asked_end_message(a, ASKED_TOOL);
		}
	}
	return 0;
}

static int
take_numbers(struct asked *a, struct err *e)
{
	struct span most = json_get(a->body, "max_output_tokens");
	struct span temperature = json_get(a->body, "temperature");
	double t;

	if (is_given(most) && !json_i64(most, &a->max_tokens))
		return wrong_type(a, e, "max_output_tokens", "an integer");
	if (is_given(most) && a->max_tokens < OUTPUT_TOKENS_MIN)
		return wrong_value(
		    a, e, "max_output_tokens", "an integer of at least 16");
	if (is_given(temperature) && !json_double(temperature, &t))
		return wrong_type(a, e, "temperature", "a number");
	if (is_given(temperature) && (t < 0 || t > 2))
		return wrong_value(a, e, "temperature", "a number from 0 to 2");
	return 0;
}

static int
take_stream(struct asked *a, struct err *e)
{
	struct span stream = json_get(a->body, "stream");

	if (is_given(stream) && !is_bool(stream))
		return wrong_type(a, e, "stream", "a boolean");
	a->stream = is_type(stream, JSON_TRUE);
	return 0;
}

static int
take_tools(struct asked *a, struct span tools, struct err *e)
{
	struct json_iter it = json_iter(is_given(tools) ? tools : SPAN("[]"));
	struct json_member m;

	if (is_given(tools) && json_type(tools) != JSON_ARRAY)
		return wrong_type(a, e, "tools", "an array");
	for (size_t i = 0; json_next(&it, &m); i++) {
		struct span type = member(m.value, "type"), name;

		asked_at(a, "tools[%zu].type", i);
		if (type.p == NULL)
			return missing(a, e, a->member);
		if (!json_is(type, "function"))
			continue;
		name = json_get(m.value, "name");
		asked_at(a, "tools[%zu].name", i);
		if (name.p == NULL)
			return missing(a, e, a->member);
		if (json_type(name) != JSON_STRING)
			return wrong_type(a, e, a->member, "a string");
		asked_add_tool(a, name, json_get(m.value, "parameters"));
	}
	if (a->tools == TOOLS_MUST && a->tool.name.p == NULL)
		return wrong_value(
		    a, e, "tool_choice", "a tool that is in 'tools'");
	return 0;
}

static int
take_choice(struct asked *a, struct span choice, struct err *e)
{
	if (!is_given(choice) || json_is(choice, "auto"))
		return 0;
	if (json_is(choice, "none")) {
		a->tools = TOOLS_NEVER;
		return 0;
	}
	a->tools = TOOLS_MUST;
	if (json_is(choice, "required"))
		return 0;
	if (json_type(choice) != JSON_OBJECT)
		return wrong_value(
		    a, e, "tool_choice", "'none', 'auto', 'required' or an object");
	if (!is_type(json_get(choice, "name"), JSON_STRING))
		return missing(a, e, "tool_choice.name");
	a->tool_named = json_get(choice, "name");
	return 0;
}

static int
take_format(struct asked *a, struct span format, struct err *e)
{
	struct span type = member(format, "type");

	if (!is_given(format))
		return 0;
	if (type.p == NULL)
		return missing(a, e, "text.format.type");
	if (!json_is(type, "json_schema"))
		return 0;
	if (!is_type(json_get(format, "name"), JSON_STRING))
		return missing(a, e, "text.format.name");
	a->schema = json_get(format, "schema");
	if (a->schema.p == NULL)
		return missing(a, e, "text.format.schema");
	if (json_type(a->schema) != JSON_OBJECT)
		return wrong_type(a, e, "text.format.schema", "an object");
	return 0;
}

static int
refuse_unknown(struct asked *a, struct err *e)
{
	static const char *const known[] = {"background", "conversation", "include",
	    "input", "instructions", "max_output_tokens", "max_tool_calls",
	    "metadata", "model", "parallel_tool_calls", "previous_response_id",
	    "prompt", "prompt_cache_key", "prompt_cache_retention", "reasoning",
	    "safety_identifier", "service_tier", "store", "stream",
	    "stream_options", "temperature", "text", "tool_choice", "tools",
	    "top_logprobs", "top_p", "truncation", "user"};
	struct span key = asked_unknown(
	    a->body, known, sizeof(known) / sizeof(*known));

	if (key.p == NULL)
		return 0;
	a->code = "unknown_parameter";
	return err_set(e, "Unknown parameter: '%s'.",
	    asked_at(a, "%.*s", (int)(key.n < 60 ? key.n : 60), key.p));
}

static int
parse(struct asked *a, struct span body, struct err *e)
{
	struct span instructions;

	if (asked_begin(a, body, e) == -1 || refuse_unknown(a, e) == -1)
		return -1;
	a->model = json_get(a->body, "model");
	if (a->model.p == NULL)
		return missing(a, e, "model");
	if (json_type(a->model) != JSON_STRING)
		return wrong_type(a, e, "model", "a string");
	instructions = json_get(a->body, "instructions");
	if (is_given(instructions)) {
		if (json_type(instructions) != JSON_STRING)
			return wrong_type(a, e, "instructions", "a string");
		asked_add_text(a, instructions);
		asked_end_message(a, ASKED_SYSTEM);
	}
	if (take_input(a, json_get(a->body, "input"), e) == -1 ||
	    take_numbers(a, e) == -1 || take_stream(a, e) == -1 ||
	    take_choice(a, json_get(a->body, "tool_choice"), e) == -1 ||
	    take_tools(a, json_get(a->body, "tools"), e) == -1 ||
	    take_format(a, member(json_get(a->body, "text"), "format"), e) == -1)
		return -1;
	asked_end(a);
	return 0;
}

/* ---- answers ---- */

/* Why an answer is not whole; NULL if it is. */
static const char *
incomplete(const struct answer *a)
{
	if (span_eq(a->finish_reason, SPAN("length")))
		return "max_output_tokens";
	if (span_eq(a->finish_reason, SPAN("content_filter")))
		return "content_filter";
	return NULL;
}

static void
add_part(struct buf *out, const struct said *s)
{
	if (s->refusal.p != NULL) {
		buf_adds(out, "{\"type\":\"refusal\",\"refusal\":\"");
		buf_addspan(out, s->refusal);
		buf_adds(out, "\"}");
	} else {
		buf_adds(out, "{\"type\":\"output_text\",\"annotations\":[],"
			      "\"logprobs\":[],\"text\":\"");
		buf_addspan(out, s->text);
		buf_adds(out, "\"}");
	}
}

/* Up to its parts. */
static void
add_message_head(struct buf *out, const struct answer *a, const char *status)
{
	buf_adds(out, "{\"id\":");
	add_id(out, "msg_", a);
	buf_addf(out,
	    ",\"type\":\"message\",\"status\":\"%s\",\"role\":\"assistant\","
	    "\"content\":[",
	    status);
}

static void
add_call_id(struct buf *out, const struct answer *a, size_t i)
{
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "fc%zu_", i);
	add_id(out, prefix, a);
}

static void
add_message(struct buf *out, const struct answer *a, const struct said *s)
{
	add_message_head(
	    out, a, incomplete(a) != NULL ? "incomplete" : "completed");
	add_part(out, s);
	buf_adds(out, "]}");
}

static void
add_call(struct buf *out, const struct answer *a, const struct call *c, size_t i,
    bool begun)
{
	buf_adds(out, "{\"id\":");
	add_call_id(out, a, i);
	buf_addf(out, ",\"type\":\"function_call\",\"status\":\"%s\",\"call_id\":",
	    begun ? "in_progress" : "completed");
	buf_addspan(out, c->id);
	buf_adds(out, ",\"name\":");
	buf_addspan(out, c->name);
	buf_adds(out, ",\"arguments\":");
	buf_addspan(out, begun ? SPAN("\"\"") : c->arguments);
	buf_addc(out, '}');
}

static void
add_reasoning(struct buf *out, const struct answer *a)
{
	buf_adds(out, "{\"id\":");
	add_id(out, "rs_", a);
	buf_adds(out, ",\"type\":\"reasoning\",\"summary\":[]}");
}

static void
add_output(struct buf *out, const struct answer *a)
{
	struct said s = said_of(a);
	struct json_iter it = json_iter(s.calls.p == NULL ? SPAN("[]") : s.calls);
	struct call c;
	const char *comma = "";

	if (a->usage.reasoning > 0) {
		add_reasoning(out, a);
		comma = ",";
	}
	if (s.text.p != NULL || s.refusal.p != NULL) {
		buf_adds(out, comma);
		add_message(out, a, &s);
		comma = ",";
	}
	for (size_t i = 0; said_next_call(&it, &c); i++) {
		buf_adds(out, comma);
		add_call(out, a, &c, i, false);
		comma = ",";
	}
}

static void
add_usage(struct buf *out, const struct usage *u)
{
	buf_addf(out,
	    "{\"input_tokens\":%" PRIu64
	    ",\"input_tokens_details\":{\"cached_tokens\":%" PRIu64
	    "},\"output_tokens\":%" PRIu64
	    ",\"output_tokens_details\":{\"reasoning_tokens\":%" PRIu64
	    "},\"total_tokens\":%" PRIu64 "}",
	    u->input, u->cached, u->output, u->reasoning, u->input + u->output);
}

/* begun: as it is in the first events of a stream. */
static void
add_response(
    struct buf *out, const struct asked *asked, const struct answer *a, bool begun)
{
	const char *why = begun ? NULL : incomplete(a);

	buf_adds(out, "{\"id\":");
	add_id(out, "resp_", a);
	buf_addf(out,
	    ",\"object\":\"response\",\"created_at\":%" PRId64
	    ",\"status\":\"%s\",\"error\":null,\"incomplete_details\":",
	    answer_date(a),
	    begun         ? "in_progress"
	    : why == NULL ? "completed"
			  : "incomplete");
	if (why == NULL)
		buf_adds(out, "null");
	else
		buf_addf(out, "{\"reason\":\"%s\"}", why);
	buf_adds(out, ",\"model\":");
	buf_addspan(out, asked->model);
	buf_adds(out, ",\"output\":[");
	if (!begun)
		add_output(out, a);
	buf_adds(out, "],\"usage\":");
	if (begun)
		buf_adds(out, "null");
	else
		add_usage(out, &a->usage);
	buf_adds(out, ",\"metadata\":{}}");
}

static void
add_answer(struct buf *out, struct asked *asked, const struct answer *a)
{
	add_response(out, asked, a, false);
	buf_addc(out, '\n');
}

/* ---- streams ---- */

struct events {
	struct buf *out;
	const struct answer *answer;
	size_t n;    /* events so far */
	size_t item; /* of the output */
};

/* Up to where the event's own members go. */
static void
begin(struct events *ev, const char *type)
{
	stream_event(ev->out, type);
	buf_addf(
	    ev->out, "{\"type\":\"%s\",\"sequence_number\":%zu", type, ev->n++);
}

static void
end(struct events *ev)
{
	buf_addc(ev->out, '}');
	stream_end(ev->out);
}

static void
stream_response(
    struct events *ev, const struct asked *asked, const char *type, bool begun)
{
	begin(ev, type);
	buf_adds(ev->out, ",\"response\":");
	add_response(ev->out, asked, ev->answer, begun);
	end(ev);
}

static void
begin_item(struct events *ev, const char *type)
{
	begin(ev, type);
	buf_addf(ev->out, ",\"output_index\":%zu,\"item\":", ev->item);
}

static void
begin_in_part(struct events *ev, const char *type)
{
	begin(ev, type);
	buf_adds(ev->out, ",\"item_id\":");
	add_id(ev->out, "msg_", ev->answer);
	buf_addf(ev->out, ",\"output_index\":%zu,\"content_index\":0,", ev->item);
}

static void
add_member(struct buf *out, const char *name, struct span contents)
{
	buf_addf(out, "\"%s\":\"", name);
	buf_addspan(out, contents);
	buf_addc(out, '"');
}

static void
stream_part(struct events *ev, const struct said *s)
{
	bool refusal = s->refusal.p != NULL;
	struct said empty = {SPAN(""), refusal ? SPAN("") : SPAN_NONE, SPAN_NONE};
	struct span rest = refusal ? s->refusal : s->text, piece;

	begin_in_part(ev, "response.content_part.added");
	buf_adds(ev->out, "\"part\":");
	add_part(ev->out, &empty);
	end(ev);
	while (stream_piece(&rest, &piece)) {
		begin_in_part(ev, refusal ? "response.refusal.delta"
					  : "response.output_text.delta");
		add_member(ev->out, "delta", piece);
		end(ev);
	}
	begin_in_part(
	    ev, refusal ? "response.refusal.done" : "response.output_text.done");
	add_member(
	    ev->out, refusal ? "refusal" : "text", refusal ? s->refusal : s->text);
	end(ev);
	begin_in_part(ev, "response.content_part.done");
	buf_adds(ev->out, "\"part\":");
	add_part(ev->out, s);
	end(ev);
}

static void
stream_message(struct events *ev, const struct said *s)
{
	begin_item(ev, "response.output_item.added");
	add_message_head(ev->out, ev->answer, "in_progress");
	buf_adds(ev->out, "]}");
	end(ev);
	stream_part(ev, s);
	begin_item(ev, "response.output_item.done");
	add_message(ev->out, ev->answer, s);
	end(ev);
	ev->item++;
}

static void
begin_in_call(struct events *ev, const char *type, size_t i)
{
	begin(ev, type);
	buf_adds(ev->out, ",\"item_id\":");
	add_call_id(ev->out, ev->answer, i);
	buf_addf(ev->out, ",\"output_index\":%zu,", ev->item);
}

static void
stream_call(struct events *ev, const struct call *c, size_t i)
{
	struct span rest = string_contents(c->arguments), piece;

	begin_item(ev, "response.output_item.added");
	add_call(ev->out, ev->answer, c, i, true);
	end(ev);
	while (stream_piece(&rest, &piece)) {
		begin_in_call(ev, "response.function_call_arguments.delta", i);
		add_member(ev->out, "delta", piece);
		end(ev);
	}
	begin_in_call(ev, "response.function_call_arguments.done", i);
	add_member(ev->out, "arguments", string_contents(c->arguments));
	end(ev);
	begin_item(ev, "response.output_item.done");
	add_call(ev->out, ev->answer, c, i, false);
	end(ev);
	ev->item++;
}

static void
stream_reasoning(struct events *ev)
{
	begin_item(ev, "response.output_item.added");
	add_reasoning(ev->out, ev->answer);
	end(ev);
	begin_item(ev, "response.output_item.done");
	add_reasoning(ev->out, ev->answer);
	end(ev);
	ev->item++;
}

static void
add_stream(struct buf *out, struct asked *asked, const struct answer *a)
{
	struct events ev = {.out = out, .answer = a};
	struct said s = said_of(a);
	struct json_iter it = json_iter(s.calls.p == NULL ? SPAN("[]") : s.calls);
	struct call c;

	stream_response(&ev, asked, "response.created", true);
	stream_response(&ev, asked, "response.in_progress", true);
	if (a->usage.reasoning > 0)
		stream_reasoning(&ev);
	if (s.text.p != NULL || s.refusal.p != NULL)
		stream_message(&ev, &s);
	for (size_t i = 0; said_next_call(&it, &c); i++)
		stream_call(&ev, &c, i);
	stream_response(&ev, asked,
	    incomplete(a) != NULL ? "response.incomplete" : "response.completed",
	    false);
}

static void
add_stream_error(struct buf *out, size_t events)
{
	stream_event(out, "error");
	buf_addf(out,
	    "{\"type\":\"error\",\"sequence_number\":%zu,\"code\":"
	    "\"server_is_overloaded\",\"message\":\"this is a test: an error in "
	    "mid-stream\",\"param\":null}",
	    events);
	stream_end(out);
}

#define TEST_RESPONSE                                                              \
	"{\"id\":\"resp_test\",\"object\":\"response\",\"created_at\":1704067200," \
	"\"status\":\"completed\",\"error\":null,\"incomplete_details\":null,"     \
	"\"model\":\"test\",\"output\":"

const struct dialect dialect_responses = {
    .parse = parse,
    .add_answer = add_answer,
    .add_stream = add_stream,
    .add_stream_error = add_stream_error,
    .add_error = add_openai_error,
    .empty_choices = TEST_RESPONSE "[]}\n",
    .null_content = TEST_RESPONSE
    "[{\"id\":\"msg_test\",\"type\":\"message\",\"status\":\"completed\","
    "\"role\":\"assistant\",\"content\":null}]}\n",
    .error_body = "{\"error\":{\"message\":\"this is a test: an error with "
		  "status 200\",\"code\":502}}\n",
    .call_id = "call_",
    .key_header = "Authorization",
    .no_key = {401, NULL, "you didn't provide an API key"},
    .wrong_key = {401, NULL, "incorrect API key provided"},
    .wait = WAIT_IN_HEADERS,
    .rates = LIMITS_OPENAI,
};
