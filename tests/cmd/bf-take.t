#!/bin/sh
. "$(dirname "$0")/../lib.sh"

seq 1 1000 | sed 's/.*/{"n":&}/' >in

# take ARGS...: the numbers taken, in one line
take() { bf-take "$@" in | tr -cd '0-9\n' | tr '\n' ' '; }

run bf-take in
same in out "no option passes on all"
is "$status" 0 "with status 0"
run sh -c 'bf-take <in'
same in out "from standard input"
run sh -c 'bf-take - in <in'
cat in in >twice
same twice out "- and a file"

is "$(take -n 3)" "1 2 3 " "-n"
is "$(take -n 0)" "" "-n 0 takes nothing"
is "$(take --number 5000 | wc -w)" 1000 "more than there are"
is "$(take -o 998)" "999 1000 " "-o"
is "$(take -o 2000)" "" "-o beyond the end"
is "$(take -o 10 -n 2)" "11 12 " "-o and -n"
is "$(take --every 300)" "1 301 601 901 " "--every"
is "$(take --every 1 -n 3)" "1 2 3 " "--every 1"
is "$(take --every 100 -o 2 -n 3)" "201 301 401 " "--every, then -o, then -n"

# --first-per
cat >urls <<'E'
{"n":1,"u":{"a":1,"b":"\u00e9"},"t":"x"}
{"n":2,"u":{"b":"é", "a":1},"t":"x"}
{"n":3,"u":1,"t":"y"}
{"n":4,"u":1.0,"t":"x"}
{"n":5,"u":"1","t":"z"}
{"n":6,"u":1,"t":"z"}
{"n":7,"u":null,"t":"z"}
E
per() { bf-take "$@" urls | jq -c .n | tr '\n' ' '; }
is "$(per --first-per u)" "1 3 4 5 7 " "--first-per: the first of each value, however it is written"
is "$(per --first-per t)" "1 3 5 " "each value once"
run bf-take --first-per u.a --keep-going urls
is "$status $(jq .n out) $(head -n 1 err)" "1 1 bf-take: urls:3: no field 'u.a'" "a path"
run bf-take --first-per u.a urls
is "$status $(jq -c 'has("incomplete")' out | tr '\n' ' ')" "2 false true " "an entry without the field stops it"
is "$(per --first-per t -o 1 -n 1)" "3 " "before -o and -n"
is "$(per --first-per u --every 2)" "1 4 7 " "and before --every"
is "$(bf-take --first-per n in in | wc -l)" 1000 "of many values"
printf '{"n":1}\nno JSON\n' >odd
run bf-take --first-per n odd
is "$status $(cat err)" "2 bf-take: odd:2:1: not an object" "lines are looked into"

# lines are moved as they are
printf '%s\n' '{"a" : 1.0,"a":12345678901234567890}' 'no JSON at all' '[1]' '"x' >odd
run bf-take odd
same odd out "lines are not looked into"
printf '\357\273\277{"a":1}\r\n\n   \n{"b":"x\r y"}' >crlf
printf '{"a":1}\n{"b":"x\r y"}\n' >want
run bf-take crlf
same want out "BOM, CRLF, blank lines, no last newline"
gzip -c in >in.gz
run bf-take -n 1000 in.gz
same in out "gzip"

# shards
for i in 1 2 3; do bf-take --shard $i/3 in >s$i; done
cat s1 s2 s3 | sort >all
sort in >sorted
same sorted all "three shards are all, each line once"
n=$(wc -l <s2)
[ "$n" -gt 270 ] && [ "$n" -lt 400 ]
ok $? "and of like size"
is "$(take --shard 1/1 | wc -w)" 1000 "1/1 is all"
sed '1~7d' in | bf-take --shard 2/3 >less
grep -vxFf less s2 >gone
sed -n '1~7p' in >removed
grep -vxFf removed gone >left
is "$(wc -l <left) $(grep -cvxFf s2 less)" "0 0" "a line keeps its shard when others go"
run sh -c 'tac in | bf-take --shard 2/3 | tac'
same s2 out "and whatever the order"
printf '{"n":7}\r\n' >cr
printf '{"n":7}\n' >lf
is "$(bf-take --shard 1/2 cr)" "$(bf-take --shard 1/2 lf)" "a carriage return changes nothing"
# {"n":1}: the 128 bit BLAKE2b begins with hex digits that say its place
first=$(head -1 in | tr -d '\n' | b2sum -l 128 | cut -c1-2)
i=$((0x$first * 4 / 256 + 1))
is "$(head -1 in | bf-take --shard $i/4)" '{"n":1}' "the shard is what the manual says (b2sum)"

