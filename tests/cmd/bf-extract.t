#!/bin/bash
# bf-extract: what an answer holds.
# shellcheck disable=SC2016 # backquotes are fences
. "$(dirname "$0")/../lib.sh"

# extract TEXT ARG...: the run's output for one answer with this text
extract() {
	local text=$1
	shift
	printf '%s' "$text" | jq -Rsc '{id: 1, request: {}, response: {text: ., model: "m"}, z: 2}' >in
	run bf-extract "$@" <in
}

# gives JSON NAME: this value is the field text, and nothing was said
gives() {
	is "$status $(cat out err)" '0 {"id":1,"z":2,"text":'"$1"'}' "$2"
}

# fails CLASS NAME: nothing comes out; the entry fails with this class
fails() {
	is "$status $(cat out)" "1 " "$2: fails"
	like "$(cat err)" "bf-extract: *:1: $1*" "$2: $1"
}

# ---- --text ----

extract $' \n\tHello "you"\nthere. \n\n'
gives '"Hello \"you\"\nthere."' "the text, trimmed"
extract 'plain' --text
gives '"plain"' "--text is the default"
printf '%s\n' '{ "response":{"usage":{"input":1.0},"text":"\u00e9\/é \ud83d\ude00\\n"}, "n":1e400 }' >in
run bf-extract <in
is "$(cat out)" '{ "n":1e400,"text":"\u00e9\/é \ud83d\ude00\\n" }' "a text that is not trimmed stays byte for byte"
printf '%s\n' '{"response":{"text":"\n \\n\u00e9 x\\\\n \t"}}' >in
run bf-extract <in
is "$(cat out)" '{"text":"\\n\u00e9 x\\\\n"}' "an escaped backslash before n is no newline"
printf '%s\n' '{"response":{"text":"\u0020\u000Ax\u0009\u000B "}}' >in
run bf-extract <in
is "$(cat out)" '{"text":"x"}' "white space that is written \\u0020"
printf '%s\n' '{"response":{"text":"x\\u0020\\n"}}' '{"response":{"text":"x\u0020\n"}}' >in
run bf-extract <in
is "$(cat out)" '{"text":"x\\u0020\\n"}
{"text":"x"}' "also at the end alone"
extract $' \n '
fails empty "an answer of white space"
extract ''
fails empty "an empty answer"

# ---- reasoning ----

extract $'\n<think>\nHm, <b>.\n</think>\n\nForty-two.'
gives '"Forty-two."' "a reasoning block goes"
extract '<THINKING>a</Thinking> b'
gives '"b"' "in any case"
extract '<reasoning>a</reasoning>b <think>c</think>'
gives '"b <think>c</think>"' "only the first, only at the beginning"
extract 'See <think>a</think>'
gives '"See <think>a</think>"' "not inside of the text"
extract '<thinker>a'
gives '"<thinker>a"' "another tag is none"
printf '%s\n' '{"response":{"text":"\u003cthink\u003ea\u003c/think\u003eb"}}' >in
run bf-extract <in
is "$(cat out)" '{"text":"b"}' "also where < is written \\u003c"
extract '<think>never ends'
fails reasoning_open "a block without an end"
extract '<think>all</think> '
fails empty "nothing after the block"
extract '<think>{"a":1}</think>{"b":2}' --json
gives '{"b":2}' "--json does not look into the block"

# ---- --json ----

