#!/bin/bash
# bf-mock: what clients of it see.
. "$(dirname "$0")/../lib.sh"
command -v curl >/dev/null || skip_all "curl is not installed"

# chat TEXT: the body of a request whose only message is TEXT (JSON contents)
chat() { printf '{"model":"m1","messages":[{"role":"user","content":"%s"}]}' "$1"; }
export -f chat
# post BODY [CURL-OPTION...]: inside bf-mock; the answer's body, then its status
post() {
	body=$1
	shift
	curl -s -w '%{http_code}\n' -H "Authorization: Bearer $OPENAI_API_KEY" "$@" -d "$body" \
		"$OPENAI_BASE_URL/chat/completions"
}
export -f post
# stats: the counters; count NAME: one of them
stats() { curl -s "${OPENAI_BASE_URL%/v1}/_stats"; }
count() { stats | sed "s/.*\"$1\":\([0-9]*\).*/\1/"; }
export -f stats count
# content: of the answer on standard input, as written
content() { sed -n 's/.*"content":"\(.*\)","refusal".*/\1/p'; }
export -f content
# in_mock OPTION... -- SCRIPT: runs it, as `run` does
in_mock() {
	local args=()
	while [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	run bf-mock "${args[@]}" -- bash -c "$2"
}

# ---- the command ----
in_mock -- 'echo "$OPENAI_BASE_URL $OPENAI_API_KEY $BF_ENDPOINT"; cat; exit 7' </dev/null
is "$status" 7 "ends with the command's status"
like "$(cat out)" "http://127.0.0.1:*/v1 mock mock" "sets the environment, prints nothing itself"
in_mock -- 'kill -TERM $$'
is "$status" 143 "death by signal is 128 and its number"
run bf-mock -- ./no-such-command
is "$status" 127 "a command that is not there"
like "$(cat err)" "bf-mock: cannot run ./no-such-command: *" "and a message that says so"
ls -l /proc/self/fd 2>/dev/null | sed -n 's/.* \([0-9]*\) -> .*/\1/p' >before
run bf-mock --log log -- sh -c 'ls -l /proc/self/fd | sed -n "s/.* \([0-9]*\) -> .*/\1/p"'
same before out "the command inherits no descriptor"
bash -c 'ulimit -Sn 200; bf-mock -- sh -c "ulimit -Sn"' >out
is "$(cat out)" 200 "the command keeps its limit of descriptors"

run bf-mock -- sh -c 'trap "echo got TERM; exit 5" TERM; kill -TERM $PPID
	for i in $(seq 200); do sleep 0.05; done'
is "$status $(cat out)" "5 got TERM" "TERM is passed on to the command"
bf-mock >url &
pid=$!
until [ -s url ]; do sleep 0.05; done
is "$(curl -s "$(cat url)/models" | cut -c1-40)" '{"object":"list","data":[{"id":"mock","o' \
	"without a command it prints its URL and serves"
kill -TERM $pid
wait $pid
is $? 0 "and ends with 0 at TERM"

# ---- answers ----
in_mock -- 'post "$(chat "h\\u00e9\\n\\\"x\\\"\\\\ \\ud800 é\\u0000")"'
is "$(content <out)" 'h\u00e9\n\"x\"\\ \ud800 é\u0000' "echoes the last user message, escapes as they were"
like "$(cat out)" '{"id":"chatcmpl-????????????????????????????????","object":"chat.completion","created":1*,"model":"m1","choices":\[{"index":0,"message":{"role":"assistant",*},"logprobs":null,"finish_reason":"stop"}\],"usage":{*},"system_fingerprint":"bf-mock"}
200' "in the form of a chat completion"
cp out first
in_mock -- 'post "$(chat "h\\u00e9\\n\\\"x\\\"\\\\ \\ud800 é\\u0000")"'
same first out "and the same bytes in another run"
in_mock -- 'post "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"12345\"},
	{\"role\":\"user\",\"content\":\"first\"},{\"role\":\"assistant\",\"content\":null},
	{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"ab\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"x\"}},{\"type\":\"text\",\"text\":\"\\u00e9\"}]}]}"'
is "$(content <out)" 'ab\u00e9' "joins the text parts of a message"
like "$(cat out)" '*"usage":{"prompt_tokens":4,"completion_tokens":1,"total_tokens":5}*' \
	"counts a token for every four bytes of text"
in_mock -- 'post "{\"model\":\"m\",\"n\":3,\"messages\":[{\"role\":\"user\",\"content\":\"abcdefgh\"}]}"'
is "$(grep -o '"index":[0-9]' out | tr '\n' ' ')" '"index":0 "index":1 "index":2 ' "n choices"
like "$(cat out)" '*"completion_tokens":6,*' "each of which counts"
in_mock --reply '{n} {model}/{system}: "{prompt}" {request.temperature:-none}' -- \
	'post "$(chat A\\n)"; post "{\"temperature\":0.50,\"model\":\"m2\",\"messages\":[{\"role\":\"developer\",\"content\":\"S\"},{\"role\":\"user\",\"content\":\"B\"}]}"'
is "$(content <out)" '1 m1/: \"A\n\" none
2 m2/S: \"B\" 0.50' "a template over the request"
in_mock --reply '{request.seed}' -- 'post "$(chat A)"'
like "$(tail -1 out) $(head -1 out)" '400 *seed*' "a field that is missing from it is a 400"
in_mock --reply '{prompt}{request.x}' -- "post $'\\r\\n {\"model\":\"m\",\"x\":1,\"messages\":[{\"role\":\"user\",\"content\":\"A\"}]}\\t\\n'"
is "$(content <out)" 'A1' "white space around the body"
in_mock --finish-reason length -- 'post "$(chat A)"'
like "$(cat out)" '*"finish_reason":"length"*' "--finish-reason"
printf '<html>\n' >page
in_mock --body page -- 'post nonsense'
is "$(cat out)" '<html>
200' "--body answers with a file's bytes"

# ---- prepared replies ----
cat >replies <<'R'
{"match":"whole message","reply":"by part"}
{"match":"the whole message","reply":"line\nbreak"}
{"match":"ab","reply":"short"}
{"match":"cut off","reply":"half","finish_reason":"length"}
{"match":"tool","reply":{"role":"assistant","content":null,"tool_calls":[{"id":"t"}]}}
{"match":"fail","reply":"no \"way\"","status":422}
{"match":"é\u0000 is matched unescaped","reply":"yes"}
R
in_mock --replies replies -- 'for t in "the whole message" "all the whole message." "xaby the whole messag" \
	"is cut off here" "a tool" "fail" "\\u00e9\\u0000 is matched \\u0075nescaped" "nothing"; do post "$(chat "$t")"; done'
is "$(content <out)" 'line\nbreak
by part
short
half
yes' "an exact match first, then the first line that is contained"
is "$(grep -c '^200$' out)$(grep -c '^422$' out)$(grep -c '^404$' out)" 611 "a status of its own; 404 where none matches"
like "$(cat out)" '*"content":"half"*"finish_reason":"length"*' "a finish reason of its own"
like "$(cat out)" '*"message":{"role":"assistant","content":null,"tool_calls":\[{"id":"t"}\]},"logprobs":null,"finish_reason":"tool_calls"*' \
	"an object is the whole message"
like "$(cat out)" '*{"error":{"message":"no \\"way\\"",*' "an error's message"
in_mock --replies replies --reply 'else {prompt}' -- 'post "$(chat other)"'
is "$(content <out)" "else other" "with --reply that is what the others get"
awk 'BEGIN { for (i = 0; i < 20000; i++) printf "{\"match\":\"How much is %d plus one? Say it.\",\"reply\":\"%d\"}\n", i, i + 1
	print "{\"match\":\"\",\"reply\":\"default\"}" }' >many
in_mock --replies many -- 'for i in 0 7 19999 20000; do post "$(chat "Q: How much is $i plus one? Say it.")"; done'
is "$(content <out | tr '\n' ' ')" "1 8 20000 default " "many of them; an empty match fits all"
for bad in '{"match":1,"reply":""}' '{"match":"a"}' '{"match":"a","reply":3}' \
	'{"match":"a","reply":"","status":"200"}' '[]' '{"match":'; do
	printf '{"match":"x","reply":""}\n%s\n' "$bad" >replies
	run bf-mock --replies replies -- true
	like "$status $(cat err)" "2 bf-mock: replies:2: *" "refused with its place: $bad"
done

# ---- requests that are refused ----
in_mock -- 'post "{"; post "[]"; post "{\"messages\":[]}"; post "{\"model\":\"m\",\"messages\":[]}"
	post "{\"model\":\"m\",\"messages\":[1]}"; post "{\"model\":\"m\",\"messages\":[{}]}"
	post "{\"model\":\"m\",\"n\":0,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}"'
is "$(grep -c '^400$' out) $(grep -c '^{"error":{"message":"' out)" "7 7" "what is no request is a 400 with an error body"
in_mock -- 'curl -s -o answer -w "%{http_code} " "$OPENAI_BASE_URL/chat/completions"
	curl -s -o answer -w "%{http_code} " "$OPENAI_BASE_URL/rerank"
	curl -s -o answer -w "%{http_code} " -I "$OPENAI_BASE_URL/models"'
is "$(cat out)" "405 404 200 " "methods and paths"
head -c 67108865 /dev/zero >big
in_mock -- 'curl -s -w "%{http_code}\n" --data-binary @big "$OPENAI_BASE_URL/chat/completions"'
is "$(tail -1 out)" 413 "a body of more than 64 MiB"
{ printf '{"model":"m","messages":[{"role":"user","content":"'; head -c 3000000 /dev/zero | tr '\0' x
	printf '"}]}'; } >big
in_mock -- 'curl -s --data-binary @big "$OPENAI_BASE_URL/chat/completions" | wc -c'
is "$(($(cat out) > 3000000))" 1 "one of 3 MB is answered"
in_mock --require-key k-123 -- 'echo "$OPENAI_API_KEY"; post "$(chat a)" -o /dev/null
	OPENAI_API_KEY=wrong; post "$(chat a)" -o /dev/null; curl -s "$OPENAI_BASE_URL/models"'
like "$(tr '\n' ' ' <out)" 'k-123 200 401 {"error":{*"code":"invalid_api_key"}} ' "--require-key"

# ---- faults ----
in_mock --fail-first 2:503 --retry-after 0.05 -- 'for t in a b a a b b; do post "$(chat $t)" -o /dev/null -D headers; done; cat headers'
is "$(grep -v : out | grep -v HTTP | head -6 | tr '\n' ' ')" "503 503 503 200 503 200 " "--fail-first, for each body"
in_mock --status 429:1 --retry-after 0.05 --error-code insufficient_quota -- 'post "$(chat a)" -D -'
like "$(cat out)" '*etry-?fter: 0.05*"code":"insufficient_quota"*429' "--status with --retry-after and --error-code"
many='for i in $(seq 200); do printf "next\nurl = \"$OPENAI_BASE_URL/chat/completions\"\ndata = \"{\\\\\"model\\\\\":\\\\\"m\\\\\",\\\\\"messages\\\\\":[{\\\\\"role\\\\\":\\\\\"user\\\\\",\\\\\"content\\\\\":\\\\\"%d\\\\\"}]}\"\noutput = /dev/null\n" $i; done | tail -n +2 >config
	curl -s $how -K config -w "%{http_code}\n" >codes'
in_mock --status 500:0.2 --status 429:10% --seed 5 -- "how=; $many; stats | grep -o 'status.*}'"
cp out serial
n500=$(grep -o '"500":[0-9]*' out | cut -d: -f2)
n429=$(grep -o '"429":[0-9]*' out | cut -d: -f2)
ok $((n500 < 20 || n500 > 60 || n429 < 8 || n429 > 36)) "random faults in about the share asked for ($n500, $n429 of 200)"
in_mock --status 500:0.2 --status 429:10% --seed 5 -- "how='--parallel --parallel-max 20'; $many; stats | grep -o 'status.*}'"
is "$(grep -o 'status.*},"dis' out)" "$(grep -o 'status.*},"dis' serial)" "the same ones whatever the concurrency"
in_mock --status 500:0.2 --status 429:10% --seed 6 -- "how=; $many; stats | grep -o 'status.*}'"
ok $(($(cmp -s out serial; echo $?) == 0)) "others with another seed"
in_mock --drop 1 -- 'post "$(chat a)"; echo $?; count dropped'
is "$(tr '\n' ' ' <out)" "000 52 1 " "--drop closes the connection"
in_mock --hang 1 -- 'post "$(chat a)" -m 0.2; post "$(chat a)" -o /dev/null; count hung; count in_flight'
is "$(tr '\n' ' ' <out)" "000 200 1 0 " "--hang leaves the first without an answer"
in_mock --latency 100s -- 'post "$(chat a)" -m 0.2; count in_flight'
is "$(tr '\n' ' ' <out)" "000 1 " "--latency holds an answer back"
in_mock --latency 1ms-30ms -- "how='--parallel --parallel-max 10 --parallel-immediate'; $many; count peak_in_flight; sort -u codes"
ok $(($(head -1 out) < 2)) "with --latency requests are in flight together"
is "$(tail -1 out)" 200 "and all are answered"

# ---- faults by name ----
# what: what curl says of an answer: status, its own exit status, bytes of the body, bytes as said
what='what() {
	local got rc said=- name value
	got=$(post "$(chat hello)" -m $most -o /dev/null -D head -w "%{http_code} %{size_download}\n")
	rc=$?
	[ ! -e head ] || while read -r name value; do
		[ "$name" != Content-Length: ] || said=${value%$'"'\\r'"'}
	done <head
	echo "${got% *} $rc ${got#* } $said"
}'
while read -r name want; do
	case $name in
	hang | no-body | slow | stall) most=1 ;;
	*) most=20 ;;
	esac
	in_mock --fault "$name:1" -- "most=$most; $what; what; count in_flight"
	like "$(head -1 out)" "$want" "--fault $name"
	[ "$name" = slow ] || is "$(tail -1 out)" 0 "$name: nothing is left in flight"
