/*
 * generateContent of Google's Gemini API.
 * https://ai.google.dev/api/generate-content
 *
 * Said as follows:
 *	system, developer messages   systemInstruction, wherever they stood
 *	assistant                    role model; messages of one role in a row, tool
 *	                             results among the user's, are one content
 *	image_url, file, input_audio inlineData of a data: URL, else fileData
 *	max_completion_tokens, max_tokens, temperature, top_p, top_k, stop, seed,
 *	frequency_penalty, presence_penalty
 *	                             as generationConfig names them
 *	reasoning_effort             thinkingConfig: models gemini-2* by a budget of
 *	                             tokens (none 0, minimal and low 1024, medium
 *	                             8192, high 24576), others by thinkingLevel
 *	response_format              responseMimeType, responseJsonSchema
 *	tools, tool_choice           functionDeclarations, functionCallingConfig
 *	a tool's result              functionResponse: an object as it is, any other
 *	                             text as {"result": TEXT}
 *	thinkingConfig, safetySettings
 *	                             as they are
 *	what says how it is carried  not at all
 *
 * The signature of a thought that comes with a call is in the tool call as
 * extra_content.google.thought_signature, where Google's own OpenAI form has it,
 * and is sent back from there.
 */
#include "dialects/ask.h"
#include "dialects/stream.h"

/* ---- contents ---- */

static bool
ends_in(struct span s, struct span end)
{
	return s.n > end.n && strncasecmp(s.p + s.n - end.n, end.p, end.n) == 0;
}

/* By the end of a URL's path; NULL: not known. */
static const char *
media_of(struct span url)
{
	static const struct {
		struct span end;
		const char *media;
	} known[] = {
	    {SPAN_INIT(".png"), "image/png"},
	    {SPAN_INIT(".jpg"), "image/jpeg"},
	    {SPAN_INIT(".jpeg"), "image/jpeg"},
	    {SPAN_INIT(".webp"), "image/webp"},
	    {SPAN_INIT(".gif"), "image/gif"},
	    {SPAN_INIT(".heic"), "image/heic"},
	    {SPAN_INIT(".pdf"), "application/pdf"},
	};
	size_t n = 0;

	while (n < url.n && url.p[n] != '?' && url.p[n] != '#')
		n++;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (ends_in(span_of(url.p, n), known[i].end))
			return known[i].media;
	return NULL;
}

static void
add_part(struct ask *a, const struct ask_part *p)
{
	const char *media;

	if (p->type == ASK_TEXT) {
		buf_adds(a->out, "{\"text\":");
		buf_addspan(a->out, p->text);
	} else if (p->url.p != NULL) {
		buf_adds(a->out, "{\"fileData\":{");
		if ((media = media_of(p->url)) != NULL)
			buf_addf(a->out, "\"mimeType\":\"%s\",", media);
		buf_adds(a->out, "\"fileUri\":");
		json_add_string(a->out, p->url);
		buf_addc(a->out, '}');
	} else {
		buf_adds(a->out, "{\"inlineData\":{\"mimeType\":");
		json_add_string(a->out, p->media);
		buf_adds(a->out, ",\"data\":");
		json_add_string(a->out, p->data);
		buf_addc(a->out, '}');
	}
	buf_addc(a->out, '}');
}

static int
add_parts(struct ask *a, struct ask_turns *t, const struct ask_message *m,
    const char *role)
{
	struct ask_parts ps = ask_parts(m);
	struct ask_part p;
	int got;

	while ((got = ask_part(a, &ps, &p)) == 1)
		if (!ask_is_empty(&p)) {
			ask_turn(a, t, role);
			add_part(a, &p);
		}
	ask_parts_release(&ps);
	return got;
}

static int
add_user(struct ask *a, struct ask_turns *t, const struct ask_message *m)
{
	return add_parts(a, t, m, "user");
}

static int
add_model(struct ask *a, struct ask_turns *t, const struct ask_message *m)
{
	struct ask_calls cs = ask_calls(m);
	struct ask_call call;
	struct span signature;
	int got = add_parts(a, t, m, "model");

	if (got == 0 && is_string(m->refusal) && m->refusal.n > 2) {
		ask_turn(a, t, "model");
		add_part(a, &(struct ask_part){.text = m->refusal});
	}
	while (got == 0 && (got = ask_call(a, &cs, &call)) == 1) {
		ask_turn(a, t, "model");
		buf_adds(a->out, "{\"functionCall\":{\"id\":");
		buf_addspan(a->out, call.id);
		ask_add(a, "name", call.name);
		ask_add(a, "args", call.object);
		buf_addc(a->out, '}');
		signature = get_in(
		    get_in(call.extra, "google"), "thought_signature");
		if (is_string(signature))
			ask_add(a, "thoughtSignature", signature);
		buf_addc(a->out, '}');
		got = 0;
	}
	ask_calls_release(&cs);
	return got;
}

