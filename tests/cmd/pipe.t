#!/bin/bash
# The pipe of the README: what the first run pays for, the second has.
. "$(dirname "$0")/../lib.sh"

cp "$TESTS/../share/examples/stories.md" .

pipe() {
	bf-read --as lines stories.md | bf-shuffle -s 42 | bf-take -n 3 |
		bf-prompt -m gpt-4o-mini@openai 'Rewrite the passage from "{directory}" titled "{keyword}" as a four-line English poem.' |
		bf-llm | bf-extract | bf-save --fields keyword,text,directory poems/poems.jsonl
}
export -f pipe
mkdir poems

run bf-mock --log calls.log -- bash -c 'set -o pipefail; pipe'
is "$status" 0 "the first run succeeds"
is "$(wc -l <calls.log)" 3 "and makes three calls"
is "$(wc -l <poems/poems.jsonl)" 3 "for three entries"
is "$(jq -r 'keys_unsorted | join(" ")' poems/poems.jsonl | sort -u)" "keyword text directory" \
	"that hold the fields asked for, in that order"
is "$(jq -r 'select(.directory != "Greek Mythology Stories" or (.keyword as $k | .text | contains($k) | not)) | .keyword' \
	poems/poems.jsonl 2>&1)" "" "each answered for its own keyword and heading"
cp -p poems/poems.jsonl first.jsonl
touch -d '2001-01-01 00:00:00' poems/poems.jsonl

run bf-mock --log again.log -- bash -c 'set -o pipefail; pipe'
is "$status" 0 "the second run succeeds"
is "$(cat again.log 2>/dev/null | wc -l)" 0 "and makes no call"
same first.jsonl poems/poems.jsonl "its output is byte for byte the first's"
is "$(stat -c %Y poems/poems.jsonl)" "$(date -d '2001-01-01 00:00:00' +%s)" \
	"and the unchanged file was left alone"

# Everything that another tool wants of the ledger: ordinary zstd, ordinary JSON.
is "$(zstdcat .bf/ledger/*.zst | jq -r .s | sort | uniq -c | tr -s ' ')" " 3 ok" \
	"zstdcat and jq read the ledger"
is "$(stat -c %a .bf/ledger .bf/ledger/*.zst | tr '\n' ' ')" "700 600 " "which nobody else may read"

done_testing