extract $' { "a" : [1.0, 1e400,\n 12345678901234567890, "\\u00e9 x"] }\n' --json
gives '{"a":[1.0,1e400,12345678901234567890,"\u00e9 x"]}' "all of the answer, as written, in one line"
extract '"word"' --json
gives '"word"' "a scalar, if it is all"
extract $'Not [this], {this}:\n```json\n{"a": 1}\n```\nnor {"b":2}' --json
gives '{"a":1}' "a block marked json"
extract $'~~~~JSON\n[1]\n~~~\n~~~~\n```json\n[2]\n```' --json
gives '[2]' "the first such block that is JSON"
extract $'x\n```json\n{"a": 1}' --json
gives '{"a":1}' "an open block is prose"
extract 'It is {not} this [but] that: {"a":"}]{","b":[{}]}. Or {"c":1}.' --json
gives '{"a":"}]{","b":[{}]}' "the first value in prose that is JSON"
extract 'He said "{"a":1}".' --json
gives '{"a":1}' "quotes in the prose do not matter"
extract '[[[ {"a":[1,2' --json
fails not_found "brackets that do not close"
extract $'x\n```json\n42' --json
fails not_found "an open block with a scalar"
extract 'Forty-two: 42.' --json
fails not_found "a scalar in prose is none"
head -c 300000 /dev/zero | tr '\0' '[' | jq -Rsc '{response:{text:.}}' >in
run bf-extract --json in
fails gave_up "brackets without end"

# ---- --code ----

extract $'Text.\n```python\nprint("a")\n\n  b\n```\n```\nc\n```' --code
gives '"print(\"a\")\n\n  b"' "the first block"
extract $'```\na\n```\n```Sh x=1\nb\n```\n```sh\nc\n```' --code=sh
gives '"b"' "the first of that language, in any case"
extract $'````md\n```\na\n```\n````' --code
gives '"```\na\n```"' "a longer fence holds a shorter one"
extract $'~~~\n```\na\n~~~' --code
gives '"```\na"' "tildes"
extract $'  ```\n   a\n b\n   c\n ```' --code
gives '" a\nb\n c"' "an indented block loses its indentation"
extract $'    ```\n```\na\n```' --code
gives '"a"' "four spaces are too many for a fence"
extract $'``` a`b\n```\nc\n``` \n' --code
gives '"c"' "no backtick in an info string"
extract $'```\r\na\r\nb\r\n```\r\n' --code
gives '"a\r\nb"' "CRLF"
extract $'```\na\n``` x\nb\n```' --code
gives '"a\n``` x\nb"' "a closing fence has no info string"
extract $'```c\nint' --code
fails not_closed "a block that is cut off"
extract 'none' --code
fails not_found "no block"
extract $'```c\nx\n```' --code=py
fails not_found "none of that language"
extract $'```\n\n```' --code
fails empty "an empty block"

# ---- --tag ----

extract 'So <answer>
10 </answer> <answer>2</answer>' --tag answer
gives '"10"' "the first tag, trimmed"
extract '<answers>1</answers><answer kind="x">2</answer >' --tag answer
gives '"2"' "the whole name, with attributes"
extract '<a>1' --tag a
fails not_closed "no end tag"
extract '<a/>1</a>' --tag a
fails not_found "no tag"
extract '<a <a' --tag a
fails not_found "a tag that does not end"
extract '<a> </a>' --tag a
fails empty "an empty tag"

# ---- --regex ----

extract $'1 + 1\n#### 1,234\n' --regex '####\s*(\S+)'
gives '"1,234"' "the first group"
extract 'abc' --regex '(?i)B.'
gives '"bc"' "all of the match without a group"
extract 'naïve €5' --regex '€(.)'
gives '"5"' "UTF-8"
extract 'x=é' --regex '=(.)$'
gives '"é"' "a character, not a byte"
extract 'ab' --regex 'a(x)?b'
fails not_found "a group that took no part"
extract 'ab' --regex 'z'
fails not_found "no match"
extract 'ab' --regex 'b(.*)'
fails empty "an empty group"
extract "$(head -c 5000 /dev/zero | tr '\0' a)!" --regex '^(a|aa)+$'
fails gave_up "an expression that backtracks without end"
extract "$(head -c 200000 /dev/zero | tr '\0' a)" --regex '(?:a|b)*(a)$'
gives '"a"' "a long answer"

# ---- --list ----

