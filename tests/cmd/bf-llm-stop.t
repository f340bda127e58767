#!/bin/bash
# bf-llm: ends before its time: budgets, signals, pipes, bad lines, files.
# shellcheck disable=SC2016 # $ of sh -c scripts
. "$(dirname "$0")/../lib.sh"

llm() {
	run timeout 60 bf-mock -q --log calls.log "${MOCK[@]}" -- bf-llm "$@"
}
# script TEXT: a shell script beside the mock
script() {
	run timeout 60 bf-mock -q --log calls.log "${MOCK[@]}" -- bash -c "$1"
}
MOCK=()

calls() { grep -c . calls.log; }
fresh() { rm -rf .bf L calls.log e e.partial out2 err2; }
mark() { tail -n 1 "${1:-out}" | jq -c '[.incomplete.by, .incomplete.status]' 2>/dev/null; }
recorded() { zstdcat .bf/ledger/*.zst 2>/dev/null | grep -c '"s":"ok"'; }
entries 1 100 >in
entries 1 10 >ten

# ---- a budget of calls ----

fresh
llm -m m --max-calls 10 ten
is "$status $(calls) $(wc -l <out)" "0 10 10" "exactly enough calls are enough"
fresh
llm -m m -j 4 --max-calls 4 ten
is "$status $(calls) $(mark)" '75 4 ["bf-llm",75]' "one too few: status 75, and the output is marked"
is "$(wc -l <out)" 5 "what was answered is there"
like "$(cat err)" '*call budget reached*4 answers (4 calls*6 left*' "and told"
llm -m m --max-calls 4 ten
is "$status $(calls)" "75 4" "a rerun goes on"
tac ten >net
llm -m m --max-calls 0 net
is "$status $(calls) $(wc -l <out)" "75 0 9" "with no calls left, what the ledger has is served, wherever it stands"
llm -m m --max-calls 2 ten
is "$status $(calls) $(wc -l <out)" "0 2 10" "until all is there"
fresh
MOCK=(--status 500:1)
llm -m m --max-calls 3 --attempts 10 -j 1 ten
is "$status $(calls)" "75 3" "attempts are calls"
MOCK=()
fresh
MOCK=(--hang 1000)
llm -m m -j 2 --timeout 1s --deadline 300ms in
is "$status $(mark) $(calls)" '75 ["bf-llm",75] 2' "a deadline stops sending"
MOCK=()

# ---- bad lines ----

fresh
(entries 1 3; echo '{"a":1,}'; entries 5 6) >bad
llm -m m bad
is "$status $(jq -c .id out | tr '\n' ,) $(mark)" '2 1,2,3,null, ["bf-llm",2]' \
	"a bad line stops the run when what came before it is done"
like "$(cat err)" 'bf-llm: bad:4:8: *' "file, line and column are told"
llm -m m --keep-going bad
is "$status $(jq -c .id out | tr '\n' ,)" "1 1,2,3,5,6," "--keep-going: the rest goes on, status 1"
(entries 1 2; echo '[1]'; printf '{"a":"\0"}\n'; entries 3 3) >bad
llm -m m --keep-going bad
is "$status $(jq -c .id out | tr '\n' ,)" "1 1,2,3," "an array and a NUL are bad lines"
llm -m m --max-line 60 --keep-going - <<END
{"id":1,"prompt":"$(printf '%080d' 1)"}
{"id":2,"prompt":"number 2"}
END
is "$status $(jq -c .id out)" "1 2" "a line over the limit too"
llm -m m ten missing in
is "$status $(mark)" '2 ["bf-llm",2]' "a file that is not there: status 2, and the output is marked"
(entries 1 2; echo '{"incomplete":{"by":"bf-take","why":"x","status":75}}'; entries 3 4) >cut
llm -m m cut
is "$status $(jq -c .id out | tr '\n' ,) $(mark)" '75 1,2,null, ["bf-take",75]' \
	"an upstream that stopped: what came is done, its mark and status are passed on"

# ---- signals ----

for sig in INT TERM; do
	fresh
	MOCK=(--latency 300ms)
	script 'set -m; bf-llm -m m -j 4 in >out2 2>err2 & p=$!
		for i in $(seq 500); do [ -s out2 ] && break; sleep 0.01; done
		kill -'$sig' $p; wait $p; echo $?'
	want=130
	[ $sig = INT ] || want=143
	is "$(cat out) $(mark out2)" "$want [\"bf-llm\",$want]" "$sig: dies of it, and the output is marked"
	n=$(calls)
	is "$(recorded)" "$n" "$sig: every call that was sent is in the ledger"
	MOCK=()
	llm -q -m m in
	is "$status $((n + $(calls))) $(jq -c .id out | tr '\n' ,)" "0 100 $(seq -s, 1 100)," \
		"$sig: the rerun pays for the rest alone"
done
fresh
MOCK=(--hang 1000)
script 'set -m; bf-llm -m m -j 4 in >out2 2>err2 & p=$!
	for i in $(seq 500); do [ "$(grep -c . calls.log)" -ge 4 ] && break; sleep 0.01; done
	kill -INT $p
	for i in $(seq 500); do grep -q "once more" err2 && break; sleep 0.01; done
	kill -INT $p; wait $p; echo $?'
is "$(cat out)" 130 "a second one ends at once"
MOCK=()

fresh
MOCK=(--latency 5ms)
for round in 1 2 3 4 5; do
	rm -f out2
	script 'bf-llm -q -m m -j 20 in >out2 2>err2 & p=$!
		for i in $(seq 500); do [ "$(cat out2 2>/dev/null | grep -c .)" -ge $(('$round' * 12)) ] && break; sleep 0.002; done
		kill -KILL $p; wait $p'
	cat calls.log >>all.log
	cp out2 "killed.$round"
done
MOCK=()
llm -q -m m in
cat calls.log >>all.log
is "$status $(jq -r .response.text out | sed 's/number //' | tr '\n' ,)" "0 $(seq -s, 1 100)," "SIGKILL, five times: all is there in the end"
[ "$(grep -c . all.log)" -le 200 ]
ok $? "at most those in flight are called again"
cat killed.* | sort -u | grep '}}}$' >seen
sort out | comm -23 seen - >lost
is "$(wc -l <lost)" 0 "what was seen before a kill is the same after"

# ---- pipes and files ----

fresh
MOCK=(--latency 20ms)
entries 1 1000 >many
script 'set -o pipefail; bf-llm -q -m m -j 4 many 2>err2 | head -n 1 | jq .id; echo "${PIPESTATUS[0]}"'
is "$(tr '\n' ' ' <out)" "1 141 " "| head -n 1 ends it quietly, by SIGPIPE"
is "$(cat err2 2>/dev/null)" "" "without a word"
is "$(recorded)" "$(calls)" "and every call that was sent is in the ledger"
[ "$(calls)" -lt 1000 ]
ok $? "nothing is sent for nobody"
MOCK=()
fresh
script 'bf-llm -q -m m in >/dev/full; echo $?'
is "$(cat out)" 2 "/dev/full: status 2"
like "$(cat err)" '*standard output: No space left*' "with the reason"
is "$(recorded)" "$(calls)" "and every call that was sent is in the ledger"
script 'bf-llm -q -m m in >&-; echo $?'
is "$(cat out) $(calls)" "2 0" "a closed standard output: status 2 before anything is sent"
script 'bf-llm -q -m m <&- >out2; echo $?'
is "$(cat out)" 2 "a closed standard input: status 2"
script 'bf-llm -q -m m in <&- 2>&- | wc -l'
is "$(cat out)" 100 "closed descriptors that are not needed"

# A slow reader holds up sending, not recording; nothing is lost.
fresh
pad=$(printf '%0200000d' 0)
for i in $(seq 30); do echo "{\"id\":$i,\"prompt\":\"p$i\",\"pad\":\"$pad\"}"; done >wide
mkfifo slow
script 'bf-llm -q -m m -j 2 wide >slow & p=$!
	exec 8<slow
	last=0
	for i in $(seq 100); do
		n=$(grep -c . calls.log)
		[ "$n" -gt 0 ] && [ "$n" -eq "$last" ] && [ "$i" -gt 50 ] && break
		last=$n
		sleep 0.01
	done
	echo "$n" >stalled
	jq .id <&8 | wc -l
	wait $p; echo $?'
[ "$(cat stalled)" -lt 30 ]
ok $? "while nobody reads, not all is sent"
is "$(tr '\n' ' ' <out) $(calls)" "30 0  30" "when it is read, all comes"

# ---- descriptors ----

fresh
script 'ulimit -n 64; bf-llm -q -m m -j 1000 in >out2; echo $?; wc -l <out2'
is "$(tr '\n' ' ' <out)" "0 100 " "-j 1000 with 64 open files works"
like "$(cat err)" '*only 64 open files*-j lowered from 1000 to*ulimit -n*' "and says what to do for more"

# ---- a ledger that cannot be written ----

fresh
mkdir spilled
MOCK=(--latency 20ms --reply "$(head -c 3000 /dev/urandom | base64 -w0)")
script 'ulimit -f 40; TMPDIR=$PWD/spilled bf-llm -q -m m -j 2 in >out2 2>err2; echo $?'
is "$(cat out)" 2 "a ledger that cannot grow: status 2"
like "$(cat err2)" '*cannot record*spilled/bf-llm-spill.*' "and the spill file is named"
is "$(stat -c %a spilled/*)" 600 "which is for its owner alone"
MOCK=()
(zstdcat .bf/ledger/*.zst; cat .bf/ledger/*.tail spilled/*) 2>/dev/null | jq -r 'select(.s == "ok") | .k' | sort -u >kept
is "$(wc -l <kept)" "$(calls)" "every answer that was paid is in the ledger or there"
jq -r .id out2 | grep -c '^[0-9]' >shown
[ "$(cat shown)" -le "$(wc -l <kept)" ]
ok $? "and nothing was put out that was not recorded"
run bf-llm -l /dev/null/x -m m in
is "$status" 2 "a ledger that cannot be made: status 2"

# ---- errors files ----

fresh
MOCK=(--status 500:1)
echo old >e
llm -m m --attempts 1 --max-calls 5 -j 1 --errors e in
is "$status $(cat e) $(wc -l <e.partial)" "75 old 5" "stopped early, the errors file stays as it was, beside FILE.partial"
MOCK=()

# ---- usage ----

for wrong in "-j 0" "-j x" "--attempts 0" "--accept all" "--sync now" "--timeout 0" "--window 0" \
	"--endpoint x" "-m m@nobody" "--base-url ftp://x" "--base-url http://u:p@h/" "--nothing"; do
	# shellcheck disable=SC2086
	run bf-llm $wrong ten
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "$wrong: one line, status 2"
done

done_testing
