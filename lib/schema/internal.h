/*
 * internal: what a compiled schema is.
 *
 * document.c keeps the documents and finds in them what a reference means;
 * shape.c says what may stand where; compile.c makes a node of each schema and
 * an op of each of its keywords; check.c runs them; report.c has the words.
 */
#ifndef BF_SCHEMA_INTERNAL_H
#define BF_SCHEMA_INTERNAL_H

#include "schema/decimal.h"
#include "schema/format.h"
#include "schema/schema.h"
#include "schema/value.h"

#include "io/regex.h"

enum vocabulary {
	CORE = 1,
	APPLICATOR = 2,
	VALIDATION = 4,
	UNEVALUATED = 8,
	ASSERTION = 16, /* formats are asserted */
	FORMAT = 32,
};

enum shape {
	SHAPE_ANY,
	SHAPE_SCHEMA,
	SHAPE_SCHEMAS, /* an array of them */
	SHAPE_MAP,     /* an object of them */
	SHAPE_TYPE,
	SHAPE_ARRAY,
	SHAPE_NUMBER,
	SHAPE_POSITIVE,
	SHAPE_COUNT,
	SHAPE_STRING,
	SHAPE_BOOLEAN,
	SHAPE_NAMES,
	SHAPE_NAMES_MAP,
};

/* In the order in which they are checked: what was evaluated is known last. */
#define KEYWORDS(K)                                                             \
	K(TYPE, "type", VALIDATION, TYPE)                                       \
	K(ENUM, "enum", VALIDATION, ARRAY)                                      \
	K(CONST, "const", VALIDATION, ANY)                                      \
	K(MULTIPLE_OF, "multipleOf", VALIDATION, POSITIVE)                      \
	K(MAXIMUM, "maximum", VALIDATION, NUMBER)                               \
	K(EXCLUSIVE_MAXIMUM, "exclusiveMaximum", VALIDATION, NUMBER)            \
	K(MINIMUM, "minimum", VALIDATION, NUMBER)                               \
	K(EXCLUSIVE_MINIMUM, "exclusiveMinimum", VALIDATION, NUMBER)            \
	K(MAX_LENGTH, "maxLength", VALIDATION, COUNT)                           \
	K(MIN_LENGTH, "minLength", VALIDATION, COUNT)                           \
	K(PATTERN, "pattern", VALIDATION, STRING)                               \
	K(FORMAT, "format", FORMAT, STRING)                                     \
	K(MAX_ITEMS, "maxItems", VALIDATION, COUNT)                             \
	K(MIN_ITEMS, "minItems", VALIDATION, COUNT)                             \
	K(UNIQUE_ITEMS, "uniqueItems", VALIDATION, BOOLEAN)                     \
	K(MAX_CONTAINS, "maxContains", VALIDATION, COUNT)                       \
	K(MIN_CONTAINS, "minContains", VALIDATION, COUNT)                       \
	K(MAX_PROPERTIES, "maxProperties", VALIDATION, COUNT)                   \
	K(MIN_PROPERTIES, "minProperties", VALIDATION, COUNT)                   \
	K(REQUIRED, "required", VALIDATION, NAMES)                              \
	K(DEPENDENT_REQUIRED, "dependentRequired", VALIDATION, NAMES_MAP)       \
	K(PROPERTIES, "properties", APPLICATOR, MAP)                            \
	K(PATTERN_PROPERTIES, "patternProperties", APPLICATOR, MAP)             \
	K(ADDITIONAL, "additionalProperties", APPLICATOR, SCHEMA)               \
	K(PROPERTY_NAMES, "propertyNames", APPLICATOR, SCHEMA)                  \
	K(PREFIX_ITEMS, "prefixItems", APPLICATOR, SCHEMAS)                     \
	K(ITEMS, "items", APPLICATOR, SCHEMA)                                   \
	K(CONTAINS, "contains", APPLICATOR, SCHEMA)                             \
	K(REF, "$ref", CORE, STRING)                                            \
	K(DYNAMIC_REF, "$dynamicRef", CORE, STRING)                             \
	K(ALL_OF, "allOf", APPLICATOR, SCHEMAS)                                 \
	K(ANY_OF, "anyOf", APPLICATOR, SCHEMAS)                                 \
	K(ONE_OF, "oneOf", APPLICATOR, SCHEMAS)                                 \
	K(NOT, "not", APPLICATOR, SCHEMA)                                       \
	K(IF, "if", APPLICATOR, SCHEMA)                                         \
	K(THEN, "then", APPLICATOR, SCHEMA)                                     \
	K(ELSE, "else", APPLICATOR, SCHEMA)                                     \
	K(DEPENDENT_SCHEMAS, "dependentSchemas", APPLICATOR, MAP)               \
	K(UNEVALUATED_ITEMS, "unevaluatedItems", UNEVALUATED, SCHEMA)           \
	K(UNEVALUATED_PROPERTIES, "unevaluatedProperties", UNEVALUATED, SCHEMA) \
	K(ID, "$id", CORE, STRING)                                              \
	K(SCHEMA, "$schema", CORE, STRING)                                      \
	K(ANCHOR, "$anchor", CORE, STRING)                                      \
	K(DYNAMIC_ANCHOR, "$dynamicAnchor", CORE, STRING)                       \
	K(DEFS, "$defs", CORE, MAP)

enum keyword {
#define KEYWORD_ID(id, name, vocabulary, shape) KW_##id,
	KEYWORDS(KEYWORD_ID)
#undef KEYWORD_ID
	    KW_COUNT, /* also: none */
};

/* KW_COUNT where it is none of these vocabularies'. */
enum keyword keyword_find(struct span name, unsigned vocabularies);
struct span keyword_name(enum keyword kw);
enum shape keyword_shape(enum keyword kw);

