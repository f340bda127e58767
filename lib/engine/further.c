/*
 * What an answer is worth to its entry, and what is asked further where it is not
 * what was wanted: the same model once more, or another.
 *
 * The way from one request to the next follows from the entry and the answers
 * alone.  So a rerun finds each of them in the ledger, and goes on where there is
 * none yet.
 */
#include "engine/private.h"

#include "answer/find.h"
#include "answer/reask.h"
#include "base/msg.h"

#include <inttypes.h>

/* ---- what it is worth ---- */

static bool
accepts(const struct engine *en, const char *aside)
{
	unsigned flag = strcmp(aside, "length") == 0    ? ENGINE_ACCEPT_LENGTH
			: strcmp(aside, "refusal") == 0 ? ENGINE_ACCEPT_REFUSAL
							: ENGINE_ACCEPT_FILTER;

	return (en->o->accept & flag) != 0;
}

static const char *
words_for(const char *aside)
{
	if (strcmp(aside, "length") == 0)
		return miss_message(MISS_LENGTH);
	if (strcmp(aside, "refusal") == 0)
		return miss_message(MISS_REFUSAL);
	return miss_message(MISS_FILTER);
}

/* The text at its end; it may be large. */
static bool
runs_on(struct span response)
{
	struct span text = json_get(response, "text"), decoded;
	struct buf scratch = BUF_INIT;
	bool does = text.p != NULL && json_text(text, &scratch, &decoded) &&
		    text_runs_on(decoded);

	buf_release(&scratch);
	return does;
}

const char *
further_judge(struct engine *en, struct buf *response, const char *aside,
    int attempts, struct buf *error, struct buf *after)
{
	struct judge *j = en->o->judge;
	struct buf parsed = BUF_INIT;
	enum judge_verdict verdict;
	struct err e = ERR_INIT;

	if (en->broker->take != NULL) {
		if (en->broker->take(en->broker, response, after, &aside, &e) == 0)
			return NULL;
		add_error(error, aside, e.text, 0, attempts);
		return aside;
	}

	if (aside != NULL && !accepts(en, aside)) {
		if (strcmp(aside, "length") == 0 && runs_on(buf_span(response))) {
			aside = FURTHER_LOOP;
			add_error(error, aside,
			    "the answer ran on in white space until it was cut",
			    200, attempts);
		} else
			add_error(error, aside, words_for(aside), 200, attempts);
		return aside;
	}
	if (j == NULL)
		return NULL;
	verdict = judge_text(j, json_get(buf_span(response), "text"));
	if (verdict == JUDGE_GOOD) {
		judge_parsed(j, buf_span(response), &parsed);
		buf_release(response);
		*response = parsed;
		return NULL;
	}
	/* What was cut lacks its end, whoever takes it. */
	if (aside != NULL) {
		add_error(error, aside, words_for(aside), 200, attempts);
		return aside;
	}
	buf_addspan(error, judge_error(j));
	error->len--;
	buf_addf(error, ",\"status\":200,\"attempts\":%d}", attempts);
	return verdict == JUDGE_BAD ? FURTHER_INVALID : "gave_up";
}

bool
further_may(const struct engine *en)
{
	return en->o->nfallback > 0 || en->o->judge != NULL ||
	       en->o->grow_max_tokens > 0 || en->broker->pages;
}

/* ---- what is asked ---- */

bool
further_falls_back(const struct engine *en, const char *class)
{
	if (en->o->nfallback == 0 || class == NULL)
		return false;
	if (strcmp(class, FURTHER_INVALID) == 0 || strcmp(class, FURTHER_LOOP) == 0)
		return en->o->escalate;
	/* A cut answer is cut by the request's own limit. */
	return strcmp(class, "length") != 0;
}

static int
read_request(struct engine *en, const struct entry *entry, const struct way *way)
{
	struct err e = ERR_INIT;
	int rc = input_request(en, &en->other, entry, way, &e);

	if (rc != 0)
		engine_say(en, ENGINE_DEBUG, "asking further: %s", e.text);
	return rc;
}

/* The last of the list serves all that follow. */
static const char *
at_step(const char **list, size_t n, unsigned step)
{
	return n == 0 ? NULL : list[step < n ? step : n - 1];
}

static bool
has_calls(struct span response)
{
	return json_get(response, "tool_calls").p != NULL;
}

/* What goes back with what is wrong about it; false: nothing may. */
static bool
ask_repair(struct engine *en, struct way *way, struct span response,
    struct span error, struct reask *r)
{
	const struct engine_options *o = en->o;
	const char *model, *temperature;

	if (o->judge == NULL || way->repairs >= o->repairs || has_calls(response) ||
	    !json_text(json_get(response, "text"), &en->said, &r->answer))
		return false;
	r->error = error;
	r->schema = judge_schema(o->judge);
	model = at_step(o->repair_models, o->nrepair_models, way->repairs);
	temperature = at_step(
	    o->repair_temperatures, o->nrepair_temperatures, way->repairs);
	if (model != NULL)
		r->model = span_str(model);
	if (temperature != NULL)
		r->temperature = span_str(temperature);
	way->repairs++;
	return true;
}

/* Twice as many tokens; false: it has as many as it may. */
static bool
ask_larger(struct engine *en, struct span response, struct reask *r)
{
	int64_t most = lanes_limit(buf_span(&en->other.body));
	struct span used = json_get(json_get(response, "usage"), "output");

	if (most <= 0 && (used.p == NULL || !json_i64(used, &most) || most <= 0))
		return false;
	if (most >= en->o->grow_max_tokens)
		return false;
	r->max_tokens = most > en->o->grow_max_tokens / 2 ? en->o->grow_max_tokens
							  : 2 * most;
	return true;
}

