#!/bin/bash
# Each system call of a writer fails, or is the last thing it does.
. "$(dirname "$0")/../lib.sh"
led=$BUILD/fault/ledger
export BF_BLOCK=3000 BF_TAIL=9000

if [ -n "${BF_ASAN:-}" ] || nm -D "$led" 2>/dev/null | grep -q __asan_init; then
	skip_all "a preloaded library and the address sanitizer do not go together"
fi

# spoiled CALL:N:WHAT CMD...: of the calls on files that BF_INJECT_PATH means
export BF_INJECT_PATH=$TMP/l
spoiled() {
	local what=$1
	shift
	BF_INJECT_PROGRAM=ledger BF_INJECT=$what LD_PRELOAD=$BUILD/fault/inject.so "$@"
}

# Two ledgers to begin with: one after a clean end, whose short last frame is
# taken back, and one as a killed writer leaves it, with frames, and a tail that
# holds records of them and others.
"$led" write clean 0 63 1 >clean.acks
"$led" write l 0 60 1 >killed.acks
spoiled write:30:kill "$led" write l 60 60 1 >>killed.acks 2>/dev/null
mv l killed
[ -s "$(ls killed/*.tail)" ] && [ ! -e "$(ls clean/*.tail 2>/dev/null)" ]
ok $? "a ledger with a tail and one without"

# Of the many writes to the tail some, the first among them; all with BF_SOAK=1.
moments() { # PATH N
	if [ "$1" = .tail ] && [ -z "${BF_SOAK:-}" ]; then
		echo 1 2 $(seq 9 9 "$2")
	else
		seq "$2"
	fi
}
spoil_count() { # BASE CALL: how many such calls a run of 80 makes
	rm -rf l count
	cp -a "$1" l
	BF_INJECT_COUNT=$TMP/count spoiled "$2" "$led" write l 200 80 1 >/dev/null
	awk '{ print $2 }' count
}

BF_INJECT_PATH='.zst$'
[ "$(spoil_count clean ftruncate)" -gt 0 ]
ok $? "the short last frame is taken back"

# spoil BASE CALL:N:WHAT [TURN]: a run of 80 on a ledger like BASE, $l; its status,
# what it acknowledged, and acks with that of BASE
spoil() {
	l=l.$2
	cp -a "$1" "$l"
	status=0
	spoiled "$2" "$led" write "$l" 200 80 "${3:-1}" >new.acks 2>err || status=$?
	new=$(<new.acks)
	printf '%s\n' "$(<"$1.acks")" "${new%unwritten*}" >acks
}
# wrong TEXT: says what, and counts it
wrong() {
	bad=$((bad + 1))
	echo "# $l: $1"
	sed 's/^/# /' err
}

# After it: a second writer goes on, then everything acknowledged is there.
mended() {
	"$led" mend "$l" <acks >missing 2>>err || wrong "missing $(tr '\n' ' ' <missing)"
	for tail in "$l"/*.tail; do
		[ ! -e "$tail" ] || wrong "a tail is left"
	done
}
# all_mended: all ledgers of one loop are whole, with nothing in them twice
all_mended() {
	zstd -dq l.*/*.zst || wrong "not to be decompressed"
	awk '{ dir = FILENAME; sub("/.*", "", dir) }
		seen[dir, substr($0, 13, 32)]++ { print "# " dir ": there twice: " $0; bad = 1 }
		END { exit bad || NR == 0 }' l.*/*.jsonl || bad=$((bad + 1))
	rm -r l.*
}

# What CALL does to files whose path has PATH.  What is there after one call is
# there before the next: writes are killed after it, the others before it too.
while read -r call path kills faults; do
	for base in clean killed; do
		where="$base: $call $path"
		BF_INJECT_PATH=$path
		n=$(spoil_count $base $call)
		[ "${n:-0}" -gt 0 ] || [ $base-$call = killed-fsync ]
		ok $? "$where is made (${n:-0} times)"
		[ "${n:-0}" -gt 0 ] || continue
		for what in ${kills//,/ }; do
			bad=0
			for i in $(moments $path "$n"); do
				spoil $base $call:$i:$what
				[ $status -eq 137 ] || wrong "was not reached"
				mended
				case $(<err) in *'are lost'* | *'are left'*) wrong "told" ;; esac
			done 2>/dev/null
			all_mended
			is "$bad" 0 "$where: $what at each: nothing lost, nothing twice"
		done
		for what in ${faults//,/ }; do
			bad=0
			for i in $(moments $path "$n"); do
				spoil $base $call:$i:$what
				if [ $what = short ]; then
					[ $status -eq 0 ] || wrong "status $status"
				else
					[ $status -eq 2 ] || wrong "status $status"
					case $(<err) in *"cannot "*l*) ;; *) wrong "not told" ;; esac
				fi
				mended
			done
			all_mended
			is "$bad" 0 "$where: $what each time: told, nothing lost, nothing twice"
		done
	done
done <<'END'
write .zst$ killed ENOSPC,short
write .tail killed EIO,short
fdatasync .zst kill,killed EIO
fsync /l kill,killed EIO
ftruncate .zst kill,killed EIO
END

# ---- a disk that is full from some moment on ----
bad=0
BF_INJECT_PATH=$TMP/l
for i in $(seq 2 3 29); do
	spoil clean "write:$i+:ENOSPC" 3
	[ $status -eq 2 ] || wrong "status $status"
	left=$(sed -n 's/^unwritten //p' new.acks)
	case $(<err) in *'No space left'*) ;; *) wrong "not told" ;; esac
	# What is not acknowledged is in hand: the turn, or nothing where framing failed.
	[ "${left:-0}" -eq 3 ] || [ "${left:-x}" = 0 ] || wrong "unwritten ${left:-none}"
	[ "$(tail -c1 $l/*.tail 2>/dev/null | od -An -c | tr -d ' ')" = '\n' ] || [ ! -s "$(ls $l/*.tail 2>/dev/null)" ] ||
		wrong "the tail ends in the middle of a line"
	mended
done
all_mended
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
