#!/bin/bash
# The help of each command and its manual page name the same options and the
# same one-line description.
. "$(dirname "$0")/../lib.sh"
ROOT=$(dirname "$TESTS")

# All help texts of a command: its own, and those of its subcommands.
help_texts() { # COMMAND
	"$1" --help
	"$1" --help | sed -n 's/^  \([a-z]\{1,\}\)  .*/\1/p' | while read -r sub; do
		"$1" "$sub" --help
	done
}

help_options() { # COMMAND
	help_texts "$1" | awk '
	/^  +-/ {
		sub(/^ +/, "")
		split($0, column, /  +/)
		n = split(column[1], part, /[ ,=[]+/)
		for (i = 1; i <= n; i++)
			if (part[i] ~ /^-/)
				print part[i]
	}' | sort -u
}

page_options() { # PAGE
	awk '
	/^\.It Fl/ {
		gsub(/\\-/, "-")
		dashes = ""
		for (i = 2; i <= NF; i++) {
			if ($i == "Fl") { dashes = dashes "-"; continue }
			if (dashes != "" && $i !~ /^[,|]$/)
				print dashes $i
			dashes = ""
		}
	}' "$1" | sort -u
}

for command in "$BUILD"/bf-*; do
	[ -x "$command" ] || continue
	name=${command##*/}
	page=$ROOT/share/man/$name.1
	[ -e "$page" ]
	ok $? "$name: has a manual page" || continue
	help_options "$command" >help
	page_options "$page" >documented
	[ -s help ]
	ok $? "$name: has options"
	same help documented "$name: help and page name the same options"
	is "$("$command" --help | sed -n 2p)" \
		"$(sed -n 's/^\.Nd //p' "$page")" "$name: and the same description"
	run "$command" --help
	is "$status $(cat err)" "0 " "$name --help: status 0, nothing on stderr"
	run "$command" --version
	like "$status $(cat out)" "0 $name *" "$name --version"
	run "$command" --no-such-option
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "$name: a usage error is one line, status 2"
done
[ "$tap_n" -gt 0 ] || skip_all "there are no commands"
done_testing
