#!/bin/sh
. "$(dirname "$0")/../lib.sh"

seq 1 1000 | sed 's/.*/{"n":&}/' >in
shuffle() { bf-shuffle "$@" | tr -cd '0-9\n' | tr '\n' ' '; }

# The order of ten lines, worked out from the page's description by a program
# in another language.
seq 10 >ten
is "$(shuffle ten)" "7 8 3 6 9 10 2 5 4 1 " "seed 0"
is "$(shuffle -s 0 ten)" "7 8 3 6 9 10 2 5 4 1 " "which is the default"
is "$(shuffle -s 42 ten)" "1 5 8 10 4 9 6 2 3 7 " "seed 42"
is "$(shuffle -n 3 ten)" "7 8 3 " "a sample is the beginning of the whole"
is "$(shuffle -n 99 ten)" "7 8 3 6 9 10 2 5 4 1 " "a sample larger than the input"
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
stop() { kill -TERM $pid; }
while_writing many stop
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

for args in '-s x' '-s -1' '-n many' '-m 1G' '--nope'; do
	# shellcheck disable=SC2086
	run bf-shuffle $args in
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $args"
done
is "$(bf-shuffle --version)" "bf-shuffle 0.1.0" "--version"

done_testing
