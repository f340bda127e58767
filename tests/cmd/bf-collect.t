#!/bin/sh
. "$(dirname "$0")/../lib.sh"

# collect ARGS...: as run, of what stands in the file in
collect() { run bf-collect "$@" in; }

# gives NAME: standard input is what came out, with status 0 and no message
gives() {
	cat >want
	same want out "$1"
	is "$status $(cat err)" "0 " "... quietly"
}

# there and back, in any order
cat >parents <<'E'
{"id":"a","t":["x","y\n\u00e9",{"k": [1.50]}],"n":1.0}
{"t":[null],"id":12345678901234567890,"u":"é"}
{"id":"\u00e9\"/","t":[[],["z"]]}
E
bf-explode t parents >in
collect t
cp parents want
same want out "what bf-explode took apart, byte for byte"
is "$status $(cat err)" "0 " "... quietly"
tac in >x && mv x in
collect t
tac parents >want
same want out "children in another order: each parent as its last child comes"
bf-explode t parents | bf-shuffle -s 3 >in
collect t
sort out >got
sort parents >want
same want got "in no order"
seq 300 | jq -c '{id: ., t: [range(. % 17 + 1) | tostring]}' >many
bf-explode t many | bf-shuffle >in
collect t
sort out >got
sort many >want
same want got "300 parents in no order"

# as soon as its last child is there: the parent comes while the input stays open
mkfifo pipe
bf-explode t parents | head -n 3 >in
{ cat in; read -r _ <pipe; } | bf-collect t | { head -n 1; echo >pipe; } >out
is "$(cat out)" "$(head -n 1 parents)" "a parent does not wait for the others"

# --join
echo '{"id":1,"t":["a\"\u00e9","b",7,{"k": [1]},null,""]}' | bf-explode t >in
collect --join ', ' t
gives "--join: texts as they are, others as JSON" <<'E'
{"id":1,"t":"a\"\u00e9, b, 7, {\"k\":[1]}, null, "}
E
collect --join '\n\t\\"' t
gives "--join: a separator with escapes" <<'E'
{"id":1,"t":"a\"\u00e9\n\t\\\"b\n\t\\\"7\n\t\\\"{\"k\":[1]}\n\t\\\"null\n\t\\\""}
E
printf '{"id":"b","source":"s","text":"%s"}\n' "$(seq -s ' ' 500)" >book
bf-chunk --by words --size 7 book | bf-shuffle >in
collect --join '' text
cp book want
same want out "a text that was cut"
is "$(wc -l <in)" 72 "into 72 pieces"

# names and paths
echo '{"id":1,"n":0,"t":["a","b"]}' | bf-explode t | jq -c '. + {r: {text: (.t + "!")}, s: .index}' >in
collect all=t,rt=r.text,s
gives "FIELDS: other names, paths, several" <<'E'
{"id":1,"n":0,"s":[0,1],"all":["a","b"],"rt":["a!","b!"]}
E
collect n=r.text
is "$status $(cat out)" '0 {"id":1,"n":["a!","b!"]}' "into a field that is there"
is "$(cat err)" "bf-collect: left out, as children differ in them: t, s" "what differs and was not asked for is left out, and told"
collect -q n=r.text
is "$(cat err)" "" "not with -q"
echo '{"id":1,"a":[1,2],"b,=":0}' | bf-explode a | jq -c '. + {"b,=": .index}' >in
collect 'a,["b,="]'
gives "a name with a comma" <<'E'
{"id":1,"a":[1,2],"b,=":[0,1]}
E

# fields in which children differ
cat >in <<'E'
{"parent":1,"index":1,"count":3,"t":"b","same":1,"x":2,"\u0079":0,"z":0}
{"parent":1,"index":0,"count":3,"t":"a","same":1,"x":1,"\u0079":1}
{"parent":1,"index":2,"count":3,"same":1,"t":"c","x":1,"\u0079":1,"w":0}
E
collect t
is "$status $(cat out)" '0 {"t":["a","b","c"],"same":1,"id":1}' "a field stays where all children have the same"
is "$(cat err | sed 's/.*: //; s/, /\n/g' | grep -v : | sort | tr '\n' ' ')" "w x y z " "others are told, each once"

