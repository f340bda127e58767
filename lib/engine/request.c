#include "engine/request.h"

#include "engine/inlined.h"
#include "io/hash.h"

static bool
is_type(struct span v, enum json_type t)
{
	return v.p != NULL && json_type(v) == t;
}

/* Wraps messages into a body. */
static struct span
body_of_messages(
    struct request *r, const char *before, struct span v, const char *after)
{
	buf_clear(&r->text);
	buf_adds(&r->text, before);
	buf_addspan(&r->text, v);
	buf_adds(&r->text, after);
	return buf_span(&r->text);
}

struct span
request_body(struct request *r, const struct entry *en, struct err *e)
{
	struct span v, url;

	if ((v = entry_get(en, "request")).p != NULL) {
		if (is_type(v, JSON_OBJECT))
			return v;
		err_set(e, "\"request\" is not an object");
	} else if ((v = entry_get(en, "messages")).p != NULL) {
		return body_of_messages(r, "{\"messages\":", v, "}");
	} else if ((v = entry_get(en, "prompt")).p != NULL) {
		if (is_type(v, JSON_STRING))
			return body_of_messages(r,
			    "{\"messages\":[{\"role\":\"user\",\"content\":", v,
			    "}]}");
		err_set(e, "\"prompt\" is not a string");
	} else if (entry_get(en, "custom_id").p != NULL &&
		   (v = entry_get(en, "body")).p != NULL) {
		url = entry_get(en, "url");
		if (url.p != NULL && !json_is(url, "/v1/chat/completions"))
			err_set(e, "a batch line for another \"url\" than "
				   "/v1/chat/completions");
		else if (is_type(v, JSON_OBJECT))
			return v;
		else
			err_set(e, "\"body\" is not an object");
	} else
		err_set(e,
		    "nothing to ask: no \"request\", \"messages\", \"prompt\", or "
		    "\"custom_id\" and \"body\"");
	return SPAN_NONE;
}

/* What no server should be asked. */
static int
check_body(struct span messages, struct span n, struct err *e)
{
	int64_t count;

	if (!is_type(messages, JSON_ARRAY) || json_is_empty(messages))
		return err_set(e,
		    "the request has no \"messages\", an array with one or more");
	if (is_type(n, JSON_NUMBER) && (!json_i64(n, &count) || count != 1))
		return err_set(e, "the request asks for several answers with "
				  "\"n\": use bf-prompt --samples");
	return 0;
}

static bool
is_named(struct span model)
{
	return model.p != NULL && json_type(model) != JSON_NULL;
}

/* The canonical body, which has a model. */
static int
make_canon(struct request *r, struct span body, struct span named,
    const char *model, struct err *e)
{
	if (is_named(named)) {
		if (json_type(named) != JSON_STRING)
			return err_set(
			    e, "the request's \"model\" is not a string");
	} else {
		if (model == NULL)
			return err_set(e, "no model: the request names none, and "
					  "there is no -m MODEL");
		/* At the end: of members of one name the last counts. */
		buf_clear(&r->scratch);
		buf_add(&r->scratch, body.p, body.n - 1);
		buf_adds(&r->scratch,
		    json_is_empty(body) ? "\"model\":" : ",\"model\":");
		json_add_string(&r->scratch, span_str(model));
		buf_addc(&r->scratch, '}');
		body = buf_span(&r->scratch);
	}
	buf_clear(&r->canon);
	r->surrogates = json_canon(&r->canon, body);
	return 0;
}

void
request_key(struct request *r, const struct provider *p, int64_t sample)
{
	struct json_iter it = json_iter(buf_span(&r->body));
	struct json_member m;
	struct buf *t = &r->text;
	char before = '{';

	buf_clear(t);
	buf_adds(t, "{\"body\":");
	while (json_next(&it, &m)) {
		if (span_eq(m.key, SPAN("model")) || dialect_is_transport(m.key))
			continue;
		buf_addc(t, before);
		before = ',';
		/* The member as it stands in the canonical text. */
		buf_add(t, m.key.p - 1,
		    (size_t)(m.value.p + m.value.n - (m.key.p - 1)));
	}
	if (before == '{')
		buf_addc(t, before);
	buf_adds(t, "},\"dialect\":");
	json_add_string(t, span_str(p->dialect->name));
	buf_adds(t, ",\"endpoint\":");
	json_add_string(t, span_str(p->endpoint));
	buf_adds(t, ",\"model\":");
	json_add_string(t, buf_span(&r->model));
	buf_adds(t, ",\"sample\":");
	buf_addi(t, sample);
	buf_addc(t, '}');
	hash_blake2b(buf_span(t), r->key, sizeof r->key);
}

