/* A stream of chat completions: the chunks' deltas. */
#include "dialects/reply.h"
#include "dialects/stream.h"

#include "base/mem.h"

#include <stdlib.h>

#define CALLS_MOST 128 /* tool calls of an answer */

struct call {
	struct buf id, name;
	struct joined arguments;
};

/* What the chunks have told so far: JSON, empty where there was none. */
struct chat {
	struct buf id, created, model, tier, fingerprint;
	struct buf finish, usage;
	struct joined content, refusal, reasoning, reasoning_content;
	struct buf logprobs; /* elements of its array */
	struct call *calls;
	size_t ncalls;
};

static void
release(struct chat *c)
{
	buf_release(&c->id);
	buf_release(&c->created);
	buf_release(&c->model);
	buf_release(&c->tier);
	buf_release(&c->fingerprint);
	buf_release(&c->finish);
	buf_release(&c->usage);
	joined_release(&c->content);
	joined_release(&c->refusal);
	joined_release(&c->reasoning);
	joined_release(&c->reasoning_content);
	buf_release(&c->logprobs);
	for (size_t i = 0; i < c->ncalls; i++) {
		buf_release(&c->calls[i].id);
		buf_release(&c->calls[i].name);
		joined_release(&c->calls[i].arguments);
	}
	free(c->calls);
}

/* ---- chunks ---- */

/* The call that a delta is of; without an index a new id begins one. */
static struct call *
call_of(struct chat *c, struct span delta)
{
	struct span index = get_in(delta, "index");
	int64_t n = (int64_t)c->ncalls - (is_there(get_in(delta, "id")) ? 0 : 1);

	if (is_there(index) && !json_i64(index, &n))
		return NULL;
	if (n < 0 || n > (int64_t)c->ncalls || n >= CALLS_MOST)
		return NULL;
	if (n == (int64_t)c->ncalls) {
		c->calls = mem_resize(c->calls, c->ncalls + 1, sizeof(*c->calls));
		memset(&c->calls[c->ncalls++], 0, sizeof(*c->calls));
	}
	return &c->calls[n];
}

static int
take_calls(struct chat *c, struct span deltas, struct err *e)
{
	struct json_iter it = json_iter(is_array(deltas) ? deltas : SPAN("[]"));
	struct json_member m;
	struct call *call;
	struct span function, arguments;

	while (json_next(&it, &m)) {
		if ((call = call_of(c, m.value)) == NULL)
			return err_set(
			    e, "the stream's tool calls are not in their order");
		function = get_in(m.value, "function");
		arguments = get_in(function, "arguments");
		stream_keep(&call->id, get_in(m.value, "id"));
		stream_keep(&call->name, get_in(function, "name"));
		if (is_string(arguments))
			joined_add(&call->arguments, arguments, "");
	}
	return 0;
}

static void
take_text(struct joined *j, struct span delta, const char *name)
{
	struct span text = get_in(delta, name);

	if (is_string(text))
		joined_add(j, text, "");
}

static void
take_logprobs(struct chat *c, struct span logprobs)
{
	struct span content = get_in(logprobs, "content");
	struct json_iter it = json_iter(is_array(content) ? content : SPAN("[]"));
	struct json_member m;

	while (json_next(&it, &m)) {
		if (c->logprobs.len > 0)
			buf_addc(&c->logprobs, ',');
		buf_addspan(&c->logprobs, m.value);
	}
}

static int
take_choice(struct chat *c, struct span choice, struct err *e)
{
	struct span index = get_in(choice, "index"),
		    delta = get_in(choice, "delta");

	if (is_there(index) && !span_eq(index, SPAN("0")))
		return 0;
	take_text(&c->content, delta, "content");
	take_text(&c->refusal, delta, "refusal");
	take_text(&c->reasoning, delta, "reasoning");
	take_text(&c->reasoning_content, delta, "reasoning_content");
	take_logprobs(c, get_in(choice, "logprobs"));
	stream_keep_last(&c->finish, get_in(choice, "finish_reason"));
	return take_calls(c, get_in(delta, "tool_calls"), e);
}

