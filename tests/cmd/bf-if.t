#!/bin/bash
# bf-if: entries for which a condition holds go through a pipe.
. "$(dirname "$0")/../lib.sh"

numbers() { seq "$1" "$2" | sed 's/.*/{"n": &, "text":"\\u00e9 &", "big":12345678901234567890}/'; }
# gone PID: it is there no more
gone() {
	for _ in $(seq 100000); do kill -0 "$1" 2>/dev/null || return 0; done
	return 1
}
n_of() { jq -r .n "$@" | tr '\n' ' '; }

numbers 1 2000 >in
numbers 1 9 >few

# --- order, bytes ---
run bf-if '.n % 2 == 0' cat <in
is "$status $(cat err)" "0 " "a branch, and straight on"
same in out "in the order of the input, every byte as it was"
run bf-if '.n % 2 == 0' cat 'cat' <in
same in out "two branches"
run bf-if '.n % 3 == 0' 'tac' 'bf-shuffle -s 5' <in
same in out "branches that give other orders, and nothing before they have all"
run bf-if '.n % 3 == 0' '' 'jq -c ".seen=true"' <few
is "$(jq -c '[.n, .seen]' out | tr '\n' ' ')" "[1,true] [2,true] [3,null] [4,true] [5,true] [6,null] [7,true] [8,true] [9,null] " \
	"an empty pipe lets them by"
run bf-if '.n % 3 == 0' cat --else 'jq -c ".seen=true"' <few
is "$(jq -c 'select(.seen) | .n' out | tr '\n' ' ')" "1 2 4 5 7 8 " "--else"
run bf-if --case '.n < 3' 'jq -c ".at=1"' --case '.n < 6' 'jq -c ".at=2"' --case '.n < 7' '' <few
is "$(jq -c '.at' out | tr '\n' ' ')" "1 1 2 2 2 null null null null " "--case: the first that holds"
run bf-if --case '.n < 3' 'jq -c ".at=1"' --case '.n < 6' 'jq -c ".at=2"' --else 'jq -c ".at=0"' <few
is "$(jq -c '.at' out | tr '\n' ' ')" "1 1 2 2 2 0 0 0 0 " "--case and --else"
printf '{ "n":1 }\n{}\n { }\n{"n":1,\t"n":2} \n{"bf:mark":[3,0]}\n{"bf:mark":"mine","n":1}\n' >odd
run bf-if true cat <odd
is "$status" 0 "entries with odd spaces, without fields, with a field of the mark's name"
same odd out "as they were"
run bf-if true "bf-if true 'bf-if .n cat'" <odd
same odd out "also through three of them"
run bf-if '.n % 2 == 0' 'grep -v bf:mark' <few
is "$(n_of out)" "1 3 5 7 9 " "there is a mark in the pipe, bf:mark"
is "$(grep -c bf:mark out)" 0 "and none outside"
run bf-if true cat </dev/null
is "$status $(cat out err)" "0 " "no entries"

# Order with branches that are held up: what is done waits, and input is read all the same.
mkfifo gate
(numbers 1 20000; echo read >&3) 3>told |
	timeout 60 bf-if -m 128K '.n == 1' 'cat gate >/dev/null; cat' '' >out 2>err &
pid=$!
until [ -s told ]; do kill -0 $pid 2>/dev/null || break; done
is "$(wc -c <out)" 0 "nothing goes before what is held up"
echo >gate
wait $pid
is $? 0 "input is read while the first entry is held up"
numbers 1 20000 | cmp - out
ok $? "the order is that of the input, through a temporary file"

# --- streaming ---
mkfifo to from
timeout 60 bf-if '.n % 2 == 0' cat '' <to >from 2>err &
pid=$!
exec 4>to 5<from
for i in 1 2 3 4 5; do
	numbers $i $i >&4
	read -r line <&5
	is "$line" "$(numbers $i $i)" "entry $i comes out before the next goes in"
done
exec 4>&-
wait $pid
is $? 0 "and it ends"
exec 5<&-
# One branch is held up, the other streams.
timeout 60 bf-if --unordered '.n % 2 == 0' 'cat gate >/dev/null; cat' 'cat' <to >from 2>err &
pid=$!
exec 4>to 5<from
numbers 1 6 >&4
got=
for _ in 1 2 3; do read -r line <&5; got="$got $(jq .n <<<"$line")"; done
is "$got" " 1 3 5" "--unordered: what comes, as it comes"
echo >gate
exec 4>&-
is "$(n_of <&5)" "2 4 6 " "and the others later"
wait $pid
exec 5<&-

