#!/bin/bash
# bf-llm --hedge: calls that are slow are sent once more, and each entry still
# has one answer.
# shellcheck disable=SC2016 # $ of sh -c scripts
. "$(dirname "$0")/../lib.sh"

entries() {
	local i
	for ((i = $1; i <= $2; i++)); do
		printf '{"id":%d,"prompt":"number %d"}\n' "$i" "$i"
	done
}
entries 1 200 >many
entries 1 21 >some

# llm ARG...: bf-llm with a fresh ledger beside a mock with the options in MOCK
llm() {
	rm -rf .bf s.json
	run timeout 60 bf-mock -v "${MOCK[@]}" -- bf-llm -m m --stats s.json "$@"
}
# scenario PHASE...: the mock follows it
scenario() {
	printf '%s\n' "$@" >scenario
	MOCK=(--scenario scenario)
}
seen() { grep -o "\"$1\":[0-9]*" err | cut -d: -f2; } # a count of the mock's
stat() { jq -c "$1" s.json; }
# recorded: how many keys have an answer in the ledger, and how many answers there are
recorded() {
	bf-ledger cat | jq -r 'select(.s == "ok").k' | sort | uniq -c |
		awk '{ keys++; n += $1 } END { print keys + 0, n + 0 }'
}
attempts() { bf-ledger cat | jq "select(.req.messages[0].content == \"$1\").attempts"; }

# begin NAME ARG...: the same of the scenario in a folder of its own, meanwhile
begin() {
	mkdir "$1"
	mv scenario "$1"
	(
		cd "$1" || exit
		shift
		llm "$@"
		echo "$status" >status
	) &
	begun+=($!)
}
# all_begun: until they have ended
all_begun() {
	wait "${begun[@]}"
	begun=()
}
begun=()
# at NAME: looks at one of them
at() {
	cd "$TMP/$1" || exit
	status=$(<status)
}

MOCK=()
llm many
cp out want

# ---- calls that are never answered ----

MOCK=(--hang 3 --latency 5ms)
llm -j 4 --hedge p95 many
is "$status $(stat '[.answers,.failed,.retries]')" "0 [200,0,0]" \
	"three calls are never answered, and nobody waits for their timeout"
same want out "the answers are those of a run without --hedge, in their order"
is "$(stat .calls)" "$(seen completions)" "the copies are calls, as many as the server saw"
ok $(($(stat .hedges) < 3 || $(stat .hedges) > 30)) "no more than one in ten of all, and ten ($(stat .hedges))"
is "$(stat '.calls - .hedges')" 200 "each of them is told"
ok $(($(stat .hedges_won) < 3)) "and what they brought ($(stat .hedges_won))"
like "$(cat err)" "*failed, $(stat .hedges) hedged ($(stat .hedges_won) won); *" "the summary has them"
is "$(recorded)" "200 200" "the ledger has one answer for each key"
is "$(attempts 'number 1')" 2 "attempts are counted"
run bf-llm -m m --endpoint mock --base-url http://127.0.0.1:9/ --hedge p95 many
same want out "a rerun gives the same"

llm -j 16 --hedge p90 --unordered many
is "$status $(sort out | cmp - <(sort want) && recorded)" "0 200 200" "likewise --unordered"
XDG_STATE_HOME=$TMP/state llm -j auto --hedge p90 --metrics m.prom many
is "$status $(recorded)" "0 200 200" "and with -j auto"
same want out "with the same answers"
is "$(sed -n 's/^bf_llm_hedges\(_won\)*_total //p' m.prom | tr '\n' ' ')" "$(stat .hedges) $(stat .hedges_won) " \
	"--metrics has the counts"

# Each of the following waits for calls that are slow: all of them at once.

# ---- calls that are slow ----

scenario '{"faults":[{"fault":"slow","p":0.04,"every":"50ms"},{"fault":"no-body","p":0.02}]}'
MOCK+=(--latency 5ms-15ms --seed 2)
begin slow --hedge 95% --timeout 4s ../many
scenario '{"fault":"slow","every":"5ms"}'
head -n 40 many >forty
begin all-slow -j 40 ../forty

# ---- one of the two fails: 20 answers make the percentile, and the 21st is slow ----

