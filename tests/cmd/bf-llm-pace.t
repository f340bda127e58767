#!/bin/bash
# bf-llm: pacing: what a provider allows is used and not passed.
. "$(dirname "$0")/../lib.sh"

# llm ARG...: bf-llm beside a fresh mock with the options in MOCK
llm() {
	rm -rf .bf calls.log
	run timeout 60 bf-mock -q --log calls.log "${MOCK[@]}" -- bf-llm "$@"
}
MOCK=()

entries() {
	local i
	for ((i = $1; i <= $2; i++)); do
		printf '{"id":%d,"prompt":"number %d"}\n' "$i" "$i"
	done
}
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

MOCK=(--status 429:1 --retry-after 500)
rm -rf .bf
# shellcheck disable=SC2016
run timeout 60 bf-mock -q "${MOCK[@]}" -- bash -c '
	bf-llm -v -m m forty >stopped 2>told & pid=$!
	for ((i = 0; i < 1000; i++)); do grep -q "nothing is sent" told && break; sleep 0.02; done
	kill -TERM $pid; wait $pid; echo $?'
is "$(tail -n 1 out) $(tail -n 1 stopped | jq -r .incomplete.why)" "143 terminated" \
	"TERM ends a cooldown at once"

done_testing
