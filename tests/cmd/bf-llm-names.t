#!/bin/bash
# Host names: a burst of calls looks a name up once, and one that is not known is
# told of.
. "$(dirname "$0")/../lib.sh"
[ -e "$BUILD/fault/names.so" ] || skip_all "no $BUILD/fault/names.so"
if nm -D "$BUILD/bf-llm" 2>/dev/null | grep -q __asan_init; then
	skip_all "the sanitizers want to be loaded first"
fi
serve
port=${OPENAI_BASE_URL%/v1}
port=${port##*:}
export BF_NAMES=$TMP/names
seq 600 | sed 's/.*/{"id":"&","prompt":"p &"}/' >in

# ask HOST OPTION...: 600 calls at once
ask() {
	local host=$1
	shift
	rm -f names
	touch names
	run timeout 60 env LD_PRELOAD="$BUILD/fault/names.so" bf-llm -m m -j 600 --no-ledger \
		--base-url "http://$host:$port/v1" "$@" in
}

ask good.test
is "$status $(wc -l <out)" "0 600" "all are answered"
is "$(cat names)" good.test "and the name was looked up once"

ask bad.test --attempts 1 --errors errors.jsonl
is "$status $(wc -l <out)" "1 0" "a name that is not known"
is "$(jq -r .error.class errors.jsonl | sort | uniq -c | tr -s ' ')" " 600 transport" "has its class"
like "$(jq -r .error.message errors.jsonl | sort -u)" "Could not resolve host: bad.test" "and its words"

done_testing
