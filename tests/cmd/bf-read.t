#!/bin/sh
. "$(dirname "$0")/../lib.sh"
DATA=$TESTS/data/read
EXAMPLES=$(dirname "$TESTS")/share/examples

# fields ARGS...: what bf-read makes, less what the place of the file decides
fields() { bf-read "$@" | sed 's/^{"id":"[0-9a-f]*","source":"[^"]*",/{/'; }

# ---- Markdown ----
cp "$DATA/blocks.md" .
for unit in lines sections paragraphs; do
	fields --as $unit blocks.md >out
	same "$DATA/blocks.$unit.jsonl" out "Markdown as $unit"
done
run bf-read blocks.md
printf '{"source":"blocks.md","text":' >want
jq -Rs . <blocks.md | tr -d '\n' >>want
printf '}' >>want
is "$(cat out)" "{\"id\":\"$(b2sum -l 128 want | cut -c1-16)\",$(cut -c2- want)" \
	"the whole file, and the id is what the manual says (b2sum)"
sed 's/$/\r/' blocks.md >crlf.md
for unit in file lines sections paragraphs; do
	sed 's/\r$//' blocks.md >lf.md
	fields --as $unit lf.md >want
	# the last line of blocks.md has no newline, and sed gave it a return alone
	fields --as $unit crlf.md | sed 's/\\r"}$/"}/' >out
	same want out "CRLF, as $unit"
done
{ printf '\357\273\277'; cat blocks.md; } >bom.md
fields --as sections bom.md >out
same "$DATA/blocks.sections.jsonl" out "a byte order mark"
tr '\n' '\r' <blocks.md >cr.md
fields --as paragraphs cr.md >out
same "$DATA/blocks.paragraphs.jsonl" out "line ends of old: a carriage return alone"
printf '# A/B\n## C\nx\n# D\n\ny' >d.md
is "$(fields --as sections d.md)" '{"headings":["A/B","C"],"directory":"A/B/C","text":"x"}
{"headings":["D"],"directory":"D","text":"y"}' "directory"
printf '### deep\na\n# top\nb\n### skipped\nc\n## less\nd\n' >d.md
is "$(bf-read --as sections d.md | jq -r .directory | tr '\n' ' ')" \
	"deep top top/skipped top/less " "levels that are skipped are not padded"
: >empty.md
run bf-read --as sections empty.md
is "$(cat out) $status" " 0" "an empty file has no section"
run bf-read empty.md
like "$(cat out)" '{"id":*,"source":"empty.md","text":""}' "but is a file"
printf '# only\n\n## headings\n' >d.md
is "$(bf-read --as sections d.md)$(bf-read --as lines d.md)$(bf-read --as paragraphs d.md)" "" \
	"headings alone are no entries"
cp "$EXAMPLES/stories.md" .
is "$(bf-read --as lines stories.md | wc -l)" 55 "the stories"
is "$(bf-read --as lines stories.md | head -1)" \
	'{"id":"'"$(bf-read --as lines stories.md | head -1 | jq -r .id)"'","source":"stories.md","headings":["Greek Mythology Stories"],"directory":"Greek Mythology Stories","keyword":"Prometheus Steals Fire"}' \
	"two spaces at the end of a line are taken off"
is "$(bf-read --as lines stories.md | jq -r .id | sort -u | wc -l)" 55 "ids differ"
{ echo '# Greek Mythology Stories'; echo new; sed 1d stories.md; } >new
bf-read --as lines stories.md | jq -r .id >ids
mkdir sub
mv new sub/stories.md
(cd sub && bf-read --as lines stories.md) | jq -r .id >newids
is "$(grep -cvxFf newids ids) $(grep -cvxFf ids newids)" "0 1" "a new line before them changes no id"
printf '# a\nsame\n# b\nsame\n' >d.md
printf '# a\nsame\n' >e.md
is "$(bf-read --as lines d.md e.md | jq -r .id | sort -u | wc -l)" 3 \
	"the same keyword under other headings and in other files is another entry"
