#!/bin/bash
# bf-ledger verify, repair, compact, merge, forget: on ledgers that were made by
# real runs and damaged by hand.
. "$(dirname "$0")/../lib.sh"
led=$BUILD/fault/ledger
inject=$BUILD/fault/inject.so
asan= # the sanitizer does not let another library come first
nm -D "$BUILD/bf-ledger" 2>/dev/null | grep -q __asan_init && asan=1

segment() { # DIR: its one segment
	echo "$1"/*.jsonl.zst
}
spoil() { # FILE OFFSET BYTES
	head -c "$3" /dev/zero | tr '\0' '\377' |
		dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
frames() { # FILE: offset of each frame, the header's first
	perl -e '
		local $/; open F, "<", $ARGV[0]; $_ = <F>;
		while (/\x28\xb5\x2f\xfd/g) { print pos() - 4, "\n" }' "$1"
}

# ---- verify ----
BF_BLOCK=4096 "$led" write sound 0 200 10 >acks
run bf-ledger verify -l sound
is "$status" 0 "verify: a sound ledger"
like "$(cat out)" "1 segment, *: 200 good records in * frames and tails; no damage" "its summary"
BF_LEDGER=sound run bf-ledger verify --json
is "$status $(jq -c '[.segments, .records, .damages]' out)" "0 [1,200,0]" "the same as JSON, from BF_LEDGER"
run bf-ledger verify -l nowhere
is "$status $(cat err)" "2 bf-ledger verify: cannot open nowhere: No such file or directory" \
	"verify: no ledger there"

cp -r sound cut
file=$(segment cut)
mapfile -t at < <(frames "$file")
spoil "$file" $((at[1] + 40)) 60
run bf-ledger verify -l cut
is "$status" 1 "verify: a damaged frame"
like "$(head -1 out)" "$file: byte ${at[1]}: a broken frame ($((at[2] - at[1])) bytes, about * lost*)" \
	"told with file, byte and extent"
bf-ledger verify -l cut --json >out
is "$(jq -c 'select(.file) | [.byte, .bytes, .damage]' out)" "[${at[1]},$((at[2] - at[1])),true]" \
	"and as JSON"

"$led" write idx 0 3000 100 >/dev/null
bf-ledger verify -l idx >out
ok $? "verify: an index is right"
spoil "$(segment idx).idx" 5000 1
run bf-ledger verify -l idx
is "$status" 1 "verify: an index with a byte changed"
like "$(head -1 out)" "$(segment idx).idx: a checksum in it is wrong *" "told as such"

# A process at work, and one that was killed, are no damage.
mkfifo gate
"$led" hold busy 0 5 <gate >held &
pid=$!
exec 9>gate
until grep -q held held; do kill -0 $pid || break; done
run bf-ledger verify -l busy
is "$status $(cat out | sed 's/.*: //')" "0 5 good records in 0 frames and tails; no damage" \
	"verify: while another process writes"
run bf-ledger repair -l busy
is "$status" 0 "repair: leaves it alone"
exec 9>&-
wait $pid
"$led" hold killed 0 5 <gate >held &
pid=$!
exec 9>gate
until grep -q held held; do kill -0 $pid || break; done
kill -KILL $pid
exec 9>&-
wait $pid 2>/dev/null
printf '{"v":1,"k":"00' >>"$(segment killed).tail"
run bf-ledger verify -l killed
is "$status" 0 "verify: what a killed process left"
like "$(cat out)" "*.tail: byte *: remains of an unfinished write (14 bytes; nothing is lost)
1 segment, *: 5 good records *; no damage" "told, and no damage"

# ---- repair ----
kept=$(bf-ledger verify -l cut --json | jq -s '.[-1] | .records')
run bf-ledger repair -l cut
is "$status" 0 "repair: status 0"
like "$(tail -1 out)" "1 segment repaired: $kept records kept, about * lost" "says what was kept"
cmp -s "$(echo cut/*.damaged)" "$file"
is $? 1 "the damaged file is kept, another took its place"
run bf-ledger verify -l cut
is "$status" 0 "what was damaged is whole"
zstd -tq "$file"
ok $? "for zstd too"
is "$("$led" count cut)" "$kept" "and has all good records"
"$led" have cut <acks >missing
is "$(wc -l <missing)" $((200 - kept)) "those and no others are gone"
ls -l --full-time cut >before
run bf-ledger repair -l cut
is "$status $(cat out)" "0 nothing to repair" "repair again: nothing to do"
ls -l --full-time cut >after
same before after "and nothing is changed"
BF_BLOCK=4096 "$led" write cut 1000 10 >/dev/null 2>err
is "$(ls cut/*.zst | wc -l) $(wc -c <err)" "1 0" "the next writer goes on in the repaired segment"

# The checksum of a frame alone: all of its records are good.
cp -r sound sum
file=$(segment sum)
mapfile -t at < <(frames "$file")
spoil "$file" $((at[2] - 2)) 1
bf-ledger repair -l sum >out
"$led" have sum <acks
ok $? "repair: where only a frame's checksum is wrong, all records are kept"
cp -r sound half
file=$(segment half)
spoil "$file" $((at[2] - (at[2] - at[1]) / 4)) 2
bf-ledger verify -l half --json >out
[ "$(jq -s '.[0].saved' out)" -gt 0 ]
ok $? "repair: of a broken frame, records that can be decoded are saved"
# The header, and a line of a tail.
cp -r sound head
spoil "$(segment head)" 9 3
run bf-ledger repair -l head
"$led" have head <acks
ok $? "repair: a damaged header costs nothing"
cp -r killed tail
spoil "$(echo tail/*.tail)" 100 1
run bf-ledger verify -l tail
is "$status" 1 "verify: a damaged line in a tail"
run bf-ledger repair -l tail
is "$status $("$led" count tail) $(ls tail | grep -c 'tail.damaged')" "0 4 1" \
	"repair: the other lines are kept, and the damaged tail"
# Killed at each step, and run again: no good record is missing at any time.
bad=0
n=0
for call in rename link unlink fsync write; do
	for nth in 1 2 3 4 5; do
		rm -rf step
		cp -r sound step
		spoil "$(segment step)" $((at[1] + 40)) 60
		LD_PRELOAD=$inject BF_INJECT=$call:$nth:kill BF_INJECT_PROGRAM=bf-ledger \
			bf-ledger repair -l step >/dev/null 2>&1 && continue
		n=$((n + 1))
		bf-ledger verify -l step --json >out
		[ "$(jq -s '.[-1].records' out)" -ge "$kept" ] || bad=$((bad + 1))
		bf-ledger repair -l step >/dev/null && bf-ledger verify -l step >/dev/null &&
			[ "$("$led" count step)" -eq "$kept" ] && [ "$(ls -A step | grep -c rewrite)" -eq 0 ] || bad=$((bad + 1))
	done
done 2>/dev/null
is "$bad" 0 "repair killed at $n moments: all good records are there, and the next one ends it"
[ "$n" -ge 8 ]
ok $? "there were such moments"
cp -r sound foreign
mv "$(segment foreign)" foreign/20260101T000000Z-elsewhere-0123456789abcdef.jsonl.zst
spoil foreign/*.zst $((at[1] + 40)) 60
run bf-ledger repair -l foreign
is "$status $(ls foreign | grep -c damaged)" "1 0" "repair: another host's segment is left alone"
run bf-ledger repair -l foreign --all
is "$status $("$led" count foreign)" "0 $kept" "but for --all"

# ---- compact ----
answers() { # DIR: key, time and answer of each key's newest word, from the files alone
	{ zstdcat "$1"/*.zst; cat "$1"/*.tail; } 2>/dev/null |
		jq -rc 'select(.s == "ok" or .s == "forget") | [.k, .t, .s, .res]' |
		sort -t, -k1,1 -k2,2n | awk -F, '{ last[$1] = $0 } END { for (k in last) print last[k] }' |
		grep -v '"forget"' | sort
}
write_line() { # KEY-NUMBER TIME STATUS TEXT: a record, without its crc
	printf '{"v":1,"k":"%032x","t":%d,"s":"%s","http":200,"attempts":1,"ms":1,"res":"%s"' "$@"
}
cat >crc.pl <<'END'
# adds the crc to lines without one (RFC 3720, appendix B.4)
my @t; for my $n (0 .. 255) { my $c = $n; $c = $c & 1 ? 0x82f63b78 ^ ($c >> 1) : $c >> 1 for 1 .. 8; $t[$n] = $c }
while (<STDIN>) { chomp; my $c = 0xffffffff;
	$c = $t[($c ^ ord) & 255] ^ ($c >> 8) for split //; 
	printf "%s,\"crc\":\"%08x\"}\n", $_, $c ^ 0xffffffff }
END
host=$(basename "$(segment sound)" | cut -d- -f2- | sed 's/-[0-9a-f]*\.jsonl\.zst$//')
# zstd(1) does not say the size of what it reads from a pipe: let it be a file.
make_segment() { # DIR NUMBER: from lines on standard input
	mkdir -p "$1"
	perl crc.pl >lines
	{ printf '\133\052\115\030\014\0\0\0bf-ledger 1\n'; zstd -q3 --check -c lines; } \
		>"$1/20260101T00000$2Z-$host-000000000000000$2.jsonl.zst"
}
{
	write_line 1 100 ok one; echo
	write_line 2 100 ok two; echo
	write_line 3 100 ok three; echo
	write_line 4 100 ok four; echo
	write_line 4 101 forget ''; echo
	write_line 5 100 error five; echo
} | make_segment many 1
{
	write_line 1 200 ok newer; echo
	write_line 2 200 forget ''; echo
	write_line 3 100 ok three; echo
	write_line 5 100 error five; echo
	write_line 6 50 forget ''; echo
} | make_segment many 2
run bf-ledger verify -l many
is "$status $(cat err)" "0 " "compact: the ledger to begin with is sound"
answers many >want
is "$(wc -l <want)" 2 "with two answers"
cp -r many kept
run bf-ledger compact -l many
is "$status" 0 "compact: status 0"
like "$(cat out)" "2 segments of * to 1 of *: 4 records; dropped: 1 superseded, 2 withdrawn, 2 that withdrew, 2 repeated" \
	"says what it dropped"
answers many >got
same want got "the same answers"
is "$(zstdcat many/*.zst | jq -c '[.k[31:], .s]' | sort | tr -d '\n')" \
	'["1","ok"]["2","forget"]["3","ok"]["5","error"]' \
	"what withdraws an answer of another segment is still there"
zstd -tq many/*.zst
ok $? "zstd accepts the new segment"
run bf-ledger verify -l many
is "$status" 0 "and verify does"
run bf-ledger compact -l many
like "$(cat out)" "*: 3 records; dropped: 1 that withdrew" "it goes the next time, as nothing is left to withdraw"
ls -l --full-time many >before
run bf-ledger compact -l many
is "$status $(cat out)" "0 nothing to compact" "compact: nothing to do"
ls -l --full-time many >after
same before after "and nothing is changed"
run bf-ledger compact -l many --drop-errors
is "$(zstdcat many/*.zst | grep -c '"s":"error"')" 0 "--drop-errors drops errors"
answers many >got
same want got "and no answers"

# Killed at each step: the answers are the same at every moment.
bad=0
n=0
for call in rename unlink fsync write; do
	for nth in 1 2 3 4 5 6; do
		rm -rf step
		cp -r kept step
		LD_PRELOAD=$inject BF_INJECT=$call:$nth:kill BF_INJECT_PROGRAM=bf-ledger \
			bf-ledger compact -l step >/dev/null 2>&1 && continue
		n=$((n + 1))
		answers step >got
		cmp -s want got || bad=$((bad + 1))
		bf-ledger compact -l step >/dev/null && bf-ledger compact -l step >/dev/null || bad=$((bad + 1))
		answers step >got
		cmp -s want got && [ "$(ls -A step | grep -c jsonl.zst)" -eq 1 ] && [ "$(ls -A step | grep -c rewrite)" -eq 0 ] || bad=$((bad + 1))
	done
done 2>/dev/null
is "$bad" 0 "compact killed at $n moments: the answers are always the same"
[ "$n" -ge 9 ]
ok $? "there were such moments"

# What another process writes to is left alone; what a killed one left is taken in.
cp -r killed mixed
"$led" hold mixed 5 5 <gate >held 2>/dev/null &
pid=$!
exec 9>gate
until grep -q held held; do kill -0 $pid || break; done
{ write_line 7 100 ok seven; echo; } | make_segment mixed 3
run bf-ledger compact -l mixed
is "$status $(ls mixed/*.tail | wc -l)" "0 1" "compact: while another process writes"
like "$(cat err)" "*1 segment left alone: another process writes there" "that is said"
exec 9>&-
wait $pid
is "$("$led" count mixed) $(seq 0 9 | "$led" have mixed)" "11 " "what it wrote is there"
cp -r killed torn
run bf-ledger compact -l torn
is "$status $("$led" count torn) $(ls torn/*.tail 2>/dev/null | wc -l)" "0 5 0" \
	"compact: what a killed process left in a tail goes into the new segment"
BF_BLOCK=4096 "$led" write torn 100 50 >/dev/null 2>err
is "$("$led" count torn) $(ls torn/*.zst | wc -l) $(wc -c <err)" "55 1 0" "the next writer goes on in it"
run bf-ledger verify -l torn
is "$status" 0 "and it is sound"

# Smaller, and not lumped into frames that are costly to look into.
"$led" write big 0 4000 100 >acks
size=$(stat -c %s "$(segment big)")
bf-ledger compact -l big --level 19 >out
[ "$(stat -c %s "$(segment big)")" -lt $((size * 99 / 100)) ]
ok $? "compact --level 19 is smaller"
"$led" have big <acks
ok $? "all records are there"
[ "$(zstd -lv "$(segment big)" 2>/dev/null | sed -n 's/.*Zstandard Frames: //p')" -ge 5 ]
ok $? "in frames that stay small"
run bf-ledger compact --level 30 -l big
is "$status $(cat err)" "2 bf-ledger compact: --level takes 1 to 22, not 30 (see bf-ledger compact --help)" \
	"compact: a level that zstd has not"

# ---- merge ----
"$led" write a 0 50 5 >/dev/null
"$led" write b 30 50 5 >/dev/null
run bf-ledger merge -l a b
is "$status $(cat out)" "0 50 records taken in, 0 there already" \
	"merge: another ledger (its records were made at other times)"
seq 0 79 | "$led" have a
ok $? "all of both are there"
run bf-ledger merge -l a b "$(segment b)"
is "$status $(cat out)" "0 0 records taken in, 100 there already" "merge again, a segment too: nothing new"
zstdcat a/*.zst b/*.zst | sort -u >want
zstdcat a/*.zst | sort >got
same want got "the lines are as they were"
zstdcat b/*.zst >spill
{ head -3 spill; sed -n 4p spill | sed 's/"n"/"m"/'; echo '{"not":"a record"}'; sed -n '5,$p' spill; } >lines
run bf-ledger merge -l c lines
is "$status $(cat out)" "1 49 records taken in, 0 there already, 2 damaged" "merge: a file of lines, two of them bad"
is "$(cat err)" "bf-ledger merge: lines:4: the record's crc does not hold; passed over
bf-ledger merge: lines:5: this is no record; passed over" "they are told by file and line"
run bf-ledger merge --remove -l c lines spill
is "$status $(cat out) $(ls lines spill 2>/dev/null)" "1 1 record taken in, 98 there already, 2 damaged lines" \
	"--remove removes what was taken in whole"
zstdcat b/*.zst >lines
BF_LEDGER=d run bf-ledger merge - <lines
is "$status $(cat out)" "0 50 records taken in, 0 there already" "merge: standard input"
bf-ledger verify -l d >out
ok $? "the ledger that it made is sound"
run bf-ledger merge -l d nowhere b
is "$status $(cat err)" "2 bf-ledger merge: nowhere: No such file or directory" "merge: a source that is not there"
cp -r b bad
spoil "$(segment bad)" 300 50
run bf-ledger merge -l e bad
is "$status" 1 "merge: a damaged segment"
like "$(cat err)" "*: byte 20: *broken* lost*" "its damage is told"
run bf-ledger merge -l e
is "$status $(wc -l <err)" "2 1" "merge: something must be named"
mkdir old new
{ write_line 9 500 ok newer; echo; } | make_segment new 1
{ write_line 9 400 ok older; echo; } | make_segment old 1
bf-ledger merge -l new old >out
is "$(answers new | jq -r '.[3]')" newer "merge: an older answer does not supersede a newer one"
is "$(zstdcat new/*.zst | wc -l)" 2 "but is there"

# A disk that takes no more: status 2, and what was not taken is where it was.
zstdcat b/*.zst >spill
if [ -z "$asan" ]; then
	LD_PRELOAD=$inject BF_INJECT=write:1+:ENOSPC BF_INJECT_PATH=.tail BF_INJECT_PROGRAM=bf-ledger \
		run bf-ledger merge --remove -l f spill
	is "$status $(wc -l <spill)" "2 50" "merge: onto a full disk"
fi
run bf-ledger merge --remove -l f spill
is "$status $(cat out)" "0 50 records taken in, 0 there already" "and again when there is room"

# What bf-llm keeps elsewhere when its ledger is full is taken in, and not paid again.
cp "$TESTS/../share/examples/entries.jsonl" .
bf-prompt -m m 'Say {name}' entries.jsonl >requests
export BF_LEDGER=paid
bf-mock -- sh -c 'bf-llm -q requests >first' 2>err
zstdcat paid/*.zst >spill
rm -r paid
bf-ledger merge spill >out
bf-mock -- sh -c 'bf-llm -q --cached-only requests >second' 2>err
same first second "what was taken in is not paid for again"
unset BF_LEDGER

# ---- forget ----
export BF_LEDGER=told
calls() { # REQUESTS: runs them, prints how many calls were made
	rm -f made
	bf-mock --log made -- sh -c "bf-llm -q '$1' >answers" 2>err
	cat made 2>/dev/null | wc -l
}
is "$(calls requests)" "$(wc -l <requests)" "forget: a ledger to begin with"
cp answers first
is "$(calls requests)" 0 "a rerun calls nothing"
all=$(wc -l <requests)
bf-ledger forget --dry-run --all >keys
is "$(wc -l <keys)" "$all" "forget --dry-run: lists keys"
is "$(calls requests)" 0 "and changes nothing"
key=$(sed -n 1p keys)
run bf-ledger forget "$(echo "$key" | cut -c1-12)"
is "$status $(cat out)" "0 1 answer forgotten" "forget: an abbreviated key"
is "$(calls requests)" 1 "its answer is asked for again, no other"
same first answers "and comes as before"
run bf-ledger forget 0123456789abcdef0123456789abcdef
is "$status $(cat err)" "2 bf-ledger forget: no answer has the key 0123456789abcdef0123456789abcdef; nothing is forgotten" \
	"a key that is not there"
run bf-ledger forget "$key" 0000
is "$status" 2 "one of two that is not there"
is "$(calls requests)" 0 "then nothing is forgotten"
run bf-ledger forget --model m --until 2020-01-01
is "$status $(cat out)" "0 0 answers forgotten" "forget --until"
run bf-ledger forget --since 2020-01-01T00:00:00+01:00 --model other
is "$status $(cat out)" "0 0 answers forgotten" "forget --model"
run bf-ledger forget --finish-reason length
is "$status $(cat out)" "0 0 answers forgotten" "forget --finish-reason"
run bf-ledger forget --jq '.req.messages[0].content | test("Ada|Grace")'
is "$status $(cat out)" "0 2 answers forgotten" "forget --jq"
is "$(calls requests)" 2 "those two are asked for again"
run bf-ledger forget --since 1h --model m --finish-reason stop
is "$status $(cat out)" "0 $all answers forgotten" "forget: by age, model and reason"
run bf-ledger forget --all
is "$status $(cat out)" "0 0 answers forgotten" "what is forgotten is not forgotten again"
is "$(calls requests)" "$all" "all are asked for again"
run bf-ledger compact
like "$(cat out)" "*: $all records; dropped: $((all + 3)) superseded, $((all + 3)) that withdrew" "compact: what was forgotten or superseded goes"
is "$(calls requests)" 0 "and a rerun still calls nothing"
same first answers "nor changes an answer"
zstd -tq told/*.zst
ok $? "zstd accepts the segments"
run bf-ledger forget
is "$status $(cat err)" "2 bf-ledger forget: which answers? (--all for all of them) (see bf-ledger forget --help)" \
	"forget: something must be chosen"
run bf-ledger forget xyz
is "$status $(wc -l <err)" "2 1" "forget: no key"
run bf-ledger forget --jq '.['
is "$status $(wc -l <err)" "2 1" "forget: no expression"
run bf-ledger forget --jq '.k | keys'
like "$status $(cat err)" "2 *record *: --jq: *; nothing is forgotten" "forget: an expression that fails"
run bf-ledger forget --since yesterday
like "$status $(cat err)" "2 *--since takes a date as *" "forget: no time"
run bf-ledger forget -l nowhere --all
is "$status $(ls -d nowhere 2>/dev/null)" "2 " "forget: no ledger there, and none is made"
if [ -z "$asan" ]; then
	LD_PRELOAD=$inject BF_INJECT=dlopen:1:ENOENT BF_INJECT_PROGRAM=bf-ledger \
		run bf-ledger forget --jq true
	like "$status $(cat err)" "2 *cannot load libjq *: install libjq1" "forget --jq without libjq"
fi
{ write_line 1 1 ok one; echo; write_line 2 1 ok two; echo; } | make_segment short 1
run bf-ledger forget -l short 000000
is "$status $(cat err)" "2 bf-ledger forget: 000000 begins 2 keys; nothing is forgotten: $(printf '%032x %032x' 1 2)" \
	"an ambiguous key lists those it could be"
unset BF_LEDGER

done_testing
