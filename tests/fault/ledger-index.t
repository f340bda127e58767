#!/bin/bash
# Whatever goes wrong with an index, or while it is made, costs no record and
# fails no run: it is only a cache.
. "$(dirname "$0")/../lib.sh"
led=$BUILD/fault/ledger
export BF_BLOCK=3000 BF_TAIL=9000 BF_INDEX=6000

if [ -n "${BF_ASAN:-}" ] || nm -D "$led" 2>/dev/null | grep -q __asan_init; then
	skip_all "a preloaded library and the address sanitizer do not go together"
fi

n=400
# spoiled CALL:N:WHAT CMD...: on index files alone
spoiled() {
	local what=$1
	shift
	BF_INJECT_PROGRAM=ledger BF_INJECT_PATH=.idx BF_INJECT=$what LD_PRELOAD=$BUILD/fault/inject.so "$@"
}

# whole WHAT: all records are there, with the indexes and without, and the next
# writer goes on.
whole() {
	"$led" mend l <acks >missing 2>err || { echo "# $1: missing, or the next writer: $(tr '\n' ' ' <missing; cat err)"; return 1; }
	[ ! -s err ] || { echo "# $1: $(head -3 err)"; return 1; }
	printf '%s\n' 1000 1001 1002 1003 1004 >>acks
	rm -rf bare
	mkdir bare
	ln l/*.zst bare
	"$led" have bare <acks >missing 2>err || { echo "# $1, without: missing"; return 1; }
	zstd -tq l/*.zst || { echo "# $1: zstd -t"; return 1; }
}

"$led" write l 0 $n 3 >acks
[ "$(find l -name '*.idx' | wc -l)" -ge 1 ]
ok $? "a writer leaves an index"
whole "as it is"
ok $? "and all is found"

for call in open write close read rename; do
	rm -rf l count
	BF_INJECT_COUNT=$TMP/count spoiled $call "$led" write l 0 $n 3 >/dev/null
	read -r _ times <count
	[ "${times:-0}" -gt 1 ]
	ok $? "$call of an index is made (${times:-0} times)"
	bad=0
	for what in ENOSPC EIO kill killed short; do
		case $call-$what in write-short | *-E* | *-kill*) ;; *) continue ;; esac
		for i in 1 2 $((times / 2)) $((times - 1)) "$times" 1+; do
			rm -rf l
			spoiled $call:$i:$what "$led" write l 0 $n 3 >acks 2>err
			status=$?
			case $what-$status in
			kill*-137) ;;
			*-0) [ ! -s err ] || { bad=$((bad + 1)); echo "# $what at $call $i: $(cat err)"; } ;;
			*) bad=$((bad + 1)); echo "# $what at $call $i: status $status" ;;
			esac
			case $what in kill*) "$led" write l 2000 1 >/dev/null 2>&1 ;; esac
			whole "$what at $call $i" || bad=$((bad + 1))
		done
	done 2>/dev/null
	is $bad 0 "$call: whatever happens there, nothing is lost and nothing said"
done

# A temporary file that a killed writer left is in nobody's way for ever.
rm -rf l
"$led" write l 0 $n 3 >acks
rm l/*.idx
seg=$(basename l/*.zst)
: >"l/.$seg.idx"
"$led" write l 2000 200 3 >>acks
[ ! -e "l/$seg.idx" ]
ok $? "another process is making the index: this one does not"
touch -d '10 minutes ago' "l/.$seg.idx"
"$led" write l 3000 200 3 >>acks
[ -s "l/$seg.idx" ] && [ ! -e "l/.$seg.idx" ]
ok $? "one that was left there long ago is replaced"
whole "after that"
ok $? "and all is found"

# A reader: an index cannot be opened, or read from some block on.
for call in open:1+ read:1+ read:2+ read:3 read:5+; do
	spoiled "$call:EIO" "$led" have l <acks >missing 2>err
	is "$?-$(cat err)" 0- "a reader that fails at $call of an index reads the segment"
done
done_testing
