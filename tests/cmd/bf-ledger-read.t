#!/bin/bash
# bf-ledger: what it says of a ledger, and changes nothing.
. "$(dirname "$0")/../lib.sh"

cp "$TESTS"/../share/examples/entries.jsonl .
prompts() { bf-prompt -m gpt-4o-mini "$@" entries.jsonl; }
prompts --samples 2 'Say {name}.' >say.jsonl
head -n 2 entries.jsonl | bf-prompt -m other 'Tell {name} a number.' >tell.jsonl
timeout 60 bf-mock --fail-first 1:400 -- sh -c 'bf-llm -q say.jsonl; bf-llm -q say.jsonl' >/dev/null 2>&1
timeout 60 bf-mock --finish-reason length --reply 'Four times ten is forty' -- \
	bf-llm -q tell.jsonl >/dev/null 2>&1
before=$(find .bf -type f -exec sha256sum {} +)

# ---- stat ----
run bf-ledger stat
is "$status $(cat err)" "0 " "stat: status 0"
like "$(cat out)" ".bf/ledger: 14 records, 10 answers that serve
1 segment, * on disk for *kB of records: * times smaller
20*Z to 20*Z

model        endpoint   answers    failed   billed?     calls  *
gpt-4o-mini  mock  *8         4         0        12           22           22            0            0     0.000017
other        mock  *2         0         0         2  *-

failed: 4 bad_request" "stat: a table by model and endpoint"
run bf-ledger stat --json
is "$(jq -c '[.records, .answers, .segments, .damages, .failed.bad_request, (.models | map(.answers))]' out)" \
	"[14,10,1,0,4,[8,2]]" "stat --json: the same for programs"
is "$(jq '.models[0].tokens.output == ([.models[0].tokens.input] | add)' out)" true "with tokens"
run bf-ledger stat -l nowhere
is "$status $(cat err)" "2 bf-ledger stat: cannot open nowhere: No such file or directory" \
	"a ledger that is not there"

# ---- cat ----
run bf-ledger cat
zstdcat .bf/ledger/*.zst >want
same want out "cat: the records as they are in the segment"
is "$(bf-ledger cat --status error | jq -r .class | sort | uniq -c | tr -s ' ')" " 4 bad_request" \
	"cat --status"
is "$(bf-ledger cat --model other | jq -r .model | uniq -c | tr -s ' ')" " 2 other" "cat --model"
is "$(bf-ledger cat --finish-reason length | jq -r .model | uniq -c | tr -s ' ')" " 2 other" \
	"cat --finish-reason"
is "$(bf-ledger cat --current | jq -r .s | uniq -c | tr -s ' ')" " 10 ok" "cat --current"
is "$(bf-ledger cat --since 1h | wc -l) $(bf-ledger cat --until 1h | wc -l)" "14 0" "cat: by age"
is "$(bf-ledger cat --since 2001-01-01T00:00:00+01:00 | wc -l) $(bf-ledger cat --until 2001-01-01 | wc -l)" \
	"14 0" "cat: by time"
t=$(sed -n '5s/.*"t":\([0-9]*\).*/\1/p' want)
is "$(bf-ledger cat --since "$(date -u -d "@$((t / 1000 + 1))" +%FT%TZ)" --until 2999-12-31 |
	jq -s "map(select(.t < ($t / 1000 | floor + 1) * 1000)) | length")" 0 "cat --since leaves out what is older"
run bf-ledger cat --since yesterday
is "$status" 2 "a time that is none"
like "$(cat err)" "*--since takes a date as *" "says what one looks like"

