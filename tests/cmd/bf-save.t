#!/bin/bash
. "$(dirname "$0")/../lib.sh"

cat >in <<'END'
{"id":"a1","n":1.0,"tags":["x", "y"],"text":"plain"}
{"id":"b2","n":12345678901234567890,"tags":[],"text":"two\nlines, \"quoted\"\t\\"}
{"id":"c3","n":null,"tags":{"k":1e400},"text":"Zo\u00eb"}
END
incomplete='{"incomplete":{"by":"bf-llm","why":"budget reached","status":75}}'

# no file of the run's own is left behind
litter() {
	is "$(find . -name '.*.??????')" "" "$1: no temporary file is left"
}

# ---- formats ----

run bf-save out.jsonl <in
is "$status" 0 "jsonl"
same in out.jsonl "jsonl: byte for byte"
is "$(cat out err)" "" "jsonl: silent"

run bf-save out.json <in
cat >want <<'END'
[
{"id":"a1","n":1.0,"tags":["x", "y"],"text":"plain"},
{"id":"b2","n":12345678901234567890,"tags":[],"text":"two\nlines, \"quoted\"\t\\"},
{"id":"c3","n":null,"tags":{"k":1e400},"text":"Zo\u00eb"}
]
END
same want out.json "json: an array, an entry a line"

run bf-save out.csv <in
cat >want <<'END'
id,n,tags,text
a1,1.0,"[""x"",""y""]",plain
b2,12345678901234567890,[],"two
lines, ""quoted""	\"
c3,null,"{""k"":1e400}",Zoë
END
same want out.csv "csv: RFC 4180 quoting, compact JSON for what is no string"

run bf-save out.tsv <in
printf 'id\tn\ttags\ttext\na1\t1.0\t["x","y"]\tplain\n' >want
printf 'b2\t12345678901234567890\t[]\ttwo\\nlines, "quoted"\\t\\\\\nc3\tnull\t{"k":1e400}\tZoë\n' >>want
same want out.tsv "tsv: tabs, newlines and backslashes escaped"

run bf-save out.txt <in
printf 'plain\n\ntwo\nlines, "quoted"\t\\\n\nZoë\n' >want
same want out.txt "txt: texts with blank lines between"

cat >docs <<'END'
{"headings":["Greek","Heroes"],"directory":"Greek/Heroes","keyword":"Icarus","text":"He flew.\n\n"}
{"headings":["Greek","Heroes"],"keyword":"Orpheus","text":"He sang.\nHe looked back."}
{"directory":"Greek/Gods","keyword":"Gods","text":"Section itself."}
{"directory":"Norse","keyword":"Two\nlines"}
{"directory":"","keyword":"Top","text":"t"}
END
cat >want <<'END'
# Greek

## Heroes

### Icarus

He flew.

### Orpheus

He sang.
He looked back.

## Gods

Section itself.

# Norse

## Two lines

# Top

t
END
run bf-save out.md <docs
is "$status" 0 "md"
same want out.md "md: a document, headings once while they repeat"
run bf-save -f md --fields keyword=id,text,n - <in
head -5 out >got
printf '# a1\n\n- n: 1.0\n\nplain\n' >want
same want got "md: chosen fields, by name, the others as a list"
echo '{"a":1}' >odd
run bf-save odd.md <odd
is "$status" 2 "md: an entry without keyword and text is refused"
like "$(cat err)" 'bf-save: <stdin>:1: no field "keyword" or "text"*' "md: naming its line"
run bf-save odd.txt <odd
is "$status" 2 "txt: an entry without text is refused"

run bf-save -f csv noext <in
same out.csv noext "-f goes before the name"
run bf-save noext <in
same in noext "a name that says nothing means jsonl"
run bf-save -f xlsx x <in
is "$status" 2 "an unknown format is refused"
like "$(cat err)" "*no format 'xlsx': use jsonl, json, csv, tsv, md, txt or sqlite*" "and the known ones are named"

# ---- nothing at all ----

for f in jsonl csv tsv md txt; do
	run bf-save "none.$f" </dev/null
	is "$status $(wc -c <none.$f)" "0 0" "no entries: an empty $f file"
done
run bf-save none.json </dev/null
is "$(cat none.json)" "[]" "no entries: an empty json array"

# ---- fields ----

