#!/bin/bash
# bf-human: entries answered by a person at a terminal, or in a file.
. "$(dirname "$0")/../lib.sh"
export XDG_STATE_HOME=$TMP/state LOGNAME=ada
unset VISUAL EDITOR
pty=$BUILD/tests/pty

# at CMD...: the script is standard input; what the terminal shows goes to shown
at() {
	cat >script
	status=0
	"$pty" -t "${BF_PTY_SECONDS-120}" -o shown script "$@" >out 2>err || status=$?
	[ "$status" != 99 ] || sed 's/^/# /' err
}
texts() { jq -r 'select(.response).response.text' "${1:-out}" | tr '\n' ,; }
asked() { grep -c '^\[[0-9]*\] ' shown; }
yn=(--ask 'Is {text} good?' --choice 'yes,no,?=not sure')

for i in 1 2 3 4; do echo "{\"id\":$i,\"n\":1.0,\"text\":\"t$i\",\"l\":[1, 2]}"; done >in

# ---- one key ----

at bf-human "${yn[@]}" in <<'E'
expect [1] in:1\r\nid: 1\r\nn: 1.0\r\ntext: t1\r\nl: [1,2]\r\nIs t1 good?\r\n[y yes, n no, ? not sure, - skips, q quits] 
changed
send y
expect yes\r\n
expect [2] in:2
expect quits] 
send ?
expect not sure\r\n
expect [3] in:3
expect quits] 
send n
expect [4] in:4
expect quits] 
send n
ended
same
E
is "$status $(texts)" "0 yes,not sure,no,no," "a key answers, and the terminal is as it was"
is "$(sed 's/,"response".*/}/' out)" "$(cat in)" "the entry is untouched but for its response"
is "$(jq -c .response out | head -1)" '{"text":"yes"}' "which is the answer's text"
like "$(cat err)" "bf-human: 4 entries: 4 answers (4 calls, 0 from the ledger), 0 failed; *" "it is summed up"
mv out first
run setsid -w bf-human "${yn[@]}" <in
is "$status $(cat err | grep -c terminal)" "0 0" "a rerun needs no terminal"
same first out "and puts out the same bytes"
run bf-human "${yn[@]}" --plan in
is "$status $(cat out)" "0 4 entries: 0 to ask, 4 from the ledger, 0 the same as others" "--plan"
run bf-human "${yn[@]}" --as grace --plan in
is "$status $(cat out)" "1 4 entries: 4 to ask, 0 from the ledger, 0 the same as others" "another person has answers of their own"
run bf-human --ask 'Was {text} good?' --choice 'yes,no,?=not sure' --plan in
is "$status" 1 "another question is another key"
run bf-human --ask 'Is {text} good?' --choice 'yes,no' --plan in
is "$status" 1 "so are other choices"
run bf-human --ask 'Is {text} good?' --choice 'Y=yes,N=no,u=not sure' --plan in
is "$status" 0 "other keys are not"
run bf-human "${yn[@]}" --show text --plan in
is "$status" 1 "and so is what is seen"
sed 's/"n":1.0/"n":1.00/' in >changed
run bf-human "${yn[@]}" --plan changed
is "$(sed 's/ .*//' out; grep -o '[0-9]* to ask' out)" "4
4 to ask" "a changed field that is seen counts"
is "$(bf-ledger cat | jq -c '[.model,.endpoint,.res]' | head -1)" '["ada","human",{"answer":"yes"}]' "the ledger has who answered what"
like "$(bf-ledger show "$(bf-ledger cat | head -1 | jq -r .k)")" "*ada at human*text:*yes" "and shows it"
is "$(bf-ledger grep 'not sure' | wc -l)" 1 "and finds it"

rm -rf .bf
at bf-human --choice 'q=quick,-=dash,é=acute' --show id in <<'E'
expect [q quick, - dash, é acute, Tab skips, Ctrl-D quits] 
send Zz\x1b[A
expect \x07
send \x1bq\x1b[1;2q\x1bOqé-
expect [2]
expect quits] 
send q
expect [3]
expect quits] 
send -
expect [4]
expect quits] 
send \t
ended
same
E
is "$status $(texts)" "75 acute,quick,dash," "any key may be a choice's; arrows and Alt are none, and the first key counts"
is "$(tail -1 out)" '{"incomplete":{"by":"bf-human","why":"1 entry is left for a later run","status":75}}' "what is skipped is missing, and that is marked"
like "$(cat err)" "*4 entries: 3 answers (4 calls, 0 from the ledger), 0 failed, 1 left; *" "and told"

