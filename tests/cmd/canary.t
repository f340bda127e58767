#!/bin/bash
# A key is in the Authorization header and nowhere else.
. "$(dirname "$0")/../lib.sh"

canary=sk-canary-5f2d9a7c1e
seq 20 | jq -c '{text: "entry \(.)"}' | bf-prompt -m m 'Say {text}.' >requests.jsonl

serve --require-key "$canary" --latency 20ms --log calls.log
unset OPENAI_API_KEY

# nowhere NAME FILE...
nowhere() {
	name=$1
	shift
	grep -rqaF -e "$canary" "$@"
	is $? 1 "$name"
}

# killed COMMAND...: once it has put something out; its arguments are in cmdline
killed() {
	rm -rf .bf out err
	(
		ulimit -c unlimited
		exec "$@" >out 2>err
	) &
	pid=$!
	while [ ! -s out ]; do kill -0 $pid || break; done
	tr '\0' '\n' <"/proc/$pid/cmdline" >cmdline
	kill -QUIT $pid
	wait $pid 2>/dev/null
}

mkdir run && cd run || exit 99
run env OPENAI_API_KEY="$canary" bf-llm -v ../requests.jsonl
is "$status" 0 "the server, which wants the key, answers"
is "$(wc -l <out)" 20 "all calls"
nowhere "the key is not in stdout, stderr or the ledger" .
zstdcat .bf/ledger/*.zst >ledger.txt
nowhere "nor in the ledger's records" ledger.txt
is "$(find "$XDG_RUNTIME_DIR" -type f | wc -l)" 1 "what processes share of its use is in a file"
nowhere "which does not hold it" "$XDG_RUNTIME_DIR"
find "$XDG_RUNTIME_DIR" >names
nowhere "nor has it in its name" names
is "$(find "$XDG_RUNTIME_DIR" -type f -name "$(printf %s "$canary" | b2sum -l 128 | cut -d' ' -f1)" | wc -l)" 0 \
	"nor a hash of it alone"

# Each provider takes it in a way of its own.
root=${OPENAI_BASE_URL%/v1}
for p in openai-responses anthropic gemini; do
	rm -rf .bf
	maker=OPENAI
	[ $p = openai-responses ] || maker=$(echo $p | tr a-z A-Z)
	url=$root
	[ $p != openai-responses ] || url=$OPENAI_BASE_URL
	jq -c ".request.model = \"m@$p\"" ../requests.jsonl >in
	run env "${maker}_API_KEY=$canary" "${maker}_BASE_URL=$url" \
		bf-llm -v --stream --stats stats --metrics metrics --errors errors in
	is "$status $(wc -l <out)" "0 20" "$p: the server, which wants the key, answers"
	zstdcat .bf/ledger/*.zst >ledger.txt
	nowhere "$p: the key is in nothing that is left" . "$XDG_RUNTIME_DIR"
	killed env "${maker}_API_KEY=$canary" "${maker}_BASE_URL=$url" bf-llm -v -j 1 in
	like "$(head -n 1 cmdline) $(wc -l <out)" 'bf-llm *' "$p: it ran until it was killed"
	nowhere "$p: the key is in no argument or core" .
	run env "${maker}_API_KEY=$canary-wrong" "${maker}_BASE_URL=$url" bf-llm --no-ledger -v in
	is "$status" 75 "$p: a wrong key stops the run"
	nowhere "$p: and is not shown" .
done

# From a file; and while it runs.
printf '%s\n' "$canary" >../key
chmod 600 ../key
killed bf-llm -v -j 1 --key-file ../key ../requests.jsonl
like "$(cat cmdline)" '*--key-file*' "a key file serves as well"
[ -s out ]
ok $? "with answers"
nowhere "the key is in no argument, output, ledger or core" .

# Refused keys are not told either.
run env OPENAI_API_KEY="$canary-wrong" bf-llm --no-ledger -v ../requests.jsonl
is "$status" 75 "a wrong key stops the run"
like "$(cat err)" '*401*' "naming the status"
nowhere "but not the key" .
printf 'bad\nkey %s\n' "$canary" >../key
run bf-llm --no-ledger --key-file ../key ../requests.jsonl
is "$status" 2 "a key of two lines is refused"
nowhere "without showing it" out err
cd .. || exit 99

# bf-mock, which is given the key, keeps it to itself.
nowhere "bf-mock's log does not hold it" calls.log
is "$(jq -r .key calls.log | sort -u | wc -l)" 2 "but tells keys apart"

done_testing
