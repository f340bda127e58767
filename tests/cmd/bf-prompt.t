#!/bin/bash
# bf-prompt: requests from templates.
# shellcheck disable=SC1003,SC2094 # quotes and files are meant as they stand
. "$(dirname "$0")/../lib.sh"

# prompt ENTRY ARG...: the run's output for one entry
prompt() {
	local entry=$1
	shift
	printf '%s\n' "$entry" >in
	run bf-prompt "$@" <in
}

# line WANT NAME: the output is this line, the status 0, nothing was said
line() {
	is "$status $(cat out err)" "0 $1" "$2"
}

# refused STATUS PATTERN NAME: no output, this status and message
refused() {
	is "$status $(wc -c <out)" "$1 0" "$3: status $1, no output"
	like "$(cat err)" "$2" "$3: says why"
}

user() { # TEXT: the request with this user's message, in JSON
	printf '{"messages":[{"role":"user","content":"%s"}]}' "$1"
}

prompt '{"a":"x"}' 'say {a}'
line '{"a":"x","request":'"$(user 'say x')"'}' "a field goes in"

prompt '{"a":"x"}' -m m@p -s 'sys {a}' -p temperature=0.70 -p stop='a b' \
	-p 'o={"k": [1, 2]}' -p 'q="s"' -p e= -p temperature=1 hi
line '{"a":"x","request":{"model":"m@p","messages":[{"role":"system","content":"sys x"},{"role":"user","content":"hi"}],"temperature":1,"stop":"a b","o":{"k":[1,2]},"q":"s","e":""}}' \
	"model, system and parameters, in order"

# What is escaped stays as it is escaped, byte for byte.
odd='{ "n":12345678901234567890.50, "s":"\u00e9\/\ud83d\ude00\"\\\n" ,"u":"é\u2028","d":1,"d":2}'
prompt "$odd" '{s}|{u}|{n}|{d}'
line "${odd%\}}"',"request":'"$(user '\u00e9\/\ud83d\ude00\"\\\n|é\u2028|12345678901234567890.50|2')"'}' \
	"all other bytes of the entry, and a string's escapes, stay"

prompt '{"o":{ "k" : ["a\"b", null, 1.0 ] }}' '{o} {o.k[2]} {/o/k/1} {{{o.k[0]}}}'
line '{"o":{ "k" : ["a\"b", null, 1.0 ] },"request":'"$(user '{\"k\":[\"a\\\"b\",null,1.0]} 1.0 null {a\"b}')"'}' \
	"values as compact JSON, paths, pointers, braces"

prompt '{"e":"","z":null}' '{e:-d}|{z:-d}|{no:-d e "f"}|{no:-}'
line '{"e":"","z":null,"request":'"$(user '|null|d e \"f\"|')"'}' "defaults"

prompt '{"x.y":1,"a b":2,"}":3}' '{["x.y"]} {a b} {["}"]}'
line '{"x.y":1,"a b":2,"}":3,"request":'"$(user '1 2 3')"'}' "names that are not plain"

prompt '{"request":1,"a":"x","response":{"text":"old"},"error":{"class":"c"},"z":2}' '{a}'
line '{"request":'"$(user x)"',"a":"x","z":2}' \
	"a former request is replaced in place, its response and error go"

prompt '{"response":{"text":"old"},"error":{"message":"bad"}}' '{response.text} {error.message}'
line '{"request":'"$(user 'old bad')"'}' "a former response can be a field of the template"

prompt '{}' 'tab	and
newline "q" \'
line '{"request":'"$(user 'tab\tand\nnewline \"q\" \\')"'}' "the template's own text is escaped"

# ---- samples ----

prompt '{"a":1}' --samples 3 '{a}'
line '{"a":1,"request":'"$(user 1)"',"sample":0}
{"a":1,"request":'"$(user 1)"',"sample":1}
{"a":1,"request":'"$(user 1)"',"sample":2}' "samples are numbered"
prompt '{"sample":7,"a":1}' '{a}'
line '{"sample":7,"a":1,"request":'"$(user 1)"'}' "without --samples a sample number stays"
prompt '{"a":1}' --samples 0 x
refused 2 '*--samples*' "--samples 0"

# ---- templates from a file, input from files ----

