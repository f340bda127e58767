#!/bin/bash
# bf-save to .gz and .zst.
. "$(dirname "$0")/../lib.sh"
command -v zstd >/dev/null || skip_all "no zstd"

cat >in <<'EOF'
{"id":"a1","text":"plain"}
{"id":"b2","text":"two\nlines, \"quoted\""}
{"id":"c3","text":"Zo\u00eb"}
EOF
head -1 in >first
tail -n +2 in >rest
unpacked() {
	case $1 in
	*.gz) gzip -dc "$1" ;;
	*.zst) zstd -qdc "$1" ;;
	esac
}

for pack in gz zst; do
	for f in jsonl json csv tsv md txt; do
		fields=headings,keyword=id,text
		bf-save --fields $fields "plain.$f" <in
		run bf-save --fields $fields "p.$f.$pack" <in
		is "$status$(cat out err)" 0 "$f.$pack"
		unpacked "p.$f.$pack" >got
		same "plain.$f" got "$f.$pack: the text of $f"
		touch -d '2001-02-03 04:05:06' "p.$f.$pack"
		run bf-save --fields $fields "p.$f.$pack" <in
		is "$(stat -c %y "p.$f.$pack" | cut -c1-19)" "2001-02-03 04:05:06" "$f.$pack: left alone where nothing changes"

		bf-save --append --fields $fields "g.$f.$pack" <first
		run bf-save --append --fields $fields "g.$f.$pack" <rest
		unpacked "g.$f.$pack" >got
		is "$status" 0 "$f.$pack: --append"
		same "plain.$f" got "$f.$pack: --append gives the same text as all at once"
		cp "g.$f.$pack" was
		touch -d '2001-02-03 04:05:06' "g.$f.$pack"
		run bf-save --append "g.$f.$pack" </dev/null
		is "$(stat -c %y "g.$f.$pack" | cut -c1-19)" "2001-02-03 04:05:06" "$f.$pack: --append of nothing leaves it alone"

		bf-save "n.$f.$pack" </dev/null
		bf-save "n.$f" </dev/null
		unpacked "n.$f.$pack" >got
		same "n.$f" got "$f.$pack: no entries"
		bf-save --append --fields $fields "n.$f.$pack" <in
		cmp -s "n.$f.$pack" "p.$f.$pack"
		ok $? "$f.$pack: --append to that is as to nothing"
	done

	# a file that is not whole, or not what its name says
	bf-save "t.jsonl.$pack" <in
	head -c -3 "t.jsonl.$pack" >cut
	cp cut "t.jsonl.$pack"
	run bf-save --append "t.jsonl.$pack" <rest
	is "$status $(cat err)" "2 bf-save: t.jsonl.$pack: compressed data ends too early" "$pack: --append to what is cut"
	same cut "t.jsonl.$pack" "$pack: leaves it as it was"
	{ cat "p.jsonl.$pack"; echo x; } >"t.jsonl.$pack"
	run bf-save --append "t.jsonl.$pack" <rest
	is "$status" 2 "$pack: --append to what has something behind it is refused"
	cp in "t.jsonl.$pack"
	run bf-save --append "t.jsonl.$pack" <rest
	like "$status $(cat err)" "2 bf-save: t.jsonl.$pack: cannot append to plain text under this name, which is for *" "$pack: --append to a plain file is refused"
	same in "t.jsonl.$pack" "$pack: and leaves it"
	cp "p.jsonl.$pack" t.jsonl
	run bf-save --append t.jsonl <rest
	like "$status $(cat err)" "2 bf-save: t.jsonl: cannot append to * data under this name, which is for plain text" "$pack: --append to packed data under a plain name is refused"
	printf '{"a":1}' >open
	case $pack in gz) gzip -c open ;; *) zstd -qc open ;; esac >"t.jsonl.$pack"
	bf-save --append "t.jsonl.$pack" <first
	unpacked "t.jsonl.$pack" >got
	{ echo '{"a":1}'; cat first; } >want
	same want got "$pack: --append ends a last line that was not ended"

	# whole or not at all
	cp "p.jsonl.$pack" t.jsonl.$pack
	{ cat first; echo '{"incomplete":{"by":"bf-llm","why":"budget reached","status":75}}'; } >part
	run bf-save "t.jsonl.$pack" <part
	is "$status $(cat err)" "75 bf-save: t.jsonl.$pack: not saved: incomplete input: bf-llm: budget reached; what came is in t.jsonl.$pack.partial" \
		"$pack: incomplete input"
	cmp -s "p.jsonl.$pack" "t.jsonl.$pack"
	ok $? "$pack: the file is as it was"
	mv "t.jsonl.$pack.partial" "x.$pack"
	unpacked "x.$pack" >got
	same first got "$pack: what came can be read"
	run bf-save --tee "t.jsonl.$pack" <in
	same in out "$pack: --tee passes plain entries on"

	# long entries, more than a buffer of each
	awk 'BEGIN { srand(7); for (i = 0; i < 30000; i++) printf "{\"id\":%d,\"text\":\"%d %d %d\"}\n", i, rand() * 1e9, rand() * 1e9, rand() * 1e9 }' >many
	tr -d '\n' <many | sed 's/"/\\"/g; s/.*/{"text":"&"}/' >long
	echo >>long
	cat many long many >all
	bf-save "all.jsonl.$pack" <all
	unpacked "all.jsonl.$pack" >got
	same all got "$pack: more than a buffer"
	run bf-take -n 30000 "all.jsonl.$pack"
	same many out "$pack: bf-take reads it"
done

run bf-save -f csv x.gz <in
gzip -dc x.gz >got
bf-save -f csv want <in
same want got "-f and a name that only says how it is packed"
run bf-save only.gz <in
is "$(gzip -dc only.gz | cmp - in && echo same)" same "such a name alone means jsonl"
is "$(od -An -tx1 -N10 p.csv.gz)" " 1f 8b 08 00 00 00 00 00 00 03" "the gzip header holds no name and no time"
is "$(zstd -lv p.csv.zst 2>&1 | grep -c 'Check: XXH64')" 1 "zstd has a checksum"
is "$(find . -name '.*.??????')" "" "no temporary file is left"

# ---- what can go wrong ----

so=$BUILD/fault/inject.so
if [ -e "$so" ] && ! nm -D "$BUILD/bf-save" | grep -q __asan_init; then
	for pack in gz zst; do
		cp "p.csv.$pack" "f.csv.$pack"
		run env LD_PRELOAD="$so" BF_INJECT=dlopen:1:ENOENT bf-save "f.csv.$pack" <first
		like "$status $(cat err)" "2 bf-save: f.csv.$pack: * output needs lib*.so.1 (Debian package *)" "$pack: without the library the package is named"
		cmp -s "p.csv.$pack" "f.csv.$pack"
		ok $? "$pack: and the file is as it was"
		run env LD_PRELOAD="$so" BF_INJECT=write:1+:ENOSPC BF_INJECT_PATH=f.csv bf-save "f.csv.$pack" <first
		like "$status $(cat err)" "2 *f.csv.$pack: cannot write: No space left on device" "$pack: a full disk"
		cmp -s "p.csv.$pack" "f.csv.$pack"
		ok $? "$pack: the file is as it was then"
	done
	run env LD_PRELOAD="$so" BF_INJECT=dlopen BF_INJECT_COUNT="$TMP/count" bf-save plain.csv <first
	is "$(cat count)" "dlopen 0" "a plain name loads no library"
fi
is "$(find . -name '.*.??????')" "" "and no temporary file is left"

done_testing
