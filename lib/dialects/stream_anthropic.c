/* A stream of Anthropic's: a message, its blocks one after the other. */
#include "dialects/reply.h"
#include "dialects/stream.h"

#include "base/mem.h"

#include <stdlib.h>

#define BLOCKS_MOST 1024

/* A block of the content: as it began, and what came to it. */
struct block {
	struct buf begun; /* an object */
	struct joined text, thinking, signature, input;
	struct buf citations; /* elements of their array */
};

struct message {
	struct buf begun; /* an object */
	struct buf usage; /* the last one told, an object */
	struct buf reason, sequence;
	struct block *blocks;
	size_t nblocks;
};

static void
release(struct message *m)
{
	for (size_t i = 0; i < m->nblocks; i++) {
		buf_release(&m->blocks[i].begun);
		joined_release(&m->blocks[i].text);
		joined_release(&m->blocks[i].thinking);
		joined_release(&m->blocks[i].signature);
		joined_release(&m->blocks[i].input);
		buf_release(&m->blocks[i].citations);
	}
	free(m->blocks);
	buf_release(&m->begun);
	buf_release(&m->usage);
	buf_release(&m->reason);
	buf_release(&m->sequence);
}

/* ---- events ---- */

static int
begin_block(struct message *m, struct span data, struct err *e)
{
	int64_t index;
	struct span begun = get_in(data, "content_block");

	if (!is_there(get_in(data, "index")) ||
	    !json_i64(get_in(data, "index"), &index) ||
	    index != (int64_t)m->nblocks || index >= BLOCKS_MOST ||
	    !is_object(begun))
		return err_set(e, "the stream's blocks are not in their order");
	m->blocks = mem_resize(m->blocks, m->nblocks + 1, sizeof(*m->blocks));
	memset(&m->blocks[m->nblocks], 0, sizeof(*m->blocks));
	buf_addspan(&m->blocks[m->nblocks++].begun, begun);
	return 0;
}

static void
join(struct joined *j, struct span delta, const char *name)
{
	struct span text = get_in(delta, name);

	if (is_string(text))
		joined_add(j, text, "");
}

static int
take_delta(struct message *m, struct span data, struct err *e)
{
	struct span index = get_in(data, "index"), delta = get_in(data, "delta");
	struct span citation = get_in(delta, "citation");
	struct block *b;
	int64_t n = -1;

	if (index.p == NULL || !json_i64(index, &n) || n < 0 ||
	    n >= (int64_t)m->nblocks)
		return err_set(
		    e, "the stream goes on with a block it did not begin");
	b = &m->blocks[n];
	join(&b->text, delta, "text");
	join(&b->thinking, delta, "thinking");
	join(&b->signature, delta, "signature");
	join(&b->input, delta, "partial_json");
	if (is_object(citation)) {
		if (b->citations.len > 0)
			buf_addc(&b->citations, ',');
		buf_addspan(&b->citations, citation);
	}
	return 0;
}

static int
take_event(void *state, struct span data, struct err *e)
{
	struct message *m = state;
	struct span type = get_in(data, "type"), delta;

	if (says(type, "message_start"))
		stream_keep(&m->begun, get_in(data, "message"));
	else if (says(type, "content_block_start"))
		return begin_block(m, data, e);
	else if (says(type, "content_block_delta"))
		return take_delta(m, data, e);
	else if (says(type, "message_delta")) {
		delta = get_in(data, "delta");
		stream_keep_last(&m->reason, get_in(delta, "stop_reason"));
		stream_keep_last(&m->sequence, get_in(delta, "stop_sequence"));
		stream_keep_last(&m->usage, get_in(data, "usage"));
	} else if (says(type, "message_stop"))
		return is_object(buf_span(&m->begun))
			   ? 1
			   : err_set(e, "the stream has no message_start");
	return 0;
}

/* ---- the message ---- */

static bool
is_among(struct span key, const char *const *names)
{
	while (*names != NULL && !json_key_is(key, span_str(*names)))
		names++;
	return *names != NULL;
}

