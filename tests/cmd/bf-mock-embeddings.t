#!/bin/bash
# bf-mock's embeddings: of OpenAI, and of Gemini one by one and in batches.
. "$(dirname "$0")/../lib.sh"

# post PATH BODY: the answer in out, its status in $code
post() { code=$(curl -s -o out -w '%{http_code}' -H 'x-goog-api-key: k' -d "$2" "${OPENAI_BASE_URL%/v1}$1"); }
embed() { post /v1/embeddings "$1"; }
batch() { post /v1beta/models/g:batchEmbedContents "$1"; }
# near A B: the product of two vectors of out, rounded
near() { jq -c ".data | [.[$1].embedding, .[$2].embedding] | transpose | map(.[0] * .[1]) | add * 1000 | round / 1000" out; }

serve --price 0.02,0 --log log
embed '{"model":"m","input":["the cat sat","THE CAT, sat!","the cat lay","no word in common","caf\u00e9 \"q\"\n"]}'
is "$code $(jq -c '[.object, .model, (.data | length), (.data | map(.index)), (.data | map(.embedding | length) | unique), .usage]' out)" \
	'200 ["list","m",5,[0,1,2,3,4],[64],{"prompt_tokens":18,"total_tokens":18}]' "a vector each, and what was used"
is "$(jq -c '.data[].embedding | map(. * .) | add * 1e6 | round' out | uniq)" 1000000 "of length 1"
is "$(near 0 1)" 1 "the same words are the same vector"
ok "$(jq -n "$(near 0 2) > 0.4 and $(near 0 3) < 0.4" | grep -cv true)" "words in common make them near"
cp out five
embed '{"model":"m","input":"caf\u00e9 \"q\"\n"}'
is "$(jq -c .data[0].embedding out)" "$(jq -c .data[4].embedding five)" "the same text, the same vector, alone or not"
embed '{"model":"m","input":["the cat sat"],"encoding_format":"base64","dimensions":3}'
is "$(jq -r .data[0].embedding out | base64 -d | od -An -f | tr -s ' ')" "$(embed '{"model":"m","input":["the cat sat"],"dimensions":3}'; jq -r '.data[0].embedding[]' out | python3 -c '
import struct, sys
sys.stdout.buffer.write(b"".join(struct.pack("<f", float(x)) for x in sys.stdin))' | od -An -f | tr -s ' ')" "base64 has the same numbers"
is "$(stat_of '[.answered, .input_tokens, .output_tokens, .billed_usd]' | jq -c .)" '[4,27,0,5.4e-07]' "they are billed"
is "$(tail -1 log | jq -c '[.path, .status, .body.input]')" '["/v1/embeddings",200,["the cat sat"]]' "and logged"

# ---- what is refused ----
for bad in '{"input":"x"}' '{"model":"m"}' '{"model":"m","input":[]}' '{"model":"m","input":""}' '{"model":"m","input":["a",""]}' \
	'{"model":"m","input":[1]}' '{"model":"m","input":"a","dimensions":0}' '{"model":"m","input":"a","dimensions":4097}' \
	'{"model":"m","input":"a","encoding_format":"hex"}' '{"model":"m","input":"a","n":1}' '[]' '{'; do
	embed "$bad"
	is "$code $(jq -r .error.type out)" "400 invalid_request_error" "$bad"
done
jq -n '{model: "m", input: [range(2048) | "a"]}' >most
embed @most
is "$code $(jq '.data | length' out)" "200 2048" "2048 inputs"
jq -c '.input += ["a"]' most >more
embed @more
like "$code $(jq -r .error.message out)" "400 input: *2048*" "no more"
jq -n '{model: "m", input: ["b", "a" * 32768]}' >most
embed @most
is "$code" 200 "8192 tokens an input"
jq -c '.input[1] += "a"' most >more
embed @more
like "$code $(jq -r '.error | .code, .message' out | tr '\n' ' ')" "400 context_length_exceeded input?1?: 8193 *" "no more"
jq -n '{model: "m", input: [range(37) | "a" * 32768]}' >more
embed @more
is "$code $(jq -r '.error.code' out)" "400 max_tokens_per_request" "nor 300,000 in all"
stop

# ---- faults and prepared errors ----
echo '{"match":"poison","reply":"cannot take this","status":422}' >replies
serve --replies replies --fail-first 1:429 --retry-after 0
embed '{"model":"m","input":["some poison"]}'
is $code 429 "faults hold for embeddings"
embed '{"model":"m","input":["some poison"]}'
is "$code $(jq -r .error.message out)" "422 cannot take this" "as does an error that is prepared for a text"
embed '{"model":"m","input":["good","bad"]}'
embed '{"model":"m","input":["good","bad"]}'
is "$code $(jq '.data | length' out)" "200 2" "of other replies there is no use"
stop
for f in empty-choices null-content; do
	serve --fault $f:1
	embed '{"model":"m","input":"a"}'
	is "$code $(jq -c '[.data[]?.embedding]' out)" "200 $([ $f = null-content ] && echo '[null]' || echo '[]')" "$f"
	stop
done

# ---- Gemini ----
serve
batch '{"requests":[{"model":"models/g","content":{"parts":[{"text":"the cat"},{"text":" sat"}]},"outputDimensionality":64,"taskType":"RETRIEVAL_QUERY"},{"model":"models/g","content":{"parts":[{"text":"b"}]},"outputDimensionality":2}]}'
is "$code $(jq -c '[keys, (.embeddings | map(.values | length))]' out)" '200 [["embeddings"],[64,2]]' "in batches"
is "$(jq -c .embeddings[0].values out)" "$(jq -c .data[0].embedding five)" "the same vectors"
post /v1beta/models/g:embedContent '{"content":{"parts":[{"text":"the cat sat"}]}}'
is "$code $(jq -c .embedding.values out)" "200 $(jq -c .data[0].embedding five)" "and one by one"
part='"content":{"parts":[{"text":"a"}]}'
for bad in '{}' '{"requests":[]}' "{\"requests\":[{$part}]}" "{\"requests\":[{\"model\":\"models/h\",$part}]}" \
	'{"requests":[{"model":"models/g","content":{"parts":[{"text":""}]}}]}' '{"requests":[{"model":"models/g"}]}' \
	"{\"requests\":[{\"model\":\"models/g\",$part,\"x\":1}]}" "{\"requests\":[{\"model\":\"models/g\",$part,\"outputDimensionality\":0}]}"; do
	batch "$bad"
	is "$code $(jq -r .error.status out)" "400 INVALID_ARGUMENT" "$bad"
done
jq -n '{requests: [range(101) | {model: "models/g", content: {parts: [{text: "a"}]}}]}' >more
batch @more
is $code 400 "100 requests at most"
jq -c 'del(.requests[0])' more >most
batch @most
is "$code $(jq '.embeddings | length' out)" "200 100" "and these are taken"
code=$(curl -s -o out -w '%{http_code}' -d @most "${OPENAI_BASE_URL%/v1}/v1beta/models/g:batchEmbedContents")
is $code 403 "with a key"

done_testing
