#include "io/loop.h"

#include "base/mem.h"
#include "io/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#endif

enum {
	BATCH = 256,
	LATE =
	    250000, /* microseconds: a turn that ends so much later was stopped */
};

struct watch {
	loop_fd_fn *fn;
	void *arg;
	unsigned char wanted;
	unsigned char known; /* what the kernel was told (epoll) */
	bool registered;
	bool always; /* cannot be waited for */
	unsigned generation;
};

struct loop {
	struct watch *fds; /* by descriptor */
	size_t nfds;
	size_t nalways;           /* descriptors that are ready in every turn */
	struct loop_timer **heap; /* from 1 */
	size_t ntimers;
	size_t heap_cap;
	int kernel; /* the epoll descriptor */
	int64_t lost;
	struct pollfd *polled;
	size_t polled_cap;
};

/* ---- descriptors ---- */

static struct watch *
watch_of(struct loop *l, int fd)
{
	size_t n = l->nfds;

	if ((size_t)fd >= n) {
		n = n == 0 ? 64 : n;
		while (n <= (size_t)fd)
			n *= 2;
		l->fds = mem_resize(l->fds, n, sizeof *l->fds);
		memset(l->fds + l->nfds, 0, (n - l->nfds) * sizeof *l->fds);
		l->nfds = n;
	}
	return &l->fds[fd];
}

static void
call(struct loop *l, int fd, unsigned events)
{
	struct watch *w = &l->fds[fd];

	if (w->wanted != 0 && (events & (w->wanted | LOOP_ERROR)) != 0)
		w->fn(w->arg, fd, events);
}

static bool
is_always(const struct watch *w)
{
	return w->always && (w->wanted & ~LOOP_ERROR) != 0;
}

static void
call_always(struct loop *l)
{
	size_t fd;

	for (fd = 0; l->nalways > 0 && fd < l->nfds; fd++)
		if (is_always(&l->fds[fd]))
			call(l, (int)fd,
			    l->fds[fd].wanted & (LOOP_READ | LOOP_WRITE));
}

#ifdef __linux__

static int
kernel_open(struct loop *l, struct err *e)
{
	l->kernel = epoll_create1(EPOLL_CLOEXEC);
	return l->kernel < 0 ? err_sys(e, "epoll_create1") : 0;
}

static void
kernel_close(struct loop *l)
{
	if (l->kernel >= 0)
		close(l->kernel);
}

static int
kernel_tell(struct loop *l, int fd, struct watch *w, struct err *e)
{
	struct epoll_event ev = {0};
	int op = w->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	ev.events = ((w->wanted & LOOP_READ) != 0 ? EPOLLIN : 0u) |
		    ((w->wanted & LOOP_WRITE) != 0 ? EPOLLOUT : 0u);
	ev.data.u64 = (uint64_t)w->generation << 32 | (uint32_t)fd;
	if (epoll_ctl(l->kernel, op, fd, &ev) != 0) {
		if (errno == EEXIST)
			op = EPOLL_CTL_MOD;
		else if (errno == ENOENT)
			op = EPOLL_CTL_ADD;
		else if (errno == EPERM) {
			w->always = true;
			return 0;
		} else
			return err_sys(e, "epoll_ctl");
		if (epoll_ctl(l->kernel, op, fd, &ev) != 0)
			return err_sys(e, "epoll_ctl");
	}
	w->registered = true;
	w->known = w->wanted;
	return 0;
}

static void
kernel_drop(struct loop *l, int fd, struct watch *w)
{
	struct epoll_event ev = {0};

	if (w->registered)
		(void)epoll_ctl(l->kernel, EPOLL_CTL_DEL, fd, &ev);
	w->registered = false;
}

static unsigned
events_of(uint32_t got)
{
	return ((got & (EPOLLIN | EPOLLHUP)) != 0 ? LOOP_READ : 0u) |
	       ((got & EPOLLOUT) != 0 ? LOOP_WRITE : 0u) |
	       ((got & (EPOLLERR | EPOLLHUP)) != 0 ? LOOP_ERROR : 0u);
}

