#!/bin/bash
# bf-near against a slow one in Python.  BF_SOAK=1: 20,000 vectors too.
. "$(dirname "$0")/../lib.sh"

# gives NAME: standard input is what came out, with status 0 and no message
gives() {
	cat >want
	same want out "$1"
	is "$status $(cat err)" "0 " "... quietly"
}

cat >in <<'E'
{"id":"east","embedding":[1,0], "n": 1.0}
{"id":"north","n":2,"embedding":[0, 2]}
{"embedding":"AABAQAAAgD8=","id":"b\u00e9"}
{"id":{"x":4},"embedding":[-1,-0.0]}
{"id":"again","embedding":[10,0],"near":"old"}
E

# --self, and what comes out
run bf-near --self -k 2 in
gives "each entry with its nearest, the best first, of equals the first" <<'E'
{"id":"east","embedding":[1,0], "n": 1.0,"near":[{"id":"again","score":1.000000},{"id":"b\u00e9","score":0.948683}]}
{"id":"north","n":2,"embedding":[0, 2],"near":[{"id":"b\u00e9","score":0.316228},{"id":"east","score":0.000000}]}
{"embedding":"AABAQAAAgD8=","id":"b\u00e9","near":[{"id":"east","score":0.948683},{"id":"again","score":0.948683}]}
{"id":{"x":4},"embedding":[-1,-0.0],"near":[{"id":"north","score":0.000000},{"id":"b\u00e9","score":-0.948683}]}
{"id":"again","embedding":[10,0],"near":[{"id":"east","score":1.000000},{"id":"b\u00e9","score":0.948683}]}
E
cp out self
for m in 0 1 100 1G; do
	run bf-near --self -k 2 -m $m in
	same self out "-m $m changes nothing"
done
run bash -c 'bf-near --self -k 2 <in'
same self out "from standard input"
gzip -c in >in.gz
run bf-near --self -k 2 in.gz
same self out "and packed"
run bf-near --self -k 2 <(head -n 2 in) <(tail -n +3 in)
same self out "and from two files"
run bf-near --self -k 2 --drop-embedding in
sed 's/"embedding":"[^"]*",//; s/,*"embedding":[^]]*\]//' self >want
same want out "--drop-embedding"
run bf-near --self -k 2 --drop-embedding -m 1 in
same want out "and from a file"
run bf-near --self --min 0.94 in
is "$(jq -c '.near | map(.id)' out | paste -sd' ')" '["again","bé"] [] ["east","again"] [] ["east","bé"]' "--min"
run bf-near --self --min 1 in
is "$(jq -c '.near | length' out | paste -sd' ')" '1 0 0 0 1' "--min 1: the same direction"
run bf-near --self --min -0.5 in
is "$(jq -c '.near | length' out | paste -sd' ')" '3 4 3 1 3' "a negative one"
run bf-near --self in
is "$(jq -c '.near | length' out | paste -sd' ')" '4 4 4 4 4' "all others, where they are no more than wanted"
run bf-near --self --id n <(jq -c '. + {n: 1, id: 2, embedding: [1, 2]}' in)
is "$(grep -o '"near":.{[^}]*}' out | sort -u)" '"near":[{"id":1,"score":1.000000}' "--id takes another field"
run bf-near --self --field a.b[1] <(jq -c '{id, a: {b: [0, .embedding]}}' in) -k 2
is "$(jq -c .near out)" "$(jq -c .near self)" "--field takes a path"
run bf-near --self --field vec --drop-embedding <(jq -c '{id, vec: .embedding}' in) -k 1
is "$(jq -c keys out | sort -u)" '["id","near"]' "--drop-embedding of another field"
run bf-near --self /dev/null
gives "nothing of nothing" </dev/null
run bf-near --self <(head -n 1 in)
is "$(jq -c .near out)" '[]' "one entry has no neighbour"

# --queries
run bf-near --queries <(echo '{"embedding":[2,0]}'; sed -n 2p in) -k 1 in
gives "--queries: the nearest of the input, of entries that need no id" <<'E'
{"embedding":[2,0],"near":[{"id":"east","score":1.000000}]}
{"id":"north","n":2,"embedding":[0, 2],"near":[{"id":"north","score":1.000000}]}
E
cp out queried
sed 's/,"near.*/}/' out >q
run bash -c 'bf-near --queries - -k 1 in <q'
same queried out "queries from standard input"
run bash -c 'bf-near --queries q -k 1 <in'
same queried out "the input from standard input"
run bf-near --queries q -k 1 --drop-embedding in
is "$(jq -c 'has("embedding")' out | sort -u)" false "--queries --drop-embedding"
run bf-near --queries q /dev/null
is "$(jq -c .near out | sort -u)" '[]' "no input, no neighbours"
run bf-near --queries /dev/null in
gives "no queries" </dev/null

