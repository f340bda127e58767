/* schema: a value for each kind of schema. */
#include "schema.h"

#include "io/rng.h"
#include "value.h"

#include <inttypes.h>
#include <strings.h>

#define DEEP    5
#define DEEPEST 64
#define MOST    ((size_t)1 << 20) /* bytes of a text */
#define TRIES   100               /* for an element unlike the others */
#define RANGE   99                /* of a number with one bound, or none */
#define WORD    8
#define EXACT                                                               \
	9007199254740992.0 /* 2^53: beyond it not every integer is a double \
			    */

struct maker {
	struct span root;
	struct rng rng;
	struct buf *out;
	struct err *e;
};

static int make(struct maker *m, struct span schema, int depth);

static uint64_t
draw(struct maker *m, uint64_t n)
{
	return rng_below(&m->rng, n);
}

/* ---- members of a schema ---- */

static bool
type_is(struct span type, const char *name)
{
	size_t n = strlen(name);

	return is_type(type, JSON_STRING) && type.n == n + 2 &&
	       strncasecmp(type.p + 1, name, n) == 0;
}

/* A count such as minItems, which some write as a string. */
static uint64_t
count_of(struct span schema, const char *name, uint64_t otherwise)
{
	struct span value = json_get(schema, name);
	int64_t n;

	if (is_type(value, JSON_STRING))
		value = span_of(value.p + 1, value.n - 2);
	if (value.p == NULL || value.n == 0 || !json_i64(value, &n) || n < 0)
		return otherwise;
	return (uint64_t)n;
}

/* One step of a JSON Pointer (RFC 6901). */
static struct span
step(struct span value, struct span name)
{
	struct buf plain = BUF_INIT;
	struct span found = SPAN_NONE;
	int64_t index;

	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '~' && i + 1 < name.n)
			buf_addc(&plain, name.p[++i] == '1' ? '/' : '~');
		else
			buf_addc(&plain, name.p[i]);
	}
	if (json_type(value) == JSON_OBJECT)
		found = json_get(value, buf_cstr(&plain));
	else if (json_type(value) == JSON_ARRAY && name.n > 0 && name.n < 10 &&
		 *name.p != '-' && json_i64(name, &index))
		found = json_at(value, (size_t)index);
	buf_release(&plain);
	return found;
}

/* "#/$defs/name" */
static struct span
resolve(struct span root, struct span ref)
{
	struct span value = root, rest;
	const char *slash;

	if (!is_type(ref, JSON_STRING) || ref.n < 3 || ref.p[1] != '#')
		return SPAN_NONE;
	rest = span_of(ref.p + 2, ref.n - 3);
	while (rest.n > 0 && *rest.p == '/' && value.p != NULL) {
		rest = span_of(rest.p + 1, rest.n - 1);
		slash = rest.n == 0 ? NULL : memchr(rest.p, '/', rest.n);
		if (slash == NULL)
			slash = rest.p + rest.n;
		value = step(value, span_of(rest.p, (size_t)(slash - rest.p)));
		rest = span_of(slash, rest.n - (size_t)(slash - rest.p));
	}
	return rest.n == 0 ? value : SPAN_NONE;
}

/* ---- strings ---- */

static const char *
example_of(struct span format)
{
	static const struct {
		const char *format, *text;
	} examples[] = {
	    {"date-time", "2024-01-31T12:00:00Z"},
	    {"date", "2024-01-31"},
	    {"time", "12:00:00Z"},
	    {"duration", "PT1H"},
	    {"email", "mock@example.com"},
	    {"hostname", "mock.example.com"},
	    {"ipv4", "192.0.2.1"},
	    {"ipv6", "2001:db8::1"},
	    {"uri", "https://example.com/mock"},
	    {"uuid", "123e4567-e89b-42d3-a456-426614174000"},
	};

	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++)
		if (format.p != NULL && json_is(format, examples[i].format))
			return examples[i].text;
	return NULL;
}

