#!/bin/bash
# bf-llm: failures that stop a run: --fail-over and --abort-on.
. "$(dirname "$0")/../lib.sh"

llm() {
	run timeout 60 bf-mock -q --log calls.log "${MOCK[@]}" -- bf-llm -m m "$@"
}
MOCK=()
fresh() { rm -rf .bf calls.log e e.partial s.json; }
calls() { grep -c . calls.log; }
mark() { tail -n 1 out | jq -c '[.incomplete.why, .incomplete.status]' 2>/dev/null; }
entries 1 200 >in
# Of each ten the last one or the last five ask nothing, and fail.
sed '0~10s/"prompt"/"nothing"/' in >tenth
awk 'NR % 10 == 0 || NR % 10 > 5 { sub("prompt", "nothing") } 1' in >half

# ---- a part of all ----

fresh
MOCK=(--status 400:1)
llm -j 4 --errors e --fail-over 5% in
is "$status $(mark)" '75 ["too many entries failed",75]' "wholesale failure stops the run: status 75, and the output is marked"
n=$(calls)
[ "$n" -ge 20 ] && [ "$n" -le 30 ]
ok $? "soon after the twentieth entry ($n calls)"
is "$(wc -l <e.partial)" "$n" "each that failed is in the errors file"
like "$(cat err)" '*2? of 2? entries failed, more than --fail-over allows (5%); stopping*' "and it is told"
llm -j 4 --errors e in
is "$status $(calls)" "1 200" "without it the run goes on to the end"
MOCK=()

fresh
llm -j 4 --errors e --fail-over 0.3 tenth
is "$status $(grep -c response out) $(wc -l <e)" "1 180 20" "a part that is allowed stops nothing"
fresh
llm -j 4 --errors e --fail-over 40% half
is "$status $(mark)" '75 ["too many entries failed",75]' "a larger one does"
fresh
head -n 19 in | sed 's/"prompt"/"nothing"/' >few
llm --errors e --fail-over 0% few
is "$status $(wc -l <e)" "1 19" "fewer than twenty entries say nothing"
fresh
llm -q -j 8 in
MOCK=(--status 400:1)
(cat in; entries 301 400) >longer
rm calls.log
llm -j 4 --errors e --fail-over 50% longer
is "$status $(mark)" '75 ["too many entries failed",75]' "what the ledger answers hides no failing run"
[ "$(calls)" -le 30 ]
ok $? "which stops as soon"
is "$(grep -c response out)" 200 "but is served"
MOCK=()

# ---- a class ----

fresh
MOCK=(--status 500:1)
llm -j 2 --attempts 1 --errors e --abort-on rate_limit,server in
is "$status $(mark)" '75 ["an entry failed with server",75]' "an entry that fails with the class stops the run"
[ "$(calls)" -le 4 ]
ok $? "at once"
like "$(cat err)" '*an entry failed with server (--abort-on); stopping*' "and it is told"
fresh
MOCK=()
llm -j 4 --errors e --abort-on server,timeout --abort-on transport tenth
is "$status $(wc -l <e)" "1 20" "other classes stop nothing"
fresh
llm -j 1 --errors e --abort-on bad_request tenth
is "$status $(wc -l <e.partial) $(mark)" '75 1 ["an entry failed with bad_request",75]' "an entry that asks nothing has a class too"

# One that ended in length, fresh and from the ledger.
fresh
MOCK=(--finish-reason length)
llm -j 1 --errors e --abort-on length in
is "$status $(calls) $(mark)" '75 1 ["an entry failed with length",75]' "an answer put aside too"
llm -j 1 --errors e --abort-on length in
is "$status $(calls) $(mark)" '75 0 ["an entry failed with length",75]' "also when the ledger has it"
llm -j 4 --abort-on length --accept length in
is "$status $(grep -c response out)" "0 200" "but not where it is accepted"
MOCK=()

run bf-llm --abort-on servers in
is "$status" 2 "a class that there is not is refused"
like "$(cat err)" '*no class "servers"*' "by its name"
run bf-llm --fail-over 50 in
is "$status" 2 "so is a part above all"

done_testing
