# shellcheck shell=sh disable=SC2034
# Sourced by the shell tests: . "$(dirname "$0")/../lib.sh"
#
# Gives each test its own empty folder ($TMP, the working directory), the built
# commands first in PATH, TAP (ok, is, like, same, run, done_testing), entries
# and a provider to ask (serve, stop, stat_of).  $BUILD is the folder with the
# commands, $TESTS that of the tests.

set -u
TESTS=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$(cd "$TESTS/.." && pwd)/build}
PATH=$BUILD:$PATH
LC_ALL=C.UTF-8
export PATH LC_ALL BUILD TESTS
unset OPENAI_API_KEY OPENAI_BASE_URL ANTHROPIC_API_KEY ANTHROPIC_BASE_URL \
	GEMINI_API_KEY GEMINI_BASE_URL BF_ENDPOINT BF_LEDGER http_proxy \
	https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy no_proxy NO_PROXY \
	MAKEFLAGS MFLAGS MAKELEVEL 2>/dev/null || :
TMP=$(mktemp -d "${TMPDIR:-/tmp}/bf-test.XXXXXX") || exit 99
cd "$TMP" || exit 99
# The user's own providers are not meant.
XDG_CONFIG_HOME=$TMP/.config
export XDG_CONFIG_HOME
# Budgets that processes share are this test's alone.
XDG_RUNTIME_DIR=$TMP.run
export XDG_RUNTIME_DIR
mkdir -m 700 "$XDG_RUNTIME_DIR" || exit 99
tap_n=0
tap_bad=0

servers=
# shellcheck disable=SC2086
cleanup() { stop; [ -z "$servers" ] || kill $servers 2>/dev/null; cd / && rm -rf "$TMP" "$XDG_RUNTIME_DIR"; }
trap cleanup EXIT

# ok STATUS NAME: passes if STATUS is 0, as in: cmp a b; ok $? "same"
ok() {
	tap_n=$((tap_n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_n - $2"
	else
		echo "not ok $tap_n - $2"
		tap_bad=$((tap_bad + 1))
	fi
	return "$1"
}

# is GOT WANT NAME
is() {
	[ "$1" = "$2" ]
	ok $? "$3" || {
		printf 'got:  %s\nwant: %s\n' "$1" "$2" | head -c 4000 | sed 's/^/# /'
		return 1
	}
}

# like TEXT PATTERN NAME: a shell pattern, with * where anything may stand
like() {
	# shellcheck disable=SC2254
	case "$1" in
	$2) ok 0 "$3" ;;
	*)
		ok 1 "$3"
		printf 'got:       %s\nwant like: %s\n' "$1" "$2" | head -c 4000 | sed 's/^/# /'
		return 1
		;;
	esac
}

# run CMD...: its output in ./out and ./err, its status in $status
run() {
	status=0
	"$@" >out 2>err || status=$?
}

# same WANTFILE GOTFILE NAME
same() {
	cmp -s "$1" "$2"
	ok $? "$3" || {
		diff "$1" "$2" | head -20 | cut -c1-300 | sed 's/^/# /'
		return 1
	}
}

# entries FROM TO: entries with an id and a prompt
entries() { seq "$1" "$2" | sed 's/.*/{"id":&,"prompt":"number &"}/'; }

# serve OPTION...: a bf-mock that goes on running, its address in the environment;
# it ends with stop, or with the test
server=
serve() {
	mkfifo ready
	bf-mock -q "$@" >ready &
	server=$!
	# Without it the next command would ask the real one.
	read -r OPENAI_BASE_URL <ready || exit 99
	rm ready
	export OPENAI_BASE_URL OPENAI_API_KEY=mock BF_ENDPOINT=mock
}
stop() {
	[ -n "$server" ] || return 0
	kill "$server" 2>/dev/null
	wait "$server" 2>/dev/null
	server=
}

# serve_as NAME OPTION...: one of several, at the address in NAME.url, with its log
# in NAME.log
serve_as() {
	served=$1
	shift
	bf-mock -q --log "$served.log" "$@" >"$served.url" 2>"$served.err" &
	servers="$servers $!"
	until [ -s "$served.url" ]; do
		kill -0 $! || exit 99
	done
}

# stat_of FILTER: what jq takes out of the statistics of that server
stat_of() { curl -s "${OPENAI_BASE_URL%/v1}/_stats" | jq "$1"; }

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

done_testing() {
	echo "1..$tap_n"
	[ "$tap_bad" -eq 0 ]
	exit $?
}
