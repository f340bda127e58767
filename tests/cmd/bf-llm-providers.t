#!/bin/bash
# bf-llm: several providers in one run, each with its own server, key, limits and answers.
. "$(dirname "$0")/../lib.sh"
export XDG_CONFIG_HOME=$TMP/config XDG_STATE_HOME=$TMP/state
mkdir -p config/bf

base() { cat "$1.url"; }
calls() { grep -c '"status":200' "$1.log"; }

serve_as one --require-key key-of-one
serve_as two --require-key key-of-two
serve_as open
cat >config/bf/providers.json <<E
{"one": {"base_url": "$(base one)", "dialect": "openai-chat", "key": "KEY_ONE"},
 "two": {"base_url": "$(base two)/", "dialect": "openai-chat", "key": "KEY_TWO", "tpm": 2000},
 "open": {"base_url": "$(base open)", "dialect": "openai-chat"}}
E
export KEY_ONE=key-of-one KEY_TWO=key-of-two

for i in $(seq 30); do
	for p in one two open; do
		printf '{"id":"%s%d","request":{"model":"m@%s","max_tokens":9,"messages":[{"role":"user","content":"number %d"}]}}\n' $p "$i" $p "$i"
	done
done >entries.jsonl
run bf-llm -j 8 entries.jsonl
is "$status $(jq -r .id out | cut -c1-3 | sort | uniq -c | awk '{print $1}' | tr '\n' ' ')" "0 30 30 30 " \
	"each entry is answered"
is "$(jq -r .id out | tr '\n' ,)" "$(jq -r .id entries.jsonl | tr '\n' ,)" "in their order"
is "$(calls one) $(calls two) $(calls open)" "30 30 30" "each by the provider that it names"
is "$(cat ./*.log | grep -c '"status":401')" 0 "with its key"
is "$(jq -r '.key // "none"' open.log | sort -u)" none "and none where none is meant"
is "$(jq -r .body.model ./*.log | sort -u)" m "the model without its provider"
is "$(bf-ledger cat | jq -r .endpoint | sort | uniq -c | awk '{print $2 ":" $1}' | tr '\n' ' ')" "one:30 open:30 two:30 " \
	"the answers are kept under the providers' names"
cp out first
run bf-llm entries.jsonl
is "$status $(calls one) $(calls two) $(calls open)" "0 30 30 30" "a rerun calls none of them"
cmp -s out first
ok $? "and gives the same"
run bf-llm -m m --stats stats.json --refresh entries.jsonl
is "$(jq -c '.models | map_values(.calls)' stats.json)" '{"m@one":30,"m@two":30,"m@open":30}' \
	"models are told apart by provider in the account"

# ---- -m ----
printf '{"prompt":"hello"}\n' >hello
run bf-llm -m m@one hello
is "$status $(tail -n 1 one.log | jq -c .status)" "0 200" "-m names a provider"
run bf-llm -m m@nobody hello
is "$status" 2 "one that is not known is refused at once"
like "$(cat err)" '*unknown provider "nobody": known are openai,*open; others go into*providers.json' "with those that are"
run bf-llm -m m@one --base-url "$(base open)" --endpoint elsewhere --no-ledger hello
is "$status $(tail -n 1 open.log | jq -r .key)" "0 $(printf %s key-of-one | b2sum -l 128 | cut -d' ' -f1)" \
	"--base-url is for the provider of -m"

# ---- a key that is missing, one that is wrong ----
run env -u KEY_TWO bf-llm -m m@two --no-ledger hello
is "$status" 2 "without its key a provider is not called"
like "$(cat err)" "*no key for $(base two): set KEY_TWO*" "and its variable is named"
run env KEY_TWO=wrong bf-llm -m m@two --no-ledger hello
is "$status" 75 "a key that is refused stops the run"
run bf-ledger cat
is "$(cat out err ./*.json first | grep -c 'key-of-')" 0 "no key is anywhere"

# ---- limits ----
printf '{"request":{"model":"m@two","max_tokens":5000,"messages":[{"role":"user","content":"long"}]}}\n' >long
run bf-llm long
is "$status" 1 "a limit of the file holds"
like "$(cat err)" '*too_large: about 50?? tokens, more than tpm in providers.json allows in a minute (2000)*' "and is named"
run bf-llm --tpm 9000 long
is "$status" 0 "the command line goes before it"

# ---- one that is down does not hold up the others ----
serve_as down --fail-first 1000:429 --retry-after 30
jq -c '.down={base_url:$u,dialect:"openai-chat"}' --arg u "$(base down)" config/bf/providers.json >new &&
	mv new config/bf/providers.json
for i in $(seq 20); do
	printf '{"id":%d,"request":{"model":"m@%s","messages":[{"role":"user","content":"late %d"}]}}\n' "$i" "$([ $((i % 4)) = 0 ] && echo down || echo open)" "$i"
done >late
before=$(calls open)
run timeout 60 bf-llm -j 4 --unordered --max-wait 20s --errors e late
is "$status" 75 "a provider that asks for more patience than there is ends the run"
like "$(cat err)" '*asks to wait 30 s*' "and says so"
run timeout 100 bf-llm -j 8 --unordered --deadline 5s late
is "$status $(($(calls open) - before))" "75 15" "while it cools down the others are answered"

# ---- the list, and a file that is wrong ----
run bf-llm --list-providers
is "$status $(grep -c . out)" "0 16" "all are listed"
is "$(grep '^two' out)" "two	openai-chat	$(base two)/	KEY_TWO	set	-	2000" "with what is known of them"
run bash -c 'bf-llm --list-providers >/dev/full'
is "$status" 2 "a full disk is an error"
echo '{"one":{"bass_url":"x"}}' >config/bf/providers.json
run bf-llm hello
is "$status" 2 "a file that is wrong is refused"
like "$(cat err)" '*config/bf/providers.json: "one": "bass_url": not a member of a provider*' "file, provider and member are named"
done_testing
