/*
 * subpipe: a shell command that lines go into and come out of.
 *
 * /bin/sh runs it; it comes from the command line, never from data.  Neither way
 * blocks: what is to go in waits in a buffer, and what comes out is read where
 * poll(2) says that there is something.  Its standard error is ours.
 *
 * It is a process group of its own, so that a signal reaches all of its commands.
 *Only in the foreground of a terminal it stays in ours: there the terminal's
 * signals reach it, and it may use the terminal.
 *
 *	subpipe_init(&p, "bf-llm | bf-extract", max_line);
 *	subpipe_start(&p, &e);
 *	buf_addspan(&p.out, whole lines); ... subpipe_end(&p, SPAN(""));
 *	poll p.to (subpipe_writes()) and p.from; subpipe_write(), subpipe_read()
 *	while ((r = subpipe_line(&p, &line, &e)) != 0) ...
 *	if (subpipe_is_done(&p)) subpipe_wait(&p, false, &how);
 *
 * SIGPIPE must be ignored.
 */
#ifndef BF_PIPE_SUBPIPE_H
#define BF_PIPE_SUBPIPE_H

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

struct subpipe {
	const char *command; /* borrowed */
	size_t max_line;
	pid_t pid;       /* 0: it does not run */
	int to, from;    /* -1: closed */
	struct buf out;  /* whole lines to go in */
	uint64_t lineno; /* of the line last handed out */

	/* the rest is subpipe's own */
	size_t put;    /* bytes of out that went in */
	bool midway;   /* of a line */
	bool ending;   /* to is closed once all went in */
	bool group;    /* of its own */
	bool skipping; /* the rest of a line that was too long */
	struct buf in;
	size_t start, scan; /* of what was not handed out; no newline before scan */
};

void subpipe_init(struct subpipe *p, const char *command, size_t max_line);
void subpipe_release(struct subpipe *p);

int subpipe_start(struct subpipe *p, struct err *e); /* 0, or -1 and e */

/* Nothing more goes in but, in the end, this text; "" for none. */
void subpipe_end(struct subpipe *p, struct span last);
/* The same, and what has not gone in yet is forgotten but for the rest of a line.
 */
void subpipe_cut(struct subpipe *p, struct span last);
/* Whether lines may be added: it runs, reads, and was not ended. */
bool subpipe_takes(const struct subpipe *p);
size_t subpipe_backlog(const struct subpipe *p); /* bytes that have not gone in */

bool subpipe_writes(const struct subpipe *p); /* something is to go in */
/* As much as it takes now.  It may stop reading at any time, which is no error. */
int subpipe_write(struct subpipe *p, struct err *e);

/* Reads once. 0, or -1 and e; at its end from is closed. */
int subpipe_read(struct subpipe *p, struct err *e);
/*
 * The next line of those that were read, borrowed until the next subpipe_read(): 1;
 * 0 if there is none yet, -1 and e: it is too long.  Blank lines are passed over.
 */
int subpipe_line(struct subpipe *p, struct span *line, struct err *e);
/* What comes out is not wanted any more. */
void subpipe_close_output(struct subpipe *p);

/* Both ways are closed: what is left is to end. */
bool subpipe_is_done(const struct subpipe *p);

/* To all of it, where it is a group of its own. */
void subpipe_signal(const struct subpipe *p, int signo);

/*
 * 1: it has ended, *how as waitpid(2) says; 0: not yet, unless `block`; -1 and
 * errno.
 */
int subpipe_wait(struct subpipe *p, bool block, int *how);

#endif
