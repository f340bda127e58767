/*
 * dialect: how a provider wants to be asked, and how it answers.
 *
 * A request is always written as the body of an OpenAI chat completion.  A
 * dialect says what to send for it and reads what comes back into one form, so
 * that the engine knows no provider.
 *
 * What a dialect has no way to say is refused before anything is sent, with the
 * field's name.  Under "lenient" a field that says how to answer is left out
 * instead, and told of; what says what is asked (messages, a format) never is.
 * Members that are null, or say what holds without them, are as if they were not
 * there.
 *
 * An answer becomes the entry's "response": an object with these members, in
 * this order, so that the same answer always gives the same bytes:
 *
 *	text           string: what was said; with tool calls alone, ""
 *	model          string: as the provider names it, else as it was asked for
 *	finish_reason  string or null: of all dialects in OpenAI's words, stop,
 *	               length, tool_calls, content_filter; a word that means none
 *	               of these as it came
 *	usage          {"input","output","cached","reasoning"}, or null if none came
 *	reasoning      string, where the provider shows it
 *	tool_calls     array in OpenAI's form, where there are any
 *	logprobs       as it came, where asked for
 *	refusal        true, where the text is a refusal
 *
 * The completion key is over the OpenAI form (engine/request.h), whatever the
 * dialect makes of it, and that form is what the ledger keeps: requests can be
 * read, searched and compared alike whoever answered them, the key can be
 * computed from the record (unless images are left out of it), and a dialect that
 * learns to say more loses no answer.  A lenient run has the same keys: what was
 * left out was asked for, and a strict run refuses such a request before it looks
 * for an answer.
 */
#ifndef BF_DIALECTS_DIALECT_H
#define BF_DIALECTS_DIALECT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct dialect_usage {
	int64_t input;     /* tokens, the cached ones included */
	int64_t output;    /* tokens, those of reasoning included */
	int64_t cached;
	int64_t written; /* input that was put into a cache; in no response, but paid */
	int64_t reasoning;
	bool known;
};

struct dialect_answer {
	struct dialect_usage usage;
	/*
	 * NULL, or why the answer is usually not what was wanted, though it was
	 * given and paid: "length", "content_filter" or "refusal".
	 */
	const char *aside;
};

/* What an error body says; texts are cut to fit. */
struct dialect_error {
	char message[300];
	char code[80]; /* "" where there is none; a number as its digits */
	char type[80];
	char retry_after[32]; /* "" or seconds, as the header of that name has them */
};

struct dialect {
	const char *name; /* part of the completion key */
	const char *path; /* what follows the base URL; {model} is the model's name */
	/* For an answer in pieces: the path, NULL: the same, and members of the body. */
	const char *stream_path, *stream_members;
	/* What a base URL ends in, added where it does not; NULL: whatever it has. */
	const char *version;
	const char *key_header; /* what the key goes into; NULL: Authorization: Bearer */
	const char *header;     /* one more that is always sent; NULL: none */

	/*
	 * Appends what to send for a body in the OpenAI form (dialect_form()): 0,
	 * or -1 and e where that cannot be said.  Where lenient, fields that were
	 * left out are appended to dropped, ", " between them.  NULL: the body is
	 * sent as it is.
	 */
	int (*body)(struct buf *out, struct span request, struct span model,
	    bool lenient, struct buf *dropped, struct err *e);

	/*
	 * Appends the response object for a body that is an answer: 0.  -1 and e
	 * for one that is not (an error object, no choice, no content): then
	 * only a->usage is meaningful.  body is JSON that has been checked.
	 */
	int (*answer)(struct buf *out, struct span body, struct span model,
	    struct dialect_answer *a, struct err *e);

	/*
	 * Appends the body that an answer is which came as server-sent events
	 * (stream.h): 0, or an error's body; -1 and e if it did not come whole.
	 */
	int (*join)(struct buf *out, struct span events, struct err *e);

	/* What an error body says; all "" if it cannot be understood. */
	void (*error)(struct span body, struct dialect_error *de);
};

extern const struct dialect dialect_openai_chat;
extern const struct dialect dialect_openai_responses;
extern const struct dialect dialect_anthropic;
extern const struct dialect dialect_gemini;
/* Of no provider: answer() and error() alone. */
extern const struct dialect dialect_command;
extern const struct dialect dialect_http;
extern const struct dialect dialect_human;
/* Of what is kept of an input (embeddings.h): the answer is an array of numbers. */
extern const struct dialect dialect_embeddings;

/* By number, openai-chat first; NULL when there are no more. */
const struct dialect *dialect_at(size_t n);

/* The one whose answers look like this, openai-chat where none does. */
const struct dialect *dialect_of_answer(struct span body);

/*
 * Appends the body in the OpenAI form: of request, which is canonical JSON
 * (json_canon()), without what is never sent; model goes in place of its own.
 */
void dialect_form(struct buf *out, struct span request, struct span model);

/*
 * Appends what follows the base URL.  -1 and e where the model's name, which may
 * come from data, would be more than one part of a path.
 */
int dialect_path(struct buf *out, const struct dialect *d, struct span model,
    bool stream, struct err *e);

/* Makes a body that is sent ask for its answer in pieces. */
void dialect_ask_stream(struct buf *body, const struct dialect *d);

/*
 * Whether what came is a stream of events, which its dialect's join() takes: some
 * servers answer in one piece whatever they are asked for, and errors are none.
 */
bool dialect_is_stream(struct span body);

/* As the response and the ledger have it: an object, or null where it is not known. */
void dialect_add_usage(struct buf *out, const struct dialect_usage *u);
/* And read from there; of what is no object nothing is known. */
void dialect_read_usage(struct span usage, struct dialect_usage *u);

/* Whether bytes that a server sent are JSON, as answer() wants it: 0, or -1 and e. */
int dialect_check(struct span body, struct err *e);

/*
 * Members of a request that say how it is carried or accounted for, not what
 * is asked: they are no part of the completion key.
 *	stream stream_options                    (as an option says, not a request)
 *	store metadata user safety_identifier service_tier
 *	prompt_cache_key prompt_cache_retention
 */
bool dialect_is_transport(struct span name);
bool dialect_is_sent(struct span name);

#endif
