/*
 * What is asked after an entry's answer, for an entry of its own behind it: the
 * next page of a list that comes in pages.
 *
 * As with all that is asked further, the way follows from the entry and the answers
 * alone.
 */
#include "engine/private.h"

#include <inttypes.h>

enum { PAGES_MOST = 10000 }; /* of an entry, where nobody says how many */

/* The page's own, with what it asks in en->other. */
static struct job *
page_new(struct engine *en, const struct job *before, struct span next)
{
	struct job *job = job_new(span_of(before->line, before->n), before->file,
	    before->lineno, &en->other);

	job->way.page = before->way.page + 1;
	buf_addspan(&job->way.body, next);
	job->held += job->way.body.cap;
	return job;
}

/* Its place is behind the one that it follows from. */
static void
put_behind(struct engine *en, struct job *before, struct job *job)
{
	if (en->o->unordered) {
		output_queue(en, job);
		return;
	}
	job->next = before->next;
	before->next = job;
	if (en->last == before)
		en->last = job;
	en->held += job->held;
}

static void
fail(struct engine *en, struct job *before, struct span next, const char *class,
    const char *why)
{
	struct job *job;

	en->other.provider = NULL;
	job = page_new(en, before, next);
	job->outcome = outcome_failed(class, why, 0, 0);
	put_behind(en, before, job);
	limits_settled(en, class);
}

/* What next asks, into en->other. */
static int
read_request(
    struct engine *en, const struct entry *entry, struct span next, struct err *e)
{
	struct way way = {.asked = 0};
	int rc;

	buf_addspan(&way.body, next);
	rc = input_request(en, &en->other, entry, &way, e);
	buf_release(&way.body);
	return rc;
}

static void
ask(struct engine *en, struct job *before, struct span next)
{
	struct job *job;

	if (en->no_sending) {
		en->left++;
		return;
	}
	job = page_new(en, before, next);
	calls_add(en, job, &en->other, true);
	if (!en->o->unordered)
		put_behind(en, before, job);
	else
		en->held += job->held;
}

/* Whether an entry gets another page; it does not get so many that they never end.
 */
static bool
may_follow(const struct engine *en, const struct way *way, struct err *e)
{
	if (en->o->pages == 0 && way->page + 1 == PAGES_MOST)
		err_set(
		    e, "%d pages, and no end: say how many are wanted", PAGES_MOST);
	return way->page + 1 != en->o->pages;
}

void
pages_follow(struct engine *en, struct job *job, struct span next)
{
	struct err e = ERR_INIT;
	struct json_fault f;

	if (next.n == 0 || job->followed || !may_follow(en, &job->way, &e) ||
	    entry_parse(&en->again, span_of(job->line, job->n), &f) != 0)
		return;
	job->followed = true;
	en->entries++;
	if (e.text[0] == '\0' && read_request(en, &en->again, next, &e) == 0 &&
	    memcmp(en->other.key, job->key, sizeof job->key) == 0)
		err_set(&e, "the next page is this one again");
	if (e.text[0] != '\0')
		fail(en, job, next, "bad_request", e.text);
	else if (anew_is_hit(en, en->other.provider, en->other.key)) {
		en->hits++;
		put_behind(en, job, page_new(en, job, next));
	} else if (en->o->cached_only)
		fail(en, job, next, "not_cached", "the ledger has no answer");
	else
		ask(en, job, next);
}

bool
pages_next(struct engine *en, struct way *way, struct buf *next)
{
	struct err e = ERR_INIT;

	if (next->len == 0 || !may_follow(en, way, &e) || e.text[0] != '\0')
		return false;
	way->page++;
	buf_release(&way->body);
	way->body = *next;
	*next = BUF_INIT;
	return input_request(en, &en->other, &en->entry, way, &e) == 0;
}
