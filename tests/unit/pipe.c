#include "pipe/order.h"
#include "pipe/subpipe.h"

#include "tap.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

/* ---- lines and their order ---- */

static struct buf put;

static void
on_put(void *arg, struct span line)
{
	(void)arg;
	buf_addspan(&put, line);
	buf_addc(&put, ' ');
}

static void
is_put(const char *want, const char *what)
{
	is_span(buf_span(&put), span_str(want), what);
}

static void
test_order(size_t limit)
{
	struct lines l;
	struct order o;
	uint64_t n[200];

	printf("# %zu bytes in memory\n", limit);
	lines_init(&l, limit);
	order_init(&o, &l, on_put, NULL);
	buf_clear(&put);
	for (int i = 0; i < 4; i++)
		n[i] = order_add(&o);
	order_back(&o, n[2], SPAN("c"));
	order_over(&o, n[2]);
	order_back(&o, n[1], SPAN("b"));
	order_back(&o, n[1], SPAN("bb"));
	order_advance(&o);
	is_put("", "what is behind others waits");
	order_back(&o, n[0], SPAN("a"));
	is_put("a ", "the first is put out at once");
	order_over(&o, n[0]);
	order_advance(&o);
	is_put("a b bb ", "then those behind it, as far as one is over");
	ok(order_place(&o, n[0]) == NULL, "a place that is over is none");
	ok(order_place(&o, n[3] + 1) == NULL, "nor is one that is to come");
	order_back(&o, n[1], SPAN("bbb"));
	order_over(&o, n[1]);
	order_over(&o, n[3]);
	order_advance(&o);
	is_put("a b bb bbb c ", "one that is gone holds nothing up");
	is_int((long long)l.used, 0, "nothing is left in memory");
	is_int((long long)l.live, 0, "nor in the file");
	/* More than the ring had room for, from its middle. */
	buf_clear(&put);
	for (int i = 0; i < 200; i++) {
		n[i] = order_add(&o);
		order_place(&o, n[i])->kept = lines_add(&l, SPAN("kept"));
	}
	for (int i = 199; i >= 0; i--) {
		order_back(&o, n[i], i % 2 == 0 ? SPAN("even") : SPAN("odd"));
		order_over(&o, n[i]);
	}
	order_advance(&o);
	is_int((long long)put.len, 900, "two hundred, backwards");
	ok(l.used == 0 && l.live == 0, "and what was kept of each is given back");
	n[0] = order_add(&o);
	n[1] = order_add(&o);
	order_back(&o, n[1], SPAN("left"));
	order_release(&o);
	ok(l.used == 0 && l.live == 0, "so is what never was put out");
	if (limit < 4)
		ok(l.end <= 4, "the file is used again from its beginning");
	lines_release(&l);
}

/* ---- a pipe ---- */

/* All that comes out, while all goes in. */
static void
run(struct subpipe *p, struct buf *out)
{
	struct err e = ERR_INIT;
	struct span line;

	buf_clear(out);
	while (!subpipe_is_done(p)) {
		struct pollfd fds[2] = {
		    {subpipe_writes(p) ? p->to : -1, POLLOUT, 0},
		    {p->from, POLLIN, 0}};

		poll(fds, 2, -1);
		if (fds[0].revents != 0)
			subpipe_write(p, &e);
		if (fds[1].revents != 0)
			subpipe_read(p, &e);
		while (subpipe_line(p, &line, &e) == 1) {
			buf_addspan(out, line);
			buf_addc(out, '|');
		}
	}
}

static int
status_of(struct subpipe *p)
{
	int how;

	return subpipe_wait(p, true, &how) == 1 && WIFEXITED(how) ? WEXITSTATUS(how)
								  : -1;
}

static void
test_pipe(void)
{
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	struct subpipe p;
	struct span line;
	bool failed = false;
	size_t n;

	subpipe_init(&p, "tr a b; exit 3", 8);
	ok(!subpipe_takes(&p), "one that does not run takes nothing");
	is_int(subpipe_start(&p, &e), 0, "it starts");
	buf_adds(&p.out, "aa\n\n \na");
	subpipe_end(&p, SPAN("\n"));
	ok(!subpipe_takes(&p), "nothing more after the end");
	run(&p, &out);
	is_span(
	    buf_span(&out), SPAN("bb|b|"), "lines in, lines out, no blank ones");
	is_int(status_of(&p), 3, "its status");

	is_int(subpipe_start(&p, &e), 0, "it starts again");
	subpipe_end(&p, SPAN("12345678\n123456789\n1234567890123\nab"));
	while (p.from >= 0 || subpipe_writes(&p)) {
		subpipe_write(&p, &e);
		subpipe_read(&p, &e);
	}
	is_int(subpipe_line(&p, &line, &e), 1, "a line of the greatest length");
	is_int(subpipe_line(&p, &line, &e), -1, "a longer one");
	is_str(
	    e.text, "line longer than 8 bytes (see --max-line)", "which is told");
	is_int(subpipe_line(&p, &line, &e), -1, "another");
	is_int(subpipe_line(&p, &line, &e), 1, "the last, without newline");
	is_span(line, SPAN("bb"), "is whole");
	is_int((long long)p.lineno, 4, "and has its number");
	status_of(&p);
	subpipe_release(&p);

	/* A pipe that is full is cut at the end of a line. */
	subpipe_init(&p, "cat", (size_t)1 << 30);
	subpipe_start(&p, &e);
	for (n = 0; n < 100000; n++)
		buf_adds(&p.out, "0123456789\n");
	subpipe_write(&p, &e);
	ok(subpipe_backlog(&p) > 0, "it does not take all at once");
	subpipe_cut(&p, SPAN("last\n"));
	run(&p, &out);
	ok(out.len % 11 == 5 &&
		memcmp(out.data + out.len - 16, "0123456789|last|", 16) == 0,
	    "whole lines, then the last");
	ok(out.len < 1000000, "and not all");
	is_int(status_of(&p), 0, "it ends well");
	subpipe_release(&p);

	subpipe_init(&p, "exit 0", 100);
	subpipe_start(&p, &e);
	while (p.to >= 0) {
		buf_adds(&p.out, "0123456789\n");
		failed |= subpipe_write(&p, &e) != 0;
	}
	ok(!failed, "one that does not read is no error");
	is_int((long long)subpipe_backlog(&p), 0, "what it did not read is gone");
	run(&p, &out);
	is_int(status_of(&p), 0, "its status");
	subpipe_release(&p);
	buf_release(&out);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	test_order(1 << 20);
	test_order(3);
	test_order(0);
	test_pipe();
	buf_release(&put);
	return done();
}
