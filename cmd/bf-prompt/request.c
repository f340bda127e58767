#include "request.h"

#include "base/mem.h"

#include <stdlib.h>

void
request_init(struct request *r)
{
	*r = (struct request){.nparams = 0};
	images_init(&r->images);
}

struct param *
request_param(struct request *r, struct span key)
{
	for (size_t i = 0; i < r->nparams; i++)
		if (span_eq(r->params[i].key, key))
			return &r->params[i];
	r->params = mem_resize(r->params, r->nparams + 1, sizeof(*r->params));
	r->params[r->nparams] = (struct param){.key = key, .value = BUF_INIT};
	return &r->params[r->nparams++];
}

/* ---- what all have in common ---- */

static void
add_tail(struct request *r)
{
	buf_adds(&r->tail, "]");
	for (size_t i = 0; i < r->nparams; i++) {
		buf_addc(&r->tail, ',');
		json_add_string(&r->tail, r->params[i].key);
		buf_addc(&r->tail, ':');
		buf_addspan(&r->tail, buf_span(&r->params[i].value));
	}
	buf_addc(&r->tail, '}');
}

void
request_prepare(struct request *r)
{
	buf_addc(&r->head, '{');
	if (r->model.p != NULL) {
		buf_adds(&r->head, "\"model\":");
		json_add_string(&r->head, r->model);
		buf_addc(&r->head, ',');
	}
	buf_adds(&r->head, "\"messages\":[");
	add_tail(r);
	if (r->history.path != NULL)
		return;
	if (r->system != NULL) {
		buf_adds(&r->head, "{\"role\":\"system\",\"content\":\"");
		buf_adds(&r->between, "\"},");
	}
	if (r->examples.len > 0) {
		buf_addspan(&r->between, buf_span(&r->examples));
		buf_adds(&r->between, "\"},");
	}
	buf_adds(&r->between, "{\"role\":\"user\",\"content\":");
}

/* ---- of one entry ---- */

/* A string, or an array of it and the images where there are any. */
static int
add_content(
    struct request *r, const struct entry *en, const char **class, struct err *e)
{
	struct buf *out = &r->text;
	bool parts = images_any(&r->images, en);

	buf_adds(out, parts ? "[{\"type\":\"text\",\"text\":\"" : "\"");
	if (template_render(r->user, en, out, e) < 0)
		return -1;
	buf_addc(out, '"');
	if (parts) {
		buf_addc(out, '}');
		*class = "bad_image";
		if (images_render(&r->images, en, out, e) < 0)
			return -1;
		buf_addc(out, ']');
	}
	buf_addc(out, '}');
	return 0;
}

static int
add_messages(
    struct request *r, const struct entry *en, const char **class, struct err *e)
{
	struct buf *out = &r->text;

	if (r->system != NULL && template_render(r->system, en, out, e) < 0)
		return -1;
	buf_addspan(out, buf_span(&r->between));
	return add_content(r, en, class, e);
}

/* ---- with a history ---- */

static int
add_history(
    struct request *r, struct messages *m, const struct entry *en, struct err *e)
{
	struct span field = path_text(r->history.path);

	if (history_render(&r->history, m, en, e) < 0)
		return -1;
	if (r->user != NULL || m->last == ROLE_USER)
		return 0;
	return err_set(e,
	    "no template is given, and \"%.*s\" does not end in another's turn: "
	    "nobody is to be answered",
	    (int)(field.n < 300 ? field.n : 300), field.p);
}

static int
add_talk(
    struct request *r, const struct entry *en, const char **class, struct err *e)
{
	struct messages m = {.out = &r->text};

	if (r->system != NULL) {
		messages_begin(&m, ROLE_SYSTEM);
		if (template_render(r->system, en, m.out, e) < 0)
			return -1;
	}
	if (r->examples.len > 0)
		messages_append(&m, buf_span(&r->examples));
	*class = "bad_history";
	if (add_history(r, &m, en, e) < 0)
		return -1;
	*class = "missing_field";
	if (r->user != NULL) {
		messages_begin(&m, ROLE_USER);
		if (template_render(r->user, en, m.out, e) < 0)
			return -1;
	}
	*class = "bad_image";
	if (images_any(&r->images, en) &&
	    messages_images(&m, &r->images, en, e) < 0)
		return -1;
	messages_end(&m);
	return 0;
}

int
request_make(
    struct request *r, const struct entry *en, const char **class, struct err *e)
{
	int rc;

	*class = "missing_field";
	buf_clear(&r->text);
	buf_addspan(&r->text, buf_span(&r->head));
	rc = r->history.path == NULL ? add_messages(r, en, class, e)
				     : add_talk(r, en, class, e);
	buf_addspan(&r->text, buf_span(&r->tail));
	return rc;
}

void
request_release(struct request *r)
{
	for (size_t i = 0; i < r->nparams; i++)
		buf_release(&r->params[i].value);
	free(r->params);
	template_free(r->system);
	template_free(r->user);
	images_release(&r->images);
	history_release(&r->history);
	buf_release(&r->examples);
	buf_release(&r->text);
	buf_release(&r->head);
	buf_release(&r->between);
	buf_release(&r->tail);
}
