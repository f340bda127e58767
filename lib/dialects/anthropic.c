/*
 * The Messages API of Anthropic.  https://docs.anthropic.com/en/api/messages
 *
 * Said as follows:
 *	system, developer messages   system, wherever they stood
 *	messages of one role in a row, tool results among the user's
 *	                             one message
 *	image_url, file              base64 of a data: URL, else the URL
 *	max_completion_tokens, max_tokens
 *	                             max_tokens, which has to be there: 4096 else
 *	stop                         stop_sequences
 *	parallel_tool_calls: false   disable_parallel_tool_use
 *	reasoning_effort             output_config.effort, minimal as low; none as
 *	                             thinking: disabled
 *	response_format json_schema  output_config.format; see subset.h
 *	top_k, thinking, and cache_control of a part or a tool
 *	                             as they are
 *	what says how it is carried  not at all
 *
 * Thoughts that come before a tool call have to be sent back with it, signed as
 * they are: they are in the call, as extra_content.anthropic.thinking, an array of
 * their blocks.
 *
 * An answer with stop_reason refusal is the provider's own refusal:
 * finish_reason content_filter, refusal true, put aside as "refusal".
 * Its input_tokens leave out what was read from a cache or written to it; here
 * these are part of input as with all others.
 */
#include "dialects/ask.h"
#include "dialects/stream.h"
#include "dialects/subset.h"

#define MAX_TOKENS_DEFAULT "4096"

/* ---- messages ---- */

static void
end_block(struct ask *a, struct span cache_control)
{
	ask_add(a, "cache_control", cache_control);
	buf_addc(a->out, '}');
}

static void
add_source(struct ask *a, const struct ask_part *p)
{
	if (p->url.p != NULL) {
		buf_adds(a->out, "{\"type\":\"url\",\"url\":");
		json_add_string(a->out, p->url);
	} else {
		buf_adds(a->out, "{\"type\":\"base64\",\"media_type\":");
		json_add_string(a->out, p->media);
		buf_adds(a->out, ",\"data\":");
		json_add_string(a->out, p->data);
	}
	buf_addc(a->out, '}');
}

/* Its block, from the opening brace. */
static int
add_part(struct ask *a, const struct ask_parts *ps, const struct ask_part *p)
{
	switch (p->type) {
	case ASK_TEXT:
		buf_adds(a->out, "{\"type\":\"text\",\"text\":");
		buf_addspan(a->out, p->text);
		break;
	case ASK_IMAGE:
		buf_adds(a->out, "{\"type\":\"image\",\"source\":");
		add_source(a, p);
		break;
	case ASK_FILE:
		buf_adds(a->out, "{\"type\":\"document\",\"source\":");
		add_source(a, p);
		ask_add(a, "title", p->filename);
		break;
	default:
		return ask_refuse(a, "takes no audio",
		    "messages[%zu].content[%zu].type", ps->message, ps->n - 1);
	}
	end_block(a, p->cache_control);
	return 0;
}

/* It takes no empty texts; a message without blocks is not written. */
static int
add_parts(struct ask *a, struct ask_turns *t, const struct ask_message *m,
    const char *role)
{
	struct ask_parts ps = ask_parts(m);
	struct ask_part p;
	int got;

	while ((got = ask_part(a, &ps, &p)) == 1) {
		if (ask_is_empty(&p))
			continue;
		ask_turn(a, t, role);
		if ((got = add_part(a, &ps, &p)) != 0)
			break;
	}
	ask_parts_release(&ps);
	return got;
}

static int
add_user(struct ask *a, struct ask_turns *t, const struct ask_message *m)
{
	return add_parts(a, t, m, "user");
}

