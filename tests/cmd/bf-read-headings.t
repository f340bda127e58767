#!/bin/bash
# The headings over each block of a Markdown text are those of cmark's own tree.
. "$(dirname "$0")/../lib.sh"

mkdir docs trees
cp "$TESTS/data/read/blocks.md" docs
python3 - <<'END'
import random
random.seed(3)
pieces = ['# One', '## Two `code` *and* [link](u)', '### Three ###', '###### Six', '#No heading', '    # code', '####### seven',
    'Setext\n======', 'Also *setext*\nof two lines\n---', '```\n# fenced\n```', '~~~ md\nfenced\n---\n~~~', '> # quoted\n> text', '- # in a list\n- b',
    '1. a\n\n   # within', '---', '***', 'text', 'text\n# heading after text', '<div>\n# in HTML\n</div>', '<!-- # comment -->', '[ref]: /url',
    '\\# escaped', '#', '## &amp; &copy;', '# tab\there', '#\ttab', 'é\n==', '- a\n- b', '    indented\n\n    more', '```\n# not closed', '<p>\n\n# after']
for i in range(150):
    with open('docs/%03d.md' % i, 'w') as f:
        f.write(random.choice(['\n\n', '\n']).join(random.choice(pieces) for _ in range(random.randint(1, 14))) + '\n')
END
for f in docs/*.md; do
	cmark -t xml "$f" >"trees/$(basename "$f").xml"
done
cat >want.py <<'END'
import glob, json, os
import xml.etree.ElementTree as tree

def name(node):
    return node.tag.split('}')[1]

def title(node):
    if name(node) in ('text', 'code'):
        return node.text or ''
    if name(node) in ('softbreak', 'linebreak'):
        return ' '
    return ''.join(map(title, node))

for f in sorted(glob.glob('docs/*.md')):
    above = []
    for node in tree.parse('trees/' + os.path.basename(f) + '.xml').getroot():
        if name(node) == 'heading':
            level = int(node.get('level'))
            above = [h for h in above if h[0] < level] + [(level, title(node).strip())]
        elif name(node) != 'thematic_break':
            print(json.dumps([f, [h[1] for h in above]], ensure_ascii=False, separators=(',', ':')))
END
python3 want.py >want
bf-read --as paragraphs docs | jq -c '[.source, .headings]' >got
same want got "$(wc -l <want) blocks of $(find docs -name '*.md' | wc -l) texts"
done_testing