/* The function that was called under an id, in canonical JSON; a result names it.
 */
static struct span
called(struct span messages, size_t before, struct span id)
{
	struct json_iter it = json_iter(messages), calls;
	struct json_member m, call;
	struct span name = SPAN_NONE;

	for (size_t i = 0; i < before && json_next(&it, &m); i++) {
		calls = json_iter(get_in(m.value, "tool_calls"));
		while (json_next(&calls, &call))
			if (span_eq(get_in(call.value, "id"), id))
				name = get_in(
				    get_in(call.value, "function"), "name");
	}
	return is_string(name) ? name : SPAN_NONE;
}

/* An object is what a result is; other text goes into one. */
static void
add_result_text(struct ask *a, struct span string)
{
	struct buf text = BUF_INIT;
	struct json_fault f;
	struct span s;

	json_unescape(&text, span_of(string.p + 1, string.n - 2));
	s = buf_span(&text);
	if (json_check(s, &f) == 0 && is_object(json_value(s)))
		json_canon(a->out, json_value(s));
	else {
		buf_adds(a->out, "{\"result\":");
		buf_addspan(a->out, string);
		buf_addc(a->out, '}');
	}
	buf_release(&text);
}

static int
add_result(struct ask *a, struct ask_turns *t, const struct ask_message *m)
{
	struct span name = called(t->messages, m->at, m->tool_call_id), text;
	struct joined all = {.text = BUF_INIT};
	int got;

	if (name.p == NULL)
		return ask_refuse(a, "needs the id of a call before it",
		    "messages[%zu].tool_call_id", m->at);
	got = ask_text(a, m, &all);
	if (got == 0) {
		text = joined_end(&all);
		ask_turn(a, t, "user");
		buf_adds(a->out, "{\"functionResponse\":{\"id\":");
		buf_addspan(a->out, m->tool_call_id);
		ask_add(a, "name", name);
		buf_adds(a->out, ",\"response\":");
		add_result_text(a, text.p != NULL ? text : SPAN("\"\""));
		buf_adds(a->out, "}}");
	}
	joined_release(&all);
	return got;
}

static int
add_contents(struct ask *a, struct span messages)
{
	struct ask_turns t = {.parts = "parts", .messages = messages};

	buf_adds(a->out, "{\"contents\":");
	return ask_conversation(a, &t, add_user, add_model, add_result);
}

static int
add_system(struct ask *a, struct span messages)
{
	struct ask_messages ms = ask_messages(messages);
	struct ask_message m;
	size_t n = 0;
	int got;

	while ((got = ask_message(a, &ms, &m)) == 1) {
		struct joined all = {.text = BUF_INIT};
		struct span text = SPAN_NONE;

		if (m.role != ASK_SYSTEM)
			continue;
		if ((got = ask_text(a, &m, &all)) == 0)
			text = joined_end(&all);
		if (text.p != NULL) {
			buf_adds(a->out,
			    n++ == 0 ? ",\"systemInstruction\":{\"parts\":[" : ",");
			add_part(a, &(struct ask_part){.text = text});
		}
		joined_release(&all);
		if (got != 0)
			return -1;
	}
	if (n > 0)
		buf_adds(a->out, "]}");
	return got;
}

/* ---- tools ---- */

static int
add_tools(struct ask *a, struct span tools)
{
	struct ask_tools ts = ask_tools(tools);
	struct ask_tool t;
	int got;

	if (tools.p == NULL)
		return 0;
	buf_adds(a->out, ",\"tools\":[{\"functionDeclarations\":[");
	while ((got = ask_tool(a, &ts, &t)) == 1) {
		buf_adds(a->out, ts.n == 1 ? "{\"name\":" : ",{\"name\":");
		buf_addspan(a->out, t.name);
		ask_add(a, "description", t.description);
		ask_add(a, "parametersJsonSchema", t.parameters);
		buf_addc(a->out, '}');
	}
	buf_adds(a->out, "]}]");
	return got;
}

