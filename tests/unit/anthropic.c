/* Anthropic's messages: what is sent, and what comes back. */
#include "dialect_help.h"
#include "dialects/provider.h"
#include "pacing/retry.h"

const struct dialect *const dialect = &dialect_anthropic;

/* A request of one message and further members. */
#define HI       "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define ASK(...) "{" HI "," __VA_ARGS__ "}"
#define SAID     "{\"messages\":[" /* ... */
#define SENT(most)                                                           \
	"{\"model\":\"m\",\"max_tokens\":" most                              \
	",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"," \
	"\"text\":\"hi\"}]}]"

static void
test_messages(void)
{
	body_is("{" HI "}", SENT("4096") "}",
	    "one message, and max_tokens, which is needed");
	body_is(
	    ASK("\"max_tokens\":7,\"max_completion_tokens\":9,\"temperature\":0.50,"
		"\"top_p\":1,\"top_k\":40,\"stop\":\"x\",\"seed\":null,\"n\":1,"
		"\"stream\":true,\"user\":\"u\",\"frequency_penalty\":0,"
		"\"logprobs\":false,\"logit_bias\":{}"),
	    SENT("9") ",\"temperature\":0.50,\"top_p\":1,\"top_k\":40,"
		      "\"stop_sequences\":[\"x\"]}",
	    "how to answer; what says nothing is no hindrance");
	body_has(ASK("\"max_tokens\":7"), "\"max_tokens\":7,");
	body_has(
	    ASK("\"stop\":[\"a\",\"b\"]"), ",\"stop_sequences\":[\"a\",\"b\"]");
	body_is(SAID
	    "{\"role\":\"system\",\"content\":\"be brief\"},"
	    "{\"role\":\"user\",\"content\":\"a\\n\\u00e9\"},"
	    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"b\"}]},"
	    "{\"role\":\"assistant\",\"content\":\"c\"},"
	    "{\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":"
	    "\"and clear\",\"cache_control\":{\"type\":\"ephemeral\"}}]},"
	    "{\"role\":\"user\",\"content\":\"d\"}]}",
	    "{\"model\":\"m\",\"max_tokens\":4096,\"system\":[{\"type\":\"text\","
	    "\"text\":\"be brief\"},{\"type\":\"text\",\"text\":\"and clear\","
	    "\"cache_control\":{\"type\":\"ephemeral\"}}],\"messages\":["
	    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\\né\"}"
	    ","
	    "{\"type\":\"text\",\"text\":\"b\"}]},{\"role\":\"assistant\","
	    "\"content\":["
	    "{\"type\":\"text\",\"text\":\"c\"}]},{\"role\":\"user\",\"content\":["
	    "{\"type\":\"text\",\"text\":\"d\"}]}]}",
	    "several turns: system at the top, those of one role in a row are one");
}

#define IMAGE(url)                                                      \
	SAID "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"," \
	     "\"image_url\":{\"url\":\"" url "\"}}]}]}"

