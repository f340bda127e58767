/*
 * regex: one Perl-compatible expression over answers.
 *
 * The limits let an expression that backtracks without end fail in bounded
 * time and memory (pcre2api(3), "The match context").
 */
#include "base/mem.h"
#include "base/msg.h"
#include "extract.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MATCH_LIMIT     2000000
#define HEAP_LIMIT_KIB  65536
#define JIT_STACK_START ((size_t)32 << 10)
#define JIT_STACK_MAX   ((size_t)8 << 20)

struct regex {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
	pcre2_jit_stack *stack;
	uint32_t groups;
};

static void
limits_set(struct regex *r)
{
	r->limits = pcre2_match_context_create(NULL);
	r->match = pcre2_match_data_create_from_pattern(r->code, NULL);
	if (r->limits == NULL || r->match == NULL)
		msg_die(STATUS_CANNOT, "out of memory");
	pcre2_set_match_limit(r->limits, MATCH_LIMIT);
	pcre2_set_heap_limit(r->limits, HEAP_LIMIT_KIB);
	if (pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE) != 0)
		return;
	r->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
	if (r->stack != NULL)
		pcre2_jit_stack_assign(r->limits, NULL, r->stack);
}

struct regex *
regex_new(const char *pattern, struct err *e)
{
	struct regex *r = mem_zero(1, sizeof(*r));
	PCRE2_UCHAR text[200];
	PCRE2_SIZE at;
	int code;

	r->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	    PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
	if (r->code == NULL) {
		pcre2_get_error_message(code, text, sizeof(text));
		err_set(e, "at byte %zu: %s", (size_t)at + 1, (const char *)text);
		free(r);
		return NULL;
	}
	pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &r->groups);
	limits_set(r);
	return r;
}

void
regex_free(struct regex *r)
{
	if (r == NULL)
		return;
	pcre2_jit_stack_free(r->stack);
	pcre2_match_context_free(r->limits);
	pcre2_match_data_free(r->match);
	pcre2_code_free(r->code);
	free(r);
}

enum miss
regex_find(struct regex *r, struct span text, struct span *found)
{
	size_t group = r->groups > 0 ? 1 : 0;
	PCRE2_SIZE *at;
	int n;

	n = pcre2_match(r->code, (PCRE2_SPTR)text.p, text.n, 0, PCRE2_NO_UTF_CHECK,
	    r->match, r->limits);
	if (n == PCRE2_ERROR_NOMATCH)
		return MISS_REGEX;
	if (n < 0)
		return MISS_REGEX_LIMIT;
	at = pcre2_get_ovector_pointer(r->match);
	if ((size_t)n <= group || at[2 * group] == PCRE2_UNSET)
		return MISS_REGEX_GROUP;
	/* \K can put the beginning behind the end. */
	if (at[2 * group] >= at[2 * group + 1])
		return MISS_EMPTY;
	*found = span_of(text.p + at[2 * group], at[2 * group + 1] - at[2 * group]);
	return MISS_NONE;
}