for bad in 'yes,yellow' 'yes,yes' 'yes,,no' '' 'y=' ' a' 'a=1,a=2' 'x,x=y'; do
	run bf-human --choice "$bad" in
	is "$status $(wc -l <err)" "2 1" "--choice '$bad' is refused"
done
run bf-human --choice 'yes,yellow' in
like "$(cat err)" '*--choice: "yes" and "yellow" both have the key y: name keys, as in y=yes*' "and it is said what to do"
for bad in '--choice a,b --line' '--choice a,b --editor' '--line --editor' '--text x' '--choice a,b --allow-empty' '--as=' '--ask {' '-j 2' '--attempts 2' '--timeout 2'; do
	# shellcheck disable=SC2086
	run bf-human $bad in
	is "$status $(wc -l <err)" "2 1" "$bad: a usage error"
done

# ---- a line ----

rm -rf .bf
at bf-human --ask 'Who?' --show text in <<'E'
expect [1] in:1\r\ntext: t1\r\nWho?\r\n(- alone skips, Ctrl-D quits)\r\n> 
send \n
expect That is empty.\r\n> 
send Zoë\x7fé "Ada"\\\nstray\n
expect [2] in:2\r\ntext: t2\r\nWho?\r\n> 
send \\-\n
expect [3]
expect > 
send a\xff\n
expect That is not UTF-8.\r\n> 
send -\n
expect [4]
expect > 
send first\nsecond\n
ended
same
E
is "$status $(texts)" '75 Zoé "Ada"\,-,first,' "a line answers; - skips, \\- is a dash; what is typed too early does not count"
at bf-human --ask 'Who?' --show text --allow-empty in <<'E'
expect [1] in:3
expect > 
send \n
ended
E
is "$status $(jq -c .response out | tr '\n' ' ')" '0 {"text":"Zoé \"Ada\"\\"} {"text":"-"} {"text":""} {"text":"first"} ' "--allow-empty"
is "$(asked)" 1 "and only what is missing was asked"

# ---- the editor ----

rm -rf .bf
cat >ed <<'E'
case $(cat "$1") in
'draft t1') ls -l "$1" | cut -c1-10 >mode; echo "$1" >path; printf 'two\nlines\n' >"$1" ;;
'draft t2') exit 3 ;;
'draft t3') [ -e once ] || { touch once; : >"$1"; exit; }; cp "$1" other; printf 'new\n\n' >other; mv other "$1" ;;
*) printf 'a\377' >"$1" ;;
esac
[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && touch terminal
E
export EDITOR="sh '$TMP/ed'"
at bf-human --editor --text 'draft {text}' --ask Better? in <<'E'
expect Better?\r\n[Enter edits, - skips, q quits] 
send \r
expect [2]
expect quits] 
send \n
expect the editor ended with status 3\r\n[Enter edits, - skips, q quits] 
changed
send -
expect [3]
expect quits] 
send \r
expect the text is empty\r\n[Enter
expect quits] 
send \r
expect [4]
expect quits] 
send \r
expect the text is not UTF-8
expect quits] 
send q
ended
same
E
is "$status $(jq -c 'select(.response).response.text' out | tr '\n' ' ')" '75 "two\nlines" "new\n" ' "--editor: what is saved is the answer, without the newline at its end"
is "$(cat mode) $(ls terminal) $(ls "$(cat path)" 2>&1 | grep -c 'No such')" "-rw------- terminal 1" "the file is the user's alone, at the terminal, and gone afterwards"
VISUAL=false at bf-human --editor --text 'draft {text}' --ask Better? in <<'E'
expect [1] in:2
expect quits] 
send \r
expect the editor ended with status 1
expect quits] 
send \x04
ended
same
E
is "$status" 75 "VISUAL comes first; Ctrl-D quits"
VISUAL=true at bf-human --editor --text 'draft {text}' --ask Better? in <<'E'
expect [1] in:2
expect quits] 
send \r
expect [2]
expect quits] 
send q
ended
E
is "$(texts)" "two,lines,draft t2,new,," "a text that is left as it was is an answer"
is "$(jq -r 'select(.response).response.text' out | sed -n 3p)" "draft t2" "namely that text"
cat >slow <<'E'
echo editing >/dev/tty
read -r x </dev/tty
echo "$x" >"$1"
E
rm -rf .bf
VISUAL="sh '$TMP/slow'" at bf-human --editor in <<'E'
expect quits] 
send \r
expect editing
signal TERM
send said\n
ended
same
E
is "$status $(texts)" "143 said," "TERM waits for the editor, and keeps what was written"
cat >slow <<'E'
trap 'touch trapped' INT
echo editing >/dev/tty
until [ -e trapped ]; do sleep 0.01; done
echo "went on" >"$1"
E
VISUAL="sh '$TMP/slow'" at bf-human --editor in <<'E'
expect [1] in:2
expect quits] 
send \r
expect editing
send \x03
expect [2]
expect quits] 
send q
ended
same
E
is "$status $(texts)" "75 said,went on," "Ctrl-C in the editor is the editor's"
cat >slow <<'E'
kill -TSTP 0
echo "went on" >"$1"
E
VISUAL="sh '$TMP/slow'" at bf-human --editor in <<'E'
expect [1] in:3
expect quits] 
send \r
stopped
same
signal CONT
expect [2]
expect quits] 
send q
ended
same
E
is "$status $(texts)" "75 said,went on,went on," "Ctrl-Z in it stops both"

