#!/bin/bash
# bf-mock in each of the dialects: chat completions, Responses, Messages, Gemini.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/dialects.sh"

# ---- the environment ----
in_mock --require-key k1 -- 'echo "${OPENAI_BASE_URL#http://*:*/} ${ANTHROPIC_BASE_URL#"$OPENAI_BASE_URL"} ${GEMINI_BASE_URL#"$OPENAI_BASE_URL"} $OPENAI_API_KEY $ANTHROPIC_API_KEY $GEMINI_API_KEY $BF_ENDPOINT"'
is "$(cat out)" "v1  beta k1 k1 k1 mock" "base URLs and keys of all dialects are set"

# ---- answers ----
in_mock -- 'each "Say \\\"h\\u00e9\\\"\\n"'
cat >want <<'W'
{"id":"chatcmpl-ID","object":"chat.completion","created":T,"model":"m1","choices":[{"index":0,"message":{"role":"assistant","content":"Say \"h\u00e9\"\n","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":3,"total_tokens":6},"system_fingerprint":"bf-mock"}
200
{"id":"resp_ID","object":"response","created_at":T,"status":"completed","error":null,"incomplete_details":null,"model":"m1","output":[{"id":"msg_ID","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"Say \"h\u00e9\"\n"}]}],"usage":{"input_tokens":3,"input_tokens_details":{"cached_tokens":0},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":6},"metadata":{}}
200
{"id":"msg_ID","type":"message","role":"assistant","model":"m1","content":[{"type":"text","text":"Say \"h\u00e9\"\n"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":3}}
200
{"candidates":[{"content":{"parts":[{"text":"Say \"h\u00e9\"\n"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":3,"totalTokenCount":6},"modelVersion":"m1","responseId":"ID"}
200
W
anonymous <out >got
same want got "the same text in each dialect's form"
for d in responses messages; do
	is "$(grep -c "_$(id_of "$(body $d 'Say \"h\u00e9\"\n')")" out)" 1 "$d: ids are a hash of the body"
done
is "$(jq -r 'objects.responseId // empty' out)" "$(id_of "m1
$(body gemini 'Say \"h\u00e9\"\n')")" "gemini: of the model and the body"

cat >replies <<'R'
{"match":"cut","reply":"half","finish_reason":"length"}
{"match":"filter","reply":"no","finish_reason":"content_filter"}
{"match":"other","reply":"x","finish_reason":"something"}
{"match":"call","reply":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}},{"id":"call_2","type":"function","function":{"name":"g","arguments":"{"}}]}}
{"match":"refuse","reply":{"role":"assistant","content":null,"refusal":"I won't"}}
{"match":"wrong","reply":"bad \"thing\"","status":422}
R
in_mock --replies replies -- 'for t in cut filter other; do each $t; done'
is "$(jq -c '.choices[0].finish_reason? // empty, (select(.object == "response") | [.status, .incomplete_details.reason]), .stop_reason? // empty, .candidates[0].finishReason? // empty' <out 2>/dev/null | tr '\n' ' ')" \
	'"length" ["incomplete","max_output_tokens"] "max_tokens" "MAX_TOKENS" "content_filter" ["incomplete","content_filter"] "refusal" "SAFETY" "something" ["completed",null] "something" "something" ' \
	"finish reasons in each dialect's words"
in_mock --replies replies -- 'each call; each refuse'
is "$(jq -c 'objects | .choices[0].message?, (select(.object == "response").output), .content?, .candidates[0].content? | values' out | sed 's/[0-9a-f]\{32\}/ID/')" \
	'{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}},{"id":"call_2","type":"function","function":{"name":"g","arguments":"{"}}]}
[{"id":"fc0_ID","type":"function_call","status":"completed","call_id":"call_1","name":"f","arguments":"{\"a\": 1}"},{"id":"fc1_'"$(id_of "$(body responses call)")"'","type":"function_call","status":"completed","call_id":"call_2","name":"g","arguments":"{"}]
[{"type":"tool_use","id":"call_1","name":"f","input":{"a":1}},{"type":"tool_use","id":"call_2","name":"g","input":{}}]
{"parts":[{"functionCall":{"name":"f","args":{"a":1}}},{"functionCall":{"name":"g","args":{}}}],"role":"model"}
{"role":"assistant","content":null,"refusal":"I won'"'"'t"}
[{"id":"msg_ID","type":"message","status":"completed","role":"assistant","content":[{"type":"refusal","refusal":"I won'"'"'t"}]}]
[{"type":"text","text":"I won'"'"'t"}]
{"parts":[{"text":"I won'"'"'t"}],"role":"model"}' "a prepared message, with calls of tools or a refusal"
is "$(jq -r 'objects | .choices[0].finish_reason?, .stop_reason?, .candidates[0].finishReason? | values' out | tr '\n' ' ')" \
	"tool_calls tool_use STOP stop end_turn STOP " "and why it ends"
in_mock --replies replies -- 'each wrong; each none'
cat >want <<'W'
{"error":{"message":"bad \"thing\"","type":"invalid_request_error","param":null,"code":null}}
422
{"error":{"message":"bad \"thing\"","type":"invalid_request_error","param":null,"code":null}}
422
{"type":"error","error":{"type":"invalid_request_error","message":"bad \"thing\""},"request_id":"req_mock"}
422
{"error":{"code":422,"message":"bad \"thing\"","status":"INVALID_ARGUMENT"}}
422
{"error":{"message":"none of the prepared replies matches the last user message","type":"invalid_request_error","param":null,"code":"no_reply"}}
404
{"error":{"message":"none of the prepared replies matches the last user message","type":"invalid_request_error","param":null,"code":"no_reply"}}
404
{"type":"error","error":{"type":"not_found_error","message":"none of the prepared replies matches the last user message","details":{"error_code":"no_reply"}},"request_id":"req_mock"}
404
{"error":{"code":404,"message":"none of the prepared replies matches the last user message","status":"NOT_FOUND","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"no_reply","domain":"googleapis.com"}]}}
404
W
same want out "prepared errors"

# The same conversation: a system message, a turn before, text in two parts.
in_mock --reply '{system}|{prompt}|{model}' -- '
	post chat "{\"model\":\"m1\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"one\"},{\"role\":\"assistant\",\"content\":\"two\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"thr\"},{\"type\":\"text\",\"text\":\"ee\"}]}]}"
	post responses "{\"model\":\"m1\",\"instructions\":\"Be brief.\",\"input\":[{\"role\":\"user\",\"content\":\"one\"},{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"two\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"thr\"},{\"type\":\"input_text\",\"text\":\"ee\"}]}]}"
	post messages "{\"model\":\"m1\",\"max_tokens\":9,\"system\":[{\"type\":\"text\",\"text\":\"Be brief.\"}],\"messages\":[{\"role\":\"user\",\"content\":\"one\"},{\"role\":\"assistant\",\"content\":\"two\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"thr\"},{\"type\":\"text\",\"text\":\"ee\"}]}]}"
	post gemini "{\"systemInstruction\":{\"parts\":[{\"text\":\"Be brief.\"}]},\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"one\"}]},{\"role\":\"model\",\"parts\":[{\"text\":\"two\"}]},{\"role\":\"user\",\"parts\":[{\"text\":\"thr\"},{\"text\":\"ee\"}]}]}"
	post gemini "{\"system_instruction\":{\"parts\":[{\"text\":\"Be brief.\"}]},\"contents\":[{\"parts\":[{\"text\":\"one\"}]},{\"role\":\"model\",\"parts\":[{\"text\":\"two\"}]},{\"parts\":[{\"text\":\"thr\"},{\"text\":\"ee\"}]}]}"'
is "$(grep -o '"Be brief.|three|m1"' out | wc -l) $(jq -c 'objects | .usage.prompt_tokens, .usage.input_tokens, .usageMetadata.promptTokenCount | values' out | tr -d '\n')" \
	"5 55555" "a conversation gives the same reply and the same usage"
# What a tool gave is no prompt.
in_mock -- '
	post chat "{\"model\":\"m1\",\"messages\":[{\"role\":\"user\",\"content\":\"ask\"},{\"role\":\"assistant\",\"content\":null},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"result\"}]}"
	post responses "{\"model\":\"m1\",\"input\":[{\"role\":\"user\",\"content\":\"ask\"},{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"result\"}]}"
	post messages "{\"model\":\"m1\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"ask\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c\",\"content\":[{\"type\":\"text\",\"text\":\"result\"}]}]}]}"
	post gemini "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"ask\"}]},{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{}}}]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{\"r\":\"result\"}}}]}]}"'
is "$(grep -o '"ask"' out | wc -l)" 4 "what a tool gave is no prompt"

# ---- who may ask ----
keys='at() { curl -s -w "%{http_code}\n" "$@"; }
	b=$(body responses a); at "$OPENAI_BASE_URL/responses" -d "$b"; at "$OPENAI_BASE_URL/responses" -d "$b" -H "Authorization: Bearer $k"; at "$OPENAI_BASE_URL/responses" -d "$b" -H "x-api-key: $k"
	b=$(body messages a) v="anthropic-version: 2023-06-01"; at "$ANTHROPIC_BASE_URL/messages" -d "$b" -H "$v"; at "$ANTHROPIC_BASE_URL/messages" -d "$b" -H "$v" -H "x-api-key: $k"; at "$ANTHROPIC_BASE_URL/messages" -d "$b" -H "$v" -H "Authorization: Bearer $k"
	b=$(body gemini a) u=$GEMINI_BASE_URL/models/m1:generateContent; at "$u" -d "$b"; at "$u" -d "$b" -H "x-goog-api-key: $k"; at "$u" -d "$b" -H "Authorization: Bearer $k"'
in_mock -- "k=any; $keys"
is "$(grep -x '[0-9]*' out | tr '\n' ' ')" "401 200 401 401 200 401 403 200 403 " "a key is needed, in the header of its kind"
in_mock --require-key right -- "k=wrong; $keys"
cat >want <<'W'
{"error":{"message":"you didn't provide an API key","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}
401
{"error":{"message":"incorrect API key provided","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}
401
{"error":{"message":"you didn't provide an API key","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}
401
{"type":"error","error":{"type":"authentication_error","message":"x-api-key header is required"},"request_id":"req_mock"}
401
{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_mock"}
401
{"type":"error","error":{"type":"authentication_error","message":"x-api-key header is required"},"request_id":"req_mock"}
401
{"error":{"code":403,"message":"Method doesn't allow unregistered callers (callers without established identity).","status":"PERMISSION_DENIED"}}
403
{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}
400
{"error":{"code":403,"message":"Method doesn't allow unregistered callers (callers without established identity).","status":"PERMISSION_DENIED"}}
403
W
same want out "and the right one with --require-key"
in_mock --require-key right --log log -- 'each a -o /dev/null'
is "$(tr -d '\n' <out) $(jq -r .key log | sort -u)" "200200200200 $(printf right | b2sum -l 128 | cut -d' ' -f1)" "which the command has, and the log's hash is of it"
in_mock -- 'at() { curl -s -w "%{http_code}\n" "$@"; }
	at "$ANTHROPIC_BASE_URL/messages" -H "x-api-key: k" -d "$(body messages a)"
	at "$ANTHROPIC_BASE_URL/messages" -H "x-api-key: k" -H "anthropic-version: 2020-01-01" -d "$(body messages a)"
	at "$GEMINI_BASE_URL/models/m1:generateContent?key=k" -H "x-goog-api-key: k" -d "$(body gemini a)"
	at "$GEMINI_BASE_URL/models/m1:other" -H "x-goog-api-key: k" -d "$(body gemini a)" | jq -c .error.status?
	at "$GEMINI_BASE_URL/models/:generateContent" -H "x-goog-api-key: k" -d "$(body gemini a)" | jq -c .error.status?
	at "$ANTHROPIC_BASE_URL/messages" -H "x-api-key: k" -D -'
cat >want <<'W'
{"type":"error","error":{"type":"invalid_request_error","message":"anthropic-version: header is required"},"request_id":"req_mock"}
400
{"type":"error","error":{"type":"invalid_request_error","message":"anthropic-version: no such version"},"request_id":"req_mock"}
400
{"error":{"code":400,"message":"a key in the URL ends up in logs: send it as x-goog-api-key","status":"INVALID_ARGUMENT"}}
400
"NOT_FOUND"
"NOT_FOUND"
W
head -8 out >got
same want got "the version, a key in a URL, and paths"
is "$(tr -d '\r' <out | grep -E '^(Allow|405|\{"type)' | tail -3)" 'Allow: POST
{"type":"error","error":{"type":"invalid_request_error","message":"this path does not take this method"},"request_id":"req_mock"}
405' "the method"

# ---- requests that are refused, by the member that is wrong ----
# Each line: dialect, body, and what the error's text begins with; for
# responses also its param and its code.
n=0
while IFS='~' read -r d bad want; do
	n=$((n + 1))
	printf '%s' "$bad" >"bad$n"
	echo "$d $n" >>bads
	printf '%s\n' "$want" >"want$n"
done <<'W'
responses~{~the body is not valid JSON: unexpected end at byte 1 null null
responses~[]~the body must be a JSON object null null
responses~{"input":"a"}~Missing required parameter: 'model'. model missing_required_parameter
responses~{"model":1,"input":"a"}~Invalid type for 'model': expected a string. model invalid_type
responses~{"model":"m"}~Missing required parameter: 'input'. input missing_required_parameter
responses~{"model":"m","input":7}~Invalid type for 'input': expected a string or an array. input invalid_type
responses~{"model":"m","input":["a"]}~Invalid type for 'input[0]': expected an object. input[0] invalid_type
responses~{"model":"m","input":[{"content":"a"}]}~Missing required parameter: 'input[0].role'. input[0].role missing_required_parameter
responses~{"model":"m","input":[{"role":"tool","content":"a"}]}~Invalid value for 'input[0].role': expected 'user', 'assistant', 'system' or 'developer'. input[0].role invalid_value
responses~{"model":"m","input":[{"role":"user"}]}~Missing required parameter: 'input[0].content'. input[0].content missing_required_parameter
responses~{"model":"m","input":[{"role":"user","content":null}]}~Invalid type for 'input[0].content': expected a string or an array. input[0].content invalid_type
responses~{"model":"m","input":[{"role":"user","content":[{"type":"text","text":"a"}]}]}~Invalid value for 'input[0].content[0].type': expected 'input_text', 'input_image' or 'input_file'. input[0].content[0].type invalid_value
responses~{"model":"m","input":[{"role":"assistant","content":[{"type":"input_text","text":"a"}]}]}~Invalid value for 'input[0].content[0].type': expected 'output_text' or 'refusal'. input[0].content[0].type invalid_value
responses~{"model":"m","input":[{"role":"user","content":[{"type":"input_text"}]}]}~Missing required parameter: 'input[0].content[0].text'. input[0].content[0].text missing_required_parameter
responses~{"model":"m","input":"a","messages":[]}~Unknown parameter: 'messages'. messages unknown_parameter
responses~{"model":"m","input":"a","max_output_tokens":15}~Invalid value for 'max_output_tokens': expected an integer of at least 16. max_output_tokens invalid_value
responses~{"model":"m","input":"a","max_output_tokens":"15"}~Invalid type for 'max_output_tokens': expected an integer. max_output_tokens invalid_type
responses~{"model":"m","input":"a","temperature":3}~Invalid value for 'temperature': expected a number from 0 to 2. temperature invalid_value
responses~{"model":"m","input":"a","instructions":["b"]}~Invalid type for 'instructions': expected a string. instructions invalid_type
responses~{"model":"m","input":"a","stream":1}~Invalid type for 'stream': expected a boolean. stream invalid_type
messages~{~the body is not valid JSON: unexpected end at byte 1
messages~{"max_tokens":1,"messages":[{"role":"user","content":"a"}]}~model: Field required
messages~{"model":"m","messages":[{"role":"user","content":"a"}]}~max_tokens: Field required
messages~{"model":"m","max_tokens":0,"messages":[{"role":"user","content":"a"}]}~max_tokens: Input should be greater than or equal to 1
messages~{"model":"m","max_tokens":"9","messages":[{"role":"user","content":"a"}]}~max_tokens: Input should be a valid integer
messages~{"model":"m","max_tokens":9}~messages: Field required
messages~{"model":"m","max_tokens":9,"messages":"a"}~messages: Input should be a valid list
messages~{"model":"m","max_tokens":9,"messages":[]}~messages: at least one message is required
messages~{"model":"m","max_tokens":9,"messages":["a"]}~messages.0: Input should be a valid dictionary
messages~{"model":"m","max_tokens":9,"messages":[{"content":"a"}]}~messages.0.role: Field required
messages~{"model":"m","max_tokens":9,"messages":[{"role":"system","content":"a"}]}~messages.0.role: Input should be 'user' or 'assistant'
messages~{"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":"a"}]}~messages.0.role: first message must use the "user" role
messages~{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}~messages.1.role: roles must alternate between "user" and "assistant", but found two in a row
messages~{"model":"m","max_tokens":9,"messages":[{"role":"user"}]}~messages.0.content: Field required
messages~{"model":"m","max_tokens":9,"messages":[{"role":"user","content":3}]}~messages.0.content: Input should be a string or a list
messages~{"model":"m","max_tokens":9,"messages":[{"role":"user","content":""}]}~messages.0.content: messages must have non-empty content
messages~{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"text":"a"}]}]}~messages.0.content.0.type: Field required
messages~{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":""}]}]}~messages.0.content.0.text: text content blocks must be non-empty
messages~{"model":"m","max_tokens":9,"system":7,"messages":[{"role":"user","content":"a"}]}~system: Input should be a string or a list
messages~{"model":"m","max_tokens":9,"temperature":1.5,"messages":[{"role":"user","content":"a"}]}~temperature: Input should be a number from 0 to 1
messages~{"model":"m","max_tokens":9,"n":1,"messages":[{"role":"user","content":"a"}]}~n: Extra inputs are not permitted
messages~{"model":"m","max_tokens":9999,"thinking":{"type":"enabled","budget_tokens":100},"messages":[{"role":"user","content":"a"}]}~thinking.enabled.budget_tokens: Input should be greater than or equal to 1024
messages~{"model":"m","max_tokens":9,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"a"}]}~max_tokens: must be greater than thinking.budget_tokens
gemini~{~the body is not valid JSON: unexpected end at byte 1
gemini~{}~* GenerateContentRequest.contents: contents is not specified
gemini~{"contents":"a"}~Invalid value at 'contents': must be an array
gemini~{"contents":["a"]}~Invalid value at 'contents[0]': must be an object
gemini~{"contents":[{"role":"assistant","parts":[{"text":"a"}]}]}~Invalid value at 'contents[0].role': Please use a valid role: user, model.
gemini~{"contents":[{"role":"user"}]}~Invalid value at 'contents[0].parts': must be an array that is not empty
gemini~{"contents":[{"role":"user","content":"a"}]}~Invalid JSON payload received. Unknown name "content" at 'contents[0]': Cannot find field.
gemini~{"contents":[{"parts":[{"type":"text","text":"a"}]}]}~Invalid JSON payload received. Unknown name "type" at 'contents[0].parts[0]': Cannot find field.
gemini~{"contents":[{"parts":[{"text":"a"},{}]}]}~Invalid value at 'contents[0].parts[1]': required oneof field 'data' must have one initialized field
gemini~{"contents":[{"parts":[{"text":1}]}]}~Invalid value at 'contents[0].parts[0]': 'text' must be a string
gemini~{"messages":[],"contents":[{"parts":[{"text":"a"}]}]}~Invalid JSON payload received. Unknown name "messages": Cannot find field.
gemini~{"systemInstruction":"a","contents":[{"parts":[{"text":"a"}]}]}~Invalid value at 'systemInstruction': must be an object
gemini~{"generationConfig":{"maxOutputTokens":0},"contents":[{"parts":[{"text":"a"}]}]}~Invalid value at 'generationConfig.maxOutputTokens': must be a positive integer
gemini~{"generationConfig":{"temperature":3},"contents":[{"parts":[{"text":"a"}]}]}~Invalid value at 'generationConfig.temperature': must be a number from 0 to 2
gemini~{"generationConfig":{"candidateCount":9},"contents":[{"parts":[{"text":"a"}]}]}~Invalid value at 'generationConfig.candidateCount': must be an integer from 1 to 8
W
in_mock -- 'while read -r d n; do post "$d" "$(cat "bad$n")" >"got$n"; done <bads'
while read -r d n; do
	case $d in
	responses) got=$(head -1 "got$n" | jq -r '.error | select(.type == "invalid_request_error") | "\(.message) \(.param) \(.code)"') ;;
	messages) got=$(head -1 "got$n" | jq -r 'select(.type == "error").error | select(.type == "invalid_request_error").message') ;;
	gemini) got=$(head -1 "got$n" | jq -r '.error | select(.code == 400 and .status == "INVALID_ARGUMENT").message') ;;
	esac
	is "$(tail -1 "got$n") $got" "400 $(cat "want$n")" "$d: a 400 for $(cat "bad$n")"
done <bads
done_testing
