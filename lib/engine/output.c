/* Outcomes to lines, in their order, as fast as they are taken. */
#include "engine/private.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

void
add_error(struct buf *out, const char *class, const char *message, int status,
    int attempts)
{
	buf_adds(out, "{\"class\":");
	json_add_string(out, span_str(class));
	buf_adds(out, ",\"message\":");
	json_add_string(out, span_str(message));
	if (status != 0)
		buf_addf(out, ",\"status\":%d", status);
	if (attempts != 0)
		buf_addf(out, ",\"attempts\":%d", attempts);
	buf_addc(out, '}');
}

static void
outcome_unref(struct engine *en, struct outcome *o)
{
	if (o == NULL || --o->refs > 0)
		return;
	if (o->kept)
		en->kept -= o->text.cap;
	outcome_free(o);
}

/* ---- one line ---- */

static void
tell_failure(
    struct engine *en, const char *file, uint64_t lineno, struct span error)
{
	struct span class = SPAN("error"), message = error;
	struct buf a = BUF_INIT, b = BUF_INIT;

	(void)json_text(json_get(error, "class"), &a, &class);
	(void)json_text(json_get(error, "message"), &b, &message);
	engine_say(en, ENGINE_ERROR, "%s:%" PRIu64 ": %.*s: %.*s", file, lineno,
	    (int)class.n, class.p, (int)message.n, message.p);
	buf_release(&a);
	buf_release(&b);
}

void
output_fail_entry(struct engine *en, struct entry *entry, const char *file,
    uint64_t lineno, struct span error)
{
	struct err e = ERR_INIT;

	account_failed(en, error);
	engine_at_least(en, STATUS_SOME_FAILED);
	if (en->errors == NULL) {
		tell_failure(en, file, lineno, error);
		return;
	}
	entry_set(entry, "error", error);
	buf_clear(&en->failed_entry);
	entry_write(entry, &en->failed_entry);
	if (outfile_write(en->errors, buf_span(&en->failed_entry), &e) != 0 &&
	    en->stop_status == 0) {
		engine_say(en, ENGINE_ERROR, "%s", e.text);
		engine_stop(en, STATUS_CANNOT, "%s", e.text);
		en->no_reading = true;
		engine_stop_sending(en);
	}
}

/*
 * entry holds the line that is answered; error: of an answer that is not what was
 * wanted, else empty.
 */
static void
put_response(struct engine *en, struct entry *entry, const char *file,
    uint64_t lineno, struct span response, struct span error)
{
	const char *field = en->broker->field;

	entry_set(entry, field != NULL ? field : "response", response);
	if (error.n > 0) {
		output_fail_entry(en, entry, file, lineno, error);
		return;
	}
	entry_del(entry, "error");
	if (!en->out.gone)
		entry_write(entry, &en->out.data);
}

/* What became of a job whose turn it was. */
enum put {
	PUT_OUT,   /* as an answer, or with those that failed */
	PUT_NOT,   /* the ledger does not have its answer after all, as it has
		      reported */
	PUT_OTHER, /* something is asked further, or was */
};

static void
stop_unread(
    struct engine *en, const char *file, uint64_t lineno, const struct err *e)
{
	if (en->stop_status == 0)
		engine_say(en, ENGINE_ERROR, "%s:%" PRIu64 ": the ledger: %s", file,
		    lineno, e->text);
	engine_stop(en, STATUS_CANNOT, "the ledger cannot be read");
	en->no_reading = true;
	engine_stop_sending(en);
}

/* An answer of the ledger, in en->response; job as below. */
static enum put
put_recorded(struct engine *en, struct entry *entry, const char *file,
    uint64_t lineno, const char *aside, int attempts, struct job *job)
{
	struct buf error = BUF_INIT, after = BUF_INIT;
	enum further further = FURTHER_NOTHING;
	const char *class = further_judge(
	    en, &en->response, aside, attempts, &error, &after);

	if (class != NULL && job != NULL && !job->settled)
		further = further_ask(
		    en, job, class, buf_span(&en->response), buf_span(&error));
	if (further == FURTHER_NOTHING)
		put_response(en, entry, file, lineno, buf_span(&en->response),
		    buf_span(&error));
	else
		en->hits--;
	en->left += further == FURTHER_LEFT;
	if (job != NULL && further == FURTHER_NOTHING)
		pages_follow(en, job, buf_span(&after));
	buf_release(&error);
	buf_release(&after);
	return further == FURTHER_ASKED ? PUT_OTHER : PUT_OUT;
}

/* job: NULL for the entry that was just read. */
static enum put
put_from_ledger(struct engine *en, struct entry *entry, const char *file,
    uint64_t lineno, const struct provider *p, const unsigned char *key,
    struct job *job)
{
	struct ledger_record rec;
	struct dialect_answer a;
	struct err e = ERR_INIT;
	struct buf error = BUF_INIT;
	int got = ledger_get(en->ledger, key, &rec, &e);