static int
add_result(struct ask *a, struct ask_turns *t, const struct ask_message *m)
{
	struct ask_parts ps = ask_parts(m);
	struct ask_part p;
	size_t n = 0;
	int got;

	ask_turn(a, t, "user");
	buf_adds(a->out, "{\"type\":\"tool_result\",\"tool_use_id\":");
	buf_addspan(a->out, m->tool_call_id);
	buf_adds(a->out, ",\"content\":[");
	while ((got = ask_part(a, &ps, &p)) == 1) {
		if (ask_is_empty(&p))
			continue;
		if (n++ > 0)
			buf_addc(a->out, ',');
		if ((got = add_part(a, &ps, &p)) != 0)
			break;
	}
	ask_parts_release(&ps);
	buf_addc(a->out, ']');
	end_block(a, SPAN_NONE);
	return got;
}

/* What was thought before a call, in canonical JSON. */
static void
add_thoughts(struct ask *a, struct ask_turns *t, struct span extra)
{
	struct span thoughts = get_in(get_in(extra, "anthropic"), "thinking");
	struct json_iter it = json_iter(thoughts);
	struct json_member m;

	while (is_array(thoughts) && json_next(&it, &m)) {
		ask_turn(a, t, "assistant");
		buf_addspan(a->out, m.value);
	}
}

static int
add_assistant(struct ask *a, struct ask_turns *t, const struct ask_message *m)
{
	struct ask_calls cs = ask_calls(m);
	struct ask_call c;
	int got;

	/* The first thoughts come before the text. */
	if (m->tool_calls.p != NULL)
		add_thoughts(
		    a, t, get_in(json_at(m->tool_calls, 0), "extra_content"));
	got = add_parts(a, t, m, "assistant");
	if (got == 0 && is_string(m->refusal) && m->refusal.n > 2) {
		ask_turn(a, t, "assistant");
		buf_adds(a->out, "{\"type\":\"text\",\"text\":");
		buf_addspan(a->out, m->refusal);
		end_block(a, SPAN_NONE);
	}
	while (got == 0 && (got = ask_call(a, &cs, &c)) == 1) {
		if (cs.n > 1)
			add_thoughts(a, t, c.extra);
		ask_turn(a, t, "assistant");
		buf_adds(a->out, "{\"type\":\"tool_use\",\"id\":");
		buf_addspan(a->out, c.id);
		ask_add(a, "name", c.name);
		ask_add(a, "input", c.object);
		end_block(a, SPAN_NONE);
		got = 0;
	}
	ask_calls_release(&cs);
	return got;
}

static int
add_messages(struct ask *a, struct span messages)
{
	struct ask_turns t = {.parts = "content", .messages = messages};

	buf_adds(a->out, ",\"messages\":");
	return ask_conversation(a, &t, add_user, add_assistant, add_result);
}

static int
add_system(struct ask *a, struct span messages)
{
	struct ask_messages ms = ask_messages(messages);
	struct ask_message m;
	size_t n = 0;
	int got;

	while ((got = ask_message(a, &ms, &m)) == 1) {
		struct ask_parts ps = ask_parts(&m);
		struct ask_part p;

		if (m.role != ASK_SYSTEM)
			continue;
		while ((got = ask_part(a, &ps, &p)) == 1) {
			if (p.type != ASK_TEXT)
				break;
			if (ask_is_empty(&p))
				continue;
			buf_adds(a->out, n++ == 0 ? ",\"system\":[" : ",");
			(void)add_part(a, &ps, &p);
		}
		ask_parts_release(&ps);
		if (got == 1)
			got = ask_refuse(a, "takes text alone there",
			    "messages[%zu].content[%zu]", m.at, ps.n - 1);
		if (got != 0)
			return -1;
	}
	if (n > 0)
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
		buf_adds(a->out, ts.n == 1 ? "{\"name\":" : ",{\"name\":");
		buf_addspan(a->out, t.name);
		ask_add(a, "description", t.description);
		ask_add(a, "input_schema",
		    t.parameters.p != NULL
			? t.parameters
			: SPAN("{\"type\":\"object\",\"properties\":{}}"));
		if (t.strict)
			buf_adds(a->out, ",\"strict\":true");
		end_block(a, t.cache_control);
	}
	buf_addc(a->out, ']');
	return got;
}

