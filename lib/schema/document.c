#include "schema/internal.h"

#include "base/mem.h"
#include "io/num.h"
#include "schema/uri.h"

#include <stdio.h>
#include <stdlib.h>

#define DIALECT    "https://json-schema.org/draft/2020-12/schema"
#define VOCABULARY "https://json-schema.org/draft/2020-12/vocab/"
#define WALK_MAX   ((uint64_t)500000000)
#define STANDARD   (CORE | APPLICATOR | VALIDATION | UNEVALUATED | FORMAT)

/* share/metaschemas.json: the specification's own, by their URIs. */
extern const char metaschemas_json[];
__asm__(".pushsection .rodata\n"
	"metaschemas_json: .incbin \"share/metaschemas.json\"\n"
	".byte 0\n"
	".popsection");

void *
schema_grow(void *p, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return p;
	*cap = *cap == 0 ? 16 : *cap * 2;
	return mem_resize(p, *cap, size);
}

int
schema_fail(struct schema *s, uint32_t document, const struct value *at,
    struct err *e, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	buf_addspan(&text, buf_span(&s->documents[document]->uri));
	buf_addc(&text, '#');
	if (at != NULL)
		value_pointer(&text, at);
	if (text.len > 300) {
		text.len = 300;
		buf_adds(&text, "...");
	}
	buf_adds(&text, ": ");
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	err_set(e, "%s", buf_cstr(&text));
	buf_release(&text);
	return -1;
}

/* Of a text that a message shows. */
static int
short_length(struct span s)
{
	return s.n > 200 ? 200 : (int)s.n;
}

uint32_t
document_add(struct schema *s, struct span uri, struct span text)
{
	struct document *d = mem_zero(1, sizeof(*d));
	uint32_t number = (uint32_t)s->ndocuments;

	d->uri = d->also = d->text = BUF_INIT;
	d->tree = TREE_INIT;
	uri_resolve(&d->uri, SPAN(""), uri);
	buf_addspan(&d->text, text);
	s->documents = schema_grow(s->documents, s->ndocuments, &s->documents_cap,
	    sizeof(struct document *));
	s->documents[s->ndocuments++] = d;
	uri = buf_span(&d->uri);
	names_put(&s->unscanned, uri, value_hash_text(uri), number);
	return number;
}

void
document_alias(struct schema *s, uint32_t document, struct span uri)
{
	struct buf *also = &s->documents[document]->also;
	uint64_t hash = value_hash_text(uri);

	if (names_find(&s->unscanned, uri, hash) != NAMES_NONE)
		return;
	buf_addspan(also, uri);
	names_put(&s->unscanned, buf_span(also), hash, document);
}

void
document_free(struct document *d)
{
	buf_release(&d->uri);
	buf_release(&d->also);
	buf_release(&d->text);
	tree_release(&d->tree);
	free(d->schemas);
	free(d->resources);
	free(d->nodes);
	free(d);
}

static int
document_parse(struct schema *s, uint32_t number, struct err *e)
{
	struct document *d = s->documents[number];
	struct span text = buf_span(&d->text);
	struct json_fault f;

	if (d->parsed)
		return 0;
	if (json_check(text, &f) != 0)
		return schema_fail(
		    s, number, NULL, e, "not JSON: byte %zu: %s", f.at + 1, f.what);
	if (tree_parse(&d->tree, text) != 0)
		return schema_fail(s, number, NULL, e, "4 GB is too large");
	d->schemas = mem_zero(d->tree.n, sizeof(*d->schemas));
	d->resources = mem_zero(d->tree.n, sizeof(*d->resources));
	d->nodes = mem_zero(d->tree.n, sizeof(*d->nodes));
	d->parsed = true;
	return 0;
}

/* ---- dialects ---- */

static unsigned
vocabulary_bit(struct span uri)
{
	static const struct {
		const char *name;
		unsigned bit;
	} known[] = {
	    {"core", CORE},
	    {"applicator", APPLICATOR},
	    {"validation", VALIDATION},
	    {"unevaluated", UNEVALUATED},
	    {"format-annotation", FORMAT},
	    {"format-assertion", FORMAT | ASSERTION},
	    {"meta-data", CORE},
	    {"content", CORE},
	};

	if (!span_starts(uri, SPAN(VOCABULARY)))
		return 0;
	uri.p += sizeof(VOCABULARY) - 1;
	uri.n -= sizeof(VOCABULARY) - 1;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (span_eq(uri, span_str(known[i].name)))
			return known[i].bit;
	return 0;
}

