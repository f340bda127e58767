/*
 * The Responses API of OpenAI.
 * https://platform.openai.com/docs/api-reference/responses
 *
 * Said as follows:
 *	a system or developer message that comes first
 *	                             instructions
 *	other messages, tool calls and their results
 *	                             items of input, in their order
 *	max_completion_tokens, max_tokens
 *	                             max_output_tokens
 *	reasoning_effort, verbosity  reasoning.effort, text.verbosity
 *	response_format              text.format
 *	logprobs                     include: message.output_text.logprobs
 *	tools                        their functions; strict false where it is not
 *	                             said, as with chat completions
 *	store                        false where it is not said, likewise
 *	what says how it is carried  as it is
 */
#include "dialects/ask.h"
#include "dialects/stream.h"

/* ---- input ---- */

struct input {
	size_t n; /* items so far */
};

static void
begin_item(struct ask *a, struct input *in)
{
	if (in->n++ > 0)
		buf_addc(a->out, ',');
}

static int
add_part(struct ask *a, const struct ask_parts *ps, const struct ask_part *p)
{
	switch (p->type) {
	case ASK_TEXT:
		buf_adds(a->out, "{\"type\":\"input_text\"");
		ask_add(a, "text", p->text);
		break;
	case ASK_IMAGE:
		buf_adds(a->out, "{\"type\":\"input_image\"");
		ask_add(a, "image_url", p->raw_url);
		ask_add(a, "detail", p->detail);
		break;
	case ASK_FILE:
		buf_adds(a->out, "{\"type\":\"input_file\"");
		ask_add(a, p->url.p != NULL ? "file_url" : "file_data", p->raw_url);
		ask_add(a, "filename", p->filename);
		break;
	default:
		return ask_refuse(a, "takes no audio",
		    "messages[%zu].content[%zu].type", ps->message, ps->n - 1);
	}
	buf_addc(a->out, '}');
	return 0;
}

static int
add_parts(struct ask *a, const struct ask_message *m)
{
	struct ask_parts ps = ask_parts(m);
	struct ask_part p;
	size_t n = 0;
	int got;

	buf_addc(a->out, '[');
	while ((got = ask_part(a, &ps, &p)) == 1) {
		if (n++ > 0)
			buf_addc(a->out, ',');
		if ((got = add_part(a, &ps, &p)) != 0)
			break;
	}
	buf_addc(a->out, ']');
	ask_parts_release(&ps);
	return got;
}

/* What is not the user's is of text alone. */
static int
add_text(struct ask *a, const struct ask_message *m)
{
	struct joined all = {.text = BUF_INIT};
	struct span text;
	int got = ask_text(a, m, &all);

	if (got == 0 && m->content.p == NULL && is_string(m->refusal))
		joined_add(&all, m->refusal, "");
	text = joined_end(&all);
	buf_addspan(a->out, text.p != NULL ? text : SPAN("\"\""));
	joined_release(&all);
	return got;
}

static int
add_message(struct ask *a, struct input *in, const struct ask_message *m)
{
	int got;

	begin_item(a, in);
	buf_adds(a->out, "{\"role\":");
	buf_addspan(a->out, m->role_word);
	buf_adds(a->out, ",\"content\":");
	got = m->role == ASK_USER_ROLE && is_array(m->content) ? add_parts(a, m)
							       : add_text(a, m);
	buf_addc(a->out, '}');
	return got;
}

static bool
says_something(const struct ask_message *m)
{
	return m->tool_calls.p == NULL ||
	       (m->content.p != NULL &&
		   !(is_string(m->content) && m->content.n == 2));
}

static int
add_assistant(struct ask *a, struct input *in, const struct ask_message *m)
{
	struct ask_calls cs = ask_calls(m);
	struct ask_call c;
	int got = says_something(m) ? add_message(a, in, m) : 0;

	while (got == 0 && (got = ask_call(a, &cs, &c)) == 1) {
		begin_item(a, in);
		buf_adds(a->out, "{\"type\":\"function_call\"");
		ask_add(a, "call_id", c.id);
		ask_add(a, "name", c.name);
		ask_add(a, "arguments", c.arguments);
		buf_addc(a->out, '}');
		got = 0;
	}
	ask_calls_release(&cs);
	return got;
}

static int
add_result(struct ask *a, struct input *in, const struct ask_message *m)
{
	int got;

	begin_item(a, in);
	buf_adds(a->out, "{\"type\":\"function_call_output\"");
	ask_add(a, "call_id", m->tool_call_id);
	buf_adds(a->out, ",\"output\":");
	got = add_text(a, m);
	buf_addc(a->out, '}');
	return got;
}