static int
add_choice(struct ask *a, const struct span *in)
{
	static const char *const words[] = {
	    [ASK_CHOICE_ABSENT] = "auto",
	    [ASK_CHOICE_AUTO] = "auto",
	    [ASK_CHOICE_NONE] = "none",
	    [ASK_CHOICE_REQUIRED] = "any",
	    [ASK_CHOICE_ONE] = "tool",
	};
	/* What says nothing is not there. */
	bool single = in[ASK_PARALLEL_TOOL_CALLS].p != NULL;
	enum ask_choice choice;
	struct span name;

	if (ask_tool_choice(a, in[ASK_TOOL_CHOICE], &choice, &name) != 0)
		return -1;
	if (in[ASK_TOOLS].p == NULL || (choice == ASK_CHOICE_ABSENT && !single))
		return 0;
	buf_addf(a->out, ",\"tool_choice\":{\"type\":\"%s\"", words[choice]);
	ask_add(a, "name", name);
	if (single && choice != ASK_CHOICE_NONE)
		buf_adds(a->out, ",\"disable_parallel_tool_use\":true");
	buf_addc(a->out, '}');
	return 0;
}

/* ---- how to answer ---- */

static int
add_temperature(struct ask *a, struct span value)
{
	double t;

	if (value.p == NULL)
		return 0;
	if (!json_double(value, &t) || t < 0 || t > 1)
		return ask_cannot(a, "takes 0 to 1 there", "temperature");
	ask_add(a, "temperature", value);
	return 0;
}

/* *effort: what goes into output_config, or none. */
static int
add_thinking(struct ask *a, const struct span *in, struct span *effort)
{
	static const char *const taken[] = {
	    "low", "medium", "high", "xhigh", "max"};
	struct span value = in[ASK_REASONING_EFFORT];

	*effort = SPAN_NONE;
	ask_add(a, "thinking", in[ASK_THINKING]);
	if (value.p == NULL)
		return 0;
	if (json_is(value, "none")) {
		if (in[ASK_THINKING].p == NULL)
			buf_adds(a->out, ",\"thinking\":{\"type\":\"disabled\"}");
		return 0;
	}
	if (json_is(value, "minimal"))
		*effort = SPAN("\"low\"");
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		if (json_is(value, taken[i]))
			*effort = value;
	return effort->p != NULL
		   ? 0
		   : ask_cannot(a, "knows no such effort", "reasoning_effort");
}

static int
add_output(struct ask *a, const struct span *in)
{
	struct buf config = BUF_INIT;
	struct ask of = *a;
	struct ask_format f;
	struct span effort;

	if (add_thinking(a, in, &effort) != 0 ||
	    ask_format(a, in[ASK_RESPONSE_FORMAT], &f) != 0)
		return -1;
	if (f.type == ASK_JSON_OBJECT)
		return ask_refuse(a,
		    "takes a json_schema there, and no json_object",
		    "response_format.type");
	if (f.type == ASK_JSON_SCHEMA && subset_check(a, f.schema) != 0)
		return -1;
	of.out = &config;
	ask_add(&of, "effort", effort);
	if (f.type == ASK_JSON_SCHEMA) {
		buf_adds(&config, ",\"format\":{\"type\":\"json_schema\"");
		ask_add(&of, "schema", f.schema);
		buf_addc(&config, '}');
	}
	ask_add_object(a, "output_config", &config);
	buf_release(&config);
	return 0;
}

static int
body(struct buf *out, struct span request, struct span model, bool lenient,
    struct buf *dropped, struct err *e)
{
	static const uint64_t can = ASK_BIT(ASK_MESSAGES) |
				    ASK_BIT(ASK_MAX_COMPLETION_TOKENS) |
				    ASK_BIT(ASK_MAX_TOKENS) |
				    ASK_BIT(ASK_TEMPERATURE) | ASK_BIT(ASK_TOP_P) |
				    ASK_BIT(ASK_TOP_K) | ASK_BIT(ASK_STOP) |
				    ASK_BIT(ASK_TOOLS) | ASK_BIT(ASK_TOOL_CHOICE) |
				    ASK_BIT(ASK_PARALLEL_TOOL_CALLS) |
				    ASK_BIT(ASK_REASONING_EFFORT) |
				    ASK_BIT(ASK_RESPONSE_FORMAT) |
				    ASK_BIT(ASK_THINKING);
	struct ask a = {out, "anthropic", lenient, dropped, e}, again;
	struct span in[ASK_FIELDS], most;
	struct buf told = BUF_INIT;
	int rc;