static void
test_parts(void)
{
	body_has(IMAGE("data:image/png;base64,iVBOR+/="),
	    "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
	    "\"image/png\",\"data\":\"iVBOR+/=\"}}");
	body_has(IMAGE("data:image/png;a=b;base64,iVBOR"),
	    "\"media_type\":\"image/png\",\"data\":\"iVBOR\"");
	body_has(IMAGE("https://h/a.png?x=\\\"1"),
	    "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":"
	    "\"https://h/a.png?x=\\\"1\"}}");
	is_refused(
	    IMAGE("data:image/png,abc"), "messages[0].content[0].image_url.url");
	is_refused(
	    IMAGE("data:;base64,abc"), "messages[0].content[0].image_url.url");
	is_refused(IMAGE("data:image/png;base64,a\\\"b"), "data in base64");
	is_refused(IMAGE("data:image/png;base64,"), "data in base64");
	is_refused(IMAGE("file:///etc/passwd"), "image_url.url");
	body_has(SAID
	    "{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{"
	    "\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;"
	    "base64,JVBE\"}}]}]}",
	    "{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":"
	    "\"application/pdf\",\"data\":\"JVBE\"},\"title\":\"a.pdf\"}");
	is_refused(SAID
	    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
	    "\"a\"},{\"type\":\"input_audio\",\"input_audio\":{\"data\":"
	    "\"AAAA\",\"format\":\"wav\"}}]}]}",
	    "\"messages[0].content[1].type\": anthropic takes no audio");
	is_refused(SAID "{\"role\":\"user\",\"content\":[{\"type\":\"video\"}]}]}",
	    "messages[0].content[0].type");
	is_refused(
	    SAID "{\"role\":\"user\",\"content\":[7]}]}", "messages[0].content[0]");
	is_refused(SAID "{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]}",
	    "messages[0].content[0].text");
	is_refused(
	    SAID "{\"role\":\"user\",\"content\":7}]}", "messages[0].content");
	is_refused(SAID "{\"role\":\"user\"}]}",
	    "\"messages[0].content\": anthropic needs it");
	is_refused(
	    SAID "{\"role\":\"wizard\",\"content\":\"x\"}]}", "messages[0].role");
	is_refused(SAID "7]}", "\"messages[0]\": anthropic takes an object");
	is_refused(
	    SAID "{\"role\":\"system\",\"content\":\"x\"}]}", "no system message");
	is_refused(SAID "{\"role\":\"system\",\"content\":[{\"type\":\"image_url\","
			"\"image_url\":{\"url\":\"https://h\"}}]}]}",
	    "\"messages[0].content[0]\": anthropic takes text alone");
	is_refused("{\"messages\":[]}", "\"messages\"");
	is_refused("{\"temperature\":1}", "\"messages\"");
}

#define TOOL                                                                   \
	"\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","      \
	"\"description\":"                                                     \
	"\"d\",\"strict\":true,\"parameters\":{\"type\":\"object\"}},\"cache_" \
	"control\":{}},"                                                       \
	"{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]"

