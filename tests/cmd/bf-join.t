#!/bin/sh
. "$(dirname "$0")/../lib.sh"

# gives NAME: standard input is what came out, with status 0 and no message
gives() {
	cat >want
	same want out "$1"
	is "$status $(cat err)" "0 " "... quietly"
}

cat >left <<'E'
{"id":1,"n": 1.0}
{"n":2,"id":"b\u00e9"}
{"id":3,"n":3}
{"id":{"y":1, "x":[]},"n":4}
E
cat >right <<'E'
{"t":"two","id":"bé"}
{"id":"1","t":"one","u":[1, 2.50]}
{"id":4,"t":"four"}
{"id":{"x":[],"y":1},"t":"whole"}
{"t":"again","id":"b\u00e9"}
E

# --with
run bf-join --with right left
gives "each entry with the fields of the one with its key, in their order" <<'E'
{"id":1,"n": 1.0,"t":"one","u":[1, 2.50]}
{"n":2,"id":"b\u00e9","t":"two"}
{"n":2,"id":"b\u00e9","t":"again"}
{"id":3,"n":3}
{"id":{"y":1, "x":[]},"n":4,"t":"whole"}
E
cp out joined
run sh -c 'bf-join --with right <left'
same joined out "ours from standard input"
run sh -c 'bf-join --with - left <right'
same joined out "theirs from standard input"
for m in 1 20 50 1G; do
	run bf-join -m $m --with right left
	same joined out "-m $m changes nothing"
done
gzip -c right >right.gz
run bf-join --with right.gz left left
cat joined joined >want
same want out "two files, and one that is packed"
run bf-join --fields 't,v=u[1]' --with right left
gives "--fields" <<'E'
{"id":1,"n": 1.0,"t":"one","v":2.50}
{"n":2,"id":"b\u00e9","t":"two"}
{"n":2,"id":"b\u00e9","t":"again"}
{"id":3,"n":3}
{"id":{"y":1, "x":[]},"n":4,"t":"whole"}
E
run bf-join --as r --with right left
is "$status $(head -n 1 out)" '0 {"id":1,"n": 1.0,"r":{"id":"1","t":"one","u":[1, 2.50]}}' "--as"
is "$(sed -n 4p out)" '{"id":3,"n":3}' "adds nothing where there is none"
: >empty
run bf-join --with empty left
same left out "with nothing: as it was"
run bf-join --with right empty
is "$status $(cat out err)" "0 " "of nothing: nothing"

# --on
printf '%s\n' '{"k":{"a":"x"},"n":1}' '{"k":{"a":true}}' >l2
printf '%s\n' '{"["  : "x", "v":1}' '{"[":"true","v":2}' >r2
run bf-join --on 'k.a=["["]' --with r2 l2
gives "--on: other names, and paths" <<'E'
{"k":{"a":"x"},"n":1,"v":1}
{"k":{"a":true},"v":2}
E
printf '%s\n' '{"id":1,"t":"mine","n":0}' '{"id":2,"n":0}' >l2
printf '%s\n' '{"id":1,"t":"theirs"}' '{"id":2,"n":0,"t":"theirs"}' >r2
run bf-join --with r2 l2
is "$status $(cat err)" "2 bf-join: l2:1: both have a field 't': take it under another name with --fields, or theirs whole with --as" "is not overwritten"
like "$(tail -n 1 out)" '{"incomplete":*' "and the output is not whole"
run bf-join --keep-going --with r2 l2
is "$status $(cat out)" '1 {"id":2,"n":0,"t":"theirs"}' "the same value in both is no conflict"
run bf-join --fields theirs=t --with r2 l2
is "$status $(head -n 1 out)" '0 {"id":1,"t":"mine","n":0,"theirs":"theirs"}' "another name"

# entries without a key
printf '%s\n' '{"n":1}' '{"id":1}' >l2
printf '%s\n' '{"t":0}' '{"id":1,"t":1}' '{"t":2}' >r2
run bf-join --with r2 l2
is "$status $(cat out | tr '\n' ' ')" '0 {"n":1} {"id":1,"t":1} ' "an entry without the key is joined with none"
is "$(cat err)" "bf-join: entries to join with without the key 'id': 2
bf-join: entries without the key 'id': 1" "and told"
run bf-join -q --with r2 l2
is "$(cat err)" "" "not with -q"

