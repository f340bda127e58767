#include "read.h"

#include "base/mem.h"
#include "base/msg.h"
#include "json/id.h"

#include <inttypes.h>
#include <stdlib.h>

void
outline_enter(struct outline *o, int level, struct span title)
{
	while (o->n > 0 && o->at[o->n - 1].level >= level)
		o->n--;
	if (o->n == o->cap) {
		o->cap = o->cap == 0 ? 8 : 2 * o->cap;
		o->at = mem_resize(o->at, o->cap, sizeof(*o->at));
	}
	o->at[o->n++] = (struct heading){level, title};
}

void
outline_release(struct outline *o)
{
	free(o->at);
}

/* "headings" and, the same joined by slashes, "directory". */
static void
add_outline(struct reader *r, const struct outline *o)
{
	buf_adds(&r->fields, ",\"headings\":[");
	buf_clear(&r->scratch);
	for (size_t i = 0; i < o->n; i++) {
		if (i > 0) {
			buf_addc(&r->fields, ',');
			buf_addc(&r->scratch, '/');
		}
		json_add_string(&r->fields, o->at[i].title);
		buf_addspan(&r->scratch, o->at[i].title);
	}
	buf_addc(&r->fields, ']');
	entry_add(r, "directory", buf_span(&r->scratch));
}

void
entry_begin(struct reader *r, const char *source, const struct outline *o)
{
	buf_clear(&r->fields);
	buf_adds(&r->fields, "{\"source\":");
	json_add_string(&r->fields, span_str(source));
	if (o != NULL)
		add_outline(r, o);
}

void
entry_add(struct reader *r, const char *name, struct span text)
{
	buf_addf(&r->fields, ",\"%s\":", name);
	json_add_string(&r->fields, text);
}

const char *
place(struct reader *r, const struct file *f, uint64_t line)
{
	buf_clear(&r->place);
	buf_addf(&r->place, "%s:%" PRIu64, file_name(f), line);
	return buf_cstr(&r->place);
}

/* From the field that --id names; SPAN_NONE, and the entry has failed, if it has
 * none. */
static struct span
id_from_field(struct reader *r, const char *where)
{
	struct span value = path_find_entry(r->id, &r->entry);
	struct span name = path_text(r->id);

	if (id_is(value))
		return value;
	if (where == NULL)
		where = r->where(r);
	msg_error("%s: no id: '%.*s' is %s", where, (int)name.n, name.p,
	    value.p == NULL                   ? "not there"
	    : json_type(value) == JSON_STRING ? "empty"
					      : json_type_name(json_type(value)));
	r->st->failed++;
	if (r->st->status < STATUS_SOME_FAILED)
		r->st->status = STATUS_SOME_FAILED;
	return SPAN_NONE;
}

void
entry_end(struct reader *r, const char *where)
{
	struct buf *out = jsonl_out(&r->st->out);
	struct json_fault fault;
	struct span id, fields;
	char hashed[ID_SIZE];

	buf_addc(&r->fields, '}');
	fields = buf_span(&r->fields);
	if (r->id == NULL)
		id = id_from_hash(fields, hashed);
	else if (entry_parse(&r->entry, fields, &fault) < 0)
		return; /* cannot be: it was made here */
	else if ((id = id_from_field(r, where)).p == NULL)
		return;
	buf_adds(out, "{\"id\":");
	buf_addspan(out, id);
	buf_addc(out, ',');
	buf_add(out, fields.p + 1, fields.n - 1);
	buf_addc(out, '\n');
	jsonl_written(&r->st->out);
}

/* The hash of r->entry without the id that it has. */
static struct span
hash_without_id(struct reader *r, char hashed[ID_SIZE])
{
	entry_del(&r->entry, "id");
	buf_clear(&r->scratch);
	entry_write(&r->entry, &r->scratch);
	return id_from_hash(span_of(r->scratch.data, r->scratch.len - 1), hashed);
}

/* empty_is_none: what is no id is replaced. */
static void
pass(struct reader *r, bool empty_is_none)
{
	struct entry *en = &r->entry;
	struct span id = entry_get(en, "id");
	char hashed[ID_SIZE];

	if (r->id != NULL) {
		id = id_from_field(r, NULL);
		if (id.p == NULL)
			return;
		entry_set(en, "id", id);
	} else if (id.p == NULL) {
		entry_set(en, "id", id_from_hash(en->text, hashed));
	} else if (empty_is_none && !id_is(id)) {
		entry_set(en, "id", hash_without_id(r, hashed));
	}
	stage_emit(r->st, en);
}

void
entry_pass(struct reader *r)
{
	pass(r, false);
}

void
entry_pass_row(struct reader *r)
{
	pass(r, true);
}
