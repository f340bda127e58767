/* choices: the answers of which one is taken, and the keys that stand for them. */
#ifndef BF_HUMAN_CHOICES_H
#define BF_HUMAN_CHOICES_H

#include "base/buf.h"
#include "base/err.h"

struct choice {
	struct span key;  /* one character */
	struct span text; /* the answer */
};

struct choices {
	struct choice *v;
	size_t n; /* 0: any text is an answer */
};

/*
 * "yes,no" or "y=yes,?=unsure", which is borrowed: of a text without a key that is
 * its first character.  -1 and e: not well formed, or two that are alike.
 */
int choices_parse(struct choices *c, struct span list, struct err *e);
void choices_release(struct choices *c);

/* NULL: there is none. */
const struct choice *choices_by_key(const struct choices *c, struct span key);
const struct choice *choices_by_text(const struct choices *c, struct span text);

/* As a JSON array; and as a list for a message. */
void choices_add_json(const struct choices *c, struct buf *out);
void choices_add_list(const struct choices *c, struct buf *out);

#endif
