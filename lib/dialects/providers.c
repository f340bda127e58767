#include "base/mem.h"
#include "dialects/provider_open.h"
#include "io/configfile.h"
#include "json/json.h"

#include <stdlib.h>

#define FILE_MAX  ((size_t)1 << 20)
#define LIMIT_MAX 100000000000 /* of rpm and tpm */

struct providers {
	struct provider_options options;
	struct provider **list; /* what was handed out stays where it is */
	size_t n;
};

/* share/providers.json, put into the program by the assembler. */
extern const char providers_json[];
__asm__(".pushsection .rodata\n"
	"providers_json: .incbin \"share/providers.json\"\n"
	".byte 0\n"
	".popsection");

/* ---- definitions ---- */

static struct provider *
find(const struct providers *ps, struct span name)
{
	for (size_t i = 0; i < ps->n; i++)
		if (span_eq(span_str(ps->list[i]->name), name))
			return ps->list[i];
	return NULL;
}

static struct provider *
add(struct providers *ps, struct span name)
{
	struct provider *p = mem_zero(1, sizeof *p);

	p->name = mem_strndup(name.p, name.n);
	ps->list = mem_resize(ps->list, ps->n + 1, sizeof *ps->list);
	return ps->list[ps->n++] = p;
}

/* A text without NUL, or NULL for null. */
static int
take_text(char **to, struct span value, struct err *e)
{
	struct buf scratch = BUF_INIT;
	struct span text;
	int rc = 0;

	free(*to);
	*to = NULL;
	if (json_type(value) == JSON_NULL)
		return 0;
	if (!json_text(value, &scratch, &text) || text.n == 0 ||
	    memchr(text.p, '\0', text.n) != NULL)
		rc = err_set(e, "not a text");
	else
		*to = mem_strndup(text.p, text.n);
	buf_release(&scratch);
	return rc;
}

static int
take_limit(int64_t *to, struct span value, struct err *e)
{
	*to = 0;
	if (json_type(value) == JSON_NULL)
		return 0;
	return json_i64(value, to) && *to >= 1 && *to <= LIMIT_MAX
		   ? 0
		   : err_set(
			 e, "not a number from 1 to %lld", (long long)LIMIT_MAX);
}

static int
take_dialect(const struct dialect **to, struct span value, struct err *e)
{
	struct buf known = BUF_INIT;
	const struct dialect *d;

	*to = NULL;
	for (size_t i = 0; (d = dialect_at(i)) != NULL; i++) {
		if (json_is(value, d->name))
			*to = d;
		buf_addf(&known, "%s%s", i == 0 ? "" : ", ", d->name);
	}
	if (*to == NULL)
		err_set(e, "not a dialect that is known (%s)", buf_cstr(&known));
	buf_release(&known);
	return *to == NULL ? -1 : 0;
}

/* The name of a header: nothing that ends its line or its name. */
static int
take_auth(char **to, struct span value, struct err *e)
{
	static const char most[] = "abcdefghijklmnopqrstuvwxyz0123456789"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

	if (take_text(to, value, e) == 0 &&
	    (*to == NULL || (*to)[strspn(*to, most)] == '\0'))
		return 0;
	return err_set(e, "not the name of a header, nor \"bearer\"");
}

static int
take_member(struct provider *p, const struct json_member *m, struct err *e)
{
	if (json_key_is(m->key, SPAN("base_url")))
		return take_text(&p->base_url, m->value, e);
	if (json_key_is(m->key, SPAN("dialect")))
		return take_dialect(&p->dialect, m->value, e);
	if (json_key_is(m->key, SPAN("key")))
		return take_text(&p->key_variable, m->value, e);
	if (json_key_is(m->key, SPAN("base_url_variable")))
		return take_text(&p->url_variable, m->value, e);
	if (json_key_is(m->key, SPAN("auth")))
		return take_auth(&p->auth, m->value, e);
	if (json_key_is(m->key, SPAN("prices")))
		return take_text(&p->prices, m->value, e);
	if (json_key_is(m->key, SPAN("rpm")))
		return take_limit(&p->rpm, m->value, e);
	if (json_key_is(m->key, SPAN("tpm")))
		return take_limit(&p->tpm, m->value, e);
	return err_set(e, "not a member of a provider (base_url, dialect, key, "
			  "base_url_variable, auth, prices, rpm, tpm)");
}