# children of children
echo '{"id":"a","t":[[["x"]],[["w"],["y","z"]]],"index":"mine"}' >parents
bf-explode t parents | bf-explode t | bf-explode t >in
bf-shuffle in | bf-collect t | bf-collect t | bf-collect t >out
same parents out "nested, put together step by step"
bf-shuffle in | bf-collect t | bf-collect t | sort >out
bf-explode t parents | sort >want
same want out "up to any step"

# missing children
printf '%s\n' '{"id":"a","t":[0,1,2,3,4]}' '{"id":"b","t":["x"]}' '{"id":7,"t":["p","q"]}' | bf-explode t >all
sed '2d;4d;8d' all >in
collect t
is "$status $(cat out)" '1 {"id":"b","t":["x"]}' "a parent that lacks children is not put out"
cat >want <<'E'
bf-collect: parent "a" lacks 2 of 5 children: 1, 3
bf-collect: parent 7 lacks 1 of 2 children: 1
E
same want err "and named"
collect --partial t
cat >want.out <<'E'
{"id":"b","t":["x"]}
{"id":"a","t":[0,2,4],"missing":[1,3]}
{"id":7,"t":["p"],"missing":[1]}
E
same want.out out "--partial puts it out, with what is missing"
is "$status" 1 "with status 1"
same want err "and named all the same"
collect --errors errors t
is "$status $(wc -l <errors)" "1 4" "--errors gets the children"
is "$(jq -r .error.class errors | sort -u)" "missing_children" "which say why"
sed -n '2p;4p;8p' all >late
run bf-collect t errors late
is "$status $(sort out | tr '\n' ' ')" '0 {"id":"a","t":[0,1,2,3,4]} {"id":7,"t":["p","q"]} ' "and can be tried again with the others"
echo '{"parent":"h","index":5,"count":9007199254740993,"t":1}' >in
collect --partial t
is "$status $(cat err)" \
	'1 bf-collect: parent "h" lacks 9007199254740992 of 9007199254740993 children: 0, 1, 2, 3, 4, 6, 7, 8, 9, 10 and 9007199254740982 more' \
	"a count that cannot be is only told"
is "$(jq -c '.missing | [length, .[0], .[-1]]' out)" "[1000,0,1000]" "the first thousand are listed"

# entries that are no children, or not good ones
cat >in <<'E'
{"id":1,"t":1}
{"parent":{"index":1},"index":0,"count":1,"t":1}
{"parent":"a","index":1,"count":1,"t":1}
{"parent":"a","index":-1,"count":1,"t":1}
{"parent":"a","index":0,"count":0,"t":1}
{"parent":"a","index":0.0,"count":1,"t":1}
{"parent":"a","count":1,"t":1}
{"parent":"a","index":0,"count":1}
{"parent":"b","index":0,"count":2,"t":1}
{"parent":"b","index":1,"count":3,"t":1}
{"parent":"b","index":0,"count":2,"t":9}
{"parent":"b","index":1,"count":2,"t":2,"error":{"class":"timeout","message":"no answer"}}
{"parent":"b","index":1,"count":2,"t":2}
E
cat >want <<'E'
bf-collect: in:1: no_child: no field 'parent'
bf-collect: in:2: no_child: 'parent' is no id of an entry
bf-collect: in:3: no_child: 'index' is not less than 'count'
bf-collect: in:4: no_child: 'index' is no whole number from 0 on
bf-collect: in:5: no_child: 'count' is no whole number from 1 on
bf-collect: in:6: no_child: 'index' is no whole number from 0 on
bf-collect: in:7: no_child: no field 'index'
bf-collect: in:8: missing_field: no field 't'
bf-collect: in:10: no_child: 'count' is 3, but 2 in another child
bf-collect: in:11: duplicate_child: child 0 of parent "b" comes twice
bf-collect: in:12: timeout: no answer
E
collect t
same want err "each is told with file, line and field"
is "$status $(cat out)" '1 {"t":[1,2],"id":"b"}' "and none gets into a parent"
collect --errors errors t
is "$status $(cat err)$(jq -r .error.class errors | uniq -c | tr -s ' \n' ' ')" \
	"1  7 no_child 1 missing_field 1 no_child 1 duplicate_child 1 timeout " "--errors has them whole"
