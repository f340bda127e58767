#!/bin/sh
. "$(dirname "$0")/../lib.sh"

# chunks TEXT ARGS...: as run, of an entry with that JSON string as its text
chunks() {
	printf '{"id":"a","text":"%s","n":1.0}\n' "$1" >in
	shift
	run bf-chunk "$@" in
	jq -j '"[\(.text)]"' out >texts
}
# gives WANT NAME: the chunks, each in brackets
gives() { is "$status $(cat texts err)" "0 $1" "$2"; }

units='chars words lines sentences paragraphs tokens sections'

# entries
chunks 'abcde' --size 2
cat >want <<'END'
{"id":"a/0","text":"ab","n":1.0,"parent":"a","index":0,"count":3}
{"id":"a/1","text":"cd","n":1.0,"parent":"a","index":1,"count":3}
{"id":"a/2","text":"e","n":1.0,"parent":"a","index":2,"count":3}
END
same want out "children with the four fields"
echo '{ "id":7,"b":"x y","text":"no" }' >in
run bf-chunk --field b --by words --size 1 in
cat >want <<'END'
{ "id":"7/0","b":"x ","text":"no","parent":7,"index":0,"count":2 }
{ "id":"7/1","b":"y","text":"no","parent":7,"index":1,"count":2 }
END
same want out "--field"
chunks 'a b c d' --by words --size 2
cp out in
run bf-chunk --by words --size 1 in
is "$(sed -n 3p out)" '{"id":"a/1/0","text":"c ","n":1.0,"parent":{"id":"a/1","parent":"a","index":1,"count":2},"index":0,"count":2}' \
	"chunks of chunks keep what they had"
for u in $units; do
	chunks '' --by $u
	is "$status $(cat out)" '0 {"id":"a/0","text":"","n":1.0,"parent":"a","index":0,"count":1}' "$u: an empty text is one chunk"
done
chunks 'a\u0000b\ud800\"\/' --size 9
is "$(jq -c .text out)" '"a\u0000b�\"/"' "escapes, NUL, half a surrogate pair"

# units
chunks 'e\u0301\u0302x\r\n👩‍👩‍👧👍🏽🇩🇪🇫🇷❤️각a' --size 1
jq -c .text out >texts
jq -c . >want <<'END'
"e\u0301\u0302" "x" "\r\n" "👩‍👩‍👧" "👍🏽" "🇩🇪" "🇫🇷" "❤️" "각" "a"
END
same want texts "chars: what a reader takes for one"
chunks ' a  b\tc\u3000d\u00a0e ' --by words --size 1
is "$(jq -a -c .text out | tr '\n' ' ')" '" a  " "b\t" "c\u3000" "d\u00a0e " ' "words: all white space but what does not break"
chunks 'a\n\nb\r\nc' --by lines --size 1
gives '[a
][
][b'"$(printf '\r')"'
][c]' "lines"
chunks 'He left. Mr. J. S. Bach? \"Yes!\" (Ok...) e.g. this, 3.5. it.\n\nNew\r\n\r\nx 一。二！end' --by sentences --size 1
is "$(jq -c .text out | tr '\n' ' ')" '"He left. " "Mr. J. S. Bach? " "\"Yes!\" " "(Ok...) e.g. this, 3.5. it.\n\n" "New\r\n\r\n" "x 一。" "二！" "end" ' "sentences"
chunks '\n\na\nb\n \n\nc\n\n' --by paragraphs --size 1
is "$(jq -c .text out | tr '\n' ' ')" '"\n\na\nb\n \n\n" "c\n\n" ' "paragraphs"
chunks 'aaa bbb ccc dddddddddddddd e' --by tokens --size 2
gives '[aaa bbb ][ccc dddd][dddd][dddddd e]' "tokens: four bytes each, at word ends where there are any"
chunks 'pre\n\n# A\na\n```\n# no\n```\nB\n===\nb\n> # no\n\n## C' --by sections
is "$(jq -c .text out | tr '\n' ' ')" '"pre\n\n" "# A\na\n```\n# no\n```\n" "B\n===\nb\n> # no\n\n" "## C" ' "sections"
chunks '# A\ra\r# B\rb' --by sections
gives "$(printf '[# A\ra\r][# B\rb]')" "sections: a carriage return is a line end"

# overlap
chunks abcdefg --size 3 --overlap 2
gives '[abc][bcd][cde][def][efg]' "--overlap: each begins with the end of the one before"
chunks abcdefg --size 4 --overlap 1
gives '[abcd][defg]' "and the last is not one that says nothing new"
chunks 'a\n# b\n# c\n# d\n' --by sections --size 2 --overlap 1
is "$(jq -c .text out | tr '\n' ' ')" '"a\n# b\n" "# b\n# c\n" "# c\n# d\n" ' "of sections"
chunks 'aaa bbb ccc ddd e' --by tokens --size 3 --overlap 1
gives '[aaa bbb ccc ][ccc ddd e]' "of tokens: whole words"
chunks 'aaa bbb ccc ddddddddd e' --by tokens --size 3 --overlap 2
gives '[aaa bbb ccc ][ddddddddd e]' "and no more than leaves room for the next"