printf '```\n# a\n\n# b' >d.md
is "$(fields --as paragraphs d.md)" '{"headings":[],"directory":"","text":"```\n# a\n\n# b"}' \
	"a fence that is never closed"
printf '* a\n\n  b\n\n\n\n* c\n\n\npara\n' >d.md
is "$(bf-read --as paragraphs d.md | jq -c .text | tr '\n' ' ')" \
	'"* a\n\n  b\n\n\n\n* c" "para" ' "a loose list is one"
awk 'BEGIN { for (i = 0; i < 5000; i++) printf "> "; print "x"; for (i = 0; i < 5000; i++) printf "["; print "" }' >deep.md
run bf-read --as paragraphs deep.md
is "$status $(wc -l <out)" "0 1" "deep nesting"

# ---- text ----
cp "$DATA/alice29.txt" .
run bf-read alice29.txt
jq -rj .text out >got
tr -d '\r' <alice29.txt >want
same want got "a text as a whole"
run bf-read --as lines alice29.txt
jq -r .keyword out >got
tr -d '\r\032' <alice29.txt | sed 's/^ *//; s/ *$//; /^$/d' >want
tr -d '\032' <got | sed '/^$/d' >got2
same want got2 "its lines"
is "$(jq -c '[.headings, .directory]' out | sort -u)" '[[],""]' "have no headings"
run bf-read --as paragraphs alice29.txt
jq -r '.text, ""' out >got
tr -d '\r' <alice29.txt | sed 's/[ \t]*$//' | cat -s | sed '1{/^$/d}' >want
cat -s got | sed 's/[ \t]*$//' >got2
is "$(cat got2)" "$(cat want)" "its paragraphs"
is "$(jq -r .text out | grep -c '^$')" 0 "none has a blank line in it"
[ "$(wc -l <out)" -gt 800 ]
ok $? "and there are many"
run bf-read --as sections alice29.txt
is "$(wc -l <out) $(jq -c .headings out)" "1 []" "a text is one section"
printf 'a\n \t\n\n b \nc' | bf-read --as paragraphs >out
is "$(jq -c .text out | tr '\n' ' ')" '"a" " b \nc" ' "white lines part paragraphs"
printf '\n\n  x  y \n\n' | bf-read --as sections | jq -c .text >out
is "$(cat out)" '"  x  y"' "white lines around a section"
is "$(printf 'one\n\n\342\200\250two\302\205x\n' | bf-read --as lines | wc -l)" 2 "U+2028 and NEL end no line"
is "$(printf '%s\n' '{"incomplete":{"by":"x","why":"y","status":75}}' | bf-read --as lines | jq -r .keyword)" \
	'{"incomplete":{"by":"x","why":"y","status":75}}' "an incomplete mark in a text is text"
is "$(bf-read --as lines </dev/null)" "" "an empty input"
is "$(echo x | bf-read --as lines - | jq -r .source)" "-" "standard input is called -"
is "$(printf '# a\nx\n' | bf-read -f md --as lines | jq -c .headings)" '["a"]' "-f md for standard input"
printf '# a\nx\n' >noext
is "$(bf-read --as lines noext | wc -l) $(bf-read -f md --as lines noext | wc -l)" "2 1" "a name that says nothing is text"
# what is read is put out before more is waited for
mkfifo slow.txt made
bf-read --as lines slow.txt >made &
exec 4<made 3>slow.txt
echo one >&3
is "$(timeout 20 head -1 <&4 | jq -r .keyword)" "one" "lines of a text stream"
exec 3>&- 4<&-
wait

