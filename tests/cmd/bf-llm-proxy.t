#!/bin/bash
# bf-llm through a proxy: tinyproxy, with bf-mock behind it, and behind nginx
# where the call is for https.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/net.sh"
need tinyproxy nginx openssl curl jq perl

authority ca && certificate good ca 2 IP:127.0.0.1
ok $? "certificates are made" || done_testing
mock || exit 99
web web <<'END' || exit 99
server { listen 127.0.0.1:@1 ssl http2; ssl_certificate ../good.pem; ssl_certificate_key ../good.key;
	location / { proxy_pass http://mock; } }
END
safe=https://127.0.0.1:${at[1]}/v1
plain=$mock/v1
entries 1 >one
entries 100 >many

# proxy NAME LINE...: a tinyproxy with these lines in its configuration;
# $proxy is its address, NAME.log its log
proxy() {
	local name=$1 port try
	shift
	for try in 1 2 3 4 5; do
		port=$(free_port)
		printf '%s\n' "Port $port" "Listen 127.0.0.1" "LogFile \"$TMP/$name.log\"" "LogLevel Info" \
			"MaxClients 100" "Timeout 60" "Allow 127.0.0.1" "$@" >"$name.conf"
		: >"$name.log"
		tinyproxy -d -c "$name.conf" >"$name.out" 2>&1 &
		pids+=($!)
		until_true eval "grep -q 'Accepting connections' $name.log || ! kill -0 $!"
		grep -q 'Accepting connections' "$name.log" && proxy=127.0.0.1:$port && return
	done
	sed 's/^/# /' "$name.log" "$name.out"
	return 1
}
# through PATTERN: how many requests of this kind the proxy has logged
through() { grep -c "Request.*: $1" open.log; }

# ask URL ENTRIES OPTION...
ask() {
	local url=$1 file=$2
	shift 2
	rm -rf L
	reset
	: >open.log
	run timeout 60 bf-llm -m m -l L --cacert ca.pem --base-url "$url" "$@" "$file"
}

proxy open || exit 99
open=$proxy

# ---- https: the proxy is asked to connect ----

for variable in https_proxy HTTPS_PROXY all_proxy ALL_PROXY; do
	export $variable=http://$open
	ask "$safe" many -j 5
	unset $variable
	all_answered 100
	is "$? $status $(stats .requests)" "0 0 100" "$variable: the calls are answered"
	like "$(cat err)" '*100 answers (100 calls,*' "$variable: at the first attempt"
	ok $(($(through "CONNECT ${safe:8:-3}") == 0)) "$variable: through the proxy"
done
for variable in NO_PROXY no_proxy; do
	for hosts in 127.0.0.1 '*' elsewhere.example,127.0.0.1; do
		export https_proxy=http://$open $variable="$hosts"
		ask "$safe" one
		unset https_proxy $variable
		is "$status $(stats .requests) $(through '')" "0 1 0" "$variable=$hosts: past the proxy"
	done
done
https_proxy=http://$open NO_PROXY=127.0.0.2 ask "$safe" one
is "$status $(through CONNECT)" "0 1" "NO_PROXY for another host does nothing"
http_proxy=http://$open ask "$safe" one
is "$status $(through '')" "0 0" "http_proxy is not for https"
if [ $over = HTTP/2.0 ]; then
	: >web/access.log
	https_proxy=http://$open ask "$safe" many -q -j 50
	logged web 100
	is "$status $(protocols web) $(through CONNECT)" "0 HTTP/2.0 100 1" "HTTP/2 through the proxy, on one connection"
else
	skip 1 "libcurl $version: HTTP/2 is not used"
fi

# ---- http: the proxy is given the request ----

for variable in http_proxy all_proxy ALL_PROXY; do
	export $variable=http://$open
	ask "$plain" one
	unset $variable
	is "$status $(stats .requests) $(through "POST $plain/chat/completions")" "0 1 1" "$variable: plain http goes through the proxy"
done
http_proxy=http://$open no_proxy=127.0.0.1 ask "$plain" one
is "$status $(stats .requests) $(through '')" "0 1 0" "no_proxy: past the proxy"
HTTP_PROXY=http://$open HTTPS_PROXY=http://$open ask "$plain" one
is "$status $(stats .requests) $(through '')" "0 1 0" "HTTP_PROXY is not honoured, as anybody's request to a CGI program could set it"

# ---- a proxy that refuses, or is not there ----

proxy narrow "ConnectPort 1" || exit 99
https_proxy=http://$proxy ask "$safe" one
is "$status $(stats .requests) $(tail -n 1 out | jq .incomplete.status)" "2 0 2" "a proxy that refuses stops the run"
like "$(cat err)" "bf-llm: $safe: transport: the proxy refuses the connection (HTTP 403); stopping*" "and the reason is told"
proxy locked "BasicAuth somebody pass-0123456789" || exit 99
https_proxy=http://$proxy ask "$safe" one
is "$status $(stats .requests)" "2 0" "so does one that wants a password"
like "$(cat err)" "*the proxy refuses the connection (HTTP 407); stopping*" "and the reason is told"
https_proxy=http://somebody:pass-0123456789@$proxy ask "$safe" one
is "$status $(stats .requests)" "0 1" "which may be given in the variable"
https_proxy=http://somebody:pass-9876543210@$proxy ask "$safe" one
is "$status $(cat out err | grep -c pass-)" "2 0" "and is not told"

closed=$(free_port)
https_proxy=http://127.0.0.1:$closed ask "$safe" one --attempts 2
is "$status $(stats .requests)" "1 0" "a proxy that is not there: the entry fails, and is not sent past it"
like "$(cat err)" "*transport: *127.0.0.1 port $closed*; https_proxy is set*(2 calls,*" "and what could not be connected to is told"
http_proxy=http://127.0.0.1:$closed ask "$plain" one --attempts 1
like "$status $(cat err)" "1 *transport: *127.0.0.1 port $closed*; http_proxy is set*" "for plain http too"
https_proxy=http://127.0.0.1:$closed ask http://127.0.0.1:$closed one --attempts 1
like "$status $(cat err)" "1 *transport: *127.0.0.1 port $closed*" "where no variable counts"
is "$(grep -c 'is set' err)" 0 "none is named"
https_proxy=http://absent.invalid:3128 ask "$safe" one
is "$status $(stats .requests)" "2 0" "a proxy whose name nobody knows stops the run"
like "$(cat err)" "*absent.invalid*stopping*" "and is named"
proxy dead || exit 99
https_proxy=http://$proxy ask "https://127.0.0.1:$closed/v1" one --attempts 2
like "$status $(cat err)" "1 *transport: the proxy refuses the connection (HTTP 5*(2 calls,*" "a server that the proxy does not reach is tried again"

# ---- what the proxy sees ----

"$BUILD/tests/relay" -o seen "${open##*:}" >relay.port &
pids+=($!)
until_true test -s relay.port
https_proxy=http://127.0.0.1:$(cat relay.port) ask "$safe" one
is "$status $(grep -ac '^CONNECT 127.0.0.1:' seen)" "0 1" "the proxy is asked to connect"
is "$(grep -aicE "authorization|$OPENAI_API_KEY|chat/completions|number 1" seen)" 0 "it sees neither the key nor the request"

done_testing