# --query TEXT
back='jq -c ". + {embedding: [3, 0]}"'
run bf-near --query 'a "text"' --embed "$back" -k 1 in
gives "--query TEXT: the pipe gets it as an entry" <<'E'
{"text":"a \"text\"","embedding":[3,0],"near":[{"id":"east","score":1.000000}]}
E
run bf-near --query q --embed "$back" --drop-embedding -k 1 in
is "$(cat out)" '{"text":"q","near":[{"id":"east","score":1.000000}]}' "--drop-embedding"
run bash -c "bf-near --query q --embed '$back' -k 1 <in"
is "$(jq -c '[.near[].id]' out)" '["east"]' "the input from standard input"
run bf-near --query q --embed "$back" /dev/null
is "$status $(jq -c .near out)" '0 []' "nothing to compare with"
run bf-near --query q --embed 'sed "s/.*/{\"v\":{\"w\":[0,1]}}/"' --field v.w --id n <(jq -c '{n, v: {w: .embedding}}' in) -k 1
is "$status $(jq -c '[.near[].id]' out)" '0 [2]' "--field"
# Nobody reads the text.
run bf-near --query q --embed 'exec <&-; echo "{\"embedding\":[3,0]}"' -k 1 in
is "$status $(jq -c '[.near[].id]' out)" '0 ["east"]' "a pipe that does not read"
while IFS='|' read -r pipe why; do
	run bf-near --query q --embed "$pipe" -k 1 in
	like "$status $(cat err)" "2 *bf-near: --embed: $why" "$pipe"
	is "$(jq -r .incomplete.status out)" 2 "... and the output is marked"
done <<'E'
exit 3|the pipe ended with status 3
kill -9 $$|the pipe was killed by signal 9
nosuch-command|the pipe ended with status 127
true|0 lines came back from the pipe for one
cat; echo {}|2 lines came back from the pipe for one
cat|what came back has no field 'embedding'
echo 3|what came back is no entry: *
echo x|what came back is no entry: byte 0: *
echo '{"embedding":[0,0]}'|what came back: field 'embedding': only zeros*
echo '{"embedding":[1,2,3]}'|what came back has 3 numbers, and the input's have 2
E
# An answer comes while the next query is not there yet.
mkfifo ask answers
bf-near --queries - -k 1 in <ask >answers &
exec 7>ask 8<answers
for i in 1 2 3; do
	sed -n 1p q >&7
	read -r -u 8 line
	is "$line" "$(sed -n 1p queried)" "query $i is answered at once"
done
exec 7>&-
cat <&8 >rest
wait
is "$(cat rest)" "" "and nothing else comes"
exec 8<&-

# --dedupe
run bf-near --dedupe 0.99 in
sed -n 1,4p in >want
same want out "--dedupe: what is near to one before goes, the rest is untouched"
is "$status $(cat err)" "0 bf-near: 1 of 5 entries dropped" "and is counted"
run bf-near --self --dedupe 0.9 -q in
sed '3d;5d' in >want
same want out "--self may be said; -q says nothing"
is "$(cat err)" "" "..."
run bf-near --dedupe -1 -q in
is "$(cat out)" "$(head -n 1 in)" "--dedupe -1 leaves the first"
# Along a circle each is near to the last one: what was dropped drops nothing.
seq 0 90 | awk '{ printf "{\"embedding\":[%.9f,%.9f],\"n\":%d}\n", cos($1 * 3.14159265 / 180), sin($1 * 3.14159265 / 180), $1 }' >circle
run bf-near --dedupe 0.995 circle -q
is "$(jq .n out | paste -sd' ')" "0 6 12 18 24 30 36 42 48 54 60 66 72 78 84 90" "entries that were dropped drop none; no id is wanted"
run bf-near --dedupe 0.99 --drop-embedding -q in
is "$(jq -c 'has("embedding")' out | sort -u)" false "--dedupe --drop-embedding"

