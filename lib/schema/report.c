#include "schema/internal.h"

#include "io/visible.h"

#include <inttypes.h>
#include <stdlib.h>

#define VALUE_MAX   60  /* bytes of a value that are shown */
#define LIST_MAX    400 /* of an enum */
#define POINTER_MAX 300
#define PATTERN_MAX 200

/* ---- order ---- */

/* Values lie in memory in the order of the text. */
static int
fault_order(const void *va, const void *vb)
{
	const struct fault *a = va, *b = vb;

	if (a->v != b->v)
		return a->v < b->v ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* A schema that is referred to twice says all twice. */
static bool
same(const struct fault *a, const struct fault *b)
{
	return a->v == b->v && a->at == b->at && a->kind == b->kind &&
	       a->detail == b->detail;
}

void
report_sort(struct schema *s)
{
	struct run *r = &s->run;
	size_t n = 0;

	for (size_t i = 0; i < r->nfaults; i++)
		r->faults[i].order = (uint32_t)i;
	if (r->nfaults > 1)
		qsort(r->faults, r->nfaults, sizeof(*r->faults), fault_order);
	for (size_t i = 0; i < r->nfaults; i++) {
		if (n > 0 && same(&r->faults[n - 1], &r->faults[i]))
			continue;
		r->faults[n++] = r->faults[i];
	}
	if (n > s->errors) {
		r->missed += n - s->errors;
		n = s->errors;
	}
	r->nfaults = n;
}

/* ---- words ---- */

/* The first bytes, whole characters. */
static void
add_short(struct buf *out, struct span s, size_t max)
{
	size_t n = s.n;

	if (n > max)
		for (n = max; n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80;)
			n--;
	buf_add(out, s.p, n);
	if (n < s.n)
		buf_adds(out, "...");
}

static void
add_string(struct buf *out, struct span text)
{
	buf_addc(out, '"');
	if (text.n > VALUE_MAX) {
		size_t n = VALUE_MAX;

		while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
			n--;
		json_escape(out, span_of(text.p, n));
		buf_adds(out, "...");
	} else {
		json_escape(out, text);
	}
	buf_addc(out, '"');
}

static void
add_count(struct buf *out, uint64_t n, const char *one, const char *many)
{
	buf_addf(out, "%" PRIu64 " %s", n, n == 1 ? one : many);
}

static void
add_value(struct buf *out, const struct value *v)
{
	switch ((enum json_type)v->type) {
	case JSON_STRING:
		add_string(out, v->text);
		break;
	case JSON_ARRAY:
		buf_adds(out, v->count == 0 ? "an empty array" : "an array of ");
		if (v->count > 0)
			add_count(out, v->count, "item", "items");
		break;
	case JSON_OBJECT:
		buf_adds(out, v->count == 0 ? "an empty object" : "an object of ");
		if (v->count > 0)
			add_count(out, v->count, "member", "members");
		break;
	default:
		add_short(out, v->text, VALUE_MAX);
	}
}

/* Of a schema: all of it if it is short. */
static void
add_literal(struct buf *out, const struct value *v)
{
	struct buf text = BUF_INIT;

	if (v->type == JSON_ARRAY || v->type == JSON_OBJECT) {
		json_compact(&text, v->text);
		add_short(out, buf_span(&text), VALUE_MAX);
	} else {
		add_value(out, v);
	}
	buf_release(&text);
}

static void
add_types(struct buf *out, unsigned types)
{
	static const struct {
		const char *name;
		unsigned bits;
	} all[] = {
	    {"object", 1u << JSON_OBJECT},
	    {"array", 1u << JSON_ARRAY},
	    {"string", 1u << JSON_STRING},
	    {"number", 1u << JSON_NUMBER},
	    {"integer", TYPE_INTEGER},
	    {"boolean", 1u << JSON_TRUE},
	    {"null", 1u << JSON_NULL},
	};
	const char *before = "";

	if ((types & 1u << JSON_NUMBER) != 0)
		types &= ~TYPE_INTEGER;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if ((types & all[i].bits) == 0)
			continue;
		types &= ~all[i].bits;
		/* TRUE and FALSE are one. */
		if (all[i].bits == 1u << JSON_TRUE)
			types &= ~(1u << JSON_FALSE);
		buf_addf(out, "%s%s",
		    *before == '\0' ? ""
		    : types == 0    ? " or "
				    : before,
		    all[i].name);
		before = ", ";
	}
}