static void
dispatch(struct loop *l, const struct epoll_event *ev)
{
	int fd = (int)(ev->data.u64 & 0xffffffffu);
	unsigned events = events_of(ev->events), unwanted;
	struct watch *w = &l->fds[fd];
	struct err ignored;

	if (w->generation != (unsigned)(ev->data.u64 >> 32))
		return;
	unwanted = events &
		   ~(unsigned)(w->wanted | (w->wanted != 0 ? LOOP_ERROR : 0));
	/* Interest was taken away and the kernel does not know yet. */
	if (w->wanted == 0) {
		kernel_drop(l, fd, w);
		return;
	}
	if (unwanted != 0 && w->known != w->wanted)
		(void)kernel_tell(l, fd, w, &ignored);
	call(l, fd, events);
}

static int
kernel_wait(struct loop *l, int64_t wait_us, struct err *e)
{
	struct epoll_event events[BATCH];
	int i, n, ms;

	ms = wait_us < 0 ? -1
	     : wait_us > (int64_t)INT_MAX * 1000 - 1000
		 ? INT_MAX
		 : (int)((wait_us + 999) / 1000);
	n = epoll_wait(l->kernel, events, BATCH, ms);
	/* What has come meanwhile goes before the timers. */
	while (n < 0 && errno == EINTR)
		n = epoll_wait(l->kernel, events, BATCH, 0);
	if (n < 0)
		return err_sys(e, "epoll_wait");
	for (i = 0; i < n; i++)
		dispatch(l, &events[i]);
	return 0;
}

#else /* poll(2) */

static int
kernel_open(struct loop *l, struct err *e)
{
	(void)e;
	l->kernel = -1;
	return 0;
}

static void
kernel_close(struct loop *l)
{
	free(l->polled);
}

static int
kernel_tell(struct loop *l, int fd, struct watch *w, struct err *e)
{
	(void)l;
	(void)fd;
	(void)e;
	w->registered = true;
	w->known = w->wanted;
	return 0;
}

static void
kernel_drop(struct loop *l, int fd, struct watch *w)
{
	(void)l;
	(void)fd;
	w->registered = false;
}

static unsigned
events_of(short got)
{
	return ((got & (POLLIN | POLLHUP)) != 0 ? LOOP_READ : 0u) |
	       ((got & POLLOUT) != 0 ? LOOP_WRITE : 0u) |
	       ((got & (POLLERR | POLLHUP)) != 0 ? LOOP_ERROR : 0u);
}

static int
kernel_wait(struct loop *l, int64_t wait_us, struct err *e)
{
	size_t fd, i, n = 0;
	int got, ms;

	if (l->polled_cap < l->nfds) {
		l->polled = mem_resize(l->polled, l->nfds, sizeof *l->polled);
		l->polled_cap = l->nfds;
	}
	for (fd = 0; fd < l->nfds; fd++)
		if (l->fds[fd].registered && l->fds[fd].wanted != 0)
			l->polled[n++] = (struct pollfd){.fd = (int)fd,
			    .events =
				(short)(((l->fds[fd].wanted & LOOP_READ) ? POLLIN
									 : 0) |
					((l->fds[fd].wanted & LOOP_WRITE) ? POLLOUT
									  : 0))};
	ms = wait_us < 0 ? -1
	     : wait_us > (int64_t)INT_MAX * 1000 - 1000
		 ? INT_MAX
		 : (int)((wait_us + 999) / 1000);
	got = poll(l->polled, (nfds_t)n, ms);
	while (got < 0 && errno == EINTR)
		got = poll(l->polled, (nfds_t)n, 0);
	if (got < 0)
		return err_sys(e, "poll");
	for (i = 0; got > 0 && i < n; i++)
		if (l->polled[i].revents != 0)
			call(l, l->polled[i].fd, events_of(l->polled[i].revents));
	return 0;
}

#endif

int
loop_watch(struct loop *l, int fd, unsigned events, loop_fd_fn *fn, void *arg,
    struct err *e)
{
	struct watch *w = watch_of(l, fd);
	int r = 0;

	l->nalways -= is_always(w);
	w->fn = fn;
	w->arg = arg;
	w->wanted = (unsigned char)events;
	if (events != 0 && !w->always &&
	    (!w->registered || (w->known | LOOP_ERROR) != (events | LOOP_ERROR)))
		r = kernel_tell(l, fd, w, e);
	l->nalways += is_always(w);
	return r;
}

