#!/bin/bash
# bf-llm --stream: answers that come in pieces are those that come in one.
. "$(dirname "$0")/../lib.sh"
export XDG_CONFIG_HOME=$TMP/config XDG_STATE_HOME=$TMP/state
unset OPENAI_BASE_URL ANTHROPIC_BASE_URL GEMINI_BASE_URL BF_ENDPOINT
export ANTHROPIC_API_KEY=canary GEMINI_API_KEY=canary

# All providers at one bf-mock, whose statistics are left in stats.
cat >providers <<'E'
#!/bin/bash
export ANTHROPIC_BASE_URL=${OPENAI_BASE_URL%/v1} GEMINI_BASE_URL=${OPENAI_BASE_URL%/v1}
export BF_ENDPOINT=mock
"$@"
rc=$?
curl -s "${OPENAI_BASE_URL%/v1}/_stats" >stats
exit $rc
E
chmod +x providers
# mocked MOCK-OPTION... -- ./providers COMMAND...
mocked() { run timeout 60 bf-mock "$@"; }

tools='[{"type":"function","function":{"name":"look","parameters":{"type":"object","properties":{"n":{"type":"integer"}}}}}]'
format='{"type":"json_schema","json_schema":{"name":"a","strict":true,"schema":{"type":"object","properties":{"b":{"type":"string"}},"required":["b"],"additionalProperties":false}}}'
cat >in <<E
{"id":1,"prompt":"one two three"}
{"id":2,"prompt":"\"quoted\", € \ud83d\ude00\n\tand\\\\"}
{"id":3,"request":{"messages":[{"role":"system","content":"brief"},{"role":"user","content":"look"}],"tools":$tools}}
{"id":4,"request":{"messages":[{"role":"user","content":"as JSON"}],"response_format":$format}}
E
# bf-mock names a call after all that was asked, how to answer too.
bare() { sed -i -E 's/"(call|toolu|fc)_[0-9a-f]+"/"id"/g' "$1"; }
as_whole() {
	bare out
	cmp -s out whole
}
usual=(--tool-calls --reasoning 3 --cached 50% --log log)
for p in openai openai-responses anthropic gemini; do
	rm -rf .bf
	mocked "${usual[@]}" -- ./providers bf-llm -q -m "m@$p" in
	mv out whole
	bare whole
	bf-ledger cat | jq -r .k | sort >keys
	is "$status $(wc -l <whole)" "0 4" "$p: in one piece"
	rm -rf .bf
	mocked "${usual[@]}" -- ./providers bf-llm -q -m "m@$p" --stream in
	as_whole
	is "$status $?" "0 0" "$p: in pieces: the same bytes"
	is "$(bf-ledger cat | jq -r .k | sort)" "$(cat keys)" "$p: under the same keys"
	is "$(bf-ledger cat | jq -r '.res | type' | sort | uniq -c | tr -s ' ')" " 4 object" "$p: what is recorded is a body"
	mocked -- ./providers bf-llm -q -m "m@$p" in
	as_whole
	is "$status $? $(jq .requests stats)" "0 0 0" "$p: a rerun without --stream is served by it"
	for fault in stream-cut stream-error torn-chunks reset-in truncated; do
		rm -rf .bf
		echo "{\"fault\":\"$fault\",\"requests\":4}" >scenario
		mocked "${usual[@]}" --scenario scenario -- ./providers bf-llm -q -j 1 -m "m@$p" --stream in
		as_whole
		is "$status $? $(jq .requests stats)" "0 0 8" "$p: $fault: each is asked again"
	done
	rm -rf .bf
	mocked "${usual[@]}" --fault crlf:1 -- ./providers bf-llm -q -m "m@$p" --stream in
	as_whole
	is "$status $?" "0 0" "$p: other line ends"
done
is "$(head -n 1 whole | jq -r .response.text)" "one two three" "that is what was said"

rm -rf .bf
mocked --fault stream-cut:1 -- ./providers bf-llm -q --attempts 1 -m m --stream --errors e in
is "$status $(jq -r .error.class e | sort -u)" "1 bad_answer" "a stream that is always cut: no answer"
like "$(jq -r .error.message e)" '*the stream ended before the answer did*' "which is said"
is "$(bf-ledger cat --status ok | wc -l)" 0 "nor is it recorded as one"

rm -rf .bf
mocked --fault stall:1 -- ./providers bf-llm -q --attempts 1 --stall-timeout 0.3s -m m --stream --errors e in
is "$status $(jq -r .error.class e | sort -u)" "1 timeout" "one that stands still is given up"

# A server that knows nothing of streams, and one whose stream is another's.
echo '{"id":1,"prompt":"x"}' >one
reply() {
	printf 'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s' "$(printf %s "$1" | wc -c)" "$1"
}
reply '{"choices":[{"message":{"content":"whole"},"finish_reason":"stop"}]}' >plain
rm -rf .bf requests
run timeout 60 "$BUILD/tests/rawserver" -r requests plain -- bf-llm -q -m m --stream one
is "$status $(jq -r .response.text out)" "0 whole" "an answer in one piece all the same is taken"
is "$(awk 'body { print; exit } /^\r?$/ { body = 1 }' requests)" '{"messages":[{"content":"x","role":"user"}],"model":"m","stream":true,"stream_options":{"include_usage":true}}' \
	"what was asked for"
rm -rf .bf requests
# shellcheck disable=SC2016
run timeout 60 "$BUILD/tests/rawserver" -r requests plain -- bash -c \
	'GEMINI_BASE_URL=${OPENAI_BASE_URL%/v1} exec bf-llm -q --attempts 1 -m g@gemini --stream one'
is "$(head -n 1 requests | tr -d '\r')" "POST /v1beta/models/g:streamGenerateContent?alt=sse HTTP/1.1" "gemini: another path"

rm -rf .bf
mocked -- ./providers bf-llm -q -m m --stream --stats s in
is "$(jq '.first_token_ms.p50 > 0 and .first_token_ms.max <= .latency_ms.max' s)" true "--stats: the time to the first token"
rm -rf .bf
mocked -- ./providers bf-llm -q -m m --stats s in
is "$(jq 'has("first_token_ms")' s)" false "which is told of streams alone"
done_testing
