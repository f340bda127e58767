/*
 * loop: waits for descriptors and for points in time, and calls back.
 *
 * epoll(7) on Linux, poll(2) elsewhere; loop.c is the only file that knows
 * which.  One thread, no signals: fd_stop_pipe() is watched like any other
 * descriptor.
 *
 *	struct loop *l = loop_new(&e);
 *	loop_watch(l, fd, LOOP_READ, on_readable, arg);
 *	loop_timer_set(l, &timer, clock_mono_us() + 500000);
 *	while (...)
 *		loop_turn(l, -1, &e);
 *	loop_forget(l, fd); close(fd);
 *	loop_free(l);
 *
 * A callback may watch, forget, set and clear anything.
 */
#ifndef BF_IO_LOOP_H
#define BF_IO_LOOP_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
	LOOP_ERROR = 4, /* the other end is gone; also told to those who asked for the others */
};

typedef void loop_fd_fn(void *arg, int fd, unsigned events);
typedef void loop_timer_fn(void *arg);

/* Belongs to the caller, who sets fn and arg and leaves the rest zero. */
struct loop_timer {
	loop_timer_fn *fn;
	void *arg;
	int64_t at;  /* clock_mono_us() */
	size_t slot; /* 0: not set */
};

struct loop;

struct loop *loop_new(struct err *e);
void loop_free(struct loop *l);

/*
 * From now on these events of fd call fn; 0 for none.  Taking interest away
 * costs no system call: the kernel is told when an unwanted event comes.  A
 * descriptor that cannot be waited for (a regular file) is always ready, as
 * poll(2) has it.  0, or -1 and e.
 */
int loop_watch(struct loop *l, int fd, unsigned events, loop_fd_fn *fn, void *arg,
    struct err *e);

/* Before close(2) of a descriptor that was watched. */
void loop_forget(struct loop *l, int fd);

void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at_us);
void loop_timer_clear(struct loop *l, struct loop_timer *t);

/*
 * Waits until something is ready or due, at most wait_us (-1: as long as it
 * takes, 0: not at all), and calls back whatever is.  0, or -1 and e.
 */
int loop_turn(struct loop *l, int64_t wait_us, struct err *e);

/*
 * Microseconds in all turns so far that ended a quarter of a second and more
 * after they should have: the process was stopped (SIGSTOP), or had no
 * processor.  Timeouts of others' work are not meant to run meanwhile.
 */
int64_t loop_lost_us(const struct loop *l);

#endif