static int
make_string(struct maker *m, struct span schema)
{
	uint64_t least = count_of(schema, "minLength", 0);
	uint64_t most = count_of(schema, "maxLength", UINT64_MAX);
	const char *example = example_of(json_get(schema, "format"));
	uint64_t n = WORD;

	if (json_get(schema, "pattern").p != NULL)
		return err_set(m->e, "bf-mock cannot satisfy 'pattern'");
	if (example != NULL) {
		json_add_string(m->out, span_str(example));
		return 0;
	}
	if (n < least)
		n = least;
	if (n > most)
		n = most;
	if (n < least || n > MOST)
		return err_set(m->e, "no string has a length of 'minLength'");
	buf_addc(m->out, '"');
	for (uint64_t i = 0; i < n; i++)
		buf_addc(m->out, (char)('a' + draw(m, 26)));
	buf_addc(m->out, '"');
	return 0;
}

/* ---- numbers ---- */

struct bounds {
	double low, high, multiple; /* multiple 0: none */
	bool has_low, has_high, open_low, open_high;
};

/* exclusive* is a bound of its own or, as in older drafts, says that the other is
 * one. */
static void
read_bound(struct span schema, const char *name, const char *exclusive,
    double *bound, bool *has, bool *open)
{
	struct span value = json_get(schema, name);
	struct span strict = json_get(schema, exclusive);
	double d;

	*has = is_type(value, JSON_NUMBER) && json_double(value, bound);
	*open = is_type(strict, JSON_TRUE);
	if (!is_type(strict, JSON_NUMBER) || !json_double(strict, &d))
		return;
	*bound = d;
	*has = *open = true;
}

static void
read_bounds(struct span schema, struct bounds *b)
{
	struct span multiple = json_get(schema, "multipleOf");

	*b = (struct bounds){.multiple = 0};
	read_bound(schema, "minimum", "exclusiveMinimum", &b->low, &b->has_low,
	    &b->open_low);
	read_bound(schema, "maximum", "exclusiveMaximum", &b->high, &b->has_high,
	    &b->open_high);
	if (is_type(multiple, JSON_NUMBER))
		(void)json_double(multiple, &b->multiple);
	if (!b->has_low)
		b->low = b->has_high && b->high < 0 ? b->high - RANGE : 0;
	if (!b->has_high)
		b->high = b->low + RANGE * (b->multiple > 1 ? b->multiple : 1);
}

static bool
is_within(const struct bounds *b, double x)
{
	return (b->open_low && b->has_low ? x > b->low : x >= b->low) &&
	       (b->open_high && b->has_high ? x < b->high : x <= b->high);
}

/* The least multiple of unit, an integer, that is within; then one of those above
 * it. */
static bool
pick_integer(struct maker *m, const struct bounds *b, int64_t unit, int64_t *value)
{
	int64_t low, n = 0;

	if (b->low < -EXACT || b->low > EXACT)
		return false;
	low = (int64_t)b->low / unit * unit;
	while (low < b->low || !is_within(b, (double)low)) {
		if ((double)low > b->high)
			return false;
		low += unit;
	}
	while (n < RANGE && is_within(b, (double)(low + (n + 1) * unit)))
		n++;
	*value = low + (int64_t)draw(m, (uint64_t)n + 1) * unit;
	return true;
}

static int
make_number(struct maker *m, struct span schema, bool whole)
{
	struct bounds b;
	int64_t value, unit = 1;
	double half;

	read_bounds(schema, &b);
	if (b.multiple >= 1 && b.multiple <= EXACT &&
	    (double)(int64_t)b.multiple == b.multiple)
		unit = (int64_t)b.multiple;
	else if (b.multiple != 0 && (whole || b.multiple <= 0))
		return err_set(m->e, "bf-mock cannot satisfy 'multipleOf'");
	else if (b.multiple != 0 && !is_within(&b, 0))
		return err_set(m->e, "bf-mock cannot satisfy 'multipleOf'");
	if (b.multiple != 0 && unit == 1 && b.multiple != 1) {
		buf_addc(m->out, '0');
		return 0;
	}
	if (pick_integer(m, &b, unit, &value)) {
		buf_addi(m->out, value);
		return 0;
	}
	half = b.low / 2 + b.high / 2;
	if (whole || unit != 1 || !is_within(&b, half))
		return err_set(m->e, "no number is within the bounds");
	buf_addf(m->out, "%.17g", half);
	return 0;
}

