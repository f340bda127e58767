/* What is recorded of calls, and where. */
#include "engine/private.h"

#include "base/msg.h"
#include "engine/inlined.h"
#include "io/clock.h"

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

/* What x came to, and cost; the last one tells how many attempts it took. */
static void
record(struct engine *en, struct call *c, const struct call *x,
    enum ledger_status status, const char *class, const struct dialect_usage *u,
    struct span response)
{
	const struct broker_call *ask = &x->ask;
	struct buf usage = BUF_INIT, cost = BUF_INIT, kept = BUF_INIT;
	bool last = c->place == CALL_ENDED || status == LEDGER_OK;
	struct ledger_record rec = {.status = status,
	    .http = ask->status,
	    .attempts = last ? (int)c->attempts : 0,
	    .millis = ask->micros / 1000,
	    .model = buf_span(&c->model),
	    .endpoint = span_str(c->provider->endpoint),
	    .class = class == NULL ? SPAN_NONE : span_str(class),
	    .request = inlined_digest(buf_span(&c->body), &kept),
	    .response = response};

	memcpy(rec.key, c->key, sizeof rec.key);
	if (u->known) {
		dialect_add_usage(&usage, u);
		rec.usage = buf_span(&usage);
	}
	if (x->cost != MONEY_UNKNOWN) {
		price_add_usd(&cost, x->cost);
		rec.cost = buf_span(&cost);
	}
	append(en, &rec);
	buf_release(&usage);
	buf_release(&cost);
	buf_release(&kept);
}

void
record_answer(struct engine *en, struct call *c, const struct call *x,
    const struct dialect_usage *u)
{
	struct buf scratch = BUF_INIT;

	record(
	    en, c, x, LEDGER_OK, NULL, u, recordable(x->ask.raw, true, &scratch));
	buf_release(&scratch);
}

void
record_failure(struct engine *en, struct call *c, const struct call *x,
    const char *class, const struct dialect_usage *u)
{
	struct buf scratch = BUF_INIT;
	struct span body = x->ask.raw;
	struct json_fault f;
	bool is_json;

	is_json = body.n > 0 && json_check(body, &f) == 0;
	if (!is_json && body.n > 4096)
		body.n = 4096;
	record(en, c, x, LEDGER_ERROR, class, u,
	    body.n == 0 ? SPAN("null") : recordable(body, is_json, &scratch));
	buf_release(&scratch);
}

/* What the ledger did not take is kept elsewhere; -1 if that cannot be either. */
static int
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
	return rc;
}

int
record_commit(struct engine *en)
{
	struct err e = ERR_INIT;

	/* Where a record was refused, those before it are still to be written. */
	if (en->ledger != NULL &&
	    (en->dirty || (!en->ledger_lost && ledger_sync_due(en->ledger) == 0))) {
		if (ledger_commit(en->ledger, &e) != 0) {
			lose_ledger(en, &e);
			buf_addspan(&en->unrecorded, ledger_unwritten(en->ledger));
		}
		en->dirty = false;
	}
	return keep_unrecorded(en);
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
record_close(struct engine *en)
{
	tell_spill(en);
	spill_close(&en->spill);
	buf_release(&en->unrecorded);
}
