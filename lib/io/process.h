/*
 * process: commands that are run with pipes to their standard streams, each in a
 * process group of its own, and those that have the terminal.
 *
 *	struct process p;
 *	process_start(&p, argv, env, PROCESS_ALL, &e);
 *	... write p.in, read p.out and p.err: they never wait ...
 *	process_ended(&p);      at times: process_watch() says when
 *	process_stop(&p);       whatever still runs of the group is killed
 *
 * What the kernel can be told to (Linux) is that a command dies with us.
 */
#ifndef BF_IO_PROCESS_H
#define BF_IO_PROCESS_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/* Which of the standard streams are pipes; standard error is else our own. */
enum process_pipes { PROCESS_IN_OUT, PROCESS_ALL };

struct process {
	pid_t pid; /* 0: none runs, or it has ended */
	pid_t group;
	int in, out, err; /* our ends; -1: closed */
	int status;       /* once it has ended, as waitpid(2) has it */
};

/*
 * Finds argv[0] as a shell does.  0, or -1 and e, whose errnum says why: ENOENT
 * where there is no such command, E2BIG where the arguments are too long.
 */
int process_start(struct process *p, char *const *argv, char *const *env,
    enum process_pipes pipes, struct err *e);

/*
 * The same in our own group, with fd, above 2, as all its standard streams: a
 * command that a person uses at a terminal.  It does not die with us.
 */
int process_start_at(struct process *p, char *const *argv, char *const *env, int fd,
    struct err *e);

/* Whether it has ended; it is waited for without waiting. */
bool process_ended(struct process *p);

/*
 * Sends a signal to all of its group, or to it alone where that is ours; none is
 * sent to one that was stopped.
 */
void process_signal(const struct process *p, int signo);

/* Kills what is left of its group, waits for it, closes the pipes. */
void process_stop(struct process *p);

/*
 * A descriptor that becomes readable when a child may have ended, from the first
 * call on; -1 and e.  process_seen() makes it unreadable again.
 */
int process_watch(struct err *e);
void process_seen(void);

#endif
