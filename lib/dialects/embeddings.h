/*
 * embeddings: how providers make vectors of texts, many of them with one request.
 *
 * OpenAI, and all who speak its dialect: POST /embeddings, at most 2048 inputs of at
 * most 8192 tokens, 300,000 in all, none of them empty; each element of the answer's
 * "data" has its input's index (platform.openai.com/docs/api-reference/embeddings).
 * Vectors are asked for as base64; an array of numbers is taken too.
 *
 * Gemini: POST models/MODEL:batchEmbedContents, at most 100, answered in their order
 * (ai.google.dev/api/embeddings).
 *
 * What is kept of each input is an object of its own,
 *	{"embedding":BASE64,"model":NAME,"usage":USAGE}
 * whose vector is float32 whatever the server sent, and which dialect->answer()
 * reads.
 */
#ifndef BF_DIALECTS_EMBEDDINGS_H
#define BF_DIALECTS_EMBEDDINGS_H

#include "dialects/dialect.h"
#include "vector/embedding.h"

struct embeddings_ask {
	struct span model;
	const struct span *inputs; /* JSON strings */
	size_t n;
	int64_t dimensions; /* 0: as many as the model has */
	const char *task;   /* Gemini's taskType; NULL: none */
};

/* What came for n inputs; all borrowed from the body. */
struct embeddings_answer {
	struct span *values; /* n; the caller's */
	size_t n;
	struct span model;          /* a JSON string; p NULL: it is not named */
	struct dialect_usage usage; /* of all */
};

struct embeddings {
	const struct dialect *array,
	    *base64; /* by the form of what answer() gives */
	size_t most; /* inputs of a request */
	bool tasks;  /* it knows of them */
	void (*body)(struct buf *out, const struct embeddings_ask *a);
	/*
	 * Reads a body, JSON that has been checked: 0 if it has exactly one vector
	 * for each input, and says for which, or all in order.  -1 and e, with the
	 * usage alone: whose its vectors are is not certain.
	 */
	int (*read)(struct span body, struct embeddings_answer *a, struct err *e);
};

/* Of a provider of that dialect; NULL: it makes none. */
const struct embeddings *embeddings_of(const struct dialect *d);

/*
 * Appends what is kept of an input.  -1 and e if value is no vector, or not one of
 * so many numbers (0: of any number).
 */
int embeddings_record(struct buf *out, struct span value, int64_t dimensions,
    struct span model, const struct dialect_usage *u, struct embedding *em,
    struct err *e);

#endif
