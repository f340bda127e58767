#include "json/children.h"

#include "json/id.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const former[] = {"parent", "index", "count"};

/* In hashed if the parent has none of its own. SPAN_NONE: it is no id. */
static struct span
parent_id(const struct entry *en, char hashed[ID_SIZE], struct err *e)
{
	struct span id = entry_get(en, "id");

	if (id.p == NULL || json_type(id) == JSON_NULL)
		return id_from_hash(en->text, hashed);
	if (id_is(id))
		return id;
	if (json_type(id) == JSON_STRING)
		err_set(e, "'id' is empty");
	else
		err_set(e, "'id' is neither a string nor a number (%s)",
		    json_type_name(json_type(id)));
	return SPAN_NONE;
}

/* The id alone, or the object that keeps what the child's fields would hide. */
static void
make_parent(struct buf *out, const struct entry *en, struct span id)
{
	struct span value;
	bool nested = false;

	buf_clear(out);
	for (size_t i = 0; i < sizeof(former) / sizeof(former[0]); i++) {
		value = entry_get(en, former[i]);
		if (value.p == NULL)
			continue;
		if (!nested) {
			buf_adds(out, "{\"id\":");
			buf_addspan(out, id);
			nested = true;
		}
		buf_addf(out, ",\"%s\":", former[i]);
		buf_addspan(out, value);
	}
	if (nested)
		buf_addc(out, '}');
	else
		buf_addspan(out, id);
}

int
children_begin(
    struct children *c, const struct entry *en, uint64_t count, struct err *e)
{
	char hashed[ID_SIZE];
	struct span id = parent_id(en, hashed, e);

	if (id.p == NULL)
		return -1;
	make_parent(&c->parent, en, id);
	if (json_type(id) == JSON_STRING)
		id = span_of(id.p + 1, id.n - 2);
	buf_clear(&c->id);
	buf_addc(&c->id, '"');
	buf_addspan(&c->id, id);
	buf_addc(&c->id, '/');
	c->stem = c->id.len;
	snprintf(c->count, sizeof(c->count), "%" PRIu64, count);
	return 0;
}

void
children_number(struct children *c, struct entry *en, uint64_t index)
{
	snprintf(c->index, sizeof(c->index), "%" PRIu64, index);
	c->id.len = c->stem;
	buf_adds(&c->id, c->index);
	buf_addc(&c->id, '"');
	entry_set(en, "id", buf_span(&c->id));
	entry_set(en, "parent", buf_span(&c->parent));
	entry_set(en, "index", span_str(c->index));
	entry_set(en, "count", span_str(c->count));
}

/* ---- and back ---- */

static int
read_number(const struct entry *en, const char *name, int64_t least, uint64_t *n,
    struct err *e)
{
	struct span value = entry_get(en, name);
	int64_t i;

	if (value.p == NULL)
		return err_set(e, "no field '%s'", name);
	if (!json_i64(value, &i) || i < least)
		return err_set(
		    e, "'%s' is no whole number from %d on", name, (int)least);
	*n = (uint64_t)i;
	return 0;
}

int
child_read(struct child *c, const struct entry *en, struct err *e)
{
	c->parent = c->id = entry_get(en, "parent");
	if (c->parent.p == NULL)
		return err_set(e, "no field 'parent'");
	if (json_type(c->parent) == JSON_OBJECT)
		c->id = json_get(c->parent, "id");
	if (!id_is(c->id))
		return err_set(e, "'parent' is no id of an entry");
	if (read_number(en, "index", 0, &c->index, e) < 0 ||
	    read_number(en, "count", 1, &c->count, e) < 0)
		return -1;
	if (c->index >= c->count)
		return err_set(e, "'index' is not less than 'count'");
	return 0;
}

void
child_restore(const struct child *c, struct entry *en)
{
	bool nested = json_type(c->parent) == JSON_OBJECT;
	struct span value;

	entry_set(en, "id", c->id);
	for (size_t i = 0; i < sizeof(former) / sizeof(former[0]); i++) {
		value = nested ? json_get(c->parent, former[i]) : SPAN_NONE;
		if (value.p != NULL)
			entry_set(en, former[i], value);
		else
			entry_del(en, former[i]);
	}
}

bool
children_own(struct span name)
{
	for (size_t i = 0; i < sizeof(former) / sizeof(former[0]); i++)
		if (span_eq(name, span_str(former[i])))
			return true;
	return span_eq(name, SPAN("id"));
}

void
children_release(struct children *c)
{
	buf_release(&c->parent);
	buf_release(&c->id);
}
