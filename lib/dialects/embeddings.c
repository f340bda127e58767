#include "dialects/embeddings.h"

#include "dialects/reply.h"

#include <inttypes.h>

/* ---- OpenAI ---- */

static void
ask_openai(struct buf *out, const struct embeddings_ask *a)
{
	buf_adds(out, "{\"model\":");
	json_add_string(out, a->model);
	for (size_t i = 0; i < a->n; i++) {
		buf_adds(out, i == 0 ? ",\"input\":[" : ",");
		buf_addspan(out, a->inputs[i]);
	}
	buf_adds(out, "],\"encoding_format\":\"base64\"");
	if (a->dimensions > 0)
		buf_addf(out, ",\"dimensions\":%" PRId64, a->dimensions);
	buf_addc(out, '}');
}

/* Its place, by its index; where no element has one, by its own. -1 and e. */
static int
place_of(struct span index, size_t i, bool *counted, size_t n, int64_t *place,
    struct err *e)
{
	if (i == 0)
		*counted = is_there(index);
	if (!*counted && !is_there(index)) {
		*place = (int64_t)i;
		return 0;
	}
	if (!*counted || !is_there(index) || !json_i64(index, place))
		return err_set(e, "element %zu of the answer has no index", i);
	if (*place < 0 || (uint64_t)*place >= n)
		return err_set(e,
		    "the answer has a vector with index %" PRId64
		    ", and %zu were asked for",
		    *place, n);
	return 0;
}

static int
take_data(struct span data, struct embeddings_answer *a, struct err *e)
{
	static const struct span names[] = {
	    SPAN_INIT("index"), SPAN_INIT("embedding")};
	struct json_iter it = json_iter(data);
	struct json_member m;
	struct span in[2];
	bool counted = false;
	int64_t place;

	for (size_t i = 0; json_next(&it, &m); i++) {
		json_pick(m.value, names, in, 2);
		if (place_of(in[0], i, &counted, a->n, &place, e) != 0)
			return -1;
		if (a->values[place].p != NULL)
			return err_set(e,
			    "the answer has two vectors with index %" PRId64,
			    place);
		a->values[place] = is_there(in[1]) ? in[1] : SPAN("null");
	}
	return 0;
}

/* -1 and e, unless there are as many as were asked for. */
static int
check_count(struct span list, const struct embeddings_answer *a, struct err *e)
{
	size_t n;

	if (!is_array(list))
		return err_set(e, "the answer has no vectors");
	n = json_count(list);
	if (n != a->n)
		return err_set(e,
		    "the answer has %zu vector%s, and %zu %s asked for", n,
		    n == 1 ? "" : "s", a->n, a->n == 1 ? "was" : "were");
	return 0;
}

static void
begin(struct embeddings_answer *a)
{
	for (size_t i = 0; i < a->n; i++)
		a->values[i] = SPAN_NONE;
	a->model = SPAN_NONE;
	a->usage = (struct dialect_usage){.known = false};
}

static void
read_usage(struct embeddings_answer *a, struct span usage, const char *input)
{
	if (!is_object(usage) || !is_there(json_get(usage, input)))
		return;
	a->usage.known = true;
	a->usage.input = count_of(json_get(usage, input));
}

static int
read_openai(struct span body, struct embeddings_answer *a, struct err *e)
{
	static const struct span names[] = {SPAN_INIT("data"), SPAN_INIT("model"),
	    SPAN_INIT("usage"), SPAN_INIT("error")};
	struct span in[4];

	begin(a);
	body = json_value(body);
	if (!is_object(body))
		return err_set(e, "the answer is not a JSON object");
	json_pick(body, names, in, 4);
	read_usage(a, in[2], "prompt_tokens");
	if (is_there(in[3]))
		return reply_is_error(&dialect_openai_chat, body, e);
	if (is_string(in[1]))
		a->model = in[1];
	return check_count(in[0], a, e) != 0 ? -1 : take_data(in[0], a, e);
}

/* ---- Gemini ---- */

static void
ask_gemini(struct buf *out, const struct embeddings_ask *a)
{
	buf_adds(out, "{\"requests\":[");
	for (size_t i = 0; i < a->n; i++) {
		buf_adds(
		    out, i > 0 ? ",{\"model\":\"models/" : "{\"model\":\"models/");
		json_escape(out, a->model);
		buf_adds(out, "\",\"content\":{\"parts\":[{\"text\":");
		buf_addspan(out, a->inputs[i]);
		buf_adds(out, "}]}");
		if (a->dimensions > 0)
			buf_addf(out, ",\"outputDimensionality\":%" PRId64,
			    a->dimensions);
		if (a->task != NULL) {
			buf_adds(out, ",\"taskType\":");
			json_add_string(out, span_str(a->task));
		}
		buf_addc(out, '}');
	}
	buf_adds(out, "]}");
}

