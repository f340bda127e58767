#!/bin/bash
# What bf-mock makes up: texts that satisfy a schema, calls of tools.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/dialects.sh"

# with_schema DIALECT SCHEMA: the member that asks for a text of that schema
with_schema() {
	case $1 in
	chat) printf '"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":%s}}' "$2" ;;
	responses) printf '"text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":%s}}' "$2" ;;
	messages) printf '"output_config":{"format":{"type":"json_schema","schema":%s}}' "$2" ;;
	gemini) printf '"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":%s}' "$2" ;;
	esac
}
# made SCHEMA [PROMPT]: the text that a chat completion gets for it, without quotes
made() { post chat "$(body chat "${2:-p}" "$(with_schema chat "$1")")" | head -1 | jq -r '.choices[0].message.content // .error.message'; }
export -f with_schema made

# ---- schemas ----
schema='{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":18,"maximum":20},"tags":{"type":"array","items":{"enum":["x"]},"minItems":2},"home":{"$ref":"#/$defs/home"}},"required":["name","age","tags","home"],"additionalProperties":false,"$defs":{"home":{"type":"object","properties":{"kind":{"const":"flat"},"floor":{"anyOf":[{"type":"null"},{"type":"integer"}]}},"required":["kind","floor"]}}}'
export schema
in_mock -- 'for d in $dialects; do post $d "$(body $d "Who?" "$(with_schema $d "$schema")")" | head -1 | text_of $d; done'
is "$(sort -u out | wc -l) $(wc -l <out)" "1 4" "the same text in every dialect"
is "$(head -1 out | jq -r . | jq -c '[(keys_unsorted | join(" ")), (.name | test("^[a-z]{8}$")), .age >= 18 and .age <= 20, .tags, .home]')" \
	'["name age tags home",true,true,["x","x"],{"kind":"flat","floor":null}]' "and it satisfies the schema"
cp out first
in_mock -- 'for d in $dialects; do post $d "$(body $d "Who?" "$(with_schema $d "$schema")")" | head -1 | text_of $d; done'
same first out "the same in another run"
in_mock -- 'made "$schema" "Who?"; made "$schema" "Who else?"'
is "$(head -1 out)" "$(head -1 first | jq -r .)" "once more"
ok $(($(sort -u out | wc -l) != 2)) "another for another prompt"
in_mock --seed 2 -- 'made "$schema" "Who?"'
ok $(($(head -1 first | jq -r . | cmp -s - out; echo $?) == 0)) "or with another seed"
in_mock -- 'post chat "$(body chat a "$(with_schema chat "{\"const\":\"four\"}")")"'
like "$(head -1 out)" '*"content":"\\"four\\""*"usage":{"prompt_tokens":1,"completion_tokens":2,*' "it is counted as any text"
in_mock -- 'post gemini "$(body gemini a "\"generationConfig\":{\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"ARRAY\",\"items\":{\"type\":\"BOOLEAN\"},\"minItems\":\"2\"},\"b\":{\"type\":\"STRING\",\"format\":\"date-time\"}}}}")" | head -1 | text_of gemini'
like "$(jq -r . <out)" '{"a":\[[tf]*e,[tf]*e\],"b":"2024-01-31T12:00:00Z"}' "Gemini's own schemas"
printf '{"match":"p","reply":"prepared"}\n' >replies
in_mock --replies replies -- 'made "{\"type\":\"null\"}"'
is "$(cat out)" prepared "a prepared reply is given as it is"
in_mock --reply 'templ {prompt}' -- 'made "{\"type\":\"null\"}"'
is "$(cat out)" "templ p" "and a template's text"

while IFS='|' read -r one want; do
	printf '%s\n' "$one" >>schemas
	printf '%s\n' "$want" >>wanted
