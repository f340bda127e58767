/*
 * asked: what a request asks for, whatever the dialect it came in.
 *
 * A dialect's parser fills it: what it finds is borrowed from the body or kept
 * in buffers that are reused from request to request.  It calls asked_begin(),
 * then for each message asked_add_text() as often as it has text and
 * asked_end_message(), and asked_end().
 */
#ifndef BF_MOCK_ASKED_H
#define BF_MOCK_ASKED_H

#include "base/buf.h"
#include "base/err.h"
#include "images.h"
#include "value.h"

#include <stdint.h>

struct asked {
	struct span body;
	struct span model;     /* a JSON string, with its quotes */
	struct buf prompt;     /* text of the last user message, as contents of a JSON string */
	struct buf system;     /* of the first system message, likewise */
	struct buf plain;      /* the prompt without escapes, once asked_prompt() was called */
	int64_t choices;       /* how many answers */
	uint64_t input_tokens; /* estimated, see asked_tokens() */
	int64_t max_tokens;    /* of the answer; 0: not said */
	bool stream;           /* the answer is to come in pieces */
	bool sse;              /* which are events; else the elements of an array */
	bool stream_usage;     /* and the last of them tells of the usage */
	struct span schema;    /* that the answer's text is to satisfy; SPAN_NONE */
	struct tool {
		struct span name;   /* a JSON string; SPAN_NONE: there is no tool */
		struct span schema; /* of its arguments; SPAN_NONE: none */
	} tool;                     /* the one to call: that is named, else the first */
	enum { TOOLS_MAY, TOOLS_NEVER, TOOLS_MUST } tools;
	struct span tool_named;     /* the only one that may be called */
	struct images images;
	bool after_tool;            /* the last message is what a tool gave */
	unsigned answers;           /* turns that are the model's own */
	uint64_t seed;              /* of what is made up */
	/* what is wrong, where the parser says so */
	char member[96];  /* "input[0].role"; empty: not said */
	const char *code; /* static text; NULL: none */
	/* while it is read */
	struct buf part, scratch, name;
	uint64_t bytes;
	bool have_system;
};

enum asked_role { ASKED_USER, ASKED_SYSTEM, ASKED_TOOL, ASKED_OTHER };

/* Checks that the body is a JSON object, white space around it or not; 0, or -1 and e. */
int asked_begin(struct asked *a, struct span body, struct err *e);
/* The model's name where the body does not hold it; before asked_begin(). */
void asked_set_model(struct asked *a, struct span name);
/* One more piece of the current message's text; anything but a string is left out. */
void asked_add_text(struct asked *a, struct span string);
void asked_end_message(struct asked *a, enum asked_role role);
/* A tool that may be called, after tool_named is set. */
void asked_add_tool(struct asked *a, struct span name, struct span schema);
void asked_end(struct asked *a);

/*
 * "MEMBER: TEXT" for the client, and the member for where it is wanted apart;
 * -1.  asked_at() makes names such as "messages.3.role" out of a format, and is
 * to be used at once.
 */
int asked_wrong(struct asked *a, struct err *e, const char *member, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));
const char *asked_at(struct asked *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The first member whose name is none of these; its key is SPAN_NONE if there is none. */
struct span asked_unknown(struct span object, const char *const *names, size_t n);

/* The last user message in UTF-8; borrowed until the next asked_begin(). */
struct span asked_prompt(struct asked *a);

/* One token for every four bytes of text, rounded up. */
uint64_t asked_tokens(uint64_t bytes);
/* How many bytes the contents of a JSON string are without their escapes. */
uint64_t asked_text_bytes(struct asked *a, struct span contents);
/* A JSON string without its quotes. */
struct span string_contents(struct span string);

void asked_release(struct asked *a);

#endif