	if (got == 0)
		return PUT_NOT;
	if (got < 0) {
		stop_unread(en, file, lineno, &e);
		return PUT_OUT;
	}
	buf_clear(&en->response);
	if (p->dialect->answer(&en->response, rec.response, rec.model, &a, &e) == 0)
		return put_recorded(
		    en, entry, file, lineno, a.aside, rec.attempts, job);
	add_error(&error, "bad_answer", e.text, rec.http, rec.attempts);
	output_fail_entry(en, entry, file, lineno, buf_span(&error));
	buf_release(&error);
	return PUT_OUT;
}

static enum put
put_job(struct engine *en, struct job *job)
{
	struct entry *entry = &en->out_entry;
	struct outcome *o = job->outcome;
	struct json_fault f;

	if (job->left || entry_parse(entry, span_of(job->line, job->n), &f) != 0)
		return PUT_OUT;
	if (o == NULL || (o->recorded && o->text.len == 0))
		return put_from_ledger(en, entry, job->file, job->lineno,
		    job->provider, job->key, job);
	if (o->failed)
		output_fail_entry(
		    en, entry, job->file, job->lineno, buf_span(&o->text));
	else
		put_response(en, entry, job->file, job->lineno, buf_span(&o->text),
		    buf_span(&o->error));
	return PUT_OUT;
}

/* ---- the order ---- */

void
output_queue(struct engine *en, struct job *job)
{
	if (en->last != NULL)
		en->last->next = job;
	else
		en->first = job;
	en->last = job;
	en->held += job->held;
}

void
output_drop(struct engine *en, struct job *job)
{
	outcome_unref(en, job->outcome);
	buf_release(&job->way.body);
	free(job);
}

bool
output_is_free(const struct engine *en)
{
	return en->first == NULL && !output_full(en);
}

bool
output_hit(struct engine *en, const struct request *r)
{
	return put_from_ledger(en, &en->entry, jsonl_name(en->reader),
		   jsonl_lineno(en->reader), r->provider, r->key, NULL) != PUT_NOT;
}

/* Of what the ledger has, so much is kept that it need not be read back. */
static void
keep_some(struct engine *en, struct outcome *o)
{
	if (en->kept + o->text.cap > KEPT_MOST) {
		buf_release(&o->text);
		return;
	}
	o->kept = true;
	en->kept += o->text.cap;
}

/* What was not put out in the turn in which it came, and is too much, waits as
 * its key. */
static void
forget_fresh(struct engine *en)
{
	struct outcome *o;

	while ((o = en->fresh) != NULL) {
		en->fresh = o->next;
		if (!o->failed && o->recorded && o->refs > 1)
			keep_some(en, o);
		outcome_unref(en, o);
	}
}

static void
take_first(struct engine *en, struct job *job)
{
	en->first = job->next;
	if (en->first == NULL)
		en->last = NULL;
	job->next = NULL;
	en->held -= job->held;
}

/*
 * The first job's answer, which the ledger seemed to have, cannot be read back:
 * it is asked for as if it had never been there.
 */
static void
ask_again(struct engine *en, struct job *job)
{
	struct err e = ERR_INIT;

	en->hits -= job->outcome == NULL;
	outcome_unref(en, job->outcome);
	job->outcome = NULL;
	if (en->no_sending || en->o->cached_only ||
	    input_request(en, &en->request, &en->out_entry, &job->way, &e) != 0) {
		job->left = true;
		en->left++;
		engine_at_least(en, STATUS_SOME_FAILED);
		return;
	}
	en->held -= job->held;
	job->settled = false;
	calls_add(en, job, &en->request, true);
	en->held += job->held;
	if (!en->o->unordered)
		return;
	take_first(en, job);
	en->held += job->held;
}

void
output_emit(struct engine *en)
{
	struct job *job;

	while ((job = en->first) != NULL && job->call == NULL) {
		/* What waits for another turn must be read back from the ledger. */
		if (output_full(en))
			output_flush(en);
		if (output_full(en))
			break;
		switch (put_job(en, job)) {
		case PUT_OUT:
			take_first(en, job);
			output_drop(en, job);
			break;
		case PUT_NOT:
			ask_again(en, job);
			break;
		case PUT_OTHER:
			/* What is in flight has no place here. */
			if (job->call != NULL && en->o->unordered) {
				take_first(en, job);
				en->held += job->held;
			}
			break;
		}
	}
	forget_fresh(en);
}

void
output_end(struct engine *en)
{
	if (en->first != NULL || en->ncalls > 0 || en->stop_status == 0 ||
	    !(en->no_reading || en->input_ended) || en->incomplete_put)
		return;
	en->incomplete_put = true;
	if (!en->out.gone && en->o->plan == NULL)
		buf_addspan(&en->out.data, buf_span(&en->incomplete));
}