extract $'Here:\n\n1. One\n2) Two\n   more\n- Three\n  - **Four**\n\n* Five  \n+ Six\nBye.' --list
gives '["One","Two more","Three","**Four**","Five","Six"]' "markers of all kinds, continued lines"
extract $'- a\n---\n* * *\n-b\n-5 is no item\n1984 was\n- \n- "c"' --list
gives '["a","\"c\""]' "rules, words and empty items are none"
extract $'- a\n```\n- no\n```\n- b' --list
gives '["a","b"]' "code is none"
extract $'- a\r\n- b\r\n' --list
gives '["a","b"]' "CRLF"
extract '["a", "b"]' --list
gives '["a","b"]' "a JSON array of strings"
extract $'Sure:\n```json\n["a"]\n```' --list
gives '["a"]' "in a block, too"
extract '["a", 1]' --list
fails not_found "an array of other things"
extract $'One\nTwo' --list
fails not_found "lines without markers"

# ---- the entry ----

extract a --keep
is "$(cat out)" '{"id":1,"request":{},"response":{"text":"a","model":"m"},"z":2,"text":"a"}' "--keep"
extract a -o z
is "$(cat out)" '{"id":1,"z":"a"}' "-o: a field that is there is replaced in its place"
extract a -o '["x.y"]'
is "$(cat out)" '{"id":1,"z":2,"x.y":"a"}' "-o: a name that is not plain"
extract a -o response --keep
is "$(cat out)" '{"id":1,"request":{},"response":"a","z":2}' "-o response"
extract a -o a.b
is "$status" 2 "-o: a path is refused"
extract a -o ''
is "$status" 2 "-o: an empty name is refused"
for entry in '{}' '{"response":null}' '{"response":{"text":null}}' '{"response":"a"}' '{"response":[]}'; do
	echo "$entry" >in
	run bf-extract in
	fails no_response "$entry"
done

printf '%s\n' '{"id":1,"response":{"text":"<a>1</a>"}}' \
	'{"id":2,"request":{"x":1},"response":{"text":"none","model":"m"}}' \
	'{"id":3,"response":{"text":"<a>3</a>"}}' >in
run bf-extract --tag a --errors bad in
is "$status $(cat out err)" '1 {"id":1,"text":"1"}
{"id":3,"text":"3"}' "one fails, the others go on"
is "$(cat bad)" '{"id":2,"request":{"x":1},"response":{"text":"none","model":"m"},"error":{"class":"not_found","message":"the tag is not in the answer"}}' \
	"--errors: the whole entry with its raw text"
run bf-extract bad
is "$(cat out)" '{"id":2,"error":{"class":"not_found","message":"the tag is not in the answer"},"text":"none"}' \
	"a file of errors is input"

# ---- usage ----

for wrong in '--json --text' '--tag' '--tag <a>' '--tag=' '--code=' '--regex ('; do
	# shellcheck disable=SC2086
	run bf-extract in $wrong
	is "$status $(wc -c <out) $(wc -l <err)" "2 0 1" "refused: $wrong"
done
like "$(cat err)" '*--regex*at byte 2*' "a wrong expression: where"
printf '{"response":{"text":"a"}}\n{"incomplete":{"by":"x","why":"y","status":75}}\n' >in
run bf-extract in
is "$status $(tail -n 1 out)" '75 {"incomplete":{"by":"x","why":"y","status":75}}' "an incomplete stream stays one"
# ---- which of several ----

