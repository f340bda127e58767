#!/bin/bash
# bf-llm: providers that are asked in words of their own: where a call goes, with
# which headers and body, what becomes of its answer, and what is kept.
. "$(dirname "$0")/../lib.sh"
export XDG_CONFIG_HOME=$TMP/config XDG_STATE_HOME=$TMP/state
unset OPENAI_BASE_URL ANTHROPIC_BASE_URL GEMINI_BASE_URL BF_ENDPOINT
key=sk-canary-7d1f0b3a9c
export ANTHROPIC_API_KEY=$key GEMINI_API_KEY=$key

# reply STATUS BODY: a whole HTTP answer
reply() {
	printf 'HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s' "$1" "$(printf %s "$2" | wc -c)" "$2"
}

# asked REPLY... -- ARG...: bf-llm with all providers at a server that sends these
asked() {
	local replies=()
	while [ "$1" != -- ]; do
		replies+=("$1")
		shift
	done
	shift
	rm -f requests
	# shellcheck disable=SC2016
	run timeout 60 "$BUILD/tests/rawserver" -o count -r requests "${replies[@]}" -- bash -c '
		export ANTHROPIC_BASE_URL=${OPENAI_BASE_URL%/v1} GEMINI_BASE_URL=${OPENAI_BASE_URL%/v1}
		exec bf-llm "$@"' - "$@"
}
# What was sent first: its line, a header, its body.
line() { head -n 1 requests | tr -d '\r'; }
header() { sed -n "s/^$1: //Ip" requests | head -n 1 | tr -d '\r'; }
body() { awk 'body { print; exit } /^\r?$/ { body = 1 }' requests; }
fresh() { rm -rf .bf e; echo 0 >count; }

cat >request <<'E'
{"id":1,"request":{"model":"MODEL","messages":[{"role":"system","content":"brief"},{"role":"user","content":"hi"}],"max_tokens":9}}
E
# one MODEL: an entry that asks it
one() { sed "s/MODEL/$1/" request >"$2"; }
one claude-x@anthropic anthropic
one gemini-x@gemini gemini
one gpt-x@openai-responses responses

reply '200 OK' '{"type":"message","model":"claude-x-1","content":[{"type":"text","text":"hello"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"cache_read_input_tokens":2,"output_tokens":1}}' >anthropic.ok
reply '200 OK' '{"candidates":[{"content":{"parts":[{"text":"hello"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"cachedContentTokenCount":2,"candidatesTokenCount":1},"modelVersion":"gemini-x-1"}' >gemini.ok
reply '200 OK' '{"status":"completed","model":"gpt-x-1","output":[{"type":"message","content":[{"type":"output_text","text":"hello"}]}],"usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":2},"output_tokens":1}}' >responses.ok

while read -r name model path head value; do
	fresh
	asked $name.ok -- $name
	is "$status $(jq -c .response out)" "0 {\"text\":\"hello\",\"model\":\"$model-1\",\"finish_reason\":\"stop\",\"usage\":{\"input\":5,\"output\":1,\"cached\":2,\"reasoning\":0}}" \
		"$name: its answer in the form of all"
	is "$(line)" "POST $path HTTP/1.1" "$name: where it went"
	is "$(header "$head")" "$value" "$name: with its key"
	bf-ledger cat | jq -c .req >kept
	is "$(cat kept)" "{\"max_tokens\":9,\"messages\":[{\"content\":\"brief\",\"role\":\"system\"},{\"content\":\"hi\",\"role\":\"user\"}],\"model\":\"$model\"}" \
		"$name: the ledger keeps it in OpenAI's form"
	is "$(bf-ledger cat --finish-reason stop | wc -l) $(bf-ledger cat --finish-reason length | wc -l)" "1 0" \
		"$name: bf-ledger can read its answer"
	mv out first
	asked $name.ok -- $name
	cmp -s out first
	is "$status $? $(cat count)" "0 0 1" "$name: a rerun gives the same and sends nothing"
	! grep -rqaF "$key" .bf out err first
	ok $? "$name: the key is in nothing that is kept"
