#!/bin/sh
. "$(dirname "$0")/../lib.sh"
command -v sqlite3 >/dev/null || skip_all "there is no sqlite3"
python3 -c 'import sqlite3' || skip_all "there is no python3 with sqlite3"

# hash TEXT: the id that an entry of these bytes has
hash() { printf %s "$1" | b2sum -l 128 | cut -c1-16; }
# rows OPTION...: what bf-read makes, without ids
rows() { bf-read --id none "$@"; }

# ---- values ----
sqlite3 one.db <<'END'
CREATE TABLE t(n INTEGER, "a ""b" TEXT, r REAL, x);
INSERT INTO t VALUES(1, 'é 😀' || char(8232) || char(10) || '"', 1.0, NULL);
INSERT INTO t VALUES(-9223372036854775808, '', 0.1, 9223372036854775807);
INSERT INTO t VALUES(0, 'a' || char(0) || 'b', 1e100, '007');
CREATE INDEX covering ON t(x, n, r, "a ""b");
END
cat >want <<'END'
{"n":1,"a \"b":"é 😀@\n\"","r":1.0,"x":null}
{"n":-9223372036854775808,"a \"b":"","r":0.1,"x":9223372036854775807}
{"n":0,"a \"b":"a\u0000b","r":1e+100,"x":"007"}
END
sed -i "s/@/$(printf '\342\200\250')/" want
run rows one.db
same want out "integers, reals, texts, NULL, in the order of the rows"
is "$status$(cat err)" 0 "all is well"
line=$(head -1 want)
is "$(bf-read one.db | head -1)" "{\"id\":\"$(hash "$line")\",${line#\{}" "the id is the hash of the rest"
for name in a.sqlite b.sqlite3 noext; do cp one.db $name; done
is "$(rows a.sqlite | cksum)$(rows b.sqlite3 | cksum)$(rows -f sqlite noext | cksum)" \
	"$(cksum <want)$(cksum <want)$(cksum <want)" "by its name, and by -f sqlite"
cp one.db 'odd %41?#&.db'
is "$(rows 'odd %41?#&.db' | cksum)" "$(cksum <want)" "any name"
is "$(rows "$PWD/one.db" | cksum)$(rows "//$PWD/one.db" | cksum)" "$(cksum <want)$(cksum <want)" "a path from the root"
python3 - <<'END'
import sqlite3, struct, random
random.seed(7)
values = [0.0, -0.0, 1.0, 1e15, 1e16, 123456789012345680.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1/3, 2/3, 0.1 + 0.2]
while len(values) < 3000:
    v, = struct.unpack('d', random.randbytes(8))
    if v == v and abs(v) != float('inf'):
        values.append(v)
db = sqlite3.connect('real.db')
db.execute('CREATE TABLE t(r)')
db.executemany('INSERT INTO t VALUES(?)', [(v,) for v in values])
db.commit()
with open('real.want', 'w') as f:
    for v in values:
        print(struct.pack('>d', v).hex(), file=f)
END
rows real.db >reals
python3 -c '
import json, struct
for line in open("reals"):
    v = json.loads(line)["r"]
    print(struct.pack(">d", v).hex() if isinstance(v, float) else line)' >got
same real.want got "a real reads back as the same, and as a real"
is "$(sed -n '1,3p;7p;12p' reals | tr '\n' ' ')" '{"r":0.0} {"r":-0.0} {"r":1.0} {"r":5e-324} {"r":0.30000000000000004} ' "in few digits"
sqlite3 wide.db "PRAGMA encoding='UTF-16le'; CREATE TABLE t(a); INSERT INTO t VALUES('é😀')"
is "$(rows wide.db)" '{"a":"é😀"}' "a database in UTF-16"

