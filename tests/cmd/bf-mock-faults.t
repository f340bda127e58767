#!/bin/bash
# bf-mock's faults and limits in each of the dialects.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/dialects.sh"

# ---- errors ----
in_mock --status 429:1 --error-code spent -- 'each a'
cat >want <<'W'
{"error":{"message":"this is a test: status 429","type":"spent","param":null,"code":"spent"}}
429
{"error":{"message":"this is a test: status 429","type":"spent","param":null,"code":"spent"}}
429
{"type":"error","error":{"type":"rate_limit_error","message":"this is a test: status 429","details":{"error_code":"spent"}},"request_id":"req_mock"}
429
{"error":{"code":429,"message":"this is a test: status 429","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"spent","domain":"googleapis.com"}]}}
429
W
same want out "a terminal 429"
while read -r code chat messages gemini; do
	in_mock --fail-first "1:$code" -- 'each a'
	is "$(jq -c 'objects.error | .type, .status | values' out | tr -d '"' | tr '\n' ' ')$(grep -c "^$code\$" out)" \
		"$chat $chat $messages $gemini 4" "$code in each dialect's words"
done <<'W'
400 invalid_request_error invalid_request_error INVALID_ARGUMENT
401 invalid_request_error authentication_error UNAUTHENTICATED
402 invalid_request_error billing_error INVALID_ARGUMENT
403 invalid_request_error permission_error PERMISSION_DENIED
404 invalid_request_error not_found_error NOT_FOUND
409 invalid_request_error invalid_request_error ABORTED
413 invalid_request_error request_too_large INVALID_ARGUMENT
500 server_error api_error INTERNAL
501 server_error api_error UNIMPLEMENTED
503 server_error api_error UNAVAILABLE
504 server_error timeout_error DEADLINE_EXCEEDED
529 server_error overloaded_error UNKNOWN
W
in_mock --error-array --status 503:1 -- 'each a'
is "$(grep -c '^\[' out) $(tail -2 out)" '1 [{"error":{"code":503,"message":"this is a test: status 503","status":"UNAVAILABLE"}}]
503' "--error-array, of Gemini alone"

# ---- how long to wait ----
# waits OPTION...: of each dialect what the headers and what the details say
waits() {
	in_mock "$@" -- 'for d in $dialects; do
		post $d "$(body $d a)" -D head -o answer >/dev/null
		tr -d "\r" <head | grep -i "^retry-after" | LC_ALL=C sort | tr "\n" " "; jq -r ".error.details[]?.retryDelay // empty" answer 2>/dev/null; echo; done'
	grep . out | tr '\n' '|'
}
is "$(waits --status 429:1 --retry-after 2.5)" 'Retry-After: 2.5 |Retry-After: 2.5 |Retry-After: 2.5 |2.500s|' "seconds"
is "$(waits --status 429:1 --retry-after soon)" 'Retry-After: soon |Retry-After: soon |Retry-After: soon |Retry-After: soon |' "what is no time"
echo '{"fault":"503","retry-after-ms":20,"retry-after":"7"}' >scenario
is "$(waits --scenario scenario)" 'Retry-After: 7 retry-after-ms: 20 |Retry-After: 7 retry-after-ms: 20 |Retry-After: 7 retry-after-ms: 20 |0.020s|' "milliseconds"
echo '{"fault":"429","retry-after-date":"90s"}' >scenario
like "$(waits --scenario scenario)" 'Retry-After: * GMT |Retry-After: * GMT |Retry-After: * GMT |[89][0-9]*s|' "a date"
is "$(waits --status 429:1)" "" "nothing where nothing is said"

# ---- limits ----
for d in $dialects; do
	in_mock --rpm 1 --tpm 100 --window 1000s -- "for i in 1 2; do post $d \"\$(body $d a)\" -D -; done | tr -d '\r'; curl -s \${OPENAI_BASE_URL%/v1}/_stats | jq -c '[.limited, .cooldowns]'"
	is "$(grep -x '[0-9]\{3\}' out | tr '\n' ' ')$(tail -1 out)" "200 429 [1,1]" "$d: --rpm"
	case $d in
	chat | responses)
		is "$(grep -io '^x-ratelimit-[a-z-]*: [0-9]*' out | grep -v reset | tr '\n' ' ')" \
			"x-ratelimit-limit-requests: 1 x-ratelimit-remaining-requests: 0 x-ratelimit-limit-tokens: 100 x-ratelimit-remaining-tokens: 99 x-ratelimit-limit-requests: 1 x-ratelimit-remaining-requests: 0 x-ratelimit-limit-tokens: 100 x-ratelimit-remaining-tokens: 99 " "$d: the headers"
		is "$(grep -ic '^retry-after-ms: 9' out) $(grep -ic '^retry-after: [91]' out)" "1 1" "$d: and when to come back"
		;;
	messages)
		# max_tokens is 64, and that is charged
		is "$(grep -io '^anthropic-ratelimit-[a-z-]*: [0-9]*' out | grep -v reset | tr '\n' ' ')" \
			"anthropic-ratelimit-requests-limit: 1 anthropic-ratelimit-requests-remaining: 0 anthropic-ratelimit-tokens-limit: 100 anthropic-ratelimit-tokens-remaining: 36 anthropic-ratelimit-requests-limit: 1 anthropic-ratelimit-requests-remaining: 0 anthropic-ratelimit-tokens-limit: 100 anthropic-ratelimit-tokens-remaining: 36 " "$d: the headers"
		reset=$(sed -n 's/^anthropic-ratelimit-requests-reset: //Ip' out | tail -1)
		is "$(date -u -d "$reset" +%FT%TZ)" "$reset" "$d: the reset is a time of RFC 3339"
		left=$(($(date -d "$reset" +%s) - $(date +%s)))
		ok $((left < 900 || left > 1001)) "$d: that is to come ($left s)"
		is "$(grep -ic '^retry-after-ms' out) $(grep -ic '^retry-after: [91]' out)" "0 1" "$d: and when to come back"
		;;
	gemini)
		is "$(grep -ic 'ratelimit' out) $(grep -ic '^retry-after' out)" "0 0" "$d: no headers"
		like "$(grep retryDelay out)" '{"error":{"code":429,*"status":"RESOURCE_EXHAUSTED","details":\[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"9??.*s"}\]}}' "$d: and when to come back"
		;;
	esac
