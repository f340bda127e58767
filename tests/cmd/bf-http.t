#!/bin/bash
# bf-http: entries answered by an HTTP API: requests from templates, answers and
# pages, what is kept, what fails, and where data may not lead.
. "$(dirname "$0")/../lib.sh"
export XDG_STATE_HOME=$TMP/state

python3 "$TESTS/cmd/api.py" url log &
servers=$!
until [ -s url ]; do kill -0 $servers || exit 99; done
URL=$(cat url)
HOST=${URL#http://}
calls() { wc -l <log; }
http() { run timeout 100 bf-http "$@"; }
raw() { sed 's/.*"body":\(.*\)}}$/\1/' out; } # as it is written
body() { jq -c .response.body "${1:-out}"; }

printf '{"id":1,"q":"a b/&?=#é%%","n":1.50}\n{"id":2,"q":"{x}\\"\\n","n":[1, 2]}\n' >in
echo '{}' >one

# ---- what is asked ----

http "$URL/echo?q={q}&n={n}" in
is "$status" 0 "a GET for each entry"
is "$(jq -r .response.body.path out)" '/echo?q=a%20b%2F%26%3F%3D%23%C3%A9%25&n=1.50
/echo?q=%7Bx%7D%22%0A&n=%5B1%2C2%5D' "a field in a URL stays within its part"
is "$(jq -c '[.response|.status,.url,.type]' out | head -1)" "[200,\"$URL/echo?q=a%20b%2F%26%3F%3D%23%C3%A9%25&n=1.50\",\"application/json\"]" "status, URL and type are told"
is "$(sed 's/,"response".*/}/' out)" "$(cat in)" "the entry is untouched but for its response"
http "$URL/echo?q={q}&n={n}" in
is "$(calls) $(wc -l <out)" "2 2" "and not asked again"
http -H 'X-Q: {id}' -H 'Accept: text/x' -H 'user-agent: me' --extract '[.headers["x-q", "accept", "user-agent"]]' "$URL/echo" in
is "$(body)" '["1","text/x","me"]
["2","text/x","me"]' "headers"
http -H 'X-Q: {q}' --errors e "$URL/echo" in
is "$status $(jq -r .error.class e) $(jq -r .error.message e)" "1 bad_request header X-Q: a control character" "no field breaks out of a header"
http -d '{q}|{{}}' --extract '[.method, .body, .headers["content-type"]]' "$URL/echo" in
is "$(body)" '["POST","a b/&?=#é%|{}","text/plain; charset=utf-8"]
["POST","{x}\"\n|{}","text/plain; charset=utf-8"]' "-d"
printf 'from {id}' >file
http -d @file -X PUT --extract '[.method, .body]' "$URL/echo" in
is "$(body)" '["PUT","from 1"]
["PUT","from 2"]' "-d @FILE, -X"
http -d @nofile "$URL/echo" in
is "$status $(cat err)" "2 bf-http: -d: nofile: there is no such file" "a file that is not there"
http --form 'a b={q}' --form c=x+y --extract '[.body, .headers["content-type"]]' "$URL/echo" in
is "$(body)" '["a%20b=a%20b%2F%26%3F%3D%23%C3%A9%25&c=x%2By","application/x-www-form-urlencoded"]
["a%20b=%7Bx%7D%22%0A&c=x%2By","application/x-www-form-urlencoded"]' "--form"
http --json '{q, k: (.n|length)}' -H 'Content-Type: application/vnd.x+json' --extract '[.body, .headers["content-type"]]' "$URL/echo" in
is "$(body | head -1)" '["{\"q\":\"a b/&?=#é%\",\"k\":1.5}","application/vnd.x+json"]' "--json"
http --json .n --extract .body "$URL/echo" in
is "$(body)" '"1.50"
"[1,2]"' "a plain path gives values as they are written"
http --json .none --errors e "$URL/echo" in
is "$status $(jq -r .error.message e | uniq)" "1 --json gives nothing for this entry" "or nothing"
for m in DELETE PATCH OPTIONS; do
	http -X $m --extract /method --accept 501 "$URL/echo" one
	is "$(body)" "$([ $m = OPTIONS ] && sed -n 's/.*"body":\(.*\)}}/\1/p' out || echo "\"$m\"")" "-X $m"