static void
test_tools(void)
{
	body_is(ASK(TOOL),
	    SENT("4096") ",\"tools\":[{\"name\":\"f\",\"description\":\"d\","
			 "\"input_schema\":{\"type\":\"object\"},\"strict\":true,"
			 "\"cache_control\":{}},{\"name\":\"g\",\"input_schema\":{"
			 "\"type\":\"object\",\"properties\":{}}}]}",
	    "tools");
	body_has(ASK(TOOL ",\"tool_choice\":\"auto\""),
	    "\"tool_choice\":{\"type\":\"auto\"}");
	body_has(ASK(TOOL ",\"tool_choice\":\"none\""),
	    "\"tool_choice\":{\"type\":\"none\"}");
	body_has(
	    ASK(TOOL ",\"tool_choice\":\"required\",\"parallel_tool_calls\":false"),
	    "\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":"
	    "true}");
	body_has(ASK(TOOL ",\"tool_choice\":{\"type\":\"function\",\"function\":{"
			  "\"name\":\"g\"}}"),
	    "\"tool_choice\":{\"type\":\"tool\",\"name\":\"g\"}");
	body_has(ASK(TOOL ",\"parallel_tool_calls\":false"),
	    "\"tool_choice\":{\"type\":\"auto\",\"disable_parallel_tool_use\":"
	    "true}");
	body_lacks(ASK(TOOL ",\"parallel_tool_calls\":true"), "tool_choice");
	body_is(SAID
	    "{\"role\":\"user\",\"content\":\"a\"},"
	    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
	    "{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
	    "\"arguments\":\"{ \\\"x\\\" : \\\"\\\\u00e9\\\" }\"}},"
	    "{\"id\":\"2\",\"type\":\"function\",\"function\":{\"name\":\"g\","
	    "\"arguments\":\"\"}}]},"
	    "{\"role\":\"tool\",\"tool_call_id\":\"1\",\"name\":\"f\",\"content\":"
	    "\"r\"},"
	    "{\"role\":\"tool\",\"tool_call_id\":\"2\",\"content\":\"\"},"
	    "{\"role\":\"user\",\"content\":\"go on\"}]}",
	    "{\"model\":\"m\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
	    "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},{\"role\":"
	    "\"assistant\","
	    "\"content\":[{\"type\":\"tool_use\",\"id\":\"1\",\"name\":\"f\","
	    "\"input\":"
	    "{\"x\":\"é\"}},{\"type\":\"tool_use\",\"id\":\"2\",\"name\":\"g\","
	    "\"input\":{}}]},"
	    "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_"
	    "id\":\"1\","
	    "\"content\":[{\"type\":\"text\",\"text\":\"r\"}]},{\"type\":\"tool_"
	    "result\","
	    "\"tool_use_id\":\"2\",\"content\":[]},{\"type\":\"text\",\"text\":"
	    "\"go on\"}]}]}",
	    "calls and their results");
	body_has(SAID
	    "{\"role\":\"user\",\"content\":\"a\"},"
	    "{\"role\":\"assistant\",\"content\":\"b\",\"tool_calls\":["
	    "{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"},"
	    "\"extra_content\":{\"anthropic\":{\"thinking\":[{\"a\":1},{\"b\":2}]}}"
	    "},"
	    "{\"id\":\"2\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"},"
	    "\"extra_content\":{\"anthropic\":{\"thinking\":[{\"c\":3}]}}}]}]}",
	    "{\"role\":\"assistant\",\"content\":[{\"a\":1},{\"b\":2},{\"type\":"
	    "\"text\","
	    "\"text\":\"b\"},{\"type\":\"tool_use\",\"id\":\"1\",\"name\":\"f\","
	    "\"input\":"
	    "{}},{\"c\":3},{\"type\":\"tool_use\",\"id\":\"2\",\"name\":\"g\","
	    "\"input\":{}}]}");
	is_refused(SAID
	    "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"function\":{"
	    "\"name\":\"f\",\"arguments\":\"{x\"}}]}]}",
	    "messages[0].tool_calls[0].function.arguments");
	is_refused(SAID
	    "{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\","
	    "\"arguments\":\"{}\"}}]}]}",
	    "messages[0].tool_calls[0]");
	is_refused(SAID "{\"role\":\"tool\",\"content\":\"x\"}]}",
	    "messages[0].tool_call_id");
	is_refused(ASK("\"tools\":[{\"type\":\"web_search\"}]"), "tools[0]");
	is_refused(
	    ASK("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":7}}]"),
	    "tools[0].function.name");
	is_refused(ASK(TOOL ",\"tool_choice\":\"perhaps\""), "tool_choice");
	is_refused(
	    ASK(TOOL ",\"tool_choice\":{\"type\":\"function\"}"), "tool_choice");
}

#define FORMAT(schema)                                                        \
	ASK("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{" \
	    "\"name\":\"n\","                                                 \
	    "\"strict\":true,\"schema\":" schema "}}")
#define CLOSED(properties)                                     \
	"{\"type\":\"object\",\"additionalProperties\":false," \
	"\"properties\":" properties "}"

