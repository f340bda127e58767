#!/bin/sh
. "$(dirname "$0")/../lib.sh"

seq 1 1000 | sed 's/.*/{"n":&}/' >in
shuffle() { bf-shuffle "$@" | tr -cd '0-9\n' | tr '\n' ' '; }

# The order of ten lines, worked out from the page's description by a program
# in another language.
seq 10 >ten
is "$(shuffle ten)" "3 4 7 8 1 5 2 9 10 6 " "seed 0"
is "$(shuffle -s 0 ten)" "3 4 7 8 1 5 2 9 10 6 " "which is the default"
is "$(shuffle -s 42 ten)" "1 2 10 3 7 9 6 8 4 5 " "seed 42"
is "$(shuffle -n 3 ten)" "3 4 7 " "a sample is the beginning of the whole"
is "$(shuffle -n 99 ten)" "3 4 7 8 1 5 2 9 10 6 " "a sample larger than the input"
is "$(shuffle -n 0 ten)" "" "and of nothing"
is "$(shuffle </dev/null)" "" "an empty input"
is "$(echo '{}' | bf-shuffle)" "{}" "one line"

run bf-shuffle in
is "$status" 0 "status 0"
sort in >sorted
sort out >got
same sorted got "every line once"
cp out want
run sh -c 'bf-shuffle <in'
same want out "standard input, a file"
run sh -c 'cat in | bf-shuffle'
same want out "standard input, a pipe"
gzip -c in >in.gz
run bf-shuffle in.gz
same want out "gzip"
head -300 in >a
sed 1,300d in >b
run bf-shuffle a b
same want out "two files are one input"
run sh -c 'cat b | bf-shuffle a -'
same want out "a file and a pipe"
run sh -c 'dd bs=1 count=4 of=/dev/null 2>/dev/null; bf-shuffle' <ten
is "$(sort -n out | tr '\n' ' ')" "3 4 5 6 7 8 9 10 " "from where the descriptor stands"

# the same whatever the memory; 1M is the least that is taken
seq 1 30000 | sed 's/.*/{"n":&,"text":"some text to make it longer"}/' >large
bf-shuffle large >want
is "$(sort want | cksum)" "$(sort large | cksum)" "30,000 lines, every line once"
for m in 1 1M 5M 10G; do
	run bf-shuffle -m $m large
	same want out "-m $m changes nothing"
	run sh -c "cat large | bf-shuffle -m $m"
	same want out "nor through a pipe"
done
for n in 1 700 25000; do
	head -n $n want >want.n
	for m in 1M 1G; do
		run bf-shuffle -m $m -n $n large
		same want.n out "-n $n -m $m: the beginning of the whole"
		run sh -c "head -n 1000 large >a; tail -n +1001 large | bf-shuffle -m $m -n $n a -"
		same want.n out "also of a file and a pipe"
	done
done
run env TMPDIR="$TMP/nowhere" bf-shuffle -m 1M large
is "$status $(cat err)" "2 bf-shuffle: cannot make a temporary file: No such file or directory" "no place for the file"
like "$(cat out)" '{"incomplete":{"by":"bf-shuffle",*"status":2}}' "only the mark"
mkdir tmp
run sh -c 'TMPDIR=$PWD/tmp bf-shuffle -m 1M large | head -n 1; ls -A tmp'
is "$(wc -l <out)" 1 "nothing is left in the folder for temporary files"

# every order of three is as likely as any other: 6 orders, 240 seeds; chi-square is
# over 25 once in 7000 with 5 degrees of freedom, and the seeds are fixed
printf '%s\n' a b c >three
s=0
while [ $s -lt 240 ]; do
	bf-shuffle -s $s three
	s=$((s + 1))
done | paste -d "" - - - >orders
is "$(sort orders | uniq -c | awk '{ n++; d = $1 - 40; x += d * d / 40 } END { print n, x < 25 }')" "6 1" \
	"all orders of three come, evenly"

# --by
seq 1 40000 | awk '{ printf "{\"n\":%d,\"g\":{\"k\":%s}}\n", $1, $1 % 2 ? $1 % 499 : "\"" $1 % 499 "\"" }' >groups
run bf-shuffle --by g.k groups
is "$status $(jq -c .g.k out | uniq | sort | uniq -d | wc -l)" "0 0" "--by: each group is together"
is "$(jq -c .g.k out | uniq | wc -l)" 998 "a number is another value than a text of it"
is "$(jq -s 'group_by(.g.k) | map(map(.n) | . == sort) | all' out)" true "in a group the order is as it was"
is "$(jq -c .g.k out | uniq | head -n 4 | tr '\n' ' ')" "$(bf-shuffle --by g.k -m 1M groups | jq -c .g.k | uniq | head -n 4 | tr '\n' ' ')" "and the groups' the same in little memory"
bf-shuffle --by g.k groups >want
for m in 1M 3M 1G; do
	run bf-shuffle --by g.k -m $m groups
	same want out "--by -m $m changes nothing"
	run bf-shuffle --by g.k -m $m -n 3 groups
	is "$(jq -c .g.k out | uniq | wc -l)" 3 "-n 3: three groups"
	head -n "$(wc -l <out)" want | cmp -s - out
	ok $? "the beginning of the whole"
	sed 's/.*"g"/"g"/' out | sort -u >keys
	is "$(grep -cFf keys groups)" "$(wc -l <out)" "whole"