printf '\357\273\277two\nlines {a}\n' >template
printf '{"a":1}\n' >one
printf '{"a":2}\n' >two
run bf-prompt -f template one two
line '{"a":1,"request":'"$(user 'two\nlines 1')"'}
{"a":2,"request":'"$(user 'two\nlines 2')"'}' "-f: without its mark and last newline; operands are input"
printf '{a}\n\n' >template
run bf-prompt -f template one
line '{"a":1,"request":'"$(user '1\n')"'}' "only one newline is taken off"
run bf-prompt '{a}' one - two <one
is "$status $(jq -r '.request.messages[0].content' out | tr '\n' ' ')" "0 1 1 2 " \
	"the first operand is the template, the rest are files, - is standard input"
run bf-prompt -f no-such-file one
refused 2 '*no-such-file: No such file*' "a template file that is not there"
run bf-prompt -f - <one
refused 2 '*standard input is for entries*' "-f -"
: >empty
run bf-prompt -f empty one
refused 2 '*empty*' "an empty template"
run bf-prompt '' one
refused 2 '*empty*' "an empty operand for a template"

printf '\357\273\277sys\n{a}\n' >system
run bf-prompt --system-file system 'hi' one two
is "$status $(jq -c '.request.messages' out)" \
	'0 [{"role":"system","content":"sys\n1"},{"role":"user","content":"hi"}]
[{"role":"system","content":"sys\n2"},{"role":"user","content":"hi"}]' \
	"--system-file: read as -f reads"
run bf-prompt --system-file system -f template one
is "$(jq -c '[.request.messages[].content]' out)" '["sys\n1","1\n"]' "--system-file and -f"
run bf-prompt -s x --system-file system hi one
refused 2 '*either -s or --system-file*' "-s and --system-file"
run bf-prompt --system-file no-such-file hi one
refused 2 '*no-such-file: No such file*' "a system file that is not there"
run bf-prompt --system-file - hi <one
refused 2 '*--system-file -: standard input is for entries*' "--system-file -"
run bf-prompt --system-file empty hi one
refused 2 '*empty is empty*' "an empty system file"
printf 'one\n {a' >template
run bf-prompt --system-file template hi one
refused 2 '*template: line 2, column 2*' "a system file: its line and column"

# ---- entries that fail ----

printf '%s\n' '{"a":1}' '{"b":{"c":2}}' '{"a":3}' >in
run bf-prompt '{a}' in
is "$status" 1 "a missing field: status 1"
is "$(jq -c .a out | tr '\n' ' ')" "1 3 " "the others go on"
like "$(cat err)" 'bf-prompt: in:2: *no field "a"' "the message names file, line and field"
run bf-prompt --errors bad.jsonl '{a} {x.y[0]:-}' in
is "$status $(cat err)" "1 " "--errors: nothing on standard error"
is "$(cat bad.jsonl)" '{"b":{"c":2},"error":{"class":"missing_field","message":"no field \"a\""}}' \
	"--errors: the entry as it was, and why"
run bf-prompt '{b.c}' bad.jsonl
is "$(cat out)" '{"b":{"c":2},"request":'"$(user 2)"'}' "a file of errors is input"
prompt '{}' -s '{who}' hi
like "$status $(cat err)" '1 *no field "who"' "a field of the system template too"

# ---- what is refused ----

prompt '{}' 'ab{c'
refused 2 '*column 3: "{" without "}"*' "an open brace"
prompt '{}' 'é}'
refused 2 '*column 2: "}" without "{"*' "a lone closing brace"
prompt '{}' '{"a": 1}'
refused 2 '*column 1: *a brace is written "{{"*' "JSON in a template"
prompt '{}' -s 'ab{' x
refused 2 '*system*column 3*' "a wrong system template"
printf 'one\n {a' >template
run bf-prompt -f template one
refused 2 '*template: line 2, column 2*' "a template file: its line and column"
prompt '{}' "$(printf 'a\377')"
refused 2 '*column 2: not UTF-8*' "a template that is not UTF-8"
prompt '{}' -p temperature x
refused 2 '*KEY=VALUE*' "-p without ="
prompt '{}' -p =1 x
refused 2 '*KEY=VALUE*' "-p without a key"
prompt '{}' -p model=x x
refused 2 '*-m*' "-p model="
prompt '{}' -p 'messages=[]' x
refused 2 '*templates*' "-p messages="
prompt '{}' -p "$(printf 'k=\377')" x
refused 2 '*UTF-8*' "a parameter that is not UTF-8"
prompt '{}' -m '' x
refused 2 '*empty*' "an empty model"
run bf-prompt </dev/null
refused 2 '*no template*' "no template"
prompt '{}' -p a.b=1 x
line '{"request":{"messages":[{"role":"user","content":"x"}],"a.b":1}}' "a dotted key is one name"
prompt '{}' -p 'a"b=1' x
line '{"request":{"messages":[{"role":"user","content":"x"}],"a\"b":1}}' "a key is escaped"

