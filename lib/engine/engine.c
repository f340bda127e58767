#include "engine/engine.h"

#include "base/mem.h"
#include "base/msg.h"
#include "engine/private.h"
#include "io/clock.h"
#include "io/fdio.h"
#include "json/incomplete.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

void
engine_say(struct engine *en, enum engine_level level, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	en->o->say(level, buf_cstr(&text));
	buf_release(&text);
}

void
engine_at_least(struct engine *en, int status)
{
	if (en->status < status)
		en->status = status;
}

void
engine_stop(struct engine *en, int status, const char *fmt, ...)
{
	struct buf why = BUF_INIT;
	va_list ap;

	if (en->stop_status != 0)
		return;
	en->stop_status = status;
	va_start(ap, fmt);
	buf_vaddf(&why, fmt, ap);
	va_end(ap);
	incomplete_add(&en->incomplete, msg_program(), buf_cstr(&why), status);
	buf_release(&why);
}

void
engine_stop_starting(struct engine *en)
{
	en->no_sending = true;
	calls_drop(en);
}

void
engine_stop_sending(struct engine *en)
{
	engine_stop_starting(en);
	if (en->broker->stop != NULL)
		en->broker->stop(en->broker);
}

/* ---- what may stop it from outside ---- */

static void
on_stop_signal(void *arg, int fd, unsigned events)
{
	struct engine *en = arg;
	int signo = fd_stopped();
	struct err e;

	(void)events;
	(void)loop_watch(en->loop, fd, 0, on_stop_signal, en, &e);
	if (signo == 0)
		return;
	if (en->stop_status == 0) {
		en->signo = signo;
		if (en->flying > 0 && !en->broker->waits)
			engine_say(en, ENGINE_WARN,
			    "stopping: %zu calls in flight land first; once more "
			    "ends at once",
			    en->flying);
	}
	engine_stop(
	    en, 128 + signo, signo == SIGINT ? "interrupted" : "terminated");
	en->no_reading = true;
	engine_stop_sending(en);
}

static void
on_deadline(void *arg)
{
	struct engine *en = arg;

	if (en->stop_status == 0)
		engine_say(en, ENGINE_ERROR, "the deadline is reached; stopping");
	engine_stop(en, STATUS_TEMPFAIL, "deadline reached");
	en->no_reading = true;
	engine_stop_sending(en);
}

/* ---- set up ---- */

#define OTHER_FILES 24 /* beside sockets and the ledger */

/* Calls that may go as one request. */
static size_t
together(const struct engine *en)
{
	return en->broker->together > 0 ? en->broker->together : 1;
}

size_t
engine_requests(const struct engine *en, size_t calls)
{
	return (calls + together(en) - 1) / together(en);
}

/*
 * Makes room for what a call takes beside the files; where the hard limit is in
 * the way, fewer calls are in flight, which is said.
 */
static void
fit_descriptors(struct engine *en)
{
	uint64_t others = OTHER_FILES, need, fit, each = en->broker->files;
	uint64_t requests = engine_requests(en, (size_t)en->o->jobs);
	struct rlimit limit;

	if (en->ledger != NULL)
		others += ledger_files(en->ledger);
	need = requests * each + others;
	en->jobs_most = (size_t)en->o->jobs;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
		return;
	(void)fd_raise_limit();
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
		return;
	fit = limit.rlim_cur > others + each ? (limit.rlim_cur - others) / each : 1;
	if (fit >= requests)
		return;
	en->jobs_most = (size_t)fit * together(en);
	if (en->o->jobs_auto)
		return;
	engine_say(en, ENGINE_WARN,
	    "only %" PRIu64 " open files are allowed: -j lowered from %" PRIu64
	    " to %" PRIu64 "; raise the limit with ulimit -n %" PRIu64,
	    (uint64_t)limit.rlim_cur, requests, fit, need);
}

static void
on_ledger_report(void *arg, const char *text)
{
	engine_say(arg, ENGINE_WARN, "%s", text);
}

static int
open_all(struct engine *en, struct err *e)
{
	struct ledger_options lo = {.sync = en->o->sync,
	    .read_only = en->o->cached_only || en->o->plan != NULL,
	    .report = on_ledger_report,
	    .arg = en};

	en->loop = loop_new(e);
	if (en->loop == NULL || output_open(en, e) != 0)
		return -1;
	if (fd_stop_pipe() >= 0 && loop_watch(en->loop, fd_stop_pipe(), LOOP_READ,
				       on_stop_signal, en, e) != 0)
		return -1;
	if (en->o->errors != NULL &&
	    (en->errors = outfile_open(en->o->errors, e)) == NULL)
		return -1;
	if (account_open(en, e) != 0)
		return -1;
	if (en->o->ledger != NULL && !lo.read_only)
		flight_tell(en, &lo);
	if (en->o->ledger != NULL &&
	    (en->ledger = ledger_open(en->o->ledger, &lo, e)) == NULL)
		return -1;
	fit_descriptors(en);
	if (money_open(en, e) != 0)
		return -1;
	if (en->o->deadline_us > 0) {
		en->deadline.fn = on_deadline;
		en->deadline.arg = en;
		loop_timer_set(
		    en->loop, &en->deadline, en->started + en->o->deadline_us);
	}
	input_open(en);
	return tell_open(en, e);
}