done
bf-shuffle -s 7 --by g.k groups | cmp -s - want
is $? 1 "another seed, another order"
sed 's/"k":[^}]*/"k":1/' groups >same
run bf-shuffle --by g -m 1M same
same same out "one group of all, beyond memory: as it was"
printf '%s\n' '{"g":"\u0061","n":1}' '{"g":"b","n":2}' '{"g":"a","n":3}' '{"g":"b","n":4}' >in2
is "$(bf-shuffle --by g in2 | jq -c .g | uniq | wc -l)" 2 "a value is the same however it is written"
printf '{"g":1}\n{"h":1}\n{"g":2}\n' >in2
run bf-shuffle --by g in2
is "$status $(cat err)" "2 bf-shuffle: in2:2: no field 'g'" "an entry without the field"
like "$(cat out)" '{"incomplete":*' "only the mark"
run bf-shuffle --keep-going --by g in2
is "$status $(wc -l <out)" "1 2" "--keep-going leaves it out"

# what a line is
printf '\357\273\277one\r\n\n  \ntwo\n\r\nthree' >odd
printf 'one\nthree\ntwo\n' >want
bf-shuffle odd | sort >out
same want out "BOM, CRLF, blank lines, no last newline"
bf-shuffle <odd | sort >out
cat odd | bf-shuffle | sort >out2
same want out "also on standard input"
same want out2 "and through a pipe"
awk 'BEGIN { for (i = 0; i < 5; i++) { printf "%d", i; for (j = 0; j < 2000000; j++) printf "xxx"; print "" } }' >long
sort long >want
cat long | bf-shuffle | sort >out
same want out "lines of 6 MB"

# incomplete streams
mark='{"incomplete":{"by":"bf-x","why":"budget reached","status":75}}'
{ cat ten; echo "$mark"; echo more; } >cut
for how in 'bf-shuffle cut' 'cat cut | bf-shuffle' 'bf-shuffle -n 2 cut'; do
	run sh -c "$how"
	is "$(cat out) $status" "$mark 75" "of an incomplete stream only the mark: $how"
done
printf '1\n2\0\n3\n' >nul
run bf-shuffle nul
like "$(cat out)" '{"incomplete":{"by":"bf-shuffle","why":*,"status":2}}' "a NUL: only the mark"
like "$(cat err)" 'bf-shuffle: nul:2:2: NUL byte*' "file, line and column"
is "$status" 2 "status 2"
run bf-shuffle --keep-going nul
is "$(sort out | tr '\n' ' ') $status" "1 3  1" "--keep-going leaves it out"
run bf-shuffle ten nowhere
like "$(cat out)" '{"incomplete":*' "a file that is not there: only the mark"
is "$status $(wc -l <out)" "2 1" "status 2"
run bf-shuffle --max-line 10 in
is "$status" 0 "--max-line that fits"
run bf-shuffle --max-line 9 in
is "$status" 2 "--max-line that does not"

# A reader that has taken one byte holds the command in a write: more is to
# come than a pipe and the buffer take.
awk 'BEGIN { for (i = 0; i < 40000; i++) printf "{\"n\":%d,\"text\":\"some text to make it long enough, %d\"}\n", i, i }' >many
mkfifo fifo
# while_writing FILE COMMAND...: runs the command meanwhile
while_writing() {
	file=$1
	shift
	bf-shuffle "$file" >fifo 2>err &
	pid=$!
	exec 3<fifo
	head -c 1 <&3 >/dev/null
	"$@"
	cat <&3 >out
	exec 3<&-
	status=0
	wait $pid || status=$?
}
truncate_it() { : >shrinks; }
cp many shrinks
while_writing shrinks truncate_it
is "$status" 2 "a file that shrinks meanwhile: status 2"
like "$(cat err)" 'bf-shuffle: *shrank while it was read' "a message"
like "$(tail -1 out)" '{"incomplete":{"by":"bf-shuffle",*,"status":2}}' "and the mark"
sed '1d;$d' out | grep -vxFf many | wc -l >count
is "$(cat count)" 0 "no line is torn"
cp many grows
append() { echo '{}' >>grows; }
while_writing grows append
is "$status" 2 "a file that is changed meanwhile: status 2"
like "$(cat err)" 'bf-shuffle: grows: changed while it was read' "a message"
like "$(tail -1 out)" '{"incomplete":*' "and the mark"
terminate() { kill -TERM $pid; }
while_writing many terminate
is "$status" 143 "TERM while writing"
like "$(tail -1 out)" '{"incomplete":{"by":"bf-shuffle","why":"terminated","status":143}}' "the mark"

# output
run sh -c 'bf-shuffle in >/dev/full'
is "$status" 2 "a full device"
like "$(cat err)" "bf-shuffle: standard output: No space left on device" "is told"
run sh -c 'bf-shuffle in >&-'
is "$status" 2 "closed standard output"
run sh -c 'bf-shuffle <&-'
is "$status" 2 "closed standard input"
run bash -c 'bf-shuffle many | head -1 >one; echo "${PIPESTATUS[0]}"'
is "$(cat out) $(wc -l <one)" "141 1" "| head ends it quietly"
same /dev/null err "without a message"

for args in '-s x' '-s -1' '-n many' '-m x' '--by a[' '--nope'; do
	# shellcheck disable=SC2086
	run bf-shuffle $args in
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $args"
done
is "$(bf-shuffle --version)" "bf-shuffle 0.1.0" "--version"

done_testing
