#include "ledger/merge.h"

#include "base/mem.h"
#include "io/hashset.h"
#include "ledger/walk.h"

#include <stdlib.h>

#define TURN ((size_t)1 << 20) /* bytes a commit */

struct merge {
	struct ledger *ledger;
	struct hashset marks;
	size_t pending;
};

/* Key, time and status in 16 bytes; for one key never the same for two. */
struct mark {
	uint64_t a, b;
};

/* false if it is there already. */
static bool
add_mark(struct merge *m, const struct record_head *h)
{
	uint64_t word = (uint64_t)h->time << 2 | (uint64_t)h->status;
	struct mark mark;

	memcpy(&mark, h->key, sizeof(mark));
	mark.a ^= word * 0x9e3779b97f4a7c15;
	mark.b ^= (word ^ word >> 29) * 0xd6e8feb86659fd93;
	return hashset_add(&m->marks, &mark);
}

static int
learn_line(void *arg, const struct survey_line *l)
{
	add_mark(arg, &l->head);
	return 0;
}

static void
merge_free(struct merge *m)
{
	hashset_release(&m->marks);
	free(m);
}

struct merge *
merge_open(const char *dir, const struct ledger_options *o, struct err *e)
{
	struct merge *m = mem_zero(1, sizeof(*m));
	struct walk walk = {.record = learn_line, .arg = m};
	struct err later;

	m->marks = HASHSET_INIT(sizeof(struct mark));
	m->ledger = ledger_open(dir, o, e);
	if (m->ledger != NULL && walk_ledger(dir, &walk, e) == 0)
		return m;
	ledger_close(m->ledger, &later);
	merge_free(m);
	return NULL;
}

enum merge_result
merge_line(struct merge *m, struct span line, struct err *e)
{
	struct record_head h;

	if (record_head(line, &h) != 0) {
		err_set(e, "this is no record");
		return MERGE_BAD;
	}
	if (!record_crc_holds(line)) {
		err_set(e, "the record's crc does not hold");
		return MERGE_BAD;
	}
	if (!add_mark(m, &h))
		return MERGE_HAD;
	if (ledger_append_line(m->ledger, line, e) != 0)
		return MERGE_CANNOT;
	m->pending += line.n;
	if (m->pending < TURN)
		return MERGE_TAKEN;
	m->pending = 0;
	return ledger_commit(m->ledger, e) == 0 ? MERGE_TAKEN : MERGE_CANNOT;
}

int
merge_close(struct merge *m, struct err *e)
{
	int rc = ledger_commit(m->ledger, e);
	struct err later;

	if (ledger_close(m->ledger, rc == 0 ? e : &later) != 0)
		rc = -1;
	merge_free(m);
	return rc;
}
