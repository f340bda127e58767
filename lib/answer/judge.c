#include "answer/judge.h"

#include "answer/checked.h"
#include "answer/find.h"
#include "base/mem.h"

#include <stdlib.h>

struct judge {
	struct search search;
	struct checked checked;
	struct buf schema;
	struct buf text;  /* decoded */
	struct buf value; /* JSON */
	struct buf error;
};

struct judge *
judge_new(const char *path, bool coerce, bool formats, struct err *e)
{
	struct schema_options o = {.formats = formats, .refuse_duplicates = true};
	struct judge *j = mem_zero(1, sizeof *j);

	j->search.alone = true;
	j->checked.coerce = coerce;
	j->checked.schema = schema_load(path, &o, &j->schema, e);
	if (j->checked.schema != NULL)
		return j;
	judge_free(j);
	return NULL;
}

void
judge_free(struct judge *j)
{
	if (j == NULL)
		return;
	checked_release(&j->checked);
	buf_release(&j->search.body);
	buf_release(&j->schema);
	buf_release(&j->text);
	buf_release(&j->value);
	buf_release(&j->error);
	free(j);
}

struct span
judge_schema(const struct judge *j)
{
	return buf_span(&j->schema);
}

void
judge_parsed(const struct judge *j, struct span response, struct buf *out)
{
	struct json_iter it = json_iter(response);
	struct json_member m;

	buf_addc(out, '{');
	while (json_next(&it, &m)) {
		if (span_eq(m.key, SPAN("parsed")))
			continue;
		buf_addc(out, '"');
		buf_addspan(out, m.key);
		buf_adds(out, "\":");
		buf_addspan(out, m.value);
		buf_addc(out, ',');
	}
	buf_adds(out, "\"parsed\":");
	buf_addspan(out, buf_span(&j->value));
	buf_addc(out, '}');
}

struct span
judge_error(const struct judge *j)
{
	return buf_span(&j->error);
}

static enum miss
find_json(struct judge *j, struct span text)
{
	struct span thought;
	enum miss miss = reasoning_strip(&text, &thought);

	if (miss != MISS_NONE)
		return miss;
	text = text_trim(text);
	if (text.n == 0)
		return MISS_EMPTY;
	search_begin(&j->search, text);
	return search_run(&j->search, next_json, &j->value);
}

static void
fail(struct judge *j, const char *class, const char *message)
{
	buf_adds(&j->error, "{\"class\":");
	json_add_string(&j->error, span_str(class));
	buf_adds(&j->error, ",\"message\":");
	json_add_string(&j->error, span_str(message));
	buf_addc(&j->error, '}');
}

enum judge_verdict
judge_text(struct judge *j, struct span value)
{
	enum miss miss = MISS_RESPONSE;
	struct err e = ERR_INIT;
	struct span text;

	buf_clear(&j->value);
	buf_clear(&j->error);
	if (value.p != NULL && json_text(value, &j->text, &text))
		miss = find_json(j, text);
	if (miss == MISS_JSON_BUDGET) {
		fail(j, miss_class(miss), miss_message(miss));
		return JUDGE_UNKNOWN;
	}
	if (miss != MISS_NONE) {
		fail(j, "invalid", miss_message(miss));
		return JUDGE_BAD;
	}
	switch (checked_value(&j->checked, &j->value, &e)) {
	case 1:
		return JUDGE_GOOD;
	case 0:
		buf_addspan(&j->error, buf_span(&j->checked.error));
		return JUDGE_BAD;
	default:
		fail(j, "gave_up", e.text);
		return JUDGE_UNKNOWN;
	}
}
