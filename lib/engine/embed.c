#include "engine/embed.h"

#include "base/mem.h"
#include "engine/landed.h"
#include "engine/target.h"
#include "io/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BYTES_MOST 600000 /* of a pack's texts: 300,000 tokens of two bytes */
#define QUIET_US   25000  /* after the last text came, a pack is sent ... */
#define WAIT_US    250000 /* ... and at most so long after the first */
#define ANSWER_MAX ((size_t)256 << 20)
#define KEPT_MOST  4096 /* bytes of what is no answer, for each text */

/* Texts that go with one request. */
struct pack {
	struct pack *next;
	struct embed *x;
	struct broker_call **calls; /* NULL: that one was cancelled */
	size_t n, live, bytes;
	int64_t begun; /* when the first one came */
	struct buf body;
	struct http_call http;
};

struct embed {
	struct broker broker;
	struct embed_options o;
	const struct embeddings *wire;
	struct provider provider; /* a copy, whose dialect is that of embeddings */
	struct span model;
	unsigned most;
	struct buf scratch;

	struct loop *loop;
	struct http *http;
	struct http_target *target;
	struct pack *filling; /* NULL: none is begun */
	bool due;             /* it need not be full */
	bool stopped;         /* nothing is sent any more */
	struct pack *ready;   /* to be sent, the next one first */
	struct pack *flying;
	unsigned nflying;
	struct loop_timer quiet, turn;
	struct embedding vector;
};

/* ---- what is asked ---- */

static void
add_body(struct embed *x, struct span contents, struct buf *out)
{
	buf_adds(out, "{\"input\":\"");
	buf_addspan(out, contents);
	buf_adds(out, "\",\"model\":");
	json_add_string(out, x->model);
	if (x->o.dimensions > 0)
		buf_addf(out, ",\"dimensions\":%" PRId64, x->o.dimensions);
	if (x->o.task != NULL) {
		buf_adds(out, ",\"task\":");
		json_add_string(out, span_str(x->o.task));
	}
	buf_addc(out, '}');
}

static int
describe(struct broker *b, struct request *r, const struct entry *en, struct err *e)
{
	struct embed *x = (struct embed *)b;

	request_begin(r);
	buf_clear(&r->scratch);
	if (template_render(x->o.text, en, &r->scratch, e) != 0)
		return -1;
	if (r->scratch.len == 0)
		return err_set(e, "the text is empty");
	buf_clear(&x->scratch);
	add_body(x, buf_span(&r->scratch), &x->scratch);
	r->surrogates = json_canon(&r->body, buf_span(&x->scratch));
	buf_addspan(&r->wire, json_get(buf_span(&r->body), "input"));
	buf_addspan(&r->model, x->model);
	r->provider = &x->provider;
	request_key(r, &x->provider, 0);
	return 0;
}

/* ---- packs ---- */

static struct pack *
pack_new(struct embed *x)
{
	struct pack *p = mem_zero(1, sizeof *p);

	p->x = x;
	p->calls = mem_zero(x->most, sizeof(struct broker_call *));
	p->begun = clock_mono_us();
	return p;
}

static void
pack_free(struct pack *p)
{
	buf_release(&p->body);
	free(p->calls);
	free(p);
}

static void
pack_add(struct pack *p, struct broker_call *c)
{
	c->own = p;
	p->calls[p->n++] = c;
	p->live++;
	p->bytes += c->body.n;
}

/* false: it is not there. */
static bool
take_from(struct pack **list, struct pack *p)
{
	while (*list != NULL && *list != p)
		list = &(*list)->next;
	if (*list == NULL)
		return false;
	*list = p->next;
	p->next = NULL;
	return true;
}

static void
add_last(struct pack **list, struct pack *p)
{
	while (*list != NULL)
		list = &(*list)->next;
	*list = p;
}

/* No more comes to it. */
static void
close_filling(struct embed *x)
{
	loop_timer_clear(x->loop, &x->quiet);
	add_last(&x->ready, x->filling);
	x->filling = NULL;
	x->due = false;
}

/* In the next turn of the loop, where calls may end, what can be sent is. */
static void
wake(struct embed *x)
{
	if (x->turn.slot == 0)
		loop_timer_set(x->loop, &x->turn, 0);
}

/* ---- what came ---- */

static void
finish(struct pack *p, size_t i)
{
	struct broker_call *c = p->calls[i];

	p->calls[i] = NULL;
	c->own = NULL;
	c->done(c);
}

static void
note(struct broker_call *c, const struct http_call *hc)
{
	landed_note(c, hc);
	/* They count requests. */
	c->rates = NULL;
}

