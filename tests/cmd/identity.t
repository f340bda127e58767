#!/bin/bash
# What makes a call a new one and what does not.
. "$(dirname "$0")/../lib.sh"

# Each run has a provider of its own and shares the ledger with all the others:
# what it was asked for is in calls, what came out in out.
llm() { # OPTION...
	rm -f log
	bf-mock -q --reply 'about {prompt}' --log log -- bf-llm -q "$@" <in >out 2>err
	status=$?
	calls=$(grep -c '"path":"/v1/chat/completions"' log)
}

# asks N NAME: the run went well and made so many calls
asks() {
	is "$status $calls" "0 $1" "$2" || sed 's/^/# /' err
}

fresh() {
	rm -rf .bf
}

# ---- every part of the body counts ----

base='{
	"model": "m",
	"messages": [
		{"role": "system", "content": "Be kind."},
		{"role": "user", "content": "Hello"}
	],
	"temperature": 0,
	"max_tokens": 100,
	"seed": 1,
	"top_p": 0.9,
	"stop": ["a", "b"],
	"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
	"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
	"vendor": {"nested": [1, {"deep": null}]}
}'
echo "$base" | jq -c '{request: .}' >in
llm
asks 1 "the request is new"
llm
asks 0 "and then it is not"

flips='.model = "m2"
.messages[0].content = "Be brief."
.messages[1].content = "Hello "
.messages[1].content = "hello"
.messages[1].role = "assistant"
.messages |= reverse
.messages += [{"role": "user", "content": "More"}]
del(.messages[0])
.messages[1].name = "ann"
.temperature = 0.5
del(.temperature)
.max_tokens = 101
.seed = 2
.seed = "1"
.top_p = null
.stop |= reverse
.stop = "a"
.tools[0].function.name = "g"
.tools[0].function.parameters.type = "string"
del(.tools)
.response_format.json_schema.schema.type = "array"
.response_format.json_schema.strict = true
.vendor.nested[1].deep = false
.vendor.nested[0] = 2
.added = null'
while IFS= read -r flip; do
	echo "$base" | jq -c "{request: ($flip)}" >in
	llm
	asks 1 "new: $flip"
done <<END
$flips
END
count=$(printf '%s\n' "$flips" | wc -l)
{
	echo "$base" | jq -c '{request: .}'
	printf '%s\n' "$flips" | while IFS= read -r flip; do
		echo "$base" | jq -c "{request: ($flip)}"
	done
} >in
llm
asks 0 "all of them are known now"
is "$(wc -l <out)" $((count + 1)) "and come out"

echo "$base" | jq -c '{request: .}' | sed 's/"top_p":0.9/"top_p":0.90/' >in
llm
asks 1 "new: a number that is written in another way"

# ---- what is no part of it does not ----

known() { # NAME [OPTION...]: the entries in ./in are known
	llm "${@:2}"
	asks 0 "known: $1"
}
echo "$base" | jq -c '{request: .}' >in
known "the same"
echo "$base" | jq -cS '{request: .}' >in
known "members in another order"
echo "$base" | jq -c '{request: (to_entries | reverse | from_entries)}' >in
known "members in the reverse order"
echo "{\"request\": $base}" | tr '\n\t' '  ' >in
echo >>in
known "white space"
echo "$base" | jq -c '{id: "x", other: [1], request: ., more: "y"}' >in
known "other fields of the entry"
echo "$base" | jq -c '{request: .} | .request.user = "ann" | .request.metadata = {a: "b"}' >in
known "who is charged for it"
echo "$base" | jq -c '{request: ., sample: 0}' >in
known "sample 0 is no sample"
echo "$base" | jq -c '{request: .} | .request.model = "m@openai"' >in
known "the provider that is meant without a name"

echo '{"request":{"model":"m","messages":[{"role":"user","content":"caf\u00e9 \/ \u0041 \ud83d\ude00"}]}}' >in
llm
asks 1 "escapes: new"
echo '{"request":{"model":"m","messages":[{"role":"user","content":"café / A 😀"}]}}' >in
known "escapes: the same text"
echo '{"request":{"model":"m","mess\u0061ges":[{"role":"user","content":"caf\u00E9 / A 😀"}]}}' >in
known "escapes: in a name"

