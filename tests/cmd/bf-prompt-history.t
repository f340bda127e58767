#!/bin/bash
# bf-prompt --history: conversations as messages, from each speaker's view.
. "$(dirname "$0")/../lib.sh"

# talk ROLE:TEXT...: a conversation
talk() { jq -cn '[$ARGS.positional[] | capture("(?<role>[^:]*):(?<content>.*)")]' --args "$@"; }

# prompt TALK ARG...: the run's output for an entry with this conversation
prompt() {
	printf '{"id":1,"talk":%s,"z":1.0}\n' "$1" >in
	shift
	run bf-prompt --history talk "$@" <in
}

# says WANT NAME: the messages, as "role:content"
says() {
	is "$status $(cat err)$(jq -r '[.request.messages[] | "\(.role):\(.content)"] | join(" | ") | gsub("\n"; "/")' out)" \
		"0 $1" "$2"
}

# fails CLASS-AND-MESSAGE NAME: the entry fails
fails() {
	is "$status $(cat out)" "1 " "$2: fails"
	like "$(cat err)" "bf-prompt: <stdin>:1: $1" "$2: says why"
}

# refused PATTERN NAME
refused() {
	is "$status $(wc -c <out)" "2 0" "$2: status 2, no output"
	like "$(cat err)" "$1" "$2: says why"
}

ab=$(talk Ada:a1 Bob:b1 Ada:a2 Bob:b2)
prompt "$ab" --as Ada
says 'assistant:a1 | user:b1 | assistant:a2 | user:b2' "one's own turns are the assistant's"
prompt "$(talk Ada:a1 Bob:b1 Ada:a2)" --as Bob
says 'user:a1 | assistant:b1 | user:a2' "and the other's view"
prompt "$ab" --as Ada 'Go on, {id}.'
says 'assistant:a1 | user:b1 | assistant:a2 | user:b2//Go on, 1.' "a template goes into the last user message"
prompt "$ab" --as Bob 'Go on.'
says 'user:a1 | assistant:b1 | user:a2 | assistant:b2 | user:Go on.' "or behind one's own turn"
prompt "$ab" --as Ada -m m -s 'You are Ada, {id}.' -p seed=1
is "$(cat out)" '{"id":1,"talk":'"$ab"',"z":1.0,"request":{"model":"m","messages":[{"role":"system","content":"You are Ada, 1."},{"role":"assistant","content":"a1"},{"role":"user","content":"b1"},{"role":"assistant","content":"a2"},{"role":"user","content":"b2"}],"seed":1}}' \
	"the whole of an entry, byte for byte"

prompt "$(talk Bob:b1 Bob:b2 Ada:a1 Ada:a2 Bob:b3)" --as Ada
says 'user:b1//b2 | assistant:a1//a2 | user:b3' "turns of one role in a row are one message"
prompt "$(talk Bob:b1 Carl:c1 Ada:a1 Bob:b2)" --as Ada
says 'user:Bob: b1//Carl: c1 | assistant:a1 | user:Bob: b2' "of more than one other each turn is led by its name"
prompt "$(talk Bob:b1 Carl:c1 Ada:a1 Bob:b2)" --as Ada 'Now?'
says 'user:Bob: b1//Carl: c1 | assistant:a1 | user:Bob: b2//Now?' "but not the template"
prompt "$(talk Bob:b1 Ada:a1 Carl:c1)" --as Ada
says 'user:Bob: b1 | assistant:a1 | user:Carl: c1' "also where they do not follow each other"
prompt "$(talk system:s1 Bob:b1 system:s2 Ada:a1 Bob:b2)" --as Ada -s sys
says 'system:sys//s1 | user:b1 | system:s2 | assistant:a1 | user:b2' "system turns stay, and are nobody who speaks"
prompt "$(talk user:u1 assistant:a1 user:u2)" --as Ada
says 'user:user: u1//assistant: a1//user: u2' "with --as user and assistant are names like any"
prompt "$(talk user:u1 assistant:a1 user:u2)" --as assistant
says 'user:u1 | assistant:a1 | user:u2' "also one's own"
prompt "$(talk ada:x)" --as Ada
says 'user:x' "a name is that name, and case counts"
prompt '[{"role":"A\u0064a","content":"a"},{"role":"B\"ob","content":"\u00e9\/\ud83d\ude00"},{"role":"\u0042\"ob","content":"c"}]' --as Ada
is "$(jq -c .request.messages out) $(grep -c '"\\u00e9\\/\\ud83d\\ude00\\n\\nc"' out)" \
	'[{"role":"assistant","content":"a"},{"role":"user","content":"é/😀\n\nc"}] 1' \
	"names are compared by what they say; a text's escapes stay"
