/* OpenAI's responses: what is sent, and what comes back. */
#include "dialect_help.h"
#include "dialects/provider.h"
#include "pacing/retry.h"

const struct dialect *const dialect = &dialect_openai_responses;

#define HI       "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define ASK(...) "{" HI "," __VA_ARGS__ "}"
#define SAID     "{\"messages\":["
#define SENT     "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define KEPT     ",\"store\":false}"

static void
test_messages(void)
{
	body_is("{" HI "}", SENT KEPT, "one message; nothing is stored unasked");
	body_is(
	    ASK("\"max_tokens\":7,\"max_completion_tokens\":9,\"temperature\":0.50,"
		"\"top_p\":1,\"logprobs\":true,\"top_logprobs\":3,\"reasoning_"
		"effort\":"
		"\"xhigh\",\"verbosity\":\"low\",\"seed\":null,\"n\":1,\"stop\":[],"
		"\"presence_penalty\":0.0,\"stream\":true"),
	    SENT
	    ",\"max_output_tokens\":9,\"temperature\":0.50,\"top_p\":1,\"include\":"
	    "["
	    "\"message.output_text.logprobs\"],\"top_logprobs\":3,\"reasoning\":{"
	    "\"effort\":\"xhigh\"},\"text\":{\"verbosity\":\"low\"}" KEPT,
	    "how to answer");
	body_is(
	    ASK("\"store\":true,\"metadata\":{\"a\":\"b\"},\"user\":\"u\","
		"\"safety_identifier\":\"s\",\"service_tier\":\"flex\","
		"\"prompt_cache_key\":\"k\",\"prompt_cache_retention\":\"24h\""),
	    SENT ",\"store\":true,\"metadata\":{\"a\":\"b\"},\"user\":\"u\","
		 "\"safety_identifier\":\"s\",\"service_tier\":\"flex\","
		 "\"prompt_cache_key\":\"k\",\"prompt_cache_retention\":\"24h\"}",
	    "how it is carried");
	body_is(SAID "{\"role\":\"system\",\"content\":[{\"type\":\"text\","
		     "\"text\":\"be \"},"
		     "{\"type\":\"text\",\"text\":\"brief\"}]},"
		     "{\"role\":\"developer\",\"content\":\"x\"},"
		     "{\"role\":\"user\",\"content\":\"a\\n\\u00e9\"},"
		     "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\","
		     "\"text\":\"b\"},"
		     "{\"type\":\"refusal\",\"refusal\":\"c\"}]},"
		     "{\"role\":\"assistant\",\"content\":null,\"refusal\":\"no\"},"
		     "{\"role\":\"user\",\"content\":\"d\"}]}",
	    "{\"model\":\"m\",\"instructions\":\"be "
	    "brief\",\"input\":[{\"role\":\"developer\","
	    "\"content\":\"x\"},{\"role\":\"user\",\"content\":\"a\\né\"},{"
	    "\"role\":"
	    "\"assistant\",\"content\":\"bc\"},{\"role\":\"assistant\",\"content\":"
	    "\"no\"},"
	    "{\"role\":\"user\",\"content\":\"d\"}]" KEPT,
	    "several turns");
	is_refused(
	    SAID "{\"role\":\"system\",\"content\":\"x\"}]}", "that of the system");
	is_refused(SAID
	    "{\"role\":\"assistant\",\"content\":[{\"type\":\"image_url\","
	    "\"image_url\":\"https://h\"}]}]}",
	    "messages[0].content[0]");
}

#define PART(part) SAID "{\"role\":\"user\",\"content\":[" part "]}]}"

