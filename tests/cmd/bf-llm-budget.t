#!/bin/bash
# bf-llm: processes that call the same model with the same key keep to a rate together.
. "$(dirname "$0")/../lib.sh"

run_dir=$XDG_RUNTIME_DIR/bf
server=
# serve OPTION...: a server, its address in the environment
serve() {
	mkfifo ready
	bf-mock -q --log calls.log "$@" >ready &
	server=$!
	read -r OPENAI_BASE_URL <ready
	rm ready
	export OPENAI_BASE_URL OPENAI_API_KEY=mock BF_ENDPOINT=mock
}
stop() { [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; server=; rm -rf calls.log "$run_dir"; }; }
trap 'stop; cleanup' EXIT
# seen NAME: a count of the server's
seen() { curl -s "${OPENAI_BASE_URL%/v1}/_stats" | grep -o "\"$1\":[0-9]*" | cut -d: -f2; }
# until_ PID CMD...: waits until CMD succeeds, or the program is gone, a minute at most
until_() {
	local pid=$1 end=$((SECONDS + 60))
	shift
	while ! "$@" && kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $end ]; do sleep 0.01; done
}
came() { [ "$(seen completions)" -ge "$1" ]; }
# entries NAME N: entries of their own
entries() { seq "$2" | sed "s/.*/{\"id\":\"$1-&\",\"prompt\":\"$1 number &\"}/"; }
# crowded: the most that came in any second
crowded() { jq -s 'map(.time) | sort | . as $t | [range(length) | . as $i | $t[$i] as $x | first(range($i; ($t | length) + 1) | select(. == ($t | length) or $t[.] >= $x + 1000)) - $i] | max' calls.log; }
llm() { bf-llm -q -m m --no-ledger "$@"; }
# together N RPM COUNT: so many processes at once; the statuses in $all, answers in NAME.out
together() {
	local i pids=() n=$1 rpm=$2 count=$3
	all=
	for ((i = 1; i <= n; i++)); do
		entries "p$i" "$count" >"p$i"
		llm --rpm "$rpm" "p$i" >"p$i.out" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
		all="$all$?"
	done
}

# ---- a rate is kept to together ----

serve --latency 5ms-20ms
together 2 12000 400
is "$all $(cat p?.out | wc -l)" "00 800" "two processes at 200 a second: all is answered"
ok $(($(crowded) > 620)) "no more than one would send ($(crowded) in a second)"
stop

serve --rpm 600 --window 2s --latency 5ms-20ms
together 4 12000 250
is "$all $(cat p?.out | wc -l) $(seen limited)" "0000 1000 0" "four, and a server that enforces a rate: none is refused"
# Those after what may be sent at once.
tail -n +250 calls.log | head -n 300 | grep -o 'p[0-9] number' | sort | uniq -c | awk '$1 < 25 || $1 > 150 { bad = 1 } { n++ } END { exit bad || n != 4 }'
ok $? "each gets its part"
is "$(find "$run_dir" -type f | wc -l) $(stat -c %a "$run_dir" "$run_dir"/* | tr '\n' ' ')" "1 700 600 " "one file, for its owner alone"
stop

serve --rpm 600 --window 2s --latency 5ms-20ms
for i in 1 2 3 4; do mkdir -m 700 "run$i"; done
pids=()
for i in 1 2 3 4; do
	XDG_RUNTIME_DIR=$TMP/run$i llm --rpm 12000 "p$i" >"p$i.out" &
	pids+=($!)
done
wait "${pids[@]}"
is "$(cat p?.out | wc -l)" 1000 "each by itself: all is answered too"
ok $(($(seen limited) == 0)) "after $(seen limited) were refused"
stop

# ---- what is shared, and what is not ----

serve
entries a 1 >a
entries b 1 >b
entries c 1 >c
llm --rpm 1 a >out
run llm --rpm 1 --deadline 300ms b
is "$status $(seen completions)" "75 1" "what one run has sent counts in the next"
run llm --deadline 20s b
is "$status $(seen completions)" "0 2" "one without a limit is not held back"
run llm --rpm 1000 --deadline 20s c
is "$status $(seen completions)" "0 3" "each has a limit of its own, and counts all"
run llm --rpm 3 --deadline 20s -m other c
is "$status" 0 "another model is counted by itself"
run env OPENAI_API_KEY=other bf-llm -q -m m --no-ledger --rpm 1 --deadline 20s c
is "$status" 0 "so is another key"
run bf-llm -q -m m --no-ledger --rpm 1 --deadline 20s --base-url "${OPENAI_BASE_URL/127.0.0.1/localhost}" c
is "$status" 0 "and another server"
sed 's/"prompt":\(.*\)}$/"request":{"model":"t","max_tokens":900,"messages":[{"role":"user","content":\1}]}}/' a >large
run llm --deadline 20s large
is "$status" 0 "tokens: one without a limit"
run llm --tpm 1000 --deadline 20s large
is "$status" 0 "counts for what it was"
for i in 1 2 3; do
	llm --tpm 2000 --deadline 20s large >>tokens
	echo $? >>tokens.status
done
is "$(tr -d '\n' <tokens.status) $(wc -l <tokens)" "000 3" "as the others do"
stop

# ---- a cooldown is shared ----

