/* What becomes the id of an entry: --id and --id-hash. */
#include "read.h"

#include "base/mem.h"
#include "base/msg.h"

#include <stdlib.h>

static int
add_path(struct ids *ids, struct span text, struct err *e)
{
	struct path *p = path_parse(text, e);

	if (p == NULL)
		return -1;
	ids->paths = mem_resize(ids->paths, ids->n + 1, sizeof(*ids->paths));
	ids->paths[ids->n++] = p;
	return 0;
}

int
ids_from_field(struct ids *ids, const char *field, struct err *e)
{
	if (strcmp(field, "none") == 0) {
		ids->from = ID_NONE;
		return 0;
	}
	ids->from = ID_FIELD;
	return add_path(ids, span_str(field), e);
}

/* The next comma that is in no quotes, or the end. */
static const char *
find_comma(const char *p)
{
	bool quoted = false;

	for (; *p != '\0' && (quoted || *p != ','); p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (quoted && *p == '\\' && p[1] != '\0')
			p++;
	}
	return p;
}

int
ids_from_hash(struct ids *ids, const char *fields, struct err *e)
{
	const char *comma;

	ids->from = ID_HASH_OF;
	for (;; fields = comma + 1) {
		comma = find_comma(fields);
		if (add_path(ids, span_of(fields, (size_t)(comma - fields)), e) < 0)
			return -1;
		if (*comma == '\0')
			return 0;
	}
}

void
ids_release(struct ids *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		path_free(ids->paths[i]);
	free(ids->paths);
	buf_release(&ids->text);
}

/* The entry fails, for the field at that path is none of these. */
static struct span
fail(struct reader *r, const struct path *p, const char *where, const char *what)
{
	struct span name = path_text(p);

	if (where == NULL)
		where = r->where(r);
	msg_error("%s: no id: '%.*s' is %s", where, (int)name.n, name.p, what);
	r->st->failed++;
	stage_some_failed(r->st);
	return SPAN_NONE;
}

static struct span
value_of_field(struct reader *r, const char *where)
{
	const struct path *p = r->ids.paths[0];
	struct span value = path_find_entry(p, &r->entry);

	if (id_is(value))
		return value;
	return fail(r, p, where,
	    value.p == NULL                   ? "not there"
	    : json_type(value) == JSON_STRING ? "empty"
					      : json_type_name(json_type(value)));
}

/* Of the array of the values in their canonical form. */
static struct span
hash_of_fields(struct reader *r, const char *where, char hashed[ID_SIZE])
{
	struct ids *ids = &r->ids;
	struct span value;

	buf_clear(&ids->text);
	for (size_t i = 0; i < ids->n; i++) {
		value = path_find_entry(ids->paths[i], &r->entry);
		if (value.p == NULL)
			return fail(r, ids->paths[i], where, "not there");
		buf_addc(&ids->text, i == 0 ? '[' : ',');
		json_canon(&ids->text, value);
	}
	buf_addc(&ids->text, ']');
	return id_from_hash(buf_span(&ids->text), hashed);
}

struct span
ids_make(struct reader *r, const char *where, char hashed[ID_SIZE])
{
	if (r->ids.from == ID_FIELD)
		return value_of_field(r, where);
	return hash_of_fields(r, where, hashed);
}
