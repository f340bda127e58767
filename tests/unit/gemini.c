/* Gemini's generateContent: what is sent, where to, and what comes back. */
#include "dialect_help.h"
#include "dialects/provider.h"
#include "pacing/retry.h"

const struct dialect *const dialect = &dialect_gemini;

#define HI       "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define ASK(...) "{" HI "," __VA_ARGS__ "}"
#define SAID     "{\"messages\":["
#define SENT     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]"
#define CONFIG   SENT ",\"generationConfig\":{"

static void
test_messages(void)
{
	body_is("{" HI "}", SENT "}", "one message, and no model");
	body_is(
	    ASK("\"max_tokens\":7,\"max_completion_tokens\":9,\"temperature\":2,"
		"\"top_p\":0.10,\"top_k\":40,\"stop\":\"x\",\"seed\":-3,"
		"\"frequency_penalty\":0.5,\"presence_penalty\":-1,\"n\":1,"
		"\"parallel_tool_calls\":true,\"stream\":false,\"store\":true"),
	    CONFIG
	    "\"maxOutputTokens\":9,\"temperature\":2,\"topP\":0.10,\"topK\":40,"
	    "\"stopSequences\":[\"x\"],\"seed\":-3,\"frequencyPenalty\":0.5,"
	    "\"presencePenalty\":-1}}",
	    "how to answer");
	body_is(ASK("\"stop\":[\"a\",\"b\"],\"max_tokens\":1"),
	    CONFIG "\"maxOutputTokens\":1,\"stopSequences\":[\"a\",\"b\"]}}",
	    "several words to stop at");
	body_is(SAID
	    "{\"role\":\"system\",\"content\":\"be brief\"},"
	    "{\"role\":\"user\",\"content\":\"a\\n\\u00e9\"},"
	    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"b\"}]},"
	    "{\"role\":\"assistant\",\"content\":\"c\"},"
	    "{\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":"
	    "\"and \"},"
	    "{\"type\":\"text\",\"text\":\"clear\"}]},"
	    "{\"role\":\"user\",\"content\":\"d\"}]}",
	    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"a\\né\"},{"
	    "\"text\":\"b\"}]},"
	    "{\"role\":\"model\",\"parts\":[{\"text\":\"c\"}]},{\"role\":\"user\","
	    "\"parts\":["
	    "{\"text\":\"d\"}]}],\"systemInstruction\":{\"parts\":[{\"text\":\"be "
	    "brief\"},"
	    "{\"text\":\"and clear\"}]}}",
	    "several turns");
	body_has(ASK("\"safetySettings\":[{\"a\":1}]"),
	    ",\"safetySettings\":[{\"a\":1}]");
	is_refused(
	    SAID "{\"role\":\"system\",\"content\":\"x\"}]}", "no system message");
	is_refused(
	    SAID "{\"role\":\"user\",\"content\":\"\"}]}", "something in it");
	is_refused(SAID
	    "{\"role\":\"system\",\"content\":[{\"type\":\"image_url\","
	    "\"image_url\":{\"url\":\"https://h\"}}]},{\"role\":\"user\","
	    "\"content\":\"x\"}]}",
	    "\"messages[0].content[0]\": gemini takes text alone");
}

#define PART(part) SAID "{\"role\":\"user\",\"content\":[" part "]}]}"
#define IMAGE(url) \
	PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"" url "\"}}")

