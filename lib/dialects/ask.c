#include "dialects/ask.h"

#include <stdio.h>

/* ---- what cannot be said ---- */

static void
complain(struct ask *a, const char *why, const char *field)
{
	err_set(a->e, "\"%s\": %s %s", field, a->dialect, why);
}

int
ask_cannot(struct ask *a, const char *why, const char *field, ...)
{
	char name[200];
	va_list ap;

	va_start(ap, field);
	vsnprintf(name, sizeof name, field, ap);
	va_end(ap);
	if (!a->lenient) {
		complain(a, why, name);
		return -1;
	}
	if (a->dropped->len > 0)
		buf_adds(a->dropped, ", ");
	buf_adds(a->dropped, name);
	return 0;
}

int
ask_refuse(struct ask *a, const char *why, const char *field, ...)
{
	char name[200];
	va_list ap;

	va_start(ap, field);
	vsnprintf(name, sizeof name, field, ap);
	va_end(ap);
	complain(a, why, name);
	return -1;
}

#define NOT_LIKE_IT "has nothing like it"

/* A name from data, for a message. */
#define SHOWN(s) (int)((s).n > 60 ? 60 : (s).n), (s).p

/* ---- the body's members ---- */

enum kind { ANY, COUNT, NUMBER, TEXT, WORDS, ARRAY, OBJECT, SWITCH };

static const struct {
	struct span name;
	enum kind kind;
} fields[ASK_FIELDS] = {
    [ASK_MESSAGES] = {SPAN_INIT("messages"), ARRAY},
    [ASK_MAX_COMPLETION_TOKENS] = {SPAN_INIT("max_completion_tokens"), COUNT},
    [ASK_MAX_TOKENS] = {SPAN_INIT("max_tokens"), COUNT},
    [ASK_TEMPERATURE] = {SPAN_INIT("temperature"), NUMBER},
    [ASK_TOP_P] = {SPAN_INIT("top_p"), NUMBER},
    [ASK_TOP_K] = {SPAN_INIT("top_k"), COUNT},
    [ASK_STOP] = {SPAN_INIT("stop"), WORDS},
    [ASK_SEED] = {SPAN_INIT("seed"), NUMBER},
    [ASK_FREQUENCY_PENALTY] = {SPAN_INIT("frequency_penalty"), NUMBER},
    [ASK_PRESENCE_PENALTY] = {SPAN_INIT("presence_penalty"), NUMBER},
    [ASK_LOGPROBS] = {SPAN_INIT("logprobs"), SWITCH},
    [ASK_TOP_LOGPROBS] = {SPAN_INIT("top_logprobs"), COUNT},
    [ASK_TOOLS] = {SPAN_INIT("tools"), ARRAY},
    [ASK_TOOL_CHOICE] = {SPAN_INIT("tool_choice"), ANY},
    [ASK_PARALLEL_TOOL_CALLS] = {SPAN_INIT("parallel_tool_calls"), SWITCH},
    [ASK_REASONING_EFFORT] = {SPAN_INIT("reasoning_effort"), TEXT},
    [ASK_RESPONSE_FORMAT] = {SPAN_INIT("response_format"), OBJECT},
    [ASK_VERBOSITY] = {SPAN_INIT("verbosity"), TEXT},
    [ASK_THINKING] = {SPAN_INIT("thinking"), OBJECT},
    [ASK_THINKING_CONFIG] = {SPAN_INIT("thinkingConfig"), OBJECT},
    [ASK_SAFETY_SETTINGS] = {SPAN_INIT("safetySettings"), ARRAY},
    [ASK_STORE] = {SPAN_INIT("store"), ANY},
    [ASK_METADATA] = {SPAN_INIT("metadata"), ANY},
    [ASK_USER] = {SPAN_INIT("user"), ANY},
    [ASK_SAFETY_IDENTIFIER] = {SPAN_INIT("safety_identifier"), ANY},
    [ASK_SERVICE_TIER] = {SPAN_INIT("service_tier"), ANY},
    [ASK_PROMPT_CACHE_KEY] = {SPAN_INIT("prompt_cache_key"), ANY},
    [ASK_PROMPT_CACHE_RETENTION] = {SPAN_INIT("prompt_cache_retention"), ANY},
};

