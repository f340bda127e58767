#!/bin/bash
# From one format to the next and back: every byte of every string is there.
. "$(dirname "$0")/../lib.sh"

python3 - <<'END' >strings.jsonl
import json, random
random.seed(7)
pieces = ['', ' ', '"', '""', "'", ',', ';', '\n', '\r', '\r\n', '\t', '\\', '\\n', '\\t', '\0', '\x01', '\x1b', '\x7f',
    '\u0085', '\u2028', '\u2029', '\ufeff', '\u202e', 'שלום', 'مرحبا', 'é', 'e\u0301', '😀', '👩‍👩‍👧', '中文', 'null', 'true', '007',
    '1e5', '-', '=1+1', '[1]', '{"a":1}', '<b>', '# x', '- y', 'x' * 5000]
texts = pieces + [''.join(random.choice(pieces) for _ in range(random.randint(1, 9))) for _ in range(1500)]
for i, t in enumerate(texts):
    # Some as themselves, some as escapes: the same strings.
    print(json.dumps({'id': 'n%d' % i, 'text': t, 'other': random.choice(texts[:42])}, ensure_ascii=bool(i % 2)))
END
jq -c . strings.jsonl >want
n=$(wc -l <want)

# through FILE...: each made of the one before it
through() {
	local from=strings.jsonl to
	for to; do
		rm -rf "$to"
		run bash -c "bf-read '$from' | bf-save '$to'"
		is "$status $(cat err)" "0 " "$from to $to" || return
		from=$to
	done
	bf-read "$from" | jq -c . >got
	same want got "$n entries of strings through ${*##*/}"
}
through a.csv
through a.tsv
through a.json
through a.db
through a.jsonl.zst a.csv.gz a.db a.json a.tsv.zst a.sqlite a.json.gz b.csv b.jsonl
run bash -c 'bf-read strings.jsonl | bf-save --split 100 part.csv.zst; bf-read part-*.csv.zst'
jq -c . out >got
same want got "in parts"

# Values of other kinds, as they were written.
printf '%s\n' '{"id":"a","i":12345678901234567890,"r":1.50,"t":true,"n":null,"l":[1, 2.0],"o":{"k":"\u00e9"}}' \
	'{"id":"b","i":-1,"r":1e400,"t":false,"n":null,"l":[],"o":{}}' >kinds.jsonl
bf-read kinds.jsonl | bf-save -f json - | bf-read -f json >got
sed 's/, 2.0/,2.0/' kinds.jsonl >want
same want got "other values through JSON, as they were written"
for as in csv tsv; do
	bf-read kinds.jsonl | bf-save -f $as - | bf-read -f $as --infer >got
	same want got "through $as, with --infer"
done
done_testing