static void
test_parts(void)
{
	body_has(IMAGE("data:image/png;base64,iVBOR+/="),
	    "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"iVBOR+/=\"}}");
	body_has(IMAGE("https://h/a.JPG?b.png"),
	    "{\"fileData\":{\"mimeType\":\"image/jpeg\",\"fileUri\":\"https://h/"
	    "a.JPG?b.png\"}}");
	body_has(
	    IMAGE("https://h/a"), "{\"fileData\":{\"fileUri\":\"https://h/a\"}}");
	body_has(PART("{\"type\":\"file\",\"file\":{\"file_data\":\"data:"
		      "application/pdf;base64,"
		      "JVBE\"}}"),
	    "{\"inlineData\":{\"mimeType\":\"application/"
	    "pdf\",\"data\":\"JVBE\"}}");
	body_has(
	    PART("{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\","
		 "\"format\":\"mp3\"}}"),
	    "{\"inlineData\":{\"mimeType\":\"audio/mp3\",\"data\":\"AAAA\"}}");
	is_refused(
	    PART("{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\","
		 "\"format\":\"ogg\"}}"),
	    "messages[0].content[0].input_audio");
	is_refused(PART("{\"type\":\"input_audio\"}"),
	    "messages[0].content[0].input_audio");
	is_refused(PART("{\"type\":\"file\",\"file\":{\"file_id\":\"x\"}}"),
	    "file.file_data");
	is_refused(IMAGE("data:image/png;base64,?"), "image_url.url");
	is_refused(PART("{}"), "messages[0].content[0].type");
}

#define TOOL                                                              \
	"\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"," \
	"\"description\":\"d\","                                          \
	"\"strict\":true,\"parameters\":{\"type\":\"object\"}}},"         \
	"{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]"
#define CALL(extra)                                                               \
	"{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"1\"," \
	"\"type\":"                                                               \
	"\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\": "  \
	"[1]}\"}" extra "}]}"
#define RESULT(id, text) \
	"{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"" text "\"}"

static void
test_tools(void)
{
	body_is(ASK(TOOL),
	    SENT
	    ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\","
	    "\"description\":\"d\","
	    "\"parametersJsonSchema\":{\"type\":\"object\"}},{\"name\":\"g\"}]}]}",
	    "tools");
	body_has(ASK(TOOL ",\"tool_choice\":\"auto\""),
	    "\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"AUTO\"}}");
	body_has(ASK(TOOL ",\"tool_choice\":\"none\""), "{\"mode\":\"NONE\"}");
	body_has(ASK(TOOL ",\"tool_choice\":\"required\""), "{\"mode\":\"ANY\"}");
	body_has(ASK(TOOL ",\"tool_choice\":{\"type\":\"function\",\"function\":{"
			  "\"name\":\"g\"}}"),
	    "{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"g\"]}");
	body_is(SAID "{\"role\":\"user\",\"content\":\"a\"}," CALL(
		    ",\"extra_content\":{\"google\":{\"thought_signature\":\"sig=="
		    "\"}}") "," RESULT("1", "{ \\\"y\\\": 2 }") "," RESULT("1",
		    "plain\\n") ",{\"role\":\"user\","
				"\"content\":"
				"\"go on\"}]}",
	    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"a\"}]},{"
	    "\"role\":\"model\","
	    "\"parts\":[{\"functionCall\":{\"id\":\"1\",\"name\":\"f\",\"args\":{"
	    "\"x\":[1]}},"
	    "\"thoughtSignature\":\"sig==\"}]},{\"role\":\"user\",\"parts\":["
	    "{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{"
	    "\"y\":2}}},"
	    "{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{"
	    "\"result\":"
	    "\"plain\\n\"}}},{\"text\":\"go on\"}]}]}",
	    "calls, the signature of their thought, and their results");
	body_lacks(SAID CALL("") "," RESULT("1", "") "]}", "thoughtSignature");
	is_refused(SAID CALL("") "," RESULT("2", "x") "]}",
	    "\"messages[1].tool_call_id\": gemini needs the id of a call before "
	    "it");
	is_refused(
	    SAID RESULT("1", "x") "," CALL("") "]}", "messages[0].tool_call_id");
	is_refused(ASK("\"tools\":[{\"type\":\"google_search\"}]"), "tools[0]");
}

/* The body for another model. */
static void
thinks(const char *model, const char *effort, const char *part)
{
	struct buf request = BUF_INIT, out = BUF_INIT, dropped = BUF_INIT;
	struct err e = ERR_INIT;
	int rc;

	buf_addf(&request,
	    "{\"messages\":[{\"content\":\"x\",\"role\":\"user\"}],\"reasoning_"
	    "effort\":\"%s\"}",
	    effort);
	rc = dialect->body(
	    &out, buf_span(&request), span_str(model), false, &dropped, &e);
	if (part == NULL)
		ok(rc != 0 && strstr(e.text, "reasoning_effort") != NULL,
		    "%s %s: %s", model, effort, e.text);
	else
		ok(rc == 0 && strstr(buf_cstr(&out), part) != NULL, "%s %s: %s",
		    model, effort, part);
	buf_release(&request);
	buf_release(&out);
	buf_release(&dropped);
}

