#include "json/stage.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/fdio.h"
#include "io/utf8.h"
#include "json/incomplete.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dash[] = "-";
static char *const only_stdin[] = {dash};

static void
flush_output(void *arg)
{
	struct stage *st = arg;

	jsonl_flush(&st->out);
}

void
stage_open(struct stage *st, const struct cli *cli)
{
	memset(st, 0, sizeof(*st));
	st->cli = cli;
	st->inputs = cli->noperands == 0 ? only_stdin : cli->operands;
	st->ninputs = cli->noperands == 0 ? 1 : cli->noperands;
	fd_catch_stop();
	st->reader = jsonl_reader_new((size_t)cli->max_line, flush_output, st);
	jsonl_writer_init(&st->out, STDOUT_FILENO);
	st->where = mem_zero(1, sizeof(*st->where));
}

/* ---- statuses, and the ways to stop ---- */

static void
at_least(struct stage *st, int status)
{
	if (st->status < status)
		st->status = status;
}

/* The first reason to stop is the one that is told. */
static void
stop(struct stage *st, int status, const char *why)
{
	st->ended = true;
	if (st->stop_status != 0)
		return;
	st->stop_status = status;
	incomplete_add(&st->incomplete, msg_program(), why, status);
}

void
stage_some_failed(struct stage *st)
{
	at_least(st, STATUS_SOME_FAILED);
}

void
stage_stop(struct stage *st, int status, const char *fmt, ...)
{
	struct buf why = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&why, fmt, ap);
	va_end(ap);
	msg_error("%s", buf_cstr(&why));
	stop(st, status, why.data);
	buf_release(&why);
}

void
stage_stop_told(struct stage *st, int status, const char *why)
{
	stop(st, status, why);
}

static void
stop_by_signal(struct stage *st, int signo)
{
	st->signo = st->stop_status == 0 ? signo : 0;
	stop(st, 128 + signo, signo == SIGINT ? "interrupted" : "terminated");
}

/*
 * An input that cannot be read: the others still are, but what comes out is
 * not the whole, and must not look so.
 */
void
stage_lost(struct stage *st, const char *name, const char *why)
{
	msg_error("%s: %s", name, why);
	at_least(st, STATUS_CANNOT);
	if (st->lost.len == 0)
		buf_addf(&st->lost, "%s: %s", name, why);
}

/* What is bad has been told. */
static void
go_on_or_stop(struct stage *st, const char *kind, const char *where)
{
	struct buf why = BUF_INIT;

	if (st->cli->keep_going) {
		at_least(st, STATUS_SOME_FAILED);
		return;
	}
	buf_addf(&why, "bad %s %s", kind, where);
	stop(st, STATUS_CANNOT, buf_cstr(&why));
	buf_release(&why);
}

void
stage_bad(struct stage *st, const char *where, size_t column, const char *what)
{
	msg_error("%s:%zu: %s", where, column, what);
	go_on_or_stop(st, "line", where);
}

void
stage_bad_entry(struct stage *st, const char *where, const char *what)
{
	msg_error("%s: %s", where, what);
	go_on_or_stop(st, "entry", where);
}

static void
bad_line(struct stage *st, size_t column, const char *what)
{
	stage_bad(st, stage_where(st), column, what);
}

/* ---- lines in ---- */

/* Whether fd is being read through a map, where stage_map() asked for one. */
static bool
open_map(struct stage *st, int fd, const char *name)
{
	struct filemap m;

	st->mapped = false;
	if (st->map_most == 0 || filemap_open(&m, fd, st->map_most) < 0)
		return false;
	st->map_most -= m.bytes.n;
	m.name = name;
	st->maps = mem_resize(st->maps, st->nmaps + 1, sizeof(m));
	st->maps[st->nmaps++] = m;
	jsonl_reader_open_text(st->reader, m.bytes, name);
	return st->mapped = true;
}

static void
open_fd(struct stage *st, int fd, const char *name)
{
	if (!open_map(st, fd, name))
		jsonl_reader_open(st->reader, fd, name);
	st->open = true;
}

/* Opens the next operand that opens; false when there is none. */
static bool
open_next(struct stage *st)
{
	const char *name;
	int fd;

	for (;;) {
		if (st->operand == st->ninputs)
			return false;
		name = st->inputs[st->operand++];
		if (strcmp(name, "-") == 0) {
			open_fd(st, STDIN_FILENO, "<stdin>");
			return true;
		}
		fd = fd_open(name, O_RDONLY | O_NOCTTY, 0);
		if (fd >= 0) {
			open_fd(st, fd, name);
			return true;
		}
		stage_lost(st, name, strerror(errno));
	}
}

/* The reader cannot go on with this file. */
static void
read_failed(struct stage *st, const struct err *e)
{
	if (e->errnum == EINTR && fd_stopped() != 0) {
		stop_by_signal(st, fd_stopped());
		return;
	}
	st->open = false;
	stage_lost(st, jsonl_name(st->reader), e->text);
}

