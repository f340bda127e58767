/*
 * extract: finding things in an answer.
 *
 * All functions take the answer's decoded text, valid UTF-8, and borrow from
 * it.  What does not hold what was asked for is a miss, told by its number.
 */
#ifndef BF_EXTRACT_H
#define BF_EXTRACT_H

#include "base/buf.h"
#include "io/regex.h"

enum miss {
	MISS_NONE, /* found */
	MISS_RESPONSE,
	MISS_REASONING,
	MISS_EMPTY,
	MISS_JSON,
	MISS_JSON_BUDGET,
	MISS_CODE,
	MISS_CODE_OPEN,
	MISS_TAG,
	MISS_TAG_OPEN,
	MISS_REGEX,
	MISS_REGEX_GROUP,
	MISS_REGEX_LIMIT,
	MISS_LIST,
};

/* ---- answer.c ---- */

/* Without ASCII white space at both ends. */
struct span text_trim(struct span s);

/* Takes a leading reasoning block off. */
enum miss reasoning_strip(struct span *text);

/*
 * Trims a string's contents as they stand in JSON.  false: they must be decoded
 * first, because a reasoning block may begin there, or white space is spelled
 * in an unusual way.
 */
bool raw_trim(struct span *raw);

/* ---- fence.c: fenced code blocks, CommonMark 0.31 section 4.5 ---- */

struct fence {
	struct span info; /* trimmed */
	struct span body; /* its lines, with their indentation and newlines */
	size_t indent;    /* columns that each line loses, where it has them */
	size_t length;    /* of it all, from its first line to its last */
	bool closed;
};

/* The line at the head of s, without its end; *used counts that too. */
struct span line_at(struct span s, size_t *used);

/* Whether s, at the beginning of a line, begins with a fence. */
bool fence_at(struct span s, struct fence *f);

/* The next fence; *rest moves behind it. */
bool fence_next(struct span *rest, struct fence *f);

/* Whether the first word of the info string is this, in any case. */
bool fence_is(const struct fence *f, struct span language);

/* The contents, without the last newline, appended. */
void fence_text(const struct fence *f, struct buf *out);

/* ---- find.c ---- */

enum miss find_tag(struct span text, struct span name, struct span *found);
/* language.p == NULL: any. */
enum miss find_code(struct span text, struct span language, struct buf *out);
/* The first group of the first match, or all of it where there is no group. */
enum miss find_regex(struct span text, struct regex *r, struct span *found);

/* These two append a JSON value. */
enum miss find_json(struct span text, struct buf *out);
enum miss find_list(struct span text, struct buf *out);

#endif
