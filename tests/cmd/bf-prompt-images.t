#!/bin/bash
# bf-prompt --image: images beside the text.
. "$(dirname "$0")/../lib.sh"

# prompt ENTRY ARG...: the run's output for one entry
prompt() {
	printf '%s\n' "$1" >in
	shift
	run bf-prompt "$@" <in
}

# content WANT NAME: the output is one request with this content, nothing was said
content() {
	is "$status $(jq -c '.request.messages[-1].content' out) $(cat err)" "0 $1 " "$2"
}

# refused PATTERN NAME: the entry failed, and the message is this
refused() {
	is "$status $(wc -c <out)" "1 0" "$2: the entry fails"
	like "$(cat err)" "bf-prompt: <stdin>:1: bad_image: field \"i\": $1" "$2: says why"
}

# part TYPE FILE: what it becomes
part() { printf '{"type":"image_url","image_url":{"url":"data:%s;base64,%s"}}' "$1" "$(base64 -w 0 "$2")"; }
text() { printf '{"type":"text","text":"%s"}' "$1"; }

mkdir pictures
printf '\211PNG\r\n\032\n and more' >pictures/a
printf '\377\330\377\340 and more' >jpeg.png
printf 'GIF87a.' >old.gif
printf 'GIF89a' >new.gif
printf 'RIFF\1\2\3\4WEBPVP8 ' >webp
printf '%%PDF-1.7\n' >'pictures/p "1".pdf'

# ---- files ----

prompt '{"i":"pictures/a","q":"what"}' --image i -m m -s sys -p n=1 'See {q}'
is "$status $(cat out err)" '0 {"i":"pictures/a","q":"what","request":{"model":"m","messages":[{"role":"system","content":"sys"},{"role":"user","content":['"$(text 'See what'),$(part image/png pictures/a)"']}],"n":1}}' \
	"a file beside the text"
while read -r type file; do
	prompt "{\"i\":\"$file\"}" --image i t
	content "[$(text t),$(part "$type" "$file")]" "$file: told by its bytes"
done <<E
image/jpeg jpeg.png
image/gif old.gif
image/gif new.gif
image/webp webp
image/png $TMP/pictures/a
E
prompt '{"i":"pictures/p \"1\".pdf"}' --image i t
content "[$(text t),"'{"type":"file","file":{"file_data":"data:application/pdf;base64,JVBERi0xLjcK","filename":"p \"1\".pdf"}}]' \
	"a PDF is a file, with its name"
ln -s pictures/a link
prompt '{"i":"li\u006ek"}' --image i t
content "[$(text t),$(part image/png pictures/a)]" "a link is followed, an escape in the path is none of the file's name"

# Around the blocks in which files are read.
for n in 49150 49151 49152 49153 98304 300000; do
	{ printf 'GIF89a'; head -c $((n - 6)) /dev/urandom; } >big
	prompt '{"i":"big"}' --image i t
	jq -r '.request.messages[0].content[1].image_url.url' out | sed 's/^data:image.gif;base64,//' | base64 -d >back
	same big back "a file of $n bytes"
done

# ---- URLs, several, none ----

prompt '{"i":"https:\/\/x/a.png?\u0026","j":"http://y/b"}' --image j --image i t
is "$(cat out)" '{"i":"https:\/\/x/a.png?\u0026","j":"http://y/b","request":{"messages":[{"role":"user","content":['"$(text t)"',{"type":"image_url","image_url":{"url":"http://y/b"}},{"type":"image_url","image_url":{"url":"https:\/\/x/a.png?\u0026"}}]}]}}' \
	"URLs as they are written, in the order of the options"
prompt '{"i":"data:image/x-new;a=b;base64,AA=="}' --image i t
content "[$(text t),"'{"type":"image_url","image_url":{"url":"data:image/x-new;a=b;base64,AA=="}}]' "a data: URL goes on as it is"
prompt '{"i":"data:application/pdf;base64,JVBERi0="}' --image i t
content "[$(text t),"'{"type":"file","file":{"file_data":"data:application/pdf;base64,JVBERi0=","filename":"document.pdf"}}]' "a data: URL of a PDF is a file"
prompt '{"o":{"l":["new.gif",null,"","http://y/b"]}}' --image 'o.l' --image '/o/l/0' --image 'o.l[1]' --image none t
content "[$(text t),$(part image/gif new.gif),"'{"type":"image_url","image_url":{"url":"http://y/b"}},'"$(part image/gif new.gif)]" \
	"an array, paths and pointers; nulls are none"
for none in '{}' '{"i":null}' '{"i":""}' '{"i":[]}' '{"i":[null,""]}'; do
	prompt "$none" --image i t
	content '"t"' "$none has no image: its content stays a string"
done
prompt '{"i":"new.gif"}' --image i '{q:-}'
content "[$(text ''),$(part image/gif new.gif)]" "a text that is empty"
prompt '{"i":"new.gif","a":1}' --image i --samples 2 '{a}'
is "$status $(jq -c '[.sample, .request.messages[0].content[1]]' out | tr '\n' ' ')" "0 [0,$(part image/gif new.gif)] [1,$(part image/gif new.gif)] " "samples"
echo 'F {i}' >template
printf '%s\n' '{"i":"old.gif"}' >one
run bf-prompt -f template --image i one
content "[$(text 'F old.gif'),$(part image/gif old.gif)]" "-f"