first='{"faults":[],"requests":20}'
slow='{"fault":"slow","every":"5ms","requests":1}'
head -n 21 want >want21
# told: the counts of such a run
told() { stat '[.calls,.hedges,.hedges_won,.retries,.cooldowns]'; }
scenario "$first" "$slow" '{"fault":"500","requests":1}'
begin copy-500 -j 2 --hedge p95 --attempts 1 ../some
scenario "$first" "$slow" '{"fault":"400","requests":1}'
begin copy-400 -j 2 --hedge p95 ../some
scenario "$first" '{"fault":"stall","requests":1}' "$slow"
begin call-stalls -j 2 --hedge p95 --attempts 1 --stall-timeout 300ms ../some
scenario "$first" '{"fault":"stall","requests":1}' '{"fault":"500","requests":1}'
begin both-fail -j 2 --hedge p95 --attempts 2 --stall-timeout 300ms ../some
scenario "$first" '{"fault":"stall","requests":1}' '{"fault":"500","requests":1}'
begin one-attempt -j 2 --hedge p95 --attempts 1 --stall-timeout 300ms --errors e ../some
scenario "$first" "$slow" '{"fault":"429","retry-after":"0","requests":1}'
begin copy-429 -j 2 --hedge p95 ../some
scenario "$first" "$slow" '{"fault":"429","retry-after":"5000","requests":1}'
begin copy-waits -j 2 --hedge p95 ../some
scenario "$first" "$slow" '{"fault":"401","requests":1}'
begin copy-401 -j 2 --hedge p95 ../some
scenario "$first" '{"fault":"401","requests":1}'
begin call-401 -j 2 --hedge p95 ../some

# ---- what limits calls limits copies ----

scenario "$first" "$slow"
begin calls-21 -j 2 --hedge p95 --max-calls 21 ../some
scenario "$first" "$slow"
begin calls-22 -j 2 --hedge p95 --max-calls 22 ../some
scenario "$first" "$slow"
begin j1 -j 1 --hedge p95 ../some
head -n 20 some >twenty
scenario "$first" "$slow"
begin p99 -j 2 --hedge p99 ../some
scenario '{"fault":"slow","every":"1ms","requests":20}' '{"fault":"hang","requests":3}' \
	'{"fault":"429","retry-after":"1","requests":1}'
begin cooldown -j 10 --hedge p95 ../many
scenario "$first" "$slow"
begin rpm -j 2 --hedge p95 --rpm 1200 ../some

# ---- and a deadline ----

scenario "$first" '{"fault":"slow","every":"10ms","requests":1}' '{"fault":"hang"}'
begin deadline -j 2 --hedge p95 --deadline 2s ../some

# ---- what came of them ----

all_begun
at slow
is "$status $(stat '[.answers,.failed]') $(recorded)" "0 [200,0] 200 200" "slow ones: every entry ends once"
same ../want out "with the same answers"
is "$(stat .calls)" "$(seen completions)" "the count of calls is the server's"
ok $(($(stat .hedges) == 0 || $(stat .hedges) > 30)) "copies are bounded ($(stat .hedges))"
at all-slow
is "$status $(seen completions) $(stat .hedges)" "0 40 0" "without the option none is sent twice"
head -n 40 ../want | cmp -s - out
ok $? "and the answers are the same"
at copy-500
is "$status $(told) $(recorded)" "0 [22,1,0,0,0] 21 21" "the copy fails: the call waits for its answer"
same ../want21 out "which comes"
at copy-400
is "$status $(told)" "0 [22,1,0,0,0]" "whatever the copy fails with"
at call-stalls
is "$status $(told) $(recorded)" "0 [22,1,1,0,0] 21 21" "the call itself fails: its copy is waited for"
same ../want21 out "and has the answer"
at both-fail
is "$status $(told) $(stat .retries_by_class)" '0 [23,1,0,1,0] {"timeout":1}' \
	"both fail: one attempt has failed, and there is another"
is "$(bf-ledger cat | jq -s -c 'map(.attempts) | max')" 3 "which is the third call"
same ../want21 out "it has the answer"
at one-attempt
is "$status $(told) $(jq -c '[.error.class,.error.attempts]' e)" '1 [22,1,0,0,0] ["timeout",2]' \
	"or the entry fails, with what came last"
at copy-429
is "$status $(told) $(recorded)" "0 [22,1,0,0,1] 21 21" "a 429 to the copy holds back the model, not the call"
at copy-waits
is "$status $(told) $(stat .stopped) $(recorded)" \
	'75 [22,1,0,0,0] "rate_limit: the server asks to wait 5000 s, more than --max-wait allows (600 s)" 21 21' \
	"a wait that is too long stops the run, and the call lands"
