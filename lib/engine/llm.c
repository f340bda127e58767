#include "engine/llm.h"

#include "base/mem.h"
#include "engine/landed.h"
#include "engine/target.h"
#include "http/http.h"
#include "pacing/rates.h"

#include <stdlib.h>

/* Where one provider's calls go; with some dialects, one model's. */
struct target {
	const struct provider *provider;
	char *path; /* behind the base URL */
	struct http_target *http;
};

struct llm {
	struct broker broker;
	struct llm_options o;
	struct http *http;
	struct target *targets;
	size_t ntargets;
};

/* An attempt in flight. */
struct asking {
	struct http_call http;
	struct llm *llm;
	struct broker_call *call;
	struct buf joined; /* an answer that came in pieces */
	struct buf masked; /* one that is none */
};

static int
describe(struct broker *b, struct request *r, const struct entry *en, struct err *e)
{
	struct llm *x = (struct llm *)b;

	return request_read(r, en, x->o.model, x->o.providers, e);
}

/* ---- where it goes ---- */

/* On the first call of the run libcurl is loaded. 0, or -1 and e. */
static int
open_http(struct llm *x, struct loop *l, const struct provider *p, struct err *e)
{
	struct http_options o = *x->o.http;

	if (provider_ready(p, e) != 0)
		return -1;
	o.keep = rates_headers;
	o.nkeep = RATES_HEADERS;
	o.user_agent = "bf-llm/" BF_VERSION;
	if (x->http == NULL)
		x->http = http_new(l, &o);
	return 0;
}

static struct http_target *
find_target(const struct llm *x, const struct provider *p, const char *path)
{
	for (size_t i = 0; i < x->ntargets; i++)
		if (x->targets[i].provider == p &&
		    strcmp(x->targets[i].path, path) == 0)
			return x->targets[i].http;
	return NULL;
}

/* NULL and e. */
static struct http_target *
target_of(struct llm *x, const struct broker_call *c, struct loop *l, struct err *e)
{
	const struct provider *p = c->provider;
	struct http_target *t = NULL;
	struct buf path = BUF_INIT;

	if (dialect_path(&path, p->dialect, c->model, x->o.stream, e) == 0 &&
	    (t = find_target(x, p, buf_cstr(&path))) == NULL &&
	    open_http(x, l, p, e) == 0 &&
	    (t = provider_target(x->http, p, buf_cstr(&path), e)) != NULL) {
		x->targets = mem_resize(
		    x->targets, x->ntargets + 1, sizeof *x->targets);
		x->targets[x->ntargets++] = (struct target){
		    p, mem_strdup(buf_cstr(&path)), t};
	}
	buf_release(&path);
	return t;
}

/* ---- what came ---- */

/*
 * What came in pieces is one body from here on; 0, or -1 and e where it did not
 * come whole.
 */
static int
join_pieces(struct asking *a, struct err *e)
{
	if (!a->llm->o.stream || !dialect_is_stream(a->http.answer))
		return 0;
	if (a->call->provider->dialect->join(&a->joined, a->http.answer, e) != 0)
		return -1;
	a->http.answer = buf_span(&a->joined);
	return 0;
}

static bool
read_answer(struct asking *a, struct err *e)
{
	struct broker_call *c = a->call;

	return join_pieces(a, e) == 0 && dialect_check(a->http.answer, e) == 0 &&
	       c->provider->dialect->answer(
		   &c->response, a->http.answer, c->model, &c->answer, e) == 0;
}

static void
asking_free(struct asking *a)
{
	buf_release(&a->joined);
	buf_release(&a->masked);
	free(a);
}

static void
on_landed(struct http_call *hc)
{
	struct asking *a = hc->arg;
	struct broker_call *c = a->call;
	const char *const secrets[] = {c->provider->key, NULL};
	struct err e = ERR_INIT;

	c->own = NULL;
	landed_note(c, hc);
	c->answered = c->reached && hc->status / 100 == 2 && read_answer(a, &e);
	c->raw = hc->answer;
	if (!c->answered)
		landed_failed(c, hc, &e, secrets, &a->masked);
	c->done(c);
	asking_free(a);
}

/* ---- asked ---- */

static int
submit(struct broker *b, struct broker_call *c, struct loop *l, struct err *e)
{
	struct llm *x = (struct llm *)b;
	struct http_target *t = target_of(x, c, l, e);
	struct asking *a;

	if (t == NULL)
		return -1;
	a = mem_zero(1, sizeof *a);
	a->llm = x;
	a->call = c;
	a->http = (struct http_call){
	    .target = t, .body = c->body, .done = on_landed, .arg = a};
	if (http_start(x->http, &a->http, e) != 0) {
		asking_free(a);
		return -1;
	}
	c->own = a;
	return 0;
}

static void
cancel(struct broker *b, struct broker_call *c)
{
	struct asking *a = c->own;

	(void)b;
	http_cancel(&a->http);
	c->own = NULL;
	asking_free(a);
}

static void
close_http(struct broker *b, bool whole)
{
	struct llm *x = (struct llm *)b;

	(void)whole;
	http_free(x->http);
	x->http = NULL;
	for (size_t i = 0; i < x->ntargets; i++)
		free(x->targets[i].path);
	free(x->targets);
	x->targets = NULL;
	x->ntargets = 0;
}

struct broker *
llm_new(const struct llm_options *o)
{
	struct llm *x = mem_zero(1, sizeof *x);

	x->broker = (struct broker){.costs = true,
	    .files = 1,
	    .describe = describe,
	    .submit = submit,
	    .cancel = cancel,
	    .close = close_http};
	x->o = *o;
	return &x->broker;
}

void
llm_free(struct broker *b)
{
	free(b);
}
