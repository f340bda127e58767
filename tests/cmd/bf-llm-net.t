#!/bin/bash
# bf-llm: proxies, certificates, what is loaded, what a crash leaves.
. "$(dirname "$0")/../lib.sh"

fresh() { rm -rf .bf calls.log; }
echo '{"prompt":"hi"}' >one
answer='{"choices":[{"message":{"content":"by proxy"}}]}'
printf 'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s' "${#answer}" "$answer" >good

# raw SCRIPT: a shell script beside a server that answers by proxy
raw() {
	run timeout 60 "$BUILD/tests/rawserver" -o count good -- bash -c "$1"
}
mock() {
	run timeout 60 bf-mock -q --log calls.log -- bash -c "$1"
}

# ---- proxies ----

for variable in http_proxy all_proxy ALL_PROXY; do
	fresh
	raw "$variable=\${OPENAI_BASE_URL%/v1} bf-llm -q -m m --base-url http://far.invalid/v1 one"
	is "$status $(jq -r .response.text out)" "0 by proxy" "$variable is honoured"
done
fresh
raw 'echo 0 >count; HTTPS_PROXY=${OPENAI_BASE_URL%/v1} bf-llm -q -m m --attempts 1 --base-url https://far.invalid/v1 one'
is "$status $(cat count)" "1 1" "HTTPS_PROXY is asked to connect"
fresh
mock 'http_proxy=http://127.0.0.1:1 bf-llm -q -m m --attempts 1 one'
is "$status" 1 "a proxy that is not there is not passed by"
fresh
mock 'http_proxy=http://127.0.0.1:1 NO_PROXY=127.0.0.1 bf-llm -q -m m --attempts 1 one'
is "$status" 0 "NO_PROXY is honoured"

# ---- certificates ----

tls='echo 0 >count; url=https${OPENAI_BASE_URL#http}'
raw "$tls; bf-llm -q -m m --base-url \$url --cacert missing.pem one"
is "$status" 2 "--cacert is honoured: a file that is not there stops the run"
like "$(cat err)" '*missing.pem*' "and is named"
raw "$tls; SSL_CERT_FILE=absent.pem bf-llm -q -m m --base-url \$url one"
is "$status" 2 "SSL_CERT_FILE too"
like "$(cat err)" '*absent.pem*' "and is named"
if command -v openssl >/dev/null &&
	openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost,IP:127.0.0.1 >req.log 2>&1; then
	timeout 60 openssl s_server -accept 127.0.0.1:0 -key k.pem -cert c.pem -www >tls.log 2>&1 &
	server=$!
	for _ in $(seq 200); do grep -q '^ACCEPT ' tls.log && break; sleep 0.02; done
	port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' tls.log)
	fresh
	run timeout 30 bf-llm -m m --base-url "https://127.0.0.1:$port/v1" one
	is "$status $(tail -n 1 out | jq .incomplete.status)" "2 2" "a certificate that nobody vouches for stops the run"
	like "$(cat err)" '*certificate*1 call,*' "at once, with the reason"
	run timeout 30 bf-llm -m m --base-url "https://127.0.0.1:$port/v1" --cacert c.pem --attempts 1 --timeout 1s one
	is "$status $(grep -c 'timeout:' err)" "1 1" "one that is trusted with --cacert is taken"
	kill "$server" 2>/dev/null
fi

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
