/* What the tests of the dialects share. */
#ifndef BF_TESTS_DIALECT_HELP_H
#define BF_TESTS_DIALECT_HELP_H

#include "dialects/dialect.h"
#include "tap.h"
#include "json/json.h"

/* Of the dialect under test. */
extern const struct dialect *const dialect;

static struct buf help_out, help_dropped;
static struct err help_err;

/* The body for a request; -1 where it is refused. */
static int
make_body(const char *request, bool lenient)
{
	struct buf canon = BUF_INIT, form = BUF_INIT;
	struct json_fault f;
	int rc;

	buf_clear(&help_out);
	buf_clear(&help_dropped);
	err_init(&help_err);
	if (json_check(span_str(request), &f) != 0)
		ok(false, "the test's own JSON, byte %zu: %s", f.at, request);
	json_canon(&canon, span_str(request));
	dialect_form(&form, buf_span(&canon), SPAN("m"));
	rc = dialect->body(&help_out, buf_span(&form), SPAN("m"), lenient,
	    &help_dropped, &help_err);
	if (rc == 0 && json_check(buf_span(&help_out), &f) != 0)
		ok(false, "what is sent is JSON: byte %zu", f.at);
	buf_release(&canon);
	buf_release(&form);
	return rc;
}

__attribute__((unused)) static void
body_is(const char *request, const char *want, const char *what)
{
	if (make_body(request, false) != 0)
		ok(false, "%s: %s", what, help_err.text);
	else
		is_span(buf_span(&help_out), span_str(want), what);
}

/* The body has this in it. */
__attribute__((unused)) static void
body_has(const char *request, const char *part)
{
	bool good = make_body(request, false) == 0;

	if (!ok(good && strstr(buf_cstr(&help_out), part) != NULL, "%s", part))
		printf("# %s\n", good ? buf_cstr(&help_out) : help_err.text);
}

__attribute__((unused)) static void
body_lacks(const char *request, const char *part)
{
	bool good = make_body(request, false) == 0;

	if (!ok(good && strstr(buf_cstr(&help_out), part) == NULL, "no %s", part))
		printf("# %s\n", good ? buf_cstr(&help_out) : help_err.text);
}

/* It is refused, and the reason has this in it. */
__attribute__((unused)) static void
is_refused(const char *request, const char *part)
{
	bool sent = make_body(request, false) == 0;

	if (!ok(!sent && strstr(help_err.text, part) != NULL, "refused: %s", part))
		printf("# %s\n", sent ? buf_cstr(&help_out) : help_err.text);
}

/* It is refused, but sent without these fields where lenient. */
__attribute__((unused)) static void
is_dropped(const char *request, const char *fields, const char *want)
{
	ok(make_body(request, false) != 0, "refused: %s", help_err.text);
	if (make_body(request, true) != 0) {
		ok(false, "lenient: %s", help_err.text);
		return;
	}
	is_span(buf_span(&help_dropped), span_str(fields), "what is left out");
	is_span(buf_span(&help_out), span_str(want), "what is sent without it");
}

/* -1 for no answer. */
static int
read_answer(const char *body, struct dialect_answer *a)
{
	buf_clear(&help_out);
	err_init(&help_err);
	if (dialect_check(span_str(body), &help_err) != 0)
		return -1;
	return dialect->answer(
	    &help_out, span_str(body), SPAN("asked"), a, &help_err);
}

/* aside: NULL for none. */
__attribute__((unused)) static void
answer_is(const char *body, const char *want, const char *aside, const char *what)
{
	struct dialect_answer a = {.aside = NULL};
	struct json_fault f;

	if (read_answer(body, &a) != 0) {
		ok(false, "%s: %s", what, help_err.text);
		return;
	}
	is_span(buf_span(&help_out), span_str(want), what);
	ok(json_check(buf_span(&help_out), &f) == 0 &&
		(aside == NULL) == (a.aside == NULL) &&
		(aside == NULL || strcmp(aside, a.aside) == 0),
	    "%s: %s", what, aside == NULL ? "not put aside" : aside);
}

__attribute__((unused)) static void
no_answer(const char *body, const char *part)
{
	struct dialect_answer a;
	bool answered = read_answer(body, &a) == 0;

	if (!ok(!answered && help_out.len == 0 &&
		    strstr(help_err.text, part) != NULL,
		"no answer (%s): %.100s", part, body))
		printf("# %s\n", answered ? buf_cstr(&help_out) : help_err.text);
}

__attribute__((unused)) static void
error_says(const char *body, const char *message, const char *code,
    const char *type, const char *retry_after)
{
	struct dialect_error de;

	dialect->error(span_str(body), &de);
	if (!ok(strcmp(de.message, message) == 0 && strcmp(de.code, code) == 0 &&
		    strcmp(de.type, type) == 0 &&
		    strcmp(de.retry_after, retry_after) == 0,
		"error: %.100s", body))
		printf("# '%s' '%s' '%s' '%s'\n", de.message, de.code, de.type,
		    de.retry_after);
}

static inline void
help_release(void)
{
	buf_release(&help_out);
	buf_release(&help_dropped);
}

#endif
