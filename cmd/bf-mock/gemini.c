/* gemini: Gemini generateContent. */
#include "dialect.h"
#include "stream.h"

#include <inttypes.h>
#include <stdio.h>

#define CANDIDATES_MAX 8

/* ---- requests ---- */

/* The provider takes two spellings of every name. */
static struct span
either(struct span object, const char *camel, const char *snake)
{
	struct span value = json_get(object, camel);

	return value.p != NULL ? value : json_get(object, snake);
}

static int
invalid(struct asked *a, struct err *e, const char *member, const char *why)
{
	if (member != a->member)
		asked_at(a, "%s", member);
	return err_set(e, "Invalid value at '%s': %s", a->member, why);
}

/* Unknown names are refused where it is: "" for the request itself. */
static int
refuse_unknown(struct asked *a, struct span object, const char *const *known,
    size_t n, struct err *e)
{
	struct span key = asked_unknown(object, known, n);

	if (key.p == NULL)
		return 0;
	return err_set(e,
	    "Invalid JSON payload received. Unknown name \"%.*s\"%s%s%s: Cannot "
	    "find field.",
	    (int)(key.n < 60 ? key.n : 60), key.p,
	    a->member[0] == '\0' ? "" : " at '", a->member,
	    a->member[0] == '\0' ? "" : "'");
}

static int
take_part(struct asked *a, struct span part, bool *result, struct err *e)
{
	static const char *const known[] = {"text", "thought", "thoughtSignature",
	    "thought_signature", "inlineData", "inline_data", "functionCall",
	    "function_call", "functionResponse", "function_response", "fileData",
	    "file_data", "executableCode", "executable_code", "codeExecutionResult",
	    "code_execution_result", "videoMetadata", "video_metadata",
	    "mediaResolution", "media_resolution"};
	struct span text, data;

	if (json_type(part) != JSON_OBJECT)
		return invalid(a, e, a->member, "must be an object");
	if (refuse_unknown(a, part, known, sizeof(known) / sizeof(*known), e) == -1)
		return -1;
	if (json_is_empty(part))
		return invalid(a, e, a->member,
		    "required oneof field 'data' must have one initialized field");
	text = json_get(part, "text");
	if (text.p != NULL && json_type(text) != JSON_STRING)
		return invalid(a, e, a->member, "'text' must be a string");
	asked_add_text(a, text);
	data = either(part, "inlineData", "inline_data");
	if (data.p != NULL &&
	    (json_type(data) != JSON_OBJECT ||
		images_add(&a->images, either(data, "mimeType", "mime_type"),
		    json_get(data, "data")) == -1))
		return invalid(a, e, a->member,
		    "'inlineData' must hold a 'mimeType' and 'data' in base64");
	*result = either(part, "functionResponse", "function_response").p != NULL;
	return 0;
}

/* Of a Content, called by name where it is wrong: "contents[0]". */
static int
take_parts(struct asked *a, struct span content, const char *name, bool *results,
    struct err *e)
{
	struct span parts = json_get(content, "parts");
	struct json_iter it;
	struct json_member m;
	bool result = false;

	asked_at(a, "%s.parts", name);
	if (!is_type(parts, JSON_ARRAY) || json_is_empty(parts))
		return invalid(
		    a, e, a->member, "must be an array that is not empty");
	*results = true;
	it = json_iter(parts);
	for (size_t i = 0; json_next(&it, &m); i++) {
		asked_at(a, "%s.parts[%zu]", name, i);
		if (take_part(a, m.value, &result, e) == -1)
			return -1;
		*results = *results && result;
	}
	return 0;
}

/* A user's turn that holds nothing but results of functions is no prompt. */
static int
take_content(struct asked *a, struct span content, size_t i, struct err *e)
{
	static const char *const known[] = {"role", "parts"};
	struct span role;
	char name[40];
	bool results;

	snprintf(name, sizeof(name), "contents[%zu]", i);
	asked_at(a, "%s", name);
	if (json_type(content) != JSON_OBJECT)
		return invalid(a, e, a->member, "must be an object");
	if (refuse_unknown(a, content, known, 2, e) == -1)
		return -1;
	role = json_get(content, "role");
	asked_at(a, "contents[%zu].role", i);
	if (role.p != NULL && !json_is(role, "user") && !json_is(role, "model"))
		return invalid(
		    a, e, a->member, "Please use a valid role: user, model.");
	if (take_parts(a, content, name, &results, e) == -1)
		return -1;
	if (role.p != NULL && !json_is(role, "user"))
		asked_end_message(a, ASKED_OTHER);
	else
		asked_end_message(a, results ? ASKED_TOOL : ASKED_USER);
	return 0;
}