static void
test_formats(void)
{
	body_has(
	    FORMAT(CLOSED(
		"{\"minimum\":{\"type\":\"string\",\"enum\":[{\"minimum\":1}]}}")),
	    ",\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{"
	    "\"additionalProperties\":false,\"properties\":{\"minimum\":{\"enum\":["
	    "{"
	    "\"minimum\":1}],\"type\":\"string\"}},\"type\":\"object\"}}}}");
	body_lacks(ASK("\"response_format\":{\"type\":\"text\"}"), "output_config");
	body_has(ASK("\"reasoning_effort\":\"high\""),
	    ",\"output_config\":{\"effort\":\"high\"}");
	body_has(ASK("\"reasoning_effort\":\"minimal\""), "{\"effort\":\"low\"}");
	body_has(ASK("\"reasoning_effort\":\"none\""),
	    ",\"thinking\":{\"type\":\"disabled\"}");
	body_has(ASK("\"thinking\":{\"type\":\"adaptive\"},\"reasoning_effort\":"
		     "\"low\""),
	    ",\"thinking\":{\"type\":\"adaptive\"},\"output_config\":{\"effort\":"
	    "\"low\"}");
	body_has(FORMAT("{\"type\":\"string\"},\"x\":0"),
	    "\"schema\":{\"type\":\"string\"}");
	is_refused(ASK("\"response_format\":{\"type\":\"json_object\"}"),
	    "\"response_format.type\": anthropic takes a json_schema");
	is_refused(ASK("\"response_format\":{\"type\":\"json_schema\"}"),
	    "json_schema.schema");
	is_refused(ASK("\"response_format\":{}"), "response_format.type");
	is_refused(FORMAT("{\"type\":\"object\"}"),
	    "\"response_format.json_schema.schema.additionalProperties\": "
	    "anthropic needs false");
	is_refused(FORMAT("{\"properties\":{}}"), "schema.additionalProperties");
	is_refused(
	    FORMAT(
		"{\"type\":[\"null\",\"object\"],\"additionalProperties\":true}"),
	    "schema.additionalProperties");
	is_refused(FORMAT(CLOSED("{\"a\":{\"items\":{\"type\":\"object\"}}}")),
	    "schema.properties.a.items.additionalProperties");
	is_refused(FORMAT(CLOSED("{\"a\":{\"anyOf\":[{},{\"maxLength\":3}]}}")),
	    "schema.properties.a.anyOf[1].maxLength");
	is_refused(
	    FORMAT("{\"type\":\"integer\",\"minimum\":0}"), "schema.minimum");
	is_refused(
	    FORMAT("{\"type\":\"array\",\"minItems\":2}"), "schema.minItems");
	body_has(FORMAT("{\"type\":\"array\",\"minItems\":1}"), "\"minItems\":1");
	is_refused(FORMAT(CLOSED("{\"a\":{\"$ref\":\"#\"}}")), "refers to itself");
	is_refused(FORMAT("{\"$defs\":{\"n\":{\"items\":{\"$ref\":\"#/$defs/n\"}}},"
			  "\"$ref\":\"#/$defs/n\"}"),
	    "refers to itself");
	is_refused(
	    FORMAT("{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"$ref\":"
		   "\"#/$defs/a\"}}}"),
	    "refers to itself");
	body_has(
	    FORMAT("{\"$defs\":{\"n\":{\"type\":\"string\"}},\"anyOf\":[{\"$ref\":"
		   "\"#/$defs/n\"},{\"$ref\":\"#/$defs/n\"}]}"),
	    "$ref");
	is_refused(FORMAT("{\"$ref\":\"#/$defs/none\"}"), "schema.$ref");
	is_refused(FORMAT("{\"$ref\":\"https://h/s.json\"}"), "schema.$ref");
}

static void
test_deep_schema(void)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "{" HI ",\"response_format\":{\"type\":\"json_schema\","
		     "\"json_schema\":{\"schema\":");
	for (int i = 0; i < 900; i++)
		buf_adds(&b, "{\"not\":");
	buf_adds(&b, "{}");
	for (int i = 0; i < 900; i++)
		buf_addc(&b, '}');
	buf_adds(&b, "}}}");
	is_refused(buf_cstr(&b), "schema so deep");
	buf_release(&b);
}

static void
test_cannot(void)
{
	is_dropped(ASK("\"temperature\":1.5"), "temperature", SENT("4096") "}");
	is_dropped(ASK("\"seed\":1,\"frequency_penalty\":0.1,\"frobnicate\":true"),
	    "frequency_penalty, frobnicate, seed", SENT("4096") "}");
	is_dropped(
	    ASK("\"logprobs\":true,\"top_logprobs\":2,\"presence_penalty\":1,"
		"\"n\":2,\"logit_bias\":{\"1\":1},\"reasoning_effort\":\"huge\""),
	    "logit_bias, logprobs, n, presence_penalty, top_logprobs, "
	    "reasoning_effort",
	    SENT("4096") "}");
	is_dropped(SAID "{\"role\":\"user\",\"content\":\"hi\",\"name\":\"Ada\"}]}",
	    "messages[0].name", SENT("4096") "}");
	is_refused(ASK("\"seed\":1"), "\"seed\": anthropic has nothing like it");
	is_refused(ASK("\"temperature\":\"hot\""),
	    "\"temperature\": anthropic takes a number");
	is_refused(
	    ASK("\"max_tokens\":1.5"), "\"max_tokens\": anthropic takes a count");
	is_refused(ASK("\"stop\":[1]"), "\"stop\"");
	is_refused(ASK("\"tools\":{}"), "\"tools\"");
	is_refused(ASK("\"thinking\":true"), "\"thinking\"");
	is_refused(ASK("\"parallel_tool_calls\":1"), "\"parallel_tool_calls\"");
}

