/* reply: what the dialects share in reading answers and errors. */
#ifndef BF_DIALECTS_REPLY_H
#define BF_DIALECTS_REPLY_H

#include "dialects/dialect.h"
#include "json/json.h"

/* The response object's members; JSON as it came, SPAN_NONE where there is none. */
struct reply {
	struct span text;       /* a string; none: "" */
	struct span model;      /* as the provider names it; no string: as asked */
	const char *finish;     /* NULL: finish_raw */
	struct span finish_raw; /* no string: null */
	struct span reasoning;  /* a string */
	struct span tool_calls; /* an array */
	struct span logprobs;
	bool refused;
};

void reply_write(struct buf *out, const struct reply *r, struct span asked,
    const struct dialect_usage *usage);

/* JSON strings joined to one, their bytes as they were written. */
struct joined {
	struct buf text; /* from its opening quote; empty: none was added */
};
void joined_add(struct joined *j, struct span string, const char *between);
struct span joined_end(struct joined *j); /* the string, or SPAN_NONE */
void joined_release(struct joined *j);

/* Tool calls in OpenAI's form. */
struct tool_calls {
	struct buf array; /* from its opening bracket; empty: there are none */
	size_t n;
};
/*
 * id and name are JSON strings, an id that is none is made from the place;
 * arguments is JSON, a string's text as it is.  more: further members
 * (",\"a\":1"), or none.
 */
void tool_calls_add(struct tool_calls *t, struct span id, struct span name,
    struct span arguments, struct span more);
struct span tool_calls_end(struct tool_calls *t); /* the array, or SPAN_NONE */
void tool_calls_release(struct tool_calls *t);

/* A string's text, or a number's digits, cut at a character's end. */
void copy_text(char *out, size_t size, struct span value);

/*
 * The error object of a body as a server sent it: what is under "error", in an
 * array of one too; *top is the object around it.  SPAN_NONE if there is none.
 */
struct span find_error(struct span body, struct span *top);

/* An error stands where an answer should: -1 and e, with what d reads of it. */
int reply_is_error(const struct dialect *d, struct span body, struct err *e);

/* error() of a dialect that has none: nothing is understood. */
void reply_no_error(struct span body, struct dialect_error *de);

static inline bool
is_type(struct span v, enum json_type t)
{
	return v.p != NULL && json_type(v) == t;
}

static inline bool
is_object(struct span v)
{
	return is_type(v, JSON_OBJECT);
}

static inline bool
is_array(struct span v)
{
	return is_type(v, JSON_ARRAY);
}

static inline bool
is_string(struct span v)
{
	return is_type(v, JSON_STRING);
}

/* There, and not null. */
static inline bool
is_there(struct span v)
{
	return v.p != NULL && json_type(v) != JSON_NULL;
}

static inline struct span
get_in(struct span object, const char *name)
{
	return is_object(object) ? json_get(object, name) : SPAN_NONE;
}

/* Whether it is there, and the string s. */
static inline bool
says(struct span v, const char *s)
{
	return v.p != NULL && json_is(v, s);
}

/* A count, or 0 where there is none; more than COUNT_MOST is rubbish too. */
int64_t count_of(struct span v);

#endif
