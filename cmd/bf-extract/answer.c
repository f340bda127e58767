/*
 * answer: where an answer begins and ends.
 */
#include "extract.h"

#include <strings.h>

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct span
text_trim(struct span s)
{
	while (s.n > 0 && is_space(s.p[0]))
		s = span_of(s.p + 1, s.n - 1);
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool
starts_any_case(struct span s, struct span prefix)
{
	return s.n >= prefix.n && strncasecmp(s.p, prefix.p, prefix.n) == 0;
}

/* Behind the first occurrence of tag, in any case; 0 if there is none. */
static size_t
find_end_of(struct span s, struct span tag)
{
	const char *p = s.p, *end = s.p + s.n;

	while ((p = memchr(p, '<', (size_t)(end - p))) != NULL) {
		if (starts_any_case(span_of(p, (size_t)(end - p)), tag))
			return (size_t)(p - s.p) + tag.n;
		p++;
	}
	return 0;
}

enum miss
reasoning_strip(struct span *text, struct span *reasoning)
{
	static const struct {
		struct span open;
		struct span close;
	} tags[] = {
	    {{"<think>", 7}, {"</think>", 8}},
	    {{"<thinking>", 10}, {"</thinking>", 11}},
	    {{"<reasoning>", 11}, {"</reasoning>", 12}},
	};
	struct span s = text_trim(*text);
	size_t n;

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		if (!starts_any_case(s, tags[i].open))
			continue;
		n = find_end_of(s, tags[i].close);
		if (n == 0)
			return MISS_REASONING;
		*text = span_of(s.p + n, s.n - n);
		*reasoning = text_trim(span_of(
		    s.p + tags[i].open.n, n - tags[i].open.n - tags[i].close.n));
		return MISS_NONE;
	}
	return MISS_NONE;
}

static bool
is_space_escape(char c)
{
	return c == 'n' || c == 't' || c == 'r' || c == 'f';
}

/* Whether the backslash before p[at] begins an escape, being no escaped one itself.
 */
static bool
backslash_is_escape(const char *p, size_t at)
{
	size_t n = 0;

	while (n < at && p[at - 1 - n] == '\\')
		n++;
	return n % 2 == 1;
}

/* Whether \u00xx stands at p and means white space or "<". */
static bool
is_telling_u(const char *p, size_t n)
{
	static const char telling[][3] = {
	    "09",
	    "0a",
	    "0b",
	    "0c",
	    "0d",
	    "20",
	    "3c",
	};

	if (n < 6 || memcmp(p, "\\u00", 4) != 0)
		return false;
	for (size_t i = 0; i < sizeof(telling) / sizeof(telling[0]); i++)
		if (strncasecmp(p + 4, telling[i], 2) == 0)
			return true;
	return false;
}

bool
raw_trim(struct span *raw)
{
	const char *p = raw->p;
	size_t from = 0, to = raw->n;

	for (;;) {
		if (from < to && p[from] == ' ')
			from++;
		else if (to - from >= 2 && p[from] == '\\' &&
			 is_space_escape(p[from + 1]))
			from += 2;
		else
			break;
	}
	/* A reasoning block may begin here, or white space spelled another way. */
	if (from < to && (p[from] == '<' || is_telling_u(p + from, to - from)))
		return false;
	for (;;) {
		if (to > from && p[to - 1] == ' ')
			to--;
		else if (to - from >= 2 && is_space_escape(p[to - 1]) &&
			 backslash_is_escape(p, to - 1))
			to -= 2;
		else
			break;
	}
	if (to - from >= 6 && is_telling_u(p + to - 6, 6))
		return false;
	*raw = span_of(p + from, to - from);
	return true;
}
