#!/bin/bash
# bf-mock's answers as streams, in each of the dialects, and what goes wrong with them.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/dialects.sh"
# streams TEXT [CURL-OPTION...]: that from all of them, one after the other
streams() {
	local text=$1 d
	shift
	for d in $dialects; do stream "$d" "$(body "$d" "$text")" "$@"; done
}
export -f streams

# ---- the events ----
cat >chat <<'W'
data: {"id":"chatcmpl-ID","object":"chat.completion.chunk","created":T,"model":"m1","system_fingerprint":"bf-mock","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]}

data: {"id":"chatcmpl-ID","object":"chat.completion.chunk","created":T,"model":"m1","system_fingerprint":"bf-mock","choices":[{"index":0,"delta":{"content":"hello "},"logprobs":null,"finish_reason":null}]}

data: {"id":"chatcmpl-ID","object":"chat.completion.chunk","created":T,"model":"m1","system_fingerprint":"bf-mock","choices":[{"index":0,"delta":{"content":"world"},"logprobs":null,"finish_reason":null}]}

data: {"id":"chatcmpl-ID","object":"chat.completion.chunk","created":T,"model":"m1","system_fingerprint":"bf-mock","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}

data: [DONE]

W
cat >responses <<'W'
event: response.created
data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_ID","object":"response","created_at":T,"status":"in_progress","error":null,"incomplete_details":null,"model":"m1","output":[],"usage":null,"metadata":{}}}

event: response.in_progress
data: {"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_ID","object":"response","created_at":T,"status":"in_progress","error":null,"incomplete_details":null,"model":"m1","output":[],"usage":null,"metadata":{}}}

event: response.output_item.added
data: {"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"msg_ID","type":"message","status":"in_progress","role":"assistant","content":[]}}

event: response.content_part.added
data: {"type":"response.content_part.added","sequence_number":3,"item_id":"msg_ID","output_index":0,"content_index":0,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_ID","output_index":0,"content_index":0,"delta":"hello "}

event: response.output_text.delta
data: {"type":"response.output_text.delta","sequence_number":5,"item_id":"msg_ID","output_index":0,"content_index":0,"delta":"world"}

event: response.output_text.done
data: {"type":"response.output_text.done","sequence_number":6,"item_id":"msg_ID","output_index":0,"content_index":0,"text":"hello world"}

event: response.content_part.done
data: {"type":"response.content_part.done","sequence_number":7,"item_id":"msg_ID","output_index":0,"content_index":0,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":"hello world"}}

event: response.output_item.done
data: {"type":"response.output_item.done","sequence_number":8,"output_index":0,"item":{"id":"msg_ID","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"hello world"}]}}

event: response.completed
data: {"type":"response.completed","sequence_number":9,"response":{"id":"resp_ID","object":"response","created_at":T,"status":"completed","error":null,"incomplete_details":null,"model":"m1","output":[{"id":"msg_ID","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"hello world"}]}],"usage":{"input_tokens":3,"input_tokens_details":{"cached_tokens":0},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":6},"metadata":{}}}

W
cat >messages <<'W'
event: message_start
data: {"type":"message_start","message":{"id":"msg_ID","type":"message","role":"assistant","model":"m1","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: ping
data: {"type":"ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hello "}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"world"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":3}}

event: message_stop
data: {"type":"message_stop"}

W
cat >gemini <<'W'
data: {"candidates":[{"content":{"parts":[{"text":"hello "}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":3,"totalTokenCount":3},"modelVersion":"m1","responseId":"ID"}

data: {"candidates":[{"content":{"parts":[{"text":"world"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":3,"totalTokenCount":3},"modelVersion":"m1","responseId":"ID"}

data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":3,"totalTokenCount":6},"modelVersion":"m1","responseId":"ID"}

W
for d in $dialects; do
	in_mock -- "stream $d \"\$(body $d 'hello world')\" -D head"
	anonymous <out >got
	same "$d" got "$d: the events"
	is "$(tr -d '\r' <head | grep -i '^content\|^transfer' | sort)" 'Content-Type: text/event-stream; charset=utf-8
Transfer-Encoding: chunked' "$d: the headers"
	cp out "$d.plain"
done
in_mock -- 'stream chat "$(body chat a "\"stream_options\":{\"include_usage\":true}")"'
is "$(grep -c '"usage":null}$' out) $(tail -4 out | head -1 | grep -o '"choices.*')" '3 "choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}' \
	"chat: usage in the last chunk where it is asked for"
in_mock -- 'curl -s -H "x-goog-api-key: k" -d "$(body gemini "hello world")" "$GEMINI_BASE_URL/models/m1:streamGenerateContent" -D head
	curl -s -H "x-goog-api-key: k" -d "{}" "$GEMINI_BASE_URL/models/m1:streamGenerateContent" | jq -c .'
head -n 3 out | jq -c '.[]' >got
sed -n 's/^data: //p' gemini.plain | jq -c . >want
same want got "gemini: without alt=sse an array of the same"
like "$(tr -d '\r' <head)" '*Content-Type: application/json*' "gemini: which is JSON"
like "$(tail -1 out)" '\[{"error":{"code":400,*}}\]' "gemini: and an error is in one too"

# ---- texts and calls in pieces ----
text='\ud83d\ude00 a\\\"b\n\u00e9\u0000 ünïcödé😀😀😀😀😀😀 \uDBFF\uDFFF \uD83D\uDE00\uD83D\uDE00\uD83D\uDE00 averyveryverylongwordindeedthatisnotbroken end'
export text
in_mock -- 'for d in $dialects; do
	post $d "$(body $d "$text")" | head -1 | text_of $d >$d.whole; stream $d "$(body $d "$text")" >$d.events
	streamed $d <$d.events >$d.parts; done'
for d in $dialects; do
	is "$(cat $d.whole)" "$(jq -c . <<<"\"$text\"")" "$d: the text"
	same $d.whole $d.parts "$d: pieces add up to it"
	sed -n 's/^data: //p' $d.events | grep -v '^\[DONE]$' | jq -c . >/dev/null
	ok $? "$d: each event is JSON, no character is torn"
	n=$(grep -c '^data: ' $d.events)
	ok $((n < 14)) "$d: they are many ($n)"
done
in_mock -- 'stream chat "$(body chat "\\udc00\\ud800x\\ud800\\ud800\\udc00\\ud800")"'
is "$(grep -o '"content":"[^"]*"' out | cut -d'"' -f4 | tr -d '\n')" '\udc00\ud800x\ud800\ud800\udc00\ud800' "surrogates alone, as they were"
cat >replies <<'R'
{"match":"call","reply":{"role":"assistant","content":"Let me see","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\": \"x y\"}"}},{"id":"call_2","type":"function","function":{"name":"g","arguments":"{}"}}]}}
{"match":"refuse","reply":{"role":"assistant","content":null,"refusal":"I won't"}}
{"match":"cut","reply":"half","finish_reason":"length"}
{"match":"empty","reply":""}
{"match":"wrong","reply":"bad","status":422}
R
in_mock --replies replies -- 'for d in $dialects; do stream $d "$(body $d call)"; done | sed -n "s/^data: //p" | grep -v DONE'
is "$(jq -cs '[.[].choices[]?.delta.tool_calls[]? | [.index, .id, .function.name, .function.arguments]], ([.[].choices[]?.finish_reason | values])' out | tr '\n' ' ')" \
	'[[0,"call_1","f",""],[0,null,null,"{\"a\": "],[0,null,null,"\"x "],[0,null,null,"y\"}"],[1,"call_2","g",""],[1,null,null,"{}"]] ["tool_calls"] ' "chat: calls of tools"
is "$(jq -cs '[.[] | select((.type // "") | test("function_call|output_item")) | [(.type | ltrimstr("response.")), .output_index, .delta // .arguments // .item.arguments]]' out)" \
	'[["output_item.added",0,null],["output_item.done",0,null],["output_item.added",1,""],["function_call_arguments.delta",1,"{\"a\": "],["function_call_arguments.delta",1,"\"x "],["function_call_arguments.delta",1,"y\"}"],["function_call_arguments.done",1,"{\"a\": \"x y\"}"],["output_item.done",1,"{\"a\": \"x y\"}"],["output_item.added",2,""],["function_call_arguments.delta",2,"{}"],["function_call_arguments.done",2,"{}"],["output_item.done",2,"{}"]]' "responses: calls of tools"
is "$(jq -cs '[.[] | select((.type // "") | test("^content_block|^message_d")) | [.index, .content_block.type, .content_block.name, .delta.partial_json, .delta.stop_reason] | map(values)]' out)" \
	'[[0,"text"],[0],[0],[0],[0],[1,"tool_use","f"],[1,"{\"a\": "],[1,"\"x "],[1,"y\"}"],[1],[2,"tool_use","g"],[2,"{}"],[2],["tool_use"]]' "messages: calls of tools"
is "$(jq -cs '[.[].candidates[]? | .content.parts[], .finishReason | values]' out)" \
	'[{"text":"Let "},{"text":"me "},{"text":"see"},{"functionCall":{"name":"f","args":{"a":"x y"}}},{"functionCall":{"name":"g","args":{}}},"STOP"]' "gemini: calls of tools"
in_mock --replies replies -- 'for d in $dialects; do stream $d "$(body $d refuse)"; done | sed -n "s/^data: //p" | grep -v DONE'
is "$(jq -cs '[.[].choices[]?.delta.refusal | values], [.[] | select(.type == "response.refusal.delta").delta], [.[] | select(.type == "content_block_delta").delta.text], [.[].candidates[]?.content.parts[].text]' out | tr '\n' ' ')" \
	'["I ","won'"'"'t"] ["I ","won'"'"'t"] ["I ","won'"'"'t"] ["I ","won'"'"'t",""] ' "refusals"
in_mock --replies replies -- 'for d in $dialects; do stream $d "$(body $d cut)"; done | sed -n "s/^data: //p" | grep -v DONE'
is "$(jq -cs '[.[].choices[]?.finish_reason | values], [.[] | select(.type == "response.incomplete").response | .status, .incomplete_details.reason], [.[].delta?.stop_reason? | values], [.[].candidates[]?.finishReason | values]' out 2>/dev/null | tr '\n' ' ')" \
	'["length"] ["incomplete","max_output_tokens"] ["max_tokens"] ["MAX_TOKENS"] ' "why it ends"
in_mock --replies replies -- 'streams empty; for d in $dialects; do stream $d "$(body $d wrong)" -D head; tr -d "\r" <head | grep Content-Type; done'
is "$(grep -c '^data: ' out) $(grep -c '^{.*"bad"' out) $(grep -c '^Content-Type: application/json' out)" "$((3 + 8 + 6 + 1)) 4 4" "an empty text; and errors are no streams"
in_mock --cached 50% --reasoning 5 --price 1,1 -- 'for d in $dialects; do stream $d "$(body $d "hello world!")"; done | sed -n "s/^data: //p" | grep -v DONE; curl -s "${OPENAI_BASE_URL%/v1}/_stats"'
is "$(jq -cs '(.[] | select(.type == "response.completed").response | .usage, .output[0].type), (.[] | select(.type == "message_start").message.usage), (.[] | select(.type == "message_delta").usage), (.[-2].usageMetadata), .[-1].billed_usd, ([.[] | select(.type == "response.output_item.added").item.type])' out)" \
	'{"input_tokens":3,"input_tokens_details":{"cached_tokens":1},"output_tokens":8,"output_tokens_details":{"reasoning_tokens":5},"total_tokens":11}
"reasoning"
{"input_tokens":2,"cache_creation_input_tokens":0,"cache_read_input_tokens":1,"output_tokens":1}
{"output_tokens":8}
{"promptTokenCount":3,"candidatesTokenCount":3,"totalTokenCount":11,"cachedContentTokenCount":1,"thoughtsTokenCount":5}
4.4e-05
["reasoning","message"]' "usage with its parts, and what is billed"
in_mock -- 'stream chat "$(body chat "a b" "\"n\":2")"; stream gemini "$(body gemini "a b" "\"generationConfig\":{\"candidateCount\":2}")"'
is "$(sed -n 's/^data: //p' out | grep -v DONE | jq -cs '[.[].choices[]? | [.index, .delta.content]], [.[].candidates[]? | [.index, .content.parts[0].text]]' | tr '\n' ' ')" \
	'[[0,""],[0,"a "],[0,"b"],[0,null],[1,""],[1,"a "],[1,"b"],[1,null]] [[0,"a "],[0,"b"],[0,""],[1,"a "],[1,"b"],[1,""]] ' "choices, one after the other"

# ---- what goes wrong ----
cut() { awk -v n="$(($(grep -c '^$' "$1") / 2))" 'seen < n { print } /^$/ { seen++ }' "$1"; }
for d in $dialects; do
	in_mock --fault stream-cut:1 --price 1,1 -- "stream $d \"\$(body $d 'hello world')\"; echo \$?; curl -s \"\${OPENAI_BASE_URL%/v1}/_stats\" >stats"
	{ cut $d.plain; echo 0; } >want
	same want out "$d: stream-cut: half of the events, and HTTP's own end"
	is "$(jq -c '[.answered, .faults["stream-cut"], .billed_usd]' stats)" '[0,1,6e-06]' "$d: which is billed and no answer"
	in_mock --fault stream-error:1 -- "stream $d \"\$(body $d 'hello world')\""
	{
		cut $d.plain
		case $d in
		chat) echo 'data: {"error":{"message":"this is a test: an error in mid-stream","type":"server_error","param":null,"code":"server_is_overloaded"}}' ;;
		responses) printf 'event: error\ndata: {"type":"error","sequence_number":5,"code":"server_is_overloaded","message":"this is a test: an error in mid-stream","param":null}\n' ;;
		messages) printf 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"this is a test: an error in mid-stream"}}\n' ;;
		gemini) echo 'data: {"error":{"code":503,"message":"this is a test: an error in mid-stream","status":"UNAVAILABLE"}}' ;;
		esac
		echo
	} >want
	same want out "$d: stream-error: an error after half of them"
	in_mock --fault crlf:1 -- "stream $d \"\$(body $d 'hello world')\""
	sed 's/$/\r/' $d.plain >want
	same want out "$d: crlf: every line ends in it"
	echo '{"fault":"slow","every":"1us"}' >scenario
	in_mock --scenario scenario -- "stream $d \"\$(body $d 'hello world')\"; echo \$?"
	{ cat $d.plain; echo 0; } >want
	same want out "$d: slow: a byte at a time, and all of them"
	half=$(($(wc -c <$d.plain) / 2))
	while read -r name rc; do
		in_mock --fault "$name:1" -- "stream $d \"\$(body $d 'hello world')\" -m 1; echo \"\$?\" >rc"
		got=$(wc -c <out)
		# Half of the chunk with its length before it.
		ok $((got < half - 8 || got > half + 8)) "$d: $name: about half of it ($got of $((2 * half)))"
		is "$(cat rc) $(head -c "$got" $d.plain | cmp - out)" "$rc " "$d: $name: and curl sees that"
	done <<-'F'
		stall 28
		truncated 18
		reset-in 56
	F
	in_mock --fault torn-chunks:1 -- "stream $d \"\$(body $d 'hello world')\"; echo \$?"
	{ cat $d.plain; echo 18; } >want
	same want out "$d: torn-chunks: all of it, without an end"
	in_mock --fault gzip:1 -- "stream $d \"\$(body $d 'hello world')\" --compressed"
	same $d.plain out "$d: gzip"
done
in_mock -- 'each "hello world"'
cp out plain
for name in stream-cut stream-error crlf; do
	in_mock --fault $name:1 --log log -- 'each "hello world"'
	same plain out "$name leaves other answers alone"
	is "$(jq -c .fault log | sort -u)" null "$name: and the log says so"
done
in_mock --rpm 1 --window 100s -- 'for i in 1 2; do stream messages "$(body messages a)"; done'
like "$(tail -1 out)" '{"type":"error","error":{"type":"rate_limit_error",*' "a 429 is no stream"
done_testing