static void
test_formats(void)
{
	body_is(ASK("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
		    "{\"name\":\"n\","
		    "\"schema\":{\"type\":\"object\",\"minProperties\":1}}}"),
	    CONFIG
	    "\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{"
	    "\"minProperties\":1,\"type\":\"object\"}}}",
	    "a schema");
	body_is(ASK("\"response_format\":{\"type\":\"json_object\"}"),
	    CONFIG "\"responseMimeType\":\"application/json\"}}", "JSON");
	body_is(ASK("\"response_format\":{\"type\":\"text\"}"), SENT "}", "text");
	is_refused(
	    ASK("\"response_format\":{\"type\":\"xml\"}"), "response_format.type");
	thinks("gemini-2.5-flash", "none",
	    "\"thinkingConfig\":{\"thinkingBudget\":0}");
	thinks("gemini-2.5-pro", "minimal", "{\"thinkingBudget\":1024}");
	thinks("gemini-2.5-pro", "medium", "{\"thinkingBudget\":8192}");
	thinks("gemini-2.5-pro", "high", "{\"thinkingBudget\":24576}");
	thinks("gemini-3-pro", "low", "{\"thinkingLevel\":\"low\"}");
	thinks("gemini-3-pro", "none", NULL);
	thinks("gemini-3-pro", "xhigh", NULL);
	body_has(ASK("\"thinkingConfig\":{\"includeThoughts\":true}"),
	    "\"generationConfig\":{\"thinkingConfig\":{\"includeThoughts\":true}}");
	is_refused(ASK("\"thinkingConfig\":{},\"reasoning_effort\":\"low\""),
	    "reasoning_effort");
}

static void
test_cannot(void)
{
	is_dropped(
	    ASK("\"logprobs\":true,\"logit_bias\":{\"1\":1},\"n\":2,\"thinking\":{}"
		","
		"\"parallel_tool_calls\":false,\"reasoning_effort\":\"none\""),
	    "logit_bias, logprobs, n, parallel_tool_calls, thinking, "
	    "reasoning_effort",
	    SENT "}");
	is_dropped(SAID "{\"role\":\"user\",\"content\":\"hi\",\"name\":\"Ada\"}]}",
	    "messages[0].name", SENT "}");
	is_refused(ASK("\"seed\":\"x\""), "\"seed\": gemini takes a number");
}

#define USAGE                                                                      \
	"\"usageMetadata\":{\"promptTokenCount\":120,\"cachedContentTokenCount\":" \
	"100,"                                                                     \
	"\"candidatesTokenCount\":5,\"thoughtsTokenCount\":30,"                    \
	"\"totalTokenCount\":155},"                                                \
	"\"modelVersion\":\"gemini-x\",\"responseId\":\"r\""
#define CANDIDATE(parts, finish)                                              \
	"{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[" parts \
	"]},"                                                                 \
	"\"finishReason\":\"" finish "\",\"index\":0}]," USAGE "}"
#define REST(finish)                                         \
	"\"model\":\"gemini-x\",\"finish_reason\":\"" finish \
	"\",\"usage\":{\"input\":120,"                       \
	"\"output\":35,\"cached\":100,\"reasoning\":30}"

static void
filtered(const char *reason)
{
	struct buf b = BUF_INIT;

	buf_addf(
	    &b, "{\"candidates\":[{\"finishReason\":\"%s\"}]," USAGE "}", reason);
	answer_is(buf_cstr(&b), "{\"text\":\"\"," REST("content_filter") "}",
	    "content_filter", reason);
	buf_release(&b);
}