static void
test_parts(void)
{
	body_is(
	    PART(
		"{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image_url\","
		"\"image_url\":{"
		"\"url\":\"data:image/png;base64,iVBOR\",\"detail\":\"low\"}},"
		"{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://h/a\"}},"
		"{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":"
		"\"data:application/pdf;base64,JVBE\"}},"
		"{\"type\":\"file\",\"file\":{\"file_data\":\"https://h/a.pdf\"}}"),
	    "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":"
	    "\"input_text\",\"text\":\"a\"},{\"type\":\"input_image\",\"image_"
	    "url\":"
	    "\"data:image/"
	    "png;base64,iVBOR\",\"detail\":\"low\"},{\"type\":\"input_image\","
	    "\"image_url\":\"https://h/a\"},{\"type\":\"input_file\",\"file_data\":"
	    "\"data:application/"
	    "pdf;base64,JVBE\",\"filename\":\"a.pdf\"},{\"type\":"
	    "\"input_file\",\"file_url\":\"https://h/a.pdf\"}]}]" KEPT,
	    "text, images and files");
	is_refused(
	    PART("{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\","
		 "\"format\":\"wav\"}}"),
	    "messages[0].content[0].type");
	is_refused(PART("{\"type\":\"image_url\",\"image_url\":{\"url\":7}}"),
	    "image_url.url");
}

#define TOOL                                                              \
	"\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"," \
	"\"description\":\"d\","                                          \
	"\"strict\":true,\"parameters\":{\"type\":\"object\"}}},"         \
	"{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]"

static void
test_tools(void)
{
	body_is(ASK(TOOL ",\"parallel_tool_calls\":false"),
	    SENT
	    ",\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":"
	    "\"d\","
	    "\"parameters\":{\"type\":\"object\"},\"strict\":true},{\"type\":"
	    "\"function\","
	    "\"name\":\"g\",\"parameters\":{\"type\":\"object\",\"properties\":{}},"
	    "\"strict\":false}],\"parallel_tool_calls\":false" KEPT,
	    "tools");
	body_has(ASK(TOOL ",\"tool_choice\":\"required\""),
	    "\"tool_choice\":\"required\"");
	body_has(ASK(TOOL ",\"tool_choice\":{\"type\":\"function\",\"function\":{"
			  "\"name\":\"g\"}}"),
	    "\"tool_choice\":{\"type\":\"function\",\"name\":\"g\"}");
	body_is(SAID
	    "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":"
	    "\"1\","
	    "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
	    "\"{ \\\"x\\\":1}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"1\","
	    "\"content\":\"r\"}]}",
	    "{\"model\":\"m\",\"input\":[{\"type\":\"function_call\",\"call_id\":"
	    "\"1\",\"name\":"
	    "\"f\",\"arguments\":\"{ "
	    "\\\"x\\\":1}\"},{\"type\":\"function_call_output\","
	    "\"call_id\":\"1\",\"output\":\"r\"}]" KEPT,
	    "a call and its result");
	is_refused(ASK("\"tools\":[{\"type\":\"web_search\"}]"), "tools[0]");
}

static void
test_formats(void)
{
	body_is(ASK("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
		    "{\"name\":\"n\","
		    "\"strict\":true,\"description\":\"d\",\"schema\":{\"type\":"
		    "\"object\"}}}"),
	    SENT ",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\","
		 "\"description\":"
		 "\"d\",\"schema\":{\"type\":\"object\"},\"strict\":true}}" KEPT,
	    "a schema");
	body_has(ASK("\"response_format\":{\"type\":\"json_object\"}"),
	    ",\"text\":{\"format\":{\"type\":\"json_object\"}}");
	is_refused(
	    ASK("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
		"\"schema\":{}}}"),
	    "json_schema.name");
}

static void
test_cannot(void)
{
	is_dropped(ASK("\"stop\":\"x\",\"seed\":1,\"frequency_penalty\":1,"
		       "\"presence_penalty\":1,"
		       "\"n\":2,\"logit_bias\":{\"1\":1},\"top_k\":1"),
	    "frequency_penalty, logit_bias, n, presence_penalty, seed, stop, top_k",
	    SENT KEPT);
}

#define TEXT(s) "{\"type\":\"output_text\",\"text\":\"" s "\",\"annotations\":[]}"
#define SAYS(parts)                                                              \
	"{\"type\":\"message\",\"id\":\"m1\",\"role\":\"assistant\",\"status\":" \
	"\"completed\","                                                         \
	"\"content\":[" parts "]}"
