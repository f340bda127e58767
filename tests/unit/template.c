/* Templates: what they render to, and where a wrong one is wrong. */
#include "json/template.h"

#include "tap.h"

static const char line[] =
    "{\"s\":\"say \\\"hi\\\"\\n\\u00e9\\/\xc3\xa9\",\"n\":12345678901234567890.50,"
    "\"t\":true,\"z\":null,\"o\":{ \"k\" : [ 1, \"a\\\"b\\\\c\" ] },\"l\":[],"
    "\"e\":\"\",\"a}b\":\"brace\",\"x:-y\":\"colon\",\"deep\":[{\"v\":\"in\"}]}";

static struct entry en;

static void
renders(const char *template, const char *want)
{
	struct template *t;
	struct err e = ERR_INIT;
	struct buf out = BUF_INIT, quoted = BUF_INIT;
	struct json_fault f;

	t = template_parse(span_str(template), &e);
	if (t == NULL) {
		ok(false, "%s: %s", template, e.text);
		return;
	}
	buf_adds(&out, "before");
	if (template_render(t, &en, &out, &e) < 0)
		ok(false, "%s: %s", template, e.text);
	else
		is_span(
		    span_of(out.data + 6, out.len - 6), span_str(want), template);
	buf_addf(&quoted, "\"");
	buf_addspan(&quoted, buf_span(&out));
	buf_addf(&quoted, "\"");
	ok(json_check(buf_span(&quoted), &f) == 0, "which is a string's contents");
	buf_release(&out);
	buf_release(&quoted);
	template_free(t);
}

static void
refused(struct span template, const char *why)
{
	struct err e = ERR_INIT;
	struct template *t = template_parse(template, &e);

	ok(t == NULL && strstr(e.text, why) == e.text, "refused: %.*s (%s)",
	    (int)template.n, template.p, e.text);
	template_free(t);
}

static void
missing(const char *template, const char *name)
{
	struct err e = ERR_INIT;
	struct buf out = BUF_INIT;
	struct template *t = template_parse(span_str(template), &e);

	ok(t != NULL && template_render(t, &en, &out, &e) == -1 &&
		strstr(e.text, name) != NULL,
	    "%s misses a field: %s", template, e.text);
	buf_release(&out);
	template_free(t);
}

static void
constant(const char *template, bool want)
{
	struct err e = ERR_INIT;
	struct template *t = template_parse(span_str(template), &e);

	ok(t != NULL && template_is_constant(t) == want, "'%s' is%s constant",
	    template, want ? "" : " not");
	template_free(t);
}

static void
test_renders(void)
{
	renders("", "");
	renders("plain \"text\"\n\ttab\\", "plain \\\"text\\\"\\n\\ttab\\\\");
	renders("{s}", "say \\\"hi\\\"\\n\\u00e9\\/\xc3\xa9");
	renders("<{n}>", "<12345678901234567890.50>");
	renders("{t} {z} {l}", "true null []");
	renders("{o}", "{\\\"k\\\":[1,\\\"a\\\\\\\"b\\\\\\\\c\\\"]}");
	renders("{o.k[1]}{o.k[0]}", "a\\\"b\\\\c1");
	renders("{/o/k/0}{deep[0].v}", "1in");
	renders("{{s}} {{{t}}} }}{{", "{s} {true} }{");
	renders("{[\"a}b\"]}", "brace");
	renders("{[\"x:-y\"]}", "colon");
	renders("[{e}]", "[]");
	renders("{no:-no \"default\"}", "no \\\"default\\\"");
	renders("{no:-}|{t:-x}|{z:-x}", "|true|null");
	renders("{{{no:-x}}}", "{x}");
	renders("{/no/x:-p}", "p");
	renders("\xe2\x82\xac{t}\xe2\x82\xac", "\xe2\x82\xactrue\xe2\x82\xac");
}

static void
test_refused(void)
{
	refused(SPAN("{"), "column 1: \"{\" without");
	refused(SPAN("ab{c"), "column 3: \"{\" without");
	refused(SPAN("ab}c"), "column 3: \"}\" without");
	refused(SPAN("\xe2\x82\xac\xe2\x82\xac}"), "column 3: \"}\" without");
	refused(SPAN("one\ntwo {x"), "line 2, column 5: \"{\" without");
	refused(SPAN("{a{b}"), "column 1: \"{\" without");
	refused(SPAN("{a:-{b}}"), "column 1: \"{\" in a field's default");
	refused(SPAN("{a:-x"), "column 1: \"{\" without");
	refused(SPAN("x {}"), "column 3: {}");
	refused(SPAN("{ \"a\": 1 }"), "column 1: { \"a\": 1 }");
	refused(SPAN("{a..b}"), "column 1: {a..b}");
	refused(SPAN("{[\"a}"), "column 1: \"{\" without");
	refused(SPAN("ab\xff"), "column 3: not UTF-8");
}

int
main(void)
{
	struct json_fault f;

	en = ENTRY_INIT;
	ok(entry_parse(&en, SPAN(line), &f) == 0, "the entry is one");
	test_renders();
	test_refused();
	missing("{t} {nothing}", "no field \"nothing\"");
	missing("{o.k[9]}", "no field \"o.k[9]\"");
	missing("{/o/q}", "no field \"/o/q\"");
	constant("", true);
	constant("a {{b}} c", true);
	constant("{a}", false);
	constant("x{a:-b}", false);
	entry_release(&en);
	return done();
}