static enum ask_field
field_of(struct span key)
{
	int i = 0;

	while (i < ASK_FIELDS && !json_key_is(key, fields[i].name))
		i++;
	return (enum ask_field)i;
}

static bool
all_strings(struct span array)
{
	struct json_iter it = json_iter(array);
	struct json_member m;

	while (json_next(&it, &m))
		if (!is_string(m.value))
			return false;
	return true;
}

static const char *
mistake(enum kind kind, struct span v)
{
	int64_t n;

	switch (kind) {
	case ANY:
		return NULL;
	case COUNT:
		return json_i64(v, &n) && n >= 0 ? NULL : "takes a count there";
	case NUMBER:
		return is_type(v, JSON_NUMBER) ? NULL : "takes a number there";
	case TEXT:
		return is_string(v) ? NULL : "takes a string there";
	case WORDS:
		return is_string(v) || (is_array(v) && all_strings(v))
			   ? NULL
			   : "takes a string or an array of strings there";
	case ARRAY:
		return is_array(v) ? NULL : "takes an array there";
	case OBJECT:
		return is_object(v) ? NULL : "takes an object there";
	case SWITCH:
		return is_type(v, JSON_TRUE) || is_type(v, JSON_FALSE)
			   ? NULL
			   : "takes true or false there";
	}
	return NULL;
}

static bool
is_zero(struct span v)
{
	double d;

	return is_type(v, JSON_NUMBER) && json_double(v, &d) && d == 0;
}

/* What would be so without it. */
static bool
says_nothing(struct span key, struct span v)
{
	static const struct span zero[] = {SPAN_INIT("frequency_penalty"),
	    SPAN_INIT("presence_penalty"), SPAN_INIT("top_logprobs")};
	int64_t n;

	if (json_key_is(key, SPAN("logprobs")))
		return is_type(v, JSON_FALSE);
	if (json_key_is(key, SPAN("parallel_tool_calls")))
		return is_type(v, JSON_TRUE);
	if (json_key_is(key, SPAN("n")))
		return json_i64(v, &n) && n == 1;
	if (json_key_is(key, SPAN("logit_bias")))
		return is_object(v) && json_is_empty(v);
	if (json_key_is(key, SPAN("modalities")))
		return is_array(v) && json_count(v) == 1 &&
		       says(json_at(v, 0), "text");
	if (json_key_is(key, SPAN("tools")) || json_key_is(key, SPAN("stop")))
		return is_array(v) && json_is_empty(v);
	for (size_t i = 0; i < sizeof zero / sizeof *zero; i++)
		if (json_key_is(key, zero[i]))
			return is_zero(v);
	return false;
}

int
ask_members(
    struct ask *a, struct span body, uint64_t can, struct span in[ASK_FIELDS])
{
	struct json_iter it = json_iter(body);
	struct json_member m;
	enum ask_field f;
	const char *why;

	for (int i = 0; i < ASK_FIELDS; i++)
		in[i] = SPAN_NONE;
	while (json_next(&it, &m)) {
		f = field_of(m.key);
		if (!is_there(m.value) || says_nothing(m.key, m.value) ||
		    json_key_is(m.key, SPAN("model")))
			continue;
		if (f == ASK_FIELDS || (can & ASK_BIT(f)) == 0) {
			if (!dialect_is_transport(m.key) &&
			    ask_cannot(a, NOT_LIKE_IT, "%.*s", SHOWN(m.key)) != 0)
				return -1;
			continue;
		}
		if ((why = mistake(fields[f].kind, m.value)) != NULL)
			return ask_refuse(a, why, "%.*s", SHOWN(m.key));
		in[f] = m.value;
	}
	return in[ASK_MESSAGES].p == NULL || json_is_empty(in[ASK_MESSAGES])
		   ? ask_refuse(a, "needs one or more", "messages")
		   : 0;
}

void
ask_add(struct ask *a, const char *name, struct span value)
{
	if (value.p == NULL)
		return;
	buf_addf(a->out, ",\"%s\":", name);
	buf_addspan(a->out, value);
}

