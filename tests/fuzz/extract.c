/*
 * The first byte says what is looked for and which of several, the rest is an
 * answer: what is found is always JSON, in bounded time.
 */
#include "answer/find.h"
#include "base/err.h"
#include "io/utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	search_next *next;
	const char *name;
	const char *expression;
} searches[] = {
    {next_json, NULL, NULL},
    {next_code, NULL, NULL},
    {next_code, "sh", NULL},
    {next_tag, "a", NULL},
    {next_regex, NULL, "(\\w*)=(\\d*)"},
    {next_regex, NULL, "(?<k>\\w+)=(?<v>\\d*)|x*(?<k2>\xc3\xa9)?"},
    {find_list, NULL, NULL},
    {find_integers, NULL, NULL},
    {next_call, "add", NULL},
};
#define SEARCHES (sizeof(searches) / sizeof(searches[0]))

/* For a search in calls the answer is the JSON of them. */
static bool
prepare(struct search *s, search_next *next, struct span text)
{
	struct span thought = SPAN_NONE;
	struct json_fault f;

	if (next != next_call) {
		reasoning_strip(&text, &thought);
		s->text = s->rest = text;
		return true;
	}
	s->calls = json_iter(text);
	return json_check(text, &f) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(
	    (const char *)data + 1, size == 0 ? 0 : size - 1);
	struct search s = {0};
	struct buf out = BUF_INIT;
	struct json_fault f;
	struct err e;
	size_t i;

	if (size == 0)
		return 0;
	i = data[0] % SEARCHES;
	s.which = (enum which)(data[0] / SEARCHES % 3);
	s.name = span_str(searches[i].name);
	if (searches[i].expression != NULL) {
		s.regex = regex_new(searches[i].expression, false, &e);
		s.named = regex_has_names(s.regex);
	}
	text.n = utf8_valid(text);
	if (prepare(&s, searches[i].next, text) &&
	    search_run(&s, searches[i].next, &out) == MISS_NONE &&
	    json_check(buf_span(&out), &f) < 0)
		abort();
	regex_free(s.regex);
	buf_release(&s.body);
	buf_release(&out);
	return 0;
}
