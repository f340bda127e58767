#include "schema/internal.h"

#include "base/mem.h"
#include "schema/ecma.h"
#include "schema/uri.h"

#include <stdlib.h>

/* A node that is being compiled. */
struct builder {
	struct schema *s;
	struct err *e;
	uint32_t node;
	const struct value *kw[KW_COUNT]; /* what its schema has */
};

/* The node of a schema, which is compiled when its turn comes. */
static uint32_t
node_of(struct schema *s, uint32_t document, const struct value *at)
{
	struct document *d = s->documents[document];
	size_t i = (size_t)(at - d->tree.values);

	if (d->nodes[i] != 0)
		return d->nodes[i];
	s->nodes = schema_grow(
	    s->nodes, s->nnodes, &s->nodes_cap, sizeof(*s->nodes));
	s->nodes[s->nnodes] = (struct node){.at = at,
	    .document = document,
	    .resource = d->resources[i],
	    .never = at->type == JSON_FALSE};
	d->nodes[i] = (uint32_t)s->nnodes;
	return (uint32_t)s->nnodes++;
}

/* The same of one in the schema that is being compiled; 0: it has no such. */
static uint32_t
inner(struct builder *b, const struct value *at)
{
	return at == NULL ? 0 : node_of(b->s, b->s->nodes[b->node].document, at);
}

static struct op *
add_op(struct builder *b, enum keyword kw)
{
	struct schema *s = b->s;
	struct op *op;

	s->ops = schema_grow(s->ops, s->nops, &s->ops_cap, sizeof(*s->ops));
	op = &s->ops[s->nops++];
	*op = (struct op){.kw = kw, .at = b->kw[kw]};
	return op;
}

static int
wrong(struct builder *b, const struct value *at, const struct err *why)
{
	return schema_fail(
	    b->s, b->s->nodes[b->node].document, at, b->e, "%s", why->text);
}

/* ---- values ---- */

static unsigned
type_bits(const struct value *name)
{
	switch (*name->text.p) {
	case 'n':
		return name->text.n == 4 ? 1u << JSON_NULL : 1u << JSON_NUMBER;
	case 'b':
		return 1u << JSON_FALSE | 1u << JSON_TRUE;
	case 'o':
		return 1u << JSON_OBJECT;
	case 'a':
		return 1u << JSON_ARRAY;
	case 's':
		return 1u << JSON_STRING;
	default:
		return TYPE_INTEGER;
	}
}

static int
build_type(struct builder *b, struct op *op)
{
	(void)b;
	if (op->at->type == JSON_STRING)
		op->types = type_bits(op->at);
	else
		for (const struct value *v = value_first(op->at); v != NULL;
		     v = value_next(op->at, v))
			op->types |= type_bits(v);
	return 0;
}

static int
build_enum(struct builder *b, struct op *op)
{
	(void)b;
	for (const struct value *v = value_first(op->at); v != NULL;
	     v = value_next(op->at, v))
		names_put(
		    &op->table, v->text, value_hash(v), (uint32_t)(v - op->at));
	return 0;
}

static int
build_number(struct builder *b, struct op *op)
{
	(void)b;
	decimal_parse(&op->number, op->at->text);
	return 0;
}

static uint64_t
count_of(const struct value *v, uint64_t otherwise)
{
	struct decimal d;
	uint64_t n;

	if (v == NULL)
		return otherwise;
	decimal_parse(&d, v->text);
	decimal_u64(&d, &n);
	return n;
}

static int
build_count(struct builder *b, struct op *op)
{
	(void)b;
	op->limit = count_of(op->at, 0);
	return 0;
}

static int
build_pattern(struct builder *b, struct op *op)
{
	struct err why = ERR_INIT;

	op->regex = ecma_regex(op->at->text, &why);
	return op->regex != NULL ? 0 : wrong(b, op->at, &why);
}

/* ---- names ---- */

static int
build_required(struct builder *b, struct op *op)
{
	(void)b;
	for (const struct value *v = value_first(op->at); v != NULL;
	     v = value_next(op->at, v))
		names_put(&op->table, v->text, value_hash_text(v->text),
		    (uint32_t)(v - op->at));
	return 0;
}

