#include "web.h"

#include "base/mem.h"
#include "engine/landed.h"
#include "http/headers.h"
#include "io/clock.h"
#include "pacing/rates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An attempt in flight. */
struct asking {
	struct http_call http;
	struct web *x;
	struct broker_call *call;
	struct loop *loop;
	struct url at;           /* where it is asked now */
	unsigned redirects;      /* that were followed */
	int64_t micros;          /* that they took */
	struct buf method, body; /* what is sent */
	struct buf raw, masked;  /* what came */
	struct err why;          /* it is not sent, or no answer */
	struct loop_timer timer; /* it is not sent */
};

static const char *const *
secret_values(const struct web *x)
{
	static const char *const none[] = {NULL};

	return x->o->secrets.n > 0 ? x->o->secrets.values : none;
}

/* ---- where it may go ---- */

static bool
is_listed(const struct web_options *o, struct span host)
{
	for (size_t i = 0; i < o->nhosts; i++)
		if (host.n == strlen(o->hosts[i]) &&
		    strncasecmp(host.p, o->hosts[i], host.n) == 0)
			return true;
	return false;
}

/*
 * The user vouches for the host that is written in the URL, and for those of
 * --hosts: they may be anywhere, and may have the secrets.  What else the data
 * leads to is on the public internet, unless --allow-private; and is nothing where
 * there is a list.
 */
enum trust { TRUST_FULL, TRUST_PUBLIC, TRUST_NOT };

/* redirected: it is where a server sends its client, and not what the entry asks.
 */
static enum trust
trust_in(const struct web *x, const struct url *url, bool redirected)
{
	if (is_listed(x->o, buf_span(&url->host)) ||
	    (x->fixed && span_eq(buf_span(&url->origin), buf_span(&x->origin))))
		return TRUST_FULL;
	if (x->o->nhosts > 0 || (x->fixed && !redirected))
		return TRUST_NOT;
	return TRUST_PUBLIC;
}

/*
 * Whether nobody on the way reads it: over TLS, or within this machine; or it is
 * the user who wrote http.
 */
static bool
is_sealed(const struct web *x, const struct url *url)
{
	struct span origin = buf_span(&url->origin), host = buf_span(&url->host);

	return span_starts(origin, SPAN("https:")) ||
	       (x->fixed && span_eq(origin, buf_span(&x->origin))) ||
	       span_eq(host, SPAN("localhost")) ||
	       span_eq(host, SPAN("127.0.0.1")) || span_eq(host, SPAN("[::1]"));
}

/* The origin that is written in the URL; libcurl is there from here on. */
static int
read_origin(struct web *x, struct err *e)
{
	struct url url = {.text = BUF_INIT};
	struct buf text = BUF_INIT;
	size_t n;
	int rc;

	if (!x->fixed || x->origin.len > 0)
		return 0;
	n = (size_t)(strstr(x->o->url_text, "://") + 3 - x->o->url_text);
	n += strcspn(x->o->url_text + n, "/?#");
	buf_add(&text, x->o->url_text, n);
	rc = url_read(&url, NULL, buf_cstr(&text), e);
	if (rc == 0)
		buf_addspan(&x->origin, buf_span(&url.origin));
	url_release(&url);
	buf_release(&text);
	return rc;
}

/* ---- sent ---- */

static void on_landed(struct http_call *hc);

static void
open_http(struct web *x, struct loop *l)
{
	struct http_options o = *x->o->http;

	o.headers = true;
	o.keep = rates_headers;
	o.nkeep = RATES_HEADERS;
	o.user_agent = "bf-http/" BF_VERSION;
	if (x->http == NULL)
		x->http = http_new(l, &o);
}

/* The strings of an array, with their NULs. */
static size_t
add_lines(struct span array, struct buf *texts)
{
	struct json_iter it = json_iter(array);
	struct json_member m;
	size_t n = 0;

	for (; json_next(&it, &m); n++) {
		(void)json_unescape(texts, span_of(m.value.p + 1, m.value.n - 2));
		buf_addc(texts, '\0');
	}
	return n;
}

static struct http_target *
make_target(struct asking *a, enum trust trust, struct err *e)
{
	struct span wire = a->call->body;
	struct buf texts = BUF_INIT;
	struct http_target *t;
	const char **lines, *at;
	size_t n;

	n = add_lines(json_get(wire, "headers"), &texts);
	if (trust == TRUST_FULL)
		n += add_lines(json_get(wire, "secret"), &texts);
	lines = mem_zero(n + 1, sizeof *lines);
	at = buf_cstr(&texts);
	for (size_t i = 0; i < n; i++, at += strlen(at) + 1)
		lines[i] = at;
	t = http_target_new(a->x->http, buf_cstr(&a->at.text), lines, n, e);
	if (t != NULL && trust == TRUST_PUBLIC && !a->x->o->allow_private)
		http_target_guard(t);
	free(lines);
	buf_release(&texts);
	return t;
}

