#!/bin/bash
# Every system call that bf-save makes to packed files and databases fails in turn.
. "$(dirname "$0")/../lib.sh"

so=$BUILD/fault/inject.so
[ -e "$so" ] || skip_all "no $so"
nm -D "$BUILD/bf-save" 2>/dev/null | grep -q __asan_init && skip_all "not with ASan"

awk 'BEGIN { for (i = 0; i < 300; i++) printf "{\"id\":%d,\"text\":\"the text of entry %d\"}\n", i, i * i }' >in
head -n 200 in | tail -n 100 >some

# What is in d/FILE, in its order.
content() {
	case $1 in
	*.gz) gzip -dc "$1" ;;
	*.zst) zstd -qdc "$1" ;;
	*.db) python3 -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute("SELECT id, text FROM entries ORDER BY id"):
    print("{\"id\":%d,\"text\":\"%s\"}" % row)' "$1" ;;
	esac
}

# has WHICH...: whether d/$file has the content of one of them
has() {
	for which; do
		[ -e "$which.bytes" ] || [ -e "d/$file" ] || return 0
		cmp -s "d/$file" "$which.bytes" && [ ! -e "d/$file-journal" ] && return 0
	done
	content "d/$file" >got 2>&1
	for which; do
		cmp -s got "$which" && return 0
	done
	return 1
}

# inject WHAT OPTION...: bf-save over a copy of what is in was/
inject() {
	what=$1
	shift
	rm -rf d
	cp -r was d
	status=0
	LD_PRELOAD=$so BF_INJECT=$what BF_INJECT_COUNT=$TMP/count BF_INJECT_PROGRAM=bf-save \
		bf-save "$@" <in >out 2>err || status=$?
}

# moments N: which of N calls; of many the first, the last, and every third, but
# for BF_SOAK=1
moments() {
	if [ -n "${BF_SOAK:-}" ] || [ "$1" -le 6 ]; then
		seq "$1"
	else
		echo 1 2 $(seq 3 3 $(($1 - 1))) "$1"
	fi
}

# torture FILE OPTION...: each call fails, and the process is killed at it; with
# -n as the first option, FILE is not there before
torture() {
	file=$1
	name="$*"
	rm -rf was old.bytes
	mkdir was
	: >old
	shift
	if [ "${1-}" = -n ]; then
		shift
	else
		bf-save "was/$file" <some
		content "was/$file" >old
		cp "was/$file" old.bytes
	fi
	inject none "$@" "d/$file"
	content "d/$file" >new
	cp "d/$file" new.bytes
	[ "$status" = 0 ] && ! cmp -s old new
	ok $? "$name: goes well"
	for call in read write open fsync fdatasync rename link close ftruncate; do
		rm -f count
		inject $call "$@" "d/$file"
		read -r _ n <count
		[ "$n" -ge 1 ] || continue
		bad='' torn='' left='' killed=''
		for i in $(moments "$n"); do
			inject "$call:$i:EIO" "$@" "d/$file"
			case $status in
			0) has new || bad="$bad $i:not-told" ;;
			2) [[ $(<err) == *'bf-save: '* ]] || bad="$bad $i:quiet" ;;
			*) bad="$bad $i:$status" ;;
			esac
			has old new || torn="$torn $i"
			! compgen -G 'd/.*.??????*' >here || left="$left $i"
			case $call in read | open | close) continue ;; esac
			inject "$call:$i:kill" "$@" "d/$file" 2>/dev/null
			has old new || killed="$killed $i"
			[ "${1-}" = --append ] && continue
			bf-save "$@" "d/$file" <in
			has new || killed="$killed $i:rerun"
		done
		is "$bad" "" "$name: each failing $call of $n is told, or changes nothing"
		is "$torn" "" "$name: no failing $call leaves a torn file"
		is "$left" "" "$name: no failing $call leaves a temporary file"
		case $call in read | open | close) continue ;; esac
		is "$killed" "" "$name: nor does SIGKILL at one, and a rerun is whole"
	done
	inject write:1+:ENOSPC "$@" "d/$file"
	has old
	ok $? "$name: a disk that stays full leaves the old file"
	is "$status $(ls -A d)" "2 $(ls was)" "$name: and nothing else"
}

torture f.jsonl.gz
torture f.jsonl.gz --append
torture f.jsonl.zst --append
if python3 -c 'import sqlite3' 2>/dev/null; then
	torture f.db
	torture f.db --key id
	torture f.db -n
fi
done_testing
