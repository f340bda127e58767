#!/bin/bash
# bf-save to a table of an SQLite database, read by Python.
. "$(dirname "$0")/../lib.sh"
python3 -c 'import sqlite3' 2>/dev/null || skip_all "no python3"

cat >sql.py <<'EOF'
# DB and SQL, each up to a NUL, on standard input: runs it; each row as JSON, then a NUL
import json, sqlite3, sys
def fields():
    text = ''
    while part := sys.stdin.read(1):
        if part == '\0':
            yield text
            text = ''
        else:
            text += part
asked = fields()
for path in asked:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        for row in db.execute(next(asked)):
            print(json.dumps(row, ensure_ascii=False))
    except sqlite3.Error as e:
        print(e)
    db.close()
    print(end='\0', flush=True)
EOF
mkfifo ask told
python3 sql.py <ask >told &
exec 7>ask 8<told
# sql DB SQL: what it gives; one process answers all
sql() {
	local rows
	printf '%s\0' "$1" "$2" >&7
	IFS= read -r -d '' rows <&8
	printf '%s' "$rows"
}
schema() { sql "$1" "SELECT sql FROM sqlite_master WHERE name = '${2:-entries}'" | jq -r '.[0]'; }
incomplete='{"incomplete":{"by":"bf-llm","why":"budget reached","status":75}}'

cat >in <<'EOF'
{"id":"a1","n":1,"x":0.1,"b":true,"s":"007","big":12345678901234567890,"l":["x", "y"],"z":null}
{"id":"b2","n":9223372036854775807,"x":1.5e3,"b":false,"s":"nul\u0000in","big":1e400,"l":{"a": 1e5},"z":null}
{"id":"c3","n":-9223372036854775808,"x":0.30000000000000004,"s":"","big":0.1000000000000000000001,"l":[],"new":1}
EOF
run bf-save o.db <in
is "$status$(cat out err)" 0 "sqlite"
is "$(schema o.db)" 'CREATE TABLE "entries" ("id" TEXT, "n" INTEGER, "x" REAL, "b" INTEGER, "s" TEXT, "big" TEXT, "l" TEXT, "z", "new" INTEGER)' \
	"columns and their types are those of all entries"
sql o.db 'SELECT * FROM entries ORDER BY rowid' >got
cat >want <<'EOF'
["a1", 1, 0.1, 1, "007", "12345678901234567890", "[\"x\",\"y\"]", null, null]
["b2", 9223372036854775807, 1500.0, 0, "nul\u0000in", "1e400", "{\"a\":1e5}", null, null]
["c3", -9223372036854775808, 0.30000000000000004, null, "", "0.1000000000000000000001", "[]", null, 1]
EOF
same want got "every value is what it was"
for name in o.sqlite o.sqlite3; do
	bf-save $name <in
	sql $name 'SELECT * FROM entries ORDER BY rowid' >got
	same want got "$name"
done
bf-save -f sqlite --table 'a "table"; --' o.db <in
sql o.db 'SELECT * FROM "a ""table""; --" ORDER BY rowid' >got
same want got "--table, beside another"
is "$(sql o.db 'PRAGMA integrity_check')" '["ok"]' "the database is sound"
is "$(stat -c %a o.db)" "$(printf %o $((0666 & ~0$(umask))))" "with the mode of the umask"

# ---- nothing is silently changed ----

cat >mixed <<'EOF'
{"m":1,"e":1,"t":"1"}
{"m":1.0,"e":1e2,"t":"2.50"}
{"m":"007","e":2,"t":" 3 "}
{"m":"1e3","e":-0,"t":"x"}
{"m":12345678901234567890,"e":0.5,"t":"-0"}
{"m":true,"e":1e-400,"t":"0x10"}
{"m":null,"e":100000000000000000000,"t":""}
{"m":[1],"e":1.7976931348623157e308,"t":"5e-324"}
{"m":"a","e":5e-324,"t":"\u0000"}
EOF
bf-save --table mixed o.db <mixed
cat >want <<'EOF'
[1, 1, "1"]
[1.0, 100.0, "2.50"]
["007", 2, " 3 "]
["1e3", "-0", "x"]
["12345678901234567890", 0.5, "-0"]
[1, "1e-400", "0x10"]
[null, 1e+20, ""]
["[1]", 1.7976931348623157e+308, "5e-324"]
["a", "5e-324", "\u0000"]
EOF
sql o.db 'SELECT * FROM mixed' >got
sed -i 's/^\["a", "5e-324"/["a", 5e-324/' want
same want got "a column of mixed kinds keeps each"
is "$(schema o.db mixed)" 'CREATE TABLE "mixed" ("m", "e", "t" TEXT)' "it has no type"

