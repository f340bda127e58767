/*
 * Answers that come as server-sent events: put together, they are what would have
 * come in one piece; a stream that is cut anywhere is no answer.
 */
#include "dialects/stream.h"
#include "dialects/dialect.h"
#include "tap.h"

#include "json/json.h"
#include <stdio.h>

/* ---- events ---- */

/* The data of all events, each in brackets. */
static const char *
data_of(const char *text, struct buf *out)
{
	struct sse s = {.rest = span_str(text)};
	struct span data;

	buf_clear(out);
	while (sse_next(&s, &data)) {
		buf_addc(out, '[');
		buf_addspan(out, data);
		buf_addc(out, ']');
	}
	sse_release(&s);
	return buf_cstr(out);
}

static void
test_events(void)
{
	struct buf b = BUF_INIT;

	is_str(data_of("data: a\n\ndata:b\n\n", &b), "[a][b]", "two events");
	is_str(data_of("data: a\r\n\r\ndata:  b\r\rdata: c\n\r\n", &b),
	    "[a][ b][c]", "line ends of all kinds; one space is not of the data");
	is_str(data_of("data: a\ndata\ndata: b\ndata:c\n\ndata: d\n\n", &b),
	    "[a\n\nb\nc][d]", "several lines of one event");
	is_str(
	    data_of(": ping\n\nevent: x\nid: 7\nretry: 3\ndata: a\n\nevent: y\n\n"
		    "database: no\n\n",
		&b),
	    "[a]", "comments, other fields, events without data");
	is_str(data_of("\n\ndata: a\n\n\n\n", &b), "[a]", "empty lines");
	is_str(
	    data_of("data: a\n\ndata: b", &b), "[a][b]", "no end of the last line");
	is_str(data_of("", &b), "", "nothing");
	buf_release(&b);
}

/* ---- answers ---- */

/* The body, or what is wrong, after "error: ". */
static int
join(const struct dialect *d, struct span events, struct buf *out)
{
	struct err e = ERR_INIT;

	buf_clear(out);
	if (d->join(out, events, &e) == 0)
		return 0;
	buf_clear(out);
	buf_addf(out, "error: %s", e.text);
	return -1;
}

/* Up to any byte it is no answer, or the one that all of it is. */
static int
wrong_cuts(const struct dialect *d, struct span events, struct span whole)
{
	struct buf cut = BUF_INIT;
	int wrong = 0;

	for (size_t n = 0; n < events.n; n++)
		if (join(d, span_of(events.p, n), &cut) == 0 &&
		    !span_eq(buf_span(&cut), whole))
			wrong++;
	buf_release(&cut);
	return wrong;
}

static void
joins(
    const struct dialect *d, const char *events, const char *body, const char *what)
{
	struct buf out = BUF_INIT;
	struct json_fault f;
	char name[200];

	snprintf(name, sizeof(name), "%s: %s", d->name, what);
	join(d, span_str(events), &out);
	is_str(buf_cstr(&out), body, name);
	ok(json_check(buf_span(&out), &f) == 0, "%s: which is JSON", d->name);
	is_int(wrong_cuts(d, span_str(events), buf_span(&out)), 0,
	    "which is no answer, or this one, where it is cut");
	buf_release(&out);
}

static void
fails(
    const struct dialect *d, const char *events, const char *why, const char *what)
{
	struct buf out = BUF_INIT;
	int rc = join(d, span_str(events), &out);

	ok(rc != 0 && strstr(buf_cstr(&out), why) != NULL, "%s: %s: %s", d->name,
	    what, buf_cstr(&out));
	buf_release(&out);
}

#define CHUNK(delta, finish)                                                       \
	"data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":7," \
	"\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{" delta            \
	"},\"finish_reason\":" finish "}]}\n\n"
#define CHAT_USAGE                                                          \
	"data: {\"id\":\"c1\",\"model\":\"m-1\",\"choices\":[],\"usage\":{" \
	"\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n"
#define DONE "data: [DONE]\n\n"
#define COMPLETION(message, finish)                                               \
	"{\"id\":\"c1\",\"object\":\"chat.completion\",\"created\":7,\"model\":"  \
	"\"m-1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","  \
	"\"content\":" message "},\"finish_reason\":\"" finish "\"}],\"usage\":{" \
	"\"prompt_tokens\":3,\"completion_tokens\":2}}"

