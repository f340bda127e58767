#!/bin/bash
# bf-llm: the same entries through all four dialects of bf-mock, in one run: the
# same answers, each with its own limits, and what they cost is what was billed.
. "$(dirname "$0")/../lib.sh"
export XDG_CONFIG_HOME=$TMP/config XDG_STATE_HOME=$TMP/state
providers='openai openai-responses anthropic gemini'

cat >prices.json <<'END'
{"m": {"input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07,
       "cache_read_input_token_cost": 7.5e-08}}
END
for i in $(seq 50); do
	for p in $providers; do
		printf '{"id":"%s %d","request":{"model":"m@%s","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"number %d and %s"}],"max_tokens":50,"temperature":0.5}}\n' \
			"$p" "$i" "$p" "$i" "some more words of a question "
	done
done >in

# mock OPTION... -- ARG...: bf-llm beside a mock; seen.json is what that has seen
mock() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	# shellcheck disable=SC2016
	run timeout 100 bf-mock -q --log calls.log "${options[@]}" -- bash -c '
		bf-llm --prices prices.json --stats s.json "$@"; status=$?
		curl -s "${OPENAI_BASE_URL%/v1}/_stats" >seen.json
		exit $status' - "$@"
}
fresh() { rm -rf .bf calls.log e; }
# Billions of a dollar.
cost() { jq '.cost_usd * 1e9 | round' s.json; }
billed() { jq '.billed_usd * 1e9 | round' seen.json; }
recorded() { bf-ledger stat --json | jq '[.models[].cost_usd] | add * 1e9 | round'; }

# ---- the same answers ----

fresh
mock --cached 25% --reasoning 3 --price 0.15,0.60,0.075 -- -j 20 in
is "$status $(wc -l <out)" "0 200" "four providers in one run"
is "$(jq -r '.id' out)" "$(jq -r '.id' in)" "in the order of the input"
is "$(jq -c '.response | [.text, .finish_reason]' out | sort -u | wc -l)" 50 "the same texts and finish reasons from all"
is "$(jq -c '[(.id | split(" ")[1]), (.response.usage | del(.reasoning))]' out | sort -u | wc -l)" 50 "and the same usage"
is "$(jq -s 'map(.response.usage | .cached > 0 and .cached < .input) | all' out)" true "with what was cached"
is "$(jq -r '[(.id | split(" ")[0]), (.response.usage | .reasoning == 3 and .reasoning < .output)] | join(" ")' out | sort -u | tr '\n' ,)" \
	"anthropic false,gemini true,openai true,openai-responses true," "and reasoning, where the provider tells it"
is "$(cost) $(recorded)" "$(billed) $(billed)" "what it cost is what was billed, and is in the ledger"
mv out first
: >calls.log
mock -- in
is "$status $(wc -l <calls.log)" "0 0" "a rerun sends nothing"
same first out "and is the same"

# ---- attempts that failed ----

fresh
head -n 60 in >some
mock --price 0.15,0.60,0.075 --fault null-content:0.2 --status 503:0.2 --retry-after 0 --seed 7 -- -j 60 --attempts 20 some
is "$status $(jq '.retries > 10' s.json)" "0 true" "with answers that are empty, and errors"
is "$(cost) $(recorded)" "$(billed) $(billed)" "what it cost is what was billed, and is in the ledger"

# ---- a cap ----

fresh
mock --price 0.15,0.60,0.075 -- -j 4 --max-cost 0.0012 in
is "$status $(jq '.cost_usd > 0.0005 and .cost_usd <= 0.0012' s.json)" "75 true" "a cap over all of them"
before=$(billed)
mock --price 0.15,0.60,0.075 -- -j 4 in
is "$status $(wc -l <out)" "0 200" "a rerun without one goes on"
is "$(recorded)" "$(($(billed) + before))" "and the ledger has what both were billed"

# ---- one is down ----

serve_as down --status 503:1
fresh
mkdir -p config/bf
echo "{\"sick\": {\"base_url\": \"$(cat down.url)\", \"dialect\": \"openai-chat\"}}" >config/bf/providers.json
sed 's/@openai-responses/@sick/' in >sick
mock -- -j 20 --attempts 2 --errors e sick
is "$status $(wc -l <out) $(wc -l <e)" "1 150 50" "one provider is down: the others answer"
is "$(jq -r '.request.model' e | sort -u) $(jq -r .error.class e | sort -u)" "m@sick server" "and only its entries fail"

done_testing