#define MESSAGE(content, stop)                                                     \
	"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":" \
	"\"claude\","                                                              \
	"\"content\":[" content "],\"stop_reason\":" stop                          \
	",\"stop_sequence\":null,"                                                 \
	"\"usage\":{\"input_tokens\":3,\"cache_creation_input_tokens\":20,"        \
	"\"cache_read_input_tokens\":100,\"output_tokens\":7}}"
#define TEXT(s) "{\"type\":\"text\",\"text\":\"" s "\"}"
#define REST(finish)                                       \
	"\"model\":\"claude\",\"finish_reason\":\"" finish \
	"\",\"usage\":{\"input\":123,"                     \
	"\"output\":7,\"cached\":100,\"reasoning\":0}"

static void
test_answers(void)
{
	answer_is(MESSAGE(TEXT("a\\u00e9") "," TEXT("\\nb"), "\"end_turn\""),
	    "{\"text\":\"a\\u00e9\\nb\"," REST("stop") "}", NULL,
	    "texts are joined, their bytes as they came; usage counts the cache");
	answer_is(MESSAGE(TEXT("x"), "\"stop_sequence\""),
	    "{\"text\":\"x\"," REST("stop") "}", NULL, "stop_sequence");
	answer_is(MESSAGE(TEXT("x"), "\"max_tokens\""),
	    "{\"text\":\"x\"," REST("length") "}", "length", "max_tokens");
	answer_is(MESSAGE("", "\"max_tokens\""),
	    "{\"text\":\"\"," REST("length") "}", "length",
	    "max_tokens before anything was said");
	answer_is(MESSAGE(TEXT("x"), "\"model_context_window_exceeded\""),
	    "{\"text\":\"x\"," REST("length") "}", "length", "a full window");
	answer_is(MESSAGE("", "\"refusal\""),
	    "{\"text\":\"\"," REST("content_filter") ",\"refusal\":true}",
	    "refusal", "refusal");
	answer_is(MESSAGE(TEXT("x"), "\"made_up\""),
	    "{\"text\":\"x\"," REST("made_up") "}", NULL,
	    "a reason that is not known stays what it is");
	answer_is(
	    MESSAGE(
		"{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"s\"},"
		"{\"type\":\"redacted_thinking\",\"data\":\"?\"},"
		"{\"type\":\"thinking\",\"thinking\":\"so\"}," TEXT("x"),
		"\"end_turn\""),
	    "{\"text\":\"x\"," REST("stop") ",\"reasoning\":\"hm\\n\\nso\"}", NULL,
	    "thinking");
	answer_is(MESSAGE(TEXT("let me") ",{\"type\":\"tool_use\",\"id\":\"t1\","
					 "\"name\":\"f\","
					 "\"input\":{ \"x\" : \"\\\"\" "
					 "}},{\"type\":\"tool_use\","
					 "\"name\":\"g\",\"input\":{}}",
		      "\"tool_use\""),
	    "{\"text\":\"let me\"," REST(
		"tool_calls") ",\"tool_calls\":[{\"id\":\"t1\","
			      "\"type\":\"function\",\"function\":{\"name\":\"f\","
			      "\"arguments\":"
			      "\"{\\\"x\\\":\\\"\\\\\\\"\\\"}\"}},{\"id\":\"call_"
			      "1\",\"type\":\"function\","
			      "\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]"
			      "}",
	    NULL, "tool calls, in OpenAI's form");
	answer_is(
	    MESSAGE(
		"{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"s\"},"
		"{\"type\":\"redacted_thinking\",\"data\":\"?\"},"
		"{\"type\":\"tool_use\",\"id\":\"1\",\"name\":\"f\",\"input\":{}},"
		"{\"type\":\"tool_use\",\"id\":\"2\",\"name\":\"g\",\"input\":{}}",
		"\"tool_use\""),
	    "{\"text\":\"\"," REST(
		"tool_calls") ",\"reasoning\":\"hm\",\"tool_calls\":["
			      "{\"id\":\"1\",\"type\":\"function\",\"function\":{"
			      "\"name\":\"f\","
			      "\"arguments\":\"{}\"},\"extra_content\":{"
			      "\"anthropic\":{\"thinking\":["
			      "{\"type\":\"thinking\",\"thinking\":\"hm\","
			      "\"signature\":\"s\"},"
			      "{\"type\":\"redacted_thinking\",\"data\":\"?\"}]}}},"
			      "{\"id\":\"2\",\"type\":"
			      "\"function\",\"function\":{\"name\":\"g\","
			      "\"arguments\":\"{}\"}}]}",
	    NULL, "thoughts before a call are kept with it");
	answer_is("{\"content\":[" TEXT("x") "]}",
	    "{\"text\":\"x\",\"model\":\"asked\",\"finish_reason\":null,\"usage\":"
	    "null}",
	    NULL, "the least answer");
	answer_is("{\"content\":[" TEXT(
		      "x") "],\"usage\":{\"input_tokens\":1e3,"
			   "\"output_tokens\":-1,\"cache_read_input_tokens\":"
			   "9223372036854775807,"
			   "\"cache_creation_input_tokens\":9223372036854775807}}",
	    "{\"text\":\"x\",\"model\":\"asked\",\"finish_reason\":null,\"usage\":{"
	    "\"input\":0,"
	    "\"output\":0,\"cached\":0,\"reasoning\":0}}",
	    NULL, "counts that are none count nothing");
}