static void
add_enum(struct buf *out, const struct value *list)
{
	size_t begin = out->len;
	uint32_t n = 0;

	buf_adds(out, list->count == 1 ? "must be " : "must be one of ");
	for (const struct value *v = value_first(list); v != NULL;
	     v = value_next(list, v), n++) {
		if (n > 0)
			buf_adds(out, ", ");
		if (out->len - begin > LIST_MAX) {
			buf_addf(out, "... (%" PRIu32 " in all)", list->count);
			break;
		}
		add_literal(out, v);
	}
	if (list->count == 0)
		buf_adds(out, "nothing");
}

static void
add_limit(struct buf *out, const char *least, const struct op *op, const char *one,
    const char *many)
{
	buf_addf(out, "must have %s ", least);
	add_short(out, op->at->text, VALUE_MAX);
	buf_addf(out, " %s", op->limit == 1 ? one : many);
}

static void
add_keyword(struct buf *out, struct span name)
{
	buf_adds(out, " (");
	buf_addspan(out, name);
	buf_addc(out, ')');
}

/* What was there. */
static void
add_is(struct buf *out, const struct fault *f)
{
	buf_adds(out, ", is ");
	if (f->kind == FAULT_NAME)
		add_string(out, f->v->key);
	else
		add_value(out, f->v);
}

static struct span
fault_keyword(const struct fault *f)
{
	static const enum keyword forbidding[] = {KW_ADDITIONAL, KW_ITEMS,
	    KW_UNEVALUATED_ITEMS, KW_UNEVALUATED_PROPERTIES, KW_PROPERTY_NAMES};

	if (f->kind == FAULT_REPEATED)
		return SPAN("duplicates");
	if (f->op != NULL && f->op->kw == KW_CONTAINS && f->b != 0)
		return keyword_name(KW_MAX_CONTAINS);
	if (f->op != NULL && f->op->kw == KW_CONTAINS &&
	    f->op->contains.at_least != NULL)
		return keyword_name(KW_MIN_CONTAINS);
	if (f->op != NULL)
		return keyword_name(f->op->kw);
	for (size_t i = 0; i < sizeof(forbidding) / sizeof(*forbidding); i++)
		if (span_eq(f->at->key, keyword_name(forbidding[i])))
			return f->at->key;
	return keyword_name(KW_COUNT);
}

static const struct value *
fault_at(const struct fault *f)
{
	if (f->op != NULL && f->op->kw == KW_CONTAINS)
		return f->b != 0                          ? f->op->contains.at_most
		       : f->op->contains.at_least != NULL ? f->op->contains.at_least
							  : f->at;
	return f->at;
}

static void
add_closest(struct buf *out, const struct fault *f)
{
	bool any = f->op->kw == KW_ANY_OF;

	if (f->kind == FAULT_TYPES) {
		buf_adds(out, "must be ");
		add_types(out, (unsigned)f->a);
		add_keyword(out, fault_keyword(f));
		add_is(out, f);
		return;
	}
	buf_addf(out, "must match %s of %" PRIu32 " schemas",
	    any ? "at least one" : "exactly one", f->op->at->count);
	add_keyword(out, fault_keyword(f));
	if (f->detail != NULL)
		buf_addf(out, ", matches numbers %" PRIu64 " and %" PRIu64,
		    f->a + 1, f->b + 1);
	else if (f->op->at->count > 1)
		buf_addf(out, ", comes closest to number %" PRIu64, f->a + 1);
}

/* What was expected; false if nothing needs to be said of what was there. */
static bool
add_expected(struct buf *out, const struct fault *f)
{
	const struct op *op = f->op;

	switch (op->kw) {
	case KW_TYPE:
		buf_adds(out, "must be ");
		add_types(out, op->types);
		return true;
	case KW_ENUM:
		add_enum(out, op->at);
		return true;
	case KW_CONST:
		buf_adds(out, "must be ");
		add_literal(out, op->at);
		return true;
	case KW_MULTIPLE_OF:
		buf_adds(out, "must be a multiple of ");
		break;
	case KW_MAXIMUM:
		buf_adds(out, "must be at most ");
		break;
	case KW_EXCLUSIVE_MAXIMUM:
		buf_adds(out, "must be less than ");
		break;
	case KW_MINIMUM:
		buf_adds(out, "must be at least ");
		break;
	case KW_EXCLUSIVE_MINIMUM:
		buf_adds(out, "must be more than ");
		break;
	case KW_PATTERN:
		buf_adds(out, "must match the pattern ");
		break;
	case KW_FORMAT:
		buf_adds(out, "must be of the format ");
		break;
	case KW_NOT:
		buf_adds(out, "must not match the schema");
		return true;
	default:
		return false;
	}
	add_short(out, op->at->text, PATTERN_MAX);
	return true;
}

