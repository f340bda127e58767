/* Calls: made, listed, started, ended, told to the jobs. */
#include "engine/private.h"

#include "base/mem.h"
#include "base/msg.h"
#include "engine/inlined.h"
#include "io/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void on_backoff_over(void *arg);

/* ---- lists and the table ---- */

void
call_list_add(struct call_list *l, struct call *c)
{
	c->next = NULL;
	c->prev = l->last;
	if (l->last != NULL)
		l->last->next = c;
	else
		l->first = c;
	l->last = c;
	l->n++;
}

/* Behind another; NULL: at the front. */
static void
list_add_behind(struct call_list *l, struct call *before, struct call *c)
{
	struct call **next = before != NULL ? &before->next : &l->first;

	c->prev = before;
	c->next = *next;
	*next = c;
	if (c->next != NULL)
		c->next->prev = c;
	else
		l->last = c;
	l->n++;
}

void
call_list_take(struct call_list *l, struct call *c)
{
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		l->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	else
		l->last = c->prev;
	c->next = c->prev = NULL;
	l->n--;
}

void
calls_ready(struct call *c)
{
	c->place = CALL_READY;
	call_list_add(&c->lane->ready, c);
	c->en->nready++;
}

void
calls_unready(struct call *c)
{
	if (c->lane->again == c)
		c->lane->again = c->prev;
	call_list_take(&c->lane->ready, c);
	c->en->nready--;
}

/* Keys are hashes: any bytes of one will do. */
static struct call **
bucket_of(struct engine *en, const unsigned char *key)
{
	uint64_t h;

	memcpy(&h, key, sizeof h);
	return &en->table[h & (en->table_size - 1)];
}

static void
table_grow(struct engine *en)
{
	struct call **old = en->table, *c, *next, **to;
	size_t i, n = en->table_size;

	en->table_size = n == 0 ? 64 : 2 * n;
	en->table = mem_zero(en->table_size, sizeof *en->table);
	for (i = 0; i < n; i++)
		for (c = old[i]; c != NULL; c = next) {
			next = c->same_bucket;
			to = bucket_of(en, c->key);
			c->same_bucket = *to;
			*to = c;
		}
	free(old);
}

static struct call *
table_find(struct engine *en, const unsigned char *key)
{
	struct call *c;

	if (en->table_size == 0)
		return NULL;
	for (c = *bucket_of(en, key); c != NULL; c = c->same_bucket)
		if (memcmp(c->key, key, sizeof c->key) == 0)
			return c;
	return NULL;
}

static void
table_add(struct engine *en, struct call *c)
{
	struct call **b;

	if (en->ncalls >= en->table_size)
		table_grow(en);
	b = bucket_of(en, c->key);
	c->same_bucket = *b;
	*b = c;
	en->ncalls++;
}

static void
table_take(struct engine *en, struct call *c)
{
	struct call **b = bucket_of(en, c->key);

	while (*b != c)
		b = &(*b)->same_bucket;
	*b = c->same_bucket;
	en->ncalls--;
}

/* ---- made ---- */

int64_t
calls_size(const struct engine *en, const struct request *r)
{
	/* What goes together with others is little beside what is around it. */
	return (int64_t)(en->broker->together > 0
			     ? r->wire.len
			     : inlined_size(buf_span(&r->body)));
}

static struct call *
call_new(struct engine *en, struct request *r)
{
	struct call *c = mem_zero(1, sizeof *c);

	c->en = en;
	c->provider = r->provider;
	c->lane = lanes_of(en, r->provider, buf_span(&r->model));
	c->size = calls_size(en, r);
	c->tokens = lanes_estimate(en, c->lane, c->size, buf_span(&r->body));
	memcpy(c->key, r->key, sizeof c->key);
	buf_addspan(&c->body, buf_span(&r->body));
	buf_addspan(&c->model, buf_span(&r->model));
	c->timer.fn = on_backoff_over;
	c->timer.arg = c;
	c->mark = MARKS_NONE;
	buf_addspan(&c->wire, buf_span(&r->wire));
	return c;
}

static void
call_free(struct call *c)
{
	copies_free(c->en, c);
	buf_release(&c->body);
	buf_release(&c->wire);
	buf_release(&c->model);
	free(c);
}

/* ---- ended ---- */

void
calls_end(struct engine *en, struct call *c, struct outcome *o)
{
	if (c->place == CALL_READY)
		calls_unready(c);
	else if (c->place == CALL_WAITS) {
		loop_timer_clear(en->loop, &c->timer);
		call_list_take(&en->waiting, c);
	}
	warm_ended(c, o != NULL && !o->failed);
	c->place = CALL_ENDED;
	c->outcome = o;
	call_list_add(&en->ended, c);
}

void
calls_drop(struct engine *en)
{
	struct call *c;
	size_t i;

	warm_drop(en);
	for (i = 0; i < en->nlanes; i++)
		while ((c = en->lanes[i]->ready.first) != NULL)
			if (c->is_copy)
				copies_drop(en, c);
			else
				calls_end(en, c, NULL);
	while (en->waiting.first != NULL)
		calls_end(en, en->waiting.first, NULL);
}