static int
build_dependent_required(struct builder *b, struct op *op)
{
	(void)b;
	for (const struct value *list = value_first(op->at); list != NULL;
	     list = value_next(op->at, list))
		for (const struct value *v = value_first(list); v != NULL;
		     v = value_next(list, v))
			names_put(&op->table, v->text, value_hash_text(v->text),
			    (uint32_t)(v - op->at));
	return 0;
}

static int
build_patterns(struct builder *b, struct object_ops *o, const struct value *map)
{
	struct err why = ERR_INIT;
	struct pattern_schema *p;

	o->patterns = mem_zero(map->count, sizeof(*o->patterns));
	for (const struct value *v = value_first(map); v != NULL;
	     v = value_next(map, v)) {
		p = &o->patterns[o->npatterns];
		p->at = v;
		p->node = inner(b, v);
		p->regex = ecma_regex(v->key, &why);
		if (p->regex == NULL)
			return wrong(b, v, &why);
		o->npatterns++;
	}
	return 0;
}

/* All that looks at each member is one op. */
static int
build_object(struct builder *b)
{
	const struct value *properties = b->kw[KW_PROPERTIES];
	const struct value *patterns = b->kw[KW_PATTERN_PROPERTIES];
	struct object_ops *o;

	if (properties == NULL && patterns == NULL &&
	    b->kw[KW_ADDITIONAL] == NULL && b->kw[KW_PROPERTY_NAMES] == NULL)
		return 0;
	o = mem_zero(1, sizeof(*o));
	add_op(b, KW_PROPERTIES)->object = o;
	if (properties != NULL)
		for (const struct value *v = value_first(properties); v != NULL;
		     v = value_next(properties, v))
			names_put(&o->properties, v->key, v->hash, inner(b, v));
	o->additional = inner(b, b->kw[KW_ADDITIONAL]);
	o->names = inner(b, b->kw[KW_PROPERTY_NAMES]);
	return patterns == NULL ? 0 : build_patterns(b, o, patterns);
}

/* ---- schemas ---- */

/* Of the schemas in an array or object. */
static void
build_list(struct builder *b, struct op *op)
{
	struct schema *s = b->s;

	op->list.first = (uint32_t)s->nlists;
	if (op->at == NULL)
		return;
	op->list.n = op->at->count;
	for (const struct value *v = value_first(op->at); v != NULL;
	     v = value_next(op->at, v)) {
		s->lists = schema_grow(
		    s->lists, s->nlists, &s->lists_cap, sizeof(*s->lists));
		s->lists[s->nlists++] = inner(b, v);
	}
}

static int
build_ref(struct builder *b, struct op *op)
{
	struct schema *s = b->s;
	struct place place;
	const struct anchor *a;

	if (reference_find(s, s->nodes[b->node].resource, op->at, &place, b->e) !=
	    0)
		return -1;
	op->ref.node = node_of(s, place.document, place.at);
	a = place.anchor;
	if (op->kw == KW_DYNAMIC_REF && a != NULL && a->dynamic) {
		op->ref.name = a->name;
		op->ref.hash = a->hash;
		if (names_find(&s->dynamic, a->name, a->hash) == NAMES_NONE)
			names_put(&s->dynamic, a->name, a->hash, 0);
	}
	return 0;
}

static int
build_contains(struct builder *b)
{
	const struct value *least = b->kw[KW_MIN_CONTAINS];
	const struct value *most = b->kw[KW_MAX_CONTAINS];
	uint32_t node = inner(b, b->kw[KW_CONTAINS]);
	struct op *op;

	if (node == 0)
		return 0;
	op = add_op(b, KW_CONTAINS);
	op->contains.node = node;
	op->contains.least = count_of(least, 1);
	op->contains.most = count_of(most, NO_LIMIT);
	op->contains.at_least = least;
	op->contains.at_most = most;
	return 0;
}

static int
build_items(struct builder *b)
{
	uint32_t rest = inner(b, b->kw[KW_ITEMS]);
	struct op *op;

	if (rest == 0 && b->kw[KW_PREFIX_ITEMS] == NULL)
		return 0;
	op = add_op(b, KW_PREFIX_ITEMS);
	op->list.rest = rest;
	build_list(b, op);
	return 0;
}