static void
test_chat(void)
{
	const struct dialect *d = &dialect_openai_chat;

	joins(d,
	    CHUNK("\"role\":\"assistant\",\"content\":\"\"", "null")
		CHUNK("\"content\":\"a\\n\"", "null")
		    CHUNK("\"content\":\"\\u00e9 b\"", "null") CHUNK("", "\"stop\"")
			CHAT_USAGE DONE,
	    COMPLETION("\"a\\n\\u00e9 b\"", "stop"), "text");
	joins(d,
	    CHUNK("\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{"
		  "\"index\":0,\"id\":\"x\",\"type\":\"function\",\"function\":{"
		  "\"name\":\"f\",\"arguments\":\"\"}}]",
		"null")
		CHUNK("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
		      "\"{\\\"a\\\":\"}}]",
		    "null")
		    CHUNK("\"tool_calls\":[{\"index\":1,\"id\":\"y\",\"function\":{"
			  "\"name\":\"g\",\"arguments\":\"{}\"}},{\"index\":0,"
			  "\"function\":{\"arguments\":\"1}\"}}]",
			"null") CHUNK("", "\"tool_calls\"") CHAT_USAGE DONE,
	    COMPLETION(
		"null,\"tool_calls\":[{\"id\":\"x\",\"type\":\"function\","
		"\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}"
		"},{\"id\":\"y\",\"type\":\"function\",\"function\":{\"name\":"
		"\"g\",\"arguments\":\"{}\"}}]",
		"tool_calls"),
	    "tool calls");
	joins(d,
	    CHUNK("\"reasoning_content\":\"so\"", "null") CHUNK(
		"\"content\":\"a\",\"refusal\":null", "\"length\"") CHAT_USAGE DONE,
	    COMPLETION("\"a\",\"reasoning_content\":\"so\"", "length"),
	    "reasoning");
	joins(d, "data: {\"error\":{\"message\":\"busy\",\"code\":503}}\n\n" DONE,
	    "{\"error\":{\"message\":\"busy\",\"code\":503}}", "an error");
	fails(d, CHUNK("\"content\":\"a\"", "null"), "ended before", "no end");
	fails(d, CHUNK("\"content\":\"a\"", "\"stop\""), "ended before",
	    "no end, though a reason");
	fails(d, "data: {\"a\":}\n\n" DONE, "not JSON", "rubbish");
	fails(d, CHUNK("\"tool_calls\":[{\"index\":1000000000}]", "null") DONE,
	    "tool calls", "a call far beyond the others");
}

static void
test_responses(void)
{
	const struct dialect *d = &dialect_openai_responses;

	joins(d,
	    "event: response.created\ndata: {\"type\":\"response.created\","
	    "\"response\":{\"status\":\"in_progress\",\"error\":null}}\n\n"
	    "event: response.output_text.delta\ndata: {\"type\":"
	    "\"response.output_text.delta\",\"delta\":\"a\"}\n\n"
	    "event: response.completed\ndata: {\"type\":\"response.completed\","
	    "\"response\":{\"status\":\"completed\",\"output\":[]}}\n\n",
	    "{\"status\":\"completed\",\"output\":[]}",
	    "the last event's response");
	joins(d,
	    "data: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"x\"}"
	    "\n\n",
	    "{\"error\":{\"type\":\"error\",\"code\":\"server_error\",\"message\":"
	    "\"x\"}}",
	    "an error");
	fails(d,
	    "data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n",
	    "ended before", "no end");
}

#define START                                                                   \
	"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{" \
	"\"id\":\"m1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"  \
	"\"c\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"     \
	"\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n"              \
	"event: ping\ndata: {\"type\":\"ping\"}\n\n"
#define BLOCK(n, block)                                        \
	"data: {\"type\":\"content_block_start\",\"index\":" n \
	",\"content_block\":" block "}\n\n"
#define DELTA(n, delta)                                        \
	"data: {\"type\":\"content_block_delta\",\"index\":" n \
	",\"delta\":{" delta "}}\n\n"
