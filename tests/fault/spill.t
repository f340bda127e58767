#!/bin/bash
# A ledger that cannot be written: no answer that was paid is lost.
. "$(dirname "$0")/../lib.sh"

chmod 755 .
mkdir spilled
export TMPDIR=$TMP/spilled
trap 'chmod -R u+rwx "$TMP"; cleanup' EXIT
reset() { curl -s -X POST "${OPENAI_BASE_URL%/v1}/_reset" >/dev/null; rm -rf .bf spilled/*; }

seq 40 | jq -c '{id: ., prompt: "number \(.)"}' >in
tail -n 39 in >rest
head -n 1 in >first

# take_in: the command that the last message names
take_in() { eval "$(sed -n 's/.*take those answers in with: //p' err)"; }

# recorded [FILE...]: keys that have an answer, in the ledger and these files
recorded() {
	{
		zstdcat .bf/ledger/*.zst 2>/dev/null
		cat .bf/ledger/*.tail "$@" 2>/dev/null
	} | jq -Rr 'fromjson? | select(.s == "ok") | .k' | sort -u
}
# kept: what the last run owes to those who paid for it; else says what is wrong
kept() {
	local bad=0 answered again spilt
	spilt=$(ls spilled)
	answered=$(stat_of .answered)
	[ "$status" -eq 2 ] || { echo "# status $status"; bad=1; }
	[ "$(recorded spilled/* | wc -l)" -eq "$answered" ] ||
		{ echo "# answered $answered, kept $(recorded spilled/* | wc -l)"; bad=1; }
	[ "$(grep -c '"response"' out)" -le "$(recorded | wc -l)" ] ||
		{ echo "# put out and not recorded"; bad=1; }
	tail -n 1 out | jq -e '.incomplete.status == 2' >/dev/null || { echo "# the output looks whole"; bad=1; }
	if [ -n "$spilt" ]; then
		grep -q "bf-ledger merge -l .bf/ledger $TMPDIR/bf-llm-spill" err || { echo "# the spill file is not named"; bad=1; }
		[ "$(stat -c %a spilled/* | sort -u)" = 600 ] || { echo "# others may read it"; bad=1; }
		[ -z "$(jq -r 'select(.t < 1600000000000)' spilled/*)" ] || { echo "# a record without its time"; bad=1; }
	fi
	[ -z "$spilt" ] || take_in >merged 2>&1 || { cat merged; bad=1; }
	bf-llm -q -m m in >again 2>err2 || { echo "# the rerun: $?"; bad=1; }
	again=$(stat_of '"\(.answered_again) paid again, \(.answered) answered"')
	[ "$(wc -l <again) $again" = '40 "0 paid again, 40 answered"' ] ||
		{ echo "# the rerun: $(wc -l <again) entries, $again"; bad=1; }
	[ $bad -eq 0 ] || { sed 's/^/# /' err; return 1; }
}

# ---- system calls that fail ----

if ! nm -D "$BUILD/bf-llm" 2>/dev/null | grep -q __asan_init; then
	serve --reply "$(head -c 600 /dev/urandom | base64 -w0) {prompt}"
	spoiled() { # CALL:N:WHAT OPTION...
		local inject=$1
		shift
		run env BF_INJECT_PROGRAM=bf-llm BF_INJECT_PATH=.bf/ledger BF_INJECT="$inject" \
			LD_PRELOAD="$BUILD/fault/inject.so" bf-llm -m m -j 4 "$@" in
	}
	while read -r what moments; do
		bad=0
		for i in $moments; do
			reset
			[ $what = short ] && spoiled "write:$i:short" || spoiled "write:$i+:$what"
			if [ $what = short ]; then
				[ "$status" -eq 0 ] || bad=1
			elif [ $i -eq 1 ]; then # the segment cannot even be begun
				[ "$status $(stat_of .completions)" = "2 0" ] || bad=1
			else
				kept || bad=1
			fi
		done
		is "$bad" 0 "$what at some write and from then on: no answer is lost"
	done <<-'END'
		ENOSPC 1 2 3 5 9
		EDQUOT 2 5
		EIO 1 3
		short 1 2 9
	END
	bad=0
	for i in 1 2 3 5; do
		reset
		spoiled "fdatasync:$i+:EIO" --sync always
		kept || bad=1
	done
	is "$bad" 0 "EIO at some fdatasync: no answer is lost"
	bad=0
	for i in 2 3 5; do # one that fails, and the disk has room again
		reset
		spoiled "write:$i:ENOSPC"
		kept || bad=1
	done
	is "$bad" 0 "a disk that is full for a moment: no answer is lost"

	# Nowhere to spill to: told, and the marks stay for the next run to tell.
	reset
	run env BF_INJECT_PROGRAM=bf-llm BF_INJECT_PATH=/ BF_INJECT="write:2+:ENOSPC" \
		LD_PRELOAD="$BUILD/fault/inject.so" bf-llm -m m -j 4 in
	is "$status $(ls spilled | wc -l)" "2 0" "no room anywhere: no file is left"
	run bf-llm -m m -j 4 in
	like "$(cat err)" "*left 4 calls possibly billed: 4 m*" "and the next run tells what was lost"
	stop
fi

# ---- a file that may not grow ----

serve --reply "$(head -c 3000 /dev/urandom | base64 -w0) {prompt}"
reset
run bash -c 'ulimit -f 30; exec bf-llm -m m -j 4 in'
kept
ok $? "a limit on the size of files: no answer is lost"
# All of one turn in files that are too small for it.
reset
run bash -c 'ulimit -f 12; exec bf-llm -m m -j 4 in'
like "$status $(cat err)" "2 *cannot record answers*File too large*" "a limit too small for anything is told"

# ---- a disk that is full ----

if [ "$(id -u)" -eq 0 ] && unshare -m mount -t tmpfs none /mnt 2>/dev/null; then
	full() { # SIZE OPTION...: the ledger on a small disk, copied from there
		reset
		mkdir -p .bf/ledger disk
		run unshare -m sh -c '
			mount -t tmpfs -o size='"$1"' none disk || exit 9
			mkdir disk/ledger && mount --bind disk/ledger .bf/ledger || exit 9
			shift
			"$@"
			status=$?
			cp -a .bf/ledger copy
			exit $status' sh "$@"
		rm -rf .bf/ledger
		mv copy .bf/ledger
	}
	for size in 64k 100k 128k; do
		full $size bf-llm -m m -j 4 in
		like "$(cat err)" "*cannot record answers: *No space left on device*" "a disk of $size is full: told"
		kept
		ok $? "and no answer is lost"
	done
	# Filled to the brim before: found before anything is paid.
	full 64k sh -c 'cat /dev/zero >disk/zeros 2>/dev/null; exec bf-llm -m m in'
	is "$status $(stat_of .completions)" "2 0" "a disk that is full already: nothing is sent"
	like "$(cat err)" "*cannot record answers: *No space left on device*" "and it says why"
	# A temporary folder on the same disk.
	full 100k env TMPDIR="$TMP/disk" bf-llm -m m -j 4 in
	like "$(cat err)" "*bf-ledger merge -l .bf/ledger*/bf-llm-spill.*" "where the temporary folder is full too another is found"
	for f in $(sed -n 's/.*bf-ledger merge -l [^ ]*//p' err); do
		case $f in */tmp/bf-llm-spill.*) mv "$f" spilled/ ;; esac
	done
	is "$(recorded spilled/* | wc -l)" "$(stat_of .answered)" "and no answer is lost"
