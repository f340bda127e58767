#!/bin/sh
. "$(dirname "$0")/../lib.sh"

# explode ENTRY ARGS...: as run, of that line
explode() {
	printf '%s\n' "$1" >in
	shift
	run bf-explode "$@" in
}

# gives NAME: standard input is what came out, with status 0 and no message
gives() {
	cat >want
	same want out "$1"
	is "$status $(cat err)" "0 " "... quietly"
}

# the four fields
explode '{"id":"a","t":["x","y"],"n":1.0}' t
gives "a child for each element, in its place" <<'END'
{"id":"a/0","t":"x","n":1.0,"parent":"a","index":0,"count":2}
{"id":"a/1","t":"y","n":1.0,"parent":"a","index":1,"count":2}
END
explode '{"t":["x"],"id":12345678901234567890}' t
gives "an id that is a number" <<'END'
{"t":"x","id":"12345678901234567890/0","parent":12345678901234567890,"index":0,"count":1}
END
explode '{"id":"\u00e9\"/","t":["x"]}' t
gives "an id with escapes" <<'END'
{"id":"\u00e9\"//0","t":"x","parent":"\u00e9\"/","index":0,"count":1}
END
hash=$(printf '{"t":["x"]}' | b2sum -l 128 | cut -c1-16)
explode '{"t":["x"]}' t
gives "without an id, the line's hash" <<END
{"t":"x","id":"$hash/0","parent":"$hash","index":0,"count":1}
END
printf '{"t":["x"]}\r\n' >cr
run bf-explode t cr
gives "which a carriage return does not change" <<END
{"t":"x","id":"$hash/0","parent":"$hash","index":0,"count":1}
END
is "$(bf-read -f jsonl cr | jq -r .id)" "$hash" "and is bf-read's"
hash=$(printf '{"id":null,"t":["x"]}' | b2sum -l 128 | cut -c1-16)
explode '{"id":null,"t":["x"]}' t
gives "null is no id" <<END
{"id":"$hash/0","t":"x","parent":"$hash","index":0,"count":1}
END

# elements of every kind, other bytes
explode '{ "id" : "a" , "t" : [ 1.50 , null, "\u00e9\/", {"b" : [ ]}, [1, 2],true ] , "z":1e400 }' t
gives "elements and all else as they were written" <<'END'
{ "id" : "a/0" , "t" : 1.50 , "z":1e400,"parent":"a","index":0,"count":6 }
{ "id" : "a/1" , "t" : null , "z":1e400,"parent":"a","index":1,"count":6 }
{ "id" : "a/2" , "t" : "\u00e9\/" , "z":1e400,"parent":"a","index":2,"count":6 }
{ "id" : "a/3" , "t" : {"b" : [ ]} , "z":1e400,"parent":"a","index":3,"count":6 }
{ "id" : "a/4" , "t" : [1, 2] , "z":1e400,"parent":"a","index":4,"count":6 }
{ "id" : "a/5" , "t" : true , "z":1e400,"parent":"a","index":5,"count":6 }
END
explode '{"id":"a","t":1,"t":[2,3]}' t
gives "of duplicate names the last" <<'END'
{"id":"a/0","t":1,"t":2,"parent":"a","index":0,"count":2}
{"id":"a/1","t":1,"t":3,"parent":"a","index":1,"count":2}
END

# --as
explode '{"id":"a","t":["x","y"],"n":1}' --as item t
gives "--as: the array goes, the element comes" <<'END'
{"id":"a/0","n":1,"item":"x","parent":"a","index":0,"count":2}
{"id":"a/1","n":1,"item":"y","parent":"a","index":1,"count":2}
END
explode '{"id":"a","t":[{"n":2}],"n":1}' --as n t
gives "--as a field that is there: in its place" <<'END'
{"id":"a/0","n":{"n":2},"parent":"a","index":0,"count":1}
END
explode '{"id":"a","t":["x"],"n":1}' --as t t
gives "--as FIELD itself" <<'END'
{"id":"a/0","t":"x","n":1,"parent":"a","index":0,"count":1}
END

# paths
deep='{"id":"a","r":{"p": [0,{"é\"":["x", "y"] }],"q":1}}'
explode "$deep" 'r.p[1]["é\""]'
gives "an array within another field" <<'END'
{"id":"a/0","r":{"p": [0,{"é\"":"x" }],"q":1},"parent":"a","index":0,"count":2}
{"id":"a/1","r":{"p": [0,{"é\"":"y" }],"q":1},"parent":"a","index":1,"count":2}
END
explode "$deep" --as item '/r/p'
gives "--as leaves null there; a JSON Pointer" <<'END'
{"id":"a/0","r":{"p": null,"q":1},"item":0,"parent":"a","index":0,"count":2}
{"id":"a/1","r":{"p": null,"q":1},"item":{"é\"":["x", "y"] },"parent":"a","index":1,"count":2}
END
explode "$deep" --as r r.p
gives "--as the field around it" <<'END'
{"id":"a/0","r":0,"parent":"a","index":0,"count":2}
{"id":"a/1","r":{"é\"":["x", "y"] },"parent":"a","index":1,"count":2}
END
explode '{"id":"a","r":{"p":[]},"r":{"p":["x"]}}' r.p
gives "and of duplicate names the last" <<'END'
{"id":"a/0","r":{"p":[]},"r":{"p":"x"},"parent":"a","index":0,"count":1}
END

