#!/bin/bash
# bf-llm --plan: what a run would ask and cost, without asking.
# shellcheck disable=SC2016 # a dollar sign is one here
. "$(dirname "$0")/../lib.sh"

# Nobody listens there: what is sent fails.
export OPENAI_API_KEY=mock OPENAI_BASE_URL=http://127.0.0.1:1/v1 BF_ENDPOINT=mock
plan() { run bf-llm -m m --prices prices.json --plan "$@"; }
llm() { run timeout 60 bf-mock -q -- bf-llm -m m --prices prices.json "$@"; }
# column N: of the model's row; the likely number, in units
column() {
	awk -v n="$1" '$1 == "m" { gsub(/[()]/, ""); v = $n
		f = v ~ /k$/ ? 1000 : v ~ /M$/ ? 1000000 : 1; sub(/[kM]$/, "", v); print v * f }' out
}
# near A B PERCENT
near() { awk -v a="$1" -v b="$2" -v p="$3" 'BEGIN { d = a - b; exit (d < 0 ? -d : d) * 100 > b * p }'; }

echo '{"m": {"input_cost_per_token": 1e-3, "output_cost_per_token": 2e-3}}' >prices.json
# Prompts of all lengths.
seq 600 | awk '{ s = ""; for (i = 0; i < $1 * 7919 % 97 + 3; i++) s = s " " substr("consideration", 1, (i * $1) % 13 + 1)
	print "{\"prompt\":\"" $1 s "\"}" }' >in
head -n 150 in >first

# ---- nothing is known ----

plan in
is "$status $(head -1 out)" "1 600 entries: 600 to ask, 0 from the ledger, 0 the same as others" "a first plan: status 1"
is "$(column 2)" 600 "a row for the model"
like "$(tail -1 out)" "a guess: the ledger has too few answers of m" "which is a guess"
is "$(find . -path "*ledger*" | wc -l) $(wc -c <err)" "0 0" "nothing is written"

# ---- learned ----

llm first
plan in
is "$status $(head -1 out)" "1 600 entries: 450 to ask, 150 from the ledger, 0 the same as others" "what the ledger has is not asked"
planned_in=$(column 3)
planned_out=$(column 5)
usd=$(column 7)
like "$(tail -1 out)" "as the answers in the ledger were; about * s" "it is learned from the ledger, with the time"
{ cat in; echo '{"prompt":7}'; head -3 in; tail -2 in; } >more.jsonl
plan more.jsonl
is "$status $(head -1 out)" \
	"1 606 entries: 450 to ask, 153 from the ledger, 2 the same as others, 1 that cannot be asked" "the same once more, and what is no request"
like "$(cat err)" 'bf-llm: more.jsonl:601: bad_request: "prompt" is not a string' "which is named"

llm --stats s.json in
is "$status $(jq .calls s.json)" "0 450" "as many calls as planned"
near "$planned_in" "$(jq .tokens.input s.json)" 15
ok $? "tokens in within 15%: $planned_in, $(jq .tokens.input s.json)"
near "$planned_out" "$(jq .tokens.output s.json)" 15
ok $? "tokens out: $planned_out, $(jq .tokens.output s.json)"
near "$usd" "$(jq .cost_usd s.json)" 15
ok $? "the cost: $usd, $(jq .cost_usd s.json)"

plan in
is "$status $(cat out)" "0 600 entries: 0 to ask, 600 from the ledger, 0 the same as others" "all is there: status 0"
before=$(stat -c "%n %s %Y" .bf/ledger/* | cksum)
plan --refresh in
is "$status $(head -1 out)" "1 600 entries: 600 to ask, 0 from the ledger, 0 the same as others" "--refresh asks all anew"
is "$(stat -c "%n %s %Y" .bf/ledger/* | cksum)" "$before" "and a plan changes nothing"

# ---- other models, none, broken input ----

echo '{"request":{"model":"other@vllm","messages":[{"role":"user","content":"hi"}]}}' >other
cat other >>in
plan in
like "$(cat out)" "*other@vllm *no price known
*a guess: the ledger has too few answers of other@vllm" "a model without a price, of which nothing is known"
: >none
plan none
is "$status $(cat out)" "0 0 entries: 0 to ask, 0 from the ledger, 0 the same as others" "no entries"
echo '{"prompt":' >broken
plan broken
is "$status" 2 "a broken line"
echo '{"incomplete":{"by":"bf-prompt","why":"x","status":75}}' >cut.jsonl
plan cut.jsonl
is "$status $(grep -c incomplete out)" "75 0" "an input that is not whole"
plan --cached-only in
is "$status" 2 "--plan and --cached-only"

done_testing
