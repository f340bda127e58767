/* What is sent to a provider, what its answers are taken for, and its names. */
#include "dialects/provider.h"
#include "tap.h"
#include "json/json.h"

static const struct dialect *const d = &dialect_openai_chat;

static void
test_body(void)
{
	struct buf b = BUF_INIT;

	dialect_form(&b,
	    SPAN("{\"a\":1,\"model\":\"m@openai\",\"stream\":true,\"stream_"
		 "options\":{},\"z\":[1]}"),
	    SPAN("m\"1"));
	is_span(buf_span(&b), SPAN("{\"a\":1,\"model\":\"m\\\"1\",\"z\":[1]}"),
	    "the model without its provider; stream is not sent");
	buf_clear(&b);
	dialect_form(&b, SPAN("{}"), SPAN("m"));
	is_span(buf_span(&b), SPAN("{}"), "an empty body");
	buf_release(&b);
	ok(dialect_is_transport(SPAN("user")) &&
		dialect_is_transport(SPAN("stream")) &&
		!dialect_is_transport(SPAN("seed")) &&
		!dialect_is_transport(SPAN("tools")),
	    "what says how a request is carried is told from what it asks");
}

/* The response, or "" where it is no answer. */
static struct span
answer(const char *body, struct dialect_answer *a)
{
	static struct buf b;
	struct err e = ERR_INIT;

	buf_clear(&b);
	if (dialect_check(span_str(body), &e) != 0 ||
	    d->answer(&b, span_str(body), SPAN("asked"), a, &e) != 0) {
		ok(b.len == 0 && e.text[0] != '\0', "no answer, and a reason: %s",
		    e.text);
		return SPAN("");
	}
	return buf_span(&b);
}

#define CHOICE(rest) "{\"choices\":[{" rest "}]}"

static void
test_answers(void)
{
	struct dialect_answer a;

	is_span(answer(CHOICE("\"message\":{\"content\":\"a\\u00e9\\n\"}"), &a),
	    SPAN("{\"text\":\"a\\u00e9\\n\",\"model\":\"asked\",\"finish_reason\":"
		 "null,\"usage\":null}"),
	    "the least answer; its text as it is written");
	ok(a.aside == NULL && !a.usage.known, "nothing special about it");
	is_span(answer("{\"usage\":{\"completion_tokens\":5,\"prompt_tokens\":9,"
		       "\"completion_tokens_details\":{\"reasoning_tokens\":2},"
		       "\"prompt_tokens_details\":{\"cached_tokens\":4}},\"model\":"
		       "\"real\","
		       "\"choices\":[{\"finish_reason\":\"stop\",\"message\":{"
		       "\"content\":\"x\"}},{}]}",
		    &a),
	    SPAN("{\"text\":\"x\",\"model\":\"real\",\"finish_reason\":\"stop\","
		 "\"usage\":{\"input\":9,\"output\":5,\"cached\":4,\"reasoning\":2}"
		 "}"),
	    "usage, its details, the model's own name");
	answer("{\"usage\":{\"prompt_cache_hit_tokens\":3},\"choices\":[{"
	       "\"message\":{\"content\":\"\"}}]}",
	    &a);
	is_int(a.usage.cached, 3, "the other name of cached tokens");
	answer("{\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":1e3},"
	       "\"choices\":[]}",
	    &a);
	ok(a.usage.known && a.usage.input == 0 && a.usage.output == 0,
	    "counts that are none count nothing");
	answer(
	    CHOICE("\"message\":{\"content\":\"x\"},\"finish_reason\":\"length\""),
	    &a);
	is_str(a.aside, "length", "length");
	answer(
	    CHOICE("\"message\":{\"content\":null},\"finish_reason\":\"length\""),
	    &a);
	is_str(a.aside, "length", "length before anything was said");
	answer(CHOICE("\"message\":{\"content\":\"\"},\"finish_reason\":\"content_"
		      "filter\""),
	    &a);
	is_str(a.aside, "content_filter", "content_filter");
	is_span(
	    answer(CHOICE("\"message\":{\"content\":null,\"refusal\":\"no\"}"), &a),
	    SPAN("{\"text\":\"no\",\"model\":\"asked\",\"finish_reason\":null,"
		 "\"usage\":null,\"refusal\":true}"),
	    "a refusal is its text");
	is_str(a.aside, "refusal", "refusal");
	is_span(answer(CHOICE("\"message\":{\"content\":\"x\",\"refusal\":null,"
			      "\"tool_calls\":[]},\"logprobs\":null"),
		    &a),
	    SPAN("{\"text\":\"x\",\"model\":\"asked\",\"finish_reason\":null,"
		 "\"usage\":null}"),
	    "members that are null or empty are left out");
}

