#!/bin/bash
# SIGKILL in the middle of 5,000 calls at 50 in flight, ten times: each kill
# costs at most the calls that were in flight, and nothing recorded is sent again.
. "$(dirname "$0")/../lib.sh"

n=5000
jobs=50
kills=10

# The server outlives the clients.
serve --latency 20ms-40ms --seed 7 --log calls.log
calls() { stat_of .completions; }

seq $n | jq -c '{n: ., text: "entry \(.)"}' |
	bf-prompt -m gpt-4o-mini 'Say {text}.' >requests.jsonl

# prompts_since CALL: what the server was asked from that call on.
prompts_since() {
	tail -n +$(($1 + 1)) calls.log | jq -r '.body.messages[0].content' | sort -u
}
# whole: whole lines only; a kill may have torn the last.
whole() { perl -ne 'print if /\n\z/' "$@"; }

RANDOM=11
killed=0
repaid=0
: >emitted
for k in $(seq $kills); do
	before=$(calls)
	at=$((before + 50 + RANDOM % 200))
	bf-llm -j $jobs <requests.jsonl >"out.$k" 2>"err.$k" &
	pid=$!
	while [ "$(calls)" -lt $at ] && kill -0 $pid 2>/dev/null; do :; done
	kill -KILL $pid 2>/dev/null && killed=$((killed + 1))
	wait $pid 2>/dev/null
	prompts_since "$before" >round
	sort -u emitted | comm -12 - round >again
	repaid=$((repaid + $(wc -l <again)))
	whole "out.$k" | jq -r '.request.messages[0].content' >>emitted
done
is "$killed" $kills "ten runs were killed in their middle"
is "$repaid" 0 "no entry that had come out was called again"

# And what the ledger holds now is not called again either.
{
	zstdcat .bf/ledger/*.zst 2>/dev/null
	whole .bf/ledger/*.tail 2>/dev/null
} | jq -r 'select(.s == "ok") | .req.messages[0].content' | sort -u >recorded
before=$(calls)
run bf-llm -j $jobs requests.jsonl
cp out final
is "$status" 0 "the last run goes through"
is "$(wc -l <final)" $n "with an answer for each entry"
jq -r .n final | cmp -s - <(seq $n)
ok $? "in the order of the input"
is "$(jq -r 'select("Say entry \(.n)." as $t | .response.text | contains($t) | not) | .n' final)" "" \
	"each its own answer"
prompts_since "$before" >round
is "$(comm -12 recorded round | wc -l)" 0 "nothing that was recorded was called again"
total=$(calls)
[ "$total" -le $((n + jobs * kills)) ]
ok $? "the server counted $total calls, at most $n and $jobs a kill"

run bf-llm -j $jobs requests.jsonl
is "$status" 0 "one more run goes through"
is "$(calls)" "$total" "without a call"
same final out "and gives the same bytes"
is "$(ls .bf/ledger | grep -c '\.tail$')" 0 "no tail is left after a clean end"
zstd -qt .bf/ledger/*.zst
ok $? "zstd finds every segment whole"

done_testing
