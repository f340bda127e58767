/* What comes back: to the record, and from there to the entry. */
#include "web.h"

#include "http/headers.h"
#include "io/utf8.h"
#include "pacing/retry.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

bool
web_is_accepted(const struct web_options *o, int status)
{
	bool is = status / 100 == 2;

	for (size_t i = 0; i < o->naccept; i++)
		is |= o->accept[i] == status;
	return is;
}

/* ---- the body ---- */

/* text/html of "Text/HTML; charset=utf-8" */
static void
add_type(struct buf *out, struct span value)
{
	for (size_t i = 0; i < value.n && strchr("; \t", value.p[i]) == NULL; i++)
		buf_addc(out, value.p[i] >= 'A' && value.p[i] <= 'Z'
				  ? (char)(value.p[i] + 'a' - 'A')
				  : value.p[i]);
}

static bool
is_json(struct span type)
{
	return span_eq(type, SPAN("application/json")) ||
	       (type.n > 5 && memcmp(type.p + type.n - 5, "+json", 5) == 0);
}

/* It will not be text the next time either: errnum says so. */
static int
no_text(struct err *e, const char *why)
{
	err_set(e, "the body is %s", why);
	e->errnum = EILSEQ;
	return -1;
}

/* From another charset, that is named. */
static int
convert(struct buf *out, struct span body, struct span charset, struct err *e)
{
	char name[40], *in = (char *)(uintptr_t)body.p, *to;
	size_t left = body.n, room, rc = 0;
	iconv_t cd = (iconv_t)-1;

	if (charset.n > 0 && charset.n < sizeof name) {
		memcpy(name, charset.p, charset.n);
		name[charset.n] = '\0';
		cd = iconv_open("UTF-8", name);
	}
	if (cd == (iconv_t)-1)
		return no_text(
		    e, "neither UTF-8 nor of another charset that is known");
	do {
		room = left + 64;
		to = buf_room(out, room);
		rc = iconv(cd, &in, &left, &to, &room);
		out->len = (size_t)(to - out->data);
	} while (rc == (size_t)-1 && errno == E2BIG);
	(void)iconv_close(cd);
	return rc != (size_t)-1 ? 0
				: no_text(e, "not of the charset that it names");
}

/* As text in UTF-8, into x->text unless it is that already. */
static int
to_text(struct web *x, struct span *body, struct span charset, struct err *e)
{
	static const struct span bom = SPAN_INIT("\xef\xbb\xbf");
	bool says_other = charset.n > 0 &&
			  !(charset.n == 5 &&
			      strncasecmp(charset.p, "utf-8", 5) == 0);

	if (says_other || utf8_valid(*body) < body->n) {
		buf_clear(&x->text);
		if (convert(&x->text, *body, charset, e) != 0)
			return -1;
		*body = buf_span(&x->text);
	}
	if (span_starts(*body, bom))
		*body = span_of(body->p + bom.n, body->n - bom.n);
	return 0;
}

static int
add_body(struct buf *out, struct span body, bool json, struct err *e)
{
	struct json_fault f;

	buf_adds(out, ",\"body\":");
	if (!json) {
		json_add_string(out, body);
		return 0;
	}
	if (json_check(body, &f) != 0)
		return err_set(
		    e, "the body is no JSON: byte %zu: %s", f.at + 1, f.what);
	json_compact(out, json_value(body));
	return 0;
}

/* Header values are bytes; what is no UTF-8 is no link and no type. */
static void
add_value(struct buf *out, const char *name, const struct buf *value)
{
	if (value->len == 0)
		return;
	buf_addf(out, ",\"%s\":", name);
	json_add_string(out, buf_span(value));
}

int
web_add_answer(struct web *x, const struct http_call *hc, const struct url *at,
    struct buf *out, struct err *e)
{
	struct buf type = BUF_INIT, value = BUF_INIT, masked = BUF_INIT;
	struct span body;
	int rc;

	buf_addf(out, "{\"status\":%d,\"url\":", hc->status);
	secrets_hide(&x->o->secrets, buf_span(&at->text), &value);
	json_add_string(out, buf_span(&value));
	buf_clear(&value);
	headers_find(hc->headers, "content-type", &value);
	add_type(&type, buf_span(&value));
	add_value(out, "type", &type);
	secrets_hide(&x->o->secrets, hc->answer, &masked);
	body = buf_span(&masked);
	rc = to_text(x, &body, headers_parameter(buf_span(&value), "charset"), e);
	buf_clear(&value);
	headers_find(hc->headers, "link", &value);
	buf_clear(&x->sent);
	secrets_hide(&x->o->secrets, buf_span(&value), &x->sent);
	add_value(out, "link", &x->sent);
	if (rc == 0)
		rc = add_body(out, body, body.n > 0 && is_json(buf_span(&type)), e);
	buf_addc(out, '}');
	buf_release(&type);
	buf_release(&value);
	buf_release(&masked);
	return rc;
}

