/* embeddings: those of OpenAI, and of Gemini one by one and in batches. */
#include "dialect.h"
#include "vector/embedding.h"
#include "vectors.h"

#include <inttypes.h>
#include <stdio.h>

#define INPUTS_MOST       2048 /* of a request to OpenAI */
#define TOKENS_MOST       8192 /* of an input */
#define TOKENS_IN_ALL     300000
#define INPUTS_MOST_BATCH 100 /* of Gemini */

/* How its vectors are wanted. */
struct wanted {
	int64_t n;
	bool base64;
};

static void
add_vector(struct buf *out, struct asked *asked, const struct wanted *w)
{
	struct span text = buf_span(&asked->scratch);
	float v[VECTORS_MOST];

	vectors_make(text, asked->seed, v, (size_t)w->n);
	if (w->base64)
		embedding_add_base64(out, v, (size_t)w->n);
	else
		embedding_add_array(out, v, (size_t)w->n);
}

static bool
take_length(struct span value, int64_t *n)
{
	*n = VECTORS_USUAL;
	return !is_given(value) ||
	       (json_i64(value, n) && *n >= 1 && *n <= VECTORS_MOST);
}

/* ---- OpenAI: requests ---- */

static int
take_input(struct asked *a, struct span input, size_t i, struct err *e)
{
	uint64_t tokens;

	asked_at(a, "input[%zu]", i);
	if (json_type(input) != JSON_STRING)
		return asked_wrong(a, e, a->member, "must be a string");
	if (input.n == 2)
		return asked_wrong(a, e, a->member, "must not be empty");
	tokens = asked_tokens(asked_text_bytes(a, string_contents(input)));
	if (tokens > TOKENS_MOST) {
		a->code = "context_length_exceeded";
		return asked_wrong(a, e, a->member,
		    "%" PRIu64 " tokens, and an input has %d at most", tokens,
		    TOKENS_MOST);
	}
	a->input_tokens += tokens;
	/* All inputs are what is asked, a line each. */
	if (i > 0)
		asked_add_text(a, SPAN("\"\\n\""));
	asked_add_text(a, input);
	return 0;
}

static int
take_inputs(struct asked *a, struct span input, struct err *e)
{
	struct json_iter it = json_iter(input);
	struct json_member m;

	if (is_type(input, JSON_STRING))
		return take_input(a, input, 0, e);
	if (!is_type(input, JSON_ARRAY) || json_is_empty(input))
		return asked_wrong(
		    a, e, "input", "must be a string, or an array of at least one");
	if (json_count(input) > INPUTS_MOST)
		return asked_wrong(
		    a, e, "input", "has more than %d elements", INPUTS_MOST);
	for (size_t i = 0; json_next(&it, &m); i++)
		if (take_input(a, m.value, i, e) == -1)
			return -1;
	if (a->input_tokens <= TOKENS_IN_ALL)
		return 0;
	a->code = "max_tokens_per_request";
	return asked_wrong(a, e, "input",
	    "%" PRIu64 " tokens, and a request has %d at most", a->input_tokens,
	    TOKENS_IN_ALL);
}

/* NULL, or the member that is not as it should be, and why in e. */
static int
take_wanted(struct asked *a, struct span body, struct wanted *w, struct err *e)
{
	struct span format = json_get(body, "encoding_format");

	if (!take_length(json_get(body, "dimensions"), &w->n))
		return asked_wrong(a, e, "dimensions",
		    "must be an integer from 1 to %d", VECTORS_MOST);
	w->base64 = is_given(format) && json_is(format, "base64");
	if (is_given(format) && !w->base64 && !json_is(format, "float"))
		return asked_wrong(
		    a, e, "encoding_format", "must be float or base64");
	return 0;
}

static int
parse(struct asked *a, struct span body, struct err *e)
{
	static const char *const known[] = {
	    "input", "model", "encoding_format", "dimensions", "user"};
	struct span unknown;
	struct wanted w;

	if (asked_begin(a, body, e) == -1)
		return -1;
	a->model = json_get(a->body, "model");
	if (!is_type(a->model, JSON_STRING))
		return err_set(e, "you must provide a 'model', a string");
	unknown = asked_unknown(a->body, known, sizeof(known) / sizeof(*known));
	if (unknown.p != NULL)
		return asked_wrong(a, e,
		    asked_at(a, "%.*s", (int)(unknown.n < 60 ? unknown.n : 60),
			unknown.p),
		    "no such argument is known");
	if (take_wanted(a, a->body, &w, e) == -1 ||
	    take_inputs(a, json_get(a->body, "input"), e) == -1)
		return -1;
	asked_end_message(a, ASKED_USER);
	return 0;
}