refused() { # WHAT MESSAGE LINE...
	what=$1 message=$2
	shift 2
	printf '%s\n' "$@" >bad
	rm -f r.db r.db.partial
	run bf-save r.db <bad
	like "$status $(cat err)" "2 bf-save: <stdin>:$#: $message
*" "$what"
	[ ! -e r.db ]
	ok $? "$what: no database is made"
	run bf-save --keep-going r.db <bad
	is "$status $(sql r.db 'SELECT count(*) FROM entries')" "1 [$(($# - 1))]" "$what: --keep-going leaves it out"
}
refused "a lone surrogate" 'field "a" holds half of a surrogate pair*' '{"a":"x"}' '{"a":"\ud800"}'
refused "names that differ in case" 'fields "aZ" and "Az" are one column to SQLite*' '{"aZ":1}' '{"Az":1}'
refused "a name with NUL" "a field's name holds a NUL*" '{"a":1}' '{"a\u0000b":1}'
run bf-save --fields a,A=b r.db <in
is "$status" 2 "--fields that differ in case"
echo '{"b":2,"A":1,"a \"q\"":3,"":4,"select":5,"rowid":6}' >odd
run bf-save --table odd o.db <odd
sql o.db 'SELECT * FROM odd' >got
is "$status $(cat got)" "0 [2, 1, 3, 4, 5, 6]" "odd names"
seq 2000 | sed 's/.*/"f&":&/' | paste -sd, | sed 's/.*/{&}/' >wide
run bf-save r.db <wide
like "$status $(cat err)" "2 *: more than 1999 fields*" "too many fields"
seq 1999 | sed 's/.*/"f&":&/' | paste -sd, | sed 's/.*/{&}/' >wide
rm -f r.db
run bf-save r.db <wide
is "$status $(sql r.db 'SELECT f1999 FROM entries')" "0 [1999]" "as many as there may be"
bf-save --key f1 r.db <wide
cp r.db was.db
bf-save --key f1 r.db <wide
same was.db r.db "and with a key"

# ---- replaced, and unchanged ----

bf-save u.db <in
sql u.db 'CREATE TABLE other (a); ' && sql u.db "INSERT INTO other VALUES ('mine')"
cp u.db was.db
touch -d '2001-02-03 04:05:06' u.db
run bf-save -v u.db <in
same was.db u.db "the same again: byte for byte as it was"
is "$(stat -c %y u.db | cut -c1-19) $(cat err)" "2001-02-03 04:05:06 bf-save: u.db: 3 entries, unchanged" "time stamp too"
for change in 's/"007"/7/' 's/1\.5e3/1500/' '2d' 's/"new":1/"new":null/' 's/"b":true/"b":1.0/'; do
	sed "$change" in >other
	bf-save u.db <in
	run bf-save -v u.db <other
	like "$status $(cat err)" "0 *entries" "a difference is found: $change"
	bf-save fresh.db <other
	is "$(schema u.db)" "$(schema fresh.db)" "and the table made anew"
	sql fresh.db 'SELECT rowid, * FROM entries' >want
	sql u.db 'SELECT rowid, * FROM entries' >got
	same want got "with these rows"
	rm fresh.db
done
is "$(sql u.db 'SELECT * FROM other')" '["mine"]' "other tables stay"
run bf-save u.db </dev/null
is "$status $(sql u.db 'SELECT count(*) FROM entries')" "0 [0]" "no entries: the table is emptied"
run bf-save e.db </dev/null
is "$status $(sql e.db 'SELECT count(*) FROM sqlite_master')" "0 [0]" "no entries and no table: none"
bf-save --fields a,b e.db </dev/null
is "$(schema e.db)" 'CREATE TABLE "entries" ("a", "b")' "no entries and --fields: these columns"

# ---- --key ----

