#!/bin/bash
# bf-llm: what calls cost, as told and as recorded, and the caps on it.
# shellcheck disable=SC2016 # a dollar sign is one here
. "$(dirname "$0")/../lib.sh"

llm() {
	run timeout 60 bf-mock -q --log calls.log -- bf-llm "$@"
}
calls() { if [ -e calls.log ]; then grep -c . calls.log; else echo 0; fi; }
fresh() { rm -rf .bf calls.log s.json m.prom e; }
cat >prices.json <<'END'
{"m": {"input_cost_per_token": 1e-3, "output_cost_per_token": 2e-3},
 "openai/cheap": {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6},
 "cheap": {"input_cost_per_token": 1, "output_cost_per_token": 1},
 "elsewhere": {"litellm_provider": "another", "input_cost_per_token": 1e-3}}
END
entries 1 20 >in

# ---- told and recorded ----

fresh
llm -m m --prices prices.json --stats s.json --metrics m.prom in
# The mock counts words or so: what the entries say they took is what must be paid.
usd=$(jq -s 'map(.response.usage | .input + 2 * .output) | add / 1000' out)
is "$status" 0 "a run with prices"
like "$(cat err)" "*; * tokens in, * out, \$$(printf %.2f "$usd"); *" "the summary has the cost"
is "$(jq -c '[.cost_usd, .unpriced_calls, .models.m.cost_usd]' s.json)" "[$usd,0,$usd]" "--stats has it"
is "$(sed -n 's/^bf_llm_cost_usd_total{model="m"} //p; s/^bf_llm_unpriced_calls_total //p' m.prom | tr '\n' ' ')" \
	"$usd 0 " "--metrics has it"
is "$(bf-ledger cat | jq -s 'map(.cost == (.usage.input + 2 * .usage.output) / 1000) | all')" true \
	"and each record its own"
is "$(bf-ledger stat --json | jq -c '.models[0] | [.cost_usd, .priced]')" "[$usd,20]" "bf-ledger stat adds them up"
like "$(bf-ledger stat)" "*USD
m *  $(printf %.2f "$usd")*" "for people too"

llm -m m --prices prices.json --stats s.json in
is "$status $(jq -c '[.cost_usd, .calls, .hits]' s.json)" "0 [0,0,20]" "a rerun costs nothing"

# ---- which price ----

fresh
llm -m cheap --prices prices.json --stats s.json in
is "$status $(jq '.cost_usd < 0.001' s.json)" "0 true" "PROVIDER/MODEL goes before MODEL"
fresh
llm -m elsewhere --prices prices.json --stats s.json in
is "$status $(jq -c '[.cost_usd, .unpriced_calls]' s.json)" "0 [0,20]" "another provider's price is none"
like "$(cat err)" "*, no price known; *" "which is said"
is "$(bf-ledger cat | jq -s 'map(has("cost")) | any')" false "and no cost recorded"
fresh
{ cat in; echo '{"request":{"model":"elsewhere","messages":[{"role":"user","content":"x"}]}}'; } >two
llm -m m --prices prices.json two
like "$(cat err)" "*\$* and 1 call without a known price; *" "some with a price, some without"
fresh
mkdir -p config/bf
echo '{"m": {"input_cost_per_token": 1}}' >config/bf/prices.json
XDG_CONFIG_HOME=$PWD/config llm -m m --stats s.json in
is "$(jq '.cost_usd == .tokens.input' s.json)" true "the user's own file"
fresh
XDG_CONFIG_HOME=$PWD/config llm -m m --prices prices.json --stats s.json in
is "$(jq '.cost_usd < .tokens.input' s.json)" true "which --prices overrides"
echo '{"m": {"input_cost_per_token": "1"}}' >config/bf/prices.json
fresh
XDG_CONFIG_HOME=$PWD/config llm -m m --max-cost 1 in
is "$status $(calls)" "2 0" "a price that is none, with a cap: nothing is sent"
like "$(cat err)" '*/config/bf/prices.json: "m": "input_cost_per_token": not a price of a token in US dollars*' "file and member are named"
llm -m m --prices nowhere.json in
is "$status $(calls)" "2 0" "a file of prices that is not there"
like "$(cat err)" "bf-llm: nowhere.json: there is no such file" "is told of"

# ---- attempts that failed, and were paid ----