three=$'<a>1</a> x <a k="v"> 2 </a><b>no</b><a>\n3</a>'
extract "$three" --tag a --last
gives '"3"' "--tag --last"
extract "$three" --tag a --all
gives '["1","2","3"]' "--tag --all"
extract "$three" --tag a --first
gives '"1"' "--first"
extract "$three<a>4" --tag a --all
fails not_closed "--all: one without an end may have been cut off"
extract "$three<a>4" --tag a --last
fails not_closed "--last, too"
extract "$three<a> </a>" --tag a --all
fails empty "--all: an empty one"
blocks=$'```sh\nls\n```\n```\nx\n```\n```sh\npwd\n  cd\n```\n'
extract "$blocks" --code=sh --all
gives '["ls","pwd\n  cd"]' "--code=LANG --all"
extract "$blocks" --code --all
gives '["ls","x","pwd\n  cd"]' "--code --all"
extract "$blocks" --code --last
gives '"pwd\n  cd"' "--code --last"
extract 'a1 b22 é333' --regex '[0-9]+' --all
gives '["1","22","333"]' "--regex --all"
extract 'a1 b22 é333' --regex '[a-zé]([0-9]+)' --last
gives '"333"' "--regex --last: the group"
extract 'éxé' --regex 'x*' --all
gives '["x"]' "--all: empty matches are passed over, characters are whole"
extract 'aXbX' --regex '(?<=X)b|(?<=b)X' --all
gives '["b","X"]' "what is before a match counts"
extract 'abc' --regex '^.' --all
gives '["a"]' "there is one beginning"
extract '{"a":1} or [2, 3] or {"a":{"b":4}}.' --json --all
gives '[{"a":1},[2,3],{"a":{"b":4}}]' "--json --all, in prose"
extract '{"a":1} or [2, 3].' --json --last
gives '[2,3]' "--json --last"
extract $'{"a":0}\n```json\n{"a":1}\n```\n```json\nno\n```\n```json\n{"a":2}\n```' --json --all
gives '[{"a":1},{"a":2}]' "in blocks marked json, where there are some"
extract $'```json\n1\n```\n```json\n2\n```' --json --last
gives '2' "the last of them"
extract '[1,2]' --json --all
gives '[[1,2]]' "or the one that is all"
extract 'none' --json --all
fails not_found "--all of none"

# ---- names ----

extract 'Score: 9 of 10 (good)' --regex '(?<score>\d+) of (?<most>\d+)( \((?<word>\w+)\))?'
is "$status $(cat out err)" '0 {"id":1,"z":2,"score":"9","most":"10","word":"good"}' "named groups, each into its field"
extract 'Score: 9 of 10' --regex '(?<score>\d+) of (?<z>\d+)( \((?<word>\w+)\))?'
is "$status $(cat out err)" '0 {"id":1,"z":"10","score":"9"}' "in the place of one that is there; none that took no part"
extract 'Score: 9 of 10' --regex '(?<score>\d+) of (?<most>\d+)' -o text
gives '{"score":"9","most":"10"}' "-o: as an object"
extract 'a=1, b=2' --regex '(?<k>\w)=(?<v>\d)' --all
gives '[{"k":"a","v":"1"},{"k":"b","v":"2"}]' "--all: objects"
extract 'x' --regex '(?<k>y)?x'
fails not_found "none of the groups took part"
extract 'x' --regex '(?<k>y*)x'
fails empty "all that did are empty"

# ---- --fields ----

json='It is {"score": 1.50, "why": ["a", "b\u00e9"], "x": null}.'
extract "$json" --json --fields 'score,reason=why[1],text=/why/0,x'
is "$status $(cat out err)" '0 {"id":1,"z":2,"score":1.50,"reason":"b\u00e9","text":"a","x":null}' "--fields: parts of it, as written"
extract "$json" --json --fields 'z=score'
is "$status $(cat out err)" '0 {"id":1,"z":1.50}' "in the place of one that is there"
extract "$json" --json --fields 'score,missing'
fails not_found "--fields: one that is not there"
like "$(cat err)" "*no 'missing' in the answer's JSON" "which is named"
extract "$json" --json --fields 'score,missing' --errors errors
is "$(jq -c '[.score, .response.text != null, .error.class]' errors)" '[null,true,"not_found"]' "the failed entry is as it was"

# ---- --integers ----

# integers TEXT WANT: what comes out for it
integers() {
	extract "$1" --integers
	gives "$2" "--integers: $1"
}
integers 'Lines 1, 3-5 and 9.' '[1,3,4,5,9]'
integers '7' '[7]'
integers '[10, 2,2]' '[10,2,2]'
integers '[]' '[]'
integers $'1 \xe2\x80\x93 3; 5..6; 8 to 9; 11 through 12; 14\xe2\x80\x9415' '[1,2,3,5,6,8,9,11,12,14,15]'
integers '-3, 4, -5' '[-3,4,-5]'
integers 'v2 and utf8 are words, 007 is none' '[7]'
integers $'1. foo\n2. bar' '[1,2]'
integers '3-3' '[3]'
integers '第3行、5。' '[3,5]'
extract 'no numbers, v2' --integers
fails not_found "--integers: none"
extract '1, 2.5' --integers
fails not_found "--integers: a fraction"
extract 'the 2nd' --integers
fails not_found "--integers: an ordinal"
extract '5-3' --integers
fails not_found "--integers: a range that runs backwards"
extract '1-99999999999' --integers
fails not_found "--integers: a range that is too long"
extract '1, 99999999999999999999' --integers
fails not_found "--integers: a number that is too large"

