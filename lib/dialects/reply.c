#include "dialects/reply.h"

#include <stdio.h>

#define COUNT_MOST INT64_C(1000000000000)

int64_t
count_of(struct span v)
{
	int64_t n;

	return v.p != NULL && json_i64(v, &n) && n > 0 && n <= COUNT_MOST ? n : 0;
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

void
dialect_read_usage(struct span usage, struct dialect_usage *u)
{
	static const struct span names[] = {SPAN_INIT("input"), SPAN_INIT("output"),
	    SPAN_INIT("cached"), SPAN_INIT("reasoning")};
	struct span in[4];

	*u = (struct dialect_usage){.known = is_object(usage)};
	if (!u->known)
		return;
	json_pick(usage, names, in, 4);
	u->input = count_of(in[0]);
	u->output = count_of(in[1]);
	u->cached = count_of(in[2]);
	u->reasoning = count_of(in[3]);
}

static void
add_member(struct buf *out, const char *name, struct span value)
{
	buf_addf(out, ",\"%s\":", name);
	json_compact(out, value);
}

void
reply_write(struct buf *out, const struct reply *r, struct span asked,
    const struct dialect_usage *usage)
{
	buf_adds(out, "{\"text\":");
	if (is_string(r->text))
		buf_addspan(out, r->text);
	else
		buf_adds(out, "\"\"");
	buf_adds(out, ",\"model\":");
	if (is_string(r->model))
		buf_addspan(out, r->model);
	else
		json_add_string(out, asked);
	buf_adds(out, ",\"finish_reason\":");
	if (r->finish != NULL)
		json_add_string(out, span_str(r->finish));
	else if (is_string(r->finish_raw))
		buf_addspan(out, r->finish_raw);
	else
		buf_adds(out, "null");
	buf_adds(out, ",\"usage\":");
	dialect_add_usage(out, usage);
	if (is_string(r->reasoning))
		add_member(out, "reasoning", r->reasoning);
	if (r->tool_calls.p != NULL)
		add_member(out, "tool_calls", r->tool_calls);
	if (is_there(r->logprobs))
		add_member(out, "logprobs", r->logprobs);
	if (r->refused)
		buf_adds(out, ",\"refusal\":true");
	buf_addc(out, '}');
}

/* ---- what comes in pieces ---- */

void
joined_add(struct joined *j, struct span string, const char *between)
{
	if (j->text.len == 0)
		buf_addc(&j->text, '"');
	else if (j->text.len > 1)
		buf_adds(&j->text, between);
	buf_add(&j->text, string.p + 1, string.n - 2);
}

struct span
joined_end(struct joined *j)
{
	if (j->text.len == 0)
		return SPAN_NONE;
	buf_addc(&j->text, '"');
	return buf_span(&j->text);
}

void
joined_release(struct joined *j)
{
	buf_release(&j->text);
}

void
tool_calls_add(struct tool_calls *t, struct span id, struct span name,
    struct span arguments, struct span more)
{
	struct buf compact = BUF_INIT, *out = &t->array;

	buf_adds(out, t->n == 0 ? "[" : ",");
	buf_adds(out, "{\"id\":");
	if (is_string(id) && id.n > 2)
		buf_addspan(out, id);
	else
		buf_addf(out, "\"call_%zu\"", t->n);
	t->n++;
	buf_adds(out, ",\"type\":\"function\",\"function\":{\"name\":");
	buf_addspan(out, name);
	buf_adds(out, ",\"arguments\":");
	if (is_string(arguments))
		buf_addspan(out, arguments);
	else {
		json_compact(&compact, arguments);
		json_add_string(out, buf_span(&compact));
	}
	buf_addc(out, '}');
	buf_addspan(out, more);
	buf_addc(out, '}');
	buf_release(&compact);
}

struct span
tool_calls_end(struct tool_calls *t)
{
	if (t->n == 0)
		return SPAN_NONE;
	buf_addc(&t->array, ']');
	return buf_span(&t->array);
}

void
tool_calls_release(struct tool_calls *t)
{
	buf_release(&t->array);
}

/* ---- errors ---- */

void
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

struct span
find_error(struct span body, struct span *top)
{
	struct json_fault fault;

	*top = SPAN_NONE;
	if (body.n == 0 || json_check(body, &fault) != 0)
		return SPAN_NONE;
	body = json_value(body);
	if (is_array(body))
		body = json_at(body, 0);
	if (!is_object(body))
		return SPAN_NONE;
	*top = body;
	return json_get(body, "error");
}

int
reply_is_error(const struct dialect *d, struct span body, struct err *e)
{
	struct dialect_error de;

	d->error(body, &de);
	return err_set(e, "an error came with status 200%s%s",
	    de.message[0] != '\0' ? ": " : "", de.message);
}

void
reply_no_error(struct span body, struct dialect_error *de)
{
	(void)body;
	*de = (struct dialect_error){.message = ""};
}
