#!/bin/bash
# bf-llm --warm-prefix: of the calls that share a prompt prefix one goes first.
# shellcheck disable=SC2016 # $ of jq
. "$(dirname "$0")/../lib.sh"

# mock ARG...: a server that goes on running
mock() {
	rm -f calls.log url
	mkfifo url
	bf-mock -q --reply yes --log calls.log "$@" >url &
	mock=$!
	read -r OPENAI_BASE_URL <url
	export OPENAI_BASE_URL OPENAI_API_KEY=mock BF_ENDPOINT=mock
}
unmock() { kill "$mock"; wait "$mock" 2>/dev/null; }
mock=
trap '[ -z "$mock" ] || kill "$mock" 2>/dev/null; cleanup' EXIT
stats() { curl -s "${OPENAI_BASE_URL%/v1}/_stats" | jq ".$1"; }
# soon CMD...: whether it succeeds within a minute
soon() {
	local i
	for ((i = 0; i < 3000; i++)); do
		"$@" && return 0
		sleep 0.02
	done
	return 1
}
came() { [ "$(stats completions)" -ge "$1" ]; }
put_out() { [ "$(wc -l <out)" -ge "$1" ]; }

# llm ARG...: bf-llm beside a fresh mock with the scenario of these phases in PHASES
llm() {
	rm -rf .bf s.json
	printf '%s\n' "${PHASES[@]}" >scenario
	mock --scenario scenario --latency 20ms
	run timeout 60 bf-llm -m m --stats s.json "$@"
	peak=$(stats peak_in_flight)
	unmock
}
stat() { jq -c "$1" s.json; }
asked() { jq -r '.body.messages[-1].content' calls.log; } # in the order in which it came
ids() { jq -r .id out; }

# group NAME FROM TO: requests under a system message of its own
group() {
	jq -nc --arg g "$1" --argjson from "$2" --argjson to "$3" '
		range($from; $to + 1) | {id: "\($g)\(.)", request: {messages: [
			{role: "system", content: ("Rules of \($g). " * 500)},
			{role: "user", content: "\($g)\(.)"}]}}'
}
none() { # NAME FROM TO: under a short one
	jq -nc --arg g "$1" --argjson from "$2" --argjson to "$3" '
		range($from; $to + 1) | {id: "\($g)\(.)", request: {messages: [
			{role: "system", content: "Be brief."}, {role: "user", content: "\($g)\(.)"}]}}'
}
group a 1 30 >a
group b 1 30 >b
none n 1 30 >n
slow='{"fault":"slow","every":"3ms","requests":1}'

# ---- one goes first ----

PHASES=("$slow")
llm -j 8 --warm-prefix --unordered a
is "$status $(ids | head -n 1) $(ids | sort -u | wc -l)" "0 a1 30" \
	"the first call of a prefix is answered before the others are sent"
is "$(asked | head -n 1) $((peak > 1))" "a1 1" "then they go together"
llm -j 8 --warm-prefix a
cp out warmed
PHASES=()
llm -j 8 a
same out warmed "what is put out is the same as without"

mock --hang 1
rm -rf .bf
bf-llm -m m -j 8 --unordered a >out 2>err &
soon came 30
ok $? "without the option nobody waits for the first"
kill -KILL $!
wait $! 2>/dev/null
unmock

# A first call that is never answered holds up no other prefix.
mock --hang 1
rm -rf .bf
mkfifo in
bf-llm -m m -j 8 --warm-prefix --unordered <in >out 2>err &
exec 3>in
cat a >&3
soon came 1
cat b n >&3
soon put_out 60
is "$(stats completions) $(jq -r '.id[:1]' out | sort | uniq -c | tr -s ' \n' ' ')" "61  30 b 30 n " \
	"other prefixes and short ones are not held up"
kill -KILL $!
exec 3>&-
wait $! 2>/dev/null
run timeout 60 bf-llm -m m -j 8 --warm-prefix a b n
is "$status $(wc -l <out) $(stats completions)" "0 90 91" "a rerun asks the rest"
unmock