static void
broken(const char *reason)
{
	struct buf b = BUF_INIT;

	buf_addf(&b,
	    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]},"
	    "\"finishReason\":\"%s\"}]}",
	    reason);
	no_answer(buf_cstr(&b), reason);
	buf_release(&b);
}

static void
test_answers(void)
{
	answer_is(CANDIDATE("{\"text\":\"a\\u00e9\"},{\"text\":\"\\nb\","
			    "\"thoughtSignature\":\"s\"}",
		      "STOP"),
	    "{\"text\":\"a\\u00e9\\nb\"," REST("stop") "}", NULL,
	    "parts are joined; thoughts are output");
	answer_is(
	    CANDIDATE("{\"text\":\"hm "
		      "\",\"thought\":true},{\"text\":\"so\",\"thought\":true},"
		      "{\"text\":\"x\"}",
		"STOP"),
	    "{\"text\":\"x\"," REST("stop") ",\"reasoning\":\"hm so\"}", NULL,
	    "thoughts");
	answer_is(CANDIDATE("{\"text\":\"x\"}", "MAX_TOKENS"),
	    "{\"text\":\"x\"," REST("length") "}", "length", "MAX_TOKENS");
	answer_is(
	    "{\"candidates\":[{\"content\":{\"role\":\"model\"},\"finishReason\":"
	    "\"MAX_TOKENS\"}]," USAGE "}",
	    "{\"text\":\"\"," REST("length") "}", "length",
	    "MAX_TOKENS before anything was said");
	answer_is(
	    CANDIDATE(
		"{\"functionCall\":{\"id\":\"c1\",\"name\":\"f\",\"args\":{ "
		"\"x\":1 }},"
		"\"thoughtSignature\":\"sig\"},{\"functionCall\":{\"name\":\"g\"}}",
		"STOP"),
	    "{\"text\":\"\"," REST(
		"tool_calls") ",\"tool_calls\":[{\"id\":\"c1\",\"type\":"
			      "\"function\",\"function\":{\"name\":\"f\","
			      "\"arguments\":\"{\\\"x\\\":1}\"},"
			      "\"extra_content\":{\"google\":{\"thought_"
			      "signature\":\"sig\"}}},{\"id\":\"call_1\","
			      "\"type\":\"function\",\"function\":{\"name\":\"g\","
			      "\"arguments\":\"{}\"}}]}",
	    NULL, "function calls");
	filtered("SAFETY");
	filtered("RECITATION");
	filtered("BLOCKLIST");
	filtered("PROHIBITED_CONTENT");
	filtered("SPII");
	filtered("LANGUAGE");
	filtered("IMAGE_SAFETY");
	answer_is(CANDIDATE("{\"text\":\"x\"}", "SAFETY"),
	    "{\"text\":\"x\"," REST("content_filter") "}", "content_filter",
	    "cut by a filter");
	answer_is("{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}," USAGE "}",
	    "{\"text\":\"\"," REST("content_filter") "}", "content_filter",
	    "a blocked prompt");
	answer_is(
	    "{\"candidates\":[],\"promptFeedback\":{\"blockReason\":\"OTHER\"}}",
	    "{\"text\":\"\",\"model\":\"asked\",\"finish_reason\":\"content_"
	    "filter\",\"usage\":null}",
	    "content_filter", "a blocked prompt, and nothing else");
	answer_is(CANDIDATE("{\"text\":\"x\"}", "MADE_UP"),
	    "{\"text\":\"x\"," REST("MADE_UP") "}", NULL,
	    "a reason that is not known stays what it is");
	answer_is("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"},{"
		  "\"executableCode\":{}}]}"
		  "}]}",
	    "{\"text\":\"x\",\"model\":\"asked\",\"finish_reason\":null,\"usage\":"
	    "null}",
	    NULL, "the least answer");
}