done <<E
anthropic claude-x /v1/messages x-api-key $key
gemini gemini-x /v1beta/models/gemini-x:generateContent x-goog-api-key $key
responses gpt-x /v1/responses authorization Bearer sk-raw-0123456789
E

fresh
asked anthropic.ok -- anthropic
is "$(header anthropic-version)" 2023-06-01 "anthropic: the version of its API"
is "$(body)" '{"model":"claude-x","max_tokens":9,"system":[{"type":"text","text":"brief"}],"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}' \
	"anthropic: its own words"
is "$(header authorization)" "" "anthropic: no other key's header"
printf %s '{"body":{"max_tokens":9,"messages":[{"content":"brief","role":"system"},{"content":"hi","role":"user"}]},"dialect":"anthropic","endpoint":"raw","model":"claude-x","sample":0}' >text
is "$(bf-ledger cat | jq -r .k)" "$(b2sum -l 128 text | cut -d' ' -f1)" "anthropic: the key is of the OpenAI form"
bf-ledger why "$(bf-ledger cat | jq -r .k)" "$(bf-ledger cat | jq -r .k)" >why 2>&1
ok $? "bf-ledger why finds its text"
fresh
asked gemini.ok -- gemini
is "$(body)" '{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"systemInstruction":{"parts":[{"text":"brief"}]},"generationConfig":{"maxOutputTokens":9}}' \
	"gemini: its own words"
! grep -q "$key" <(line)
ok $? "gemini: no key in the URL"

# ---- put aside ----

fresh
reply '200 OK' '{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":5}}' >blocked
asked blocked -- --errors e gemini
is "$status $(jq -c '[.error.class, .response.text]' e) $(cat count)" '1 ["content_filter",""] 1' "gemini: a blocked prompt is put aside"
fresh
reply '200 OK' '{"content":[],"stop_reason":"refusal"}' >refused
asked refused -- --errors e anthropic
is "$status $(jq -c .error.class e) $(cat count)" '1 "refusal" 1' "anthropic: a refusal is put aside"

# ---- errors ----

fresh
reply '429 Too Many Requests' '[{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2s"}]}}]' >slow
began=$(date +%s%N)
asked slow gemini.ok -- gemini
is "$status $(cat count)" "0 2" "gemini: a 429 is tried again"
[ $(($(date +%s%N) - began)) -ge 2000000000 ]
ok $? "after the time that its body asks for"
fresh
reply '400 Bad Request' '{"error":{"code":400,"message":"bad key","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}' >badkey
asked badkey -- gemini
is "$status $(cat count)" "75 1" "gemini: a key that is none stops the run"
fresh
reply '429 Too Many Requests' '{"type":"error","error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}}' >spent
asked spent -- anthropic
is "$status $(cat count)" "75 1" "anthropic: a spend limit stops the run"
fresh
reply '529 Overloaded' '{"type":"error","error":{"type":"overloaded_error","message":"busy"}}' >busy
asked busy anthropic.ok -- anthropic
is "$status $(cat count)" "0 2" "anthropic: a 529 is tried again"

# ---- what cannot be said ----

jq -c '.request.seed=7' anthropic >seed
fresh
asked anthropic.ok -- --errors e seed
is "$status $(cat count) $(jq -r .error.message e)" '1 0 "seed": anthropic has nothing like it' \
	"what it cannot say fails before it is sent"
asked anthropic.ok -- --lenient seed
is "$status $(cat count) $(jq -r .response.text out)" "0 1 hello" "with --lenient it is left out"
like "$(cat err)" '*seed:1: --lenient: left out, as anthropic cannot say it: seed*' "and that is told"
is "$(jq -r 'has("seed")' <(body))" false "nor is it sent"
asked anthropic.ok -- --lenient seed
is "$status $(cat count)" "0 1" "a lenient rerun pays nothing"
asked anthropic.ok -- seed
is "$status $(cat count)" "1 1" "a strict one refuses it as before"
fresh
one '..%2f..@gemini' path
asked gemini.ok -- --errors e path
is "$status $(cat count)" "1 0" "a model's name that would leave the path is not asked"
like "$(jq -r .error.message e)" '*cannot be part of a URL*' "and why"
done_testing
