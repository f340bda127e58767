#!/bin/bash
# bf-llm: pacing: what a provider allows is used and not passed.
. "$(dirname "$0")/../lib.sh"

# llm ARG...: bf-llm beside a fresh mock with the options in MOCK
llm() {
	rm -rf .bf calls.log
	run timeout 60 bf-mock -q --log calls.log "${MOCK[@]}" -- bf-llm "$@"
}
MOCK=()

calls() { grep -c . calls.log; }

# ---- cooldowns ----

entries 1 40 >forty
MOCK=(--fail-first 1:429 --retry-after 1 --latency 100ms)
llm -v -m m -j 40 --attempts 1 --timeout 900ms forty
is "$status $(calls) $(jq -c .id out | sort -n | uniq | wc -l)" "0 80 40" \
	"forty 429s at once: each call is made again, and none of the wait is its timeout's"
is "$(grep -c 'nothing is sent' err)" 1 "they make one cooldown"
# The log has when each came: the mock asked at that time and 100 ms later at most.
jq -s 'map(select(.status == 429).time) as $refused | map(select(.status == 200).time) as $again |
	($again | min) - ($refused | max) >= 1000' calls.log >quiet
is "$(cat quiet)" true "nothing arrives before its end"
jq -s 'map(select(.status == 200).time) | sort | . as $t | map(. as $x | $t | map(select(. >= $x and . < $x + 50)) | length) | max' \
	calls.log >crowd
ok $(($(cat crowd) > 30)) "and what was held back does not come all at once ($(cat crowd) within 50 ms)"

{
	echo '{"request":{"model":"slow","messages":[{"role":"user","content":"refused"}]}}'
	entries 1 20
} >two
printf '{"match":"refused","reply":"no","status":429}\n{"match":"","reply":"yes"}\n' >replies
MOCK=(--replies replies)
llm -m m -j 1 --unordered --deadline 1500ms two
is "$status $(grep -c '"text":"yes"' out)" "75 20" "a model that refuses holds up no other"

echo '{"fault":"429","retry-after":"0.1","requests":6}' >scenario
entries 1 12 >in_order
MOCK=(--scenario scenario --latency 20ms)
llm -m m -j 6 in_order
# Those that were refused, as they came at first and then.
of_status() { jq -r "select(.status == $1).body.messages[0].content" calls.log; }
is "$status $(of_status 200 | head -n 6 | sort | cksum)" "0 $(of_status 429 | sort | cksum)" \
	"calls that were refused go before all others"
is "$(of_status 200 | head -n 6 | cksum)" "$(of_status 429 | cksum)" "in the order in which they were: none is overtaken"

MOCK=(--status 429:1 --retry-after 500)
rm -rf .bf
# shellcheck disable=SC2016
run timeout 60 bf-mock -q "${MOCK[@]}" -- bash -c '
	bf-llm -v -m m forty >stopped 2>told & pid=$!
	for ((i = 0; i < 1000; i++)); do grep -q "nothing is sent" told && break; sleep 0.02; done
	kill -TERM $pid; wait $pid; echo $?'
is "$(tail -n 1 out) $(tail -n 1 stopped | jq -r .incomplete.why)" "143 terminated" \
	"TERM ends a cooldown at once"

# ---- --rpm and --tpm ----

# span: milliseconds from the first arrival to the last
span() { jq -s 'map(.time) | max - min' calls.log; }

entries 1 7 >seven
MOCK=()
llm -m m --rpm 120 seven
is "$status $(calls)" "0 7" "--rpm: all are answered"
ok $(($(span) < 1800)) "two a second, and a second's worth at once ($(span) ms for 7)"
entries 1 3 >three
MOCK=(--fail-first 1:429 --retry-after 0)
llm -m m --rpm 120 three
is "$status $(calls)" "0 6" "repeated requests are requests"
ok $(($(span) < 1300)) "and count as such ($(span) ms for 6)"
MOCK=()
sed 's/prompt":"number 1/request":{"model":"other","messages":[{"role":"user","content":"number 1/; s/\(other.*\)}$/\1}]}}/' three >mixed
llm -m m --rpm 1 --unordered --deadline 1s mixed
is "$status $(grep -c '"text"' out)" "75 2" "each model has its own"

sed 's/.*"id":\([0-9]*\).*/{"request":{"model":"m","max_tokens":1000,"messages":[{"role":"user","content":"\1"}]}}/' forty >large
MOCK=(--latency 2500ms)
head -n 4 large >four
llm --tpm 60000 four
is "$status $(calls)" "0 4" "--tpm: all are answered"
ok $(($(span) < 1800)) "a request is charged for what it may take ($(span) ms for 4)"
MOCK=()
for i in 1 2 3 4 5; do sed "s/content\":\"/&$i-/" large; done >many
llm --tpm 60000 -j 1 many
is "$status $(calls)" "0 200" "and for what it was, once that is known: 200 times 1000 tokens fit into no minute otherwise"
llm --tpm 1000 --errors e three four -m m
is "$status $(calls) $(jq -r .error.class e | sort | uniq -c | tr -s ' ')" "1 0  7 too_large" \
	"what does not fit into a minute fails"
like "$(jq -r .error.message e | head -n 1)" "about * tokens, more than --tpm allows*" "and says why"
for bad in '--rpm 0' '--tpm -1' '--rpm many' '--tpm 100000000001'; do
	# shellcheck disable=SC2086
	run bf-llm $bad three
	is "$status" 2 "bf-llm $bad"
