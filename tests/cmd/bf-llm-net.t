#!/bin/bash
# bf-llm: files of certificates that are not there, what is loaded, what a crash
# leaves.  bf-llm-tls.t has TLS, bf-llm-proxy.t proxies.
. "$(dirname "$0")/../lib.sh"

fresh() { rm -rf .bf calls.log; }
echo '{"prompt":"hi"}' >one
answer='{"choices":[{"message":{"content":"yes"}}]}'
printf 'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s' "${#answer}" "$answer" >good

# raw SCRIPT: a shell script beside a server
raw() {
	run timeout 60 "$BUILD/tests/rawserver" good -- bash -c "$1"
}
mock() {
	run timeout 60 bf-mock -q --log calls.log -- bash -c "$1"
}

# ---- certificates ----

tls='url=https${OPENAI_BASE_URL#http}'
raw "$tls; bf-llm -q -m m --base-url \$url --cacert missing.pem one"
is "$status" 2 "--cacert is honoured: a file that is not there stops the run"
like "$(cat err)" '*missing.pem*' "and is named"
raw "$tls; SSL_CERT_FILE=absent.pem bf-llm -q -m m --base-url \$url one"
is "$status" 2 "SSL_CERT_FILE too"
like "$(cat err)" '*absent.pem*' "and is named"

# ---- what is loaded ----

fresh
mock 'LD_DEBUG=files bf-llm -q -m m one 2>loaded'
grep -q libcurl loaded
ok $? "a call loads libcurl"
mock 'LD_DEBUG=files bf-llm -q -m m one 2>loaded'
is "$status $(grep -c libcurl loaded)" "0 0" "a run that finds all in the ledger does not"

# ---- what a crash leaves ----

fresh
crash='ulimit -c unlimited; cd "$dir" && sh -c "kill -ABRT \$\$"'
mkdir plain secret
dir=plain bash -c "$crash" >/dev/null 2>&1
if [ -n "$(ls plain)" ]; then
	export dir=secret
	run timeout 60 bf-mock -q --hang 1 --require-key sk-canary-11 --log "$TMP/calls.log" -- bash -c '
		ulimit -c unlimited; cd secret || exit; bf-llm -l ../L -m m ../one & p=$!
		for i in $(seq 500); do [ -s ../calls.log ] && break; sleep 0.01; done
		kill -ABRT $p; wait $p; echo $?'
	is "$(cat out)" 134 "it crashed"
	! grep -rq sk-canary-11 secret
	ok $? "no core file has the key"
else
	ok 0 "no core file has the key # SKIP this machine leaves none here"
fi

done_testing
