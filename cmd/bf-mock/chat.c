/* chat: reads chat completion requests and writes their answers. */
#include "chat.h"

#include "io/hash.h"
#include "json/json.h"

#include <inttypes.h>

/* A day in 2024; answers are dated within a year from it. */
#define CREATED_FROM 1704067200
#define CREATED_SPAN 31536000

static struct span
string_contents(struct span string)
{
	return span_of(string.p + 1, string.n - 2);
}

/* Appends the text of a message's content: a string, or the text parts of an array.
 */
static void
add_text(struct buf *out, struct span content)
{
	struct json_iter it;
	struct json_member m;

	if (content.p == NULL)
		return;
	if (json_type(content) == JSON_STRING) {
		buf_addspan(out, string_contents(content));
		return;
	}
	if (json_type(content) != JSON_ARRAY)
		return;
	it = json_iter(content);
	while (json_next(&it, &m)) {
		struct span text = json_get(m.value, "text");

		if (text.p != NULL && json_type(text) == JSON_STRING)
			buf_addspan(out, string_contents(text));
	}
}

/* How many bytes the contents of a JSON string are without their escapes. */
static uint64_t
text_bytes(struct chat *c, struct span contents)
{
	if (memchr(contents.p, '\\', contents.n) == NULL)
		return contents.n;
	buf_clear(&c->scratch);
	json_unescape(&c->scratch, contents);
	return c->scratch.len;
}

static void
swap(struct buf *a, struct buf *b)
{
	struct buf t = *a;

	*a = *b;
	*b = t;
}

