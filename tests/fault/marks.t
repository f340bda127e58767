#!/bin/bash
# Calls that were in flight when a run was killed are told, and recorded.
. "$(dirname "$0")/../lib.sh"

export TMPDIR=$TMP
host=$(uname -n | tr -c 'A-Za-z0-9.\n-' _)
# entries MODEL FROM TO
entries() { seq "$2" "$3" | jq -c --arg m "$1" '{id: ., request: {model: $m, messages: [{role: "user", content: "number \(.)"}]}}'; }
{ entries gpt-4o-mini 1 10; entries m 11 12; } >in

# until_ PID CMD...: waits until CMD succeeds, or the program is gone, a minute at most
until_() {
	local pid=$1 end=$((SECONDS + 60))
	shift
	while ! "$@" && kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $end ]; do :; done
}
# in_flight N PID: waits until so many calls are, or the program is gone
in_flight() { until_ "$2" flies "$1"; }
flies() { [ "$(stat_of .in_flight)" -ge "$1" ]; }
made() { [ "$(stat_of .completions)" -ge "$1" ]; }
has_history() { [ "$(history | wc -l)" -ge "$1" ]; }
names() { (cd .bf/ledger && printf '%s\n' inflight-*) | grep -vF '*'; }
marks() { names | grep -c .; }
history() { zstdcat .bf/ledger/*.zst 2>/dev/null; cat .bf/ledger/*.tail 2>/dev/null; }
billed() { history | jq -c 'select(.class == "possibly_billed")' | sort -u | wc -l; }

# ---- a run that is killed, the next, and the one after ----

serve --hang 1000
bf-llm -j 20 in >out1 2>err1 &
pid=$!
in_flight 12 $pid
is "$(marks) $(names)" "1 inflight-$host-$pid" "a file while calls are in flight"
is "$(stat -c %a .bf/ledger/inflight-*)" 600 "for its owner alone"
kill -KILL $pid
wait $pid 2>/dev/null
stop

serve
run bf-llm in
is "$status $(wc -l <out) $(marks)" "0 12 0" "the next run has all answered, and leaves no file"
like "$(cat err)" "bf-llm: *a run that was killed ($host, $pid, 20??-??-??T??:??:??Z) left 12 calls possibly billed: 10 gpt-4o-mini, 2 m
bf-llm: 12 entries: 12 answers (12 calls, 0 from the ledger)*" "and says how many calls may have been billed, by model"
is "$(grep -c 'possibly billed' err)" 1 "once"
is "$(billed)" 12 "they are in the ledger's history"
is "$(history | jq -r 'select(.class == "possibly_billed") | [.s, .http, .endpoint, .req, .model] | @json' | sort | uniq -c | sed 's/^ *//')" \
	'10 ["error",0,"mock",null,"gpt-4o-mini"]
2 ["error",0,"mock",null,"m"]' "each with model and endpoint"
is "$(history | jq -r 'select(.class == "possibly_billed") | .k' | sort)" "$(history | jq -r 'select(.s == "ok") | .k' | sort)" \
	"and under the key that its answer got later"
run bf-llm in
is "$status $(wc -l <out) $(billed)" "0 12 12" "the third run pays nothing"
is "$(grep -vc '12 entries: 12 answers (0 calls, 12 from the ledger)' err)" 0 "and says nothing of it"
stop

# ---- some had been answered ----

rm -rf .bf
serve --hang 3
bf-llm -j 20 in >out1 2>err1 &
pid=$!
until_ $pid has_history 9
kill -KILL $pid
wait $pid 2>/dev/null
run bf-llm -q in
like "$(cat err)" "*left 3 calls possibly billed: *" "what was answered is not counted"
is "$(billed) $(stat_of .completions)" "3 15" "and not paid again"

# ---- killed again and again: every call is accounted for ----

stop
rm -rf .bf
serve --latency 2ms-9ms --seed 3 --price 1000,2000
seq -w 400 | jq -cR '{id: ., prompt: "number \(.)"}' >many
echo '{"m": {"input_cost_per_token": 1e-3, "output_cost_per_token": 2e-3}}' >prices.json
RANDOM=5
for k in 1 2 3 4 5 6 7 8; do
	at=$(($(stat_of .completions) + 15 + RANDOM % 25))
	bf-llm -q -m m --prices prices.json -j 8 many >out1 2>>err1 &
	pid=$!
	until_ $pid made $at
	kill -KILL $pid
	wait $pid 2>/dev/null
done
run bf-llm -q -m m --prices prices.json -j 8 many
is "$status $(wc -l <out)" "0 400" "eight kills, and the run goes through"
made=$(stat_of .completions)
answered=$(history | jq -r 'select(.s == "ok") | .k' | sort -u | wc -l)
[ "$made" -le $((answered + $(billed))) ] && [ "$(billed)" -le 64 ]
ok $? "the server counted $made calls: $answered answers, and $(billed) possibly billed"
# All calls cost the same, so the bill is as exact as their number.
each=$(history | jq -s 'map(select(.s == "ok"))[0].cost')
spent=$(bf-ledger stat --json | jq '[.models[].cost_usd] | add')
# micros USD: as a whole number, to compare
micros() { jq -n "$1 * 1e6 | round"; }
is "$(micros "$spent") $(history | jq -s 'map(select(.s == "ok").cost) | unique | length')" "$(micros "$answered * $each") 1" \
	"the ledger has the cost of all answers"
is "$(micros "$(stat_of .billed_usd)")" "$(micros "$made * $each")" "the server billed all calls"
[ $((made - answered)) -ge 0 ] && [ $((made - answered)) -le "$(billed)" ]
ok $? "and between the bills is the cost of $((made - answered)) calls that were told as possibly billed"

# ---- two runs at once ----

stop
rm -rf .bf
serve --hang 1000
head -n 4 in >four
tail -n 2 in >two
bf-llm -j 20 four >out1 2>err1 &
one=$!
in_flight 4 $one
bf-llm -j 20 two >out2 2>err2 &
two=$!
in_flight 6 $two
is "$(marks) $(cat err1 err2)" "2 " "each has its file, and leaves the other's alone"
kill -KILL $one
wait $one 2>/dev/null
run bf-llm --max-calls 0 four
like "$(cat err)" "*($host, $one, *) left 4 calls possibly billed: 4 gpt-4o-mini*" "a third tells of the killed one"
is "$(marks) $(names)" "1 inflight-$host-$two" "and not of the living"
kill -KILL $two
wait $two 2>/dev/null
run bf-llm --max-calls 0 four
like "$(cat err)" "*left 2 calls possibly billed: 2 m*" "until it is killed too"
stop

# ---- stopped, not killed ----

rm -rf .bf
serve --hang 1000
bf-llm -j 20 in >out1 2>err1 &
pid=$!
in_flight 12 $pid
kill -TERM $pid
until_ $pid grep -q 'once more' err1
kill -TERM $pid
wait $pid 2>/dev/null
stop
serve
run bf-llm in
like "$(cat err)" "*left 12 calls possibly billed*" "stopped twice is killed"
stop
rm -rf .bf
serve --status 500:1
run bf-llm --attempts 1 in
is "$status $(marks)" "1 0" "calls that failed leave no file"
run bf-llm --attempts 1 in
is "$(grep -c billed err)" 0 "and are not told"
stop
rm -rf .bf
serve --status 429:1 --retry-after 60
head -n 1 in >one
bf-llm -v -j 20 one >out1 2>err1 &
pid=$!
until_ $pid grep -q 'attempt 1: .*429' err1
kill -KILL $pid
wait $pid 2>/dev/null
run bf-llm --max-calls 0 in
is "$(grep -c billed err) $(marks)" "0 0" "nor are those that were refused and waited to be sent again"
stop
rm -rf .bf
serve
bf-llm in 2>err1 | head -n 1 >out1
is "$(marks)" 0 "nor does a run whose reader went away"
run bf-llm --no-ledger in
is "$status" 0 "without a ledger there is nothing to mark"

# ---- a name that is taken ----

rm -rf .bf
mkdir -p .bf/ledger
: >.bf/ledger/inflight-otherhost-12
: >".bf/ledger/inflight-$host-12"
run bf-llm in
is "$status $(names)" "0 inflight-otherhost-12" "other hosts' files are left alone"
stop

# ---- the ledger cannot take the history ----

asan=
nm -D "$BUILD/bf-llm" 2>/dev/null | grep -q __asan_init && asan=1
spoiled() { # CALL:N:WHAT PATH CMD...
	local inject=$1 path=$2
	shift 2
	run env BF_INJECT_PROGRAM=bf-llm BF_INJECT_PATH="$path" BF_INJECT="$inject" LD_PRELOAD="$BUILD/fault/inject.so" "$@"
}
if [ -z "$asan" ]; then
	# Killed between record and clear: after the write to the tail.
	rm -rf .bf
	serve --latency 10ms
	spoiled write:1:killed .tail bf-llm -j 1 in
	is "$status $(marks) $(history | wc -l)" "137 1 1" "killed when its answer is recorded and its mark not cleared"
	run bf-llm -j 1 in
	is "$(grep -c billed err) $(stat_of .answered_again)" "0 0" "the call is not counted, and not paid again"
	spoiled write:1:kill .tail bf-llm -j 1 four
	rm -rf .bf
	spoiled write:1:kill .tail bf-llm -j 1 four
	is "$status $(marks)" "137 1" "killed before the record"
	spoiled write:1+:ENOSPC .bf/ledger bf-llm four
	is "$status $(marks)" "2 1" "a full disk when the history should be recorded: the file stays"
	like "$(cat err)" "*left 1 call possibly billed: 1 gpt-4o-mini*No space left*No space left*" "it is told, and why it is not recorded"
	run bf-llm four
	like "$(cat err)" "*left 1 call possibly billed: 1 gpt-4o-mini*" "the next run tells it"
	is "$status $(marks) $(billed)" "0 0 1" "and records it"

	# Marks cannot be made: a warning, and the run goes on.
	rm -rf .bf
	spoiled open:1:EACCES inflight- bf-llm four
	is "$status $(wc -l <out)" "0 4" "no file for marks: the run goes on"
	like "$(cat err)" "*calls in flight are not marked*Permission denied*" "with a warning"
	rm -rf .bf
	spoiled mmap:1:ENODEV inflight- bf-llm four
	is "$status $(wc -l <out) $(marks)" "0 4 0" "nor one that can be mapped"
	like "$(cat err)" "*calls in flight are not marked*No such device*" "with a warning"

	# A run of hits makes no file, and no system call more for each call.
	spoiled open:1:EIO inflight- bf-llm four
	is "$status $(grep -c marked err)" "0 0" "a run of hits makes none"
	stop
fi

# ---- no system call for each mark ----

if [ -z "$asan" ] && command -v strace >/dev/null && strace -o trace true 2>/dev/null; then
	serve
	rm -rf .bf
	strace -f -o trace -y bf-llm -q -j 4 in >out 2>err
	is "$(grep -c 'inflight-.*O_EXCL' trace)" 1 "the file is made once"
	# open, lock, two looks at it, room, map; unlink and close at the end.
	[ "$(grep -c 'inflight-' trace)" -le 9 ]
	ok $? "and named in $(grep -c 'inflight-' trace) system calls for 12 calls"
	stop
fi

done_testing
