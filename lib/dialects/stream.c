#include "dialects/stream.h"

#include "dialects/reply.h"

/* A line without its end, which is \n, \r or both; the last one may have none. */
static bool
next_line(struct span *rest, struct span *line)
{
	size_t n = 0;

	while (n < rest->n && rest->p[n] != '\n' && rest->p[n] != '\r')
		n++;
	if (rest->n == 0)
		return false;
	*line = span_of(rest->p, n);
	if (n + 1 < rest->n && rest->p[n] == '\r' && rest->p[n + 1] == '\n')
		n++;
	n += n < rest->n;
	*rest = span_of(rest->p + n, rest->n - n);
	return true;
}

/* What follows "data:", less one space; false: another line. */
static bool
is_data(struct span line, struct span *value)
{
	if (!span_starts(line, SPAN("data")) || (line.n > 4 && line.p[4] != ':'))
		return false;
	*value = span_of(line.p + line.n, 0);
	if (line.n > 5)
		*value = span_of(line.p + 5, line.n - 5);
	if (value->n > 0 && *value->p == ' ')
		*value = span_of(value->p + 1, value->n - 1);
	return true;
}

bool
sse_next(struct sse *s, struct span *data)
{
	struct span line, value;
	size_t n = 0;

	while (next_line(&s->rest, &line)) {
		if (line.n == 0 && n > 0)
			return true;
		if (!is_data(line, &value))
			continue;
		if (n++ == 0) {
			*data = value;
			continue;
		}
		if (n == 2) {
			buf_clear(&s->lines);
			buf_addspan(&s->lines, *data);
		}
		buf_addc(&s->lines, '\n');
		buf_addspan(&s->lines, value);
		*data = buf_span(&s->lines);
	}
	return n > 0;
}

void
sse_release(struct sse *s)
{
	buf_release(&s->lines);
}

/* {"error":...}, and {"type":"error",...} of those who write it so. */
static bool
is_error(struct span data)
{
	return is_there(get_in(data, "error")) ||
	       says(get_in(data, "type"), "error");
}

static int
is_cut(struct err *e)
{
	return err_set(e, "the stream ended before the answer did");
}

static int
take_event(struct buf *out, struct span data, bool last, stream_take *take,
    void *state, struct err *e)
{
	struct json_fault f;

	/* The end, where it is an event of its own: chat completions. */
	if (span_eq(data, SPAN("[DONE]")))
		return take(state, SPAN_NONE, e);
	if (json_check(data, &f) != 0)
		return last ? is_cut(e)
			    : err_set(e, "an event of the stream is not JSON: %s",
				  f.what);
	data = json_value(data);
	if (is_error(data)) {
		buf_addspan(out, data);
		return 2;
	}
	return take(state, data, e);
}

int
stream_read(struct buf *out, struct span events, stream_take *take, void *state,
    struct err *e)
{
	struct sse s = {.rest = events};
	struct span data;
	int rc = 0;

	while (rc == 0 && sse_next(&s, &data))
		rc = take_event(out, data, s.rest.n == 0, take, state, e);
	sse_release(&s);
	if (rc == 0)
		return is_cut(e);
	return rc < 0 ? -1 : rc - 1;
}

/* ---- what the dialects share ---- */

void
stream_keep(struct buf *kept, struct span value)
{
	if (kept->len == 0 && is_there(value))
		buf_addspan(kept, value);
}

void
stream_keep_last(struct buf *kept, struct span value)
{
	if (!is_there(value))
		return;
	buf_clear(kept);
	buf_addspan(kept, value);
}

void
stream_add(struct buf *out, const char *name, struct span value)
{
	char last = out->len == 0 ? '{' : out->data[out->len - 1];

	if (value.n == 0)
		return;
	if (last != '{' && last != '[')
		buf_addc(out, ',');
	buf_addf(out, "\"%s\":", name);
	buf_addspan(out, value);
}

/* ---- openai-responses: the last event has all of it ---- */

static int
take_response(void *state, struct span data, struct err *e)
{
	struct span type = get_in(data, "type"), response;

	(void)e;
	if (!says(type, "response.completed") &&
	    !says(type, "response.incomplete") && !says(type, "response.failed"))
		return 0;
	response = get_in(data, "response");
	if (response.p != NULL)
		buf_addspan(state, response);
	return 1;
}

/* An event of type "error" is the error itself. */
static void
wrap_error(struct buf *out, size_t start)
{
	struct buf bare = BUF_INIT;

	buf_add(&bare, out->data + start, out->len - start);
	if (!is_there(get_in(buf_span(&bare), "error"))) {
		out->len = start;
		buf_adds(out, "{\"error\":");
		buf_addspan(out, buf_span(&bare));
		buf_addc(out, '}');
	}
	buf_release(&bare);
}

int
responses_join(struct buf *out, struct span events, struct err *e)
{
	size_t start = out->len;
	int rc = stream_read(out, events, take_response, out, e);

	if (rc == 1)
		wrap_error(out, start);
	return rc < 0 ? -1 : 0;
}