echo '{"fault":"429","retry-after":"2","requests":1}' >scenario
serve --scenario scenario
bf-llm -v -m m --no-ledger a >a.out 2>a.err &
first=$!
until_ $first grep -q 'nothing is sent' a.err
run bf-llm -v -m m --no-ledger b
wait $first
is "$? $status $(seen completions) $(seen in_cooldown)" "0 0 3 0" "one is refused: another sends nothing meanwhile"
like "$(cat err)" "*m refuses calls of another process for now: nothing is sent for *" "and says so"
stop

serve --status 429:1 --retry-after 500
bf-llm -v -m m --no-ledger a >a.out 2>a.err &
first=$!
until_ $first grep -q 'nothing is sent' a.err
run bf-llm -q -m m --no-ledger --max-wait 1m b
is "$status $(seen completions)" "75 1" "a wait that is longer than --max-wait ends the other"
like "$(cat err)" "*the server asked another process to wait (*), longer than --max-wait allows (60 s)" "with a message"
kill $first
wait $first
is $? 143 "the first one can be ended"
stop

# ---- stopped and killed ones ----

serve --rpm 600 --window 2s --latency 5ms-20ms
entries x 300 >x
entries y 300 >y
llm --rpm 12000 x >x.out &
one=$!
llm --rpm 12000 y >y.out &
two=$!
until_ $one came 230
kill -STOP $one
wait $two
is "$? $(wc -l <y.out)" "0 300" "one is stopped: the other goes on"
kill -CONT $one
wait $one
is "$? $(wc -l <x.out) $(seen limited)" "0 300 0" "and so does the first, once it may"
stop

serve --rpm 600 --window 2s --latency 5ms-20ms
entries z 500 >z
llm --rpm 12000 z >z.out &
one=$!
for i in 1 2 3 4 5; do
	llm --rpm 12000 x >x.out &
	two=$!
	until_ $two came $((i * 60))
	kill -KILL $two
	wait $two 2>/dev/null
done
wait $one
is "$? $(wc -l <z.out) $(seen limited)" "0 500 0" "five are killed: the limit holds, and the other goes on"
is "$(find "$run_dir" -name new | wc -l)" 0 "nothing is left half made"
stop

# ---- where it cannot be shared ----

serve
# alone NAME WANT: a run with -v goes on, and says why it is alone
alone() {
	run bf-llm -v -m m --no-ledger --rpm 600 a
	is "$status $(wc -l <out)" "0 1" "$1: it goes on"
	is "$(grep -c 'what other processes send is not counted' err)" 1 "once it says why"
	like "$(cat err)" "*$2*" "$1"
	run bf-llm -m m --no-ledger --rpm 600 a
	is "$(grep -c 'what other processes send' err)" "${3:-0}" "$1: with -v, or where it is a danger"
}
llm a >out
file=$(find "$run_dir" -type f -newer large | head -n 1)
for f in "$run_dir"/*; do : >"$f"; done
alone "a file that is empty" "a file in it is broken"
for f in "$run_dir"/*; do echo rubbish >"$f"; done
alone "rubbish" "a file in it is broken"
is "$(cat "$file")" rubbish "what is found is not touched"
for f in "$run_dir"/*; do rm "$f" && ln -s "$TMP/elsewhere" "$f"; done
alone "a symbolic link in its place" "cannot open a file in it"
rm -r "$run_dir"
mkdir elsewhere
chmod 700 elsewhere
ln -s "$TMP/elsewhere" "$run_dir"
alone "a directory that is a symbolic link" "cannot open $run_dir" 1
is "$(find elsewhere -type f | wc -l)" 0 "nothing is written there"
rm "$run_dir"
mkdir "$run_dir"
chmod 755 "$run_dir"
alone "a directory that others can read" "$run_dir is open to other users: chmod 700 it" 1
rmdir "$run_dir"
TMPDIR=/dev/null XDG_RUNTIME_DIR=/dev/null/no alone "no directory" "cannot make /dev/null/bf-"
TMPDIR=$TMP/elsewhere XDG_RUNTIME_DIR='' llm a >out
is "$(stat -c %a "elsewhere/bf-$(id -u)" "elsewhere/bf-$(id -u)"/*  | tr '\n' ' ')" "700 600 " "without XDG_RUNTIME_DIR it is below TMPDIR"

entries w 5 >w
bf-llm -v -m m --no-ledger --rpm 60 w >w.out 2>w.err &
pid=$!
before=$(seen completions)
until_ $pid came $((before + 2))
for f in "$run_dir"/*; do : >"$f"; done
wait $pid
is "$? $(wc -l <w.out) $(grep -c 'not counted: the file of its budget was cut off' w.err)" "0 5 1" \
	"a file that is cut off under a run: it goes on, and says so"
rm "$run_dir"/*

# ---- no system call for each request ----

if [ -z "$(nm -D "$BUILD/bf-llm" 2>/dev/null | grep __asan_init)" ] && command -v strace >/dev/null &&
	strace -o trace true 2>/dev/null; then
	entries v 300 >v
	strace -f -o trace -y bf-llm -q -m m --no-ledger --rpm 100000 v >out 2>err
	[ "$(grep -c "$run_dir" trace)" -le 25 ] && [ "$(grep -c "$run_dir" trace)" -ge 3 ]
	ok $? "the file is named in $(grep -c "$run_dir" trace) system calls for $(wc -l <out) calls"
fi

done_testing
