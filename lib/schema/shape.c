#include "schema/internal.h"

static const struct {
	struct span name;
	unsigned char vocabulary, shape;
} keywords[] = {
#define KEYWORD_ROW(id, name, vocabulary, shape) \
	{SPAN_INIT(name), vocabulary, SHAPE_##shape},
    KEYWORDS(KEYWORD_ROW)};

enum keyword
keyword_find(struct span name, unsigned vocabularies)
{
	for (enum keyword kw = 0; kw < KW_COUNT; kw++)
		if (span_eq(keywords[kw].name, name))
			return (keywords[kw].vocabulary & vocabularies) != 0
				   ? kw
				   : KW_COUNT;
	return KW_COUNT;
}

struct span
keyword_name(enum keyword kw)
{
	return kw < KW_COUNT ? keywords[kw].name : SPAN("false");
}

enum shape
keyword_shape(enum keyword kw)
{
	return keywords[kw].shape;
}

static bool
is_schema(const struct value *v)
{
	return v->type == JSON_OBJECT || v->type == JSON_TRUE ||
	       v->type == JSON_FALSE;
}

static const char *
schema_fault(const struct value *v, const struct value **where)
{
	*where = v;
	return is_schema(v) ? NULL : "a schema must be an object, true or false";
}

static const char *
schemas_fault(
    enum json_type type, const struct value *v, const struct value **where)
{
	const char *fault = NULL;

	if (v->type != type)
		return type == JSON_ARRAY ? "must be an array of schemas"
					  : "must be an object of schemas";
	if (type == JSON_ARRAY && v->count == 0)
		return "must have at least one schema";
	for (const struct value *c = value_first(v); c != NULL && fault == NULL;
	     c = value_next(v, c))
		fault = schema_fault(c, where);
	return fault;
}

static bool
is_type_name(const struct value *v)
{
	static const char *const names[] = {
	    "null", "boolean", "object", "array", "number", "string", "integer"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (v->type == JSON_STRING && span_eq(v->text, span_str(names[i])))
			return true;
	return false;
}

static const char *
type_fault(const struct value *v, const struct value **where)
{
	static const char fault[] = "must be null, boolean, object, array, number, "
				    "string or integer, or an array of these";

	if (v->type != JSON_ARRAY)
		return is_type_name(v) ? NULL : fault;
	for (const struct value *c = value_first(v); c != NULL;
	     c = value_next(v, c)) {
		*where = c;
		if (!is_type_name(c))
			return fault;
	}
	*where = v;
	return v->count == 0 ? fault : NULL;
}

static const char *
names_fault(const struct value *v, const struct value **where)
{
	static const char fault[] = "must be an array of strings";

	*where = v;
	if (v->type != JSON_ARRAY)
		return fault;
	for (const struct value *c = value_first(v); c != NULL;
	     c = value_next(v, c))
		if (c->type != JSON_STRING)
			return fault;
	return NULL;
}

static const char *
names_map_fault(const struct value *v, const struct value **where)
{
	const char *fault = NULL;

	if (v->type != JSON_OBJECT)
		return "must be an object of arrays of strings";
	for (const struct value *c = value_first(v); c != NULL && fault == NULL;
	     c = value_next(v, c))
		fault = names_fault(c, where);
	return fault;
}

static const char *
number_fault(enum shape shape, const struct value *v)
{
	struct decimal d;
	uint64_t n;

	if (v->type != JSON_NUMBER)
		return "must be a number";
	decimal_parse(&d, v->text);
	if (shape == SHAPE_POSITIVE && (d.n == 0 || d.negative))
		return "must be more than 0";
	if (shape == SHAPE_COUNT && !decimal_u64(&d, &n))
		return "must be a whole number, 0 or more";
	return NULL;
}

const char *
shape_fault(enum shape shape, const struct value *v, const struct value **where)
{
	*where = v;
	switch (shape) {
	case SHAPE_ANY:
		break;
	case SHAPE_SCHEMA:
		return schema_fault(v, where);
	case SHAPE_SCHEMAS:
		return schemas_fault(JSON_ARRAY, v, where);
	case SHAPE_MAP:
		return schemas_fault(JSON_OBJECT, v, where);
	case SHAPE_TYPE:
		return type_fault(v, where);
	case SHAPE_ARRAY:
		return v->type == JSON_ARRAY ? NULL : "must be an array";
	case SHAPE_NUMBER:
	case SHAPE_POSITIVE:
	case SHAPE_COUNT:
		return number_fault(shape, v);
	case SHAPE_STRING:
		return v->type == JSON_STRING ? NULL : "must be a string";
	case SHAPE_BOOLEAN:
		return v->type == JSON_TRUE || v->type == JSON_FALSE
			   ? NULL
			   : "must be true or false";
	case SHAPE_NAMES:
		return names_fault(v, where);
	case SHAPE_NAMES_MAP:
		return names_map_fault(v, where);
	}
	return NULL;
}
