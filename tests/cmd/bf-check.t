#!/bin/bash
# bf-check: good answers on standard output, repair requests on descriptor 3.
. "$(dirname "$0")/../lib.sh"

cat >schema <<'E'
{"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]}
E
cat >in <<'E'
{"id":"good","n":1.0,"request":{"messages":[{"role":"user","content":"a"}]},"response":{"text":"Sure: {\"answer\": 1}","finish_reason":"stop"},"after":"\u00e9"}
{"id":"bad","n":1.0,"request":{"model":"m@p","messages":[{"role":"user","content":"a"}],"seed":12345678901234567890},"response":{"text":"{\"answer\": \"x\"}","finish_reason":"stop"},"error":{"class":"invalid"},"after":"\u00e9"}
{"id":"prompt","prompt":"Why?","response":{"text":"because","finish_reason":"stop"}}
{"id":"messages","messages":[{"role":"user","content":"Why?"}],"response":{"text":"because","finish_reason":"stop"}}
{"id":"third","repairs":3,"prompt":"Why?","response":{"text":"because","finish_reason":"stop"}}
{"id":"second","repairs":2,"prompt":"Why?","response":{"text":"because","finish_reason":"stop"}}
{"id":"nothing","response":{"text":"because","finish_reason":"stop"}}
{"id":"cut","prompt":"Why?","response":{"text":"{\"answer\": 1","finish_reason":"length"}}
{"id":"filter","prompt":"Why?","response":{"text":"{\"answer\": 1","finish_reason":"content_filter"}}
{"id":"refused","prompt":"Why?","response":{"text":"{\"answer\": 1}","finish_reason":"stop","refusal":true}}
{"id":"tool","prompt":"Why?","response":{"text":"","finish_reason":"tool_calls","tool_calls":[]}}
{"id":"none","prompt":"Why?"}
{"id":"again","response":{"text":"{\"answer\": 2}","parsed":{"answer":0},"finish_reason":"stop"}}
E
run bf-check --schema schema --errors e in 3>back
is "$status" 1 "some fail"
is "$(sed -n 1p out)" '{"id":"good","n":1.0,"request":{"messages":[{"role":"user","content":"a"}]},"response":{"text":"Sure: {\"answer\": 1}","finish_reason":"stop","parsed":{"answer":1}},"after":"\u00e9"}' \
	"a good one goes on, parsed, and untouched else"
is "$(sed -n 2p out)" '{"id":"again","response":{"text":"{\"answer\": 2}","finish_reason":"stop","parsed":{"answer":2}}}' "what was parsed before is replaced"
is "$(wc -l <out)" 2 "they alone"
is "$(jq -r .id back | tr '\n' ' ')" "bad prompt messages second " "bad ones go back"
is "$(sed -n 1p back | jq -c 'del(.request.messages)')" '{"id":"bad","n":1,"request":{"model":"m@p","seed":12345678901234567000},"after":"é","repairs":1}' \
	"counted, without the answer and the error"
grep -q '"n":1.0,.*"seed":12345678901234567890' back
ok $? "numbers as they were"
is "$(sed -n 1p back | jq -c '.request.messages[:2]')" '[{"role":"user","content":"a"},{"role":"assistant","content":"{\"answer\": \"x\"}"}]' "the answer is the assistant's turn"
like "$(sed -n 1p back | jq -r '.request.messages[2].content')" "*- /answer: must be integer (type), is \"x\"*JSON Schema*" "then what is wrong with it"
is "$(jq -c 'select(.id == "second") | .repairs' back)" 3 "repairs are counted on"
is "$(jq -r '"\(.id) \(.error.class)"' e | tr '\n' ,)" \
	"third invalid,nothing bad_request,cut length,filter content_filter,refused refusal,tool invalid,none no_response," \
	"what cannot be repaired fails, by its class"
is "$(cat err)" "bf-check: 4 of 13 answers sent back" "and it is told"
run bf-check -q --schema schema -n 0 --errors e in 3>back
is "$status $(wc -l <out) $(wc -c <back)" "1 2 0" "-n 0: nothing goes back"
run bf-check -q --schema schema --coerce in 3>back
is "$(head -1 back | jq -r .id)" "bad" "--coerce mends no word into a number"
sed 's/\\"x\\"/\\"7\\"/' in >seven
run bf-check -q --schema schema --coerce seven 3>back
is "$(jq -c 'select(.id == "bad") | .response.parsed' out)" '{"answer":7}' "but a string that holds one"
echo '{"type":"string","format":"date"}' >date
echo '{"prompt":"x","response":{"text":"\"today\""}}' >today
run bf-check -q --schema date today 3>back
is "$status $(wc -l <out)" "0 1" "a format says nothing"
run bf-check -q --schema date --check-formats today 3>back
is "$status $(wc -l <out) $(wc -l <back)" "0 0 1" "without --check-formats"

# A loop by hand comes to the same as bf-llm --repair, from the same ledger.
serve --fault misformat:0.5 --log log
head -60 "$TESTS/data/gsm8k-test.jsonl" | bf-prompt -m m --schema schema '{question}' >asked
cp asked todo
while [ -s todo ]; do
	bf-llm -q todo | bf-check -q --schema schema 3>again >>good
	mv again todo
done
is "$(wc -l <good)" 60 "the loop ends, and all are good"
n=$(wc -l <log)
[ "$n" -gt 70 ]
ok $? "after repairs"
bf-llm -q --schema schema --repair 3 asked >other
is "$(wc -l <log)" "$n" "bf-llm --repair makes the same requests: all are in the ledger"
jq -c '[.question, .response]' other | sort >want
jq -c '[.question, .response]' good | sort >got
same want got "and the answers are the same"

# Descriptor 3.
run bf-check --schema schema in 3>&-
like "$status $(cat err)" "2 bf-check: descriptor 3 is not open: *" "it must be open"
run bf-check -q --schema schema in 3>/dev/full
like "$status $(cat err)" "2 bf-check: descriptor 3: No space left on device" "a full disk is told"
like "$(tail -1 out)" '{"incomplete":*' "and the output is marked"
{
	cat in
	echo '{'
} >broken
run bf-check -q --schema schema --errors e broken 3>back
is "$status" 2 "a bad line ends it"
is "$(tail -1 out)" "$(tail -1 back)" "both outputs end in the incomplete line"
like "$(tail -1 back)" '{"incomplete":{"by":"bf-check",*' "which says why"
echo '{"incomplete":{"by":"bf-llm","why":"budget reached","status":75}}' | run bf-check --schema schema 3>back
is "$(cat out back)" '{"incomplete":{"by":"bf-llm","why":"budget reached","status":75}}
{"incomplete":{"by":"bf-llm","why":"budget reached","status":75}}' "one from before is passed on to both"

for bad in '' '--schema' '--schema none' '--schema schema -n x'; do
	# shellcheck disable=SC2086
	run bf-check $bad in 3>/dev/null
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $bad"
done

done_testing
