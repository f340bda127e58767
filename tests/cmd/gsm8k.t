#!/bin/bash
# 1,319 problems through the whole pipe, with a provider that is slow and fails
# now and then: each answer is there, once, in the order of the input, and a
# rerun calls nobody.
. "$(dirname "$0")/../lib.sh"
problems=$TESTS/data/gsm8k-test.jsonl

jq -c '{match: ("Solve this; end with \"#### NUMBER\".\n\n" + .question), reply: .answer}' \
	"$problems" >replies
jq -c '{question, number: (.answer | capture("####\\s*(?<n>\\S+)").n)}' "$problems" >want

# shellcheck disable=SC2016 # the inner shell expands
# The pipe, with a provider of its own, whose requests are counted in LOG.
solve() { # LOG OUT
	bf-mock -q --replies replies --latency 5ms-50ms --status 500:0.05 \
		--status 429:0.05 --retry-after 0.02 --seed 8 --log "$1" -- \
		bash -c 'set -o pipefail
		bf-read "$1" |
		bf-prompt -m mock -p temperature=0 \
			"Solve this; end with \"#### NUMBER\".

{question}" |
		bf-llm -q -j 64 |
		bf-extract --regex "####\s*(\S+)" -o number |
		bf-save --fields question,number "$2"' solve "$problems" "$2" 2>err
}

answered() { # LOG STATUS
	grep -c "\"path\":\"/v1/chat/completions\",\"status\":$2," "$1"
}

solve first.log first.jsonl
is $? 0 "the pipe ends with status 0" || sed 's/^/# /' err
jq -c . first.jsonl >got
same want got "1,319 right answers, once each, in the order of the input"
is "$(answered first.log 200)" 1319 "each problem was answered once"
[ "$(answered first.log 500)" -gt 20 ] && [ "$(answered first.log 429)" -gt 20 ]
ok $? "though the provider failed and refused many times"

solve second.log second.jsonl
is $? 0 "the rerun ends with status 0" || sed 's/^/# /' err
is "$(wc -l <second.log)" 0 "the rerun makes no call"
same first.jsonl second.jsonl "the rerun's output is the same, byte for byte"
done_testing