done
http -X HEAD "$URL/echo" one
is "$status $(body)" '0 ""' "-X HEAD has no body"
http "$URL/{nofield}" one
is "$status $(head -1 err)" '1 bf-http: one:1: bad_request: URL: no field "nofield"' "a field that is missing"
http "$URL/echo?q={nofield:-a b}" --extract .path one
is "$(body)" '"/echo?q=a%20b"' "or has a default"

# ---- secrets ----

export KEY=open-sesame
rm -rf .bf
http -H 'X-Key: ${KEY}' "$URL/key" one
is "$status" 0 "a variable in a header"
KEY=open-barley http -H 'X-Key: ${KEY}' "$URL/key" one
is "$status $(wc -l <out)" "0 1" "is no part of the key"
KEY=open-barley http --refresh -H 'X-Key: ${KEY}' "$URL/key" one in
is "$status $(jq -r .incomplete.status out)" "75 75" "a key that is refused stops the run"
like "$(cat err)" "*provider refusing: auth: $URL/key: HTTP 401: no key like \*\*\*\*\*\*\*\*\*\*\*; stopping*" "and is not told"
http -H 'X-Key: ${KEY}' -d 'k=${KEY}' "$URL/echo?key=\${KEY}&k={id:-}" one
is "$(tail -1 log)" 'POST /echo?key=open-sesame&k= "k=open-sesame"' "variables in URL and body"
is "$(jq -r '.response | .url, .body.path, .body.body, .body.headers["x-key"]' out)" "$URL/echo?key=\${KEY}&k=
/echo?key=\${KEY}&k=
k=\${KEY}
\${KEY}" "come back as they were written"
KEY=' a+b/c==' http "$URL/echo?key=\${KEY}" one
is "$(tail -1 log)" 'GET /echo?key=%20a%2Bb%2Fc%3D%3D ""' "encoded where a URL wants that"
bf-ledger cat >ledger
grep -rlE 'sesame|barley|a.2Bb' .bf ledger out err
is "$?" 1 "and no ledger, output or message has one"
http -H 'X: ${NO_SUCH}' "$URL/echo" one
is "$status $(cut -d'(' -f1 err)" "2 bf-http: X: NO_SUCH is not set in the environment " "a variable that is not set"
echo '{"u":"x ${KEY} ${HOME}"}' >dollar
http -H 'X: {u} ${KEY}' --extract '.headers.x' "$URL/echo?u={u}" dollar
is "$(tail -1 log)" 'GET /echo?u=x%20%24%7BKEY%7D%20%24%7BHOME%7D ""' "what a field has is no variable"
is "$(body)" '"x ${KEY} ${HOME} ${KEY}"' "nor in a header"

# ---- answers ----

rm -rf .bf
http --extract .id "$URL/big" one
is "$(raw)" 12345678901234567890123 "--extract with a plain path keeps every digit"
http --extract /f "$URL/big" one
is "$(raw)" 1.10 "so does a pointer"
http --extract '.f * 2' "$URL/big" one
is "$(body)" 2.2 "--extract with a jq expression"
http --extract .none "$URL/big" one
is "$status $(head -1 err)" "1 bf-http: one:1: extract: --extract: nothing in the answer's body" "nothing there: the entry fails"
n=$(calls)
http --extract .f "$URL/big" one
is "$(calls)" "$n" "and another expression asks nobody"
http --extract '.f | keys' --errors e "$URL/big" one
is "$status $(jq -r .error.class e)" "1 extract" "an expression that fails"
http --extract '.f |' "$URL/big" one
is "$status" 2 "one that is none"
text() { http --attempts 1 "$URL/text?hex=$1&type=$2" one; }
text c3a9 text/plain
is "$(body)" '"é"' "text is a string"
text efbbbf7b7d 'text/plain;charset=UTF-8'
is "$(body)" '"{}"' "without a byte order mark"
text e92080 'text/html%3B%20Charset%3D%22windows-1252%22'
is "$(body)" '"é €"' "of another charset, which is named"
text e9 text/html
is "$status $(head -1 err | sed 's/.*: the/the/')" "1 the body is neither UTF-8 nor of another charset that is known" "or is none"
text ff image/png
is "$status" 1 "binary data is no answer"
text 7b225c7564383030223a317d application/json
is "$(raw)" '{"\ud800":1}' "JSON is as it came"
text 7b application/json
is "$status $(head -1 err | sed 's/.*: the/the/')" "1 the body is no JSON: byte 2: unexpected end" "what says it is JSON and is not"
text '' application/json
is "$status $(body)" '0 ""' "an empty body"
text 5b315d application/problem%2Bjson
is "$(body)" '[1]' "+json"

