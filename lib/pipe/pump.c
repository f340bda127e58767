#include "pipe/pump.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/fdio.h"
#include "json/incomplete.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
	NAME_MOST = 60, /* bytes of a command in a message */
	BATCH = 1024,   /* entries of the input that are taken in one turn */
};

void
pump_open(
    struct pump *p, struct stage *st, const struct pump_calls *calls, void *arg)
{
	*p = (struct pump){.st = st, .calls = calls, .arg = arg};
	signal(SIGPIPE, SIG_IGN);
	/* A parent may have left it ignored, and then nobody can be waited for. */
	signal(SIGCHLD, SIG_DFL);
	stage_no_wait(st);
}

void
pump_close(struct pump *p)
{
	for (size_t i = 0; i < p->n; i++)
		subpipe_release(&p->pipes[i]);
	free(p->pipes);
	free(p->fds);
	entry_release(&p->en);
	buf_release(&p->where);
}

size_t
pump_add(struct pump *p, const char *command)
{
	p->pipes = mem_resize(p->pipes, p->n + 1, sizeof(*p->pipes));
	p->fds = mem_resize(p->fds, 2 * (p->n + 1) + 2, sizeof(*p->fds));
	subpipe_init(&p->pipes[p->n], command, (size_t)p->st->cli->max_line);
	return p->n++;
}

const char *
pump_name(struct pump *p, size_t pipe)
{
	struct span s = span_str(p->pipes[pipe].command);
	bool whole = s.n <= NAME_MOST;

	buf_clear(&p->where);
	buf_addf(&p->where, "pipe '%.*s%s'", whole ? (int)s.n : NAME_MOST, s.p,
	    whole ? "" : "...");
	return buf_cstr(&p->where);
}

void
pump_bad(struct pump *p, size_t pipe, size_t column, const char *what)
{
	if (stage_stopped(p->st))
		return;
	(void)pump_name(p, pipe);
	buf_addf(&p->where, ":%" PRIu64, p->pipes[pipe].lineno);
	if (column > 0)
		stage_bad(p->st, buf_cstr(&p->where), column, what);
	else
		stage_bad_entry(p->st, buf_cstr(&p->where), what);
}

/* ---- in order ---- */

void
pump_put_line(void *arg, struct span line)
{
	struct pump *p = arg;

	stage_emit_line(p->st, line);
}

void
pump_advance(struct pump *p, struct order *o)
{
	if (order_advance(o) < 0 || o->lines->failed)
		if (!stage_stopped(p->st))
			stage_stop(p->st, STATUS_CANNOT, "%s", o->lines->e.text);
}

/* ---- into pipes ---- */

bool
pump_runs(const struct pump *p, size_t pipe)
{
	return p->pipes[pipe].pid != 0;
}

bool
pump_takes(const struct pump *p, size_t pipe)
{
	return subpipe_takes(&p->pipes[pipe]);
}

size_t
pump_backlog(const struct pump *p, size_t pipe)
{
	return subpipe_backlog(&p->pipes[pipe]);
}

struct buf *
pump_send(struct pump *p, size_t pipe)
{
	struct subpipe *s = &p->pipes[pipe];
	struct err e = ERR_INIT;

	if (p->cut)
		return NULL;
	if (s->pid == 0 && subpipe_start(s, &e) < 0) {
		stage_stop(p->st, STATUS_CANNOT, "%s", e.text);
		return NULL;
	}
	return subpipe_takes(s) ? &s->out : NULL;
}

void
pump_end(struct pump *p, size_t pipe)
{
	subpipe_end(&p->pipes[pipe], SPAN(""));
}

/* ---- the stream ends early ---- */

static void
tell_over(struct pump *p, size_t i)
{
	if (p->calls->over != NULL)
		p->calls->over(p->arg, i);
}

/*
 * What went in before is still good, unless nobody waits for it any more.
 */
static void
cut(struct pump *p, bool hurry)
{
	struct span mark = buf_span(&p->st->incomplete);
	struct buf own = BUF_INIT;

	p->cut = p->input_over = true;
	p->hurried = hurry;
	if (mark.n == 0) {
		incomplete_add(&own, msg_program(), "output closed", STATUS_CANNOT);
		mark = buf_span(&own);
	}
	for (size_t i = 0; i < p->n; i++) {
		struct subpipe *s = &p->pipes[i];

		if (hurry)
			subpipe_cut(s, mark);
		else
			subpipe_end(s, mark);
		if (p->st->signo != 0)
			subpipe_signal(s, p->st->signo);
		/* As if they wrote to our output themselves. */
		if (p->st->out.failed != 0 && s->from >= 0) {
			subpipe_close_output(s);
			tell_over(p, i);
		}
	}
	buf_release(&own);
}

static void
look_for_stop(struct pump *p)
{
	struct stage *st = p->st;
	bool hurry;

	if (st->stop_status == 0)
		stage_interrupted(st);
	else if (st->signo == 0)
		st->signo = fd_stopped();
	hurry = st->signo != 0 || st->out.failed != 0;
	if (stage_stopped(st) && (!p->cut || (hurry && !p->hurried)))
		cut(p, hurry);
}

/* ---- out of pipes ---- */

