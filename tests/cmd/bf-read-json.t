#!/bin/sh
. "$(dirname "$0")/../lib.sh"
SUITE=$TESTS/data/json-parsing

# hash TEXT: the id that an entry of these bytes has
hash() { printf %s "$1" | b2sum -l 128 | cut -c1-16; }

# ---- what becomes of values ----
cat >in.json <<'END'
[
  { "b" : 1.0, "b": 12345678901234567890, "c": [1, {"d": "x  y"}], "e": "\u00e9\/" },
  {"id": 7, "x": 1e400},
  "a \"string\" \u00e9", 3, null, true, [ 1, 2 ]
]
END
line='{"b":1.0,"b":12345678901234567890,"c":[1,{"d":"x  y"}],"e":"\u00e9\/"}'
run bf-read in.json
is "$(cat out)" "${line%\}},\"id\":\"$(hash "$line")\"}
{\"id\":7,\"x\":1e400}
{\"id\":\"$(hash '{"text":"a \"string\" \u00e9"}')\",\"text\":\"a \\\"string\\\" \\u00e9\"}
{\"id\":\"$(hash '{"value":3}')\",\"value\":3}
{\"id\":\"$(hash '{"value":null}')\",\"value\":null}
{\"id\":\"$(hash '{"value":true}')\",\"value\":true}
{\"id\":\"$(hash '{"value":[1,2]}')\",\"value\":[1,2]}" \
	"the elements of an array, as they are written but for white space"
is "$status$(cat err)" 0 "... and all is well"
jq -c . in.json >flat.json
jq . in.json | sed 's/^/\t/; s/$/ \r/' >wide.json
bf-read flat.json >want
bf-read wide.json >got
same want got "an id does not depend on the layout"
printf '{"a":1}{"a":2}\n[{"a":3},{"a":4}]{"a":\n5}' >many.json
is "$(bf-read many.json | jq -c .a | tr '\n' ' ')" "1 2 3 4 5 " "values one after the other"
is "$(jq -c . many.json | bf-read -f json - | jq -c .a | tr '\n' ' ')" "1 2 3 4 5 " "from standard input, -f json"
{ printf '\357\273\277'; cat in.json; } >bom.json
bf-read bom.json >got
bf-read in.json >want
same want got "a byte order mark is taken off"
gzip -c in.json >in.json.gz
bf-read in.json.gz >got
same want got "gzip"
is "$(bf-read --id x.y <<'END' -f json | jq -c .id | tr '\n' ' '
[{"x":{"y":"p"}},{"x":{"y":2}}]
END
)" '"p" 2 ' "--id"
printf '[{"a":1},\n {"b":2}]' >some.json
run bf-read --id a some.json
is "$(cat err) $status" "bf-read: some.json:2: no id: 'a' is not there 1" "an entry without it, by file and line"
is "$(jq -c . out)" '{"a":1,"id":1}' "fails alone"
is "$(printf '[]' | bf-read -f json)" "" "an empty array has no entries"
mark='{"incomplete":{"by":"bf-x","why":"budget reached","status":75}}'
printf '{"id":1}%s{"id":2}' "$mark" >cut.json
run bf-read cut.json in.json
is "$(cat out) $status" "{\"id\":1}
$mark 75" "an incomplete stream stays one"
is "$(printf '[%s]' "$mark" | bf-read -f json | jq -c .incomplete.by)" '"bf-x"' "but in an array that is data"

# ---- it streams ----
mkfifo slow.json made
bf-read slow.json >made &
exec 4<made 3>slow.json
printf '[{"a":1},{"a":2' >&3
is "$(timeout 20 head -1 <&4 | jq -c .a)" 1 "an element goes out before the next one is waited for"
printf '}]' >&3
exec 3>&- 4<&-
wait
awk 'BEGIN { printf "["; for (i = 0; i < 100000; i++) printf "%s{\"id\":%d,\"s\":\"%*s\"}", i ? "," : "", i, i % 977, "\\\"]}" ; print "]" }' >long.json
bf-read long.json >got
jq -c '.[]' long.json >want
same want got "elements across the ends of the buffer"
awk 'BEGIN { printf "[\""; for (i = 0; i < 600000; i++) printf "\\\\]\303\251"; print "\"]" }' >large.json
is "$(bf-read large.json | jq -r .text | cksum)" "$(jq -r '.[]' large.json | cksum)" "one larger than the buffer"

# ---- what is no JSON ----
# bad TEXT PLACE MESSAGE ENTRIES
bad() {
	printf "$1" >bad.json
	run bf-read bad.json
	is "$(cat err) $status $(sed \$d out | wc -l)" "bf-read: bad.json:$2: $3 2 $4" "bad: $2: $3"
	like "$(tail -1 out)" '{"incomplete":{"by":"bf-read",*,"status":2}}' "... and it does not look whole"
}
bad '' 1:1 "no JSON value in it" 0
bad ' \n ' 2:2 "no JSON value in it" 0
bad '[1,\n2' 2:2 "unexpected end: the array of line 1 is not closed" 2
bad '[{"a":1},\n{"a":' 2:6 "unexpected end" 1
bad '[1,2,]' 1:6 "unexpected character" 2
bad '[1\n 2]' 2:2 "no comma or closing bracket after an element" 1
bad '[1]]' 1:4 "unexpected character" 1
bad '{"a":1},{"a":2}' 1:8 "unexpected character" 1
bad '["\377"]' 1:3 "invalid UTF-8" 0
bad '{"a":1}\n{a:1}' 2:2 "unexpected character" 1
run bf-read --keep-going bad.json in.json
is "$status $(wc -l <out)" "1 8" "--keep-going goes on with the next file"
is "$(cat err)" "bf-read: bad.json:2:2: unexpected character; the rest of this file is not read" "and says so"
run bf-read --max-line 20 in.json
is "$(cat err) $status" "bf-read: in.json:2:3: a value longer than 20 bytes (see --max-line) 2" "--max-line"
run bf-read nowhere.json in.json
is "$(cat err) $status $(wc -l <out)" "bf-read: nowhere.json: No such file or directory 2 8" "a file that is not there"
gzip -c long.json | head -c 20000 >short.json.gz
run bf-read short.json.gz
is "$(cat err) $status" "bf-read: short.json.gz: compressed data ends too early 2" "a file cut short"

# ---- the parsing suite ----
# Two arrays in a row are no JSON text, and two here.
wrong=
for f in "$SUITE"/*.json; do
	name=${f##*/}
	run bf-read "$f"
	case $name in
	n_structure_double_array.json | y_array_empty.json) want="0 0" ;;
	y_*) want="0 $(jq -c 'if type == "array" then length else 1 end' "$f")" ;;
	n_*) want="2 $(($(wc -l <out)))" ;;
	*) continue ;;
	esac
	[ "$status $(wc -l <out)" = "$want" ] || wrong="$wrong $name"
	[ "$status" = 0 ] || [ -s err ] || wrong="$wrong $name"
done
is "$wrong" "" "every y_ file gives its entries, every n_ file is refused"

done_testing
