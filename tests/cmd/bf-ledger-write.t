#!/bin/bash
# bf-ledger verify, repair, compact, merge, forget: on ledgers that were made by
# real runs and damaged by hand.
. "$(dirname "$0")/../lib.sh"
led=$BUILD/fault/ledger
inject=$BUILD/fault/inject.so

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
			[ "$("$led" count step)" -eq "$kept" ] && [ ! -e step/.rewrite-* ] || bad=$((bad + 1))
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

done_testing