prompt '[{"role":"B\u0022","content":"b"},{"role":"C","content":"c"}]' --as Ada
says 'user:B": b//C: c' "a name with a quote leads its turn"
prompt '[ {"time":1,"name":"n","content":"x","role":"Bob","content":"y"} ]' --as Ada
says 'user:y' "other members are passed over; of two the last counts"

printf '{"id":1}\n' >in
run bf-prompt --history talk --as Ada 'Begin.' <in
says 'user:Begin.' "without the field the conversation begins"
prompt '[]' --as Ada 'Begin.'
says 'user:Begin.' "an empty one is as good"
printf '{"a":{"b":[[{"role":"Bob","content":"x"}]]}}\n' >in
run bf-prompt --history 'a.b[0]' --as Ada <in
says 'user:x' "a field by its path"
run bf-prompt --history /a/b/0 --as Ada <in
says 'user:x' "and by a pointer"
printf '{"talk":[{"role":"Bob","content":"x"}]}\n' >one
run bf-prompt --history talk --as Ada '' one one
says 'user:x
user:x' "an empty template is none, and lets files follow"
echo 'Go on.' >template
run bf-prompt --history talk --as Ada -f template one
says 'user:x//Go on.' "-f, and files"
prompt "$(talk Bob:b1)" --as Ada --samples 2
says 'user:b1
user:b1' "--samples"

# ---- without --as ----

prompt "$(talk system:s user:u1 user:u2 assistant:a user:u3)"
says 'system:s | user:u1//u2 | assistant:a | user:u3' "roles as they are"
prompt "$(talk user:u1 assistant:a)" 'More.'
says 'user:u1 | assistant:a | user:More.' "and a template"
prompt "$(talk user:u1 Bob:b)"
fails 'bad_history: talk?1?: the role "Bob": without --as it is user, assistant or system' "another role"

# ---- with examples and images ----

echo '{"id":"e","answer":"A"}' >shots
prompt "$(talk Bob:b1)" --as Ada -s sys --examples shots 'Q {id}'
says 'system:sys | user:Q e | assistant:A | user:b1//Q 1' "examples come first"
prompt "$(talk Ada:a1)" --as Ada --examples shots 'Q {id}'
says 'user:Q e | assistant:A//a1 | user:Q 1' "no two messages in a row have the same role"
printf 'GIF89a' >dot.gif
printf '{"pic":"dot.gif","talk":%s}\n' "$ab" >in
run bf-prompt --history talk --as Ada --image pic 'Who is this?' <in
is "$(jq -c '.request.messages | .[0].content, (.[-1].content | .[0], .[1].type)' out)" \
	'"a1"
{"type":"text","text":"b2\n\nWho is this?"}
"image_url"' "an image goes into the last message"
run bf-prompt --history talk --as Ada --image pic <in
is "$(jq -c '.request.messages[-1].content | .[0], .[1].type' out)" '{"type":"text","text":"b2"}
"image_url"' "also without a template"
printf '{"pic":"no.gif","talk":%s}\n' "$ab" >in
run bf-prompt --history talk --as Ada --image pic <in
fails 'bad_image: field "pic": *' "an image that is not there"

# ---- entries that fail ----

prompt "$ab" --as Bob
fails 'bad_history: no template is given, and "talk" does not end in another*nobody is to be answered' \
	"one's own last turn, and no template"
