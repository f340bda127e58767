# What is wrong with a value by a schema: JSON Schema's words for what is used here,
# but that an object has no other members than are named unless it is "open".

def is($kind):
	if $kind == "integer" then type == "number" and floor == .
	else type == $kind end;

def wrong($root; $schema; $at):
	. as $v
	| ($schema["$ref"] // null) as $ref
	| (if $ref then $root["$defs"][$ref] else $schema end) as $s
	| ([$s.type // empty] | flatten) as $types
	| if $s.anyOf then
		[$s.anyOf[] as $one | [$v | wrong($root; $one; $at)]]
		| select(all(length > 0))
		| min_by(length)[]
	elif $s | has("const") then
		select($v != $s.const) | "\($at) is \($v | tojson), not \($s.const | tojson)"
	elif $s.enum then
		select($s.enum | index([$v]) | not) | "\($at) is \($v | tojson), none of \($s.enum | tojson)"
	elif $types | length > 0 and all(. as $kind | $v | is($kind) | not) then
		"\($at) is a \($v | type), not a \($types | join(" or "))"
	elif $v | type == "number" then
		select($v < ($s.minimum // $v) or $v > ($s.maximum // $v)) | "\($at) is \($v)"
	elif $v | type == "array" then
		(select(($v | length) < ($s.minItems // 0) or ($v | length) > ($s.maxItems // infinite))
			| "\($at) has \($v | length) elements"),
		($v | to_entries[] | .key as $i | .value | wrong($root; $s.items // {}; "\($at)[\($i)]"))
	elif $v | type == "object" then
		(($s.required // [])[] | select(. as $name | $v | has($name) | not) | "\($at) lacks \(.)"),
		($v | to_entries[] | .key as $name | .value
			| if $s.properties // {} | has($name) then wrong($root; $s.properties[$name]; "\($at).\($name)")
			elif $s.open then empty
			else "\($at) has no \($name)" end)
	else empty end;

def wrong($schema): wrong($schema; $schema; "");
