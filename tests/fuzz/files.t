#!/bin/bash
# Files of every kind that is read, spoilt at random: each is read or refused, with
# a message, and what comes out is entries.  The same in each run; BF_FUZZ=N takes
# N spoilt ones of each kind, BF_SOAK=1 100.
. "$(dirname "$0")/../lib.sh"
DATA=$TESTS/data/read

many=${BF_FUZZ:-${BF_SOAK:+100}}
many=${many:-15}
export TMPDIR=$TMP/tmp
mkdir tmp

head -c 6000 "$DATA/blocks.md" >kind.md
head -c 3000 "$DATA/alice29.txt" >kind.txt
printf '%s\n' '{"id":"a","t":"x\u00e9\n"}' '{"n":[1,{"a":null}],"id":7}' '{"t":"😀"}' >kind.jsonl
jq -s . kind.jsonl >kind.json
printf 'id,"a ""b""",c\n1,"x\ny",é\n2,,"😀,"\r\n3,4,5\n' >kind.csv
printf 'id\ta\\tb\n1\tx\\ny\n2\t\n' >kind.tsv
gzip -nc kind.jsonl >kind.jsonl.gz
zstd -qc kind.md >kind.md.zst
sqlite3 kind.sqlite "pragma page_size=512; create table t(id, \"a b\" text, c real);
	with recursive n(i) as (select 1 union all select i + 1 from n where i < 200)
	insert into t select i, 'text ' || i, i * 0.5 from n; create index i on t(c)"

# read_one SEED KIND ARG...: 0 if the file was read or refused as it should be
read_one() {
	local seed=$1 kind=$2 status=0
	shift 2
	"$BUILD/tests/mutate" "$seed" <"kind.$kind" >"spoilt.$kind" || return 1
	timeout 20 bf-read "$@" "spoilt.$kind" >out 2>err || status=$?
	cat out >>"all.$kind"
	case $status in
	0) ;;
	1 | 2) [ -s err ] || return 1 ;;
	*) return 1 ;;
	esac
	left=(tmp/* tmp/.[!.]*)
	[ "${left[*]}" = "tmp/* tmp/.[!.]*" ]
}
# spoilt KIND ARG...
spoilt() {
	local seed bad=0
	for ((seed = 1; seed <= many && bad == 0; seed++)); do
		read_one "$seed" "$@" || bad=$seed
	done
	is "$bad" 0 "$many spoilt files: $*" || sed 's/^/# /' err
	jq -es 'map(type == "object") | all' "all.$1" >valid 2>&1
	ok $? "... give entries, or none" || head -c 500 valid
}
for as in file lines sections paragraphs; do
	spoilt md --as $as
	spoilt txt --as $as
done
spoilt jsonl --keep-going
spoilt json
spoilt csv --keep-going
spoilt csv --infer
spoilt tsv
spoilt jsonl.gz
spoilt md.zst
spoilt sqlite
spoilt sqlite --query 'select * from t order by c'
done_testing