# ---- pages ----

rm -rf .bf
for next in .next link '{cursor} | select(.cursor)' 'if .next then .next else false end'; do
	http --extract .items --next "$next" "$URL/pages?page={cursor:-1}" one
	is "$status $(body | tr '\n' ' ')" "0 [10,11,12] [20,21,22] [30,31,32] [40,41,42] " "--next '$next': an entry for each page"
done
is "$(grep -c 'GET /pages' log)" 4 "of which each was asked once"
printf '{"id":1}\n{"id":2,"cursor":3}\n{"id":3}\n' >three
http -j 3 --extract .cursor --next .next --accept 404 "$URL/pages?page={cursor:-1}&x={id}" three
is "$status $(jq -c .id out | tr '\n' ' ')" "1 1 1 1 2 3 3 3 " "their order is the input's"
http --cached-only --extract .items --next .next "$URL/pages?page={cursor:-1}&x={id}" three
is "$(jq -c '[.id, .response.body[0]]' out | tr '\n' ' ')" "[1,10] [1,20] [1,30] [1,40] [2,30] [2,40] [3,10] [3,20] [3,30] [3,40] " "also from the ledger"
http --unordered --extract .items --next .next "$URL/pages?page={cursor:-1}&y={id}" three
is "$(jq -c '[.id, .response.body[0]]' out | sort | tr '\n' ' ')" "[1,10] [1,20] [1,30] [1,40] [2,30] [2,40] [3,10] [3,20] [3,30] [3,40] " "or as they come"
http --pages 2 --extract .items --next .next "$URL/pages" one
is "$status $(body | tr '\n' ' ')" "0 [10,11,12] [20,21,22] " "--pages: no more"
http --next .next --attempts 1 --errors e "$URL/pages?bad=3" one
is "$status $(jq -c .response.body.cursor out | tr '\n' ' ')" "1 2 3 " "a page that fails ends them"
like "$(jq -r .error.message e)" "$URL/pages?page=3&bad=3: HTTP 500: broken" "and is told"

rm -rf .bf
http --next '"/pages"' --pages 9 "$URL/pages" one
is "$status $(head -1 err)" "1 bf-http: one:1: bad_request: the next page is this one again" "a page that leads to itself"
http --next .next --pages 7 "$URL/round" one
is "$status $(wc -l <out)" "0 7" "pages that go round end with --pages"
n=$(calls)
http -q --next .next --errors e --extract . "$URL/round" one
is "$status $(wc -l <out) $(jq -r .error.message e) $(calls)" "1 10000 10000 pages, and no end: say how many are wanted $n" "or when there were ten thousand, asked twice"
http --next .items "$URL/pages" one
is "$status $(head -1 err)" "1 bf-http: one:1: extract: --next: neither a URL nor an object of fields for the next request" "what is no next"
http --next '"http://localhost:1/x"' "$URL/pages" one
like "$status $(head -1 err)" "1 *forbidden: http://localhost:1/x: it leads to localhost, which --hosts does not name" "a next page elsewhere"
http --plan --next link "$URL/pages?of=2" one
is "$status $(cat out)" "1 1 entry: 1 to ask, 0 from the ledger, 0 the same as others" "--plan: a page to ask"
http --next link --pages 1 "$URL/pages?of=2" one
http --plan --next link "$URL/pages?of=2" one
is "$status $(cat out)" "1 1 entry: 1 to ask, 0 from the ledger, 0 the same as others" "the next one"
http --next link "$URL/pages?of=2" one
http --plan --next link "$URL/pages?of=2" one
is "$status $(cat out)" "0 1 entry: 0 to ask, 1 from the ledger, 0 the same as others" "none"
http --next .next --no-ledger --extract .items "$URL/pages" one one
is "$status $(body | sort | uniq -c | tr -s ' \n' ' ')" "0  2 [10,11,12] 2 [20,21,22] 2 [30,31,32] 2 [40,41,42] " "--no-ledger"

