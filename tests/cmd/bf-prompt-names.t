#!/bin/bash
# bf-prompt @NAME: prompts as files, and bf's own.
# shellcheck disable=SC2016 # templates are meant as they stand
. "$(dirname "$0")/../lib.sh"
ROOT=$(dirname "$TESTS")
user=$XDG_CONFIG_HOME/bf/prompts
mkdir -p "$user"
unset BF_PROMPTS
printf '{"a":"x"}\n' >in

# prompt ARG...: the run's output for one entry
prompt() { run bf-prompt "$@" <in; }

# makes JSON NAME: the request
makes() {
	is "$status $(cat err)$(jq -cS .request out)" "0 $(jq -cS . <<<"$1")" "$2"
}

# refused PATTERN NAME: no output, status 2 and this message
refused() {
	is "$status $(wc -c <out)" "2 0" "$2: status 2, no output"
	like "$(cat err)" "bf-prompt: $1" "$2: says why"
}

# ---- what a file says ----

cat >"$user/all.md" <<'E'
---
# What it is for.
description: "all of it: \"everything\""
model: gpt-4o-mini@openai

schema: forms/answer.json
system: |
  You are {a}.
  
    Indented: {{}}

  The end.

parameters:
  temperature: 0.70
  stop: ["a", "b"]
  # A comment.
  user: me and you
  seed:1
  note: "7"
---

  

 First {a}.
---
last

E
mkdir "$user/forms"
echo '{"type":"object", "properties":{"x":{"type":"integer"}}}' >"$user/forms/answer.json"
all='{"model":"gpt-4o-mini@openai","messages":[{"role":"system","content":"You are x.\n\n  Indented: {}\n\nThe end."},{"role":"user","content":" First x.\n---\nlast\n"}],"temperature":0.70,"stop":["a","b"],"user":"me and you","seed":1,"note":"7","response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":false,"schema":{"type":"object","properties":{"x":{"type":"integer"}}}}}}'
prompt @all
makes "$all" "all that a file can say"
like "$(cat out)" '*"temperature":0.70*' "numbers as they are written"
sed 's/$/\r/' "$user/all.md" | sed '1s/^/\xef\xbb\xbf/' >"$user/crlf.md"
prompt @crlf
makes "$(jq -c '.messages[1].content = " First x.\r\n---\r\nlast\r\n"' <<<"$all")" "a mark and CRLF"
mkdir elsewhere
cd elsewhere || exit 99
run bf-prompt @all ../in
makes "$all" "the schema lies beside the prompt, wherever one is; operands are input"
cd .. || exit 99

printf 'Say {a}.\n' >"$user/plain.md"
prompt @plain
makes '{"messages":[{"role":"user","content":"Say x."}]}' "a template alone"
printf '\n\nSay {a}.' >"$user/plain.md"
prompt @plain
makes '{"messages":[{"role":"user","content":"Say x."}]}' "blank lines before it, and no last newline"
printf -- '---\nsystem: One line: {a}\n---\nhi\n' >"$user/line.md"
prompt @line
makes '{"messages":[{"role":"system","content":"One line: x"},{"role":"user","content":"hi"}]}' "a system text in one line"
printf -- '---\nsystem: " |\\n\\u00e9"\n---\nhi\n' >"$user/line.md"
prompt @line
makes '{"messages":[{"role":"system","content":" |\né"},{"role":"user","content":"hi"}]}' "a text in quotes is a JSON string"
printf -- '---\nschema: {"title": "T", "type": "object", "properties": {}, "required": [], "additionalProperties": false}\n---\nhi\n' >"$user/inline.md"
prompt @inline
makes '{"messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_schema","json_schema":{"name":"T","strict":true,"schema":{"title":"T","type":"object","properties":{},"required":[],"additionalProperties":false}}}}' \
	"a schema in the file itself"
