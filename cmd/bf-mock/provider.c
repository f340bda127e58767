/* provider: decides what a completion request is answered with. */
#include "provider.h"

#include "io/hash.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>

void
provider_init(struct provider *p, const struct provider_config *config)
{
	*p = (struct provider){.config = config, .entry = ENTRY_INIT};
}

void
provider_reset(struct provider *p)
{
	seen_release(&p->seen);
	p->count = p->hung = p->dropped = p->answered = p->answered_again = 0;
}

void
provider_release(struct provider *p)
{
	seen_release(&p->seen);
	chat_release(&p->chat);
	entry_release(&p->entry);
	buf_release(&p->fields);
	buf_release(&p->content);
}

void
provider_error(struct buf *out, int status, const char *code, struct span message)
{
	const char *type = status >= 500 ? "server_error" : "invalid_request_error";

	switch (status) {
	case 401:
		code = code != NULL ? code : "invalid_api_key";
		break;
	case 429:
		type = code != NULL ? code : "requests";
		code = code != NULL ? code : "rate_limit_exceeded";
		break;
	case 503:
		code = code != NULL ? code : "server_is_overloaded";
		break;
	default:
		break;
	}
	chat_add_error(out, type, code, message);
}

static void
answer_error(struct outcome *o, struct buf *out, int status, const char *code,
    struct span message)
{
	o->status = status;
	provider_error(out, status, code, message);
}

/* The status of the random fault that the draw falls on; 0 for none. */
static int
random_fault(const struct provider_config *config, double draw)
{
	for (size_t i = 0; i < config->nfaults; i++) {
		if (draw < config->faults[i].probability)
			return config->faults[i].status;
		draw -= config->faults[i].probability;
	}
	return 0;
}

static int64_t
latency(const struct provider_config *config, double draw)
{
	double range = (double)(config->latency_max - config->latency_min);

	return config->latency_min + (int64_t)(range * draw);
}

/* Whether the options make this request fail; then o says how. */
static bool
inject_fault(struct provider *p, uint64_t hash, struct outcome *o, struct buf *out)
{
	const struct provider_config *config = p->config;
	const struct seen_body *body = seen_add(&p->seen, hash);
	struct draws d;
	char text[64];
	int n;

	draws_make(&d, config->seed, hash, body->times);
	o->delay_us = latency(config, d.latency);
	if (p->count <= config->hang) {
		p->hung++;
		o->kind = OUTCOME_HANG;
		return true;
	}
	if (d.drop < config->drop) {
		p->dropped++;
		o->kind = OUTCOME_DROP;
		return true;
	}
	o->status = body->times <= config->fail_first
			? config->fail_status
			: random_fault(config, d.status);
	if (o->status == 0)
		return false;
	o->injected = true;
	n = snprintf(text, sizeof(text), "this is a test: status %d", o->status);
	provider_error(
	    out, o->status, config->error_code, span_of(text, (size_t)n));
	return true;
}

/* The template sees the body and, beside it, what is most often wanted of it. */
static int
render(struct provider *p, struct span *content, struct err *e)
{
	struct chat *c = &p->chat;
	struct buf *b = &p->fields;
	struct json_fault fault;

	buf_clear(b);
	buf_adds(b, "{\"model\":");
	buf_addspan(b, c->model);
	buf_adds(b, ",\"prompt\":\"");
	buf_addspan(b, buf_span(&c->prompt));
	buf_adds(b, "\",\"system\":\"");
	buf_addspan(b, buf_span(&c->system));
	buf_addf(b, "\",\"n\":%" PRIu64 ",\"request\":", p->count);
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
	answer_error(o, out, r->status, NULL, buf_span(&p->content));
}

/* Fills a; -1 when there is nothing to say, and then the error is in out. */
static int
find_answer(
    struct provider *p, struct chat_answer *a, struct outcome *o, struct buf *out)
{
	const struct provider_config *config = p->config;
	const struct reply *r = NULL;
	struct err e;

	if (config->replies != NULL)
		r = replies_find(config->replies, chat_prompt(&p->chat));
	if (r != NULL && r->status >= 400) {
		answer_prepared_error(p, r, o, out);
		return -1;
	}
	if (r != NULL) {
		a->content = r->content;
		a->message = r->message;
	} else if (config->reply != NULL) {
		if (render(p, &a->content, &e) == -1) {
			answer_error(o, out, 400, NULL, span_str(e.text));
			return -1;
		}
	} else if (config->replies != NULL) {
		answer_error(o, out, 404, "no_reply",
		    SPAN("none of the prepared replies matches the last user "
			 "message"));
		return -1;
	} else {
		a->content = buf_span(&p->chat.prompt);
	}
	a->finish_reason = finish_reason(config, r, a->message);
	o->status = r != NULL ? r->status : 200;
	return 0;
}

static void
count_answer(struct provider *p, uint64_t hash)
{
	p->answered++;
	if (seen_answered(&p->seen, hash) > 0)
		p->answered_again++;
}

void
provider_answer(
    struct provider *p, struct span body, struct outcome *o, struct buf *out)
{
	struct chat_answer a = {.content = SPAN_NONE, .message = SPAN_NONE};
	struct err e;
	uint64_t hash = 0;

	*o = (struct outcome){.kind = OUTCOME_ANSWER};
	p->count++;
	hash_blake2b(body, a.id, sizeof(a.id));
	for (size_t i = 0; i < 8; i++)
		hash = hash << 8 | a.id[i];
	if (inject_fault(p, hash, o, out))
		return;
	if (p->config->body.p != NULL) {
		o->status = 200;
		buf_addspan(out, p->config->body);
	} else if (chat_parse(&p->chat, body, &e) == -1) {
		answer_error(o, out, 400, NULL, span_str(e.text));
	} else if (find_answer(p, &a, o, out) == 0) {
		chat_add_answer(out, &p->chat, &a);
	}
	if (o->status == 200)
		count_answer(p, hash);
}
