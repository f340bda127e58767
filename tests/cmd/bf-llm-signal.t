#!/bin/bash
# bf-llm: stopped and continued; asked how it goes; timeouts of the first byte.
# shellcheck disable=SC2016 # $ of sh -c scripts
. "$(dirname "$0")/../lib.sh"

entries 1 8 >in

# mock ARG...: a server that goes on running, with a log of its own
mock() {
	rm -f calls.log
	serve --log calls.log "$@"
}
# start ARG...: bf-llm in the background; $llm is its pid
start() {
	timeout -s KILL 60 sh -c 'echo $$ >pid; exec "$@"' sh bf-llm -m m "$@" >out 2>err &
	job=$!
	until [ -s pid ]; do sleep 0.02; done
	llm=$(cat pid)
	rm pid
}
in_state() { # PID LETTER
	until [ "$(sed 's/.*) //; s/ .*//' "/proc/$1/stat")" = "$2" ]; do sleep 0.02; done
}
calls() { grep -c . calls.log; }
until_calls() { until [ "$(calls)" -ge "$1" ]; do sleep 0.02; done; }

# ---- stopped and continued ----

# The answers come while the process is stopped, and the time for them ends.
mock --latency 1500ms
start -j 8 --attempts 1 --timeout 2s --first-byte-timeout 1800ms --stall-timeout 1s in
until_calls 8
kill -STOP "$llm"
in_state "$llm" T
sleep 3
kill -CONT "$llm"
wait "$job"
is "$? $(calls) $(wc -l <out)" "0 8 8" "answers that came while it was stopped are taken"
stop

# Those that come later than the clock alone would allow.
mock --latency 4s
rm -rf .bf
start -j 8 --attempts 1 --timeout 3s in
until_calls 8
kill -STOP "$llm"
in_state "$llm" T
sleep 3.3
kill -CONT "$llm"
wait "$job"
is "$? $(calls) $(wc -l <out)" "0 8 8" "those still to come too"
stop

# ---- the first byte ----

mock --hang 1
rm -rf .bf
head -n 1 in >one
start --first-byte-timeout 300ms --timeout 30s one
wait "$job"
is "$? $(calls)" "0 2" "no byte within --first-byte-timeout: the call is made again"
stop
mock --hang 100
rm -rf .bf
start --first-byte-timeout 300ms --attempts 1 --errors e one
wait "$job"
is "$? $(jq -c '[.error.class,.error.message]' e)" '1 ["timeout","no byte of an answer within 0.3 s"]' "or fails"
start --timeout 300ms --attempts 1 --errors e one
wait "$job"
is "$? $(jq -c '[.error.class,.error.message]' e)" '1 ["timeout","no whole answer within 0.3 s"]' \
	"as it does without a whole answer within --timeout"
stop

done_testing
