# shellcheck shell=bash disable=SC2034
# Sourced, after lib.sh, by the tests that ask a bf-mock in each of its dialects.
command -v curl >/dev/null || skip_all "curl is not installed"
command -v jq >/dev/null || skip_all "jq is not installed"

dialects='chat responses messages gemini'
export dialects
# post DIALECT BODY [CURL-OPTION...]: inside bf-mock; the answer's body, then its status
post() {
	local url headers dialect=$1 body=$2
	shift 2
	case $dialect in
	chat) url=$OPENAI_BASE_URL/chat/completions headers=(-H "Authorization: Bearer $OPENAI_API_KEY") ;;
	responses) url=$OPENAI_BASE_URL/responses headers=(-H "Authorization: Bearer $OPENAI_API_KEY") ;;
	messages) url=$ANTHROPIC_BASE_URL/messages headers=(-H "x-api-key: $ANTHROPIC_API_KEY" -H 'anthropic-version: 2023-06-01') ;;
	gemini) url=$GEMINI_BASE_URL/models/m1:generateContent headers=(-H "x-goog-api-key: $GEMINI_API_KEY") ;;
	esac
	curl -s -w '%{http_code}\n' "${headers[@]}" "$@" -d "$body" "$url"
}
# body DIALECT TEXT [MEMBER...]: a request whose only message is TEXT (JSON contents), and more members
body() {
	local dialect=$1 text=$2 more=
	shift 2
	[ $# -eq 0 ] || more=$(printf ',%s' "$@")
	case $dialect in
	chat) printf '{"model":"m1","messages":[{"role":"user","content":"%s"}]%s}' "$text" "$more" ;;
	responses) printf '{"model":"m1","input":"%s"%s}' "$text" "$more" ;;
	messages) printf '{"model":"m1","max_tokens":64,"messages":[{"role":"user","content":"%s"}]%s}' "$text" "$more" ;;
	gemini) printf '{"contents":[{"role":"user","parts":[{"text":"%s"}]}]%s}' "$text" "$more" ;;
	esac
}
# each TEXT [CURL-OPTION...]: that to all of them, one after the other
each() {
	local text=$1 d
	shift
	for d in $dialects; do post "$d" "$(body "$d" "$text")" "$@"; done
}
# text_of DIALECT: of the answers on standard input
text_of() {
	case $1 in
	chat) jq -c '.choices[0].message.content' ;;
	responses) jq -c '[.output[] | select(.type == "message").content[].text] | add' ;;
	messages) jq -c '[.content[] | select(.type == "text").text] | add' ;;
	gemini) jq -c '[.candidates[0].content.parts[].text] | add' ;;
	esac
}
# stream DIALECT BODY [CURL-OPTION...]: inside bf-mock; the answer as a stream
stream() {
	local dialect=$1 body=$2
	shift 2
	case $dialect in
	gemini) curl -sN -H "x-goog-api-key: $GEMINI_API_KEY" "$@" -d "$body" "$GEMINI_BASE_URL/models/m1:streamGenerateContent?alt=sse" ;;
	*) post "$dialect" "${body%\}},\"stream\":true}" -w '' -N "$@" ;;
	esac
}
# streamed DIALECT: the text that the events on standard input add up to, as a JSON string
streamed() {
	tr -d '\r' | sed -n 's/^data: //p' | grep -v '^\[DONE]$' | case $1 in
	chat) jq -cs '[.[].choices[]?.delta.content | values] | add' ;;
	responses) jq -cs '[.[] | select(.type == "response.output_text.delta").delta] | add' ;;
	messages) jq -cs '[.[] | select(.type == "content_block_delta").delta.text] | add' ;;
	gemini) jq -cs '[.[].candidates[]?.content.parts[].text] | add' ;;
	esac
}
export -f post body each text_of stream streamed
# in_mock OPTION... -- SCRIPT: runs it, as `run` does
in_mock() {
	local args=()
	while [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	run bf-mock "${args[@]}" -- bash -c "$2"
}
# id_of BODY: what the ids of its answer are made of
id_of() { printf %s "$1" | b2sum -l 128 | cut -d' ' -f1; }
# anonymous: standard input with such ids and dates taken out
anonymous() { sed 's/[0-9a-f]\{32\}/ID/g; s/"created\(_at\)*":[0-9]*/"created\1":T/'; }
