/*
 * json: strict RFC 8259 over spans of the original bytes.
 *
 * Nothing is decoded that nobody asks for: a value is a span of the text it
 * came from, so numbers, escapes and white space stay as they were written.
 * json_check() looks at every byte of a text; all other functions take text
 * that has been checked and cannot fail on it.
 *
 * Decided here where RFC 8259 leaves it open: any number of any size is
 * accepted (it is passed on as written); a lone surrogate escape (\ud800) is
 * accepted; a byte order mark is not part of a text; invalid UTF-8 is refused;
 * nesting is limited to JSON_DEPTH_MAX and needs no recursion; duplicate names
 * are accepted, and looking one up finds the last, as other parsers do.
 */
#ifndef BF_JSON_JSON_H
#define BF_JSON_JSON_H

#include "base/buf.h"

#include <stdint.h>

#define JSON_DEPTH_MAX 1024

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* Where a text stops being JSON, and why ("unexpected character"). */
struct json_fault {
	size_t at;        /* byte offset */
	const char *what; /* static text */
};

struct json_member {
	struct span key;   /* as written, without its quotes; {NULL, 0} in an array */
	struct span value; /* as written, strings with their quotes */
};

/* One value with white space around it. 0, or -1 and f. */
int json_check(struct span text, struct json_fault *f);

/*
 * The first value of a stream of values: skips white space, checks one value,
 * and says in *used how many bytes that took.  0, -1 and f, or 1 when only
 * white space is left.  Numbers and words do not touch the next value unless
 * it begins with a quote or a bracket: 01 is no stream.
 */
int json_check_next(struct span text, size_t *used, struct json_fault *f);

/* ---- all below: checked text only ---- */

enum json_type json_type(struct span value);
const char *json_type_name(enum json_type t); /* "null", "boolean", "number", ... */

/*
 * Members of an object, elements of an array, in their order:
 *	struct json_iter it = json_iter(value);
 *	while (json_next(&it, &m)) ...
 * An iterator over anything else is empty.
 */
struct json_iter {
	const char *p;
	const char *end;
	bool object;
};
struct json_iter json_iter(struct span value);
bool json_next(struct json_iter *it, struct json_member *m);

/* Whether a key as written means this name (escapes resolved). */
bool json_escaped_key_is(struct span key, struct span name);
static inline bool
json_key_is(struct span key, struct span name)
{
	/* An escape is always longer than what it stands for. */
	if (key.n < name.n)
		return false;
	if (key.n > 0 && name.n > 0 && *key.p != *name.p && *key.p != '\\')
		return false;
	return json_escaped_key_is(key, name);
}

/* The value of the last member of that name; SPAN_NONE if there is none. */
struct span json_get(struct span object, const char *name);
/* Several at once: values[i] is what json_get(object, names[i]) gives. */
void json_pick(struct span object, const struct span *names, struct span *values,
    size_t n);
struct span json_at(struct span array, size_t index);
size_t json_count(struct span value); /* members or elements */
bool json_is_empty(struct span value); /* whether that is 0 */

/*
 * A string's contents (raw: as written, without quotes) in UTF-8, appended.
 * A lone surrogate becomes U+FFFD; returns how many did.
 */
size_t json_unescape(struct buf *out, struct span raw);

/*
 * The text of a string value: borrowed from the value where it holds no
 * escape, else put into scratch (cleared first).  false if it is no string.
 */
bool json_text(struct span value, struct buf *scratch, struct span *text);
/* Whether a value is the string s. */
bool json_is(struct span value, const char *s);

/* UTF-8 to a string's contents: \" \\ \b \f \n \r \t, \u00xx, all else raw. Invalid UTF-8 becomes U+FFFD. */
void json_escape(struct buf *out, struct span text);
void json_add_string(struct buf *out, struct span text); /* with quotes */

bool json_i64(struct span value, int64_t *v); /* an integer literal in range */
bool json_double(struct span value, double *v);

/* A checked text from where its value begins. */
struct span json_value(struct span text);

/* The value without white space between its tokens. */
void json_compact(struct buf *out, struct span value);

/*
 * The canonical form, for keys: members sorted by their names' UTF-8 bytes, of
 * duplicates the last alone, no white space, strings as json_escape() writes
 * them, numbers as written.  Returns how many lone surrogates became U+FFFD.
 */
size_t json_canon(struct buf *out, struct span value);

#endif