# ---- entries that fail ----

prompt '{"i":"no.png"}' --image i t
refused '"no.png": No such file or directory' "a file that is not there"
: >empty
prompt '{"i":"empty"}' --image i t
refused '"empty" is empty' "an empty file"
prompt '{"i":"pictures"}' --image i t
refused '"pictures" is a folder, not a file' "a folder"
mkfifo fifo
prompt '{"i":"fifo"}' --image i t
refused '"fifo" is a FIFO, not a file' "a FIFO is not waited for"
prompt '{"i":"/dev/zero"}' --image i t
refused '"/dev/zero" is a device or socket, not a file' "a device"
if [ "$(id -u)" -ne 0 ]; then
	cp new.gif closed
	chmod 0 closed
	prompt '{"i":"closed"}' --image i t
	refused '"closed": Permission denied' "a file that may not be read"
fi
for bad in 'GIF88a' 'BM' 'RIFF....WAVE' 'RIFF' ' GIF89a' '<svg>'; do
	printf '%s' "$bad" >bad.png
	prompt '{"i":"bad.png"}' --image i t
	refused '"bad.png" is no PNG, JPEG, GIF, WebP or PDF: convert it to one of these' "'$bad'"
done
printf 'GIF89a' >large.gif
truncate -s 20M large.gif
prompt '{"i":"large.gif"}' --image i t
is "$status $(jq -r '.request.messages[0].content[1].image_url.url | length' out)" "0 $((22 + (20971520 + 2) / 3 * 4))" "20 MiB are taken"
truncate -s +1 large.gif
prompt '{"i":"large.gif"}' --image i t
refused '"large.gif" is larger than the 20 MiB that providers take: make it smaller' "a byte more is not"
truncate -s 20M large.gif
prompt '{"i":["large.gif","large.gif","large.gif","large.gif","large.gif"]}' --image i t
refused '\[4]: with this image the request is longer than the 128 MiB that bf-llm takes' "a request that is too long"
prompt '{"i":{"url":"x"}}' --image i t
refused 'object, where the path or URL of an image should be' "an object"
prompt '{"i":["new.gif",7]}' --image i t
refused '\[1]: number, where the path or URL*' "a number in an array"
prompt '{"i":[["new.gif"]]}' --image i t
refused '\[0]: array, where the path or URL*' "an array in an array"
prompt '{"i":"new.gif\u0000.png"}' --image i t
refused 'a NUL byte is in the path' "a NUL byte"
prompt '{"i":"data:image/png,abc"}' --image i t
refused 'a data: URL that is not in base64' "a data: URL that is not in base64"
prompt '{"i":"data:text/plain;base64,AA=="}' --image i t
refused 'a data: URL of no image and no PDF' "a data: URL of a text"

printf '%s\n' '{"n":1,"i":"new.gif"}' '{"n":2,"i":"no"}' '{"n":3}' >in
run bf-prompt --image i t in
is "$status $(jq -c .n out | tr '\n' ' ')" "1 1 3 " "the others go on"
like "$(cat err)" 'bf-prompt: in:2: *field "i": "no": No such file*' "the message names file, line and field"
run bf-prompt --errors e --image i t in
is "$status $(cat e err)" '1 {"n":2,"i":"no","error":{"class":"bad_image","message":"field \"i\": \"no\": No such file or directory"}}' \
	"--errors: the entry as it was, and why"
cp new.gif no
run bf-prompt --image i t e
content "[$(text t),$(part image/gif no)]" "a file of errors is input"

# ---- beneath a folder ----

mkdir -p dir/sub
cp new.gif dir/a.gif
cp new.gif dir/sub/b.gif
for path in a.gif ./sub/b.gif sub//b.gif http://y/b data:image/png\;base64,AAAA; do
	prompt "{\"i\":\"$path\"}" --image-dir dir --image i t
	is "$status $(jq '.request.messages[0].content | length' out)" "0 2" "--image-dir: $path"
done
for path in ../new.gif "$TMP/dir/a.gif" sub/../a.gif ..; do
	prompt "{\"i\":\"$path\"}" --image-dir dir --image i t
	refused "\"$path\": leads out of --image-dir: *" "--image-dir: $path"
done
ln -s ../new.gif dir/out.gif
ln -s "$TMP" dir/up
for path in out.gif up/new.gif; do
	prompt "{\"i\":\"$path\"}" --image-dir dir --image i t
	is "$status $(wc -c <out)" "1 0" "--image-dir: a link that leads out, $path"
done
mkfifo dir/fifo
prompt '{"i":"fifo"}' --image-dir dir --image i t
refused '"fifo" is a FIFO, not a file' "--image-dir: a FIFO"

# ---- usage ----

for args in '--image a[' '--image=' '--image-dir dir'; do
	# shellcheck disable=SC2086
	prompt '{}' $args t
	is "$status $(wc -c <out) $(wc -l <err)" "2 0 1" "$args: wrong usage"
done
prompt '{}' --image i --image-dir none t
is "$status $(cat err)" "2 bf-prompt: --image-dir: none: No such file or directory" "a folder that is not there"
prompt '{}' --image i --image-dir new.gif t
is "$status $(cat err)" "2 bf-prompt: --image-dir: new.gif: Not a directory" "a folder that is none"
done_testing
