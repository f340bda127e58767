#!/bin/bash
# Images sent to bf-mock in each of the dialects: it tells what bytes came.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/dialects.sh"

# image DIALECT TYPE BASE64: a request with a text and an image
image() {
	case $1 in
	chat) printf '{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"What?"},{"type":"image_url","image_url":{"url":"data:%s;base64,%s"}}]}]}' "$2" "$3" ;;
	responses) printf '{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"What?"},{"type":"input_image","image_url":"data:%s;base64,%s"}]}]}' "$2" "$3" ;;
	messages) printf '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"%s","data":"%s"}},{"type":"text","text":"What?"}]}]}' "$2" "$3" ;;
	gemini) printf '{"contents":[{"role":"user","parts":[{"text":"What?"},{"inlineData":{"mimeType":"%s","data":"%s"}}]}]}' "$2" "$3" ;;
	esac
}
export -f image
# told FILE TYPE: what is to be told of it
told() { printf '{"media_type":"%s","bytes":%d,"blake2b":"%s"}' "$2" "$(wc -c <"$1")" "$(b2sum -l 128 <"$1" | cut -d' ' -f1)"; }

for n in 1 2 3 4 255 100000; do
	head -c $n /dev/urandom >bytes
	base64 -w 0 bytes >base64
	in_mock --reply '{prompt} {images}' -- 'for d in $dialects; do
		image $d image/png "$(cat base64)" >request; post $d @request | head -1 | text_of $d | jq -r .; done'
	is "$(sort -u out) $(wc -l <out)" "What? [$(told bytes image/png)] 4" "$n bytes came whole in every dialect"
done
printf 'GIF' >gif
head -c 300 /dev/urandom >bytes
base64 -w 0 bytes | sed 's,/,\\/,g' >base64
in_mock --log log -- '
	post gemini "{\"contents\":[{\"parts\":[{\"inline_data\":{\"mime_type\":\"image/gif\",\"data\":\"$(base64 gif)\"}},{\"inlineData\":{\"mimeType\":\"image/webp\",\"data\":\"$(cat base64)\"}}]}]}"
	post chat "$(body chat a)"; post chat "$(image chat image/gif "$(base64 gif)")" -H "Authorization: "
	post chat "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://example.com/a.png\"}}]}]}"'
is "$(jq -c .images log | tr '\n' ' ')" "[$(told gif image/gif),$(told bytes image/webp)] null [$(told gif image/gif)] null " \
	"the log tells of them, several, escaped slashes too"
like "$(sed -n 3p out)" '*"content":"a",*' "the echo is the text alone"
in_mock --log log --require-key k -- 'post chat "$(image chat image/gif "$(base64 gif)")" >/dev/null; OPENAI_API_KEY=wrong; post chat "$(body chat a)" >/dev/null'
is "$(jq -c '[.status, (.images | length)]' log | tr '\n' ' ')" "[200,1] [401,0] " "a refused request has none"

# ---- what is no base64 ----
for bad in 'QUJD!A==' QUJ QQ QR== QUI Q=== ==== 'QUJD QUJD' ''; do
	in_mock -- "for d in \$dialects; do post \$d \"\$(image \$d image/png '$bad')\"; done"
	is "$(grep -c '^400$' out)" 4 "no base64: '$bad'"
done
is "$(jq -r 'objects.error.message' out)" "'image_url' must hold a URL or data in base64
Invalid value for 'input[0].content[1].image_url': expected a URL or data in base64.
messages.0.content.0.image.source.base64.data: invalid base64 data
Invalid value at 'contents[0].parts[1]': 'inlineData' must hold a 'mimeType' and 'data' in base64" "and the member is named"
in_mock -- 'post messages "$(image messages image/tiff QUJD)"; post chat "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png,x\"}}]}]}"; post gemini "{\"contents\":[{\"parts\":[{\"inlineData\":{\"data\":\"QUJD\"}}]}]}"'
is "$(grep -c '^400$' out)" 3 "a type that is not taken, a URL that is not base64, no type"
done_testing
