/*
 * dialect: what tells the providers' wire formats apart, from the provider's
 * side.  There is one of these for each, and no other file knows of them.
 *
 *	chat.c	OpenAI chat completions
 */
#ifndef BF_MOCK_DIALECT_H
#define BF_MOCK_DIALECT_H

#include "asked.h"
#include "faults.h"

#define ANSWER_ID_BYTES 16

/* One answer: content is the contents of a JSON string, or message a whole object. */
struct answer {
	unsigned char id[ANSWER_ID_BYTES]; /* what id and date derive from */
	struct span content;
	struct span message;       /* as in a chat completion */
	struct span finish_reason; /* in the words of chat completions */
	uint64_t output_tokens;    /* of all choices */
};

/* An error that is answered. */
struct failure {
	int status;
	const char *code; /* NULL: what goes with the status */
	struct span message;
};

struct dialect {
	/* 0, or -1 and e: text for the client, who sent what cannot be answered. */
	int (*parse)(struct asked *a, struct span body, struct err *e);
	/* Appends the whole body of an answer. */
	void (*add_answer)(struct buf *out, struct asked *asked, const struct answer *a);
	void (*add_error)(struct buf *out, const struct failure *f);
	/* Bodies with status 200 that are no answer. */
	const char *empty_choices, *null_content, *error_body;
};

extern const struct dialect dialect_chat;

/* Seconds since 1970, within a year, for the date of an answer. */
int64_t answer_date(const struct answer *a);

#endif