# ---- --tool-call ----

calls='[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\": 1,\"b\":[1.50]}"}},
	{"id":"c2","type":"function","function":{"name":"sub","arguments":"{\"a\":2}"}},
	{"id":"c3","type":"function","function":{"name":"add","arguments":"{\"a\":3}"}}]'
# called CALLS ARG...: as extract, of an answer with these
called() {
	local calls=$1
	shift
	jq -cn --argjson c "$calls" '{id: 1, response: {text: null, tool_calls: $c, finish_reason: "tool_calls"}, z: 2}' >in
	run bf-extract "$@" <in
}
called "$calls" --tool-call
gives '{"a":1,"b":[1.50]}' "--tool-call: the first one's arguments"
called "$calls" --tool-call=sub
gives '{"a":2}' "of that name"
called "$calls" --tool-call=add --all
gives '[{"a":1,"b":[1.50]},{"a":3}]' "--all"
called "$calls" --tool-call --last --fields a,n=a
is "$status $(cat out err)" '0 {"id":1,"z":2,"a":3,"n":3}' "--last, --fields"
called "$calls" --tool-call=mul
fails not_found "a tool that was not called"
called '[{"function":{"name":"add","arguments":"{\"a\":"}}]' --tool-call
fails not_found "arguments that are no JSON"
called null --tool-call
fails not_found "no calls"
called "$calls"
fails no_response "calls are no text"

# ---- answers that are not whole ----

for how in length content_filter; do
	for mode in --text --json --tool-call "--regex {"; do
		echo '{"response":{"text":"{\"a\":1}","finish_reason":"'$how'","tool_calls":[{"function":{"arguments":"{}"}}]}}' >in
		# shellcheck disable=SC2086
		run bf-extract $mode in
		fails $how "$mode, $how"
	done
	run bf-extract --accept $how in
	is "$status $(cat out)" '0 {"text":"{\"a\":1}"}' "--accept $how"
done
echo '{"response":{"text":"I cannot do that.","finish_reason":"stop","refusal":true}}' >in
run bf-extract in
fails refusal "a refusal"
run bf-extract --accept length,refusal in
is "$status $(cat out)" '0 {"text":"I cannot do that."}' "--accept refusal"

# ---- --reasoning ----

extract $'<think>\n so "so" </think>Yes.' --reasoning why
is "$status $(cat out err)" '0 {"id":1,"z":2,"text":"Yes.","why":"so \"so\""}' "--reasoning: the block"
extract 'Yes.' --reasoning why
gives '"Yes."' "none where there is none"
echo '{"response":{"text":"<think>b</think>Yes.","reasoning":"a\u00e9"},"why":0}' >in
run bf-extract --reasoning why in
is "$status $(cat out err)" '0 {"why":"a\u00e9","text":"Yes."}' "what the provider gave, as it is, in its place"
extract '<think>x</think>{"a":1}' --json --fields a --reasoning why
is "$status $(cat out err)" '0 {"id":1,"z":2,"a":1,"why":"x"}' "with --fields"

# ---- --schema ----

cat >s.json <<'E'
{"type":"object","required":["n"],"additionalProperties":false,"properties":{"n":{"type":"integer","minimum":0},
	"t":{"type":"array","items":{"type":"string"}},"b":{"type":["boolean","null"]},"d":{"format":"date"},"o":{"type":"object"}}}