void
stage_map(struct stage *st, uint64_t most)
{
	st->map_most = most;
}

bool
stage_mapped(const struct stage *st)
{
	return st->mapped;
}

bool
stage_interrupted(struct stage *st)
{
	if (fd_stopped() == 0)
		return false;
	stop_by_signal(st, fd_stopped());
	return true;
}

bool
stage_whole(struct stage *st)
{
	for (size_t i = 0; i < st->nmaps; i++)
		if (filemap_changed(&st->maps[i])) {
			stage_stop(st, STATUS_CANNOT,
			    "%s: changed while it was read", st->maps[i].name);
			break;
		}
	return st->stop_status == 0 && st->lost.len == 0 && st->out.failed == 0 &&
	       !st->open;
}

/* The next line of any kind that the reader takes for a good one. */
static bool
next_line(struct stage *st, struct span *line)
{
	struct err e;

	err_init(&e);
	st->waits = false;
	while (!st->ended && st->out.failed == 0 && (st->open || open_next(st))) {
		if (st->mapped && stage_interrupted(st))
			break;
		switch (jsonl_read(st->reader, line, &e)) {
		case JSONL_LINE:
			return true;
		case JSONL_BAD:
			bad_line(st, jsonl_bad_column(st->reader), e.text);
			break;
		case JSONL_FAIL:
			read_failed(st, &e);
			break;
		case JSONL_AGAIN:
			st->waits = true;
			return false;
		case JSONL_END:
			st->open = false;
			break;
		}
	}
	st->ended = true;
	return false;
}

bool
stage_incomplete(struct stage *st, struct span line)
{
	int status;

	if (!incomplete_is(line, &status))
		return false;
	st->ended = true;
	st->stop_status = status;
	buf_clear(&st->incomplete);
	buf_addspan(&st->incomplete, line);
	buf_addc(&st->incomplete, '\n');
	return true;
}

bool
stage_line(struct stage *st, struct span *line)
{
	return next_line(st, line) && !stage_incomplete(st, *line);
}

bool
stage_text_line(struct stage *st, struct span *line)
{
	size_t at;

	while (next_line(st, line)) {
		at = utf8_valid(*line);
		if (at == line->n)
			return true;
		bad_line(
		    st, at + 1 + jsonl_column_shift(st->reader), "invalid UTF-8");
	}
	return false;
}

void
stage_no_wait(struct stage *st)
{
	jsonl_reader_no_wait(st->reader);
}

bool
stage_waits(const struct stage *st)
{
	return st->waits;
}

int
stage_fd(const struct stage *st)
{
	return jsonl_reader_fd(st->reader);
}

void
stage_input(struct stage *st, char *const *path)
{
	st->inputs = path;
	st->ninputs = 1;
	st->operand = 0;
	st->open = false;
	st->ended = stage_stopped(st);
}

bool
stage_stopped(const struct stage *st)
{
	return st->stop_status != 0 || st->out.failed != 0;
}

bool
stage_entry(struct stage *st, struct entry *en)
{
	struct json_fault f;
	struct span line;

	while (stage_line(st, &line)) {
		if (entry_parse(en, line, &f) == 0)
			return true;
		bad_line(st, f.at + 1 + jsonl_column_shift(st->reader), f.what);
	}
	return false;
}

const char *
stage_where(const struct stage *st)
{
	buf_clear(st->where);
	buf_addf(st->where, "%s:%" PRIu64, jsonl_name(st->reader),
	    jsonl_lineno(st->reader));
	return buf_cstr(st->where);
}

/* ---- lines out ---- */

bool
stage_emit(struct stage *st, const struct entry *en)
{
	entry_write(en, &st->out.out);
	return jsonl_written(&st->out) == 0;
}

bool
stage_emit_line(struct stage *st, struct span line)
{
	return jsonl_write_line(&st->out, line) == 0;
}

/* ---- failed entries ---- */