printf -- '---\nschema: %s\n---\nhi\n' "$user/forms/answer.json" >"$user/absolute.md"
prompt @absolute
is "$status $(jq -r .request.response_format.json_schema.name out)" "0 answer" "a schema by an absolute path"
printf -- '---\nhi\n' >text
run bf-prompt -f text in
makes '{"messages":[{"role":"user","content":"---\nhi"}]}' "-f takes a file as text, whatever it begins with"

# ---- the command line counts more ----

echo '{"type":"string"}' >other.json
prompt -m m -s 'sys {a}' -p temperature=1 -p 'stop="c"' -p n=2 --schema other.json @all
makes "$(jq -c '.model = "m" | .messages[0].content = "sys x" | .temperature = 1 | .stop = "c" | .n = 2 |
	.response_format.json_schema |= {name: "other", strict: false, schema: {type: "string"}}' <<<"$all")" \
	"options override what the file says"
prompt -p response_format=text @all
is "$(jq -c .request.response_format out)" '"text"' "-p response_format overrides the schema"
printf 'file {a}' >sys
prompt --system-file sys @all
is "$(jq -r '.request.messages[0].content' out)" 'file x' "--system-file overrides the system text"
prompt --samples 2 @plain
is "$status $(jq -c .sample out | tr '\n' ' ')" "0 0 1 " "--samples"

# With a conversation a file may be no more than who speaks.
printf -- '---\nsystem: You are Ada.\n---\n' >"$user/ada.md"
echo '{"talk":[{"role":"Bob","content":"b"}]}' >talk
run bf-prompt --history talk --as Ada @ada talk
makes '{"messages":[{"role":"system","content":"You are Ada."},{"role":"user","content":"b"}]}' "a system text alone, with --history"
prompt @ada
refused "$user/ada.md:4: the template is empty" "a system text alone, without"

# ---- where they are ----

mkdir -p mine/sub "$user/sub"
echo 'mine' >mine/plain.md
echo 'sub' >mine/sub/x-1_2.md
echo 'my judge' >mine/judge.md
BF_PROMPTS=$PWD/mine run bf-prompt @plain in
makes '{"messages":[{"role":"user","content":"mine"}]}' "BF_PROMPTS first"
BF_PROMPTS=mine run bf-prompt @sub/x-1_2 in
makes '{"messages":[{"role":"user","content":"sub"}]}' "a folder in it"
BF_PROMPTS=mine run bf-prompt @judge in
makes '{"messages":[{"role":"user","content":"my judge"}]}' "one of bf's own can be replaced"
BF_PROMPTS='' run bf-prompt @plain in
makes '{"messages":[{"role":"user","content":"Say x."}]}' "an empty BF_PROMPTS is none"
BF_PROMPTS=mine run bf-prompt @line in
is "$status" 0 "what is not there is looked for further on"
mkdir -p home/.config/bf/prompts
echo 'at home' >home/.config/bf/prompts/h.md
run env -u XDG_CONFIG_HOME HOME="$PWD/home" bf-prompt @h in
makes '{"messages":[{"role":"user","content":"at home"}]}' "without XDG_CONFIG_HOME in ~/.config"
run env -u XDG_CONFIG_HOME -u HOME bf-prompt @h in
refused 'no prompt "h": looked for among bf*--list-prompts*' "without a home"

BF_PROMPTS=mine run bf-prompt @nothing in
refused 'no prompt "nothing": looked for mine/nothing.md, '"$user"'/nothing.md, among bf*bf-prompt --list-prompts*' \
	"an unknown name"
mkdir "$user/folder.md"
prompt @folder
refused "$user/folder.md: Is a directory" "a folder of that name"

for text in '@' '@a b' 'a@b' ' @all' '@all!' '@{a}' '@é'; do
	prompt "$text"
	makes "$(jq -cn --arg t "${text/\{a\}/x}" '{messages: [{role: "user", content: $t}]}')" "a template, and no name: $text"
