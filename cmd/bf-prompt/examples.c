#include "examples.h"

#include "io/fdio.h"
#include "json/incomplete.h"
#include "json/jsonl.h"

#include <fcntl.h>
#include <inttypes.h>

/* The answer goes in as a field of a template does. */
static int
answer_template(const char *field, struct template **t, struct err *e)
{
	struct path *path = path_parse(span_str(field), e);
	struct buf text = BUF_INIT;

	if (path != NULL) {
		buf_addf(&text, "{%s}", field);
		*t = template_parse(buf_span(&text), e);
		buf_release(&text);
		path_free(path);
	}
	return path != NULL && *t != NULL ? 0 : err_prefix(e, "--answer %s", field);
}

static int
add(const struct examples *x, const struct template *answer, struct messages *m,
    const struct entry *en, struct err *e)
{
	size_t from;

	messages_begin(m, ROLE_USER);
	if (template_render(x->user, en, m->out, e) < 0)
		return -1;
	if (images_any(x->images, en) && messages_images(m, x->images, en, e) < 0)
		return -1;
	messages_begin(m, ROLE_ASSISTANT);
	from = m->out->len;
	if (template_render(answer, en, m->out, e) < 0)
		return -1;
	if (m->out->len == from)
		return err_set(e, "field \"%s\" is empty", x->answer);
	if (m->out->len > EXAMPLES_MAX)
		return err_set(e, "the examples are longer than 64 MiB");
	return 0;
}

/* What is wrong with a line stands at a column, in bytes from 1; 0: with all. */
static int
add_line(const struct examples *x, const struct template *answer,
    struct messages *m, struct span line, size_t *column, struct err *e)
{
	struct entry en = ENTRY_INIT;
	struct json_fault f;
	int status, rc;

	*column = 0;
	if (incomplete_is(line, &status))
		return err_set(e, "the file ends early: its last line says so");
	if (entry_parse(&en, line, &f) < 0) {
		*column = f.at + 1;
		rc = err_set(e, "%s", f.what);
	} else {
		rc = add(x, answer, m, &en, e);
	}
	entry_release(&en);
	return rc;
}

static int
place(const struct jsonl_reader *r, size_t column, struct err *e)
{
	if (column == 0)
		return err_prefix(e, "%s:%" PRIu64, jsonl_name(r), jsonl_lineno(r));
	return err_prefix(
	    e, "%s:%" PRIu64 ":%zu", jsonl_name(r), jsonl_lineno(r), column);
}

static int
add_all(const struct examples *x, const struct template *answer,
    struct jsonl_reader *r, struct buf *out, struct err *e)
{
	struct messages m = {.out = out};
	struct span line;
	size_t column;

	for (;;)
		switch (jsonl_read(r, &line, e)) {
		case JSONL_LINE:
			if (add_line(x, answer, &m, line, &column, e) == 0)
				break;
			if (column > 0)
				column += jsonl_column_shift(r);
			return place(r, column, e);
		case JSONL_BAD:
			return place(r, jsonl_bad_column(r), e);
		case JSONL_END:
			return out->len > 0
				   ? 0
				   : err_set(e, "%s: no examples in it", x->path);
		default:
			return err_prefix(e, "%s", x->path);
		}
}

int
examples_read(const struct examples *x, struct buf *out, struct err *e)
{
	struct template *answer = NULL;
	struct jsonl_reader *r;
	int fd, rc;

	if (answer_template(x->answer, &answer, e) < 0)
		return -1;
	fd = fd_open(x->path, O_RDONLY | O_NOCTTY, 0);
	if (fd < 0) {
		template_free(answer);
		return err_sys(e, "%s", x->path);
	}
	r = jsonl_reader_new(x->max_line, NULL, NULL);
	jsonl_reader_open(r, fd, x->path);
	rc = add_all(x, answer, r, out, e);
	jsonl_reader_free(r);
	template_free(answer);
	return rc;
}
