#!/bin/sh
. "$(dirname "$0")/../lib.sh"

# vote ARGS...: as run, of what stands in the file in
vote() { run bf-vote -q "$@" in; }
# gives NAME: standard input is what came out, with status 0 and no message
gives() {
	cat >want
	same want out "$1"
	is "$status $(cat err)" "0 " "... quietly"
}

cat >in <<'E'
{"id":"a","sample":0,"x":"é", "v": "no"}
{"id":"a","sample":1,"x":1,"v":"yes"}
{"id":"\u0061","sample":2,"x":2,"v":"\u0079es"}
{"id":"b","v":{"k":1,"l":[]}}
{"id":"b","v":{"l":[ ],"k":1}}
{"id":"c","v":1}
{"id":"c","v":"1"}
{"id":"c","v":2}
{"id":"c","v":2.0}
{"id":"d","v":null}
E
vote v
gives "the first of those that most agree with" <<'E'
{"id":"a","x":1,"v":"yes","votes":{"for":2,"of":3,"agreement":0.6667}}
{"id":"b","v":{"k":1,"l":[]},"votes":{"for":2,"of":2,"agreement":1}}
{"id":"c","v":1,"votes":{"for":1,"of":4,"agreement":0.25,"tie":true}}
{"id":"d","v":null,"votes":{"for":1,"of":1,"agreement":1}}
E
run bf-vote v in
is "$(cat err)" "bf-vote: 4 questions: 2 unanimous, 1 ties" "and says how it went"
vote --min 0.5 v
is "$status $(jq -c .id out | tr '\n' ' ')$(cat err)" '1 "a" "b" "d" bf-vote: in:10: no_majority: 1 of 4 agree' "--min"
vote --min 60% --errors errors v
is "$status $(jq -c '[.id, .error.class]' errors)" '1 ["c","no_majority"]' "--errors"
printf '{"q":{"n":1},"v":{"s":1}}\n{"q":{"n":1},"v":{"s":1}}\n{"q":{"n":2},"v":{"s":1}}\n' >in
vote --by q.n v.s
is "$status $(jq -c .votes.of out | tr '\n' ' ')" "0 2 1 " "--by, and paths"

# --number
# number NUMBER TEXT: what is found in it
number() {
	jq -Rsc '{id: 1, v: .}' <<E >in
$2
E
	vote --number v
	is "$(sed 's/.*"number":\([^,}]*\).*/\1/' out)" "$1" "--number: $2"
}
number 72 'The answer is 72.'
number 72 '5 and 67 make 72.0'
number 1234.5 'It costs $1,234.50'
number 1234567 '1,234,567 people'
number 34 '12,34'
number 2345 '1,2345'
number -5 'minus: -5'
number -5.25 'is -$5.250'
number -3 'is −3'
number 0 '-0.00'
number 0.05 '0.050'
number 500 '5e2'
number 0.005 '5.0E-3'
number 7 '007'
number 2 'x2'
number 3 '1/3'
number 50 '50%'
number 12345678901234567890.1 '12345678901234567890.10'
number 1e20000 '10e19999'
printf '{"id":1,"v":%s}\n' 1e1 '"10.0"' '"it is 10"' '"none"' >in
vote --number v
is "$(cat out)" '{"id":1,"v":1e1,"votes":{"for":3,"of":4,"agreement":0.75,"number":10}}' "numbers and texts, one without"
run bf-vote --number v in
is "$(tail -n 1 err)" "bf-vote: answers without a number, which do not count: 1" "which is told"
printf '{"id":1,"v":"x"}\n{"id":1,"v":"y"}\n{"id":2,"v":1}\n' >in
vote --number v
is "$status $(jq -c .id out) $(cat err)" "1 2 bf-vote: in:3: no_vote: none of the answers holds a number" "none at all"

# bad entries, streams that are cut
printf '{"id":1,"v":1}\n{"id":2,"v":1}\n{"id":1,"v":1}\n' >in
vote v
is "$status $(cat err)" "2 bf-vote: in:3: the question 1 comes again: bf-shuffle --by puts its answers together" "a question that comes again"
bf-shuffle --by id in >x && mv x in
vote v
is "$status $(jq -s -c 'map(.votes.of) | sort' out)" "0 [1,2]" "and together"
printf '{"id":1,"v":1}\n{"id":1}\n{"v":1}\n{"id":1,"v":1}\n' >in
vote v
is "$status $(cat err)" "2 bf-vote: in:2: no field 'v'" "an entry without the field"
vote --keep-going v
is "$status $(jq -c .votes.of out)" "1 2" "--keep-going leaves it out"
mark='{"incomplete":{"by":"bf-llm","why":"budget reached","status":75}}'
printf '{"id":1,"v":1}\n{"id":2,"v":1}\n%s\n' "$mark" >in
vote v
is "$status $(jq -c .id out | head -n 1) $(tail -n 1 out) $(wc -l <out)" "75 1 $mark 2" "of an incomplete stream the last question is left out"
: >in
vote v
is "$status $(cat out err)" "0 " "nothing gives nothing"

# from samples to one answer each
seq 20 | jq -c '{id: ., q: "question \(.)"}' | bf-prompt -m m --samples 5 '{q}' >asked
bf-mock --reply 'It is 4{n}.' -- bf-llm -q asked | bf-extract >answered
is "$(wc -l <answered)" 100 "five samples of 20 questions"
run bf-vote -q --number text answered
is "$status $(wc -l <out) $(jq -c .votes.of out | sort -u) $(jq -c 'has("sample")' out | sort -u)" "0 20 5 false" "one answer each"

usage() {
	run bf-vote "$@"
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $*"
}
usage
usage 'a[' in
usage --by 'a[' v in
usage --min 2 v in
usage --nope v in
done_testing