static int
take_contents(struct asked *a, struct span contents, struct err *e)
{
	struct json_iter it;
	struct json_member m;

	if (is_given(contents) && json_type(contents) != JSON_ARRAY)
		return invalid(a, e, "contents", "must be an array");
	if (!is_given(contents) || json_is_empty(contents)) {
		asked_at(a, "contents");
		return err_set(e, "* GenerateContentRequest.contents: contents is "
				  "not specified");
	}
	it = json_iter(contents);
	for (size_t i = 0; json_next(&it, &m); i++)
		if (take_content(a, m.value, i, e) == -1)
			return -1;
	return 0;
}

static int
take_system(struct asked *a, struct span system, struct err *e)
{
	bool results;

	if (!is_given(system))
		return 0;
	if (json_type(system) != JSON_OBJECT)
		return invalid(a, e, "systemInstruction", "must be an object");
	if (take_parts(a, system, "systemInstruction", &results, e) == -1)
		return -1;
	asked_end_message(a, ASKED_SYSTEM);
	return 0;
}

static int
take_config(struct asked *a, struct span config, struct err *e)
{
	struct span most, temperature, count;
	double t;

	if (!is_given(config))
		return 0;
	if (json_type(config) != JSON_OBJECT)
		return invalid(a, e, "generationConfig", "must be an object");
	most = either(config, "maxOutputTokens", "max_output_tokens");
	if (is_given(most) &&
	    (!json_i64(most, &a->max_tokens) || a->max_tokens < 1))
		return invalid(a, e, "generationConfig.maxOutputTokens",
		    "must be a positive integer");
	temperature = json_get(config, "temperature");
	if (is_given(temperature) &&
	    (!json_double(temperature, &t) || t < 0 || t > 2))
		return invalid(a, e, "generationConfig.temperature",
		    "must be a number from 0 to 2");
	count = either(config, "candidateCount", "candidate_count");
	if (is_given(count) && (!json_i64(count, &a->choices) || a->choices < 1 ||
				   a->choices > CANDIDATES_MAX))
		return invalid(a, e, "generationConfig.candidateCount",
		    "must be an integer from 1 to 8");
	return 0;
}

/* A text that is to satisfy a schema. */
static int
take_format(struct asked *a, struct span config, struct err *e)
{
	struct span type, schema;

	if (!is_given(config))
		return 0;
	type = either(config, "responseMimeType", "response_mime_type");
	schema = either(config, "responseSchema", "response_schema");
	if (!is_given(schema))
		schema = either(
		    config, "responseJsonSchema", "response_json_schema");
	if (!is_given(schema))
		return 0;
	if (!is_type(type, JSON_STRING) || !json_is(type, "application/json"))
		return invalid(a, e, "generationConfig.responseMimeType",
		    "must be application/json where there is a schema");
	a->schema = schema;
	return 0;
}

static int
take_declarations(struct asked *a, struct span list, size_t tool, struct err *e)
{
	struct json_iter it = json_iter(list.p == NULL ? SPAN("[]") : list);
	struct json_member m;

	for (size_t i = 0; json_next(&it, &m); i++) {
		struct span schema = member(m.value, "parametersJsonSchema");

		if (!is_type(member(m.value, "name"), JSON_STRING))
			return invalid(a, e,
			    asked_at(a, "tools[%zu].functionDeclarations[%zu].name",
				tool, i),
			    "must be a string");
		if (schema.p == NULL)
			schema = json_get(m.value, "parameters");
		asked_add_tool(a, json_get(m.value, "name"), schema);
	}
	return 0;
}

