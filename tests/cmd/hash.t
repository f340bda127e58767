#!/bin/sh
# Our BLAKE2b is b2sum's, for every length around the block size and a big file.
. "$(dirname "$0")/../lib.sh"

command -v b2sum >/dev/null || skip_all "no b2sum"

seq 1 2000000 | head -c 9000001 >big
n=0
while [ $n -le 300 ]; do
	head -c $n big >len-$n
	n=$((n + 1))
done
b2sum -l 128 len-* big | cut -d' ' -f1 >want
"$BUILD/unit/hash.t" sum len-* big >got
same want got "301 short files and a big one"
is "$(wc -l <got)" 302 "all were summed"
done_testing