static void
test_rubbish(void)
{
	static const char *const none[] = {"", " ", "<html>", "[]", "null", "\"x\"",
	    "{}", "{\"choices\":null}", "{\"choices\":[]}", "{\"choices\":[1]}",
	    "{\"choices\":[{}]}", CHOICE("\"message\":[]"),
	    CHOICE("\"message\":{}"), CHOICE("\"message\":{\"content\":null}"),
	    CHOICE("\"message\":{\"content\":[]}"),
	    CHOICE("\"message\":{\"content\":null,\"tool_calls\":[]}"),
	    CHOICE("\"message\":{\"content\":null,\"refusal\":\"\"}"),
	    "{\"error\":{},\"choices\":[{\"message\":{\"content\":\"x\"}}]}",
	    "{\"choices\":[{\"message\":{\"content\":\"x\"}}]} x"};
	struct dialect_answer a;
	size_t i;

	for (i = 0; i < sizeof none / sizeof *none; i++)
		is_span(answer(none[i], &a), SPAN(""), none[i]);
}

static void
error_is(const char *body, const char *message, const char *code, const char *type)
{
	struct dialect_error de;

	d->error(span_str(body), &de);
	ok(strcmp(de.message, message) == 0 && strcmp(de.code, code) == 0 &&
		strcmp(de.type, type) == 0,
	    "error: %.60s", body);
}

static void
test_errors(void)
{
	char longest[2000] = "{\"message\":\"";
	struct dialect_error de;
	size_t n = strlen(longest), i;

	error_is("{\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":\"c\"}}",
	    "m", "c", "t");
	error_is("{\"error\":{\"message\":\"m\",\"code\":429}}", "m", "429", "");
	error_is("{\"error\":\"busy\"}", "busy", "", "");
	error_is("{\"message\":\"m\"}", "m", "", "");
	error_is("[{\"error\":{\"message\":\"m\",\"code\":null}}]", "m", "", "");
	error_is("[]", "", "", "");
	error_is("<html>", "", "", "");
	error_is("", "", "", "");
	error_is("7", "", "", "");
	for (i = 0; i < 600; i++) {
		longest[n++] = '\xc3';
		longest[n++] = '\xa9';
	}
	memcpy(longest + n, "\"}", 3);
	d->error(span_str(longest), &de);
	ok(strlen(de.message) >= 290 && strlen(de.message) % 2 == 0,
	    "a long message is cut between two characters");
}

static void
split_is(const char *name, const char *model, const char *provider)
{
	struct err e = ERR_INIT;
	struct span got = SPAN_NONE, at = SPAN_NONE;
	bool good = provider_split(span_str(name), &got, &at, &e) == 0;

	ok(good == (model != NULL) && (!good || span_eq(got, span_str(model))) &&
		(!good || span_eq(at, span_str(provider))),
	    "model and provider of \"%s\"", name);
}

static void
host_is(const char *url, const char *want)
{
	struct err e = ERR_INIT;
	char *got = provider_host_port(url, &e);

	ok((got == NULL) == (want == NULL) &&
		(got == NULL || strcmp(got, want) == 0),
	    "endpoint of %s: %s", url, got != NULL ? got : e.text);
	free(got);
}

static void
test_names(void)
{
	split_is("gpt", "gpt", "openai");
	split_is("gpt@openai", "gpt", "openai");
	split_is("a@b@groq", "a@b", "groq");
	split_is("gpt@", NULL, NULL);
	split_is("@openai", NULL, NULL);
	split_is("", NULL, NULL);
	host_is("http://127.0.0.1:8080/v1", "127.0.0.1:8080");
	host_is("https://API.Example.com/v1", "api.example.com:443");
	host_is("http://h", "h:80");
	host_is("http://[::1]:8000/v1", "[::1]:8000");
	host_is("http://[::1]/v1", "[::1]:80");
	host_is("ftp://h/", NULL);
	host_is("http://", NULL);
	host_is("http://user:secret@h/", NULL);
	host_is("http://h/?key=1", NULL);
	host_is("http://h/a b", NULL);
}

int
main(void)
{
	test_body();
	test_answers();
	test_rubbish();
	test_errors();
	test_names();
	return done();
}