reply() { printf 'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s' "$(printf %s "$1" | wc -c)" "$1"; }
reply '{"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":50}}' >paid
reply '{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3}}' >good
fresh
echo 0 >count
head -1 in >one
run timeout 60 "$BUILD/tests/rawserver" -o count paid good -- bf-llm -m m --prices prices.json --stats s.json one
is "$status $(jq '.cost_usd' s.json)" "0 0.213" "an attempt that failed and was billed counts"
is "$(bf-ledger cat --status error | jq -c '[.class, .cost, .attempts]')$(bf-ledger cat --status ok | jq -c '[.cost, .attempts]')" \
	'["bad_answer",0.2,0][0.013,2]' "and is in the ledger"
is "$(bf-ledger stat --json | jq -c '.models[0] | [.cost_usd, .attempts]')" '[0.213,2]' "once"

# ---- caps ----

fresh
words='one two three four five six seven eight nine ten eleven twelve thirteen fourteen'
seq 400 | sed "s/.*/{\"prompt\":\"& $words\"}/" >many
llm -m m --prices prices.json -j 4 --max-cost 2 many
spent=$(bf-ledger stat --json | jq '.models[0].cost_usd // 0')
is "$status $(wc -l <out)" "75 1" "a cap that the first call may pass: nothing is sent"
like "$(cat err)" '*cost budget reached (--max-cost 2): $0.00 spent, the next call about $2.0?; stopping*' "with the amounts"
is "$spent $(calls)" "0 0" "and nothing paid"

llm -m m --prices prices.json -j 4 --max-cost 10 many
is "$status" 75 "a cap in the middle of a run"
# Once calls were answered, it is known what they cost: a few cents.
is "$(bf-ledger stat --json | jq '.models[0].cost_usd | . > 9.5 and . <= 10')" true "is come close to, and not passed"
is "$(tail -1 out | jq -c .incomplete)" '{"by":"bf-llm","why":"budget reached","status":75}' "the stream is marked"
sed '$d' out >first

llm -m m --prices prices.json -j 4 --max-cost 100 many
is "$status $(wc -l <out)" "0 400" "a rerun with a higher one goes on"
is "$(head -n "$(wc -l <first)" out | cmp - first && echo same)" same "from there"
is "$(bf-ledger stat --json | jq -c '.models[0] | [.cost_usd, .attempts]')" \
	"[$(jq -s 'map(.response.usage | .input + 2 * .output) | add / 1000' out),400]" "and all is paid once"

fresh
llm -m elsewhere --prices prices.json --max-cost 5 in
is "$status $(calls)" "2 0" "a cap and a model without a price: nothing is sent"
like "$(cat err)" "*--max-cost: no price is known for elsewhere: give --prices FILE*" "and what to do is told"

fresh
llm -m elsewhere -j 4 --max-tokens-total 5000 many
is "$status $(jq -s 'map(.response.usage // {} | (.input // 0) + (.output // 0)) | add | . > 4800 and . <= 5000' out)" "75 true" "--max-tokens-total"
like "$(cat err)" "*token budget reached (--max-tokens-total 5000): * spent, the next call about *; stopping*" "is told"
# ---- over several runs ----

fresh
llm -m m --prices prices.json -j 4 --max-cost 8 --budget-window 24h many
is "$status" 75 "--budget-window: a first run spends its cap"
sum() { bf-ledger stat --json | jq '.models[0].cost_usd'; }
first=$(sum)
rm calls.log
llm -m m --prices prices.json -j 4 --max-cost 8 --budget-window 24h many
is "$status $(calls) $(sum)" "75 0 $first" "another has nothing left"
cp "$(echo .bf/ledger/*.zst)" .bf/ledger/copy.jsonl.zst
llm -m m --prices prices.json -j 4 --max-cost 12 --budget-window 24h many
is "$status $(sum | jq ". > 11.5 and . <= 12")" "75 true" "a higher cap has what is left of it, copies of segments counted once"
llm -m m --prices prices.json -j 4 --max-cost 3 --budget-window 1ms many
is "$status $(sum | jq ". > 14 and . <= 15")" "75 true" "what is older does not count"
llm -m m --budget-window 24h many
is "$status" 2 "without a cap it means nothing"
llm -m m --max-cost 1 --budget-window 24h --no-ledger many
is "$status" 2 "nor without a ledger"

for bad in x -1 '$5' 1e99; do
	llm -m m --max-cost "$bad" in
	is "$status" 2 "--max-cost $bad"
done

done_testing