static void
test_no_answers(void)
{
	broken("MALFORMED_FUNCTION_CALL");
	broken("UNEXPECTED_TOOL_CALL");
	broken("OTHER");
	no_answer("", "empty");
	no_answer("<html>", "not JSON");
	no_answer("[]", "not a JSON object");
	no_answer("{}", "no candidates");
	no_answer("{\"candidates\":null}", "no candidates");
	no_answer("{\"candidates\":[]}", "no candidates");
	no_answer("{\"candidates\":[null]}", "no candidates");
	no_answer("{\"candidates\":{\"a\":{}}}", "no candidates");
	no_answer("{\"candidates\":[],\"promptFeedback\":{\"safetyRatings\":[]}}",
	    "no candidates");
	no_answer("{\"candidates\":[],\"promptFeedback\":{\"blockReason\":null}}",
	    "no candidates");
	no_answer("{\"candidates\":[{}]}", "no content");
	no_answer("{\"candidates\":[{\"content\":null,\"finishReason\":\"STOP\"}]}",
	    "no content");
	no_answer(CANDIDATE("", "STOP"), "no content");
	no_answer(
	    CANDIDATE("{\"text\":\"hm\",\"thought\":true}", "STOP"), "no content");
	no_answer(CANDIDATE("{\"text\":7}", "STOP"), "no string");
	no_answer(CANDIDATE("{\"text\":null}", "STOP"), "no content");
	no_answer(CANDIDATE("7", "STOP"), "no object");
	no_answer(CANDIDATE("{\"functionCall\":{\"args\":{}}}", "STOP"), "no name");
	no_answer(
	    CANDIDATE("{\"functionCall\":{\"name\":\"f\",\"args\":[]}}", "STOP"),
	    "odd");
	no_answer(CANDIDATE("{\"functionCall\":7}", "STOP"), "no name");
	no_answer("{\"candidates\":[{\"content\":{\"parts\":{\"text\":\"x\"}}}]}",
	    "no array");
	no_answer("{\"error\":{\"code\":500,\"message\":\"m\"}}",
	    "an error came with status 200: m");
}

#define INFO(reason)                        \
	"{\"@type\":\"type.googleapis.com/" \
	"google.rpc.ErrorInfo\",\"reason\":\"" reason "\"}"
#define RETRY(delay)                        \
	"{\"@type\":\"type.googleapis.com/" \
	"google.rpc.RetryInfo\",\"retryDelay\":" delay "}"
#define ERROR(code, status, details)                                            \
	"{\"error\":{\"code\":" #code ",\"message\":\"m\",\"status\":\"" status \
	"\",\"details\":[" details "]}}"

static void
rules(int status, const char *body, enum retry_verdict verdict, const char *class)
{
	struct dialect_error de;
	struct retry_ruling r;

	dialect->error(span_str(body), &de);
	r = retry_rule(&(struct retry_facts){RETRY_GOT_STATUS, status,
	    span_str(de.code), span_str(de.type), SPAN_NONE});
	ok(r.verdict == verdict && strcmp(r.class, class) == 0, "HTTP %d %s: %s",
	    status, de.code, r.class);
}

