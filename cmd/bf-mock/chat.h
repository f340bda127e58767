/*
 * chat: the OpenAI chat completion dialect, from the provider's side.
 *
 * chat_parse() reads a request body; what it finds is borrowed from the body
 * or kept in the struct chat, which is reused from request to request.
 */
#ifndef BF_MOCK_CHAT_H
#define BF_MOCK_CHAT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#define CHAT_ID_BYTES    16
#define CHAT_CHOICES_MAX 128

struct chat {
	struct span body;
	struct span model;     /* a JSON string, with its quotes */
	struct buf prompt;     /* text of the last user message, as contents of a JSON string */
	struct buf system;     /* of the first system or developer message, likewise */
	struct buf plain;      /* the prompt without escapes, once chat_prompt() was called */
	int64_t choices;       /* "n" */
	uint64_t input_tokens; /* estimated, see chat_tokens() */
	int64_t max_tokens;    /* "max_completion_tokens" or "max_tokens"; 0: neither */
	struct buf part, scratch;
};

/* One answer: content is the contents of a JSON string, or message a whole object. */
struct chat_answer {
	unsigned char id[CHAT_ID_BYTES]; /* what id and created derive from */
	struct span content;
	struct span message;
	struct span finish_reason;
};

/* 0, or -1 and e: text for the client, who sent what cannot be answered. */
int chat_parse(struct chat *c, struct span body, struct err *e);

/* The last user message in UTF-8; borrowed until the next chat_parse(). */
struct span chat_prompt(struct chat *c);

/* One token for every four bytes of text, rounded up. */
uint64_t chat_tokens(uint64_t bytes);

/* Appends the chat.completion object. */
void chat_add_answer(struct buf *out, struct chat *c, const struct chat_answer *a);

/* Appends an error body; code may be NULL. */
void chat_add_error(struct buf *out, const char *type, const char *code,
    struct span message);

void chat_release(struct chat *c);

#endif