static int
take_chunk(void *state, struct span data, struct err *e)
{
	struct chat *c = state;
	struct span choices = get_in(data, "choices");
	struct json_iter it = json_iter(is_array(choices) ? choices : SPAN("[]"));
	struct json_member m;

	if (data.p == NULL)
		return 1;
	stream_keep(&c->id, get_in(data, "id"));
	stream_keep(&c->created, get_in(data, "created"));
	stream_keep(&c->model, get_in(data, "model"));
	stream_keep(&c->tier, get_in(data, "service_tier"));
	stream_keep(&c->fingerprint, get_in(data, "system_fingerprint"));
	stream_keep_last(&c->usage, get_in(data, "usage"));
	while (json_next(&it, &m))
		if (take_choice(c, m.value, e) != 0)
			return -1;
	return 0;
}

/* ---- the completion ---- */

static void
add_text(struct buf *out, const char *name, struct joined *j)
{
	stream_add(out, name, joined_end(j));
}

static void
add_calls(struct buf *out, struct chat *c)
{
	if (c->ncalls == 0)
		return;
	buf_adds(out, ",\"tool_calls\":[");
	for (size_t i = 0; i < c->ncalls; i++) {
		struct call *call = &c->calls[i];
		buf_adds(out, i > 0 ? ",{" : "{");
		stream_add(out, "id", buf_span(&call->id));
		stream_add(out, "type", SPAN("\"function\""));
		buf_adds(out, ",\"function\":{");
		stream_add(out, "name", buf_span(&call->name));
		stream_add(out, "arguments", joined_end(&call->arguments));
		buf_adds(out, "}}");
	}
	buf_addc(out, ']');
}

static void
add_message(struct buf *out, struct chat *c)
{
	struct span content = joined_end(&c->content);

	buf_adds(out, "{\"role\":\"assistant\",\"content\":");
	buf_addspan(out, content.n > 0 ? content : SPAN("null"));
	add_text(out, "refusal", &c->refusal);
	add_text(out, "reasoning", &c->reasoning);
	add_text(out, "reasoning_content", &c->reasoning_content);
	add_calls(out, c);
	buf_addc(out, '}');
}

static void
add_completion(struct buf *out, struct chat *c)
{
	buf_addc(out, '{');
	stream_add(out, "id", buf_span(&c->id));
	stream_add(out, "object", SPAN("\"chat.completion\""));
	stream_add(out, "created", buf_span(&c->created));
	stream_add(out, "model", buf_span(&c->model));
	buf_adds(out, ",\"choices\":[{\"index\":0,\"message\":");
	add_message(out, c);
	if (c->logprobs.len > 0) {
		buf_adds(out, ",\"logprobs\":{\"content\":[");
		buf_addspan(out, buf_span(&c->logprobs));
		buf_adds(out, "]}");
	}
	buf_adds(out, ",\"finish_reason\":");
	buf_addspan(out, c->finish.len > 0 ? buf_span(&c->finish) : SPAN("null"));
	buf_adds(out, "}]");
	stream_add(out, "usage", buf_span(&c->usage));
	stream_add(out, "service_tier", buf_span(&c->tier));
	stream_add(out, "system_fingerprint", buf_span(&c->fingerprint));
	buf_addc(out, '}');
}

int
chat_join(struct buf *out, struct span events, struct err *e)
{
	struct chat c;
	int rc;

	memset(&c, 0, sizeof(c));
	rc = stream_read(out, events, take_chunk, &c, e);
	/* Not all end with "[DONE]": the usage comes after all else. */
	if (rc < 0 && c.finish.len > 0 && c.usage.len > 0)
		rc = 0;
	if (rc == 0)
		add_completion(out, &c);
	release(&c);
	return rc < 0 ? -1 : 0;
}
