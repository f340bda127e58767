#!/bin/bash
# bf-llm: requests with images: what the provider gets, and what the ledger keeps.
. "$(dirname "$0")/../lib.sh"
export XDG_CONFIG_HOME=$TMP/config XDG_STATE_HOME=$TMP/state
mkdir -p config/bf

# told FILE TYPE: what bf-mock tells of an image that came whole
told() { printf '{"media_type":"%s","bytes":%d,"blake2b":"%s"}' "$2" "$(wc -c <"$1")" "$(b2sum -l 128 <"$1" | cut -d' ' -f1)"; }
# kept FILE TYPE: what the ledger keeps of it
kept() { printf 'digest:%s;blake2b=%s;bytes=%d' "$2" "$(b2sum -l 128 <"$1" | cut -d' ' -f1)" "$(wc -c <"$1")"; }
# in_mock OPTION... -- SCRIPT: the script with a provider of its own
in_mock() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	rm -f log
	run timeout 60 bf-mock -q --log log "${options[@]}" -- bash -c "$2"
}

{ printf '\211PNG\r\n\032\n'; head -c 300000 /dev/urandom; } >photo
printf 'GIF89a' >dot.gif
printf '%%PDF-1.7 of no pages' >paper.pdf
echo '{"id":1,"i":["photo","dot.gif"]}' >in
base64 -w 0 photo | cut -c 1000-1060 >piece

# ---- all dialects ----

