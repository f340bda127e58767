#include "exec.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/clock.h"
#include "io/fdio.h"
#include "io/process.h"
#include "io/utf8.h"
#include "words.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUT_MOST  ((size_t)64 << 20) /* bytes of an answer */
#define FILES     4 /* two pipes, or three, and one that is being made */
#define READ_SIZE 65536
#define ERR_KEPT  4096 /* bytes of what is said on standard error, its end */
#define ERR_READ  ((size_t)1 << 20) /* in one turn */
#define ERR_TOLD  400               /* of which so many are told */
#define GRACE_US  2000000           /* from TERM to KILL */
#define END_MS    10000 /* for servers to end once nothing more is asked */

/* A command that runs, and what it is asked. */
struct worker {
	struct worker *next;
	struct exec *x;
	struct process p;
	struct loop *loop;
	struct broker_call *call; /* NULL: it is idle, or there is none yet */
	size_t sent;              /* bytes of the call's line */
	struct buf out, err;
	int64_t begun;
	struct loop_timer timer; /* the timeout, then the grace */
	bool refused;            /* nothing runs, and its call will fail */
	bool late;               /* it has had its time */
	bool mute;               /* a server that closed its standard output */
	uint64_t answers;        /* of a server */
};

struct exec {
	struct broker broker;
	const struct exec_options *o;
	struct provider provider;
	struct words words;
	struct buf command; /* the words, as a JSON array */
	const char *model;  /* the name under which it is kept */
	char **shell;       /* its words, with --shell */
	struct worker *workers;
	struct entry entry;
	struct buf scratch, raw;
	bool watches; /* for children that end */
};

/* ---- what is asked ---- */

/* Whether the line has what words of the command stand for. */
static int
check_words(struct exec *x, struct span line, struct err *e)
{
	struct json_fault f;

	if (entry_parse(&x->entry, line, &f) != 0)
		return err_set(e, "%s", f.what);
	return words_check(&x->words, &x->entry, e);
}

static int
describe(struct broker *b, struct request *r, const struct entry *en, struct err *e)
{
	struct exec *x = (struct exec *)b;

	request_begin(r);
	request_add_entry(&r->wire, en, &x->o->fields);
	if (x->words.fields && check_words(x, buf_span(&r->wire), e) != 0)
		return -1;
	buf_clear(&x->scratch);
	buf_adds(&x->scratch, "{\"command\":");
	buf_addspan(&x->scratch, buf_span(&x->command));
	buf_adds(&x->scratch, ",\"entry\":");
	buf_addspan(&x->scratch, buf_span(&r->wire));
	buf_addc(&x->scratch, '}');
	(void)json_canon(&r->body, buf_span(&x->scratch));
	buf_addc(&r->wire, '\n');
	buf_adds(&r->model, x->model);
	r->provider = &x->provider;
	request_key(r, &x->provider, 0);
	return 0;
}

/* ---- what comes of it ---- */

static void
close_stream(struct worker *w, int *fd)
{
	if (*fd < 0)
		return;
	loop_forget(w->loop, *fd);
	(void)fd_close(*fd);
	*fd = -1;
}

static void
worker_free(struct worker *w)
{
	struct worker **at = &w->x->workers;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	loop_timer_clear(w->loop, &w->timer);
	close_stream(w, &w->p.in);
	close_stream(w, &w->p.out);
	close_stream(w, &w->p.err);
	process_stop(&w->p);
	buf_release(&w->out);
	buf_release(&w->err);
	free(w);
}

/* Its call is over; it may take another, unless it is freed. */
static void
finish(struct worker *w)
{
	struct broker_call *c = w->call;

	w->call = NULL;
	c->own = NULL;
	c->micros = clock_mono_us() - w->begun;
	loop_timer_clear(w->loop, &w->timer);
	c->done(c);
}

static void
fail_as(struct worker *w, struct retry_ruling ruling, const char *why)
{
	struct broker_call *c = w->call;
	struct span said = buf_span(&w->err);

	c->ruling = ruling;
	while (said.n > 0 && said.p[said.n - 1] == '\n')
		said.n--;
	c->raw = said;
	if (said.n > ERR_TOLD)
		said = span_of(said.p + said.n - ERR_TOLD, ERR_TOLD);
	/* Not in the middle of a character. */
	while (said.n > 0 && (*said.p & 0xc0) == 0x80)
		said = span_of(said.p + 1, said.n - 1);
	if (utf8_valid(said) < said.n)
		said.n = 0;
	snprintf(c->why, sizeof c->why, "%s%s%.*s", why, said.n > 0 ? ": " : "",
	    (int)said.n, said.p);
	finish(w);
	worker_free(w);
}

