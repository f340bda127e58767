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

model        endpoint   answers    failed   billed?  *
gpt-4o-mini  mock  *8         4         0           22           22            0            0
other        mock  *2         0         0  *
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

# ---- nothing was changed ----
is "$(find .bf -type f -exec sha256sum {} +)" "$before" "none of it touched the ledger"

# ---- damage is met ----
printf X | dd of="$(ls .bf/ledger/*.zst)" bs=1 seek=900 conv=notrunc 2>/dev/null
run bf-ledger stat
is "$status" 1 "stat: damage is status 1"
like "$(cat err)" "*damaged: see bf-ledger verify*" "and said"
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
