#include "ledger/walk.h"

#include "io/hashset.h"

/*
 * How far a segment has been handed out.  A survey that reads again, because
 * something moved, begins from the first frame; a frame that was taken back
 * into the tail is written again at the same byte with the same lines first.
 */
struct course {
	const struct walk *walk;
	bool begun, ended;
	uint64_t frame; /* of the last line that came out of a frame */
	size_t at;
	struct hashset framed; /* marks of the lines of that frame */
	struct hashset tail;   /* of those that came out of the tail */
};

static bool
is_new(struct course *c, const struct survey_line *l)
{
	uint64_t mark;

	if (!l->in_tail && c->begun &&
	    (l->frame < c->frame || (l->frame == c->frame && l->at <= c->at)))
		return false;
	mark = record_mark(l->line, &l->head);
	if (l->in_tail)
		return !hashset_has(&c->framed, &mark) &&
		       hashset_add(&c->tail, &mark);
	if (!c->begun || l->frame != c->frame)
		hashset_clear(&c->framed);
	c->begun = true;
	c->frame = l->frame;
	c->at = l->at;
	hashset_add(&c->framed, &mark);
	return !hashset_has(&c->tail, &mark);
}

static int
take_line(void *arg, const struct survey_line *l)
{
	struct course *c = arg;

	if (!is_new(c, l))
		return 0;
	if (c->walk->record(c->walk->arg, l) == 0)
		return 0;
	c->ended = true;
	return -1;
}

static int
walk_segment(struct survey *s, const struct walk *w, struct err *e)
{
	struct course c = {.walk = w,
	    .framed = HASHSET_INIT(sizeof(uint64_t)),
	    .tail = HASHSET_INIT(sizeof(uint64_t))};
	struct err mine = ERR_INIT;
	int rc;

	if (w->since != 0 && survey_is_older(s, w->since))
		return 0;
	rc = survey_read(s, w->record == NULL ? NULL : take_line, &c, &mine);
	if (rc != 0 && !c.ended)
		*e = mine;
	if (rc == 0 && survey_found(s)->newer)
		rc = err_set(e,
		    "%s/%s: this segment was written by a newer version: use that "
		    "one, or move the segment away",
		    survey_path(s), survey_name(s));
	if (rc == 0 && w->segment != NULL)
		w->segment(w->arg, s);
	hashset_release(&c.framed);
	hashset_release(&c.tail);
	return rc;
}

int
walk_ledger(const char *dir, const struct walk *w, struct err *e)
{
	struct survey *s = survey_open(dir, w->stranger, w->arg, e);
	char *const *names;
	size_t n = 0;
	int rc;

	if (s == NULL)
		return -1;
	rc = survey_names(s, &names, &n, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = survey_take(s, names[i], SURVEY_FREE, e) < 0
			 ? -1
			 : walk_segment(s, w, e);
	}
	survey_close(s);
	return rc;
}
