/*
 * The chat completions of OpenAI and of all who speak its dialect: vLLM,
 * SGLang, llama.cpp, Ollama, OpenRouter, Together, DeepSeek and others.
 * https://platform.openai.com/docs/api-reference/chat
 */
#include "dialects/reply.h"
#include "dialects/stream.h"

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
	struct reply r = {.text = c->text,
	    .model = named,
	    .finish_raw = c->finish,
	    .reasoning = c->reasoning,
	    .tool_calls = c->tool_calls,
	    .logprobs = c->logprobs,
	    .refused = refused};

	if (refused && (!is_string(c->text) || c->text.n == 2))
		r.text = c->refusal;
	reply_write(out, &r, model, usage);
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
	if (is_there(in[1]))
		return reply_is_error(&dialect_openai_chat, text, e);
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

static void
error(struct span text, struct dialect_error *de)
{
	struct span top, err = find_error(text, &top);

	*de = (struct dialect_error){.message = ""};
	if (is_string(err)) {
		copy_text(de->message, sizeof de->message, err);
		return;
	}
	if (!is_object(err))
		err = top;
	copy_text(de->message, sizeof de->message, get_in(err, "message"));
	copy_text(de->code, sizeof de->code, get_in(err, "code"));
	copy_text(de->type, sizeof de->type, get_in(err, "type"));
}

const struct dialect dialect_openai_chat = {.name = "openai-chat",
    .path = "/chat/completions",
    .stream_members =
	",\"stream\":true,\"stream_options\":{\"include_usage\":true}",
    .join = chat_join,
    .answer = answer,
    .error = error};
