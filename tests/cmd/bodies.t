#!/bin/bash
# What bf-llm sends is what the providers' references say: names, types, what is
# required, and nothing that they do not name (tests/data/bodies).
shapes=$(cd "$(dirname "$0")/../data/bodies" && pwd) || exit 99
. "$(dirname "$0")/../lib.sh"
export XDG_CONFIG_HOME=$TMP/config XDG_STATE_HOME=$TMP/state
unset OPENAI_BASE_URL ANTHROPIC_BASE_URL GEMINI_BASE_URL BF_ENDPOINT
export ANTHROPIC_API_KEY=canary GEMINI_API_KEY=canary

wrong() { jq -r -L "$shapes" --slurpfile schema "$shapes/$1.json" 'include "wrong"; wrong($schema[0])' "$2"; }

# The shapes themselves tell right from wrong.
body='"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]'
echo "{$body}" >b
is "$(wrong anthropic b)" "" "a body as it should be"
while IFS='|' read -r more why; do
	echo "{$body,$more}" >b
	is "$(wrong anthropic b)" "$why" "one that is not: $why"
done <<'E'
"top":1| has no top
"temperature":2|.temperature is 2
"max_tokens":"9"|.max_tokens is a string, not a integer
"messages":[]|.messages has 0 elements
"tools":[{"name":"f","input_schema":{"type":"array"}}]|.tools[0].input_schema.type is "array", not "object"
"tools":[{"input_schema":{"type":"object"}}]|.tools[0] lacks name
"service_tier":"flex"|.service_tier is "flex", none of ["auto","standard_only"]
E

pixel='data:image/png;base64,iVBORw0KGgo='
tool='{"type":"function","function":{"name":"look","description":"d","strict":true,"parameters":{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}}}'
schema='{"name":"a","strict":true,"schema":{"type":"object","properties":{"b":{"type":"string"}},"required":["b"],"additionalProperties":false}}'
turns='{"role":"system","content":"brief"},{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":[{"type":"text","text":"c"},{"type":"text","text":"d"}]}'
call='{"role":"assistant","content":null,"tool_calls":[{"id":"t1","type":"function","function":{"name":"look","arguments":"{\"n\":1}"}}]},{"role":"tool","tool_call_id":"t1","content":"r"}'
hi='"messages":[{"role":"user","content":"hi"}]'
{
	echo "{$hi}"
	echo "{\"messages\":[$turns]}"
	echo "{\"messages\":[{\"role\":\"developer\",\"content\":\"x\"},{\"role\":\"user\",\"content\":\"hi\"}]}"
	echo "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"see\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"$pixel\",\"detail\":\"low\"}},{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://h/i.png\"}}]}]}"
	echo "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"see\"},{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;base64,JVBERi0=\"}}]}]}"
	for choice in '"none"' '"auto"' '"required"' '{"type":"function","function":{"name":"look"}}'; do
		echo "{$hi,\"tools\":[$tool],\"tool_choice\":$choice,\"parallel_tool_calls\":false}"
	done
	echo "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},$call],\"tools\":[$tool]}"
	echo "{$hi,\"response_format\":{\"type\":\"json_schema\",\"json_schema\":$schema}}"
	for format in json_object text; do echo "{$hi,\"response_format\":{\"type\":\"$format\"}}"; done
	echo "{$hi,\"temperature\":0.5,\"top_p\":0.9,\"max_tokens\":70,\"stop\":[\"x\",\"y\"],\"seed\":3,\"n\":1}"
	echo "{$hi,\"max_completion_tokens\":70,\"stop\":\"x\",\"presence_penalty\":0.1,\"frequency_penalty\":0.2}"
	for effort in none minimal low medium high xhigh; do echo "{$hi,\"reasoning_effort\":\"$effort\"}"; done
	echo "{$hi,\"verbosity\":\"low\",\"logprobs\":true,\"top_logprobs\":2}"
	echo "{\"messages\":[{\"role\":\"user\",\"content\":\"whose\"}],\"user\":\"u\",\"metadata\":{\"a\":\"b\"},\"store\":false,\"service_tier\":\"flex\",\"safety_identifier\":\"s\",\"prompt_cache_key\":\"k\"}"
} >requests
jq -c '{request: .}' requests >in
n=$(wc -l <in)

for p in openai-chat openai-responses anthropic gemini; do
	for how in --lenient "--lenient --stream"; do
		rm -rf .bf log
		# shellcheck disable=SC2016,SC2086
		run timeout 60 bf-mock --log log -- bash -c '
			export ANTHROPIC_BASE_URL=${OPENAI_BASE_URL%/v1} GEMINI_BASE_URL=${OPENAI_BASE_URL%/v1}
			exec bf-llm "$@"' - -q $how -m "m@${p%-chat}" --errors errors in
		# Of all these one cannot be said, not even with something left out.
		refused=0
		[ $p != anthropic ] || refused=1
		is "$status $(wc -l <errors) $(wc -l <log)" "$refused $refused $((n - refused))" "$p: $how: they are sent" ||
			jq -r .error.message errors | head -n 5 | sed 's/^/# /'
		jq .body log >bodies
		is "$(wrong $p bodies)" "" "$p: $how: as the reference has them"
	done
done
done_testing