#define STOP(reason)                                                             \
	"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" reason \
	"\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":5}}\n\n"        \
	"data: {\"type\":\"message_stop\"}\n\n"
#define MESSAGE(content, reason)                                                \
	"{\"id\":\"m1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":" \
	"\"c\",\"content\":[" content "],\"stop_reason\":\"" reason             \
	"\",\"stop_sequence\":null,\"usage\":{\"output_tokens\":5,"             \
	"\"input_tokens\":9}}"

static void
test_anthropic(void)
{
	const struct dialect *d = &dialect_anthropic;

	joins(d,
	    START BLOCK("0", "{\"type\":\"thinking\",\"thinking\":\"\"}")
		DELTA("0", "\"type\":\"thinking_delta\",\"thinking\":\"hm\"") DELTA(
		    "0", "\"type\":\"signature_delta\",\"signature\":\"s\"")
		    BLOCK("1", "{\"type\":\"text\",\"text\":\"\"}")
			DELTA("1", "\"type\":\"text_delta\",\"text\":\"a \"") DELTA(
			    "1", "\"type\":\"text_delta\",\"text\":\"\\\"b\\\"\"")
			    STOP("end_turn"),
	    MESSAGE(
		"{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"s\"},"
		"{\"type\":\"text\",\"text\":\"a \\\"b\\\"\"}",
		"end_turn"),
	    "thinking and text");
	joins(d,
	    START BLOCK("0",
		"{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}")
		DELTA("0", "\"type\":\"input_json_delta\",\"partial_json\":\"\"")
		    DELTA("0",
			"\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\"")
			DELTA("0", "\"type\":\"input_json_delta\",\"partial_json\":"
				   "\"\\\": [1]}\"") BLOCK("1",
			    "{\"type\":\"tool_use\",\"id\":\"u\",\"name\":"
			    "\"g\",\"input\":{}}") STOP("tool_use"),
	    MESSAGE("{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{"
		    "\"a\": [1]}},{\"type\":\"tool_use\",\"id\":\"u\",\"name\":"
		    "\"g\",\"input\":{}}",
		"tool_use"),
	    "tool calls");
	joins(d,
	    START "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
		  "\"overloaded_error\",\"message\":\"x\"}}\n\n",
	    "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
	    "\"message\":\"x\"}}",
	    "an error");
	fails(d, START BLOCK("1", "{\"type\":\"text\",\"text\":\"\"}"),
	    "not in their order", "a block that is not the next");
	fails(d, START DELTA("0", "\"text\":\"a\""), "did not begin",
	    "a block that is not there");
	fails(d, STOP("end_turn"), "message_start", "no beginning");
	fails(d,
	    START BLOCK("0", "{\"type\":\"tool_use\",\"input\":{}}")
		DELTA("0", "\"partial_json\":\"{\"") STOP("tool_use"),
	    "not JSON", "an input that is none");
}

#define PART(parts, more)                                        \
	"data: {\"candidates\":[{\"content\":{\"parts\":[" parts \
	"],\"role\":\"model\"}" more "}],\"modelVersion\":\"g-1\"}\n\n"
#define LAST(parts, reason)                                                 \
	"data: {\"candidates\":[{\"content\":{\"parts\":[" parts            \
	"],\"role\":\"model\"},\"finishReason\":\"" reason                  \
	"\"}],\"usageMetadata\":{\"promptTokenCount\":3},\"modelVersion\":" \
	"\"g-1\"}\n\n"
#define GEMINI(parts, reason)                                          \
	"{\"candidates\":[{\"content\":{\"parts\":[" parts             \
	"],\"role\":\"model\"},\"finishReason\":\"" reason             \
	"\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":3}," \
	"\"modelVersion\":\"g-1\"}"

static void
test_gemini(void)
{
	const struct dialect *d = &dialect_gemini;

	joins(d,
	    PART("{\"text\":\"hm\",\"thought\":true}", "") PART("{\"text\":\"a \"}",
		"") PART("{\"text\":\"b\"}", "") LAST("{\"text\":\"\"}", "STOP"),
	    GEMINI("{\"text\":\"hm\",\"thought\":true},{\"text\":\"a b\"}", "STOP"),
	    "a thought and text");
	joins(d,
	    PART("{\"text\":\"a\"}", "")
		LAST("{\"functionCall\":{\"name\":\"f\",\"args\":{}},"
		     "\"thoughtSignature\":\"s\"},{\"text\":\"b\","
		     "\"thoughtSignature\":\"t\"}",
		    "STOP"),
	    GEMINI(
		"{\"text\":\"a\"},{\"functionCall\":{\"name\":\"f\",\"args\":{}},"
		"\"thoughtSignature\":\"s\"},{\"text\":\"b\","
		"\"thoughtSignature\":\"t\"}",
		"STOP"),
	    "a call between texts, signatures");
	joins(d, "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\n\n",
	    "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}",
	    "a blocked prompt");
	joins(d, "data: {\"error\":{\"code\":503,\"message\":\"x\"}}\n\n",
	    "{\"error\":{\"code\":503,\"message\":\"x\"}}", "an error");
	fails(d, PART("{\"text\":\"a\"}", ""), "ended before", "no end");
}

static void
test_kinds(void)
{
	ok(dialect_is_stream(SPAN("data: {}\n\n")) &&
		dialect_is_stream(SPAN(": hello\n\n")) &&
		dialect_is_stream(SPAN("\r\nevent: x\n")),
	    "streams");
	ok(!dialect_is_stream(SPAN(" {\"a\":1}")) &&
		!dialect_is_stream(SPAN("[]")) &&
		!dialect_is_stream(SPAN("<html>")) &&
		!dialect_is_stream(SPAN("")) && !dialect_is_stream(SPAN(" \n")),
	    "and what is none");
}

int
main(void)
{
	test_events();
	test_chat();
	test_responses();
	test_anthropic();
	test_gemini();
	test_kinds();
	return done();
}
