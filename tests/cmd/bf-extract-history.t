#!/bin/bash
# bf-extract --to-history: answers become turns of a conversation.
. "$(dirname "$0")/../lib.sh"

# extract TALK TEXT ARG...: the run's output for an entry with this conversation
# (nothing: without one) and answer
extract() {
	printf '{"id":1,%s"request":{},"response":{"text":%s},"z":1.0}\n' \
		"${1:+\"talk\":$1,}" "$(printf '%s' "$2" | jq -Rs .)" >in
	shift 2
	run bf-extract --to-history talk --as Ada "$@" <in
}

# says WANT NAME: what the last turn is
says() {
	is "$status $(cat err)$(jq -c '.talk[-1] | [.role, .content]' out)" "0 [\"Ada\",$1]" "$2"
}

# fails MESSAGE NAME
fails() {
	is "$status $(cat out)" "1 " "$2: fails"
	like "$(cat err)" "bf-extract: <stdin>:1: $1" "$2: says why"
}

# refused PATTERN NAME
refused() {
	is "$status $(wc -c <out)" "2 0" "$2: status 2, no output"
	like "$(cat err)" "$1" "$2: says why"
}

extract '' 'Hello "you".'
is "$status $(cat out)" '0 {"id":1,"z":1.0,"talk":[{"role":"Ada","content":"Hello \"you\"."}]}' \
	"the first turn makes the field; no other is set"
odd='[ {"content":"\u00e9\/\ud83d\ude00","n":1e400 , "role":"Bob"},{"role":"Ada","content":"x","role":"y"} , 12345678901234567890.50'
extract "$odd ]" 'é'
is "$status $(cat out)" '0 {"id":1,"talk":'"${odd}"',{"role":"Ada","content":"é"}],"z":1.0}' \
	"earlier turns stay, byte for byte, and the field its place"
for empty in '[]' '[ ]' $'[\t ]'; do
	extract "$empty" 'x'
	is "$status $(jq -c .talk out)" '0 [{"role":"Ada","content":"x"}]' "an empty conversation: $empty"
done
extract '[["]"]]' 'x'
is "$status $(jq -c .talk out)" '0 [["]"],{"role":"Ada","content":"x"}]' "turns of any kind are left alone"
printf '{"talk":[1],"\\u0074alk":[2],"response":{"text":"x"}}\n' >in
run bf-extract --to-history talk --as Ada <in
is "$(cat out)" '{"talk":[1],"\u0074alk":[2,{"role":"Ada","content":"x"}]}' "of two fields of that name the last"

extract '' $'<think>Hm. Ada:</think>\n Ada: \n so '
says '"so"' "behind the reasoning, and trimmed"
extract '' 'plain' -o said
is "$(cat out)" '{"id":1,"z":1.0,"said":"plain","talk":[{"role":"Ada","content":"plain"}]}' "-o sets its field, too"
extract '' 'Ada: plain' -o said --keep
is "$(cat out)" '{"id":1,"request":{},"response":{"text":"Ada: plain"},"z":1.0,"said":"Ada: plain","talk":[{"role":"Ada","content":"plain"}]}' \
	"as it was found, and --keep"
extract '' 'Look: {"a": [1.0, "x"]}' --json
says '"{\"a\":[1.0,\"x\"]}"' "JSON as its text"
extract '' 'Look: {"a": [1.0, "x"]}' --json --fields b=a
is "$(cat out)" '{"id":1,"z":1.0,"b":[1.0,"x"],"talk":[{"role":"Ada","content":"{\"a\":[1.0,\"x\"]}"}]}' "and --fields"
echo '{"type":"object"}' >schema
extract '' '{"a": 1}' --schema schema
is "$(cat out)" '{"id":1,"z":1.0,"talk":[{"role":"Ada","content":"{\"a\":1}"}]}' "--schema"
extract '' '"Ada: yes"' --json
says '"yes"' "a JSON string as its text"
extract '' 'x <say> [ada] hi </say> y' --tag say
says '"hi"' "--tag"
extract '' 'mood: sad; say: "oh"' --regex 'say: "(.*)"'
says '"oh"' "--regex"
extract '' $'- a\n- b' --list
says '"[\"a\",\"b\"]"' "--list"
extract '' '<think>t</think>x' --reasoning why
is "$(jq -c '[.why, .talk[0].content]' out)" '["t","x"]' "--reasoning"

