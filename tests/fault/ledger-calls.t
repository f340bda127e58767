#!/bin/bash
# Each system call of a writer fails, or is the last thing it does.
. "$(dirname "$0")/../lib.sh"
led=$BUILD/fault/ledger
export BF_BLOCK=3000 BF_TAIL=9000

if [ -n "${BF_ASAN:-}" ] || nm -D "$led" 2>/dev/null | grep -q __asan_init; then
	skip_all "a preloaded library and the address sanitizer do not go together"
fi

# spoiled CALL:N:WHAT CMD...
spoiled() {
	local what=$1
	shift
	BF_INJECT_PROGRAM=ledger BF_INJECT_PATH=$TMP/l BF_INJECT=$what LD_PRELOAD=$BUILD/fault/inject.so "$@"
}

# Two ledgers to begin with: one after a clean end, whose short last frame is
# taken back, and one as a killed writer leaves it, with frames, and a tail that
# holds records of them and others.
"$led" write clean 0 60 1 >clean.acks
"$led" write l 0 60 1 >killed.acks
spoiled write:30:kill "$led" write l 60 60 1 >>killed.acks 2>/dev/null
mv l killed
[ -s "$(ls killed/*.tail)" ] && [ ! -e "$(ls clean/*.tail 2>/dev/null)" ]
ok $? "a ledger with a tail and one without"
spoil_count() { # BASE CALL: how many such calls a run of 80 makes
	rm -rf l count
	cp -a $1 l
	shift
	BF_INJECT_COUNT=$TMP/count spoiled "$1" "$led" write l 200 80 1 >/dev/null
	awk '{ print $2 }' count
}

# After it: a second writer goes on, then everything acknowledged is there once.
mended() { # WHAT
	"$led" have l <acks >missing 2>>err || { echo "# $1: missing $(tr '\n' ' ' <missing)"; return 1; }
	"$led" write l 1000 5 2 >>acks 2>>err || { echo "# $1: the next writer failed"; cat err; return 1; }
	"$led" have l <acks >missing 2>>err || { echo "# $1: then missing $(tr '\n' ' ' <missing)"; return 1; }
	[ "$(find l -name '*.tail' | wc -l)" -eq 0 ] || { echo "# $1: a tail is left"; return 1; }
	zstd -tq l/*.zst || { echo "# $1: zstd -t"; return 1; }
	[ -z "$(zstdcat l/*.zst | cut -c13-44 | sort | uniq -d)" ] || { echo "# $1: a record is there twice"; return 1; }
}

for base in clean killed; do
	for call in write fdatasync fsync ftruncate; do
		n=$(spoil_count $base $call)
		[ "${n:-0}" -gt 0 ] || [ $base-$call = killed-fsync ]
		ok $? "$base: $call is made (${n:-0} times)"
		[ "${n:-0}" -gt 0 ] || continue
		for what in kill killed; do
			bad=0
			for i in $(seq 1 "$n"); do
				# Every write to the segment's first frames, then some of the many.
				[ "$i" -gt 12 ] && [ $((i % 5)) -ne 0 ] && continue
				rm -rf l
				cp -a $base l
				: >err
				spoiled $call:$i:$what "$led" write l 200 80 1 >new.acks 2>err
				[ $? -eq 137 ] || { bad=1; echo "# $call $i was not reached"; }
				cat $base.acks new.acks >acks
				mended "$what at $call $i" || bad=$((bad + 1))
				grep -e 'are lost' -e 'are left' err && bad=$((bad + 1))
			done 2>/dev/null
			is "$bad" 0 "$base: $what at each $call: nothing lost, nothing twice"
		done
		for what in EIO ENOSPC short; do
			case $call-$what in write-*|fdatasync-EIO|fsync-EIO|ftruncate-EIO) ;; *) continue ;; esac
			bad=0
			for i in $(seq 1 "$n"); do
				[ "$i" -gt 12 ] && [ $((i % 5)) -ne 0 ] && continue
				rm -rf l
				cp -a $base l
				spoiled $call:$i:$what "$led" write l 200 80 1 >new.acks 2>err
				status=$?
				if [ $what = short ]; then
					[ $status -eq 0 ] || { bad=$((bad + 1)); echo "# short write $i: status $status"; }
				else
					[ $status -eq 2 ] || { bad=$((bad + 1)); echo "# $what at $call $i: status $status"; }
					grep -q "cannot .*l" err || { bad=$((bad + 1)); cat err; }
				fi
				grep -v unwritten new.acks | cat $base.acks - >acks
				mended "$what at $call $i" || bad=$((bad + 1))
			done 2>/dev/null
			is "$bad" 0 "$base: $call: $what each time: told, nothing lost, nothing twice"
		done
	done
done

# ---- a disk that is full from some moment on ----
bad=0
base=clean
for i in $(seq 2 3 29); do
	rm -rf l
	cp -a $base l
	spoiled "write:$i+:ENOSPC" "$led" write l 200 80 3 >new.acks 2>err
	[ $? -eq 2 ] || bad=$((bad + 1))
	left=$(sed -n 's/^unwritten //p' new.acks)
	grep -v unwritten new.acks | cat $base.acks - >acks
	grep -q 'No space left' err || bad=$((bad + 1))
	# What is not acknowledged is in hand: the turn, or nothing where framing failed.
	[ "${left:-0}" -eq 3 ] || [ "${left:-x}" = 0 ] || { bad=$((bad + 1)); echo "# $i: unwritten ${left:-none}"; }
	[ "$(tail -c1 l/*.tail 2>/dev/null | od -An -c | tr -d ' ')" = '\n' ] || [ ! -s "$(ls l/*.tail 2>/dev/null)" ] ||
		{ bad=$((bad + 1)); echo "# $i: the tail ends in the middle of a line"; }
	mended "a full disk from write $i on" || bad=$((bad + 1))
done
is "$bad" 0 "a full disk: the tail ends with a whole line, the rest is handed back"

# ---- a real one ----
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	mkdir full
	unset BF_BLOCK BF_TAIL
	unshare -m sh -c '
		mount -t tmpfs -o size=1m none full || exit 9
		"$0" write full/l 0 0 5 >acks 2>err
		echo $? >status
		cp -a full/l l2' "$led"
	is "$(cat status)" 2 "a full tmpfs ends the run with status 2"
	like "$(cat err)" "*No space left on device*" "and says why"
	sed -n 's/^unwritten //p' acks >left
	grep -v unwritten acks | "$led" have l2 >missing
	ok $? "all $(grep -vc unwritten acks) acknowledged records are there"
	n=$(grep -vc unwritten acks)
	"$led" write l2 $((n + 5)) 5 >/dev/null && zstd -tq l2/*.zst
	ok $? "with room again it goes on"
fi

# ---- a folder that cannot be written ----
rm -rf ro
"$led" write ro 0 10 >/dev/null
if [ "$(id -u)" -eq 0 ]; then
	# Root may write anywhere: the third open is the first for writing.
	BF_INJECT_PROGRAM=ledger BF_INJECT_PATH=.jsonl.zst BF_INJECT=open:3+:EROFS LD_PRELOAD=$BUILD/fault/inject.so \
		"$led" write ro 10 2 1 >new 2>err
else
	chmod 0500 ro
	chmod 0400 ro/*
	"$led" write ro 10 2 1 >new 2>err
fi
status=$?
is "$status $(cat new)" "2 unwritten 1" "a record that finds no segment is handed back"
chmod 0700 ro
seq 0 9 | "$led" have ro >missing
ok $? "what was there is there"
done_testing