static void
fail(struct worker *w, enum retry_verdict verdict, const char *class,
    const char *why)
{
	fail_as(w, (struct retry_ruling){verdict, class, false}, why);
}

/* What it said is the answer. */
static void
answer(struct worker *w, struct span said)
{
	struct exec *x = w->x;
	struct broker_call *c = w->call;
	struct err e = ERR_INIT;

	buf_clear(&x->raw);
	buf_adds(&x->raw, "{\"stdout\":");
	json_add_string(&x->raw, said);
	buf_addc(&x->raw, '}');
	c->raw = buf_span(&x->raw);
	c->reached = true;
	c->answered = dialect_command.answer(
			  &c->response, c->raw, c->model, &c->answer, &e) == 0;
}

static void
take_output(struct worker *w)
{
	if (utf8_valid(buf_span(&w->out)) < w->out.len) {
		fail(w, RETRY_AGAIN, "bad_answer", "standard output is not UTF-8");
		return;
	}
	answer(w, buf_span(&w->out));
	finish(w);
	worker_free(w);
}

static void
fail_ended(struct worker *w)
{
	int status = w->p.status;
	char why[100];

	/* It may have been about to end when it was asked. */
	if (w->answers > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		fail_as(w, (struct retry_ruling){RETRY_AGAIN, "exit", true},
		    "it ended without an answer");
		return;
	}
	if (w->late) {
		fail(w, RETRY_AGAIN, "timeout",
		    w->mute ? "it closed its standard output, and did not end"
			    : "no end within --timeout");
		return;
	}
	if (WIFSIGNALED(status)) {
		snprintf(why, sizeof why, "killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
		fail(w, RETRY_AGAIN, "signal", why);
		return;
	}
	snprintf(why, sizeof why, "exit status %d%s", WEXITSTATUS(status),
	    w->x->o->server ? " before it answered" : "");
	fail(w, RETRY_AGAIN, "exit", why);
}

/* ---- reading ---- */

/* As much as is there; false: nothing more will come. */
static bool
read_some(int fd, struct buf *b, size_t most)
{
	ssize_t n;

	do {
		n = read(fd, buf_room(b, READ_SIZE), READ_SIZE);
		if (n > 0)
			b->len += (size_t)n;
	} while ((n > 0 && b->len <= most) || (n < 0 && errno == EINTR));
	return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Of standard error the end is kept. */
static void
read_errors(struct worker *w)
{
	bool more = read_some(w->p.err, &w->err, ERR_READ);

	if (w->err.len > ERR_KEPT)
		buf_drop(&w->err, w->err.len - ERR_KEPT);
	if (!more)
		close_stream(w, &w->p.err);
}

/*
 * The line of a server, if it is there, answers its call.  false: it was none, and
 * the server is gone.
 */
static bool
take_line(struct worker *w)
{
	struct span said = buf_span(&w->out);
	const char *end = said.n == 0 ? NULL : memchr(said.p, '\n', said.n), *why;

	if (end == NULL)
		return true;
	if (w->sent < w->call->body.n)
		why = "a line before all was asked";
	else if (end + 1 < said.p + said.n)
		why = "more than a line in answer to one";
	else if (utf8_valid(said) < said.n)
		why = "the line is not UTF-8";
	else {
		answer(w, said);
		w->answers++;
		finish(w);
		buf_clear(&w->out);
		return true;
	}
	fail(w, RETRY_AGAIN, "bad_answer", why);
	return false;
}

/* It said something that nobody asked for: what it says next is no answer either.
 */
static void
drop_babbler(struct worker *w)
{
	msg_warn("%s: it says more than a line to a line, and is started anew",
	    w->x->o->argv[0]);
	worker_free(w);
}

static void
on_output(void *arg, int fd, unsigned events)
{
	struct worker *w = arg;
	bool more = read_some(fd, &w->out, OUT_MOST);

	(void)events;
	if (w->out.len > OUT_MOST && w->call != NULL) {
		fail(w, RETRY_FAIL, "too_large", "more output than 64 MiB");
		return;
	}
	if (!more)
		close_stream(w, &w->p.out);
	if (!w->x->o->server)
		return;
	if (w->call == NULL && w->out.len > 0) {
		drop_babbler(w);
		return;
	}
	if (w->call != NULL && !take_line(w))
		return;
	if (w->call != NULL && !more) {
		w->mute = true;
		loop_timer_set(w->loop, &w->timer, clock_mono_us() + GRACE_US);
	}
}

static void
on_errors(void *arg, int fd, unsigned events)
{
	(void)fd;
	(void)events;
	read_errors(arg);
}

/* ---- writing ---- */

static void
on_input(void *arg, int fd, unsigned events)
{
	struct worker *w = arg;
	struct span line = w->call->body;
	struct err e;
	ssize_t n = 0;

	(void)events;
	while (w->sent < line.n) {
		n = write(fd, line.p + w->sent, line.n - w->sent);
		if (n >= 0)
			w->sent += (size_t)n;
		else if (errno != EINTR)
			break;
	}
	if (n < 0 && errno == EAGAIN)
		return;
	/* One that wants no input, or no more, may answer all the same. */
	if (!w->x->o->server)
		close_stream(w, &w->p.in);
	else
		(void)loop_watch(w->loop, fd, 0, on_input, w, &e);
}

/* ---- the end ---- */

static void
end_worker(struct worker *w)
{
	/* What it wrote before it ended is in the pipes. */
	if (w->p.err >= 0)
		read_errors(w);
	if (w->call == NULL) {
		worker_free(w);
		return;
	}
	if (w->p.out >= 0 && !read_some(w->p.out, &w->out, OUT_MOST))
		close_stream(w, &w->p.out);
	if (w->x->o->server && !take_line(w))
		return;
	if (w->call == NULL)
		worker_free(w);
	else if (w->out.len > OUT_MOST)
		fail(w, RETRY_FAIL, "too_large", "more output than 64 MiB");
	else if (!w->late && !w->x->o->server && WIFEXITED(w->p.status) &&
		 WEXITSTATUS(w->p.status) == 0)
		take_output(w);
	else
		fail_ended(w);
}

static void
on_child(void *arg, int fd, unsigned events)
{
	struct exec *x = arg;
	struct worker *w, *next;

	(void)fd;
	(void)events;
	process_seen();
	for (w = x->workers; w != NULL; w = next) {
		next = w->next;
		if (!w->refused && process_ended(&w->p))
			end_worker(w);
	}
}

static void
on_time(void *arg)
{
	struct worker *w = arg;

	process_signal(&w->p, w->late ? SIGKILL : SIGTERM);
	w->late = true;
	loop_timer_set(w->loop, &w->timer, clock_mono_us() + GRACE_US);
}

/* ---- begun ---- */

static int
watch_streams(struct worker *w, struct err *e)
{
	if (loop_watch(w->loop, w->p.out, LOOP_READ, on_output, w, e) != 0)
		return -1;
	return w->p.err < 0
		   ? 0
		   : loop_watch(w->loop, w->p.err, LOOP_READ, on_errors, w, e);
}

/* 0; 1: this entry cannot be asked, and e says why; -1 and e. */
static int
start(struct worker *w, struct broker_call *c, struct err *e)
{
	struct exec *x = w->x;
	struct made_words made = {.argv = NULL};
	struct json_fault f;
	int rc;

	if (x->o->server) {
		rc = process_start(
		    &w->p, x->words.given, environ, PROCESS_IN_OUT, e);
	} else {
		if (entry_parse(&x->entry, span_of(c->body.p, c->body.n - 1), &f) !=
			0 ||
		    words_make(&x->words, &x->entry, &made, e) != 0)
			return 1;
		rc = process_start(&w->p, made.argv, made.env, PROCESS_ALL, e);
		made_words_release(&made);
	}
	if (rc != 0 && e->errnum == E2BIG)
		return 1;
	return rc != 0 ? -1 : watch_streams(w, e);
}

static struct worker *
worker_new(struct exec *x, struct loop *l)
{
	struct worker *w = mem_zero(1, sizeof *w);

	w->x = x;
	w->loop = l;
	w->p = (struct process){.in = -1, .out = -1, .err = -1};
	w->next = x->workers;
	x->workers = w;
	return w;
}

static struct worker *
find_idle(struct exec *x)
{
	struct worker *w, *next;

	for (w = x->workers; w != NULL; w = next) {
		next = w->next;
		if (w->call != NULL)
			continue;
		if (w->p.out >= 0)
			(void)read_some(w->p.out, &w->out, OUT_MOST);
		if (w->out.len > 0)
			drop_babbler(w);
		else if (w->p.out >= 0 && !process_ended(&w->p))
			return w;
		else
			worker_free(w);
	}
	return NULL;
}

/* The entry that cannot be asked fails in a later turn. */
static void
on_refused(void *arg)
{
	fail(arg, RETRY_FAIL, "too_large",
	    "its fields are too long for the command's arguments");
}

static int
watch_children(struct exec *x, struct loop *l, struct err *e)
{
	int fd;

	if (x->watches)
		return 0;
	fd = process_watch(e);
	if (fd < 0 || loop_watch(l, fd, LOOP_READ, on_child, x, e) != 0)
		return -1;
	x->watches = true;
	return 0;
}

static int
submit(struct broker *b, struct broker_call *c, struct loop *l, struct err *e)
{
	struct exec *x = (struct exec *)b;
	struct worker *w = NULL;
	int rc = 0;

	if (watch_children(x, l, e) != 0)
		return -1;
	if (x->o->server)
		w = find_idle(x);
	if (w == NULL) {
		w = worker_new(x, l);
		rc = start(w, c, e);
	}
	if (rc < 0 ||
	    (rc == 0 && loop_watch(l, w->p.in, LOOP_WRITE, on_input, w, e) != 0)) {
		worker_free(w);
		return -1;
	}
	w->call = c;
	w->sent = 0;
	w->begun = clock_mono_us();
	c->own = w;
	w->timer.arg = w;
	w->refused = rc > 0;
	w->timer.fn = w->refused ? on_refused : on_time;
	if (w->refused)
		loop_timer_set(l, &w->timer, 0);
	else if (x->o->timeout_us > 0)
		loop_timer_set(l, &w->timer, w->begun + x->o->timeout_us);
	return 0;
}

static void
cancel(struct broker *b, struct broker_call *c)
{
	(void)b;
	worker_free(c->own);
	c->own = NULL;
}

/* Servers end when there is no more input; those that do not are made to. */
static void
close_all(struct broker *b, bool whole)
{
	static const struct timespec wait = {.tv_nsec = 5000000};
	struct exec *x = (struct exec *)b;
	struct worker *w;
	bool running = true;

	(void)whole;
	for (w = x->workers; w != NULL; w = w->next)
		close_stream(w, &w->p.in);
	for (int ms = 0; running && ms < END_MS; ms += 5) {
		running = false;
		for (w = x->workers; w != NULL; w = w->next)
			running = !process_ended(&w->p) || running;
		if (running)
			nanosleep(&wait, NULL);
	}
	while (x->workers != NULL)
		worker_free(x->workers);
}

/* ---- made ---- */

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* --shell: the shell's words, of which none is the entry's. */
static void
take_shell(struct exec *x, const char *command)
{
	char **argv = mem_zero(4, sizeof *argv);

	argv[0] = (char *)(uintptr_t) "/bin/sh";
	argv[1] = (char *)(uintptr_t) "-c";
	argv[2] = (char *)(uintptr_t)command;
	x->shell = argv;
	x->words = (struct words){
	    .n = 3, .given = argv, .paths = mem_zero(4, sizeof(struct path *))};
}

/* A server is asked by its input alone. */
static int
check_server(const struct words *w, struct err *e)
{
	for (size_t i = 0; w->fields && i < w->n; i++)
		if (w->paths[i] != NULL)
			return err_set(e,
			    "%s: a server gets its entries by lines, and no "
			    "fields as arguments",
			    w->given[i]);
	return 0;
}

static void
add_command(struct buf *out, const struct exec_options *o)
{
	buf_adds(out, o->shell ? "[\"sh\"," : o->server ? "[\"server\"," : "[");
	for (size_t i = 0; o->argv[i] != NULL; i++) {
		buf_adds(out, i > 0 ? "," : "");
		json_add_string(out, span_str(o->argv[i]));
	}
	buf_addc(out, ']');
}

struct broker *
exec_new(const struct exec_options *o, struct err *e)
{
	struct exec *x = mem_zero(1, sizeof *x);

	x->broker = (struct broker){.files = FILES,
	    .describe = describe,
	    .submit = submit,
	    .cancel = cancel,
	    .close = close_all};
	x->o = o;
	x->entry = ENTRY_INIT;
	x->provider = (struct provider){.name = (char *)(uintptr_t) "command",
	    .dialect = &dialect_command,
	    .base_url = (char *)(uintptr_t) "command:",
	    .endpoint = (char *)(uintptr_t) "command"};
	x->model = o->shell ? "sh" : base_name(o->argv[0]);
	add_command(&x->command, o);
	if (o->shell)
		take_shell(x, o->argv[0]);
	else if (words_parse(&x->words, o->argv, e) != 0 ||
		 (o->server && check_server(&x->words, e) != 0)) {
		exec_free(&x->broker);
		return NULL;
	}
	return &x->broker;
}

void
exec_free(struct broker *b)
{
	struct exec *x = (struct exec *)b;

	words_release(&x->words);
	free(x->shell);
	entry_release(&x->entry);
	buf_release(&x->command);
	buf_release(&x->scratch);
	buf_release(&x->raw);
	free(x);
}
