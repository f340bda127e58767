#!/bin/bash
# bf-loop: entries go through a pipe until a condition holds.
. "$(dirname "$0")/../lib.sh"

numbers() { seq "$1" "$2" | sed 's/.*/{"n": &, "big":12345678901234567890}/'; }
n_of() { jq -r "${2:-.n}" "$1" | tr '\n' ' '; }
add='jq -c --unbuffered ".n += 1"'

numbers 1 9 >few
numbers 1 2000 >in

# --- rounds ---
run bf-loop --until '.n >= 7' "$add" few
is "$status $(n_of out) $(n_of out .rounds)" "0 7 7 7 7 7 7 8 9 10  6 5 4 3 2 1 1 1 1 " "--until: a round at least"
is "$(cat err)" "bf-loop: 9 entries, 24 rounds" "told"
run bf-loop -q --while '.n < 7' "$add" few
is "$status $(n_of out) $(n_of out .rounds)" "0 7 7 7 7 7 7 7 8 9  6 5 4 3 2 1 0 0 0 " "--while: none at all"
is "$(cat err)" "" "not told under -q"
run bf-loop -n 3 --until '.n >= 7' "$add" few
is "$(n_of out) $(n_of out .rounds)" "4 5 6 7 7 7 8 9 10  3 3 3 3 2 1 1 1 1 " "-n: three at most"
like "$(cat err)" "*bf-loop: 3 of them left for having gone round 3 times" "told"
run bf-loop -q --until false "$add" few
is "$(n_of out .rounds)" "10 10 10 10 10 10 10 10 10 " "ten by default"
run bf-loop -q -n 3 cat <in
jq -c '.rounds = 3' in >want
is "$(jq -c . out | cmp - want)" "" "-n alone: so many"
sed 's/}$/,"rounds":3}/' in | cmp - out
ok $? "nothing but rounds is touched"
printf '{ "n":1 }\n{}\n{"rounds":"mine" , "bf:mark":[1,1]}\n' >odd
run bf-loop -q -n 2 cat odd
is "$(cat out)" '{ "n":1,"rounds":2 }
{"rounds":2}
{"rounds":2 , "bf:mark":[1,1]}' "where there is such a field it is replaced, in its place"
run bf-loop -q -n 2 cat few - <few
is "$(wc -l <out)" 18 "several files"
run bf-loop -n 2 cat </dev/null
is "$status $(cat out)" "0 " "no entries"

# --- order ---
run bf-loop -q --until '.n % 5 == 0' "$add" in
is "$(jq -c .n out | head -n 7 | tr '\n' ' ')" "5 5 5 5 10 10 10 " "the order is that of the input"
is "$(jq -s 'map(.n) | . == sort' out)" true "for all"
run bf-loop -q --until '.n % 5 == 0' "bf-shuffle | $add" in
is "$(jq -s 'map(.n) | . == sort' out)" true "also where the pipe has another, and waits for its end"
run bf-loop -q --per-round --until '.n % 5 == 0' "bf-shuffle | $add" in
is "$(jq -s 'map(.n) | . == sort' out)" true "--per-round"
run bf-loop -q --per-round -n 3 'bf-shuffle -s 4 | bf-take -n 5' few
is "$status $(wc -l <out)" "0 5" "--per-round: five of nine, and those again"
cp out first
run bf-loop -q --per-round -n 3 'bf-shuffle -s 4 | bf-take -n 5' few
same first out "the same each time"
run bf-loop -q --per-round -n 4 'jq -c -s "length as \$l | .[] | .seen += [\$l]"' few
is "$(jq -c .seen out | sort -u)" "[9,9,9,9]" "--per-round: each round has all entries"
run bf-loop -q --per-round --until '.n > 7' "jq -c -s 'length as \$l | .[] | .n += 1 | .seen += [\$l]'" few
is "$(jq -c .seen out | tail -n 1) $(jq -c .seen out | head -n 1)" "[9] [9,6,5,4,3,2,1]" "that are still in it"
run bf-loop -q --per-round -n 3 'jq -c -s "to_entries[] | .key as \$k | .value | .at += [\$k]" | tac' few
is "$(jq -c .at out | head -n 2 | tr '\n' ' ')" "[0,0,0] [1,1,1] " "in the order of the input"