# ---- what fails ----

http "$URL/nothing" one
is "$status $(head -1 err)" "1 bf-http: one:1: not_found: $URL/nothing: HTTP 404: nothing there" "a 404"
http --accept 404,410 --extract .x "$URL/nothing" one
is "$status $(body)" '0 {"detail":"nothing there"}' "--accept: it is an answer, which --extract leaves as it is"
n=$(calls)
http --accept 404 "$URL/nothing" one
is "$status $(calls)" "0 $n" "and is kept"
http "$URL/nothing" one
is "$status $(calls) $(head -1 err)" "1 $n bf-http: one:1: not_found: HTTP 404, which was accepted before" "though not taken without it"
http "$URL/status?is=403&q={id}" in
is "$status $(grep -c ': auth: ' err)" "1 2" "a 403 is of one entry"
n=$(calls)
http --attempts 3 "$URL/status?is=500" one
is "$status $(calls)" "1 $((n + 3))" "a 500 is tried again"
http --attempts 2 --errors e http://127.0.0.1:1/x one
is "$status $(jq -c '[.error.class, .error.attempts]' e)" '1 ["transport",2]' "nobody there"
http --timeout 200ms --attempts 1 --errors e "http://127.0.0.1:1/" one
is "$status" 1 "--timeout"

# ---- where data may not lead ----

rm -rf .bf
echo "{\"u\":\" $URL/echo?a=b c|é#x\"}" >u
n=$(calls)
http --errors e '{u}' u
is "$status $(jq -c '[.error.class, .error.attempts]' e) $(calls)" "1 [\"forbidden\",1] $n" "a URL from data leads to no private address"
like "$(jq -r .error.message e)" "*: its address is none of the public internet" "and it is said why"
for u in http://localhost:1/ http://0x7f.1/ http://2130706433/ 'http://[::1]/' 'http://[::ffff:127.0.0.1]/' http://0/ 'http://[64:ff9b::7f00:1]/' ftp://x/ file:///etc/passwd "http://u:p@${URL#http://}/" 'javascript:1' 'http:///x' ''; do
	jq -nc --arg u "$u" '{u: $u}'
done >bad
http --errors e --attempts 1 --connect-timeout 5s '{u}' bad
is "$status $(wc -l <out) $(calls) $(jq -r .error.class e | sort | uniq -c | tr -s ' \n' ' ')" "1 0 $n  6 bad_request 7 forbidden " "however it is written" || cat e
http --allow-private '{u}' u
is "$status $(jq -r .response.url out)" "0 $URL/echo?a=b%20c%7C%C3%A9" "--allow-private"
rm -rf .bf
http --hosts 127.0.0.1,example.com '{u}' u
is "$status" 0 "--hosts: that one may"
rm -rf .bf
http --hosts example.com --allow-private --errors e '{u}' u
is "$status $(jq -r .error.class e)" "1 forbidden" "others may not"
http -H 'X: ${KEY}' '{u}' u
like "$status $(cat err)" '2 *${KEY} would go to any host that the data names*' "no secret goes to a host of the data"
http -H 'X: ${KEY}' --hosts 127.0.0.1 --extract .headers.x '{u}' u
is "$status $(body)" '0 "${KEY}"' "but to one of --hosts"
echo '{"u":"http://api.invalid/"}' >plain
http -H 'X: ${KEY}' --hosts api.invalid '{u}' plain
like "$status $(head -1 err)" "1 *forbidden: http://api.invalid/: it would take a secret over plain http" "though not over plain http"
echo "{\"h\":\"$HOST/\",\"p\":\"../../echo@x\"}" >parts
http --errors e 'http://{h}/echo' parts
is "$status $(jq -r .error.class e)" "1 bad_request" "a field is no host and path"
http --extract .path "$URL/a/{p}" parts
like "$(head -1 err)" "*not_found: $URL/a/..%2F..%2Fecho%40x: *" "nor several parts of a path"