/* ---- to the entry ---- */

/* A URL, relative to that of the answer, as a JSON string. */
static int
add_next_url(struct web *x, struct span response, struct span text,
    struct buf *next, struct err *e)
{
	struct buf base = BUF_INIT, written = BUF_INIT, hidden = BUF_INIT;
	struct url url = {.text = BUF_INIT};
	struct span at;
	int rc;

	(void)json_text(json_get(response, "url"), &x->text, &at);
	secrets_show(&x->o->secrets, at, &base);
	secrets_show(&x->o->secrets, text, &hidden);
	url_add_written(&written, buf_span(&hidden));
	rc = url_read(&url, buf_cstr(&base), buf_cstr(&written), e);
	buf_clear(&hidden);
	secrets_hide(&x->o->secrets, buf_span(&url.text), &hidden);
	if (rc == 0)
		json_add_string(next, buf_span(&hidden));
	url_release(&url);
	buf_release(&base);
	buf_release(&written);
	buf_release(&hidden);
	return rc;
}

/* What --next says is a URL, or fields for the next request, or no more. */
static int
find_next(struct web *x, struct span response, struct buf *next, struct err *e)
{
	struct buf value = BUF_INIT;
	struct span link, text;
	int rc = 0;

	if (x->o->next_link) {
		if (json_text(json_get(response, "link"), &value, &link) &&
		    (link = headers_next_link(link)).p != NULL)
			rc = add_next_url(x, response, link, next, e);
		buf_release(&value);
		return rc;
	}
	if (x->o->next == NULL)
		return 0;
	buf_clear(&x->found);
	if (query_get(x->o->next, json_get(response, "body"), &x->found, e) <= 0)
		return e->text[0] != '\0' ? -1 : 0;
	switch (json_type(buf_span(&x->found))) {
	case JSON_FALSE:
		break;
	case JSON_OBJECT:
		buf_addspan(next, buf_span(&x->found));
		break;
	case JSON_STRING:
		(void)json_text(buf_span(&x->found), &value, &text);
		if (text.n > 0)
			rc = add_next_url(x, response, text, next, e);
		break;
	default:
		rc = err_set(e,
		    "neither a URL nor an object of fields for the next request");
	}
	buf_release(&value);
	return rc;
}

/* The response less what was for --next; q: what is taken of its body. */
static int
extract(struct query *q, struct buf *response, struct err *e)
{
	struct json_iter it = json_iter(buf_span(response));
	struct json_member m;
	struct buf out = BUF_INIT;
	int rc = 1;

	while (rc == 1 && json_next(&it, &m)) {
		if (json_key_is(m.key, SPAN("link")))
			continue;
		buf_addc(&out, out.len == 0 ? '{' : ',');
		buf_addf(&out, "\"%.*s\":", (int)m.key.n, m.key.p);
		if (q != NULL && json_key_is(m.key, SPAN("body")))
			rc = query_get(q, m.value, &out, e);
		else
			buf_addspan(&out, m.value);
	}
	buf_addc(&out, '}');
	if (rc == 1) {
		buf_release(response);
		*response = out;
		return 0;
	}
	if (rc == 0)
		err_set(e, "nothing in the answer's body");
	buf_release(&out);
	return -1;
}

int
web_take(struct broker *b, struct buf *response, struct buf *next,
    const char **class, struct err *e)
{
	struct web *x = (struct web *)b;
	struct retry_facts facts = {.outcome = RETRY_GOT_STATUS};
	int64_t status = 0;
	bool good;

	(void)json_i64(json_get(buf_span(response), "status"), &status);
	facts.status = (int)status;
	good = status / 100 == 2;
	if (!web_is_accepted(x->o, facts.status)) {
		*class = retry_rule(&facts).class;
		return err_set(
		    e, "HTTP %d, which was accepted before", facts.status);
	}
	*class = "extract";
	if (good && find_next(x, buf_span(response), next, e) != 0)
		return err_prefix(e, "--next");
	if (extract(good ? x->o->extract : NULL, response, e) == 0)
		return 0;
	buf_clear(next);
	return err_prefix(e, "--extract");
}