static int
add_input(struct ask *a, struct span messages)
{
	struct ask_messages ms = ask_messages(messages);
	struct input in = {.n = 0};
	struct ask_message m;
	bool begun = false;
	int got;

	while ((got = ask_message(a, &ms, &m)) == 1) {
		if (m.at == 0 && m.role == ASK_SYSTEM) {
			buf_adds(a->out, ",\"instructions\":");
			if (add_text(a, &m) != 0)
				return -1;
			continue;
		}
		if (!begun)
			buf_adds(a->out, ",\"input\":[");
		begun = true;
		if (m.role == ASK_TOOL)
			got = add_result(a, &in, &m);
		else if (m.role == ASK_ASSISTANT)
			got = add_assistant(a, &in, &m);
		else
			got = add_message(a, &in, &m);
		if (got != 0)
			return -1;
	}
	if (got == 0 && !begun)
		return ask_refuse(
		    a, "needs one more than that of the system", "messages");
	buf_addc(a->out, ']');
	return got;
}

/* ---- tools ---- */

static int
add_tools(struct ask *a, struct span tools)
{
	struct ask_tools ts = ask_tools(tools);
	struct ask_tool t;
	int got;

	if (tools.p == NULL)
		return 0;
	buf_adds(a->out, ",\"tools\":[");
	while ((got = ask_tool(a, &ts, &t)) == 1) {
		buf_adds(a->out, ts.n == 1 ? "{\"type\":\"function\""
					   : ",{\"type\":\"function\"");
		ask_add(a, "name", t.name);
		ask_add(a, "description", t.description);
		ask_add(a, "parameters",
		    t.parameters.p != NULL
			? t.parameters
			: SPAN("{\"type\":\"object\",\"properties\":{}}"));
		ask_add(a, "strict", t.strict ? SPAN("true") : SPAN("false"));
		buf_addc(a->out, '}');
	}
	buf_addc(a->out, ']');
	return got;
}

static int
add_choice(struct ask *a, struct span value)
{
	enum ask_choice choice;
	struct span name;

	if (ask_tool_choice(a, value, &choice, &name) != 0)
		return -1;
	if (choice == ASK_CHOICE_ONE) {
		buf_adds(a->out, ",\"tool_choice\":{\"type\":\"function\"");
		ask_add(a, "name", name);
		buf_addc(a->out, '}');
	} else if (choice != ASK_CHOICE_ABSENT)
		ask_add(a, "tool_choice", value);
	return 0;
}

/* ---- how to answer ---- */

static int
add_format(struct ask *a, struct span value)
{
	struct ask_format f;

	if (ask_format(a, value, &f) != 0)
		return -1;
	if (f.type == ASK_JSON_OBJECT)
		buf_adds(a->out, ",\"format\":{\"type\":\"json_object\"}");
	if (f.type != ASK_JSON_SCHEMA)
		return 0;
	if (!is_string(f.name))
		return ask_refuse(
		    a, "takes a string there", "response_format.json_schema.name");
	buf_adds(a->out, ",\"format\":{\"type\":\"json_schema\"");
	ask_add(a, "name", f.name);
	ask_add(a, "description", f.description);
	ask_add(a, "schema", f.schema);
	ask_add(a, "strict", f.strict);
	buf_addc(a->out, '}');
	return 0;
}

static int
add_text_options(struct ask *a, const struct span *in)
{
	struct buf text = BUF_INIT;
	struct ask of = *a;
	int rc;

	of.out = &text;
	rc = add_format(&of, in[ASK_RESPONSE_FORMAT]);
	ask_add(&of, "verbosity", in[ASK_VERBOSITY]);
	ask_add_object(a, "text", &text);
	buf_release(&text);
	return rc;
}

static void
add_transport(struct ask *a, const struct span *in)
{
	ask_add(
	    a, "store", in[ASK_STORE].p != NULL ? in[ASK_STORE] : SPAN("false"));
	ask_add(a, "metadata", in[ASK_METADATA]);
	ask_add(a, "user", in[ASK_USER]);
	ask_add(a, "safety_identifier", in[ASK_SAFETY_IDENTIFIER]);
	ask_add(a, "service_tier", in[ASK_SERVICE_TIER]);
	ask_add(a, "prompt_cache_key", in[ASK_PROMPT_CACHE_KEY]);
	ask_add(a, "prompt_cache_retention", in[ASK_PROMPT_CACHE_RETENTION]);
}

