/*
 * The chat completions of OpenAI and of all who speak its dialect: vLLM,
 * SGLang, llama.cpp, Ollama, OpenRouter, Together, DeepSeek and others.
 * https://platform.openai.com/docs/api-reference/chat
 */
#include "dialects/dialect.h"
#include "json/json.h"

#include <stdio.h>

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

static void
body(struct buf *out, struct span request, struct span model)
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

/* ---- answers ---- */

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

static bool
is_object(struct span v)
{
	return v.p != NULL && json_type(v) == JSON_OBJECT;
}

static bool
is_string(struct span v)
{
	return v.p != NULL && json_type(v) == JSON_STRING;
}

static bool
is_there(struct span v)
{
	return v.p != NULL && json_type(v) != JSON_NULL;
}

static struct span
get_in(struct span object, const char *name)
{
	return is_object(object) ? json_get(object, name) : SPAN_NONE;
}

/* A count, or 0 where there is none. */
static int64_t
count_of(struct span v)
{
	int64_t n;

	return v.p != NULL && json_i64(v, &n) && n > 0 ? n : 0;
}

static void
read_usage(struct span u, struct dialect_usage *usage)
{
	static const struct span names[] = {SPAN_INIT("prompt_tokens"),
	    SPAN_INIT("completion_tokens"), SPAN_INIT("prompt_tokens_details"),
	    SPAN_INIT("completion_tokens_details"),
	    SPAN_INIT("prompt_cache_hit_tokens")};
	struct span in[5], cached;

	if (!is_object(u))
		return;
	json_pick(u, names, in, 5);
	usage->known = true;
	usage->input = count_of(in[0]);
	usage->output = count_of(in[1]);
	cached = get_in(in[2], "cached_tokens");
	usage->cached = count_of(is_there(cached) ? cached : in[4]);
	usage->reasoning = count_of(get_in(in[3], "reasoning_tokens"));
}

void
dialect_add_usage(struct buf *out, const struct dialect_usage *u)
{
	if (!u->known) {
		buf_adds(out, "null");
		return;
	}
	buf_adds(out, "{\"input\":");
	buf_addi(out, u->input);
	buf_adds(out, ",\"output\":");
	buf_addi(out, u->output);
	buf_adds(out, ",\"cached\":");
	buf_addi(out, u->cached);
	buf_adds(out, ",\"reasoning\":");
	buf_addi(out, u->reasoning);
	buf_addc(out, '}');
}

static void
add_member(struct buf *out, const char *name, struct span value)
{
	buf_addf(out, ",\"%s\":", name);
	json_compact(out, value);
}

/* The parts of a choice that make the response. */
struct choice {
	struct span text; /* JSON string; none if there is none */
	struct span finish;
	struct span refusal;
	struct span reasoning;
	struct span tool_calls;
	struct span logprobs;
};

static int
read_choice(struct span choice, struct choice *c, struct err *e)
{
	static const struct span of_choice[] = {SPAN_INIT("message"),
	    SPAN_INIT("finish_reason"), SPAN_INIT("logprobs")};
	static const struct span of_message[] = {SPAN_INIT("content"),
	    SPAN_INIT("refusal"), SPAN_INIT("reasoning"),
	    SPAN_INIT("reasoning_content"), SPAN_INIT("tool_calls")};
	struct span in_choice[3], in_message[5];

	json_pick(choice, of_choice, in_choice, 3);
	if (!is_object(in_choice[0]))
		return err_set(e, "the answer's choice has no message");
	c->finish = in_choice[1];
	c->logprobs = in_choice[2];
	json_pick(in_choice[0], of_message, in_message, 5);
	c->text = in_message[0];
	if (is_there(c->text) && !is_string(c->text))
		return err_set(e, "the answer's content is not a string");
	c->refusal = in_message[1];
	c->reasoning = is_string(in_message[2]) ? in_message[2] : in_message[3];
	c->tool_calls = in_message[4];
	if (c->tool_calls.p != NULL && (json_type(c->tool_calls) != JSON_ARRAY ||
					   json_is_empty(c->tool_calls)))
		c->tool_calls = SPAN_NONE;
	return 0;
}

/* Why it is put aside, or NULL. */
static const char *
aside_of(const struct choice *c)
{
	if (is_there(c->finish) && json_is(c->finish, "length"))
		return "length";
	if (is_there(c->finish) && json_is(c->finish, "content_filter"))
		return "content_filter";
	if (is_string(c->refusal) && c->refusal.n > 2)
		return "refusal";
	return NULL;
}

