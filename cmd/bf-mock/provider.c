/* provider: decides what a completion request is answered with. */
#include "provider.h"

#include "io/clock.h"
#include "io/hash.h"
#include "pacing/retry.h"
#include "schema.h"
#include "stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

void
provider_init(struct provider *p, const struct provider_config *config)
{
	*p = (struct provider){.config = config, .entry = ENTRY_INIT};
	p->limits.config = &config->limits;
	p->asked.seed = config->seed;
	p->billing.prices = &config->prices;
}

void
provider_reset(struct provider *p)
{
	seen_release(&p->seen);
	p->count = p->hung = p->dropped = p->answered = p->answered_again = 0;
	p->limited = 0;
	memset(p->faults, 0, sizeof(p->faults));
	p->place = (struct faults_place){.phase = 0};
	p->limits = (struct limits){.config = &p->config->limits};
	billing_clear(&p->billing);
}

void
provider_release(struct provider *p)
{
	seen_release(&p->seen);
	billing_clear(&p->billing);
	asked_release(&p->asked);
	entry_release(&p->entry);
	buf_release(&p->fields);
	buf_release(&p->content);
	buf_release(&p->made);
	buf_release(&p->cut);
}

static void
answer_error(struct provider *p, struct outcome *o, struct buf *out, int status,
    const char *code, struct span message)
{
	struct failure f = {
	    .status = status,
	    .code = code,
	    .message = message,
	    .retry_us = o->retry_us,
	    .in_array = p->ask->in_array || p->config->error_array,
	};

	o->status = status;
	p->ask->dialect->add_error(out, &f);
}

/* The request is wrong; e says why, and the parser which member it is. */
static void
answer_wrong(
    struct provider *p, const struct err *e, struct outcome *o, struct buf *out)
{
	struct failure f = {
	    .status = o->status = 400,
	    .code = p->asked.code,
	    .member = p->asked.member[0] == '\0' ? NULL : p->asked.member,
	    .message = span_str(e->text),
	    .retry_us = -1,
	    .in_array = p->ask->in_array || p->config->error_array,
	};

	p->ask->dialect->add_error(out, &f);
}

static int64_t
latency(const struct provider_config *config, double draw)
{
	double range = (double)(config->latency_max - config->latency_min);

	return config->latency_min + (int64_t)(range * draw);
}

/* RFC 9110, 5.6.7: whole seconds, and never too early. */
static void
set_date(struct outcome *o, int64_t us)
{
	time_t at = (time_t)((clock_wall_ms() + us / 1000 + 999) / 1000);
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(
	    o->after_text, sizeof(o->after_text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	o->retry_after = o->after_text;
}

/* When there is room, in seconds never too early. */
static void
set_room(struct outcome *o)
{
	snprintf(o->after_text, sizeof(o->after_text), "%" PRId64,
	    (o->limited_us + 999999) / 1000000);
	snprintf(o->after_ms_text, sizeof(o->after_ms_text), "%" PRId64,
	    (o->limited_us + 999) / 1000);
	o->retry_after = o->after_text;
	o->retry_after_ms = o->after_ms_text;
}

/* What an error says of when to try again, before it is written. */
static void
set_wait(const struct provider *p, struct outcome *o, int status)
{
	const struct fault *f = o->fault;

	if (o->limited_us > 0) {
		set_room(o);
	} else if (f != NULL && (f->retry_after != NULL ||
				    f->retry_after_ms != NULL || f->date_us >= 0)) {
		o->retry_after_ms = f->retry_after_ms;
		o->retry_after = f->retry_after;
		if (f->retry_after == NULL && f->date_us >= 0)
			set_date(o, f->date_us);
	} else if (status == 429 || status == 503) {
		o->retry_after = p->config->retry_after;
	}
	if (!retry_asked_us(span_str(o->retry_after_ms), span_str(o->retry_after),
		clock_wall_ms(), &o->retry_us))
		o->retry_us = -1;
}

static void
inject_status(struct provider *p, int status, const char *code, struct outcome *o,
    struct buf *out)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "this is a test: status %d", status);

	o->injected = true;
	set_wait(p, o, status);
	if (code == NULL)
		code = p->config->error_code;
	answer_error(p, o, out, status, code, span_of(text, (size_t)n));
}