for provider in openai openai-responses anthropic gemini; do
	rm -rf .bf
	bf-prompt -m m@$provider --image i 'What?' in >request
	in_mock --reply '{prompt} {images}' -- 'bf-llm request && bf-llm --cached-only request >again'
	is "$status $(jq -r .response.text out)" "0 What? [$(told photo image/png),$(told dot.gif image/gif)]" \
		"$provider: it gets the images whole"
	jq -c 'del(.request)' out >first
	jq -c 'del(.request)' again >second
	same first second "$provider: a rerun finds the answer"
	is "$(wc -l <log)" 1 "$provider: and asks for nothing"
	cat .bf/ledger/*.zst | zstd -dc >records
	is "$(jq -r '.req.messages[0].content[1:][].image_url.url' records)" "$(kept photo image/png)
$(kept dot.gif image/gif)" "$provider: the ledger keeps their digests"
	[ "$(wc -c <records)" -lt 2000 ]
	ok $? "$provider: and is short"
	! grep -qf piece records
	ok $? "$provider: nothing of the image is in it"
done

# The key is of the bytes, as it always was: made here by hand.
bf-prompt -m m@openai --image i 'What?' in >request
rm -rf .bf
in_mock -- 'bf-llm request'
jq -jcS '.request | del(.model) | {body: ., dialect: "openai-chat", endpoint: "mock", model: "m", sample: 0}' request >text
is "$(bf-ledger cat | jq -r .k)" "$(b2sum -l 128 text | cut -d' ' -f1)" "the key is of the bytes"
printf '\0' >>photo
bf-prompt -m m@openai --image i 'What?' in >changed
in_mock -- 'bf-llm --cached-only changed'
is "$status" 1 "a file that changed is another call"

# ---- files, and other places ----

rm -rf .bf
echo '{"i":"paper.pdf"}' >pdf
for provider in openai openai-responses anthropic gemini; do
	bf-prompt -m m@$provider --image i t pdf
done >request
in_mock -- 'bf-llm request'
is "$status $(bf-ledger cat | jq -r '.req.messages[0].content[1].file | .file_data, .filename' | sort | uniq -c | tr -s ' ' | tr '\n' ';')" \
	"0  4 $(kept paper.pdf application/pdf); 4 paper.pdf;" "a PDF is sent in all dialects, and kept as its digest"
rm -rf .bf
url=data:image/gif\;base64,R0lGODlh
echo "{\"request\":{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"$url\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"$url\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://h/a\"}}]}]}}" >texts
in_mock -- 'bf-llm texts'
is "$status $(bf-ledger cat | jq -c .req)" "0 $(jq -cS .request texts)" "a text that looks like one is a text, a URL stays"

# ---- sent again ----

rm -rf .bf
bf-prompt -m m@openai --image i 'What?' in >request
images="[$(told photo image/png),$(told dot.gif image/gif)]"
in_mock --fail-first 2:503 --retry-after 0 -- 'bf-llm request'
is "$status $(jq -c '[.status, .images]' log)" "0 [503,null]
[503,null]
[200,$images]" "an attempt that follows others sends the images"
is "$(bf-ledger cat | jq -r '.req.messages[0].content[1].image_url.url' | sort -u)" "$(kept photo image/png)" \
	"each is recorded with digests"
serve_as broken --status 400:1
serve_as good
for p in good broken; do
	printf '"%s": {"base_url": "%s", "dialect": "openai-chat", "key": "KEY"},\n' $p "$(cat $p.url)"
done | sed '1s/^/{/; $s/,$/}/' >config/bf/providers.json
bf-prompt -m m@broken --image i 'What?' in >other
KEY=k run bf-llm --fallback n@good other
is "$status $(jq -c '[.status, .images]' broken.log good.log)" "0 [400,null]
[200,$images]" "--fallback sends them to the other one"

# ---- what is recorded is not sent ----

bf-ledger cat | head -n 1 | jq -c '{request: .req}' >recorded
in_mock -- 'bf-llm -m m --errors e recorded'
is "$status $([ ! -s log ]; echo $?) $(jq -r .error.message e)" \
	"1 0 the request holds an image as its digest, as a ledger keeps it: the image itself is needed" \
	"a request from the ledger is refused, not sent"

# ---- a limit of tokens, an estimate ----

rm -rf .bf
in_mock -- 'bf-llm --tpm 20000 request'
is "$status" 0 "an image's bytes are no tokens"
bf-prompt -m m@openai --image i 'Where?' in >where
in_mock -- 'bf-llm --plan where'
is "$status $(awk '$1 == "m" { print ($3 > 1000 && $3 < 4000) }' out)" "1 1" "nor does --plan take them for some"
bf-prompt -m m@openai --image i --samples 9 'What?' in >nine
in_mock -- 'bf-llm nine >/dev/null && bf-llm --plan where'
like "$status $(awk '$1 == "m" { print ($3 < 4000) }' out) $(tail -n 1 out)" "1 1 as the answers in the ledger were*" "and it learns from what is recorded"

# ---- bf-ledger ----

rm -rf .bf
bf-prompt -m m@openai --image i --samples 2 'What?' in >two
bf-prompt -m m@openai --image i 'What now?' in >now
in_mock -- 'bf-llm two now && for e in two now request; do for k in $(bf-ledger grep -k .); do bf-ledger why $e $k 2>/dev/null; done; done'
tail -n +4 out | sort | uniq -c | sed 's/^ *//' >got
cat >want <<'E'
2 body.messages[0].content[0].text: "What now?" -> "What?"
2 body.messages[0].content[0].text: "What?" -> "What now?"
3 the same call
2 the sample or the dialect, which is not known of a record without its images
E
same want got "why: keys tell whether it is the same call, what is known is compared"
in_mock -- 'set -- $(bf-ledger grep -k .); for a; do for b; do bf-ledger why $a $b; done; done'
is "$(grep -c 'the same call' out)" 3 "why: so it is between records"
tail -n 1 two >second
in_mock -- 'for k in $(bf-ledger grep -k "What.$"); do bf-ledger why second $k; bf-ledger why $k second; done'
is "$(sort out | uniq -c | sed 's/^ *//')" "2 the same call
2 the sample or the dialect, which is not known of a record without its images" "why: the other sample"
sed 's/"photo"/"dot.gif"/' in >small
bf-prompt -m m@openai --image i 'What?' small >small.request
in_mock -- 'bf-ledger why small.request $(bf-ledger grep -k "What.$" | head -n 1)'
like "$status $(cat out)" '1 body.messages[[]0].content[[]1].image_url.url: "digest:image/gif;* -> "digest:image/png;*' "why: another image"
run bf-ledger export
is "$status $(wc -c <out)" "0 0" "export leaves out what no model can be trained with"
like "$(cat err)" '*3 answers left out: their images or files are not in the ledger*' "and says so"
run bf-ledger grep -k "blake2b=$(b2sum -l 128 <photo | cut -d' ' -f1)"
is "$status $(wc -l <out)" "0 3" "grep finds the calls with an image"
run bf-ledger show "$(bf-ledger grep -k now)"
like "$(cat out)" "*\"url\": \"$(kept photo image/png)\"*" "show has the digest"
run bf-ledger verify
is "$status" 0 "verify finds nothing wrong"
done_testing