#define RESPONSE(status, details, output)                                   \
	"{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"" status   \
	"\",\"error\":null,"                                                \
	"\"incomplete_details\":" details                                   \
	",\"model\":\"gpt-x\",\"output\":[" output "],"                     \
	"\"usage\":{\"input_tokens\":9,\"input_tokens_details\":{\"cached_" \
	"tokens\":4},"                                                      \
	"\"output_tokens\":5,\"output_tokens_details\":{\"reasoning_tokens\":2}}}"
#define DONE(output) RESPONSE("completed", "null", output)
#define REST(finish)                                      \
	"\"model\":\"gpt-x\",\"finish_reason\":\"" finish \
	"\",\"usage\":{\"input\":9,"                      \
	"\"output\":5,\"cached\":4,\"reasoning\":2}"

static void
test_answers(void)
{
	answer_is(DONE(SAYS(TEXT("a\\u00e9") "," TEXT("b")) "," SAYS(TEXT("\\nc"))),
	    "{\"text\":\"a\\u00e9b\\nc\"," REST("stop") "}", NULL,
	    "the texts of all messages are joined");
	answer_is(
	    DONE("{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\","
		 "\"text\":"
		 "\"hm\"},{\"type\":\"summary_text\",\"text\":\"so\"}]},"
		 "{\"type\":\"reasoning\",\"summary\":[],\"content\":[{\"type\":"
		 "\"reasoning_text\",\"text\":\"well\"}]},"
		 "{\"type\":\"web_search_call\"}," SAYS(TEXT("x"))),
	    "{\"text\":\"x\"," REST(
		"stop") ",\"reasoning\":\"hm\\n\\nso\\n\\nwell\"}",
	    NULL, "reasoning");
	answer_is(DONE("{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":"
		       "\"c1\",\"name\":\"f\","
		       "\"arguments\":\"{ \\\"x\\\":1}\"}"),
	    "{\"text\":\"\"," REST(
		"tool_calls") ",\"tool_calls\":[{\"id\":\"c1\",\"type\":"
			      "\"function\",\"function\":{\"name\":\"f\","
			      "\"arguments\":\"{ \\\"x\\\":1}\"}}]}",
	    NULL, "function calls, their arguments as they came");
	answer_is(RESPONSE("incomplete", "{\"reason\":\"max_output_tokens\"}",
		      SAYS(TEXT("x"))),
	    "{\"text\":\"x\"," REST("length") "}", "length", "max_output_tokens");
	answer_is(RESPONSE("incomplete", "{\"reason\":\"max_output_tokens\"}", ""),
	    "{\"text\":\"\"," REST("length") "}", "length",
	    "max_output_tokens before anything was said");
	answer_is(RESPONSE("incomplete", "{\"reason\":\"content_filter\"}",
		      SAYS(TEXT("x"))),
	    "{\"text\":\"x\"," REST("content_filter") "}", "content_filter",
	    "content_filter");
	answer_is(DONE(SAYS("{\"type\":\"refusal\",\"refusal\":\"no\"}")),
	    "{\"text\":\"no\"," REST("stop") ",\"refusal\":true}", "refusal",
	    "a refusal is its text");
	answer_is(
	    DONE(SAYS(
		"{\"type\":\"output_text\",\"text\":\"x\",\"logprobs\":[{\"token\":"
		"\"x\"}]},{\"type\":\"output_text\",\"text\":\"y\",\"logprobs\":[{"
		"\"token\":\"y\"},{\"token\":\"z\"}]}")),
	    "{\"text\":\"xy\"," REST(
		"stop") ",\"logprobs\":{\"content\":[{\"token\":\"x\"},"
			"{\"token\":\"y\"},{\"token\":\"z\"}]}}",
	    NULL, "logprobs as with chat completions");
	answer_is("{\"output\":[" SAYS(TEXT("x")) "]}",
	    "{\"text\":\"x\",\"model\":\"asked\",\"finish_reason\":\"stop\","
	    "\"usage\":null}",
	    NULL, "the least answer");
}