/* ---- OpenAI: answers ---- */

static void
add_input(struct buf *out, struct asked *asked, struct span input, size_t i,
    const struct wanted *w)
{
	buf_addf(out, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":",
	    i > 0 ? "," : "", i);
	buf_clear(&asked->scratch);
	json_unescape(&asked->scratch, string_contents(input));
	add_vector(out, asked, w);
	buf_addc(out, '}');
}

static void
add_answer(struct buf *out, struct asked *asked, const struct answer *a)
{
	struct span input = json_get(asked->body, "input");
	struct json_iter it = json_iter(input);
	struct json_member m;
	struct wanted w;
	struct err e;

	(void)take_wanted(asked, asked->body, &w, &e);
	buf_adds(out, "{\"object\":\"list\",\"data\":[");
	if (json_type(input) == JSON_STRING)
		add_input(out, asked, input, 0, &w);
	for (size_t i = 0; json_next(&it, &m); i++)
		add_input(out, asked, m.value, i, &w);
	buf_adds(out, "],\"model\":");
	buf_addspan(out, asked->model);
	buf_addf(out,
	    ",\"usage\":{\"prompt_tokens\":%" PRIu64 ",\"total_tokens\":%" PRIu64
	    "}}\n",
	    a->usage.input, a->usage.input);
}

const struct dialect dialect_embeddings = {
    .embeds = true,
    .parse = parse,
    .add_answer = add_answer,
    .add_error = add_openai_error,
    .empty_choices = "{\"object\":\"list\",\"data\":[],\"model\":\"test\","
		     "\"usage\":{\"prompt_tokens\":1,\"total_tokens\":1}}\n",
    .null_content = "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\","
		    "\"index\":0,\"embedding\":null}],\"model\":\"test\"}\n",
    .error_body = "{\"error\":{\"message\":\"this is a test: an error with "
		  "status 200\",\"code\":502}}\n",
    .key_header = "Authorization",
    .key_optional = true,
    .no_key = {401, NULL, "incorrect API key provided"},
    .wrong_key = {401, NULL, "incorrect API key provided"},
    .wait = WAIT_IN_HEADERS,
    .rates = LIMITS_OPENAI,
};

/* ---- Gemini: requests ---- */

/* Of one request, called by name where it is wrong: "" or "requests[0]". */
static int
wrong_at(struct asked *a, const char *name, const char *member, const char *why,
    struct err *e)
{
	asked_at(a, "%s%s%s", name, *name == '\0' ? "" : ".", member);
	return err_set(e, "Invalid value at '%s': %s", a->member, why);
}

/* The text of its parts, into scratch; false: it has none. */
static bool
take_text(struct asked *a, struct span request)
{
	struct json_iter it = json_iter(
	    is_type(member(member(request, "content"), "parts"), JSON_ARRAY)
		? member(member(request, "content"), "parts")
		: SPAN("[]"));
	struct json_member m;
	struct span text;

	buf_clear(&a->scratch);
	while (json_next(&it, &m)) {
		text = member(m.value, "text");
		if (!is_type(text, JSON_STRING))
			return false;
		json_unescape(&a->scratch, string_contents(text));
	}
	return a->scratch.len > 0;
}

static struct span
length_of(struct span request)
{
	struct span n = json_get(request, "outputDimensionality");

	return n.p != NULL ? n : json_get(request, "output_dimensionality");
}

/* The model is said once more, and is to be the path's. */
static bool
has_model(struct asked *a, struct span request)
{
	struct span model = json_get(request, "model"), name;
	struct span path = string_contents(a->model);

	return is_type(model, JSON_STRING) &&
	       (name = string_contents(model)).n == path.n + 7 &&
	       span_starts(name, SPAN("models/")) &&
	       memcmp(name.p + 7, path.p, path.n) == 0;
}

static int
take_request(struct asked *a, struct span request, const char *name, bool named,
    struct err *e)
{
	static const char *const known[] = {"model", "content", "taskType",
	    "task_type", "title", "outputDimensionality", "output_dimensionality"};
	int64_t n;