echo '{"prompt":"one \"two\""}' >in
llm -m m
asks 1 "a prompt: new"
echo '{"messages":[{"role":"user","content":"one \"two\""}]}' >in
known "the same as messages" -m m
echo '{"custom_id":"c","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"one \"two\""}]}}' >in
known "the same as a line of a batch"
echo '{"t":"two"}' | bf-prompt 'one "{t}"' >in
known "the same from bf-prompt, the model from bf-llm" -m m
echo '{"t":"two"}' | bf-prompt -m m 'one "{t}"' >in
known "and the model from bf-prompt" -m other

# ---- many entries ----

fresh
awk 'BEGIN { for (i = 1; i <= 50; i++) printf "{\"n\":%d,\"text\":\"item %d\"}\n", i, i }' >items
ask() {
	bf-prompt -m m 'Tell me of {text}' "$@" >in
	llm
}
ask items
asks 50 "fifty entries"
cp out first
ask items
asks 0 "the same again"
same first out "the same output, byte for byte"
awk '{ line[NR] = $0 } END { for (i = NR; i > 0; i--) print line[i] }' items >reversed
ask reversed
asks 0 "in the reverse order"
awk '{ line[NR] = $0 } END { for (i = NR; i > 0; i--) print line[i] }' first >want
same want out "the output is in the order of the input"
{ echo '{"n":0,"text":"item 0"}' && cat items; } >longer
ask longer
asks 1 "one line before all others is one call"
tail -n 50 out >rest
same first rest "the others are as they were"
{ sed -n 1,20p items && echo '{"n":99,"text":"another"}' && sed -n '21,$p' items; } >longer
ask longer
asks 1 "one line in the middle is one call"
sed -n '5p;7p;40p' items >fewer
ask fewer
asks 0 "fewer entries"
sed -n '5p;7p;40p' first >want
same want out "only what is in the input comes out"
jq -c '.fresh = "upstream" | .n += 1000' items >changed
ask changed
asks 0 "other fields changed"
is "$(jq -c '[.n, .fresh, .response.text]' out | sed -n 3p)" '[1003,"upstream","about Tell me of item 3"]' \
	"a hit keeps the fresh fields of its entry"
bf-take items | bf-shuffle -s 5 | bf-prompt -m m 'Tell me of {text}' >in
llm
asks 0 "other stages before it"

# ---- the same request many times ----

fresh
for i in 1 2 3 4; do echo "{\"i\":$i,\"text\":\"same\"}"; done >items
ask items
asks 1 "four identical requests are one call"
is "$(jq -c '[.i, .response.text]' out | tr -d '\n')" \
	'[1,"about Tell me of same"][2,"about Tell me of same"][3,"about Tell me of same"][4,"about Tell me of same"]' \
	"and four outputs"

# ---- samples ----

fresh
sample() { # N
	echo '{"text":"dice"}' | bf-prompt -m m --samples "$1" '{text}' >in
	llm
}
sample 3
asks 3 "three samples are three calls"
cp out first
sample 3
asks 0 "a rerun makes none"
same first out "and gives the same"
sample 5
asks 2 "two more samples are two calls"
head -n 3 out >rest
same first rest "the first three are as they were"
sample 2
asks 0 "fewer samples make none"

# ---- endpoints ----

fresh
echo '{"prompt":"hello"}' >in
at() { # ENDPOINT REPLY
	rm -f log
	bf-mock -q --reply "$2" --log log -- env BF_ENDPOINT="$1" bf-llm -q -m m <in >out 2>err
	status=$?
	calls=$(grep -c '"path":"/v1/chat/completions"' log)
}
at mock 'from the mock'
asks 1 "the mock is asked"
at real 'from another'
asks 1 "another endpoint is asked for itself"
is "$(jq -r .response.text out)" "from another" "and answers for itself"
at mock 'not asked'
asks 0 "the mock's answer is still known"
is "$(jq -r .response.text out)" "from the mock" "as its own"
at real 'not asked'
asks 0 "and so is the other's"
is "$(jq -r .response.text out)" "from another" "as its own"
done_testing
