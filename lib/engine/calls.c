/* Calls: made, sent, tried again, recorded. */
#include "engine/private.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/clock.h"
#include "io/fdio.h"
#include "io/secret.h"
#include "pacing/retry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { KEY_LEAST = 8 }; /* shorter ones are no secrets, but words */

static void on_done(struct http_call *hc);
static void on_backoff_over(void *arg);

/* ---- lists and the table ---- */

static void
list_add(struct call_list *l, struct call *c)
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

static void
list_add_first(struct call_list *l, struct call *c)
{
	c->prev = NULL;
	c->next = l->first;
	if (l->first != NULL)
		l->first->prev = c;
	else
		l->last = c;
	l->first = c;
	l->n++;
}

static void
list_take(struct call_list *l, struct call *c)
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

static void
ready_add(struct call *c)
{
	c->place = CALL_READY;
	list_add(&c->lane->ready, c);
	c->en->nready++;
}

/* Those that were sent before go first. */
static void
ready_again(struct call *c)
{
	c->place = CALL_READY;
	list_add_first(&c->lane->ready, c);
	c->en->nready++;
}

static void
ready_take(struct call *c)
{
	list_take(&c->lane->ready, c);
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

static struct call *
call_new(struct engine *en, struct request *r)
{
	struct call *c = mem_zero(1, sizeof *c);

	c->en = en;
	c->lane = lanes_of(en, buf_span(&r->model));
	c->tokens = lanes_estimate(c->lane, buf_span(&r->body));
	memcpy(c->key, r->key, sizeof c->key);
	buf_addspan(&c->body, buf_span(&r->body));
	buf_addspan(&c->model, buf_span(&r->model));
	c->timer.fn = on_backoff_over;
	c->timer.arg = c;
	c->mark = MARKS_NONE;
	c->http.done = on_done;
	c->http.arg = c;
	c->http.body = buf_span(&c->body);
	return c;
}

static void
call_free(struct call *c)
{
	buf_release(&c->body);
	buf_release(&c->model);
	free(c);
}

/* ---- ended ---- */

/* The call is over; its jobs hear of it once the ledger has it. */
static void
end_call(struct engine *en, struct call *c, struct outcome *o)
{
	if (c->place == CALL_READY)
		ready_take(c);
	else if (c->place == CALL_WAITS) {
		loop_timer_clear(en->loop, &c->timer);
		list_take(&en->waiting, c);
	}
	c->place = CALL_ENDED;
	c->outcome = o;
	list_add(&en->ended, c);
}

/* Not answered, and not to be asked again in this run. */
static void
leave_call(struct engine *en, struct call *c)
{
	end_call(en, c, NULL);
}

void
calls_drop(struct engine *en)
{
	size_t i;

	for (i = 0; i < en->nlanes; i++)
		while (en->lanes[i]->ready.first != NULL)
			leave_call(en, en->lanes[i]->ready.first);
	while (en->waiting.first != NULL)
		leave_call(en, en->waiting.first);
}

/* ---- the ledger ---- */

/* The ledger takes no more: what is received from here on goes to the spill file.
 */
static void
lose_ledger(struct engine *en, const struct err *e)
{
	if (en->ledger_lost)
		return;
	en->ledger_lost = true;
	engine_say(en, ENGINE_ERROR, "cannot record answers: %s", e->text);
	engine_stop(en, STATUS_CANNOT, "the ledger cannot be written: %s", e->text);
	engine_stop_sending(en);
	en->no_reading = true;
}

static void
append(struct engine *en, struct ledger_record *rec)
{
	struct err e = ERR_INIT;

	if (en->ledger == NULL)
		return;
	if (!en->ledger_lost && ledger_append(en->ledger, rec, &e) == 0) {
		en->dirty = true;
		return;
	}
	if (!en->ledger_lost)
		lose_ledger(en, &e);
	rec->time = clock_wall_ms();
	ledger_record_write(&en->unrecorded, rec);
}

/* Without new lines; JSON as it came, else as a JSON string. */
static struct span
recordable(struct span body, bool is_json, struct buf *scratch)
{
	if (is_json && memchr(body.p, '\n', body.n) == NULL &&
	    memchr(body.p, '\r', body.n) == NULL)
		return body;
	buf_clear(scratch);
	if (is_json)
		json_compact(scratch, body);
	else
		json_add_string(scratch, body);
	return buf_span(scratch);
}

static void
record(struct engine *en, struct call *c, enum ledger_status status,
    const char *class, struct span usage, struct span response)
{
	struct ledger_record rec = {.status = status,
	    .http = c->http.status,
	    .attempts = (int)c->attempts,
	    .millis = c->http.micros / 1000,
	    .model = buf_span(&c->model),
	    .endpoint = span_str(en->provider->endpoint),
	    .class = class == NULL ? SPAN_NONE : span_str(class),
	    .usage = usage,
	    .request = buf_span(&c->body),
	    .response = response};

	memcpy(rec.key, c->key, sizeof rec.key);
	append(en, &rec);
}

/* ---- after an attempt ---- */

static void
fail_call(struct engine *en, struct call *c, const char *class, const char *message)
{
	struct outcome *o = mem_zero(1, sizeof *o);

	o->failed = true;
	o->class = class;
	o->attempts = (int)c->attempts;
	add_error(&o->text, class, message, c->http.status, o->attempts);
	end_call(en, c, o);
}

/* It would wait for ever. */
static void
fail_large(struct engine *en, struct call *c)
{
	char why[200];

	snprintf(why, sizeof why,
	    "about %" PRId64 " tokens, more than --tpm allows in a minute (%" PRId64
	    "); set max_completion_tokens lower or --tpm higher",
	    c->tokens, en->o->tpm);
	fail_call(en, c, "too_large", why);
}

void
calls_add(struct engine *en, struct job *job, struct request *r)
{
	struct call *c = table_find(en, r->key);

	if (c == NULL) {
		c = call_new(en, r);
		job->held += sizeof *c + c->body.cap;
		table_add(en, c);
		ready_add(c);
	}
	job->call = c;
	if (c->last_job != NULL)
		c->last_job->follower = job;
	else
		c->jobs = job;
	c->last_job = job;
	if (en->o->tpm != 0 && c->tokens > en->o->tpm && c->place == CALL_READY)
		fail_large(en, c);
}

/* Some servers show the key that they refuse; nothing that is kept or told may. */
static void
mask_key(const struct engine *en, char *text, size_t n)
{
	const char *key = en->provider->key;
	size_t k = key == NULL ? 0 : strlen(key);
	char *at;

	if (k < KEY_LEAST)
		return;
	while ((at = memmem(text, n, key, k)) != NULL) {
		memset(at, '*', k);
		n -= (size_t)(at + k - text);
		text = at + k;
	}
}

static void
read_error(const struct engine *en, struct span body, struct dialect_error *de)
{
	struct buf masked = BUF_INIT;

	buf_addspan(&masked, body);
	if (masked.len > 0)
		mask_key(en, masked.data, masked.len);
	en->provider->dialect->error(buf_span(&masked), de);
	buf_release(&masked);
}

/* What the attempt came to, in words. */
static void
describe(char *out, size_t size, const struct http_call *hc,
    const struct err *rubbish, const struct dialect_error *de)
{
	if (hc->outcome != HTTP_ANSWERED)
		snprintf(out, size, "%s", hc->error);
	else if (hc->status >= 200 && hc->status < 300)
		snprintf(out, size, "%s", rubbish->text);
	else if (hc->status >= 300 && hc->status < 400)
		snprintf(out, size,
		    "the server redirects (HTTP %d); give its real address with "
		    "--base-url",
		    hc->status);
	else
		snprintf(out, size, "HTTP %d%s%s%s%s%s", hc->status,
		    de->message[0] != '\0' ? ": " : "", de->message,
		    de->code[0] != '\0' ? " (" : "", de->code,
		    de->code[0] != '\0' ? ")" : "");
}

static enum retry_outcome
outcome_of(const struct http_call *hc, bool answer)
{
	switch (hc->outcome) {
	case HTTP_TIMED_OUT:
		return RETRY_TIMED_OUT;
	case HTTP_TRANSPORT:
		return RETRY_TRANSPORT;
	case HTTP_TOO_LARGE:
		return RETRY_OVERSIZE;
	case HTTP_CONFIG:
		return RETRY_MISCONFIGURED;
	default:
		break;
	}
	if (answer)
		return RETRY_GOT_ANSWER;
	return hc->status >= 200 && hc->status < 300 ? RETRY_GOT_RUBBISH
						     : RETRY_GOT_STATUS;
}

/* Put off until its delay is over. */
static void
put_off(struct engine *en, struct call *c, int64_t delay_us, const char *class,
    const char *why)
{
	engine_say(en, ENGINE_DEBUG,
	    "%s:%" PRIu64 ": attempt %u: %s: %s; again in %.1f s", c->jobs->file,
	    c->jobs->lineno, c->attempts, class, why, (double)delay_us / 1e6);
	flight_end(en, c);
	c->place = CALL_WAITS;
	list_add(&en->waiting, c);
	loop_timer_set(en->loop, &c->timer, clock_mono_us() + delay_us);
}

static void
on_backoff_over(void *arg)
{
	struct call *c = arg;

	list_take(&c->en->waiting, c);
	ready_again(c);
}

/* It waits with all others of its model. */
static void
hold_back(struct engine *en, struct call *c, const char *class, const char *why)
{
	engine_say(en, ENGINE_DEBUG,
	    "%s:%" PRIu64 ": attempt %u: %s: %s; again when the model takes calls",
	    c->jobs->file, c->jobs->lineno, c->attempts, class, why);
	flight_end(en, c);
	ready_again(c);
}

/* The server asks for more patience than there is. */
static void
refuse_wait(struct engine *en, struct call *c, const char *class, int64_t asked_us)
{
	char why[200];

	snprintf(why, sizeof why,
	    "the server asks to wait %.0f s, more than --max-wait allows (%.0f s)",
	    (double)asked_us / 1e6, (double)en->o->max_wait_us / 1e6);
	if (c->http.status != 429) {
		fail_call(en, c, class, why);
		return;
	}
	if (en->stop_status == 0)
		engine_say(en, ENGINE_ERROR, "%s: %s", class, why);
	engine_stop(en, STATUS_TEMPFAIL, "%s: %s", class, why);
	en->no_reading = true;
	leave_call(en, c);
	engine_stop_sending(en);
}

static void
try_again(struct engine *en, struct call *c, const struct retry_ruling *r,
    const char *why)
{
	int64_t asked = -1, delay;

	c->again = r->class;
	if (r->free)
		c->limited++;
	else
		c->failures++;
	if (c->failures >= en->o->attempts || c->limited >= LIMITED_MOST) {
		fail_call(en, c, r->class, why);
		return;
	}
	if (en->no_sending) {
		leave_call(en, c);
		return;
	}
	delay = retry_backoff_us(
	    r->free ? c->limited - 1 : c->failures - 1, rng_unit(&en->rng));
	if (c->http.outcome == HTTP_ANSWERED &&
	    retry_asked_us(span_str(c->http.retry_after_ms),
		span_str(c->http.retry_after), clock_wall_ms(), &asked)) {
		if (asked > en->o->max_wait_us) {
			refuse_wait(en, c, r->class, asked);
			return;
		}
		delay = retry_spread_us(asked, rng_unit(&en->rng));
	}
	if (r->free && lanes_refused(en, c, asked)) {
		hold_back(en, c, r->class, why);
		return;
	}
	put_off(en, c, delay, r->class, why);
}

/* No call can succeed. The entry has not failed: a later run may have it answered.
 */
static void
stop_run(struct engine *en, struct call *c, const struct retry_ruling *r,
    const char *why)
{
	bool config = c->http.outcome == HTTP_CONFIG;
	int status = config ? STATUS_CANNOT : STATUS_TEMPFAIL;

	if (en->stop_status == 0)
		engine_say(en, ENGINE_ERROR, "%s: %s: %s; stopping",
		    config ? en->provider->base_url : "provider refusing", r->class,
		    why);
	engine_stop(en, status, "%s: %s",
	    config ? "cannot connect" : "provider refusing", why);
	en->no_reading = true;
	leave_call(en, c);
	engine_stop_sending(en);
}

static void
take_answer(struct engine *en, struct call *c, struct buf *response,
    const struct dialect_answer *a)
{
	struct outcome *o = mem_zero(1, sizeof *o);
	struct buf scratch = BUF_INIT, usage = BUF_INIT;

	if (a->usage.known)
		buf_addf(&usage,
		    "{\"input\":%" PRId64 ",\"output\":%" PRId64
		    ",\"cached\":%" PRId64 ",\"reasoning\":%" PRId64 "}",
		    a->usage.input, a->usage.output, a->usage.cached,
		    a->usage.reasoning);
	record(en, c, LEDGER_OK, NULL,
	    usage.len == 0 ? SPAN_NONE : buf_span(&usage),
	    recordable(c->http.answer, true, &scratch));
	o->text = *response;
	o->aside = a->aside;
	o->attempts = (int)c->attempts;
	o->recorded = en->ledger != NULL;
	end_call(en, c, o);
	buf_release(&usage);
	buf_release(&scratch);
}

/* The attempt failed for good: that too is history worth keeping. */
static void
record_failure(struct engine *en, struct call *c, const char *class)
{
	struct buf scratch = BUF_INIT, masked = BUF_INIT;
	struct json_fault f;
	struct span body;
	bool is_json;

	buf_addspan(&masked, c->http.answer);
	if (masked.len > 0)
		mask_key(en, masked.data, masked.len);
	body = buf_span(&masked);
	is_json = body.n > 0 && json_check(body, &f) == 0;
	if (!is_json && body.n > 4096)
		body.n = 4096;
	record(en, c, LEDGER_ERROR, class, SPAN_NONE,
	    body.n == 0 ? SPAN("null") : recordable(body, is_json, &scratch));
	buf_release(&masked);
	buf_release(&scratch);
}

static void
on_done(struct http_call *hc)
{
	struct call *c = hc->arg;
	struct engine *en = c->en;
	const struct dialect *d = en->provider->dialect;
	struct dialect_answer a = {.aside = NULL};
	struct dialect_error de = {{0}, {0}, {0}};
	struct buf response = BUF_INIT;
	struct err e = ERR_INIT;
	struct retry_facts facts;
	struct retry_ruling r;
	bool answer = false;
	char why[700];

	en->flying--;
	lanes_landed(en, c);
	if (hc->outcome == HTTP_ANSWERED && hc->status >= 200 && hc->status < 300)
		answer = dialect_check(hc->answer, &e) == 0 &&
			 d->answer(&response, hc->answer, buf_span(&c->model), &a,
			     &e) == 0;
	else if (hc->outcome == HTTP_ANSWERED)
		read_error(en, hc->answer, &de);
	account_ended(en, c, &a.usage, answer);
	if (answer) {
		lanes_answered(en, c, &a.usage);
		take_answer(en, c, &response, &a);
		return;
	}
	buf_release(&response);
	facts = (struct retry_facts){outcome_of(hc, answer), hc->status,
	    span_str(de.code), span_str(de.type), span_str(hc->should_retry)};
	r = retry_rule(&facts);
	describe(why, sizeof why, hc, &e, &de);
	mask_key(en, why, strlen(why));
	if (r.verdict == RETRY_AGAIN)
		try_again(en, c, &r, why);
	else if (r.verdict == RETRY_FAIL)
		fail_call(en, c, r.class, why);
	else
		stop_run(en, c, &r, why);
	if (c->place == CALL_ENDED && c->outcome != NULL)
		record_failure(en, c, r.class);
}

/* ---- sent ---- */

/* On the first call of the run: loads libcurl, sets up where calls go. */
static int
open_http(struct engine *en, struct err *e)
{
	const struct provider *p = en->provider;
	struct http_options o = {.timeout_us = en->o->timeout_us,
	    .connect_timeout_us = en->o->connect_timeout_us,
	    .first_byte_us = en->o->first_byte_us,
	    .stall_us = en->o->stall_us,
	    .cacert = en->o->cacert,
	    .keep = rates_headers,
	    .nkeep = RATES_HEADERS,
	    .user_agent = "bf-llm/" BF_VERSION};
	struct buf url = BUF_INIT, authorization = BUF_INIT;
	const char *headers[2] = {"Content-Type: application/json", NULL};
	size_t n = 1;

	if (en->target != NULL)
		return 0;
	if (provider_ready(p, e) != 0)
		return -1;
	if (en->http == NULL)
		en->http = http_new(en->loop, &o);
	buf_addf(&url, "%s%s", p->base_url, p->dialect->path);
	if (p->key != NULL) {
		buf_adds(&authorization, "Authorization: Bearer ");
		buf_adds(&authorization, p->key);
		headers[n++] = buf_cstr(&authorization);
	}
	en->target = http_target_new(en->http, buf_cstr(&url), headers, n, e);
	if (authorization.len > 0)
		secret_wipe(authorization.data, authorization.len);
	buf_release(&authorization);
	buf_release(&url);
	return en->target == NULL ? -1 : 0;
}

static int
start_call(struct engine *en, struct call *c, struct err *e)
{
	if (open_http(en, e) != 0)
		return -1;
	if (flight_open(en, e) != 0) {
		en->ledger_lost = true;
		return err_prefix(e, "cannot record answers");
	}
	c->http.target = en->target;
	flight_begin(en, c);
	if (http_start(en->http, &c->http, e) != 0) {
		flight_end(en, c);
		return -1;
	}
	ready_take(c);
	c->place = CALL_FLIES;
	lanes_started(en, c);
	en->flying++;
	account_started(en, c);
	c->attempts++;
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
	engine_stop_sending(en);
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
	return anew_is_hit(en, c->key);
}

/* Its jobs take their answer from the ledger. */
static void
drop_answered(struct engine *en, struct call *c)
{
	struct job *job, *next;

	ready_take(c);
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

void
calls_start(struct engine *en)
{
	struct err e = ERR_INIT;
	struct call *c;

	while (en->nready > 0 && en->flying < en->jobs_most && !en->no_sending &&
	       !output_full(en) && (c = lanes_next(en)) != NULL) {
		if (is_answered(en, c)) {
			drop_answered(en, c);
			continue;
		}
		if (en->calls >= en->o->max_calls) {
			spend_budget(en);
			return;
		}
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

/* What its entries fail with; NULL: nothing. */
static const char *
class_of(const struct engine *en, const struct outcome *o)
{
	if (o->failed)
		return o->class;
	return o->aside == NULL || output_accepts(en, o->aside) ? NULL : o->aside;
}

static void
settle_job(struct engine *en, struct job *job, struct outcome *o)
{
	job->call = NULL;
	job->outcome = o;
	if (o != NULL) {
		o->refs++;
		limits_settled(en, class_of(en, o));
	} else {
		job->left = true;
		en->left++;
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
	if (!lost || o == NULL)
		flight_end(en, c);
	/* An answer that could not be recorded must not be seen. */
	if (o != NULL && !o->failed && o->recorded && en->ledger_lost) {
		buf_release(&o->text);
		free(o);
		o = NULL;
	}
	if (o != NULL) {
		o->refs = 1;
		o->next = en->fresh;
		en->fresh = o;
		if (!o->failed) {
			en->answered++;
			anew_answered(en, c->key);
		}
	}
	for (job = c->jobs; job != NULL; job = next) {
		next = job->follower;
		job->follower = NULL;
		settle_job(en, job, o);
	}
	table_take(en, c);
	call_free(c);
}

/* What the ledger did not take is kept elsewhere; false if that cannot be either.
 */
static bool
keep_unrecorded(struct engine *en)
{
	struct err e = ERR_INIT;
	size_t files = en->spill.written.len;
	int rc = spill_lines(&en->spill, buf_span(&en->unrecorded), &e);

	if (rc != 0)
		engine_say(en, ENGINE_ERROR, "%s: answers are lost", e.text);
	/* At once: the calls in flight may take long, and a kill may come. */
	else if (en->spill.written.len != files)
		engine_say(en, ENGINE_ERROR,
		    "answers that the ledger does not take are kept in %s",
		    buf_cstr(&en->spill.path));
	buf_clear(&en->unrecorded);
	return rc == 0;
}

void
calls_record(struct engine *en)
{
	struct err e = ERR_INIT;
	struct call *c;
	bool lost;

	/* Where a record was refused, those before it are still to be written. */
	if (en->ledger != NULL &&
	    (en->dirty || (!en->ledger_lost && ledger_sync_due(en->ledger) == 0))) {
		if (ledger_commit(en->ledger, &e) != 0) {
			lose_ledger(en, &e);
			buf_addspan(&en->unrecorded, ledger_unwritten(en->ledger));
		}
		en->dirty = false;
	}
	lost = !keep_unrecorded(en);
	while ((c = en->ended.first) != NULL) {
		list_take(&en->ended, c);
		settle_call(en, c, lost);
	}
}

/* The command that takes in what was kept elsewhere. */
static void
tell_spill(struct engine *en)
{
	struct buf command = BUF_INIT;

	if (!spill_command(&en->spill, en->o->ledger, &command))
		return;
	engine_say(en, ENGINE_ERROR,
	    "once the ledger can be written, take those answers in with: %s",
	    buf_cstr(&command));
	buf_release(&command);
}

void
calls_free(struct engine *en)
{
	struct call *c;

	calls_drop(en);
	while ((c = en->ended.first) != NULL) {
		list_take(&en->ended, c);
		if (c->outcome != NULL) {
			buf_release(&c->outcome->text);
			free(c->outcome);
		}
		call_free(c);
	}
	free(en->table);
	lanes_free(en);
	tell_spill(en);
	spill_close(&en->spill);
	buf_release(&en->unrecorded);
}
