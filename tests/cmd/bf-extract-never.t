#!/bin/bash
# bf-extract never makes a success of an answer that is a refusal, is empty, or was
# cut off, whatever it is asked for: each is in the errors file, and none comes out.
# shellcheck disable=SC2016 # backquotes are fences
. "$(dirname "$0")/../lib.sh"

echo '{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}' >schema.json

# An answer that holds everything that can be asked for.
good=$'Sure.\n<answer>Forty</answer>\n\n- one\n- two\n\n```sh\nls\n```\n\n```json\n{"a": 7}\n```\n'
numbers='Lines 3, 5-7'

# answers GOOD: answers of every kind, where GOOD is the text of a good one; those
# that must fail into ./bad, those of them that hold nothing into ./nothing, and
# the good ones into ./fine.
answers() {
	jq -nc --arg good "$1" '
	[null, "", " ", "\n\t \r\n", "\u000b\u000c", "<think>I could.</think>", "<think>\n</think>\n ",
	 "<Thinking>never ends", "<reasoning>" + $good, " \n<think>" + $good + "</think> \n", 7, [], {}, false] as $nothing |
	["length", "content_filter", "refusal"] as $cuts |
	[null, "stop", "tool_calls", "end_turn"] as $ends |
	[null, false, ""] as $fine |
	[true, "I will not."] as $refusals |
	({kind: "nothing", text: $nothing[], why: ($ends + $cuts)[], refusal: ($fine + $refusals)[]}),
	({kind: "cut", text: $good, why: $cuts[], refusal: ($fine + $refusals)[], calls: 1}),
	({kind: "cut", text: $good, why: $ends[], refusal: $refusals[], calls: 1}),
	({kind: "fine", text: $good, why: $ends[], refusal: $fine[], calls: 1}) |
	{kind, talk: [{role: "Bob", content: "Well?"}], response: ({text, finish_reason: .why, refusal,
		tool_calls: (if .calls then [{id: "c", type: "function", function: {name: "f", arguments: "{\"a\":7}"}}]
			else [] end)} | map_values(select(. != null)))}' >all
	{
		grep '"nothing"' all
		printf '{"kind":"nothing"%s}\n' '' ',"response":null' ',"response":{}' ',"response":"Sure."' \
			',"response":[]' ',"response":{"finish_reason":"stop"}'
	} >nothing
	grep '"cut"' all | cat nothing - >bad
	grep '"fine"' all >fine
}

# fail_all FILE OPTION...: each of these answers fails, and is told whole
fail_all() {
	local file=$1
	shift
	run bf-extract "$@" --errors errors "$file"
	[ $status = 1 ] && [ ! -s out ] && [ ! -s err ]
	ok $? "$*: of all in $file none comes out" ||
		head -n 3 out err | sed "s/^/# $status /"
	sed 's/,"error":{"class":"[a-z_]*","message":"[^"]*"}}$/}/' errors >whole
	same "$file" whole "$*: all are in the errors file, whole and in order, each with its class"
}

never() { # OPTION...
	fail_all bad "$@"
	run bf-extract "$@" --errors errors fine
	is "$status $(wc -l <out) $(wc -l <errors)" "0 $(wc -l <fine) 0" "$*: but all of $(wc -l <fine) good ones do"
}

set -f
answers "$good"
for more in '' '--to-history talk --as Ada' '--to-history talk --as Ada -o said' '--reasoning why --keep'; do
	for what in --text --json '--json --fields a' '--schema schema.json' '--schema schema.json --coerce' \
		--code --code=sh '--tag answer' --list '--json --last' '--code --all' '--tag answer --last' \
		'--regex (?s).*' '--regex ^.*' '--regex (\w+) --all' --tool-call --tool-call=f; do
		case "$what $more" in *--fields*-o*) continue ;; esac
		# shellcheck disable=SC2086
		never $what $more
	done
	# What was cut is taken where that is asked for; nothing is nothing all the same.
	for what in --text --json --code '--tag answer' --list '--regex (?s).*' --tool-call; do
		# shellcheck disable=SC2086
		fail_all nothing $what $more --accept length,content_filter,refusal
	done
done
answers 'Lines 3, 5-7'
never --integers
never --integers --to-history talk --as Ada
never --regex '(?<first>\d+), (?<rest>.*)'
done_testing