# children of children
echo '{"id":"a","t":[[["x"]],[[],["y","z"]]]}' >in
bf-explode t in >one
bf-explode t one >two
run bf-explode -q t two
gives "nested parents keep what they had" <<'END'
{"id":"a/0/0/0","t":"x","parent":{"id":"a/0/0","parent":{"id":"a/0","parent":"a","index":0,"count":2},"index":0,"count":1},"index":0,"count":1}
{"id":"a/1/1/0","t":"y","parent":{"id":"a/1/1","parent":{"id":"a/1","parent":"a","index":1,"count":2},"index":1,"count":2},"index":0,"count":2}
{"id":"a/1/1/1","t":"z","parent":{"id":"a/1/1","parent":{"id":"a/1","parent":"a","index":1,"count":2},"index":1,"count":2},"index":1,"count":2}
END
# The parents, from the children alone.
undo='group_by(.parent | if type == "object" then .id else . end)[] |
	.[0] + {t: map(.t)} | .parent as $p | del(.index, .count, .parent) |
	. + if $p | type == "object" then $p else {id: $p} end'
jq -s -c -S "$undo" out >back
jq -c -S 'select(.t != [])' two >want
same want back "so that the parents can be put back"
jq -s -c -S "$undo" one >back
jq -c -S . in >want
same want back "up to the first"
explode '{"id":"a","index":"mine","t":["x"]}' t
gives "a field of such a name is kept" <<'END'
{"id":"a/0","index":0,"t":"x","parent":{"id":"a","index":"mine"},"count":1}
END

# empty arrays
printf '%s\n' '{"id":1,"t":[]}' '{"id":2,"t":[ ]}' '{"id":3,"t":[[]]}' >in
run bf-explode t in
is "$status $(cat out)" '0 {"id":"3/0","t":[],"parent":3,"index":0,"count":1}' "an empty array gives nothing"
is "$(cat err)" "bf-explode: empty arrays, which gave no entry: 2" "and is told"
run bf-explode -q t in
is "$(cat err)" "" "but not with -q"

# entries that fail
printf '%s\n' '{"id":1,"t":["x"]}' '{"id":2}' '{"id":3,"t":null}' '{"id":4,"t":{"a":[1]}}' \
	'{"id":"","t":[1]}' '{"id":[],"t":[1]}' '{"id":7,"t":["y"]}' >in
run bf-explode t in
is "$status $(jq -c .parent out | tr '\n' ' ')" "1 1 7 " "the others come through"
cat >want <<'END'
bf-explode: in:2: missing_field: no field 't'
bf-explode: in:3: not_an_array: 't' is no array (null)
bf-explode: in:4: not_an_array: 't' is no array (object)
bf-explode: in:5: bad_id: 'id' is empty
bf-explode: in:6: bad_id: 'id' is neither a string nor a number (array)
END
same want err "each is told with file, line and field"
run bf-explode --errors bad t in
is "$status $(cat err)" "1 " "--errors"
is "$(jq -c '[.id, .error.class]' bad | tr '\n' ' ')" \
	'[2,"missing_field"] [3,"not_an_array"] [4,"not_an_array"] ["","bad_id"] [[],"bad_id"] ' "has them whole"
explode '{"id":1,"t":{"a":1}}' 't.a.b'
like "$status $(cat err)" "1 *: missing_field: no field 't.a.b'" "a path that leads nowhere"

# lines
printf '{"id":1,"t":["x"]}\n{"id":2,"t":[}\n{"id":3,"t":["z"]}\n' >in
run bf-explode t in
is "$status $(cat err)" "2 bf-explode: in:2:14: unexpected character" "a bad line stops it"
like "$(tail -n 1 out)" '{"incomplete":{"by":"bf-explode",*"status":2}}' "and the output is not whole"
run bf-explode --keep-going t in
is "$status $(wc -l <out)" "1 2" "--keep-going goes on"
mark='{"incomplete":{"by":"bf-x","why":"budget reached","status":75}}'
run sh -c "{ head -n 1 in; echo '$mark'; tail -n 1 in; } | bf-explode t -"
is "$status $(tail -n 1 out) $(wc -l <out)" "75 $mark 2" "an incomplete stream stays one"
run bf-explode t nowhere cr
is "$status $(cat err)" "2 bf-explode: nowhere: No such file or directory" "a file that is not there"
is "$(wc -l <out)" 2 "the others are read"

# many elements, and a reader that goes away
{ printf '{"id":"big","t":['; seq -s, 200000 | tr -d '\n'; printf ']}\n'; } >in
run bf-explode t in
is "$status $(wc -l <out) $(tail -n 1 out)" \
	'0 200000 {"id":"big/199999","t":200000,"parent":"big","index":199999,"count":200000}' "an array of 200,000"
sh -c 'bf-explode t in 2>err; echo $? >status' | head -n 1 >first
is "$(wc -l <first) $(cat status err)" "1 141" "a reader that goes away ends it quietly"
run sh -c 'bf-explode t in >/dev/full'
is "$status $(cat err)" "2 bf-explode: standard output: No space left on device" "a full disk"
run sh -c 'bf-explode t in >&-'
is "$status" 2 "closed standard output"

# usage
# usage: a line on standard error, status 2
usage() {
	run bf-explode "$@"
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $*"
}
: >in
usage
usage --as
usage --as '' t in
usage --as id t in
usage --as count t in
usage id in
usage 'parent.t' in
usage '[0]' in
usage 't[' in
usage '' in
usage --nope t in
done_testing
