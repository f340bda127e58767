/*
 * judge: whether an answer's text is the JSON that was asked for.
 *
 *	struct judge *j = judge_new("record.json", false, false, &e);
 *	if (judge_text(j, text) == JUDGE_GOOD)
 *		... judge_value(j) ...
 *	else
 *		... judge_error(j) ...
 *	judge_free(j);
 *
 * Reasoning in front of the JSON, a fence and words around it do no harm; of two
 * members with one name, and of more brackets behind the JSON, nobody knows what
 * was meant: such an answer is bad.
 */
#ifndef BF_ANSWER_JUDGE_H
#define BF_ANSWER_JUDGE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct judge;

/* The JSON Schema is a file's; NULL and e, which names it. */
struct judge *judge_new(const char *path, bool coerce, bool formats, struct err *e);
void judge_free(struct judge *j);

/* The schema's own text, compact. */
struct span judge_schema(const struct judge *j);

enum judge_verdict {
	JUDGE_GOOD,
	JUDGE_BAD,     /* another answer may be good */
	JUDGE_UNKNOWN, /* too much work to tell */
};

/* text: a JSON string, or of no pointer where there is none. */
enum judge_verdict judge_text(struct judge *j, struct span text);

/* Appends the response of a good text, an object, with what it holds as "parsed".
 */
void judge_parsed(const struct judge *j, struct span response, struct buf *out);

/*
 * Until the next text: of the others, an object: "class" ("invalid", "gave_up"),
 * "message", and where it is JSON that the schema does not allow "errors", an array
 * of objects with "at" (a JSON Pointer, RFC 6901), "keyword" and "message".
 */
struct span judge_error(const struct judge *j);

#endif