	if (ask_members(&a, request, can, in) != 0)
		return -1;
	most = ask_most(in);
	buf_adds(out, "{\"model\":");
	json_add_string(out, model);
	ask_add(&a, "max_tokens", most.p != NULL ? most : SPAN(MAX_TOKENS_DEFAULT));
	if (add_system(&a, in[ASK_MESSAGES]) != 0)
		return -1;
	again = ask_again(&a, &told);
	rc = add_messages(&again, in[ASK_MESSAGES]);
	buf_release(&told);
	if (rc != 0 || add_temperature(&a, in[ASK_TEMPERATURE]) != 0)
		return -1;
	ask_add(&a, "top_p", in[ASK_TOP_P]);
	ask_add(&a, "top_k", in[ASK_TOP_K]);
	ask_add_list(&a, "stop_sequences", in[ASK_STOP]);
	if (add_tools(&a, in[ASK_TOOLS]) != 0 || add_choice(&a, in) != 0 ||
	    add_output(&a, in) != 0)
		return -1;
	buf_addc(out, '}');
	return 0;
}

/* ---- answers ---- */

static void
read_usage(struct span u, struct dialect_usage *usage)
{
	static const struct span names[] = {SPAN_INIT("input_tokens"),
	    SPAN_INIT("cache_creation_input_tokens"),
	    SPAN_INIT("cache_read_input_tokens"), SPAN_INIT("output_tokens")};
	struct span in[4];

	if (!is_object(u))
		return;
	json_pick(u, names, in, 4);
	usage->known = true;
	usage->cached = count_of(in[2]);
	usage->written = count_of(in[1]);
	usage->input = count_of(in[0]) + usage->written + usage->cached;
	usage->output = count_of(in[3]);
}

struct content {
	struct joined text, reasoning;
	struct tool_calls calls;
	struct buf thoughts; /* since the last call: blocks, a comma before each */
};

static void
content_release(struct content *c)
{
	joined_release(&c->text);
	joined_release(&c->reasoning);
	tool_calls_release(&c->calls);
	buf_release(&c->thoughts);
}

static void
read_thought(struct content *c, struct span block, struct span text)
{
	buf_addc(&c->thoughts, ',');
	json_compact(&c->thoughts, block);
	if (is_string(text))
		joined_add(&c->reasoning, text, "\\n\\n");
}

static int
read_call(struct content *c, struct span id, struct span name, struct span input,
    struct err *e)
{
	struct buf more = BUF_INIT;

	if (!is_string(name) || !is_object(input))
		return err_set(
		    e, "a tool call of the answer has no name or no input");
	if (c->thoughts.len > 0) {
		buf_adds(
		    &more, ",\"extra_content\":{\"anthropic\":{\"thinking\":[");
		buf_add(&more, c->thoughts.data + 1, c->thoughts.len - 1);
		buf_adds(&more, "]}}");
		buf_clear(&c->thoughts);
	}
	tool_calls_add(&c->calls, id, name, input, buf_span(&more));
	buf_release(&more);
	return 0;
}

static int
read_block(struct content *c, struct span block, struct err *e)
{
	static const struct span names[] = {SPAN_INIT("type"), SPAN_INIT("text"),
	    SPAN_INIT("thinking"), SPAN_INIT("id"), SPAN_INIT("name"),
	    SPAN_INIT("input")};
	struct span in[6];

	if (!is_object(block))
		return err_set(e, "a block of the answer's content is no object");
	json_pick(block, names, in, 6);
	if (says(in[0], "text")) {
		if (!is_string(in[1]))
			return err_set(e, "a text of the answer is no string");
		joined_add(&c->text, in[1], "");
	} else if (says(in[0], "thinking") || says(in[0], "redacted_thinking"))
		read_thought(c, block, in[2]);
	else if (says(in[0], "tool_use"))
		return read_call(c, in[3], in[4], in[5], e);
	return 0;
}

