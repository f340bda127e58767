/*
 * What commands answer: {"stdout":TEXT}, as it is kept; the response is
 * {"text":TEXT} without the newline at its end.
 */
#include "dialects/dialect.h"

#include "dialects/reply.h"
#include "json/json.h"

/* Whether a JSON string ends in a newline. */
static bool
ends_line(struct span text)
{
	size_t at = text.n - 2, escapes = 0; /* at its last byte */

	if (text.n < 4 || text.p[at] != 'n')
		return false;
	while (text.p[at - 1 - escapes] == '\\')
		escapes++;
	return escapes % 2 == 1;
}

static int
answer(struct buf *out, struct span body, struct span model,
    struct dialect_answer *a, struct err *e)
{
	struct span text = json_get(body, "stdout");

	(void)model;
	*a = (struct dialect_answer){.aside = NULL};
	if (text.p == NULL || json_type(text) != JSON_STRING)
		return err_set(e, "no \"stdout\", a string");
	buf_adds(out, "{\"text\":");
	buf_addspan(out, text);
	if (ends_line(text)) {
		out->len -= 3;
		buf_addc(out, '"');
	}
	buf_addc(out, '}');
	return 0;
}

const struct dialect dialect_command = {
    .name = "command", .answer = answer, .error = reply_no_error};