done

# ---- answers that are none ----
in_mock --fault empty-choices:1 -- 'each a'
cat >want <<'W'
{"id":"chatcmpl-test","object":"chat.completion","choices":[]}
200
{"id":"resp_test","object":"response","created_at":1704067200,"status":"completed","error":null,"incomplete_details":null,"model":"test","output":[]}
200
{"id":"msg_test","type":"message","role":"assistant","model":"test","stop_reason":"end_turn","stop_sequence":null,"content":[]}
200
{"usageMetadata":{"promptTokenCount":1,"totalTokenCount":1},"modelVersion":"test"}
200
W
same want out "empty-choices"
in_mock --fault null-content:1 -- 'each a'
cat >want <<'W'
{"id":"chatcmpl-test","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":null},"finish_reason":"stop"}]}
200
{"id":"resp_test","object":"response","created_at":1704067200,"status":"completed","error":null,"incomplete_details":null,"model":"test","output":[{"id":"msg_test","type":"message","status":"completed","role":"assistant","content":null}]}
200
{"id":"msg_test","type":"message","role":"assistant","model":"test","stop_reason":"end_turn","stop_sequence":null,"content":null}
200
{"candidates":[{"content":{"role":"model"},"finishReason":"STOP","index":0}],"modelVersion":"test"}
200
W
same want out "null-content"
in_mock --fault error-body:1 -- 'each a'
cat >want <<'W'
{"error":{"message":"this is a test: an error with status 200","code":502}}
200
{"error":{"message":"this is a test: an error with status 200","code":502}}
200
{"type":"error","error":{"type":"api_error","message":"this is a test: an error with status 200"},"request_id":"req_mock"}
200
{"error":{"code":503,"message":"this is a test: an error with status 200","status":"UNAVAILABLE"}}
200
W
same want out "error-body"

# ---- the wire ----
in_mock -- 'each hello -o /dev/null -w "%{size_download}\n"'
cp out whole
for name in truncated reset-in short-length; do
	in_mock --fault "$name:1" -- 'each hello -o /dev/null -w "%{size_download}\n"'
	is "$(tr '\n' ' ' <out)" "$(while read -r n; do printf '%d ' $((n / 2)); done <whole)" "$name: half of each answer"
done
in_mock -- 'each hello'
cp out whole
for name in chunked gzip white-space slow many-headers; do
	printf '{"fault":"%s","every":"1us"}\n' $name >scenario
	in_mock --scenario scenario -- 'each hello --compressed -H Accept-Encoding:'
	grep '[^[:space:]]' out >got
	same whole got "$name: the answer of each is what it is without"
done
done_testing