done <<'W'
{"type":"null"}|null
{"type":["null","integer"],"minimum":4,"maximum":4}|4
{"type":["null"]}|null
{"const":{"a": [1, 2.50]}}|{"a":[1,2.50]}
{"enum":["one"]}|"one"
{"anyOf":[{"const":1},{"const":2}]}|1
{"oneOf":[{"const":1},{"const":2}]}|1
{"allOf":[{"const":1}]}|1
{"type":"integer","exclusiveMinimum":4,"exclusiveMaximum":6}|5
{"type":"integer","minimum":4.5,"maximum":5.5}|5
{"type":"integer","minimum":4,"exclusiveMinimum":true,"maximum":5}|5
{"type":"integer","minimum":-3,"maximum":-3}|-3
{"type":"integer","minimum":1,"maximum":10,"multipleOf":7}|7
{"type":"number","minimum":0.25,"maximum":0.75}|0.5
{"type":"number","multipleOf":0.01}|0
{"type":"string","maxLength":0}|""
{"type":"string","format":"uuid"}|"123e4567-e89b-42d3-a456-426614174000"
{"type":"array","items":{"const":1}}|[1]
{"type":"array","items":{"const":1},"maxItems":0}|[]
{"type":"array","items":{"const":1},"minItems":3}|[1,1,1]
{"type":"array","prefixItems":[{"const":1},{"const":"b"}],"items":false,"minItems":2}|[1,"b"]
{"type":"array","items":false}|[]
{"type":"object"}|{}
{"type":"object","properties":{"a\"b":{"const":1},"c":{"const":2}}}|{"a\"b":1,"c":2}
{"type":"object","required":["x"],"additionalProperties":{"const":3}}|{"x":3}
{"properties":{"a":{"const":1}}}|{"a":1}
{"$ref":"#/$defs/a~1b","$defs":{"a/b":{"const":1}}}|1
{"$ref":"#/definitions/l/1","definitions":{"l":[{"const":1},{"const":2}]}}|2
{"type":"object","properties":{"v":{"const":1},"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"required":["v","next"]}|{"v":1,"next":{"v":1,"next":{"v":1,"next":null}}}
{"type":"object","properties":{"v":{"const":1},"kids":{"type":"array","items":{"$ref":"#"}}},"required":["v","kids"]}|{"v":1,"kids":[{"v":1,"kids":[{"v":1,"kids":[]}]}]}
{"type":"object","properties":{"n":{"$ref":"#"}},"required":["n"]}|the schema is recursive without an end
{"$ref":"#/$defs/none"}|'$ref' leads nowhere
{"$ref":"#"}|the schema is recursive without an end
{"type":"string","pattern":"^a$"}|bf-mock cannot satisfy 'pattern'
{"not":{"type":"null"}}|bf-mock cannot satisfy 'not'
{"allOf":[{},{}]}|bf-mock cannot satisfy 'allOf' of more than one
{"anyOf":[{}],"required":["a"]}|bf-mock cannot satisfy 'properties' beside '$ref', 'anyOf', 'oneOf' or 'allOf'
{"type":"string","minLength":3,"maxLength":2}|no string has a length of 'minLength'
{"type":"integer","minimum":4.1,"maximum":4.9}|no number is within the bounds
{"type":"array","items":{"const":1},"minItems":2,"uniqueItems":true}|bf-mock cannot satisfy 'uniqueItems'
{"type":"array","minItems":2,"maxItems":1}|'maxItems' is less than 'minItems'
{"type":"object","minProperties":1}|bf-mock cannot satisfy 'minProperties' or 'maxProperties'
{"type":"thing"}|no such type: "thing"
{"type":"array","items":{"type":"array","items":{"type":"string","minLength":900000},"minItems":90},"minItems":90}|the schema asks for more than 1 MiB
W
in_mock -- 'while IFS= read -r s; do made "$s"; done <schemas'
paste -d '|' schemas wanted >both
paste -d '|' schemas out >got
while IFS= read -r want <&3 && IFS= read -r got <&4; do
	is "$got" "$want" "${want%%|*}"
done 3<both 4<got
in_mock -- 'made "{\"type\":\"array\",\"items\":{\"enum\":[1,2,3,4]},\"minItems\":4,\"uniqueItems\":true}"; made "{\"type\":\"string\",\"minLength\":40}"; made "{\"type\":\"string\",\"maxLength\":3}"'
is "$(sed -n 1p out | jq -c sort) $(sed -n 2p out | jq length) $(sed -n 3p out | jq length)" "[1,2,3,4] 40 3" "elements that differ, and lengths"
in_mock -- 'for d in $dialects; do post $d "$(body $d p "$(with_schema $d "{\"not\":{}}")")"; done'
is "$(grep -c '^400$' out) $(grep -o "bf-mock cannot satisfy 'not'" out | wc -l)" "4 4" "what cannot be made is a 400 in each dialect"

# ---- tools ----
# with_tools DIALECT [CHOICE]: two tools, f and g; CHOICE none, must, or the name of one
with_tools() {
	local args='{"type":"object","properties":{"city":{"enum":["Bern"]},"days":{"type":"integer","minimum":3,"maximum":3}},"required":["city"]}'
	case $1 in
	chat) printf '"tools":[{"type":"function","function":{"name":"f","parameters":%s}},{"type":"function","function":{"name":"g"}}]' "$args" ;;
	responses) printf '"tools":[{"type":"function","name":"f","parameters":%s,"strict":true},{"type":"function","name":"g"}]' "$args" ;;
	messages) printf '"tools":[{"name":"f","input_schema":%s},{"name":"g","input_schema":{"type":"object"}}]' "$args" ;;
	gemini) printf '"tools":[{"functionDeclarations":[{"name":"f","parameters":%s},{"name":"g"}]}]' "$args" ;;
	esac
	case $1-${2-} in
	*-) ;;
	chat-none | responses-none) printf ',"tool_choice":"none"' ;;
	chat-must | responses-must) printf ',"tool_choice":"required"' ;;
	chat-*) printf ',"tool_choice":{"type":"function","function":{"name":"%s"}}' "$2" ;;
	responses-*) printf ',"tool_choice":{"type":"function","name":"%s"}' "$2" ;;
	messages-none) printf ',"tool_choice":{"type":"none"}' ;;
	messages-must) printf ',"tool_choice":{"type":"any"}' ;;
	messages-*) printf ',"tool_choice":{"type":"tool","name":"%s"}' "$2" ;;
	gemini-none) printf ',"toolConfig":{"functionCallingConfig":{"mode":"NONE"}}' ;;
	gemini-must) printf ',"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}' ;;
	gemini-*) printf ',"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["%s"]}}' "$2" ;;
	esac
}
# calls: of the answers, in each one's own form
calls() {
	jq -c 'objects | (.choices[0]? | [.message.tool_calls, .message.content, .finish_reason]),
		(select(.object == "response") | [.output, .status]),
		(select(.type == "message") | [.content, .stop_reason]),
		(.candidates[0]? | [.content.parts, .finishReason]) | select(. != [null, null, null] and . != [null, null])' | anonymous
}
export -f with_tools
cat >called <<'W'
[[{"id":"call_ID","type":"function","function":{"name":"f","arguments":"{\"city\":\"Bern\",\"days\":3}"}}],null,"tool_calls"]
[[{"id":"fc0_ID","type":"function_call","status":"completed","call_id":"call_ID","name":"f","arguments":"{\"city\":\"Bern\",\"days\":3}"}],"completed"]
[[{"type":"tool_use","id":"toolu_ID","name":"f","input":{"city":"Bern","days":3}}],"tool_use"]
[[{"functionCall":{"name":"f","args":{"city":"Bern","days":3}}}],"STOP"]
W
in_mock -- 'for d in $dialects; do post $d "$(body $d Go "$(with_tools $d must)")"; done'
calls <out >got
same called got "a tool is called where one must be"
in_mock --tool-calls -- 'for d in $dialects; do post $d "$(body $d Go "$(with_tools $d)")"; done'
calls <out >got
same called got "or with --tool-calls"
in_mock -- 'for d in $dialects; do post $d "$(body $d Go "$(with_tools $d g)")"; done'
cat >want <<'W'
[[{"id":"call_ID","type":"function","function":{"name":"g","arguments":"{}"}}],null,"tool_calls"]
[[{"id":"fc0_ID","type":"function_call","status":"completed","call_id":"call_ID","name":"g","arguments":"{}"}],"completed"]
[[{"type":"tool_use","id":"toolu_ID","name":"g","input":{}}],"tool_use"]
[[{"functionCall":{"name":"g","args":{}}}],"STOP"]
W
calls <out >got
same want got "the one that is named"
in_mock -- 'for d in $dialects; do post $d "$(body $d Go "$(with_tools $d)")" | head -1 | text_of $d; done'
is "$(tr '\n' ' ' <out)" '"Go" "Go" "Go" "Go" ' "none without it"
in_mock --tool-calls -- 'for d in $dialects; do post $d "$(body $d Go "$(with_tools $d none)")" | head -1 | text_of $d; post $d "$(body $d Go)" | head -1 | text_of $d; done'
is "$(tr '\n' ' ' <out)" '"Go" "Go" "Go" "Go" "Go" "Go" "Go" "Go" ' "nor where none may be, or there is none"
in_mock --tool-calls -- '
	post chat "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Go\"},{\"role\":\"assistant\",\"content\":null},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"sun\"}],$(with_tools chat)}" | head -1 | text_of chat
	post responses "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"Go\"},{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"sun\"}],$(with_tools responses)}" | head -1 | text_of responses
	post messages "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"Go\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c\",\"content\":\"sun\"}]}],$(with_tools messages)}" | head -1 | text_of messages
	post gemini "{\"contents\":[{\"parts\":[{\"text\":\"Go\"}]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{}}}]}],$(with_tools gemini)}" | head -1 | text_of gemini'
