#!/bin/bash
# bf-human: what it asks of the terminal, the editor's file and its own files fails.
. "$(dirname "$0")/../lib.sh"
export LOGNAME=ada
so=$BUILD/fault/inject.so
[ -e "$so" ] || skip_all "no $so"
# The sanitizers want to be loaded first.
nm -D "$BUILD/bf-human" 2>/dev/null | grep -q __asan_init && skip_all "not with ASan"
for i in 1 2 3; do echo "{\"id\":$i}"; done >in

# at WHAT PATH OPTION...: that goes wrong; the script is standard input
at() {
	cat >script
	local what=$1 path=$2
	shift 2
	rm -rf .bf
	status=0
	env LD_PRELOAD="$so" BF_INJECT="$what" ${path:+BF_INJECT_PATH="$path"} BF_INJECT_PROGRAM=bf-human \
		"$BUILD/tests/pty" -t "${BF_PTY_SECONDS-120}" -o shown script bf-human "$@" in >out 2>err || status=$?
	[ "$status" != 99 ] || sed 's/^/# /' err
	run=$(bf-human -q "$@" --cached-only --errors /dev/null in | wc -l)
}
marked() { tail -1 out | jq -r '.incomplete.status'; }

at open:1:EMFILE /dev/tty --choice yes,no <<'E'
ended
same
E
is "$status $(marked)" "2 2" "no descriptor for the terminal"
like "$(cat err)" "*no terminal to ask at*/dev/tty: Too many open files*" "is said"
at pipe:3:EMFILE '' --choice yes,no <<'E'
ended
same
E
is "$status $(marked)" "2 2" "nor for signals"
# The first question, the echo of its answer, the second question.
for n in 1 3; do
	at write:$n:EIO /dev/tty --choice yes,no <<E
$([ $n = 1 ] || printf 'expect quits] \nsend y\n')
ended
same
E
	is "$status $(marked) $run" "75 75 $((n / 2))" "write $n to the terminal fails: it is as if the person quit"
	like "$(cat err)" "*the terminal is gone: the next run asks what is left; stopping*" "write $n: and is said"
done
at write:1:short /dev/tty --choice yes,no <<'E'
expect [1] in:1\r\nid: 1\r\n[y yes, n no, - skips, q quits] 
send q
ended
same
E
is "$status" 75 "a short write is completed"
at read:2:EIO /dev/tty --choice yes,no <<'E'
expect quits] 
send y
expect [2]
expect quits] 
send y
ended
same
E
is "$status $(marked) $run" "75 75 1" "reading from the terminal fails: what was answered is kept"
at read:1:EINTR /dev/tty --choice yes,no <<'E'
expect quits] 
send y
expect [2]
expect quits] 
send q
ended
E
is "$status $run" "75 1" "EINTR is no end"

export VISUAL=true
for fault in 'open:1:EACCES:Permission denied' 'write:1:ENOSPC:No space left on device' 'close:1:EIO:Input/output error' 'open:2:EIO:the edited file: Input/output error' \
	'read:1:EIO:the edited file: Input/output error'; do
	what=${fault%:*}
	[ "${fault#*edited}" = "$fault" ] || what=${what%:the*}
	at "$what" /bf-human. --editor --text 'draft {id}' <<E
expect quits] 
send \r
expect ${fault##*:}
expect quits] 
changed
send \r
expect [2]
expect quits] 
send q
ended
same
E
	is "$status $run $(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'bf-human.*' -newer in | wc -l)" "75 1 0" "the editor's file, $what: the question is asked again"
done

bf-human --choice yes,no --export old in >/dev/null 2>&1
jq -c '.answer = "yes"' old >done
for what in open:1:EACCES write:1:ENOSPC fsync:1:EIO rename:1:EIO; do
	cp old todo
	LD_PRELOAD=$so BF_INJECT=$what BF_INJECT_PATH=todo run bf-human --as grace --choice yes,no --export todo in
	is "$status $(cmp old todo && echo old) $(find . -name '*todo*' | wc -l)" "2 old 1" "--export, $what: status 2, and the file is as it was"
done
for what in open:1:EACCES read:1:EIO; do
	LD_PRELOAD=$so BF_INJECT=$what BF_INJECT_PATH=done run bf-human --choice yes,no --import done in
	is "$status $(marked)" "2 2" "--import, $what"
done

done_testing
