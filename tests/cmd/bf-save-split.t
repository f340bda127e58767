#!/bin/bash
# bf-save --split.
. "$(dirname "$0")/../lib.sh"

entries 1 10 >in
incomplete='{"incomplete":{"by":"bf-llm","why":"budget reached","status":75}}'
# names d: what is there
names() { (cd "$1" && find . -mindepth 1 | sort | sed 's,^\./,,' | tr '\n' ' '); }

mkdir d
run bf-save --split 4 d/out.jsonl <in
is "$status$(cat out err)" 0 "--split"
is "$(names d)" "out-00001.jsonl out-00002.jsonl out-00003.jsonl " "parts are numbered"
cat d/out-*.jsonl >got
same in got "in their order they are the whole"
is "$(cat d/* | wc -l) $(wc -l <d/out-00003.jsonl)" "10 2" "the last one has what is left"
is "$(stat -c %a d/out-00001.jsonl)" "$(printf %o $((0666 & ~0$(umask))))" "with the mode of the umask"

chmod 640 d/out-00001.jsonl
touch -d '2001-02-03 04:05:06' d/*
sed 's/"number 6"/"six"/' in >changed
run bf-save --split 4 d/out.jsonl <changed
is "$(stat -c '%y' d/out-00001.jsonl d/out-00003.jsonl | cut -c1-19 | uniq)" "2001-02-03 04:05:06" "unchanged parts keep their time stamps"
is "$(find d -newermt 2002-01-01 -type f)" d/out-00002.jsonl "the changed one is new"
cat d/out-*.jsonl >got
same changed got "and all is as it should be"
sed 's/"number 1"/"one"/' in >changed
bf-save --split 4 d/out.jsonl <changed
is "$(stat -c %a d/out-00001.jsonl)" 640 "a part that is replaced keeps its mode"

# ---- fewer parts than before ----

touch d/out-20240101.jsonl d/out-0004.jsonl d/out-00004.json d/out-0000x.jsonl d/xout-00004.jsonl d/out-00004.jsonl.gz d/out.jsonl
mkdir d/out-00007.jsonl
run bf-save -v --split 5 d/out.jsonl <in
is "$(grep -c 'd/out-00003.jsonl: removed: there are 2 parts now' err)" 1 "a part too many is removed, which -v tells"
is "$(names d)" "out-00001.jsonl out-00002.jsonl out-00004.json out-00004.jsonl.gz out-00007.jsonl out-0000x.jsonl out-0004.jsonl out-20240101.jsonl out.jsonl xout-00004.jsonl " \
	"and nothing else"
rm -r d
mkdir d

# ---- each part stands alone ----

for f in json csv tsv md txt csv.gz; do
	bf-save --fields keyword=id,text=prompt --split 4 "d/p.$f" <in
	for i in 1 2 3; do
		bf-take -n 4 -o $((4 * i - 4)) in | bf-save --fields keyword=id,text=prompt "w.$f"
		cmp -s "w.$f" "d/p-0000$i.$f"
		ok $? "$f: part $i is what it would be alone"
	done
done
bf-save --split 2 d/twice.json <in
is "$(jq -s 'length' d/twice-*.json) $(jq '.[].id' d/twice-*.json | tr '\n' ' ')" "5 1 2 3 4 5 6 7 8 9 10 " "json parts are arrays"
bf-save -f csv --split 5 d/bare <in
is "$(find d -name 'bare*' | sort | tr '\n' ' ')" "d/bare-00001 d/bare-00002 " "a name without extension"
bf-save --split 5 d/.dot <in
is "$(find d -name '.dot*' | sort | tr '\n' ' ')" "d/.dot-00001 d/.dot-00002 " "one that begins with a dot"
(cd d && bf-save --split 10 here.jsonl <../in)
same in d/here-00001.jsonl "a bare name, and all in one part"
run bf-save --split 3 d/none.json </dev/null
is "$status $(cat d/none-00001.json) $(find d -name 'none*')" "0 [] d/none-00001.json" "no entries: one part without any"

# ---- whole or not at all ----

rm -rf d
mkdir d
bf-save --split 4 d/out.jsonl <in
cp -r d was
{ entries 11 19; echo "$incomplete"; } >part
run bf-save --split 4 d/out.jsonl <part
is "$status $(cat err)" "75 bf-save: d/out.jsonl: not saved: incomplete input: bf-llm: budget reached; what came is in d/out.jsonl.partial" \
	"incomplete input: its status"
is "$(names d/out.jsonl.partial)" "out-00001.jsonl out-00002.jsonl out-00003.jsonl " "what came is in a folder"
entries 11 19 >want
cat d/out.jsonl.partial/* >got
same want got "all of it"
mv d/out.jsonl.partial kept
diff -r was d >diff
ok $? "the parts are as they were"
mv kept d/out.jsonl.partial
run bf-save --split 4 d/out.jsonl <part
is "$status" 75 "a second incomplete run"
cat d/out.jsonl.partial/* >got
same want got "replaces what the first one kept"
run bf-save --split 4 d/out.jsonl <in
diff -r was d >diff
ok $? "a whole result takes it away"
run bf-save --expect 9 --split 4 d/out.jsonl <in
is "$status $([ -d d/out.jsonl.partial ] && echo kept)" "2 kept" "--expect"
run bf-save --tee --split 4 d/out.jsonl <in
same in out "--tee passes on"
printf '{"a":1}\n{"b":2}\n{"a":3}\n{"a":4}\n' >odd
run bf-save --keep-going --split 1 d/odd.csv <odd
is "$status $(cat d/odd-*.csv | tr '\n' ' ')" "1 a 1 a 3 a 4 " "--keep-going: a part begins with an entry that it can hold"

# ---- what is refused ----

for o in "--append" "-f csv --append"; do
	run bf-save $o --split 2 d/x.jsonl <in
	is "$status $(wc -l <err)" "2 1" "$o --split"
done
run bf-save --split 2 - <in
is "$status $(wc -l <err)" "2 1" "standard output"
run bf-save --split 2 d/ <in
is "$status $(wc -l <err)" "2 1" "a folder"
run bf-save --split 0 d/x <in
is "$status $(wc -l <err)" "2 1" "--split 0"
run bf-save --split 2 nodir/x.jsonl <in
is "$status $(cat err)" "2 bf-save: nodir: No such file or directory" "no such folder"
mkdir d/y-00001.jsonl
run bf-save --split 2 d/y.jsonl <in
is "$status $(cat err)" "2 bf-save: d/y-00001.jsonl: Is a directory" "a part that is a folder"
is "$(find d -name 'y-0000[2-9]*')" "" "then no part is placed"
if [ "$(id -u)" != 0 ]; then
	chmod 400 d/out-00002.jsonl
	run bf-save --split 3 d/out.jsonl <in
	is "$status $(cat err)" "2 bf-save: d/out-00002.jsonl: Permission denied" "a part that may not be written"
	chmod 600 d/out-00002.jsonl
fi

# ---- many parts, few descriptors ----

entries 1 400 >many
run bash -c 'ulimit -n 20; bf-save --split 1 d/many.jsonl <many'
is "$status $(find d -name 'many-*' | wc -l)" "0 400" "400 parts with 20 descriptors"
is "$(find . -name '.*.??????')" "" "no temporary folder is left"

# ---- system calls that fail ----

so=$BUILD/fault/inject.so
if [ -e "$so" ] && ! nm -D "$BUILD/bf-save" | grep -q __asan_init; then
	fresh() { rm -rf d && cp -r was d; }
	bf-save --split 5 w.jsonl <in
	# inject WHAT: with other parts, and one of them too many
	inject() {
		status=0
		LD_PRELOAD=$so BF_INJECT=$1 BF_INJECT_COUNT=$TMP/count \
			bf-save --split 5 d/out.jsonl <in >out 2>err || status=$?
	}
	old=$(cat was/* | md5sum)
	for call in read write open fsync rename close; do
		fresh
		rm -f count
		inject $call
		n=$(awk '{ print $2 }' count)
		[ "$n" -ge 1 ]
		ok $? "$call is called ($n)"
		bad='' left='' torn='' mended=''
		for i in $(seq "$n"); do
			fresh
			inject "$call:$i:EIO"
			# what was only to be read matters to nobody
			if [ "$status" = 0 ]; then
				cat d/*.jsonl | cmp -s - in && [ ! -s err ] || bad="$bad $i:$status"
			else
				[ "$status" = 2 ] && grep -q '^bf-save: ' err || bad="$bad $i:$status"
			fi
			[ -z "$(find d -name '.*.??????')" ] || left="$left $i"
			for f in d/*.jsonl; do
				cmp -s "$f" "was/${f#d/}" || cmp -s "$f" "w-${f#d/out-}" || torn="$torn $i"
			done
			bf-save --split 5 d/out.jsonl <in
			cat d/*.jsonl | cmp -s - in || mended="$mended $i"
		done
		is "$bad" "" "each failing $call gives status 2 and a message, or spoils nothing"
		is "$left" "" "each failing $call leaves no temporary folder"
		is "$torn" "" "no failing $call leaves a torn part"
		is "$mended" "" "and the next run is whole"
	done
	for call in write fsync rename close; do
		fresh
		rm -f count
		inject $call
		n=$(awk '{ print $2 }' count)
		torn='' mended=''
		for i in $(seq "$n"); do
			fresh
			inject "$call:$i:kill" 2>/dev/null
			for f in d/*.jsonl; do
				cmp -s "$f" "was/${f#d/}" || cmp -s "$f" "w-${f#d/out-}" || torn="$torn $i"
			done
			bf-save --split 5 d/out.jsonl <in
			cat d/*.jsonl | cmp -s - in || mended="$mended $i"
		done
		is "$torn" "" "SIGKILL at each $call leaves whole parts"
		is "$mended" "" "and the next run is whole"
	done
	fresh
	LD_PRELOAD=$so BF_INJECT=write:1+:ENOSPC BF_INJECT_PATH=/d/ bf-save --split 5 d/out.jsonl <in 2>err
	is "$? $(cat d/* | md5sum) $(grep -c 'No space left' err) $(find d -name '*partial')" "2 $old 1 " "a disk that stays full"
fi
done_testing
