#!/bin/bash
# bf-llm --fallback: other models, for what the first one does not answer.
. "$(dirname "$0")/../lib.sh"
export XDG_CONFIG_HOME=$TMP/config XDG_STATE_HOME=$TMP/state
mkdir -p config/bf

calls() { if [ -e "$1.log" ]; then grep -c . "$1.log"; else echo 0; fi; }
fresh() {
	rm -rf .bf e s.json
	for log in *.log; do : >"$log"; done
}
llm() { run timeout 60 bf-llm "$@"; }

serve_as good --reply 'good {prompt}'
serve_as fair --reply 'fair {prompt}'
serve_as broken --status 500:1
serve_as shy --finish-reason content_filter
serve_as shut --require-key another
for p in good fair broken shy shut; do
	printf '"%s": {"base_url": "%s", "dialect": "openai-chat", "key": "KEY"},\n' $p "$(cat $p.url)"
done | sed '1s/^/{/; $s/,$/}/' >config/bf/providers.json
export KEY=a-key-of-mine
entries 1 20 >in

# ---- it fails ----

fresh
llm -m m@broken --attempts 2 --fallback n@good --stats s.json in
is "$status $(jq -r '[.id, .response.text, .response.model] | join(" ")' out | sed -n '1p;20p' | tr '\n' ,)" \
	"0 1 good number 1 n,20 good number 20 n," "another model answers, in the order of the input, and is named"
is "$(calls broken) $(calls good)" "40 20" "after the first one's attempts"
is "$(jq -c '[.fallbacks, .calls, .failed]' s.json)" "[20,60,0]" "--stats counts them"
like "$(cat err)" "*, 20 passed on to another model; *" "so does the summary"
mv out first
: >broken.log
: >good.log
llm -m m@broken --attempts 2 --fallback n@good in
is "$status $(calls broken) $(calls good)" "0 0 0" "a rerun asks nobody"
same first out "and is the same"
run bf-llm -m m@broken --fallback n@good --plan in
is "$status $(cat out)" "0 20 entries: 0 to ask, 20 from the ledger, 0 the same as others" "nor would, says --plan"

fresh
llm -m m@broken --attempts 1 --unordered --fallback n@good in
is "$status $(jq -r .id out | sort -n | tr '\n' ' ')" "0 $(seq 20 | tr '\n' ' ')" "--unordered: each once"
fresh
cat in in >twice
llm -m m@broken --attempts 1 --fallback n@good twice
is "$status $(wc -l <out) $(calls good)" "0 40 20" "the same entries: one call of the other model for both"

# ---- it is refused ----

fresh
llm -m m@shy --fallback n@good in
is "$status $(jq -r .response.text out | sort -u | wc -l) $(calls shy) $(calls good)" "0 20 20 20" "what a filter cut goes to the next"
mv out first
llm -m m@shy --fallback n@good in
is "$status $(calls shy) $(calls good)" "0 20 20" "both answers are in the ledger: a rerun asks nobody"
same first out "and is the same"
fresh
llm -m m@shy --errors e in
is "$status $(wc -l <e)" "1 20" "without another model they fail"
llm -m m@shy --fallback n@good in
is "$status $(calls shy) $(calls good)" "0 20 20" "which one can be asked for later"
same first out "with the same output"
fresh
llm -m m@shy --fallback n@shy,o@good --unordered in
is "$status $(jq -r '.response.model' out | sort | uniq -c | tr -s ' ')" "0  20 o" "one after the other, from the ledger too"

# ---- the provider refuses all ----

fresh
llm -j 1 -m m@shut --fallback n@good in
is "$status $(wc -l <out) $(calls shut) $(calls good)" "0 20 1 20" "a key that is refused: one call, and the run goes on"
like "$(cat err)" "*m@shut is asked no more: provider refusing: auth: *" "with a warning"
fresh
llm -j 1 -m m@good --fallback n@shut in
is "$status $(calls good) $(calls shut)" "0 20 0" "a model that answers: no other is asked"

# ---- all fail ----

fresh
llm -m m@broken --attempts 1 --fallback n@broken,o@shut --errors e in
is "$status $(jq -r .error.class e | sort | uniq -c | tr -s ' ')" "1  20 auth" "the last one's error is told"
is "$(jq -r .id e | tr '\n' ' ')" "$(seq 20 | tr '\n' ' ')" "in the order of the input"
llm -m m@broken --attempts 1 --fallback n@good e
is "$status $(wc -l <out)" "0 20" "and they can be asked again"

# ---- entries of several models ----

fresh
for m in m@broken n@good o@fair; do
	printf '{"request":{"model":"%s","messages":[{"role":"user","content":"hi"}]}}\n' $m
done >mixed
llm --attempts 1 --fallback p@fair mixed
is "$status $(jq -r '.response | .model + " " + .text' out | tr '\n' ,)" "0 p fair hi,n good hi,o fair hi," \
	"what each entry's own model does not answer"

llm -m m@good --fallback x@nobody in
is "$status" 2 "a provider that is not known"
like "$(cat err)" '*--fallback: unknown provider "nobody"*' "is named at once"
llm -m m@good --fallback a,,b in
is "$status" 2 "an empty name"

done_testing
