#!/bin/bash
# bf-llm over TLS: certificates, IPv6, HTTP/1.1 and HTTP/2, connections that end,
# a server that restarts, handshakes that never come to an end.  nginx stands in
# front of bf-mock.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/net.sh"
need nginx openssl curl jq perl

names=DNS:localhost,IP:127.0.0.1,IP:::1
authority ca && authority strange &&
	certificate good ca 2 "$names" && certificate other ca 2 DNS:elsewhere.example &&
	certificate expired ca -1 "$names"
ok $? "certificates are made" || { sed 's/^/# /' openssl.err; done_testing; }
mkdir folder && cp ca.pem folder/ && openssl rehash folder
mock --latency 50ms --log calls.log || exit 99
tls="ssl_certificate ../good.pem; ssl_certificate_key ../good.key; location / { proxy_pass http://mock; }"
web web <<END || exit 99
server { listen 127.0.0.1:@1 ssl http2; $tls }
server { listen 127.0.0.1:@2 ssl; $tls }
server { listen 127.0.0.1:@3 ssl http2; ssl_certificate ../other.pem; ssl_certificate_key ../other.key; }
server { listen 127.0.0.1:@4 ssl http2; ssl_certificate ../expired.pem; ssl_certificate_key ../expired.key; }
END
both=${at[1]} http1=${at[2]} other=${at[3]} expired=${at[4]}
entries 1 >one
entries 500 >many

# ask PORT ENTRIES OPTION...
ask() {
	local port=$1 file=$2
	shift 2
	rm -rf L
	reset
	: >web/access.log
	run timeout 60 bf-llm -m m -l L --base-url "https://127.0.0.1:$port/v1" "$@" "$file"
}

# ---- whom it trusts ----

ask "$both" one --cacert ca.pem
is "$status $(stats .requests)" "0 1" "--cacert: a certificate that this authority vouches for is taken"
logged web 1
is "$(protocols web)" "$over 1" "and $over is spoken with this libcurl ($version)"
SSL_CERT_FILE=ca.pem ask "$both" one
is "$status" 0 "SSL_CERT_FILE"
SSL_CERT_DIR=folder ask "$both" one
is "$status" 0 "SSL_CERT_DIR"
SSL_CERT_FILE=strange.pem SSL_CERT_DIR=folder ask "$both" one
is "$status" 0 "both"
SSL_CERT_FILE= SSL_CERT_DIR= ask "$both" one --cacert ca.pem
is "$status" 0 "empty ones are none"

# refused PATTERN NAME: at once, before anything was sent
refused() {
	is "$status $(stats .requests) $(tail -n 1 out | jq .incomplete.status)" "2 0 2" "$2: the run stops and nothing was sent"
	like "$(cat err)" "bf-llm: https://127.0.0.1:*: transport: *$1*; stopping*(1 call,*" "and says why"
}
ask "$both" one
refused 'certificate*issuer' "an authority that nobody knows"
SSL_CERT_FILE=ca.pem SSL_CERT_DIR=folder ask "$both" one --cacert strange.pem
refused 'certificate*issuer' "--cacert stands above the environment"
SSL_CERT_FILE=strange.pem ask "$both" one
refused 'certificate*issuer' "another authority"
ask "$other" one --cacert ca.pem
refused 'subject name*127.0.0.1' "the certificate of another host"
ask "$expired" one --cacert ca.pem
refused 'certificate*expired' "an expired certificate"

if command -v strace >/dev/null; then
	rm -rf L
	# What looks for leaks cannot do so beside strace.
	run env ASAN_OPTIONS=detect_leaks=0 timeout 60 strace -f -o trace -e trace=openat \
		bf-llm -q -m m -l L -j 20 --http1.1 --cacert ca.pem --base-url "https://127.0.0.1:$both/v1" many
	is "$status $(grep -c 'ca\.pem' trace)" "0 1" "certificates are read once, not for each connection"
else
	skip 1 "strace is not installed"
fi

# ---- IPv6 ----

if web six <<<"server { listen [::1]:@1 ssl http2; $tls }" >six.log; then
	rm -rf L
	run timeout 60 bf-llm -q -m m -l L --cacert ca.pem --base-url "https://[::1]:${at[1]}/v1" one
	is "$status" 0 "TLS over IPv6"
	rm -rf L
	run timeout 60 bf-mock -q --host ::1 -- bf-llm -q -m m -l L one
	is "$status" 0 "plain HTTP over IPv6"
else
	skip 2 "no IPv6 loopback here"
fi

# ---- HTTP/1.1 ----

ask "$http1" many -q -j 20 --cacert ca.pem
all_answered 500
is "$? $status $(stats .requests)" "0 0 500" "a server that speaks only HTTP/1.1"
logged web 500
is "$(protocols web)" "HTTP/1.1 500" "it is"
ok $(($(connections web) > 20)) "connections are used again"
ask "$both" one --http1.1 --cacert ca.pem
logged web 1
is "$status $(protocols web)" "0 HTTP/1.1 1" "--http1.1 is honoured"

# ---- HTTP/2 ----