# Streams, by a pipe that runs: what leaves comes out before more goes in.
mkfifo to from
timeout 60 bf-loop -q --until '.n >= 3' "$add" <to >from 2>err &
pid=$!
exec 4>to 5<from
for i in 1 2 3; do
	echo "{\"n\":$i}" >&4
	read -r line <&5
	is "$(jq -c .rounds <<<"$line")" "$((i == 1 ? 2 : 1))" "entry $i goes round and leaves before the next comes"
done
exec 4>&-
wait $pid
is $? 0 "and it ends"
exec 5<&-
timeout 60 bf-loop -q --unordered --until '.n >= 3' "$add" <to >from 2>err &
pid=$!
exec 4>to 5<from
echo '{"n":-100,"first":true}{"n":2}' | sed 's/}{/}\n{/' >&4
read -r line <&5
is "$(jq -c .n <<<"$line")" 3 "--unordered: the quick one leaves first"
exec 4>&-
read -r line <&5
is "$(jq -c '[.n, .rounds]' <<<"$line")" "[-90,10]" "then the other"
wait $pid
exec 5<&-

# --- sizes ---
perl -e 'for (1..40) { printf("{\"n\":%d,\"text\":\"%s\"}\n", $_, chr(97 + $_ % 26) x 1000000) }' >large
for how in '' --per-round --unordered; do
	# shellcheck disable=SC2086
	run timeout 60 bf-loop -q $how -m 1M -n 3 cat large
	is "$status $(jq -s 'map(.n) | sort == [range(1; 41)]' out)" "0 true" "entries of 1 MB round and round $how"
	sed 's/,"rounds":3//' out | sort | cmp - <(sort large)
	ok $? "each byte of them $how"
done
run timeout 60 bf-loop -q -m 1M -n 3 bf-shuffle large
sed 's/,"rounds":3//' out | cmp - large
ok $? "where all wait, through a temporary file"

# --- several, and none ---
run bf-loop --until '.n > 3' 'jq -c ".n += 1, ."' few
is "$status" 2 "several for one: status 2"
like "$(cat err)" "*came back before: --unordered takes several*" "says what to do"
run bf-loop -q --unordered -n 3 'jq -c ".path += \"a\", .path += \"b\""' <<<'{}'
is "$(jq -r .path out | sort | tr '\n' ' ')" "aaa aab aba abb baa bab bba bbb " "--unordered: each goes on for itself"
is "$(jq -c .rounds out | sort -u)" 3 "and counts for itself"
run bf-loop -n 3 'jq -c "select(.n != 4)"' few
is "$status $(n_of out)" "0 1 2 3 5 6 7 8 9 " "one that a pipe drops"
like "$(cat err)" "bf-loop: 1 entries did not come back from pipe*" "told"
run bf-loop -n 3 'jq -c "{n}"' few
is "$status" 2 "without the mark: status 2"
like "$(cat err)" '*:1: an entry without its field "bf:mark"*keep the field*' "says what to do"

# --- ends: nothing is lost ---
run bf-loop --errors lost.jsonl --until '.n > 8' "jq -c --unbuffered 'if .n == 6 then empty else .n += 1 end'; exit 1" few
is "$status $(n_of out)" "1 9 9 10 " "status 1: those that came back"
is "$(jq -c '[.n, .error.class, .error.rounds]' lost.jsonl | sort | tr '\n' ' ')" \
	'[6,"lost",0] [6,"lost",1] [6,"lost",2] [6,"lost",3] [6,"lost",4] [6,"lost",5] ' "the others with their rounds"
is "$(jq -r .error.message lost.jsonl | sort | head -n 1)" "did not come back from round 1" "and what became of them"
run bf-loop --until '.n > 8' "$add" lost.jsonl
is "$(jq -c '[.n, .rounds, .error]' out | sort | tr '\n' ' ')" "[9,3,null] [9,4,null] [9,5,null] [9,6,null] [9,7,null] [9,8,null] " \
	"go on from there"
