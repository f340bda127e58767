#!/bin/bash
# bf-llm: failures: what is tried again, what fails an entry, what stops the run.
. "$(dirname "$0")/../lib.sh"

# llm ARG...: bf-llm beside a fresh mock with the options in MOCK
llm() {
	run timeout 60 bf-mock -q --log calls.log "${MOCK[@]}" -- bf-llm "$@"
}
MOCK=()

# raw [OPTION...] REPLY... -- ARG...: bf-llm against a server that sends these bytes
raw() {
	local server=()
	while [ "$1" != -- ]; do
		server+=("$1")
		shift
	done
	shift
	echo 0 >count
	run timeout 60 "$BUILD/tests/rawserver" -o count "${server[@]}" -- bf-llm "$@"
}

calls() { grep -c . calls.log; }
fresh() { rm -rf .bf calls.log e; }

# reply STATUS BODY [HEADER...]: a whole HTTP answer
reply() {
	local status=$1 body=$2
	shift 2
	printf 'HTTP/1.1 %s\r\nContent-Length: %d\r\n' "$status" "$(printf %s "$body" | wc -c)"
	[ $# -eq 0 ] || printf '%s\r\n' "$@"
	printf '\r\n%s' "$body"
}

answer='{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3}}'
entries 1 1 >one
entries 1 10 >ten

# ---- tried again ----

for code in 408 409 425 429 500 503 529; do
	fresh
	MOCK=(--fail-first "1:$code" --retry-after 0)
	llm -m m one
	is "$status $(calls) $(jq -r .response.text out)" "0 2 number 1" "HTTP $code is tried again"
done
fresh
MOCK=(--status 500:1)
llm -m m --attempts 3 --errors e ten
is "$status $(calls) $(wc -l <e) $(wc -l <out)" "1 30 10 0" \
	"the same 500 for ever: each entry fails after its attempts"
is "$(jq -c '.error | [.class, .status, .attempts]' e | sort -u)" '["server",500,3]' \
	"the error has class, status and attempts"
is "$(jq -c .id e | tr '\n' ,)" "1,2,3,4,5,6,7,8,9,10," "in the input's order"
MOCK=()
llm -m m e
is "$status $(calls) $(jq -c .error out | sort -u)" "0 10 null" "the errors file is input: they are tried again"
fresh
MOCK=(--status 429:1 --retry-after 0)
llm -m m --attempts 2 --errors e one
is "$status $(calls) $(jq -r .error.class e)" "1 100 rate_limit" "429s use up no attempts, but are bounded"
fresh
MOCK=(--fail-first 5:429 --retry-after 0.01)
llm -m m --attempts 1 one
is "$status $(calls)" "0 6" "a Retry-After with a fraction is understood"
fresh
MOCK=(--fail-first 1:429 --retry-after 'Sun, 06 Nov 1994 08:49:37 GMT')
llm -m m --attempts 1 one
is "$status $(calls)" "0 2" "and a date"
fresh
MOCK=(--status 429:1 --retry-after 86400)
llm -m m ten
is "$status $(tail -n 1 out | jq -r .incomplete.status)" "75 75" "an absurd Retry-After of a 429 stops the run"
like "$(cat err)" '*asks to wait 86400 s*--max-wait*' "and says why"
fresh
MOCK=(--status 503:1 --retry-after 86400)
llm -m m --errors e one
is "$status $(jq -r .error.class e)" "1 server" "that of a 503 fails its entry"
fresh
MOCK=(--fail-first 1:503)
reply '503 Busy' '{"error":"busy"}' 'Retry-After: 9999' 'retry-after-ms: 5' >busy
reply '200 OK' "$answer" >good
raw busy good -- -m m one
is "$status $(cat count)" "0 2" "retry-after-ms beats Retry-After"
fresh
reply '500 No' '{}' 'x-should-retry: false' >no
raw no -- -m m --errors e one
is "$status $(cat count)" "1 1" "x-should-retry: false is obeyed"
fresh
reply '400 No' '{}' 'X-Should-Retry: true' >yes
raw yes good -- -m m one
is "$status $(cat count)" "0 2" "x-should-retry: true too"
MOCK=()
fresh
MOCK=(--drop 1)
llm -m m --attempts 2 --errors e one
is "$status $(calls) $(jq -r .error.class e)" "1 2 transport" "a connection that breaks is tried again"
fresh
MOCK=(--status 500:0.2 --status 429:0.2 --retry-after 0 --drop 0.1 --latency 1ms-5ms)
entries 1 100 >hundred
llm -m m -j 20 --attempts 20 hundred
is "$status $(jq -r .response.text out | sed 's/number //' | tr '\n' ,)" "0 $(seq -s, 1 100)," \
	"with all of these at random: every answer, once, in order"
MOCK=()

# ---- an entry fails ----

for pair in 400:bad_request 404:not_found 413:too_large 422:bad_request; do
	fresh
	MOCK=(--status "${pair%:*}:1")
	llm -m m --errors e one
	is "$status $(calls) $(jq -r .error.class e)" "1 1 ${pair#*:}" "HTTP ${pair%:*} fails its entry at once"
done
fresh
MOCK=(--status 400:1 --error-code content_filter)
llm -m m --errors e one
is "$(jq -r .error.class e)" content_filter "a 400 of the content filter is told by its code"
MOCK=()
fresh
reply '302 Found' '' 'Location: http://127.0.0.1:9/v1' >redirect
raw redirect -- -m m one
is "$status $(cat count)" "1 1" "a redirect is not followed"
like "$(cat err)" '*redirect*--base-url*' "but told"
fresh
echo '{"reply":"429 quota insufficient_quota 401","match":""}' >replies
MOCK=(--replies replies)
llm -m m one
is "$status $(jq -r .response.text out)" "0 429 quota insufficient_quota 401" "an answer that talks of errors is an answer"
MOCK=()

# ---- answers that are none ----

bad_answer() { # NAME BODY
	fresh
	reply '200 OK' "$2" >body
	raw body -- -m m --attempts 2 --errors e one
	is "$status $(cat count) $(wc -c <out) $(jq -r .error.class e)" "1 2 0 bad_answer" \
		"$1 with status 200 is tried again and fails"
	raw good -- -m m one
	is "$status $(cat count)" "0 1" "$1: it was not taken for an answer"
}
bad_answer "an error body" '{"error":{"message":"no","code":429}}'
bad_answer "choices: []" '{"choices":[]}'
bad_answer "null content" '{"choices":[{"message":{"content":null},"finish_reason":"stop"}]}'
bad_answer "an HTML page" '<html><body>Sign in</body></html>'
bad_answer "half of an answer" "${answer:0:60}"
bad_answer "an empty body" ''
bad_answer "white space" $'\n\n  \n'
bad_answer "white space and an error" $'\n\n{"error":"overloaded"}'
bad_answer "an array" '[]'
bad_answer "a body in broken UTF-8" "${answer/hi/$'\xff'}"
fresh
reply '200 OK' $'\n \n\n'"$answer" >spaced
raw spaced -- -m m one
is "$status $(jq -r .response.text out)" "0 hi" "white space before a whole answer does no harm"
raw spaced -- -m m one
is "$status $(jq -r .response.text out) $(cat count)" "0 hi 0" "and it comes from the ledger as any"
fresh
raw -b 80 -c good -- -m m --attempts 2 --errors e --stall-timeout 500ms one
is "$status $(cat count) $(jq -r .error.class e)" "1 2 timeout" "an answer that stops half way ends, is tried again, and fails"
fresh
printf 'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n%s' "$answer" >short
raw -c short -- -m m --attempts 2 --errors e one
is "$status $(cat count) $(jq -r .error.class e)" "1 2 transport" "a body shorter than was said is no answer, though it parses"

# ---- servers that keep one waiting ----

fresh
raw -n good -- -m m --attempts 2 --timeout 500ms --errors e one
is "$status $(cat count) $(jq -r .error.class e)" "1 2 timeout" "a server that never answers: each attempt has its time"
fresh
raw -d 100 good -- -m m --attempts 1 --timeout 1s --errors e one
is "$status $(jq -r .error.class e)" "1 timeout" "a byte now and then: bounded by the timeout"
fresh
run timeout 60 bf-llm -m m --base-url http://127.0.0.1:1/v1 --attempts 2 --errors e one
is "$status $(jq -r .error.class e)" "1 transport" "nobody there"
fresh
MOCK=(--latency 300ms)
llm -m m -j 1 --timeout 2s ten
is "$status $(wc -l <out)" "0 10" "time in the queue does not eat an attempt's timeout"
MOCK=()

# ---- answers put aside ----

for reason in length content_filter; do
	fresh
	MOCK=(--finish-reason "$reason")
	llm -m m --errors e one
	is "$status $(calls) $(jq -r '.error.class + " " + .response.text' e) $(wc -l <out)" \
		"1 1 $reason number 1 0" "finish_reason $reason: put aside with its text, not tried again"
	llm -m m --errors e one
	is "$status $(calls) $(jq -r .error.class e)" "1 0 $reason" "a rerun comes to the same without paying"
	llm -m m --accept length,content_filter one
	is "$status $(calls) $(jq -r .response.finish_reason out)" "0 0 $reason" "and --accept takes what was paid"
done
MOCK=()
fresh
reply '200 OK' '{"choices":[{"message":{"content":null,"refusal":"I will not."},"finish_reason":"stop"}]}' >refusal
raw refusal -- -m m --errors e one
is "$status $(cat count) $(jq -r '.error.class + " " + .response.text' e)" "1 1 refusal I will not." "a refusal is put aside"
raw refusal -- -m m --accept refusal one
is "$status $(cat count) $(jq -c '.response | [.text, .refusal]' out)" '0 0 ["I will not.",true]' "and can be accepted"
fresh
reply '200 OK' '{"choices":[{"message":{"content":null,"reasoning_content":"hm","tool_calls":[ {"id":"c","type":"function"} ]},"logprobs":{"content":[]},"finish_reason":"tool_calls"}],"model":"x-1"}' >tools
raw tools -- -m m one
is "$status $(jq -c .response out)" \
	'0 {"text":"","model":"x-1","finish_reason":"tool_calls","usage":null,"reasoning":"hm","tool_calls":[{"id":"c","type":"function"}],"logprobs":{"content":[]}}' \
	"tool calls without content are an answer; reasoning and logprobs are kept"

# ---- the run stops ----

for code in 401 402 403; do
	fresh
	MOCK=(--status "$code:1")
	llm -m m -j 4 --errors e hundred
	is "$status $(tail -n 1 out | jq -r .incomplete.status)" "75 75" "HTTP $code stops the run"
	[ "$(calls)" -le 4 ]
	ok $? "HTTP $code: nothing is sent after it"
	[ ! -s e ]
	ok $? "HTTP $code: no entry is said to have failed"
done
fresh
MOCK=(--status 429:1 --error-code insufficient_quota)
llm -m m -j 4 hundred
is "$status $(calls | sed 's/[1-4]$/few/')" "75 few" "a 429 whose code says that the money is gone stops the run"
like "$(cat err)" '*provider refusing: quota: HTTP 429*' "and says so"
MOCK=()
fresh
OPENAI_API_KEY='' run bf-llm -m m one
is "$status" 2 "no key: status 2"
like "$(cat err)" '*set OPENAI_API_KEY*' "with the variable's name"
is "$(tail -n 1 out | jq -r .incomplete.by)" bf-llm "and the stream is marked"

for code in '400 No' '401 No'; do
	fresh
	reply "$code" '{"error":{"message":"bad key sk-raw-0123456789!"}}' >echo
	raw echo -- -v -m m --attempts 1 --errors e one
	zstdcat .bf/ledger/*.zst >plain 2>/dev/null
	grep -q 'bad key \*\*' err e
	ok $? "HTTP $code: what the server says is told"
	! grep -rq sk-raw-0123456789 out err e .bf plain
	ok $? "HTTP $code: but not the key in it"
done

# ---- tokens ----

fresh
reply '200 OK' '{"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":50}}' >paid
raw paid good -- -m m one
like "$(cat err)" '*; 107 tokens in, 53 out, *' "the tokens of an attempt that failed count as spent"

done_testing