void
loop_forget(struct loop *l, int fd)
{
	struct watch *w;

	if (fd < 0 || (size_t)fd >= l->nfds)
		return;
	w = &l->fds[fd];
	kernel_drop(l, fd, w);
	l->nalways -= is_always(w);
	*w = (struct watch){.generation = w->generation + 1};
}

/* ---- timers: a binary heap, the nearest first ---- */

static void
heap_put(struct loop *l, size_t i, struct loop_timer *t)
{
	l->heap[i] = t;
	t->slot = i;
}

static void
heap_up(struct loop *l, size_t i, struct loop_timer *t)
{
	for (; i > 1 && l->heap[i / 2]->at > t->at; i /= 2)
		heap_put(l, i, l->heap[i / 2]);
	heap_put(l, i, t);
}

static void
heap_down(struct loop *l, size_t i, struct loop_timer *t)
{
	size_t child;

	while ((child = 2 * i) <= l->ntimers) {
		if (child < l->ntimers &&
		    l->heap[child + 1]->at < l->heap[child]->at)
			child++;
		if (l->heap[child]->at >= t->at)
			break;
		heap_put(l, i, l->heap[child]);
		i = child;
	}
	heap_put(l, i, t);
}

void
loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at_us)
{
	int64_t before = t->at;

	t->at = at_us;
	if (t->slot != 0) {
		if (at_us < before)
			heap_up(l, t->slot, t);
		else
			heap_down(l, t->slot, t);
		return;
	}
	if (l->ntimers + 2 > l->heap_cap) {
		l->heap_cap = l->heap_cap == 0 ? 64 : 2 * l->heap_cap;
		l->heap = mem_resize(l->heap, l->heap_cap, sizeof *l->heap);
	}
	heap_up(l, ++l->ntimers, t);
}

void
loop_timer_clear(struct loop *l, struct loop_timer *t)
{
	struct loop_timer *last;
	size_t i = t->slot;

	if (i == 0)
		return;
	t->slot = 0;
	last = l->heap[l->ntimers--];
	if (last == t)
		return;
	if (i > 1 && l->heap[i / 2]->at > last->at)
		heap_up(l, i, last);
	else
		heap_down(l, i, last);
}

/* Those due now; what they set anew for now waits for the next turn. */
static void
run_timers(struct loop *l)
{
	int64_t now;
	struct loop_timer *t;
	size_t most = l->ntimers;

	if (l->ntimers == 0)
		return;
	now = clock_mono_us();
	while (most-- > 0 && l->ntimers > 0 && l->heap[1]->at <= now) {
		t = l->heap[1];
		loop_timer_clear(l, t);
		t->fn(t->arg);
	}
}

/* ---- the loop ---- */

struct loop *
loop_new(struct err *e)
{
	struct loop *l = mem_zero(1, sizeof *l);

	if (kernel_open(l, e) != 0) {
		free(l);
		return NULL;
	}
	return l;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	kernel_close(l);
	free(l->fds);
	free(l->heap);
	free(l);
}

int64_t
loop_lost_us(const struct loop *l)
{
	return l->lost;
}

/* As long as it was asked to, and as a stop of the process has it. */
static int
wait_and_see(struct loop *l, int64_t wait_us, struct err *e)
{
	int64_t began, took;
	int r;

	if (wait_us <= 0)
		return kernel_wait(l, wait_us, e);
	began = clock_mono_us();
	r = kernel_wait(l, wait_us, e);
	took = clock_mono_us() - began;
	if (took > wait_us + LATE)
		l->lost += took;
	return r;
}

int
loop_turn(struct loop *l, int64_t wait_us, struct err *e)
{
	int64_t due;

	if (l->nalways > 0)
		wait_us = 0;
	if (l->ntimers > 0 && wait_us != 0) {
		due = l->heap[1]->at - clock_mono_us();
		if (due < 0)
			due = 0;
		if (wait_us < 0 || due < wait_us)
			wait_us = due;
	}
	if (wait_and_see(l, wait_us, e) != 0)
		return -1;
	call_always(l);
	run_timers(l);
	return 0;
}
