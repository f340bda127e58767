/*
 * The limits are those of pcre2api(3), "The match context".
 */
#include "io/regex.h"

#include "base/mem.h"
#include "io/library.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MATCH_LIMIT     2000000
#define HEAP_LIMIT_KIB  65536
#define JIT_STACK_START ((size_t)32 << 10)
#define JIT_STACK_MAX   ((size_t)8 << 20)

#define PCRE2_FUNCTIONS(F)                \
	F(code_free)                      \
	F(compile)                        \
	F(get_error_message)              \
	F(get_ovector_pointer)            \
	F(jit_compile)                    \
	F(jit_stack_assign)               \
	F(jit_stack_create)               \
	F(jit_stack_free)                 \
	F(match)                          \
	F(match_context_create)           \
	F(match_context_free)             \
	F(match_data_create_from_pattern) \
	F(match_data_free)                \
	F(pattern_info)                   \
	F(set_heap_limit)                 \
	F(set_match_limit)

/* libpcre2-8, loaded where an expression first needs it. */
static struct {
#define MEMBER(name) __typeof__(pcre2_##name) *name;
	PCRE2_FUNCTIONS(MEMBER)
} pcre2;

struct regex {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
	pcre2_jit_stack *stack;
	uint32_t groups;
	int found; /* groups that the last match set, and 1 */
};

#define LOOK_UP(name)                                                           \
	if (library_function(library, "pcre2_" #name "_8", &pcre2.name, e) < 0) \
		return -1;

static int
load(struct err *e)
{
	static bool ready;
	void *library;

	if (ready)
		return 0;
	library = library_open(
	    "libpcre2-8.so.0", "a regular expression", "libpcre2-8-0", e);
	if (library == NULL)
		return -1;
	PCRE2_FUNCTIONS(LOOK_UP)
	ready = true;
	return 0;
}

static int
set_error(struct err *e, int code)
{
	PCRE2_UCHAR text[200];

	pcre2.get_error_message(code, text, sizeof(text));
	return err_set(e, "%s", (const char *)text);
}

static int
set_limits(struct regex *r, struct err *e)
{
	r->limits = pcre2.match_context_create(NULL);
	r->match = pcre2.match_data_create_from_pattern(r->code, NULL);
	if (r->limits == NULL || r->match == NULL)
		return err_set(e, "out of memory");
	pcre2.set_match_limit(r->limits, MATCH_LIMIT);
	pcre2.set_heap_limit(r->limits, HEAP_LIMIT_KIB);
	if (pcre2.jit_compile(r->code, PCRE2_JIT_COMPLETE) != 0)
		return 0;
	r->stack = pcre2.jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
	if (r->stack != NULL)
		pcre2.jit_stack_assign(r->limits, NULL, r->stack);
	return 0;
}

struct regex *
regex_new(const char *pattern, bool ignore_case, struct err *e)
{
	struct regex *r;
	uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
	PCRE2_SIZE at;
	int code;

	if (load(e) != 0)
		return NULL;
	r = mem_zero(1, sizeof(*r));
	if (ignore_case)
		options |= PCRE2_CASELESS;
	r->code = pcre2.compile(
	    (PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code, &at, NULL);
	if (r->code == NULL) {
		set_error(e, code);
		err_prefix(e, "at byte %zu", (size_t)at + 1);
	} else if (set_limits(r, e) == 0) {
		pcre2.pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &r->groups);
		return r;
	}
	regex_free(r);
	return NULL;
}

void
regex_free(struct regex *r)
{
	if (r == NULL)
		return;
	pcre2.jit_stack_free(r->stack);
	pcre2.match_context_free(r->limits);
	pcre2.match_data_free(r->match);
	pcre2.code_free(r->code);
	free(r);
}

int
regex_find(struct regex *r, struct span text, struct err *e)
{
	return regex_find_from(r, text, 0, e);
}

int
regex_find_from(struct regex *r, struct span text, size_t from, struct err *e)
{
	r->found = pcre2.match(r->code, (PCRE2_SPTR)text.p, text.n, from,
	    PCRE2_NO_UTF_CHECK, r->match, r->limits);
	if (r->found == PCRE2_ERROR_NOMATCH)
		return 0;
	return r->found < 0 ? set_error(e, r->found) : 1;
}

unsigned
regex_groups(const struct regex *r)
{
	return r->groups;
}

/* The table's entries: the group's number, big endian, in two bytes, and its name.
 */
const char *
regex_name(const struct regex *r, unsigned group)
{
	uint32_t n, size;
	PCRE2_SPTR at;

	pcre2.pattern_info(r->code, PCRE2_INFO_NAMECOUNT, &n);
	pcre2.pattern_info(r->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	pcre2.pattern_info(r->code, PCRE2_INFO_NAMETABLE, &at);
	for (; n > 0; n--, at += size)
		if ((unsigned)(at[0] << 8 | at[1]) == group)
			return (const char *)at + 2;
	return NULL;
}

struct span
regex_group(const struct regex *r, struct span text, unsigned group)
{
	const PCRE2_SIZE *at = pcre2.get_ovector_pointer(r->match) + 2 * group;

	if (r->found <= (int)group || at[0] == PCRE2_UNSET)
		return SPAN_NONE;
	return span_of(text.p + at[0], at[1] > at[0] ? at[1] - at[0] : 0);
}