/* ---- arrays and objects ---- */

static struct span
item_schema(struct span schema, uint64_t i)
{
	struct span prefix = json_get(schema, "prefixItems");
	struct span items = json_get(schema, "items");

	if (is_type(prefix, JSON_ARRAY) && i < json_count(prefix))
		return json_at(prefix, (size_t)i);
	if (is_type(items, JSON_ARRAY)) {
		if (i < json_count(items))
			return json_at(items, (size_t)i);
		items = json_get(schema, "additionalItems");
	}
	return items.p == NULL ? SPAN("true") : items;
}

/* Whether the last of the array that begins at from is one of the others. */
static bool
is_repeated(const struct buf *out, size_t from, size_t at)
{
	struct buf closed = BUF_INIT;
	struct span last = span_of(out->data + at, out->len - at);
	struct json_iter it;
	struct json_member m;
	size_t times = 0;

	buf_add(&closed, out->data + from, out->len - from);
	buf_addc(&closed, ']');
	it = json_iter(buf_span(&closed));
	while (json_next(&it, &m))
		times += span_eq(m.value, last);
	buf_release(&closed);
	return times > 1;
}

static int
make_array(struct maker *m, struct span schema, int depth)
{
	uint64_t least = count_of(schema, "minItems", 0), n = least;
	uint64_t most = count_of(schema, "maxItems", UINT64_MAX);
	bool unique = is_type(json_get(schema, "uniqueItems"), JSON_TRUE);
	size_t from = m->out->len, at;
	int tries = 0;

	if (json_get(schema, "contains").p != NULL)
		return err_set(m->e, "bf-mock cannot satisfy 'contains'");
	if (n == 0 && most > 0 && depth < DEEP &&
	    !is_type(item_schema(schema, 0), JSON_FALSE))
		n = 1;
	if (n > most)
		return err_set(m->e, "'maxItems' is less than 'minItems'");
	buf_addc(m->out, '[');
	for (uint64_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(m->out, ',');
		at = m->out->len;
		do {
			m->out->len = at;
			if (make(m, item_schema(schema, i), depth + 1) == -1)
				return -1;
			if (++tries > TRIES * (int)(i + 1) && unique)
				return err_set(
				    m->e, "bf-mock cannot satisfy 'uniqueItems'");
		} while (unique && is_repeated(m->out, from, at));
	}
	buf_addc(m->out, ']');
	return 0;
}

static bool
holds(struct span array, struct span string)
{
	struct json_iter it;
	struct json_member m;

	if (!is_type(array, JSON_ARRAY))
		return false;
	it = json_iter(array);
	while (json_next(&it, &m))
		if (span_eq(m.value, string))
			return true;
	return false;
}

static int
make_member(
    struct maker *m, struct span key, struct span schema, uint64_t *n, int depth)
{
	if ((*n)++ > 0)
		buf_addc(m->out, ',');
	buf_addspan(m->out, key);
	buf_addc(m->out, ':');
	return make(m, schema, depth + 1);
}

