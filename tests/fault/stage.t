#!/bin/bash
# Every system call that bf-save and a filter make fails in turn.
. "$(dirname "$0")/../lib.sh"

so=$BUILD/fault/inject.so
[ -e "$so" ] || skip_all "no $so"
# The sanitizers want to be loaded first.
nm -D "$BUILD/bf-save" 2>/dev/null | grep -q __asan_init && skip_all "not with ASan"

head -c 300000 /dev/zero | tr '\0' 'x' >x
{
	echo '{"text":"first"}'
	printf '{"text":"%s"}\n' "$(cat x)"
	echo '{"text":"last"}'
} >in
echo '{"text":"old"}' >old

# inject WHAT CMD...: like run, with in on a pipe as input
inject() {
	what=$1
	shift
	status=0
	cat in | LD_PRELOAD=$so BF_INJECT=$what BF_INJECT_COUNT=$TMP/count "$@" >out 2>err ||
		status=$?
}

# calls CALL CMD...: how often it is made
calls() {
	rm -f count
	inject "$@"
	awk '{ print $2 }' count
}

fresh() {
	rm -rf d
	mkdir d
	cp old d/f
}

# Which of old and new d/f is; "torn" must never be seen.
state() {
	if cmp -s d/f old; then echo old
	elif cmp -s d/f in; then echo new
	else echo torn; fi
}

litter() { find d -mindepth 1 ! -name f ! -name f.partial; }

fresh
is "$(calls fsync bf-save d/f)" 2 "bf-save: the file is synced, and its folder"
for call in read write open fsync rename close; do
	fresh
	n=$(calls $call bf-save d/f)
	[ "$n" -ge 1 ]
	ok $? "bf-save: $call is called ($n)"
	bad='' torn='' quiet='' left='' new=''
	for i in $(seq "$n"); do
		fresh
		inject "$call:$i:EIO" bf-save d/f
		[ "$status" = 2 ] || bad="$bad $i:$status"
		grep -q '^bf-save: ' err || quiet="$quiet $i"
		[ -z "$(litter)" ] || left="$left $i"
		case $(state) in
		torn) torn="$torn $i" ;;
		new) new="$new $i" ;;
		esac
	done
	case $call in
	# After the rename the folder is opened, synced and closed, and at last
	# standard output: the file is the new one by then.
	open | fsync) after=" $n" ;;
	close) after=" $((n - 1)) $n" ;;
	*) after='' ;;
	esac
	is "$bad" "" "bf-save: each failing $call gives status 2"
	is "$quiet" "" "bf-save: each failing $call gives a message"
	is "$left" "" "bf-save: each failing $call leaves no temporary file"
	is "$torn" "" "bf-save: no failing $call leaves a torn file"
	is "$new" "$after" "bf-save: until the rename, each failing $call leaves the old file"
done

fresh
BF_INJECT_PATH=/d/ inject write:1+:ENOSPC bf-save d/f
is "$status $(state)" "2 old" "bf-save: a disk that stays full: the old file"
is "$(cat err)" "bf-save: d/f: cannot write: No space left on device" "bf-save: the reason is told, once"
is "$(ls -A d)" "f" "bf-save: and nothing else is left"

# Whether the file has changed cannot be found out: then it is written.
tr f g <in >other
for what in open:2:EACCES read:1:EIO; do
	fresh
	cp other d/f
	BF_INJECT_PATH=/d/ inject $what bf-save "$TMP/d/f"
	is "$status $(state) $(cat err)" "0 new " "bf-save: $what while comparing"
done

for what in read:1:EINTR read:2:short read:1:EAGAIN write:1:EINTR write:1:short \
	write:2:short fsync:1:EINTR close:1:EINTR; do
	fresh
	inject $what bf-save d/f
	is "$status $(state) $(cat err)" "0 new " "bf-save: $what changes nothing"
done

for call in write open fsync rename close; do
	fresh
	n=$(calls $call bf-save d/f)
	torn=''
	for i in $(seq "$n"); do
		for what in kill killed; do
			fresh
			inject "$call:$i:$what" bf-save d/f 2>/dev/null
			[ "$status" = 137 ] || torn="$torn $i:status-$status"
			[ "$(state)" = torn ] && torn="$torn $i:$what"
		done
	done
	is "$torn" "" "bf-save: SIGKILL at each $call leaves the old file or the new"
done

# ---- a filter ----

for call in read write close; do
	n=$(calls $call bf-take)
	bad='' quiet='' whole=''
	for i in $(seq "$n"); do
		inject "$call:$i:EIO" bf-take
		[ "$status" = 2 ] || bad="$bad $i:$status"
		grep -q '^bf-take: ' err || quiet="$quiet $i"
		[ $call = read ] && [ "$(tail -n 1 out | cut -c1-16)" != '{"incomplete":{"' ] &&
			whole="$whole $i"
	done
	is "$bad" "" "bf-take: each failing $call of $n gives status 2"
	is "$quiet" "" "bf-take: each failing $call gives a message"
	is "$whole" "" "bf-take: no failing $call leaves output that looks whole"
done
for what in read:1:EINTR read:2:short read:1:EAGAIN write:1:short write:1:EINTR write:1:EAGAIN; do
	inject $what bf-take
	same in out "bf-take: $what changes nothing"
done

# ---- compressed input without its library ----

gzip -c in >in.gz
run env LD_PRELOAD="$so" BF_INJECT=dlopen:1:ENOENT bf-take in.gz
is "$status $(cat err)" "2 bf-take: in.gz: gzip input needs libz.so.1 (Debian package zlib1g)" \
	"gzip input without zlib: the package is named"
printf '\050\265\057\375' >in.zst
run env LD_PRELOAD="$so" BF_INJECT=dlopen:1:ENOENT bf-take in.zst
is "$status $(cat err)" "2 bf-take: in.zst: zstd input needs libzstd.so.1 (Debian package libzstd1)" \
	"zstd input without libzstd: the package is named"
run bf-take in.gz
same in out "gzip input with zlib"
rm -f count
run env LD_PRELOAD="$so" BF_INJECT=dlopen BF_INJECT_COUNT="$TMP/count" bf-take in
is "$(cat count)" "dlopen 0" "other input loads no library"

done_testing