# ---- keys ----
key=$(jq -r 'select(.model == "other") | .k' want | head -n 1)
is "$(bf-ledger cat "$key" | jq -r .k)" "$key" "a whole key"
is "$(bf-ledger cat "${key%????????????????????????}" | jq -r .k)" "$key" "its first eight digits"
run bf-ledger cat ffffffffffffffffffffffffffffff00
is "$status" 2 "a key that is not there"
like "$(cat err)" "*no record has a key that begins with ffffffffffffffffffffffffffffff00" "is said to be"
run bf-ledger cat abc
is "$status" 2 "fewer than four digits are refused"
# Two keys that begin alike, made by hand.
seq 3000 | jq -c '{request: {model: "m", messages: [{role: "user", content: "\(.)"}]}}' >many.jsonl
timeout 60 bf-mock -- bf-llm -q -j 50 -l many many.jsonl >/dev/null
prefix=$(zstdcat many/*.zst | jq -r '.k[0:4]' | sort | uniq -d | head -n 1)
run bf-ledger cat -l many "$prefix"
is "$status $(wc -c <out)" "2 0" "an abbreviation of several keys gives nothing"
like "$(cat err)" "*$prefix stands for several keys, give more digits: $prefix* $prefix*" "but names them"

# ---- show ----
run bf-ledger show "$key"
is "$status" 0 "show: status 0"
like "$(cat out)" "$key  20*Z  answer
model other at mock, attempt 1, the last * ms, HTTP 200, tokens {\"input\":*
request {
  \"messages\": [*
      \"content\": \"Tell *a number.\"*
answer {*
        \"content\": \"Four times ten is forty\",*" "show: the exact request and answer"
twice=$(jq -r 'select(.s == "error") | .k' want | head -n 1)
is "$(bf-ledger show "$twice" | grep -c "^$twice")" 2 "show: all that happened to a call"
like "$(bf-ledger show "$twice")" "*failed: bad_request*HTTP 400*answer*" "in its order"
is "$(bf-ledger show --json "$key")" "$(grep "$key" want)" "show --json: the record"

# ---- grep ----
run bf-ledger grep 'times (ten|five)'
is "$status $(cut -f 2,3 out | sort -u)" "0 other	Four times ten is forty" "grep: in answers"
run bf-ledger grep 'Say Zoë'
is "$(cut -f 3 out | sort -u)" "Say Zoë." "grep: in requests, whatever the escapes"
is "$(bf-ledger grep -i -k 'SAY ZOË' | sort -u | wc -l)" 2 "grep -i -k: keys"
is "$(bf-ledger grep --json --current 'Say Ada' | jq -r .s | uniq -c | tr -s ' ')" " 2 ok" "grep --json: records"
run bf-ledger grep nowhere-at-all
is "$status $(wc -c <out)" "1 0" "grep: nothing found is status 1"
run bf-ledger grep '('
is "$status" 2 "grep: an expression that is none"
run bf-ledger grep '"role"'
is "$status" 1 "grep: in texts, not in JSON"

run bf-ledger grep '^(user|stop|assistant)$'
is "$status" 1 "grep: not in what is no text of the call"
jq -nc '{prompt: ("ab" * 20000 + "d")}, {prompt: ("a" * 60 + "!")}' >long.jsonl
timeout 60 bf-mock --reply short -- bf-llm -q -m m -l long long.jsonl >/dev/null
run bf-ledger grep -l long -k '^(?:(a)|(b))*d'
is "$status $(wc -l <out)" "0 1" "grep: a long text is searched to its end"
run bf-ledger grep -l long '^(a+)+$'
is "$status" 2 "grep: an expression that backtracks without end"
like "$(cat err)" "*backtracks too much*" "is not taken for one that matches nothing"

# ---- what is shown does not drive the terminal ----
harmful=$(printf '\033]0;x\007 \302\2331m')
jq -nc --arg m "$harmful" '{prompt: ("p" + $m), request: {model: $m, messages: [{role: "user", content: $m}]}}' >esc.jsonl
timeout 60 bf-mock -- bf-llm -q -l esc esc.jsonl >/dev/null
k=$(bf-ledger cat -l esc | jq -r .k)
for c in "stat" "show $k" "grep 0;x"; do
	# shellcheck disable=SC2086
	run bf-ledger ${c%% *} -l esc $(echo "$c" | cut -s -d' ' -f2)
	is "$status $(LC_ALL=C grep -c "$(printf '[\001-\010\013-\037\177\233]')" out)" "0 0" "${c%% *}: nothing harmful comes out"
	like "$(cat out)" '*\\x1b?0;x\\x07*\\x9b1m*' "${c%% *}: it is shown"
done

# ---- why ----
export BF_ENDPOINT=mock OPENAI_BASE_URL=http://127.0.0.1:1/v1
one=$(jq -r 'select(.model == "gpt-4o-mini" and .s == "ok") | .k' want | sort -u)
grep '"Kurt"' say.jsonl | head -n 1 >kurt
run bf-ledger why kurt kurt
is "$status $(cat out)" "0 the same call" "why: the same"
keys=$(bf-ledger grep --current -k 'Say Kurt')
for k in $keys; do bf-ledger why kurt "$k"; done >both
is "$(sort both)" "sample: 0 -> 1
the same call" "why: a recorded call against an entry; the sample is found"
sed 's/Say Kurt/Say  Kurt/; s/"model":"gpt-4o-mini"/"temperature":0,"model":"gpt-4o"/' kurt >changed
run bf-ledger why kurt changed
is "$status" 1 "why: they differ"
is "$(cat out)" 'body.messages[0].content: "Say Kurt." -> "Say  Kurt."
body.temperature: (nothing) -> 0
model: "gpt-4o-mini" -> "gpt-4o"' "why: in this"
BF_ENDPOINT=elsewhere run bf-ledger why kurt "${keys%%
*}"
like "$(cat out)" '*endpoint: "elsewhere" -> "mock"*' "why: another endpoint"
jq -c '.request.user = "me" | .request.stream = true' kurt >carried
run bf-ledger why kurt carried
is "$(cat out)" "the same call" "why: what is no part of the key is no difference"
jq -c '.sample = 1234' kurt >far.jsonl
timeout 60 bf-mock -- bf-llm -q -l far far.jsonl >/dev/null
run bf-ledger why -l far kurt "$(bf-ledger cat -l far | jq -r .k)"
is "$status" 1 "why: a sample beyond those that are tried is not the same call"
like "$(cat out)" 'sample: 0 -> "not among the first 1000*' "and said to be unknown"
echo '{"n":1}' >none
run bf-ledger why kurt none
is "$status" 2 "why: an entry that asks for nothing"
is "$(echo "$one" | wc -l)" 8 "eight calls were recorded"

# ---- export ----
run bf-ledger export
is "$status $(wc -l <out)" "0 8" "export: answers that ended in stop"
is "$(grep Zo out | head -n 1 | jq -c '.messages | map([.role, .content])')" \
	'[["user","Say Zoë."],["assistant","Say Zoë."]]' "as conversations, the answer the assistant's turn"
like "$(cat err)" "*8 conversations, 2 answers left out*" "and what is left out is counted"
is "$(bf-ledger export -q --finish-reason length --model other | jq -r '.messages[-1].content' | sort -u)" \
	"Four times ten is forty" "export --finish-reason"

jq -nc '{request: {model: "m", tools: [{type: "function", function: {name: "f"}}], messages: [{role: "user", content: "hi"}]}}' >tools.jsonl
echo '{"id":"1","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}' >body
timeout 60 bf-mock --body body -- bf-llm -q -l tools tools.jsonl >/dev/null
is "$(bf-ledger export -q -l tools | jq -c '[.messages[-1].tool_calls[0].function.name, .messages[-1].content, .tools[0].function.name]')" \
	'["f",null,"f"]' "export: tool calls, with the tools"
echo '{"id":"1","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":null,"refusal":"I will not"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}' >body
timeout 60 bf-mock --body body -- bf-llm -q --accept refusal -l refused tools.jsonl >/dev/null
run bf-ledger export -l refused
is "$status $(wc -l <out)" "0 0" "export: no refusals"
like "$(cat err)" "*0 conversations, 1 answer left out*" "which are counted"

# ---- several segments ----
cp -r .bf/ledger copied
segment=$(basename copied/*.zst)
cp "copied/$segment" copied/29990101T000000Z-elsewhere-0000000000000000.jsonl.zst
is "$(bf-ledger cat -l copied | sort)" "$(sort want)" "cat: a record that was copied comes once"
is "$(bf-ledger export -q -l copied | wc -l) $(bf-ledger stat --json -l copied | jq -c '[.records, .segments]')" \
	"8 [14,2]" "and is counted once"
rm "copied/$segment"* # what is recorded now is in a segment whose name is before the other's
k=$(jq -r 'select(.s == "ok") | .k' want | head -n 1)
bf-ledger forget -l copied "$k" >/dev/null
is "$(bf-ledger show --json -l copied "$k" | jq -r .s | tail -n 1)" forget "show: in the order of time"
printf '[*M\030\014\0\0\0bf-ledger 2\n' >copied/29990101T000000Z-elsewhere-0000000000000001.jsonl.zst
for c in cat stat "grep x"; do
	# shellcheck disable=SC2086
	run bf-ledger $c -l copied
	is "$status" 2 "${c% *}: a segment of a newer version"
	like "$(cat err)" "*written by a newer version*" "is not passed over"
done

# ---- nothing was changed ----
is "$(find .bf -type f -exec sha256sum {} +)" "$before" "none of it touched the ledger"

# ---- damage is met ----
printf X | dd of="$(ls .bf/ledger/*.zst)" bs=1 seek=900 conv=notrunc 2>/dev/null
run bf-ledger stat
is "$status" 1 "stat: damage is status 1"
like "$(cat err)" "*damaged: see bf-ledger verify*" "and said"
run bf-ledger grep Zo
is "$status" 2 "grep: damage is status 2, found or not"
run bash -c 'bf-ledger cat >/dev/full'
is "$status" 2 "cat >/dev/full: status 2"

# ---- calls in flight when a run was killed ----
timeout 60 bf-mock --hang 3 -- bash -c '
	head -n 3 many.jsonl | bf-llm -q -l killed &
	until [ "$(curl -s "${OPENAI_BASE_URL%/v1}/_stats" | jq .in_flight)" = 3 ]; do :; done
	kill -9 $!; wait' >/dev/null 2>&1
run bf-ledger stat -l killed
like "$(cat out)" "*m  *mock  *0  *0  *3 *billed?: 3 calls in flight when a run was killed*" \
	"stat: calls that a killed run left are possibly billed"
is "$(bf-ledger stat --json -l killed | jq '.models[0].possibly_billed')" 3 "for programs too"

done_testing