# --- sizes ---
perl -e 'for (1..40) { printf("{\"n\":%d,\"text\":\"%s\"}\n", $_, chr(97 + $_ % 26) x 1000000) }' >large
run timeout 60 bf-if -m 1M '.n % 2 == 0' cat 'sed p | sed -n "n;p"' <large
same large out "entries of 1 MB both ways"
run timeout 60 bf-if -m 1M '.n % 2 == 0' 'bf-shuffle' 'tac' <large
same large out "also where all wait"
run bf-if --max-line 100 true 'sed "s/text/$(seq -s . 100)/"' <few
is "$status" 2 "a longer line than --max-line comes back: status 2"
like "$(cat err)" "*pipe 'sed*':1:101: line longer than 100 bytes*" "told"
run bf-if --keep-going --max-line 200 true 'jq -c "if .n == 2 then .text = \"x\" * 300 else . end"' <few
is "$status $(n_of out)" "1 1 3 4 5 6 7 8 9 " "--keep-going goes on behind it"

# --- several for one, and none ---
seq 6 | jq -c '{n: ., list: [range(. % 3)]}' >lists
run bf-if --many '.n != 4' 'bf-explode list' <lists
is "$status $(jq -c '[.n, .list]' out | tr '\n' ' ')" "0 [1,0] [2,0] [2,1] [4,[0]] [5,0] [5,1] " "--many: in their places"
run bf-if --many 'true' 'bf-explode list | bf-collect list' <lists
jq -c 'select(.list != [])' lists >want
same want <(jq -c 'del(.id)' out) "taken apart and put together"
run bf-if '.n != 4' 'bf-explode list' <lists
is "$status" 2 "several without --many: status 2"
like "$(cat err)" "*pipe 'bf-explode list':*came back before: use --many or --unordered*" "says what to do"
run bf-if --many 'true' 'tac' <few
is "$status" 2 "--many in another order: status 2"
like "$(cat err)" "*--many wants the order kept*" "told"
run bf-if '.n < 9' 'jq -c "select(.n % 4 != 0)"' <few
is "$status $(n_of out)" "0 1 2 3 5 6 7 9 " "none for one"
like "$(cat err)" "bf-if: 2 of 8 entries did not come back from pipe 'jq -c *'" "told"
run bf-if -q '.n < 9' 'jq -c "select(.n % 4 != 0)"' <few
is "$(cat err)" "" "not under -q"
run bf-if --unordered '.n < 9' 'jq -c "{n}, {n}"' <few
is "$status $(n_of out | tr ' ' '\n' | sort | tr '\n' ' ')" "0 1 1 2 2 3 3 4 4 5 5 6 6 7 7 8 8 9 " "--unordered: anything"
# What has been overtaken is over: it streams.
timeout 60 bf-if --many '.n != 3' 'grep --line-buffered -v "\"n\": 1"' <to >from 2>err &
pid=$!
exec 4>to 5<from
numbers 1 2 >&4
read -r line <&5
is "$(jq .n <<<"$line")" 2 "--many: one that was dropped holds nothing up"
exec 4>&- 5<&-
wait $pid

# --- a pipe that loses its mark, or gives anything ---
run bf-if true 'jq -c "{n}"' <few
is "$status" 2 "without the mark: status 2"
like "$(cat err)" "bf-if: pipe 'jq -c \"{n}\"':1: an entry without its field \"bf:mark\"*use --unordered" "says what to do"
is "$(tail -n 1 out | jq -c .incomplete.status)" 2 "and the stream is incomplete"
is "$(wc -l <err)" 1 "it is told once"
run bf-if --keep-going '.n < 4' 'jq -c "{n}"' <few
is "$status $(n_of out)" "1 4 5 6 7 8 9 " "--keep-going: the others"
is "$(grep -c 'without its field' err)" 3 "each is told"
run bf-if true 'jq .n' <few
is "$status $(cut -d: -f1-4 <err)" "2 bf-if: pipe 'jq .n':1:1" "no entry"
run bf-if true 'echo no JSON' <few
is "$status" 2 "no JSON"
for mark in 5 '[]' '[1]' '[0,1]' '[99,0]' '[0,0,0,0]' '[-1,0]' '["0",0]' '[1e99,0]' null; do
	run bf-if true "sed 's/\"bf:mark\":\[[0-9,]*\]/\"bf:mark\":$mark/'" <few
	is "$status $(wc -l <err)" "2 1" "a mark of $mark"
done