static struct span
cut(struct span s)
{
	return span_of(s.p, s.n < KEPT_MOST ? s.n : KEPT_MOST);
}

/* Its part of what all took, by its bytes; the parts add up. */
static struct dialect_usage
share(const struct dialect_usage *u, size_t before, size_t bytes, size_t all)
{
	struct dialect_usage part = {.known = u->known};

	part.input = (int64_t)((double)u->input * (double)(before + bytes) /
			       (double)all) -
		     (int64_t)((double)u->input * (double)before / (double)all);
	return part;
}

/* All fail alike. */
static void
fail_all(struct pack *p, const struct broker_call *how, const struct http_call *hc,
    const struct dialect_usage *u)
{
	size_t before = 0, bytes;

	for (size_t i = 0; i < p->n; i++) {
		struct broker_call *c = p->calls[i];

		if (c == NULL)
			continue;
		bytes = c->body.n;
		note(c, hc);
		c->hopeless = how->hopeless;
		c->left = how->left;
		c->ruling = how->ruling;
		c->asked_us = how->asked_us;
		c->raw = cut(how->raw);
		memcpy(c->why, how->why, sizeof c->why);
		c->answer.usage = share(u, before, bytes, p->bytes);
		before += bytes;
		finish(p, i);
	}
}

/* One whose vector is none; the others have theirs. */
static void
fail_one(struct pack *p, size_t i, struct http_call *hc, struct span value,
    const struct dialect_usage *u, const struct err *why)
{
	const char *const secrets[] = {p->x->provider.key, NULL};
	struct buf masked = BUF_INIT;
	struct http_call own = *hc;

	own.answer = cut(value);
	landed_failed(p->calls[i], &own, why, secrets, &masked);
	p->calls[i]->answer.usage = *u;
	finish(p, i);
	buf_release(&masked);
}

static void
answer_one(struct pack *p, size_t i, struct http_call *hc,
    const struct embeddings_answer *a, struct span model,
    const struct dialect_usage *u)
{
	struct embed *x = p->x;
	struct broker_call *c = p->calls[i];
	struct buf kept = BUF_INIT;
	struct err e = ERR_INIT;

	note(c, hc);
	c->answered = embeddings_record(&kept, a->values[i], x->o.dimensions, model,
			  u, &x->vector, &e) == 0 &&
		      x->provider.dialect->answer(&c->response, buf_span(&kept),
			  c->model, &c->answer, &e) == 0;
	c->raw = buf_span(&kept);
	if (c->answered)
		finish(p, i);
	else
		fail_one(p, i, hc, a->values[i], u, &e);
	buf_release(&kept);
}

static void
answer_all(struct pack *p, struct http_call *hc, const struct embeddings_answer *a)
{
	struct dialect_usage u;
	struct buf model = BUF_INIT;
	size_t before = 0, bytes;

	if (a->model.p != NULL)
		buf_addspan(&model, a->model);
	else
		json_add_string(&model, p->x->model);
	for (size_t i = 0; i < p->n; i++) {
		if (p->calls[i] == NULL)
			continue;
		bytes = p->calls[i]->body.n;
		u = share(&a->usage, before, bytes, p->bytes);
		before += bytes;
		answer_one(p, i, hc, a, buf_span(&model), &u);
	}
	buf_release(&model);
}

/* Whether it may be one of its texts, not all of them, that is refused. */
static bool
may_split(
    const struct pack *p, const struct http_call *hc, const struct broker_call *how)
{
	if (p->live < 2 || how->ruling.verdict != RETRY_FAIL)
		return false;
	return hc->outcome == HTTP_TOO_LARGE || hc->status == 400 ||
	       hc->status == 413 || hc->status == 422;
}

/* Two halves of it are sent next. */
static void
split(struct pack *p)
{
	struct embed *x = p->x;
	struct pack *half[2] = {pack_new(x), pack_new(x)};
	size_t k = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->calls[i] != NULL)
			pack_add(half[k++ >= p->live / 2], p->calls[i]);
	half[0]->next = half[1];
	half[1]->next = x->ready;
	x->ready = half[0];
}

static void
take_failure(struct pack *p, struct http_call *hc, const struct dialect_usage *u,
    const struct err *rubbish)
{
	const char *const secrets[] = {p->x->provider.key, NULL};
	struct broker_call how = {.provider = &p->x->provider, .asked_us = -1};
	struct buf masked = BUF_INIT;

	landed_note(&how, hc);
	landed_failed(&how, hc, rubbish, secrets, &masked);
	if (may_split(p, hc, &how))
		split(p);
	else
		fail_all(p, &how, hc, u);
	buf_release(&masked);
}

