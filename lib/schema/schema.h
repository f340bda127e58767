/*
 * schema: JSON Schema 2020-12 over checked JSON.
 *
 * A schema is compiled once and then checks any number of values:
 *
 *	struct schema *s = schema_compile(text, NULL, &e);
 *	...
 *	rc = schema_check(s, value, &e);
 *	if (rc == 0)
 *		schema_report(s, &out);
 *	schema_free(s);
 *
 * Numbers are compared as the decimals they are, of any size: nothing is
 * rounded.  (An exponent beyond 10^17 counts as 10^17.)  Strings are compared
 * by what they hold, their lengths are code points.  Of members of one name the
 * last counts, as with json_get().
 *
 * References never touch the network or a file: a document is one of the
 * options', part of the schema, or one of the specification's metaschemas.
 * "$schema" is 2020-12, or one of the documents, whose "$vocabulary" counts.  A
 * document is known by its URI and by the "$id" of its root; an "$id" within it
 * only once the document is referred to.  Keywords that are not known are
 * ignored, and so are annotations.  Patterns are ECMA-262's with the "u" flag.
 *
 * What hostile schemas and values can cost is bounded: nesting, the steps of a
 * check, the errors and their text.  What a pattern costs is bounded for each
 * text that it is tried on.  What cannot be told within that is an error and
 * never a verdict.
 *
 * An error reads, for a person or a model,
 *	/items/3/price: must be at least 0 (minimum), is -1
 * and they come in the order of the value; control characters are escaped.
 * Where none of anyOf's or oneOf's schemas fits, one line says so and the
 * errors of the one that came closest follow.
 *
 * A schema holds the scratch of its checks: one thread at a time.
 *
 * https://json-schema.org/draft/2020-12/json-schema-core
 * https://json-schema.org/draft/2020-12/json-schema-validation
 */
#ifndef BF_SCHEMA_SCHEMA_H
#define BF_SCHEMA_SCHEMA_H

#include "base/buf.h"
#include "base/err.h"

#define SCHEMA_DEPTH_MAX       5000 /* schemas within schemas, in a check */
#define SCHEMA_ERRORS_DEFAULT  20
#define SCHEMA_STEPS_DEFAULT   2000000
#define SCHEMA_STEPS_PER_VALUE 300 /* and 1 for each byte */

struct schema;

/* A document that the schema may refer to. */
struct schema_document {
	struct span uri; /* absolute, without a fragment */
	struct span text;
};

/* All zero is the default. */
struct schema_options {
	struct span base; /* the schema's own URI, if it has one */
	const struct schema_document *documents; /* copied */
	size_t ndocuments;
	bool formats;           /* "format" is asserted */
	bool refuse_duplicates; /* two members of one name are an error */
	size_t errors;          /* reported at most; 0: SCHEMA_ERRORS_DEFAULT */
	uint64_t steps;         /* of a check; 0: the default */
};

/*
 * Any text; it is copied.  NULL and e ("#/properties/a/minimum: must be a
 * number") if it is no schema.
 */
struct schema *schema_compile(
    struct span text, const struct schema_options *o, struct err *e);
void schema_free(struct schema *s);

/*
 * One checked JSON value, which is borrowed until the errors have been read.
 * 1: it is valid; 0: it is not; -1 and e: that cannot be told.
 */
int schema_check(struct schema *s, struct span value, struct err *e);

/* One of the errors of the last check; borrowed until the next call. */
struct schema_error {
	struct span
	    instance; /* where: a JSON Pointer (RFC 6901), "" is all of it */
	struct span keyword;
	struct span schema; /* where the keyword is: a URI with a JSON Pointer */
	struct span text;   /* what was expected, and what was there */
};

size_t schema_errors(const struct schema *s); /* that can be had */
size_t schema_unsaid(const struct schema *s); /* that were beyond the limit */
void schema_error(struct schema *s, size_t i, struct schema_error *error);

/* All of them, a line each. */
void schema_report(struct schema *s, struct buf *out);

#endif