/*
 * Asks at a->at.  0; -1 and e: nothing can be asked at all; 1: not there, and
 * a->why says why.
 */
static int
send(struct asking *a, struct err *e)
{
	struct web *x = a->x;
	enum trust trust = trust_in(x, &a->at, a->redirects > 0);

	if (trust == TRUST_NOT) {
		err_set(&a->why, "it leads to %s, which --hosts does not name",
		    buf_cstr(&a->at.host));
		return 1;
	}
	if (trust == TRUST_FULL && x->o->secrets.n > 0 && !is_sealed(x, &a->at)) {
		err_set(&a->why, "it would take a secret over plain http");
		return 1;
	}
	a->http.target = make_target(a, trust, e);
	if (a->http.target == NULL)
		return -1;
	if (http_start(x->http, &a->http, e) == 0)
		return 0;
	http_target_free(x->http, a->http.target);
	return -1;
}

static void
asking_free(struct asking *a)
{
	loop_timer_clear(a->loop, &a->timer);
	url_release(&a->at);
	buf_release(&a->body);
	buf_release(&a->method);
	buf_release(&a->raw);
	buf_release(&a->masked);
	free(a);
}

/* ---- landed ---- */

/* With the URL that was asked, but for its secrets. */
static void
add_url(struct asking *a)
{
	struct broker_call *c = a->call;
	struct buf why = BUF_INIT;

	secrets_hide(&a->x->o->secrets, buf_span(&a->at.text), &why);
	if (why.len > BROKER_WHY_MAX / 2)
		why.len = BROKER_WHY_MAX / 2;
	buf_addf(&why, "%s%s", why.len > 0 ? ": " : "", c->why);
	snprintf(c->why, sizeof c->why, "%s", buf_cstr(&why));
	buf_release(&why);
}

/*
 * That one thing may not be had says nothing of others, nor does one host's trouble
 * of other hosts.
 */
static void
go_on(struct asking *a)
{
	struct broker_call *c = a->call;

	if (c->ruling.verdict == RETRY_STOP && (c->status == 403 || !a->x->fixed)) {
		c->ruling.verdict = RETRY_FAIL;
		c->hopeless = false;
	}
	/* It will be no text the next time either. */
	if (a->why.errnum == EILSEQ)
		c->ruling.verdict = RETRY_FAIL;
}

static void
finish(struct asking *a)
{
	struct broker_call *c = a->call;

	c->own = NULL;
	if (!c->answered)
		add_url(a);
	c->done(c);
	asking_free(a);
}

static void
fail_unsent(struct asking *a, const char *class)
{
	struct broker_call *c = a->call;

	c->ruling = (struct retry_ruling){RETRY_FAIL, class, false};
	snprintf(c->why, sizeof c->why, "%s", a->why.text);
	c->micros = a->micros;
	finish(a);
}

static bool
is_redirect(const struct http_call *hc)
{
	return hc->outcome == HTTP_ANSWERED &&
	       (hc->status == 301 || hc->status == 302 || hc->status == 303 ||
		   hc->status == 307 || hc->status == 308);
}

/* Where it is sent to, into a->at; -1, and a->why says why it does not go there. */
static int
take_redirect(struct asking *a, const struct http_call *hc)
{
	struct buf location = BUF_INIT, base = BUF_INIT, written = BUF_INIT;
	struct err *e = &a->why;
	int rc = -1;

	headers_find(hc->headers, "location", &location);
	if (location.len == 0)
		err_set(
		    e, "it redirects (HTTP %d), and says not where", hc->status);
	else if (a->http.body.p != NULL || a->redirects == a->x->o->redirects)
		err_set(e, "it redirects (HTTP %d) to %.300s%s", hc->status,
		    buf_cstr(&location),
		    a->http.body.p != NULL ? "; what has a body is not sent on"
		    : a->x->o->redirects == 0
			? "; --redirects N follows"
			: "; that is one more than --redirects allows");
	else {
		buf_addspan(&base, buf_span(&a->at.text));
		url_add_written(&written, buf_span(&location));
		rc = url_read(&a->at, buf_cstr(&base), buf_cstr(&written), e);
		a->redirects++;
	}
	buf_release(&location);
	buf_release(&base);
	buf_release(&written);
	return rc;
}

/* Whether it is asked anew, elsewhere. */
static bool
follows(struct asking *a, const struct http_call *hc)
{
	struct err e = ERR_INIT;
	int rc;

	if (!is_redirect(hc) || web_is_accepted(a->x->o, hc->status) ||
	    take_redirect(a, hc) != 0)
		return false;
	rc = send(a, &e);
	if (rc < 0)
		a->why = e;
	return rc == 0;
}