# --include and --exclude
printf '1\r\n  b\303\251 \n\n"3"\n{"id":"none"}\n{"id" : {"x":[],"y":1}}\n' >ids
run bf-join --include ids left
same left out "--include: keys as text, as strings, in entries"
is "$status $(cat err)" "0 " "... quietly"
run bf-join --exclude ids left
is "$status $(cat out)" "0 " "--exclude"
printf '1\n{"id":3}\n' >ids
run bf-join --include ids left
is "$(jq -c .n out | tr '\n' ' ')" "1 3 " "some"
run bf-join --exclude ids left
is "$(jq -c .n out | tr '\n' ' ')" "2 4 " "and the others"
echo 1 >not
run bf-join --include ids --exclude not --with right left
is "$status $(cat out)" '0 {"id":3,"n":3}' "all three"
run bf-join --include left --on id right
is "$(jq -c .t out | tr '\n' ' ')" '"two" "one" "whole" "again" ' "entries of the same key, of a file of entries"
printf '{"q":1}\n3\n' >ids
run bf-join --include ids --on 'n=q' left
is "$(jq -c .id out)" 3 "1.0 and 1 are not the same"
run bf-join --exclude empty left
same left out "--exclude with nothing takes all"
printf '{"id":1,\n' >ids
run bf-join --include ids left
is "$status $(cat err)" "2 bf-join: ids:1:9: unexpected end" "a bad line in it"
is "$(grep -vc incomplete out)" 0 "nothing comes out"
printf '{"id":1}\n{"x":1}\n' >ids
run bf-join --exclude ids left
is "$status $(cat err)" "2 bf-join: ids:2: no field 'id'" "an entry without the key there"

# streams that are cut, files that are not there
mark='{"incomplete":{"by":"bf-llm","why":"budget reached","status":75}}'
{ head -n 2 right; echo "$mark"; } >cut
run bf-join --with cut left
is "$status $(cat out)" "75 $mark" "theirs incomplete: nothing is joined"
run bf-join --exclude cut left
is "$status $(cat out)" "75 $mark" "or let through"
{ head -n 1 left; echo "$mark"; tail -n 1 left; } >cut
run bf-join --with right cut left
is "$status $(tail -n 1 out) $(wc -l <out)" "75 $mark 2" "ours incomplete: passed on"
run bf-join --with nowhere left
is "$status $(cat err)" "2 bf-join: nowhere: No such file or directory" "a file that is not there"
like "$(cat out)" '{"incomplete":*' "nothing comes out"
run bf-join --with right nowhere left
is "$status $(grep -vc incomplete out)" "2 5" "one of ours that is not there: the others are read"
run env TMPDIR="$TMP/nowhere" bf-join -m 10 --with right left
is "$status $(cat err)" "2 bf-join: cannot make a temporary file: No such file or directory" "no place for the file"

# many, beside another's join
seq 5000 | awk '{ printf "{\"id\":\"k%d\",\"n\":%d}\n", $1 * 7 % 5003, $1 }' >many
seq 3000 | awk '{ printf "{\"id\":\"k%d\",\"t\":\"text %d\"}\n", $1, $1 }' >texts
jq -c -n '[inputs] | INDEX(.id) as $t | $t' texts >index
jq -c --slurpfile t index '. + ($t[0][.id] // {})' many >want
for m in 1K 100K 1G; do
	run bf-join -m $m --with texts many
	same want out "5,000 with 3,000, -m $m"
done
run bf-join --include texts many
jq -c --slurpfile t index 'select($t[0][.id])' many >want
same want out "--include of 3,000"
run bf-join --exclude texts many
jq -c --slurpfile t index 'select($t[0][.id] | not)' many >want
same want out "--exclude of 3,000"
seq 30000 | sed 's/.*/{"id":"same","t":&}/' >same
echo '{"id":"same"}' | bf-join --with same >out
same same out "one key 30,000 times, in their order"
sh -c 'yes "{\"id\":\"same\"}" | head -n 100 | bf-join --with same; echo $? >status' | head -n 1 >out
is "$(cat status)" 141 "a reader that goes away"

# usage
usage() {
	run bf-join "$@"
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $*"
}
usage left
usage --fields a left
usage --with right --fields a --as b left
usage --with right --as '' left
usage --with right --on 'a,b' left
usage --with right --on 'a[' left
usage --with right --on '' left
usage --with right --fields 'a,,b' left
usage --with - <right
usage --with - --include - left
usage --with right -m x left
usage --nope left
done_testing