fi

# ---- no permission ----

user=
if [ "$(id -u)" -eq 0 ]; then
	user="setpriv --reuid=65534 --regid=65534 --clear-groups"
	$user bf-llm --version >/dev/null 2>&1 || user=none
fi
if [ "$user" != none ]; then
	reset
	bf-llm -q -m m first >out1
	[ -z "$user" ] || chown -R 65534:65534 .bf
	before=$(stat_of .completions)
	chmod 500 .bf/ledger
	chmod 400 .bf/ledger/*
	run $user bf-llm -m m in
	is "$status $(stat_of .completions)" "2 $before" "a ledger that cannot be written: status 2, and nothing is sent"
	like "$(cat err)" "*cannot record answers: cannot make .bf/ledger/*: Permission denied*" "it says why"
	is "$(jq -c '.incomplete.status // .id' out | tr '\n' ,)" "1,2," "what the ledger has is served up to there"
	run $user bf-llm -m m first
	is "$status $(cat err | wc -l)" "0 1" "a run of hits alone works fully"
	same out1 out "with the same bytes"
	chmod 600 .bf/ledger/*.zst
	run $user bf-llm -m m in
	is "$status $(stat_of .completions)" "2 $before" "a folder that cannot be written, with a segment that can: the same"
	chmod 700 .bf/ledger
	chmod 000 .bf/ledger/*.zst
	run $user bf-llm -m m in
	is "$status $(stat_of .completions)" "2 $before" "a segment that cannot be read: status 2, and nothing is sent"
	like "$(cat err)" "bf-llm: cannot open .bf/ledger/*.zst: Permission denied*" "it says why"
	chmod 000 .bf/ledger
	run $user bf-llm -m m in
	is "$status $(stat_of .completions) $(wc -l <err)" "2 $before 1" "nor one whose folder cannot be read"
	chmod 700 .bf/ledger
	chmod 600 .bf/ledger/*
	mkdir locked
	chmod 555 locked
	run $user bf-llm -l locked/l -m m in
	is "$status $(stat_of .completions)" "2 $before" "nor one that cannot be made"
	like "$(cat err)" "bf-llm: cannot make locked/l: Permission denied*" "it says why"
	run bf-llm -m m in
	is "$status $(stat_of .completions)" "0 40" "with permission it goes on, and pays for the rest"
fi

# ---- names that a shell would not take ----

reset
mkdir "spilled/it's here"
run bash -c 'ulimit -f 30; TMPDIR="$TMPDIR/it'\''s here" exec bf-llm -m m -j 4 -l "a b" in'
eval "set -- $(sed -n 's/.*bf-ledger merge //p' err)"
is "$1 $2 $(dirname "$3")" "-l a b $TMPDIR/it's here" "the command can be pasted, whatever the names"
[ -s "$3" ]
ok $? "and its file is there"
stop

done_testing