static void
end_without(struct provider *p, struct outcome *o, enum outcome_kind kind)
{
	o->kind = kind;
	if (kind == OUTCOME_HANG)
		p->hung++;
	else
		p->dropped++;
}

/* The body in place of an answer. */
static void
stand_in(const struct dialect *dialect, enum fault_kind kind, struct buf *out)
{
	switch (kind) {
	case FAULT_EMPTY_CHOICES:
		buf_adds(out, dialect->empty_choices);
		break;
	case FAULT_ERROR_BODY:
		buf_adds(out, dialect->error_body);
		break;
	case FAULT_NULL_CONTENT:
		buf_adds(out, dialect->null_content);
		break;
	default:
		fault_body(kind, out);
		break;
	}
}

/* Whether this fault of the scenario stands for the answer; then o has it. */
static bool
inject_scenario(
    struct provider *p, const struct fault *f, struct outcome *o, struct buf *out)
{
	o->fault = f;
	p->faults[f->kind]++;
	switch (f->kind) {
	case FAULT_STATUS:
		inject_status(p, f->status, f->code, o, out);
		return true;
	case FAULT_HANG:
		end_without(p, o, OUTCOME_HANG);
		return true;
	case FAULT_DROP:
		end_without(p, o, OUTCOME_DROP);
		return true;
	case FAULT_BLANK:
	case FAULT_EMPTY_BODY:
	case FAULT_EMPTY_CHOICES:
	case FAULT_ERROR_BODY:
	case FAULT_HTML:
	case FAULT_NULL_CONTENT:
	case FAULT_REDIRECT:
		o->status = f->kind == FAULT_REDIRECT ? 307 : 200;
		stand_in(p->ask->dialect, f->kind, out);
		return true;
	default:
		return false;
	}
}

/* Whether the options make this request fail; then o says how. */
static bool
inject_fault(struct provider *p, const struct draws *d, uint32_t times,
    int64_t now_us, struct outcome *o, struct buf *out)
{
	const struct provider_config *config = p->config;
	const struct fault *f;

	if (p->count <= config->hang) {
		end_without(p, o, OUTCOME_HANG);
		return true;
	}
	if (d->drop < config->drop) {
		end_without(p, o, OUTCOME_DROP);
		return true;
	}
	if (times <= config->fail_first) {
		inject_status(p, config->fail_status, NULL, o, out);
		return true;
	}
	f = faults_draw(&config->faults, &p->place, d->status, now_us);
	return f != NULL && inject_scenario(p, f, o, out);
}

static int
parse(struct provider *p, struct err *e)
{
	const struct ask *ask = p->ask;

	if (ask->model.p != NULL)
		asked_set_model(&p->asked, ask->model);
	if (ask->dialect->parse(&p->asked, ask->body, e) == -1)
		return -1;
	if (ask->stream) {
		p->asked.stream = true;
		p->asked.sse = ask->sse;
	}
	return 0;
}

/* What a request is charged: the most that it may cost, as far as it says. */
static uint64_t
charge(struct provider *p)
{
	struct err e;
	uint64_t most;

	if (parse(p, &e) == -1)
		return asked_tokens(p->ask->body.n);
	most = (uint64_t)p->asked.max_tokens;
	return most > p->asked.input_tokens ? most : p->asked.input_tokens;
}

/* Whether the limits refuse the request; then o says for how long. */
static bool
refuse_limited(
    struct provider *p, int64_t now_us, struct outcome *o, struct buf *out)
{
	const struct limits_config *l = &p->config->limits;

	if (l->requests == 0 && l->tokens == 0)
		return false;
	o->limited_us = limits_take(
	    &p->limits, l->tokens == 0 ? 0 : charge(p), now_us);
	if (o->limited_us == 0)
		return false;
	p->limited++;
	set_wait(p, o, 429);
	answer_error(p, o, out, 429, NULL,
	    SPAN("rate limit reached: wait as long as Retry-After says"));
	return true;
}