# ---- which prefixes there are ----

{
	group a 1 5
	# the same under another model
	group a 1 5 | jq -c '.id = "other" + .id | .request.model = "other" | .request.messages[1].content = .id'
	# tools
	jq -nc 'range(2) as $t | range(5) | {id: "tool\($t)-\(.)", request: {tools: [{type: "function", function: {
		name: "f\($t)", description: ("What it does. " * 400)}}], messages: [{role: "user", content: "tool\($t)-\(.)"}]}}'
	# one message that begins the same
	jq -nc 'range(5) | {id: "one\(.)", request: {messages: [{role: "user", content: ("Instructions. " * 400 + "one\(.)")}]}}'
	# a document each, under the same long rules
	jq -nc 'range(2) as $d | range(5) | {id: "doc\($d)-\(.)", request: {messages: [
		{role: "system", content: ("Rules. " * 800)}, {role: "user", content: "Text of \($d)."},
		{role: "assistant", content: "I have read it."}, {role: "user", content: "doc\($d)-\(.)"}]}}'
	none n 1 5
} >kinds
PHASES=('{"fault":"slow","every":"3ms","requests":12}')
llm -j 100 --warm-prefix kinds
is "$status $(asked | head -n 12 | sed 's/.*one/one/' | sort | tr '\n' ' ')" \
	"0 a1 doc0-0 doc1-0 n1 n2 n3 n4 n5 one0 othera1 tool0-0 tool1-0 " \
	"one first of each: a system message, a model, tools, a beginning, a document"

# same_text N: requests that differ in another field, messages and all N bytes long
same_text() {
	jq -nc --argjson n "$1" 'range(1; 9) | {id: ., request: {temperature: (. / 10),
		messages: [{content: ("x" * ($n - 30)), role: "user"}]}}'
}
is "$(same_text 4096 | head -n 1 | jq -c .request.messages | tr -d '\n' | wc -c)" 4096 "4096 bytes"
same_text 4096 >long
same_text 4095 >short
PHASES=("$slow")
llm -j 8 --warm-prefix --unordered long
is "$status $(ids | head -n 1) $(jq -s '.[0].body.temperature' calls.log)" "0 1 0.1" "are a prefix"
mock --hang 1
rm -rf .bf
bf-llm -m m -j 8 --warm-prefix short >out 2>err &
soon came 8
ok $? "4095 are none"
kill -KILL $!
wait $! 2>/dev/null
unmock

# ---- the first call fails ----

PHASES=('{"fault":"400","requests":1}' "$slow")
llm -j 8 --warm-prefix --unordered --errors e a
is "$status $(jq -r .id e) $(ids | head -n 1) $(stat .answers)" "1 a1 a2 29" "it fails for good: the next goes first"
is "$(asked | head -n 2 | tr '\n' ' ')" "a1 a2 " "after it"
PHASES=('{"fault":"500","requests":1}' "$slow")
llm -j 8 --warm-prefix --unordered a
is "$status $(ids | head -n 1) $(stat '[.answers,.retries >= 1]') $(asked | head -n 2 | tr '\n' ' ')" "0 a1 [30,true] a1 a1 " \
	"it is tried again: the others wait for that"
PHASES=('{"fault":"429","retry-after":"0.3","requests":1}' "$slow")
llm -j 8 --warm-prefix --unordered a
is "$status $(ids | head -n 1) $(stat '[.answers,.retries >= 1]') $(asked | head -n 2 | tr '\n' ' ')" "0 a1 [30,true] a1 a1 " \
	"and where it is refused for now"
PHASES=('{"fault":"hang","requests":1}')
llm -j 8 --warm-prefix --attempts 1 --timeout 1s --errors e a
is "$status $(jq -r '.id + .error.class' e) $(stat .answers) $(asked | head -n 2 | tr '\n' ' ')" "1 a1timeout 29 a1 a2 " \
	"never answered: with its timeout the next goes first"
