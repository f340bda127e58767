#include "answer/checked.h"

#include "json/path.h"

#define MENDS_MAX 1000 /* values of one answer */

/* ---- mending ---- */

/* A string that holds a number or a word of JSON, and nothing else, is that. */
static bool
unquote(struct span value, struct buf *out)
{
	struct buf scratch = BUF_INIT;
	struct json_fault fault;
	struct span text;
	bool good;

	good = json_text(value, &scratch, &text) && json_check(text, &fault) == 0 &&
	       json_type(text) <= JSON_NUMBER;
	if (good)
		json_compact(out, text);
	buf_release(&scratch);
	return good;
}

/* A number or a word, as a string. */
static bool
quote(struct span value, struct buf *out)
{
	if (json_type(value) > JSON_NUMBER || json_type(value) == JSON_NULL)
		return false;
	buf_addc(out, '"');
	buf_addspan(out, value);
	buf_addc(out, '"');
	return true;
}

/* A single value, as the array of it. */
static bool
wrap(struct span value, struct buf *out)
{
	if (json_type(value) == JSON_ARRAY)
		return false;
	buf_addc(out, '[');
	buf_addspan(out, value);
	buf_addc(out, ']');
	return true;
}

typedef bool mend(struct span value, struct buf *out);
static mend *const mends[] = {unquote, quote, wrap};

/* A place where the type is wrong, and the span of what is there; false: none left.
 */
static bool
wrong_type(struct schema *s, size_t *i, struct span value, struct span *at)
{
	struct schema_error error;
	struct err e = ERR_INIT;
	struct path *path;

	for (; *i < schema_errors(s); ++*i) {
		schema_error(s, *i, &error);
		if (!span_eq(error.keyword, SPAN("type")))
			continue;
		*at = value;
		if (error.instance.n == 0)
			return true;
		path = path_parse(error.instance, &e);
		*at = path == NULL ? SPAN_NONE : path_find(path, value);
		path_free(path);
		if (at->p != NULL)
			return true;
	}
	return false;
}

/* How many errors there are, of which some may be unsaid. */
static size_t
count(const struct schema *s)
{
	return schema_errors(s) + schema_unsaid(s);
}

static void
splice(struct buf *value, struct span whole, struct span at, struct span by)
{
	size_t before = (size_t)(at.p - whole.p);

	buf_clear(value);
	buf_add(value, whole.p, before);
	buf_addspan(value, by);
	buf_add(value, at.p + at.n, whole.n - before - at.n);
}

/*
 * Mends one value: the first wrong type that some other writing of it makes right.
 * 1: one was; 0: none can be; -1 and e.
 */
static int
mend_one(struct checked *c, struct buf *value, struct err *e)
{
	size_t errors = count(c->schema), i, m;
	struct span whole, at;
	int rc;

	buf_clear(&c->before);
	buf_addspan(&c->before, buf_span(value));
	whole = buf_span(&c->before);
	for (i = 0; wrong_type(c->schema, &i, whole, &at); i++) {
		for (m = 0; m < sizeof(mends) / sizeof(mends[0]); m++) {
			buf_clear(&c->scratch);
			if (!mends[m](at, &c->scratch))
				continue;
			splice(value, whole, at, buf_span(&c->scratch));
			rc = schema_check(c->schema, buf_span(value), e);
			if (rc < 0 || rc == 1 || count(c->schema) < errors)
				return rc < 0 ? -1 : 1;
		}
		/* The errors are those of the value as it was again. */
		buf_clear(value);
		buf_addspan(value, whole);
		if (schema_check(c->schema, buf_span(value), e) < 0)
			return -1;
	}
	return 0;
}

static int
mend_all(struct checked *c, struct buf *value, struct err *e)
{
	uint64_t n = 0;
	int rc = 0, mended;

	while (rc == 0 && n < MENDS_MAX) {
		mended = mend_one(c, value, e);
		if (mended <= 0)
			return mended;
		n++;
		rc = schema_check(c->schema, buf_span(value), e);
	}
	if (rc == 1)
		c->mended += n;
	return rc;
}

/* ---- the verdict ---- */

static void
add_text(struct buf *out, const char *name, struct span text)
{
	buf_addf(out, "\"%s\":", name);
	json_add_string(out, text);
}

/* {"class":"invalid","message":..,"errors":[{"at":..,"keyword":..,"message":..}]}
 */
static void
write_error(struct checked *c)
{
	struct buf *out = &c->error;
	struct schema_error error;

	buf_clear(&c->scratch);
	for (size_t i = 0; i < schema_errors(c->schema); i++) {
		schema_error(c->schema, i, &error);
		buf_adds(&c->scratch, i > 0 ? "; " : "");
		buf_addspan(&c->scratch,
		    error.instance.n == 0 ? SPAN("(root)") : error.instance);
		buf_adds(&c->scratch, ": ");
		buf_addspan(&c->scratch, error.text);
	}
	if (schema_unsaid(c->schema) > 0)
		buf_addf(&c->scratch, "; and %zu more", schema_unsaid(c->schema));
	buf_clear(out);
	buf_addc(out, '{');
	add_text(out, "class", SPAN("invalid"));
	buf_addc(out, ',');
	add_text(out, "message", buf_span(&c->scratch));
	buf_adds(out, ",\"errors\":[");
	for (size_t i = 0; i < schema_errors(c->schema); i++) {
		schema_error(c->schema, i, &error);
		buf_adds(out, i > 0 ? ",{" : "{");
		add_text(out, "at", error.instance);
		buf_addc(out, ',');
		add_text(out, "keyword", error.keyword);
		buf_addc(out, ',');
		add_text(out, "message", error.text);
		buf_addc(out, '}');
	}
	buf_adds(out, "]}");
}

int
checked_value(struct checked *c, struct buf *value, struct err *e)
{
	int rc;

	if (c->schema == NULL)
		return 1;
	rc = schema_check(c->schema, buf_span(value), e);
	if (rc == 0 && c->coerce)
		rc = mend_all(c, value, e);
	if (rc == 0)
		write_error(c);
	return rc;
}

void
checked_release(struct checked *c)
{
	schema_free(c->schema);
	buf_release(&c->error);
	buf_release(&c->scratch);
	buf_release(&c->before);
}
