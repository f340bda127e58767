#!/bin/bash
# bf-llm --schema and what follows an answer that is not as it says: --repair,
# --escalate*, --grow-max-tokens.
. "$(dirname "$0")/../lib.sh"
export XDG_CONFIG_HOME=$TMP/config XDG_STATE_HOME=$TMP/state
mkdir -p config/bf
problems=$TESTS/data/gsm8k-test.jsonl

calls() { if [ -e "$1.log" ]; then grep -c . "$1.log"; else echo 0; fi; }
fresh() {
	rm -rf .bf e s.json
	for log in *.log; do : >"$log"; done
}
llm() { run timeout 100 bf-llm "$@"; }
bodies() { jq -c .body "$1.log"; }

cat >s.json.schema <<'E'
{"type": "object", "properties": {"answer": {"type": "integer"}, "why": {"type": "string"}},
 "required": ["answer", "why"], "additionalProperties": false}
E
mv s.json.schema schema
cat >replies <<'E'
{"match": "cannot be used", "reply": "So:\n```json\n{\"answer\": 4, \"why\": \"sum\"}\n```"}
{"match": "good", "reply": "{\"answer\": 1, \"why\": \"x\"}"}
{"match": "text", "reply": "{\"answer\": \"1\", \"why\": \"x\"}"}
{"match": "prose", "reply": "<think>{\"answer\": 1, \"why\": \"no\"}</think>I do not know"}
{"match": "twice", "reply": "{\"answer\": 1, \"answer\": 2, \"why\": \"x\"}"}
{"match": "more", "reply": "{\"answer\": 1, \"why\": \"x\"} or {\"answer\": 2, \"why\": \"x\"}"}
{"match": "refused", "reply": {"role": "assistant", "content": null, "refusal": "I will not"}}
{"match": "filtered", "reply": "{\"answer\": 1", "finish_reason": "content_filter"}
{"match": "cut", "reply": "{\"answer\": 1", "finish_reason": "length"}
{"match": "whole", "reply": "{\"answer\": 1, \"why\": \"x\"}", "finish_reason": "length"}
E
jq -nc '{match: "loop", reply: ("{\"answer\": 1" + " \n" * 50), finish_reason: "length"}' >>replies
jq -nc '{match: "blank", reply: (" \n" * 50), finish_reason: "length"}' >>replies
jq -nc '{match: "short", reply: ("{\"answer\": 1" + " \n" * 49), finish_reason: "length"}' >>replies
serve_as m --replies replies
serve_as other --reply '{{"answer": 9, "why": "{model}"}}'
serve_as never --reply 'never'
for p in m other never; do
	printf '"%s": {"base_url": "%s", "dialect": "openai-chat", "key": "KEY"},\n' $p "$(cat $p.url)"
done | sed '1s/^/{/; $s/,$/}/' >config/bf/providers.json
export KEY=a-key-of-mine
all="good text prose twice more refused filtered cut whole loop blank short"
for w in $all; do
	printf '{"id":"%s","request":{"model":"m@m","temperature":0.5,"messages":[{"role":"user","content":"%s"}]}}\n' $w $w
done >in
only() { grep "\"id\":\"\\($(echo "$*" | sed 's/ /\\|/g')\\)\"" in; }

# ---- the schema alone ----

llm --schema schema --errors e in
is "$status $(jq -c '[.id, .response.parsed]' out)" '1 ["good",{"answer":1,"why":"x"}]' \
	"what the schema allows comes out, parsed"
is "$(jq -r '"\(.id) \(.error.class)"' e | tr '\n' ,)" \
	"text invalid,prose invalid,twice invalid,more invalid,refused refusal,filtered content_filter,cut length,whole length,loop whitespace_loop,blank whitespace_loop,short length," \
	"invalid, refused, filtered, truncated and a loop of white space are told apart"
is "$(jq -c 'select(.id == "text") | .error' e)" \
	'{"class":"invalid","message":"/answer: must be integer (type), is \"1\"","errors":[{"at":"/answer","keyword":"type","message":"must be integer (type), is \"1\""}],"status":200,"attempts":1}' \
	"the error says where and what"
is "$(jq -r 'select(.id == "text") | .response.text' e)" '{"answer": "1", "why": "x"}' "beside the answer"
is "$(jq -c 'select(.id == "good" or .id == "text") | .body | keys' m.log | sort -u)" "" "no request is changed"
is "$(bodies m | head -1)" '{"messages":[{"content":"good","role":"user"}],"model":"m","temperature":0.5}' "nor has it more"
llm --schema schema --coerce --errors e in
is "$status $(jq -c '[.id, .response.parsed]' out | tail -1) $(calls m)" '1 ["text",{"answer":1,"why":"x"}] 12' \
	"--coerce mends what is unambiguous, without a call"
