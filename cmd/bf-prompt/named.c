#include "named.h"

#include "prompts.h"
#include "schema.h"

static void
take_params(const struct promptfile *f, struct request *r)
{
	struct param *slot;

	for (size_t i = 0; i < f->nparams; i++) {
		slot = request_param(r, buf_span(&f->params[i].key));
		if (slot->value.len == 0)
			buf_addspan(&slot->value, buf_span(&f->params[i].value));
	}
}

/* JSON, or a path that begins where the prompt's file is. */
static int
take_schema(
    struct promptfile *f, const char *where, struct request *r, struct err *e)
{
	struct param *slot = request_param(r, SPAN("response_format"));
	const char *schema = buf_cstr(&f->schema);
	const char *slash = strrchr(where, '/');
	struct buf path = BUF_INIT;
	int rc;

	if (slot->value.len > 0)
		return 0;
	if (*schema == '{')
		return schema_format_text(
		    where, buf_span(&f->schema), &slot->value, e);
	if (*schema != '/' && slash != NULL)
		buf_add(&path, where, (size_t)(slash + 1 - where));
	buf_adds(&path, schema);
	rc = schema_format(buf_cstr(&path), &slot->value, e);
	buf_release(&path);
	return rc;
}

static int
take_system(
    const struct promptfile *f, const char *where, struct request *r, struct err *e)
{
	r->system = template_parse(buf_span(&f->system), e);
	if (r->system == NULL)
		return err_prefix(e, "%s: the system template", where);
	return 0;
}

/* With a history there may be none. */
static int
take_template(
    const struct promptfile *f, const char *where, struct request *r, struct err *e)
{
	if (f->template.n == 0 && r->history.path != NULL)
		return 0;
	if (f->template.n == 0)
		return err_set(e, "%s:%zu: the template is empty", where, f->line);
	r->user = template_parse(f->template, e);
	if (r->user == NULL)
		return err_prefix(
		    e, "%s: the template from line %zu on", where, f->line);
	return 0;
}

static int
take_all(struct promptfile *f, const char *where, struct request *r, struct err *e)
{
	if (r->model.p == NULL && f->model.len > 0)
		r->model = buf_span(&f->model);
	take_params(f, r);
	if (f->schema.len > 0 && take_schema(f, where, r, e) < 0)
		return -1;
	if (r->system == NULL && f->system.len > 0 &&
	    take_system(f, where, r, e) < 0)
		return -1;
	return take_template(f, where, r, e);
}

int
named_load(const char *name, struct promptfile *f, struct request *r, struct err *e)
{
	struct buf where = BUF_INIT, text = BUF_INIT;
	int rc = prompts_read(name, &where, &text, e);

	if (rc == 0)
		rc = promptfile_parse(f, buf_cstr(&where), buf_span(&text), e);
	if (rc == 0)
		rc = take_all(f, buf_cstr(&where), r, e);
	buf_release(&where);
	buf_release(&text);
	return rc;
}
