#!/bin/bash
# share/examples/talk: two roles talk three rounds.  Killed anywhere and run
# again it comes to the same end, and no answer is paid twice.
. "$(dirname "$0")/../lib.sh"
ROOT=$(dirname "$TESTS")
command -v setsid >/dev/null || skip_all "no setsid"

cp "$ROOT"/share/examples/{talk,stories.md} .
calls=18 # 3 stories, 3 rounds, 2 roles
# What is answered depends on what is asked alone.
reply='{system} Heard: {prompt}'

serve --reply "$reply" --log calls.log
run bash talk
is "$status $(cat err)" "0 " "three rounds: status 0, nothing is said"
mv talk.jsonl want
is "$(jq -c '[.talk[].role] | join(" ")' want | sort | uniq -c | tr -s ' ')" ' 3 "Ada Bob Ada Bob Ada Bob"' \
	"each of three stories has six turns, by turns"
is "$(stat_of .completions)" $calls "a call for each"
jq -r '[.body.messages[].role[:1]] | join("")' calls.log | sort | uniq -c | tr -s ' ' >got
is "$(tr '\n' ',' <got)" ' 3 sau, 3 sauau, 6 su, 3 suau, 3 suauau,' \
	"each with what was said so far, as its speaker sees it"
is "$(jq -s '[.[].body.messages[1:][] | .content | contains("Heard")] | any' calls.log)" true "and what was said is in it"
run bash talk
is "$status $(stat_of .completions)" "0 $calls" "run again it calls nobody"
same want talk.jsonl "and gives the same bytes"
stop

answered() { jq -c 'select(.status == 200) | .body' "$1" | sort; }
recorded() { bf-ledger stat -l talk.ledger --json 2>/dev/null | jq .answers; }

# After that many answers the server answers nobody any more.  Once all that it
# did answer is in the ledger, everything is killed at once.
for at in 1 8 9 17; do
	rm -rf talk.ledger talk.jsonl calls.log again.log
	printf '%s\n' '{"requests":'$at',"faults":[]}' '{"fault":"hang"}' >scenario
	serve --reply "$reply" --scenario scenario --log calls.log
	setsid bash talk 2>err &
	group=$!
	until [ "$(stat_of .hung)" -gt 0 ] && [ "$(recorded)" = "$at" ]; do
		kill -0 $group || break
	done
	kill -KILL -- -$group
	wait $group 2>/dev/null
	is "$?" 137 "killed after $at of $calls answers"
	is "$(recorded)" "$at" "they are in the ledger"
	[ ! -e talk.jsonl ]
	ok $? "no file is there that looks whole"
	stop

	serve --reply "$reply" --log again.log
	run bash talk
	is "$status" 0 "it goes on"
	same want talk.jsonl "to the same end, byte for byte"
	is "$(stat_of .completions)" $((calls - at)) "with a call for each turn that was not answered"
	answered calls.log >first
	answered again.log >second
	is "$(wc -l <first) $(comm -12 first second | wc -l)" "$at 0" "and none for one that was"
	run bash talk
	is "$status $(stat_of .completions)" "0 $((calls - at))" "a third run calls nobody"
	same want talk.jsonl "and gives the same bytes"
	stop
done
done_testing
