#!/bin/sh
# scripts/check-layers passes on the library as it is, and sees what it is for.
. "$(dirname "$0")/../lib.sh"
ROOT=$(dirname "$TESTS")

run "$ROOT/scripts/check-layers"
is "$status" 0 "the library keeps its layers" || sed 's/^/# /' out

mkdir -p t/lib/base t/lib/io t/lib/ledger t/lib/http
cat >t/lib/README.md <<'END'
| folder | what | modules |
|---|---|---|
| `base` | low | low |
| `io` | next | next |
| `ledger` `http` | side by side | left, right |
END
echo '#include <stdio.h>' >t/lib/base/low.h
printf '#include "io/next.h"\n#include "base/low.h"\n' >t/lib/io/next.h
printf '#include "base/low.h"\n#include "io/next.h"\n' >t/lib/ledger/left.h
printf '#include "right.h"\n#include "io/next.h"\n' >t/lib/http/right.h
run "$ROOT/scripts/check-layers" t
is "$status" 0 "downward and sideways in one folder pass"

refused() { # FILE LINE WANT NAME
	cp "$1" saved
	echo "$2" >>"$1"
	run "$ROOT/scripts/check-layers" t
	is "$status" 1 "$4: status 1"
	like "$(cat out)" "$3" "$4: names file and line"
	cp saved "$1"
}
refused t/lib/base/low.h '#include "io/next.h"' \
	'lib/base/low.h:2: includes "io/next.h"*' "an upward include"
refused t/lib/http/right.h '	#  include "ledger/left.h"' \
	'lib/http/right.h:3: includes "ledger/left.h"*' "a sideways include"
refused t/lib/io/next.h '#include "../ledger/left.h"' \
	'lib/io/next.h:3: includes "../ledger/left.h"*' "a way round"
refused t/lib/io/next.h '#include "secret/x.h"' \
	'lib/io/next.h:3: includes "secret/x.h"*' "a folder in no layer"

echo >t/lib/io/inner.h
run "$ROOT/scripts/check-layers" t
is "$status" 0 "an inner header need not be in the table"
refused t/lib/http/right.h '#include "io/inner.h"' \
	'lib/http/right.h:3: includes "io/inner.h"*does not name inner' "an inner header, from outside"
mkdir t/cmd && printf '#include "http/right.h"\n' >t/cmd/bf-x.c
run "$ROOT/scripts/check-layers" t
is "$status" 0 "commands include what the table names"
refused t/cmd/bf-x.c '#include "io/inner.h"' \
	'cmd/bf-x.c:2: includes "io/inner.h"*does not name inner' "a command and an inner header"
mkdir t/lib/more && echo >t/lib/more/x.c
run "$ROOT/scripts/check-layers" t
is "$status" 1 "a folder that the table does not name: status 1"

done_testing