# The chunks are the text: real text, and random Unicode; more of it with BF_SOAK=1.
problems=100 times=100000
[ -z "${BF_SOAK:-}" ] || problems=2000 times=300000
head -n $problems "$TESTS/data/gsm8k-test.jsonl" |
	jq -n '[inputs | .question, .answer] | join("\n\n") | {id: "g", text: .}' -c >real
jq -Rs -c '{id: "s", text: .}' "$TESTS/../share/examples/stories.md" "$TESTS/../README.md" >>real
perl -CSD -e '
	srand 7;
	my @odd = (0x20, 0x0a, 0x0d, 0x09, 0x2e, 0x23, 0x300, 0x301, 0x200d, 0xfe0f, 0x1f1e6, 0x1f1ff, 0x1f3fb,
		0x1f469, 0x3000, 0x3002, 0x1100, 0x1161, 0x11a8, 0x22, 0x21, 0xad, 0x2028, 0x60, 0x3d, 0x2d);
	for my $i (1 .. 300) {
		my $s = "";
		for (1 .. rand 400) {
			my $c = rand() < 0.6 ? $odd[rand @odd] : rand() < 0.6 ? 97 + rand 26 : 32 + int rand 0x10ffd0;
			$c = 0x61 if $c >= 0xd800 && $c < 0xe000 || ($c & 0xfffe) == 0xfffe || $c >= 0xfdd0 && $c < 0xfdf0;
			$s .= $c < 0x20 || $c == 0x22 || $c == 0x5c ? sprintf("\\u%04x", $c) : chr $c;
		}
		print "{\"id\":$i,\"text\":\"$s\"}\n";
	}' >random
for from in real random; do
	jq -j .text $from >text
	cat text text text text >texts
	for u in $units; do
		for size in 1 2 7 300; do
			# One that does not end is wrong too.
			timeout 60 bf-chunk --by $u --size $size $from || echo "{\"text\":\"size $size fails\"}"
		done | jq -j .text | cmp - texts >differ 2>&1
		ok $? "$from text by $u: the chunks together are the text" || sed 's/^/# /' differ
	done
done
for u in $units; do
	bf-chunk --by $u --size 5 --overlap 4 random >out
	is "$(jq -s 'group_by(.parent)[] | select(.[0].count != length or (map(.index) != [range(length)])) | .[0].parent' out)" "" \
		"$u with overlap: numbered, and as many as counted"
done
# hostile
for piece in . ' ' x '\n' '\u0301' '。' '\n\n' '# a\n' '. ' '\r'; do
	perl -e 'print "{\"id\":1,\"text\":\"", $ARGV[1] x $ARGV[0], "\"}\n"' $times "$piece"
done >in
jq -j .text in >text
for u in $units; do
	bf-chunk --by $u --size 1000 --overlap 1 in >out
	ok $? "$times times the same, by $u, with overlap"
	timeout 100 bf-chunk --by $u --size 1000 in | jq -j .text | cmp - text >differ 2>&1
	ok $? "$times times the same, by $u: the chunks together are the text" || sed 's/^/# /' differ
done

# entries that fail
printf '%s\n' '{"id":1,"text":"x"}' '{"id":2}' '{"id":3,"text":null}' '{"id":"","text":"x"}' '{"id":5,"text":"y"}' >in
run bf-chunk in
is "$status $(jq -c .parent out | tr '\n' ' ')" "1 1 5 " "the others come through"
cat >want <<'END'
bf-chunk: in:2: missing_field: no field 'text'
bf-chunk: in:3: not_a_string: 'text' is no string (null)
bf-chunk: in:4: bad_id: 'id' is empty
END
same want err "each is told with file, line and field"
run bf-chunk --errors bad in
is "$status $(cat err) $(jq -c .error.class bad | tr '\n' ' ')" '1  "missing_field" "not_a_string" "bad_id" ' "--errors has them"

# lines
printf '{"text":"a"}\n{"text":"\377"}\n' >in
run bf-chunk in
like "$status $(cat err)" "2 bf-chunk: in:2:10: *" "invalid UTF-8 stops it"
like "$(tail -n 1 out)" '{"incomplete":{"by":"bf-chunk",*"status":2}}' "and the output is not whole"
mark='{"incomplete":{"by":"bf-x","why":"budget reached","status":75}}'
run sh -c "{ head -n 1 in; echo '$mark'; echo '{\"text\":\"b\"}'; } | bf-chunk"
is "$status $(tail -n 1 out) $(wc -l <out)" "75 $mark 2" "an incomplete stream stays one"

# output
perl -e 'print "{\"id\":1,\"text\":\"", "x" x 500_000, "\"}\n"' >in
sh -c 'bf-chunk --size 1 in 2>err; echo $? >status' | head -n 1 >first
is "$(wc -l <first) $(cat status err)" "1 141" "a reader that goes away ends it quietly"
run sh -c 'bf-chunk --size 1 in >/dev/full'
is "$status $(cat err)" "2 bf-chunk: standard output: No space left on device" "a full disk"

# usage
usage() {
	run bf-chunk "$@"
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $*"
}
: >in
usage --by pages in
usage --size 0 in
usage --size x in
usage --size 5 --overlap 5 in
usage --by sections --overlap 1 in
usage --field a.b in
usage --field index in
usage --field '' in
usage --nope in
done_testing