done <<'F'
blank 200 0 5 5
chunked 200 0 337 -
drop 000 52 0 -
empty-body 200 0 0 0
empty-choices 200 0 63 63
error-body 200 0 76 76
gzip 200 0 360 360
hang 000 28 0 -
html 200 0 59 59
huge-header 200 27 0 *
long-length 200 18 337 401
many-headers 200 0 337 337
no-body 200 28 0 337
null-content 200 0 143 143
redirect 307 0 0 0
reset-after 200 0 337 337
reset-before 000 56 0 -
reset-in 200 56 168 337
short-length 200 0 168 168
slow 200 28 * 337
stall 200 28 168 337
torn-chunks 200 18 337 -
truncated 200 18 168 337
white-space 200 0 343 343
529 529 0 98 98
F
in_mock -- 'post "$(chat hello)" | head -1'
cp out plain
for name in chunked gzip many-headers reset-after white-space slow; do
	printf '{"fault":"%s","every":"1us"}\n' $name >scenario
	in_mock --scenario scenario -- 'post "$(chat hello)" --compressed -H Accept-Encoding: | sed "/^[ \t\r]*$/d" | head -1'
	same plain out "$name: the answer is what it is without"
done
in_mock --fault gzip:1 -- 'post "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"$(seq 20000 | tr -d "\n")\"}]}" | head -c -4 | gzip -dc | wc -c'
ok $(($(cat out) < 80000)) "gzip: of a long answer too"
in_mock --fault chunked:0.3 --fault 500:0.3 --fault html:0.3 --seed 5 -- "how=; $many; stats | grep -o 'faults.*'"
cp out serial
like "$(cat out)" '*"status":*"html":*"chunked":*' "counts of faults"
in_mock --fault chunked:0.3 --fault 500:0.3 --fault html:0.3 --seed 5 -- "how='--parallel --parallel-max 20'; $many; stats | grep -o 'faults.*'"
same serial out "the same ones whatever the concurrency"