# ---- which rows ----
sqlite3 many.db <<'END'
CREATE TABLE "a""b; --"(v); INSERT INTO "a""b; --" VALUES(1);
CREATE TABLE keys(id TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO keys VALUES('z', 1), ('', 2), ('m', 3);
CREATE TABLE auto(k INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO auto VALUES(5);
CREATE VIEW half AS SELECT v FROM keys WHERE v > 1;
CREATE TABLE empty(a);
END
run bf-read many.db
is "$(cat err) $status" 'bf-read: many.db: choose one of its tables with --table: a"b; --, keys, auto, empty 2' "several tables are listed"
is "$(rows --table 'a"b; --' many.db)" '{"v":1}' "--table, any name"
is "$(rows --table half many.db | tr '\n' ' ')" '{"v":2} {"v":3} ' "--table, a view"
is "$(rows --table empty many.db)" "" "an empty table"
sqlite3 order.db "CREATE TABLE t(k INTEGER PRIMARY KEY, v); CREATE INDEX i ON t(v);
	INSERT INTO t VALUES(1, 9), (2, 3); ANALYZE; UPDATE sqlite_stat1 SET stat = '2 1 sz=1'"
is "$(rows order.db | tr '\n' ' ')" '{"k":1,"v":9} {"k":2,"v":3} ' "in the order of the rows, though an index would be shorter"
is "$(bf-read --table keys many.db)" '{"id":"'"$(hash '{"v":2}')"'","v":2}
{"id":"m","v":3}
{"id":"z","v":1}' "a column named id; an empty one is none"
is "$(rows --query 'SELECT v * 2 AS w, id FROM keys ORDER BY v DESC; -- so' many.db | tr '\n' ' ')" \
	'{"w":6,"id":"m"} {"w":4,"id":""} {"w":2,"id":"z"} ' "--query"
is "$(rows --query 'WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n < 3) SELECT n FROM c' many.db | tr '\n' ' ')" \
	'{"n":1} {"n":2} {"n":3} ' "a query of many parts"
# refused SQL MESSAGE: a query that does not run, and changes nothing
cksum many.db >before
refused() {
	run bf-read --query "$1" many.db
	like "$(cat err) $status $(wc -l <out)" "bf-read: many.db: $2 2 1" "refused: $1"
}
refused 'SELECT 1; SELECT 2' "--query holds more than one statement"
refused 'SELECT 1; DROP TABLE keys' "--query holds more than one statement"
refused 'SELECT 1; nonsense' "--query holds more than one statement"
refused '' "--query holds no statement"
refused ' ; -- nothing' "--query holds no statement"
refused 'DELETE FROM keys' "--query is for a SELECT*"
refused 'DELETE FROM keys RETURNING id' "--query is for a SELECT*"
refused 'PRAGMA user_version = 3' "--query is for a SELECT*"
refused 'BEGIN' "--query is for a SELECT*"
refused "ATTACH 'other.db' AS other" "*"
refused "VACUUM INTO 'other.db'" "*"
refused 'SELECT * FROM nowhere' "no such table: nowhere"
refused 'SELECT v, v FROM keys' "two columns have the name \"v\"; --query can rename one with AS"
refused "SELECT load_extension('x')" "*"
is "$(cksum many.db)" "$(cat before)" "the database is as it was"
[ ! -e other.db ]
ok $? "no other was made"
run bf-read --table none many.db
is "$(cat err) $status" "bf-read: many.db: no such table: none 2" "a table that is not there"
run bf-read --table t --query 'SELECT 1' many.db
is "$status $(wc -l <err)" "2 1" "--table and --query: usage"

# ---- rows that are none ----
python3 - <<'END'
import sqlite3
db = sqlite3.connect('bad.db')
db.execute('CREATE TABLE t(a, b)')
db.execute("INSERT INTO t VALUES(1, 'x')")
db.execute('INSERT INTO t VALUES(2, ?)', (b'\0\1',))
db.execute("INSERT INTO t VALUES(3, CAST(x'61ff' AS TEXT))")
db.execute('INSERT INTO t VALUES(4, ?)', (float('inf'),))
db.execute("INSERT INTO t VALUES(5, 'y')")
db.commit()
END
run rows bad.db
like "$(cat err) $status" 'bf-read: bad.db: row 2: column "b": a BLOB*hex()* 2' "a BLOB"
is "$(head -1 out)" '{"a":1,"b":"x"}' "what is before it came out"
is "$(tail -1 out)" '{"incomplete":{"by":"bf-read","why":"bad entry bad.db: row 2","status":2}}' "and does not look whole"
run rows --keep-going bad.db
is "$(cat out) $status" '{"a":1,"b":"x"}
{"a":5,"b":"y"} 1' "--keep-going"
is "$(sed -n '2,$p' err)" 'bf-read: bad.db: row 3: column "b": invalid UTF-8; --query can have it as hex()
bf-read: bad.db: row 4: column "b": infinite, which JSON has no number for' "each is told"
is "$(rows --query "SELECT hex(b) AS h FROM t WHERE typeof(b) = 'blob'" bad.db)" '{"h":"0001"}' "the way out"
run bf-read --id b --keep-going --query 'SELECT a, NULL AS b FROM t WHERE a = 1' bad.db
is "$(cat err) $status" "bf-read: bad.db: row 1: no id: 'b' is null 1" "--id"
run rows --max-line 20 one.db
like "$(cat err) $status" "bf-read: one.db: row 1: longer than 20 bytes (see --max-line) 2" "--max-line"

# ---- files that are none ----
echo 'no database, but a text that is long enough to be looked at' >text.db
run bf-read text.db one.db
is "$(cat err) $status $(wc -l <out)" "bf-read: text.db: file is not a database 2 4" "no database; the others are read"
: >empty.db
run bf-read empty.db
is "$(cat err) $status" "bf-read: empty.db: there is no table in it 2" "an empty file"
run bf-read nowhere.db
is "$(cat err) $status" "bf-read: nowhere.db: No such file or directory 2" "a file that is not there"
sqlite3 torn.db 'CREATE TABLE t(a); WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n < 5000) INSERT INTO t SELECT printf("%0200d", n) FROM c'
seq 100000 | head -c 40960 | dd of=torn.db bs=4096 seek=100 conv=notrunc 2>/dev/null
run bf-read torn.db
like "$(cat err) $status" "bf-read: torn.db: after row *: database disk image is malformed 2" "damaged pages"
like "$(tail -1 out)" '{"incomplete":*' "do not look whole"

# ---- copies ----
mkdir tmp
TMPDIR=$PWD/tmp
export TMPDIR
is "$(rows -f sqlite <one.db | cksum)$(cat one.db | rows -f sqlite - | cksum)" "$(cksum <want)$(cksum <want)" "standard input"
gzip -c one.db >one.db.gz
zstd -q one.db
is "$(rows one.db.gz | cksum)$(rows one.db.zst | cksum)" "$(cksum <want)$(cksum <want)" "gzip and zstd"
head -c 300 one.db.gz >cut.db.gz
run bf-read cut.db.gz
is "$(cat err) $status" "bf-read: cut.db.gz: compressed data ends too early 2" "cut short"
is "$(ls -A tmp)" "" "no copy stays"
TMPDIR=$PWD/nowhere run bf-read one.db.gz
is "$(cat err) $status" "bf-read: one.db.gz: cannot make a temporary copy in $PWD/nowhere: No such file or directory 2" "no place for a copy"
mkfifo pipe.db
bf-read pipe.db >cut 2>err &
pid=$!
exec 3>pipe.db
head -c 4096 one.db >&3
kill -TERM $pid
status=0
wait $pid || status=$?
exec 3>&-
is "$status $(ls -A tmp)" "143 " "TERM while it is copied leaves no copy"

# ---- others that use it ----
cat >hold.py <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
for sql in sys.argv[2:]:
    db.execute(sql)
print('ready', flush=True)
sys.stdin.readline()
END
mkfifo ready release
# hold DATABASE SQL...: keeps it open until something is written to 4
hold() {
	python3 hold.py "$@" <release >ready &
	holder=$!
	exec 4>release
	read -r _ <ready
}
cp one.db locked.db
hold locked.db 'BEGIN EXCLUSIVE' 'DELETE FROM t'
rows locked.db >out 2>err &
pid=$!
echo >&4
exec 4>&-
wait $holder
status=0
wait $pid || status=$?
is "$status $(cksum <out)" "0 $(cksum <want)" "one that is being changed is waited for"
hold locked.db 'BEGIN EXCLUSIVE'
# Without that it would end at once, with status 2.
run timeout 1 bf-read locked.db
is "$status $(cat out)" '124 {"incomplete":{"by":"bf-read","why":"terminated","status":143}}' "and TERM ends the wait"
exec 4>&-
wait $holder
sqlite3 wal.db 'PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)' >/dev/null
is "$(rows wal.db) $(ls wal.db*)" '{"a":1} wal.db' "in WAL mode, at rest: no files are left beside it"
hold wal.db 'INSERT INTO t VALUES(2)' 'BEGIN IMMEDIATE' 'INSERT INTO t VALUES(3)'
is "$(rows wal.db | tr '\n' ' ')" '{"a":1} {"a":2} ' "while it is written: all that is committed"
exec 4>&-
wait $holder
chmod a-w wal.db
is "$(rows wal.db | wc -l)" 2 "one that may not be written"

done_testing