static int
body(struct buf *out, struct span request, struct span model, bool lenient,
    struct buf *dropped, struct err *e)
{
	static const uint64_t can =
	    ASK_BIT(ASK_MESSAGES) | ASK_BIT(ASK_MAX_COMPLETION_TOKENS) |
	    ASK_BIT(ASK_MAX_TOKENS) | ASK_BIT(ASK_TEMPERATURE) |
	    ASK_BIT(ASK_TOP_P) | ASK_BIT(ASK_LOGPROBS) | ASK_BIT(ASK_TOP_LOGPROBS) |
	    ASK_BIT(ASK_TOOLS) | ASK_BIT(ASK_TOOL_CHOICE) |
	    ASK_BIT(ASK_PARALLEL_TOOL_CALLS) | ASK_BIT(ASK_REASONING_EFFORT) |
	    ASK_BIT(ASK_RESPONSE_FORMAT) | ASK_BIT(ASK_VERBOSITY) |
	    ASK_BIT(ASK_STORE) | ASK_BIT(ASK_METADATA) | ASK_BIT(ASK_USER) |
	    ASK_BIT(ASK_SAFETY_IDENTIFIER) | ASK_BIT(ASK_SERVICE_TIER) |
	    ASK_BIT(ASK_PROMPT_CACHE_KEY) | ASK_BIT(ASK_PROMPT_CACHE_RETENTION);
	struct ask a = {out, "openai-responses", lenient, dropped, e};
	struct span in[ASK_FIELDS];

	if (ask_members(&a, request, can, in) != 0)
		return -1;
	buf_adds(out, "{\"model\":");
	json_add_string(out, model);
	if (add_input(&a, in[ASK_MESSAGES]) != 0)
		return -1;
	ask_add(&a, "max_output_tokens", ask_most(in));
	ask_add(&a, "temperature", in[ASK_TEMPERATURE]);
	ask_add(&a, "top_p", in[ASK_TOP_P]);
	if (in[ASK_LOGPROBS].p != NULL)
		buf_adds(out, ",\"include\":[\"message.output_text.logprobs\"]");
	ask_add(&a, "top_logprobs", in[ASK_TOP_LOGPROBS]);
	if (in[ASK_REASONING_EFFORT].p != NULL) {
		buf_adds(out, ",\"reasoning\":{\"effort\":");
		buf_addspan(out, in[ASK_REASONING_EFFORT]);
		buf_addc(out, '}');
	}
	if (add_text_options(&a, in) != 0 || add_tools(&a, in[ASK_TOOLS]) != 0 ||
	    add_choice(&a, in[ASK_TOOL_CHOICE]) != 0)
		return -1;
	ask_add(&a, "parallel_tool_calls", in[ASK_PARALLEL_TOOL_CALLS]);
	add_transport(&a, in);
	buf_addc(out, '}');
	return 0;
}

/* ---- answers ---- */

static void
read_usage(struct span u, struct dialect_usage *usage)
{
	static const struct span names[] = {SPAN_INIT("input_tokens"),
	    SPAN_INIT("input_tokens_details"), SPAN_INIT("output_tokens"),
	    SPAN_INIT("output_tokens_details")};
	struct span in[4];

	if (!is_object(u))
		return;
	json_pick(u, names, in, 4);
	usage->known = true;
	usage->input = count_of(in[0]);
	usage->cached = count_of(get_in(in[1], "cached_tokens"));
	usage->output = count_of(in[2]);
	usage->reasoning = count_of(get_in(in[3], "reasoning_tokens"));
}

struct content {
	struct joined text, refusal, reasoning;
	struct tool_calls calls;
	struct buf logprobs; /* {"content":[ and elements */
};

static void
content_release(struct content *c)
{
	joined_release(&c->text);
	joined_release(&c->refusal);
	joined_release(&c->reasoning);
	tool_calls_release(&c->calls);
	buf_release(&c->logprobs);
}

static void
add_logprobs(struct content *c, struct span array)
{
	struct json_iter it = json_iter(array);
	struct json_member m;

	if (!is_array(array))
		return;
	while (json_next(&it, &m)) {
		buf_adds(
		    &c->logprobs, c->logprobs.len == 0 ? "{\"content\":[" : ",");
		buf_addspan(&c->logprobs, m.value);
	}
}

/* The texts of an item's content or summary. */
static int
read_parts(struct content *c, struct span parts, bool reasoning, struct err *e)
{
	struct json_iter it = json_iter(parts);
	struct json_member m;
	struct span type, text;

	if (is_there(parts) && !is_array(parts))
		return err_set(e, "an item's content is no array");
	while (json_next(&it, &m)) {
		type = get_in(m.value, "type");
		text = get_in(m.value, says(type, "refusal") ? "refusal" : "text");
		if (!is_string(text)) {
			if (reasoning || !says(type, "output_text"))
				continue;
			return err_set(e, "a text of the answer is no string");
		}
		if (reasoning)
			joined_add(&c->reasoning, text, "\\n\\n");
		else if (says(type, "refusal"))
			joined_add(&c->refusal, text, "");
		else if (says(type, "output_text")) {
			joined_add(&c->text, text, "");
			add_logprobs(c, json_get(m.value, "logprobs"));
		}
	}
	return 0;
}