static int
read_content(struct content *c, struct span content, struct err *e)
{
	struct json_iter it = json_iter(content);
	struct json_member m;

	if (!is_array(content))
		return err_set(e, "the answer has no content");
	while (json_next(&it, &m))
		if (read_block(c, m.value, e) != 0)
			return -1;
	return 0;
}

static int
read_stop(struct span stop, struct reply *r, const char **aside, struct err *e)
{
	static const struct {
		const char *word, *finish, *aside;
	} reasons[] = {
	    {"end_turn", "stop", NULL},
	    {"stop_sequence", "stop", NULL},
	    {"tool_use", "tool_calls", NULL},
	    {"max_tokens", "length", "length"},
	    {"model_context_window_exceeded", "length", "length"},
	    {"refusal", "content_filter", "refusal"},
	};

	r->finish_raw = stop;
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (says(stop, reasons[i].word)) {
			r->finish = reasons[i].finish;
			*aside = reasons[i].aside;
			r->refused = strcmp(reasons[i].word, "refusal") == 0;
		}
	return says(stop, "pause_turn")
		   ? err_set(e,
			 "the provider paused its turn (pause_turn): there is "
			 "no answer yet")
		   : 0;
}

static int
make_reply(struct buf *out, const struct span *in, struct content *c,
    struct span model, struct dialect_answer *a, struct err *e)
{
	struct reply r = {.model = in[0]};

	if (read_content(c, in[1], e) != 0 ||
	    read_stop(in[2], &r, &a->aside, e) != 0)
		return -1;
	r.text = joined_end(&c->text);
	r.reasoning = joined_end(&c->reasoning);
	r.tool_calls = tool_calls_end(&c->calls);
	if (r.text.p == NULL && r.tool_calls.p == NULL && a->aside == NULL)
		return err_set(e, "the answer has no content");
	reply_write(out, &r, model, &a->usage);
	return 0;
}

static int
answer(struct buf *out, struct span text, struct span model,
    struct dialect_answer *a, struct err *e)
{
	static const struct span names[] = {SPAN_INIT("model"),
	    SPAN_INIT("content"), SPAN_INIT("stop_reason"), SPAN_INIT("usage"),
	    SPAN_INIT("error"), SPAN_INIT("type")};
	struct content c = {.calls = {.n = 0}};
	struct span in[6];
	int rc;

	*a = (struct dialect_answer){.aside = NULL};
	text = json_value(text);
	if (!is_object(text))
		return err_set(e, "the answer is not a JSON object");
	json_pick(text, names, in, 6);
	read_usage(in[3], &a->usage);
	if (is_there(in[4]) || says(in[5], "error"))
		return reply_is_error(&dialect_anthropic, text, e);
	rc = make_reply(out, in, &c, model, a, e);
	content_release(&c);
	return rc;
}

/* ---- errors ---- */

static void
error(struct span text, struct dialect_error *de)
{
	struct span top, err = find_error(text, &top);

	*de = (struct dialect_error){.message = ""};
	copy_text(de->message, sizeof de->message,
	    is_string(err) ? err : get_in(err, "message"));
	copy_text(de->type, sizeof de->type, get_in(err, "type"));
	/* The type of a 429 is the same whether it passes or not. */
	copy_text(de->code, sizeof de->code,
	    get_in(get_in(err, "details"), "error_code"));
}

const struct dialect dialect_anthropic = {.name = "anthropic",
    .path = "/messages",
    .stream_members = ",\"stream\":true",
    .join = anthropic_join,
    .version = "/v1",
    .key_header = "x-api-key",
    .header = "anthropic-version: 2023-06-01",
    .body = body,
    .answer = answer,
    .error = error};