run bf-loop --until '.n > 8' "jq -c 'select(.n != 6)'; exit 1" few
is "$status $(grep -c 'bf-loop: few:6: lost: did not come back from round 1' err)" "1 1" "without --errors: told by its line"
for how in 'exit 2' 'exit 3' 'exit 75' 'kill -9 $$'; do
	rm -f lost.jsonl*
	run bf-loop --errors lost.jsonl -n 5 "head -n 2; $how" few
	want=2
	[ "$how" != 'exit 75' ] || want=75
	is "$status" $want "$how: status $want"
	is "$(tail -n 1 out | jq -c .incomplete.by)" '"bf-loop"' "$how: incomplete"
	is "$(cat lost.jsonl.partial out | jq -c 'select(.n).n' | sort -u | tr '\n' ' ')" "1 2 3 4 5 6 7 8 9 " "$how: all are in lost.jsonl.partial"
	grep -q 'stopped with 9 entries in the loop' err
	ok $? "$how: told"
done
run timeout 60 bf-loop -q -n 2 'head -n 1' in
is "$status" 0 "a pipe that ends early"
run bf-loop -n 2 no-such-command few
is "$status" 2 "a command that is not there"

# --- incomplete streams ---
{ head -n 4 few; echo '{"incomplete":{"by":"bf-llm","why":"budget reached","status":75}}'; } >cut
run bf-loop -n 2 'tee -a seen' cut
is "$status $(tail -n 1 out)" "75 $(sed -n 5p cut)" "incomplete input: its line, last"
is "$(tail -n 1 seen)" "$(sed -n 5p cut)" "the pipe gets it too"
run bf-loop -n 2 'head -n 2; echo "{\"incomplete\":{\"by\":\"x\",\"why\":\"w\",\"status\":75}}"; exit 75' few
is "$status $(cat out)" '75 {"incomplete":{"by":"x","why":"w","status":75}}' "a pipe that is incomplete"
{ head -n 2 few; echo '{"n": }'; tail -n 2 few; } >bad
run bf-loop -n 2 cat bad
is "$status" 2 "a bad line: status 2"
run bf-loop --keep-going -n 2 cat bad
is "$status $(n_of out)" "1 1 2 8 9 " "--keep-going"

# --- conditions ---
run bf-loop --errors lost.jsonl --until 'if .n == 7 then error("seven") else .n > 8 end' "$add" few
is "$status $(n_of out)" "1 9 9 10 " "a condition that fails fails its entry"
is "$(jq -c '[.n, .error.class, .error.rounds]' lost.jsonl | sort | tr '\n' ' ')" \
	'[7,"condition",1] [7,"condition",2] [7,"condition",3] [7,"condition",4] [7,"condition",5] [7,"condition",6] ' "with its rounds"
run bf-loop --until 'has("bf:mark")' "$add" few
is "$(n_of out .rounds)" "10 10 10 10 10 10 10 10 10 " "it does not see the mark"
for args in "" "cat" "-n 0 cat" "-n x cat" "--until . --while . cat" "--until . --until . cat" "--until ( cat" "-n 3" "-n 99999999999 cat"; do
	# shellcheck disable=SC2086
	run bf-loop $args </dev/null
	is "$status $(wc -l <err)" "2 1" "bf-loop $args: refused"
done

# --- in each other ---
run bf-loop -q -n 2 "bf-loop -q -n 3 '$add'" few
is "$(n_of out) $(n_of out .rounds)" "7 8 9 10 11 12 13 14 15  2 2 2 2 2 2 2 2 2 " "a loop in a loop"
run bf-loop -q -n 3 "bf-if '.n % 2 == 0' 'jq -c \".n /= 2\"' 'jq -c \".n = 3 * .n + 1\"'" few
is "$(n_of out)" "1 2 16 4 4 5 34 1 7 " "a branch in a loop"
run bf-if '.n % 2 == 0' "bf-loop -q --until '.n > 7' '$add'" <few
is "$(n_of out)" "1 8 3 8 5 8 7 9 9 " "a loop in a branch"
run bf-loop -q --unordered --until '.n == 1' -n 200 "bf-if --unordered '.n % 2 == 0' 'jq -c \".n /= 2\"' 'jq -c \".n = 3 * .n + 1\"'" few
is "$(jq -c .rounds out | sort -n | tr '\n' ' ')" "1 2 3 3 5 7 8 16 19 " "without order"

