#!/bin/bash
# bf-llm: what is asked, what is called, what comes out.
# shellcheck disable=SC2016 # $ of sh -c scripts
. "$(dirname "$0")/../lib.sh"

# llm ARG...: bf-llm beside a fresh mock; its output in out and err, the calls
# that the mock got in calls.log, the status in $status
llm() {
	run timeout 60 bf-mock -q --log calls.log "${MOCK[@]}" -- bf-llm "$@"
}
MOCK=()

calls() { grep -c . calls.log; }
fresh() { rm -rf .bf L calls.log; }

# entries FROM TO
entries() {
	local i
	for ((i = $1; i <= $2; i++)); do
		printf '{"id":%d,"request":{"model":"m@openai","messages":[{"role":"user","content":"number %d"}]}}\n' "$i" "$i"
	done
}

# ---- what an entry asks ----

cat >forms.jsonl <<'END'
{"id":1,"request":{"model":"a@openai","messages":[{"role":"user","content":"one"}]}}
{"id":2,"messages":[{"role":"system","content":"s"},{"role":"user","content":"two"}]}
{"id":3,"prompt":"thr\u00e9e"}
{"custom_id":"4","method":"POST","url":"/v1/chat/completions","body":{"model":"b","messages":[{"role":"user","content":"four"}]}}
END
fresh
llm -m dflt forms.jsonl
is "$status" 0 "requests, messages, prompts and batch lines are asked"
is "$(jq -r '.response | .text + " " + .model' out | tr '\n' ,)" "one a,two dflt,thrée dflt,four b," \
	"each gets its answer from the model that it names, else from that of -m"
is "$(jq -c 'del(.response)' out)" "$(jq -c . forms.jsonl)" "the other fields stay"
is "$(head -n 1 calls.log | jq -r '.body.model')" a "the provider is no part of the name that is sent"

cat >bad.jsonl <<'END'
{"id":1}
{"id":2,"request":"text"}
{"id":3,"request":{"messages":[{"role":"user","content":"x"}]}}
{"id":4,"request":{"model":"m@nobody","messages":[{"role":"user","content":"x"}]}}
{"id":5,"request":{"model":"m"}}
{"id":6,"request":{"model":"m","n":2,"messages":[{"role":"user","content":"x"}]}}
{"id":7,"custom_id":"7","url":"/v1/embeddings","body":{}}
{"id":8,"request":{"model":"m","messages":[{"role":"user","content":"good"}]}}
END
fresh
llm --errors e bad.jsonl
is "$status $(jq -c .id out)" "1 8" "an entry that asks nothing fails, the others are answered"
is "$(jq -c '[.id, .error.class]' e | tr -d '\n')" \
	'[1,"bad_request"][2,"bad_request"][3,"bad_request"][4,"bad_request"][5,"bad_request"][6,"bad_request"][7,"bad_request"]' \
	"those that fail are in the errors file, in their order"
like "$(sed -n 3p e)" '*"no model: *-m MODEL*' "a missing model is named"
like "$(sed -n 4p e)" '*unknown provider*nobody*' "an unknown provider is named"
llm bad.jsonl
like "$(cat err)" '*bad.jsonl:1: bad_request: nothing to ask*bad.jsonl:7: bad_request:*' \
	"without an errors file each is told with its place"

# ---- the entry around the answer ----

fresh
cat >splice.jsonl <<'END'
{ "n" : 12345678901234567890, "x":1.0 ,"response":"old","e":1e400,"prompt":"p", "error":{"class":"x"}, "u":"\u00e9\/" }
END
llm -q -m m splice.jsonl
is "$(sed 's/"response":{[^}]*}[^}]*}/RESPONSE/' out)" \
	'{ "n" : 12345678901234567890, "x":1.0 ,RESPONSE,"e":1e400,"prompt":"p", "u":"\u00e9\/" }' \
	"the answer takes the place of a former one, a former error goes, each other byte stays"
is "$(jq -c '.response | keys_unsorted' out)" '["text","model","finish_reason","usage"]' \
	"the response's members have their order"
printf '{"prompt":"a"}' >nonl.jsonl
printf '\357\273\277{"prompt":"b"}\r\n\n\n{"prompt":"x\342\200\250y"}\n' >crlf.jsonl
llm -q -m m nonl.jsonl crlf.jsonl
is "$status $(jq -r .response.text out | tr '\n' ,)" "0 a,b,x$(printf '\342\200\250')y," \
	"a missing last newline, a byte order mark, CRLF, blank lines, U+2028 in a string"

# ---- the ledger ----

