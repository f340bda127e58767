/* An entry to its request. */
#include "web.h"

#include "base/mem.h"

#include <string.h>

/* A request that is written, as it is shown and as it is sent. */
struct writing {
	struct buf shown, sent;
};

static void
add_both(struct writing *w, const char *text)
{
	buf_adds(&w->shown, text);
	buf_adds(&w->sent, text);
}

static void
add_strings(struct writing *w, struct span shown, struct span sent)
{
	json_add_string(&w->shown, shown);
	json_add_string(&w->sent, sent);
}

/* A pattern, into x->shown and x->sent. */
static int
render(struct web *x, struct pattern *p, const struct entry *en, struct err *e)
{
	buf_clear(&x->shown);
	buf_clear(&x->sent);
	return pattern_render(p, en, &x->shown, &x->sent, e);
}

/* ---- the URL ---- */

/* The host and port, which calls are paced by; it is checked where it is sent. */
static int
add_host(struct buf *out, struct span url, struct err *e)
{
	const char *at = memmem(url.p, url.n, "://", 3);
	size_t from = at == NULL ? url.n : (size_t)(at + 3 - url.p);

	for (size_t i = from; i < url.n && strchr("/?#", url.p[i]) == NULL; i++)
		buf_addc(out, url.p[i]);
	return out->len > 0 ? 0
			    : err_set(e, "\"%.*s\" is no http or https URL",
				  (int)(url.n < 200 ? url.n : 200), url.p);
}

/* given: what the page before said, p NULL if it named no URL. */
static int
add_url(struct web *x, struct writing *w, const struct entry *en, struct span given,
    struct err *e)
{
	struct span url;

	if (given.p != NULL) {
		(void)json_text(given, &x->text, &url);
		buf_clear(&x->shown);
		buf_clear(&x->sent);
		buf_addspan(&x->shown, url);
		secrets_show(&x->o->secrets, url, &x->sent);
	} else if (render(x, x->o->url, en, e) != 0)
		return err_prefix(e, "URL");
	add_both(w, "\"url\":");
	add_strings(w, buf_span(&x->shown), buf_span(&x->sent));
	return 0;
}

/* ---- headers ---- */

/* RFC 9110, 5.5: no control characters but tabs. */
static bool
is_value(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (((unsigned char)text.p[i] < ' ' && text.p[i] != '\t') ||
		    text.p[i] == 0x7f)
			return false;
	return true;
}

static int
add_header(struct web *x, const struct web_named *h, const struct entry *en,
    struct buf *line, struct err *e)
{
	if (render(x, h->value, en, e) != 0)
		return err_prefix(e, "header %s", h->name);
	if (!is_value(buf_span(&x->sent)))
		return err_set(e, "header %s: a control character", h->name);
	buf_clear(line);
	buf_addf(line, "%s: ", h->name);
	buf_addspan(line, buf_span(&x->shown));
	return 0;
}

/* All of them, shown; of those that are sent the ones that do or do not hold
 * secrets. */
static int
add_headers(struct web *x, struct writing *w, const struct entry *en, struct err *e)
{
	const struct web_options *o = x->o;
	struct buf secret = BUF_INIT, line = BUF_INIT, *to;
	int rc = 0;

	add_both(w, ",\"headers\":[");
	for (size_t i = 0; rc == 0 && i < o->nheaders; i++) {
		rc = add_header(x, &o->headers[i], en, &line, e);
		if (rc != 0)
			break;
		buf_adds(&w->shown, i > 0 ? "," : "");
		json_add_string(&w->shown, buf_span(&line));
		buf_clear(&line);
		buf_addf(&line, "%s: ", o->headers[i].name);
		buf_addspan(&line, buf_span(&x->sent));
		to = pattern_has_secret(o->headers[i].value) ? &secret : &w->sent;
		json_add_string(to, buf_span(&line));
		buf_addc(to, ',');
	}
	buf_addc(&w->shown, ']');
	if (w->sent.data[w->sent.len - 1] == ',')
		w->sent.len--;
	if (secret.len > 0)
		secret.len--;
	buf_adds(&w->sent, "],\"secret\":[");
	buf_addspan(&w->sent, buf_span(&secret));
	buf_addc(&w->sent, ']');
	buf_release(&secret);
	buf_release(&line);
	return rc;
}

/* ---- the body ---- */

