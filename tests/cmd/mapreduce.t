#!/bin/bash
# Texts of any length: cut, worked on in parallel, put together, worked on again.
. "$(dirname "$0")/../lib.sh"

mkdir books
cp "$TESTS/data/read/alice29.txt" books/alice.txt
head -c 20000 "$TESTS/data/read/alice29.txt" >books/begin.txt
cp "$TESTS/data/read/blocks.md" books/blocks.md
bf-read books >books.jsonl
is "$(wc -l <books.jsonl)" 3 "three texts"

# What is cut is there again, whatever it was cut by and in which order it came.
for by in chars words lines sentences paragraphs tokens sections; do
	bf-chunk --by $by books.jsonl | bf-collect --join '' text >out
	same books.jsonl out "--by $by, and all of it again"
done
bf-chunk --by paragraphs books.jsonl | bf-chunk --by words --size 20 >nested
bf-shuffle -m 1M nested | bf-collect -m 100K --join '' text | bf-collect --join '' text >out
same <(sort books.jsonl) <(sort out) "chunks of chunks, in no order ($(wc -l <nested))"

# map and reduce
serve --log calls.log --reply 'of {prompt}'
cat >summary.sh <<'E'
bf-chunk --by paragraphs --size 20 books.jsonl |
	bf-prompt -m m 'In one sentence: {text}' | bf-llm -q -l map "$@" | bf-extract |
	bf-collect --join '\n' text >parts.jsonl
bf-prompt -m m 'In one paragraph: {text}' parts.jsonl |
	bf-llm -q -l reduce | bf-extract | bf-save summary.jsonl
E
# One book begins as another does: equal questions are asked once.
chunks=$(bf-chunk --by paragraphs --size 20 books.jsonl | jq .text | sort -u | wc -l)
run sh summary.sh
is "$status $(cat err)" "0 " "a summary of each"
is "$(wc -l <calls.log)" $((chunks + 3)) "a call for each of the $chunks different chunks, and one for each book"
is "$(jq -r .source summary.jsonl | sort | tr '\n' ' ')" "books/alice.txt books/begin.txt books/blocks.md " "of all books"
is "$(jq -c 'keys_unsorted' summary.jsonl | sort -u)" '["id","source","text"]' "with the fields they had"
jq -j 'select(.source == "books/begin.txt").text' summary.jsonl |
	sed 's/^of In one paragraph: //; s/^of In one sentence: //' >got
bf-chunk --by paragraphs --size 20 books.jsonl |
	jq -r 'select(.source == "books/begin.txt").text | sub("\\s+$"; "")' |
	head -c -1 >want
same want got "made of all parts, in their order"
cp summary.jsonl first
run sh summary.sh
is "$(wc -l <calls.log)" $((chunks + 3)) "again: no call"
same first summary.jsonl "the same bytes"
stop

# killed in the middle
rm -rf map reduce calls.log summary.jsonl
serve --log calls.log --latency 5ms --reply 'of {prompt}'
(
	set -m
	sh summary.sh -j 2 >/dev/null 2>&1 &
	until [ "$(cat calls.log 2>/dev/null | wc -l)" -ge 10 ]; do :; done
	kill -9 -- -$!
	wait
) 2>/dev/null
[ ! -e summary.jsonl ]
ok $? "killed in the middle: no summary"
before=$(wc -l <calls.log)
run sh summary.sh
same first summary.jsonl "and again: as if nothing had been"
after=$(wc -l <calls.log)
[ "$after" -le $((chunks + 3 + 2)) ] && [ "$before" -lt "$after" ]
ok $? "the two in flight at most are paid twice ($before calls, then $((after - before)), of $((chunks + 3)))"
stop

# A part that failed is named; the text is not put together without it.
rm -rf map
serve --status 400:0.1 --seed 5 --reply 'of {prompt}'
bf-chunk --by paragraphs --size 20 books.jsonl | bf-prompt -m m 'In one sentence: {text}' >requests
bf-llm -q -l map --errors failed requests | bf-extract >answers
failed=$(wc -l <failed)
[ "$failed" -gt 0 ]
ok $? "some chunks failed ($failed)"
whole=$(jq -c .parent failed | sort -u | grep -vxFf - <(jq -c .parent requests | sort -u) | wc -l)
run bf-collect --errors waiting --join '\n' text answers
is "$status $(wc -l <out) $(wc -l <err)" "1 $whole $((3 - whole))" "texts with a part that failed are named"
stop
serve --reply 'of {prompt}'
bf-llm -q -l map failed | bf-extract >late
mv out done
run bf-collect --join '\n' text waiting late
is "$status $(cat err)" "0 " "and there when it is"
same <(sort parts.jsonl) <(sort done out) "all as if nothing had failed"
done_testing