/* What is wrong with the value of a keyword and where; NULL: nothing. */
const char *shape_fault(
    enum shape shape, const struct value *v, const struct value **where);

enum { NOT_SCHEMA, SCHEMA_FOUND, SCHEMA_SCANNED };

struct document {
	struct buf uri, also; /* also: by the $id of its root */
	struct buf text;
	struct tree tree;
	bool parsed, scanned;
	/* for each value: */
	unsigned char *schemas; /* NOT_SCHEMA, SCHEMA_FOUND, SCHEMA_SCANNED */
	uint32_t *resources;    /* it belongs to */
	uint32_t *nodes;        /* 0: not compiled */
};

/* A schema with an URI of its own. */
struct resource {
	struct buf uri;
	uint32_t document;
	const struct value *root;
	unsigned vocabularies;
};

struct anchor {
	struct span name;
	uint64_t hash; /* of the name alone */
	uint32_t document, node;
	const struct value *at;
	bool dynamic;
};

struct pattern_schema {
	struct regex *regex;
	const struct value *at;
	uint32_t node;
};

/* properties, patternProperties, additionalProperties, propertyNames. */
struct object_ops {
	struct names properties;
	struct pattern_schema *patterns;
	size_t npatterns;
	uint32_t additional, names; /* nodes, or 0 */
};

struct op {
	enum keyword kw;
	const struct value *at; /* the keyword's value */
	union {
		unsigned types; /* 1 << enum json_type, TYPE_INTEGER */
		uint64_t limit;
		struct decimal number;
		struct regex *regex;
		format_fn *format;
		struct names table; /* names; an enum's values by their hash */
		struct object_ops *object;
		struct { /* of s->lists */
			uint32_t first, n;
			uint32_t rest; /* node behind prefixItems, or 0 */
		} list;
		struct {
			uint32_t node, yes, no; /* "if", with "then" and "else" */
			uint64_t hash;          /* of a dynamic anchor's name */
			struct span name;
		} ref;
		struct {
			uint32_t node;
			uint64_t least, most;
			const struct value *at_least, *at_most; /* or NULL */
		} contains;
	};
};

#define TYPE_INTEGER (1u << 8)
#define NO_LIMIT     UINT64_MAX

/* One schema. */
struct node {
	const struct value *at;
	uint32_t document, resource;
	uint32_t first, n; /* of s->ops */
	bool never;        /* "false" */
	bool evaluates;    /* it has unevaluatedItems or unevaluatedProperties */
};

enum fault_kind {
	FAULT_PLAIN,
	FAULT_NAME,     /* of a member: v is the member */
	FAULT_TYPES,    /* no schema of anyOf is for values of this type */
	FAULT_REPEATED, /* twice the same name */
};

/* An error that has no words yet. */
struct fault {
	const struct value *v;  /* where in the value */
	const struct value *at; /* where in the schema */
	const struct op *op;    /* NULL: the schema "false" */
	const struct value *detail;
	uint64_t a, b;
	uint32_t document;
	uint32_t order; /* in which it was found */
	enum fault_kind kind;
};

struct run {
	struct tree tree;
	struct err *e;
	uint64_t steps;
	unsigned depth;
	unsigned quiet; /* nobody wants to know why */
	bool stopped;   /* and e says why */
	struct fault *faults;
	size_t nfaults, faults_cap, missed;
	size_t room; /* for how many, here */
	struct buf marks;
	uint32_t *scope, *entered; /* resources, outermost first; how often */
	size_t nscope;
	const struct value *member; /* whose name is being checked */
	uint64_t *hashes;
	uint32_t *slots;
	size_t hashes_cap, slots_cap;
};

struct schema {
	struct document **documents;
	size_t ndocuments, documents_cap;
	struct resource *resources;
	size_t nresources, resources_cap;
	struct anchor *anchors;
	size_t nanchors, anchors_cap;
	struct names by_uri;    /* resources */
	struct names unscanned; /* documents by URI */
	struct names by_anchor; /* anchors, by name and resource */
	struct names dynamic;   /* names that a $dynamicRef has */
	struct node *nodes;
	size_t nnodes, nodes_cap;
	struct op *ops;
	size_t nops, ops_cap;
	uint32_t *lists;
	size_t nlists, lists_cap;
	bool formats, refuse_duplicates;
	size_t errors;
	uint64_t steps;
	uint64_t walked; /* elements passed for references */
	struct run run;
	struct buf pointer, location, words, line; /* of schema_error() */
};

/* Makes room for one more. */
void *schema_grow(void *p, size_t n, size_t *cap, size_t size);

/* ---- document.c ---- */

uint32_t document_add(struct schema *s, struct span uri, struct span text);
void document_alias(struct schema *s, uint32_t document, struct span uri);
int document_scan(struct schema *s, uint32_t document, struct err *e);
void document_free(struct document *d);

/* What a reference in a resource means: a schema, whose document is scanned. */
struct place {
	uint32_t document;
	const struct value *at;
	const struct anchor *anchor; /* NULL: it is not by name */
};
int reference_find(struct schema *s, uint32_t resource,
    const struct value *reference, struct place *place, struct err *e);

static inline uint64_t
anchor_hash(uint64_t name, uint32_t resource)
{
	return value_mix(name, resource);
}

/* -1 and e: "URI#POINTER: WHY". */
int schema_fail(struct schema *s, uint32_t document, const struct value *at,
    struct err *e, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* ---- check.c ---- */

void run_release(struct run *r);

/* ---- report.c ---- */

/* The errors in the order of the value, as many as are wanted. */
void report_sort(struct schema *s);

#endif