static void
on_landed(struct http_call *hc)
{
	struct asking *a = hc->arg;
	struct broker_call *c = a->call;
	struct http_target *target = hc->target;

	a->micros += hc->micros;
	landed_note(c, hc);
	if (follows(a, hc)) {
		http_target_free(a->x->http, target);
		return;
	}
	http_target_free(a->x->http, target);
	c->micros = a->micros;
	c->answered = c->reached && web_is_accepted(a->x->o, hc->status) &&
		      web_add_answer(a->x, hc, &a->at, &a->raw, &a->why) == 0;
	c->raw = buf_span(&a->raw);
	if (c->answered)
		buf_addspan(&c->response, c->raw);
	else {
		landed_failed(c, hc, &a->why, secret_values(a->x), &a->masked);
		go_on(a);
	}
	finish(a);
}

/* ---- asked ---- */

static void
on_refused(void *arg)
{
	fail_unsent(arg, "forbidden");
}

static void
on_bad_url(void *arg)
{
	fail_unsent(arg, "bad_request");
}

static void
refuse(struct asking *a, void (*fn)(void *arg))
{
	a->timer.fn = fn;
	a->timer.arg = a;
	loop_timer_set(a->loop, &a->timer, 0);
}

/* A member of what is sent, a string; false: there is none. */
static bool
take_text(const struct broker_call *c, const char *name, struct buf *out)
{
	struct span v = json_get(c->body, name);

	if (v.p != NULL)
		(void)json_unescape(out, span_of(v.p + 1, v.n - 2));
	return v.p != NULL;
}

static struct asking *
asking_new(struct web *x, struct broker_call *c, struct loop *l)
{
	struct asking *a = mem_zero(1, sizeof *a);

	a->x = x;
	a->call = c;
	a->loop = l;
	(void)take_text(c, "method", &a->method);
	a->http = (struct http_call){.method = buf_cstr(&a->method),
	    .body = SPAN_NONE,
	    .done = on_landed,
	    .arg = a};
	if (take_text(c, "body", &a->body))
		a->http.body = span_of(buf_cstr(&a->body), a->body.len);
	c->own = a;
	return a;
}

static int
submit(struct broker *b, struct broker_call *c, struct loop *l, struct err *e)
{
	struct web *x = (struct web *)b;
	struct buf url = BUF_INIT;
	struct asking *a;
	int rc = 0;

	open_http(x, l);
	if (read_origin(x, e) != 0)
		return -1;
	a = asking_new(x, c, l);
	(void)take_text(c, "url", &url);
	if (url_read(&a->at, NULL, buf_cstr(&url), &a->why) != 0)
		refuse(a, on_bad_url);
	else if ((rc = send(a, e)) > 0)
		refuse(a, on_refused);
	buf_release(&url);
	if (rc >= 0)
		return 0;
	c->own = NULL;
	asking_free(a);
	return -1;
}

static void
cancel(struct broker *b, struct broker_call *c)
{
	struct web *x = (struct web *)b;
	struct asking *a = c->own;

	if (a->http.transfer != NULL) {
		http_cancel(&a->http);
		http_target_free(x->http, a->http.target);
	}
	c->own = NULL;
	asking_free(a);
}

static void
close_http(struct broker *b, bool whole)
{
	struct web *x = (struct web *)b;

	(void)whole;
	http_free(x->http);
	x->http = NULL;
}

bool
web_is_fixed(const char *text)
{
	const char *host = strstr(text, "://");
	size_t n;

	if (host == NULL || (strncasecmp(text, "http://", 7) != 0 &&
				strncasecmp(text, "https://", 8) != 0))
		return false;
	n = strcspn(host + 3, "/?#");
	return n > 0 && memchr(host + 3, '{', n) == NULL;
}

struct broker *
web_new(const struct web_options *o)
{
	struct web *x = mem_zero(1, sizeof *x);

	x->broker = (struct broker){.files = 1,
	    .describe = web_describe,
	    .submit = submit,
	    .cancel = cancel,
	    .close = close_http,
	    .take = web_take,
	    .pages = o->next != NULL || o->next_link};
	x->o = o;
	x->fixed = web_is_fixed(o->url_text);
	x->over = ENTRY_INIT;
	x->provider = (struct provider){.name = (char *)(uintptr_t) "http",
	    .dialect = &dialect_http,
	    .base_url = (char *)(uintptr_t) "http",
	    .endpoint = (char *)(uintptr_t) "http"};
	return &x->broker;
}

void
web_free(struct broker *b)
{
	struct web *x = (struct web *)b;

	entry_release(&x->over);
	buf_release(&x->origin);
	buf_release(&x->line);
	buf_release(&x->text);
	buf_release(&x->shown);
	buf_release(&x->sent);
	buf_release(&x->found);
	free(x);
}