/* ---- standard output ---- */

bool
output_full(const struct engine *en)
{
	return en->out.data.len - en->out.at >= OUT_HIGH;
}

bool
output_pending(const struct engine *en)
{
	return en->out.data.len > en->out.at;
}

static void
on_output(void *arg, int fd, unsigned events)
{
	struct engine *en = arg;
	struct err e;

	if ((events & LOOP_ERROR) != 0) {
		output_gone(en);
		return;
	}
	en->out.waits = false;
	(void)loop_watch(en->loop, fd, LOOP_ERROR, on_output, en, &e);
}

int
output_open(struct engine *en, struct err *e)
{
	struct stat st;
	int flags = fcntl(STDOUT_FILENO, F_GETFL);

	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
		errno = EBADF;
		return err_sys(e, "standard output");
	}
	en->out.direct = fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode);
	if (en->out.direct)
		return 0;
	return loop_watch(en->loop, STDOUT_FILENO, LOOP_ERROR, on_output, en, e);
}

static void
discard(struct engine *en)
{
	en->out.gone = true;
	buf_clear(&en->out.data);
	en->out.at = 0;
	loop_forget(en->loop, STDOUT_FILENO);
	en->no_reading = true;
	engine_stop_sending(en);
}

void
output_gone(struct engine *en)
{
	if (en->out.gone)
		return;
	engine_stop(en, 128 + SIGPIPE, "standard output is closed");
	en->signo = SIGPIPE;
	discard(en);
}

static void
output_failed(struct engine *en)
{
	int errnum = errno;

	if (errnum == EPIPE) {
		output_gone(en);
		return;
	}
	engine_say(en, ENGINE_ERROR, "standard output: %s", strerror(errnum));
	engine_stop(en, STATUS_CANNOT, "standard output: %s", strerror(errnum));
	en->stop_status = STATUS_CANNOT;
	en->signo = 0;
	discard(en);
}

/* As much as goes without waiting, by the kernel's word; no matter how many wait.
 */
static ssize_t
write_what_fits(struct output *out)
{
#ifdef RWF_NOWAIT
	struct iovec rest = {out->data.data + out->at, out->data.len - out->at};

	if (!out->in_pieces)
		return pwritev2(STDOUT_FILENO, &rest, 1, -1, RWF_NOWAIT);
#endif
	errno = EOPNOTSUPP;
	return -1;
}

/* As much as a pipe that polls writable takes for certain. */
static ssize_t
write_piece(struct output *out)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
	size_t left = out->data.len - out->at;

	if (poll(&p, 1, 0) > 0)
		return write(STDOUT_FILENO, out->data.data + out->at,
		    left < PIPE_BUF ? left : PIPE_BUF);
	errno = EAGAIN;
	return -1;
}

/*
 * Without waiting, though the descriptor may be shared with others, so that
 * O_NONBLOCK is not for us to set.
 */
static void
write_pieces(struct engine *en)
{
	struct output *out = &en->out;
	struct err e;
	ssize_t n;

	while (out->at < out->data.len && !out->waits) {
		n = write_what_fits(out);
		if (n < 0 && errno != EAGAIN && errno != EINTR && errno != EPIPE) {
			out->in_pieces = true;
			n = write_piece(out);
		}
		if (n >= 0)
			out->at += (size_t)n;
		else if (errno == EAGAIN)
			out->waits = true;
		else if (errno != EINTR) {
			output_failed(en);
			return;
		}
	}
	if (out->waits)
		(void)loop_watch(en->loop, STDOUT_FILENO, LOOP_WRITE | LOOP_ERROR,
		    on_output, en, &e);
}

void
output_flush(struct engine *en)
{
	struct output *out = &en->out;

	if (out->gone || out->at == out->data.len)
		return;
	if (!out->direct)
		write_pieces(en);
	else if (fd_write(STDOUT_FILENO, out->data.data + out->at,
		     out->data.len - out->at) != 0)
		output_failed(en);
	else
		out->at = out->data.len;
	if (out->at == out->data.len) {
		buf_clear(&out->data);
		out->at = 0;
	} else if (out->at > OUT_HIGH) {
		buf_drop(&out->data, out->at);
		out->at = 0;
	}
}

void
output_close(struct engine *en)
{
	struct job *job;

	while ((job = en->first) != NULL) {
		en->first = job->next;
		output_drop(en, job);
	}
	forget_fresh(en);
	entry_release(&en->out_entry);
	entry_release(&en->again);
	buf_release(&en->out.data);
	buf_release(&en->response);
	buf_release(&en->said);
	buf_release(&en->failed_entry);
	buf_release(&en->incomplete);
}
