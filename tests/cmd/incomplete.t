#!/bin/bash
# A stage that stops early never lets a truncated file look finished: a budget,
# a quota error, an interrupt and a bad line, each at the first, a middle and
# the last stage of a pipe.
. "$(dirname "$0")/../lib.sh"

# With job control, a command in the background does not ignore INT.
set -m

seq 20 | jq -c '{n: ., text: "entry \(.)"}' >entries.jsonl
bf-prompt -m gpt-4o-mini 'Say {text}.' entries.jsonl >requests.jsonl
{ head -n 10 entries.jsonl; echo '{"n": 11, "text": }'; tail -n 9 entries.jsonl; } >bad.jsonl
sed '11s/"model"/model/' requests.jsonl >badreq.jsonl
echo '{"old":"result"}' >old.jsonl

# fresh: OUT holds an older result, the ledger is empty.
fresh() {
	rm -rf .bf OUT.jsonl OUT.jsonl.partial
	cp old.jsonl OUT.jsonl
}

# untouched STATUS NAME: OUT is the old one, .partial tells how far it came.
untouched() {
	is "$status" "$1" "$2: status $1"
	same old.jsonl OUT.jsonl "$2: the former result is as it was"
	[ -e OUT.jsonl.partial ]
	ok $? "$2: what came is in OUT.jsonl.partial"
	[ "$(wc -l <OUT.jsonl.partial)" -lt 20 ]
	ok $? "$2: which is not the whole"
	grep -q incomplete OUT.jsonl.partial
	is $? 1 "$2: and holds entries alone"
	grep -q 'OUT.jsonl.partial' err
	ok $? "$2: a message names it"
}

# marked STATUS NAME: the last line of ./out is the mark, with that status.
marked() {
	is "$status" "$1" "$2: status $1"
	is "$(tail -n 1 out | jq -c .incomplete.status)" "$1" "$2: the last line says incomplete, $1"
	is "$(grep -c '"incomplete":{' out)" 1 "$2: once"
}

mock() { bf-mock -- bash -c "set -o pipefail; $1"; }
quota() { bf-mock --status 429:1 --error-code insufficient_quota -- bash -c "set -o pipefail; $1"; }

# --- a budget of calls ---
fresh
run mock 'bf-llm --max-calls 5 -j 1 <requests.jsonl | bf-extract | bf-save OUT.jsonl'
untouched 75 "budget, first stage"
is "$(wc -l <OUT.jsonl.partial)" 5 "budget, first stage: five calls, five entries"
fresh
run mock 'bf-prompt -m m "Say {text}." entries.jsonl | bf-llm --max-calls 5 -j 1 | bf-extract | bf-save OUT.jsonl'
untouched 75 "budget, middle stage"
fresh
run mock 'bf-prompt -m m "Say {text}." entries.jsonl | bf-llm --max-calls 5 -j 1'
marked 75 "budget, last stage"
run mock 'bf-prompt -m m "Say {text}." entries.jsonl | bf-llm -j 1 | bf-extract | bf-save OUT.jsonl'
is "$status" 0 "a rerun without the budget finishes"
is "$(wc -l <OUT.jsonl)" 20 "with all entries"

# --- a quota error ---
fresh
run quota 'bf-llm <requests.jsonl | bf-extract | bf-save OUT.jsonl'
untouched 75 "quota, first stage"
fresh
run quota 'bf-prompt -m m "Say {text}." entries.jsonl | bf-llm | bf-extract | bf-save OUT.jsonl'
untouched 75 "quota, middle stage"
fresh
run quota 'bf-prompt -m m "Say {text}." entries.jsonl | bf-llm'
marked 75 "quota, last stage"

