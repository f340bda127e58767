#!/bin/bash
# bf-save to a folder of files.
. "$(dirname "$0")/../lib.sh"

incomplete='{"incomplete":{"by":"bf-llm","why":"budget reached","status":75}}'
# names DIR: every file and folder below it
names() { (cd "$1" && find . -mindepth 1 | sort | sed 's,^\./,,' | tr '\n' ' '); }

cat >in <<'EOF'
{"id":"a1","text":"one\n","keyword":"K1"}
{"id":2,"text":"two","keyword":"K2"}
{"id":"Zo\u00eb","text":"","keyword":"K3"}
EOF
run bf-save d/ <in
is "$status$(cat out err)" 0 "a name that ends in a slash is a folder"
is "$(names d)" "2.txt Zoë.txt a1.txt " "each entry is a file, named by its id"
is "$(cat d/a1.txt d/2.txt d/Zoë.txt | tr '\n' '|')" "one|two||" "which has its text"
is "$(stat -c %a d d/2.txt | tr '\n' ' ')" "$(printf '%o %o ' $((0777 & ~0$(umask))) $((0666 & ~0$(umask))))" "with the modes of the umask"
run bf-save d <in
is "$status" 0 "so is a folder that is there"
run bf-save -f md e/ <in
is "$(names e)$(head -1 e/a1.md)" "2.md Zoë.md a1.md # K1" "md"
run bf-save -f json e/ <in
is "$(ls e/*.json | wc -l) $(cat e/a1.json)" "3 $(head -1 in)" "json: the entry alone"
run bf-save -f json --fields id,n=keyword --name-field keyword f/ <in
is "$(names f)$(cat f/K2.json)" 'K1.json K2.json K3.json {"id":2,"n":"K2"}' "--name-field and --fields"
echo '{"a":{"b":["x"]},"text":"t"}' >deep
run bf-save --name-field 'a.b[0]' f/ <deep
is "$status $(cat f/x.txt)" "0 t" "--name-field with a path"
run bf-save --tee f/ <in
same in out "--tee passes on"

# ---- what is there ----