/* The properties that there are schemas for. */
static int
make_properties(struct maker *m, struct span schema, uint64_t *n, int depth)
{
	struct span properties = json_get(schema, "properties");
	struct span required = json_get(schema, "required");
	struct json_iter it;
	struct json_member p;

	if (!is_type(properties, JSON_OBJECT))
		return 0;
	it = json_iter(properties);
	while (json_next(&it, &p)) {
		struct span key = span_of(p.key.p - 1, p.key.n + 2);

		if (depth >= DEEP && !holds(required, key))
			continue;
		if (is_type(p.value, JSON_FALSE) && !holds(required, key))
			continue;
		if (make_member(m, key, p.value, n, depth) == -1)
			return -1;
	}
	return 0;
}

/* What is required beside them. */
static int
make_others(struct maker *m, struct span schema, uint64_t *n, int depth)
{
	struct span properties = json_get(schema, "properties");
	struct span other = json_get(schema, "additionalProperties");
	struct span required = json_get(schema, "required");
	struct json_iter it;
	struct json_member r;

	if (!is_type(required, JSON_ARRAY))
		return 0;
	it = json_iter(required);
	while (json_next(&it, &r)) {
		bool there = false;
		struct json_iter ps;
		struct json_member p;

		if (json_type(r.value) != JSON_STRING)
			return err_set(m->e, "'required' must hold strings");
		if (is_type(properties, JSON_OBJECT)) {
			ps = json_iter(properties);
			while (!there && json_next(&ps, &p))
				there = span_eq(
				    p.key, span_of(r.value.p + 1, r.value.n - 2));
		}
		if (!there &&
		    make_member(m, r.value, other.p == NULL ? SPAN("true") : other,
			n, depth) == -1)
			return -1;
	}
	return 0;
}

static int
make_object(struct maker *m, struct span schema, int depth)
{
	uint64_t n = 0;

	buf_addc(m->out, '{');
	if (make_properties(m, schema, &n, depth) == -1 ||
	    make_others(m, schema, &n, depth) == -1)
		return -1;
	buf_addc(m->out, '}');
	if (n < count_of(schema, "minProperties", 0) ||
	    n > count_of(schema, "maxProperties", UINT64_MAX))
		return err_set(m->e, "bf-mock cannot satisfy 'minProperties' or "
				     "'maxProperties'");
	return 0;
}

/* ---- which of them ---- */

/* The first branch; deep down the first that does not go deeper, else the last. */
static struct span
branch(struct span list, int depth)
{
	struct json_iter it = json_iter(list);
	struct json_member b;
	struct span last = SPAN_NONE;

	while (json_next(&it, &b)) {
		last = b.value;
		if (depth < DEEP)
			break;
		if (json_type(last) == JSON_OBJECT &&
		    json_get(last, "$ref").p == NULL &&
		    !type_is(json_get(last, "type"), "object") &&
		    !type_is(json_get(last, "type"), "array"))
			break;
	}
	return last;
}

/* "type", the first in a list that is not null, or what the other keywords tell. */
static struct span
type_of(struct span schema)
{
	static const struct {
		const char *keyword, *type;
	} tells[] = {
	    {"properties", "\"object\""},
	    {"required", "\"object\""},
	    {"items", "\"array\""},
	    {"prefixItems", "\"array\""},
	    {"minItems", "\"array\""},
	    {"minimum", "\"integer\""},
	    {"maximum", "\"integer\""},
	    {"multipleOf", "\"integer\""},
	};
	struct span type = json_get(schema, "type");
	struct json_iter it;
	struct json_member t;

	if (is_type(type, JSON_ARRAY)) {
		it = json_iter(type);
		type = SPAN("\"null\"");
		while (type_is(type, "null") && json_next(&it, &t))
			type = t.value;
		return type;
	}
	for (size_t i = 0; type.p == NULL && i < sizeof(tells) / sizeof(*tells);
	     i++)
		if (json_get(schema, tells[i].keyword).p != NULL)
			type = span_str(tells[i].type);
	return type.p == NULL ? SPAN("\"string\"") : type;
}