bf-save --key id k.db <in
is "$(schema k.db)" 'CREATE TABLE "entries" ("id" TEXT, "n" INTEGER, "x" REAL, "b" INTEGER, "s" TEXT, "big" TEXT, "l" TEXT, "z", "new" INTEGER, UNIQUE ("id"))' "--key makes it unique"
cp k.db was.db
run bf-save -v --key id k.db <in
same was.db k.db "--key: rows that are equal leave the file byte for byte"
like "$(cat err)" "*3 entries, unchanged" "--key: which is said"
printf '%s\n' '{"id":"b2","n":2}' '{"id":"d4","n":1}' '{"id":"d4","n":4,"extra":"e"}' >more
run bf-save --key id k.db <more
is "$status" 0 "--key with other entries"
sql k.db 'SELECT id, n, s, extra FROM entries ORDER BY id' >got
cat >want <<'EOF'
["a1", 1, "007", null]
["b2", 2, "nul\u0000in", null]
["c3", -9223372036854775808, "", null]
["d4", 4, null, "e"]
EOF
same want got "--key: updated, added, the last of equal keys, a new column, other columns kept"
printf '%s\n' '{"a":1,"b":1,"v":"x"}' '{"a":1,"b":2,"v":"y"}' '{"a":1,"b":"1","v":"z"}' >two
bf-save --key a,b --table two k.db <two
printf '%s\n' '{"a":1,"b":2,"v":"Y"}' >two
bf-save --key a,b --table two k.db <two
is "$(sql k.db 'SELECT * FROM two' | tr '\n' ' ')" '[1, 1, "x"] [1, 2, "Y"] [1, "1", "z"] ' "--key of two fields"
echo '{"id":7}' >only
bf-save --key id --table only k.db <only && bf-save --key id --table only k.db <only
is "$?$(sql k.db 'SELECT * FROM only')" '0[7]' "--key alone"
run bf-save --key id k.db <two
like "$status $(cat err)" '2 bf-save: <stdin>:1: no field "id", which is the key*' "an entry without its key"
echo '{"id":null}' >null
run bf-save --key id k.db <null
is "$status" 2 "one with null"
run bf-save --key id --fields n k.db <in
is "$status $(wc -l <err)" "2 1" "a key that is not in --fields"
bf-save --table plain k.db <in
cat in in >twice
run bf-save --key id --table plain k.db <twice
is "$status $(sql k.db 'SELECT count(*) FROM plain') $(schema k.db plain_id)" '0 [3] CREATE UNIQUE INDEX "plain_id" ON "plain" ("id")' "a table without a key gets an index"
bf-save --table dup k.db <twice
run bf-save --key id --table dup k.db <in
like "$status $(cat err)" '2 bf-save: k.db: rows of table "dup" have one key already: *' "unless its rows forbid"
is "$(sql k.db 'SELECT count(*) FROM dup')" '[6]' "and stays"

# ---- --append ----

bf-save --append p.db <in
bf-save --append p.db <in
is "$(sql p.db 'SELECT count(*) FROM entries')" '[6]' "--append makes a table, and adds to it"
cp p.db was.db
bf-save --append p.db </dev/null
same was.db p.db "--append of nothing"
echo '{"N":5}' >upper
bf-save --append p.db <upper
is "$(sql p.db 'SELECT n FROM entries WHERE id IS NULL')" '[5]' "a column by another case"
for bad in '{"n":"007"}' '{"s":1}' '{"x":"1"}' '{"x":9007199254740993}'; do
	echo "$bad" >bad
	cp p.db was.db
	run bf-save --append p.db <bad
	like "$status $(cat err)" '2 bf-save: p.db: column "?" is declared *, which would change values of this run; what came is in p.db.partial' "--append of $bad"
	same was.db p.db "leaves the file as it was"
done
for good in '{"n":"seven"}' '{"n":0.5}' '{"x":3}'; do
	echo "$good" >good
	run bf-save --append p.db <good
	is "$status" 0 "--append of $good"
done

# ---- whole or not at all ----

bf-save w.db <in
cp w.db was.db
{ head -1 in; echo "$incomplete"; } >part
for o in '' --append '--key id'; do
	run bf-save $o w.db <part
	is "$status $(cat err)" "75 bf-save: w.db: not saved: incomplete input: bf-llm: budget reached; what came is in w.db.partial" "incomplete input $o"
	same was.db w.db "the database is as it was"
	is "$(sql w.db.partial 'SELECT id FROM entries')" '["a1"]' "what came is a database too"