void
ask_add_list(struct ask *a, const char *name, struct span value)
{
	if (!is_string(value)) {
		ask_add(a, name, value);
		return;
	}
	buf_addf(a->out, ",\"%s\":[", name);
	buf_addspan(a->out, value);
	buf_addc(a->out, ']');
}

void
ask_add_object(struct ask *a, const char *name, const struct buf *members)
{
	if (members->len == 0)
		return;
	buf_addf(a->out, ",\"%s\":{", name);
	buf_add(a->out, members->data + 1, members->len - 1);
	buf_addc(a->out, '}');
}

/* ---- messages ---- */

struct ask_messages
ask_messages(struct span messages)
{
	return (struct ask_messages){json_iter(messages), 0};
}

static int
read_role(struct ask *a, struct ask_message *m, struct span role)
{
	static const struct {
		const char *word;
		enum ask_role role;
	} roles[] = {{"system", ASK_SYSTEM}, {"developer", ASK_SYSTEM},
	    {"user", ASK_USER_ROLE}, {"assistant", ASK_ASSISTANT},
	    {"tool", ASK_TOOL}};

	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
		if (says(role, roles[i].word)) {
			m->role = roles[i].role;
			m->role_word = role;
			return 0;
		}
	return ask_refuse(a, "knows system, developer, user, assistant and tool",
	    "messages[%zu].role", m->at);
}

/* What has been said is told without these. */
static bool
is_aside(struct span key)
{
	static const struct span names[] = {SPAN_INIT("annotations"),
	    SPAN_INIT("reasoning"), SPAN_INIT("reasoning_content"),
	    SPAN_INIT("reasoning_details")};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_key_is(key, names[i]))
			return true;
	return false;
}

static int
read_member(struct ask *a, struct ask_message *m, const struct json_member *in)
{
	struct span v = in->value;
	const char *why = NULL;

	if (!is_there(v) || json_key_is(in->key, SPAN("role")))
		return 0;
	if (json_key_is(in->key, SPAN("content"))) {
		m->content = v;
		if (!is_string(v) && !is_array(v))
			why = "takes a string or an array of parts there";
	} else if (json_key_is(in->key, SPAN("tool_calls")) &&
		   m->role == ASK_ASSISTANT) {
		m->tool_calls = json_is_empty(v) ? SPAN_NONE : v;
		if (!is_array(v))
			why = "takes an array there";
	} else if (json_key_is(in->key, SPAN("refusal")) &&
		   m->role == ASK_ASSISTANT) {
		m->refusal = v;
		if (!is_string(v))
			why = "takes a string there";
	} else if (json_key_is(in->key, SPAN("tool_call_id")) &&
		   m->role == ASK_TOOL) {
		m->tool_call_id = v;
		if (!is_string(v))
			why = "takes a string there";
	} else if (!(json_key_is(in->key, SPAN("name")) && m->role == ASK_TOOL) &&
		   !(is_aside(in->key) && m->role == ASK_ASSISTANT))
		return ask_cannot(
		    a, NOT_LIKE_IT, "messages[%zu].%.*s", m->at, SHOWN(in->key));
	return why == NULL ? 0
			   : ask_refuse(a, why, "messages[%zu].%.*s", m->at,
				 SHOWN(in->key));
}

int
ask_message(struct ask *a, struct ask_messages *ms, struct ask_message *m)
{
	struct json_iter it;
	struct json_member in;

	if (!json_next(&ms->it, &in))
		return 0;
	*m = (struct ask_message){.at = ms->n++};
	if (!is_object(in.value))
		return ask_refuse(
		    a, "takes an object there", "messages[%zu]", m->at);
	if (read_role(a, m, json_get(in.value, "role")) != 0)
		return -1;
	it = json_iter(in.value);
	while (json_next(&it, &in))
		if (read_member(a, m, &in) != 0)
			return -1;
	if (m->role == ASK_TOOL && m->tool_call_id.p == NULL)
		return ask_refuse(
		    a, "needs it", "messages[%zu].tool_call_id", m->at);
	if (m->content.p == NULL && m->tool_calls.p == NULL && m->refusal.p == NULL)
		return ask_refuse(a, "needs it", "messages[%zu].content", m->at);
	return 1;
}

