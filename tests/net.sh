# shellcheck shell=bash disable=SC2034,SC2154
# Sourced after lib.sh by tests that put real servers in front of bf-mock:
# nginx for TLS, tinyproxy.  All of them listen on loopback, keep their files in
# $TMP, and are ended when the test is.
#
# What libcurl speaks depends on its version; LD_LIBRARY_PATH has the tests run
# with another one.

unset SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE
PATH=$PATH:/usr/sbin
export OPENAI_API_KEY=sk-net-0123456789 BF_ENDPOINT=mock
pids=()
cleanup() {
	[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null
	wait
	cd / && rm -rf "$TMP"
}

# need COMMAND...: or all is skipped
need() {
	local c
	for c; do
		command -v "$c" >/dev/null || skip_all "$c is not installed"
	done
}

# skip COUNT REASON: these tests of the feature that is not there
skip() {
	local i
	for ((i = 0; i < $1; i++)); do ok 0 "# SKIP $2"; done
}

# until CONDITION...: waits for an event, ten seconds at most
until_true() {
	local i
	for ((i = 0; i < 500; i++)); do
		"$@" 2>/dev/null && return
		sleep 0.02
	done
	return 1
}

# A port that nobody has at the moment.
free_port() {
	perl -MIO::Socket::INET -e \
		'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'
}

# ---- certificates ----

key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
# authority NAME: NAME.pem, which vouches for others
authority() {
	openssl req -x509 "${key[@]}" -keyout "$1.key" -out "$1.pem" -days 2 -subj "/CN=$1" 2>openssl.err
}
# certificate NAME AUTHORITY DAYS NAMES: NAME.pem and NAME.key
certificate() {
	openssl req "${key[@]}" -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>openssl.err &&
		openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial \
			-days "$3" -extfile <(echo "subjectAltName=$4") -out "$1.pem" 2>>openssl.err
}

# ---- servers ----

# mock OPTION...: $mock is its URL, without /v1
mock() {
	: >mock.url
	bf-mock -q "$@" >mock.url 2>mock.err &
	pids+=($!)
	until_true test -s mock.url || { sed 's/^/# /' mock.err; return 1; }
	mock=$(cat mock.url)
	mock=${mock%/v1}
}
# stats JQ: of the mock's counters
stats() { curl -s --noproxy '*' "$mock/_stats" | jq -r "$1"; }
reset() { curl -s --noproxy '*' -X POST "$mock/_reset" >reset.log; }

# web DIR: nginx with the server blocks on standard input, in which @1 to @5
# stand for ports that are then ${at[1]} to ${at[5]}, and "upstream mock" for
# bf-mock; $web is its pid
web() {
	local dir=$1 i try
	rm -rf "$dir"
	mkdir "$dir"
	cat >"$dir/servers"
	for try in 1 2 3 4 5; do
		for i in 1 2 3 4 5; do
			at[i]=$(free_port)
			echo "s/@$i/${at[i]}/g"
		done >"$dir/ports"
		web_conf "$dir" >"$dir/nginx.conf"
		web_start "$dir" && return
	done
	sed 's/^/# /' "$dir/error.log"
	return 1
}
web_conf() {
	[ "$(id -u)" -ne 0 ] || echo 'user root;'
	cat <<-'END'
		daemon off;
		worker_processes 1;
		pid nginx.pid;
		error_log error.log;
		events { worker_connections 1024; }
		http {
			log_format by '$connection $server_protocol $ssl_session_reused $pid';
			access_log access.log by;
			client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
			uwsgi_temp_path uwsgi; scgi_temp_path scgi;
			ssl_protocols TLSv1.2 TLSv1.3;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
	END
	echo "upstream mock { server ${mock#http://}; keepalive 64; }"
	sed -f "$1/ports" "$1/servers"
	echo '}'
}
# web_start DIR: as it was
web_start() {
	rm -f "$1/nginx.pid"
	nginx -p "$1" -c nginx.conf -e error.log 2>"$1/err" &
	web=$!
	until_true eval "test -s $1/nginx.pid || ! kill -0 $web"
	[ -s "$1/nginx.pid" ] && pids+=("$web")
}
# protocols, connections, resumed: of the calls that DIR's nginx logged
protocols() { awk '{ print $2 }' "$1/access.log" | sort | uniq -c | awk '{ print $2, $1 }'; }
connections() { awk '{ print $1 }' "$1/access.log" | sort -u | wc -l; }
resumed() { awk '$3 == "r" { print $1 }' "$1/access.log" | sort -u | wc -l; }
# logged DIR N: waits for so many lines, which come after the answers
logged() { until_true eval "[ \$(wc -l <$1/access.log) -ge $2 ]"; }

# ---- bf-llm ----

# HTTP/2 where libcurl is one that does it right
over=HTTP/1.1
if command -v curl >/dev/null; then
	version=$(curl -V | sed -n 's/.*libcurl\/\([0-9]*\.[0-9]*\).*/\1/p')
	[ "${version%.*}" -lt 8 ] || [ "$version" = 8.0 ] || [ "${version#*.}" -lt 14 ] || over=HTTP/2.0
fi
entries() { seq "$1" | sed 's/.*/{"id":&,"prompt":"number &"}/'; }
# all_answered N: each entry is in out, once, in order, with its own answer
all_answered() {
	[ "$(sed -n 's/^{"id":\([0-9]*\),.*"response":{"text":"number \1",.*/\1/p' out | cksum)" = "$(seq "$1" | cksum)" ] &&
		[ "$(wc -l <out)" -eq "$1" ]
}