# ---- scenarios ----
cat >scenario <<'S'
{"requests":2,"faults":[]}
{"fault":"503","requests":1}
{"requests":3,"faults":[{"fault":"429","retry-after":"2.5","code":"slow_down"}]}
{"fault":"429","retry-after-ms":20,"retry-after":"soon","requests":1}
{"fault":"429","retry-after-date":"90s","requests":1}
{"fault":"429","requests":1}
S
in_mock --scenario scenario -- 'for i in $(seq 10); do post "$(chat a)" -D - ; done; stats'
is "$(grep -x '[0-9]*' out | tr '\n' ' ')" "200 200 503 429 429 429 429 429 429 200 " "a phase after the other, then none"
is "$(grep -ci '^retry-after: 2.5' out) $(grep -c slow_down out)" "3 3" "Retry-After and code as written"
is "$(grep -i '^retry-after' out | sed -n '4,5p' | tr -d '\r')" 'Retry-After: soon
retry-after-ms: 20' "the two headers"
date=$(grep -i '^retry-after: .* GMT' out | tr -d '\r' | cut -d' ' -f2-)
is "$(date -u -d "$date" '+%a, %d %b %Y %T GMT')" "$date" "a date"
ok $(($(date -d "$date" +%s) - $(date +%s) < 60 || $(date -d "$date" +%s) - $(date +%s) > 92)) "that is to come"
echo '{"fault":"500","time":"200ms"}' >scenario
in_mock --scenario scenario -- 'post "$(chat a)" -o /dev/null; for i in $(seq 100); do post "$(chat a)" -o /dev/null | grep 200 && break; sleep 0.05; done'
is "$(tr '\n' ' ' <out)" "500 200 " "a phase that ends by time"
for bad in '{"fault":"nonsense"}' '{"fault":"200"}' '{"fault":500}' '{"fault":"500","p":2}' '{"p":1}' \
	'{"fault":"500","after":1}' '{"fault":"500","requests":0}' '{"fault":"500","time":"x"}' '[]' '{' \
	'{"faults":{}}' '{"faults":[],"p":1}' '{"faults":[{"fault":"500","p":0.6},{"fault":"503","p":0.6}]}' \
	'{"fault":"429","retry-after":"a\r\nb"}' '{"fault":"429","retry-after":[]}'; do
	printf '{"fault":"500"}\n%s\n' "$bad" >scenario
	run bf-mock --scenario scenario -- true
	like "$status $(cat err)" "2 bf-mock: scenario:2: *" "refused with its place: $bad"
