#!/bin/bash
# What bf-save writes, read by Python's csv, json, sqlite3, gzip: every string comes back.
. "$(dirname "$0")/../lib.sh"
python3 -c 'import csv, json, sqlite3, gzip' 2>/dev/null || skip_all "no python3"

cat >reference.py <<'EOF'
import csv, glob, gzip, json, os, random, sqlite3, sys
csv.field_size_limit(1 << 30)
SPECIAL = ['', ' ', '"', '""', ',', '\n', '\r', '\r\n', '\t', '\\', '\\t', '\\n', "'", '`', ';',
    'a,b', '"a"', 'a\nb', 'a\r\nb', ' a ', '\\', '\\\\', '\\"', '{"a":1}', '[1]', 'null', 'true', '007', '1e5',
    '-0', '+1', '=1+1', '\u0000', 'a\u0000b', '\u0001\u001f\u007f', '\u0085', '\u2028\u2029', '\ufeff', '\ufeffx',
    '\u05d0\u05d1\u202e\u202c', '\u0645\u0631\u062d\u0628\u0627', '\U0001f600\U0001f468\u200d\U0001f469', 'e\u0301', '\uffff', '\U0010ffff', 'x' * 300000,
    '"' * 1000, '\n' * 1000, '<b>&amp;</b>', '# h', '- x', 'NULL', '\\N', '%s%n', 'caf\u00e9']
rng = random.Random(7)
ALPHABET = ''.join(SPECIAL[:45])[:200]
texts = SPECIAL + [''.join(rng.choice(ALPHABET) for _ in range(rng.randrange(40))) for _ in range(2000)]
texts += [chr(c) for c in range(0x250)]

def escaped(text, way):
    if way == 0:
        return json.dumps(text, ensure_ascii=True)
    return json.dumps(text, ensure_ascii=False)

def make():
    with open('in', 'w', encoding='utf-8', newline='') as f:
        for i, text in enumerate(texts):
            f.write('{"id":"%d","a":%s,"b":%s}\n' % (i, escaped(text, i % 2), escaped(texts[-i - 1], (i + 1) % 2)))

want = [(str(i), text, texts[-i - 1]) for i, text in enumerate(texts)]

def tsv_cell(s):
    out, i = '', 0
    while i < len(s):
        if s[i] == '\\':
            i += 1
            out += {'t': '\t', 'n': '\n', 'r': '\r', '\\': '\\'}[s[i]]
        else:
            out += s[i]
        i += 1
    return out

def rows(name):
    opener = gzip.open if name.endswith('.gz') else open
    if name.endswith('.db'):
        return [tuple(r) for r in sqlite3.connect(name).execute('SELECT id, a, b FROM entries ORDER BY rowid')]
    with opener(name, 'rt', encoding='utf-8', newline='' if 'csv' in name else '\n') as f:
        if '.csv' in name:
            return [tuple(r) for r in csv.reader(f, strict=True)][1:]
        if '.tsv' in name:
            return [tuple(tsv_cell(c) for c in line[:-1].split('\t')) for line in f][1:]
        if '.jsonl' in name:
            return [tuple(json.loads(line).values()) for line in f]
        return [tuple(o.values()) for o in json.load(f)]

if sys.argv[1] == 'make':
    make()
elif sys.argv[1] == 'folder':
    got = {}
    for i, (_, a, _) in enumerate(want):
        with open('folder/%d.json' % i, encoding='utf-8', newline='') as f:
            got[i] = json.load(f)['a']
    print(sum(got[i] != a for i, (_, a, _) in enumerate(want)), len(os.listdir('folder')) == len(want))
else:
    got = []
    for name in sys.argv[1:]:
        got += rows(name)
    bad = [i for i in range(len(want)) if i >= len(got) or got[i] != want[i]]
    print(len(got) - len(want), [(want[i], got[i] if i < len(got) else None) for i in bad[:3]])
EOF
python3 reference.py make
for name in o.jsonl o.json o.csv o.tsv o.db o.jsonl.gz o.json.gz o.csv.gz o.tsv.gz; do
	run bf-save $name <in
	is "$status $(python3 reference.py $name)" "0 0 []" "$name: every string comes back"
done
bf-save --split 500 part.csv.gz <in
is "$(python3 reference.py part-*.csv.gz)" "0 []" "--split: every string comes back"
head -n 1000 in | bf-save grown.json
tail -n +1001 in | bf-save --append grown.json
is "$(python3 reference.py grown.json)" "0 []" "--append: every string comes back"
bf-save --key id --table entries grown.db <in
bf-save --key id grown.db <in
is "$(python3 reference.py grown.db)" "0 []" "--key: every string comes back"
bf-save -f json folder/ <in
is "$(python3 reference.py folder)" "0 True" "a folder: every string comes back"

# What has no UTF-8 is told, and passes where it need not be UTF-8.
for half in '\ud800' '\udc00' 'x\ud83dy' '\udc00\ud800' '\ud83d\ud83d\ude00'; do
	printf '{"keyword":"k","text":"whole"}\n{"keyword":"k","text":"%s"}\n' "$half" >odd
	for f in csv tsv md txt db; do
		rm -f "h.$f"*
		run bf-save "h.$f" <odd
		like "$status $(cat err)" '2 bf-save: <stdin>:2: field "text" holds half of a surrogate pair, which is no character*' "$f: $half is told"
		run bf-save --keep-going "h.$f" <odd
		head -1 odd | bf-save "w.$f"
		is "$status" 1 "$f: --keep-going goes on"
		same "w.$f" "h.$f" "$f: without it"
	done
	for f in jsonl json; do
		run bf-save --fields keyword,text "h.$f" <odd
		is "$status $(grep -cF "$half" "h.$f")" "0 1" "$f: $half passes as it is written"
	done
done
printf '{"headings":["\\ud800"],"keyword":"a","text":"t"}\n{"headings":["H"],"keyword":"b","text":"u"}\n' >odd
run bf-save --keep-going odd.md <odd
is "$status $(head -1 odd.md)" "1 # H" "md: nothing is left of an entry that is refused"
printf '{"a":1,"\\ud800":2}\n{"a":3}\n' >odd
for f in csv db; do
	run bf-save "name.$f" <odd
	like "$status $(cat err)" "2 bf-save: <stdin>:1: a field's name holds half of a surrogate pair*" "$f: half of a pair in a name is told"
done
done_testing