# --- a bad line ---
fresh
run bash -c 'set -o pipefail; bf-prompt -m m "Say {text}." bad.jsonl | bf-take -n 100 | bf-save OUT.jsonl'
untouched 2 "bad line, first stage"
like "$(cat err)" '*bad.jsonl:11:*' "bad line, first stage: file and line are named"
fresh
run mock 'cat badreq.jsonl | bf-llm | bf-extract | bf-save OUT.jsonl'
untouched 2 "bad line, middle stage"
like "$(cat err)" '*bf-llm: <stdin>:11:*' "bad line, middle stage: the line is named"
fresh
run bash -c 'cat bad.jsonl | bf-save OUT.jsonl'
untouched 2 "bad line, last stage"
like "$(cat err)" '*bf-save: <stdin>:11:*' "bad line, last stage: the line is named"

# --- an interrupt ---
# interrupt SIGNAL STAGE REST: STAGE is fed through a FIFO that stays open, so
# that it waits for more; the signal comes once entries have come through it.
# Leaves the stage's status in $first and that of REST in $status.
interrupt() {
	rm -f feed back pid
	mkfifo feed back
	(
		bash -c "echo \$\$ >pid; exec $2" <feed | {
			IFS= read -r line
			echo seen >back
			printf '%s\n' "$line"
			exec cat
		} | bash -c "set -o pipefail; $3" >out 2>err
		echo "${PIPESTATUS[0]} ${PIPESTATUS[2]}" >status
	) 2>>noise &
	exec 7>feed
	cat requests.jsonl >&7
	read -r _ <back
	kill "-$1" "$(cat pid)"
	wait $!
	exec 7>&-
	read -r first status <status
}

for sig in INT TERM; do
	[ $sig = INT ] && want=130 || want=143
	fresh
	interrupt $sig 'bf-prompt -m m "Say {text}."' 'bf-take -n 1000 | bf-save OUT.jsonl'
	is "$first" $want "$sig, first stage: it dies of the signal"
	is "$status" $want "$sig, first stage: the status goes down the pipe"
	same old.jsonl OUT.jsonl "$sig, first stage: the former result is as it was"
	is "$(wc -l <OUT.jsonl.partial)" 20 "$sig, first stage: what came is kept beside it"

	fresh
	interrupt $sig 'bf-save --tee OUT.jsonl' 'cat'
	is "$first" $want "$sig, last stage: bf-save dies of the signal"
	same old.jsonl OUT.jsonl "$sig, last stage: the former result is as it was"
	[ -s OUT.jsonl.partial ]
	ok $? "$sig, last stage: what came is kept beside it"
done

fresh
run bf-mock --log calls.log -- bash -c "$(declare -f interrupt)"'
	interrupt INT "bf-llm" "bf-extract | bf-save OUT.jsonl"; echo "$first $status" >statuses'
is "$(cat statuses)" '130 130' "INT, middle stage: bf-llm dies of it, the status goes down the pipe"
same old.jsonl OUT.jsonl "INT, middle stage: the former result is as it was"
[ -s OUT.jsonl.partial ]
ok $? "INT, middle stage: what came is kept beside it"
called=$(wc -l <calls.log)
run bf-mock --log calls2.log -- bf-llm requests.jsonl
is "$status" 0 "INT, middle stage: the rerun finishes"
is "$((called + $(cat calls2.log 2>/dev/null | wc -l)))" 20 "and the two runs together called each entry once"

# --- what is complete is complete ---
rm -f OUT.jsonl OUT.jsonl.partial
run bash -c 'bf-take -n 5 entries.jsonl | bf-save OUT.jsonl'
is "$status" 0 "a pipe that ends in the ordinary way"
is "$(wc -l <OUT.jsonl)" 5 "leaves its whole result"

# A shuffle of a part is a wrong shuffle: it hands nothing on that would be paid for.
run bash -c '{ head -n 5 entries.jsonl; echo "{\"incomplete\":{\"by\":\"x\",\"why\":\"y\",\"status\":75}}"; } | bf-shuffle'
marked 75 "a truncated input of bf-shuffle"
is "$(wc -l <out)" 1 "gives nothing but the mark"

done_testing