# ---- ends ----

rm -rf .bf
at bf-human "${yn[@]}" in <<'E'
expect [1]
expect quits] 
send y
expect [2]
expect quits] 
send q
ended
same
E
is "$status $(texts)" "75 yes," "q quits, and keeps what was answered"
is "$(tail -1 out)" '{"incomplete":{"by":"bf-human","why":"quit: the next run asks what is left","status":75}}' "the output is marked"
for end in 'send \x03:130' 'signal INT:130' 'signal TERM:143' 'signal HUP:75' 'hangup:75' 'signal QUIT:131' 'send \x04:75'; do
	at bf-human --choice yes,no --as "${end%%:*}" in <<E
expect [1]
expect quits] 
send y
expect [2]
expect quits] 
changed
${end%:*}
ended
$([ "$end" = hangup:75 ] || echo same)
E
	is "$status" "${end##*:}" "${end%:*}: status ${end##*:}, and the terminal is as it was"
	[ "$status" = 131 ] || is "$(texts) $(tail -1 out | jq -c 'has("incomplete")')" "yes, true" "${end%:*}: answers are kept, the end is marked"
	run setsid -w bf-human --choice yes,no --as "${end%%:*}" in
	is "$(texts)" yes, "${end%:*}: and the answer is in the ledger"
done
for mode in '--line' '--choice a,b'; do
	# shellcheck disable=SC2086
	at bf-human $mode --as "$mode" in <<'E'
expect [1]
expect quits
send \x1a
stopped
same
signal CONT
expect [1] in:1\r\n
expect l: [1,2]\r\n
changed
send a
send \n
expect [2]
send \x03
ended
same
E
	is "$status $(texts)" "130 a," "$mode: Ctrl-Z stops it with the terminal as it was; then it asks again"
done
at bf-human --choice yes,no --as killed in <<'E'
expect [1]
expect quits] 
send y
expect [2]
expect quits] 
send n
expect [3]
signal KILL
ended
E
is "$status" 137 "killed after two answers"
at bf-human --choice yes,no --as killed in <<'E'
expect [1] in:3
expect quits] 
send n
expect [2] in:4
expect quits] 
send n
ended
same
E
is "$status $(texts) $(asked)" "0 yes,no,no,no, 2" "loses none of them"
like "$(cat err)" "*a run that was killed * left 1 call unfinished: 1 killed*" "and that is told"
at bash -c 'bf-human --choice yes,no --as pipe in | head -c 1 >/dev/null; echo ${PIPESTATUS[0]}' <<'E'
expect [1]
expect quits] 
send y
expect [2]
ended
same
E
is "$(cat out)" 141 "nobody is asked for a reader who went away"
at bf-human --choice yes,no --as late --deadline 200ms in <<'E'
expect [1]
ended
same
E
is "$status" 75 "nor after the deadline"
at bf-human --choice yes,no --as few --max-calls 1 in <<'E'
expect quits] 
send y
ended
same
E
is "$status $(texts)" "75 yes," "--max-calls"
at bf-human --choice yes,no --as held in <<'E'
expect quits] 
send \x13y
signal TERM
ended
same
E
is "$status" 143 "TERM ends it where Ctrl-S holds the terminal, too"
cat in in >twice
at bf-human --choice yes,no --as twice twice <<'E'
expect [1]
expect quits] 
send y
expect [2]
expect quits] 
send -
expect [3]
expect quits] 
send y
expect [4]
expect quits] 
send y
ended
E
is "$status $(texts) $(asked)" "75 yes,yes,yes,yes,yes,yes, 4" "the same question is asked once, also where it is skipped"
run setsid -w bf-human "${yn[@]}" --as nobody in
is "$status $(wc -l <out)" "2 1" "without a terminal nothing is asked"
like "$(cat err)" "*: no terminal to ask at (--export writes the questions to a file, --import takes the answers from one): /dev/tty: *" "and it is said what to do"
run setsid -w bf-human "${yn[@]}" --as nobody --cached-only --errors e in
is "$status $(jq -r .error.class e | sort -u)" "1 not_cached" "--cached-only asks nobody"
run bf-human --ask '{nofield}' --errors e in
is "$status $(jq -r .error.class e | sort -u)" "1 bad_request" "a field that the question lacks fails its entry"
at bf-human --choice yes,no --as again --errors e e <<'E'
expect [1] e:1\r\nid: 1\r\nn: 1.0\r\ntext: t1\r\nl: [1,2]\r\n[y
send -
expect [2]
expect quits] 
send q
ended
E
is "$status" 75 "an error of a former run is not shown"
at bash -c 'cat in | bf-human --choice yes,no --as pipes | cat; echo "${PIPESTATUS[1]}"' <<'E'
expect [1] <stdin>:1
expect quits] 
send y
expect [2]
expect quits] 
send \x04
ended
same
E
is "$(texts <(grep id out)) $(tail -1 out)" "yes, 75" "in the middle of a pipe"