/* The members of an object but for those. */
static void
add_others(struct buf *out, struct span object, const char *const *names)
{
	struct json_iter it = json_iter(object);
	struct json_member m;

	while (json_next(&it, &m)) {
		if (is_among(m.key, names))
			continue;
		if (out->data[out->len - 1] != '{')
			buf_addc(out, ',');
		buf_addc(out, '"');
		buf_addspan(out, m.key);
		buf_adds(out, "\":");
		buf_addspan(out, m.value);
	}
}

/* What a block began with, unless more came. */
static void
add_text(struct buf *out, struct span begun, const char *name, struct joined *j)
{
	struct span text = joined_end(j);

	stream_add(out, name, text.n > 0 ? text : get_in(begun, name));
}

/* The pieces of a tool's input are text that is JSON when all are there. */
static int
add_input(struct buf *out, struct span begun, struct joined *j, struct err *e)
{
	struct span raw = joined_end(j), value = get_in(begun, "input");
	struct buf text = BUF_INIT;
	struct json_fault f;
	int rc = 0;

	if (raw.n > 2)
		json_unescape(&text, span_of(raw.p + 1, raw.n - 2));
	if (text.len > 0) {
		value = buf_span(&text);
		if (json_check(value, &f) != 0)
			rc = err_set(
			    e, "the input of a tool call is not JSON: %s", f.what);
	}
	if (rc == 0)
		stream_add(out, "input", value);
	buf_release(&text);
	return rc;
}

static int
add_block(struct buf *out, struct block *b, struct err *e)
{
	static const char *const own[] = {
	    "text", "thinking", "signature", "input", "citations", NULL};
	struct span begun = buf_span(&b->begun);

	buf_addc(out, '{');
	add_others(out, begun, own);
	add_text(out, begun, "text", &b->text);
	add_text(out, begun, "thinking", &b->thinking);
	add_text(out, begun, "signature", &b->signature);
	if (add_input(out, begun, &b->input, e) != 0)
		return -1;
	if (b->citations.len > 0) {
		buf_adds(out, ",\"citations\":[");
		buf_addspan(out, buf_span(&b->citations));
		buf_addc(out, ']');
	}
	buf_addc(out, '}');
	return 0;
}

/* What was told at the end stands; what only the beginning has, too. */
static void
add_usage(struct buf *out, struct span first, struct span last)
{
	const char *const none[] = {NULL};
	struct json_iter it = json_iter(first);
	struct json_member m;

	if (!is_object(first) && !is_object(last))
		return;
	buf_adds(out, ",\"usage\":{");
	if (is_object(last))
		add_others(out, last, none);
	while (is_object(first) && json_next(&it, &m)) {
		struct buf name = BUF_INIT;
		json_unescape(&name, m.key);
		if (get_in(last, buf_cstr(&name)).p == NULL)
			stream_add(out, buf_cstr(&name), m.value);
		buf_release(&name);
	}
	buf_addc(out, '}');
}

static int
add_message(struct buf *out, struct message *m, struct err *e)
{
	static const char *const own[] = {
	    "content", "stop_reason", "stop_sequence", "usage", NULL};
	struct span begun = buf_span(&m->begun);

	buf_addc(out, '{');
	add_others(out, begun, own);
	stream_add(out, "content", SPAN("["));
	for (size_t i = 0; i < m->nblocks; i++) {
		if (i > 0)
			buf_addc(out, ',');
		if (add_block(out, &m->blocks[i], e) != 0)
			return -1;
	}
	buf_addc(out, ']');
	stream_add(out, "stop_reason",
	    m->reason.len > 0 ? buf_span(&m->reason) : SPAN("null"));
	stream_add(out, "stop_sequence",
	    m->sequence.len > 0 ? buf_span(&m->sequence) : SPAN("null"));
	add_usage(out, get_in(begun, "usage"),
	    m->usage.len > 0 ? buf_span(&m->usage) : SPAN_NONE);
	buf_addc(out, '}');
	return 0;
}

int
anthropic_join(struct buf *out, struct span events, struct err *e)
{
	struct message m;
	int rc;

	memset(&m, 0, sizeof(m));
	rc = stream_read(out, events, take_event, &m, e);
	if (rc == 0)
		rc = add_message(out, &m, e);
	release(&m);
	return rc < 0 ? -1 : 0;
}