static int
add_choice(struct ask *a, struct span value)
{
	static const char *const modes[] = {
	    [ASK_CHOICE_AUTO] = "AUTO",
	    [ASK_CHOICE_NONE] = "NONE",
	    [ASK_CHOICE_REQUIRED] = "ANY",
	    [ASK_CHOICE_ONE] = "ANY",
	};
	enum ask_choice choice;
	struct span name;

	if (ask_tool_choice(a, value, &choice, &name) != 0)
		return -1;
	if (choice == ASK_CHOICE_ABSENT)
		return 0;
	buf_addf(a->out,
	    ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"%s\"",
	    modes[choice]);
	if (choice == ASK_CHOICE_ONE) {
		buf_adds(a->out, ",\"allowedFunctionNames\":[");
		buf_addspan(a->out, name);
		buf_addc(a->out, ']');
	}
	buf_adds(a->out, "}}");
	return 0;
}

/* ---- how to answer ---- */

static int
add_effort(struct ask *a, struct span effort, struct span model)
{
	static const struct {
		const char *word;
		int budget;
		bool level;
	} efforts[] = {{"none", 0, false}, {"minimal", 1024, true},
	    {"low", 1024, true}, {"medium", 8192, true}, {"high", 24576, true}};
	bool by_budget = span_starts(model, SPAN("gemini-2"));

	for (size_t i = 0; i < sizeof efforts / sizeof *efforts; i++) {
		if (!json_is(effort, efforts[i].word) ||
		    !(by_budget || efforts[i].level))
			continue;
		if (by_budget)
			buf_addf(a->out,
			    ",\"thinkingConfig\":{\"thinkingBudget\":%d}",
			    efforts[i].budget);
		else
			buf_addf(a->out,
			    ",\"thinkingConfig\":{\"thinkingLevel\":\"%s\"}",
			    efforts[i].word);
		return 0;
	}
	return ask_cannot(
	    a, "knows no such effort of this model", "reasoning_effort");
}

static int
add_thinking(struct ask *a, const struct span *in, struct span model)
{
	ask_add(a, "thinkingConfig", in[ASK_THINKING_CONFIG]);
	if (in[ASK_REASONING_EFFORT].p == NULL)
		return 0;
	if (in[ASK_THINKING_CONFIG].p != NULL)
		return ask_cannot(
		    a, "is told that by thinkingConfig", "reasoning_effort");
	return add_effort(a, in[ASK_REASONING_EFFORT], model);
}

static int
add_format(struct ask *a, struct span value)
{
	struct ask_format f;

	if (ask_format(a, value, &f) != 0)
		return -1;
	if (f.type != ASK_PLAIN)
		buf_adds(a->out, ",\"responseMimeType\":\"application/json\"");
	if (f.type == ASK_JSON_SCHEMA)
		ask_add(a, "responseJsonSchema", f.schema);
	return 0;
}

static int
add_config(struct ask *a, const struct span *in, struct span model)
{
	struct buf config = BUF_INIT;
	struct ask of = *a;
	int rc;

	of.out = &config;
	ask_add(&of, "maxOutputTokens", ask_most(in));
	ask_add(&of, "temperature", in[ASK_TEMPERATURE]);
	ask_add(&of, "topP", in[ASK_TOP_P]);
	ask_add(&of, "topK", in[ASK_TOP_K]);
	ask_add_list(&of, "stopSequences", in[ASK_STOP]);
	ask_add(&of, "seed", in[ASK_SEED]);
	ask_add(&of, "frequencyPenalty", in[ASK_FREQUENCY_PENALTY]);
	ask_add(&of, "presencePenalty", in[ASK_PRESENCE_PENALTY]);
	rc = add_format(&of, in[ASK_RESPONSE_FORMAT]);
	if (rc == 0)
		rc = add_thinking(&of, in, model);
	ask_add_object(a, "generationConfig", &config);
	buf_release(&config);
	return rc;
}

static int
body(struct buf *out, struct span request, struct span model, bool lenient,
    struct buf *dropped, struct err *e)
{
	static const uint64_t can = ASK_BIT(ASK_MESSAGES) |
				    ASK_BIT(ASK_MAX_COMPLETION_TOKENS) |
				    ASK_BIT(ASK_MAX_TOKENS) |
				    ASK_BIT(ASK_TEMPERATURE) | ASK_BIT(ASK_TOP_P) |
				    ASK_BIT(ASK_TOP_K) | ASK_BIT(ASK_STOP) |
				    ASK_BIT(ASK_SEED) |
				    ASK_BIT(ASK_FREQUENCY_PENALTY) |
				    ASK_BIT(ASK_PRESENCE_PENALTY) |
				    ASK_BIT(ASK_TOOLS) | ASK_BIT(ASK_TOOL_CHOICE) |
				    ASK_BIT(ASK_REASONING_EFFORT) |
				    ASK_BIT(ASK_RESPONSE_FORMAT) |
				    ASK_BIT(ASK_THINKING_CONFIG) |
				    ASK_BIT(ASK_SAFETY_SETTINGS);
	struct ask a = {out, "gemini", lenient, dropped, e}, again;
	struct span in[ASK_FIELDS];
	struct buf told = BUF_INIT;
	int rc;

