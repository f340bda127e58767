#!/bin/bash
# Lines that break other tools: each is passed through untouched, or refused
# with file, line and column; nothing vanishes.
. "$(dirname "$0")/../lib.sh"

# A request that each command can take: bf-extract wants a response, bf-llm a
# request, bf-chunk a text, bf-explode a list, bf-collect a child, bf-near an
# embedding, and the odd member rides along.
response='"text":"one","response":{"text":"[1]","list":["one"]},"parent":"p","index":0,"count":1,"embedding":[1,2]'
request='"request":{"model":"m","messages":[{"role":"user","content":"hello"}]}'

# The commands that look into a line, each reading FILE; all keep other members.
looks=(
	'bf-prompt -m m hello'
	'bf-prompt -m m --history talk --as Ada hello'
	'bf-extract --keep'
	'bf-extract --keep --to-history talk --as Ada'
	check
	'bf-exec -q --no-ledger true'
	human
	bf-chunk
	'bf-explode response.list'
	'bf-collect text'
	'bf-join --exclude /dev/null'
	near
	'bf-if true cat'
	'bf-loop -n 1 cat'
	'bf-save --tee /dev/null'
	'bf-llm --no-ledger'
	'bf-embed -m m --no-ledger'
)
# And those that move it whole.
moves=('bf-take -n 10' 'bf-shuffle')

echo true >any.schema
check() { bf-check --schema any.schema "$@" 3>/dev/null; }
echo '{"id":1,"embedding":[2,1]}' >corpus.jsonl
near() { bf-near "${@:1:$#-1}" --queries "${!#}" corpus.jsonl; }
human() {
	bf-human -q --no-ledger --export todo.jsonl "$@" >/dev/null 2>&1
	sed 's/"answer":""}$/"answer":"yes"}/' todo.jsonl >human.jsonl
	bf-human -q --no-ledger --import human.jsonl "$@"
}
serve
looks+=("bf-http -q --no-ledger --extract .duplicates ${OPENAI_BASE_URL%/v1}/_stats")

# through FILE CMD: the command on FILE; for bf-save and bf-if, from standard input.
through() {
	# shellcheck disable=SC2086
	case $2 in
	bf-save* | bf-if* | bf-exec*) run $2 <"$1" ;;
	*) run $2 "$1" ;;
	esac
}

# passes NAME ODD: a member "odd":ODD comes out as it went in.
passes() {
	local got
	printf '{"odd":%s,%s,%s}\n' "$2" "$request" "$response" >odd.jsonl
	for cmd in "${looks[@]}"; do
		# libjq before 1.7 takes 256 levels; the entry fails by name.
		[ "$1 $cmd" != 'depth 500 bf-if true cat' ] || continue
		through odd.jsonl "$cmd"
		is "$status" 0 "$1: ${cmd%% *} takes it"
		got=$(<out)
		[[ $got == *"{\"odd\":$2,"* ]]
		ok $? "$1: ${cmd%% *} passes it on untouched"
	done
	for cmd in "${moves[@]}"; do
		through odd.jsonl "$cmd"
		cmp -s odd.jsonl out
		ok $? "$1: ${cmd%% *} moves it untouched"
	done
}

# refused NAME COLUMN: bad.jsonl has it in line 2, at that column.
refused() {
	local lines
	for cmd in "${looks[@]}"; do
		through bad.jsonl "$cmd"
		is "$status" 2 "$1: ${cmd%% *} refuses it"
		case $cmd in bf-save* | bf-if* | bf-exec*) file='<stdin>' ;; *) file=bad.jsonl ;; esac
		like "$(<err)" "*$file:2:$2*" "$1: ${cmd%% *} says where"
		case $cmd in
		bf-save*) continue ;;
		esac
		mapfile -t lines <out
		like "${lines[-1]-}" '{"incomplete":{*"status":2}}' "$1: ${cmd%% *} marks its output incomplete"
		through bad.jsonl "${cmd%% *} --keep-going${cmd#"${cmd%% *}"}"
		is "$status" 1 "$1: ${cmd%% *} --keep-going ends with 1"
		mapfile -t lines <out
		is "${#lines[@]}" 2 "$1: ${cmd%% *} --keep-going passes the two good ones"
		like "$(<err)" "*$file:2:*" "$1: ${cmd%% *} --keep-going tells the bad one"
	done
}
# bad LINE: one bad line between two good ones.
bad() {
	printf '{"n":1,%s,%s}\n%b\n{"n":3,%s,%s}\n' "$request" "$response" "$1" \
		"$request" "$response" >bad.jsonl
}

