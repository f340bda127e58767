/* Marks of calls in flight, and what those of killed runs tell. */
#include "engine/private.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { MODELS_MOST = 8 }; /* named in a message */

struct tally {
	struct span model;
	size_t n;
};

static int
more_first(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;

	return (x->n < y->n) - (x->n > y->n);
}

/* "10 gpt-4o-mini, 2 m" */
static void
add_models(struct buf *out, const struct marks_run *run)
{
	struct tally *t = mem_zero(run->ncalls, sizeof *t);
	size_t n = 0, k, rest = 0;

	for (size_t i = 0; i < run->ncalls; i++) {
		for (k = 0; k < n; k++)
			if (span_eq(t[k].model, run->calls[i].model))
				break;
		t[k].model = run->calls[i].model;
		t[k].n++;
		n += k == n;
	}
	if (n > 1)
		qsort(t, n, sizeof *t, more_first);
	for (k = 0; k < n; k++) {
		if (k >= MODELS_MOST) {
			rest += t[k].n;
			continue;
		}
		buf_addf(out, "%s%zu ", k > 0 ? ", " : "", t[k].n);
		buf_addspan(out, t[k].model);
	}
	if (rest > 0)
		buf_addf(out, ", %zu of other models", rest);
	free(t);
}

static void
on_killed(void *arg, const struct marks_run *run)
{
	struct engine *en = arg;
	struct buf text = BUF_INIT;
	time_t t = (time_t)(run->begun / 1000);
	char when[32] = "";
	struct tm tm;

	if (gmtime_r(&t, &tm) != NULL)
		strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_addf(&text, "a run that was killed (%s, %" PRId64 ", %s) left ",
	    run->host, run->pid, when);
	if (run->ncalls > 0) {
		buf_addf(&text, "%zu call%s %s: ", run->ncalls,
		    run->ncalls == 1 ? "" : "s",
		    en->broker->costs ? "possibly billed" : "unfinished");
		add_models(&text, run);
	}
	if (run->broken > 0)
		buf_addf(&text, "%s%zu marks of calls that cannot be read",
		    run->ncalls > 0 ? "; " : "", run->broken);
	engine_say(en, ENGINE_WARN, "%s", buf_cstr(&text));
	buf_release(&text);
}

void
flight_tell(struct engine *en, const struct ledger_options *lo)
{
	struct err e = ERR_INIT;

	if (marks_collect(en->o->ledger, lo, on_killed, en, &e) != 0)
		engine_say(en, ENGINE_WARN,
		    "calls of killed runs are not in the ledger's history yet: %s",
		    e.text);
}

int
flight_open(struct engine *en, struct err *e)
{
	struct err why = ERR_INIT;

	if (en->ledger == NULL || en->recording)
		return 0;
	if (ledger_prepare(en->ledger, e) != 0)
		return -1;
	en->recording = true;
	en->marks = marks_open(en->o->ledger, (uint32_t)en->jobs_most, &why);
	if (en->marks == NULL)
		engine_say(en, ENGINE_WARN,
		    "calls in flight are not marked, so that nobody can tell what "
		    "was "
		    "billed should this run be killed: %s",
		    why.text);
	return 0;
}

void
flight_begin(struct engine *en, struct call *c)
{
	if (en->marks != NULL)
		c->mark = marks_set(en->marks, c->key, buf_span(&c->model),
		    span_str(c->provider->endpoint));
}

void
flight_end(struct engine *en, struct call *c)
{
	if (en->marks != NULL)
		marks_clear(en->marks, c->mark);
	c->mark = MARKS_NONE;
}

void
flight_close(struct engine *en)
{
	marks_close(en->marks);
	en->marks = NULL;
}