static void
on_landed(struct http_call *hc)
{
	struct pack *p = hc->arg;
	struct embed *x = p->x;
	struct embeddings_answer a = {
	    .n = p->n, .values = mem_zero(p->n, sizeof(struct span))};
	struct err e = ERR_INIT;

	(void)take_from(&x->flying, p);
	x->nflying--;
	if (hc->outcome == HTTP_ANSWERED && hc->status / 100 == 2 &&
	    dialect_check(hc->answer, &e) == 0 &&
	    x->wire->read(hc->answer, &a, &e) == 0)
		answer_all(p, hc, &a);
	else
		take_failure(p, hc, &a.usage, &e);
	free(a.values);
	pack_free(p);
	wake(x);
}

/* ---- sent ---- */

static void
write_body(struct pack *p)
{
	struct embed *x = p->x;
	struct embeddings_ask ask = {
	    .model = x->model, .dimensions = x->o.dimensions, .task = x->o.task};
	struct span *inputs = mem_zero(p->n, sizeof *inputs);
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->calls[i] != NULL) {
			inputs[n] = p->calls[i]->body;
			p->calls[n++] = p->calls[i];
		}
	ask.inputs = inputs;
	ask.n = p->n = n;
	p->body.max = SIZE_MAX / 2;
	x->wire->body(&p->body, &ask);
	free(inputs);
}

/* It cannot even be begun. */
static void
fail_start(struct pack *p, const struct err *e)
{
	struct broker_call how = {.asked_us = -1, .hopeless = true};
	struct http_call none = {.outcome = HTTP_CONFIG};
	struct retry_facts facts = {.outcome = RETRY_MISCONFIGURED};
	struct dialect_usage u = {.known = false};

	how.ruling = retry_rule(&facts);
	snprintf(how.why, sizeof how.why, "%s", e->text);
	fail_all(p, &how, &none, &u);
	pack_free(p);
}

static void
send(struct pack *p)
{
	struct embed *x = p->x;
	struct err e = ERR_INIT;

	write_body(p);
	p->http = (struct http_call){.target = x->target,
	    .body = buf_span(&p->body),
	    .done = on_landed,
	    .arg = p};
	if (http_start(x->http, &p->http, &e) != 0) {
		fail_start(p, &e);
		return;
	}
	x->broker.requests++;
	x->nflying++;
	p->next = x->flying;
	x->flying = p;
}

/* As if they had never been submitted. */
static void
give_back(struct embed *x)
{
	struct broker_call how = {.left = true, .asked_us = -1};
	struct http_call none = {.outcome = HTTP_CANCELLED};
	struct dialect_usage u = {.known = false};
	struct pack *p;

	if (x->filling != NULL)
		close_filling(x);
	while ((p = x->ready) != NULL) {
		x->ready = p->next;
		fail_all(p, &how, &none, &u);
		pack_free(p);
	}
}

static void
on_turn(void *arg)
{
	struct embed *x = arg;
	struct pack *p;

	if (x->stopped)
		give_back(x);
	while (x->nflying < x->o.requests) {
		if (x->ready == NULL && x->filling != NULL && x->due)
			close_filling(x);
		p = x->ready;
		if (p == NULL)
			return;
		x->ready = p->next;
		p->next = NULL;
		send(p);
	}
}

/* While all slots are taken it goes on being filled. */
static void
on_quiet(void *arg)
{
	struct embed *x = arg;

	x->due = true;
	on_turn(x);
}

/* ---- where it goes ---- */

/* NULL and e. */
static struct http_target *
make_target(struct embed *x, struct err *e)
{
	struct http_target *t = NULL;
	struct buf path = BUF_INIT;

	if (dialect_path(&path, x->provider.dialect, x->model, false, e) == 0)
		t = provider_target(x->http, &x->provider, buf_cstr(&path), e);
	buf_release(&path);
	return t;
}

/* On the first call of the run libcurl is loaded. 0, or -1 and e. */
static int
open_http(struct embed *x, struct loop *l, struct err *e)
{
	struct http_options o = *x->o.http;

	if (x->target != NULL)
		return 0;
	if (provider_ready(&x->provider, e) != 0)
		return -1;
	o.body_max = ANSWER_MAX;
	o.user_agent = "bf-embed/" BF_VERSION;
	if (x->http == NULL)
		x->http = http_new(l, &o);
	x->loop = l;
	x->target = make_target(x, e);
	return x->target == NULL ? -1 : 0;
}

/* ---- for the engine ---- */

