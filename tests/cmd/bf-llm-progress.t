#!/bin/bash
# bf-llm: how far it is, on a terminal, in a file, and when it is asked.
# shellcheck disable=SC2016 # $ of sh -c scripts
. "$(dirname "$0")/../lib.sh"

entries 1 8 >in
fresh() { rm -rf .bf; }
esc=$(printf '\033')
cr=$(printf '\r')

# terminal COLUMNS ARG...: bf-llm on a terminal of its own; what it shows in ./screen
terminal() {
	local columns=$1
	shift
	printf '%s\n' "stty cols $columns" \
		"exec bf-mock -q --latency 400ms ${MOCK[*]} -- bf-llm -m m $* >out" >cmd.sh
	timeout 60 env TERM="${TERMINAL-xterm}" script -qec 'sh cmd.sh' screen.raw </dev/null >/dev/null
	sed '1d; /^Script done/d' screen.raw >screen
}
MOCK=()

command -v script >/dev/null || skip_all "no script(1) to make a terminal with"

# ---- on a terminal ----

terminal 100 -j 4 in
is "$(wc -l <out)" 8 "on a terminal the entries go out as ever"
drawn=$(tr '\r' '\n' <screen)
like "$drawn" '*0%*\[>*\]*0/*4 in flight*50%*\[=*4/*100%*\[====================\]*8/8*' \
	"a line tells how far it is"
is "$(tr '\r' '\n' <screen | grep -v "$esc\\[K" | tr -d '\n')" "" "each time the rest of the line is cleared"
is "$(grep -c "$cr$esc\\[Kbf-llm: 8 entries: 8 answers (8 calls.*" screen)$(sed -n '$p' screen | grep -c 'in flight$')" 10 \
	"it is taken away before the summary"
is "$(tr '\r' '\n' <screen | sed "s/$esc\\[[0-9]*[mK]//g" | grep -v bf-llm: | awk 'length > 99' | wc -l)" 0 "and is never wider than the window"
fresh
terminal 50 -j 4 in
is "$(tr '\r' '\n' <screen | sed "s/$esc\\[[0-9]*[mK]//g" | grep -v bf-llm: | awk 'length > 49' | wc -l)" 0 "a narrow one too"
fresh
terminal 100 -j 4 '<in'
like "$(cat screen)" '*8/8*' "the size of a file on standard input is known too"
fresh
terminal 100 -j 4 '<in' -
like "$(cat screen)" '*8/8*' "by any name"
fresh
gzip -kf in
terminal 100 -j 4 in.gz
is "$(tr '\r' '\n' <screen | grep -c '%.*0/~')" 0 "that of a compressed file is not"

# Messages between: each begins a line of its own.
fresh
(cat in; echo '{"id":9}') >nine
fresh
MOCK=(--fail-first 1:500)
terminal 100 -j 4 -v in
MOCK=()
is "$(tr '\r' '\n' <screen | grep -c '^.\[Kbf-llm: .*attempt 1') $(grep -c bf-llm: screen)" "8 9" \
	"messages do not tear it"
is "$(grep -o 'bf-llm:.*again in [0-9.]* s.' screen | grep -vc "s$cr")" 0 "and end their line"

fresh
terminal 100 -j 4 nine
like "$(cat screen)" "*$esc\\[31m1 failed$esc\\[0m*" "failures are red"
fresh
NO_COLOR=1 terminal 100 -j 4 nine
like "$(cat screen)" '* 1 failed *' "but not with NO_COLOR"
is "$(grep -c "$esc\\[31m" screen)" 0 "not at all"

# ---- when not ----

fresh
TERMINAL=dumb terminal 100 -j 4 in
is "$(grep -c 'in flight' screen)" 0 "on a dumb terminal there is none"
fresh
terminal 100 -j 4 -q in
is "$(grep -c 'in flight\|bf-llm' screen)" 0 "with -q there is none"
fresh
terminal 100 -j 4 --progress=never in
is "$(grep -c 'in flight' screen)" 0 "nor with --progress=never"
fresh
run timeout 60 bf-mock -q --latency 200ms -- bf-llm -m m in
is "$(wc -l <err)" 1 "nor where standard error is no terminal"

fresh
run timeout 60 bf-mock -q --latency 200ms -- bf-llm -m m --progress=always in
like "$(cat err)" '*0%*8 in flight*100%*8/8*bf-llm: 8 entries*' "--progress=always shows it there too"
is "$(grep -c "$esc\\|$cr" err)" 0 "as lines"
fresh
TERMINAL=dumb terminal 100 -j 4 --progress=always in
like "$(cat screen)" '*100%*8/8*bf-llm: 8 entries*' "and on a dumb terminal"
is "$(grep -c "$esc" screen)" 0 "as lines"
run bf-llm --progress=sometimes in
is "$status" 2 "auto, always, never: nothing else"

# ---- asked by signal ----

fresh
timeout 60 bf-mock -q --latency 2s --log calls.log -- sh -c '
	bf-llm -q -m m -j 4 in >out & llm=$!
	until [ "$(grep -c . calls.log)" -ge 4 ]; do sleep 0.02; done
	kill -USR1 $llm
	until [ -s err ]; do sleep 0.02; done
	cp err early
	wait $llm' 2>err
is "$? $(wc -l <out)" "0 8" "SIGUSR1 stops nothing"
like "$(cat early)" 'bf-llm: 0/~* entries done: 0 from the ledger, 0 failed; 4 in flight, 4 calls, 0 again; * s' \
	"and has the state told, with -q too"
is "$(wc -l <err)" 1 "in one line"

done_testing