PHASES=('{"fault":"400","requests":30}')
llm -j 8 --warm-prefix --errors e a
is "$status $(jq -r .error.class e | sort | uniq -c | tr -s ' ') $peak" "1  30 bad_request 1" "all fail, one after the other"
PHASES=('{"faults":[],"requests":25}' '{"fault":"hang","requests":1}')
llm -j 4 --warm-prefix --hedge p95 n a
is "$status $(stat '[.answers,.hedges_won >= 1]')" "0 [60,true]" "a copy of --hedge goes first as well"

# ---- what the ledger has, and what is the same ----

PHASES=("$slow")
llm a
mv .bf had
PHASES=()
head -n 3 a >three
llm three
mv .bf part
llm three
printf '%s\n' "$slow" >scenario
mock --scenario scenario
run timeout 60 bf-llm -m m -j 8 --warm-prefix --unordered --stats s.json a
is "$status $(ids | head -n 4 | tr '\n' ' ')$(stat '[.hits,.calls - .retries]')" "0 a1 a2 a3 a4 [3,27]" \
	"an answer of the ledger warms nothing: the first call does"
unmock
PHASES=("$slow")
head -n 1 a | sed 's/"id":"a1"/"id":"again"/' | cat a - >twice
llm -j 8 --warm-prefix twice
is "$status $(wc -l <out) $(stat ".calls - .retries")" "0 31 30" "the same question twice is one call"

# ---- stopped ----

PHASES=()
for stop in TERM:143 INT:130; do
	rm -rf .bf
	printf '%s\n' '{"fault":"slow","every":"5ms","requests":1}' >scenario
	mock --scenario scenario
	set -m # without it INT would be ignored
	bf-llm -m m -j 8 --warm-prefix --stats s.json a >out 2>err &
	set +m
	soon came 1
	kill -"${stop%:*}" $!
	wait $!
	is "$? $(stat '[.answers,.left,.calls]') $(jq -r 'if .id then .id else .incomplete.status end' out | tr '\n' ' ')" \
		"${stop#*:} [1,29,1] a1 ${stop#*:} " "${stop%:*}: the first call lands, and those behind it are left"
	unmock
done
PHASES=()
llm -j 8 --warm-prefix --max-calls 1 a
is "$status $(stat '[.answers,.left,.calls]')" "75 [1,29,1]" "--max-calls 1 is spent on it"
PHASES=('{"fault":"401","requests":1}')
llm -j 8 --warm-prefix a
is "$status $(stat '[.answers,.left,.calls]')" "75 [0,30,1]" "a 401 to it stops the run"

# ---- many ----

group c 1 3000 >many
PHASES=("$slow")
llm -j 50 --warm-prefix many
is "$status $(ids | cmp - <(jq -r .id many) && stat .answers)" "0 3000" "more than are held: all are answered, in their order"
# Each its own prefix, more of them than are remembered, and the first once more.
jq -nc 'range(4200), (range(20) | . / 100) | {id: ., request: {messages: [
	{role: "system", content: "\(if . < 0.2 then 0 else floor end) \("rule " * 850)"},
	{role: "user", content: "\(.)"}]}}' >prefixes
PHASES=()
rm -rf .bf
mock
run timeout 120 bf-llm -q -m m -j 50 --warm-prefix prefixes
is "$status $(wc -l <out) $(stats completions)" "0 $(wc -l <prefixes) $(jq -c .request prefixes | sort -u | wc -l)" "many prefixes"
unmock

# ---- in the end nobody waits ----

if [ -n "${BF_SOAK:-}" ]; then
	rm -rf .bf
	mock --hang 1
	bf-llm -m m -j 8 --warm-prefix --unordered a >out 2>err &
	sleep 30
	is "$(stats completions)" 1 "half a minute: they wait"
	soon put_out 29 || soon put_out 29
	is "$(wc -l <out)" 29 "after a minute they do not"
	kill -KILL $!
	wait $! 2>/dev/null
	unmock
fi
mock=

done_testing