done

# ---- limits ----
in_mock --rpm 3 --window 1000s -- 'for i in 1 2 3 4; do post "$(chat a)" -D -; done; count limited'
is "$(grep -x '[0-9]*' out | tr '\n' ' ')" "200 200 200 429 1 " "--rpm lets so many in"
is "$(grep -i '^x-ratelimit-remaining-requests' out | tr -dc '0-9 ')" " 2 1 0 0" "and says how many are left"
like "$(grep -i '^x-ratelimit-reset-requests' out | tail -1)" '*: 16m[34]?s*' "and when there will be all"
like "$(grep -i '^retry-after' out | tr '\n' ' ')" 'Retry-After: 33[34]*retry-after-ms: 33[0-9][0-9][0-9][0-9]*' "and when there will be one"
like "$(cat out)" '*"type":"requests","param":null,"code":"rate_limit_exceeded"*' "with an error body"
in_mock --tpm 10 --window 1000s -- 'post "$(chat 0123456789abcdef)" -D -
	post "{\"model\":\"m\",\"max_tokens\":7,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}" -D -
	post "{\"model\":\"m\",\"max_tokens\":6,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}" -D -'
is "$(grep -x '[0-9]*' out | tr '\n' ' ')$(grep -i '^x-ratelimit-remaining-tokens' out | tr -dc '0-9 ')" "200 429 200  6 6 0" \
	"--tpm charges what a request may cost"
