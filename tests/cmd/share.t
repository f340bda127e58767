#!/bin/bash
# Processes that share a ledger: what one has recorded the other does not pay
# for, also when both have been running since before that.
. "$(dirname "$0")/../lib.sh"

n=40

mkfifo input
serve --latency 20ms --log calls.log
calls() { stat_of .completions; }

seq $n | jq -c '{n: ., text: "entry \(.)"}' |
	bf-prompt -m gpt-4o-mini 'Say {text}.' >requests.jsonl

# One that has answered its first entry and waits for more.
bf-llm -q -j 1 <input >first.out 2>first.err &
first=$!
exec 3>input
head -n 1 requests.jsonl >&3
until [ -s first.out ]; do :; done
is "$(calls)" 1 "the first process makes a call"

# Another does all the work meanwhile, for longer than it takes to look again.
run bf-llm -q -j 4 requests.jsonl
cp out second.out
is "$status" 0 "a second one goes through"
is "$(calls)" $n "and asks for the rest only"

tail -n +2 requests.jsonl >&3
exec 3>&-
wait $first
is $? 0 "the first goes on"
is "$(calls)" $n "without a call: what the second recorded is seen"
same second.out first.out "and gives the same bytes"

# The other way round while the second still writes: it, too, waits for input.
mkfifo input2
seq 101 $((100 + n)) | jq -c '{n: ., text: "entry \(.)"}' |
	bf-prompt -m gpt-4o-mini 'Say {text}.' >more.jsonl
bf-llm -q -j 4 <input >first.out 2>first.err &
first=$!
exec 3>input
bf-llm -q -j 1 <input2 >second.out 2>second.err &
second=$!
exec 4>input2
head -n 1 more.jsonl >&4
until [ -s second.out ]; do :; done
cat more.jsonl >&3
until [ "$(wc -l <first.out)" -eq $n ]; do :; done
ok 0 "one has recorded everything, and still holds its segment"
before=$(calls)
tail -n +2 more.jsonl >&4
exec 4>&-
wait $second
is $? 0 "the other goes on"
is "$(calls)" "$before" "without a call: it reads what is not framed yet"
exec 3>&-
wait $first
same first.out second.out "and both give the same bytes"

# Both at once over the same entries: whoever comes first pays.
seq 201 $((200 + n)) | jq -c '{n: ., text: "entry \(.)"}' |
	bf-prompt -m gpt-4o-mini 'Say {text}.' >both.jsonl
before=$(calls)
bf-llm -q -j 2 both.jsonl >a.out 2>a.err &
a=$!
tac both.jsonl >rev.jsonl
bf-llm -q -j 2 rev.jsonl >b.out 2>b.err &
b=$!
wait $a
is $? 0 "one of two that start together goes through"
wait $b
is $? 0 "and so does the other"
sort a.out >a.sorted
sort b.out >b.sorted
same a.sorted b.sorted "with the same answers"
paid=$(($(calls) - before))
[ "$paid" -lt $((n + n / 2)) ]
ok $? "$paid calls for $n entries that both wanted"

# Two stages of one pipe.
before=$(calls)
seq 301 $((300 + n)) | jq -c '{n: ., text: "entry \(.)"}' |
	bf-prompt -m gpt-4o-mini 'Say {text}.' | bf-llm -q -j 8 | bf-extract |
	bf-prompt -m gpt-4o-mini 'And now {text}' | bf-llm -q -j 8 >pipe.out
is "$(wc -l <pipe.out)" $n "two stages of a pipe on one ledger"
is "$(($(calls) - before))" $((2 * n)) "each pays once for each entry"
zstd -qt .bf/ledger/*.zst
ok $? "and every segment is whole"
done_testing
