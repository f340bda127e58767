/*
 * bf-near's parts: main.c knows the options and answers, texts.c keeps lines,
 * question.c has a text made into an entry.
 */
#ifndef BF_NEAR_H
#define BF_NEAR_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Texts by their numbers, from 0: in memory, or where they are more than `memory`
 * bytes in a temporary file.
 */
struct texts {
	uint64_t *ends; /* of each, behind those before it */
	size_t n, cap;
	struct buf bytes; /* in memory, or those that go to the file next */
	uint64_t memory;
	int fd;           /* of the file; -1: all are in memory */
	uint64_t written; /* bytes in it */
	struct buf text;  /* read from it */
};

void texts_init(struct texts *t, uint64_t memory);
/* 0, or -1 and e. */
int texts_add(struct texts *t, struct span text, struct err *e);
/* After the last is added: what is left goes to the file, if there is one. */
int texts_end(struct texts *t, struct err *e);
/* Lives until the next call. 0, or -1 and e. */
int texts_get(struct texts *t, size_t i, struct span *text, struct err *e);
/* For texts that are in memory. */
struct span texts_at(const struct texts *t, size_t i);
void texts_clear(struct texts *t);
void texts_release(struct texts *t);

/*
 * The line that a shell command gives back for {"text":TEXT}, checked by nobody,
 * into line. 0, or -1 and e: it failed, or gave back another number of lines.
 */
int question_ask(const char *pipe, const char *text, size_t max_line,
    struct buf *line, struct err *e);

#endif