static int
parse_messages(struct chat *c, struct span messages, struct err *e)
{
	struct json_iter it = json_iter(messages);
	struct json_member m;
	bool have_system = false;
	uint64_t bytes = 0;

	while (json_next(&it, &m)) {
		struct span role;

		if (json_type(m.value) != JSON_OBJECT)
			return err_set(e, "each of 'messages' must be an object");
		role = json_get(m.value, "role");
		if (role.p == NULL || json_type(role) != JSON_STRING)
			return err_set(e, "each of 'messages' needs a 'role'");
		buf_clear(&c->part);
		add_text(&c->part, json_get(m.value, "content"));
		bytes += text_bytes(c, buf_span(&c->part));
		if (json_is(role, "user")) {
			swap(&c->prompt, &c->part);
		} else if (!have_system && (json_is(role, "system") ||
					       json_is(role, "developer"))) {
			have_system = true;
			swap(&c->system, &c->part);
		}
	}
	c->input_tokens = chat_tokens(bytes);
	return 0;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* White space around a text is no part of its value. */
static struct span
trim(struct span text)
{
	while (text.n > 0 && is_space(text.p[0]))
		text = span_of(text.p + 1, text.n - 1);
	while (text.n > 0 && is_space(text.p[text.n - 1]))
		text.n--;
	return text;
}

int
chat_parse(struct chat *c, struct span body, struct err *e)
{
	struct span messages = SPAN_NONE, n = SPAN_NONE, stream = SPAN_NONE;
	struct span most = SPAN_NONE;
	struct json_fault fault;
	struct json_iter it;
	struct json_member m;

	c->body = body = trim(body);
	c->model = SPAN_NONE;
	c->choices = 1;
	buf_clear(&c->prompt);
	buf_clear(&c->system);
	buf_clear(&c->plain);
	if (json_check(body, &fault) == -1)
		return err_set(e, "the body is not valid JSON: %s at byte %zu",
		    fault.what, fault.at);
	if (json_type(body) != JSON_OBJECT)
		return err_set(e, "the body must be a JSON object");
	it = json_iter(body);
	while (json_next(&it, &m)) {
		if (json_key_is(m.key, SPAN("model")))
			c->model = m.value;
		else if (json_key_is(m.key, SPAN("messages")))
			messages = m.value;
		else if (json_key_is(m.key, SPAN("n")))
			n = m.value;
		else if (json_key_is(m.key, SPAN("stream")))
			stream = m.value;
		else if (json_key_is(m.key, SPAN("max_completion_tokens")) ||
			 json_key_is(m.key, SPAN("max_tokens")))
			most = m.value;
	}
	if (most.p == NULL || !json_i64(most, &c->max_tokens) || c->max_tokens < 0)
		c->max_tokens = 0;
	if (c->model.p == NULL || json_type(c->model) != JSON_STRING)
		return err_set(e, "you must provide a 'model', a string");
	if (messages.p == NULL || json_type(messages) != JSON_ARRAY ||
	    json_is_empty(messages))
		return err_set(
		    e, "you must provide 'messages', an array of at least one");
	if (stream.p != NULL && json_type(stream) == JSON_TRUE)
		return err_set(e, "bf-mock does not stream: leave 'stream' out");
	if (n.p != NULL && json_type(n) != JSON_NULL &&
	    (!json_i64(n, &c->choices) || c->choices < 1 ||
		c->choices > CHAT_CHOICES_MAX))
		return err_set(
		    e, "'n' must be an integer from 1 to %d", CHAT_CHOICES_MAX);
	return parse_messages(c, messages, e);
}

struct span
chat_prompt(struct chat *c)
{
	if (memchr(buf_span(&c->prompt).p, '\\', c->prompt.len) == NULL)
		return buf_span(&c->prompt);
	if (c->plain.len == 0)
		json_unescape(&c->plain, buf_span(&c->prompt));
	return buf_span(&c->plain);
}

uint64_t
chat_tokens(uint64_t bytes)
{
	return bytes / 4 + (bytes % 4 != 0);
}

static uint64_t
output_tokens(struct chat *c, const struct chat_answer *a)
{
	struct span content;

	if (a->message.p == NULL)
		return chat_tokens(text_bytes(c, a->content));
	content = json_get(a->message, "content");
	if (content.p != NULL && json_type(content) == JSON_STRING)
		return chat_tokens(text_bytes(c, string_contents(content)));
	return chat_tokens(a->message.n);
}

static void
add_choice(struct buf *out, const struct chat_answer *a, int64_t index)
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

void
chat_add_answer(struct buf *out, struct chat *c, const struct chat_answer *a)
{
	uint64_t output = output_tokens(c, a) * (uint64_t)c->choices;
	char hex[2 * CHAT_ID_BYTES];
	int64_t created;

	hash_hex(a->id, CHAT_ID_BYTES, hex);
	created = CREATED_FROM + ((int64_t)a->id[0] << 24 | a->id[1] << 16 |
				     a->id[2] << 8 | a->id[3]) %
				     CREATED_SPAN;
	buf_addf(out,
	    "{\"id\":\"chatcmpl-%.*s\",\"object\":\"chat.completion\","
	    "\"created\":%" PRId64 ",\"model\":",
	    (int)sizeof(hex), hex, created);
	buf_addspan(out, c->model);
	buf_adds(out, ",\"choices\":[");
	for (int64_t i = 0; i < c->choices; i++)
		add_choice(out, a, i);
	buf_addf(out,
	    "],\"usage\":{\"prompt_tokens\":%" PRIu64
	    ",\"completion_tokens\":%" PRIu64 ",\"total_tokens\":%" PRIu64
	    "},\"system_fingerprint\":\"bf-mock\"}\n",
	    c->input_tokens, output, c->input_tokens + output);
}

void
chat_add_error(
    struct buf *out, const char *type, const char *code, struct span message)
{
	buf_adds(out, "{\"error\":{\"message\":");
	json_add_string(out, message);
	buf_adds(out, ",\"type\":");
	json_add_string(out, span_str(type));
	buf_adds(out, ",\"param\":null,\"code\":");
	if (code == NULL)
		buf_adds(out, "null");
	else
		json_add_string(out, span_str(code));
	buf_adds(out, "}}\n");
}

void
chat_release(struct chat *c)
{
	buf_release(&c->prompt);
	buf_release(&c->system);
	buf_release(&c->plain);
	buf_release(&c->part);
	buf_release(&c->scratch);
}
