#include "read.h"

#include "base/mem.h"

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

void
places_by(struct reader *r, const char *(*where)(struct reader *r), void *input)
{
	r->where = where;
	r->input = input;
}

const char *
place(struct reader *r, const struct file *f, uint64_t line)
{
	buf_clear(&r->place);
	buf_addf(&r->place, "%s:%" PRIu64, file_name(f), line);
	return buf_cstr(&r->place);
}

/* Puts out r->fields, which is closed, with this id before it; SPAN_NONE: without.
 */
static void
put_fields(struct reader *r, struct span id)
{
	struct buf *out = jsonl_out(&r->st->out);
	struct span fields = buf_span(&r->fields);

	if (id.p != NULL) {
		buf_adds(out, "{\"id\":");
		buf_addspan(out, id);
		buf_addc(out, ',');
		fields = span_of(fields.p + 1, fields.n - 1);
	}
	buf_addspan(out, fields);
	buf_addc(out, '\n');
	jsonl_written(&r->st->out);
}

void
entry_end(struct reader *r, const char *where)
{
	struct json_fault fault;
	char hashed[ID_SIZE];
	struct span id;

	buf_addc(&r->fields, '}');
	if (r->ids.from == ID_NONE) {
		put_fields(r, SPAN_NONE);
	} else if (r->ids.from == ID_HASH) {
		put_fields(r, id_from_hash(buf_span(&r->fields), hashed));
	} else if (entry_parse(&r->entry, buf_span(&r->fields), &fault) == 0) {
		/* Anything else cannot be: it was made here. */
		id = ids_make(r, where, hashed);
		if (id.p != NULL)
			put_fields(r, id);
	}
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

/* By the hash, an entry has an id already unless it is none; see entry_pass_row().
 */
static void
hash_if_none(struct reader *r, bool empty_is_none, char hashed[ID_SIZE])
{
	struct span id = entry_get(&r->entry, "id");

	if (id.p == NULL)
		entry_set(&r->entry, "id", id_from_hash(r->entry.text, hashed));
	else if (empty_is_none && !id_is(id))
		entry_set(&r->entry, "id", hash_without_id(r, hashed));
}

static void
pass(struct reader *r, bool empty_is_none)
{
	char hashed[ID_SIZE];
	struct span id;

	if (r->ids.from == ID_HASH) {
		hash_if_none(r, empty_is_none, hashed);
	} else if (r->ids.from != ID_NONE) {
		id = ids_make(r, NULL, hashed);
		if (id.p == NULL)
			return;
		entry_set(&r->entry, "id", id);
	}
	stage_emit(r->st, &r->entry);
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