run bf-save --fields 'answer=text,id,first=tags[0],/n' - <in
cat >want <<'END'
{"answer":"plain","id":"a1","first":"x","n":1.0}
{"answer":"two\nlines, \"quoted\"\t\\","id":"b2","n":12345678901234567890}
{"answer":"Zo\u00eb","id":"c3","n":null}
END
same want out "fields: order, new names, paths; what is missing is left out"
run bf-save -f csv --fields 'id,first=tags[0]' - <in
printf 'id,first\na1,x\nb2,\nc3,\n' >want
same want out "csv fields: what is missing is empty"
echo '{"a,b":{"x=y":1}}' >odd
run bf-save --fields '["a,b"]["x=y"]' - <odd
is "$status" 0 "a name with a comma and an equals sign can be quoted"
echo '{"a":""}' >odd
run bf-save -f csv - <odd
printf 'a\n""\n' >want
same want out "csv: a lone empty cell is no empty line"
for bad in '' 'a,' 'a,,b' '=a' 'a,a' 'b=a,b' 'a['; do
	run bf-save --fields "$bad" - <in
	is "$status $(wc -l <err)" "2 1" "--fields '$bad' is a usage error"
done
printf '{"a":1,"b":2}\n{"a":3,"c":4}\n' >odd
run bf-save odd.csv <odd
is "$status" 2 "csv: a field without a column stops"
like "$(cat err)" 'bf-save: <stdin>:2: field "c" is no column;*' "csv: line and field are named"
is "$(cat odd.csv.partial)" "a,b
1,2" "csv: what came before is kept"
[ ! -e odd.csv ]
ok $? "csv: and nothing else"
printf '{"a":1,"b":2}\n{"a":3,"c":4}\n{"b":5}\n' >odd
run bf-save --keep-going odd.csv <odd
is "$status $(tr '\n' ' ' <odd.csv)" "1 a,b 1,2 ,5 " "csv: --keep-going leaves it out, status 1"

# ---- whole or not at all ----

bf-save f.jsonl <in
touch -d '2001-02-03 04:05:06' f.jsonl
chmod 640 f.jsonl
run bf-save f.jsonl <in
is "$(stat -c '%y %a' f.jsonl | cut -c1-19,36-)" "2001-02-03 04:05:06 640" "an unchanged file keeps its time stamp"
head -1 in >one
run bf-save f.jsonl <one
same one f.jsonl "a changed one is replaced"
is "$(stat -c %a f.jsonl)" 640 "and keeps its mode"
(umask 027; bf-save new.jsonl <one)
is "$(stat -c %a new.jsonl)" 640 "a new one has that of the umask"

cp in f.jsonl
{ cat one; echo "$incomplete"; } >part
run bf-save f.jsonl <part
is "$status" 75 "incomplete input: the line's status"
same in f.jsonl "incomplete input: the file is as it was"
same one f.jsonl.partial "incomplete input: what came is kept aside"
is "$(cat err)" "bf-save: f.jsonl: not saved: incomplete input: bf-llm: budget reached; what came is in f.jsonl.partial" \
	"incomplete input: and it is said"
is "$(cat out)" "" "incomplete input: nothing on standard output"
run bf-save f.jsonl <in
[ "$status" = 0 ] && [ ! -e f.jsonl.partial ]
ok $? "a complete result takes the partial one away"

{ cat one; echo '{"broken"'; cat one; } >bad
run bf-save f.jsonl <bad
is "$status" 2 "a bad line: status 2"
like "$(cat err)" "bf-save: <stdin>:2:10: *
bf-save: f.jsonl: not saved: bad line <stdin>:2; what came is in f.jsonl.partial" "a bad line: where"
same in f.jsonl "a bad line: the file is as it was"
run bf-save --keep-going f.jsonl <bad
cat one one >want
is "$status" 1 "a bad line under --keep-going: status 1"
same want f.jsonl "a bad line under --keep-going: the others are saved"

cp in f.jsonl
run bf-save --expect 2 f.jsonl <one
is "$status" 2 "--expect: another number is refused"
same in f.jsonl "--expect: the file is as it was"
same one f.jsonl.partial "--expect: what came is kept aside"
like "$(cat err)" "*: 1 entries instead of 2; *" "--expect: and it is said"
run bf-save --expect 1 f.jsonl <one
is "$status" 0 "--expect: the right number is taken"
run bf-save --expect 1 - <in
is "$status $(tail -1 out)" '2 {"incomplete":{"by":"bf-save","why":"3 entries instead of 1","status":2}}' \
	"--expect: on standard output the stream says so"
litter "so far"

ln -s sub/real.jsonl link.jsonl
mkdir sub
run bf-save link.jsonl <in
[ -L link.jsonl ]
ok $? "a symbolic link stays one"
same in sub/real.jsonl "and is written where it points"
mkfifo fifo
cat fifo >got &
run bf-save fifo <in
wait $!
same in got "a FIFO is written directly"
[ -p fifo ]
ok $? "and stays a FIFO"
echo before >got
bf-save /dev/stdout <in >>got
{ echo before; cat in; } >want
same want got "/dev/stdout is the open descriptor, not the file behind it"
run bf-save nodir/x <in
is "$status" 2 "no such folder: status 2"
run bf-save -f jsonl sub <in
is "$status $(wc -l <err)" "2 1" "a folder takes no jsonl"
run bf-save
is "$status" 2 "no FILE is a usage error"
run bf-save a b <in
is "$status" 2 "two are too"