echo mine >d/other
chmod 640 d/a1.txt
touch -d '2001-02-03 04:05:06' d/*
sed 's/"one\\n"/"ONE"/' in >changed
run bf-save -v d/ <changed
is "$(find d -newermt 2002-01-01 -type f) $(cat d/a1.txt) $(stat -c %a d/a1.txt)" "d/a1.txt ONE 640" "only what changes is written, with its mode"
is "$(cat d/other)" mine "other files are left alone"
run bf-save -v d/ <changed
like "$status $(cat err)" "0 *3 entries, unchanged" "and -v says that nothing changed"

# ---- names from data ----

cat >odd <<'EOF'
{"id":"../../etc/passwd","text":"1"}
{"id":"/abs","text":"2"}
{"id":"..","text":"3"}
{"id":".","text":"4"}
{"id":".hidden","text":"5"}
{"id":"a\u0000b","text":"6"}
{"id":"a\nb\u007f\u0085","text":"7"}
{"id":"100%","text":"8"}
{"id":"100%25","text":"9"}
{"id":"a%00b","text":"10"}
{"id":"-rf","text":"11"}
{"id":" ","text":"12"}
{"id":"\ud83d\ude00 \u2028\\","text":"13"}
{"id":1.0,"text":"14"}
{"id":".partial","text":"15"}
EOF
mkdir o
run bf-save o/in/ <odd
is "$status" 0 "odd names"
is "$(find o/in -type f | wc -l) $(find o -mindepth 1 | grep -c -v '^o/in')" "15 0" "each is a file of its own, and none is elsewhere"
is "$(cat 'o/in/%2E.%2F..%2Fetc%2Fpasswd.txt' o/in/%2Fabs.txt o/in/%2E..txt o/in/%2E.txt o/in/%2Ehidden.txt o/in/a%00b.txt o/in/a%0Ab%7F%C2%85.txt o/in/100%25.txt o/in/100%2525.txt o/in/a%2500b.txt o/in/-rf.txt 'o/in/ .txt' 'o/in/😀 '$'\u2028''\.txt' o/in/1.0.txt o/in/%2Epartial.txt | tr '\n' ' ')" \
	"$(seq 15 | tr '\n' ' ')" "what is not safe is percent-encoded"
long=$(printf 'é%.0s' $(seq 150))
printf '{"id":"%s","text":"1"}\n{"id":"%sx","text":"2"}\n{"id":"%s","text":"3"}\n' "$long" "$long" "$(printf '%%%.0s' $(seq 200))" >long
run bf-save l/ <long
is "$status $(cat l/* | sort | tr '\n' ' ')" "0 1 2 3 " "long names are cut, and stay distinct"
is "$(cd l && printf '%s\n' * | iconv -f UTF-8 -t UTF-8 | LC_ALL=C awk '{ if (length > 255) bad = 1 } END { print NR, bad + 0 }')" "3 0" "at most 255 bytes, and no half a character"
is "$(printf '%s\n' l/* | grep -c -- '-[0-9a-f]\{16\}\.txt$')" 3 "with a hash"

refused() { # WHAT MESSAGE LINE...
	what=$1 message=$2
	shift 2
	printf '%s\n' "$@" >bad
	rm -rf r
	run bf-save r/ <bad
	like "$status $(cat err)" "2 bf-save: <stdin>:$#: $message
bf-save: r/: not saved: bad entry <stdin>:$#; what came is in r/.partial" "$what"
	is "$(ls r)" "" "$what: no file appears"
	run bf-save --keep-going r/ <bad
	is "$status $(names r)" "1 a.txt " "$what: --keep-going leaves it out"
}
refused "a name that came before" 'r/a.txt: an entry before has the same "id"' '{"id":"a","text":"t"}' '{"id":"a","text":"u"}'
refused "no name" 'no field "id", which names the file' '{"id":"a","text":"t"}' '{"text":"u"}'
refused "an empty name" 'field "id": is empty and names no file' '{"id":"a","text":"t"}' '{"id":"","text":"u"}'
refused "null" 'field "id": is null: only a string or a number names a file' '{"id":"a","text":"t"}' '{"id":null,"text":"u"}'
refused "a list" 'field "id": is array: only*' '{"id":"a","text":"t"}' '{"id":[1],"text":"u"}'
refused "a lone surrogate" 'field "id": holds half of a surrogate pair*' '{"id":"a","text":"t"}' '{"id":"\udc00","text":"u"}'
refused "an entry without text" 'no field "text"*' '{"id":"a","text":"t"}' '{"id":"b"}'

# ---- md by source ----

cat >docs <<'EOF'
{"source":"notes/a.md","headings":["H"],"keyword":"1","text":"one"}
{"source":"notes/a.md","headings":["H"],"keyword":"2","text":"two"}
{"source":"b.md","keyword":"B","text":"bee"}
{"source":"./notes//a.md","headings":["H"],"keyword":"3","text":"three"}
{"source":"../up/c.md","keyword":"C","text":"c"}
{"source":"/abs/d.md","keyword":"D","text":"d"}
EOF
run bf-save -f md --name-field source s/ <docs
is "$status" 0 "md by source"
is "$(names s)" "%2E. %2E./up %2E./up/c.md %2Fabs %2Fabs/d.md b.md notes notes/a.md " "each source is a file below the folder"
printf '# H\n\n## 1\n\none\n\n## 2\n\ntwo\n\n# H\n\n## 3\n\nthree\n' >want
same want s/notes/a.md "which has all its entries, also those that come later"
touch -d '2001-02-03 04:05:06' s/notes/a.md
run bf-save -v -f md --name-field source s/ <docs
like "$(stat -c %y s/notes/a.md | cut -c1-19) $(cat err)" "2001-02-03 04:05:06 *unchanged" "unchanged"
mkdir outside
rm -r s/notes
ln -s ../outside s/notes
run bf-save -f md --name-field source s/ <docs
is "$status $(ls outside)" "2 " "a link that leads out is not followed"
like "$(cat err)" "bf-save: s/notes/a.md: *" "and it is said"
rm s/notes
mkdir s/real
ln -s real s/notes
run bf-save -f md --name-field source s/ <docs
is "$status $(ls s/real)" "0 a.md" "one inside is"
ln -sf ../../outside/x s/real/a.md
run bf-save -f md --name-field source s/ <docs
is "$status $(ls outside)$([ -L s/real/a.md ] || echo file)" "0 file" "a file that is a link is replaced"
printf '{"source":"a","keyword":"k"}\n{"source":"a/b","keyword":"k"}\n' >clash
run bf-save -f md --name-field source t/ <clash
is "$status $(ls t 2>&1 | grep -c '^[^.]')" "2 1" "a file and a folder of one name"
printf '{"source":"%s","keyword":"k"}\n' "$(seq -s/ 100)" >many
run bf-save -f md --name-field source t/ <many
like "$status $(cat err)" '2 bf-save: <stdin>:1: field "source": has more than 64 parts*' "a source that is too deep"
printf '{"source":"%s","keyword":"k"}\n' "$(seq -s/ 64)" >many
run bf-save -f md --name-field source t/ <many
is "$status $(find t -name 64 -type f | wc -l)" "0 1" "one that is not"

# ---- whole or not at all ----

rm -rf d
bf-save d/ <in
cp -r d was
{ sed 's/"a1"/"z9"/' changed; echo "$incomplete"; } >part
run bf-save d <part
is "$status $(cat err)" "75 bf-save: d: not saved: incomplete input: bf-llm: budget reached; what came is in d/.partial" "incomplete input"
is "$(names d/.partial)" "2.txt Zoë.txt z9.txt " "what came is in .partial"
rm -r d/.partial
diff -r was d >diff
ok $? "the folder is as it was"
run bf-save d <part
run bf-save d <in
is "$status $(names d)" "0 2.txt Zoë.txt a1.txt " "a whole result takes it away"
run bf-save --expect 2 new/ <in
is "$status $(names new)" "2 .partial .partial/2.txt .partial/Zoë.txt .partial/a1.txt " "--expect"
run bf-save empty/ </dev/null
is "$status $(names empty)" "0 " "no entries: an empty folder"
run bf-save no/such/ <in
is "$status $(cat err)" "2 bf-save: no/such: No such file or directory" "no such folder"
touch file
run bf-save file/ <in
is "$status $(cat err)" "2 bf-save: file: Not a directory" "a file that is none"
mkdir -p d/a1.txt.d "dir/a1.txt"
run bf-save dir <in
is "$status $(cat err) $(names dir)" "2 bf-save: dir/a1.txt: Is a directory a1.txt " "a folder where a file goes: nothing is placed"
for o in "--append" "--split 2" "-f csv" "-f jsonl" "-f sqlite" "--table x" "--key x"; do
	run bf-save $o d <in
	is "$status $(wc -l <err)" "2 1" "refused: $o"
done
run bf-save --name-field id x.jsonl <in
is "$status $(wc -l <err)" "2 1" "--name-field without a folder"
entries 1 300 | sed 's/prompt/text/' >many
run bash -c 'ulimit -n 20; bf-save m/ <many'
is "$status $(find m -name '*.txt' | wc -l)" "0 300" "300 files with 20 descriptors"
run bash -c 'ulimit -n 20; bf-save m/ <many'
is "$status $(find m -name '*.txt' | wc -l)" "0 300" "and again"
is "$(find . -name '.*.??????')" "" "no temporary folder is left"

# ---- system calls that fail ----

so=$BUILD/fault/inject.so
if [ -e "$so" ] && ! nm -D "$BUILD/bf-save" | grep -q __asan_init; then
	sed 's/"source":"/&x\//' docs | head -4 >fdocs
	head -2 fdocs >old
	bf-save -f md --name-field source new2/ <fdocs
	# inject WHAT
	inject() {
		rm -rf f
		bf-save -f md --name-field source f/ <old
		status=0
		LD_PRELOAD=$so BF_INJECT=$1 BF_INJECT_COUNT=$TMP/count BF_INJECT_PROGRAM=bf-save \
			bf-save -f md --name-field source f/ <fdocs >out 2>err || status=$?
	}
	bf-save -f md --name-field source old2/ <old
	for call in read write open fsync rename close; do
		rm -f count
		inject $call
		n=$(awk '{ print $2 }' count)
		[ "$n" -ge 1 ]
		ok $? "$call is called ($n)"
		# each new file, their folders and those above
		[ $call != fsync ] || is "$n" 6 "all that is new is on disk before and after its renaming"
		bad='' left='' torn='' mended=''
		for i in $(seq "$n"); do
			inject "$call:$i:EIO"
			if [ "$status" = 0 ]; then
				diff -r f new2 >diff && [ ! -s err ] || bad="$bad $i:$status"
			else
				[ "$status" = 2 ] && grep -q '^bf-save: ' err || bad="$bad $i:$status"
			fi
			[ -z "$(find f -name '.*.??????')" ] || left="$left $i"
			rm -rf f/.partial
			find f -type f | sed 's,^f/,,' >list
			while read -r file; do
				cmp -s "f/$file" "new2/$file" || cmp -s "f/$file" "old2/$file" || torn="$torn $i"
			done <list
			inject "$call:$i:kill" 2>/dev/null
			rm -rf f/.bf-save.*
			find f -type f | sed 's,^f/,,' >list
			while read -r file; do
				cmp -s "f/$file" "new2/$file" || cmp -s "f/$file" "old2/$file" || torn="$torn $i:kill"
			done <list
			bf-save -f md --name-field source f/ <fdocs
			diff -r f new2 >diff || mended="$mended $i"
		done
		is "$bad" "" "each failing $call gives status 2 and a message, or spoils nothing"
		is "$left" "" "each failing $call leaves no temporary folder"
		is "$torn" "" "no failing $call, and no kill at it, leaves a torn file"
		is "$mended" "" "and the next run is whole"
	done
fi
done_testing
