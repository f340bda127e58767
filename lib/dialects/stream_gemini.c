/* A stream of Gemini's: each event is an answer of its own, with the next parts. */
#include "dialects/reply.h"
#include "dialects/stream.h"

/* JSON, empty where there was none. */
struct gemini {
	struct buf parts; /* elements of the array; the text of the last is open */
	struct joined text;
	bool thought; /* what the open text is */
	struct buf finish, ratings, grounding, citations;
	struct buf usage, model, id, feedback;
};

static void
release(struct gemini *g)
{
	buf_release(&g->parts);
	joined_release(&g->text);
	buf_release(&g->finish);
	buf_release(&g->ratings);
	buf_release(&g->grounding);
	buf_release(&g->citations);
	buf_release(&g->usage);
	buf_release(&g->model);
	buf_release(&g->id);
	buf_release(&g->feedback);
}

/* ---- events ---- */

static void
begin_part(struct gemini *g)
{
	if (g->parts.len > 0)
		buf_addc(&g->parts, ',');
}

/* The text that is open is a part. */
static void
end_text(struct gemini *g)
{
	struct span text = joined_end(&g->text);

	if (text.n == 0)
		return;
	begin_part(g);
	buf_addc(&g->parts, '{');
	stream_add(&g->parts, "text", text);
	if (g->thought)
		stream_add(&g->parts, "thought", SPAN("true"));
	buf_addc(&g->parts, '}');
	joined_release(&g->text);
}

/* Text alone goes on where the last part ended; any other part is one by itself. */
static void
take_part(struct gemini *g, struct span part)
{
	struct span text = get_in(part, "text"), thought = get_in(part, "thought");
	bool is_thought = is_type(thought, JSON_TRUE);

	if (!is_string(text) ||
	    json_count(part) != (thought.p != NULL ? (size_t)2 : 1)) {
		end_text(g);
		begin_part(g);
		buf_addspan(&g->parts, part);
		return;
	}
	if (is_thought != g->thought)
		end_text(g);
	g->thought = is_thought;
	joined_add(&g->text, text, "");
}

static void
take_candidate(struct gemini *g, struct span candidate)
{
	struct span index = get_in(candidate, "index");
	struct span parts = get_in(get_in(candidate, "content"), "parts");
	struct json_iter it = json_iter(is_array(parts) ? parts : SPAN("[]"));
	struct json_member m;

	if (is_there(index) && !span_eq(index, SPAN("0")))
		return;
	while (json_next(&it, &m))
		take_part(g, m.value);
	stream_keep_last(&g->finish, get_in(candidate, "finishReason"));
	stream_keep_last(&g->ratings, get_in(candidate, "safetyRatings"));
	stream_keep_last(&g->grounding, get_in(candidate, "groundingMetadata"));
	stream_keep_last(&g->citations, get_in(candidate, "citationMetadata"));
}

/* There is no last event: the stream ends, and the reason has come by then. */
static int
take_event(void *state, struct span data, struct err *e)
{
	struct gemini *g = state;
	struct span candidates = get_in(data, "candidates");
	struct json_iter it = json_iter(
	    is_array(candidates) ? candidates : SPAN("[]"));
	struct json_member m;

	(void)e;
	while (json_next(&it, &m))
		take_candidate(g, m.value);
	stream_keep_last(&g->usage, get_in(data, "usageMetadata"));
	stream_keep_last(&g->model, get_in(data, "modelVersion"));
	stream_keep_last(&g->id, get_in(data, "responseId"));
	stream_keep_last(&g->feedback, get_in(data, "promptFeedback"));
	return 0;
}

/* ---- the answer ---- */

static void
add_candidate(struct buf *out, struct gemini *g)
{
	buf_adds(out, "\"candidates\":[{\"content\":{\"parts\":[");
	end_text(g);
	buf_addspan(out, buf_span(&g->parts));
	buf_adds(out, "],\"role\":\"model\"}");
	stream_add(out, "finishReason", buf_span(&g->finish));
	buf_adds(out, ",\"index\":0");
	stream_add(out, "safetyRatings", buf_span(&g->ratings));
	stream_add(out, "citationMetadata", buf_span(&g->citations));
	stream_add(out, "groundingMetadata", buf_span(&g->grounding));
	buf_adds(out, "}]");
}

static void
add_answer(struct buf *out, struct gemini *g)
{
	buf_addc(out, '{');
	if (g->finish.len > 0)
		add_candidate(out, g);
	stream_add(out, "promptFeedback", buf_span(&g->feedback));
	stream_add(out, "usageMetadata", buf_span(&g->usage));
	stream_add(out, "modelVersion", buf_span(&g->model));
	stream_add(out, "responseId", buf_span(&g->id));
	buf_addc(out, '}');
}

int
gemini_join(struct buf *out, struct span events, struct err *e)
{
	struct gemini g;
	int rc;

	memset(&g, 0, sizeof(g));
	rc = stream_read(out, events, take_event, &g, e);
	if (rc < 0 && (g.finish.len > 0 || g.feedback.len > 0))
		rc = 0;
	if (rc == 0)
		add_answer(out, &g);
	release(&g);
	return rc < 0 ? -1 : 0;
}