	if (ask_members(&a, request, can, in) != 0 ||
	    add_contents(&a, in[ASK_MESSAGES]) != 0)
		return -1;
	again = ask_again(&a, &told);
	rc = add_system(&again, in[ASK_MESSAGES]);
	buf_release(&told);
	if (rc != 0 || add_tools(&a, in[ASK_TOOLS]) != 0 ||
	    add_choice(&a, in[ASK_TOOL_CHOICE]) != 0)
		return -1;
	ask_add(&a, "safetySettings", in[ASK_SAFETY_SETTINGS]);
	if (add_config(&a, in, model) != 0)
		return -1;
	buf_addc(out, '}');
	return 0;
}

/* ---- answers ---- */

static void
read_usage(struct span u, struct dialect_usage *usage)
{
	static const struct span names[] = {SPAN_INIT("promptTokenCount"),
	    SPAN_INIT("cachedContentTokenCount"), SPAN_INIT("candidatesTokenCount"),
	    SPAN_INIT("thoughtsTokenCount")};
	struct span in[4];

	if (!is_object(u))
		return;
	json_pick(u, names, in, 4);
	usage->known = true;
	usage->input = count_of(in[0]);
	usage->cached = count_of(in[1]);
	usage->reasoning = count_of(in[3]);
	usage->output = count_of(in[2]) + usage->reasoning;
}

struct content {
	struct joined text, reasoning;
	struct tool_calls calls;
};

static int
read_call(struct content *c, struct span call, struct span signature, struct err *e)
{
	struct span name = get_in(call, "name"), args = get_in(call, "args");
	struct buf extra = BUF_INIT;

	if (!is_string(name) || (is_there(args) && !is_object(args)))
		return err_set(e,
		    "a function call of the answer has no name or odd arguments");
	if (is_string(signature)) {
		buf_adds(&extra, ",\"extra_content\":{\"google\":{"
				 "\"thought_signature\":");
		buf_addspan(&extra, signature);
		buf_adds(&extra, "}}");
	}
	tool_calls_add(&c->calls, get_in(call, "id"), name,
	    is_object(args) ? args : SPAN("{}"), buf_span(&extra));
	buf_release(&extra);
	return 0;
}

static int
read_part(struct content *c, struct span part, struct err *e)
{
	static const struct span names[] = {SPAN_INIT("text"), SPAN_INIT("thought"),
	    SPAN_INIT("functionCall"), SPAN_INIT("thoughtSignature")};
	struct span in[4];

	if (!is_object(part))
		return err_set(e, "a part of the answer is no object");
	json_pick(part, names, in, 4);
	if (is_there(in[2]))
		return read_call(c, in[2], in[3], e);
	if (!is_there(in[0]))
		return 0;
	if (!is_string(in[0]))
		return err_set(e, "a text of the answer is no string");
	joined_add(is_type(in[1], JSON_TRUE) ? &c->reasoning : &c->text, in[0], "");
	return 0;
}

static int
read_parts(struct content *c, struct span parts, struct err *e)
{
	struct json_iter it = json_iter(parts);
	struct json_member m;

	if (is_there(parts) && !is_array(parts))
		return err_set(e, "the answer's parts are no array");
	while (json_next(&it, &m))
		if (read_part(c, m.value, e) != 0)
			return -1;
	return 0;
}

static bool
is_one_of(struct span v, const char *const *words)
{
	for (; *words != NULL; words++)
		if (says(v, *words))
			return true;
	return false;
}