# --- signals ---
set -m
for signal in TERM INT; do
	rm -f pids
	: >pids
	bf-loop --errors lost.jsonl -n 5 'cat | sh -c "head -n 3; echo \$\$ >>pids; exec sleep 1000" | cat' few >out 2>err &
	pid=$!
	until [ "$(wc -l <pids)" = 1 ]; do :; done
	kill -$signal $pid
	wait $pid
	is $? $((128 + $(kill -l $signal))) "$signal: death by it"
	is "$(tail -n 1 out | jq -c .incomplete.by)" '"bf-loop"' "$signal: with an incomplete line"
	left=yes
	for _ in $(seq 100000); do kill -0 "$(cat pids)" 2>/dev/null || { left=no; break; }; done
	is "$left" no "$signal: nothing of the pipe is left"
	is "$(wc -l <lost.jsonl.partial)" 9 "$signal: what was in the loop is kept"
done
set +m
run bash -c "bf-loop -q -n 2 '$add' in | head -n 3"
is "$status $(wc -l <out) $(cat err)" "0 3 " "| head: a quiet end"

# --- a text is revised until its judge is content ---
cat >replies <<'E'
{"match":"Judge: ++++++++","reply":"8"}
{"match":"Judge: +++++","reply":"5"}
{"match":"Judge: ","reply":"2"}
E
serve --log calls.log --replies replies --reply '+{prompt}'
calls() { stat_of .completions; }
seq 500 | jq -c '{id: ., text: ("+" * (. % 9) + " of \(.)")}' >drafts
cat >revise.sh <<'E'
exec bf-loop -n 5 --until '.score >= 8' '
	bf-prompt -m m "{text}" | bf-llm -q -l revise | bf-extract |
	bf-prompt -m m "Judge: {text}" | bf-llm -q -l judge | bf-extract --json -o score' "$@"
E
run timeout 60 bash revise.sh drafts
if [ "$status" != 0 ]; then head -n 5 err | sed 's/^/# /'; fi
is "$status $(wc -l <out)" "0 500" "500 drafts are judged and revised"
jq -c '(.id % 9) as $plus | ([[8 - $plus, 1] | max, 5] | min) as $rounds |
	[.id, .rounds, .score] == [.id, $rounds, (if $plus + $rounds >= 8 then 8 elif $plus + $rounds >= 5 then 5 else 2 end)]' out | sort -u >right
is "$(cat right)" true "each as often as it takes, five times at most"
is "$(jq -c .id out | cmp - <(seq 500))" "" "in the order of the input"
want=$(jq '2 * .rounds' out | paste -sd+ | bc)
is "$(calls)" "$want" "two calls a round"
cp out first
run timeout 60 bash revise.sh drafts
is "$status $(calls)" "0 $want" "again: no call"
same first out "the same bytes"
rm -rf revise judge
run timeout 60 bash revise.sh --per-round drafts
same first out "--per-round: the same"

# Killed at any time, and run again.
rm -rf revise judge
RANDOM=5
before=$(calls)
killed=0
for k in 1 2 3; do
	(flock 9 && exec bash revise.sh drafts >"out.$k" 2>err) 9>lock &
	pid=$!
	at=$(($(calls) + 50 + RANDOM % 200))
	while [ "$(calls)" -lt $at ] && kill -0 $pid 2>/dev/null; do :; done
	kill -KILL $pid 2>/dev/null && killed=$((killed + 1))
	wait $pid 2>/dev/null
	# What it had begun lands: its ledgers are free again.
	flock lock true
done
run timeout 60 bash revise.sh drafts
[ "$status" = 0 ] && [ $killed -ge 2 ]
ok $? "killed three times, or one too late: the last run goes through ($status, $killed)"
same first out "with the same bytes"
is "$(($(calls) - before))" "$want" "and no call was made twice"

done_testing
