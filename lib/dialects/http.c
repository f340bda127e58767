/*
 * What HTTP APIs answer: what is kept is the response as it is, an object with
 * "status", "url", "type", "link" and "body".
 */
#include "dialects/dialect.h"

#include "dialects/reply.h"
#include "json/json.h"

static int
answer(struct buf *out, struct span body, struct span model,
    struct dialect_answer *a, struct err *e)
{
	(void)model;
	*a = (struct dialect_answer){.aside = NULL};
	if (json_get(body, "status").p == NULL || json_get(body, "body").p == NULL)
		return err_set(e, "no \"status\" and \"body\"");
	buf_addspan(out, json_value(body));
	return 0;
}

/*
 * Most APIs speak of errors in one of the ways that OpenAI's dialect knows, or in
 * one of these: RFC 9457 (problem details), RFC 6749 (OAuth).
 */
static void
error(struct span body, struct dialect_error *de)
{
	static const char *const names[] = {"detail", "error_description", "title"};
	struct json_fault f;

	dialect_openai_chat.error(body, de);
	if (json_check(body, &f) != 0)
		return;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (de->message[0] == '\0')
			copy_text(de->message, sizeof de->message,
			    json_get(body, names[i]));
}

const struct dialect dialect_http = {
    .name = "http", .answer = answer, .error = error};
