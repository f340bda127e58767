#!/bin/sh
# What the system may do to the reads and writes of a filter.
. "$(dirname "$0")/../lib.sh"
[ -e "$BUILD/fault/inject.so" ] || skip_all "inject.so is not built"

awk 'BEGIN { for (i = 0; i < 20000; i++) printf "{\"id\":\"%d\",\"text\":\"some text of entry %d\"}\n", i, i }' >in.jsonl

# spoil CALL:N:WHAT COMMAND...: as run, with that call spoilt in the command
spoil() {
	inject=$1
	shift
	run env LD_PRELOAD="$BUILD/fault/inject.so" BF_INJECT="$inject" BF_INJECT_PROGRAM="$1" "$@"
}

# Sanitizers put their own calls before those of inject.so.
spoil open:1+:EMFILE bf-take in.jsonl
grep -q 'Too many' err || skip_all "the commands are built so that nothing can be injected"

for cmd in bf-take bf-shuffle bf-read bf-chunk; do
	$cmd in.jsonl >want
	for what in read:2:EINTR read:1+:short read:3:EAGAIN write:1:EINTR write:1+:short write:2:EAGAIN \
		mmap:1+:ENOMEM poll:1:EINTR; do
		spoil $what $cmd in.jsonl
		same want out "$cmd: $what changes nothing"
		is "$status$(cat err)" 0 "... and is no error"
	done
	BF_INJECT_FD=1 spoil write:2+:ENOSPC $cmd in.jsonl
	is "$status" 2 "$cmd: a disk that is full at the second write"
	is "$(cat err)" "$cmd: standard output: No space left on device" "is told, once"
	BF_INJECT_FD=1 spoil write:1:EIO $cmd in.jsonl
	is "$status $(wc -c <out)" "2 0" "$cmd: nothing is written after a write that failed"
done
for cmd in bf-take bf-read bf-chunk; do
	spoil read:3:EIO $cmd in.jsonl
	is "$status" 2 "$cmd: a read that fails"
	is "$(cat err)" "$cmd: in.jsonl: cannot read: Input/output error" "is told"
	like "$(tail -1 out)" '{"incomplete":{"by":"bf-*,"status":2}}' "and what came before does not look whole"
done
run env LD_PRELOAD="$BUILD/fault/inject.so" BF_INJECT=read:3:EIO BF_INJECT_PROGRAM=bf-shuffle \
	sh -c 'cat in.jsonl | bf-shuffle'
is "$status $(wc -l <out)" "2 1" "bf-shuffle: a read that fails leaves only the mark"
like "$(cat out)" '{"incomplete":*' "that it is incomplete"
spoil open:1+:EMFILE bf-take in.jsonl
like "$(cat err) $status" "bf-take: in.jsonl: Too many open files 2" "no descriptor left"
spoil close:2:EIO bf-take in.jsonl
is "$status" 2 "a close of the output that fails"

# bf-shuffle's temporary file
bf-shuffle in.jsonl >want
fd=$(strace -e trace=openat bf-shuffle -m 1M in.jsonl 2>&1 >/dev/null | sed -n 's/.*O_TMPFILE.* = //p')
for what in write:1+:short read:1+:short write:2:EINTR read:2:EINTR; do
	BF_INJECT_FD=$fd spoil $what bf-shuffle -m 1M in.jsonl
	same want out "bf-shuffle: $what of its temporary file changes nothing"
	is "$status$(cat err)" 0 "... and is no error"
done
BF_INJECT_FD=$fd spoil read:3:EIO bf-shuffle -m 1M in.jsonl
is "$status $(cat err)" "2 bf-shuffle: cannot read a temporary file: Input/output error" "a read of it that fails"
like "$(tail -n 1 out)" '{"incomplete":*' "and the output is not whole"
BF_INJECT_FD=$fd spoil write:9:ENOSPC bf-shuffle -m 1M in.jsonl
is "$status $(cat err)" "2 bf-shuffle: cannot write to a temporary file: No space left on device" "a write to it that fails"
like "$(cat out)" '{"incomplete":*' "only the mark"

# bf-join's
sed 's/"id"/"x":1,"id"/' in.jsonl >theirs.jsonl
bf-join --as t --with theirs.jsonl in.jsonl >want
is "$(wc -l <want)" 20000 "20,000 entries joined"
fd=$(strace -e trace=openat bf-join -m 100K --as t --with theirs.jsonl in.jsonl 2>&1 >/dev/null | sed -n 's/.*O_TMPFILE.* = //p')
for what in write:1+:short read:1+:short write:2:EINTR read:2:EINTR; do
	BF_INJECT_FD=$fd spoil $what bf-join -m 100K --as t --with theirs.jsonl in.jsonl
	same want out "bf-join: $what of its temporary file changes nothing"
	is "$status$(cat err)" 0 "... and is no error"
done
BF_INJECT_FD=$fd spoil read:3:EIO bf-join -m 100K --as t --with theirs.jsonl in.jsonl
is "$status $(cat err)" "2 bf-join: cannot read a temporary file: Input/output error" "a read of it that fails"
is "$(wc -l <out) $(tail -n 1 out | jq .incomplete.status)" "3 2" "and the output is not whole"
BF_INJECT_FD=$fd spoil write:2:ENOSPC bf-join -m 100K --as t --with theirs.jsonl in.jsonl
is "$status $(cat err)" "2 bf-join: cannot write to a temporary file: No space left on device" "a write to it that fails"
like "$(cat out)" '{"incomplete":*' "only the mark"