static void
take_lines(struct pump *p, size_t i)
{
	struct subpipe *s = &p->pipes[i];
	struct err e = ERR_INIT;
	struct span line;
	int r, status;

	while ((r = subpipe_line(s, &line, &e)) != 0) {
		if (r < 0)
			pump_bad(p, i, s->max_line + 1, e.text);
		else if (!incomplete_is(line, &status))
			p->calls->line(p->arg, i, line);
		else if (!stage_stopped(p->st))
			stage_incomplete(p->st, line);
	}
}

static void
take_output(struct pump *p, size_t i)
{
	struct subpipe *s = &p->pipes[i];
	struct err e = ERR_INIT;

	if (subpipe_read(s, &e) < 0)
		stage_stop(p->st, STATUS_CANNOT, "%s", e.text);
	take_lines(p, i);
	if (s->from < 0)
		tell_over(p, i);
}

/* ---- their ends ---- */

static void
judge(struct pump *p, size_t i, int status, int signo)
{
	if (status == STATUS_OK)
		return;
	if (status == STATUS_SOME_FAILED)
		stage_some_failed(p->st);
	else if (stage_stopped(p->st))
		; /* which is why */
	else if (status < 0)
		stage_stop(p->st, STATUS_CANNOT, "%s was killed by signal %d",
		    pump_name(p, i), signo);
	else
		stage_stop(p->st,
		    status == STATUS_TEMPFAIL ? STATUS_TEMPFAIL : STATUS_CANNOT,
		    "%s ended with status %d", pump_name(p, i), status);
}

/*
 * Those with nothing left to read or write; where there is nothing else to do, one
 * of them is waited for.
 */
static void
reap(struct pump *p, bool block)
{
	int how, status, r;

	for (size_t i = 0; i < p->n; i++) {
		struct subpipe *s = &p->pipes[i];

		if (!subpipe_is_done(s))
			continue;
		r = subpipe_wait(s, block, &how);
		if (r < 0 && errno != EINTR) {
			s->pid = 0;
			stage_stop(p->st, STATUS_CANNOT, "cannot wait for %s: %s",
			    pump_name(p, i), strerror(errno));
		}
		if (r != 1)
			continue;
		status = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
		judge(p, i, status, status < 0 ? WTERMSIG(how) : 0);
		if (p->calls->ended != NULL)
			p->calls->ended(p->arg, i, status);
		block = false;
	}
}

static bool
any_runs(const struct pump *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->pipes[i].pid != 0)
			return true;
	return false;
}

/* ---- a turn ---- */

static bool
wants_input(struct pump *p)
{
	return !p->input_over && p->calls->wants(p->arg);
}

static void
take_input(struct pump *p)
{
	int n = BATCH;

	while (n-- > 0 && !stage_stopped(p->st) && wants_input(p)) {
		if (!stage_entry(p->st, &p->en)) {
			p->waits = stage_waits(p->st);
			p->input_over = !p->waits;
			return;
		}
		p->calls->entry(p->arg, &p->en);
	}
}

static struct pollfd
watch(int fd, short events)
{
	return (struct pollfd){.fd = fd, .events = events};
}

/* fds: standard input, the stop pipe, and two of each pipe. How many may become
 * ready. */
static size_t
set_up(struct pump *p, bool input)
{
	size_t n = 0;

	p->fds[0] = watch(input && p->waits ? stage_fd(p->st) : -1, POLLIN);
	p->fds[1] = watch(fd_stopped() == 0 ? fd_stop_pipe() : -1, POLLIN);
	for (size_t i = 0; i < p->n; i++) {
		const struct subpipe *s = &p->pipes[i];

		p->fds[2 + 2 * i] = watch(subpipe_writes(s) ? s->to : -1, POLLOUT);
		p->fds[3 + 2 * i] = watch(s->from, POLLIN);
		n += p->fds[2 + 2 * i].fd >= 0;
		n += p->fds[3 + 2 * i].fd >= 0;
	}
	return n + (p->fds[0].fd >= 0);
}

/* What is put out goes out before anything is waited for. */
static int
wait_ready(struct pump *p, bool block)
{
	nfds_t n = (nfds_t)(2 * p->n + 2);
	int r = poll(p->fds, n, 0);

	if (r != 0 || !block)
		return r;
	if (jsonl_flush(&p->st->out) < 0)
		return 0;
	return poll(p->fds, n, -1);
}

static void
move(struct pump *p)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < p->n; i++) {
		struct subpipe *s = &p->pipes[i];

		if (p->fds[3 + 2 * i].revents != 0 && s->from >= 0)
			take_output(p, i);
		if (p->fds[2 + 2 * i].revents != 0 && subpipe_write(s, &e) < 0)
			stage_stop(p->st, STATUS_CANNOT, "%s", e.text);
	}
}

bool
pump_turn(struct pump *p)
{
	bool input, none;

	look_for_stop(p);
	p->calls->turn(p->arg);
	look_for_stop(p);
	input = wants_input(p);
	none = set_up(p, input) == 0 && !(input && !p->waits);
	if (none) {
		/* Only ends of pipes are left to wait for, or nothing is. */
		if (!any_runs(p))
			return !p->input_over;
		jsonl_flush(&p->st->out);
		reap(p, true);
		return true;
	}
	if (wait_ready(p, !(input && !p->waits)) < 0) {
		if (errno != EINTR)
			stage_stop(p->st, STATUS_CANNOT, "cannot wait: %s",
			    strerror(errno));
		return true;
	}
	move(p);
	reap(p, false);
	if (input && p->fds[0].revents != 0)
		p->waits = false;
	if (input && !p->waits)
		take_input(p);
	return true;
}
