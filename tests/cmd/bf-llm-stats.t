#!/bin/bash
# bf-llm: the account of a run, in --stats and --metrics.
# shellcheck disable=SC2016 # $ of sh -c scripts
. "$(dirname "$0")/../lib.sh"

llm() {
	run timeout 60 bf-mock -q --log calls.log "${MOCK[@]}" -- bf-llm "$@"
}
MOCK=()
fresh() { rm -rf .bf calls.log s.json m.prom e; }
stat() { jq -c "$1" s.json; }

# Whether it is Prometheus text: each sample in a family that has its help and
# type, in one place, names and labels as they may be, no sample twice.
prometheus() {
	awk '
	/^# HELP [a-z_]+ ./ { family = $3; help[family]++; next }
	/^# TYPE [a-z_]+ (counter|gauge|histogram)$/ {
		type[$3]++; kind = $4
		if ($3 != family || (kind == "counter") != ($3 ~ /_total$/)) bad = 1
		next
	}
	/^[a-z_]+({([a-z]+="([^"\\]|\\["\\n])*",?)*})? [0-9.]+$/ {
		name = $0
		sub(/[{ ].*/, "", name)
		if (kind == "histogram") sub(/_(bucket|sum|count)$/, "", name)
		if (name != family) bad = 1
		line = $0
		sub(/ [0-9.]+$/, "", line)
		if (seen[line]++) bad = 1
		n++
		next
	}
	{ bad = 1 }
	END {
		for (f in help) if (help[f] != 1 || type[f] != 1) bad = 1
		exit bad || n < 10
	}' "$1"
}
sample() { sed -n "s/^bf_llm_$1 //p" m.prom; }

entries 1 20 >in

# ---- what is counted ----

fresh
MOCK=(--fail-first 1:500)
(cat in; echo '{"id":21}') | timeout 60 bf-mock -q --log calls.log "${MOCK[@]}" -- \
	bf-llm -m m --errors e --stats s.json --metrics m.prom >out 2>err
is $? 1 "a run with a failed entry"
is "$(wc -l <s.json) $(stat '[.status,.stopped,.entries,.answers,.hits,.failed,.left,.calls,.retries]')" \
	'1 [1,null,21,20,0,1,0,40,20]' "--stats: one object with the status and the counts"
is "$(stat .retries_by_class)$(stat .failures_by_class)" '{"server":20}{"bad_request":1}' \
	"retries and failures by class"
used=$(jq -s 'map(.response.usage) | {input: map(.input) | add, output: map(.output) | add}' -c out)
is "$(stat '.tokens | {input, output}')" "$used" "tokens are those of the answers"
is "$(stat '.latency_ms | .p50 > 0 and .p50 <= .p90 and .p90 <= .p99 and .p99 <= .max and .mean <= .max')" true \
	"latencies are in their order"
is "$(stat '.calls_per_second > 0 and .wall_ms > .latency_ms.max')" true "wall time and calls per second"
is "$(stat '.models.m | [.calls, .answers, .tokens.input]')" \
	"[40,20,$(echo "$used" | jq .input)]" "by model"
is "$(jq -c .response.usage out | head -n 1)" "$(jq -c 'select(.id == 1) | .response.usage' out)" \
	"the entries go out as ever"

prometheus m.prom
ok $? "--metrics: Prometheus text" || cat m.prom
is "$(sample entries_total) $(sample answers_total) $(sample hits_total) $(sample running) $(sample exit_status)" \
	"21 20 0 0 1" "with the same counts"
is "$(sample 'calls_total{model="m"}') $(sample 'retries_total{class="server"}') $(sample 'failures_total{class="bad_request"}')" \
	"40 20 1" "and the same classes"
is "$(sample 'call_duration_seconds_bucket{le="+Inf"}') $(sample call_duration_seconds_count)" "20 20" \
	"the histogram holds each answer"
is "$(sed -n 's/.*_bucket.* //p' m.prom | sort -nc 2>&1)" "" "its buckets grow"
MOCK=()
llm -m m --stats s.json --metrics m.prom in
is "$(stat '[.status,.answers,.hits,.calls,.latency_ms,.models]') $(sample hits_total)" \
	'[0,20,20,0,null,{}] 20' "a rerun: hits, no latencies"
prometheus m.prom
ok $? "which is Prometheus text too" || cat m.prom

fresh
llm -m 'a"b\c' --stats s.json --metrics m.prom --max-calls 3 -j 3 in
is "$status $(stat '[.status,.stopped,.left,.models["a\"b\\c"].calls]')" '75 [75,"call budget reached",17,3]' \
	"a run that stops early: its status, why, and what is left"
is "$(sample 'calls_total{model="a\\"b\\\\c"}') $(sample entries_left) $(sample exit_status)" "3 17 75" \
	"a model's name is escaped"
prometheus m.prom
ok $? "as Prometheus text has it" || cat m.prom

# ---- files ----

fresh
llm -m m --stats nowhere/s.json in
is "$status $([ -e calls.log ] && grep -c . calls.log)" "2 0" "a stats file that cannot be is found before the first call"
llm -m m --metrics nowhere/m.prom in
is "$status $([ -e calls.log ] && grep -c . calls.log)" "2 0" "a metrics file too"
fresh
MOCK=(--latency 4s)
head -n 2 in >two
bf-mock -q "${MOCK[@]}" -- bf-llm -q -m m --metrics m.prom two >out 2>err &
pid=$!
i=0
until grep -q '^bf_llm_calls_in_flight 2$' m.prom 2>/dev/null || [ $((i += 1)) -gt 600 ]; do sleep 0.05; done
is "$(sample calls_in_flight) $(sample running) $(sample exit_status)" "2 1 " "the metrics are there while it runs"
prometheus m.prom
ok $? "as a whole file"
wait "$pid"
is "$? $(sample calls_in_flight) $(sample running)" "0 0 0" "and those of the end in the end"
is "$(find . -maxdepth 1 -name '.*prom*' -o -maxdepth 1 -name '.s.json*')" "" "nothing else is left behind"

done_testing
