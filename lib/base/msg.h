/*
 * msg: messages on standard error, and the exit statuses.
 *
 * Each message is one line, "bf-take: text", written with one write(2), so
 * that the stages of a pipe do not tear each other's lines.  Control
 * characters are shown escaped (\n, \t, \x1b): what comes from data cannot
 * drive a terminal.  No message ever holds a key: callers pass none.
 */
#ifndef BF_BASE_MSG_H
#define BF_BASE_MSG_H

/* The same for all commands; see bf(7). */
enum exit_status {
	STATUS_OK = 0,
	STATUS_SOME_FAILED = 1, /* finished; some entries failed or were refused */
	STATUS_CANNOT = 2,      /* usage, bad input, local I/O */
	STATUS_TEMPFAIL = 75,   /* stopped with work left that a rerun continues */
};

enum msg_level {
	MSG_QUIET,   /* errors and warnings */
	MSG_NORMAL,  /* and the summary */
	MSG_VERBOSE, /* and details */
};

/* The program's name as messages show it; borrowed for ever. */
void msg_init(const char *program);
const char *msg_program(void);
void msg_set_level(enum msg_level level);
enum msg_level msg_level(void);

void msg_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void msg_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void msg_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void msg_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* msg_error() and exit(status). */
_Noreturn void msg_die(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