is "$(tr '\n' ' ' <out)" '"Go" "Go" "Go" "Go" ' "after what a tool gave there is a text"

while IFS='~' read -r d more want; do
	in_mock -- "post $d \"\$(body $d a '$more')\""
	is "$(head -1 out | jq -r .error.message) $(tail -1 out)" "$want 400" "$d: $more"
done <<'W'
responses~"tools":{}~Invalid type for 'tools': expected an array.
responses~"tools":[{}]~Missing required parameter: 'tools[0].type'.
responses~"tools":[{"type":"function"}]~Missing required parameter: 'tools[0].name'.
responses~"tools":[{"type":"function","function":{"name":"f"}}]~Missing required parameter: 'tools[0].name'.
responses~"tool_choice":"any"~Invalid value for 'tool_choice': expected 'none', 'auto', 'required' or an object.
responses~"text":{"format":{"type":"json_schema","schema":{}}}~Missing required parameter: 'text.format.name'.
responses~"text":{"format":{"type":"json_schema","name":"n"}}~Missing required parameter: 'text.format.schema'.
responses~"tool_choice":{"type":"function","name":"x"},"tools":[{"type":"function","name":"f"}]~Invalid value for 'tool_choice': expected a tool that is in 'tools'.
messages~"tool_choice":{"type":"any"}~tool_choice: there is no such tool in 'tools'
gemini~"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}~Invalid value at 'toolConfig.functionCallingConfig': there is no such function in 'tools'
messages~"tools":{}~tools: Input should be a valid list
messages~"tools":[{"input_schema":{}}]~tools.0.name: Field required
messages~"tools":[{"name":"f"}]~tools.0.input_schema: Field required
messages~"tool_choice":{"type":"required"}~tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'
messages~"tool_choice":{"type":"tool"}~tool_choice.tool.name: Field required
messages~"output_config":{"format":{"type":"json"}}~output_config.format.type: Input should be 'json_schema'
messages~"output_config":{"format":{"type":"json_schema"}}~output_config.format.schema: Field required
gemini~"tools":{}~Invalid value at 'tools': must be an array
gemini~"tools":[{"functionDeclarations":[{}]}]~Invalid value at 'tools[0].functionDeclarations[0].name': must be a string
gemini~"toolConfig":{"functionCallingConfig":{"mode":"MUST"}}~Invalid value at 'toolConfig.functionCallingConfig.mode': must be AUTO, ANY, NONE or VALIDATED
gemini~"generationConfig":{"responseSchema":{}}~Invalid value at 'generationConfig.responseMimeType': must be application/json where there is a schema
W
done_testing
