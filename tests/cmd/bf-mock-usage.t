#!/bin/bash
# bf-mock's usage in each of the dialects, and what it says it would have billed.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/dialects.sh"
# usage: of each answer on standard input
usage() { jq -c 'objects | .usage // .usageMetadata'; }
# billed: the raw text of that part of the statistics, numbers as they were written
billed() { curl -s "${OPENAI_BASE_URL%/v1}/_stats" | grep -o '"billed_usd":[^,]*,"models.*' | sed 's/,"faults".*//'; }
export -f usage billed

# 100 bytes are 25 tokens; 40% of them 10.
text=$(printf '%0100d' 0)
export text
in_mock --cached 40% --reasoning 7 -- 'each $text'
usage <out >got
cat >want <<'W'
{"prompt_tokens":25,"completion_tokens":32,"total_tokens":57,"prompt_tokens_details":{"cached_tokens":10},"completion_tokens_details":{"reasoning_tokens":7}}
{"input_tokens":25,"input_tokens_details":{"cached_tokens":10},"output_tokens":32,"output_tokens_details":{"reasoning_tokens":7},"total_tokens":57}
{"input_tokens":15,"cache_creation_input_tokens":0,"cache_read_input_tokens":10,"output_tokens":32}
{"promptTokenCount":25,"candidatesTokenCount":25,"totalTokenCount":57,"cachedContentTokenCount":10,"thoughtsTokenCount":7}
W
same want got "cached and reasoning parts, as each dialect counts them"
is "$(jq -c 'objects | select(.object == "response").output[0]' out | anonymous)" '{"id":"rs_ID","type":"reasoning","summary":[]}' \
	"Responses: an item of reasoning before the message"
in_mock --cached 0.339 -- 'post chat "$(body chat $text)"; post gemini "$(body gemini a)"'
is "$(usage <out | tr '\n' ' ')" '{"prompt_tokens":25,"completion_tokens":25,"total_tokens":50,"prompt_tokens_details":{"cached_tokens":8}} {"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2} ' \
	"a part is rounded down; what is none is not told of"
in_mock --reasoning 7 -- 'post chat "$(body chat $text "\"n\":3")"; post gemini "$(body gemini $text "\"generationConfig\":{\"candidateCount\":3}")"'
is "$(usage <out | tr '\n' ' ')" '{"prompt_tokens":25,"completion_tokens":96,"total_tokens":121,"completion_tokens_details":{"reasoning_tokens":21}} {"promptTokenCount":25,"candidatesTokenCount":75,"totalTokenCount":121,"thoughtsTokenCount":21} ' \
	"of each choice"
is "$(jq -c '[.candidates[]?.index]' out 2>/dev/null | tail -1)" '[0,1,2]' "candidates"

# ---- what is billed ----
# 15 * 0.15 + 10 * 0.075 + 32 * 0.6 = 22.2 USD per million, four times
in_mock --cached 40% --reasoning 7 --price 0.15,0.6,0.075 -- 'each $text >/dev/null; billed'
is "$(cat out)" '"billed_usd":0.0000888,"models":{"m1":{"calls":4,"input_tokens":100,"cached_tokens":40,"output_tokens":128,"reasoning_tokens":28,"billed_usd":0.0000888}}' \
	"the same in every dialect, and exact"
in_mock --cached 40% --price 2,8 -- 'post chat "$(body chat $text)" >/dev/null; billed'
is "$(grep -o '^"billed_usd":[^,]*' out)" '"billed_usd":0.00025' "cached tokens cost what others do, where nothing is said"
in_mock --price 0.000001,0.1 --price 'm2=1000000,0' --price m=3=1,2 -- '
	for m in m1 m2 m=3 m4; do post chat "{\"model\":\"$m\",\"messages\":[{\"role\":\"user\",\"content\":\"abcd\"}]}" >/dev/null; done; billed'
is "$(grep -o '"m[^:]*:{[^}]*\|^"billed_usd":[^,]*' out | sed 's/"calls.*"billed/billed/')" '"billed_usd":1.000003200002
"models":{"m1":{billed_usd":0.000000100001
"m2":{billed_usd":1
"m=3":{billed_usd":0.000003
"m4":{billed_usd":0.000000100001' "a model's own price, and sums without rounding"
in_mock --price m2=1,1 -- 'post chat "$(body chat abcd)" >/dev/null; billed; curl -s -X POST "${OPENAI_BASE_URL%/v1}/_reset" >/dev/null; billed'
is "$(cat out)" '"billed_usd":0,"models":{"m1":{"calls":1,"input_tokens":1,"cached_tokens":0,"output_tokens":1,"reasoning_tokens":0,"billed_usd":null}}
"billed_usd":0,"models":{}' "none is known: null; and all begins anew"
in_mock -- 'post chat "$(body chat abcd)" >/dev/null; billed | cut -c1-17; curl -s "${OPENAI_BASE_URL%/v1}/_stats" | jq -c "[.input_tokens,.cached_tokens,.output_tokens,.reasoning_tokens]"'
is "$(tr '\n' ' ' <out)" '"billed_usd":null [1,0,1,0] ' "without prices: tokens alone"
# What is lost on its way was paid for, what was refused was not.
while read -r name calls; do
	in_mock --price 1,1 --fault "$name:1" -- 'each abcd -m 0.3 >/dev/null; billed | grep -o "^[^,]*"'
	is "$(cat out)" "\"billed_usd\":$calls" "$name: $calls billed"
done <<'F'
429 0
500 0
529 0
drop 0
hang 0
blank 0
empty-body 0
empty-choices 0
error-body 0
html 0
null-content 0
redirect 0
truncated 0.000008
reset-in 0.000008
reset-before 0.000008
stall 0.000008
slow 0.000008
torn-chunks 0.000008
gzip 0.000008
F
in_mock --price 1,1 --rpm 2 --window 1000s -- 'each abcd >/dev/null; post chat "{}" >/dev/null; billed | grep -o "^[^,]*"'
is "$(cat out)" '"billed_usd":0.000004' "what the limits or the checks refuse is not billed"
printf '{"id":1}' >fixed
in_mock --price 1,1 --body fixed -- 'each abcd >/dev/null; billed'
is "$(cat out)" '"billed_usd":0,"models":{}' "nor what --body answers"
for bad in 1 1,2,3,4 1,x 1,-2 .5,1 1.,2 1.0000001,2 1000001,1 '' m=1; do
	run bf-mock --price "$bad" -- true
	like "$status $(wc -l <err) $(cat err)" "2 1 bf-mock: --price: *" "no price: $bad"
done
run bf-mock --cached 101% -- true
is "$status" 2 "no more than all can be cached"
done_testing