prompt '[]' --as Bob
fails 'bad_history: *nobody is to be answered' "an empty conversation, and no template"
prompt "$(talk Ada:a system:s)" --as Bob -s sys
fails 'bad_history: *nobody is to be answered' "a last system turn, and no template"
printf '{"id":1}\n' >in
run bf-prompt --history talk --as Bob -s sys <in
fails 'bad_history: *nobody is to be answered' "no conversation, and no template"
for bad in '"x"|"talk" is no array of turns (string)' 'null|"talk" is no array of turns (null)' \
	'{"role":"a","content":"b"}|"talk" is no array of turns (object)' '["x"]|talk?0?: no object (string)' \
	'[{"role":"Bob","content":"b"},{"role":"Bob"}]|talk?1?: no "content"' \
	'[{"content":"b"}]|talk?0?: no "role"' '[{"role":1,"content":"b"}]|talk?0?: "role" is no string (number)' \
	'[{"role":"Bob","content":["b"]}]|talk?0?: "content" is no string (array)' \
	'[{"role":"Bob","content":null}]|talk?0?: "content" is no string (null)' \
	'[{"role":"","content":"b"}]|talk?0?: "role" is empty' \
	'[{"role":"Bob","content":""}]|talk?0?: "content" is empty'; do
	prompt "${bad%%|*}" --as Ada 'Go on.'
	fails "bad_history: ${bad#*|}" "${bad%%|*}"
done
prompt "$ab" --as Ada '{who}'
fails 'missing_field: no field "who"' "a field of the template that is missing"
prompt '7' --as Ada --errors bad.jsonl
is "$status $(cat bad.jsonl)" '1 {"id":1,"talk":7,"z":1.0,"error":{"class":"bad_history","message":"\"talk\" is no array of turns (number)"}}' \
	"--errors: the entry as it was, and why"

# ---- what is refused ----

run bf-prompt --as Ada hi <one
refused '*--as is for --history*' "--as alone"
run bf-prompt --history talk --as '' hi <one
refused '*empty*' "--as ''"
run bf-prompt --history talk --as system hi <one
refused '*--as: system is nobody*' "--as system"
run bf-prompt --history talk --as "$(printf '\377')" hi <one
refused '*UTF-8*' "--as that is no UTF-8"
run bf-prompt --history a..b hi <one
refused '*--history a..b*' "--history that is no path"
run bf-prompt --history a --history b hi <one
refused '*given twice*' "--history twice"
: >empty
run bf-prompt --history talk -f empty <one
refused '*empty is empty*' "an empty file is no template, with a history as without"

# ---- conversations by chance, against a model in jq ----

awk 'BEGIN {
	srand(7)
	n = split("Ada Bob Carl system user assistant", names, " ")
	m = split("x|y \\\"z\\\"|\\u00e9\\n|\\\\|é Bob: ", texts, "|")
	for (i = 0; i < 2000; i++) {
		printf "{\"id\":%d,\"talk\":[", i
		turns = int(rand() * 9)
		speakers = 1 + int(rand() * n)
		for (t = 0; t < turns; t++)
			printf "%s{\"role\":\"%s\",\"content\":\"%s\"}", t ? "," : "",
				names[1 + int(rand() * speakers)], texts[1 + int(rand() * m)]
		print "]}"
	}
}' >chance
for role in Ada Bob assistant; do
	jq -c --arg me "$role" '
	def is_other: . != "system" and . != $me;
	.talk as $t | ([$t[].role | select(is_other)] | unique | length > 1) as $named |
	[$t[] | (.role | is_other) as $other |
		{role: (if $other then "user" elif .role == "system" then "system" else "assistant" end),
		content: (if $other and $named then "\(.role): \(.content)" else .content end)}] +
	[{role: "user", content: "Go on."}] |
	reduce .[] as $m ([]; if length > 0 and .[-1].role == $m.role
		then .[-1].content += "\n\n" + $m.content else . + [$m] end)' chance >want
	bf-prompt --history talk --as "$role" 'Go on.' chance | jq -c .request.messages >got
	same want got "$(wc -l <chance) conversations as $role sees them"
done

# ---- many turns ----

jq -cn '{talk: [range(20000) | {role: (if . % 2 == 0 then "Bob" else "Ada" end), content: "turn \(.)"}]}' >long
run bf-prompt --history talk --as Ada 'Go on.' long
is "$status $(jq -c '.request.messages | length, .[-1], ([.[].role] | unique)' out | tr '\n' ' ')" \
	'0 20001 {"role":"user","content":"Go on."} ["assistant","user"] ' "twenty thousand turns"
done_testing
