/* JSON: the elements of an array, or any values, to entries. */
#include "read.h"

#include "json/values.h"

struct json_input {
	const struct file *file;
	struct values_reader *values;
};

static const char *
json_where(struct reader *r)
{
	struct json_input *in = r->input;
	uint64_t line, column;

	values_place(in->values, &line, &column);
	return place(r, in->file, line);
}

/* A value that is no object, as the only field of one. */
static void
wrap(struct reader *r, struct span value)
{
	buf_clear(&r->fields);
	buf_adds(&r->fields, *value.p == '"' ? "{\"text\":" : "{\"value\":");
	json_compact(&r->fields, value);
	entry_end(r, NULL);
}

static void
put(struct reader *r, struct span value)
{
	struct json_fault fault;

	if (*value.p != '{') {
		wrap(r, value);
		return;
	}
	buf_clear(&r->scratch);
	json_compact(&r->scratch, value);
	if (entry_parse(&r->entry, buf_span(&r->scratch), &fault) == 0)
		entry_pass(r); /* anything else cannot be: it was checked */
}

/* Whatever is behind it, it cannot be told where the next value begins. */
static void
bad(struct reader *r, struct json_input *in, const struct err *e)
{
	struct buf what = BUF_INIT;
	uint64_t line, column;

	values_place(in->values, &line, &column);
	buf_adds(&what, e->text);
	if (r->st->cli->keep_going)
		buf_adds(&what, "; the rest of this file is not read");
	stage_bad(r->st, place(r, in->file, line), column, buf_cstr(&what));
	buf_release(&what);
}

static void
put_all(struct reader *r, struct json_input *in)
{
	struct err e = ERR_INIT;
	struct span value;

	while (!stage_interrupted(r->st) && !stage_stopped(r->st))
		switch (values_read(in->values, &value, &e)) {
		case VALUES_VALUE:
			if (!values_in_array(in->values) &&
			    stage_incomplete(r->st, value))
				return;
			put(r, value);
			break;
		case VALUES_BAD:
			bad(r, in, &e);
			return;
		case VALUES_FAIL:
			if (!stage_interrupted(r->st))
				stage_lost(r->st, file_name(in->file), e.text);
			return;
		case VALUES_END:
			return;
		}
}

void
read_json(struct reader *r, const struct file *f)
{
	struct json_input in = {.file = f};
	int fd = open_file(r, f);

	if (fd < 0)
		return;
	in.values = values_reader_new(
	    (size_t)r->st->cli->max_line, reader_flush, r);
	values_reader_open(in.values, fd);
	places_by(r, json_where, &in);
	put_all(r, &in);
	values_reader_free(in.values);
}
