/*
 * regex: one Perl-compatible expression over texts (pcre2pattern(3)).
 *
 * A text is valid UTF-8, of which a "." is one character; \C is refused.  An
 * expression that backtracks without end fails in bounded time and memory.
 * libpcre2-8 is loaded with dlopen(3) for the first: a command that needs none pays
 * nothing.
 *
 *	struct regex *r = regex_new("a(.)", false, &e);
 *	if (regex_find(r, text, &e) == 1)
 *		group = regex_group(r, text, 1);
 *	regex_free(r);
 */
#ifndef BF_IO_REGEX_H
#define BF_IO_REGEX_H

#include "base/err.h"
#include "base/span.h"

struct regex;

/* NULL and e ("at byte N: why") if it is not well formed. */
struct regex *regex_new(const char *pattern, bool ignore_case, struct err *e);
void regex_free(struct regex *r);

/* 1: it matches; 0: it does not; -1 and e: that cannot be told, it backtracks too
 * much. */
int regex_find(struct regex *r, struct span text, struct err *e);

/* The same for a match that begins at byte `from` or behind it; what is before
 * counts. */
int regex_find_from(struct regex *r, struct span text, size_t from, struct err *e);

/* How many groups the expression has. */
unsigned regex_groups(const struct regex *r);
/* The name of a group, (?<name>...), or NULL. */
const char *regex_name(const struct regex *r, unsigned group);

/*
 * Of the text in which it matched last: what a group holds, borrowed from it;
 * 0 is all of the match.  SPAN_NONE where the group took no part.  Empty, at
 * its beginning, where \K put that behind the end.
 */
struct span regex_group(const struct regex *r, struct span text, unsigned group);

#endif