fresh
entries 1 20 >in
llm -j 4 in
cp out first
is "$status $(calls)" "0 20" "each entry is a call"
like "$(cat err)" 'bf-llm: 20 entries: 20 answers (20 calls, 0 from the ledger), 0 failed; *' "the summary counts calls"
llm -j 4 in
is "$status $(calls)" "0 0" "a rerun calls nothing"
same first out "and gives the same bytes"
like "$(cat err)" '*20 answers (0 calls, 20 from the ledger)*; 0 tokens in, 0 out*' "and spends no tokens"
env -u OPENAI_API_KEY -u OPENAI_BASE_URL bf-llm -q in >/dev/null 2>err
is $? 2 "another endpoint's answers do not serve"
like "$(cat err)" '*OPENAI_API_KEY*' "and calling it needs a key, whose variable is named"
BF_ENDPOINT=mock OPENAI_API_KEY=x bf-llm -q --base-url http://127.0.0.1:1/v1 in >out
same first out "a server that moved keeps its answers, by the endpoint's name"
BF_ENDPOINT=mock timeout 60 bf-llm -q --base-url http://127.0.0.1:1/v1 --connect-timeout 1s --attempts 1 <in >out 2>err
same first out "from standard input too, without a key"

(entries 21 21; cat in) >more
llm more
is "$(calls)" 1 "a line in front makes one new call"
head -n 3 in >less
llm less
is "$(calls) $(wc -l <out)" "0 3" "less input, less output"
tac in >back
llm back
is "$(calls)" 0 "the order of entries makes no difference"
jq -c '{extra: 1} + . + {request: (.request | to_entries | reverse | from_entries)}' in |
	sed 's/number/n\\u0075mber/; s/:/ : /' >styled
llm styled
is "$(calls)" 0 "nor do the members' order, white space, other fields, the style of escapes"
is "$(jq -c .extra out | sort -u)" 1 "and the entry's fresh fields are kept"

base='{"model":"m","messages":[{"role":"user","content":"p"}],"temperature":0}'
i=0
echo "{\"request\":$base}" >flip
for edit in '.model="m2"' '.messages[0].content="q"' '.temperature=1' '.temperature=0.0' \
	'.max_tokens=5' '.seed=1' '.tools=[]' '.messages|=[{role:"system",content:"s"}]+.' \
	'.response_format={type:"json_object"}' '.messages[0].role="developer"' '.anything=null'; do
	echo "$base" | jq -c "$edit" | sed 's/^/{"request":/; s/$/}/' >>flip
	i=$((i + 1))
done
sed -i 's/"temperature":0.0/"temperature":0.00/' flip
fresh
llm -q flip
n=$(sort -u flip | grep -c .)
is "$status $(calls)" "0 $n" "whatever of the request is changed makes another call"
echo "$base" | jq -c '. + {stream: true, user: "u", metadata: {a: "b"}, store: true}' |
	sed 's/^/{"request":/; s/$/}/' >carried
llm -q carried
is "$(calls)" 0 "but for what only says how it is carried"

fresh
for i in 1 2 3 4; do echo "{\"i\":$i,\"prompt\":\"same\"}"; done >dup
llm -m m dup
is "$(calls) $(jq -c .i out | tr '\n' ,)" "1 1,2,3,4," "four identical requests: one call, four entries"
fresh
llm -m m --no-ledger dup
is "$(calls) $(wc -l <out) $([ -e .bf ] || echo 0)" "1 4 0" "without a ledger too, and then none is made"
for i in 0 1 2; do echo "{\"prompt\":\"same\",\"sample\":$i}"; done >samples
fresh
llm -m m samples
is "$(calls)" 3 "each sample is a call"
echo '{"prompt":"same","sample":3}' >>samples
llm -m m samples
is "$(calls)" 1 "and raising their number pays for the new one alone"
echo '{"prompt":"same"}' >one
llm -m m one
is "$(calls)" 0 "no sample is sample 0"

# The key can be checked by hand.
fresh
echo '{"request":{"model":"m@openai","temperature":0,"messages":[{"role":"user","content":"hi"}]}}' >one
llm -l L one
want=$(printf %s '{"body":{"messages":[{"content":"hi","role":"user"}],"temperature":0},"dialect":"openai-chat","endpoint":"mock","model":"m","sample":0}' |
	b2sum -l 128 | cut -d ' ' -f 1)
is "$(zstdcat L/*.zst | jq -r .k)" "$want" "the completion key is what b2sum prints for the canonical form"
is "$(zstdcat L/*.zst | jq -c '[.s, .req.temperature, .res.object]')" '["ok",0,"chat.completion"]' \
	"the ledger has the request and the raw answer"
BF_LEDGER=L llm one
is "$(calls)" 0 "BF_LEDGER names the ledger"

# ---- the order ----

