/*
 * pick: the records that a subcommand is about: those of the ledger, in their
 * order, of the keys that are named and within what the options say.
 *
 *	struct pick p;
 *	pick_init(&p, FILTERS);
 *	while ((key = cli_next(&cli)) != CLI_DONE)
 *		if (!pick_option(&p, &cli, key)) ...
 *	pick_keys(&p, &cli);
 *	status = pick_walk(&p, fn, arg);
 *
 * It ends the program where the ledger cannot be read.
 */
#ifndef BF_CMD_LEDGER_PICK_H
#define BF_CMD_LEDGER_PICK_H

#include "change.h"
#include "io/cli.h"

enum {
	PICK_SINCE = CLI_FIRST + 100,
	PICK_UNTIL,
	PICK_MODEL,
	PICK_STATUS,
	PICK_FINISH,
	PICK_CURRENT,
};

#define PICK_TIMES                                                              \
	{PICK_SINCE, "since", "TIME", "not older: a date, a time, or an age as 24h"}, \
	    {PICK_UNTIL, "until", "TIME", "older than this"},                    \
	    {PICK_MODEL, "model", "MODEL", "of this model alone"}
#define PICK_FINISH_REASON \
	{PICK_FINISH, "finish-reason", "REASON", "answers that ended in this"}

struct pick {
	const char *dir;
	int64_t since, until; /* Unix, milliseconds; since <= t < until */
	const char *model;
	const char *finish;
	int status;   /* enum ledger_status; -1: any */
	bool current; /* only answers that serve */
	char *const *prefixes; /* of keys, in hexadecimal digits */
	int nprefixes;
	/* What the walk met. */
	uint64_t bytes, tail_bytes, text, segments, tails, damages;
};

/* A record that was picked. Everything is borrowed for the call. */
struct picked {
	struct span line; /* as it is recorded, without newline */
	const struct ledger_record *rec;
	struct span response; /* the answer as bf-llm gives it; SPAN_NONE if none */
};

typedef void pick_fn(void *arg, const struct picked *p);

void pick_init(struct pick *p);
/* Takes the option if it is one of pick's. */
bool pick_option(struct pick *p, const struct cli *cli, int key);
/* The operands are keys, whole or abbreviated to four digits or more. */
void pick_keys(struct pick *p, const struct cli *cli);

/*
 * Each record once, in the order of the ledger.  STATUS_OK, or
 * STATUS_SOME_FAILED where damage was met (told as warnings).
 * Ends the program where an abbreviated key is not there or not unique.
 */
int pick_walk(struct pick *p, pick_fn *fn, void *arg);

/* "2026-11-20T19:58:01Z" */
void pick_add_time(struct buf *out, int64_t ms);

#endif
