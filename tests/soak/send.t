#!/bin/bash
# A run that sends keeps its size: no more memory for a million entries than
# for ten thousand, but for the ledger's index.
. "$(dirname "$0")/../lib.sh"
server=$BUILD/bench/server
[ -x "$server" ] || skip_all "no $server: make soak builds it"

exec 3< <(exec "$server")
pid=$!
read -r base <&3
trap 'kill $pid; cleanup' EXIT
export OPENAI_API_KEY=mock

# send N OPTION...: $rss, in KiB, of a run of N entries, 1,000 in flight
send() {
	local n=$1 cpu status
	shift
	rm -rf ledger
	"$BUILD/bench/gen" requests "$n" >in
	read -r _ cpu rss status < <("$BUILD/bench/measure" -i in -o out \
		bf-llm -q -j 1000 --base-url "$base/v1" "$@")
	is "$status $(wc -l <out)" "0 $n" "$n entries $*: all answered, $((rss / 1024)) MiB, $((cpu / n)) µs of CPU each"
}

send 10000 --no-ledger
small=$rss
for n in 100000 1000000; do
	send $n --no-ledger
	[ "$rss" -lt $((small * 2)) ]
	ok $? "less than twice that of 10000"
done
send 1000000 --no-ledger --unordered
[ "$rss" -lt $((small * 2)) ]
ok $? "less than twice that of 10000"

# 32 bytes a record, doubled as it grows, and its pages of the index on disk.
send 10000 -l ledger
small=$rss
for n in 100000 1000000; do
	send $n -l ledger
	[ "$rss" -lt $((small * 2 + n * 96 / 1024)) ]
	ok $? "less than twice that of 10000, and 96 bytes a record"
done
done_testing