# ---- who speaks ----

for tag in 'Ada:' 'ADA:' '**Ada:**' '**ada**:' '[Ada]' '[aDA]:' $' \n Ada: ' $'**Ada:** \n\n'; do
	extract '' "${tag}Well: Ada: yes."
	says '"Well: Ada: yes."' "a leading tag goes: $tag"
done
for text in 'Ada said: yes.' 'Ada' 'Ada, yes' 'Adam: yes' 'Bob: yes' '**Ada** yes' '*Ada:* yes' '(Ada) yes' 'ada :yes' \
	'Well. Ada: yes' '[Ada said] yes' '[Bob]: yes' 'A' '' '**Ada:* yes'; do
	[ -n "$text" ] || continue
	extract '' "$text"
	says "\"$text\"" "no tag: $text"
done
extract '' 'Ada: Ada: yes'
says '"Ada: yes"' "only one goes"
extract '' $'Ada: yes\nBob: no\nAda: yes'
says '"yes\nBob: no\nAda: yes"' "turns of others are left alone"
printf '%s\n' '{"response":{"text":"**\u00e9mile \"e\":** oui"}}' '{"response":{"text":"\u00c9mile \"E\": oui"}}' >in
run bf-extract --to-history talk --as 'émile "E"' <in
is "$(jq -c '.talk[0] | [.role, .content]' out | tr '\n' ' ')" \
	'["émile \"E\"","oui"] ["émile \"E\"","Émile \"E\": oui"] ' "a name of any letters; only those of ASCII have a case"
printf '%s\n' '{"response":{"text":"a.c: x"}}' '{"response":{"text":"abc: x"}}' >in
run bf-extract --to-history talk --as 'a.c' <in
is "$(jq -c '.talk[0].content' out | tr '\n' ' ')" '"x" "abc: x" ' "a name is no expression"

# ---- entries that fail ----

for tag in 'Ada:' '**Ada:**' '[Ada]' ' [Ada]: '; do
	extract '[]' "$tag"
	fails 'empty: what was found is empty' "nothing but a tag: $tag"
done
extract '[]' '" "' --json
fails 'empty: *' "a JSON string of white space"
extract '[]' $' \n'
fails 'empty: *' "white space"
for bad in null 7 '"x"' true '{"role":"Ada","content":"x"}'; do
	extract "$bad" 'x'
	fails "bad_history: \"talk\" is no array of turns (*)" "a conversation that is $bad"
done
extract 7 'x' --errors bad.jsonl
is "$status $(cat bad.jsonl)" \
	'1 {"id":1,"talk":7,"request":{},"response":{"text":"x"},"z":1.0,"error":{"class":"bad_history","message":"\"talk\" is no array of turns (number)"}}' \
	"--errors: the entry whole, and why"
extract '[1]' 'Ada:' --errors bad.jsonl
is "$(jq -c '[.talk, .response.text, .error.class]' bad.jsonl)" '[[1],"Ada:","empty"]' "--errors: nothing is added to the conversation"

# ---- what is refused ----

extract '' x --as ''
refused '*--as takes a name*' "--as ''"
extract '' x --as "$(printf '\377')"
refused '*--as takes a name*' "--as that is no UTF-8"
extract '' x --as system
refused '*--as: system*' "--as system"
extract '' x --to-history a.b
refused '*--to-history a.b: only a field of the entry*' "a path"
extract '' x -o talk
refused '*same field*' "-o with the same field"
extract '' x --regex '(?<a>x)'
refused '*no groups with names*' "named groups"
run bf-extract --to-history talk <in
refused '*go together*' "--to-history alone"
run bf-extract --as Ada <in
refused '*go together*' "--as alone"

# ---- there and back ----

echo '{"topic":"rain"}' >in
bf-mock --reply 'So: {prompt}' -- bash -c '
	turn() {
		bf-prompt -m m --as "$1" --history talk "$2" | bf-llm -q -j 1 | bf-extract --to-history talk --as "$1"
	}
	turn Ada "On {topic}." <in | turn Bob "" | turn Ada "" | jq -c .' >out 2>err
is "$(cat out)" '{"topic":"rain","talk":[{"role":"Ada","content":"So: On rain."},{"role":"Bob","content":"So: So: On rain."},{"role":"Ada","content":"So: So: So: On rain."}]}' \
	"a conversation of three turns"
done_testing
