#!/bin/bash
# bf-llm: --refresh, --redo, --cached-only.
. "$(dirname "$0")/../lib.sh"

MOCK=()
llm() { run timeout 60 bf-mock -q --log calls.log "${MOCK[@]}" -- bf-llm "$@"; }
calls() { grep -c . calls.log; }
texts() { jq -r .response.text out | tr '\n' ,; }
for i in 1 2 3 4; do echo "{\"id\":$i,\"prompt\":\"p$i\"}"; done >four
(cat four; echo '{"id":5,"prompt":"p1"}') >five

# ---- refresh ----

MOCK=(--reply old)
llm -m m four
is "$status $(calls) $(texts)" "0 4 old,old,old,old," "answers to begin with"
MOCK=(--reply new)
llm -m m four
is "$(calls) $(texts)" "0 old,old,old,old," "they serve"
llm -m m --refresh five
is "$status $(calls) $(texts)" "0 4 new,new,new,new,new," "--refresh: all is asked anew, and the same request once"
llm -m m five
is "$(calls) $(texts)" "0 new,new,new,new,new," "the new answers are those that serve"
MOCK=(--reply '{n}')
llm -m m -j 1 --refresh five
is "$(calls) $(jq -r '[.id, .response.text] | @csv' out | tail -n 1 | tr -d '"')" "4 5,$(jq -r 'select(.id == 1).response.text' out)" \
	"a request that comes again later in the run is not asked again"
llm -m m --refresh --max-calls 2 four
is "$status $(calls) $(jq -c '.incomplete.status // empty' out)" "75 2 75" "a budget holds"
MOCK=(--status 400:1)
llm -m m --refresh four
is "$status $(calls) $(wc -l <out)" "1 4 0" "where asking anew fails, the entry fails"
MOCK=()
llm -m m four
is "$status $(calls) $(wc -l <out)" "0 0 4" "and the answer that was there still serves without --refresh"
(zstdcat .bf/ledger/*.zst | jq -r 'select(.s == "ok").k' | sort | uniq -c | awk '{ print ($1 >= 3) }' | sort -u) >kept
is "$(cat kept)" 1 "former answers stay in the ledger's history"

# Many keys, so that the set of them grows.
rm -rf .bf
seq 1000 | jq -c '{id: ., prompt: "number \(.)"}' >many
cat many many >twice
llm -m m -j 50 many
llm -m m -j 50 --refresh twice
is "$status $(calls) $(wc -l <out)" "0 1000 2000" "--refresh of a thousand, each twice: a thousand calls"

# ---- redo ----

rm -rf .bf
cat >replies <<'END'
{"match":"p1","reply":"one"}
{"match":"p2","reply":"two","finish_reason":"length"}
{"match":"p3","reply":{"role":"assistant","content":null,"refusal":"I will not"}}
{"match":"p4","reply":"four"}
END
MOCK=(--replies replies)
llm -m m --accept length,refusal five
is "$status $(calls) $(texts)" "0 4 one,two,I will not,four,one," "one is cut, one is refused"
MOCK=(--reply again)
llm -m m --accept length,refusal --redo finish_reason=tool_calls five
is "$(calls)" 0 "--redo of what is not there sends nothing"
llm -m m --accept length,refusal --redo finish_reason=length five
is "$status $(calls) $(texts)" "0 1 one,again,I will not,four,one," "--redo finish_reason=length asks for the cut one"
llm -m m --accept length,refusal --redo finish_reason=length five
is "$(calls) $(texts)" "0 one,again,I will not,four,one," "once: its new answer is not cut"
llm -m m --accept length,refusal --redo finish_reason=length --redo refusal=true five
is "$(calls) $(texts)" "1 one,again,again,four,one," "--redo refusal=true, beside another"
llm -m m --redo model=x five
is "$(calls)" 0 "--redo model=x: no answer is of x"
MOCK=(--reply 'cut {n}' --finish-reason length)
llm -m m --accept length -j 1 --redo model=m five
is "$(calls) $(jq -r 'select(.id == 5 or .id == 1).response.text' out | sort -u | wc -l)" "4 1" \
	"--redo model=m asks for each once, though the new answer has that model too"
llm -m m --redo finish_reason=length four
is "$status $(calls) $(wc -l <out)" "1 4 0" "an answer that is cut again fails its entry as ever"

# ---- cached only ----

rm -rf .bf calls.log
run env -u OPENAI_API_KEY bf-llm -m m --cached-only four
is "$status $(wc -l <out) $(grep -c 'four:[1-4]: not_cached: ' err)" "1 0 4" "--cached-only: what is not there fails"
is "$([ -e .bf ] && echo made)" "" "no ledger is made"
MOCK=()
head -n 2 four >half
llm -m m --endpoint api half
run env -u OPENAI_API_KEY bf-llm -m m --endpoint api --base-url http://127.0.0.1:9/v1 --cached-only --errors e five
is "$status $(jq -c .id out | tr '\n' ,) $(jq -c '[.id, .error.class, (.error | keys)]' e | tr '\n' ' ')" \
	'1 1,2,5, [3,"not_cached",["class","message"]] [4,"not_cached",["class","message"]] ' \
	"what is there comes in its place, the others go to the errors file"
llm -m m --endpoint api e
is "$status $(calls) $(jq -c .id out | tr '\n' ,)" "0 2 3,4," "which is good for a run that sends"
run bf-llm -m m --endpoint api --base-url http://127.0.0.1:9/v1 --cached-only four
is "$status $(wc -l <out)" "0 4" "where all is there the status is 0"
like "$(cat err)" "*4 answers (0 calls, 4 from the ledger), 0 failed*" "and the summary says so"
if command -v strace >/dev/null && strace -o trace true 2>/dev/null; then
	strace -f -o trace bf-llm -m m --endpoint api --base-url http://127.0.0.1:9/v1 --cached-only five >out 2>err
	is "$(grep -c 'libcurl\|socket(\|O_CREAT' trace)" 0 "no library for transfers is loaded, no socket, no file made"
fi
(tail -n 1 four; head -n 1 four; echo '{"id":9}') >mixed
run bf-llm -m m --endpoint api --base-url http://127.0.0.1:9/v1 --cached-only --unordered mixed
is "$status $(wc -l <out) $(grep -c bad_request err)" "1 2 1" "an entry that asks nothing fails as ever"

# ---- what does not go together ----

for wrong in "--refresh --no-ledger" "--redo model=m --no-ledger" "--cached-only --no-ledger" "--cached-only --refresh" \
	"--cached-only --redo model=m" "--refresh --redo model=m" "--redo model" "--redo text=x" "--redo =x" "--redo class=x"; do
	# shellcheck disable=SC2086
	run bf-llm -m m $wrong four
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "$wrong: one line, status 2"
done
run bf-llm --redo class=x four
like "$(cat err)" '*finish_reason, model and refusal, not "class"*' "the fields that are known are named"

done_testing
