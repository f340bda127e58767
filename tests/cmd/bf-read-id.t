#!/bin/sh
. "$(dirname "$0")/../lib.sh"

# --id itself is in bf-read.t.

# by_hand FILTER FILE: the ids that the manual page says to be these
by_hand() {
	jq -cS "$1" "$2" | while IFS= read -r line; do
		printf %s "$line" | b2sum -l 128 | cut -c1-16
	done
}

cat >in.jsonl <<'END'
{"b":{"z":1,"a":[true, null]},"a":"x\"\\\n\u00e9/","n":7}
{"n":8,"a":"x\u0022\u005c\u000a\u00e9\/", "b" : {"a" : [true,null],"z":1}}
{"a":"y","b":null,"id":"old","n":9}
END
run bf-read --id-hash a,b in.jsonl
by_hand '[.a,.b]' in.jsonl >want
jq -r .id out >got
same want got "--id-hash is what can be had by hand"
is "$(sed -n 1p got)" "$(sed -n 2p got)" "layout, escapes and other fields change nothing"
is "$(sed -n 3p out)" '{"a":"y","b":null,"id":"'"$(sed -n 3p want)"'","n":9}' "it takes the place of an id"
is "$(bf-read --id-hash b,a in.jsonl | jq -r .id | head -1)" "$(by_hand '[.b,.a]' in.jsonl | head -1)" "the order counts"
is "$(bf-read --id-hash b,a in.jsonl | jq -r .id | grep -cxFf got)" 0 "and makes another"
is "$(bf-read --id-hash 'b.a[0],/b/z' in.jsonl 2>/dev/null | jq -r .id | head -1)" \
	"$(by_hand '[.b.a[0],.b.z]' in.jsonl 2>/dev/null | head -1)" "paths"
printf '%s\n' '{"x,y":{"k]\"":1},"a":2}' >odd.jsonl
is "$(bf-read --id-hash '["x,y"]["k]\""],a' odd.jsonl | jq -r .id)" "$(printf '[1,2]' | b2sum -l 128 | cut -c1-16)" "a name with a comma"
printf '%s\n' '{"a":1}' '{"b":1}' '{"a":null}' >some.jsonl
run bf-read --id-hash a some.jsonl
is "$(cat err) $status $(wc -l <out)" "bf-read: some.jsonl:2: no id: 'a' is not there 1 2" "an entry without the field fails"
printf 'a\tb\n1\tx\n' >in.tsv
printf '[{"a":"1"}]' >in.json
printf '# t\n\none\n' >in.md
is "$(bf-read --id-hash a in.tsv in.json | jq -r .id | sort -u)" "$(printf '["1"]' | b2sum -l 128 | cut -c1-16)" \
	"the same field, the same id, whatever the format"
is "$(bf-read --as lines --id-hash directory,keyword in.md)" \
	'{"id":"'"$(printf '["t","one"]' | b2sum -l 128 | cut -c1-16)"'","source":"in.md","headings":["t"],"directory":"t","keyword":"one"}' "of a text"

run bf-read --id none in.jsonl in.tsv in.json
cat in.jsonl - >want <<'END'
{"a":"1","b":"x"}
{"a":"1"}
END
same want out "--id none adds none, and leaves one that is there"
is "$(bf-read --id none --as lines in.md)" '{"source":"in.md","headings":["t"],"directory":"t","keyword":"one"}' "--id none of a text"
printf 'id,a\n,1\n' >empty.csv
is "$(bf-read --id none empty.csv)" '{"id":"","a":"1"}' "--id none: also one that is empty"
is "$(printf '["x"]{"none":"k"}' | bf-read -f json --id /none 2>/dev/null)" '{"none":"k","id":"k"}' "a field called none"

for args in '--id-hash a,' '--id-hash a..b' '--id a --id-hash b' '--id-hash a --id none'; do
	# shellcheck disable=SC2086
	run bf-read $args in.jsonl
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $args"
done

done_testing
