/*
 * cli: options and operands, from one table per command.
 *
 * The table is what --help prints and what the man page and the completion
 * are checked against.  Parsing is getopt_long(3)'s: options and operands may
 * be mixed, "--" ends the options, "--name=value" and "-n value" work.
 * --help goes to standard output with status 0; a usage error is one line on
 * standard error and status 2.  cli may print and exit: that is its work.
 *
 *	static const struct cli_option options[] = {
 *		{'n', "number", "N", "take N entries"},
 *		{OPT_EVERY, "every", "K", "take every Kth entry"},
 *		CLI_COMMON,
 *		CLI_END,
 *	};
 *	static const struct cli_command command = {
 *		"bf-take", "[-n N] [FILE...]", "pass on some of the entries", options};
 *
 *	struct cli cli;
 *	int key;
 *	cli_start(&cli, &command, argc, argv);
 *	while ((key = cli_next(&cli)) != CLI_DONE)
 *		switch (key) { case 'n': n = cli_u64(&cli); break; }
 */
#ifndef BF_IO_CLI_H
#define BF_IO_CLI_H

#include "base/err.h"
#include "base/span.h"

#include <stdint.h>

enum {
	CLI_DONE = -1,
	CLI_FIRST = 256, /* keys of options that have no letter begin here */
	CLI_KEEP_GOING = 0x7000,
	CLI_MAX_LINE,
	CLI_ERRORS, /* --errors FILE, of commands in which entries can fail; theirs to handle */
};

#define CLI_MAX_LINE_DEFAULT ((uint64_t)256 << 20)

struct cli_option {
	int key;          /* the letter, or CLI_FIRST and up */
	const char *name; /* the long name; NULL if there is none */
	const char *arg;  /* the argument's name; NULL if it takes none; "[X]" if optional */
	const char *help; /* one line */
};

struct cli_command {
	const char *name;
	const char *synopsis; /* what follows the name */
	const char *about;    /* one line, as in the man page's NAME */
	const struct cli_option *options;
};

/* What every command has; cli_next() deals with all of them itself. */
#define CLI_COMMON_BASIC                                                       \
	{'h', "help", NULL, "print this help"},                                \
	    {'V', "version", NULL, "print the version"},                       \
	    {'q', "quiet", NULL, "only errors and warnings"},                  \
	    {'v', "verbose", NULL, "say more"}
/* And what every command that reads lines has. */
#define CLI_COMMON                                                             \
	CLI_COMMON_BASIC, {CLI_KEEP_GOING, "keep-going", NULL,                 \
	    "report bad lines, go on, end with status 1"},                     \
	{                                                                      \
		CLI_MAX_LINE, "max-line", "SIZE", "longest line (default 256M)" \
	}
#define CLI_END {0, NULL, NULL, NULL}

struct cli {
	const struct cli_command *command;
	int argc;
	char **argv;
	const char *arg;   /* argument of the option just returned, or NULL */
	const char *name;  /* that option as the user wrote it: "-n", "--every" */
	char **operands;   /* after CLI_DONE */
	int noperands;
	bool keep_going;
	uint64_t max_line;
	void *priv;
};

/*
 * First thing in main(): names the program for messages, opens closed standard
 * descriptors, restores SIGPIPE to its default.
 */
void cli_start(struct cli *c, const struct cli_command *command, int argc, char **argv);

/*
 * After cli_start(), where the operands are another command: from the first one on
 * all is its.
 */
void cli_runs_command(struct cli *c);

/* The next option's key, or CLI_DONE. */
int cli_next(struct cli *c);

/* The current option's argument as a number; a usage error if it is none. */
uint64_t cli_u64(const struct cli *c);
uint64_t cli_count(const struct cli *c, uint64_t most); /* from 1 on */
int64_t cli_time(const struct cli *c); /* a duration longer than none */
uint64_t cli_size(const struct cli *c);
int64_t cli_duration(const struct cli *c); /* microseconds */
double cli_fraction(const struct cli *c);

/* "bf-take: text (see bf-take --help)", status 2. */
_Noreturn void cli_usage(const struct cli *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
