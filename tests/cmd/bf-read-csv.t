#!/bin/sh
. "$(dirname "$0")/../lib.sh"

# hash TEXT: the id that an entry of these bytes has
hash() { printf %s "$1" | b2sum -l 128 | cut -c1-16; }
# csv OPTION...: the fields of each row of standard input, less the id
csv() { bf-read -f csv "$@" | sed 's/^{"id":"[0-9a-f]*",/{/'; }
tsv() { bf-read -f tsv "$@" | sed 's/^{"id":"[0-9a-f]*",/{/'; }

# ---- CSV ----
printf 'name,"a ""b""",c\r\nx,1,\r\n\r\n"y, z","q""q",007\n"",,"l1\r\nl2\n"' >in.csv
run bf-read in.csv
one='{"name":"x","a \"b\"":"1","c":""}'
is "$(sed 's/^{"id":"[0-9a-f]*",/{/' out)" "$one"'
{"name":"y, z","a \"b\"":"q\"q","c":"007"}
{"name":"","a \"b\"":"","c":"l1\r\nl2\n"}' "rows"
is "$(head -1 out)" "{\"id\":\"$(hash "$one")\",${one#\{}" "the id is the hash of what follows it"
is "$status$(cat err)" 0 "all is well"
sed 's/\r$//' in.csv | head -3 >lf.csv
is "$(bf-read lf.csv | head -1)" "$(head -1 out)" "LF"
{ printf '\357\273\277'; cat in.csv; } >bom.csv
bf-read bom.csv >got
same out got "a byte order mark"
gzip -c in.csv >in.csv.gz
bf-read in.csv.gz >got
same out got "gzip"
is "$(printf 'a,b"c,"d"\n1"2,"3" \n' | csv 2>&1 | tail -1 | cut -c1-13)" '{"incomplete"' "a quote may not be followed by more"
is "$(printf 'a,b\n1"2",3"\n' | csv)" '{"a":"1\"2\"","b":"3\""}' "a quote inside a cell is data"
is "$(printf 'a;b\n1,5;"x;y"\n' | csv --delimiter ';')" '{"a":"1,5","b":"x;y"}' "--delimiter"
is "$(printf 'a\tb\n1\t"x\ty"\n' | csv --delimiter '\t')" '{"a":"1","b":"x\ty"}' "--delimiter, a tab"
is "$(printf 'a|b\n1|2\n' | csv --delimiter='|')" '{"a":"1","b":"2"}' "--delimiter, a bar"
is "$(printf '1,2\n3,4\n' | csv --header 'x,y z')" '{"x":"1","y z":"2"}
{"x":"3","y z":"4"}' "--header"
is "$(printf 'a\n""\n\n"x"\n' | csv)" '{"a":""}
{"a":"x"}' "a row of one empty cell, and a blank line"
printf 'a,b\nx\0y,\0\n' | csv >out
is "$(cat out)" '{"a":"x\u0000y","b":"\u0000"}' "NUL bytes are data"
is "$(printf 'a\n\342\200\250\360\237\230\200\303\251\302\205\177\n' | csv | jq -r .a | od -An -tx1 | tr -d ' \n')" \
	e280a8f09f9880c3a9c2857f0a "U+2028, an emoji, NEL, DEL"
is "$(csv </dev/null)$(printf 'a,b\n' | csv)" "" "nothing, and a header alone, give no entries"
is "$(printf 'a,b\n1,' | csv)" '{"a":"1","b":""}' "an empty cell at the end of the file"

# ---- --infer ----
echo v >in.csv
printf '"%s"\n' 1 -2.50e3 true false null '[1, ""a""]' '{""b"":1}' '[1]' >>in.csv
cat >>in.csv <<'END'
007
+1
""
 1
1 
nan
True
"""x"""
"[1],[2]"
"[1"
1e
12345678901234567890
0x1
"{""a"":
1}"
END
is "$(bf-read --infer in.csv | sed 's/.*"v"/"v"/' | tr '\n' ' ')" \
	'"v":1} "v":-2.50e3} "v":true} "v":false} "v":null} "v":[1, "a"]} "v":{"b":1}} "v":[1]} "v":"007"} "v":"+1"} "v":""} "v":" 1"} "v":"1 "} "v":"nan"} "v":"True"} "v":"\"x\""} "v":"[1],[2]"} "v":"[1"} "v":"1e"} "v":12345678901234567890} "v":"0x1"} "v":{"a":1}} ' \
	"--infer takes JSON as it is written, and nothing else"
is "$(bf-read in.csv | jq -c '.v | type' | sort -u)" '"string"' "without it all are strings"
{ echo v; awk 'BEGIN { for (i = 0; i < 1024; i++) printf "["; for (i = 0; i < 1024; i++) printf "]"; print "" }'; } >deep.csv
run bf-read --infer deep.csv
is "$status $(bf-read -f jsonl out | jq -c '.v | type')" '0 "string"' "an entry is never nested too deeply"

