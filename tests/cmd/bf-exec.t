#!/bin/bash
# bf-exec: entries answered by a command, one a line or one that serves; keys,
# ledger, order, failures and limits as in bf-llm.
. "$(dirname "$0")/../lib.sh"
export XDG_STATE_HOME=$TMP/state

ex() { run timeout 200 bf-exec "$@"; }
texts() { jq -r .response.text "${1:-out}" | tr '\n' ,; }
# Each run of this leaves a line in runs.
cat >count.sh <<'E'
echo x >>runs
cat
E
runs() { cat runs 2>/dev/null | wc -l; }

for i in 1 2 3; do echo "{\"id\":$i,\"n\":1.0,\"text\":\"a\\u00e9 $i\"}"; done >in

# ---- what it gets and gives ----

ex cat <in
is "$status" 0 "a command that ends well"
is "$(jq -r .response.text out)" "$(cat in)" "gets the line on standard input, byte for byte"
is "$(sed 's/,"response".*/}/' out)" "$(cat in)" "the entry is untouched but for its response"
ex -q wc -l <in
is "$(texts)$(wc -c <err)" "1,1,1,0" "with one newline at its end"
like "$(ex wc -l <in; cat err)" "bf-exec: 3 entries: 3 answers (0 calls, 3 from the ledger), 0 failed; *" "it is summed up"
ex printf '%s|' '{text}' '{n}' '{id}' '{{id}' '{ id' <in
is "$(texts)" 'aé 1|1.0|1|{id}|{ id|,aé 2|1.0|2|{id}|{ id|,aé 3|1.0|3|{id}|{ id|,' "words that are {FIELD} are the field's value, each one argument"
ex --shell 'printf "%s " "$BF_text" "$BF_id" "${BF_n}"' <in
is "$(texts)" "aé 1 1 1.0 ,aé 2 2 1.0 ,aé 3 3 1.0 ," "--shell: fields are variables"
printf '%s\n' '{"a":"x; touch hacked","b":"$(touch hacked)","c":"`touch hacked`\n\"'"'"'touch hacked","d":"-n"}' >nasty
ex printf '%s:' '{a}' '{b}' '{c}' '{d}' <nasty
is "$(jq -r .response.text out)" "$(jq -r '"\(.a):\(.b):\(.c):\(.d):"' nasty)" "nothing in a field is a shell's"
ex --shell 'printf "%s:" "$BF_a" "$BF_b" "$BF_c" "$BF_d"' <nasty
is "$(jq -r .response.text out)$(ls hacked 2>&1)" "$(jq -r '"\(.a):\(.b):\(.c):\(.d):"' nasty)ls: cannot access 'hacked': No such file or directory" \
	"nor with --shell"
echo '{"LEDGER":"/x","ENDPOINT":"y","Ok":"z","not-one":1,"1st":2,"sub":{"a": [1]}}' >names
ex --shell 'env | grep ^BF_ | sort' <names
is "$(jq -r .response.text out | grep -v ^BF_SOAK)" 'BF_Ok=z
BF_sub={"a":[1]}' "variables have names as shells take them, and none that bf commands heed"
jq -nc '{id: 1, big: ("x" * 120000), small: "y"}' >big
ex --shell 'echo "${#BF_big} $BF_small $(wc -c)"' <big
is "$(texts)" "0 y $(wc -c <big)," "what is too long for a variable is on standard input alone"
ex --fields 'id,t=text' --shell 'cat; echo "$BF_t$BF_n"' <in
is "$(jq -r .response.text out | head -2)" "{\"id\":1,\"t\":\"a\\u00e9 1\"}
aé 1" "--fields: these alone"
ex true <in
is "$status $(texts)" "0 ,,," "no output is an answer, too"
printf '{"t":"a"}\n{"t":"b\\\\n"}\n' >ends
ex sh -c 'printf "%s\n\n" "$BF_t"' <ends
is "$(jq -c .response out)" '{"text":"a\n"}
{"text":"b\\n\n"}' "one newline at the end goes"
echo '{"id":1,"response":{"text":"old"},"error":{"class":"exit"}}' >again
ex jq -c keys <again
is "$(texts)$(jq -c keys out)" '["id","response"],["id","response"]' "a former error is not seen, and removed"
ex -f json cat <in
is "$status" 2 "an option it does not know"
ex ls -d / <in
is "$status $(texts)" "0 /,/,/," "the command's options are its own"