done
for text in @../all @/etc/passwd @.all @a/../b @a//b @a/ @a/.b @..; do
	prompt "$text"
	refused "$text: no part of a prompt's name is empty or begins with a dot (a file is read with -f)" "no name: $text"
done

# ---- bf's own ----

(cd "$ROOT/share/prompts" && ls ./*.md) | sed 's,./\(.*\).md,\1,' >want
run env XDG_CONFIG_HOME=/nowhere bf-prompt --list-prompts
cut -f 1 out >got
is "$status $(cat err)" "0 " "--list-prompts: status 0"
same want got "--list-prompts: all of share/prompts"
is "$(cut -f 2 out | grep -c '^-$')" 0 "each with a description"
while read -r name; do
	echo '{"text":"some \"text\""}' | XDG_CONFIG_HOME=/nowhere bf-prompt -m m "@$name" >out 2>err
	is "$? $(cat err) $(jq -r '.request.messages | length, (.[1].content | contains("some \"text\""))' out | tr '\n' ' ')" \
		"0  2 true " "@$name: takes {text}, and nothing else is needed"
	echo '{"no":1}' | XDG_CONFIG_HOME=/nowhere bf-prompt "@$name" >out 2>err
	like "$? $(cat err)" '1 *no field "text"' "@$name: a text that is missing fails"
	cmp -s "$ROOT/share/prompts/$name.md" "$TESTS/fuzz/corpus/promptfile/$name"
	ok $? "@$name: is in the corpus"
done <want
for name in classify extract-facts judge; do
	echo '{"text":"t"}' | bf-prompt "@$name" >out
	is "$(jq -c .request.response_format.json_schema.strict out)" true "@$name: its schema is strict"
done

# ---- the list ----

rm -r "$user" && mkdir -p "$user/sub"
printf -- '---\ndescription: "mine\\tof \\u001b[1mtwo\\nlines"\n---\nx' >"$user/b.md"
echo x >"$user/a.md"
echo x >"$user/sub/c.md"
echo x >"$user/judge.md"
echo x >"$user/.hidden.md"
echo x >"$user/a b.md"
echo x >"$user/notes.txt"
ln -s . "$user/loop"
mkdir mine2 && echo x >mine2/b.md
BF_PROMPTS=mine2 run bf-prompt --list-prompts
{
	printf 'b\t-\tmine2/b.md\n'
	printf 'a\t-\t%s/a.md\n' "$user"
	printf 'judge\t-\t%s/judge.md\n' "$user"
	printf 'sub/c\t-\t%s/sub/c.md\n' "$user"
} >want
grep -v -e '^loop/' -e share/ out >got
same want got "--list-prompts: the user's first, by name, hidden ones left out"
is "$(grep share/ out | cut -f 1 | tr '\n' ' ')" "classify extract-facts summarize translate " "and bf's own"
rm "$user/loop"
run bf-prompt --list-prompts
is "$(sed -n 2p out)" $'b\tmine   of \\x1b[1mtwo lines\t'"$user/b.md" "what is in a description drives no terminal"
printf -- '---\nmodle: x\n---\nx' >"$user/z.md"
run bf-prompt --list-prompts
is "$status $(grep -c . out) $(grep ^z out)" $'1 9 z\t-\t'"$user/z.md" "one that is wrong is in it: status 1"
like "$(cat err)" "bf-prompt: $user/z.md:2: \"modle\" is unknown*" "and why"
[ ! -e /dev/full ] || {
	bf-prompt --list-prompts >/dev/full 2>err
	is $? 2 "--list-prompts >/dev/full: status 2"
}

# ---- what is refused ----

wrong() { # FILE-TEXT PATTERN NAME
	printf '%b' "$1" >"$user/wrong.md"
	prompt @wrong
	refused "$user/wrong.md$2" "$3"
}
wrong '---\nmodel: x\nmodle: y\n---\nhi' ':3: "modle" is unknown: description, model, schema, system, parameters' "an unknown key"
wrong '---\ntemperature: 0\n---\nhi' ':2: "temperature" is unknown: *' "a parameter that is none of parameters"
wrong '---\nmodel: x\nhi' ':3: no KEY: VALUE' "a line without a colon"
wrong '---\n: x\n---\nhi' ':2: no KEY: VALUE' "a line without a key"
wrong '---\nmodel: x\n' ':2: the first line, ---, has no second one' "no second line of ---"
wrong '---' ':1: the first line, ---, has no second one' "nothing but the first"
wrong '---\nmodel: a\nmodel: b\n---\nhi' ':3: "model" is given twice' "a key twice"
wrong '---\nmodel:\n---\nhi' ':2: "model" is empty' "a key without a value"
wrong '---\nmodel: ""\n---\nhi' ':2: "model" is empty' "an empty string"
wrong '---\nmodel: "a\n---\nhi' ':2: no JSON: *' "a quote that does not end"
wrong '---\nmodel: "a" b\n---\nhi' ':2: no JSON: *' "more behind a quote"
wrong "---\nmodel: 'a'\n---\nhi" ':2: quotes are written ""*' "other quotes"
wrong '---\n  model: a\n---\nhi' ':2: indented, *' "an indented key"
wrong '---\nsystem: |\nhi\n---\nhi' ':2: "system" is empty' "a block that is not indented"
wrong '---\nsystem: |\n\thi\n---\nhi' ':2: "system" is empty' "a block indented by a tab"
wrong '---\nsystem: |\n  a\n b\n---\nhi' ':4: indented, *' "a block indented by one space"
wrong '---\nparameters:\n---\nhi' ':2: "parameters" is empty' "no parameters"
wrong '---\nparameters: {}\n---\nhi' ':2: "parameters" is followed by *' "parameters in one line"
wrong '---\nparameters:\n  a: 1\nparameters:\n  b: 1\n---\nhi' ':4: "parameters" is given twice' "parameters twice"
wrong '---\nparameters:\n  a: 1\n  a: 2\n---\nhi' ':4: "a" is given twice' "a parameter twice"
wrong '---\nparameters:\n  a:\n    b: 2\n---\nhi' ':3: "a" is empty' "a parameter in a block"
wrong '---\nparameters:\n  a: 1\n    b: 2\n---\nhi' ':4: indented by more than two spaces' "a parameter indented more"
wrong '---\nparameters:\n  a: {"b": }\n---\nhi' ':3: no JSON: *' "a parameter that begins like JSON"
wrong '---\nparameters:\n  model: x\n---\nhi' ':3: "model" is no parameter' "the model as a parameter"
wrong '---\nparameters:\n  messages: []\n---\nhi' ':3: "messages" is no parameter' "messages as a parameter"
wrong '---\nschema: x.json\nparameters:\n  response_format: x\n---\nhi' ':5: either "schema" or a "response_format"' "two formats"
wrong '---\nschema: {"type": 1}\n---\nhi' ': *type*' "a schema that is none"
wrong '---\nschema: {"type": \n---\nhi' ':2: no JSON: *' "a schema that is no JSON"
wrong '---\nsystem: |\n  a\377\n---\nhi' ':3: not UTF-8' "what is not UTF-8"
wrong '---\nsystem: "{a"\n---\nhi' ': the system template: column 1: *' "a system text that is no template"
wrong '---\nmodel: x\n---\n\none\n {a' ': the template from line 5 on: line 2, column 2: *' "a template that is none"
wrong '' ':1: the template is empty' "an empty file"
wrong '---\nmodel: x\n---\n\n \n' ':6: the template is empty' "an empty template"
printf -- '---\nschema: no.json\n---\nhi' >"$user/wrong.md"
prompt @wrong
refused "$user/no.json: No such file*" "a schema that is not there"
if [ "$(id -u)" -ne 0 ]; then
	chmod 0 "$user/a.md"
	prompt @a
	refused "$user/a.md: Permission denied" "a file that may not be read"
fi
done_testing