/* ---- parts ---- */

struct ask_parts
ask_parts(const struct ask_message *m)
{
	return (struct ask_parts){
	    .message = m->at, .whole = m->content, .it = json_iter(m->content)};
}

void
ask_parts_release(struct ask_parts *ps)
{
	buf_release(&ps->scratch);
}

static bool
is_base64(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'A' && s.p[i] <= 'Z') ||
			(s.p[i] >= 'a' && s.p[i] <= 'z') ||
			(s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '+' ||
			s.p[i] == '/' || s.p[i] == '='))
			return false;
	return s.n > 0;
}

/* data:TYPE/SUBTYPE[;PARAMETER]...;base64,DATA (RFC 2397) */
static bool
split_data_url(struct span url, struct span *media, struct span *data)
{
	static const struct span scheme = SPAN_INIT("data:"),
				 end = SPAN_INIT(";base64");
	const char *comma, *semicolon;
	struct span head;

	if (!span_starts(url, scheme) ||
	    (comma = memchr(url.p, ',', url.n)) == NULL)
		return false;
	head = span_of(url.p + scheme.n, (size_t)(comma - url.p) - scheme.n);
	*data = span_of(comma + 1, (size_t)(url.p + url.n - comma - 1));
	if (head.n <= end.n || memcmp(head.p + head.n - end.n, end.p, end.n) != 0)
		return false;
	semicolon = memchr(head.p, ';', head.n);
	*media = span_of(head.p, (size_t)(semicolon - head.p));
	return media->n > 0 && is_base64(*data);
}

/* A URL of data, or of http(s). */
static int
read_url(struct ask *a, struct ask_parts *ps, struct ask_part *p, struct span url,
    const char *field)
{
	struct span text;

	p->raw_url = url;
	if (!is_there(url) || !json_text(url, &ps->scratch, &text))
		return ask_refuse(a, "takes a string there",
		    "messages[%zu].content[%zu].%s", ps->message, ps->n - 1, field);
	if (span_starts(text, SPAN("https://")) ||
	    span_starts(text, SPAN("http://"))) {
		p->url = text;
		return 1;
	}
	if (split_data_url(text, &p->media, &p->data))
		return 1;
	return ask_refuse(a, "takes a URL of http, https, or data in base64 there",
	    "messages[%zu].content[%zu].%s", ps->message, ps->n - 1, field);
}

/* Bare base64 with a format's name: {"data":..,"format":"wav"}. */
static int
read_audio(
    struct ask *a, struct ask_parts *ps, struct ask_part *p, struct span audio)
{
	struct span format = get_in(audio, "format"), data = get_in(audio, "data");

	p->media = says(format, "wav")   ? SPAN("audio/wav")
		   : says(format, "mp3") ? SPAN("audio/mp3")
					 : SPAN_NONE;
	if (p->media.p == NULL || !is_string(data) ||
	    !json_text(data, &ps->scratch, &p->data) || !is_base64(p->data))
		return ask_refuse(a, "takes wav or mp3 in base64 there",
		    "messages[%zu].content[%zu].input_audio", ps->message,
		    ps->n - 1);
	return 1;
}

static int
read_part(struct ask *a, struct ask_parts *ps, struct ask_part *p, struct span v)
{
	struct span type = get_in(v, "type"), in;

	p->cache_control = get_in(v, "cache_control");
	if (!is_object(p->cache_control))
		p->cache_control = SPAN_NONE;
	if (says(type, "text") || says(type, "refusal")) {
		p->type = ASK_TEXT;
		p->text = json_get(v, says(type, "text") ? "text" : "refusal");
		if (is_string(p->text))
			return 1;
		return ask_refuse(a, "takes a string there",
		    "messages[%zu].content[%zu].text", ps->message, ps->n - 1);
	}
	if (says(type, "image_url")) {
		p->type = ASK_IMAGE;
		in = json_get(v, "image_url");
		p->detail = get_in(in, "detail");
		if (!is_string(p->detail))
			p->detail = SPAN_NONE;
		return read_url(a, ps, p, is_object(in) ? json_get(in, "url") : in,
		    "image_url.url");
	}
	if (says(type, "file")) {
		p->type = ASK_FILE;
		in = json_get(v, "file");
		p->filename = get_in(in, "filename");
		if (!is_string(p->filename))
			p->filename = SPAN_NONE;
		return read_url(
		    a, ps, p, get_in(in, "file_data"), "file.file_data");
	}
	if (says(type, "input_audio")) {
		p->type = ASK_AUDIO;
		return read_audio(a, ps, p, json_get(v, "input_audio"));
	}
	return ask_refuse(a, NOT_LIKE_IT, "messages[%zu].content[%zu].type",
	    ps->message, ps->n - 1);
}

