/* words: what a command is given of an entry: arguments and environment. */
#ifndef BF_EXEC_WORDS_H
#define BF_EXEC_WORDS_H

#include "json/entry.h"
#include "json/path.h"

/*
 * A command as it was given, of which words that are {FIELD} and nothing else stand
 * for the entry's field: "{{" at the beginning of such a word is a brace.
 */
struct words {
	size_t n;
	char *const *given;  /* NULL at the end */
	struct path **paths; /* a word's each; NULL: it is as given */
	bool fields;         /* some stand for one */
};

/* -1 and e: a word that looks like {FIELD} is no path. */
int words_parse(struct words *w, char *const *argv, struct err *e);
void words_release(struct words *w);

/* Whether words_make() can make the arguments: 0, or -1 and e. */
int words_check(const struct words *w, const struct entry *en, struct err *e);

/*
 * The arguments, and the environment: ours, and BF_FIELD for each field with
 * such a name.  Both end in NULL and are arrays in buffers of their own, which
 * hold the texts too.  -1 and e: the entry lacks a field, or it holds a NUL.
 */
struct made_words {
	char **argv, **env;
	char *texts;
};
int words_make(const struct words *w, const struct entry *en,
    struct made_words *made, struct err *e);
void made_words_release(struct made_words *made);

#endif