# --- ends ---
run timeout 60 bf-if '.n % 2 == 0' 'head -n 1' <in
is "$status" 0 "a pipe that ends early"
is "$(wc -l <out)" 1001 "its one entry and the others"
like "$(cat err)" "*entries did not come back from pipe 'head -n 1'*" "told"
numbers 1 200000 >many
run timeout 60 bf-if '.n % 2 == 0' 'head -n 1' <many
is "$status $(wc -l <out)" "0 100001" "that ends early, with much to come"
like "$(cat err)" "*pipe 'head -n 1' stopped reading: * more entries were for it*" "told"
run timeout 60 bf-if '.n % 2 == 0' 'exec cat >saved' <in
is "$status $(wc -l <out) $(wc -l <saved)" "0 1000 1000" "a pipe that puts nothing out, and reads on"
run bf-if '.n % 2 == 0' 'cat; exit 1' <few
is "$status $(n_of out)" "1 1 2 3 4 5 6 7 8 9 " "status 1 is ours"
for s in 2 3 127; do
	run bf-if '.n % 2 == 0' "cat; exit $s" <few
	is "$status" 2 "status $s: 2"
	like "$(cat err)" "bf-if: pipe 'cat; exit $s' ended with status $s" "told"
	is "$(tail -n 1 out | jq -c .incomplete.status)" 2 "and incomplete"
	is "$(head -n 9 out)" "$(cat few)" "with what came"
done
run bf-if '.n % 2 == 0' "cat; exit 75" <few
is "$status $(tail -n 1 out | jq -c .incomplete.status)" "75 75" "status 75 is ours"
run bf-if '.n % 2 == 0' 'cat; kill -9 $$' <few
is "$status" 2 "killed: status 2"
like "$(cat err)" "bf-if: pipe '*' was killed by signal 9" "told"
run timeout 60 bf-if '.n % 2 == 0' 'kill -9 $$' <many
is "$status" 2 "killed at once, with much to come"
run bf-if '.n % 2 == 0' 'no-such-command' <few
is "$status" 2 "a command that is not there"
like "$(cat err)" "*no-such-command*ended with status 127*" "told"
[ ! -e made ] && run bf-if '.n > 100' 'cat >made' <few
[ ! -e made ]
ok $? "a pipe that gets nothing is not started"
run perl -e '$SIG{CHLD} = "IGNORE"; exec @ARGV' bf-if true 'cat; exit 1' <few
is "$status $(wc -l <out)" "1 9" "with SIGCHLD ignored"
run bash -c 'trap "" PIPE; exec bf-if true "yes | head -n 1 >/dev/null; cat" <few'
is "$status $(cat err)" "0 " "the pipe has its SIGPIPE also where we were without"

# --- incomplete streams ---
{ head -n 4 few; echo '{"incomplete":{"by":"bf-llm","why":"budget reached","status":75}}'; tail -n 5 few; } >cut
run bf-if '.n % 2 == 0' 'tee seen' 'cat' <cut
is "$status $(head -n 4 out | n_of) $(wc -l <out)" "75 1 2 3 4  5" "incomplete input: what was before it"
is "$(tail -n 1 out)" "$(sed -n 5p cut)" "and the line, last and once"
is "$(tail -n 1 seen)" "$(sed -n 5p cut)" "the pipe gets it too"
is "$(cat err)" "" "nothing to tell"
echo old >saved
run bf-if '.n % 2 == 0' 'bf-save -q --tee saved' <cut
is "$status $(cat saved)" "75 old" "so that nothing in it looks whole"
run bf-if '.n % 2 == 0' 'head -n 2; echo "{\"incomplete\":{\"by\":\"x\",\"why\":\"w\",\"status\":75}}"; exit 75' <in
is "$status $(tail -n 1 out)" '75 {"incomplete":{"by":"x","why":"w","status":75}}' "a pipe that is incomplete: its line, last"
is "$(grep -c incomplete out) $(cat err)" "1 " "once"
is "$(head -n -1 out | jq -s 'map(.n) | . == sort')" true "in order"
run bf-if '.n % 2 == 0' 'tee seen' </
is "$status $(tail -n 1 out | jq .incomplete.status)" "2 2" "input that cannot be read"
{ numbers 1 3; echo '{"n": }'; numbers 5 9; } >bad
run bf-if '.n % 2 == 0' 'tee seen' <bad
is "$status $(head -n 3 out | n_of)" "2 1 2 3 " "a bad line: what was before"
like "$(cat err)" "bf-if: <stdin>:4:7: *" "told"
is "$(tail -n 1 seen | jq .incomplete.status)" 2 "the pipe gets an incomplete line"
run bf-if --keep-going '.n % 2 == 0' cat <bad
is "$status $(n_of out)" "1 1 2 3 5 6 7 8 9 " "--keep-going"

