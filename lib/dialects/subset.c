#include "dialects/subset.h"

#include "base/mem.h"
#include "json/path.h"

#include <stdlib.h>

enum { DEPTH_MOST = 64, TARGETS_MOST = 1000 };

#define ROOT "response_format.json_schema.schema"

/* What a $ref led to. */
struct target {
	const char *p; /* where it begins */
	bool done;     /* and leads to itself nowhere */
};

struct walk {
	struct ask *ask;
	struct span root;
	struct target *targets;
	size_t n;
};

/* From a place to the root. */
struct place {
	const struct place *up;
	struct span key; /* NULL and a number: of an array */
	size_t index;
	size_t depth;
};

static int walk(struct walk *w, struct span schema, const struct place *at);

static void
add_place(struct buf *b, const struct place *at)
{
	if (at->up == NULL) {
		buf_adds(b, ROOT);
		return;
	}
	add_place(b, at->up);
	if (at->key.p == NULL)
		buf_addf(b, "[%zu]", at->index);
	else {
		buf_addc(b, '.');
		buf_addspan(b, at->key);
	}
}

static int
refuse(struct walk *w, const char *why, const struct place *at, const char *key)
{
	struct buf where = BUF_INIT;

	add_place(&where, at);
	if (key != NULL)
		buf_addf(&where, ".%s", key);
	ask_refuse(w->ask, why, "%s", buf_cstr(&where));
	buf_release(&where);
	return -1;
}

static int
walk_below(
    struct walk *w, struct span schema, const struct place *up, struct place at)
{
	at.up = up;
	at.depth = up->depth + 1;
	return walk(w, schema, &at);
}

/* Schemas by name, or in an array. */
static int
walk_each(struct walk *w, struct span all, const struct place *up, struct span key)
{
	const struct place at = {.up = up, .key = key, .depth = up->depth};
	struct json_iter it = json_iter(all);
	struct json_member m;
	size_t i = 0;

	while (json_next(&it, &m))
		if (walk_below(w, m.value, &at,
			(struct place){.key = m.key, .index = i++}) != 0)
			return -1;
	return 0;
}

/* ---- references ---- */

static struct span
find_target(struct walk *w, struct span ref)
{
	struct buf scratch = BUF_INIT;
	struct err e = ERR_INIT;
	struct span text, found = SPAN_NONE;
	struct path *p;

	if (json_text(ref, &scratch, &text) && text.n > 0 && *text.p == '#') {
		text = span_of(text.p + 1, text.n - 1);
		if (text.n == 0)
			found = w->root;
		else if (*text.p == '/' && (p = path_parse(text, &e)) != NULL) {
			found = path_find(p, w->root);
			path_free(p);
		}
	}
	buf_release(&scratch);
	return found;
}

static int
follow(struct walk *w, struct span ref, const struct place *at)
{
	struct span target = find_target(w, ref);
	size_t i = 0;

	if (target.p == NULL)
		return refuse(
		    w, "finds nothing in this schema by that", at, "$ref");
	while (i < w->n && w->targets[i].p != target.p)
		i++;
	if (i < w->n)
		return w->targets[i].done
			   ? 0
			   : refuse(w, "takes no schema that refers to itself", at,
				 "$ref");
	if (i == TARGETS_MOST)
		return refuse(w, "is not given so many references", at, "$ref");
	w->targets = mem_resize(w->targets, w->n + 1, sizeof *w->targets);
	w->targets[w->n++] = (struct target){target.p, false};
	if (walk_below(w, target, at, (struct place){.key = SPAN("$ref")}) != 0)
		return -1;
	w->targets[i].done = true;
	return 0;
}

/* ---- keywords ---- */

static bool
is_one_of(struct span key, const char *const *names)
{
	for (; *names != NULL; names++)
		if (json_key_is(key, span_str(*names)))
			return true;
	return false;
}

static int
check_limit(struct walk *w, const struct json_member *m, const struct place *at)
{
	static const char *const limits[] = {"minimum", "maximum",
	    "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
	    "maxLength", "maxItems", "minProperties", "maxProperties", NULL};
	int64_t n;

	for (size_t i = 0; limits[i] != NULL; i++)
		if (json_key_is(m->key, span_str(limits[i])))
			return refuse(w, "takes no such limit", at, limits[i]);
	if (json_key_is(m->key, SPAN("minItems")) &&
	    (!json_i64(m->value, &n) || n < 0 || n > 1))
		return refuse(w, "takes 0 or 1 there", at, "minItems");
	return 0;
}

static int
walk_keyword(struct walk *w, const struct json_member *m, const struct place *at)
{
	static const char *const several[] = {"properties", "patternProperties",
	    "$defs", "definitions", "dependentSchemas", "anyOf", "allOf", "oneOf",
	    "prefixItems", NULL};
	static const char *const one[] = {"items", "additionalItems", "contains",
	    "not", "if", "then", "else", "propertyNames", "unevaluatedItems",
	    "unevaluatedProperties", NULL};

	if (is_one_of(m->key, several) ||
	    (json_key_is(m->key, SPAN("items")) && is_array(m->value)))
		return walk_each(w, m->value, at, m->key);
	if (is_one_of(m->key, one))
		return walk_below(w, m->value, at, (struct place){.key = m->key});
	if (json_key_is(m->key, SPAN("$ref")))
		return follow(w, m->value, at);
	return check_limit(w, m, at);
}

static bool
is_of_objects(struct span schema)
{
	struct span type = json_get(schema, "type");
	struct json_iter it;
	struct json_member m;

	if (json_get(schema, "properties").p != NULL || says(type, "object"))
		return true;
	if (!is_array(type))
		return false;
	it = json_iter(type);
	while (json_next(&it, &m))
		if (says(m.value, "object"))
			return true;
	return false;
}

static int
walk(struct walk *w, struct span schema, const struct place *at)
{
	struct json_iter it = json_iter(schema);
	struct json_member m;

	if (!is_object(schema))
		return 0;
	if (at->depth > DEPTH_MOST)
		return refuse(w, "is not given a schema so deep", at, NULL);
	if (is_of_objects(schema) &&
	    !is_type(json_get(schema, "additionalProperties"), JSON_FALSE))
		return refuse(w, "needs false there", at, "additionalProperties");
	while (json_next(&it, &m))
		if (walk_keyword(w, &m, at) != 0)
			return -1;
	return 0;
}

int
subset_check(struct ask *a, struct span schema)
{
	struct walk w = {.ask = a, .root = schema};
	const struct place root = {.up = NULL};
	int rc = walk(&w, schema, &root);

	free(w.targets);
	return rc;
}