# ---- standard output ----

run bf-save --tee t.jsonl <in
same in out "--tee passes the entries on"
same in t.jsonl "--tee saves them"
run bf-save --tee --fields id t.jsonl <part
same part out "--tee passes the incomplete line on"
is "$status" 75 "--tee: with its status"
bf-save --tee t.jsonl <in >/dev/full 2>err
is "$?" 2 "--tee to a full device: status 2"
same in t.jsonl "--tee to a full device: the file is as it was"
bf-save - <in >/dev/full 2>err
is "$? $(cat err)" "2 bf-save: standard output: No space left on device" "- to a full device"
bf-save /dev/full <in 2>err
is "$? $(cat err)" "2 bf-save: /dev/full: cannot write: No space left on device" "/dev/full itself"
bf-save - <in >&- 2>err
is "$? $(cat err)" "2 bf-save: standard output: Bad file descriptor" "- with standard output closed"
bf-save c.jsonl <in >&-
is "$?" 0 "a FILE needs no standard output"
same in c.jsonl "and does not take its descriptor"
bf-save c.jsonl <&- 2>err
is "$?" 2 "standard input closed: status 2"
same in c.jsonl "standard input closed: the file is as it was"
yes '{"text":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}' | head -n 100000 >many
cp in t.jsonl
{ bf-save --tee t.jsonl <many 2>err; echo $? >st; } | head -1 >/dev/null
is "$(cat st)" 141 "--tee into a reader that goes away: it dies of SIGPIPE"
same in t.jsonl "--tee into a reader that goes away: the file is as it was"
litter "standard output"

# ---- append ----

for f in jsonl json csv tsv md txt; do
	fields='headings,keyword=id,text'
	head -1 in >first
	tail -n +2 in >rest
	bf-save --fields "$fields" "whole.$f" <in
	run bf-save --append --fields "$fields" "grown.$f" <first
	is "$status" 0 "--append makes a new $f file"
	run bf-save --append --fields "$fields" "grown.$f" <rest
	same "whole.$f" "grown.$f" "--append to a $f file gives the same as all at once"
	touch -d '2001-02-03 04:05:06' "grown.$f"
	run bf-save --append "grown.$f" </dev/null
	is "$(stat -c %y grown.$f | cut -c1-19)" "2001-02-03 04:05:06" "--append of nothing leaves a $f file alone"
done
printf '{"a":1}' >short.jsonl
run bf-save --append short.jsonl <one
{ echo '{"a":1}'; cat one; } >want
same want short.jsonl "--append ends a last line that was not ended"
printf ' [ ] ' >e.json
bf-save --append e.json <one
{ printf ' [\n'; tr -d '\n' <one; printf '\n]\n'; } >want
same want e.json "--append to an empty array"
echo '{"a":[1]}' >o.json
run bf-save --append o.json <one
is "$status $(cat o.json)" '2 {"a":[1]}' "--append to what is no array is refused"
printf '"a ""q""",b\r\n1,2\r\n' >h.csv
echo '{"b":"x","a \"q\"":"y"}' >row
run bf-save --append h.csv <row
printf '"a ""q""",b\r\n1,2\r\ny,x\n' >want
same want h.csv "--append takes the columns of the file"
run bf-save --append --fields b h.csv <row
is "$status" 2 "--append with other fields is refused"
same want h.csv "and the file is as it was"
run bf-save --append grown.jsonl <part
is "$status" 75 "--append of an incomplete stream"
same whole.jsonl grown.jsonl "leaves the file as it was"

# ---- signals ----

for sig in INT TERM; do
	cp in s.jsonl
	rm -f s.jsonl.partial p
	mkfifo p
	# the entry has been taken once it is passed on
	env --default-signal=INT,TERM bf-save --tee s.jsonl <p >got 2>err &
	pid=$!
	exec 3>p
	cat one >&3
	for _ in $(seq 2000); do
		[ -s got ] && break
		sleep 0.01
	done
	kill -s $sig $pid
	wait $pid
	is "$?" $((128 + $(kill -l $sig))) "$sig: dies of it"
	exec 3>&-
	same in s.jsonl "$sig: the file is as it was"
	same one s.jsonl.partial "$sig: what came is kept aside"
	why=interrupted
	[ $sig = TERM ] && why=terminated
	is "$(tail -1 got)" '{"incomplete":{"by":"bf-save","why":"'$why'","status":'$((128 + $(kill -l $sig)))'}}' \
		"$sig: the stream says so"
done
litter "signals"

done_testing