static int
make_typed(struct maker *m, struct span schema, int depth)
{
	struct span type = type_of(schema);

	if (type_is(type, "object"))
		return make_object(m, schema, depth);
	if (type_is(type, "array"))
		return make_array(m, schema, depth);
	if (type_is(type, "string"))
		return make_string(m, schema);
	if (type_is(type, "integer"))
		return make_number(m, schema, true);
	if (type_is(type, "number"))
		return make_number(m, schema, false);
	if (type_is(type, "boolean"))
		buf_adds(m->out, draw(m, 2) == 0 ? "false" : "true");
	else if (type_is(type, "null"))
		buf_adds(m->out, "null");
	else
		return err_set(m->e, "no such type: %.*s",
		    (int)(type.n < 60 ? type.n : 60), type.p);
	return 0;
}

/* Another schema that stands in this one's place; SPAN_NONE if there is none. */
static struct span
other(struct maker *m, struct span schema, int depth)
{
	static const char *const lists[] = {"anyOf", "oneOf", "allOf"};
	struct span list, ref = json_get(schema, "$ref");

	if (ref.p != NULL)
		return resolve(m->root, ref);
	for (size_t i = 0; i < 3; i++) {
		list = json_get(schema, lists[i]);
		if (is_type(list, JSON_ARRAY) && !json_is_empty(list))
			return branch(list, depth);
	}
	return SPAN_NONE;
}

/* What cannot be promised is refused. */
static int
refuse_unmet(struct maker *m, struct span schema)
{
	static const char *const never[] = {"not", "if", "dependentRequired",
	    "dependentSchemas", "propertyNames", "$dynamicRef"};

	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		if (json_get(schema, never[i]).p != NULL)
			return err_set(
			    m->e, "bf-mock cannot satisfy '%s'", never[i]);
	/* Both at once would have to hold. */
	if ((json_get(schema, "$ref").p != NULL ||
		json_get(schema, "anyOf").p != NULL ||
		json_get(schema, "oneOf").p != NULL ||
		json_get(schema, "allOf").p != NULL) &&
	    (json_get(schema, "properties").p != NULL ||
		json_get(schema, "required").p != NULL))
		return err_set(m->e, "bf-mock cannot satisfy 'properties' beside "
				     "'$ref', 'anyOf', 'oneOf' or 'allOf'");
	if (is_type(json_get(schema, "allOf"), JSON_ARRAY) &&
	    json_count(json_get(schema, "allOf")) > 1)
		return err_set(
		    m->e, "bf-mock cannot satisfy 'allOf' of more than one");
	return 0;
}

static int
make(struct maker *m, struct span schema, int depth)
{
	struct span value;

	if (depth > DEEPEST)
		return err_set(m->e, "the schema is recursive without an end");
	if (m->out->len > MOST)
		return err_set(m->e, "the schema asks for more than 1 MiB");
	if (json_type(schema) == JSON_TRUE)
		schema = SPAN("{}");
	if (json_type(schema) != JSON_OBJECT)
		return err_set(m->e, "nothing satisfies this part of the schema");
	if (refuse_unmet(m, schema) == -1)
		return -1;
	if ((value = json_get(schema, "const")).p != NULL) {
		json_compact(m->out, value);
		return 0;
	}
	value = json_get(schema, "enum");
	if (is_type(value, JSON_ARRAY) && !json_is_empty(value)) {
		json_compact(
		    m->out, json_at(value, (size_t)draw(m, json_count(value))));
		return 0;
	}
	if (json_get(schema, "$ref").p != NULL &&
	    resolve(m->root, json_get(schema, "$ref")).p == NULL)
		return err_set(m->e, "'$ref' leads nowhere");
	value = other(m, schema, depth);
	return value.p != NULL ? make(m, value, depth + 1)
			       : make_typed(m, schema, depth);
}

int
schema_make(struct buf *out, struct span schema, uint64_t seed, struct err *e)
{
	struct maker m = {.root = schema, .out = out, .e = e};

	rng_seed(&m.rng, seed);
	return make(&m, schema, 0);
}
