#!/bin/sh
# Each fuzz target takes every file of its corpus without dying.
. "$(dirname "$0")/../lib.sh"

for source in "$TESTS"/fuzz/*.c; do
	name=$(basename "$source" .c)
	[ "$name" = replay ] && continue
	set -- "$TESTS/fuzz/corpus/$name"/*
	[ -e "$1" ]
	ok $? "$name: has a corpus" || continue
	run "$BUILD/fuzz/$name" "$@"
	is "$status" 0 "$name: $# files" || sed 's/^/# /' err
done
[ "$tap_n" -gt 0 ] || skip_all "there are no fuzz targets"
done_testing
