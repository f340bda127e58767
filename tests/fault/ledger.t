#!/bin/bash
# The ledger against kills, other processes, and a copy of another ledger.
. "$(dirname "$0")/../lib.sh"
led=$BUILD/fault/ledger

# The state after a clean end: no tail, segments that zstd accepts, each record once.
is_clean() { # DIR RECORDS NAME
	is "$(find "$1" -name '*.tail' | wc -l)" 0 "$3: no tail is left" &&
		zstd -tq "$1"/*.zst 2>zstd.err &&
		zstdcat "$1"/*.zst | cut -c13-44 >keys &&
		is "$(wc -l <keys) $(sort -u keys | wc -l)" "$2 $2" "$3: each record is there once" ||
		{ ok 1 "$3: zstd -t"; cat zstd.err; }
}

# ---- many small runs ----
for i in $(seq 0 99); do
	"$led" write small $((i * 3)) 3 >>small.acks || break
done
is "$(ls small | wc -l)" 1 "a hundred runs of three records leave one file"
"$led" have small <small.acks >missing
ok $? "and all 300 records"
is_clean small 300 "small runs"
is "$(zstd -l -v small/*.zst 2>/dev/null | sed -n 's/.*Zstandard Frames: //p')" 2 \
	"in two frames, the first of more than half a block"

# ---- what a person sees ----
zstdcat small/*.zst | head -1 >first
like "$(cat first)" '{"v":1,"k":"????????????????????????????????","t":1*,"s":"ok",*,"crc":"????????"}' \
	"a record is a line of JSON"
is "$(stat -c %a small) $(stat -c %a small/*)" "700 600" "modes of the folder and the segment"
key=$(printf '\0\0\0\0\0\0\0\0' | b2sum -l 128 | cut -c1-32)
is "$(cut -c13-44 first)" "$key" "the key is at its fixed offset"

# ---- writers at the same time ----
mkfifo gate1 gate2
"$led" hold two 0 5 <gate1 >held1 & p1=$!
exec 8>gate1
"$led" hold two 5 5 <gate2 >held2 & p2=$!
exec 9>gate2
until grep -q held held1 && grep -q held held2; do kill -0 $p1 $p2 || break; done
is "$(ls two/*.zst | wc -l) $(ls two/*.tail | wc -l)" "2 2" "two writers have a segment each"
seq 0 9 | "$led" have two >missing
ok $? "a reader sees what both have committed"
exec 8>&- 9>&-
wait $p1 $p2
is_clean two 10 "two writers"
"$led" write two 10 5 >/dev/null
is "$(ls two | wc -l)" 2 "a free segment is used again"

# ---- SIGKILL at any moment ----
: >kill.acks
lost=0
rounds=14
[ -n "${BF_SOAK:-}" ] && rounds=167
# On a busy machine a writer may be killed before it has come to anything: more of
# them, and later and later.
round=0
while [ $((round += 1)) -le $rounds ] || { [ "$(wc -l <kill.acks)" -le 1000 ] && [ $round -le 500 ]; }; do
	pids=
	for w in 1 2 3; do
		BF_BLOCK=8192 BF_TAIL=60000 BF_INDEX=15000 timeout -s KILL "0.$(printf %03d $((RANDOM % 60 + 15 + round)))" \
			"$led" write killed $(((round * 3 + w) * 1000000)) 0 $w >acks.$w 2>>kill.err &
		pids="$pids $!"
	done
	wait $pids
	cat acks.[123] >>kill.acks
	"$led" have killed <kill.acks >missing 2>>kill.err || lost=$((lost + 1))
done 2>/dev/null
is "$lost" 0 "$((3 * (round - 1))) writers killed: nothing that was acknowledged is lost"
[ "$(wc -l <kill.acks)" -gt 1000 ]
ok $? "and there was something to lose ($(wc -l <kill.acks) records)"
grep -e 'are lost' -e 'are left' kill.err | sort | uniq -c | head -5 | sed "s/^/# /"
is "$(grep -c -e 'are lost' -e 'are left' kill.err)" 0 "no repair speaks of a loss"
mkfifo gate4
for i in $(seq 1 6); do "$led" hold killed $i 1 <gate4 >mender.$i 2>&1 & done
exec 7>gate4
until [ "$(grep -l held mender.* | wc -l)" -eq 6 ]; do [ -n "$(jobs -r)" ] || break; done
exec 7>&-
wait
"$led" have killed <kill.acks >missing
ok $? "still there when the next writers have mended the segments"
is "$(find killed -name '*.tail' | wc -l)" 0 "no tail is left by the menders"
zstd -tq killed/*.zst
ok $? "zstd accepts all segments"
is "$(zstdcat killed/*.zst | cut -c13-44 | sort | uniq -d | wc -l)" 0 "no record is there twice"

# ---- a reader while records move ----
: >moving.acks
mkfifo gate3
(BF_BLOCK=6000 BF_TAIL=20000 BF_INDEX=6000 "$led" write moving 0 6000 3 >moving.acks
	for i in $(seq 1 60); do # the last frame is taken back each time
		BF_BLOCK=60000 BF_TAIL=20000 BF_INDEX=6000 "$led" write moving $((6000 + i)) 1 >>moving.acks
	done
	echo over) >gate3 & writer=$!
"$led" watch moving moving.acks <gate3 >watch.out 2>watch.err
ok $? "a reader misses nothing while a writer moves records"
wait $writer
head -3 watch.out watch.err | sed 's/^/# /'
is "$(wc -c <watch.err)" 0 "and has no damage to report"

# ---- merging by cp ----
"$led" write a 0 50 >/dev/null
"$led" write b 25 50 >/dev/null
cp a/*.zst b/
cp a/*.zst b/
is "$("$led" count b)" 75 "cp merges two ledgers"
seq 0 74 | "$led" have b >missing
ok $? "with all their answers"

# ---- segments come to an end ----
BF_BLOCK=5000 BF_TAIL=20000 BF_INDEX=6000 BF_SEGMENT=30000 "$led" write rolled 0 2000 7 >/dev/null
[ "$(ls rolled | wc -l)" -gt 10 ]
ok $? "a full segment is followed by another ($(ls rolled | wc -l))"
seq 0 1999 | "$led" have rolled >missing
ok $? "with all records"
is_clean rolled 2000 "full segments"
done_testing
