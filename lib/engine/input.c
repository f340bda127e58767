/* Lines to jobs. */
#include "engine/private.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/fdio.h"
#include "json/incomplete.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void
end_input(struct engine *en)
{
	en->open = false;
	en->input_ended = true;
}

/* Opens the next operand that opens; false when there is none. */
static bool
open_next(struct engine *en)
{
	const struct engine_options *o = en->o;
	const char *name;
	int fd;

	while (en->operand < (o->nfiles == 0 ? 1 : o->nfiles)) {
		name = o->nfiles == 0 ? "-" : o->files[en->operand];
		en->operand++;
		if (strcmp(name, "-") == 0) {
			jsonl_reader_open(en->reader, STDIN_FILENO, "<stdin>");
			return en->open = true;
		}
		fd = fd_open(name, O_RDONLY | O_NOCTTY, 0);
		if (fd >= 0) {
			jsonl_reader_open(en->reader, fd, name);
			return en->open = true;
		}
		engine_say(en, ENGINE_ERROR, "%s: %s", name, strerror(errno));
		engine_stop(en, STATUS_CANNOT, "%s: %s", name, strerror(errno));
	}
	return false;
}

void
input_open(struct engine *en)
{
	en->reader = jsonl_reader_new((size_t)en->o->max_line, NULL, NULL);
	jsonl_reader_no_wait(en->reader);
	en->input_ready = true;
}

void
input_close(struct engine *en)
{
	if (en->reader != NULL) {
		loop_forget(en->loop, jsonl_reader_fd(en->reader));
		jsonl_reader_free(en->reader);
	}
	entry_release(&en->entry);
	request_release(&en->request);
	request_release(&en->other);
}

/* ---- waiting for input ---- */

static void
on_input(void *arg, int fd, unsigned events)
{
	struct engine *en = arg;
	struct err e;

	(void)events;
	en->input_ready = true;
	(void)loop_watch(en->loop, fd, 0, on_input, en, &e);
}

static void
wait_for_input(struct engine *en)
{
	struct err e = ERR_INIT;

	en->input_ready = false;
	if (loop_watch(en->loop, jsonl_reader_fd(en->reader), LOOP_READ, on_input,
		en, &e) != 0) {
		engine_say(en, ENGINE_ERROR, "%s", e.text);
		engine_stop(en, STATUS_CANNOT, "%s", e.text);
		end_input(en);
	}
}

/* ---- one entry ---- */

static void
bad_line(struct engine *en, size_t column, const char *what)
{
	const char *name = jsonl_name(en->reader);
	unsigned long long line = jsonl_lineno(en->reader);

	engine_say(en, ENGINE_ERROR, "%s:%llu:%zu: %s", name, line, column, what);
	if (en->o->keep_going) {
		engine_at_least(en, STATUS_SOME_FAILED);
		return;
	}
	engine_stop(en, STATUS_CANNOT, "bad line %s:%llu", name, line);
	end_input(en);
}

struct job *
job_new(
    struct span line, const char *file, uint64_t lineno, const struct request *r)
{
	struct job *job = mem_alloc(sizeof *job + line.n);

	*job = (struct job){.file = file,
	    .lineno = lineno,
	    .held = sizeof *job + line.n,
	    .n = line.n,
	    .provider = r->provider};
	memcpy(job->line, line.p, line.n);
	memcpy(job->key, r->key, sizeof job->key);
	return job;
}

/* For the entry that was just read. */
static struct job *
job_read(struct engine *en)
{
	return job_new(en->entry.text, jsonl_name(en->reader),
	    jsonl_lineno(en->reader), &en->request);
}

static void
count_surrogates(struct engine *en)
{
	en->surrogates += en->request.surrogates;
	en->surrogate_entries += en->request.surrogates != 0;
	if (en->surrogate_entries == 1 && en->request.surrogates != 0)
		engine_say(en, ENGINE_WARN,
		    "%s:%llu: lone surrogates in the request, which UTF-8 cannot "
		    "hold: "
		    "U+FFFD is sent in their place",
		    jsonl_name(en->reader),
		    (unsigned long long)jsonl_lineno(en->reader));
}

/* Once for what may be true of all. */
static void
count_dropped(struct engine *en)
{
	if (en->dropped_entries++ > 0)
		return;
	engine_say(en, ENGINE_WARN,
	    "%s:%llu: --lenient: left out, as %s cannot say it: %s",
	    jsonl_name(en->reader), (unsigned long long)jsonl_lineno(en->reader),
	    en->request.provider->dialect->name, buf_cstr(&en->request.dropped));
}

int
input_request(struct engine *en, struct request *r, const struct entry *entry,
    const struct way *way, struct err *e)
{
	r->lenient = en->o->lenient;
	r->stream = en->o->stream;
	r->given = way == NULL || way->body.len == 0 ? SPAN_NONE
						     : buf_span(&way->body);
	r->instead = way == NULL || way->asked == 0 || r->given.p != NULL
			 ? NULL
			 : en->o->fallback[way->asked - 1];
	if (en->broker->describe(en->broker, r, entry, e) != 0)
		return -1;
	return r->body.len <= BODY_MOST
		   ? 0
		   : err_set(
			 e, "the request is longer than %d MiB", BODY_MOST >> 20);
}