void
calls_fail(struct engine *en, struct call *c, const char *class,
    const char *message, int status)
{
	calls_end(en, c, outcome_failed(class, message, status, (int)c->attempts));
}

/* It would wait for ever. */
static void
fail_large(struct engine *en, struct call *c)
{
	char why[200];

	snprintf(why, sizeof why,
	    "about %" PRId64 " tokens, more than %s allows in a minute (%" PRId64
	    "); set %s--tpm higher",
	    c->tokens, en->o->tpm != 0 ? "--tpm" : "tpm in providers.json",
	    c->lane->tpm,
	    en->broker->mute ? "" : "max_completion_tokens lower or ");
	calls_fail(en, c, "too_large", why, 0);
}

void
calls_add(struct engine *en, struct job *job, struct request *r, bool further)
{
	struct call *c = table_find(en, r->key);
	bool made = c == NULL;

	if (made) {
		c = call_new(en, r);
		job->held += sizeof *c + c->body.cap + c->wire.cap;
		table_add(en, c);
	}
	job->call = c;
	if (c->last_job != NULL)
		c->last_job->follower = job;
	else
		c->jobs = job;
	c->last_job = job;
	if (!made)
		return;
	if (c->lane->tpm != 0 && c->tokens > c->lane->tpm)
		fail_large(en, c);
	else if (further)
		calls_again(c);
	else
		warm_add(en, c);
}

/* ---- again ---- */

/* Before those that were not sent yet, behind those that came back before it. */
void
calls_again(struct call *c)
{
	c->place = CALL_READY;
	list_add_behind(&c->lane->ready, c->lane->again, c);
	c->lane->again = c;
	c->en->nready++;
}

static void
on_backoff_over(void *arg)
{
	struct call *c = arg;

	call_list_take(&c->en->waiting, c);
	calls_again(c);
}

void
calls_put_off(struct engine *en, struct call *c, int64_t delay_us)
{
	c->place = CALL_WAITS;
	call_list_add(&en->waiting, c);
	loop_timer_set(en->loop, &c->timer, clock_mono_us() + delay_us);
}

/* ---- sent ---- */

struct span
calls_wire(const struct call *x)
{
	const struct call *c = x->is_copy ? x->twin : x;

	return buf_span(c->wire.len > 0 ? &c->wire : &c->body);
}

static int
start_call(struct engine *en, struct call *c, struct err *e)
{
	if (flight_open(en, e) != 0) {
		en->ledger_lost = true;
		return err_prefix(e, "cannot record answers");
	}
	flight_begin(en, c);
	c->ask = (struct broker_call){.provider = c->provider,
	    .model = buf_span(&c->model),
	    .body = calls_wire(c),
	    .key = c->key,
	    .file = copies_call(c)->jobs->file,
	    .lineno = copies_call(c)->jobs->lineno,
	    .done = attempt_done,
	    .arg = c,
	    .asked_us = -1};
	if (en->broker->submit(en->broker, &c->ask, en->loop, e) != 0) {
		flight_end(en, c);
		return -1;
	}
	calls_unready(c);
	c->place = CALL_FLIES;
	lanes_started(en, c);
	en->flying++;
	account_started(en, c);
	money_started(en, c);
	warm_started(en, c);
	copies_started(en, c);
	copies_call(c)->attempts++;
	return 0;
}

static void
spend_budget(struct engine *en)
{
	engine_say(en, ENGINE_ERROR,
	    "call budget reached (--max-calls %" PRIu64 "); stopping",
	    en->o->max_calls);
	engine_stop(en, STATUS_TEMPFAIL, "call budget reached");
	/* Reading goes on: what the ledger has is still served. */
	engine_stop_starting(en);
}

/* ---- answered by somebody else meanwhile ---- */

/* Looks at what other processes have recorded, now and then. */
static void
look_around(struct engine *en)
{
	struct err e = ERR_INIT;
	int64_t now = clock_mono_us();

	if (now - en->looked < LOOK_EVERY)
		return;
	en->looked = now;
	if (ledger_refresh(en->ledger, &e) != 0)
		engine_say(en, ENGINE_WARN, "%s", e.text);
}

static bool
is_answered(struct engine *en, const struct call *c)
{
	if (en->ledger == NULL || en->ledger_lost)
		return false;
	look_around(en);
	return anew_is_hit(en, c->provider, c->key);
}

/* Its jobs take their answer from the ledger. */
static void
drop_answered(struct engine *en, struct call *c)
{
	struct job *job, *next;

	if (c->is_copy) {
		copies_drop(en, c);
		return;
	}
	calls_unready(c);
	warm_ended(c, false);
	flight_end(en, c);
	for (job = c->jobs; job != NULL; job = next) {
		next = job->follower;
		job->follower = NULL;
		job->call = NULL;
		en->hits++;
		if (!en->o->unordered)
			continue;
		en->held -= job->held;
		output_queue(en, job);
	}
	table_take(en, c);
	call_free(c);
}