# ---- the ledger ----

ex -l /proc/no/such cat <in
is "$status $(jq -r .incomplete.status out)" "2 2" "a ledger that cannot be made: what is put out does not look whole"

rm -rf .bf runs
ex sh count.sh <in
mv out first
is "$(runs)" 3 "each is run"
ex sh count.sh <in
is "$(runs)" 3 "and not again"
same first out "with the same output"
{ echo '{"id":0}'; sed 's/^{/{ /; s/\\u00e9/é/' in; } >more
ex sh count.sh <more
is "$(runs) $(wc -l <out)" "4 4" "another line before it is one run, another spelling none"
ex sh -c 'echo x >>runs' <in
is "$(runs)" 7 "another command is another key"
ex --fields id sh count.sh <in
is "$(runs)" 10 "and so is what it sees"
sed 's/"n":1.0/"n":2/' in >changed
ex --fields id sh count.sh <changed
is "$(runs)" 10 "what it does not see does not count"
cat in in in >thrice
ex sh -c 'echo y >>runs; cat' <thrice
is "$(runs) $(wc -l <out)" "13 9" "the same at the same time is one run"
ex --no-ledger sh count.sh <in
is "$(runs)" 16 "--no-ledger"
ex --refresh sh count.sh <in
is "$(runs)" 19 "--refresh"
run bf-exec --plan sh count.sh <in
is "$status $(cat out)" "0 3 entries: 0 to ask, 3 from the ledger, 0 the same as others" "--plan"
run bf-exec --plan sort <in
is "$status $(cat out)" "1 3 entries: 3 to ask, 0 from the ledger, 0 the same as others" "of what was not run yet"
is "$(bf-ledger stat --json | jq -c '.endpoints // .models | length > 0')" true "bf-ledger tells of it"
key=$(bf-ledger cat | head -1 | jq -r .k)
bf-ledger show "$key" >shown
is $? 0 "and shows it"

# ---- failures ----

ex --errors e --shell 'echo "said $BF_id" >&2; exit $((BF_id - 1))' <in
is "$status $(texts)" "1 ," "status 1 where some fail"
is "$(jq -c '[.id, .error]' e | tr '\n' ' ')" \
	'[2,{"class":"exit","message":"exit status 1: said 2","attempts":1}] [3,{"class":"exit","message":"exit status 2: said 3","attempts":1}] ' \
	"the error has the exit status and what was said"