# ---- streams ----

printf '%s\n' '{"a":1}' '{"a":2' '{"a":3}' >in
run bf-prompt '{a}' in
is "$status $(head -n 1 out)" '2 {"a":1,"request":'"$(user 1)"'}' "a bad line stops it"
like "$(tail -n 1 out)" '{"incomplete":{"by":"bf-prompt",*"status":2}}' "and the stream says that it is not whole"
run bf-prompt --keep-going '{a}' in
is "$status $(jq -c .a out | tr '\n' ' ')" "1 1 3 " "--keep-going"
printf '%s\n' '{"a":1}' '{"incomplete":{"by":"x","why":"y","status":75}}' >in
run bf-prompt '{a}' in
is "$status $(tail -n 1 out)" '75 {"incomplete":{"by":"x","why":"y","status":75}}' "an incomplete stream stays one"
bf-prompt '{a}' one >/dev/full 2>err
is $? 2 "a full disk is an error"
awk 'BEGIN { for (i = 0; i < 20000; i++) printf "{\"i\":%d,\"s\":\"t\\n%d\"}\n", i, i }' >many
run bf-prompt '{i}:{s}' many
is "$status $(jq -r '.request.messages[0].content' out | cksum)" \
	"0 $(jq -r '"\(.i):\(.s)"' many | cksum)" "many entries agree with jq"

# --schema
echo '{}' >entry
cat >rating.v1.json <<'E'
{ "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object", "properties": { "score": {"type":"integer", "maximum": 1.0e1},
    "tags": {"type":"array","items":{"$ref":"#/$defs/t"}} },
  "$defs": {"t": {"anyOf":[{"type":"string"},{"type":"object","properties":{},"additionalProperties":false}]}},
  "required": ["tags", "score"], "additionalProperties": false }
E
run bf-prompt --schema rating.v1.json x entry
is "$status $(jq -c '.request | [.messages[0].content, (.response_format | .type, .json_schema.name, .json_schema.strict)]' out)" \
	'0 ["x","json_schema","rating",true]' "--schema"
grep -qF '"schema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"score":{"type":"integer","maximum":1.0e1}' out
ok $? "the schema as it is written, in one line"
# strict SCHEMA WANT NAME
strict() {
	printf '%s\n' "$1" >s.json
	run bf-prompt --schema s.json x entry
	is "$status $(jq -c '.request.response_format.json_schema.strict' out)" "0 $2" "strict: $1"
}
strict '{"type":"object","properties":{},"additionalProperties":false}' true
strict '{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}' false
strict '{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}' false
strict '{"type":"object","properties":{"\u0061":{}},"required":["a"],"additionalProperties":false}' true
strict '{"type":"object","properties":{"a":{"type":"object"}},"required":["a"],"additionalProperties":false}' false
strict '{"type":"object","properties":{"a":{"minLength":1}},"required":["a"],"additionalProperties":false}' false
strict '{"type":"array","items":{"type":"string"}}' false
strict 'true' false
echo '{"title":"Rating of a book (é)","type":"object"}' >s.json
run bf-prompt --schema s.json x entry
is "$(jq -r '.request.response_format.json_schema.name' out)" "Rating_of_a_book_" "its name is its title"
printf '{\n "type": }' >s.json
run bf-prompt --schema s.json x entry
is "$status $(cat err)" "2 bf-prompt: s.json:2:10: unexpected character" "no JSON"
echo '{"type":"strnig"}' >s.json
run bf-prompt --schema s.json x entry
like "$status $(cat err)" "2 bf-prompt: s.json: #/type: *" "no schema"
run bf-prompt --schema nowhere x entry
is "$status $(cat err)" "2 bf-prompt: nowhere: No such file or directory" "no file"
for args in '-p response_format=x --schema rating.v1.json' '--schema rating.v1.json -p response_format=x' \
	'--schema rating.v1.json --schema rating.v1.json'; do
	# shellcheck disable=SC2086
	run bf-prompt $args x entry
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $args"
done
done_testing