# ---- what is shown ----

printf '%s\n' '{"a":"\u001b[2J\u001b]0;x\u0007\u009b31m\u202eabc\r\u0000","b\u001b[1m":{"x":"\u001b"},"c":"one\ntwo\tx\n","big":12345678901234567890.0,"e":""}' >hostile
at bf-human --ask '{a} ok?' --choice "a,b=$(printf 'x\033y')" hostile <<'E'
expect quits] 
send b
ended
E
is "$(tr -d '[:print:]\r\n' <shown | wc -c)" 0 "nothing in an entry drives the terminal"
is "$(tr -d '\r' <shown)" '
[1] hostile:1
a: \x1b[2J\x1b]0;x\x07\x9b31m\u202eabc\x0d\x00
b\x1b[1m: {"x":"\u001b"}
c:
one
two     x
big: 12345678901234567890.0
e: 
\x1b[2J\x1b]0;x\x07\x9b31m\u202eabc\x0d\x00 ok?
[a a, b x\x1by, - skips, q quits] x\x1by' "it is shown as it is"
is "$(jq -c .response out)" '{"text":"x\u001by"}' "the answer is the choice's"
jq -nc '{t: ("x" * 300000)}' >long
at bf-human --choice a,b long <<'E'
expect xxx\r\n[a
send a
ended
E
is "$status $(tr -dc x <shown | wc -c)" "0 300000" "a long text is shown whole"

# ---- files ----

rm -rf .bf
at bf-human "${yn[@]}" in <<'E'
expect [1]
expect quits] 
send y
expect [2]
expect quits] 
send q
ended
E
run setsid -w bf-human "${yn[@]}" --export todo in
is "$status $(texts) $(tail -1 out | jq .incomplete.status)" "75 yes, 75" "--export: what is answered goes out, the rest is left"
like "$(cat err)" "*4 entries: 1 answer (0 calls, 1 from the ledger), 0 failed, 3 left; *" "and nobody was asked"
is "$(sed 's/"key":"[0-9a-f]*",//' todo | head -1)" '{"question":"Is t2 good?","id":2,"n":1.0,"text":"t2","l":[1, 2],"choices":["yes","no","not sure"],"answer":""}' "the file has the questions"
is "$(jq -r .id todo | tr '\n' ,) $(ls -l todo | cut -c1-10)" "2,3,4, -rw-------" "in order, for the user alone"
jq -c 'if .id == 2 then .answer = "no" elif .id == 3 then .answer = null else . end' todo >done
run setsid -w bf-human "${yn[@]}" --import done in
is "$status $(texts)" "75 yes,no," "--import: what is answered there is an answer, null and \"\" are none"
run setsid -w bf-human "${yn[@]}" --export todo in
is "$(jq -r .id todo | tr '\n' ,)" "3,4," "the next file has the rest"
bf-save -q todo.csv <todo
sed '2s/""*$/yes/; 2s/,$/,yes/; 3s/""*$/no/; 3s/,$/,no/' todo.csv >done.csv
bf-read done.csv >done
run setsid -w bf-human "${yn[@]}" --import done in
is "$status $(texts)" "0 yes,no,yes,no," "by way of a spreadsheet"
run setsid -w bf-human "${yn[@]}" in
is "$status $(texts)" "0 yes,no,yes,no," "and they are in the ledger"
run setsid -w bf-human "${yn[@]}" --import done in
like "$status $(cat err)" "0 *done: 2 answers are not taken: the ledger has answers to these already" "those that were answered already are counted"
run setsid -w bf-human "${yn[@]}" --as grace --import done --export more in
like "$status $(cat err)" "75 *done: 2 answers are to no entry of this run: *--as may differ" "and those that are unknown"
is "$(wc -l <more)" 4 "what a file does not answer goes to the other"
run setsid -w bf-human "${yn[@]}" --export todo in
is "$status $(wc -c <todo)" "0 0" "nothing is left: an empty file, status 0"
cat in in >twice
run setsid -w bf-human "${yn[@]}" --as twice --export todo twice
is "$(wc -l <todo)" 4 "the same question is written once"
run setsid -w bf-human "${yn[@]}" --as cut --export todo in <<<'' -- - /nonexistent
is "$status $(wc -l <todo) $(ls todo.partial)" "2 4 todo.partial" "questions of an input that is cut do not replace the file"
rm todo.partial
printf '%s\n' '{"key":1,"question":2,"choices":3,"proposal":4,"answer":5,"x":6}' >names
run setsid -w bf-human --export todo --show 'key,question,choices,proposal,answer,x' names
is "$(jq -c 'del(.key)' todo)" '{"entry.key":1,"entry.question":2,"entry.choices":3,"entry.proposal":4,"entry.answer":5,"x":6,"answer":""}' "fields with names of ours are renamed"
export EDITOR=false
run setsid -w bf-human --editor --text 'draft {text}' --show id --export todo in
is "$(jq -c 'del(.key)' todo | head -1)" '{"id":1,"proposal":"draft t1","answer":""}' "the editor's text is there"