static void
test_no_answers(void)
{
	no_answer("", "empty");
	no_answer("<html>", "not JSON");
	no_answer("[]", "not a JSON object");
	no_answer("null", "not a JSON object");
	no_answer("{}", "no content");
	no_answer("{\"content\":null}", "no content");
	no_answer("{\"content\":\"x\"}", "no content");
	no_answer("{\"content\":[]}", "no content");
	no_answer(MESSAGE("", "\"end_turn\""), "no content");
	no_answer(
	    MESSAGE("{\"type\":\"thinking\",\"thinking\":\"hm\"}", "\"end_turn\""),
	    "no content");
	no_answer(MESSAGE("{\"type\":\"text\",\"text\":null}", "\"end_turn\""),
	    "no string");
	no_answer(MESSAGE("{\"type\":\"text\"}", "\"end_turn\""), "no string");
	no_answer(MESSAGE("7", "\"end_turn\""), "no object");
	no_answer(MESSAGE("{\"type\":\"tool_use\",\"id\":\"1\",\"name\":\"f\","
			  "\"input\":\"x\"}",
		      "\"tool_use\""),
	    "no input");
	no_answer(MESSAGE("{\"type\":\"tool_use\",\"id\":\"1\",\"input\":{}}",
		      "\"tool_use\""),
	    "no name");
	no_answer(MESSAGE("", "\"tool_use\""), "no content");
	no_answer(MESSAGE(TEXT("x"), "\"pause_turn\""), "pause_turn");
	no_answer("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
		  "\"message\":"
		  "\"busy\"}}",
	    "an error came with status 200: busy");
	no_answer(
	    "{\"choices\":[{\"message\":{\"content\":\"x\"}}]}", "no content");
}

/* An error of that status, and what is done about it. */
static void
rules(int status, const char *type, const char *code, enum retry_verdict verdict,
    const char *class)
{
	struct buf b = BUF_INIT;
	struct dialect_error de;
	struct retry_ruling r;

	buf_addf(&b,
	    "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"m\"",
	    type);
	if (code != NULL)
		buf_addf(&b, ",\"details\":{\"error_code\":\"%s\"}", code);
	buf_adds(&b, "},\"request_id\":\"req_1\"}");
	error_says(buf_cstr(&b), "m", code == NULL ? "" : code, type, "");
	dialect->error(buf_span(&b), &de);
	r = retry_rule(&(struct retry_facts){RETRY_GOT_STATUS, status,
	    span_str(de.code), span_str(de.type), SPAN_NONE});
	ok(r.verdict == verdict && strcmp(r.class, class) == 0, "HTTP %d %s: %s",
	    status, type, r.class);
	buf_release(&b);
}