fresh
entries 1 200 >in
MOCK=(--latency 1ms-20ms)
llm -q -j 50 in
is "$(jq .id out | tr '\n' ,)" "$(seq -s, 1 200)," "the order is the input's"
fresh
llm -q -j 50 --window 1 in
is "$(jq .id out | tr '\n' ,)" "$(seq -s, 1 200)," "with the smallest window too"
fresh
llm -q -j 50 --unordered in
is "$(jq .id out | sort -n | tr '\n' ,)" "$(seq -s, 1 200)," "--unordered: all of them"
jq -e '.response.text == "number \(.id)"' out | sort -u >joined
is "$(cat joined)" true "each with its own answer"
MOCK=()

# A head of the line that never comes holds up no other call.
fresh
MOCK=(--hang 1)
entries 1 30 >in
llm -q -j 2 --timeout 2s --attempts 1 --errors e in
is "$status $(calls) $(wc -l <out) $(jq -c .error.class e)" '1 30 29 "timeout"' \
	"one call that hangs: it times out, all others are answered meanwhile"
MOCK=()

# Entries go out as they are answered, while the input is still open.
fresh
mkfifo tap
timeout 60 bf-mock -q -- bf-llm -q -m m <tap >flow &
exec 9>tap
echo '{"prompt":"first"}' >&9
for _ in $(seq 500); do [ -s flow ] && break; sleep 0.02; done
is "$(jq -r .response.text flow)" first "an entry is answered while the next is not there yet"
echo '{"prompt":"second"}' >&9
exec 9>&-
wait $!
is "$? $(jq -r .response.text flow | tail -n 1)" "0 second" "and the run ends with the input"

# ---- surrogates ----

fresh
printf '%s\n' '{"prompt":"a\ud800b"}' '{"prompt":"\udc00"}' >in
llm -m m in
is "$(jq -c '.body.messages[0].content' calls.log | sort | tr -d '\n')" '"a�b""�"' "a lone surrogate is sent as U+FFFD"
like "$(cat err)" '*lone surrogates*2 lone surrogates in 2 requests were replaced*' "with a warning and a count"

# ---- keys ----

fresh
entries 1 3 >in
canary=sk-canary-7f3a9
MOCK=(--require-key $canary)
llm -v in
is "$status" 0 "the key comes from OPENAI_API_KEY"
zstdcat .bf/ledger/*.zst >plain
! grep -r "$canary" out err .bf calls.log plain >/dev/null
ok $? "it is in no output, message or ledger"
want=$(printf %s $canary | b2sum -l 128 | cut -d ' ' -f 1)
is "$(jq -r .key calls.log | sort -u)" "$want" "and in the Authorization header"
fresh
(umask 077 && echo $canary >key)
OPENAI_API_KEY='' llm --key-file key in
is "$status $(grep -c 'others may read' err)" "0 0" "--key-file"
chmod 644 key
llm --key-file key in
is "$(grep -c 'others may read this key' err)" 1 "a key file that others may read is warned of"
MOCK=()
printf 'a\nb\n' >twolines
llm --key-file twolines in
is "$status $(grep -c 'twolines holds' err)" "2 1" "a key with a newline in it is refused"
OPENAI_API_KEY=$(printf 'k\ney') bf-llm --base-url http://127.0.0.1:1/v1 in >out 2>err
is "$? $(grep -c 'key in OPENAI_API_KEY' err)" "2 1" "in the environment too"
fresh
timeout 60 bf-mock -q --log calls.log -- env -u OPENAI_API_KEY bf-llm -q in >out
is "$? $(jq -c .key calls.log | sort -u)" "0 null" "another server gets no header where there is no key"

run bf-mock -- bash -c 'head -n 1 in | bf-llm --no-ledger'
like "$(cat err)" 'bf-llm: 1 entry: 1 answer (1 call, 0 from the ledger), 0 failed; *' "one is one"

# ---- a record that an index leads to and that cannot be read back ----

seq 9000 | jq -c '{n: ., prompt: ("\(.) " * 200)}' >many.jsonl
llm -q -m m -j 50 many.jsonl
cp out first
[ -e "$(ls .bf/ledger/*.idx)" ]
ok $? "a ledger with an index"
segment=$(ls .bf/ledger/*.zst)
printf XYZXYZ | dd of="$segment" bs=1 seek=$(($(stat -c %s "$segment") / 2)) conv=notrunc 2>/dev/null
cp -r .bf damaged
llm -m m -j 50 many.jsonl
is "$status" 0 "one that is damaged stops nothing"
same first out "and changes no answer"
made=$(calls)
[ "$made" -ge 1 ] && [ "$made" -lt 1000 ]
ok $? "what was in the damaged frame is asked for again, and nothing else ($made calls)"
like "$(cat err)" '*.jsonl.zst: byte *bf-ledger repair*' "the place is named, and what to do"
llm -m m many.jsonl
is "$status $(calls)" "0 0" "and is there from then on"
rm -rf .bf
mv damaged .bf
llm -m m --cached-only many.jsonl
is "$status $(grep -c ': not_cached: ' err)" "1 $made" "with --cached-only it is an entry without an answer"

done_testing
