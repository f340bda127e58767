#!/bin/sh
# What the system may do to bf-read where it does not read by lines.
. "$(dirname "$0")/../lib.sh"
[ -e "$BUILD/fault/inject.so" ] || skip_all "inject.so is not built"
command -v sqlite3 >/dev/null || skip_all "there is no sqlite3"

seq 30000 | sed 's/.*/{"id":"&","text":"some text of entry &"},/; 1s/^/[/; $s/,$/]/' >in.json
seq 30000 | sed 's/.*/&,"some ""text"" of entry &"/; 1s/^/id,text\n/' >in.csv
seq 30000 | sed 's/.*/&\tsome \\\\text of entry &/; 1s/^/id\ttext\n/' >in.tsv
sqlite3 in.db <<'END'
CREATE TABLE t(id, text);
WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 30000)
INSERT INTO t SELECT n, 'some text of entry ' || n FROM c;
END
gzip -c in.db >in.db.gz
mkdir tmp
export TMPDIR="$PWD/tmp"

# spoil CALL:N:WHAT ARGS...: bf-read with that call spoilt
spoil() {
	inject=$1
	shift
	run env LD_PRELOAD="$BUILD/fault/inject.so" BF_INJECT="$inject" BF_INJECT_PROGRAM=bf-read bf-read "$@"
}

# Sanitizers put their own calls before those of inject.so.
spoil open:1+:EMFILE in.csv
grep -q 'Too many' err || skip_all "the commands are built so that nothing can be injected"

for f in in.json in.csv in.tsv in.db.gz; do
	bf-read $f >want
	for what in read:2:EINTR read:1+:short read:3:EAGAIN write:1:EINTR write:1+:short; do
		spoil $what $f
		same want out "$f: $what changes nothing"
		is "$status$(cat err)" 0 "... and is no error"
	done
	spoil read:2:EIO $f
	is "$status $(cat err)" "2 bf-read: $f: cannot read: Input/output error" "$f: a read that fails"
	like "$(tail -1 out)" '{"incomplete":{"by":"bf-read",*,"status":2}}' "and what came before does not look whole"
	spoil open:1+:EMFILE $f
	is "$status $(cat err)" "2 bf-read: $f: Too many open files" "$f: no descriptor left"
done
is "$(ls -A tmp)" "" "no copy of a database stays"

# ---- SQLite ----
spoil dlopen:1:ENOENT in.db
is "$status $(cat err)" "2 bf-read: in.db: SQLite needs libsqlite3.so.0 (Debian package libsqlite3-0)" "without the library"
BF_INJECT_PATH=in.db spoil read:4+:EIO in.db
like "$status $(cat err)" "2 bf-read: in.db: *" "a database that cannot be read on"
like "$(tail -1 out)" '{"incomplete":*' "does not look whole"
BF_INJECT_PATH=bf-read- spoil write:2:ENOSPC in.db.gz
is "$status $(cat err)" "2 bf-read: in.db.gz: cannot write a temporary copy: No space left on device" "a full disk"
BF_INJECT_PATH=bf-read- spoil close:1:EIO in.db.gz
is "$status $(cat err)" "2 bf-read: in.db.gz: cannot write a temporary copy: Input/output error" "a copy that cannot be closed"
BF_INJECT_PATH=bf-read- spoil open:1:EACCES in.db.gz
is "$status $(cat err)" "2 bf-read: in.db.gz: cannot make a temporary copy in $TMPDIR: Permission denied" "no copy can be made"
is "$(ls -A tmp)" "" "no copy stays"
BF_INJECT_PATH=bf-read- spoil unlink:1:EIO in.db.gz
like "$status $(cat err)" "0 bf-read: $TMPDIR/bf-read-*: cannot be removed: Input/output error" "one that cannot be removed is told"

done_testing
