/*
 * sheet: questions in a file, and answers that come in one.
 *
 * A line of questions is a JSON object: "key", the completion key in hex,
 * "question", the fields that are shown, "choices", "proposal", and "answer",
 * which is empty.  A field of one of these names is called "entry.NAME".  Of a line
 * of answers only "key" and "answer" count.
 */
#ifndef BF_HUMAN_SHEET_H
#define BF_HUMAN_SHEET_H

#include "choices.h"
#include "io/outfile.h"

#include <stdint.h>

/* Appends the line for a question, the object that is asked (human.c). */
void sheet_add(struct buf *out, const unsigned char *key, struct span question);

/* The file that they go to, which is the user's alone. NULL and e. */
struct outfile *sheet_open(const char *path, struct err *e);
/* whole: else it is FILE.partial that is written. 0, or -1 and e. */
int sheet_close(struct outfile *o, bool whole, struct err *e);

/* One answer of a file. */
struct reply {
	unsigned char key[16];
	uint64_t line;
	size_t at, n;      /* in the texts */
	bool contradicted; /* by another with its key */
	bool met;          /* an entry has this key ... */
	bool used;         /* ... and had no answer */
};

struct replies {
	struct reply *v; /* by key */
	size_t n, cap;
	struct buf texts;
	uint64_t bad; /* lines that were told of and left out */
};

/*
 * Reads all of a file.  0; -1 where it cannot be read, or is wrong and not
 * keep_going, which has been told.
 */
int replies_read(struct replies *r, const char *path, const struct choices *c,
    bool keep_going, size_t max_line);
void replies_release(struct replies *r);

/* NULL: there is none. */
struct reply *replies_find(struct replies *r, const unsigned char *key);
struct span replies_text(const struct replies *r, const struct reply *one);
/* What became of those of which nothing came. */
void replies_tell(const struct replies *r, const char *path);

#endif
