#!/bin/sh
# Writers that are not ours: what Python's csv, json and sqlite3 write is read back
# byte for byte, and its lines are what --as lines gives of a long text.
. "$(dirname "$0")/../lib.sh"
python3 -c 'import csv, json, sqlite3' || skip_all "there is no python3 with sqlite3"

cat >write.py <<'END'
import csv, json, random, sqlite3
random.seed(42)
pool = ['"', '""', ',', ';', '\t', '\n', '\r', '\r\n', '\\', '\\n', "'", ' ', 'a', 'b"c', '{', '[', '007', '1e5', 'null',
        '\0', '\x01', '\x1f', '\x7f', 'é', 'ß', '語', '😀', '👩‍👩‍👧', 'שלום', 'مرحبا', '\u2028', '\u2029', '\u0085', '\ufeff', '\ufffd', '\u200f']
def text():
    k = random.random()
    if k < 0.1:
        return ''
    if k < 0.101:
        return ''.join(random.choices(pool, k=60000))
    return ''.join(random.choices(pool, k=random.randint(1, 12)))
names = ['plain', 'with space', 'q"uote', 'comma,', 'new\nline', 'é😀', 'שם']
rows = [[text() for _ in names] for _ in range(1500)]
with open('want.jsonl', 'w', newline='\n') as f:
    for row in rows:
        f.write(json.dumps(dict(zip(names, row)), ensure_ascii=False) + '\n')
def write_csv(path, **how):
    with open(path, 'w', newline='', encoding='utf-8') as f:
        w = csv.writer(f, **how)
        w.writerow(names)
        w.writerows(rows)
write_csv('excel.csv')
write_csv('unix.csv', dialect='unix')
write_csv('semi.csv', delimiter=';')
def tsv(s):
    return s.replace('\\', '\\\\').replace('\t', '\\t').replace('\n', '\\n').replace('\r', '\\r')
with open('t.tsv', 'w', newline='', encoding='utf-8') as f:
    for row in [names] + rows:
        f.write('\t'.join(map(tsv, row)) + '\n')
objects = [dict(zip(names, row)) for row in rows]
with open('plain.json', 'w') as f:
    json.dump(objects, f)
with open('raw.json', 'w', encoding='utf-8') as f:
    json.dump(objects, f, ensure_ascii=False, indent='\t')
with open('stream.json', 'w', encoding='utf-8') as f:
    for o in objects:
        json.dump(o, f, ensure_ascii=False, indent=1)
for path, encoding in [('u8.db', 'UTF-8'), ('u16.db', 'UTF-16be')]:
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA encoding = '{encoding}'")
    columns = ', '.join('"%s" TEXT' % n.replace('"', '""') for n in names)
    db.execute(f'CREATE TABLE t({columns})')
    db.executemany('INSERT INTO t VALUES(%s)' % ', '.join('?' * len(names)), rows)
    db.commit()
    db.close()
END
cat >compare.py <<'END'
import json, sys
def entries(path):
    with open(path, 'rb') as f:
        for line in f.read().split(b'\n')[:-1]:
            yield json.loads(line.decode('utf-8'))
want, got = list(entries('want.jsonl')), list(entries('got'))
if len(want) != len(got):
    sys.exit(f'{len(got)} entries, not {len(want)}')
for i, (a, b) in enumerate(zip(want, got)):
    if list(a.items()) != list(b.items()):
        sys.exit(f'entry {i}: {b!r:.300}, not {a!r:.300}')
END
python3 write.py || exit 99

# back NAME ARGS...: what is read is what was written
back() {
	title=$1
	shift
	bf-read --id none "$@" >got 2>err
	[ ! -s err ] && python3 compare.py >why 2>&1
	ok $? "$title" || head -c 600 err why | sed 's/^/# /'
}
back "csv as Excel has it" excel.csv
back "csv, every cell quoted, LF" unix.csv
back "csv, semicolons" --delimiter ';' semi.csv
back "tsv" t.tsv
back "json, escaped" plain.json
back "json, indented" raw.json
back "json, one after the other" stream.json
back "sqlite" u8.db
back "sqlite in UTF-16" u16.db
gzip -c excel.csv | bf-read --id none -f csv >got
python3 compare.py
ok $? "csv from a pipe, compressed"
is "$(bf-read excel.csv | jq -r .id | cksum)" "$(bf-read t.tsv | jq -r .id | cksum)" "the same rows have the same ids, in csv and in tsv"

# Every kind of value by --infer: those of Python's json that are no strings.
python3 - <<'END'
import csv, json, random
random.seed(3)
values = [0, -1, 10**30, 1.5, -2e-9, True, False, None, [], {}, [1, ['a\n"']], {'é': {'b': None}}]
for _ in range(500):
    values.append(random.choice([random.random() * 10 ** random.randint(-20, 20), random.randint(-10**18, 10**18)]))
with open('infer.csv', 'w', newline='') as f:
    csv.writer(f).writerows([['v']] + [[json.dumps(v)] for v in values])
with open('want', 'w') as f:
    f.writelines('{"v":%s}\n' % json.dumps(v) for v in values)
END
bf-read --id none --infer infer.csv >got
same want got "--infer"

# ---- --as lines of a million lines ----
# No line of it means anything to CommonMark but for headings and fences.
awk 'BEGIN {
	for (i = 0; i < 1000000; i++) {
		if (i % 1000 == 0) printf "%s Part %d\n", i % 3000 ? "##" : "#", i
		else if (i % 17 == 0) print ""
		else if (i % 1000 == 500) print "```\n# no heading\n```"
		else printf "%sline %d é%s\n", i % 5 ? "" : "  ", i, i % 7 ? "" : " \t"
	}
}' >long.md
cp long.md long.txt
cat >lines.py <<'END'
import json, sys
name = sys.argv[1]
above, fenced, begin = [], False, None
with open(name, newline='\n', encoding='utf-8') as f:
    for line in f:
        line = line.strip(' \t\n')
        if line.startswith('```'):
            fenced = not fenced
        if name == 'long.md' and not fenced and line.startswith('#'):
            marks, title = line.split(' ', 1)
            above, begin = above[:len(marks) - 1] + [title], None
        elif line:
            if begin is None:
                begin = '{"source":"%s","headings":%s,"directory":"%s","keyword":"' % (
                    name, json.dumps(above, separators=(',', ':')), '/'.join(above))
            sys.stdout.write(begin + line + '"}\n')
END
for f in long.md long.txt; do
	bf-read --as lines --id none $f >got
	PYTHONIOENCODING=utf-8 python3 lines.py $f >want
	cmp -s want got
	ok $? "--as lines of a million lines: $f" || diff want got | head -5 | sed 's/^/# /'
done

done_testing