int
ask_part(struct ask *a, struct ask_parts *ps, struct ask_part *p)
{
	struct json_member m;

	*p = (struct ask_part){.type = ASK_TEXT};
	if (is_string(ps->whole)) {
		p->text = ps->whole;
		ps->whole = SPAN_NONE;
		ps->n++;
		return 1;
	}
	if (ps->whole.p == NULL || !json_next(&ps->it, &m))
		return 0;
	ps->n++;
	return read_part(a, ps, p, m.value);
}

int
ask_text(struct ask *a, const struct ask_message *m, struct joined *text)
{
	struct ask_parts ps = ask_parts(m);
	struct ask_part p;
	int got;

	while ((got = ask_part(a, &ps, &p)) == 1) {
		if (p.type != ASK_TEXT) {
			got = ask_refuse(a, "takes text alone there",
			    "messages[%zu].content[%zu]", m->at, ps.n - 1);
			break;
		}
		joined_add(text, p.text, "");
	}
	ask_parts_release(&ps);
	return got;
}

/* ---- tool calls ---- */

struct ask_calls
ask_calls(const struct ask_message *m)
{
	return (struct ask_calls){.message = m->at, .it = json_iter(m->tool_calls)};
}

void
ask_calls_release(struct ask_calls *cs)
{
	buf_release(&cs->scratch);
	buf_release(&cs->text);
}

/* The object that is in the string; no text at all is an empty one. */
static bool
read_arguments(struct ask_calls *cs, struct ask_call *c)
{
	struct json_fault f;
	struct span text;

	if (!is_string(c->arguments))
		return false;
	json_text(c->arguments, &cs->text, &text);
	if (text.n == 0)
		text = SPAN("{}");
	if (json_check(text, &f) != 0 || !is_object(json_value(text)))
		return false;
	buf_clear(&cs->scratch);
	json_canon(&cs->scratch, json_value(text));
	c->object = buf_span(&cs->scratch);
	return true;
}

int
ask_call(struct ask *a, struct ask_calls *cs, struct ask_call *c)
{
	struct json_member m;
	struct span function;

	if (!json_next(&cs->it, &m))
		return 0;
	function = get_in(m.value, "function");
	*c = (struct ask_call){.id = get_in(m.value, "id"),
	    .name = get_in(function, "name"),
	    .arguments = get_in(function, "arguments"),
	    .extra = get_in(m.value, "extra_content")};
	cs->n++;
	if (!is_string(c->id) || !is_string(c->name))
		return ask_refuse(a,
		    "takes a function's call with id and name there",
		    "messages[%zu].tool_calls[%zu]", cs->message, cs->n - 1);
	if (!read_arguments(cs, c))
		return ask_refuse(a, "takes an object's JSON text there",
		    "messages[%zu].tool_calls[%zu].function.arguments", cs->message,
		    cs->n - 1);
	return 1;
}

/* ---- turns ---- */

void
ask_turn(struct ask *a, struct ask_turns *t, const char *role)
{
	if (t->role != NULL && strcmp(t->role, role) == 0) {
		buf_addc(a->out, ',');
		return;
	}
	if (t->role != NULL)
		buf_adds(a->out, "]},");
	buf_addf(a->out, "{\"role\":\"%s\",\"%s\":[", role, t->parts);
	t->role = role;
}