/* Name and value, into both. */
static int
add_field(struct web *x, const struct web_named *f, const struct entry *en,
    struct buf *shown, struct buf *sent, struct err *e)
{
	if (render(x, f->value, en, e) != 0)
		return err_prefix(e, "--form %s", f->name);
	buf_adds(shown, shown->len > 0 ? "&" : "");
	buf_adds(sent, sent->len > 0 ? "&" : "");
	url_add_encoded(shown, span_str(f->name));
	url_add_encoded(sent, span_str(f->name));
	buf_addc(shown, '=');
	buf_addc(sent, '=');
	url_add_encoded(sent, buf_span(&x->sent));
	if (pattern_has_secret(f->value))
		buf_addspan(shown, buf_span(&x->shown));
	else
		url_add_encoded(shown, buf_span(&x->shown));
	return 0;
}

static int
add_form(struct web *x, const struct entry *en, struct writing *w, struct err *e)
{
	struct buf shown = BUF_INIT, sent = BUF_INIT;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < x->o->nform; i++)
		rc = add_field(x, &x->o->form[i], en, &shown, &sent, e);
	add_both(w, ",\"body\":");
	add_strings(w, buf_span(&shown), buf_span(&sent));
	buf_release(&shown);
	buf_release(&sent);
	return rc;
}

static int
add_json(struct web *x, const struct entry *en, struct writing *w, struct err *e)
{
	int rc;

	buf_clear(&x->sent);
	rc = query_get(x->o->json, en->text, &x->sent, e);
	if (rc <= 0)
		return rc < 0 ? err_prefix(e, "--json")
			      : err_set(e, "--json gives nothing for this entry");
	add_both(w, ",\"body\":");
	add_strings(w, buf_span(&x->sent), buf_span(&x->sent));
	return 0;
}

static int
add_body(struct web *x, const struct entry *en, struct writing *w, struct err *e)
{
	if (x->o->json != NULL)
		return add_json(x, en, w, e);
	if (x->o->nform > 0)
		return add_form(x, en, w, e);
	if (x->o->data == NULL)
		return 0;
	if (render(x, x->o->data, en, e) != 0)
		return err_prefix(e, "-d");
	add_both(w, ",\"body\":");
	add_strings(w, buf_span(&x->shown), buf_span(&x->sent));
	return 0;
}

/* ---- all of it ---- */

static const char *
method_of(const struct web_options *o)
{
	if (o->method != NULL)
		return o->method;
	return o->data != NULL || o->nform > 0 || o->json != NULL ? "POST" : "GET";
}

/* What the page before said, as fields of the entry. */
static const struct entry *
lay_over(struct web *x, const struct entry *en, struct span given)
{
	struct json_iter it = json_iter(given);
	struct json_member m;
	struct json_fault f;
	struct buf names = BUF_INIT;
	struct span name;

	if (given.p == NULL || json_type(given) != JSON_OBJECT)
		return en;
	(void)entry_parse(&x->over, en->text, &f);
	(void)buf_room(&names, given.n + 1);
	while (json_next(&it, &m)) {
		name = span_of(names.data + names.len, 0);
		(void)json_unescape(&names, m.key);
		name.n = (size_t)(names.data + names.len - name.p);
		entry_setn(&x->over, name, m.value);
	}
	buf_clear(&x->line);
	entry_write(&x->over, &x->line);
	buf_release(&names);
	(void)entry_parse(&x->over, span_of(x->line.data, x->line.len - 1), &f);
	return &x->over;
}

int
web_describe(
    struct broker *b, struct request *r, const struct entry *en, struct err *e)
{
	struct web *x = (struct web *)b;
	struct writing w = {BUF_INIT, BUF_INIT};
	struct span url = SPAN_NONE;
	int rc;

	if (r->given.p != NULL && json_type(r->given) == JSON_STRING)
		url = r->given;
	en = lay_over(x, en, r->given);
	request_begin(r);
	add_both(&w, "{");
	rc = add_url(x, &w, en, url, e);
	if (rc == 0)
		rc = add_host(&r->model, buf_span(&x->shown), e);
	if (rc == 0) {
		add_both(&w, ",\"method\":");
		add_strings(
		    &w, span_str(method_of(x->o)), span_str(method_of(x->o)));
		rc = add_headers(x, &w, en, e);
	}
	if (rc == 0)
		rc = add_body(x, en, &w, e);
	add_both(&w, "}");
	if (rc == 0) {
		(void)json_canon(&r->body, buf_span(&w.shown));
		buf_addspan(&r->wire, buf_span(&w.sent));
		r->provider = &x->provider;
		request_key(r, &x->provider, 0);
	}
	buf_release(&w.shown);
	buf_release(&w.sent);
	return rc;
}