in_mock --rpm 1 --window 100ms -- 'n=0; for i in $(seq 1000); do
	[ "$(post "$(chat a)" -o /dev/null)" = 429 ] || n=$((n + 1)); [ $n -lt 5 ] || break; done; echo $n'
is "$(cat out)" 5 "what was taken comes back with time"
in_mock --fault 429:1 --retry-after 20 -- 'post "$(chat a)" -o /dev/null; count in_cooldown
	for i in $(seq 100); do post "$(chat a)" -o /dev/null; [ $(count in_cooldown) -gt 0 ] && break; done; count in_cooldown; count cooldowns'
is "$(grep -v 429 out | tr '\n' ' ')" "0 1 1 " "arrivals in a cooldown are counted"
printf '%s\n' '{"fault":"429","retry-after":"0.1","requests":1}' >scenario
in_mock --scenario scenario -- 'post "$(chat a)" -o /dev/null; 
	for i in $(seq 200); do post "$(chat a)" -o /dev/null; [ $(count peak_after_cooldown) -gt 0 ] && break; done; stats'
like "$(cat out)" '*"cooldowns":1,"in_cooldown":0,"peak_after_cooldown":1,*' "and the most in a moment after one"

# ---- counters and the log ----
in_mock --status 400:0 -- 'post "$(chat a)" -o /dev/null; post "$(chat a)" -o /dev/null; post "$(chat b)" -o /dev/null
	curl -s "$OPENAI_BASE_URL/models" -o /dev/null; stats; curl -s -X POST "${OPENAI_BASE_URL%/v1}/_reset" -o /dev/null; stats'