static void
add_response(struct buf *out, struct span named, const struct choice *c,
    struct span model, const struct dialect_usage *usage, bool refused)
{
	buf_adds(out, "{\"text\":");
	if (is_string(c->text) && !(refused && c->text.n == 2))
		buf_addspan(out, c->text);
	else if (refused)
		buf_addspan(out, c->refusal);
	else
		buf_adds(out, "\"\"");
	buf_adds(out, ",\"model\":");
	if (is_string(named))
		buf_addspan(out, named);
	else
		json_add_string(out, model);
	buf_adds(out, ",\"finish_reason\":");
	if (is_string(c->finish))
		buf_addspan(out, c->finish);
	else
		buf_adds(out, "null");
	buf_adds(out, ",\"usage\":");
	dialect_add_usage(out, usage);
	if (is_string(c->reasoning))
		add_member(out, "reasoning", c->reasoning);
	if (c->tool_calls.p != NULL)
		add_member(out, "tool_calls", c->tool_calls);
	if (is_there(c->logprobs))
		add_member(out, "logprobs", c->logprobs);
	if (refused)
		buf_adds(out, ",\"refusal\":true");
	buf_addc(out, '}');
}

static int
answer(struct buf *out, struct span text, struct span model,
    struct dialect_answer *a, struct err *e)
{
	static const struct span names[] = {SPAN_INIT("usage"), SPAN_INIT("error"),
	    SPAN_INIT("choices"), SPAN_INIT("model")};
	struct choice c;
	struct span in[4], choices, choice;
	bool refused;

	*a = (struct dialect_answer){.aside = NULL};
	text = json_value(text);
	if (!is_object(text))
		return err_set(e, "the answer is not a JSON object");
	json_pick(text, names, in, 4);
	read_usage(in[0], &a->usage);
	if (is_there(in[1])) {
		struct dialect_error de;

		dialect_openai_chat.error(text, &de);
		return err_set(e, "an error came with status 200%s%s",
		    de.message[0] != '\0' ? ": " : "", de.message);
	}
	choices = in[2];
	choice = choices.p == NULL ? SPAN_NONE : json_at(choices, 0);
	if (choice.p == NULL)
		return err_set(e, "the answer has no choices");
	if (read_choice(choice, &c, e) != 0)
		return -1;
	a->aside = aside_of(&c);
	if (!is_there(c.text) && c.tool_calls.p == NULL && a->aside == NULL)
		return err_set(e, "the answer has no content");
	refused = is_string(c.refusal) && c.refusal.n > 2;
	add_response(out, in[3], &c, model, &a->usage, refused);
	return 0;
}

/* ---- errors ---- */

/* A string's text, or a number's digits, cut at a character's end. */
static void
copy_text(char *out, size_t size, struct span value)
{
	struct buf scratch = BUF_INIT;
	struct span s = SPAN_NONE;
	size_t n;

	out[0] = '\0';
	if (value.p == NULL)
		return;
	if (json_type(value) == JSON_NUMBER)
		s = value;
	else if (!json_text(value, &scratch, &s)) {
		buf_release(&scratch);
		return;
	}
	n = s.n < size ? s.n : size - 1;
	while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	memcpy(out, s.p, n);
	out[n] = '\0';
	buf_release(&scratch);
}

static void
error(struct span text, struct dialect_error *de)
{
	struct json_fault fault;
	struct span err;

	*de = (struct dialect_error){{0}, {0}, {0}};
	if (text.n == 0 || json_check(text, &fault) != 0)
		return;
	text = json_value(text);
	if (json_type(text) == JSON_ARRAY) { /* some wrap it */
		text = json_at(text, 0);
		if (text.p == NULL)
			return;
	}
	if (!is_object(text))
		return;
	err = json_get(text, "error");
	if (is_string(err)) {
		copy_text(de->message, sizeof de->message, err);
		return;
	}
	if (!is_object(err))
		err = text;
	copy_text(de->message, sizeof de->message, json_get(err, "message"));
	copy_text(de->code, sizeof de->code, json_get(err, "code"));
	copy_text(de->type, sizeof de->type, json_get(err, "type"));
}

const struct dialect dialect_openai_chat = {
    "openai-chat", "/chat/completions", body, answer, error};