/* The provider refuses all calls, and other models are asked instead. */
static void
fail_refused(struct engine *en, struct call *c)
{
	if (c->is_copy)
		copies_drop(en, c);
	else
		calls_fail(en, c, c->lane->refused,
		    "the provider refused an earlier call for good", 0);
}

void
calls_start(struct engine *en)
{
	struct err e = ERR_INIT;
	struct call *c;

	copies_look(en);
	while (en->nready > 0 && en->flying < en->jobs_most && !en->no_sending &&
	       !output_full(en) && (c = lanes_next(en)) != NULL) {
		if (is_answered(en, c)) {
			drop_answered(en, c);
			continue;
		}
		if (c->is_copy && en->calls >= en->o->max_calls) {
			copies_drop(en, c);
			continue;
		}
		if (en->calls >= en->o->max_calls) {
			spend_budget(en);
			return;
		}
		if (c->lane->refused != NULL) {
			fail_refused(en, c);
			continue;
		}
		if (!money_allows(en, c))
			return;
		if (start_call(en, c, &e) != 0) {
			engine_say(en, ENGINE_ERROR, "%s", e.text);
			engine_stop(en, STATUS_CANNOT, "%s", e.text);
			en->no_reading = true;
			engine_stop_sending(en);
			return;
		}
	}
}

/* ---- told to the jobs ---- */

void
outcome_free(struct outcome *o)
{
	buf_release(&o->text);
	buf_release(&o->error);
	buf_release(&o->after);
	free(o);
}

struct outcome *
outcome_failed(const char *class, const char *message, int status, int attempts)
{
	struct outcome *o = mem_zero(1, sizeof *o);

	o->refs = 1;
	o->failed = true;
	o->class = class;
	o->attempts = attempts;
	add_error(&o->text, class, message, status, attempts);
	return o;
}

/* Something is asked further, if there is anything to ask. */
static enum further
pass_on(struct engine *en, struct job *job, struct outcome *o)
{
	enum further further = further_ask(en, job, o->class,
	    o->failed ? SPAN_NONE : buf_span(&o->text), buf_span(&o->error));

	/* In the order of the input it has its place already. */
	if (further == FURTHER_ASKED && job->call == NULL && en->o->unordered) {
		en->held -= job->held;
		output_queue(en, job);
	}
	return further;
}

static void
settle_job(struct engine *en, struct job *job, struct outcome *o)
{
	enum further further = FURTHER_NOTHING;

	job->call = NULL;
	if (o != NULL)
		further = pass_on(en, job, o);
	if (further == FURTHER_ASKED)
		return;
	job->settled = true;
	if (o == NULL || further == FURTHER_LEFT) {
		job->left = true;
		en->left++;
	} else {
		job->outcome = o;
		o->refs++;
		limits_settled(en, o->class);
		pages_follow(en, job, buf_span(&o->after));
	}
	/* In the order of the input it has its place already. */
	if (!en->o->unordered)
		return;
	en->held -= job->held;
	if (job->left)
		output_drop(en, job);
	else
		output_queue(en, job);
}

static void
settle_call(struct engine *en, struct call *c, bool lost)
{
	struct outcome *o = c->outcome;
	struct job *job, *next;

	/* An answer that is in no file is for the next run to tell of. */
	if (!lost || o == NULL) {
		flight_end(en, c);
		copies_free(en, c);
	}
	/* An answer that could not be recorded must not be seen. */
	if (o != NULL && !o->failed && o->recorded && en->ledger_lost) {
		outcome_free(o);
		o = NULL;
	}
	if (o != NULL) {
		o->refs = 1;
		o->next = en->fresh;
		en->fresh = o;
		if (!o->failed) {
			anew_answered(en, c->key);
			o->class = further_judge(en, &o->text, o->aside,
			    o->attempts, &o->error, &o->after);
		}
	}
	for (job = c->jobs; job != NULL; job = next) {
		next = job->follower;
		job->follower = NULL;
		settle_job(en, job, o);
	}
	en->answered += o != NULL && !o->failed && o->refs > 1;
	table_take(en, c);
	call_free(c);
}

void
calls_record(struct engine *en)
{
	bool lost = record_commit(en) != 0;
	struct call *c;

	while ((c = en->ended.first) != NULL) {
		call_list_take(&en->ended, c);
		settle_call(en, c, lost);
	}
}

void
calls_free(struct engine *en)
{
	struct call *c;

	calls_drop(en);
	while ((c = en->ended.first) != NULL) {
		call_list_take(&en->ended, c);
		if (c->outcome != NULL)
			outcome_free(c->outcome);
		call_free(c);
	}
	free(en->table);
	warm_close(en);
	lanes_free(en);
	record_close(en);
}