static uint32_t
document_known(struct schema *s, struct span uri)
{
	uint32_t number = names_find(&s->unscanned, uri, value_hash_text(uri));
	struct span text;
	struct buf name = BUF_INIT;

	if (number != NAMES_NONE ||
	    !span_starts(uri, SPAN("https://json-schema.org/")))
		return number;
	buf_addspan(&name, uri);
	text = json_get(span_str(metaschemas_json), buf_cstr(&name));
	if (text.p != NULL)
		number = document_add(s, uri, text);
	buf_release(&name);
	return number;
}

static int
read_vocabularies(struct schema *s, uint32_t number, unsigned *bits, struct err *e)
{
	const struct tree *t = &s->documents[number]->tree;
	const struct value *list = value_named(t, t->values, "$vocabulary");
	unsigned bit;

	*bits = STANDARD;
	if (list == NULL)
		return 0;
	*bits = CORE;
	for (const struct value *v = value_first(list); v != NULL;
	     v = value_next(list, v)) {
		bit = vocabulary_bit(v->key);
		if (bit == 0 && v->type == JSON_TRUE)
			return schema_fail(
			    s, number, v, e, "a vocabulary that is not known");
		*bits |= bit;
	}
	return 0;
}

/* What the metaschema of that name allows. */
static int
find_dialect(struct schema *s, uint32_t document, const struct value *name,
    unsigned *bits, struct err *e)
{
	struct span uri = name->text;
	uint32_t metaschema;

	if (uri.n > 0 && uri.p[uri.n - 1] == '#')
		uri.n--;
	*bits = STANDARD;
	if (span_eq(uri, SPAN(DIALECT)))
		return 0;
	metaschema = document_known(s, uri);
	if (metaschema == NAMES_NONE)
		return schema_fail(s, document, name, e,
		    "the dialect %.*s is not known: use " DIALECT,
		    short_length(uri), uri.p);
	if (document_parse(s, metaschema, e) != 0)
		return -1;
	return read_vocabularies(s, metaschema, bits, e);
}

/* ---- scanning ---- */

static int
add_anchor(struct schema *s, uint32_t document, uint32_t resource,
    const struct value *at, const struct value *name, bool dynamic, struct err *e)
{
	uint64_t hash = value_hash_text(name->text);
	uint64_t placed = anchor_hash(hash, resource);
	uint32_t known = names_find(&s->by_anchor, name->text, placed);

	if (known != NAMES_NONE) {
		if (s->anchors[known].at != at)
			return schema_fail(
			    s, document, name, e, "another schema has this anchor");
		s->anchors[known].dynamic |= dynamic;
		return 0;
	}
	names_put(&s->by_anchor, name->text, placed, (uint32_t)s->nanchors);
	s->anchors = schema_grow(
	    s->anchors, s->nanchors, &s->anchors_cap, sizeof(*s->anchors));
	s->anchors[s->nanchors++] = (struct anchor){
	    name->text, hash, document, 0, at, dynamic};
	return 0;
}

static void
name_resource(struct schema *s, struct span uri, uint32_t resource)
{
	uint64_t hash = value_hash_text(uri);

	if (names_find(&s->by_uri, uri, hash) == NAMES_NONE)
		names_put(&s->by_uri, uri, hash, resource);
}

/* at has an $id, or is the root of its document. */
static int
add_resource(struct schema *s, uint32_t document, const struct value *at,
    const struct value *id, struct span base, unsigned vocabularies, struct err *e)
{
	struct resource r = {.uri = BUF_INIT,
	    .document = document,
	    .root = at,
	    .vocabularies = vocabularies};
	struct span uri;
	struct uri parts;

	uri_resolve(&r.uri, base, id == NULL ? SPAN("") : id->text);
	s->resources = schema_grow(
	    s->resources, s->nresources, &s->resources_cap, sizeof(*s->resources));
	s->resources[s->nresources++] = r;
	uri = buf_span(&r.uri);
	if (id != NULL) {
		uri_split(&parts, id->text);
		if (parts.fragment.n > 0)
			return schema_fail(
			    s, document, id, e, "must have no fragment");
		if (names_find(&s->by_uri, uri, value_hash_text(uri)) != NAMES_NONE)
			return schema_fail(
			    s, document, id, e, "another schema has this $id");
	}
	name_resource(s, uri, (uint32_t)s->nresources - 1);
	return 0;
}

/* The resource of a schema that is an object, and its anchors. */
static int
scan_names(
    struct schema *s, uint32_t document, const struct value *at, struct err *e)
{
	struct document *d = s->documents[document];
	size_t i = (size_t)(at - d->tree.values);
	const struct value *id = value_named(&d->tree, at, "$id");
	const struct value *dialect = value_named(&d->tree, at, "$schema");
	const struct value *name;
	unsigned vocabularies = STANDARD;
	struct span base = buf_span(&d->uri);