int
ask_conversation(struct ask *a, struct ask_turns *t, ask_says *user,
    ask_says *assistant, ask_says *tool)
{
	ask_says *const by_role[] = {[ASK_SYSTEM] = NULL,
	    [ASK_USER_ROLE] = user,
	    [ASK_ASSISTANT] = assistant,
	    [ASK_TOOL] = tool};
	struct ask_messages ms = ask_messages(t->messages);
	struct ask_message m;
	int got;

	buf_addc(a->out, '[');
	while ((got = ask_message(a, &ms, &m)) == 1)
		if (by_role[m.role] != NULL && by_role[m.role](a, t, &m) != 0)
			return -1;
	if (got == 0 && t->role == NULL)
		return ask_refuse(a,
		    "needs one with something in it that is no system message",
		    "messages");
	buf_adds(a->out, "]}]");
	return got;
}

/* ---- tools ---- */

struct ask_tools
ask_tools(struct span tools)
{
	return (struct ask_tools){json_iter(tools), 0};
}

int
ask_tool(struct ask *a, struct ask_tools *ts, struct ask_tool *t)
{
	struct span function;
	struct json_member m;

	if (!json_next(&ts->it, &m))
		return 0;
	ts->n++;
	function = get_in(m.value, "function");
	if (!says(get_in(m.value, "type"), "function") || !is_object(function))
		return ask_refuse(
		    a, "takes functions alone there", "tools[%zu]", ts->n - 1);
	*t = (struct ask_tool){.name = json_get(function, "name"),
	    .description = json_get(function, "description"),
	    .parameters = json_get(function, "parameters"),
	    .strict = is_type(json_get(function, "strict"), JSON_TRUE),
	    .cache_control = json_get(m.value, "cache_control")};
	if (!is_string(t->name))
		return ask_refuse(a, "takes a string there",
		    "tools[%zu].function.name", ts->n - 1);
	if (!is_string(t->description))
		t->description = SPAN_NONE;
	if (is_there(t->parameters) && !is_object(t->parameters))
		return ask_refuse(a, "takes an object there",
		    "tools[%zu].function.parameters", ts->n - 1);
	if (!is_object(t->parameters))
		t->parameters = SPAN_NONE;
	if (!is_object(t->cache_control))
		t->cache_control = SPAN_NONE;
	return 1;
}

int
ask_tool_choice(
    struct ask *a, struct span value, enum ask_choice *choice, struct span *name)
{
	*name = SPAN_NONE;
	*choice = ASK_CHOICE_ABSENT;
	if (!is_there(value))
		return 0;
	if (says(value, "auto"))
		*choice = ASK_CHOICE_AUTO;
	else if (says(value, "none"))
		*choice = ASK_CHOICE_NONE;
	else if (says(value, "required"))
		*choice = ASK_CHOICE_REQUIRED;
	else if (says(get_in(value, "type"), "function")) {
		*choice = ASK_CHOICE_ONE;
		*name = get_in(get_in(value, "function"), "name");
	}
	if (*choice == ASK_CHOICE_ABSENT ||
	    (*choice == ASK_CHOICE_ONE && !is_string(*name)))
		return ask_refuse(a,
		    "takes none, auto, required or a function's name there",
		    "tool_choice");
	return 0;
}

/* ---- the answer's format ---- */

int
ask_format(struct ask *a, struct span value, struct ask_format *f)
{
	struct span in;

	*f = (struct ask_format){.type = ASK_PLAIN};
	if (value.p == NULL || says(json_get(value, "type"), "text"))
		return 0;
	if (says(json_get(value, "type"), "json_object")) {
		f->type = ASK_JSON_OBJECT;
		return 0;
	}
	if (!says(json_get(value, "type"), "json_schema"))
		return ask_refuse(a, "takes text, json_object or json_schema there",
		    "response_format.type");
	f->type = ASK_JSON_SCHEMA;
	in = json_get(value, "json_schema");
	f->schema = get_in(in, "schema");
	f->name = get_in(in, "name");
	f->description = get_in(in, "description");
	f->strict = get_in(in, "strict");
	if (!is_object(f->schema))
		return ask_refuse(a, "takes an object there",
		    "response_format.json_schema.schema");
	if (!is_string(f->description))
		f->description = SPAN_NONE;
	if (!is_there(f->strict))
		f->strict = SPAN_NONE;
	return 0;
}
