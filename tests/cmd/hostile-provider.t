#!/bin/bash
# bf-llm against a provider that does everything wrong: each fault alone, all of
# them at random.  Every entry ends once, as an answer or with the right class.
# With BF_SOAK=1 more entries and more of them in flight.
. "$(dirname "$0")/../lib.sh"
command -v jq >/dev/null || skip_all "jq is not installed"
command -v curl >/dev/null || skip_all "curl is not installed"
short=(--timeout 2s --stall-timeout 1400ms)
# With 500 in flight an answer may be on its way for long where the machine has more to do.
[ -z "${BF_SOAK:-}" ] || short=(--timeout 8s --stall-timeout 6s)
# The sanitizers make it slow.
! nm -D "$BUILD/bf-llm" 2>/dev/null | grep -q __asan_init || short=(--timeout 3s --stall-timeout 2s)
[ -z "${BF_VALGRIND:-}" ] || short=(--timeout 10s --stall-timeout 8s)

# play DIR OPTION...: in DIR, in over a mock with that scenario, then over one that is well
play() {
	local dir=$1
	shift
	(
		cd "$dir" || exit
		timeout 100 bf-mock -q --scenario scenario -- bash -c '
			bf-llm -m m --errors errors "$@" ../'"$in"' >out 2>err; echo $? >status
			curl -s "${OPENAI_BASE_URL%/v1}/_stats" >stats' - "${short[@]}" "$@"
		[ -e errors ] || : >errors
		timeout 100 bf-mock -q -- bash -c '
			bf-llm -q -m m -j 50 ../'"$in"' >out2 2>err2; echo $? >status2
			curl -s "${OPENAI_BASE_URL%/v1}/_stats" >stats2'
	)
}
# count FILE NAME: the last number of that name
count() {
	[[ $(<"$1") =~ .*\"$2\":([0-9]+) ]]
	echo "${BASH_REMATCH[1]}"
}
# lines FILE: how many
lines() {
	local all
	mapfile -t all <"$1"
	echo "${#all[@]}"
}
# all N FILE...: each of the entries 1 to N is in one of the files, once
all() {
	local n=$1
	shift
	awk -v n="$n" 'match($0, /^{"id":[0-9]+,/) {
			id = substr($0, 7, RLENGTH - 7) + 0
			bad += id < 1 || id > n || seen[id]++
			found++
		}
		END { exit bad || found != n }' "$@"
}
# right FILE: each entry has the answer that was its own, in the input's order
right() {
	awk '/^{"incomplete":/ { next }
		!match($0, /^{"id":[0-9]+,/) { exit bad = 1 }
		{
			id = substr($0, 7, RLENGTH - 7)
			if (id + 0 <= last || !index($0, "\"response\":{\"text\":\"number " id "\","))
				exit bad = 1
			last = id + 0
		}
		END { exit bad }' "$1"
}
# check DIR N NAME: what holds whatever the faults were
check() {
	local d=$1 n=$2 name=$3
	all "$n" "$d/out" "$d/errors"
	ok $? "$name: every entry ends once, as an answer or in the errors file"
	right "$d/out"
	ok $? "$name: what is an answer is the right one"
	unseen=$(($(sed -n 's/.*answers\{0,1\} (\([0-9]*\) calls.*/\1/p' "$d/err") - $(count "$d/stats" requests)))
	# A call may be lost in a connection that the server is just closing: then it
	# is told of and was not seen.  The other way round is a payment unknown.
	[ $unseen -ge 0 ]
	ok $? "$name: no call is made that is not told of" || echo "# told of and not seen: $unseen"
	is "$(count "$d/stats" answered) $(count "$d/stats" answered_again)" "$(lines "$d/out") 0" \
		"$name: each answer was given once"
	is "$(<"$d/status2") $(count "$d/stats2" requests)" "0 $(lines "$d/errors")" \
		"$name: a rerun calls for what failed alone"
	{ all "$n" "$d/out2" && right "$d/out2"; }
	ok $? "$name: and then all are there"
}

# name, the class of what fails (none: nothing does), members of the fault
cat >faults <<'F'
blank bad_answer
chunked none
drop transport
empty-body bad_answer
empty-choices bad_answer
error-body bad_answer
gzip none
hang timeout
html bad_answer
huge-header transport
long-length transport
many-headers none
no-body timeout
null-content bad_answer
redirect redirect
reset-after none
reset-before transport
reset-in transport
short-length bad_answer
slow timeout
stall timeout
torn-chunks transport
truncated transport
white-space none
400 bad_request
404 not_found
408 timeout
409 conflict
413 too_large
500 server
503 server ,"retry-after":"0.01"
529 server
F

# ---- all of them together: begun first, looked at last ----

in=many
n=1500 jobs=200 some=100
[ -z "${BF_SOAK:-}" ] || n=20000 jobs=500 some=200
seq $n | sed 's/.*/{"id":&,"prompt":"number &"}/' >many
mkdir together
{
	# First all, then a server that is too busy, then all again.
	mix=$(while read -r name class more; do
		printf '{"fault":"%s","p":0.009%s},' "$name" "$more"
	done <faults)
	mix+='{"fault":"429","p":0.001,"retry-after-ms":20},{"fault":"429","p":0.001,"retry-after":"0.02"}'
	printf '{"requests":%d,"faults":[%s]}\n' $((n / 2)) "$mix"
	printf '{"requests":%d,"faults":[{"fault":"503","p":0.5},{"fault":"hang","p":0.05}]}\n' $((n / 20))
	printf '{"requests":3,"faults":[{"fault":"429","retry-after-date":"1s"}]}\n'
	printf '{"faults":[%s]}\n' "$mix"
} >together/scenario
play together -j $jobs --attempts 3 &
together=$!

# ---- each alone ----

in=entries
seq $some | sed 's/.*/{"id":&,"prompt":"number &"}/' >entries
pids=()
while read -r name class more; do
	mkdir "$name"
	printf '{"fault":"%s","p":0.4%s}\n' "$name" "$more" >"$name/scenario"
	play "$name" -j 100 --attempts 2 &
	pids+=($!)
	[ ${#pids[@]} -lt 12 ] || { wait "${pids[@]}"; pids=(); }
done <faults
wait "${pids[@]}"
while read -r name class more; do
	check "$name" $some "$name"
	if [ "$name" = reset-after ]; then
		# The next request may be on its way into a connection that is gone.
		is "$(grep -vc '"class":"transport"' "$name/errors")" 0 "$name: if any fails, as transport"
	elif [ "$class" = none ]; then
		is "$(<"$name/status") $(lines "$name/errors")" "0 0" "$name: is an answer"
	else
		is "$(<"$name/status") $(jq -r .error.class "$name/errors" | sort -u)" "1 $class" "$name: fails as $class"
	fi
done <faults

# ---- 429s ----

# What a 429 asks for is waited for; it uses up no attempt.
i=0 pids=()
while read -r wait; do
	d=wait$((i += 1))
	mkdir $d
	printf '{"requests":50,"faults":[]}\n{"fault":"429",%s,"p":0.5,"requests":20}\n' "$wait" >$d/scenario
	play $d -j 20 --attempts 1 &
	pids+=($!)
done <<'F'
"retry-after":"0"
"retry-after":"0.05"
"retry-after":"1","retry-after-ms":"30"
"retry-after-ms":30
F
mkdir wait5
printf '{"requests":50,"faults":[]}\n{"fault":"429",%s,"requests":1}\n' '"retry-after-date":"1s"' '"retry-after":"soon"' '"p":1' >wait5/scenario
play wait5 -j 20 --attempts 1 &
pids+=($!)
# One after which nothing can succeed, and one that asks for more than anybody waits.
mkdir stop1 stop2
printf '{"requests":49,"faults":[]}\n{"fault":"429","code":"insufficient_quota"}\n' >stop1/scenario
printf '{"requests":49,"faults":[]}\n{"fault":"429","retry-after":"86400"}\n' >stop2/scenario
play stop1 -j 20 &
pids+=($!)
play stop2 -j 20 &
wait "${pids[@]}" $!
for d in wait1 wait2 wait3 wait4 wait5; do
	is "$(<$d/status) $(lines $d/errors)" "0 0" "429 with $(grep -o '"retry[^,]*' $d/scenario | head -2 | tr '\n' ' '): nothing fails"
	ok $(($(count $d/stats 429) < 1)) "there were some"
	check $d $some "429s"
done
for d in stop1 stop2; do
	is "$(<$d/status) $(tail -n 1 $d/out | jq -r .incomplete.status) $(lines $d/errors)" "75 75 0" \
		"a 429 that ends the run: $(grep -o '"[a-z_0-9]*"}' $d/scenario)"
	right $d/out
	ok $? "what came before it is there"
	is "$(<$d/status2) $(count $d/stats2 requests)" "0 $((some - $(count $d/stats answered)))" \
		"and a rerun does the rest"
	{ all $some $d/out2 && right $d/out2; }
	ok $? "and then all are there"
done

# ---- all of them together ----

wait $together
check together $n "all at random"
is "$(cat together/status)" 1 "all at random: some entries fail"
jq -r .error.class together/errors | sort -u >classes
is "$(grep -vxE 'bad_answer|transport|timeout|redirect|bad_request|not_found|conflict|too_large|server' classes)" "" \
	"each as one of the faults"
is "$(sed 's/.*"faults"://' together/stats | grep -o '":' | wc -l)" "$(($(grep -c '^[a-z]' faults) + 1))" "every fault was met"
[ "$(count together/stats peak_in_flight)" -le $jobs ]
ok $? "no more than -j $jobs were in flight"

done_testing