done

# ---- what the provider says ----

answer='{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
# limited HEADER...: two calls to a server with these headers; elapsed has the milliseconds
limited() {
	{
		printf 'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n' ${#answer}
		printf '%s\r\n' "$@"
		printf '\r\n%s' "$answer"
	} >reply
	rm -rf .bf
	elapsed=$(date +%s%3N)
	run timeout 60 "$BUILD/tests/rawserver" reply -- bf-llm -m m -j 1 two_calls
	elapsed=$(($(date +%s%3N) - elapsed))
}
entries 1 2 >two_calls
limited 'x-ratelimit-limit-requests: 1' 'x-ratelimit-remaining-requests: 0' 'x-ratelimit-reset-requests: 1s'
is "$status" 0 "x-ratelimit-*: nothing remains for a second"
ok $((elapsed < 1000)) "which is waited for ($elapsed ms)"
limited 'X-RateLimit-Limit-Tokens: 2000' 'X-RateLimit-Remaining-Tokens: 0' 'X-RateLimit-Reset-Tokens: 2s'
is "$status" 0 "of tokens: half of them come back in a second"
ok $((elapsed < 1000)) "which is waited for ($elapsed ms)"
limited 'x-ratelimit-limit-requests: 0' 'x-ratelimit-remaining-requests: -1' 'x-ratelimit-remaining-tokens: 0'
is "$status" 0 "what says nothing holds nothing back"

# ---- -j auto ----

XDG_STATE_HOME=$TMP/state
export XDG_STATE_HOME
found=$XDG_STATE_HOME/bf/auto.jsonl
# peak: the most that were in flight, as the mock saw it
peak() { grep -o '"peak_in_flight":[0-9]*' err | cut -d: -f2; }
# auto ARG...: as llm, with -j auto and no ledger, beside a mock that tells what it saw
auto() {
	run timeout 60 bf-mock -v "${MOCK[@]}" -- bf-llm -m m --no-ledger -j auto "$@"
}

entries 1 1500 >thousands
MOCK=(--latency 10ms)
auto thousands
is "$status $(wc -l <out)" "0 1500" "-j auto: all are answered"
ok $(($(peak) <= 8)) "it grows while that brings something ($(peak) in flight)"
n=$(sed -n 's/^bf-llm: -j auto: \(at least \)*\([0-9]*\) in flight for m$/\2/p' err)
is "$(cat "$found")" "{\"endpoint\":\"mock\",\"model\":\"m\",\"jobs\":$n}" "what it found is told, and kept"
is "$(stat -c %a "$found" "$XDG_STATE_HOME/bf" | tr '\n' ' ')" "600 700 " "for its owner alone"

entries 1 12 >twelve
cat >"$found" <<'END'
{"endpoint":"elsewhere","model":"m","jobs":9}
rubbish
{"endpoint":"mock","model":"m","jobs":3}
{"endpoint":"mock","model":"mm","jobs":10}
END
MOCK=(--latency 50ms)
auto twelve
is "$status $(peak)" "0 3" "the next run begins there, for that model and endpoint"
MOCK=(--latency 50ms --fail-first 1:503 --retry-after 0)
head -n 8 twelve >eight
auto -m other eight
is "$status $(head -n 1 "$found")" '0 {"endpoint":"mock","model":"other","jobs":4}' \
	"refusals of calls in flight together halve it once"
is "$(tail -n +2 "$found" | tr '\n' ' ')" \
	'{"endpoint":"elsewhere","model":"m","jobs":9} {"endpoint":"mock","model":"m","jobs":3} {"endpoint":"mock","model":"mm","jobs":10} ' \
	"what was found for others stays; rubbish goes"
MOCK=()
XDG_STATE_HOME=/dev/null/no auto thousands
is "$status $(wc -l <out)" "0 1500" "it works where nothing can be kept"
MOCK=(--latency 50ms)
XDG_STATE_HOME=no HOME='' auto twelve
is "$status $(ls no 2>&1 | wc -l) $(peak)" "0 1 8" "and where there is no place for it"
auto --jobs 2 twelve
is "$status $(grep -c 'auto:' err)" "0 0" "a number given later is what counts"

# ---- a provider that enforces a rate, and tells ----

# seen NAME: a count of the mock's
seen() { grep -o "\"$1\":[0-9]*" err | cut -d: -f2; }
rm -rf "$XDG_STATE_HOME"
MOCK=(--rpm 600 --window 2s --latency 20ms-60ms)
auto thousands
is "$status $(wc -l <out) $(seen answered)" "0 1500 1500" "a rate is enforced: all are answered"
ok $(($(seen limited) > 100)) "hardly any is refused ($(seen limited) of 1500)"
is "$(seen in_cooldown)" 0 "and nothing arrives in a cooldown"
entries 2001 3000 >others
run timeout 60 bf-mock -v "${MOCK[@]}" -- sh -c 'bf-llm -m m --no-ledger -j auto others >second & first=$!
	bf-llm -m m --no-ledger -j auto thousands; wait $first'
is "$status $(wc -l <out) $(wc -l <second)" "0 1500 1000" "two processes share it"
ok $(($(seen limited) > 250)) "and few are refused ($(seen limited) of 2500)"

done_testing