	if (json_type(request) != JSON_OBJECT)
		return wrong_at(a, name, "", "must be an object", e);
	if (asked_unknown(request, known, sizeof(known) / sizeof(*known)).p != NULL)
		return wrong_at(a, name, "", "a name in it is not known", e);
	if ((named || json_get(request, "model").p != NULL) &&
	    !has_model(a, request))
		return wrong_at(
		    a, name, "model", "must be models/ and the path's", e);
	if (!take_length(length_of(request), &n))
		return wrong_at(a, name, "outputDimensionality",
		    "must be an integer from 1 to 4096", e);
	if (!take_text(a, request))
		return wrong_at(a, name, "content",
		    "must have parts with a text that is not empty", e);
	a->input_tokens += asked_tokens(a->scratch.len);
	if (a->part.len > 0)
		buf_adds(&a->part, "\\n");
	json_escape(&a->part, buf_span(&a->scratch));
	return 0;
}

static int
parse_one(struct asked *a, struct span body, struct err *e)
{
	if (asked_begin(a, body, e) == -1 ||
	    take_request(a, a->body, "", false, e) == -1)
		return -1;
	asked_end_message(a, ASKED_USER);
	return 0;
}

static int
parse_batch(struct asked *a, struct span body, struct err *e)
{
	struct json_iter it;
	struct json_member m;
	struct span requests;
	char name[40];

	if (asked_begin(a, body, e) == -1)
		return -1;
	requests = json_get(a->body, "requests");
	if (!is_type(requests, JSON_ARRAY) || json_is_empty(requests) ||
	    json_count(requests) > INPUTS_MOST_BATCH)
		return wrong_at(
		    a, "", "requests", "must be an array of 1 to 100", e);
	it = json_iter(requests);
	for (size_t i = 0; json_next(&it, &m); i++) {
		snprintf(name, sizeof(name), "requests[%zu]", i);
		if (take_request(a, m.value, name, true, e) == -1)
			return -1;
	}
	asked_end_message(a, ASKED_USER);
	return 0;
}

/* ---- Gemini: answers ---- */

static void
add_values(struct buf *out, struct asked *asked, struct span request)
{
	struct wanted w = {.base64 = false};

	(void)take_length(length_of(request), &w.n);
	(void)take_text(asked, request);
	buf_adds(out, "{\"values\":");
	add_vector(out, asked, &w);
	buf_addc(out, '}');
}

static void
add_one(struct buf *out, struct asked *asked, const struct answer *a)
{
	(void)a;
	buf_adds(out, "{\"embedding\":");
	add_values(out, asked, asked->body);
	buf_adds(out, "}\n");
}

static void
add_batch(struct buf *out, struct asked *asked, const struct answer *a)
{
	struct json_iter it = json_iter(json_get(asked->body, "requests"));
	struct json_member m;
	const char *before = "{\"embeddings\":[";

	(void)a;
	for (; json_next(&it, &m); before = ",") {
		buf_adds(out, before);
		add_values(out, asked, m.value);
	}
	buf_adds(out, "]}\n");
}

#define GEMINI                                                                     \
	.embeds = true, .add_error = add_gemini_error,                             \
	.error_body = "{\"error\":{\"code\":503,\"message\":\"this is a test: an " \
		      "error with status 200\",\"status\":\"UNAVAILABLE\"}}\n",    \
	.key_header = "x-goog-api-key",                                            \
	.no_key = {403, NULL, "there is no key in x-goog-api-key"},                \
	.wrong_key = {400, "API_KEY_INVALID", "this is not the right key"},        \
	.key_parameter = "key", .wait = WAIT_IN_BODY, .rates = LIMITS_UNTOLD

const struct dialect dialect_gemini_embedding = {
    GEMINI,
    .parse = parse_one,
    .add_answer = add_one,
    .empty_choices = "{}\n",
    .null_content = "{\"embedding\":{\"values\":null}}\n",
};

const struct dialect dialect_gemini_embeddings = {
    GEMINI,
    .parse = parse_batch,
    .add_answer = add_batch,
    .empty_choices = "{\"embeddings\":[]}\n",
    .null_content = "{\"embeddings\":[{\"values\":null}]}\n",
};