static int
take_tools(struct asked *a, struct span tools, struct err *e)
{
	struct json_iter it = json_iter(is_given(tools) ? tools : SPAN("[]"));
	struct json_member m;

	if (is_given(tools) && json_type(tools) != JSON_ARRAY)
		return invalid(a, e, "tools", "must be an array");
	for (size_t i = 0; json_next(&it, &m); i++) {
		if (json_type(m.value) != JSON_OBJECT)
			return invalid(a, e, asked_at(a, "tools[%zu]", i),
			    "must be an object");
		if (take_declarations(a,
			either(m.value, "functionDeclarations",
			    "function_declarations"),
			i, e) == -1)
			return -1;
	}
	if (a->tools == TOOLS_MUST && a->tool.name.p == NULL)
		return invalid(a, e, "toolConfig.functionCallingConfig",
		    "there is no such function in 'tools'");
	return 0;
}

static int
take_choice(struct asked *a, struct span config, struct err *e)
{
	struct span calling, mode, names;

	if (!is_type(config, JSON_OBJECT))
		return 0;
	calling = either(
	    config, "functionCallingConfig", "function_calling_config");
	mode = member(calling, "mode");
	if (mode.p == NULL)
		return 0;
	if (json_is(mode, "ANY"))
		a->tools = TOOLS_MUST;
	else if (json_is(mode, "NONE"))
		a->tools = TOOLS_NEVER;
	else if (!json_is(mode, "AUTO") && !json_is(mode, "VALIDATED"))
		return invalid(a, e, "toolConfig.functionCallingConfig.mode",
		    "must be AUTO, ANY, NONE or VALIDATED");
	names = either(calling, "allowedFunctionNames", "allowed_function_names");
	if (is_type(names, JSON_ARRAY) && !json_is_empty(names))
		a->tool_named = json_at(names, 0);
	return 0;
}

static int
parse(struct asked *a, struct span body, struct err *e)
{
	static const char *const known[] = {"contents", "tools", "toolConfig",
	    "tool_config", "safetySettings", "safety_settings", "systemInstruction",
	    "system_instruction", "generationConfig", "generation_config",
	    "cachedContent", "cached_content", "labels", "model", "serviceTier",
	    "store"};
	struct span config;

	if (asked_begin(a, body, e) == -1)
		return -1;
	if (refuse_unknown(a, a->body, known, sizeof(known) / sizeof(*known), e) ==
	    -1)
		return -1;
	config = either(a->body, "generationConfig", "generation_config");
	if (take_config(a, config, e) == -1 || take_format(a, config, e) == -1 ||
	    take_choice(a, either(a->body, "toolConfig", "tool_config"), e) == -1 ||
	    take_tools(a, json_get(a->body, "tools"), e) == -1 ||
	    take_system(a,
		either(a->body, "systemInstruction", "system_instruction"),
		e) == -1 ||
	    take_contents(a, json_get(a->body, "contents"), e) == -1)
		return -1;
	asked_end(a);
	return 0;
}

/* ---- answers ---- */

