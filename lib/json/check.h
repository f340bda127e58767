/* check: the steps of the strict check, for json_check() and entry_parse(). */
#ifndef BF_JSON_CHECK_H
#define BF_JSON_CHECK_H

#include "json/json.h"

struct check {
	const char *p; /* the next byte; after a failure, the one at fault */
	const char *end;
	const char *why; /* after a failure */
};

/* Each leaves p behind what it took and returns true, or fails. */
bool check_value(struct check *c, size_t depth); /* depth: arrays and objects around it */
bool check_string(struct check *c);              /* from its opening quote */
/* From a member's name to its value; *end: the quote that ends the name. */
bool check_name(struct check *c, const char **end);

/* Two values may touch only where one cannot be taken for part of the other: whether
 * what comes after the value that ends at p is no part of it. */
bool check_ends_word(const struct check *c);

bool check_end(struct check *c); /* nothing but white space follows */

/* Fails at p. */
bool check_fail(struct check *c);
bool check_fail_as(struct check *c, const char *why);

static inline bool
check_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline void
check_space(struct check *c)
{
	while (c->p < c->end && check_is_space(*c->p))
		c->p++;
}

static inline bool
check_at(const struct check *c, char byte)
{
	return c->p < c->end && *c->p == byte;
}

#endif