/* The template sees the body and, beside it, what is most often wanted of it. */
static int
render(struct provider *p, struct span *content, struct err *e)
{
	struct asked *c = &p->asked;
	struct buf *b = &p->fields;
	struct json_fault fault;

	buf_clear(b);
	buf_adds(b, "{\"model\":");
	buf_addspan(b, c->model);
	buf_adds(b, ",\"prompt\":\"");
	buf_addspan(b, buf_span(&c->prompt));
	buf_adds(b, "\",\"system\":\"");
	buf_addspan(b, buf_span(&c->system));
	buf_adds(b, "\",\"images\":[");
	buf_addspan(b, buf_span(&c->images.list));
	buf_addf(b, "],\"n\":%" PRIu64 ",\"request\":", p->count);
	buf_addspan(b, c->body);
	buf_addc(b, '}');
	if (entry_parse(&p->entry, buf_span(b), &fault) == -1)
		return err_set(e, "the body is nested too deep");
	buf_clear(&p->content);
	if (template_render(p->config->reply, &p->entry, &p->content, e) == -1)
		return -1;
	*content = buf_span(&p->content);
	return 0;
}

static struct span
finish_reason(const struct provider_config *config, const struct reply *r,
    struct span message)
{
	if (r != NULL && r->finish_reason.p != NULL)
		return r->finish_reason;
	if (config->finish_reason.p != NULL)
		return config->finish_reason;
	if (message.p != NULL && json_get(message, "tool_calls").p != NULL)
		return SPAN("tool_calls");
	return SPAN("stop");
}

static void
answer_prepared_error(
    struct provider *p, const struct reply *r, struct outcome *o, struct buf *out)
{
	buf_clear(&p->content);
	if (r->content.p != NULL)
		json_unescape(&p->content, r->content);
	answer_error(p, o, out, r->status, NULL, buf_span(&p->content));
}

/* Of all that is made up: the same for the same prompt, in whatever dialect. */
static uint64_t
prompt_seed(struct provider *p)
{
	return hash_u64(asked_prompt(&p->asked)) ^ p->config->seed;
}

static int
satisfy(struct provider *p, struct span *content, struct err *e)
{
	buf_clear(&p->made);
	if (schema_make(&p->made, p->asked.schema, prompt_seed(p), e) == -1)
		return -1;
	buf_clear(&p->content);
	json_escape(&p->content, buf_span(&p->made));
	*content = buf_span(&p->content);
	return 0;
}

/* What a model may answer that was asked for JSON: in words, not to the end, a list
 * of it. */
static void
misformat(struct provider *p, struct span *content)
{
	static const char *const around[][2] = {
	    {"That is hard to say, but I would guess ", ""}, {"", ""}, {"[", "]"}};
	uint64_t how = prompt_seed(p) % 3;
	struct span said = buf_span(&p->made);

	said.n = how == 0 ? 0 : how == 1 ? said.n / 2 : said.n;
	buf_clear(&p->content);
	buf_adds(&p->content, around[how][0]);
	json_escape(&p->content, said);
	buf_adds(&p->content, around[how][1]);
	*content = buf_span(&p->content);
}

/* Whoever is corrected twice gets it right. */
static bool
is_misformatted(const struct provider *p, const struct outcome *o)
{
	return o->fault != NULL && o->fault->kind == FAULT_MISFORMAT &&
	       p->asked.schema.p != NULL && p->asked.answers < 2;
}

/* After what a tool gave there is an answer, unless it must be another call. */
static bool
is_tool_wanted(const struct provider *p)
{
	const struct asked *a = &p->asked;

	return a->tool.name.p != NULL &&
	       (a->tools == TOOLS_MUST ||
		   (p->config->tool_calls && !a->after_tool));
}

