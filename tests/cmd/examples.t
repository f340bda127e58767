#!/bin/bash
# share/examples: poems, a role-play, a text that is segmented.  Killed anywhere and
# run again each comes to the same end, and no answer is paid twice.
. "$(dirname "$0")/../lib.sh"
ROOT=$(dirname "$TESTS")
command -v setsid >/dev/null || skip_all "no setsid"

cp "$ROOT"/share/examples/{poems.mk,roleplay,segment,stories.md} .
# Thirty paragraphs, of cats and dogs in turns of one to four.
awk 'BEGIN {
	for (i = 0; i < 30; n++)
		for (k = 0; k <= n % 4 && i < 30; k++)
			printf "Paragraph %d is of a %s.\n%s\n", i++, n % 2 ? "dog" : "cat", i % 3 ? "" : "It has two lines.\n"
}' >animals.txt
printf '%s\n' '{"match":"cat","reply":"cats"}' '{"match":"dog","reply":"dogs"}' >labels

answered() { jq -c 'select(.status == 200) | .body' "$1" | sort; }
recorded() { bf-ledger stat -l "$1" --json 2>/dev/null | jq .answers; }

clean() { rm -rf .bf play.ledger poems.txt ./*.jsonl calls.log; }

# example NAME CALLS LEDGER RESULT AT SERVER-OPTION... -- COMMAND...
example() {
	local name=$1 calls=$2 ledger=$3 result=$4 at=$5 group options=()
	shift 5
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	clean
	rm -f again.log
	serve "${options[@]}" --log calls.log
	run "$@"
	is "$status $(stat_of .completions)" "0 $calls" "$name: $calls calls"
	mv "$result" want
	run "$@"
	is "$status $(stat_of .completions)" "0 $calls" "$name: run again it calls nobody"
	same want "$result" "$name: and gives the same bytes"
	stop

	clean
	printf '%s\n' '{"requests":'"$at"',"faults":[]}' '{"fault":"hang"}' >scenario
	serve "${options[@]}" --scenario scenario --log calls.log
	setsid "$@" >out 2>err &
	group=$!
	until [ "$(stat_of .hung)" -gt 0 ] && [ "$(recorded "$ledger")" = "$at" ]; do
		kill -0 $group || break
	done
	# Pipes within pipes have groups of their own.
	pkill -KILL -s $group
	wait $group 2>/dev/null
	stop
	[ ! -e "$result" ] || [ ! -s "$result" ]
	ok $? "$name: killed, it leaves nothing that looks whole"
	serve "${options[@]}" --log again.log
	run "$@"
	is "$status $(stat_of .completions)" "0 $((calls - at))" "$name: killed after $at answers it asks for the rest"
	same want "$result" "$name: and comes to the same end"
	answered calls.log >first
	answered again.log >second
	is "$(wc -l <first) $(comm -12 first second | wc -l)" "$at 0" "$name: nothing that was answered is asked again"
	stop
}

example poems 3 .bf/ledger poems.txt 2 --reply 'Poem: {prompt}' -- make -s -f poems.mk
is "$(grep -c Poem poems.txt)" 3 "poems: three of them"
example roleplay 30 play.ledger play.jsonl 13 --reply 'Heard: {prompt}' -- bash roleplay
is "$(jq -c '[.rounds, (.play | length), .play[-1].role]' play.jsonl | sort -u)" '[5,10,"Narrator"]' "roleplay: five rounds"
rm -rf play.ledger
serve --reply 'THE END'
run bash roleplay
is "$status $(stat_of .completions) $(jq -c .rounds play.jsonl | tr '\n' ' ')" "0 6 1 1 1 " "roleplay: or one, where it is over"
stop
example segment 30 .bf/ledger segments.jsonl 17 --replies labels -- bash segment animals.txt
is "$(jq -j .text segments.jsonl | cmp - animals.txt && echo whole)" whole "segment: no byte of the text is lost"
is "$(jq -r .subject segments.jsonl | uniq | wc -l) $(wc -l <segments.jsonl)" "12 12" "segment: it is cut where the subject changes, and nowhere else"
done_testing
