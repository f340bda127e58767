#!/bin/bash
# The power goes: all that was synced is there, whatever else is.  BF_SOAK=1: longer.
. "$(dirname "$0")/../lib.sh"
led=$BUILD/fault/ledger
export BF_BLOCK=2000 BF_TAIL=8000

if [ -n "${BF_ASAN:-}" ] || nm -D "$led" 2>/dev/null | grep -q __asan_init; then
	skip_all "a preloaded library and the address sanitizer do not go together"
fi
rounds=1 seed=1
[ -n "${BF_SOAK:-}" ] && rounds=20 seed=$RANDOM

# rec SYNC CMD...: with what it does added to the trace of $name
rec() {
	local sync=$1
	shift
	BF_SYNC=$sync BF_RECORD=$TMP/$name.trace BF_RECORD_DIR=$TMP/$name/l \
		LD_PRELOAD="$BUILD/fault/record.so${inject:+ $BUILD/fault/inject.so}" "$@" >/dev/null 2>>rec.err
}
# survives PROMISED TEXT: the trace of $name
survives() {
	"$BUILD/fault/power" "$name.trace" "$TMP/state" $seed $rounds >power.out 2>&1
	ok $? "$2" || { echo "# seed $seed"; cut -c1-300 power.out; }
	like "$(tail -1 power.out)" "*promised $1 failures 0" "with the records that were promised by its end ($1)" ||
		tail -1 power.out
}

name=plain
rec always "$led" write $name/l 0 90 2
survives 90 "many blocks, a tail cut several times, a clean end"

name=small
for i in 0 1 2 3 4 5 6 7; do rec always "$led" write $name/l $((i * 10)) $((i % 3 + 1)); done
survives 15 "a short last frame taken back again and again"

name=full
BF_SEGMENT=9000 rec always "$led" write $name/l 0 70 3
survives 70 "a segment that is followed by another"

name=index
export BF_INDEX=3000
rec always "$led" write $name/l 0 60 2
rec always "$led" write $name/l 100 30 2
unset BF_INDEX
[ "$(grep -ac '^r 0 0 ' $name.trace)" -ge 2 ]
ok $? "an index was renewed"
survives 90 "an index that is renewed"

name=second
rec second "$led" write $name/l 0 90 3
rec second "$led" write $name/l 200 2
survives 92 "synced now and then"

name=never
rec always "$led" write $name/l 0 1
rec never "$led" write $name/l 10 2
rec always "$led" write $name/l 20 3
survives 4 "a run that never syncs costs others nothing"

name=compact
for i in 0 1 2 3; do BF_SEGMENT=6000 rec always "$led" write $name/l $((i * 20)) 20 2; done
rec always bf-ledger compact -l $name/l
rec always "$led" write $name/l 100 4 2
survives 84 "compaction"

name=merge
"$led" write other 0 40 >/dev/null
rec always "$led" write $name/l 50 20 2
rec always bf-ledger merge -l $name/l other
survives 20 "a merger"

name=repair
rec always "$led" write $name/l 0 40 2
rec always bf-ledger repair -l $name/l
survives 40 "a repair"

# Who is killed leaves what is not synced to the next.
name=killed
k=0
inject=1
for what in open:1 open:2 write:1 write:2 write:6 ftruncate:1 fdatasync:1 fdatasync:7 fsync:1 fsync:2; do
	k=$((k + 1))
	sync=always
	[ $((k % 3)) -eq 0 ] && sync=never
	BF_INJECT=$what:kill BF_INJECT_PATH=$name/l rec $sync "$led" write $name/l $((k * 100)) 6
	rec always "$led" write $name/l $((k * 100 + 50)) 2
done 2>/dev/null
inject=
grep -ac '^b ' $name.trace | sed 's/^/# runs: /'
survives "*" "writers killed, and those that take over"
done_testing