static int
read_finish(struct span finish, struct reply *r, const char **aside, struct err *e)
{
	static const char *const filtered[] = {"SAFETY", "RECITATION", "BLOCKLIST",
	    "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "IMAGE_SAFETY",
	    "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", NULL};
	static const char *const broken[] = {"MALFORMED_FUNCTION_CALL",
	    "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
	    "MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE", "OTHER",
	    "IMAGE_OTHER", "NO_IMAGE", "FINISH_REASON_UNSPECIFIED", NULL};
	char word[60];

	r->finish_raw = finish;
	if (says(finish, "STOP"))
		r->finish = r->tool_calls.p != NULL ? "tool_calls" : "stop";
	else if (says(finish, "MAX_TOKENS"))
		r->finish = *aside = "length";
	else if (is_one_of(finish, filtered))
		r->finish = *aside = "content_filter";
	else if (is_one_of(finish, broken)) {
		copy_text(word, sizeof word, finish);
		return err_set(e, "the answer broke off: %s", word);
	}
	return 0;
}

static int
make_reply(struct span candidate, struct content *c, struct reply *r,
    const char **aside, struct err *e)
{
	struct span content = get_in(candidate, "content");

	if (read_parts(c, get_in(content, "parts"), e) != 0)
		return -1;
	r->text = joined_end(&c->text);
	r->reasoning = joined_end(&c->reasoning);
	r->tool_calls = tool_calls_end(&c->calls);
	if (read_finish(get_in(candidate, "finishReason"), r, aside, e) != 0)
		return -1;
	if (r->text.p == NULL && r->tool_calls.p == NULL && *aside == NULL)
		return err_set(e, "the answer has no content");
	return 0;
}

static int
answer(struct buf *out, struct span text, struct span model,
    struct dialect_answer *a, struct err *e)
{
	static const struct span names[] = {SPAN_INIT("candidates"),
	    SPAN_INIT("promptFeedback"), SPAN_INIT("usageMetadata"),
	    SPAN_INIT("modelVersion"), SPAN_INIT("error")};
	struct content c = {.calls = {.n = 0}};
	struct span in[5], first = SPAN_NONE;
	struct reply r = {.finish = NULL};
	int rc = 0;

	*a = (struct dialect_answer){.aside = NULL};
	text = json_value(text);
	if (!is_object(text))
		return err_set(e, "the answer is not a JSON object");
	json_pick(text, names, in, 5);
	read_usage(in[2], &a->usage);
	if (is_there(in[4]))
		return reply_is_error(&dialect_gemini, text, e);
	r.model = in[3];
	if (is_array(in[0]))
		first = json_at(in[0], 0);
	if (is_object(first))
		rc = make_reply(first, &c, &r, &a->aside, e);
	else if (is_string(get_in(in[1], "blockReason")))
		r.finish = a->aside = "content_filter";
	else
		rc = err_set(e, "the answer has no candidates");
	if (rc == 0)
		reply_write(out, &r, model, &a->usage);
	joined_release(&c.text);
	joined_release(&c.reasoning);
	tool_calls_release(&c.calls);
	return rc;
}

/* ---- errors ---- */

/* "37s" of a RetryInfo as the header has it: seconds. */
static void
read_delay(struct span delay, struct dialect_error *de)
{
	char text[sizeof de->retry_after + 1];
	size_t n;

	if (!is_string(delay))
		return;
	copy_text(text, sizeof text, delay);
	n = strspn(text, "0123456789.");
	if (n == 0 || n >= sizeof de->retry_after || strcmp(text + n, "s") != 0)
		return;
	memcpy(de->retry_after, text, n);
	de->retry_after[n] = '\0';
}

static void
read_details(struct span details, struct dialect_error *de)
{
	struct json_iter it = json_iter(details);
	struct json_member m;

	while (is_array(details) && json_next(&it, &m)) {
		if (is_string(get_in(m.value, "reason")))
			copy_text(
			    de->code, sizeof de->code, json_get(m.value, "reason"));
		read_delay(get_in(m.value, "retryDelay"), de);
	}
}

static void
error(struct span text, struct dialect_error *de)
{
	struct span top, err = find_error(text, &top);

	*de = (struct dialect_error){.message = ""};
	copy_text(de->message, sizeof de->message,
	    is_string(err) ? err : get_in(err, "message"));
	copy_text(de->type, sizeof de->type, get_in(err, "status"));
	/* Its own code is the HTTP status; the reason is what tells errors apart.
	 */
	copy_text(de->code, sizeof de->code, get_in(err, "status"));
	read_details(get_in(err, "details"), de);
}

const struct dialect dialect_gemini = {.name = "gemini",
    .path = "/models/{model}:generateContent",
    .stream_path = "/models/{model}:streamGenerateContent?alt=sse",
    .join = gemini_join,
    .version = "/v1beta",
    .key_header = "x-goog-api-key",
    .body = body,
    .answer = answer,
    .error = error};