# ---- ids ----
printf 'a,id,b\n1,k1,2\n3,,4\n' >ids.csv
run bf-read ids.csv
is "$(cat out)" '{"a":"1","id":"k1","b":"2"}
{"a":"3","id":"'"$(hash '{"a":"3","b":"4"}')"'","b":"4"}' "a column named id; an empty one is none"
is "$(bf-read --infer ids.csv | head -1)" '{"a":1,"id":"k1","b":2}' "with --infer"
is "$(bf-read --id b ids.csv | jq -c .id | tr '\n' ' ')" '"2" "4" ' "--id"
printf 'a,b\n1,2\n\n3,\n' >ids.csv
run bf-read --id b ids.csv
is "$(cat err) $status $(wc -l <out)" "bf-read: ids.csv:4: no id: 'b' is empty 1 1" "an entry without"

# ---- TSV ----
printf 'a\tb\tc d\n1\t"2\t\\t\\n\\r\\\\\\x\\\r\n\n\t\t\n' >in.tsv
is "$(tsv in.tsv)" '{"a":"1","b":"\"2","c d":"\t\n\r\\\\x\\"}
{"a":"","b":"","c d":""}' "TSV: escapes, no quotes"
is "$(printf 'a\n\nx\n' | tsv)" '{"a":""}
{"a":"x"}' "of one column, a blank line is a row"
printf '%s\n' '{"id":"1","a":"\t\\t\n\r\"\\","b":""}' '{"id":"2","a":"","b":"é😀\u2028"}' | jq -c . >want
for f in csv tsv; do
	bf-save -q back.$f <want
	bf-read back.$f >got
	same want got "what bf-save writes is read back: $f"
done

# ---- what is bad ----
# bad TEXT PLACE MESSAGE [OPTION...]
bad() {
	printf "$1" >bad.csv
	want=$2 message=$3
	shift 3
	run bf-read "$@" bad.csv
	like "$(cat err) $status" "bf-read: bad.csv:$want: $message 2" "bad: $want: $message"
	like "$(tail -1 out)" '{"incomplete":{"by":"bf-read",*,"status":2}}' "... and it does not look whole"
}
bad 'a,b\n1\n' 2:1 "1 cell here, where the header names 2 columns"
bad 'a,b\n"x\n",2\n1,2,"3"\n' 4:5 "3 cells here, where the header names 2 columns"
bad 'a\n"x"y\n' 2:4 "text after a closing quote*"
bad 'a,b\n"x",2\n1,"2\n3,4\n' 3:3 "this quote is never closed*"
bad 'a\nx\n\303\n' 3:1 "invalid UTF-8*"
bad 'a,,b\n1,2,3\n' 1:3 "this column has no name*"
bad 'a,"b",b\n1,2,3\n' 1:7 "another column has the same name*"
bad 'a\nxxxxxxxxxxx\n' 2:1 "a row longer than 10 bytes (see --max-line)*" --max-line 10
printf 'a,b\n1,2\n3\n4,"5"x\n\377,6\n7,8\n' >bad.csv
run bf-read --keep-going bad.csv
is "$(jq -c .a out | tr '\n' ' ') $(wc -l <err) $status" '"1" "7"  3 1' "--keep-going goes on with the next row"
printf '\377,b\n1,2\n' >head.csv
run bf-read --keep-going head.csv bad.csv
is "$(jq -c .a out | tr '\n' ' ') $status" '"1" "7"  1' "... but not without a header"
like "$(head -1 err)" "bf-read: head.csv:1:1: invalid UTF-8*; this file is not read" "which is told"
run bf-read nowhere.csv
is "$(cat err) $status" "bf-read: nowhere.csv: No such file or directory 2" "a file that is not there"
for args in "--delimiter xx" "--delimiter é" "--delimiter \"" "--header a,,b" "--header a,a"; do
	# shellcheck disable=SC2086
	run bf-read $args bad.csv
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $args"
done

# ---- it streams ----
mkfifo slow.csv made
bf-read slow.csv >made &
exec 4<made 3>slow.csv
printf 'a\n1\n"2' >&3
is "$(timeout 20 head -1 <&4 | jq -c .a)" '"1"' "a row goes out before the next one is waited for"
printf '"\n' >&3
exec 3>&- 4<&-
wait
awk 'BEGIN { print "n,s"; for (i = 0; i < 60000; i++) printf "%d,\"%*s\"\n", i, i % 977, "\n\"\"," }' >long.csv
bf-read long.csv | jq -c '[.n,.s]' >got
awk 'BEGIN { for (i = 0; i < 60000; i++) { s = sprintf("%*s", i % 977, "xxxx"); sub(/xxxx/, "\\n\\\",", s); printf "[\"%d\",\"%s\"]\n", i, s } }' >want
same want got "rows across the ends of the buffer"

done_testing