/* ---- the loop ---- */

static bool
is_finished(const struct engine *en)
{
	return (en->input_ended || en->no_reading) && en->ncalls == 0 &&
	       en->first == NULL && !output_pending(en) &&
	       (en->stop_status == 0 || en->incomplete_put);
}

/* What the broker left makes what is put out less than the whole. */
static void
stop_for_left(struct engine *en)
{
	bool over = en->input_ended && en->ncalls == 0 && en->first == NULL;

	if (!over || en->let_be == 0 || en->stop_status != 0)
		return;
	engine_stop(en, STATUS_TEMPFAIL, "%" PRIu64 " entr%s left for a later run",
	    en->left, en->left == 1 ? "y is" : "ies are");
	en->only_left = true;
}

static bool
incomplete_is_due(const struct engine *en)
{
	return en->stop_status != 0 && !en->incomplete_put && en->ncalls == 0 &&
	       en->first == NULL && (en->input_ended || en->no_reading);
}

/* Microseconds the loop may wait; -1: until something happens. */
static int64_t
may_wait(const struct engine *en)
{
	int64_t due;

	if (en->input_ready && input_may_read(en))
		return 0;
	if (en->first != NULL && en->first->call == NULL && !output_full(en))
		return 0;
	if (en->ended.first != NULL || is_finished(en) || incomplete_is_due(en))
		return 0;
	if (output_pending(en) && !en->out.waits)
		return 0;
	due = en->ledger == NULL || en->ledger_lost ? -1
						    : ledger_sync_due(en->ledger);
	return due < 0 ? -1 : due * 1000;
}

static void
turn(struct engine *en)
{
	struct err e = ERR_INIT;

	input_read(en);
	calls_start(en);
	if (loop_turn(en->loop, may_wait(en), &e) != 0) {
		engine_say(en, ENGINE_ERROR, "%s", e.text);
		engine_stop(en, STATUS_CANNOT, "%s", e.text);
		en->no_reading = true;
		engine_stop_sending(en);
	}
	calls_record(en);
	output_emit(en);
	stop_for_left(en);
	output_end(en);
	output_flush(en);
}

/* ---- the end ---- */

static void
finish_errors(struct engine *en)
{
	struct err e = ERR_INIT;
	bool whole = en->stop_status == 0;
	int r;

	if (en->errors == NULL)
		return;
	r = whole ? outfile_commit(en->errors, NULL, &e)
		  : outfile_keep_partial(en->errors, &e);
	en->errors = NULL;
	if (r != 0) {
		engine_say(en, ENGINE_ERROR, "%s", e.text);
		engine_at_least(en, STATUS_CANNOT);
	} else if (!whole && en->failed > 0)
		engine_say(en, ENGINE_WARN,
		    "failed entries so far are in %s.partial", en->o->errors);
}

static void
finish_ledger(struct engine *en)
{
	struct err e = ERR_INIT;

	if (en->ledger != NULL && ledger_close(en->ledger, &e) != 0 &&
	    !en->ledger_lost) {
		engine_say(en, ENGINE_ERROR, "%s", e.text);
		engine_at_least(en, STATUS_CANNOT);
		if (en->stop_status == STATUS_TEMPFAIL)
			en->stop_status = STATUS_CANNOT;
	}
	en->ledger = NULL;
}

/* 1234 as it is, 12.3k, 1.2M */
static void
add_count(struct buf *b, int64_t n)
{
	if (n < 10000)
		buf_addf(b, "%" PRId64, n);
	else if (n < 1000000)
		buf_addf(b, "%.1fk", (double)n / 1e3);
	else
		buf_addf(b, "%.1fM", (double)n / 1e6);
}

/* 1 call, 2 calls */
static void
add_things(struct buf *b, uint64_t n, const char *one, const char *more)
{
	buf_addf(b, "%" PRIu64 " %s", n, n == 1 ? one : more);
}

/* What it cost, as far as prices are known; nothing where none is. */
static void
add_cost(struct buf *b, const struct engine *en)
{
	uint64_t priced = 0;

	for (size_t i = 0; i < en->nlanes; i++)
		priced += en->lanes[i]->priced;
	if (en->calls == 0)
		return;
	if (priced == 0) {
		buf_adds(b, ", no price known");
		return;
	}
	buf_adds(b, ", $");
	price_add_rounded(b, en->cost);
	if (en->unpriced == 0)
		return;
	buf_adds(b, " and ");
	add_things(b, en->unpriced, "call", "calls");
	buf_adds(b, " without a known price");
}

