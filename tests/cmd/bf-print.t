#!/bin/bash
. "$(dirname "$0")/../lib.sh"

export COLUMNS=60
esc=$(printf '\033')

cat >in <<'END'
{"id":"x","directory":"Greek/Heroes","keyword":"Icarus","text":"He flew so high that the wax of his wings melted, and fell into the sea that bears his name.\n\n  He was warned twice, indented, and this line is long enough to wrap.\n\n"}
{"id":"b2","text":"A short one."}
{"keyword":"Pygmalion","text":"old","response":{"text":"The answer\tis new.\r\nSecond line."}}
{"id":"c3","error":{"class":"rate_limit","message":"the provider asked to wait","status":429},"request":{"model":"m"}}
{"id":"d4","name":"Zo\u00eb","tags":["a", "b"],"n":1.0}
{"text":"no heading at all"}
END
cat >want <<'END'
Greek/Heroes/Icarus
He flew so high that the wax of his wings melted, and fell
into the sea that bears his name.

  He was warned twice, indented, and this line is long
  enough to wrap.

b2
A short one.

Pygmalion
The answer      is new.
Second line.

c3
error: rate_limit: the provider asked to wait

d4
name: Zoë
tags: ["a","b"]
n: 1.0

no heading at all
END
run bf-print <in
is "$status" 0 "entries to text"
same want out "headings, texts, wrapped at 60 columns"
is "$(cat err)" "" "nothing else"

cat >want <<'END'
Greek/Heroes/Icarus
id: x
text:
  He flew so high that the wax of his wings melted, and fell
  into the sea that bears his name.

    He was warned twice, indented, and this line is long
    enough to wrap.

Pygmalion
text: old
response.text:
  The answer      is new.
  Second line.
END
sed -n '1p;3p' in >two
run bf-print id text response.text <two
same want out "fields: name and value, text of several lines below the name"
echo '{"city":"Bath","x":{"y":[1, 2]},"long":"one two three four five six seven eight nine ten eleven twelve thirteen fourteen"}' >one
run bf-print long 'x.y' nothing <one
cat >want <<'END'
long: one two three four five six seven eight nine ten
  eleven twelve thirteen fourteen
x.y: [1,2]
END
same want out "fields: paths, compact JSON, what is missing is left out"
run bf-print 'a[' <one
is "$status $(wc -l <err)" "2 1" "a field that is no path is a usage error"

# ---- nothing in the data drives the terminal ----

printf '{"id":"e\\u001b[2J","text":"bell\\u0007 del\\u007f csi\\u009b31m nul\\u0000 cr\\rx bidi\\u202eabc\\u2066 sep\\u2028 lone\\ud800."}\n' >evil
run bf-print <evil
printf 'e\\x1b[2J\nbell\\x07 del\\x7f csi\\x9b31m nul\\x00 cr\\x0dx\nbidi\\u202eabc\\u2066 sep\\u2028 lone\357\277\275.\n' >want
same want out "control characters are shown, not sent"
echo '{"a\u001b":"b\u001b"}' >evil
run bf-print <evil
is "$(cat out)" 'a\x1b: b\x1b' "in names too"

# ---- width ----

w='日本語の文章は空白なしで続くので、どこで折り返してもよいことになっている。'
echo "{\"text\":\"$w$w\"}" >wide
run bf-print <wide
is "$(head -1 out)" '日本語の文章は空白なしで続くので、どこで折り返してもよいこと' "wide characters count twice"
is "$(tr -d '\n' <out)" "$w$w" "and none is lost"
long=$(printf '%0200d' 0)
echo "{\"text\":\"a $long b\"}" >wide
run bf-print <wide
is "$(awk '{ print length($0) }' out | tr '\n' ' ')" "1 60 60 60 22 " "a word longer than the line is broken"
COLUMNS=1 run bf-print <in
is "$status" 0 "one column is enough"
COLUMNS=junk run bf-print <one
is "$(sed -n 3p out | wc -L)" 77 "a width that is no number means 80 columns"
unset COLUMNS
run bf-print long <one
is "$(head -1 out | wc -L)" 77 "so does none"
export COLUMNS=60

# ---- colour ----

if command -v script >/dev/null; then
	tty() { script -qec "$*" /dev/null </dev/null | tr -d '\r' >out; }
	head -2 in | tail -1 >two
	sed -n 4p in >four
	TERM=xterm tty 'bf-print <two'
	is "$(cat out)" "${esc}[1mb2${esc}[0m
A short one." "on a terminal the heading is bold"
	TERM=xterm tty 'bf-print <four'
	is "$(tail -1 out)" "${esc}[31merror:${esc}[0m rate_limit: the provider asked to wait" "and an error red"
	TERM=dumb tty 'bf-print <two'
	is "$(head -1 out)" b2 "not on a dumb one"
	NO_COLOR=1 TERM=xterm tty 'bf-print <two'
	is "$(head -1 out)" b2 "nor under NO_COLOR"
	NO_COLOR='' TERM=xterm tty 'bf-print <two'
	is "$(head -1 out)" "${esc}[1mb2${esc}[0m" "of which an empty one is none"
	TERM=xterm tty 'stty cols 20; env -u COLUMNS bf-print long <one'
	is "$(head -1 out)" "long: one two three" "the terminal's width is asked for"
fi

# ---- the stream ----

{ head -1 one; echo '{"incomplete":{"by":"bf-llm","why":"budget reached","status":75}}'; } >cut
run bf-print city <cut
is "$status $(cat out err)" "75 city: Bath
bf-print: incomplete input: bf-llm: budget reached" "an incomplete stream is told, with its status"
printf '{"a":1}\n[]\n' >bad
run bf-print <bad
is "$status $(cat out)" "2 a: 1" "a bad line stops"
like "$(cat err)" "bf-print: <stdin>:2:1: *" "and is named, once"
is "$(wc -l <err)" 1 "and no more is said"
run bf-print --keep-going <bad
is "$status" 1 "--keep-going goes on"
bf-print <in >/dev/full 2>err
is "$? $(cat err)" "2 bf-print: standard output: No space left on device" "a full device"
run bf-print </dev/null
is "$status $(cat out err)" "0 " "nothing gives nothing"

done_testing