static int
submit(struct broker *b, struct broker_call *c, struct loop *l, struct err *e)
{
	struct embed *x = (struct embed *)b;
	struct pack *p;
	int64_t at;

	if (open_http(x, l, e) != 0)
		return -1;
	p = x->filling;
	if (p != NULL && p->bytes + c->body.n > BYTES_MOST) {
		close_filling(x);
		wake(x);
		p = NULL;
	}
	if (p == NULL)
		p = x->filling = pack_new(x);
	pack_add(p, c);
	if (p->n == x->most) {
		close_filling(x);
		wake(x);
		return 0;
	}
	x->due = false;
	at = clock_mono_us() + QUIET_US;
	loop_timer_set(
	    x->loop, &x->quiet, at < p->begun + WAIT_US ? at : p->begun + WAIT_US);
	return 0;
}

/* All of it were cancelled. */
static void
drop(struct pack *p)
{
	struct embed *x = p->x;

	if (x->filling == p) {
		loop_timer_clear(x->loop, &x->quiet);
		x->filling = NULL;
	} else if (take_from(&x->flying, p)) {
		http_cancel(&p->http);
		x->nflying--;
		wake(x);
	} else if (!take_from(&x->ready, p)) {
		return; /* it has landed, and is freed there */
	}
	pack_free(p);
}

static void
cancel(struct broker *b, struct broker_call *c)
{
	struct pack *p = c->own;

	(void)b;
	c->own = NULL;
	for (size_t i = 0; i < p->n; i++)
		if (p->calls[i] == c)
			p->calls[i] = NULL;
	if (--p->live == 0)
		drop(p);
}

static void
stop(struct broker *b)
{
	struct embed *x = (struct embed *)b;

	x->stopped = true;
	if (x->loop != NULL)
		wake(x);
}

static void
free_list(struct pack *p)
{
	struct pack *next;

	for (; p != NULL; p = next) {
		next = p->next;
		pack_free(p);
	}
}

static void
close_all(struct broker *b, bool whole)
{
	struct embed *x = (struct embed *)b;

	(void)whole;
	if (x->loop != NULL) {
		loop_timer_clear(x->loop, &x->quiet);
		loop_timer_clear(x->loop, &x->turn);
	}
	http_free(x->http);
	x->http = NULL;
	x->target = NULL;
	free_list(x->filling);
	free_list(x->ready);
	free_list(x->flying);
	x->filling = x->ready = x->flying = NULL;
}

/* ---- made ---- */

/* 0, or -1 and e. */
static int
find_provider(struct embed *x, struct err *e)
{
	const struct provider *p;
	struct span name;

	if (provider_split(span_str(x->o.model), &x->model, &name, e) != 0 ||
	    (p = providers_get(x->o.providers, name, e)) == NULL)
		return -1;
	x->wire = embeddings_of(p->dialect);
	if (x->wire == NULL)
		return err_set(e, "%s makes no embeddings: its dialect is %s",
		    p->name, p->dialect->name);
	if (x->o.task != NULL && !x->wire->tasks)
		return err_set(
		    e, "--task is for Gemini: %s knows of none", p->name);
	x->provider = *p;
	x->provider.dialect = x->o.base64 ? x->wire->base64 : x->wire->array;
	x->provider.rpm = 0; /* the engine would count texts */
	return 0;
}

/* 0, or -1 and e. */
static int
set_most(struct embed *x, struct err *e)
{
	x->most = (unsigned)x->wire->most;
	if (x->o.per_request > x->most)
		return err_set(e, "%s takes %u texts a request, not %u",
		    x->provider.name, x->most, x->o.per_request);
	if (x->o.per_request > 0)
		x->most = x->o.per_request;
	return 0;
}

struct broker *
embed_new(const struct embed_options *o, struct err *e)
{
	struct embed *x = mem_zero(1, sizeof *x);

	x->o = *o;
	if (find_provider(x, e) != 0 || set_most(x, e) != 0) {
		free(x);
		return NULL;
	}
	x->broker = (struct broker){.costs = true,
	    .files = 1,
	    .describe = describe,
	    .submit = submit,
	    .cancel = cancel,
	    .close = close_all,
	    .stop = stop,
	    .field = x->o.field,
	    .mute = true,
	    .together = x->most};
	x->quiet = (struct loop_timer){.fn = on_quiet, .arg = x};
	x->turn = (struct loop_timer){.fn = on_turn, .arg = x};
	return &x->broker;
}

unsigned
embed_most(const struct broker *b)
{
	return ((const struct embed *)b)->most;
}

void
embed_free(struct broker *b)
{
	struct embed *x = (struct embed *)b;

	if (x == NULL)
		return;
	embedding_release(&x->vector);
	buf_release(&x->scratch);
	free(x);
}
