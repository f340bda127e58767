#!/bin/bash
# Memory does not grow with the input: of many times as many entries no command
# takes more.  bf-shuffle alone holds them all.  BF_SOAK=1: 10,000,000 of them.
. "$(dirname "$0")/../lib.sh"

if [ -n "${BF_VALGRIND:-}" ] || nm -D "$BUILD/bf-take" 2>/dev/null | grep -q __asan_init; then
	skip_all "what watches memory takes memory"
fi
few=10000
many=150000
[ -z "${BF_SOAK:-}" ] || many=10000000
slack=1024 # KiB

entries() {
	seq "$1" | sed 's/.*/{"id":"&","directory":"d","keyword":"k &","text":"some text \\u00e9 &"}/'
}
requests() {
	seq "$1" | sed 's/.*/{"id":"&","prompt":"the same for all"}/'
}
answers() {
	seq "$1" | sed 's/.*/{"id":"&","response":{"text":"```json\\n{\\"n\\":&}\\n```","finish_reason":"stop"}}/'
}
lists() {
	seq "$1" | sed 's/.*/{"id":"&","list":[&,"some text",{"n":&}]}/'
}
children() {
	seq "$1" | awk '{ n = NR - 1; printf "{\"parent\":%d,\"index\":%d,\"count\":10,\"list\":\"some text %s\"}\n", n / 10, 9 - n % 10, $1 }'
}
array() {
	seq "$1" | sed 's/.*/{"id":"&","text":"some text \\u00e9 &"},/; 1s/^/[/; $s/,$/]/'
}
table() {
	seq "$1" | sed 's/.*/&,"some ""text"" \xc3\xa9 &"/; 1s/^/id,text\n/'
}
vectors() {
	seq "$1" | sed 's/.*/{"id":&,"embedding":[&,1,2,3]}/'
}
markdown() {
	seq "$1" | sed 's/.*/line & of a text/; s/^line [0-9]*00 .*/# &/'
}

peak() { "$BUILD/tests/peak" "$@"; }
# no_more KIB KIB SLACK WHAT: the second is no more than the first
no_more() {
	[ "${1%%[!0-9]*}" ] && [ "${2%%[!0-9]*}" ] && [ "$2" -le $(($1 + $3)) ]
	ok $? "$4 ($1 KiB, $2 KiB)"
}
# flat KIND COMMAND...
flat() {
	local kind=$1 a b
	shift
	a=$("$kind" "$few" | peak "$@")
	b=$("$kind" "$many" | peak "$@")
	no_more "$a" "$b" "$slack" "$*: $few and $many $kind"
}

flat entries bf-read -f jsonl
flat array bf-read -f json
flat table bf-read -f csv
flat entries bf-take --every 2
flat entries bf-take -p 0.5
flat entries bf-take --shard 1/2
flat entries bf-prompt -m m 'Retell {text}: {keyword}'
flat entries bf-prompt -m m --samples 2 '{text}'
printf '{"text":"t","answer":"a"}\n' >shots
flat entries bf-prompt -m m --examples shots --history talk --as Ada '{text}'
flat entries bf-save -q saved.jsonl
flat entries bf-save -q saved.csv
flat entries bf-save -q --tee saved.md
flat entries bf-print
flat entries bf-chunk --size 3 --overlap 1
flat answers bf-extract
flat answers bf-extract --json
flat answers bf-extract --to-history talk --as Ada
flat answers bf-extract --regex '([0-9]+)'
echo '{"type":"object","properties":{"n":{"type":"integer"}}}' >schema
flat answers bash -c 'exec bf-check -q --schema schema 3>/dev/null'
flat lists bf-explode list
flat children bf-collect list
flat entries bf-exec -q --no-ledger --server cat
echo '{}' | bf-human -q --show none --export todo >/dev/null
sed 's/""}$/"yes"}/' todo >human
flat entries bf-human -q --no-ledger --show none --import human
echo 7 >keys
flat entries bf-join --exclude keys --with <(echo '{"id":"7","x":1}')
echo '{"id":1,"embedding":[1,2,3,4]}' >corpus
flat vectors bf-near -j 1 --queries - corpus
flat vectors bf-near -j 1 -q --dedupe -1
flat entries bf-if -m 1M '.id | length > 3' cat cat
flat entries bf-if -m 1M --unordered '.id | length > 3' cat
flat entries bf-loop -n 2 cat
serve
flat entries bf-embed -q -m m -j 1 --per-request 200 --dimensions 2 --no-ledger
stop

# One call, and all others as it was answered.
a=$(requests $few | bf-mock -- "$BUILD/tests/peak" bf-llm -q -m m -l few)
b=$(requests $many | bf-mock -- "$BUILD/tests/peak" bf-llm -q -m m -l many)
no_more "$a" "$b" "$slack" "bf-llm, one request for all: $few and $many entries"

serve
url=${OPENAI_BASE_URL%/v1}/_stats
no_more "$(requests $few | peak bf-http -q -l few "$url")" "$(requests $many | peak bf-http -q -l many "$url")" "$slack" "bf-http, one request for all"
stop

# Again from the ledger, which is larger than what is held of it: 8 MiB of the index.
if [ -n "${BF_SOAK:-}" ]; then
	a=50000 b=500000
	words=$(seq -s " " 150)
	seq $b | sed 's/.*/{"id":"&","prompt":"entry & '"$words"'"}/' >in
	bf-mock -- bf-llm -q -m m -l again -j 500 in >out
	is "$(wc -l <out)" $b "a ledger of $b answers"
	run_rerun() { head -n "$1" in | bf-mock -- "$BUILD/tests/peak" bf-llm -q -m m -l again --cached-only; }
	no_more "$(run_rerun $a)" "$(run_rerun $b)" $((8 * slack)) "bf-llm again: $a and $b entries"
	shuf --random-source=in in >mixed && mv mixed in
	no_more "$(run_rerun $a)" "$(run_rerun $b)" $((8 * slack)) "bf-llm again, shuffled: $a and $b entries"
fi

done_testing