	if ((id != NULL && id->type != JSON_STRING) ||
	    (dialect != NULL && dialect->type != JSON_STRING))
		return schema_fail(
		    s, document, id != NULL ? id : dialect, e, "must be a string");
	if (id != NULL || i == 0) {
		if (i > 0) {
			base = buf_span(&s->resources[d->resources[i]].uri);
			vocabularies = s->resources[d->resources[i]].vocabularies;
		}
		if (dialect != NULL &&
		    find_dialect(s, document, dialect, &vocabularies, e) != 0)
			return -1;
		if (add_resource(s, document, at, id, base, vocabularies, e) != 0)
			return -1;
		d->resources[i] = (uint32_t)s->nresources - 1;
	}
	name = value_named(&d->tree, at, "$anchor");
	if (name != NULL && name->type == JSON_STRING &&
	    add_anchor(s, document, d->resources[i], at, name, false, e) != 0)
		return -1;
	name = value_named(&d->tree, at, "$dynamicAnchor");
	if (name != NULL && name->type == JSON_STRING)
		return add_anchor(s, document, d->resources[i], at, name, true, e);
	return 0;
}

/* Marks the schemas right below a keyword. */
static void
scan_below(struct document *d, enum shape shape, const struct value *v)
{
	if (shape == SHAPE_SCHEMA)
		d->schemas[v - d->tree.values] = SCHEMA_FOUND;
	if (shape != SHAPE_SCHEMAS && shape != SHAPE_MAP)
		return;
	for (const struct value *c = value_first(v); c != NULL;
	     c = value_next(v, c))
		d->schemas[c - d->tree.values] = SCHEMA_FOUND;
}

static int
scan_keywords(
    struct schema *s, uint32_t document, const struct value *at, struct err *e)
{
	struct document *d = s->documents[document];
	uint32_t resource = d->resources[at - d->tree.values];
	const struct value *where;
	const char *fault;
	enum keyword kw;

	for (const struct value *v = value_first(at); v != NULL;
	     v = value_next(at, v)) {
		kw = keyword_find(v->key, s->resources[resource].vocabularies);
		if (kw == KW_COUNT)
			continue;
		fault = shape_fault(keyword_shape(kw), v, &where);
		if (fault != NULL)
			return schema_fail(s, document, where, e, "%s", fault);
		scan_below(d, keyword_shape(kw), v);
	}
	return 0;
}

/* All in the value at i, which is a schema; its parents have been. */
static int
scan_from(struct schema *s, uint32_t document, size_t i, struct err *e)
{
	struct document *d = s->documents[document];
	const struct value *values = d->tree.values;
	size_t end = i + values[i].size;

	d->schemas[i] = SCHEMA_FOUND;
	for (; i < end; i++) {
		if (d->schemas[i] == SCHEMA_SCANNED) {
			i += values[i].size - 1;
			continue;
		}
		if (i > 0)
			d->resources[i] = d->resources[i - values[i].up];
		if (d->schemas[i] == NOT_SCHEMA)
			continue;
		d->schemas[i] = SCHEMA_SCANNED;
		if (values[i].type != JSON_OBJECT)
			continue;
		if (scan_names(s, document, &values[i], e) != 0 ||
		    scan_keywords(s, document, &values[i], e) != 0)
			return -1;
	}
	return 0;
}

int
document_scan(struct schema *s, uint32_t document, struct err *e)
{
	struct document *d = s->documents[document];
	const struct value *where;
	const char *fault;

	if (d->scanned)
		return 0;
	if (document_parse(s, document, e) != 0)
		return -1;
	d->scanned = true;
	fault = shape_fault(SHAPE_SCHEMA, d->tree.values, &where);
	if (fault != NULL)
		return schema_fail(s, document, where, e, "%s", fault);
	/* true and false have no $id. */
	if (d->tree.values->type != JSON_OBJECT &&
	    add_resource(s, document, d->tree.values, NULL, buf_span(&d->uri),
		STANDARD, e) != 0)
		return -1;
	if (d->tree.values->type != JSON_OBJECT)
		d->resources[0] = (uint32_t)s->nresources - 1;
	if (scan_from(s, document, 0, e) != 0)
		return -1;
	name_resource(s, buf_span(&d->uri), d->resources[0]);
	return 0;
}

/* ---- references ---- */