static int
build_if(struct builder *b, struct op *op)
{
	op->ref.node = inner(b, op->at);
	op->ref.yes = inner(b, b->kw[KW_THEN]);
	op->ref.no = inner(b, b->kw[KW_ELSE]);
	return 0;
}

static int
build_format(struct builder *b, struct op *op)
{
	const struct node *n = &b->s->nodes[b->node];
	unsigned vocabularies = b->s->resources[n->resource].vocabularies;

	if (b->s->formats || (vocabularies & ASSERTION) != 0)
		op->format = format_find(op->at->text);
	if (op->format == NULL)
		b->s->nops--;
	return 0;
}

/* One that stands alone. */
static int
build_one(struct builder *b, enum keyword kw)
{
	struct op *op = add_op(b, kw);

	switch (kw) {
	case KW_TYPE:
		return build_type(b, op);
	case KW_ENUM:
		return build_enum(b, op);
	case KW_MULTIPLE_OF:
	case KW_MAXIMUM:
	case KW_EXCLUSIVE_MAXIMUM:
	case KW_MINIMUM:
	case KW_EXCLUSIVE_MINIMUM:
		return build_number(b, op);
	case KW_PATTERN:
		return build_pattern(b, op);
	case KW_FORMAT:
		return build_format(b, op);
	case KW_REQUIRED:
		return build_required(b, op);
	case KW_DEPENDENT_REQUIRED:
		return build_dependent_required(b, op);
	case KW_REF:
	case KW_DYNAMIC_REF:
		return build_ref(b, op);
	case KW_ALL_OF:
	case KW_ANY_OF:
	case KW_ONE_OF:
	case KW_DEPENDENT_SCHEMAS:
		build_list(b, op);
		return 0;
	case KW_IF:
		return build_if(b, op);
	case KW_NOT:
	case KW_UNEVALUATED_ITEMS:
	case KW_UNEVALUATED_PROPERTIES:
		op->ref.node = inner(b, op->at);
		return 0;
	case KW_CONST:
		return 0;
	case KW_UNIQUE_ITEMS:
		if (op->at->type == JSON_FALSE)
			b->s->nops--;
		return 0;
	default:
		return build_count(b, op);
	}
}

static int
build_keyword(struct builder *b, enum keyword kw)
{
	switch (kw) {
	case KW_PROPERTIES:
		return build_object(b);
	case KW_PREFIX_ITEMS:
		return build_items(b);
	case KW_CONTAINS:
		return build_contains(b);
	case KW_PATTERN_PROPERTIES: /* part of another's */
	case KW_ADDITIONAL:
	case KW_PROPERTY_NAMES:
	case KW_ITEMS:
	case KW_MIN_CONTAINS:
	case KW_MAX_CONTAINS:
	case KW_THEN:
	case KW_ELSE:
	case KW_ID: /* done */
	case KW_SCHEMA:
	case KW_ANCHOR:
	case KW_DYNAMIC_ANCHOR:
	case KW_DEFS:
		return 0;
	default:
		return b->kw[kw] == NULL ? 0 : build_one(b, kw);
	}
}

static int
build_node(struct schema *s, uint32_t number, struct err *e)
{
	struct builder b = {.s = s, .e = e, .node = number};
	const struct value *at = s->nodes[number].at;
	unsigned vocabularies =
	    s->resources[s->nodes[number].resource].vocabularies;
	uint32_t first = (uint32_t)s->nops;
	enum keyword kw;
	int rc = 0;

	if (at->type != JSON_OBJECT)
		return 0;
	for (const struct value *v = value_first(at); v != NULL;
	     v = value_next(at, v)) {
		kw = keyword_find(v->key, vocabularies);
		if (kw != KW_COUNT)
			b.kw[kw] = v;
	}
	for (kw = 0; kw < KW_COUNT && rc == 0; kw++)
		rc = build_keyword(&b, kw);
	s->nodes[number].first = first;
	s->nodes[number].n = (uint32_t)s->nops - first;
	s->nodes[number].evaluates = b.kw[KW_UNEVALUATED_ITEMS] != NULL ||
				     b.kw[KW_UNEVALUATED_PROPERTIES] != NULL;
	return rc;
}