static struct span
finish_reason(const struct answer *a)
{
	static const struct {
		struct span chat, here;
	} words[] = {
	    {SPAN_INIT("stop"), SPAN_INIT("STOP")},
	    {SPAN_INIT("length"), SPAN_INIT("MAX_TOKENS")},
	    {SPAN_INIT("tool_calls"), SPAN_INIT("STOP")},
	    {SPAN_INIT("content_filter"), SPAN_INIT("SAFETY")},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (span_eq(a->finish_reason, words[i].chat))
			return words[i].here;
	return a->finish_reason;
}

static void
add_text(struct buf *out, struct span text)
{
	buf_adds(out, "{\"text\":\"");
	buf_addspan(out, text);
	buf_adds(out, "\"}");
}

static void
add_calls(struct buf *out, struct span calls, const char *comma)
{
	struct json_iter it = json_iter(calls.p == NULL ? SPAN("[]") : calls);
	struct call c;

	while (said_next_call(&it, &c)) {
		buf_addf(out, "%s{\"functionCall\":{\"name\":", comma);
		buf_addspan(out, c.name);
		buf_adds(out, ",\"args\":");
		add_arguments(out, c.arguments);
		buf_adds(out, "}}");
		comma = ",";
	}
}

static void
add_candidate(struct buf *out, const struct answer *a, int64_t index)
{
	struct said s = said_of(a);
	struct span text = s.text.p != NULL ? s.text : s.refusal;

	buf_adds(out, "{\"content\":{\"parts\":[");
	if (text.p != NULL)
		add_text(out, text);
	add_calls(out, s.calls, text.p != NULL ? "," : "");
	buf_adds(out, "],\"role\":\"model\"},\"finishReason\":");
	json_add_string(out, finish_reason(a));
	buf_addf(out, ",\"index\":%" PRId64 "}", index);
}

/* Thoughts are counted apart from the candidates' tokens. */
static void
add_usage(struct buf *out, const struct usage *u)
{
	buf_addf(out,
	    "{\"promptTokenCount\":%" PRIu64 ",\"candidatesTokenCount\":%" PRIu64
	    ",\"totalTokenCount\":%" PRIu64,
	    u->input, u->output - u->reasoning, u->input + u->output);
	if (u->cached > 0)
		buf_addf(out, ",\"cachedContentTokenCount\":%" PRIu64, u->cached);
	if (u->reasoning > 0)
		buf_addf(out, ",\"thoughtsTokenCount\":%" PRIu64, u->reasoning);
	buf_addc(out, '}');
}

static void
add_tail(struct buf *out, const struct asked *asked, const struct answer *a)
{
	buf_adds(out, ",\"modelVersion\":");
	buf_addspan(out, asked->model);
	buf_adds(out, ",\"responseId\":");
	add_id(out, "", a);
	buf_addc(out, '}');
}

static void
add_answer(struct buf *out, struct asked *asked, const struct answer *a)
{
	buf_adds(out, "{\"candidates\":[");
	for (int64_t i = 0; i < asked->choices; i++) {
		if (i > 0)
			buf_addc(out, ',');
		add_candidate(out, a, i);
	}
	buf_adds(out, "],\"usageMetadata\":");
	add_usage(out, &a->usage);
	add_tail(out, asked, a);
	buf_addc(out, '\n');
}

/* ---- streams ---- */

/* Events, or elements of an array. */
static void
begin(struct buf *out, const struct asked *asked, bool first)
{
	if (asked->sse)
		stream_event(out, NULL);
	else
		buf_adds(out, first ? "[" : ",");
	buf_adds(out, "{\"candidates\":[");
}

static void
end(struct buf *out, const struct asked *asked, const struct answer *a, bool last)
{
	buf_adds(out, "],\"usageMetadata\":");
	if (last)
		add_usage(out, &a->usage);
	else
		buf_addf(out,
		    "{\"promptTokenCount\":%" PRIu64 ",\"totalTokenCount\":%" PRIu64
		    "}",
		    a->usage.input, a->usage.input);
	add_tail(out, asked, a);
	if (asked->sse)
		stream_end(out);
	else
		buf_adds(out, last ? "]\n" : "\n");
}

static void
stream_text(struct buf *out, const struct asked *asked, const struct answer *a,
    int64_t index, bool *first)
{
	struct said s = said_of(a);
	struct span rest = s.text.p != NULL ? s.text : s.refusal, piece;

	while (rest.p != NULL && stream_piece(&rest, &piece)) {
		begin(out, asked, *first);
		*first = false;
		buf_adds(out, "{\"content\":{\"parts\":[");
		add_text(out, piece);
		buf_addf(
		    out, "],\"role\":\"model\"},\"index\":%" PRId64 "}", index);
		end(out, asked, a, false);
	}
}

/* The last chunk of each candidate has the calls, whole, and says why it ends. */
static void
add_stream(struct buf *out, struct asked *asked, const struct answer *a)
{
	struct said s = said_of(a);
	bool first = true;

	for (int64_t i = 0; i < asked->choices; i++) {
		stream_text(out, asked, a, i, &first);
		begin(out, asked, first);
		first = false;
		buf_adds(out, "{\"content\":{\"parts\":[");
		if (s.calls.p == NULL)
			add_text(out, SPAN(""));
		else
			add_calls(out, s.calls, "");
		buf_adds(out, "],\"role\":\"model\"},\"finishReason\":");
		json_add_string(out, finish_reason(a));
		buf_addf(out, ",\"index\":%" PRId64 "}", i);
		end(out, asked, a, i + 1 == asked->choices);
	}
}

static void
add_stream_error(struct buf *out, size_t events)
{
	(void)events;
	stream_event(out, NULL);
	buf_adds(out, "{\"error\":{\"code\":503,\"message\":\"this is a test: an "
		      "error in mid-stream\",\"status\":\"UNAVAILABLE\"}}");
	stream_end(out);
}

/* ---- errors ---- */

static const char *
status_word(int status)
{
	switch (status) {
	case 401:
		return "UNAUTHENTICATED";
	case 403:
		return "PERMISSION_DENIED";
	case 404:
		return "NOT_FOUND";
	case 409:
		return "ABORTED";
	case 429:
		return "RESOURCE_EXHAUSTED";
	case 500:
		return "INTERNAL";
	case 501:
		return "UNIMPLEMENTED";
	case 503:
		return "UNAVAILABLE";
	case 408:
	case 504:
		return "DEADLINE_EXCEEDED";
	default:
		return status >= 500 ? "UNKNOWN" : "INVALID_ARGUMENT";
	}
}

#define TYPE "{\"@type\":\"type.googleapis.com/google.rpc."

/* Seconds, as JSON writes a google.protobuf.Duration: "37s", "0.050s". */
static void
add_retry(struct buf *out, int64_t us)
{
	buf_addf(out, TYPE "RetryInfo\",\"retryDelay\":\"%" PRId64, us / 1000000);
	if (us % 1000000 != 0 && us % 1000 == 0)
		buf_addf(out, ".%03" PRId64, us % 1000000 / 1000);
	else if (us % 1000000 != 0)
		buf_addf(out, ".%06" PRId64, us % 1000000);
	buf_adds(out, "s\"}");
}

static void
add_details(struct buf *out, const struct failure *f)
{
	const char *comma = "";

	if (f->code == NULL && f->retry_us < 0 &&
	    (f->member == NULL || *f->member == '\0'))
		return;
	buf_adds(out, ",\"details\":[");
	if (f->code != NULL) {
		buf_adds(out, TYPE "ErrorInfo\",\"reason\":");
		json_add_string(out, span_str(f->code));
		buf_adds(out, ",\"domain\":\"googleapis.com\"}");
		comma = ",";
	}
	if (f->member != NULL && *f->member != '\0') {
		buf_addf(out,
		    "%s" TYPE "BadRequest\",\"fieldViolations\":[{\"field\":",
		    comma);
		json_add_string(out, span_str(f->member));
		buf_adds(out, ",\"description\":");
		json_add_string(out, f->message);
		buf_adds(out, "}]}");
		comma = ",";
	}
	if (f->retry_us >= 0) {
		buf_adds(out, comma);
		add_retry(out, f->retry_us);
	}
	buf_addc(out, ']');
}

void
add_gemini_error(struct buf *out, const struct failure *f)
{
	if (f->in_array)
		buf_addc(out, '[');
	buf_addf(out, "{\"error\":{\"code\":%d,\"message\":", f->status);
	json_add_string(out, f->message);
	buf_addf(out, ",\"status\":\"%s\"", status_word(f->status));
	add_details(out, f);
	buf_adds(out, f->in_array ? "}}]\n" : "}}\n");
}

const struct dialect dialect_gemini = {
    .parse = parse,
    .add_answer = add_answer,
    .add_stream = add_stream,
    .add_stream_error = add_stream_error,
    .add_error = add_gemini_error,
    .empty_choices = "{\"usageMetadata\":{\"promptTokenCount\":1,"
		     "\"totalTokenCount\":1},\"modelVersion\":\"test\"}\n",
    .null_content = "{\"candidates\":[{\"content\":{\"role\":\"model\"},"
		    "\"finishReason\":\"STOP\",\"index\":0}],"
		    "\"modelVersion\":\"test\"}\n",
    .error_body = "{\"error\":{\"code\":503,\"message\":\"this is a test: an "
		  "error with status 200\",\"status\":\"UNAVAILABLE\"}}\n",
    .call_id = "call_",
    .key_header = "x-goog-api-key",
    .no_key = {403, NULL,
	"Method doesn't allow unregistered callers (callers without established "
	"identity)."},
    .wrong_key = {400, "API_KEY_INVALID",
	"API key not valid. Please pass a valid API key."},
    .key_parameter = "key",
    .wait = WAIT_IN_BODY,
    .rates = LIMITS_UNTOLD,
};