static void
test_errors(void)
{
	int64_t us;
	struct dialect_error de;

	error_says(ERROR(400, "INVALID_ARGUMENT", ""), "m", "INVALID_ARGUMENT",
	    "INVALID_ARGUMENT", "");
	error_says(
	    ERROR(429, "RESOURCE_EXHAUSTED", INFO("RATE") "," RETRY("\"37s\"")),
	    "m", "RATE", "RESOURCE_EXHAUSTED", "37");
	error_says("[" ERROR(503, "UNAVAILABLE", RETRY("\"0.250s\"")) "]", "m",
	    "UNAVAILABLE", "UNAVAILABLE", "0.250");
	error_says(ERROR(429, "R", RETRY("37")), "m", "R", "R", "");
	error_says(ERROR(429, "R", RETRY("\"soon\"")), "m", "R", "R", "");
	error_says(ERROR(429, "R", RETRY("\"37\"")), "m", "R", "R", "");
	error_says(ERROR(429, "R", RETRY("\"s\"")), "m", "R", "R", "");
	error_says(ERROR(429, "R",
		       RETRY("\"11111111112222222222333333333344444444445s\"")),
	    "m", "R", "R", "");
	error_says(ERROR(429, "R", "7,null"), "m", "R", "R", "");
	error_says(
	    "{\"error\":{\"message\":\"m\",\"details\":{}}}", "m", "", "", "");
	error_says("{\"error\":\"busy\"}", "busy", "", "", "");
	error_says("[]", "", "", "", "");
	error_says("[7]", "", "", "", "");
	error_says("<html>", "", "", "", "");
	error_says("", "", "", "", "");
	dialect->error(span_str(ERROR(429, "R", RETRY("\"37s\""))), &de);
	ok(retry_asked_us(SPAN(""), span_str(de.retry_after), 0, &us) &&
		us == 37000000,
	    "a RetryInfo asks to wait as the header does");
	rules(400, ERROR(400, "INVALID_ARGUMENT", ""), RETRY_FAIL, "bad_request");
	rules(400, ERROR(400, "INVALID_ARGUMENT", INFO("API_KEY_INVALID")),
	    RETRY_STOP, "auth");
	rules(
	    400, ERROR(400, "FAILED_PRECONDITION", ""), RETRY_FAIL, "bad_request");
	rules(403, ERROR(403, "PERMISSION_DENIED", ""), RETRY_STOP, "auth");
	rules(404, ERROR(404, "NOT_FOUND", ""), RETRY_FAIL, "not_found");
	rules(408, ERROR(408, "CANCELLED", ""), RETRY_AGAIN, "timeout");
	rules(429, ERROR(429, "RESOURCE_EXHAUSTED", ""), RETRY_AGAIN, "rate_limit");
	rules(500, ERROR(500, "INTERNAL", ""), RETRY_AGAIN, "server");
	rules(502, "<html>", RETRY_AGAIN, "server");
	rules(503, ERROR(503, "UNAVAILABLE", ""), RETRY_AGAIN, "server");
	rules(504, ERROR(504, "DEADLINE_EXCEEDED", ""), RETRY_AGAIN, "server");
}

static void
path_is(const char *model, const char *want)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	int rc = dialect_path(&b, dialect, span_str(model), false, &e);

	if (want == NULL)
		ok(rc != 0 && b.len == 0 && strstr(e.text, "part of a URL") != NULL,
		    "no path for %zu bytes that begin with %d", strlen(model),
		    *model);
	else
		is_str(buf_cstr(&b), want, model);
	buf_release(&b);
}

static void
test_paths(void)
{
	static const char *const bad[] = {"", "a/b", "a%2fb", "..", ".", "a?key=b",
	    "a#b", "a b", "a\\b", "a:b", "\xc3\xa9", "a@b", "models/x", "a\r\nb",
	    "{model}"};
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	path_is(
	    "gemini-2.5-flash_8B", "/models/gemini-2.5-flash_8B:generateContent");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		path_is(bad[i], NULL);
	ok(dialect_path(&b, dialect, span_of("a\0b", 3), false, &e) != 0,
	    "no path: NUL");
	buf_release(&b);
}

static void
test_provider(void)
{
	struct err e = ERR_INIT;
	struct providers *ps;
	const struct provider *p;
	struct buf b = BUF_INIT;

	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	setenv("GEMINI_API_KEY", "key-of-a-test", 1);
	setenv("GEMINI_BASE_URL", "http://localhost:7", 1);
	ps = providers_new(&(struct provider_options){.name = NULL}, &e);
	p = providers_get(ps, SPAN("gemini"), &e);
	ok(p != NULL && p->dialect == dialect, "the provider");
	is_str(p->base_url, "http://localhost:7/v1beta", "its version is added");
	provider_add_key(p, &b);
	is_str(
	    buf_cstr(&b), "x-goog-api-key: key-of-a-test", "its header of the key");
	ok(strstr(p->base_url, "key") == NULL &&
		strstr(dialect->path, "key") == NULL,
	    "and no key in the URL");
	providers_free(ps);
	ok(dialect_of_answer(SPAN("{\"candidates\":[]}")) == dialect &&
		dialect_of_answer(SPAN("{\"promptFeedback\":{}}")) == dialect,
	    "its answers are known");
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
	test_paths();
	test_provider();
	help_release();
	return done();
}