llm --schema schema --accept length --errors e in
is "$(jq -r .id out | tr '\n' ' ')$(jq -r 'select(.id == "cut") | .error.class' e)" "good whole length" \
	"--accept length takes what is whole, and what is not stays cut"
echo '{"type": "object", "properties": {"answer": {"type": "string"}}}' >other.schema
llm --schema other.schema --errors e in
is "$(jq -r .id out | tr '\n' ' ')$(calls m)" "text 12" "another schema asks nobody anew"
llm --no-ledger --schema schema --errors e in
is "$status $(jq -r .id out) $(wc -l <e)" "1 good 11" "without a ledger it is the same"
printf '{"id":"tool","request":{"model":"m@other","tool_choice":"required","tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"x"}]}}\n' >tool
llm --schema schema --repair 2 --errors e tool
is "$status $(jq -r .error.class e) $(calls other)" "1 invalid 1" "a call of a tool is no such answer, and not sent back"

# ---- --repair ----

fresh
llm --schema schema --repair 2 --errors e --stats stats in
is "$status $(jq -c '[.id, .response.parsed.answer]' out | tr '\n' ' ')" \
	'1 ["good",1] ["text",4] ["prose",4] ["twice",4] ["more",4] ["loop",4] ["blank",4] ' "--repair: they end right, in order"
is "$(jq -r '"\(.id) \(.error.class)"' e | tr '\n' ,)" "refused refusal,filtered content_filter,cut length,whole length,short length," \
	"what was refused or cut is not sent back"
is "$(calls m)" 18 "one call more for each"
is "$(jq -c '[.entries, .calls, .repairs, .failed]' stats)" "[12,18,6,5]" "--stats counts them"
like "$(cat err)" "*, 6 sent back for repair; *" "so does the summary"
# What goes back is part of a key: other words, and all users pay again.
is "$(bodies m | grep 'must be integer')" '{"messages":[{"content":"text","role":"user"},{"content":"{\"answer\": \"1\", \"why\": \"x\"}","role":"assistant"},{"content":"This answer cannot be used:\n- /answer: must be integer (type), is \"1\"\n\nThe answer must be JSON that satisfies this JSON Schema:\n{\"type\":\"object\",\"properties\":{\"answer\":{\"type\":\"integer\"},\"why\":{\"type\":\"string\"}},\"required\":[\"answer\",\"why\"],\"additionalProperties\":false}\n\nReply with the whole answer, corrected: the JSON alone, with no words around it.","role":"user"}],"model":"m","temperature":0.5}' \
	"a conversation goes back: the answer, what is wrong, the schema"
is "$(bodies m | jq -r 'select(.messages[0].content == "prose" and (.messages | length) > 1) | .messages[1].content')" "I do not know" \
	"without the model's reasoning"
is "$(bodies m | jq -c 'select(.messages[0].content == "blank" and (.messages | length) > 1) | [.messages[].role]')" '["user","user"]' \
	"nothing is no turn"
mv out first
: >m.log
llm --schema schema --repair 2 --errors e in
is "$status $(calls m)" "1 0" "a rerun asks nobody"
same first out "and is the same"
llm --schema schema --repair 2 --errors e --unordered in
sort out >got
sort first >want
is "$status $(calls m)" "1 0" "nor one without order"
same want got "which gives the same"
rm e
llm --schema schema --repair 2 --errors e --cached-only in
same first out "--cached-only goes the same way"
run bf-llm --schema schema --repair 2 --plan in
is "$status $(head -1 out)" "0 12 entries: 0 to ask, 12 from the ledger, 0 the same as others" "--plan knows that nothing is to be paid"
fresh
llm --schema schema --errors e in
: >m.log
run bf-llm --schema schema --repair 1 --plan in
is "$status $(head -1 out)" "1 12 entries: 6 to ask, 6 from the ledger, 0 the same as others" "and which repairs are"
llm --schema schema --repair 1 --errors e --unordered in
sort out >got
is "$(calls m)" 6 "which are all that is sent"
same want got "then"
fresh
only text prose >some
cat some some some >many
llm --schema schema --repair 1 many
is "$status $(wc -l <out) $(calls m)" "0 6 4" "the same entries: one call and one repair for all"
fresh
llm --schema schema --repair 1 --no-ledger --errors e in
same first out "--no-ledger: repaired likewise"
fresh
llm --schema schema --repair 3 -m n@never --errors e <<'E'
{"id":1,"prompt":"x"}
E
is "$status $(calls never) $(jq -r '.error.class + " " + .error.message' e)" "1 4 invalid no JSON in the answer" \
	"what is not repaired in N times fails"