# Entries that cannot be taken
# refuses LINE MESSAGE
refuses() {
	{ sed -n 1p in; echo "$1"; sed -n 2p in; } >bad
	for mode in --self '--dedupe 1' "--queries bad"; do
		others=bad
		[ "$mode" != '--queries bad' ] || others=in
		# shellcheck disable=SC2086
		run bf-near $mode $others
		is "$status $(grep -v dropped err)" "2 bf-near: bad:2: $2" "$mode: $1"
		like "$(tail -n 1 out)" '{"incomplete":*"bad entry bad:2"*' "... ends the stream"
		# shellcheck disable=SC2086
		run bf-near $mode --keep-going $others
		is "$status $(wc -l <out) $(grep -v dropped err)" "1 2 bf-near: bad:2: $2" "... or is left out"
	done
}
refuses '{"id":1,"embeddings":[1,2]}' "no field 'embedding'"
refuses '{"id":1,"embedding":[1,2,3]}' "field 'embedding': 3 numbers, where those before have 2"
refuses '{"id":1,"embedding":[0,0]}' "field 'embedding': only zeros, which have no direction"
refuses '{"id":1,"embedding":[1,"2"]}' "field 'embedding': number 2 is of type string"
refuses '{"id":1,"embedding":[1,1e39]}' "field 'embedding': number 2 is not finite as a float32"
refuses '{"id":1,"embedding":"AADAfwAAgD8="}' "field 'embedding': number 1 is not finite as a float32"
refuses '{"id":1,"embedding":"AAAA"}' "field 'embedding': base64 of 3 bytes, which are no float32"
refuses '{"id":1,"embedding":"?"}' "field 'embedding': a string that is not base64"
refuses '{"id":1,"embedding":null}' "field 'embedding': neither an array of numbers nor base64, but of type null"
refuses '{"id":1,"embedding":[]}' "field 'embedding': no numbers"
{ sed -n 1p in; echo '{"embedding":[1,2]}'; sed -n 2p in; } >bad
for mode in --self "--queries q"; do
	# shellcheck disable=SC2086
	run bf-near $mode bad
	is "$status $(cat err)" "2 bf-near: bad:2: no field 'id'" "$mode: an entry without an id"
	is "$(wc -l <out) $(jq .incomplete.status out)" "1 2" "and nothing is compared with the rest"
	# shellcheck disable=SC2086
	run bf-near $mode --keep-going bad
	is "$status $(jq -c '.near[].id' out | sort -u | paste -sd' ')" '1 "east" "north"' "or it is left out"
done

# What is incomplete
mark='{"incomplete":{"by":"bf-llm","why":"budget reached","status":75}}'
{ head -n 2 in; echo "$mark"; tail -n 3 in; } >cut
run bf-near --self cut
is "$status $(cat out)" "75 $mark" "--self of an incomplete input: the mark alone"
run bf-near --queries q cut
is "$status $(cat out)" "75 $mark" "--queries of an incomplete input: the mark alone"
run bf-near --queries cut -k 1 in
is "$status $(wc -l <out) $(tail -n 1 out)" "75 3 $mark" "incomplete queries: those before it, and the mark"
run bf-near --dedupe 1 -q cut
is "$status $(wc -l <out) $(tail -n 1 out)" "75 3 $mark" "--dedupe: those before it, and the mark"
run bf-near --self in missing
is "$status $(cat err)" "2 bf-near: missing: No such file or directory" "a file that is not there"
is "$(wc -l <out)" 1 "and no answer of the rest"
run bf-near --queries missing in
is "$status $(cat err)" "2 bf-near: missing: No such file or directory" "and no such queries"

# Usage
usage() {
	want=$1
	shift
	run "$@"
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "$*: refused"
	like "$(cat err)" "bf-near: *$want*" "... and why"
}
usage 'say --self, --queries FILE, --query TEXT or --dedupe SCORE' bf-near in
usage '--query TEXT needs --embed PIPE' bf-near --query q in
usage '--embed is for --query TEXT' bf-near --queries q --embed cat in
usage 'contradict each other' bf-near --queries q --query q --embed cat in
usage 'compare the input with itself' bf-near --self --query q --embed cat in
usage 'compare the input with itself' bf-near --self --queries q in
usage 'compare the input with itself' bf-near --dedupe 1 --queries q in
usage 'not for --dedupe' bf-near --dedupe 1 -k 3 in
usage 'not for --dedupe' bf-near --dedupe 1 --min 0 in
usage 'from -1 to 1' bf-near --dedupe 1.5 in
usage 'from -1 to 1' bf-near --self --min nan in
usage '' bf-near --self -k 0 in
usage '' bf-near --self -j 0 in
usage 'the entry itself' bf-near --self --field a.b --drop-embedding in
usage 'wanted twice' bf-near --queries -
usage 'wanted twice' bf-near --queries - -

