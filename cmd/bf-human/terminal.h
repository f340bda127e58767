/*
 * terminal: the person's, whatever the standard streams are.
 *
 *	terminal_open(&t, &e);
 *	terminal_begin(&t, TERMINAL_KEYS);
 *	... terminal_say(), terminal_read() when t.fd is readable,
 *	... terminal_signal() when terminal_signals() is ...
 *	terminal_end(&t);
 *	terminal_close(&t);
 *
 * Between begin and end the terminal is set for the question; however the program
 * ends, but for SIGKILL, it is then left as it was.
 */
#ifndef BF_HUMAN_TERMINAL_H
#define BF_HUMAN_TERMINAL_H

#include "base/err.h"
#include "base/span.h"

#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

#define TERMINAL_PATH "/dev/tty"

enum terminal_mode {
	TERMINAL_KEYS,  /* each key is read as it is pressed, and not shown */
	TERMINAL_LINES, /* a line is read when it is ended */
	TERMINAL_LENT,  /* somebody else has it: INT and QUIT are theirs */
};

enum terminal_news {
	TERMINAL_NOTHING,
	TERMINAL_AGAIN, /* it was somebody else's: the question is to be shown again
			 */
	TERMINAL_GONE,  /* it hung up */
};

struct terminal {
	int fd; /* it never waits to be read; -1: not open */
	struct termios before;
	bool changed; /* and before is how it was */
	bool begun;
	enum terminal_mode mode;
};

#define TERMINAL_INIT ((struct terminal){.fd = -1})

int terminal_open(struct terminal *t, struct err *e);
void terminal_close(struct terminal *t);

/*
 * What was typed before is forgotten: nobody answers what they have not seen.  0,
 * or -1: it is gone.
 */
int terminal_begin(struct terminal *t, enum terminal_mode mode);
void terminal_end(struct terminal *t);

/* The same, where nothing more is asked: it may hang up from now on. */
void terminal_leave(struct terminal *t);

/* All of it: 0, or -1: it is gone, or takes nothing while the run is to stop. */
int terminal_say(struct terminal *t, struct span text);
/* Bytes; 0: the end; -1 and errno EAGAIN: not now; -1: it is gone. */
ssize_t terminal_read(struct terminal *t, char *to, size_t n);

/* Readable when a signal came that has to do with it. */
int terminal_signals(void);
/* Deals with that: it may stop here, or end. */
enum terminal_news terminal_signal(struct terminal *t);

#endif