jq -c '.answer = "yes"' more >good
bad() { # NAME MESSAGE: file bad is refused
	run setsid -w bf-human "${yn[@]}" --as grace --import bad in
	is "$status $(cat err)" "2 bf-human: $2" "$1"
	is "$(cat out)" '{"incomplete":{"by":"bf-human","why":"the file of --import is not usable","status":2}}' "$1: and the output is marked"
}
{ head -1 good; sed -n '2s/"yes"}$/"Yes"}/p' good; } >bad
bad "an answer that is no choice" 'bad:2: "answer": "Yes" is none of the choices, which are yes, no, not sure'
{ cat good; sed -n '2s/"yes"}$/"no"}/p' good; } >bad
bad "two answers to one question" 'bad:5: "answer" is another than in line 2, which has the same key'
sed '1s/"answer":"yes"/"answer":1/' good >bad
bad "an answer that is no string" 'bad:1: "answer" is no string: put it in quotes'
sed '1s/"answer"/"antwort"/' good >bad
bad "a line without an answer" 'bad:1: no "answer": is it a file of --export?'
sed '1s/"key"/"Key"/' good >bad
bad "a line without a key" 'bad:1: no "key", a string: is it a file of --export?'
sed '3s/"key":"../"key":"/' good >bad
bad "a key that was changed" 'bad:3: "key" is not 32 hex digits, as --export wrote them'
echo '{x' >bad
bad "no JSON" 'bad:1: unexpected character'
echo '{"incomplete":{"by":"bf-read","why":"interrupted","status":130}}' >bad
bad "an incomplete file" 'bad:1: the file is incomplete'
rm bad
bad "no such file" 'bad: No such file or directory'
{ cat good; sed -n '2s/"yes"}$/"no"}/p' good; echo x; sed '1s/"yes"}$/"maybe"}/;2,$d' good; echo '{"key":"","answer":""}'; } >bad
run setsid -w bf-human "${yn[@]}" --as grace --import bad --keep-going in
is "$status $(texts) $(grep -c ^bf-human:.bad err)" "75 yes,yes,yes, 3" "--keep-going tells of each, and takes the others"
cat good good >bad
run setsid -w bf-human "${yn[@]}" --as grace --import bad in
is "$status $(texts)" "0 yes,yes,yes,yes," "the same answer twice is one"
{ cat good; echo x; } >bad
run setsid -w bf-human "${yn[@]}" --as grace --import bad --keep-going in
is "$status" 1 "where all is answered, --keep-going ends with 1"
run setsid -w bf-human "${yn[@]}" --export /nonexistent/x in
is "$status $(jq -c .incomplete.status out)" "2 2" "a file that cannot be written"
run setsid -w bf-human "${yn[@]}" --as full --export /dev/full in
is "$status" 2 "nor this one"
run bf-human "${yn[@]}" --as plan --export never --import never --plan in
is "$status $(ls never 2>&1 | grep -c 'No such')" "1 1" "--plan reads and writes none"

done_testing