void
stage_errors(struct stage *st, const char *path)
{
	struct err e = ERR_INIT;

	st->errors = outfile_open(path, &e);
	if (st->errors == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
}

/* An entry that no file takes: its place and why, for a person. */
static void
tell_failure(const char *where, struct span error)
{
	struct span class, message;
	struct buf a = BUF_INIT, b = BUF_INIT;

	if (!json_text(json_get(error, "class"), &a, &class))
		class = SPAN("error");
	if (!json_text(json_get(error, "message"), &b, &message))
		message = error;
	msg_error("%s: %.*s: %.*s", where, (int)class.n, class.p, (int)message.n,
	    message.p);
	buf_release(&a);
	buf_release(&b);
}

static void
fail(struct stage *st, const char *where, struct entry *en, struct span error)
{
	struct err e = ERR_INIT;

	at_least(st, STATUS_SOME_FAILED);
	st->failed++;
	if (st->errors == NULL) {
		tell_failure(where, error);
		return;
	}
	entry_set(en, "error", error);
	buf_clear(&st->scratch);
	entry_write(en, &st->scratch);
	if (outfile_write(st->errors, buf_span(&st->scratch), &e) < 0)
		stage_stop(st, STATUS_CANNOT, "%s", e.text);
}

void
stage_fail_json(struct stage *st, struct entry *en, struct span error)
{
	fail(st, stage_where(st), en, error);
}

__attribute__((format(printf, 6, 0))) static void
fail_as(struct stage *st, const char *where, struct entry *en, const char *class,
    const char *more, const char *fmt, va_list ap)
{
	struct buf message = BUF_INIT, error = BUF_INIT;

	buf_vaddf(&message, fmt, ap);
	buf_adds(&error, "{\"class\":");
	json_add_string(&error, span_str(class));
	buf_adds(&error, ",\"message\":");
	json_add_string(&error, buf_span(&message));
	buf_adds(&error, more);
	buf_addc(&error, '}');
	fail(st, where, en, buf_span(&error));
	buf_release(&message);
	buf_release(&error);
}

void
stage_fail(
    struct stage *st, struct entry *en, const char *class, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_as(st, stage_where(st), en, class, "", fmt, ap);
	va_end(ap);
}

void
stage_fail_at(struct stage *st, const char *where, struct entry *en,
    const char *class, const char *more, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_as(st, where, en, class, more, fmt, ap);
	va_end(ap);
}

struct path *
stage_path(const struct cli *cli)
{
	struct err e = ERR_INIT;
	struct path *p = path_parse(span_str(cli->arg), &e);

	if (p == NULL)
		cli_usage(cli, "%s %s: %s", cli->name, cli->arg, e.text);
	return p;
}

struct span
stage_find(struct stage *st, const struct path *p, const struct entry *en)
{
	struct span value = path_find_entry(p, en), name = path_text(p);

	if (value.p == NULL)
		stage_refuse(st, "no field '%.*s'", (int)name.n, name.p);
	return value;
}

void
stage_refuse(struct stage *st, const char *fmt, ...)
{
	struct buf why = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&why, fmt, ap);
	va_end(ap);
	stage_bad_entry(st, stage_where(st), buf_cstr(&why));
	buf_release(&why);
}

/* ---- the end ---- */

static void
finish_errors(struct stage *st)
{
	struct err e = ERR_INIT;
	struct buf path = BUF_INIT;
	bool whole = st->stop_status == 0 && st->out.failed == 0;
	bool direct;
	int r;

	if (st->errors == NULL)
		return;
	direct = outfile_is_direct(st->errors);
	buf_adds(&path, outfile_path(st->errors));
	if (whole)
		r = outfile_commit(st->errors, NULL, &e);
	else
		r = outfile_keep_partial(st->errors, &e);
	st->errors = NULL;
	if (r < 0) {
		stage_stop(st, STATUS_CANNOT, "%s", e.text);
		st->stop_status = STATUS_CANNOT;
		st->signo = 0;
	} else if (!whole && !direct)
		msg_warn(
		    "failed entries so far are in %s.partial", buf_cstr(&path));
	buf_release(&path);
}

/* Some file systems tell of a failed write only when a descriptor is closed. */
static int
close_output(const struct jsonl_writer *w)
{
	int fd = fcntl(w->fd, F_DUPFD_CLOEXEC, 3);

	return fd < 0 ? 0 : fd_close(fd);
}

bool
stage_is_cut(struct stage *st)
{
	if (st->lost.len > 0)
		stop(st, STATUS_CANNOT, buf_cstr(&st->lost));
	return st->stop_status != 0;
}

void
stage_why(const struct stage *st, struct buf *out)
{
	incomplete_why(out, buf_span(&st->incomplete), msg_program());
}

int
stage_close(struct stage *st)
{
	stage_is_cut(st);
	finish_errors(st);
	if (!st->no_mark)
		buf_addspan(&st->out.out, buf_span(&st->incomplete));
	if (jsonl_flush(&st->out) < 0 || close_output(&st->out) < 0) {
		st->signo = errno == EPIPE ? SIGPIPE : 0;
		st->stop_status = STATUS_CANNOT;
		if (st->signo == 0)
			msg_error("standard output: %s", strerror(errno));
	}
	jsonl_reader_free(st->reader);
	for (size_t i = 0; i < st->nmaps; i++)
		filemap_close(&st->maps[i]);
	free(st->maps);
	jsonl_writer_release(&st->out);
	buf_release(&st->incomplete);
	buf_release(st->where);
	free(st->where);
	buf_release(&st->scratch);
	buf_release(&st->lost);
	if (st->signo != 0)
		fd_die_of(st->signo);
	return st->stop_status != 0 ? st->stop_status : st->status;
}