# ---- JSON Lines ----
printf '%s\n' '{"b" : 1.0,"b":12345678901234567890}' '{"id":7,"x":"\u00e9"}' '{"id":"","k":null}' '{}' >in.jsonl
run bf-read in.jsonl
id1=$(sed -n 1p in.jsonl | tr -d '\n' | b2sum -l 128 | cut -c1-16)
id4=$(sed -n 4p in.jsonl | tr -d '\n' | b2sum -l 128 | cut -c1-16)
is "$(cat out)" '{"b" : 1.0,"b":12345678901234567890,"id":"'"$id1"'"}
{"id":7,"x":"\u00e9"}
{"id":"","k":null}
{"id":"'"$id4"'"}' "entries pass as they are, with an id where there was none"
run bf-read --as sections in.jsonl
is "$(wc -l <out)" 4 "whatever --as says"
printf '%s\n' '{"n":5,"k":"a"}' '{"n":"","k":"b"}' '{"k":"c"}' '{"n":null}' '{"id":"old","n":"x/y"}' '{"n":{"m":1}}' >in.jsonl
run bf-read --id n in.jsonl
is "$(cat out)" '{"n":5,"k":"a","id":5}
{"id":"x/y","n":"x/y"}' "--id"
is "$status" 1 "entries without that field fail"
is "$(cat err)" "bf-read: in.jsonl:2: no id: 'n' is empty
bf-read: in.jsonl:3: no id: 'n' is not there
bf-read: in.jsonl:4: no id: 'n' is null
bf-read: in.jsonl:6: no id: 'n' is object" "each is told"
is "$(bf-read --id n.m in.jsonl 2>/dev/null)" '{"n":{"m":1},"id":1}' "--id with a path"
is "$(bf-read --as lines --id keyword stories.md | jq -r .id | sed -n 2p)" "The Odyssey" "--id of a text's entries"
run bf-read --as lines --id nothing stories.md
is "$status $(wc -l <out) $(wc -l <err)" "1 0 55" "which may have no such field"
like "$(head -1 err)" "bf-read: stories.md:2: no id: 'nothing' is not there" "with file and line"
mark='{"incomplete":{"by":"bf-x","why":"budget reached","status":75}}'
printf '%s\n' '{"id":1}' "$mark" '{"id":2}' >cut.jsonl
run bf-read cut.jsonl stories.md
is "$(cat out) $status" "{\"id\":1}
$mark 75" "an incomplete stream stays one, and nothing is read after it"
printf '%s\n' '{"id":1}' '[1]' '{"id":3}' >bad.jsonl
run bf-read bad.jsonl
like "$(cat err)" "bf-read: bad.jsonl:2:1:*" "a bad line: file, line, column"
like "$(tail -1 out)" '{"incomplete":{"by":"bf-read",*' "ends the stream"
is "$status" 2 "with status 2"
run bf-read --keep-going bad.jsonl
is "$(cat out) $status" '{"id":1}
{"id":3} 1' "--keep-going"

# ---- folders ----
mkdir -p tree/b/c tree/.hidden tree/z
for f in b.md b/x.TXT b/c/y.markdown a.txt z/e.jsonl .hidden/h.md b/.h.md b/code.c b/data.json; do
	printf '{"id":"%s"}\n' $f >tree/$f
done
gzip -c tree/a.txt >tree/a2.txt.gz
is "$(bf-read tree | jq -r '.source // .id' | tr '\n' ' ')" \
	"tree/a.txt tree/a2.txt.gz tree/b.md tree/b/c/y.markdown b/data.json tree/b/x.TXT z/e.jsonl " \
	"a folder, in the order of the paths, hidden and other files left out"