ex --errors e --shell 'kill -9 $$' <in
is "$status $(jq -c .error.message e | head -1)" '1 "killed by signal 9 (Killed)"' "death by a signal"
ex --errors e --shell 'printf "a\377b"' <in
is "$status $(jq -r .error.class e | head -1)" "1 bad_answer" "garbage is no answer"
ex --errors e --timeout 200ms --shell 'trap "" TERM; sleep 1000 & echo $! >>pids; echo $$ >>pids; wait; while :; do sleep 1000; done' < <(head -1 in)
is "$status $(jq -r .error.class e)" "1 timeout" "a command that hangs, and heeds no TERM"
# Which of the processes in pids go on.
go_on() {
	for p in $(cat pids); do
		case $(ps -o stat= -p "$p") in '' | Z*) ;; *) echo "$p" ;; esac
	done
}
is "$(go_on)" "" "is killed with all that it started"
rm pids
ex --shell 'sleep 1000 & echo $! >>pids; echo "$BF_id"' <in
is "$status $(texts)" "0 1,2,3," "one that leaves something behind has ended all the same"
is "$(wc -l <pids) $(go_on)" "3 " "and what it left is killed"
rm -f tries
ex --attempts 3 --shell 'echo >>tries; [ $(wc -l <tries) -gt 2 ] && echo good' < <(head -1 in)
is "$status $(texts) $(wc -l <tries)" "0 good, 3" "--attempts: run again"
ex -q nosuch-command <in
is "$status $(cat err)" "2 bf-exec: nosuch-command: No such file or directory" "no such command ends the run"
is "$(tail -1 out)" '{"incomplete":{"by":"bf-exec","why":"nosuch-command: No such file or directory","status":2}}' "and marks the output"
ex --errors e echo '{nofield}' <in
is "$status $(jq -r '.error.class + " " + .error.message' e | head -1)" "1 bad_request no field for the word {nofield}" "a field that is not there"
echo '{"text":"a\u0000b"}' >nul
ex --errors e echo '{text}' <nul
is "$status $(jq -r '.error.class' e)" "1 bad_request" "a NUL is in no argument"
jq -nc '{id: 1, text: ("x" * 3000000)}' >huge
ex --errors e true '{text}' <huge
is "$status $(jq -r '.error.class' e)" "1 too_large" "an argument that is too long"
ex wc -c <huge
is "$status $(texts)" "0 $(wc -c <huge)," "which standard input is not for"
ex --shell 'head -c 3000000 /dev/zero | tr "\0" x' < <(head -1 in)
is "$status $(jq -r '.response.text | length' out)" "0 3000000" "long output"
ex --errors e --shell 'cat /dev/zero | tr "\0" x' < <(head -1 in)
is "$status $(jq -r '.error.class' e)" "1 too_large" "endless output is cut off"
ex --errors e --timeout 500ms --shell 'cat /dev/zero | tr "\0" x >&2' < <(head -1 in)
is "$status $(jq -r '.error.class' e)" "1 timeout" "endless errors end with the time"
ex --fail-over 50% false < <(seq 100 | sed 's/.*/{"id":&}/')
is "$status" 75 "--fail-over"
ex --abort-on exit false <in
is "$status" 75 "--abort-on"
ex --abort-on server false <in
is "$status" 2 "which knows its own classes alone"
ex --max-calls 2 sh -c 'cat; echo calls' <in
is "$status $(tail -1 out)" '75 {"incomplete":{"by":"bf-exec","why":"call budget reached","status":75}}' "--max-calls"

# Slow ones first: the order is the input's; a gate that the last one opens.
rm -f gate
mkfifo gate
for i in 1 2 3 4; do echo "{\"id\":$i}"; done >four
ex -j 4 --shell 'case $BF_id in 1) cat gate ;; 4) echo late >gate ;; esac; echo "$BF_id"' <four
is "$(jq -c .id out | tr '\n' ' ')" "1 2 3 4 " "the order is the input's, though the first waits for the last"
ex -j 4 --unordered --shell 'case $BF_id in 1) cat gate ;; 4) echo late >gate ;; esac; echo "u$BF_id"' <four
is "$(jq -c .id out | sort | tr '\n' ' ')$(jq -c .id out | head -1 | grep -c 1)" "1 2 3 4 0" "--unordered: as they end"

# ---- --server ----

cat >server.py <<'E'
import sys, json, os
open('servers', 'a').write('x\n')
for line in sys.stdin:
    e = json.loads(line)
    if e.get('die'):
        if e['die'] == 'quietly': sys.exit(0)
        os.kill(os.getpid(), 9)
    if e.get('hang'):
        import time; time.sleep(1000)
    if e.get('twice'):
        sys.stdout.write('one\ntwo\n'); sys.stdout.flush(); continue
    if e.get('binary'):
        sys.stdout.flush(); sys.stdout.buffer.write(b'\xff\n'); sys.stdout.flush(); continue
    print('answer to', e['id'], flush=True)
