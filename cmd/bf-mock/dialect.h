/*
 * dialect: what tells the providers' wire formats apart, from the provider's
 * side.  There is one of these for each, and no other file knows of them.
 *
 *	chat.c		OpenAI chat completions
 *	responses.c	OpenAI Responses
 *	messages.c	Anthropic Messages
 *	gemini.c	Gemini generateContent
 *	embeddings.c	the embeddings of OpenAI and of Gemini
 */
#ifndef BF_MOCK_DIALECT_H
#define BF_MOCK_DIALECT_H

#include "asked.h"
#include "faults.h"
#include "limits.h"

#define ANSWER_ID_BYTES 16

/* Cached tokens are part of the input, reasoning is part of the output. */
struct usage {
	uint64_t input, cached, output, reasoning;
};

/* One answer: content is the contents of a JSON string, or message a whole object. */
struct answer {
	unsigned char id[ANSWER_ID_BYTES]; /* what id and date derive from */
	struct span content;
	struct span message;       /* as in a chat completion */
	struct span finish_reason; /* in the words of chat completions */
	struct usage usage;
};

/* An answer's parts, for dialects that write them each in its own way. */
struct said {
	struct span text;    /* contents of a JSON string; SPAN_NONE: none */
	struct span refusal; /* likewise */
	struct span calls;   /* an array of tool calls; SPAN_NONE: none */
};

/* A tool call: JSON strings. */
struct call {
	struct span id, name, arguments;
};

/* An error that is answered. */
struct failure {
	int status;
	const char *code;   /* NULL: what goes with the status */
	const char *member; /* of the request, that is wrong; NULL: none */
	struct span message;
	int64_t retry_us;   /* when to try again; -1: not said */
	bool in_array;      /* where the dialect knows that */
};

/* How the wait that goes with an error is told. */
enum wait_told {
	WAIT_IN_HEADERS, /* Retry-After and retry-after-ms */
	WAIT_IN_SECONDS, /* Retry-After */
	WAIT_IN_BODY,    /* struct failure's retry_us */
};

/* A refusal before the body is looked at. */
struct barrier {
	int status;
	const char *code, *message;
};

struct dialect {
	bool embeds; /* texts become vectors; there are no streams, tools and replies */
	/* 0, or -1 and e: text for the client, who sent what cannot be answered. */
	int (*parse)(struct asked *a, struct span body, struct err *e);
	/* Appends the whole body of an answer. */
	void (*add_answer)(struct buf *out, struct asked *asked, const struct answer *a);
	/* The same as a stream; and an error in the middle of one, after so many events. */
	void (*add_stream)(struct buf *out, struct asked *asked, const struct answer *a);
	void (*add_stream_error)(struct buf *out, size_t events);
	void (*add_error)(struct buf *out, const struct failure *f);
	/* Bodies with status 200 that are no answer. */
	const char *empty_choices, *null_content, *error_body;
	const char *call_id; /* what the id of a tool call begins with */
	/* Who may ask. */
	const char *key_header;     /* "Authorization" holds "Bearer KEY" */
	bool key_optional;          /* unless there is a right one */
	struct barrier no_key, wrong_key;
	const char *version_header; /* NULL: none is needed */
	const char *key_parameter;  /* what a URL may not hold; NULL */
	enum wait_told wait;
	enum limits_style rates;
};

extern const struct dialect dialect_chat, dialect_responses, dialect_messages,
    dialect_gemini, dialect_embeddings, dialect_gemini_embedding,
    dialect_gemini_embeddings;

/* Of both OpenAI dialects. */
void add_openai_error(struct buf *out, const struct failure *f);
/* Of all Gemini ones. */
void add_gemini_error(struct buf *out, const struct failure *f);

struct said said_of(const struct answer *a);
/* The next tool call: begin with it = json_iter(said.calls). */
bool said_next_call(struct json_iter *it, struct call *c);
/* The text of a call's arguments, which is JSON, or {} where it is none; appended. */
void add_arguments(struct buf *out, struct span arguments);

/* "PREFIX" and hex digits, as a JSON string. */
void add_id(struct buf *out, const char *prefix, const struct answer *a);

/* Seconds since 1970, within a year, for the date of an answer. */
int64_t answer_date(const struct answer *a);

#endif