done
run bf-save w.db <in
[ ! -e w.db.partial ]
ok $? "a whole result takes it away"
run bf-save --expect 2 w.db <in
is "$status $(sql w.db.partial 'SELECT count(*) FROM entries')" "2 [3]" "--expect"
run bf-save --tee w.db <in
same in out "--tee passes on"
echo 'this is no database, whatever its name is' >t.db
cp t.db was
run bf-save t.db <in
is "$status $(cat err)" "2 bf-save: t.db: file is not a database" "a file that is no database"
same was t.db "stays"
mkdir dir.db
run bf-save -f sqlite dir.db <in
is "$status $(wc -l <err)" "2 1" "a folder"
mkfifo fifo.db
run bf-save fifo.db <in
is "$status $(cat err)" "2 bf-save: fifo.db: not a regular file" "a FIFO"
run bf-save no/x.db <in
is "$status" 2 "no such folder"
bf-save s.db <in
sql s.db 'CREATE VIEW v AS SELECT 1'
run bf-save --table v s.db <in
is "$status" 2 "a view"
sql s.db 'CREATE TABLE strict (id INTEGER NOT NULL CHECK (id > 5))'
run bf-save --append --fields id=n --table strict s.db <in
like "$status $(cat err)" "2 bf-save: s.db: CHECK constraint failed: *" "a constraint of the table"
is "$(sql s.db 'SELECT count(*) FROM strict')" "[0]" "then nothing is added"
ln -s real.db link.db
bf-save link.db <in
is "$(sql real.db 'SELECT count(*) FROM entries') $([ -L link.db ] && echo link)" "[3] link" "a link to nothing yet"
bf-save file:x.db <in
is "$(sql ./file:x.db 'SELECT count(*) FROM entries')" "[3]" "a name that looks like a URI"
for o in '-' 'x.db.gz -f sqlite' '--split 2 x.db' '--table sqlite_x x.db' '--key a,a x.db' '--key a x.jsonl' '--table a x.jsonl'; do
	run bf-save -f sqlite $o <in
	case $o in *jsonl) run bf-save $o <in ;; esac
	is "$status $(wc -l <err)" "2 1" "refused: $o"
done

# ---- a lock ----

cat >lock.py <<'EOF'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + ".db", isolation_level=None)
db.execute("BEGIN " + sys.argv[1])
print("locked", flush=True)
sys.stdin.readline()
db.execute("COMMIT")
EOF
head -1 in >one
# One that may not be read is met before anything comes, one that may not be written
# after; both wait for as long as bf-save does.
holding='' saving=''
for how in EXCLUSIVE IMMEDIATE; do
	cp w.db $how.db
	mkfifo go.$how locked.$how
	python3 lock.py $how <go.$how >locked.$how &
	holding="$holding $!"
	case $how in
	EXCLUSIVE) exec 3>go.$how ;;
	*) exec 4>go.$how ;;
	esac
	read -r _ <locked.$how
	{ bf-save $how.db <one 2>$how.err; echo $? >$how.status; } &
	saving="$saving $!"
done
wait $saving
for how in EXCLUSIVE IMMEDIATE; do
	like "$(cat $how.status $how.err)" "2
bf-save: $how.db: another process has locked it; try again*" "a database with a lock: $how"
	same w.db $how.db "is as it was"
done
is "$(sed 's/.*; //' IMMEDIATE.err) $(sql IMMEDIATE.db.partial 'SELECT id FROM entries')" \
	'what came is in IMMEDIATE.db.partial ["a1"]' "what came is not lost"
echo >&3
echo >&4
exec 3>&- 4>&-
wait $holding
run bf-save IMMEDIATE.db <one
is "$status $(sql IMMEDIATE.db 'SELECT count(*) FROM entries')" "0 [1]" "and not when it is free again"

# ---- much of it, in little memory ----

entries 1 100000 >many
bf-save --key id m.db <many
is "$(sql m.db 'SELECT count(*), sum(id), min(prompt) FROM entries')" '[100000, 5000050000, "number 1"]' "100,000 entries"
is "$(find . -name '.*.??????*')" "" "no temporary file is left"

# ---- killed, or failing ----

so=$BUILD/fault/inject.so
if [ -e "$so" ] && ! nm -D "$BUILD/bf-save" | grep -q __asan_init; then
	run env LD_PRELOAD="$so" BF_INJECT=dlopen:1:ENOENT bf-save o.db <in
	is "$status $(cat err)" "2 bf-save: o.db: SQLite needs libsqlite3.so.0 (Debian package libsqlite3-0)" "without the library the package is named"
	run env LD_PRELOAD="$so" BF_INJECT=dlopen BF_INJECT_COUNT="$TMP/count" bf-save o.jsonl <in
	is "$(cat count)" "dlopen 0" "other formats load no library"
fi
done_testing