/* The same model is asked once more; the way goes on from what it was asked. */
static bool
ask_again(struct engine *en, struct way *way, const struct entry *entry,
    const char *class, struct span response, struct span error)
{
	struct reask r = {.max_tokens = 0};
	struct buf model = BUF_INIT, body = BUF_INIT;
	bool asks;

	if (read_request(en, entry, way) != 0)
		return false;
	buf_addf(
	    &model, "%s@%s", buf_cstr(&en->other.model), en->other.provider->name);
	r.model = buf_span(&model);
	asks = strcmp(class, "length") == 0
		   ? ask_larger(en, response, &r)
		   : ask_repair(en, way, response, error, &r);
	if (asks) {
		reask_write(&body, buf_span(&en->other.body), &r);
		buf_release(&way->body);
		way->body = body;
		asks = read_request(en, entry, way) == 0;
	}
	buf_release(&model);
	return asks;
}

/* Another model is asked what the entry asks. */
static bool
ask_other(struct engine *en, struct way *way, const struct entry *entry)
{
	buf_release(&way->body);
	way->repairs = 0;
	while (way->asked < en->o->nfallback) {
		way->asked++;
		if (read_request(en, entry, way) == 0)
			return true;
	}
	return false;
}

/*
 * The next request on an entry's way, in en->other, and what counts such ones;
 * NULL: that was all.  response: p NULL where there was no answer.
 */
static uint64_t *
next_request(struct engine *en, struct way *way, const struct entry *entry,
    const char *class, struct span response, struct span error)
{
	bool cut = strcmp(class, "length") == 0;
	bool same = cut ? en->o->grow_max_tokens > 0
			: strcmp(class, FURTHER_INVALID) == 0 ||
			      strcmp(class, FURTHER_LOOP) == 0;

	if (same && response.p != NULL &&
	    ask_again(en, way, entry, class, response, error))
		return cut ? &en->grown : &en->repairs;
	if (further_falls_back(en, class) && ask_other(en, way, entry))
		return &en->fallbacks;
	return NULL;
}

bool
further_hit(struct engine *en, struct way *way)
{
	struct request own = en->request;

	for (way->asked = 1; way->asked <= en->o->nfallback; way->asked++)
		if (read_request(en, &en->entry, way) == 0 &&
		    anew_is_hit(en, en->other.provider, en->other.key)) {
			en->request = en->other;
			en->other = own;
			return true;
		}
	way->asked = 0;
	return false;
}

static void
tell(struct engine *en, const struct job *job, const char *class)
{
	engine_say(en, ENGINE_DEBUG, "%s:%" PRIu64 ": %s; asking %s@%s", job->file,
	    job->lineno, class, buf_cstr(&en->other.model),
	    en->other.provider->name);
}

/* The job is to have what en->other asks. */
static enum further
set_out(struct engine *en, struct job *job, uint64_t *counter)
{
	bool hit = anew_is_hit(en, en->other.provider, en->other.key);

	if (!hit && en->o->cached_only)
		return FURTHER_NOTHING;
	if (!hit && en->no_sending)
		return FURTHER_LEFT;
	memcpy(job->key, en->other.key, sizeof job->key);
	job->provider = en->other.provider;
	job->outcome = NULL;
	if (hit) {
		en->hits++;
	} else {
		++*counter;
		calls_add(en, job, &en->other, true);
	}
	return FURTHER_ASKED;
}

enum further
further_ask(struct engine *en, struct job *job, const char *class,
    struct span response, struct span error)
{
	enum further rc = FURTHER_NOTHING;
	size_t before = job->way.body.cap;
	struct json_fault f;
	uint64_t *counter;

	if (class == NULL || !further_may(en) ||
	    entry_parse(&en->again, span_of(job->line, job->n), &f) != 0)
		return FURTHER_NOTHING;
	counter = next_request(en, &job->way, &en->again, class, response, error);
	en->held -= job->held;
	job->held += job->way.body.cap - before;
	if (counter != NULL) {
		tell(en, job, class);
		rc = set_out(en, job, counter);
	}
	en->held += job->held;
	return rc;
}

/* ---- without asking ---- */

/* What comes after an answer of the ledger; false: nothing does. */
static bool
comes_after(struct engine *en, const struct request *r, struct way *way)
{
	struct buf response = BUF_INIT, error = BUF_INIT, after = BUF_INIT;
	struct ledger_record rec;
	struct dialect_answer a;
	struct err e = ERR_INIT;
	const char *class = NULL;
	bool asks;

	if (ledger_get(en->ledger, r->key, &rec, &e) == 1 &&
	    r->provider->dialect->answer(
		&response, rec.response, rec.model, &a, &e) == 0)
		class = further_judge(
		    en, &response, a.aside, rec.attempts, &error, &after);
	if (class != NULL)
		asks = next_request(en, way, &en->entry, class, buf_span(&response),
			   buf_span(&error)) != NULL;
	else
		asks = pages_next(en, way, &after);
	buf_release(&response);
	buf_release(&error);
	buf_release(&after);
	return asks;
}

const struct request *
further_missing(struct engine *en)
{
	const struct request *r = &en->request;
	struct way way = {.asked = 0};
	bool hit;

	hit = anew_is_hit(en, r->provider, r->key) || further_hit(en, &way);
	while (hit) {
		r = further_may(en) && comes_after(en, r, &way) ? &en->other : NULL;
		hit = r != NULL && anew_is_hit(en, r->provider, r->key);
	}
	buf_release(&way.body);
	return r;
}
