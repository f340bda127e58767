#!/bin/bash
# man.t [PAGE...]: runs the examples of the manual pages.
#
# Every literal display that begins with "$ " is an example: commands after
# "$ ", continued after "> ", each followed by what it prints.  The commands of
# one display share an empty folder that holds copies of share/examples, and a
# bf-mock.  Standard output is compared byte for byte, and the status is 0.
# A display in EXAMPLES that is no example is an error.
. "$(dirname "$0")/../lib.sh"
ROOT=$(dirname "$TESTS")
ME=$TESTS/cmd/man.t
FIXTURES=$TESTS/data/man

# extract PAGE DIR: DIR/BLOCK/COMMAND.{cmd,want,line}
extract() {
	mkdir -p "$2"
	awk -v dir="$2" '
	function fail(text) {
		print FILENAME ":" FNR ": " text
		bad = 1
	}
	function plain(s,	out, at) {
		out = ""
		while ((at = index(s, "\\")) > 0) {
			out = out substr(s, 1, at - 1)
			s = substr(s, at)
			if (s ~ /^\\[e\\]/) { out = out "\\"; s = substr(s, 3) }
			else if (s ~ /^\\&/) s = substr(s, 3)
			else if (s ~ /^\\-/) { out = out "-"; s = substr(s, 3) }
			else if (substr(s, 1, 4) in glyph) {
				out = out glyph[substr(s, 1, 4)]
				s = substr(s, 5)
			} else {
				fail("unknown escape: " s)
				s = substr(s, 2)
			}
		}
		return out s
	}
	function say(ext, text) {
		printf "%s\n", text >>(dir "/" block "/" n ext)
	}
	BEGIN {
		glyph["\\(aq"] = "\047"; glyph["\\(dq"] = "\""; glyph["\\(ga"] = "`"
		glyph["\\(ti"] = "~"; glyph["\\(ha"] = "^"; glyph["\\(rs"] = "\\"
	}
	/^\.Sh/ { section = $2 }
	/^\.Bd / && !inside {
		inside = ($0 ~ /-literal|-unfilled/)
		first = 1
		next
	}
	/^\.Ed/ { inside = 0; running = 0; next }
	!inside { next }
	/^\.\\"/ { next }
	/^[.\047]/ { if (running) fail("a macro in an example"); next }
	{ line = plain($0) }
	first {
		first = 0
		running = (line ~ /^\$ /)
		if (running) {
			block++
			n = 0
			system("mkdir -p \"" dir "/" block "\"")
		} else if (section == "EXAMPLES")
			fail("this display does not begin with \"$ \"")
	}
	!running { next }
	line ~ /^\$ / {
		n++
		say(".cmd", substr(line, 3))
		say(".line", FNR)
		incommand = 1
		next
	}
	incommand && line ~ /^> ?/ { say(".cmd", substr(line, 3)); next }
	{ incommand = 0; say(".want", line) }
	END {
		if (block == 0)
			fail("no examples")
		exit bad
	}' "$1"
}

# Runs inside bf-mock: every command of the block in $1.
# shellcheck disable=SC2016
export RUN_BLOCK='
	for ((cmd = 1; ; cmd++)); do
		[ -e "$1/$cmd.cmd" ] || break
		sh -c "$(<"$1/$cmd.cmd")" >"$1/$cmd.out" 2>"$1/$cmd.err"
		echo $? >"$1/$cmd.status"
	done
'

run_page() {
	local page=$1 name file dir block cmd line first title status
	name=$(basename "$page")
	dir=$TMP/$name
	extract "$page" "$dir" >"$TMP/extract.out"
	ok $? "$name: examples are well formed" || sed 's/^/# /' "$TMP/extract.out"
	for ((block = 1; ; block++)); do
		[ -d "$dir/$block" ] || break
		rm -rf "$TMP/here"
		cp -r "$ROOT/share/examples" "$TMP/here" && cd "$TMP/here" || exit 99
		timeout 120 bf-mock -- bash -c "$RUN_BLOCK" bash "$dir/$block" \
			</dev/null >"$dir/$block/mock.log" 2>&1
		cd "$dir/$block" || exit 99
		for ((cmd = 1; ; cmd++)); do
			[ -e "$cmd.cmd" ] || break
			line=$(<"$cmd.line")
			IFS= read -r first <"$cmd.cmd"
			title="$name:$line: $first"
			for file in want out err status; do
				: >>"$cmd.$file"
			done
			status=$(<"$cmd.status")
			if [ "$status" = 0 ]; then
				same "$cmd.want" "$cmd.out" "${title//#/\\#}"
			else
				ok 1 "${title//#/\\#}: status $status"
				cat "$cmd.out" mock.log | head -n 20 | sed 's/^/# /'
			fi || sed 's/^/# stderr: /' "$cmd.err"
		done
		cd "$TMP" || exit 99
	done
}

if [ $# -gt 0 ]; then
	for page; do
		run_page "$page"
	done
	done_testing
fi

for page in "$ROOT"/share/man/*.[157]; do
	[ -e "$page" ] || continue
	grep -q '^\$ ' "$page" || [ "${page##*.}" = 1 ] || continue
	run_page "$page"
done

# The runner itself: it passes what is right and sees each kind of wrong.
"$ME" "$FIXTURES/right.1" >"$TMP/right" 2>&1
ok $? "an example that holds passes" || sed 's/^/# /' "$TMP/right"
for wrong in output status more less none; do
	"$ME" "$FIXTURES/wrong-$wrong.1" >"$TMP/wrong" 2>&1
	is $? 1 "wrong $wrong is seen"
	grep -q '^not ok' "$TMP/wrong"
	ok $? "wrong $wrong: and said"
done
done_testing