at copy-401
is "$status $(told) $(recorded)" "75 [22,1,0,0,0] 21 21" "so does a 401 to the copy"
head -n 21 out | cmp -s - ../want21
ok $? "and its answer is put out"
at call-401
is "$status $(told) $(recorded)" "75 [21,0,0,0,0] 20 20" "a call that has failed gets no copy"
at calls-21
is "$status $(told)" "0 [21,0,0,0,0]" "--max-calls: no copy beyond it, and the answer is waited for"
at calls-22
is "$status $(told)" "0 [22,1,1,0,0]" "within it there is one"
at j1
is "$status $(told)" "0 [21,0,0,0,0]" "-j: none where no slot is free"
at p99
is "$status $(told)" "0 [21,0,0,0,0]" "none before the percentile can be told"
at cooldown
is "$status $(stat '[.answers,.hedges_won >= 3,.cooldowns]') $(seen in_cooldown)" "0 [200,true,1] 0" \
	"nor inside a cooldown"
same ../want out "after it they bring the answers"
at deadline
is "$(stat .answers) $(recorded)" "21 21 21" "a deadline: it is awaited"
at rpm
is "$status $(stat .answers) $(seen completions)" "0 21 $(stat .calls)" "they pass through --rpm"
cd "$TMP" || exit

# ---- asked anew; the same question twice ----

(cat some; echo '{"id":22,"prompt":"number 21"}') >twice
scenario "$first" '{"fault":"hang","requests":1}'
llm -j 2 --hedge p95 twice
is "$status $(wc -l <out) $(stat '[.calls,.hedges]') $(recorded)" "0 22 [22,1] 21 21" "the same question twice is one call and one copy"
run timeout 60 bf-mock -v "${MOCK[@]}" -- bf-llm -m m --stats s.json --refresh -j 2 --hedge p95 some
is "$status $(stat '[.answers,.hits,.calls,.hedges]') $(recorded)" "0 [21,0,22,1] 21 42" "--refresh"
same want21 out "puts out each answer once"
run timeout 60 bf-mock -v "${MOCK[@]}" -- bf-llm -m m --stats s.json --redo finish_reason=stop -j 2 --hedge p95 some
is "$status $(stat '[.answers,.hits,.calls,.hedges]') $(recorded)" "0 [21,0,22,1] 21 63" "--redo"
same want21 out "too"

# ---- stopped while both are in flight ----

# until_both: until the server has had the call and its copy
until_both='until [ "$(curl -s "${OPENAI_BASE_URL%/v1}/_stats" | jq .completions)" -ge 22 ]; do sleep 0.02; done'
scenario "$first" "$slow" '{"fault":"hang"}'
for signal in TERM:143 INT:130; do
	rm -rf .bf
	run timeout 60 bf-mock -q "${MOCK[@]}" -- bash -c 'set -m
		bf-llm -m m -j 2 --hedge p95 some >got 2>told & pid=$!
		'"$until_both"'
		kill -'${signal%:*}' $pid; wait $pid; echo $?'
	is "$(tail -n 1 out) $(recorded)" "${signal#*:} 21 21" "${signal%:*}: the first answer of the two ends the run"
	(cat want21; tail -n 1 got) | cmp -s - got
	ok $? "and is put out"
done
rm -rf .bf
run timeout 60 bf-mock -q "${MOCK[@]}" -- bash -c 'mkfifo pipe
	bf-llm -m m -j 2 --hedge p95 some >pipe 2>told & pid=$!
	exec 3<pipe
	head -n 1 <&3 >/dev/null
	'"$until_both"'
	exec 3<&-
	wait $pid; echo $?'
is "$(tail -n 1 out) $(recorded)" "141 21 21" "no reader any more: its answer is recorded"

scenario "$first" '{"fault":"hang"}'
rm -rf .bf
run timeout 60 bf-mock -q "${MOCK[@]}" -- bash -c '
	bf-llm -m m -j 2 --hedge p95 some >got 2>told & pid=$!
	'"$until_both"'
	kill -KILL $pid; wait $pid 2>/dev/null'
MOCK=()
run timeout 60 bf-mock -q -- bf-llm -m m some
like "$status $(cat err)" "0 *left 2 calls possibly billed: 2 m*" "killed: the next run tells of both"
same want21 out "and goes on"

# ---- the argument ----

for good in p95 P95 95 95% p99.9 50 p50; do
	run bf-llm --no-ledger --hedge $good </dev/null
	is "$status" 0 "--hedge $good"
done
for bad in 0.95 p100 49 p '' % p95%% 95p -95 p1e2 1e999; do
	run bf-llm --no-ledger --hedge "$bad" </dev/null
	is "$status $(wc -l <err)" "2 1" "not --hedge '$bad'"
done

done_testing
