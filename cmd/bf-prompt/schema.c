#include "schema.h"

#include "schema/load.h"
#include "json/json.h"

#define NAME_MAX_BYTES 64

/* ---- whether it can be strict ---- */

static bool strict(struct span schema);

static bool
has_member(struct span names, struct span name)
{
	struct json_iter it = json_iter(names);
	struct buf scratch = BUF_INIT;
	struct json_member m;
	struct span text;
	bool found = false;

	while (!found && json_next(&it, &m))
		found = json_text(m.value, &scratch, &text) &&
			json_key_is(name, text);
	buf_release(&scratch);
	return found;
}

/* All that it may have it must have, and nothing else. */
static bool
object_is_closed(struct span schema)
{
	struct span required = json_get(schema, "required");
	struct span more = json_get(schema, "additionalProperties");
	struct span properties = json_get(schema, "properties");
	struct json_member m;
	struct json_iter it;

	if (properties.p == NULL || more.p == NULL || json_type(more) != JSON_FALSE)
		return false;
	it = json_iter(properties);
	while (json_next(&it, &m))
		if (required.p == NULL || !has_member(required, m.key))
			return false;
	return true;
}

static bool
all_strict(struct span schemas)
{
	struct json_iter it = json_iter(schemas);
	struct json_member m;

	while (json_next(&it, &m))
		if (!strict(m.value))
			return false;
	return true;
}

static bool
keyword_is_strict(struct span key, struct span value)
{
	static const struct span plain[] = {SPAN_INIT("type"),
	    SPAN_INIT("required"), SPAN_INIT("additionalProperties"),
	    SPAN_INIT("enum"), SPAN_INIT("const"), SPAN_INIT("$ref"),
	    SPAN_INIT("$schema"), SPAN_INIT("title"), SPAN_INIT("description"),
	    SPAN_INIT("pattern"), SPAN_INIT("format"), SPAN_INIT("multipleOf"),
	    SPAN_INIT("minimum"), SPAN_INIT("maximum"),
	    SPAN_INIT("exclusiveMinimum"), SPAN_INIT("exclusiveMaximum"),
	    SPAN_INIT("minItems"), SPAN_INIT("maxItems")};
	static const struct span nested[] = {SPAN_INIT("properties"),
	    SPAN_INIT("anyOf"), SPAN_INIT("$defs"), SPAN_INIT("definitions")};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (json_key_is(key, plain[i]))
			return true;
	for (size_t i = 0; i < sizeof(nested) / sizeof(nested[0]); i++)
		if (json_key_is(key, nested[i]))
			return all_strict(value);
	return json_key_is(key, SPAN("items")) && strict(value);
}

static bool
strict(struct span schema)
{
	struct span type = json_get(schema, "type");
	struct json_iter it = json_iter(schema);
	struct json_member m;

	if (json_type(schema) != JSON_OBJECT)
		return false;
	if ((json_get(schema, "properties").p != NULL ||
		(type.p != NULL && json_is(type, "object"))) &&
	    !object_is_closed(schema))
		return false;
	while (json_next(&it, &m))
		if (!keyword_is_strict(m.key, m.value))
			return false;
	return true;
}

static bool
root_is_strict(struct span schema)
{
	struct span type = json_get(schema, "type");

	return type.p != NULL && json_is(type, "object") &&
	       json_get(schema, "anyOf").p == NULL && strict(schema);
}

/* ---- its name ---- */

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* The last part of a path, less what follows its first dot. */
static struct span
stem(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;

	return span_of(name, strcspn(name, "."));
}

/* In the characters that providers take. */
static void
add_name(struct buf *out, const char *path, struct span schema)
{
	struct span title = json_get(schema, "title"), name;
	struct buf scratch = BUF_INIT;
	size_t n;

	if (title.p == NULL || !json_text(title, &scratch, &name) || name.n == 0)
		name = stem(path);
	n = name.n < NAME_MAX_BYTES ? name.n : NAME_MAX_BYTES;
	for (size_t i = 0; i < n; i++)
		if (is_plain(name.p[i]))
			buf_addc(out, name.p[i]);
		else if (i == 0 || is_plain(name.p[i - 1]))
			buf_addc(out, '_');
	if (n == 0)
		buf_adds(out, "answer");
	buf_release(&scratch);
}

static void
add_format(struct buf *out, const char *path, struct span schema)
{
	buf_adds(out, "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"");
	add_name(out, path, schema);
	buf_addf(out, "\",\"strict\":%s,\"schema\":",
	    root_is_strict(schema) ? "true" : "false");
	buf_addspan(out, schema);
	buf_adds(out, "}}");
}

int
schema_format(const char *path, struct buf *out, struct err *e)
{
	struct buf text = BUF_INIT;
	struct schema *s = schema_load(path, NULL, &text, e);

	if (s != NULL)
		add_format(out, path, buf_span(&text));
	buf_release(&text);
	schema_free(s);
	return s == NULL ? -1 : 0;
}

int
schema_format_text(
    const char *name, struct span text, struct buf *out, struct err *e)
{
	struct schema *s = schema_compile(text, NULL, e);

	if (s == NULL)
		return err_prefix(e, "%s", name);
	add_format(out, name, text);
	schema_free(s);
	return 0;
}