E
seq 100 | sed 's/.*/{"id":&}/' >many
ex -j 3 --server python3 server.py <many
is "$status $(jq -r '.response.text == "answer to \(.id)"' out | sort | uniq -c | tr -s ' ')" "0  100 true" "--server: a line for each line"
is "$(wc -l <servers)" 3 "of as many as -j says"
: >servers
ex -j 3 --server python3 server.py <many
is "$(wc -l <servers)" 0 "which a rerun does not start"
printf '%s\n' '{"id":1}' '{"id":2,"die":"loudly"}' '{"id":3}' '{"id":4,"twice":true}' '{"id":5,"binary":true}' '{"id":6}' >bad
ex -j 1 --errors e --server python3 server.py <bad
is "$status $(texts)" "1 answer to 1,answer to 3,answer to 6," "one that dies or babbles is started anew"
is "$(jq -r '"\(.id) \(.error.class)"' e | tr '\n' ,)" "2 signal,4 bad_answer,5 bad_answer," "and its entry fails"
ex -j 1 --timeout 200ms --errors e --server python3 server.py <<<'{"id":7,"hang":true}'
is "$status $(jq -r .error.class e)" "1 timeout" "one that hangs has its time"
ex -j 1 --server sh -c 'read l; echo once' <many
is "$status $(texts | tr -d 'once')" "0 $(seq 100 | tr -d '0-9' | tr '\n' ,)" "one that serves a line each time is started again"
ex --server echo '{id}' <in
is "$status $(cat err)" "2 bf-exec: {id}: a server gets its entries by lines, and no fields as arguments" "it takes no fields as arguments"
ex -j 1 --server sh -c 'while read -r l; do echo "$l"; done; echo ended >>served' <in
is "$status $(cat served)" "0 ended" "at the end it sees the end of its input, and is waited for"

# ---- killed ----

cat >slow.sh <<'E'
echo "$BF_id" >>started
[ -e slow ] && sleep 0.02
echo "done $BF_id"
E
seq 400 | sed 's/.*/{"id":&}/' >entries
rm -rf .bf started
touch slow
bf-exec -q -j 4 sh slow.sh <entries >out 2>err &
pid=$!
until [ "$(wc -l <started 2>/dev/null || echo 0)" -gt 50 ]; do kill -0 $pid || break; done 2>/dev/null
kill -9 $pid
wait $pid 2>/dev/null
rm slow
before=$(wc -l <started)
ex -q -j 4 sh slow.sh <entries
is "$status $(wc -l <out)" "0 400" "kill -9 and rerun"
like "$(cat err)" "bf-exec: a run that was killed (*) left * call* unfinished: * sh" "which says how many there were"
again=$(($(wc -l <started) - 400))
[ "$before" -gt 40 ] && [ $again -le 4 ]
ok $? "at most what was in flight is run twice ($again of $before)"
touch slow
rm -rf .bf
: >started
bf-exec -j 4 sh slow.sh <entries >out 2>err &
pid=$!
until [ "$(wc -l <started)" -gt 20 ]; do :; done
kill -TERM $pid
wait $pid 2>/dev/null
is $? 143 "TERM: death by it"
n=$(($(wc -l <out) - 1))
like "$(tail -1 out)" '{"incomplete":{"by":"bf-exec","why":"terminated","status":143}}' "after what is in flight"
rm slow
: >started
ex -q -j 4 sh slow.sh <entries
is "$(($(wc -l <started) + n))" 400 "of which nothing is run again"

# ---- many ----

seq 10000 | sed 's/.*/{"id":&}/' >entries
ex -q --server cat <entries
is "$status $(jq -c '.response.text == "{\"id\":\(.id)}"' out | sort | uniq -c | tr -s ' ')" "0  10000 true" "10,000 entries through a server"
[ -n "${BF_SOAK:-}" ] || head -500 entries >some
[ -z "${BF_SOAK:-}" ] || cp entries some
ex -q cat <some
is "$status $(wc -l <out)" "0 $(wc -l <some)" "and $(wc -l <some) through a command each"

# ---- options ----

for bad in '' '--shell' '--shell a b' '--shell --server a' '--timeout 0 a' '-j 0 a' '--fields , a' '--attempts 0 a'; do
	# shellcheck disable=SC2086
	run bf-exec $bad <in
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $bad"
done

done_testing