/* The message of a chat completion that calls the tool. */
static int
call_tool(struct provider *p, struct answer *a, struct err *e)
{
	const struct tool *tool = &p->asked.tool;
	struct buf *b = &p->content;

	buf_clear(&p->made);
	if (!is_given(tool->schema))
		buf_adds(&p->made, "{}");
	else if (schema_make(&p->made, tool->schema, prompt_seed(p), e) == -1)
		return -1;
	buf_clear(b);
	buf_adds(b, "{\"role\":\"assistant\",\"content\":null,\"refusal\":null,"
		    "\"tool_calls\":[{\"id\":");
	add_id(b, p->ask->dialect->call_id, a);
	buf_adds(b, ",\"type\":\"function\",\"function\":{\"name\":");
	buf_addspan(b, tool->name);
	buf_adds(b, ",\"arguments\":");
	json_add_string(b, buf_span(&p->made));
	buf_adds(b, "}}]}");
	a->message = buf_span(b);
	return 0;
}

/* Fills a; -1 when there is nothing to say, and then the error is in out. */
static int
find_answer(
    struct provider *p, struct answer *a, struct outcome *o, struct buf *out)
{
	const struct provider_config *config = p->config;
	const struct reply *r = NULL;
	struct err e;

	if (config->replies != NULL)
		r = replies_find(config->replies, asked_prompt(&p->asked));
	if (r != NULL && r->status >= 400) {
		answer_prepared_error(p, r, o, out);
		return -1;
	}
	if (r != NULL) {
		a->content = r->content;
		a->message = r->message;
	} else if (is_tool_wanted(p)) {
		if (call_tool(p, a, &e) == -1) {
			answer_error(p, o, out, 400, NULL, span_str(e.text));
			return -1;
		}
	} else if (config->reply != NULL) {
		if (render(p, &a->content, &e) == -1) {
			answer_error(p, o, out, 400, NULL, span_str(e.text));
			return -1;
		}
	} else if (config->replies != NULL) {
		answer_error(p, o, out, 404, "no_reply",
		    SPAN("none of the prepared replies matches the last user "
			 "message"));
		return -1;
	} else if (p->asked.schema.p != NULL) {
		if (satisfy(p, &a->content, &e) == -1) {
			answer_error(p, o, out, 400, NULL, span_str(e.text));
			return -1;
		}
		if (is_misformatted(p, o))
			misformat(p, &a->content);
	} else {
		a->content = buf_span(&p->asked.prompt);
	}
	a->finish_reason = finish_reason(config, r, a->message);
	o->status = r != NULL ? r->status : 200;
	return 0;
}

static uint64_t
output_tokens(struct asked *asked, const struct answer *a)
{
	struct span content;

	if (a->message.p == NULL)
		return asked_tokens(asked_text_bytes(asked, a->content));
	content = json_get(a->message, "content");
	if (content.p != NULL && json_type(content) == JSON_STRING)
		return asked_tokens(
		    asked_text_bytes(asked, string_contents(content)));
	return asked_tokens(a->message.n);
}

static void
set_usage(struct provider *p, struct answer *a)
{
	const struct provider_config *config = p->config;
	uint64_t choices = (uint64_t)p->asked.choices,
		 input = p->asked.input_tokens;

	a->usage = (struct usage){
	    .input = input,
	    .cached = input * config->cached_ppm / 1000000,
	    .reasoning = config->reasoning * choices,
	};
	a->usage.output = output_tokens(&p->asked, a) * choices +
			  a->usage.reasoning;
}

/* A text that is longer than the request allows ends there. */
static void
cut(struct provider *p, struct answer *a)
{
	uint64_t allowed = (uint64_t)p->asked.max_tokens;
	struct span text;
	size_t most;

	if (!p->config->cut || allowed == 0 || a->message.p != NULL)
		return;
	buf_clear(&p->made);
	json_unescape(&p->made, a->content);
	text = buf_span(&p->made);
	if (asked_tokens(text.n) <= allowed)
		return;
	most = (size_t)allowed * 4;
	while (most > 0 && ((unsigned char)text.p[most] & 0xc0) == 0x80)
		most--;
	buf_clear(&p->cut);
	json_escape(&p->cut, span_of(text.p, most));
	a->content = buf_span(&p->cut);
	a->finish_reason = SPAN("length");
}

static void
count_answer(struct provider *p, uint64_t hash)
{
	p->answered++;
	if (seen_answered(&p->seen, hash) > 0)
		p->answered_again++;
}