is "$(bodies never | jq -c '.messages | length' | tr '\n' ' ')" "1 3 5 7 " "each sees all that was said"

# The request tells the schema itself.
fresh
bf-prompt -m m@m --schema schema 'prose' some >asked
llm --schema schema --repair 1 asked
is "$(bodies m | tail -1 | jq -c '[.messages[2].content | contains("JSON Schema"), contains("no JSON in the answer")]')" "[false,true]" \
	"the schema is not said twice"

# ---- stopped on the way ----

fresh
llm -j 1 --schema schema --repair 1 --errors e --max-calls 3 in
is "$status $(tail -1 out)" '75 {"incomplete":{"by":"bf-llm","why":"call budget reached","status":75}}' "a budget that ends on the way ends the run"
is "$(wc -l <out) $(ls e 2>&1)" "3 ls: cannot access 'e': No such file or directory" "and what is not repaired yet has not failed"
llm -j 1 --schema schema --repair 1 --errors e in
same first out "the next run goes on"
is "$(calls m)" 18 "and pays for nothing twice"

# ---- harder ----

fresh
llm --schema schema --repair 3 -m n@never --escalate-temperature 0,0.7 --escalate-model a@never,b@other <<'E'
{"id":1,"prompt":"x"}
E
is "$status $(jq -r .response.parsed.why out)" "0 b" "--escalate-model: others repair"
is "$(cat never.log other.log | jq -c '[.body.model, .body.temperature]' | tr '\n' ' ')" \
	'["n",null] ["a",0] ["b",0.7] ' "at the temperatures that are listed, and the first request is the entry's"
fresh
llm --schema schema --repair 1 -m n@never --fallback o@other --errors e <<'E'
{"id":1,"prompt":"x"}
E
is "$status $(calls never) $(calls other)" "1 2 0" "--fallback alone is not for what is invalid"
llm --schema schema --repair 1 -m n@never --fallback o@other --escalate --errors e <<'E'
{"id":1,"prompt":"x"}
E
is "$status $(calls never) $(calls other) $(jq -r .response.parsed.why out)" "0 2 1 o" "--escalate: it is then, after all repairs"
is "$(bodies other)" '{"messages":[{"content":"x","role":"user"}],"model":"o"}' "asked what the entry asks"
mv out first
llm --schema schema --repair 1 -m n@never --fallback o@other --escalate <<'E'
{"id":1,"prompt":"x"}
E
is "$status $(calls never) $(calls other)" "0 2 1" "a rerun asks nobody"
same first out "and is the same"
fresh
llm --schema schema -m n@never --fallback p@never,o@other --escalate --unordered <<'E'
{"id":1,"prompt":"x"}
E
is "$status $(calls never) $(jq -r .response.parsed.why out)" "0 2 o" "one model after the other, without repairs too"

# ---- --grow-max-tokens ----

stop
fresh
serve --cut --reply '0123456789012345678901234567890123456789' --log cut.log
echo '{"id":1,"request":{"model":"m","max_completion_tokens":2,"messages":[{"role":"user","content":"x"}]}}' >one
llm --grow-max-tokens 100 --stats stats one
is "$status $(jq -c '[.response.text, .response.usage.output]' out)" '0 ["0123456789012345678901234567890123456789",10]' \
	"--grow-max-tokens: asked again until it is whole"
is "$(jq -c .body.max_completion_tokens cut.log | tr '\n' ' ')$(jq -c .grown stats)" "2 4 8 16 3" "for twice as many tokens each time"
like "$(cat err)" "*, 3 asked again for a longer answer; *" "the summary says so"
llm --grow-max-tokens 100 one
is "$status $(wc -l <cut.log)" "0 4" "a rerun asks nobody"
rm -rf .bf
: >cut.log
llm --grow-max-tokens 5 --errors e one
is "$status $(jq -r .error.class e) $(jq -c .body.max_completion_tokens cut.log | tr '\n' ' ')" "1 length 2 4 5 " "up to the limit"
run bf-llm --grow-max-tokens 5 --plan one
is "$status" 0 "of which --plan knows"
run bf-llm --grow-max-tokens 6 --plan one
is "$status" 1 "also that a higher one leads on"
rm -rf .bf
: >cut.log
sed 's/max_completion_tokens/max_tokens/' one >older
llm --grow-max-tokens 100 older
is "$status $(jq -c .body.max_tokens cut.log | tr '\n' ' ')" "0 2 4 8 16 " "by the name that the request has"
stop
rm -rf .bf
serve --finish-reason length --reply '0123456789012345678901234567890123456789' --log nolimit.log
echo '{"id":1,"prompt":"x"}' >one
llm -m m --grow-max-tokens 30 --errors e one
is "$status $(jq -c .body.max_completion_tokens nolimit.log | tr '\n' ' ')" "1 null 20 30 " "without a limit twice what the answer took"
stop