# --- conditions ---
truth() { run bf-if "$1" 'jq -c ".t=1"' <<<'{"n":0,"s":"","a":[],"z":null,"f":false,"e":1e400}'; jq -c '.t // 0' out; }
is "$(truth .n) $(truth .s) $(truth .a) $(truth .z) $(truth .f) $(truth .none) $(truth .e)" "1 1 1 0 0 0 1" "truth as jq has it"
is "$(truth empty) $(truth '.f, .n') $(truth 'any(.f, .z; .)')" "0 1 0" "no output, several"
run bf-if '.n | if . > 7 then error("too much") else . > 4 end' cat <few
is "$status $(n_of out)" "1 1 2 3 4 5 6 7 " "an expression that fails fails its entries alone"
like "$(head -n 1 err)" "bf-if: <stdin>:8: condition: *too much" "by name"
run bf-if --errors bad.jsonl '.n | ltrimstr(1) | test("x")' cat <few
is "$status $(wc -l <out) $(jq -c '[.n, .error.class]' bad.jsonl | head -n 1)" '1 0 [1,"condition"]' "--errors"
run bf-if 'if .n == 3 then halt_error else true end' cat <few
is "$status $(n_of out)" "1 1 2 4 5 6 7 8 9 " "one that halts fails its entry"
run bf-if '.a == "\ufffd"' 'sed "s/a/b/"' <<<'{"a":"\ud800"}'
is "$status $(cat out)" '0 {"b":"\ud800"}' "a lone surrogate is U+FFFD to a condition"
perl -e 'print "{\"a\":", "[" x 1000, "]" x 1000, "}\n"' >deep
run bf-if '.a' cat <deep
case $status in
0) same deep out "a deep entry is taken" ;;
*) like "$status $(cat out) $(cat err)" "1  bf-if: <stdin>:1: condition: .a: *depth*" "an entry too deep for libjq fails by name" ;;
esac
run bf-if '.n ==' cat <few
is "$status" 2 "one that is no expression: status 2"
like "$(cat err)" "bf-if: EXPR .n ==: *" "told"
run bf-if --case .n cat --case '(' cat <few
like "$status $(cat err)" "2 bf-if: EXPR (: *" "each"

# --- usage ---
for args in "" ".n" ".n cat cat cat" "--case .n" "--case .n cat cat" "--many --unordered .n cat" "-m x .n cat" ".n cat cat --else cat"; do
	# shellcheck disable=SC2086
	run bf-if $args <few
	is "$status $(wc -l <err)" "2 1" "bf-if $args: refused"
done

run bf-if .n cat few </dev/null
is "$status" 2 "a FILE is no ELSE-PIPE"
like "$(cat err)" "bf-if: ELSE-PIPE few is a file: entries come from standard input*" "told"

# --- signals ---
set -m
for signal in TERM INT; do
	: >pids
	cat >slow.sh <<-'E'
		echo $$ >>pids
		exec sleep 1000
	E
	bf-if '.n == 1' 'sh slow.sh' 'tee seen | sh slow.sh | cat' <to >out 2>err &
	pid=$!
	exec 4>to
	numbers 1 9 >&4
	until [ "$(wc -l 2>/dev/null <pids)" = 2 ]; do :; done
	kill -$signal $pid
	wait $pid
	is $? $((128 + $(kill -l $signal))) "$signal: death by it"
	is "$(tail -n 1 out | jq -c .incomplete.by)" '"bf-if"' "$signal: with an incomplete line"
	bad=
	for p in $(cat pids); do gone "$p" || bad="$bad $p"; done
	is "$(wc -l <pids)$bad" 2 "$signal: nothing of the pipes is left"
	exec 4>&-
done
set +m
# In the foreground of a terminal they stay in its group, which the terminal tells.
if command -v script >/dev/null; then
	cat >fore.sh <<-'E'
		bf-if true 'ps -o pgid= -p $$ >inner; cat' <few >/dev/null
		ps -o pgid= -p $$ >outer
	E
	script -qec 'bash -c "set -m; sh fore.sh"' /dev/null >/dev/null 2>&1 </dev/null
	is "$(cat inner)" "$(cat outer)" "on a terminal: in our process group"
fi
bf-if true 'ps -o pgid= -p $$ >inner; ps -o pid= -p $$ >outer; cat' <few >/dev/null
is "$(cat inner)" "$(cat outer)" "elsewhere: in one of its own"

# A reader that leaves.
run bash -c "bf-if '.n % 2 == 0' 'cat; echo ended >ended' cat <many | head -n 3"
is "$status $(n_of out) $(cat err)" "0 1 2 3  " "| head: a quiet end"

done_testing
