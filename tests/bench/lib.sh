# shellcheck shell=bash disable=SC2034
# What the sections of the benchmark share; sourced by each with its arguments.
#
# The working directory is an empty folder that goes with the section.  $BUILD
# holds the commands, first in PATH, $BENCH the helpers; $quick is 1 after
# --quick.

set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 2
BUILD=${BUILD:-$ROOT/build}
BENCH=$BUILD/bench
PATH=$BUILD:$PATH
export PATH LC_ALL=C
unset OPENAI_API_KEY OPENAI_BASE_URL BF_ENDPOINT BF_LEDGER http_proxy https_proxy \
	HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
quick=0
if [ "${1:-}" = --quick ]; then
	quick=1
	shift
fi
[ -x "$BENCH/measure" ] || {
	echo "bench: no helpers in $BENCH: run make bench" >&2
	exit 2
}

started=() # process ids of servers
work=$(mktemp -d "${TMPDIR:-/tmp}/bf-bench.XXXXXX") || exit 2
finish() {
	[ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
cd "$work" || exit 2
: >missing
: >messages

say() { printf 'bench: %s\n' "$*" >&2; }
# lack NAME: notes what is not there, once
lack() { grep -qxF -e "$1" missing || echo "$1" >>missing; }
# need COMMAND: whether it is there
need() {
	command -v "$1" >/dev/null && return
	lack "$1"
	return 1
}

# measure OPTION... COMMAND...: sets $wall and $cpu (microseconds), $rss (KiB),
# and $how, which is 0 when all went well.  It has $limit seconds.
limit=120
measure() {
	wall=0 cpu=0 rss=0 how=timeout
	read -r wall cpu rss how < <(timeout -k 2 "$limit" "$BENCH/measure" "$@" 2>>messages)
	[ -n "${how:-}" ] || wall=0 cpu=0 rss=0 how=timeout
	[ "$how" = 0 ] || say "status $how: $*"
}

calc() { awk -v OFMT=%.9g "BEGIN { print $1 }" </dev/null 2>/dev/null; }
# fmt FORMAT EXPRESSION; a dash where there is nothing to compute it from
fmt() { awk -v f="$1" "BEGIN { printf f, $2 }" </dev/null 2>/dev/null || printf –; }

# What was left out, and what was complained about most
close_section() {
	[ ! -s missing ] ||
		printf 'Not there, left out: %s.\n\n' "$(sort missing | paste -sd, | sed 's/,/, /g')"
	[ ! -s messages ] || sed 's/^/bench: /' messages | sort | uniq -c | sort -rn | head -n 5 >&2
}
