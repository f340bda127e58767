/*
 * What people answer: {"answer":TEXT}, as it is kept; the response is
 * {"text":TEXT}.
 */
#include "dialects/dialect.h"

#include "dialects/reply.h"
#include "json/json.h"

static int
answer(struct buf *out, struct span body, struct span model,
    struct dialect_answer *a, struct err *e)
{
	struct span text = json_get(body, "answer");

	(void)model;
	*a = (struct dialect_answer){.aside = NULL};
	if (text.p == NULL || json_type(text) != JSON_STRING)
		return err_set(e, "no \"answer\", a string");
	buf_adds(out, "{\"text\":");
	buf_addspan(out, text);
	buf_addc(out, '}');
	return 0;
}

const struct dialect dialect_human = {
    .name = "human", .answer = answer, .error = reply_no_error};
