#!/bin/bash
# README.md and bf(7) name every command, and links lead somewhere.
. "$(dirname "$0")/../lib.sh"
ROOT=$(dirname "$TESTS")

for command in "$BUILD"/bf-*; do
	[ -x "$command" ] || continue
	name=${command##*/}
	grep -q "^| \`$name\` |" "$ROOT/README.md"
	ok $? "README.md: $name is in the map"
	grep -q "^\.It Xr $name 1" "$ROOT/share/man/bf.7"
	ok $? "bf(7): $name is in the list"
	[ -e "$ROOT/tests/cmd/$name.t" ]
	ok $? "$name has a test of its own"
done

for page in README.md lib/README.md tests/README.md share/examples/README.md; do
	grep -o '](\([^)]*\))' "$ROOT/$page" | sed 's/^](//; s/)$//' | grep -v '^http' >links
	while read -r link; do
		[ -e "$ROOT/$(dirname "$page")/${link%%#*}" ]
		ok $? "$page: $link exists"
	done <links
done

# The manual pages refer to pages that are there.
for page in "$ROOT"/share/man/*; do
	sed -n 's/^\.\(It \)\?Xr \(bf[a-z-]*\) \([157]\).*/\2.\3/p' "$page" | sort -u >refs
	while read -r ref; do
		[ -e "$ROOT/share/man/$ref" ]
		ok $? "${page##*/}: $ref exists"
	done <refs
done
done_testing