printf '%s\n' '{"parent":"a","index":2,"count":4,"t":2}' '{"parent":"a","index":3,"count":4,"t":3}' \
	'{"parent":"a","index":2,"count":4,"t":9}' '{"parent":"a","index":0,"count":4,"t":0}' \
	'{"parent":"a","index":1,"count":4,"t":1}' >in
collect t
is "$status $(cat out)" '1 {"t":[0,1,2,3],"id":"a"}' "twice, ahead of those before it"

# beyond memory
bf-explode t many | bf-shuffle -s 5 >in
bf-collect t in >want
for m in 1 1K 10K 100K; do
	collect -m $m t
	same want out "-m $m changes nothing"
done
seq 20000 | jq -c '{parent: (. % 100), index: (. / 100 | floor), count: 201, t: "\(.) of the texts"}' >in
collect -m 100K --partial t
is "$status $(jq -c '[.id, (.t | length), .t[199], .missing]' out | sed -n '1p;100p' | tr '\n' ' ')" \
	'1 [1,200,"19901 of the texts",[200]] [0,200,"20000 of the texts",[0]] ' "parents that were put away, at the end"
collect -m 100K -q t
is "$(grep -c 'lacks 1 of 201 children: ' err) $(wc -c <out)" "100 0" "each is named"
if [ -d /proc/self/fd ]; then
	bf-explode t many | bf-shuffle >in
	run env TMPDIR="$TMP/nowhere" bf-collect -m 1 t in
	is "$status $(cat err)" "2 bf-collect: cannot make a temporary file: No such file or directory" "no place for the file"
	like "$(tail -n 1 out)" '{"incomplete":{"by":"bf-collect",*"status":2}}' "and the output is not whole"
	is "$(find "$TMP" -name 'bf.*' | wc -l)" 0 "nothing is left behind"
fi

# too long
bf-explode t many >in
collect --max-line 70 t
is "$status $(wc -l <out)" "1 283" "a parent with a field longer than a line may be is not put out"
is "$(head -n 1 err)" "bf-collect: parent 16: 't' would be longer than 70 bytes (see --max-line)" "and told"

# a stream that was cut
mark='{"incomplete":{"by":"bf-llm","why":"budget reached","status":75}}'
{ sed 2d all; echo "$mark"; } >in
collect --partial t
is "$status $(cat out | tr '\n' ' ')$(cat err)" "75 {\"id\":\"b\",\"t\":[\"x\"]} {\"id\":7,\"t\":[\"p\",\"q\"]} $mark " \
	"of an incomplete stream no parent is said to lack children"
printf '{"parent":1,"index":0,"count":1,"t":1}\n{"parent":}\n' >in
collect t
is "$status $(cat err)" "2 bf-collect: in:2:11: unexpected character" "a bad line stops it"
collect --keep-going t
is "$status $(cat out)" '1 {"t":[1],"id":1}' "--keep-going goes on"
: >in
collect t
is "$status $(cat out err)" "0 " "nothing gives nothing"

# usage
usage() {
	run bf-collect "$@"
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $*"
}
usage
usage '' in
usage 'a.b' in
usage 'a,a' in
usage 'a,,b' in
usage 'id' in
usage 'index=a' in
usage --join '\d' t in
usage --join 'x\' t in
usage -m x t in
usage --nope t in
done_testing
