/*
 * pump: moves entries from a stage into pipes, and what comes out of them back to
 * the command, all at once: one poll(2), and nothing blocks but standard output.
 *
 *	struct pump p;
 *	pump_open(&p, &st, &calls, arg);
 *	a = pump_add(&p, "bf-llm | bf-extract");
 *	while (pump_turn(&p))
 *		...
 *	pump_close(&p);
 *	return stage_close(&st);
 *
 * A pipe is started by the first entry that is sent into it, and may be started
 * again by one that is sent when it has ended.
 *
 * The stream may end early: the input is incomplete, a line is bad, a pipe says
 * that what it gives is incomplete, it dies, INT or TERM came, standard output is
 * gone.  Then nothing more is read, each pipe that runs gets an incomplete line
 * (json/incomplete.h) as its last, so that nothing in it takes what it got for the
 * whole, and all of them are waited for.  The command puts out what came back.
 *
 * A pipe's exit status counts as that of a bf command: 1, some failed; 75, it
 * stopped with work left; any other, and death by a signal, 2.
 */
#ifndef BF_PIPE_PUMP_H
#define BF_PIPE_PUMP_H

#include "pipe/order.h"
#include "pipe/subpipe.h"
#include "json/stage.h"

struct pump_calls {
	/* Whether an entry of the input is wanted now. */
	bool (*wants)(void *arg);
	/* An entry of the input. */
	void (*entry)(void *arg, struct entry *en);
	/* A line came out of that pipe, which is no incomplete line. */
	void (*line)(void *arg, size_t pipe, struct span line);
	/* Nothing more comes out of it. May be NULL. */
	void (*over)(void *arg, size_t pipe);
	/* It has ended, with this exit status; -1: by a signal. May be NULL. */
	void (*ended)(void *arg, size_t pipe, int status);
	/* Before each wait: pipes may be sent to, and ended. */
	void (*turn)(void *arg);
};

struct pump {
	struct stage *st;
	const struct pump_calls *calls;
	void *arg;
	struct subpipe *pipes;
	size_t n;
	bool input_over;
	bool cut; /* the pipes know that the stream ends early */

	/* the rest is pump's own */
	struct entry en;
	bool hurried; /* and that nobody waits for them */
	bool waits;   /* no whole line of the input is there */
	struct pollfd *fds;
	struct buf where;
};

/* After stage_open(). Ignores SIGPIPE. */
void pump_open(
    struct pump *p, struct stage *st, const struct pump_calls *calls, void *arg);
void pump_close(struct pump *p);

/* Its number, from 0. command is borrowed. */
size_t pump_add(struct pump *p, const char *command);

/*
 * Where to append whole lines that are to go in; NULL: it does not read any more,
 * or cannot be started, and then the stage has been stopped.
 */
struct buf *pump_send(struct pump *p, size_t pipe);
size_t pump_backlog(const struct pump *p, size_t pipe);

/* Nothing more goes in. */
void pump_end(struct pump *p, size_t pipe);

bool pump_runs(const struct pump *p, size_t pipe);
bool pump_takes(
    const struct pump *p, size_t pipe); /* it runs, reads, and was not ended */

/* Waits for something to do, and does it. false: the input is over and no pipe
 * runs. */
bool pump_turn(struct pump *p);

/*
 * What comes out of a pipe is bad, like a bad line: column 0 for none.  After the
 * first that stops the stage nothing is told.
 */
void pump_bad(struct pump *p, size_t pipe, size_t column, const char *what);

/*
 * What waits in order, whose put is pump_put_line() and arg the pump, is put out as
 * far as it may; where what waits is lost the stage stops.
 */
void pump_put_line(void *arg, struct span line);
void pump_advance(struct pump *p, struct order *o);

/* "pipe 'COMMAND'", shortened, for messages; borrowed until the next. */
const char *pump_name(struct pump *p, size_t pipe);

#endif