is "$(sed -n 's/,"in_flight.*//p' out)" '{"requests":4,"completions":3,"status":{"200":4},"distinct":2,"duplicates":1,"answered":3,"answered_again":1,"hung":0,"dropped":0
{"requests":0,"completions":0,"status":{},"distinct":0,"duplicates":0,"answered":0,"answered_again":0,"hung":0,"dropped":0' \
	"counts, and begins anew"
in_mock --log log -- 'post "$(chat é)" -o /dev/null; post "{ bad" -o /dev/null; curl -s "$OPENAI_BASE_URL/models?x=1"'
hash=$(printf mock | b2sum -l 128 | cut -d' ' -f1)
is "$(sed 's/^{"time":[0-9]\{13\}/{"time":T/' log)" \
	'{"time":T,"method":"POST","path":"/v1/chat/completions","status":200,"key":"'"$hash"'","body":'"$(chat é)"'}
{"time":T,"method":"POST","path":"/v1/chat/completions","status":400,"key":"'"$hash"'","body":"{ bad"}
{"time":T,"method":"GET","path":"/v1/models","status":200,"key":null,"body":null}' "a log line a request, the key as a hash"
in_mock --log log2 --fault stall:1 -- 'post "$(chat a)" -m 0.2'
like "$(cat log2)" '*"status":200,"fault":"stall",*' "and the fault"
is "$(stat -c %a log)" 600 "for nobody else to read"

# ---- usage ----
for bad in '--status 429' '--status 200:0.1' '--status 500:2' '--status 500:0.6 --status 429:0.6' \
	'--latency x' '--latency 2s-1s' '--port 65536' '--drop 2' '--fail-first 1:200' '--reply {' \
	'--hang -1' '--no-such-option' '--fault 500' '--fault x:1' '--window 0' \
	'--fault 500:0.6 --status 501:0.6' '--scenario /dev/null --fault 500:1' '--fault 500:1 --scenario /dev/null'; do
	# shellcheck disable=SC2086
	run bf-mock $bad -- true
	like "$status $(wc -l <err) $(cat err)" "2 1 bf-mock: *" "usage error: $bad"
done
run bf-mock --replies none -- true
like "$status $(cat err)" "2 bf-mock: none: *" "a file that is not there"
run bash -c 'ulimit -n 64; bf-mock -- bash -c "
	url=\${OPENAI_BASE_URL#http://127.0.0.1:}
	for i in \$(seq 40); do exec {fd}<>/dev/tcp/127.0.0.1/\${url%/v1}; done
	curl -s \$OPENAI_BASE_URL/models >/dev/null"'
like "$(cat err)" "bf-mock: 32 connections are open and the limit*ulimit*" "few descriptors: it says that there is no room"
run bf-mock --host 127.0.0.1 --port 1 --host nowhere.invalid -- true
is "$status" 2 "an address that is none"
run bf-mock --log /dev/full -- sh -c 'trap "echo stopped; exit" TERM
	curl -s "$OPENAI_BASE_URL/models"; for i in $(seq 200); do sleep 0.05; done'
like "$status $(cat err)" "2 bf-mock: cannot write the log: *" "a log that cannot be written ends the server"
is "$(tail -1 out)" stopped "and the command"
done_testing