# Against a slow one
cat >slow.py <<'E'
import json, math, struct, base64, sys
def vector(x):
    if isinstance(x, str):
        b = base64.b64decode(x)
        return struct.unpack('<%df' % (len(b) // 4), b)
    return struct.unpack('%df' % len(x), struct.pack('%df' % len(x), *x))
def product(a, b):
    return math.fsum(x * y for x, y in zip(a, b))
def read(name):
    entries = [json.loads(line) for line in open(name)]
    vectors = [vector(e['embedding']) for e in entries]
    return entries, vectors, [product(v, v) for v in vectors]
queries, qv, qs = read(sys.argv[1])
entries, ev, es = read(sys.argv[2])
k = int(sys.argv[3])
for i, q in enumerate(queries):
    # Sums in another order differ in bits beyond these.
    all = [(-round(product(qv[i], ev[j]) / math.sqrt(qs[i] * es[j]), 13), j)
           for j in range(len(entries)) if sys.argv[1] != sys.argv[2] or i != j]
    print(json.dumps([[entries[j]['id'], '%.6f' % -s] for s, j in sorted(all)[:k]]))
E
cat >make.py <<'E'
import json, random, struct, base64, sys
seed, n, d = map(int, sys.argv[1:])
random.seed(seed)
centres = [[random.gauss(0, 1) for _ in range(d)] for _ in range(10)]
old = []
for i in range(n):
    c = random.choice(centres)
    v = [x + random.gauss(0, 0.3) for x in c]
    if old and i % 7 == 0:
        v = random.choice(old)
    old.append(v)
    e = v
    if i % 3 == 0:
        e = base64.b64encode(struct.pack('<%df' % d, *v)).decode()
    print(json.dumps({'id': i, 'embedding': e}))
E
# compare NAME QUERIES INPUT K: ./out is what the slow one says
compare() {
	python3 slow.py "$2" "$3" "$4" >want
	python3 -c '
import re, json, sys
for line in open("out"):
    near = line[line.rindex("\"near\":"):]
    print(json.dumps([[int(i), s] for i, s in re.findall(r"\"id\":(\d+),\"score\":([-.0-9]+)", near)]))
' >got
	same want got "$1"
}
python3 make.py 1 300 16 >in.jsonl
python3 make.py 2 50 16 | sed 's/"id"/"n"/' >q.jsonl
run bf-near --self -k 7 in.jsonl
compare "300 vectors, with themselves" in.jsonl in.jsonl 7
cp out first
for j in 1 2 3 7 64; do
	run bf-near --self -k 7 -j $j in.jsonl
	same first out "-j $j changes nothing"
done
run bf-near --queries q.jsonl -k 5 in.jsonl
compare "50 among 300" q.jsonl in.jsonl 5
run bf-near --queries q.jsonl -k 1000 in.jsonl
compare "all of them" q.jsonl in.jsonl 1000
python3 make.py 3 120 97 >in.jsonl
run bf-near --self in.jsonl
compare "120 of 97 numbers" in.jsonl in.jsonl 10

# More than are compared at once: what is kept is what one after the other keeps.
python3 make.py 4 3000 6 >in.jsonl
run bf-near --dedupe 0.97 -q in.jsonl
python3 - >want <<'E'
import json, math, struct, base64
kept = []
for line in open('in.jsonl'):
    x = json.loads(line)['embedding']
    if isinstance(x, str):
        x = struct.unpack('<6f', base64.b64decode(x))
    v = struct.unpack('6f', struct.pack('6f', *x))
    s = math.sqrt(sum(x * x for x in v))
    v = [x / s for x in v]
    if not any(sum(x * y for x, y in zip(v, w)) >= 0.97 for w in kept):
        kept.append(v)
        print(line, end='')
E
same want out "--dedupe of 3,000: $(wc -l <want) left"
cp out kept
for j in 1 3; do
	run bf-near --dedupe 0.97 -q -j $j in.jsonl
	same kept out "-j $j changes nothing"
done
run bash -c 'awk "{ print; fflush() }" in.jsonl | bf-near --dedupe 0.97 -q'
same kept out "nor does how it comes"

python=
for p in python3 /usr/bin/python3; do
	[ -n "$python" ] || ! $p -c 'import numpy' 2>/dev/null || python=$p
done
if [ -n "${BF_SOAK:-}" ] && [ -n "$python" ]; then
	$python - <<'E'
import numpy as np, json
x = np.random.default_rng(1).standard_normal((20000, 384)).astype(np.float32)
x[::50] = x[7]
with open('in.jsonl', 'w') as f:
    for i, v in enumerate(x):
        f.write('{"id":%d,"embedding":[%s]}\n' % (i, ','.join(map(str, v))))
y = x.astype(np.float64)
y /= np.sqrt((y * y).sum(axis=1))[:, None]
with open('want', 'w') as f:
    for a in range(0, 20000, 1000):
        # Copies differ in bits beyond these.
        s = np.round(y[a:a + 1000] @ y.T, 13)
        for i in range(1000):
            s[i, a + i] = -2
            order = np.argsort(-s[i], kind='stable')[:10]
            f.write(json.dumps([int(j) for j in order]) + '\n')
E
	bf-near --self --drop-embedding in.jsonl | jq -c '[.near[].id]' | sed 's/,/, /g' >got
	same want got "20,000 of 384 numbers: the neighbours that NumPy finds in doubles"
fi

done_testing
