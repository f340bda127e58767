#include "base/err.h"
#include "io/fdio.h"
#include "near.h"
#include "pipe/subpipe.h"
#include "json/json.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

/* The lines that came; the first is kept. -1 and e. */
static int
take_lines(struct subpipe *p, struct buf *first, size_t *n, struct err *e)
{
	struct span line;
	int r;

	while ((r = subpipe_line(p, &line, e)) > 0)
		if ((*n)++ == 0)
			buf_addspan(first, line);
	return r;
}

/* Until both ways are closed. -1 and e. */
static int
talk(struct subpipe *p, struct buf *first, size_t *n, struct err *e)
{
	struct pollfd fds[3];

	while (!subpipe_is_done(p)) {
		fds[0] = (struct pollfd){
		    subpipe_writes(p) ? p->to : -1, POLLOUT, 0};
		fds[1] = (struct pollfd){p->from, POLLIN, 0};
		fds[2] = (struct pollfd){fd_stop_pipe(), POLLIN, 0};
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			return err_sys(e, "poll");
		if (fd_stopped() != 0) {
			subpipe_signal(p, fd_stopped());
			return err_set(e, "interrupted");
		}
		if (fds[0].revents != 0 && subpipe_write(p, e) < 0)
			return -1;
		if (p->from >= 0 && fds[1].revents != 0 &&
		    (subpipe_read(p, e) < 0 || take_lines(p, first, n, e) < 0))
			return -1;
	}
	return 0;
}

/* What it ended with, and how many lines, is as it should be: 0, or -1 and e. */
static int
check_end(struct subpipe *p, size_t n, struct err *e)
{
	int how;

	if (subpipe_wait(p, true, &how) < 0)
		return err_sys(e, "cannot wait for the pipe");
	if (WIFSIGNALED(how))
		return err_set(
		    e, "the pipe was killed by signal %d", WTERMSIG(how));
	if (WEXITSTATUS(how) != 0)
		return err_set(
		    e, "the pipe ended with status %d", WEXITSTATUS(how));
	return n == 1 ? 0
		      : err_set(e, "%zu lines came back from the pipe for one", n);
}

int
question_ask(const char *pipe, const char *text, size_t max_line, struct buf *line,
    struct err *e)
{
	struct subpipe p;
	size_t n = 0;
	int r;

	/* The pipe may end without reading. */
	signal(SIGPIPE, SIG_IGN);
	subpipe_init(&p, pipe, max_line);
	r = subpipe_start(&p, e);
	if (r == 0) {
		buf_adds(&p.out, "{\"text\":");
		json_add_string(&p.out, span_str(text));
		buf_adds(&p.out, "}\n");
		subpipe_end(&p, SPAN(""));
		r = talk(&p, line, &n, e);
	}
	if (r == 0)
		r = check_end(&p, n, e);
	subpipe_release(&p);
	signal(SIGPIPE, SIG_DFL);
	return r;
}