/* What is sent, and whether it can be. */
static int
translate(struct request *r, const struct dialect *d, struct err *e)
{
	buf_clear(&r->wire);
	buf_clear(&r->dropped);
	buf_clear(&r->scratch);
	if (dialect_path(&r->scratch, d, buf_span(&r->model), r->stream, e) != 0)
		return -1;
	if (d->body != NULL &&
	    d->body(&r->wire, buf_span(&r->body), buf_span(&r->model), r->lenient,
		&r->dropped, e) != 0)
		return -1;
	if (!r->stream)
		return 0;
	if (d->body == NULL)
		buf_addspan(&r->wire, buf_span(&r->body));
	dialect_ask_stream(&r->wire, d);
	return 0;
}

/* p: NULL for the one of ps that the model names. */
static int
fill(struct request *r, const struct entry *en, const char *model,
    struct providers *ps, const struct provider *p, struct err *e)
{
	static const struct span names[] = {
	    SPAN_INIT("messages"), SPAN_INIT("n"), SPAN_INIT("model")};
	struct span body, in[3], name, bare, named;
	int64_t sample;

	body = r->given.p != NULL ? r->given : request_body(r, en, e);
	if (body.p == NULL)
		return -1;
	json_pick(body, names, in, 3);
	if (r->instead != NULL) {
		model = r->instead;
		in[2] = SPAN_NONE;
	}
	if (check_body(in[0], in[1], e) != 0 ||
	    make_canon(r, body, in[2], model, e) != 0)
		return -1;
	if (!r->recorded && inlined_is_digest(buf_span(&r->canon)))
		return err_set(e, "the request holds an image as its digest, as a "
				  "ledger keeps it: the image itself is needed");
	if (!is_named(in[2]) || !json_text(in[2], &r->scratch, &name))
		name = span_str(model);
	if (provider_split(name, &bare, &named, e) != 0 ||
	    (p == NULL && (p = providers_get(ps, named, e)) == NULL))
		return -1;
	r->provider = p;
	buf_clear(&r->model);
	buf_addspan(&r->model, bare);
	buf_clear(&r->body);
	dialect_form(&r->body, buf_span(&r->canon), buf_span(&r->model));
	if (!r->recorded && translate(r, p->dialect, e) != 0)
		return -1;
	name = entry_get(en, "sample");
	if (name.p == NULL || !json_i64(name, &sample))
		sample = 0;
	request_key(r, p, sample);
	return 0;
}

int
request_read(struct request *r, const struct entry *en, const char *model,
    struct providers *ps, struct err *e)
{
	return fill(r, en, model, ps, NULL, e);
}

int
request_read_for(struct request *r, const struct entry *en, const char *model,
    const struct provider *p, struct err *e)
{
	return fill(r, en, model, NULL, p, e);
}

void
request_begin(struct request *r)
{
	buf_clear(&r->wire);
	buf_clear(&r->body);
	buf_clear(&r->model);
	buf_clear(&r->dropped);
	r->surrogates = 0;
}

static void
add_columns(struct buf *out, const struct entry *en, const struct columns *columns)
{
	char before = '{';
	struct span v;

	for (size_t i = 0; i < columns->n; i++) {
		v = column_get(&columns->v[i], en);
		if (v.p == NULL)
			continue;
		buf_addc(out, before);
		json_add_string(out, columns->v[i].name);
		buf_addc(out, ':');
		buf_addspan(out, v);
		before = ',';
	}
	buf_adds(out, before == '{' ? "{}" : "}");
}

static void
add_all_but_error(struct buf *out, const struct entry *en)
{
	char before = '{';

	for (size_t i = 0; i < en->n; i++) {
		if (json_key_is(en->members[i].key, SPAN("error")))
			continue;
		buf_addc(out, before);
		buf_addc(out, '"');
		buf_addspan(out, en->members[i].key);
		buf_adds(out, "\":");
		buf_addspan(out, en->members[i].value);
		before = ',';
	}
	buf_adds(out, before == '{' ? "{}" : "}");
}

void
request_add_entry(
    struct buf *out, const struct entry *en, const struct columns *columns)
{
	if (columns->given)
		add_columns(out, en, columns);
	else if (entry_get(en, "error").p != NULL)
		add_all_but_error(out, en);
	else
		buf_addspan(out, en->text);
}

void
request_release(struct request *r)
{
	buf_release(&r->body);
	buf_release(&r->wire);
	buf_release(&r->dropped);
	buf_release(&r->model);
	buf_release(&r->text);
	buf_release(&r->canon);
	buf_release(&r->scratch);
}