# ---- redirects ----

rm -rf .bf
http "$URL/to?url=/echo" one
like "$status $(head -1 err)" "1 *redirect: $URL/to?url=/echo: it redirects (HTTP 302) to /echo; --redirects N follows" "a redirect is not followed"
for s in 301 302 303 307 308; do
	http --redirects 1 "$URL/to?url=/echo%3Fs=$s&status=$s" one
	is "$status $(jq -r '.response | .url, .status, .body.path' out | tr '\n' ' ')" "0 $URL/echo?s=$s 200 /echo?s=$s " "but with --redirects, HTTP $s"
done
http --redirects 1 "$URL/to?url=/to%3Furl=/echo" one
like "$status $(head -1 err)" "1 *to /echo; that is one more than --redirects allows" "no further than that"
http --redirects 9 -d x "$URL/to?url=/echo" one
like "$status $(head -1 err)" "1 *what has a body is not sent on" "nor with a body"
far=$(printf 'http://localhost:%s/echo' "${HOST##*:}" | jq -Rr @uri)
n=$(calls)
http --redirects 2 --errors e "$URL/to?url=$far" one
is "$status $(jq -r .error.class e) $(calls)" "1 forbidden $((n + 1))" "nor inside"
http --redirects 2 --allow-private -H 'X-Key: ${KEY}' -H 'X-Other: 1' --extract '.headers | [.["x-key", "x-other"]]' "$URL/to?url=$far" one
is "$status $(body)" '0 [null,"1"]' "and no secret is sent to another host"
http --redirects 2 --hosts localhost -H 'X-Key: ${KEY}' --extract '.headers | [.["x-key", "x-other"]]' "$URL/to?url=$far" one
is "$status $(body)" '0 ["${KEY}",null]' "that --hosts does not name"
http --redirects 50 --errors e "$URL/to?url=/to" one
is "$status $(jq -r .error.class e)" "1 redirect" "one to nowhere"

# ---- the rest is the engine's ----

rm -rf .bf
entries 1 300 >many
bf-http -q -j 4 --sync never "$URL/echo?id={id}" many >out 2>err &
pid=$!
until [ "$(grep -c 'GET /echo?id=' log)" -ge 100 ]; do kill -0 $pid || break; done
kill -KILL $pid
wait $pid 2>/dev/null
http -q -j 4 "$URL/echo?id={id}" many
is "$status $(jq -r .response.body.path out | sed 's/.*=//' | seq 1 300 | diff - <(jq -r .id out) | wc -l) $(($(grep -c 'GET /echo?id=' log) <= 304))" "0 0 1" "kill -9 and rerun: what was in flight is asked once more, nothing else"
sort -u many | shuf >again
http -q --cached-only "$URL/echo?id={id}" again
is "$status $(wc -l <out)" "0 300" "all is in the ledger"
http --max-calls 2 "$URL/echo?new={id}" many
is "$status $(grep -c 'echo?new' log)" "75 2" "--max-calls"
http -j 1 --rpm 100000 "$URL/echo?rpm={id}" in
is "$status" 0 "--rpm"
echo '{"id":1}x' >rubbish
http "$URL/echo" rubbish
is "$status $(head -1 err)" "2 bf-http: rubbish:1:9: unexpected character after the value" "a bad line"
for o in "-X GE:T" "-H nocolon" "-H Host:x" "-H Content-Length:1" "--form =x" "--accept 99" "--redirects 0" "--hosts a/b" "--pages 3" "--next .a|" "-d a --json ." "-d {"; do
	http $o "$URL/echo" one
	is "$status" 2 "no good: $o"
done
http "ftp://x/"
is "$status" 2 "no good: another scheme"
http "http://u:secret@x/"
is "$status $(grep -c secret err)" "2 0" "no good: a password in the URL"
http
is "$status $(cut -d'(' -f1 err)" "2 bf-http: URL is missing " "no URL"

done_testing
