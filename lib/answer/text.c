/* Where an answer begins and ends, and how it ended. */
#include "answer/find.h"

#include <strings.h>

enum { RUNS_ON_FROM = 100 }; /* bytes of white space */

static const struct {
	const char *class;
	const char *message;
} misses[] = {
    [MISS_RESPONSE] = {"no_response", "no response.text"},
    [MISS_REASONING] = {"reasoning_open",
	"the answer's reasoning block has no end: the answer itself is not there"},
    [MISS_EMPTY] = {"empty", "what was found is empty"},
    [MISS_JSON] = {"not_found", "no JSON in the answer"},
    [MISS_JSON_BUDGET] = {"gave_up",
	"too many brackets that never close to look for JSON among them"},
    [MISS_CODE] = {"not_found", "no such code block in the answer"},
    [MISS_CODE_OPEN] = {"not_closed", "the answer's code block has no end"},
    [MISS_TAG] = {"not_found", "the tag is not in the answer"},
    [MISS_TAG_OPEN] = {"not_closed", "the tag in the answer has no end tag"},
    [MISS_REGEX] = {"not_found", "the expression does not match the answer"},
    [MISS_REGEX_GROUP] = {"not_found",
	"the expression matches, but its first group took no part"},
    [MISS_REGEX_LIMIT] = {"gave_up",
	"the expression backtracks too much on the answer"},
    [MISS_LIST] = {"not_found", "no list in the answer"},
    [MISS_INTEGERS] = {"not_found", "no whole number in the answer"},
    [MISS_INTEGER] = {"not_found", "a number in the answer is no whole number"},
    [MISS_RANGE] = {"not_found",
	"a range of numbers in the answer runs backwards, or is too long"},
    [MISS_CALL] = {"not_found", "no such tool call in the answer"},
    [MISS_ARGUMENTS] = {"not_found", "the arguments of the tool call are no JSON"},
    [MISS_JSON_MORE] = {"not_alone", "more brackets follow the JSON in the answer"},
    [MISS_LENGTH] = {"length",
	"the answer was cut at its length limit (--accept length takes it)"},
    [MISS_FILTER] = {"content_filter",
	"the content filter cut the answer (--accept content_filter takes it)"},
    [MISS_REFUSAL] = {"refusal", "the model refused (--accept refusal takes it)"},
};

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

bool
text_runs_on(struct span s)
{
	size_t n = 0;

	while (n < s.n && is_space(s.p[s.n - 1 - n]))
		n++;
	return n >= RUNS_ON_FROM;
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

/* ---- misses ---- */

const char *
miss_class(enum miss miss)
{
	return misses[miss].class;
}

const char *
miss_message(enum miss miss)
{
	return misses[miss].message;
}

/* bf-llm says true; other programs give what the model said instead. */
static bool
is_refusal(struct span refusal)
{
	return refusal.p != NULL &&
	       (json_type(refusal) == JSON_TRUE ||
		   (json_type(refusal) == JSON_STRING && refusal.n > 2));
}

enum miss
response_end(struct span response)
{
	struct span reason = json_get(response, "finish_reason");

	if (is_refusal(json_get(response, "refusal")) ||
	    (reason.p != NULL && json_is(reason, "refusal")))
		return MISS_REFUSAL;
	if (reason.p != NULL && json_is(reason, "length"))
		return MISS_LENGTH;
	if (reason.p != NULL && json_is(reason, "content_filter"))
		return MISS_FILTER;
	return MISS_NONE;
}
