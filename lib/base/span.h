/*
 * span: borrowed bytes.
 *
 * A span never owns what it points to; whoever made it says how long the bytes
 * live.  It may hold NUL bytes and is not terminated.  A span whose p is NULL
 * means "not there", one with n == 0 and p != NULL means "there, and empty".
 */
#ifndef BF_BASE_SPAN_H
#define BF_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *p;
	size_t n;
};

/* A span over a string literal. */
#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})
/* The same where C wants a constant: in a table. */
#define SPAN_INIT(literal) {(literal), sizeof(literal) - 1}
#define SPAN_NONE     ((struct span){NULL, 0})

static inline struct span
span_of(const char *p, size_t n)
{
	return (struct span){p, n};
}

static inline struct span
span_str(const char *s)
{
	return (struct span){s, s == NULL ? 0 : strlen(s)};
}

static inline bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
span_starts(struct span s, struct span prefix)
{
	return s.n >= prefix.n && memcmp(s.p, prefix.p, prefix.n) == 0;
}

#endif
