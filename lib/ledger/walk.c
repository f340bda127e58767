#include "ledger/walk.h"

#include "base/mem.h"

#include <stdlib.h>

struct marks {
	uint64_t *v;
	size_t n, cap;
};

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
	struct marks framed; /* the lines of that frame */
	struct marks tail;   /* those that came out of the tail */
};

static void
marks_add(struct marks *m, uint64_t mark)
{
	if (m->n == m->cap) {
		m->cap = m->cap == 0 ? 256 : 2 * m->cap;
		m->v = mem_resize(m->v, m->cap, sizeof(*m->v));
	}
	m->v[m->n++] = mark;
}

static bool
marks_have(const struct marks *m, uint64_t mark)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i] == mark)
			return true;
	return false;
}

static bool
is_new(struct course *c, const struct survey_line *l)
{
	uint64_t mark;

	if (!l->in_tail && c->begun &&
	    (l->frame < c->frame || (l->frame == c->frame && l->at <= c->at)))
		return false;
	mark = record_mark(l->line, &l->head);
	if (l->in_tail) {
		if (marks_have(&c->framed, mark) || marks_have(&c->tail, mark))
			return false;
		marks_add(&c->tail, mark);
		return true;
	}
	if (!c->begun || l->frame != c->frame)
		c->framed.n = 0;
	c->begun = true;
	c->frame = l->frame;
	c->at = l->at;
	marks_add(&c->framed, mark);
	return !marks_have(&c->tail, mark);
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
	struct course c = {.walk = w};
	struct err mine = ERR_INIT;
	int rc;

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
	free(c.framed.v);
	free(c.tail.v);
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