static void
take_token(struct buf *out, struct span token)
{
	for (size_t i = 0; i < token.n; i++) {
		if (token.p[i] == '~' && i + 1 < token.n &&
		    (token.p[i + 1] == '0' || token.p[i + 1] == '1'))
			buf_addc(out, token.p[++i] == '0' ? '~' : '/');
		else
			buf_addc(out, token.p[i]);
	}
}

static const struct value *
element(struct schema *s, const struct value *array, struct span number)
{
	const struct value *v = value_first(array);
	uint64_t n;

	if (num_u64(number, &n) != 0 || (number.n > 1 && *number.p == '0') ||
	    n >= array->count)
		return NULL;
	s->walked += n;
	if (s->walked > WALK_MAX)
		return NULL;
	while (n-- > 0)
		v = value_next(array, v);
	return v;
}

/* RFC 6901. */
static const struct value *
follow_pointer(struct schema *s, const struct tree *t, const struct value *v,
    struct span pointer)
{
	struct buf token = BUF_INIT;
	const char *p = pointer.p, *end = p + pointer.n, *q;

	while (v != NULL && p < end) {
		q = memchr(p + 1, '/', (size_t)(end - p - 1));
		if (q == NULL)
			q = end;
		buf_clear(&token);
		take_token(&token, span_of(p + 1, (size_t)(q - p - 1)));
		if (v->type == JSON_ARRAY)
			v = element(s, v, buf_span(&token));
		else
			v = value_get(t, v, buf_span(&token),
			    value_hash_text(buf_span(&token)));
		p = q;
	}
	buf_release(&token);
	return v;
}

static int
find_resource(struct schema *s, struct span uri, uint32_t *resource, struct err *e)
{
	uint64_t hash = value_hash_text(uri);
	uint32_t document;

	*resource = names_find(&s->by_uri, uri, hash);
	if (*resource != NAMES_NONE)
		return 0;
	document = document_known(s, uri);
	if (document == NAMES_NONE) {
		*resource = NAMES_NONE;
		return 0;
	}
	if (document_scan(s, document, e) != 0)
		return -1;
	*resource = names_find(&s->by_uri, uri, hash);
	if (*resource == NAMES_NONE)
		*resource = s->documents[document]->resources[0];
	return 0;
}

static int
find_fragment(struct schema *s, uint32_t resource, struct span fragment,
    struct place *place, struct err *e)
{
	const struct resource *r = &s->resources[resource];
	struct document *d = s->documents[r->document];
	uint32_t anchor;
	size_t i;

	*place = (struct place){r->document, r->root, NULL};
	if (fragment.n > 0 && *fragment.p != '/') {
		anchor = names_find(&s->by_anchor, fragment,
		    anchor_hash(value_hash_text(fragment), resource));
		if (anchor == NAMES_NONE)
			return err_set(e, "nothing has that anchor");
		place->anchor = &s->anchors[anchor];
		place->at = place->anchor->at;
		return 0;
	}
	place->at = follow_pointer(s, &d->tree, r->root, fragment);
	if (s->walked > WALK_MAX)
		return err_set(e, "too many references into large arrays");
	if (place->at == NULL)
		return err_set(e, "nothing is there");
	if (place->at->type != JSON_OBJECT && place->at->type != JSON_TRUE &&
	    place->at->type != JSON_FALSE)
		return err_set(e, "there is no schema");
	i = (size_t)(place->at - d->tree.values);
	return d->schemas[i] == SCHEMA_SCANNED ? 0
					       : scan_from(s, r->document, i, e);
}

int
reference_find(struct schema *s, uint32_t resource, const struct value *reference,
    struct place *place, struct err *e)
{
	uint32_t document = s->resources[resource].document, target;
	struct buf uri = BUF_INIT, fragment = BUF_INIT;
	struct err why = ERR_INIT;
	struct uri parts;
	int rc;

	uri_split(&parts, reference->text);
	uri_resolve(&uri, buf_span(&s->resources[resource].uri), reference->text);
	uri_decode(&fragment, parts.fragment);
	rc = find_resource(s, buf_span(&uri), &target, e);
	if (rc == 0 && target == NAMES_NONE)
		rc = schema_fail(s, document, reference, e,
		    "no document %.*s: none is ever fetched",
		    short_length(buf_span(&uri)), buf_span(&uri).p);
	else if (rc == 0 &&
		 find_fragment(s, target, buf_span(&fragment), place, &why) != 0)
		rc = schema_fail(s, document, reference, e, "%.*s: %s",
		    short_length(reference->text), reference->text.p, why.text);
	buf_release(&uri);
	buf_release(&fragment);
	return rc;
}
