#!/bin/bash
# What bf-if, bf-loop and bf-near --query need of the system fails: pipes, processes,
# temporary files.
. "$(dirname "$0")/../lib.sh"

so=$BUILD/fault/inject.so
[ -e "$so" ] || skip_all "no $so"
# The sanitizers want to be loaded first.
nm -D "$BUILD/bf-if" 2>/dev/null | grep -q __asan_init && skip_all "not with ASan"

seq 2000 | sed 's/.*/{"n":&,"text":"some text"}/' >in

# inject WHAT CMD...: like run, with in on a pipe; what the pipes start is left alone
inject() {
	what=$1
	shift
	status=0
	cat in | timeout 60 env LD_PRELOAD="$so" BF_INJECT_PROGRAM="$1" BF_INJECT="$what" \
		BF_INJECT_COUNT="$TMP/count" "$@" >out 2>err || status=$?
}
# calls CALL CMD...: how often it is made
calls() {
	rm -f count
	inject "$@"
	awk '{ n = $2 } END { print n }' count
}
# unmet I: the run was one that made fewer such calls, and all is well
unmet() { [ "$status" = 0 ] && [ "$(tail -n 1 count | cut -d' ' -f2)" -lt "$1" ] && cmp -s out "good_${name%_}"; }
incomplete() { tail -n 1 out | jq -c '.incomplete.status'; }

if_=(bf-if -m 4K '.n % 2 == 0' 'tac' 'cat')
loop=(bf-loop -q -m 4K -n 2 'tac')

inject none:1:EIO "${if_[@]}"
is "$status" 0 "bf-if: nothing fails"
same in out "and all is as it was"
cp out good_if
inject none:1:EIO "${loop[@]}"
is "$status" 0 "bf-loop: nothing fails"
cp out good_loop

# Each fails in turn.  Status 2 and an incomplete line, or nothing is amiss.
# poll(2) of what may be read fails over to reading; half of what is read comes later.
for name in if_ loop; do
	declare -n cmd=$name
	for call in pipe spawn; do
		n=$(calls $call "${cmd[@]}")
		[ "$n" -ge 1 ]
		ok $? "${cmd[0]}: $call is called ($n)"
		for i in $(seq "$n"); do
			inject "$call:$i:EMFILE" "${cmd[@]}"
			if [ $call = pipe ] && [ "$i" = 1 ]; then
				# That which signals come through.
				same "good_${name%_}" out "${cmd[0]}: $call $i: goes on without"
				continue
			fi
			is "$status $(incomplete)" "2 2" "${cmd[0]}: $call $i: status 2"
			like "$(cat err)" "*${cmd[0]}: cannot start a pipe: *" "${cmd[0]}: $call $i: told"
		done
	done
	bad='' short='' n=$(calls write "${cmd[@]}")
	for i in $(seq 1 $((n / 15 + 1)) "$n"); do
		inject "write:$i:ENOSPC" "${cmd[@]}"
		[ "$status" = 2 ] && grep -q "${cmd[0]}: .*No space left" err || unmet "$i" || bad="$bad $i:$status"
		inject "write:$i:short" "${cmd[@]}"
		cmp -s out "good_${name%_}" || short="$short $i"
	done
	is "$bad" "" "${cmd[0]}: each of $n writes may fail: status 2"
	is "$short" "" "${cmd[0]}: or write half"
	bad='' short='' n=$(calls read "${cmd[@]}")
	for i in $(seq 1 $((n / 15 + 1)) "$n"); do
		inject "read:$i:EIO" "${cmd[@]}"
		[ "$status $(incomplete)" = "2 2" ] && grep -q "Input/output error" err || unmet "$i" || bad="$bad $i:$status"
		inject "read:$i:short" "${cmd[@]}"
		cmp -s out "good_${name%_}" || short="$short $i"
	done
	is "$bad" "" "${cmd[0]}: each of $n reads may fail: status 2"
	is "$short" "" "${cmd[0]}: or read half"
	bad='' n=$(calls poll "${cmd[@]}")
	for i in $(seq 1 $((n / 15 + 1)) "$n"); do
		inject "poll:$i:ENOMEM" "${cmd[@]}"
		[ "$status $(incomplete)" = "2 2" ] || cmp -s out "good_${name%_}" || bad="$bad $i:$status"
		inject "poll:$i:EINTR" "${cmd[@]}"
		cmp -s out "good_${name%_}" || bad="$bad $i:EINTR"
	done
	is "$bad" "" "${cmd[0]}: each of $n polls may fail"
	# The temporary file cannot be made: nothing is lost that came back.
	status=0
	cat in | LD_PRELOAD=$so BF_INJECT_PROGRAM=${cmd[0]} BF_INJECT=open:1+:ENOSPC BF_INJECT_PATH=/tmp \
		TMPDIR=/tmp "${cmd[@]}" >out 2>err || status=$?
	is "$status $(incomplete)" "2 2" "${cmd[0]}: no temporary file: status 2"
	like "$(cat err)" "*${cmd[0]}: cannot make a temporary file: No space left*" "${cmd[0]}: told"
done
inject dlopen:1:1 "${if_[@]}"
like "$status $(cat err)" "2 *cannot load libjq *" "no libjq"

# The pipe of a question, which is asked before the input is read.
seq 50 | sed 's/.*/{"id":&,"embedding":[&,1]}/' >vectors
near=(bf-near -j 1 -k 1 --query q --embed 'sed "s/}/,\"embedding\":[3,1]}/"' vectors)
inject none:1:EIO "${near[@]}"
is "$status $(cat out)" '0 {"text":"q","embedding":[3,1],"near":[{"id":3,"score":1.000000}]}' "bf-near: nothing fails"
cp out good
for fault in pipe:EMFILE spawn:EMFILE poll:ENOMEM poll:EINTR read:EIO read:EINTR read:short write:EIO write:EINTR write:short; do
	call=${fault%:*} bad='' n=$(calls "$call" "${near[@]}")
	[ "$n" -ge 1 ]
	ok $? "bf-near: $call is called ($n)"
	for i in $(seq "$n"); do
		inject "$call:$i:${fault#*:}" "${near[@]}"
		case $fault in
		# The first pipe is that which signals come through; the output cannot be marked.
		*:EINTR | *:short | pipe:*) [ "$fault" = pipe:EMFILE ] && [ "$i" != 1 ] || { cmp -s out good && continue; } ;;
		write:*) [ "$status" = 2 ] && [ -s err ] && continue ;;
		esac
		[ "$status $(incomplete)" = "2 2" ] && [ -s err ] || bad="$bad $i:$status"
	done
	is "$bad" "" "bf-near: $fault, each in turn"
done

done_testing