static int
take_provider(
    struct providers *ps, struct span name, struct span value, struct err *e)
{
	struct json_iter it = json_iter(value);
	struct provider *p = find(ps, name);
	struct json_member m;

	if (json_type(value) != JSON_OBJECT)
		return err_set(e, "not an object");
	if (name.n == 0 || memchr(name.p, '\0', name.n) != NULL ||
	    memchr(name.p, '@', name.n) != NULL)
		return err_set(e, "not a name for a provider");
	if (p == NULL)
		p = add(ps, name);
	while (json_next(&it, &m))
		if (take_member(p, &m, e) != 0)
			return err_prefix(e, "\"%.*s\"",
			    (int)(m.key.n > 100 ? 100 : m.key.n), m.key.p);
	if (p->base_url == NULL)
		return err_set(e, "no \"base_url\"");
	if (p->dialect == NULL)
		return err_set(e, "no \"dialect\"");
	return 0;
}

/* where: the file's name, for messages. */
static int
take_definitions(
    struct providers *ps, struct span text, const char *where, struct err *e)
{
	struct buf name = BUF_INIT;
	struct json_iter it;
	struct json_member m;
	struct json_fault f;
	int rc = 0;

	if (json_check(text, &f) != 0)
		return err_set(
		    e, "%s: not JSON: byte %zu: %s", where, f.at, f.what);
	text = json_value(text);
	if (json_type(text) != JSON_OBJECT)
		return err_set(e, "%s: not an object with providers", where);
	it = json_iter(text);
	while (rc == 0 && json_next(&it, &m)) {
		buf_clear(&name);
		json_unescape(&name, m.key);
		rc = take_provider(ps, buf_span(&name), m.value, e);
		if (rc != 0)
			err_prefix(e, "%s: \"%.*s\"", where,
			    (int)(m.key.n > 100 ? 100 : m.key.n), m.key.p);
	}
	buf_release(&name);
	return rc;
}

static int
take_user_file(struct providers *ps, struct err *e)
{
	struct buf path = BUF_INIT, text = BUF_INIT;
	int rc = configfile_read("providers.json", FILE_MAX, &path, &text, e);

	if (rc == 1)
		rc = take_definitions(ps, buf_span(&text), buf_cstr(&path), e);
	buf_release(&path);
	buf_release(&text);
	return rc;
}

/* ---- all of them ---- */

struct providers *
providers_new(const struct provider_options *o, struct err *e)
{
	struct providers *ps = mem_zero(1, sizeof *ps);

	ps->options = *o;
	if (ps->options.name == NULL)
		ps->options.name = PROVIDER_DEFAULT;
	if (take_definitions(
		ps, span_str(providers_json), "share/providers.json", e) == 0 &&
	    take_user_file(ps, e) == 0)
		return ps;
	providers_free(ps);
	return NULL;
}

void
providers_free(struct providers *ps)
{
	if (ps == NULL)
		return;
	for (size_t i = 0; i < ps->n; i++) {
		provider_release(ps->list[i]);
		free(ps->list[i]);
	}
	free(ps->list);
	free(ps);
}

static int
fail_unknown(const struct providers *ps, struct span name, struct err *e)
{
	struct buf known = BUF_INIT;
	int rc;

	for (size_t i = 0; i < ps->n && known.len < 300; i++)
		buf_addf(&known, "%s%s", i == 0 ? "" : ", ", ps->list[i]->name);
	rc = err_set(e,
	    "unknown provider \"%.*s\": known are %s; others go into "
	    "~/.config/bf/providers.json",
	    (int)(name.n > 100 ? 100 : name.n), name.p, buf_cstr(&known));
	buf_release(&known);
	return rc;
}

const struct provider *
providers_get(struct providers *ps, struct span name, struct err *e)
{
	const struct provider_options none = {.report = ps->options.report};
	struct provider *p = find(ps, name);
	bool meant;

	if (p == NULL) {
		fail_unknown(ps, name, e);
		return NULL;
	}
	meant = strcmp(p->name, ps->options.name) == 0;
	if (p->endpoint == NULL &&
	    provider_open(p, meant ? &ps->options : &none, e) != 0)
		return NULL;
	return p;
}

const struct provider *
providers_at(const struct providers *ps, size_t n)
{
	return n < ps->n ? ps->list[n] : NULL;
}
