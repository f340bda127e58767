#!/bin/bash
# bf-prompt --examples: questions and their answers before the entry's own.
. "$(dirname "$0")/../lib.sh"

# refused PATTERN NAME: no output, status 2 and this message
refused() {
	is "$status $(wc -c <out)" "2 0" "$2: status 2, no output"
	like "$(cat err)" "$1" "$2: says why"
}

cat >shots <<'E'
{"q":"1+1","answer":"2\n\u00e9"}

{"q":"a\"b","answer":{ "n" : [1.0, "x\"y"] }}
{"answer":3.50,"q":"z","other":"four"}
E
printf '%s\n' '{"q":"now"}' '{"q":"then"}' >in

run bf-prompt -m m -s 'Sys {q}.' --examples shots -p seed=1 'What is {q}?' in
cat >want <<'E'
{"q":"now","request":{"model":"m","messages":[{"role":"system","content":"Sys now."},{"role":"user","content":"What is 1+1?"},{"role":"assistant","content":"2\n\u00e9"},{"role":"user","content":"What is a\"b?"},{"role":"assistant","content":"{\"n\":[1.0,\"x\\\"y\"]}"},{"role":"user","content":"What is z?"},{"role":"assistant","content":"3.50"},{"role":"user","content":"What is now?"}],"seed":1}}
{"q":"then","request":{"model":"m","messages":[{"role":"system","content":"Sys then."},{"role":"user","content":"What is 1+1?"},{"role":"assistant","content":"2\n\u00e9"},{"role":"user","content":"What is a\"b?"},{"role":"assistant","content":"{\"n\":[1.0,\"x\\\"y\"]}"},{"role":"user","content":"What is z?"},{"role":"assistant","content":"3.50"},{"role":"user","content":"What is then?"}],"seed":1}}
E
is "$status $(cat err)" "0 " "examples: status 0"
same want out "examples stand between the system message and the entry's own, byte for byte"

cp out plain
for pack in gzip zstd; do
	$pack -c <shots >packed
	run bf-prompt -m m -s 'Sys {q}.' --examples packed -p seed=1 'What is {q}?' in
	same plain out "examples in a $pack file"
done
printf '\357\273\277' | cat - shots | head -c -1 | sed 's/$/\r/' >crlf
run bf-prompt -m m -s 'Sys {q}.' --examples crlf -p seed=1 'What is {q}?' in
same plain out "with a mark, CRLF and no last newline"
echo 'What is {q}?' >template
run bf-prompt -m m -s 'Sys {q}.' --examples shots -p seed=1 -f template in
same plain out "with the template from a file"

head -n 1 shots >one
run bf-prompt --examples one '{q}' in
is "$(head -n 1 out | jq -c '[.request.messages[] | .role, .content]')" \
	'["user","1+1","assistant","2\né","user","now"]' "without a system message"
tail -n 1 shots >four
run bf-prompt --examples four --answer other '{q}' in
is "$(head -n 1 out | jq -c '[.request.messages[].content]')" '["z","four","now"]' "--answer FIELD"
echo '{"q":1,"a":{"b":[{"c":"deep"}]}}' >deep
run bf-prompt --examples deep --answer 'a.b[0].c' '{q}' in
is "$(head -n 1 out | jq -c '[.request.messages[].content]')" '["1","deep","now"]' "--answer PATH"
run bf-prompt --examples deep --answer '/a/b/0/c' '{q}' in
is "$(head -n 1 out | jq -c '[.request.messages[].content]')" '["1","deep","now"]' "--answer POINTER"

printf 'GIF89a' >dot.gif
echo '{"q":"one","pic":"dot.gif","answer":"a"}' >pics
echo '{"q":"two","pic":"dot.gif"}' >pic
run bf-prompt --examples pics --image pic '{q}' pic
is "$(jq -c '[.request.messages[] | .role, (.content | if type == "array" then map(.type, .text) else . end)]' out)" \
	'["user",["text","one","image_url",null],"assistant","a","user",["text","two","image_url",null]]' \
	"an example's images go with it"

# ---- what is refused, before anything comes out ----

for bad in '{"q":"x"}|2: no field "answer"|no answer' '{"answer":"x"}|2: no field "q"|no field of the template' \
	'{"q":"x","answer":""}|2: field "answer" is empty|an empty answer' '{"q":"x","answer":}|2:19: *|no JSON' \
	'["q"]|2:1: not an object|no object' \
	'{"incomplete":{"by":"bf-take","why":"interrupted","status":130}}|2: the file ends early*|an incomplete line'; do
	IFS='|' read -r line message name <<<"$bad"
	printf '%s\n' '{"q":"1","answer":"2"}' "$line" >bad
	run bf-prompt --examples bad '{q}' in
	refused "bf-prompt: bad:$message" "$name"
	run bf-prompt --keep-going --examples bad '{q}' in
	refused "bf-prompt: bad:$message" "$name, and --keep-going"
done
printf '\357\273\277{"q":}\n' >bad
run bf-prompt --examples bad '{q}' in
refused 'bf-prompt: bad:1:9: *' "behind a mark the column is that of the file"
printf '{"q":"a\0","answer":"b"}\n' >bad
run bf-prompt --examples bad '{q}' in
refused 'bf-prompt: bad:1:8: *NUL*' "a NUL"
run bf-prompt --max-line 10 --examples shots '{q}' in
refused 'bf-prompt: shots:1:*' "a line too long"
: >none
run bf-prompt --examples none '{q}' in
refused 'bf-prompt: none: no examples in it' "an empty file"
printf ' \n\n' >none
run bf-prompt --examples none '{q}' in
refused 'bf-prompt: none: no examples in it' "a file of blank lines"
run bf-prompt --examples no-such-file '{q}' in
refused '*no-such-file: No such file*' "a file that is not there"
run bf-prompt --examples . '{q}' in
refused 'bf-prompt: .: *' "a folder"
gzip -c <shots | head -c 40 >cut.gz
run bf-prompt --examples cut.gz '{q}' in
refused 'bf-prompt: cut.gz: *' "a packed file that is cut"
run bf-prompt --examples - '{q}' <in
refused '*standard input is for entries*' "--examples -"
run bf-prompt --answer a '{q}' in
refused '*--answer is for --examples*' "--answer alone"
run bf-prompt --examples shots --answer 'a..b' '{q}' in
refused '*--answer a..b:*' "--answer that is no path"
run bf-prompt --examples shots --answer '{q' '{q}' in
refused '*--answer {q:*' "--answer with a brace"
run bf-prompt --examples shots --history talk <in
refused '*--examples needs a template*' "--examples without a template"
done_testing