static int
read_gemini(struct span body, struct embeddings_answer *a, struct err *e)
{
	static const struct span names[] = {SPAN_INIT("embeddings"),
	    SPAN_INIT("usageMetadata"), SPAN_INIT("error")};
	struct span in[3], value;
	struct json_iter it;
	struct json_member m;

	begin(a);
	body = json_value(body);
	if (!is_object(body))
		return err_set(e, "the answer is not a JSON object");
	json_pick(body, names, in, 3);
	read_usage(a, in[1], "promptTokenCount");
	if (is_there(in[2]))
		return reply_is_error(&dialect_gemini, body, e);
	if (check_count(in[0], a, e) != 0)
		return -1;
	it = json_iter(in[0]);
	for (size_t i = 0; json_next(&it, &m); i++) {
		value = get_in(m.value, "values");
		a->values[i] = is_there(value) ? value : SPAN("null");
	}
	return 0;
}

/* ---- what is kept ---- */

int
embeddings_record(struct buf *out, struct span value, int64_t dimensions,
    struct span model, const struct dialect_usage *u, struct embedding *em,
    struct err *e)
{
	if (embedding_read(em, value, e) != 0)
		return err_prefix(e, "no embedding");
	if (dimensions > 0 && em->n != (uint64_t)dimensions)
		return err_set(e,
		    "an embedding of %zu numbers, and %" PRId64 " were asked for",
		    em->n, dimensions);
	buf_adds(out, "{\"embedding\":");
	embedding_add_base64(out, em->v, em->n);
	buf_adds(out, ",\"model\":");
	json_compact(out, model);
	buf_adds(out, ",\"usage\":");
	dialect_add_usage(out, u);
	buf_addc(out, '}');
	return 0;
}

/* The same for all: what is kept is of one form. */
static int
answer(struct buf *out, struct span body, bool base64, struct dialect_answer *a,
    struct err *e)
{
	static const struct span names[] = {
	    SPAN_INIT("embedding"), SPAN_INIT("usage")};
	struct embedding em = EMBEDDING_INIT;
	struct span in[2];
	int rc;

	*a = (struct dialect_answer){.aside = NULL};
	body = json_value(body);
	if (!is_object(body))
		return err_set(e, "the answer is not a JSON object");
	json_pick(body, names, in, 2);
	if (is_object(in[1]))
		dialect_read_usage(in[1], &a->usage);
	if (!is_there(in[0]))
		return err_set(e, "no \"embedding\"");
	rc = embedding_read(&em, in[0], e);
	if (rc == 0 && base64)
		embedding_add_base64(out, em.v, em.n);
	else if (rc == 0)
		embedding_add_array(out, em.v, em.n);
	embedding_release(&em);
	return rc;
}

static int
answer_array(struct buf *out, struct span body, struct span model,
    struct dialect_answer *a, struct err *e)
{
	(void)model;
	return answer(out, body, false, a, e);
}

static int
answer_base64(struct buf *out, struct span body, struct span model,
    struct dialect_answer *a, struct err *e)
{
	(void)model;
	return answer(out, body, true, a, e);
}

static void
error_openai(struct span body, struct dialect_error *de)
{
	dialect_openai_chat.error(body, de);
}

static void
error_gemini(struct span body, struct dialect_error *de)
{
	dialect_gemini.error(body, de);
}

#define OPENAI .name = "embeddings", .path = "/embeddings", .error = error_openai
#define GEMINI                                                              \
	.name = "embeddings", .path = "/models/{model}:batchEmbedContents", \
	.version = "/v1beta", .key_header = "x-goog-api-key",               \
	.error = error_gemini

const struct dialect dialect_embeddings = {OPENAI, .answer = answer_array};
static const struct dialect openai_base64 = {OPENAI, .answer = answer_base64};
static const struct dialect gemini_array = {GEMINI, .answer = answer_array};
static const struct dialect gemini_base64 = {GEMINI, .answer = answer_base64};

static const struct embeddings openai = {
    &dialect_embeddings, &openai_base64, 2048, false, ask_openai, read_openai};
static const struct embeddings gemini = {
    &gemini_array, &gemini_base64, 100, true, ask_gemini, read_gemini};

const struct embeddings *
embeddings_of(const struct dialect *d)
{
	if (d == &dialect_openai_chat || d == &dialect_openai_responses)
		return &openai;
	return d == &dialect_gemini ? &gemini : NULL;
}
