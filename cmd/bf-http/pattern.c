#include "pattern.h"

#include "base/mem.h"
#include "http/url.h"
#include "json/template.h"

#include <stdlib.h>
#include <string.h>

/* A template, then perhaps a variable. */
struct piece {
	struct template *template;
	char *variable; /* NULL: none */
};

struct pattern {
	enum pattern_kind kind;
	const struct secrets *secrets;
	struct piece *pieces;
	size_t n;
	struct buf escaped, plain;
};

/* ---- made ---- */

/* The name in "${NAME}" at the head of text; n 0: there is none. */
static struct span
variable_at(struct span text)
{
	size_t n = 0;

	if (!span_starts(text, SPAN("${")))
		return SPAN_NONE;
	while (2 + n < text.n && strchr("{}:[]./\"", text.p[2 + n]) == NULL)
		n++;
	return 2 + n < text.n && text.p[2 + n] == '}' ? span_of(text.p + 2, n)
						      : SPAN_NONE;
}

/* How much of text stands before the next variable. */
static size_t
before_variable(struct span text)
{
	size_t i;

	for (i = 0; i < text.n; i++)
		if (variable_at(span_of(text.p + i, text.n - i)).n > 0)
			break;
	return i;
}

static int
add_piece(struct pattern *p, struct span *text, struct secrets *s, struct err *e)
{
	size_t n = before_variable(*text);
	struct span name = variable_at(span_of(text->p + n, text->n - n));
	struct piece *piece;

	p->pieces = mem_resize(p->pieces, p->n + 1, sizeof *p->pieces);
	piece = &p->pieces[p->n++];
	*piece = (struct piece){.template = template_parse(span_of(text->p, n), e)};
	if (piece->template == NULL)
		return -1;
	if (name.n > 0) {
		if (secrets_add(s, name, e) != 0)
			return -1;
		piece->variable = mem_strndup(name.p, name.n);
		n += name.n + 3;
	}
	*text = span_of(text->p + n, text->n - n);
	return 0;
}

struct pattern *
pattern_new(
    struct span text, enum pattern_kind kind, struct secrets *s, struct err *e)
{
	struct pattern *p = mem_zero(1, sizeof *p);

	p->kind = kind;
	p->secrets = s;
	do {
		if (add_piece(p, &text, s, e) == 0)
			continue;
		pattern_free(p);
		return NULL;
	} while (text.n > 0);
	return p;
}

void
pattern_free(struct pattern *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++) {
		template_free(p->pieces[i].template);
		free(p->pieces[i].variable);
	}
	free(p->pieces);
	buf_release(&p->escaped);
	buf_release(&p->plain);
	free(p);
}

bool
pattern_has_secret(const struct pattern *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->pieces[i].variable != NULL)
			return true;
	return false;
}

/* ---- rendered ---- */

struct rendering {
	struct pattern *p;
	bool first; /* it is the first piece */
};

/* What stands for a field in a URL; it needs no escape in a JSON string. */
static int
put_in_url(
    void *arg, struct buf *out, struct span escaped, bool first, struct err *e)
{
	struct rendering *r = arg;
	struct buf *plain = &r->p->plain;

	(void)e;
	buf_clear(plain);
	(void)json_unescape(plain, escaped);
	if (r->first && first)
		url_add_written(out, buf_span(plain));
	else
		url_add_encoded(out, buf_span(plain));
	return 0;
}

static void
add_variable(
    struct pattern *p, const char *name, struct buf *shown, struct buf *sent)
{
	struct span value = secrets_value(p->secrets, span_str(name));

	buf_addf(shown, "${%s}", name);
	if (p->kind == PATTERN_URL)
		url_add_encoded(sent, value);
	else
		buf_addspan(sent, value);
}

int
pattern_render(struct pattern *p, const struct entry *en, struct buf *shown,
    struct buf *sent, struct err *e)
{
	struct rendering r = {p, true};
	int rc;

	for (size_t i = 0; i < p->n; i++) {
		r.first = i == 0;
		buf_clear(&p->escaped);
		rc = p->kind == PATTERN_URL
			 ? template_render_by(p->pieces[i].template, en, put_in_url,
			       &r, &p->escaped, e)
			 : template_render(
			       p->pieces[i].template, en, &p->escaped, e);
		if (rc != 0)
			return -1;
		buf_clear(&p->plain);
		(void)json_unescape(&p->plain, buf_span(&p->escaped));
		buf_addspan(shown, buf_span(&p->plain));
		buf_addspan(sent, buf_span(&p->plain));
		if (p->pieces[i].variable != NULL)
			add_variable(p, p->pieces[i].variable, shown, sent);
	}
	return 0;
}