static void
add_has(struct buf *out, const struct fault *f, const char *least, const char *one,
    const char *many)
{
	add_limit(out, least, f->op, one, many);
	add_keyword(out, fault_keyword(f));
	buf_addf(out, ", has %" PRIu64, f->a);
	if (f->v->type == JSON_STRING || f->kind == FAULT_NAME) {
		buf_adds(out, ": ");
		add_string(out, f->kind == FAULT_NAME ? f->v->key : f->v->text);
	}
}

static void
add_contains(struct buf *out, const struct fault *f)
{
	uint64_t limit = f->b != 0 ? f->op->contains.most : f->op->contains.least;

	buf_addf(out, "must have at %s ", f->b != 0 ? "most" : "least");
	add_count(out, limit, "item that matches", "items that match");
	add_keyword(out, fault_keyword(f));
	buf_addf(out, ", has %" PRIu64, f->a);
}

/* Of what is not there. */
static void
add_missing(struct buf *out, const struct fault *f)
{
	const struct value *list = f->detail - f->detail->up;

	buf_adds(out, "must have ");
	add_string(out, f->detail->text);
	add_keyword(out, fault_keyword(f));
	if (f->op->kw == KW_DEPENDENT_REQUIRED) {
		buf_adds(out, ", as it has ");
		add_string(out, list->key);
	}
}

static void
add_words(struct buf *out, const struct fault *f)
{
	if (f->kind == FAULT_REPEATED) {
		buf_adds(out, "must not be there a second time");
		return;
	}
	if (f->op == NULL) {
		buf_adds(out, "is not allowed");
		add_keyword(out, fault_keyword(f));
		return;
	}
	if (f->kind == FAULT_NAME)
		buf_adds(out, "its name ");
	switch (f->op->kw) {
	case KW_MAX_LENGTH:
		add_has(out, f, "at most", "character", "characters");
		return;
	case KW_MIN_LENGTH:
		add_has(out, f, "at least", "character", "characters");
		return;
	case KW_MAX_ITEMS:
		add_has(out, f, "at most", "item", "items");
		return;
	case KW_MIN_ITEMS:
		add_has(out, f, "at least", "item", "items");
		return;
	case KW_MAX_PROPERTIES:
		add_has(out, f, "at most", "member", "members");
		return;
	case KW_MIN_PROPERTIES:
		add_has(out, f, "at least", "member", "members");
		return;
	case KW_UNIQUE_ITEMS:
		buf_addf(out,
		    "must not have equal items (uniqueItems), %" PRIu64
		    " and %" PRIu64 " are",
		    f->a, f->b);
		return;
	case KW_CONTAINS:
		add_contains(out, f);
		return;
	case KW_REQUIRED:
	case KW_DEPENDENT_REQUIRED:
		add_missing(out, f);
		return;
	case KW_ANY_OF:
	case KW_ONE_OF:
		add_closest(out, f);
		return;
	default:
		add_expected(out, f);
		add_keyword(out, fault_keyword(f));
		add_is(out, f);
	}
}

/* ---- for callers ---- */

size_t
schema_errors(const struct schema *s)
{
	return s->run.nfaults;
}

size_t
schema_unsaid(const struct schema *s)
{
	return s->run.missed;
}

void
schema_error(struct schema *s, size_t i, struct schema_error *error)
{
	const struct fault *f = &s->run.faults[i];

	buf_clear(&s->pointer);
	buf_clear(&s->location);
	buf_clear(&s->words);
	value_pointer(&s->pointer, f->v);
	if (f->at != NULL) {
		buf_addspan(
		    &s->location, buf_span(&s->documents[f->document]->uri));
		buf_addc(&s->location, '#');
		value_pointer(&s->location, fault_at(f));
	}
	buf_clear(&s->line);
	add_words(&s->words, f);
	visible_add_line(&s->line, buf_span(&s->words));
	*error = (struct schema_error){buf_span(&s->pointer), fault_keyword(f),
	    buf_span(&s->location), buf_span(&s->line)};
}

void
schema_report(struct schema *s, struct buf *out)
{
	struct schema_error error;

	for (size_t i = 0; i < schema_errors(s); i++) {
		schema_error(s, i, &error);
		buf_clear(&s->words);
		add_short(&s->words, error.instance, POINTER_MAX);
		if (error.instance.n == 0)
			buf_adds(out, "(root)");
		visible_add_line(out, buf_span(&s->words));
		buf_adds(out, ": ");
		buf_addspan(out, error.text);
		buf_addc(out, '\n');
	}
	if (s->run.missed > 0)
		buf_addf(out, "and %zu more\n", s->run.missed);
}
