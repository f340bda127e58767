/* exec: the broker that has a command answer. */
#ifndef BF_EXEC_EXEC_H
#define BF_EXEC_EXEC_H

#include "engine/broker.h"
#include "json/columns.h"

struct exec_options {
	char *const *argv; /* the command, NULL at its end */
	bool shell;        /* argv[0] is for /bin/sh */
	bool server;       /* one command answers line by line, not one a line */
	struct columns fields; /* that the command sees; none: all */
	int64_t timeout_us;    /* of an attempt; 0: none */
};

/* The options are borrowed. NULL and e. */
struct broker *exec_new(const struct exec_options *o, struct err *e);
void exec_free(struct broker *b);

#endif