static void
test_no_answers(void)
{
	no_answer("", "empty");
	no_answer("<html>", "not JSON");
	no_answer("[]", "not a JSON object");
	no_answer("{}", "no output");
	no_answer("{\"output\":null}", "no output");
	no_answer("{\"output\":[]}", "no content");
	no_answer("{\"output\":[7]}", "no object");
	no_answer("{\"output\":[{}]}", "no content");
	no_answer(DONE(""), "no content");
	no_answer(DONE(SAYS("")), "no content");
	no_answer(
	    DONE(SAYS("{\"type\":\"output_text\",\"text\":null}")), "no string");
	no_answer(
	    DONE(SAYS("{\"type\":\"refusal\",\"refusal\":\"\"}")), "no content");
	no_answer(DONE(SAYS("7")), "no content");
	no_answer(DONE("{\"type\":\"message\",\"content\":\"x\"}"), "no array");
	no_answer(DONE("{\"type\":\"message\",\"content\":null}"), "no content");
	no_answer(DONE("{\"type\":\"reasoning\",\"summary\":[{\"text\":\"hm\"}]}"),
	    "no content");
	no_answer(DONE("{\"type\":\"function_call\",\"name\":\"f\"}"), "arguments");
	no_answer(
	    DONE("{\"type\":\"function_call\",\"arguments\":\"{}\"}"), "name");
	no_answer(RESPONSE("in_progress", "null", SAYS(TEXT("x"))),
	    "not complete: in_progress");
	no_answer(RESPONSE("queued", "null", ""), "not complete: queued");
	no_answer(RESPONSE("cancelled", "null", SAYS(TEXT("x"))),
	    "not complete: cancelled");
	no_answer(
	    RESPONSE("failed", "null", SAYS(TEXT("x"))), "not complete: failed");
	no_answer(
	    RESPONSE("incomplete", "{\"reason\":\"weather\"}", SAYS(TEXT("x"))),
	    "not complete: weather");
	no_answer(RESPONSE("incomplete", "null", SAYS(TEXT("x"))),
	    "not complete: incomplete");
	no_answer("{\"status\":\"failed\",\"error\":{\"code\":\"server_error\","
		  "\"message\":\"m\"},"
		  "\"output\":[]}",
	    "an error came with status 200: m");
}

static void
test_errors(void)
{
	struct dialect_error de;
	struct retry_facts f = {.outcome = RETRY_GOT_STATUS, .status = 429};

	error_says("{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,"
		   "\"code\":\"c\"}}",
	    "m", "c", "t", "");
	error_says("{\"error\":\"busy\"}", "busy", "", "", "");
	error_says("<html>", "", "", "", "");
	dialect->error(SPAN("{\"error\":{\"code\":\"insufficient_quota\"}}"), &de);
	f.code = span_str(de.code);
	ok(retry_rule(&f).verdict == RETRY_STOP, "a 429 that no waiting helps");
	ok(dialect_of_answer(SPAN("{\"output\":[]}")) == dialect,
	    "its answers are known");
}

static void
test_provider(void)
{
	struct err e = ERR_INIT;
	struct providers *ps;
	const struct provider *p;
	struct buf b = BUF_INIT;

	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	setenv("OPENAI_API_KEY", "key-of-a-test", 1);
	unsetenv("OPENAI_BASE_URL");
	ps = providers_new(&(struct provider_options){.name = NULL}, &e);
	p = providers_get(ps, SPAN("openai-responses"), &e);
	ok(p != NULL && p->dialect == dialect, "the provider");
	is_str(p->base_url, "https://api.openai.com/v1", "where it is");
	provider_add_key(p, &b);
	is_str(buf_cstr(&b), "Authorization: Bearer key-of-a-test", "OpenAI's key");
	providers_free(ps);
	buf_release(&b);
}

int
main(void)
{
	test_messages();
	test_parts();
	test_tools();
	test_formats();
	test_cannot();
	test_answers();
	test_no_answers();
	test_errors();
	test_provider();
	help_release();
	return done();
}