/* It takes its place in the order like any other. */
static void
fail_entry(struct engine *en, const char *class, const char *message)
{
	struct job *job = job_read(en);

	job->outcome = outcome_failed(class, message, 0, 0);
	output_queue(en, job);
	limits_settled(en, class);
}

static void
plan_entry(struct engine *en)
{
	const struct request *missing;
	struct err e = ERR_INIT;

	if (input_request(en, &en->request, &en->entry, NULL, &e) != 0) {
		engine_say(en, ENGINE_ERROR, "%s:%llu: bad_request: %s",
		    jsonl_name(en->reader),
		    (unsigned long long)jsonl_lineno(en->reader), e.text);
		engine_at_least(en, STATUS_SOME_FAILED);
		plan_bad(en);
		return;
	}
	missing = further_missing(en);
	if (missing == NULL)
		plan_hit(en);
	else
		plan_ask(en, missing);
}

static void
take_entry(struct engine *en)
{
	struct err e = ERR_INIT;
	struct way way = {.asked = 0};
	struct job *job;

	en->entries++;
	if (en->o->plan != NULL) {
		plan_entry(en);
		return;
	}
	if (input_request(en, &en->request, &en->entry, NULL, &e) != 0) {
		memset(en->request.key, 0, sizeof en->request.key);
		en->request.provider = NULL;
		fail_entry(en, "bad_request", e.text);
		return;
	}
	if (en->request.surrogates != 0)
		count_surrogates(en);
	if (en->request.dropped.len > 0)
		count_dropped(en);
	if (anew_is_hit(en, en->request.provider, en->request.key)) {
		en->hits++;
		if (!output_is_free(en) || further_may(en)) {
			output_queue(en, job_read(en));
			return;
		}
		if (output_hit(en, &en->request))
			return;
		en->hits--; /* its record is damaged: as if there was none */
	}
	if (further_hit(en, &way)) {
		en->hits++;
		job = job_read(en);
		job->way = way;
		output_queue(en, job);
		return;
	}
	if (en->o->cached_only) {
		fail_entry(en, "not_cached", "the ledger has no answer");
		return;
	}
	if (en->no_sending) {
		en->left++;
		return;
	}
	job = job_read(en);
	calls_add(en, job, &en->request, false);
	if (!en->o->unordered)
		output_queue(en, job);
	else
		en->held += job->held;
}

/* An upstream stage stopped early: this stream is no more complete than its. */
static void
pass_incomplete(struct engine *en, struct span line, int status)
{
	end_input(en);
	if (en->stop_status != 0)
		return;
	en->stop_status = status;
	buf_addspan(&en->incomplete, line);
	buf_addc(&en->incomplete, '\n');
}

static void
take_line(struct engine *en, struct span line)
{
	struct json_fault f;
	int status;

	en->input_bytes += line.n + 1;
	if (incomplete_is(line, &status))
		pass_incomplete(en, line, status);
	else if (entry_parse(&en->entry, line, &f) != 0)
		bad_line(en, f.at + 1 + jsonl_column_shift(en->reader), f.what);
	else
		take_entry(en);
}

/* ---- reading ---- */

/* Those of other models go on while some are held back. */
static bool
room_for_calls(const struct engine *en)
{
	size_t most = WAITING_PER_SLOT * en->jobs_most + WAITING_LEAST;

	if (en->waiting.n >= most || en->nheld >= HELD_MOST)
		return false;
	if (en->held_back)
		return en->flying < en->jobs_most && en->nready < most;
	return en->nready + en->flying < en->jobs_most;
}

bool
input_may_read(const struct engine *en)
{
	return !en->input_ended && !en->no_reading && !output_full(en) &&
	       en->held < en->o->window && room_for_calls(en);
}

static void
read_failed(struct engine *en, const struct err *e)
{
	if (e->errnum == EINTR && fd_stopped() != 0)
		return; /* the loop hears of it too */
	engine_say(en, ENGINE_ERROR, "%s: %s", jsonl_name(en->reader), e->text);
	engine_stop(en, STATUS_CANNOT, "%s: %s", jsonl_name(en->reader), e->text);
	en->open = false;
}

void
input_read(struct engine *en)
{
	struct err e = ERR_INIT;
	struct span line;
	int most = READ_MOST, fd;

	while (most-- > 0 && en->input_ready && input_may_read(en)) {
		if (!en->open && !open_next(en)) {
			end_input(en);
			return;
		}
		fd = jsonl_reader_fd(en->reader);
		switch (jsonl_read(en->reader, &line, &e)) {
		case JSONL_LINE:
			take_line(en, line);
			break;
		case JSONL_BAD:
			bad_line(en, jsonl_bad_column(en->reader), e.text);
			break;
		case JSONL_AGAIN:
			wait_for_input(en);
			break;
		case JSONL_FAIL:
			read_failed(en, &e);
			if (fd_stopped() != 0)
				return;
			break;
		case JSONL_END:
			loop_forget(en->loop, fd);
			en->open = false;
			break;
		}
	}
}