static void
summarise(struct engine *en)
{
	struct buf b = BUF_INIT;
	uint64_t good = en->answered + en->hits;

	if (en->surrogate_entries > 0)
		engine_say(en, ENGINE_WARN,
		    "%zu lone surrogates in %zu requests were replaced by U+FFFD",
		    en->surrogates, en->surrogate_entries);
	if (en->dropped_entries > 0)
		engine_say(en, ENGINE_WARN,
		    "%" PRIu64 " requests were sent without all that they ask for",
		    en->dropped_entries);
	add_things(&b, en->entries, "entry: ", "entries: ");
	add_things(&b, good, "answer (", "answers (");
	if (together(en) > 1) {
		add_things(&b, en->calls, "call in ", "calls in ");
		add_things(&b, en->broker->requests, "request, ", "requests, ");
	} else
		add_things(&b, en->calls, "call, ", "calls, ");
	buf_addf(&b, "%" PRIu64 " from the ledger), %" PRIu64 " failed", en->hits,
	    en->failed);
	if (en->left > 0)
		buf_addf(&b, ", %" PRIu64 " left", en->left);
	if (en->hedges > 0)
		buf_addf(&b, ", %" PRIu64 " hedged (%" PRIu64 " won)", en->hedges,
		    en->hedges_won);
	if (en->fallbacks > 0)
		buf_addf(
		    &b, ", %" PRIu64 " passed on to another model", en->fallbacks);
	if (en->repairs > 0)
		buf_addf(&b, ", %" PRIu64 " sent back for repair", en->repairs);
	if (en->grown > 0)
		buf_addf(
		    &b, ", %" PRIu64 " asked again for a longer answer", en->grown);
	if (en->broker->costs) {
		buf_adds(&b, "; ");
		add_count(&b, en->tokens_in);
		buf_adds(&b, " tokens in");
		if (!en->broker->mute) {
			buf_adds(&b, ", ");
			add_count(&b, en->tokens_out);
			buf_adds(&b, " out");
		}
		add_cost(&b, en);
	}
	buf_addf(&b, "; %.1f s", (double)(clock_mono_us() - en->started) / 1e6);
	engine_say(en, ENGINE_INFO, "%s", buf_cstr(&b));
	buf_release(&b);
}

static int
status_of(const struct engine *en)
{
	return en->stop_status != 0 ? en->stop_status : en->status;
}

static void
finish_account(struct engine *en)
{
	struct err e = ERR_INIT;

	if (account_finish(en, status_of(en), &e) == 0)
		return;
	engine_say(en, ENGINE_ERROR, "%s", e.text);
	engine_at_least(en, STATUS_CANNOT);
}

/* Whether every entry was read, and none is missing but those that were left. */
static bool
is_whole(const struct engine *en)
{
	return en->input_ended && (en->stop_status == 0 || en->only_left);
}

static void
close_all(struct engine *en)
{
	finish_errors(en);
	finish_ledger(en);
	finish_account(en);
	found_keep(en);
	en->broker->close(en->broker, is_whole(en));
	calls_free(en);
	flight_close(en);
	anew_close(en);
	plan_close(en);
	account_close(en);
	tell_close(en);
	input_close(en);
	output_close(en);
	loop_free(en->loop);
}

/* Nothing is put out, which must not look like all there is. */
static void
fail_to_open(struct engine *en, const struct err *e)
{
	struct buf *line = &en->incomplete;

	engine_say(en, ENGINE_ERROR, "%s", e->text);
	engine_at_least(en, STATUS_CANNOT);
	engine_stop(en, STATUS_CANNOT, "%s", e->text);
	if (en->errors != NULL)
		outfile_abandon(en->errors);
	en->errors = NULL;
	if (en->o->plan == NULL)
		(void)fd_write(STDOUT_FILENO, line->data, line->len);
}

int
engine_run(const struct engine_options *o, struct broker *b, int *signo)
{
	struct engine en = {.o = o,
	    .broker = b,
	    .entry = ENTRY_INIT,
	    .out_entry = ENTRY_INIT,
	    .again = ENTRY_INIT,
	    .fresh_keys = HASHSET_INIT(REQUEST_KEY_SIZE),
	    .started = clock_mono_us(),
	    .looked = clock_mono_us()};
	struct err e = ERR_INIT;
	int status;

	spill_open(&en.spill);
	rng_seed(&en.rng, rng_entropy());
	*signo = 0;
	if (open_all(&en, &e) != 0) {
		fail_to_open(&en, &e);
	} else {
		while (!is_finished(&en))
			turn(&en);
		tell_end(&en);
		if (o->plan != NULL)
			plan_tell(&en);
		else
			summarise(&en);
		found_tell(&en);
	}
	close_all(&en);
	status = status_of(&en);
	*signo = en.signo;
	return status;
}
