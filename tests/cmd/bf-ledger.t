#!/bin/bash
# bf-ledger: its subcommands are found, and each says what it takes.
. "$(dirname "$0")/../lib.sh"

run bf-ledger
is "$status $(cat err)" "2 bf-ledger: which subcommand? (see bf-ledger --help)" "a subcommand is asked for"
run bf-ledger polish
is "$status $(cat err)" "2 bf-ledger: there is no subcommand 'polish' (see bf-ledger --help)" \
	"one that is not there"
bf-ledger --help | sed -n 's/^  \([a-z]\{1,\}\)  .*/\1/p' >subs
[ -s subs ]
ok $? "help lists the subcommands"
while read -r sub; do
	run bf-ledger "$sub" --help
	is "$status $(sed -n 1p out | cut -d' ' -f1-3)" "0 usage: bf-ledger $sub" "$sub --help"
	about=$(sed -n 2p out)
	is "$(bf-ledger --help | sed -n "s/^  $sub  *//p")" "$about" "$sub: the list has the same line"
	run bf-ledger "$sub" --no-such-option
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "$sub: a usage error is one line, status 2"
done <subs
done_testing