# a part by hash
n=$(take -p 0.2 | wc -w)
[ "$n" -gt 150 ] && [ "$n" -lt 250 ]
ok $? "-p 0.2 takes about a fifth"
is "$(take -p 20%)" "$(take -p 0.2)" "20% is the same"
is "$(take -p 0.2 -s 0)" "$(take -p 0.2)" "seed 0 by default"
[ "$(take -p 0.2 -s 1)" != "$(take -p 0.2)" ]
ok $? "another seed chooses others"
is "$(take -p 0 | wc -w) $(take -p 1 | wc -w)" "0 1000" "none and all"
bf-take -p 0.2 in >fifth
bf-take -p 0.5 in >half
is "$(grep -cvxFf half fifth)" 0 "a larger part holds the smaller"
run sh -c 'sed 1,500d in | bf-take -p 0.2'
grep -xFf out fifth | cmp -s - out
ok $? "chosen by content, not by place"
bf-take --shard 1/2 in | bf-take -p 0.5 >piped
run bf-take -p 0.5 --shard 1/2 in
same piped out "shard and fraction together"
n=$(wc -l <out)
[ "$n" -gt 190 ] && [ "$n" -lt 310 ]
ok $? "choose independently"
bf-take -p 0.5 in | bf-take --every 10 -o 1 -n 3 >piped
run bf-take -p 0.5 --every 10 -o 1 -n 3 in
same piped out "the others count what these left"

# it ends early
run sh -c 'yes "{}" | bf-take -n 2'
is "$(cat out) $status" '{}
{} 0' "an endless input is not read to its end"
mkfifo fifo
run timeout 20 bf-take -n 0 fifo
is "$status" 0 "-n 0 opens nothing"

# incomplete streams
mark='{"incomplete":{"by":"bf-x","why":"budget reached","status":75}}'
{ head -5 in; echo "$mark"; sed -n 6,9p in; } >cut
run bf-take cut
{ head -5 in; echo "$mark"; } >want
same want out "the incomplete line is passed on, and nothing after it"
is "$status" 75 "with its status"
run bf-take -n 5 cut
same /dev/null err "N taken before the mark: quiet"
head -5 in >want
same want out "without the mark"
is "$status" 0 "and status 0"
run bf-take -n 6 cut
is "$(tail -1 out) $status" "$mark 75" "too few before the mark"
run bf-take -p 0 cut
is "$(cat out) $status" "$mark 75" "no filter takes it off"

# bad lines, bad files
printf '{"a":1}\n{"b":\0}\n{"c":3}\n' >nul
run bf-take nul
is "$status" 2 "a NUL stops it"
like "$(cat err)" 'bf-take: nul:2:6: NUL byte*' "with file, line and column"
like "$(tail -1 out)" '{"incomplete":{"by":"bf-take","why":*,"status":2}}' "and an incomplete stream"
run bf-take --keep-going nul
is "$(cat out) $status" '{"a":1}
{"c":3} 1' "--keep-going leaves it out"
run bf-take --max-line 4 lf
is "$status" 2 "--max-line"
run bf-take nowhere in
like "$(cat err)" "bf-take: nowhere: No such file or directory" "a file that is not there"
is "$(head -1000 out | cmp - in) $status" " 2" "the others are still read"

# output
run sh -c 'bf-take in >/dev/full'
is "$status" 2 "a full device"
like "$(cat err)" "bf-take: standard output: No space left on device" "is told"
run sh -c 'bf-take in >&-'
is "$status" 2 "closed standard output"
run sh -c 'bf-take <&-'
is "$status" 2 "closed standard input"

# usage
for args in '--every 0' '--shard 0/3' '--shard 4/3' '--shard 3' '--shard 1/0' '--shard /' '--first-per a[' \
	'-n -1' '-n x' '-p 2' '-s 1' '--nope'; do
	# shellcheck disable=SC2086
	run bf-take $args in
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $args"
done
run bf-take --help
like "$(cat out)" 'usage: bf-take *--shard I/N*' "--help"
is "$(bf-take --version)" "bf-take 0.1.0" "--version"

done_testing
