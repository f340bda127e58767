/* asked: the parts of reading a request that all dialects have in common. */
#include "asked.h"

#include <stdarg.h>
#include <stdio.h>

struct span
string_contents(struct span string)
{
	return span_of(string.p + 1, string.n - 2);
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
asked_begin(struct asked *a, struct span body, struct err *e)
{
	struct json_fault fault;

	a->body = body = trim(body);
	a->model = buf_span(&a->name);
	a->choices = 1;
	a->input_tokens = 0;
	a->max_tokens = 0;
	a->stream = a->stream_usage = false;
	a->sse = true;
	a->schema = a->tool_named = SPAN_NONE;
	a->tool = (struct tool){SPAN_NONE, SPAN_NONE};
	a->tools = TOOLS_MAY;
	a->after_tool = false;
	images_clear(&a->images);
	a->member[0] = '\0';
	a->code = NULL;
	a->bytes = 0;
	a->have_system = false;
	a->answers = 0;
	buf_clear(&a->prompt);
	buf_clear(&a->system);
	buf_clear(&a->plain);
	buf_clear(&a->part);
	if (json_check(body, &fault) == -1)
		return err_set(e, "the body is not valid JSON: %s at byte %zu",
		    fault.what, fault.at);
	if (json_type(body) != JSON_OBJECT)
		return err_set(e, "the body must be a JSON object");
	return 0;
}

void
asked_set_model(struct asked *a, struct span name)
{
	buf_clear(&a->name);
	json_add_string(&a->name, name);
}

const char *
asked_at(struct asked *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->member, sizeof(a->member), fmt, ap);
	va_end(ap);
	return a->member;
}

int
asked_wrong(
    struct asked *a, struct err *e, const char *member, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (member != a->member)
		snprintf(a->member, sizeof(a->member), "%s", member);
	return err_set(e, "%s: %s", a->member, text);
}

struct span
asked_unknown(struct span object, const char *const *names, size_t n)
{
	struct json_iter it = json_iter(object);
	struct json_member m;

	while (json_next(&it, &m)) {
		size_t i = 0;

		while (i < n && !json_key_is(m.key, span_str(names[i])))
			i++;
		if (i == n)
			return m.key;
	}
	return SPAN_NONE;
}

void
asked_add_text(struct asked *a, struct span string)
{
	if (string.p != NULL && json_type(string) == JSON_STRING)
		buf_addspan(&a->part, string_contents(string));
}

static void
swap(struct buf *a, struct buf *b)
{
	struct buf t = *a;

	*a = *b;
	*b = t;
}

void
asked_end_message(struct asked *a, enum asked_role role)
{
	a->bytes += asked_text_bytes(a, buf_span(&a->part));
	if (role == ASKED_USER) {
		swap(&a->prompt, &a->part);
	} else if (role == ASKED_SYSTEM && !a->have_system) {
		a->have_system = true;
		swap(&a->system, &a->part);
	}
	a->after_tool = role == ASKED_TOOL;
	a->answers += role == ASKED_OTHER;
	buf_clear(&a->part);
}

void
asked_add_tool(struct asked *a, struct span name, struct span schema)
{
	if (a->tools == TOOLS_NEVER || a->tool.name.p != NULL ||
	    (a->tool_named.p != NULL && !span_eq(a->tool_named, name)))
		return;
	a->tool = (struct tool){name, schema};
}

void
asked_end(struct asked *a)
{
	a->input_tokens = asked_tokens(a->bytes);
}

struct span
asked_prompt(struct asked *a)
{
	if (memchr(buf_span(&a->prompt).p, '\\', a->prompt.len) == NULL)
		return buf_span(&a->prompt);
	if (a->plain.len == 0)
		json_unescape(&a->plain, buf_span(&a->prompt));
	return buf_span(&a->plain);
}

uint64_t
asked_tokens(uint64_t bytes)
{
	return bytes / 4 + (bytes % 4 != 0);
}

uint64_t
asked_text_bytes(struct asked *a, struct span contents)
{
	if (memchr(contents.p, '\\', contents.n) == NULL)
		return contents.n;
	buf_clear(&a->scratch);
	json_unescape(&a->scratch, contents);
	return a->scratch.len;
}

void
asked_release(struct asked *a)
{
	buf_release(&a->prompt);
	buf_release(&a->system);
	buf_release(&a->plain);
	buf_release(&a->part);
	buf_release(&a->scratch);
	buf_release(&a->name);
	images_release(&a->images);
}