# ---- a thousand problems, a third of the answers not as asked ----

cat >number.schema <<'E'
{"type": "object", "properties": {"number": {"type": "integer"}, "steps": {"type": "array", "items": {"type": "string"}, "maxItems": 3}},
 "required": ["number", "steps"], "additionalProperties": false}
E
serve --fault misformat:0.33 --price 10,30
bf-prompt -m m --schema number.schema '{question}' "$problems" >in
echo '{"m": {"litellm_provider": "openai", "input_cost_per_token": 1e-05, "output_cost_per_token": 3e-05}}' >prices
rm -rf .bf
llm -q -j 32 --prices prices --schema number.schema --repair 2 --stats stats in
is "$status $(wc -l <out) $(wc -c <err)" "0 1319 0" "with --repair 2 every entry ends right"
is "$(jq -c '[.entries, .failed, .answers]' stats)" "[1319,0,1319]" "as the account says"
n=$(jq .repairs stats)
[ "$n" -gt 450 ] && [ "$n" -lt 800 ]
ok $? "though many answers went back ($n)"
bf-extract --schema number.schema <out >rows
jq -e '.parsed | (.number | type) == "number" and (.steps | type) == "array"' rows >types
is "$(sort types | uniq -c | tr -s ' ')" " 1319 true" "all are what the schema says"
is "$(bf-ledger stat --json | jq -c '.records')" "$((1319 + n))" "each attempt is in the ledger"
is "$(bf-ledger cat | jq -s 'map(.cost) | add * 1e9 | round')" "$(stat_of '.billed_usd * 1e9 | round')" "with what it cost, to the cent"
is "$(stat_of .duplicates)" 0 "none was made twice"
before=$(stat_of .completions)
mv out first
llm -q --schema number.schema --repair 2 in
is "$status $(($(stat_of .completions) - before))" "0 0" "the rerun makes no call"
same first out "and is the same"

stop

# In all dialects.
echo '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": false}' >plain.schema
serve --fault misformat:1
head -20 "$problems" >some
rm -rf .bf
for provider in openai anthropic gemini openai-responses; do
	env=$(echo "$provider" | tr 'a-z-' 'A-Z_')
	case $provider in
	openai-responses) env=OPENAI ;;
	anthropic | gemini) export "${env}_BASE_URL=${OPENAI_BASE_URL%/v1}" "${env}_API_KEY=k" ;;
	esac
	bf-prompt -m m@$provider --schema plain.schema '{question}' some >asked
	llm --schema plain.schema --repair 2 --stats stats asked
	is "$status $(wc -l <out) $(jq .repairs stats)" "0 20 40" "$provider repairs"
done
stop

# Killed on the way, again and again; each entry takes three calls.
serve --fault misformat:1 --latency 5ms-15ms
head -300 in >some
rm -rf .bf
killed=0
for k in 1 2 3 4; do
	before=$(stat_of .completions)
	bf-llm -q -j 8 --schema number.schema --repair 2 some >out 2>err &
	pid=$!
	until [ $(($(stat_of .completions) - before)) -gt 120 ]; do
		kill -0 $pid 2>/dev/null || break
	done
	kill -9 $pid 2>/dev/null && killed=$((killed + 1))
	wait $pid 2>/dev/null
done
[ $killed -gt 1 ]
ok $? "killed on the way ($killed times)"
llm -q --schema number.schema --repair 2 some
is "$status $(wc -l <out) $(jq -c 'select(.response.parsed.number == null)' out)" "0 300 " "then a run ends well, with all answers"
again=$(($(stat_of .completions) - 900))
[ $again -le $((killed * 8)) ]
ok $? "and only what was in flight was paid twice ($again calls)"
mv out first
llm -q --schema number.schema --repair 2 some
same first out "a rerun is the same"

# ---- options ----

for bad in '--repair 2' --coerce --check-formats '--schema schema --escalate' \
	'--schema schema --escalate-model m' '--schema schema --escalate-temperature 0' \
	'--schema schema --repair 1 --escalate-temperature 0,warm' '--schema schema --repair 0' '--grow-max-tokens 0'; do
	# shellcheck disable=SC2086
	run bf-llm $bad in
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $bad"
done
echo '{"type": 3}' >bad.schema
run bf-llm --schema bad.schema in
like "$status $(cat err)" "2 bf-llm: bad.schema: #/type: *" "a schema that is none"
run bf-llm --schema none.schema in
like "$status $(cat err)" "2 bf-llm: none.schema: No such file*" "or is not there"

done_testing