E
# valid TEXT WANT ARG...: what comes out into parsed
valid() {
	local want=$2
	extract "$1" --schema s.json "${@:3}"
	is "$status $(cat out)" '0 {"id":1,"z":2,"parsed":'"$want"'}' "--schema ${*:3}: $1"
}
# invalid TEXT MESSAGE ARG...
invalid() {
	local want=$2
	extract "$1" --schema s.json "${@:3}"
	is "$status $(cat out err)" "1 bf-extract: <stdin>:1: $want" "--schema ${*:3}: $1"
}
valid $'Here:\n```json\n{"n": 1.0, "t": ["a"]}\n```\nI hope [so].' '{"n":1.0,"t":["a"]}'
valid 'It is {"n": 12345678901234567890}, I think.' '{"n":12345678901234567890}'
invalid '{"n":-1,"x":0}' 'invalid: /n: must be at least 0 (minimum), is -1; /x: is not allowed (additionalProperties)'
invalid '{"n":1,"n":2}' 'invalid: /n: must not be there a second time'
invalid '[]' 'invalid: (root): must be object (type), is an empty array'
invalid 'Is {"n":1}}' 'not_alone: more brackets follow the JSON in the answer'
invalid 'Either {"n":1} or {"n":2}' 'not_alone: more brackets follow the JSON in the answer'
invalid 'none' 'not_found: no JSON in the answer'
invalid '{"n":"1"}' 'invalid: /n: must be integer (type), is "1"'
valid '{"n":"1","t":"a","b":"true"}' '{"n":1,"t":["a"],"b":true}' --coerce
is "$(cat err)" "bf-extract: values mended to be what the schema says: 3" "--coerce says so"
valid '{"n":" 7 ","t":["a",8,false],"b":"null"}' '{"n":7,"t":["a","8","false"],"b":null}' --coerce
valid '{"n":1}' '{"n":1}' --coerce
is "$(cat err)" "" "nothing was mended"
invalid '{"n":"one"}' 'invalid: /n: must be integer (type), is "one"' --coerce
invalid '{"n":"-1"}' 'invalid: /n: must be integer (type), is "-1"' --coerce
invalid '{"n":"1.5"}' 'invalid: /n: must be integer (type), is "1.5"' --coerce
invalid '{"t":"a"}' 'invalid: (root): must have "n" (required)' --coerce
invalid '{"n":1,"o":"{}"}' 'invalid: /o: must be object (type), is "{}"' --coerce
valid '{"n":1,"d":"2026-02-30"}' '{"n":1,"d":"2026-02-30"}'
extract '{"n":1,"d":"2026-02-30"}' --schema s.json --check-formats
fails invalid "--check-formats"
extract '{"n":1,"t":["x"]}' --schema s.json --fields n,first=t[0]
is "$status $(cat out)" '0 {"id":1,"z":2,"n":1,"first":"x"}' "with --fields"
called '[{"function":{"name":"add","arguments":"{\"n\":\"5\"}"}}]' --tool-call --schema s.json --coerce
is "$status $(cat out)" '0 {"id":1,"z":2,"parsed":{"n":5}}' "of a tool call"
extract '{"n":-1,"t":[1]}' --schema s.json --errors errors
is "$status $(jq -c '[.error.class, (.error.errors[] | [.at, .keyword])]' errors)" '1 ["invalid",["/n","minimum"],["/t/0","type"]]' "--errors has what is wrong"
is "$(jq -c '[.id, .response.text]' errors)" '[1,"{\"n\":-1,\"t\":[1]}"]' "and the answer"
echo '{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}' >loop.json
extract '{"n":1}' --schema loop.json
is "$status $(wc -l <out)" "1 0" "a schema that never ends is no success"

# usage: a line on standard error, status 2
usage() {
	run bf-extract "$@" </dev/null
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $*"
}
usage --all
usage --list --last
usage --json --all --last
usage --code --fields a
usage --json --all --fields a
usage --json --fields a -o b
usage --json --fields a,a
usage --accept long
usage --accept ''
usage --tool-call=
usage --reasoning a.b
usage --coerce
usage --check-formats
usage --text --schema s.json
usage --json --all --schema s.json
usage --schema s.json --schema s.json
usage --schema nowhere

done_testing
