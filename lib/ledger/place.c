#include "ledger/internal.h"

#define TRIES 16

struct place
place_of_entry(const struct ledger *l, const struct table_entry *e)
{
	return (struct place){.entry = *e, .segment = l->frames[e->frame].segment};
}

bool
place_same(const struct place *a, const struct place *b)
{
	return a->indexed == b->indexed && a->segment == b->segment &&
	       a->entry.frame == b->entry.frame && a->entry.line == b->entry.line;
}

int64_t
place_earliest(struct ledger *l, const struct place *p)
{
	struct index_frame f;

	if (!p->indexed)
		return l->frames[p->entry.frame].first;
	return index_frame(l->segments[p->segment].index, p->entry.frame, &f)
		   ? f.first
		   : INT64_MIN;
}

int64_t
place_latest(struct ledger *l, const struct place *p)
{
	struct index_frame f;

	if (!p->indexed)
		return l->frames[p->entry.frame].last;
	return index_frame(l->segments[p->segment].index, p->entry.frame, &f)
		   ? f.last
		   : INT64_MAX;
}

/* A line of that key; whether its crc holds is not looked at. */
static int
line_at(struct ledger *l, const struct place *p, struct found_line *line)
{
	struct span text;

	line->checked = NULL;
	if (p->indexed) {
		if (store_indexed_line(l, p, line) != 0)
			return -1;
	} else if (store_text(l, p->entry.frame, &text) != 0 ||
		   store_line_in(
		       text, p->entry.line & ~TABLE_FORGOTTEN, &line->text) != 0)
		return -1;
	if (line->checked != NULL)
		line->head = record_head_of(&line->checked->record);
	else if (record_head(line->text, &line->head) != 0)
		return -1;
	return memcmp(line->head.key, p->entry.key, sizeof(line->head.key)) == 0
		   ? 0
		   : -1;
}

/*
 * A short last frame may have been taken back into the tail and written again,
 * longer, at the same offset, by the next owner of the segment: what is not
 * in the one place is in the other.
 */
static int
line_beyond(struct ledger *l, const struct place *p, struct found_line *line)
{
	for (int i = 0; i < TRIES; i++) {
		if (line_at(l, p, line) == 0 && record_crc_holds(line->text))
			return 0;
		if (l->frames[p->entry.frame].kind != FRAME_IN_SEGMENT)
			return -1;
		store_drop(l, p->entry.frame);
		if (tail_find(l, p->segment, p->entry.key, &line->text) == 1 &&
		    record_head(line->text, &line->head) == 0)
			return 0;
	}
	return -1;
}

int
place_line(struct ledger *l, const struct place *p, struct found_line *line)
{
	if (!p->indexed)
		return line_beyond(l, p, line);
	return line_at(l, p, line) == 0 &&
		       (line->checked != NULL || record_crc_holds(line->text))
		   ? 0
		   : -1;
}

int64_t
place_time(struct ledger *l, const struct place *p)
{
	int64_t first = place_earliest(l, p);
	struct found_line line;

	if (first == place_latest(l, p))
		return first;
	return line_at(l, p, &line) == 0 ? line.head.time : INT64_MIN;
}

/* Of two of the same millisecond, the one further on. */
static bool
is_newer(struct ledger *l, const struct place *a, const struct place *b)
{
	int64_t x, y;

	if (place_earliest(l, a) > place_latest(l, b))
		return true;
	if (place_latest(l, a) < place_earliest(l, b))
		return false;
	x = place_time(l, a);
	y = place_time(l, b);
	if (x != y)
		return x > y;
	if (a->segment != b->segment)
		return strcmp(l->segments[a->segment].name,
			   l->segments[b->segment].name) > 0;
	return !a->indexed;
}

/* A better place in a segment's index, if there is one; -1: the index is broken. */
static int
look_into(struct ledger *l, uint32_t segment, const unsigned char *key,
    struct place *best, bool *found)
{
	struct index *ix = l->segments[segment].index;
	struct place p = {.segment = segment, .indexed = true};
	bool there;

	if (ix == NULL || (*found && ix->last < place_earliest(l, best)))
		return 0;
	/* A rerun asks in the ledger's order, and need not search. */
	there = (ix->distinct && store_next(l, segment, key, &p.entry)) ||
		index_find(ix, key, &p.entry);
	if (ix->broken)
		return -1;
	if (!there)
		return 0;
	if (*found && !is_newer(l, &p, best))
		return ix->broken ? -1 : 0;
	*best = p;
	*found = true;
	return 0;
}

static bool
find(struct ledger *l, const unsigned char *key, struct place *p)
{
	const struct table_entry *e;
	uint32_t i, n;
	bool found;

again:
	e = table_find(&l->table, key);
	found = e != NULL;
	if (found)
		*p = place_of_entry(l, e);
	n = (uint32_t)l->nsegments;
	for (i = 0; n > 2 && i < n; i++)
		if (l->segments[i].index != NULL)
			index_prefetch(l->segments[i].index, key);
	for (i = 0; i < n; i++) {
		/* The one of the last hit first, then the others. */
		uint32_t s = i == 0 ? l->last_hit : i <= l->last_hit ? i - 1 : i;
		bool before = found;
		if (look_into(l, s, key, p, &found) != 0) {
			sidecar_drop(l, s);
			scan_again(l, s);
			goto again;
		}
		if (!before && found && n > 1 && repeats_not(l, key))
			break;
	}
	return found;
}

bool
place_find(struct ledger *l, const unsigned char *key, struct place *p)
{
	if (l->has_memo && memcmp(l->memo.entry.key, key, LEDGER_KEY_SIZE) == 0) {
		*p = l->memo;
		return true;
	}
	if (!find(l, key, p))
		return false;
	if (p->indexed)
		l->last_hit = p->segment;
	l->memo = *p;
	l->has_memo = true;
	return true;
}
