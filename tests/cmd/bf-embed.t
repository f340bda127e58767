#!/bin/bash
# bf-embed: many texts with a request, each recorded for itself; what servers refuse and
# answer wrongly; kills; costs.
. "$(dirname "$0")/../lib.sh"
command -v jq >/dev/null || skip_all "jq is not installed"
command -v curl >/dev/null || skip_all "curl is not installed"

M=text-embedding-3-small
em() { run timeout 100 bf-embed -m $M "$@"; }
# texts FROM TO: entries
texts() { seq "$1" "$2" | sed 's/.*/{"id":&,"text":"number & of them"}/'; }
# asked: the texts that the server answered, in order
asked() { jq -r 'select(.status == 200).body.input[]' log; }
# fresh OPTION...: another server, and an empty ledger
fresh() {
	stop
	rm -rf .bf log
	serve --log log "$@"
	export GEMINI_BASE_URL=${OPENAI_BASE_URL%/v1}/v1beta GEMINI_API_KEY=mock
}
# vectors FILE: id and vector
vectors() { jq -c '[.id, .embedding]' "$1"; }

# ---- few requests, and each its own vector ----
texts 1 5000 >in
fresh --price 0.02,0
em --stats stats in
cp out first
is "$status $(wc -l <out)" "0 5000" "5000 texts"
like "$(cat err)" 'bf-embed: 5000 entries: 5000 answers (5000 calls in ? requests, 0 from the ledger), 0 failed; 25.0k tokens in, $0.00050; *' "are told of"
n=$(stat_of .requests)
ok $((n > 6)) "and take few requests"
is "$(jq .requests stats)" "$n" "as --stats says"
is "$(jq -r .id out | cmp - <(seq 5000) && echo same)" same "they come in their order"
is "$(head -1 out | jq -c 'keys_unsorted, (.embedding | length)')" '["id","text","embedding"]
64' "with a vector in a field"
ask='{"model":"m","input":["number 7 of them","number 4321 of them","number 5000 of them"]}'
curl -s -d "$ask" "$OPENAI_BASE_URL/embeddings" >direct
is "$(jq -c 'select(.id == 7 or .id == 4321 or .id == 5000).embedding' out)" "$(jq -c '.data[].embedding' direct)" "that is its own"
is "$(jq -c '[.cost_usd, .tokens.input]' stats)" "$(stat_of "[.models[\"$M\"] | .billed_usd, .input_tokens]" | jq -c .)" "the costs add up to what was billed"
is "$(bf-ledger cat | jq -s -c '[(map(.cost) | add * 1e9 | round), (map(.usage.input) | add)]')" \
	"$(jq -c '[(.cost_usd * 1e9 | round), .tokens.input]' stats)" "and in the ledger, text by text"
em in
is "$status $(cmp out first && echo same) $(stat_of .requests)" "0 same $((n + 1))" "a rerun has the same bytes and asks nothing"
em --cached-only in
is "$status $(cmp out first && echo same)" "0 same" "--cached-only"
em --unordered in
is "$(sort out | cmp - <(sort first) && echo same)" same "--unordered"

# ---- any mix ----
: >log
{ sed -n '1~3p' in; texts 6001 6010; } | bf-shuffle -s 3 >mix
em mix
is "$status $(wc -l <out)" "0 1677" "a part of them, shuffled, with new ones"
is "$(asked | sort)" "$(texts 6001 6010 | jq -r .text | sort)" "asks for the new ones alone"
is "$(grep -v '^{"id":60[01][0-9],' out | sort | cmp - <(sed -n '1~3p' first | sort) && echo same)" same "the others are as they were"
: >log
yes '{"id":1,"text":"always the same"}' | head -n 500 >same
em same
is "$status $(asked) $(uniq out | wc -l)" "0 always the same 1" "the same text is asked for once"

# ---- what of an entry, and where to ----
: >log
cat >in2 <<'E'
{"id":1,"t":{"x":["a \"b\"","c"]},"text":"wrong"}
{"id":2,"t":{"x":["é\n","d"]},"error":{"class":"old"}}
E
em --text 't.x[0]' --to v in2
is "$status $(jq -c '[.id, (.v | length), has("embedding"), has("error")]' out | tr '\n' ' ')" "0 [1,64,false,false] [2,64,false,false] " "--text FIELD and --to"
is "$(jq -c 'select(.status == 200).body.input' log)" '["a \"b\"","é\n"]' "are the field's text"
: >log
em --text 'about {t.x[1]}: {id}' in2
is "$(asked)" "about c: 1
about d: 2" "--text TEMPLATE"
printf '%s\n' '{"id":1,"text":""}' '{"id":2,"text":"good"}' '{"id":3}' '{"id":4,"text":null}' >in3
em in3
is "$status $(jq -c .id out | tr '\n' ' ')" "1 2 4 " "what has no text fails"
like "$(cat err)" "bf-embed: in3:1: bad_request: the text is empty
bf-embed: in3:3: bad_request: *text*" "by name"
em --errors errors in3
is "$(jq -c '[.id, .error.class]' errors | tr '\n' ' ')" '[1,"bad_request"] [3,"bad_request"] ' "--errors"

# ---- lengths and forms ----
: >log
texts 1 3 >three
em --dimensions 8 three
is "$(jq '.embedding | length' out | tr '\n' ' ') $(jq -c '.body | [.dimensions, .encoding_format]' log)" '8 8 8  [8,"base64"]' "--dimensions"
vectors out >array
em --dimensions 8 --encode three
jq -r .embedding out | while read -r v; do base64 -d <<<"$v" | od -An -tf4 -w32 | tr -s ' '; done >got
jq -r '.[1][]' array | python3 -c '
import struct, sys
sys.stdout.buffer.write(b"".join(struct.pack("<f", float(x)) for x in sys.stdin))' | od -An -tf4 -w32 -v | tr -s ' ' >want
same want got "--encode has the same numbers"
is "$(wc -l <log)" 1 "and the same answers in the ledger"
em --dimensions 9 three
is "$(wc -l <log)" 2 "another length is another question"
# An array of numbers comes from a server that knows no base64.
em three
vectors out >base64
jq -c '{model: "m", input: [.text]}' three | jq -sc '{model: .[0].model, input: map(.input[])}' >ask
curl -s -d @ask "$OPENAI_BASE_URL/embeddings" >floats
fresh --body floats
em three
vectors out >got
same base64 got "an array and base64 are the same vectors"
jq '.data |= (reverse | map({embedding, index}))' floats >turned
fresh --body turned
em three
vectors out >got
same base64 got "each goes where its index says"

# ---- Gemini ----
texts 1 250 >gem
fresh
run bf-embed -m gemini-embedding-001@gemini --task CLUSTERING --dimensions 64 gem
is "$status $(stat_of .requests) $(jq -c '.body.requests | length' log | sort -n | tr '\n' ' ')" "0 3 50 100 100 " "Gemini gets 100 texts a request"
is "$(jq -c '.body.requests[0] | [.model, .taskType, .outputDimensionality]' log | uniq)" '["models/gemini-embedding-001","CLUSTERING",64]' "in its own words"
is "$(vectors out | head -3)" "$(cat base64)" "the same vectors"
like "$(cat err)" "*250 calls without a known price*" "of what it does not tell the cost is not known"
for bad in "--task X -m $M|--task is for Gemini: openai knows of none" "-m claude@anthropic|anthropic makes no embeddings: its dialect is anthropic" \
	"--per-request 101 -m g@gemini|gemini takes 100 texts a request, not 101" "--per-request 2049 -m $M|openai takes 2048 texts a request, not 2049" \
	"in|-m MODEL is missing*" "-m $M --text plain{{|--text: there is no field in it*" "-m $M --text {|--text: *" "-m $M --to= x|--to takes the name of a field*" \
	"-m $M --dimensions 0|*" "-m $M -j auto|*" "-m m@nobody|*nobody*"; do
	# shellcheck disable=SC2086
	run bf-embed ${bad%%|*} </dev/null
	like "$status $(cat err)" "2 bf-embed: ${bad#*|}" "${bad%%|*}"
done

# ---- how full they are ----
fresh
em --per-request 30 gem
is "$status $(jq '.body.input | length' log | sort -n | tail -1)" "0 30" "--per-request"
fresh
seq 60 | jq -c '{id: ., text: "\(.) \("long " * 6000)"}' >long
em long
is "$status $(jq '[.body.input[] | utf8bytelength] | add <= 600000' log | sort -u)" "0 true" "not more than 600,000 bytes"
ok $(($(wc -l <log) < 3)) "in several requests"
em <(jq -nc '{id: 1, text: ("one " * 250000)}')
like "$status $(cat err)" "1 *bad_request: HTTP 400: input?0?: 250000 tokens*" "one that is longer goes alone, and is for the server to refuse"

# ---- streams ----
fresh
mkfifo to from
bf-embed -q -m $M <to >from &
exec 8>to 9<from
for i in 1 2 3; do
	texts $i $i >&8
	read -r -t 60 line <&9
	is "$(jq .id <<<"$line")" $i "text $i is answered before there is another"
done
exec 8>&- 9<&-
wait $!

# ---- one that is refused ----
texts 1 300 >in
sed -i '137s/number/poison number/' in
for s in 400 413 422; do
	echo "{\"match\":\"poison\",\"reply\":\"cannot take this\",\"status\":$s}" >replies
	fresh --replies replies
	em --errors errors --stats stats in
	is "$status $(wc -l <out) $(jq -c '[.id, .error.status, .error.message]' errors)" "1 299 [137,$s,\"HTTP $s: cannot take this\"]" "$s: the others are answered"
	ok $(($(stat_of .requests) > 25)) "with few requests more"
	is "$(asked | sort | uniq -d | wc -l)" 0 "and none of them twice"
done
em in
is "$status $(wc -l <out) $(jq -c '.body.input' log | tail -1)" '1 299 ["poison number 137 of them"]' "a rerun asks for that one alone"
fresh --replies replies
em --per-request 1 <(sed -n 136,138p in)
is "$status $(wc -l <out) $(stat_of .requests)" "1 2 3" "--per-request 1"

# ---- faults ----
texts 1 500 >in
echo '{"fault":"429","retry-after":"0.2","requests":1}' >limit
fresh --scenario limit
em --stats stats in
is "$status $(wc -l <out) $(jq -c '[.cooldowns, .retries_by_class.rate_limit]' stats)" "0 500 [1,500]" "a 429 is one cooldown"
is "$(asked | sort | uniq -d | wc -l)" 0 "and nobody is asked twice"
faults='500 drop html empty-body empty-choices error-body null-content reset-in truncated'
# shellcheck disable=SC2046
fresh $(printf -- '--fault %s:0.03 ' $faults)
em --per-request 5 --attempts 20 in
is "$status $(wc -l <out) $(vectors out | head -3 | cmp - base64 && echo right)" "0 500 right" "all is answered over $faults"
is "$(stat_of '.faults | length')" 9 "all of which there were"
fresh --require-key right
em in
like "$status $(grep -v entries: err)" "75 *: provider refusing: auth: HTTP 401*" "a refused key ends the run"
is "$(stat_of .requests) $(tail -1 out | jq -r .incomplete.status)" "1 75" "at once"
stop

# ---- answers that are none ----
# bad BODY [OPTION...]: two texts get it
bad() {
	printf '%s' "$1" >body
	shift
	fresh --body body
	texts 1 2 >two
	em --attempts 1 "$@" two
	jq -c .id out | tr '\n' ' ' >answered
	sed -i '/entries:/d' err
}
v='"embedding":[1,2]'
while IFS='|' read -r body why; do
	bad "$body"
	like "$status $(cat answered) $(tail -1 err)" "1  bf-embed: two:2: bad_answer: $why" "$body"
done <<E
{"data":[{"index":0,$v}]}|the answer has 1 vector, and 2 were asked for
{"data":[{"index":0,$v},{"index":1,$v},{"index":2,$v}]}|the answer has 3 vectors*
{"data":[{"index":0,$v},{"index":0,$v}]}|the answer has two vectors with index 0
{"data":[{"index":1,$v},{"index":2,$v}]}|the answer has a vector with index 2*
{"data":[{"index":-1,$v},{"index":0,$v}]}|the answer has a vector with index -1*
{"data":[{"index":0,$v},{$v}]}|element 1 of the answer has no index
{"data":[{$v},{"index":1,$v}]}|element 1 of the answer has no index
{"data":[{"index":0.5,$v},{"index":1,$v}]}|element 0 of the answer has no index
{"data":[{"index":"0",$v},{"index":"1",$v}]}|element 0 of the answer has no index
{"data":[3,4]}|no embedding*
{"data":{"0":{$v},"1":{$v}}}|the answer has no vectors
{}|the answer has no vectors
[]|the answer is not a JSON object
{"error":{"message":"so sorry"}}|an error came with status 200: so sorry
nothing|the answer is not JSON*
E
while IFS='|' read -r vector why; do
	bad "{\"data\":[{\"index\":0,$v},{\"index\":1,\"embedding\":$vector}]}" --dimensions 2
	like "$status $(cat answered) $(cat err)" "1 1  bf-embed: two:2: bad_answer: $why" "$vector is none, and the other one is taken"
done <<'E'
null|no embedding: *null*
[]|no embedding: no numbers
[0,0]|no embedding: only zeros*
[1,"NaN"]|no embedding: *string*
[1,1e39]|no embedding: *not finite*
[1,null]|no embedding: *null*
"????"|no embedding: *base64*
"AAAA"|no embedding: base64 of 3 bytes*
"AACAf wAAgD8="|no embedding: *
"AADAfwAAgD8="|no embedding: *not finite*
{"a":1}|no embedding: *object*
[1,2,3]|an embedding of 3 numbers, and 2 were asked for
[1]|an embedding of 1 numbers, and 2 were asked for
E
head -c 3000000 /dev/zero | tr '\0' '[' >body
fresh --body body
em --attempts 1 gem
is "$status $(wc -l <out)" "1 0" "nested without end"
ok $(($(du -sk .bf | cut -f1) > 4000)) "what is no answer is not kept whole for each text"

# ---- kills ----
texts 1 3000 >in
fresh --latency 30ms-60ms
for k in 1 2 3 4; do
	before=$(stat_of .answered)
	bf-embed -q -m $M -j 3 --per-request 40 in >out 2>err &
	pid=$!
	while [ "$(stat_of .answered)" -lt $((before + 8)) ] && kill -0 $pid 2>/dev/null; do :; done
	kill -KILL $pid
	wait $pid 2>/dev/null
	bf-ledger cat | jq -r .req.input | sort >recorded.$k
	[ $k = 1 ] || asked | tail -n +$((lines + 1)) | sort | comm -12 - recorded.$((k - 1)) >>again
	lines=$(asked | wc -l)
done
: >>again
is "$(wc -l <again)" 0 "after a kill nothing that was recorded is asked for again"
ok "$(jq -n "$(wc -l <recorded.1) < $(wc -l <recorded.4)" | grep -c false)" "each run adds to it"
em in
is "$status $(wc -l <out)" "0 3000" "the last run goes through"
is "$(asked | tail -n +$((lines + 1)) | sort | comm -12 - recorded.4 | wc -l)" 0 "and asks for the rest alone"
is "$(vectors out | head -3)" "$(cat base64)" "with the right vectors"
stop

# ---- stopped ----
fresh --latency 300ms
bf-embed -m $M -j 2 --per-request 100 in >out 2>err &
pid=$!
until [ "$(stat_of .in_flight)" -ge 2 ]; do :; done
kill -TERM $pid
wait $pid
is "$? $(tail -1 out | jq -c .incomplete.why)" '143 "terminated"' "a signal"
is "$(bf-ledger cat | jq -r .req.input | sort | comm -13 - <(asked | sort) | wc -l)" 0 "lets what is in flight be recorded"
fresh --latency 300ms
seq 300 | jq -c '{id: ., text: "\(.) \("long " * 5000)"}' >long
bf-embed -m $M -j 1 long >out 2>err &
pid=$!
until [ "$(stat_of .in_flight)" -ge 1 ]; do :; done
kill -TERM $pid
wait $pid
is "$? $(stat_of .requests)" "143 1" "but what waits is not sent"
like "$(cat err)" "*, 2?? left; *" "and is left"
em long
is "$status $(asked | sort | uniq -d | wc -l)" "0 0" "for the next run"
fresh
em --max-calls 100 in
is "$status $(asked | wc -l) $(($(wc -l <out) - 1))" "75 100 100" "--max-calls counts texts"
em --max-cost 0.0002 in
is "$status" 75 "--max-cost"
ok "$(jq -n "$(bf-ledger cat | jq -s 'map(.cost) | add') < 0.00023" | grep -c false)" "holds"

# ---- plans and the ledger ----
texts 1 100 >in
fresh
em --plan in
is "$status $(head -1 out)" "1 100 entries: 100 to ask, 0 from the ledger, 0 the same as others" "--plan"
like "$(cat out)" "*calls       in                         USD
$M        100      473 (315-946) * 0.000010 (0.0000060-0.000018)*" "tells tokens and cost"
is "$(stat_of .completions)" 0 "and asks nothing"
em in
em --plan in
is "$status $(cat out)" "0 100 entries: 0 to ask, 100 from the ledger, 0 the same as others" "nothing is left"
key=$(bf-ledger cat | head -1 | jq -r .k)
run bf-ledger show "$key"
like "$status $(cat out)" '0 *number 1 of them*' "bf-ledger show"
is "$(bf-ledger cat | head -1 | jq -c '[.req, .res.model, (.res.usage | .input, .output), .usage.input]')" \
	"[{\"input\":\"number 1 of them\",\"model\":\"$M\"},\"$M\",4,0,4]" "what is recorded"
body='{"body":{"input":"number 1 of them"},"dialect":"embeddings","endpoint":"mock","model":"'$M'","sample":0}'
is "$key" "$(printf %s "$body" | b2sum -l 128 | cut -d' ' -f1)" "the key is a hash of what was asked"
em --refresh --errors e <(head -3 in)
is "$status $(bf-ledger cat | wc -l)" "0 103" "--refresh asks anew"
run bf-embed -m $M --no-ledger --base-url "$OPENAI_BASE_URL" -q three
is "$status $(vectors out)" "0 $(cat base64)" "--no-ledger"

done_testing