if [ $over = HTTP/2.0 ]; then
	ask "$both" many -q -j 100 --cacert ca.pem
	all_answered 500
	is "$? $status $(stats .requests) $(stats .duplicates)" "0 0 500 0" "500 calls, 100 in flight, over HTTP/2"
	logged web 500
	is "$(protocols web) $(connections web)" "HTTP/2.0 500 1" "on one connection"
	ok $(($(stats .peak_in_flight) < 50)) "at the same time"
	mv out first
	reset
	run timeout 60 bf-llm -q -m m -l L --base-url "https://127.0.0.1:$both/v1" many
	cmp -s first out
	is "$? $status $(stats .requests)" "0 0 0" "a rerun calls nobody"
	ask "$both" many -q -j 250 --cacert ca.pem
	all_answered 500
	is "$? $status" "0 0" "250 in flight"
	logged web 500
	ok $(($(connections web) > 3)) "three connections" || echo "# $(connections web)"
else
	skip 6 "libcurl $version: HTTP/2 is not used"
fi

# ---- connections that end ----

# limited OPTION... <SETTINGS: 500 calls to a server with these settings
limited() {
	local settings
	settings=$(cat)
	web limited <<<"server { listen 127.0.0.1:@1 ssl http2; $settings $tls }"
	ok $? "nginx with $settings" || return
	rm -rf L
	reset
	run timeout 60 bf-llm -m m -l L --stats stats --cacert ca.pem --base-url "https://127.0.0.1:${at[1]}/v1" "$@" many
	logged limited 500
	kill "$web"
	all_answered 500
	is "$? $status $(stats .requests) $(stats .duplicates)" "0 0 500 0" "$settings nothing is lost, nothing is sent twice"
	is "$(jq '.calls - (.retries_by_class.transport // 0)' stats)" 500 "and what the server did not take is told of as repeated"
}
limited -j 20 --http1.1 <<<'keepalive_requests 7;'
if [ $over = HTTP/2.0 ]; then
	# What the server did not take uses up no attempt.
	limited -j 100 --attempts 1 <<<'keepalive_requests 60;'
	ok $(($(connections limited) < 9)) "the connections were ended"
	ok $(($(jq .retries stats) == 0)) "with calls on their way"
	limited -j 100 --attempts 1 <<<'http2_max_concurrent_streams 10;'
else
	skip 8 "libcurl $version: HTTP/2 is not used"
fi

# ---- TLS sessions ----

# One call, and when it is answered twenty at once: these are other handles of
# libcurl, with connections that they open for the first time.
web again <<<"server { listen 127.0.0.1:@1 ssl http2; $tls }"
rm -rf L
mkfifo pipe
bf-llm -q -m m -l L -j 20 --http1.1 --cacert ca.pem --base-url "https://127.0.0.1:${at[1]}/v1" <pipe >out 2>err &
asking=$!
exec 3>pipe
head -n 1 many >&3
until_true test -s out
sed -n 2,21p many >&3
exec 3>&-
wait $asking
status=$?
logged again 21
ok $((status + ($(connections again) < 2))) "more connections are opened"
ok $(($(resumed again) == 0)) "they take up the TLS session of the first"

# ---- a server that restarts ----

restarts() { # HOW: 500 calls, and after the hundredth nginx does that
	web again <<<"server { listen 127.0.0.1:@1 ssl http2; $tls }"
	ok $? "nginx that will $1" || return
	rm -rf L
	: >calls.log
	reset
	timeout 60 bf-llm -m m -l L -j 20 --attempts 30 --stats stats --cacert ca.pem \
		--base-url "https://127.0.0.1:${at[1]}/v1" many >out 2>err &
	asking=$!
	until_true eval '[ $(wc -l <calls.log) -gt 100 ]'
	"$1"
	wait $asking
	status=$?
	logged again 500
	all_answered 500
	is "$? $status" "0 0" "$1: every entry is answered, once"
	is "$(awk '{ print $4 }' again/access.log | sort -u | wc -l)" 2 "$1: one nginx began and another went on"
}
reload() { kill -HUP "$web"; }
restart_gently() { kill -QUIT "$web"; wait "$web"; web_start again; }
restart_at_once() { kill -TERM "$web"; wait "$web"; web_start again; }
for how in reload restart_gently; do
	restarts $how
	is "$(stats .requests) $(stats .duplicates)" "500 0" "$how: nothing was sent twice"
	is "$(jq '.calls - (.retries_by_class.transport // 0)' stats)" 500 "$how: and what was lost is told of as repeated"
done
restarts restart_at_once
ok $(($(stats .requests) > $(jq .calls stats))) "restart_at_once: no call is made that is not told of"

# ---- handshakes that come to no end ----

# Many calls that wait for the handshake of one of them do not each begin anew.
entries 60 >sixty
echo >nothing
# endless NAME URL COMMAND...: bf-llm under the command
endless() {
	local name=$1 url=$2
	shift 2
	run timeout 60 "$@" bash -c "bf-llm -q -m m --no-ledger -j 60 --attempts 2 --connect-timeout 1s \
		--errors errors --cacert ca.pem --base-url $url sixty"
	is "$status $(jq -r .error.class errors | sort | uniq -c | awk '{ print $1, $2 }')" "1 60 timeout" "$name: ends, as a timeout"
	is "$(jq -r .error.message errors | sort -u)" "not connected within 1 s, proxy and TLS included" "$name: the reason is told"
}
relay() { # OPTION... PORT: $relay is its port
	: >relay.port
	"$BUILD/tests/relay" "$@" >relay.port &
	pids+=($!)
	until_true test -s relay.port
	relay=$(cat relay.port)
}
# shellcheck disable=SC2016
endless "no answer to the first byte" 'https${OPENAI_BASE_URL#http}' "$BUILD/tests/rawserver" nothing --
relay -d 10 "$both"
endless "a byte now and then" "https://127.0.0.1:$relay/v1" env

done_testing