# bf-near's
awk 'BEGIN { for (i = 0; i < 2000; i++) printf "{\"id\":%d,\"embedding\":[%d,1,2,3],\"text\":\"%0200d\"}\n", i, i % 97, i }' >vectors.jsonl
bf-near --self -k 2 vectors.jsonl >want
is "$(wc -l <want)" 2000 "2,000 entries and their nearest"
fd=$(strace -e trace=openat bf-near -j 1 -m 100K --self -k 2 vectors.jsonl 2>&1 >/dev/null | sed -n 's/.*O_TMPFILE.* = //p')
for what in write:1+:short read:1+:short write:2:EINTR read:2:EINTR; do
	BF_INJECT_FD=$fd spoil $what bf-near -m 100K --self -k 2 vectors.jsonl
	same want out "bf-near: $what of its temporary file changes nothing"
	is "$status$(cat err)" 0 "... and is no error"
done
BF_INJECT_FD=$fd spoil read:3:EIO bf-near -m 100K --self -k 2 vectors.jsonl
is "$status $(cat err)" "2 bf-near: cannot read a temporary file: Input/output error" "a read of it that fails"
is "$(wc -l <out) $(tail -n 1 out | jq .incomplete.status)" "3 2" "and the output is not whole"
BF_INJECT_FD=$fd spoil write:2:ENOSPC bf-near -m 100K --self -k 2 vectors.jsonl
is "$status $(cat err)" "2 bf-near: cannot write to a temporary file: No space left on device" "a write to it that fails"
like "$(cat out)" '{"incomplete":*' "only the mark"
spoil read:1+:short bf-near -m 100K --self -k 2 vectors.jsonl
same want out "short reads of the input"
spoil poll:1:EINTR bf-near --queries vectors.jsonl -k 2 vectors.jsonl
is "$(wc -l <out) $status$(cat err)" "2000 0" "bf-near: poll and signals that stop nothing"

# bf-collect's temporary file
seq 3000 | jq -c '{parent: (. % 30), index: (. / 30 | floor), count: 101, t: "\(.)"}' | grep -v '"parent":0' |
	sed 's/"count":101/"count":100/' >children.jsonl
bf-collect t children.jsonl >want
is "$(wc -l <want)" 29 "29 parents"
# Its descriptor.
fd=$(strace -e trace=openat bf-collect -m 10K t children.jsonl 2>&1 >/dev/null | sed -n 's/.*O_TMPFILE.* = //p')
for what in write:1+:short read:1+:short write:2:EINTR read:4:EINTR; do
	spoil $what bf-collect -m 10K t children.jsonl
	same want out "bf-collect: $what changes nothing"
	is "$status$(cat err)" 0 "... and is no error"
done
BF_INJECT_FD=$fd spoil read:3:EIO bf-collect -m 10K t children.jsonl
is "$status $(cat err)" "2 bf-collect: cannot read a temporary file: Input/output error" "bf-collect: a read of the temporary file that fails"
like "$(tail -n 1 out)" '{"incomplete":*' "and the output is not whole"
spoil write:1:ENOSPC bf-collect -m 10K t children.jsonl
is "$status $(cat err)" "2 bf-collect: cannot write to a temporary file: No space left on device" "a write to it that fails"
like "$(cat out)" '{"incomplete":*' "and the output is not whole"

# What bf-prompt reads at its start
mkdir prompts
seq 5000 | sed 's/.*/{"text":"question &","answer":"&"}/' >shots.jsonl
{ printf -- '---\nsystem: s\n---\n' && seq 20000; } >prompts/long.md
head -n 2 in.jsonl >two.jsonl
export BF_PROMPTS=$PWD/prompts
for args in '--examples shots.jsonl {text}' '--system-file prompts/long.md {text}' @long; do
	file=$(case $args in --examples*) echo shots.jsonl ;; *) echo long.md ;; esac)
	# shellcheck disable=SC2086
	bf-prompt $args two.jsonl >want
	for what in read:2:EINTR read:1+:short; do
		# shellcheck disable=SC2086
		BF_INJECT_PATH=$file spoil $what bf-prompt $args two.jsonl
		same want out "bf-prompt $args: $what changes nothing"
	done
	for what in open:1:EMFILE read:2:EIO; do
		# shellcheck disable=SC2086
		BF_INJECT_PATH=$file spoil $what bf-prompt $args two.jsonl
		is "$status $(wc -c <out)" "2 0" "bf-prompt $args: $what ends it before anything comes out"
		like "$(cat err)" "bf-prompt: *$file: *" "and names the file"
	done
done
BF_INJECT_PATH=long.md spoil read:1:EIO bf-prompt --list-prompts
is "$status $(grep -c . out)" "1 5" "bf-prompt --list-prompts: a prompt that cannot be read is left out"
like "$(cat err)" "bf-prompt: */long.md: Input/output error" "and told"

done_testing
