# make -f poems.mk: a poem for each of three stories.
SHELL = bash
.SHELLFLAGS = -o pipefail -c
.DELETE_ON_ERROR:

poems.txt: poems.jsonl
	bf-save -q -f txt --fields text $@ <$<

poems.jsonl: stories.md
	bf-read --as lines $< | bf-take -n 3 | \
	bf-prompt -m gpt-4o-mini@openai 'A poem: {keyword}' | \
	bf-llm -q | bf-extract | bf-save -q $@