passes "a number beyond the doubles" 1e400
passes "an integer of 20 digits" 12345678901234567890
passes "1.0" 1.0
passes "-0" -0
passes "a lone surrogate escape" '"\ud800"'
passes "an escaped NUL" '"a\u0000b"'
passes "U+2028, NEL, VT and FF" "$(printf '"a\342\200\250b\302\205c"')"
passes "an escape style" '"\u00e9\/é"'
passes "white space" '[ 1 ,	{ "a" : null } ]'
passes "duplicate names" '{"a":1,"a":2}'
passes "depth 500" "$(perl -e 'print "[" x 500, "]" x 500')"

bad '{"n":2,"odd":"\0377"}'
refused "broken UTF-8" 15
bad '{"n":2,"odd":"\0355\0240\0200"}'
refused "a surrogate in UTF-8" 15
bad '[1,2]'
refused "an array" ''
bad '{"n":2'
refused "a cut line" 7
bad '{"n":2,"odd":"a\tb"}'
refused "a raw tab in a string" 16
bad '{"n":02}'
refused "a leading zero" ''
{
	head -n 1 bad.jsonl
	printf '{"n":2,"odd":'
	perl -e 'print "[" x 100000, "]" x 100000'
	printf '}\n'
	tail -n 1 bad.jsonl
} >deep.jsonl && mv deep.jsonl bad.jsonl
refused "depth 100,000" ''
{
	head -n 1 bad.jsonl
	printf '{"n":2,"odd":"a\0b"}\n'
	tail -n 1 bad.jsonl
} >nul.jsonl && mv nul.jsonl bad.jsonl
refused "a NUL" ''
for cmd in "${moves[@]}"; do
	through bad.jsonl "$cmd"
	is "$status" 2 "a NUL: ${cmd%% *} refuses it"
	like "$(cat err)" '*bad.jsonl:2:*' "a NUL: ${cmd%% *} says where"
done

# CRLF, a byte order mark, blank lines, a missing last newline.
printf '\357\273\277{"n":1,%s,%s}\r\n\r\n\n{"n":4,%s,%s}' "$request" "$response" \
	"$request" "$response" >crlf.jsonl
printf '{"n":1,%s,%s}\n{"n":4,%s,%s}\n' "$request" "$response" "$request" "$response" >plain.jsonl
for cmd in "${looks[@]}" 'bf-take -n 10'; do
	through plain.jsonl "$cmd"
	cp out want
	through crlf.jsonl "$cmd"
	is "$status" 0 "CRLF, BOM, blank lines, no last newline: ${cmd%% *} takes them"
	same want out "CRLF, BOM, blank lines, no last newline: ${cmd%% *} gives plain lines"
done
printf '\357\273\277{"n":1}\r\n\r\n\n{"n":4}\r\n{"n":}' >crlf.jsonl
run bf-prompt hello crlf.jsonl
like "$(cat err)" '*crlf.jsonl:5:6: *' "blank lines count, so that a message names the line an editor shows"

# A line of 100 MB.
perl -e 'print "{\"n\":1,\"text\":\"", "x" x 100_000_000, "\"}\n"' >long.jsonl
for cmd in 'bf-take -n 1' bf-shuffle 'bf-save -f jsonl -'; do
	through long.jsonl "$cmd"
	is "$status" 0 "a line of 100 MB: ${cmd%% *} takes it"
	cmp -s long.jsonl out
	ok $? "a line of 100 MB: ${cmd%% *} passes it on whole"
done
for cmd in 'bf-take -n 1' bf-shuffle 'bf-prompt hello'; do
	through long.jsonl "$cmd --max-line 64M"
	is "$status" 2 "a line beyond --max-line: ${cmd%% *} refuses it"
	like "$(cat err)" '*long.jsonl:1:*--max-line*' "a line beyond --max-line: ${cmd%% *} says what to do"
done
{ head -c 70000000 long.jsonl; echo; echo '{"n":2}'; } >cut.jsonl
run bf-take -n 5 --max-line 64M --keep-going cut.jsonl
is "$(cat out)" '{"n":2}' "--keep-going goes on at the line after a long one"
is "$status" 1 "with status 1"

# What is sent is UTF-8, whatever the escapes claim.
printf '{"request":{"model":"m","messages":[{"role":"user","content":"a\\ud800b"}]}}\n' >lone.jsonl
run bf-llm --no-ledger lone.jsonl
is "$(sed 's/.*"response":{"text":"\([^"]*\)".*/\1/' out)" "a�b" "a lone surrogate in a request is sent as U+FFFD"
like "$(cat err)" '*surrogate*' "with a warning"

done_testing
