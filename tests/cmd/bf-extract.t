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
done_testing
