#!/bin/bash
# What a parent may do to the standard streams: closed, full, gone early.
. "$(dirname "$0")/../lib.sh"

seq 200 | jq -c '{n: ., text: "entry \(.)", list: [.], response: {text: "answer \(.)"}}' >entries.jsonl
bf-explode list entries.jsonl >children.jsonl
bf-prompt -m gpt-4o-mini 'Say {text}.' entries.jsonl >requests.jsonl

jq -c '.response.text = "{\"n\":\(.n)}"' entries.jsonl >answers.jsonl
jq -c '{n, v: [.n, 1]}' entries.jsonl >vectors.jsonl
echo '{"type":"object"}' >good.schema

bf-human -q --show n --export todo.jsonl entries.jsonl >/dev/null
jq -c '.answer = "yes"' todo.jsonl >human.jsonl

serve --log calls.log --latency 2ms
calls() { cat calls.log 2>/dev/null | wc -l; }

filters=(
	'bf-read --as lines entries.jsonl'
	'bf-take -n 100 entries.jsonl'
	'bf-shuffle entries.jsonl'
	'bf-prompt hello entries.jsonl'
	'bf-extract entries.jsonl'
	'bf-chunk entries.jsonl'
	'bf-check --schema good.schema answers.jsonl 3>/dev/null'
	'bf-explode list entries.jsonl'
	'bf-collect list children.jsonl'
	'bf-vote text entries.jsonl --by n'
	'bf-join --exclude /dev/null entries.jsonl'
	'bf-near --self --field v --id n vectors.jsonl'
	'bf-near --dedupe 1 --field v vectors.jsonl'
	'bf-near --queries vectors.jsonl --field v --id n vectors.jsonl'
	'bf-if .n cat <entries.jsonl'
	'bf-if --unordered .n cat <entries.jsonl'
	'bf-loop -n 2 cat entries.jsonl'
	'bf-print text <entries.jsonl'
	'bf-save - <entries.jsonl'
	'bf-llm requests.jsonl'
	'bf-exec cat <entries.jsonl'
	'bf-embed -m m --dimensions 2 entries.jsonl'
	'bf-http --attempts 1 "$OPENAI_BASE_URL/../_stats" entries.jsonl'
	'bf-human --show n --import human.jsonl entries.jsonl'
)
for cmd in "${filters[@]}"; do
	name=${cmd%% *}
	run bash -c "$cmd >/dev/full"
	is "$status" 2 "$name >/dev/full: status 2"
	like "$(cat err)" "*$name: *standard output*No space left on device*" "$name >/dev/full: a message"
	run bash -c "$cmd >&-"
	is "$status" 2 "$name >&-: status 2"
	like "$(cat err)" "*$name: *standard output*" "$name >&-: a message"
	bash -c "trap - PIPE; $cmd | head -n 1 >first; echo \${PIPESTATUS[0]} >status" 2>err
	is "$(wc -l <first)" 1 "$name | head -1: a line"
	case $(cat status) in 0 | 141) ok 0 "$name | head -1: quiet end" ;; *) ok 1 "$name | head -1: status $(cat status)" ;; esac
	grep -qi 'pipe' err
	is $? 1 "$name | head -1: no complaint"
done
# --help is data too.
for cmd in bf-read bf-shuffle bf-take bf-prompt bf-llm bf-extract bf-check bf-chunk bf-explode bf-collect bf-join bf-near bf-vote bf-if bf-loop bf-exec bf-http bf-embed bf-human bf-save bf-print bf-mock; do
	run bash -c "$cmd --help >/dev/full"
	is "$status" 2 "$cmd --help >/dev/full: status 2"
done

# Standard input closed: an error, not an empty input that looks like success.
for cmd in 'bf-take -n 1' bf-shuffle 'bf-prompt hello' bf-extract 'bf-embed -m m' 'bf-check --schema good.schema 3>/dev/null' bf-chunk 'bf-explode list' 'bf-collect list' 'bf-join --exclude /dev/null' 'bf-near --self' 'bf-near --dedupe 1' 'bf-near --queries vectors.jsonl' 'bf-vote text' 'bf-if .n cat' 'bf-loop -n 2 cat' 'bf-exec cat' 'bf-http $OPENAI_BASE_URL/../_stats' 'bf-human --cached-only' bf-print 'bf-save out.jsonl' bf-llm; do
	run bash -c "$cmd <&-"
	is "$status" 2 "${cmd%% *} <&-: status 2"
	like "$(cat err)" "*${cmd%% *}: *stdin*" "${cmd%% *} <&-: a message"
done
[ ! -e out.jsonl ]
ok $? "and bf-save leaves no file"

# All three closed: whatever is opened next must not become one of them.
rm -rf .bf
bash -c 'exec bf-llm requests.jsonl <&- >&- 2>&-'
is $? 2 "bf-llm with all three closed: status 2"
rm -f saved.jsonl
bash -c 'exec bf-save saved.jsonl <&- >&- 2>&-'
is $? 2 "bf-save with all three closed: status 2"
[ ! -e saved.jsonl ]
ok $? "and leaves no file"

# | head -1 on bf-llm: what was answered is in the ledger, no new call is made.
rm -rf .bf
before=$(calls)
bash -c 'bf-llm -j 8 requests.jsonl | head -n 1 >first'
made=$(($(calls) - before))
[ $made -lt 200 ]
ok $? "bf-llm | head -1: stops calling ($made of 200)"
run bf-llm -j 8 requests.jsonl
is "$status" 0 "the rerun finishes"
is "$(($(calls) - before))" 200 "and pays for none of them again"

# /dev/full on bf-llm: what was paid for is in the ledger.
rm -rf .bf
before=$(calls)
bf-llm -j 8 requests.jsonl >/dev/full 2>/dev/null
run bf-llm -j 8 requests.jsonl
is "$(($(calls) - before))" 200 "bf-llm >/dev/full: the rerun pays for nothing again"

# Few descriptors.
rm -rf .bf
run bash -c 'ulimit -n 64; bf-llm -j 1000 requests.jsonl'
case $status in
0)
	is "$(wc -l <out)" 200 "ulimit -n 64 -j 1000: all answers"
	like "$(cat err)" '*-j*' "ulimit -n 64 -j 1000: it says what it did"
	;;
*)
	is "$status" 2 "ulimit -n 64 -j 1000: refused"
	like "$(cat err)" '*ulimit*' "ulimit -n 64 -j 1000: it says what to do"
	;;
esac

done_testing