/* Vectors, or the error that a prepared reply has for such a text. */
static void
answer_vectors(
    struct provider *p, struct answer *a, struct outcome *o, struct buf *out)
{
	const struct reply *r = p->config->replies == NULL
				    ? NULL
				    : replies_find(p->config->replies,
					  asked_prompt(&p->asked));

	if (r != NULL && r->status >= 400) {
		answer_prepared_error(p, r, o, out);
		return;
	}
	o->status = 200;
	a->usage.input = p->asked.input_tokens;
	billing_add(&p->billing, p->asked.model, &a->usage);
	p->ask->dialect->add_answer(out, &p->asked, a);
}

/* The good answer, or the error that says why there is none. */
static void
answer_well(
    struct provider *p, const unsigned char *id, struct outcome *o, struct buf *out)
{
	struct answer a = {.content = SPAN_NONE, .message = SPAN_NONE};
	struct err e;

	memcpy(a.id, id, sizeof(a.id));
	if (p->config->body.p != NULL) {
		o->status = 200;
		buf_addspan(out, p->config->body);
	} else if (parse(p, &e) == -1) {
		answer_wrong(p, &e, o, out);
	} else if (p->ask->dialect->embeds) {
		answer_vectors(p, &a, o, out);
	} else if (find_answer(p, &a, o, out) == 0) {
		cut(p, &a);
		set_usage(p, &a);
		billing_add(&p->billing, p->asked.model, &a.usage);
		o->stream = p->asked.stream && p->asked.sse;
		if (p->asked.stream)
			p->ask->dialect->add_stream(out, &p->asked, &a);
		else
			p->ask->dialect->add_answer(out, &p->asked, &a);
	}
}

/* Does to the answer what the fault says. */
static void
spoil(const struct dialect *dialect, enum fault_kind kind, struct buf *out)
{
	switch (kind) {
	case FAULT_CRLF:
		stream_crlf(out);
		break;
	case FAULT_STREAM_CUT:
		stream_cut(out);
		break;
	case FAULT_STREAM_ERROR:
		dialect->add_stream_error(out, stream_cut(out));
		break;
	default:
		fault_body(kind, out);
		break;
	}
}

/* What makes a request the same as another: what it asks, and which model. */
static void
identify(const struct ask *ask, unsigned char *id)
{
	struct blake2b hash;

	blake2b_init(&hash, ANSWER_ID_BYTES);
	if (ask->model.p != NULL) {
		blake2b_update(&hash, ask->model.p, ask->model.n);
		blake2b_update(&hash, "\n", 1);
	}
	blake2b_update(&hash, ask->body.p, ask->body.n);
	blake2b_final(&hash, id);
}

void
provider_answer(struct provider *p, const struct ask *ask, int64_t now_us,
    struct outcome *o, struct buf *out)
{
	unsigned char id[ANSWER_ID_BYTES];
	uint64_t hash = 0;
	uint32_t times;
	struct draws d;

	*o = (struct outcome){.kind = OUTCOME_ANSWER, .retry_us = -1};
	p->ask = ask;
	images_clear(&p->asked.images);
	p->count++;
	identify(ask, id);
	for (size_t i = 0; i < 8; i++)
		hash = hash << 8 | id[i];
	times = seen_add(&p->seen, hash)->times;
	draws_make(&d, p->config->seed, hash, times);
	o->delay_us = latency(p->config, d.latency);
	if (refuse_limited(p, now_us, o, out) ||
	    inject_fault(p, &d, times, now_us, o, out))
		return;
	answer_well(p, id, o, out);
	if (o->fault != NULL && o->fault->kind == FAULT_MISFORMAT &&
	    !is_misformatted(p, o))
		o->fault = NULL;
	/* What is refused anyway is refused plainly. */
	if (o->status != 200 ||
	    (o->fault != NULL && fault_needs_stream(o->fault->kind) && !o->stream))
		o->fault = NULL;
	if (o->fault != NULL)
		spoil(ask->dialect, o->fault->kind, out);
	if (o->status == 200 && (o->fault == NULL || fault_answers(o->fault->kind)))
		count_answer(p, hash);
}
