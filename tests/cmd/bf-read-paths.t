#!/bin/sh
. "$(dirname "$0")/../lib.sh"

# The rest about paths is in bf-read.t.

# sources ARGS...: which files are read
sources() { bf-read --id none "$@" | jq -r '.source' | tr '\n' ' '; }

mkdir -p t/sub/deep t/.hid/in t/build t/z
for f in a.md b.txt c.org .h.md sub/a.md sub/d.c sub/deep/e.md sub/deep/.f.txt .hid/g.md .hid/in/h.md build/i.md z/j.md; do
	echo "$f" >"t/$f"
done

# ---- patterns ----
is "$(sources 't/*.md')" "t/a.md " "a pattern; hidden files are not meant"
is "$(sources 't/*/a.md' 't/[b-c].*')" "t/sub/a.md t/b.txt t/c.org " "several, and what matches is read whatever its name"
is "$(sources 't/s*')" "t/sub/a.md t/sub/deep/e.md " "a folder that matches is read"
run bf-read 't/*.xml' t/a.md
is "$(cat err) $status" "bf-read: t/*.xml: no file matches this pattern 2" "none that matches"
is "$(sed \$d out | jq -r .source)" "t/a.md" "the others are read"
echo x >'t/q[1].md'
is "$(sources 't/q[1].md')" "t/q[1].md " "a file of that name comes first"
rm 't/q[1].md'
ln -s nowhere t/z/dangling.md
run bf-read 't/z/*.md'
is "$(cat err) $status" "bf-read: t/z/dangling.md: No such file or directory 2" "a link to nothing"
rm t/z/dangling.md

# ---- folders ----
all="t/a.md t/b.txt t/build/i.md t/sub/a.md t/sub/deep/e.md t/z/j.md "
is "$(sources t)" "$all" "a folder"
is "$(sources --recursive t)" "$all" "--recursive is the default"
is "$(sources --no-recursive t)" "t/a.md t/b.txt " "--no-recursive"
is "$(sources --no-recursive --recursive t)" "$all" "the last one counts"
is "$(sources --include '*.md' t)" "t/a.md t/build/i.md t/sub/a.md t/sub/deep/e.md t/z/j.md " "--include"
is "$(sources --include '*.org' --include '*.c' t)" "t/c.org t/sub/d.c " "--include, twice, of other extensions"
is "$(sources --include 'sub/*' t/)" "t/sub/a.md t/sub/d.c " "--include by path"
is "$(cd t && sources --include 'sub/*.md' .)" "sub/a.md " "below the current folder"
is "$(sources --include '*/*/*' t)" "t/sub/deep/e.md " "wildcards match no slash"
is "$(sources --include '.h*' t)" "t/.h.md " "--include of a hidden file"
is "$(sources --include '.*.txt' t)" "t/sub/deep/.f.txt " "further down"
is "$(sources --include '.hid/*' t)" "t/.hid/g.md " "of a hidden folder"
is "$(sources --include '.hid/*/*' --include 'a.md' t)" "t/.hid/in/h.md t/a.md t/sub/a.md " "and of one in it"
is "$(sources --exclude a.md --exclude '*.txt' t)" "t/build/i.md t/sub/deep/e.md t/z/j.md " "--exclude"
is "$(sources --exclude sub/a.md t)" "t/a.md t/b.txt t/build/i.md t/sub/deep/e.md t/z/j.md " "--exclude by path"
is "$(sources --exclude deep --exclude build t)" "t/a.md t/b.txt t/sub/a.md t/z/j.md " "--exclude of folders"
is "$(sources --include '*.md' --exclude 'sub' t)" "t/a.md t/build/i.md t/z/j.md " "both"
is "$(sources --exclude '*' t/a.md 't/b.*')" "t/a.md t/b.txt " "what is named is read"
is "$(sources -f md --include '*.c' t)" "t/sub/d.c " "-f"
mkdir t/locked
chmod 0 t/locked
if ! ls t/locked >/dev/null 2>&1; then
	run bf-read t
	is "$status" 2 "a folder that cannot be read"
fi
run bf-read --exclude locked t
is "$(cat err) $status" " 0" "a folder that is left out is not looked into"
chmod 700 t/locked
run bf-read --include '*.xml' t
is "$(cat err) $status" "bf-read: t: nothing here that --include names 0" "nothing that matches"
mkdir f
for f in a.json b.csv c.tsv d.sqlite; do cp t/a.md f/$f; done
printf '{"source":"a"}' >f/a.json
printf 'source,x\nb,1\n' >f/b.csv
printf 'source\tx\nc\t1\n' >f/c.tsv
rm f/d.sqlite
gzip -c f/b.csv >f/e.csv.gz
is "$(sources f)" "a b c b " "formats by extensions, in folders too"

# ---- --as ----
run bf-read --as lines f t/a.md
is "$(sed \$d out | jq -r .source) $status" "t/a.md 2" "--as refuses what has entries of its own"
is "$(head -1 err)" "bf-read: f/a.json: --as is for texts, not for JSON; --exclude leaves it out of a folder, -f text takes it for a text" "naming it"
is "$(wc -l <err)" 4 "each"
is "$(bf-read -f text --as lines f/b.csv | jq -r .keyword | tr '\n' ' ')" "source,x b,1 " "-f text"
is "$(printf '{"a":1}\n' | bf-read --as lines -f jsonl | jq -c .a)" 1 "JSON Lines are lines"
for args in '-f json --as file' '-f csv --as lines' '-f tsv --as sections' '-f sqlite --as paragraphs' \
	'-f md --delimiter ;' '-f tsv --delimiter ;' '-f json --header a' '-f sqlite --infer' '-f csv --table t' '-f text --query x'; do
	# shellcheck disable=SC2086
	run bf-read $args f/b.csv
	is "$status $(wc -l <err) $(wc -c <out)" "2 1 0" "usage: $args"
done

done_testing