is "$(bf-read tree/// | cksum)" "$(bf-read tree | cksum)" "a slash more changes nothing"
is "$(cd tree && bf-read . | jq -r '.source // .id' | head -1)" "a.txt" "the current folder"
is "$(bf-read tree/b.md tree/a.txt | jq -r .source | tr '\n' ' ')" "tree/b.md tree/a.txt " "operands stay in their order"
is "$(bf-read tree/a2.txt.gz | jq -r .text)" '{"id":"a.txt"}' "gzip"
ln -s .. tree/b/up
ln -s ../a.txt tree/b/link.txt
ln -s nowhere tree/b/dangling
run timeout 20 bf-read tree
is "$(wc -l <out) $status" "8 0" "a loop of links ends"
like "$(cat err)" "bf-read: tree/b/up: left out: a link to a folder that it is in" "and is told"
ln -s nowhere tree/b/dangling.md
run bf-read tree
is "$(sed \$d out | wc -l) $status" "8 2" "a link to nothing is an error, the rest is read"
like "$(cat err)" "*bf-read: tree/b/dangling.md: No such file or directory*" "that is told"
like "$(tail -1 out)" '{"incomplete":*' "and the stream does not look whole"
mkdir hollow
run bf-read hollow
like "$(cat err)" "bf-read: hollow: nothing to read here*" "a folder with nothing in it is told"
is "$(bf-read -f text tree/b/data.json | jq -r .text)" '{"id":"b/data.json"}' "-f text"
printf 'x\n' >'a "quoted"
name.txt'
is "$(bf-read a*name.txt | jq -r .source)" 'a "quoted"
name.txt' "any name"

# ---- bad texts ----
printf 'ab\nc\377d\nlast\n' >latin.txt
printf 'ab\ncd\0\nlast\n' >nul.txt
cp latin.txt latin.md
for f in latin.txt latin.md; do
	for unit in file lines sections paragraphs; do
		run bf-read --as $unit $f
		is "$(cat err) $status" "bf-read: $f:2:2: invalid UTF-8 2" "invalid UTF-8: $f as $unit"
		like "$(tail -1 out)" '{"incomplete":{"by":"bf-read",*' "ends the stream"
	done
done
for unit in file lines; do
	run bf-read --as $unit nul.txt
	like "$(cat err) $status" "bf-read: nul.txt:2:3: NUL byte in the * 2" "a NUL, as $unit"
done
run bf-read --keep-going latin.md nul.txt stories.md
is "$(jq -r .source out | tr '\n' ' ') $status" "stories.md  1" "--keep-going leaves out the file, and the status is 1"
run bf-read --keep-going --as lines latin.txt
is "$(jq -r .keyword out | tr '\n' ' ') $status" "ab last  1" "or the line, read by lines"
run bf-read --max-line 10 stories.md
is "$status" 2 "a file longer than --max-line"
like "$(cat err)" "bf-read: stories.md:1:1: a file longer than 10 bytes (see --max-line)" "is told"
run bf-read --max-line 1253 stories.md
is "$status" 0 "one that just fits"
printf 'aaaa\nbbbb\ncccc\n' >para.txt
run bf-read --as paragraphs --max-line 9 para.txt
like "$(cat err) $status" "bf-read: para.txt:1: a paragraph longer than 9 bytes* 2" "a paragraph longer than --max-line"
gzip -c alice29.txt | head -c 20000 >short.txt.gz
run bf-read short.txt.gz
is "$status" 2 "a file cut short"
like "$(cat out)" '{"incomplete":*' "gives no entry"

# ---- output, usage ----
run sh -c 'bf-read alice29.txt >/dev/full'
is "$status" 2 "a full device"
like "$(cat err)" "bf-read: standard output: No space left on device" "is told"
run sh -c 'bf-read alice29.txt >&-'
is "$status" 2 "closed standard output"
run sh -c 'bf-read - <&-'
is "$status" 2 "closed standard input"
run bf-read nowhere.md stories.md
like "$(cat err) $status" "bf-read: nowhere.md: No such file or directory 2" "a file that is not there"
is "$(sed \$d out | jq -r .source)" "stories.md" "the others are read"
for args in '--as words' '-f xml' '-f CSV' '--id a..b' '--nope'; do
	# shellcheck disable=SC2086
	run bf-read $args stories.md
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $args"
done

done_testing
