/*
 * find: what an answer holds.
 *
 * All functions take the answer's decoded text, valid UTF-8.  What does not hold
 * what was asked for is a miss, told by its number.
 */
#ifndef BF_ANSWER_FIND_H
#define BF_ANSWER_FIND_H

#include "base/buf.h"
#include "io/regex.h"
#include "json/json.h"

enum miss {
	MISS_NONE, /* found */
	MISS_RESPONSE,
	MISS_REASONING,
	MISS_EMPTY,
	MISS_JSON,
	MISS_JSON_BUDGET,
	MISS_JSON_MORE,
	MISS_CODE,
	MISS_CODE_OPEN,
	MISS_TAG,
	MISS_TAG_OPEN,
	MISS_REGEX,
	MISS_REGEX_GROUP,
	MISS_REGEX_LIMIT,
	MISS_LIST,
	MISS_INTEGERS,
	MISS_INTEGER,
	MISS_RANGE,
	MISS_CALL,
	MISS_ARGUMENTS,
	MISS_LENGTH,
	MISS_FILTER,
	MISS_REFUSAL,
};

/* The class of an entry that fails with it, and what is told. */
const char *miss_class(enum miss miss);
const char *miss_message(enum miss miss);

/*
 * Whether a response is of a whole answer; else MISS_REFUSAL, MISS_LENGTH or
 * MISS_FILTER.
 */
enum miss response_end(struct span response);

/* Behind its first n bytes. */
static inline struct span
skip(struct span s, size_t n)
{
	return span_of(s.p + n, s.n - n);
}

/* ---- text.c ---- */

/* Without ASCII white space at both ends. */
struct span text_trim(struct span s);

/* Whether it ends in so much white space that its writer was caught in it. */
bool text_runs_on(struct span s);

/* Takes a leading reasoning block off; what it holds, SPAN_NONE if there is none.
 */
enum miss reasoning_strip(struct span *text, struct span *reasoning);

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

enum which { WHICH_FIRST, WHICH_LAST, WHICH_ALL };

/* What is looked for in an answer, and how far that has got. */
struct search {
	enum which which;
	struct span name; /* a tag, a language, a tool; p NULL: any */
	struct regex *regex;
	bool named; /* it has groups with names: what it finds is an object */
	bool alone; /* JSON in prose that more brackets follow is a miss */

	struct span text; /* the answer */
	struct span rest; /* what has not been looked at */
	size_t at;        /* the same, of an expression */
	enum { JSON_UNKNOWN, JSON_IN_FENCES, JSON_IN_PROSE } where;
	uint64_t budget; /* bytes */
	struct json_iter calls;
	struct buf body;
};

/* From here on in this text. */
void search_begin(struct search *s, struct span text);

/* Appends the next one, as JSON.  What is not there any more is a miss as well. */
typedef enum miss search_next(struct search *s, struct buf *out);

search_next next_tag, next_code, next_regex, next_json, next_call;

/* The JSON that is all of the answer, or of the next fence marked json. */
bool given_json(struct search *s, struct buf *out);

/* The first, the last, or an array of all. */
enum miss search_run(struct search *s, search_next *next, struct buf *out);

bool regex_has_names(const struct regex *r);

/* ---- lists.c ---- */

/* An array, of strings or whole numbers. */
search_next find_list, find_integers;

#endif