static int
read_item(struct content *c, struct span item, struct err *e)
{
	static const struct span names[] = {SPAN_INIT("type"), SPAN_INIT("content"),
	    SPAN_INIT("summary"), SPAN_INIT("call_id"), SPAN_INIT("name"),
	    SPAN_INIT("arguments")};
	struct span in[6];

	if (!is_object(item))
		return err_set(e, "an item of the answer is no object");
	json_pick(item, names, in, 6);
	if (says(in[0], "message"))
		return read_parts(c, in[1], false, e);
	if (says(in[0], "reasoning"))
		return read_parts(c, in[2], true, e) != 0
			   ? -1
			   : read_parts(c, in[1], true, e);
	if (!says(in[0], "function_call"))
		return 0;
	if (!is_string(in[4]) || !is_string(in[5]))
		return err_set(
		    e, "a function call of the answer has no name or arguments");
	tool_calls_add(&c->calls, in[3], in[4], in[5], SPAN_NONE);
	return 0;
}

static int
read_output(struct content *c, struct span output, struct err *e)
{
	struct json_iter it = json_iter(output);
	struct json_member m;

	if (!is_array(output))
		return err_set(e, "the answer has no output");
	while (json_next(&it, &m))
		if (read_item(c, m.value, e) != 0)
			return -1;
	return 0;
}

static int
read_status(struct span status, struct span details, struct reply *r,
    const char **aside, struct err *e)
{
	struct span reason = get_in(details, "reason");
	char word[60];

	r->finish = r->tool_calls.p != NULL ? "tool_calls" : "stop";
	if (!is_there(status) || says(status, "completed"))
		return 0;
	if (says(status, "incomplete") && says(reason, "max_output_tokens"))
		r->finish = *aside = "length";
	else if (says(status, "incomplete") && says(reason, "content_filter"))
		r->finish = *aside = "content_filter";
	else {
		copy_text(word, sizeof word,
		    says(status, "incomplete") && is_string(reason) ? reason
								    : status);
		return err_set(e, "the answer is not complete: %s", word);
	}
	return 0;
}

static int
make_reply(const struct span *in, struct content *c, struct reply *r,
    const char **aside, struct err *e)
{
	struct span refusal;

	if (read_output(c, in[0], e) != 0)
		return -1;
	r->text = joined_end(&c->text);
	refusal = joined_end(&c->refusal);
	r->reasoning = joined_end(&c->reasoning);
	r->tool_calls = tool_calls_end(&c->calls);
	if (c->logprobs.len > 0) {
		buf_adds(&c->logprobs, "]}");
		r->logprobs = buf_span(&c->logprobs);
	}
	if (read_status(in[1], in[2], r, aside, e) != 0)
		return -1;
	r->refused = refusal.n > 2;
	if (r->refused && *aside == NULL)
		*aside = "refusal";
	if (r->refused && r->text.n <= 2)
		r->text = refusal;
	if (r->text.p == NULL && r->tool_calls.p == NULL && *aside == NULL)
		return err_set(e, "the answer has no content");
	return 0;
}

static int
answer(struct buf *out, struct span text, struct span model,
    struct dialect_answer *a, struct err *e)
{
	static const struct span names[] = {SPAN_INIT("output"),
	    SPAN_INIT("status"), SPAN_INIT("incomplete_details"),
	    SPAN_INIT("model"), SPAN_INIT("usage"), SPAN_INIT("error")};
	struct content c = {.calls = {.n = 0}};
	struct span in[6];
	struct reply r = {.finish = NULL};
	int rc;

	*a = (struct dialect_answer){.aside = NULL};
	text = json_value(text);
	if (!is_object(text))
		return err_set(e, "the answer is not a JSON object");
	json_pick(text, names, in, 6);
	read_usage(in[4], &a->usage);
	if (is_there(in[5]))
		return reply_is_error(&dialect_openai_responses, text, e);
	r.model = in[3];
	rc = make_reply(in, &c, &r, &a->aside, e);
	if (rc == 0)
		reply_write(out, &r, model, &a->usage);
	content_release(&c);
	return rc;
}

static void
error(struct span text, struct dialect_error *de)
{
	dialect_openai_chat.error(text, de);
}

const struct dialect dialect_openai_responses = {.name = "openai-responses",
    .path = "/responses",
    .stream_members = ",\"stream\":true",
    .join = responses_join,
    .body = body,
    .answer = answer,
    .error = error};