/* All that can be reached, and what dynamic references may come to. */
static int
build_nodes(struct schema *s, struct err *e)
{
	size_t built = 1;

	do {
		for (; built < s->nnodes; built++)
			if (build_node(s, (uint32_t)built, e) != 0)
				return -1;
		for (size_t i = 0; i < s->nanchors; i++) {
			struct anchor *a = &s->anchors[i];

			if (a->dynamic && a->node == 0 &&
			    names_find(&s->dynamic, a->name, a->hash) != NAMES_NONE)
				a->node = node_of(s, a->document, a->at);
		}
	} while (built < s->nnodes);
	return 0;
}

/* ---- schemas as a whole ---- */

static void
add_document(struct schema *s, const struct schema_document *document)
{
	uint32_t number = document_add(s, document->uri, document->text);
	const struct document *d = s->documents[number];
	struct buf uri = BUF_INIT, scratch = BUF_INIT;
	struct json_fault f;
	struct span id;

	/* What is wrong with it is said when it is referred to. */
	if (json_check(document->text, &f) == 0 &&
	    json_text(
		json_get(json_value(buf_span(&d->text)), "$id"), &scratch, &id)) {
		uri_resolve(&uri, buf_span(&d->uri), id);
		document_alias(s, number, buf_span(&uri));
	}
	buf_release(&uri);
	buf_release(&scratch);
}

struct schema *
schema_compile(struct span text, const struct schema_options *o, struct err *e)
{
	static const struct schema_options none;
	struct schema *s = mem_zero(1, sizeof(*s));
	uint32_t root;

	if (o == NULL)
		o = &none;
	s->formats = o->formats;
	s->refuse_duplicates = o->refuse_duplicates;
	s->errors = o->errors != 0 ? o->errors : SCHEMA_ERRORS_DEFAULT;
	s->steps = o->steps;
	s->run.tree = TREE_INIT;
	root = document_add(s, o->base.p == NULL ? SPAN("") : o->base, text);
	for (size_t i = 0; i < o->ndocuments; i++)
		add_document(s, &o->documents[i]);
	s->lists = schema_grow(
	    s->lists, s->nlists, &s->lists_cap, sizeof(*s->lists));
	/* Node 0 is none. */
	s->nodes = schema_grow(
	    s->nodes, s->nnodes, &s->nodes_cap, sizeof(*s->nodes));
	s->nodes[s->nnodes++] = (struct node){0};
	if (document_scan(s, root, e) == 0) {
		node_of(s, root, s->documents[root]->tree.values);
		if (build_nodes(s, e) == 0) {
			s->run.entered = mem_zero(
			    s->nresources, sizeof(*s->run.entered));
			s->run.scope = mem_zero(
			    s->nresources, sizeof(*s->run.scope));
			return s;
		}
	}
	schema_free(s);
	return NULL;
}

static void
free_object(struct object_ops *o)
{
	for (size_t i = 0; i < o->npatterns; i++)
		regex_free(o->patterns[i].regex);
	free(o->patterns);
	names_release(&o->properties);
	free(o);
}

static void
free_op(struct op *op)
{
	switch (op->kw) {
	case KW_ENUM:
	case KW_REQUIRED:
	case KW_DEPENDENT_REQUIRED:
		names_release(&op->table);
		break;
	case KW_PATTERN:
		regex_free(op->regex);
		break;
	case KW_PROPERTIES:
		free_object(op->object);
		break;
	default:
		break;
	}
}

void
schema_free(struct schema *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->nops; i++)
		free_op(&s->ops[i]);
	for (size_t i = 0; i < s->ndocuments; i++)
		document_free(s->documents[i]);
	for (size_t i = 0; i < s->nresources; i++)
		buf_release(&s->resources[i].uri);
	names_release(&s->by_uri);
	names_release(&s->unscanned);
	names_release(&s->by_anchor);
	names_release(&s->dynamic);
	free(s->documents);
	free(s->resources);
	free(s->anchors);
	free(s->nodes);
	free(s->ops);
	free(s->lists);
	buf_release(&s->pointer);
	buf_release(&s->location);
	buf_release(&s->words);
	buf_release(&s->line);
	run_release(&s->run);
	free(s);
}
