#!/bin/bash
# scripts/demo: the README's pipe, twice; what a newcomer is shown is true.
. "$(dirname "$0")/../lib.sh"
ROOT=$(dirname "$TESTS")

export TMPDIR=$TMP OPENAI_API_KEY=canary-5f2c
run "$ROOT/scripts/demo" </dev/null
is "$status" 0 "the demonstration runs" || cat out err | sed 's/^/# /'
here=$(echo "$TMP"/bf-demo.*)
like "$(cat out)" "*cd $here*" "names its folder"
is "$(wc -l <"$here/poems.jsonl")" 3 "three poems"
for title in 'The Birth of the Olympian Gods' "Niobe's Tears" 'Prometheus Steals Fire'; do
	grep -qF "$title" out
	ok $? "shows: $title"
done
like "$(cat out)" "*a fennel stem*" "and its lines"
is "$(wc -l <"$here/calls.log")" 3 "two runs made three calls"
like "$(cat out err)" "*OPENAI_API_KEY is set*sh poems.sh*" "says how to ask a real model"
! grep -rqF canary-5f2c out err "$here"
ok $? "the key is shown and stored nowhere"

# The pipe shown is the README's.
sed -n '/^bf-read/,/poems.jsonl$/p' "$ROOT/README.md" | head -n 3 >want
same want "$here/poems.sh" "the pipe is that of the README"

# The summaries: three calls, then none.
cat out err >both
echo "# $(grep -h '^bf-llm:' both | tr '\n' ';')"
unset OPENAI_API_KEY
run "$ROOT/scripts/demo" </dev/null
like "$(cat out)" "*export OPENAI_API_KEY=*" "without a key, says where it goes"
done_testing
