#include "io/regex.h"

#include "base/buf.h"
#include "tap.h"

/* What group 1 of the expression holds, "-" where it took no part; what else came.
 */
static const char *
found(const char *pattern, bool ignore_case, const char *text)
{
	static struct buf out;
	struct err e = ERR_INIT;
	struct regex *r = regex_new(pattern, ignore_case, &e);
	struct span whole, group;
	int rc = r == NULL ? -2 : regex_find(r, span_str(text), &e);

	buf_clear(&out);
	if (rc == -2)
		buf_addf(&out, "wrong: %s", e.text);
	else if (rc == -1)
		buf_addf(&out, "cannot: %s", e.text);
	else if (rc == 0)
		buf_adds(&out, "no");
	if (rc == 1) {
		whole = regex_group(r, span_str(text), 0);
		group = regex_group(r, span_str(text), 1);
		buf_addf(&out, "%u %.*s@%td ", regex_groups(r), (int)whole.n,
		    whole.p, whole.p - text);
		if (group.p == NULL)
			buf_addc(&out, '-');
		buf_addspan(&out, group);
	}
	regex_free(r);
	return buf_cstr(&out);
}

static void
test_matches(void)
{
	is_str(found("b", false, "abc"), "0 b@1 -",
	    "all of the match, where there is no group");
	is_str(found("a(.)", false, "xa\303\251"), "1 a\303\251@1 \303\251",
	    "a group; a character may be several bytes");
	is_str(found("b(.*)", false, "ab"), "1 b@1 ", "a group that is empty");
	is_str(
	    found("a(x)?b", false, "ab"), "1 ab@0 -", "a group that took no part");
	is_str(found("(x)?(a)", false, "a"), "2 a@0 -", "nor did the first of two");
	is_str(found("a\\Kb", false, "ab"), "0 b@1 -", "a match that begins later");
	is_str(found("z", false, "ab"), "no", "no match");
	is_str(found("\303\204", false, "\303\244"), "no", "large is not small");
	is_str(found("\303\204", true, "\303\244"), "0 \303\244@0 -",
	    "but where case is ignored");
}

static void
test_again(void)
{
	struct err e = ERR_INIT;
	struct regex *r = regex_new("(a)|b", false, &e);

	ok(regex_find(r, SPAN("a"), &e) == 1 && regex_find(r, SPAN("b"), &e) == 1 &&
		regex_group(r, SPAN("b"), 1).p == NULL &&
		regex_find(r, SPAN(""), &e) == 0,
	    "one expression, several texts");
	regex_free(r);
	regex_free(NULL);
}

static void
test_refused(void)
{
	struct buf text = BUF_INIT;

	is_str(found("a(", false, "a"),
	    "wrong: at byte 3: missing closing parenthesis",
	    "an expression that is none");
	ok(strncmp(found("\\C", false, "a"), "wrong: ", 7) == 0, "\\C is refused");
	for (int i = 0; i < 5000; i++)
		buf_addc(&text, 'a');
	buf_addc(&text, '!');
	is_str(found("^(a|aa)+$", 0, buf_cstr(&text)),
	    "cannot: match limit exceeded", "backtracking without end");
	buf_release(&text);
}

int
main(void)
{
	test_matches();
	test_again();
	test_refused();
	return done();
}