static void
test_errors(void)
{
	rules(400, "invalid_request_error", NULL, RETRY_FAIL, "bad_request");
	rules(401, "authentication_error", NULL, RETRY_STOP, "auth");
	rules(402, "billing_error", NULL, RETRY_STOP, "quota");
	rules(403, "permission_error", NULL, RETRY_STOP, "auth");
	rules(404, "not_found_error", NULL, RETRY_FAIL, "not_found");
	rules(409, "conflict_error", NULL, RETRY_AGAIN, "conflict");
	rules(413, "request_too_large", NULL, RETRY_FAIL, "too_large");
	rules(429, "rate_limit_error", NULL, RETRY_AGAIN, "rate_limit");
	rules(429, "rate_limit_error", "enforced_spend_limit_reached", RETRY_STOP,
	    "quota");
	rules(500, "api_error", NULL, RETRY_AGAIN, "server");
	rules(504, "timeout_error", NULL, RETRY_AGAIN, "server");
	rules(529, "overloaded_error", NULL, RETRY_AGAIN, "server");
	error_says("{\"error\":\"busy\"}", "busy", "", "", "");
	error_says("{\"error\":{\"message\":7,\"type\":null,\"details\":[]}}", "7",
	    "", "", "");
	error_says("[]", "", "", "", "");
	error_says("<html>", "", "", "", "");
	error_says("", "", "", "", "");
	error_says("{}", "", "", "", "");
}

static void
test_provider(void)
{
	struct err e = ERR_INIT;
	struct providers *ps;
	const struct provider *p;
	struct buf b = BUF_INIT;

	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	setenv("ANTHROPIC_API_KEY", "sk-ant-key-of-a-test", 1);
	setenv("ANTHROPIC_BASE_URL", "https://api.anthropic.com/", 1);
	ps = providers_new(&(struct provider_options){.name = NULL}, &e);
	p = providers_get(ps, SPAN("anthropic"), &e);
	ok(p != NULL && p->dialect == dialect && !p->replaced &&
		strcmp(p->endpoint, "anthropic") == 0,
	    "its own base URL without the version is no other server");
	is_str(p->base_url, "https://api.anthropic.com/v1", "which is added");
	provider_add_key(p, &b);
	is_str(buf_cstr(&b), "x-api-key: sk-ant-key-of-a-test",
	    "its header of the key");
	is_str(dialect->header, "anthropic-version: 2023-06-01",
	    "its version of the API");
	buf_clear(&b);
	ok(dialect_path(&b, dialect, SPAN("../x"), false, &e) == 0 &&
		strcmp(buf_cstr(&b), "/messages") == 0,
	    "its path holds no model");
	providers_free(ps);
	setenv("ANTHROPIC_BASE_URL", "http://localhost:7/v1", 1);
	ps = providers_new(&(struct provider_options){.name = NULL}, &e);
	p = providers_get(ps, SPAN("anthropic"), &e);
	is_str(p->base_url, "http://localhost:7/v1",
	    "another server's, with its version");
	is_str(p->endpoint, "localhost:7", "has answers of its own");
	providers_free(ps);
	ok(dialect_of_answer(SPAN("{\"stop_reason\":null}")) == dialect &&
		dialect_of_answer(SPAN("{\"choices\":[{\"stop_reason\":1}]}")) ==
		    &dialect_openai_chat &&
		dialect_of_answer(SPAN_NONE) == &dialect_openai_chat &&
		dialect_of_answer(SPAN("7")) == &dialect_openai_chat,
	    "dialects are known by their answers");
	buf_release(&b);
}

int
main(void)
{
	test_messages();
	test_parts();
	test_tools();
	test_formats();
	test_deep_schema();
	test_cannot();
	test_answers();
	test_no_answers();
	test_errors();
	test_provider();
	help_release();
	return done();
}
