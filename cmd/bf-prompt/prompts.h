/*
 * prompts: prompts by their names.
 *
 * NAME is NAME.md in the folder $BF_PROMPTS, else in bf/prompts where a user's
 * configuration is (io/userdir.h), else one of bf's own, which share/prompts
 * holds and which are in the program.
 */
#ifndef BF_PROMPT_PROMPTS_H
#define BF_PROMPT_PROMPTS_H

#include "base/buf.h"
#include "base/err.h"

#define PROMPT_MAX ((size_t)64 << 20) /* bytes of a prompt's file */

/*
 * Whether a template is no text but "@NAME": letters, digits and ._-/ behind the
 * sign.  1 if it is; 0; -1 and e: it would be, but has a part that a name has not
 * (an empty one, or one that begins with a dot).
 */
int prompts_named(const char *text, struct err *e);

/* A prompt's text, and where it was found: a path.  0, or -1 and e. */
int prompts_read(
    const char *name, struct buf *where, struct buf *text, struct err *e);

/*
 * A line for each: its name, its description ("-" if it has none), where it is;
 * tabs stand between them.  One that another hides is left out.  What cannot be
 * read is told, and how often is returned.
 */
int prompts_list(struct buf *out,
    void (*tell)(const char *fmt, ...) __attribute__((format(printf, 1, 2))));

#endif
