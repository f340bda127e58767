/*
 * filter: which records are meant: times, models, how answers ended, a jq
 * expression; and keys that are abbreviated.
 */
#ifndef BF_CMD_LEDGER_FILTER_H
#define BF_CMD_LEDGER_FILTER_H

#include "io/cli.h"
#include "json/jq.h"
#include "ledger/ledger.h"

struct filter {
	int64_t since, until; /* Unix milliseconds; until is not in it any more */
	const char *model;    /* as asked for; NULL: any */
	const char *finish_reason; /* as the answer says; NULL: any */
	struct jq *jq;        /* NULL: none */
	struct buf scratch;
};

void filter_init(struct filter *f);
void filter_release(struct filter *f);

/* Whether it takes all there is. */
bool filter_is_empty(const struct filter *f);

/*
 * An option's time as people write it: 2026-11-20, 2026-11-20T12:00:00 (both
 * UTC), 2026-11-20T12:00:00+01:00, or an age such as 24h, 7d.  Unix
 * milliseconds; ends the program where it is none.
 */
int64_t filter_time(const struct cli *cli);

/* 1: it is meant, 0: it is not, -1 and e: the jq expression failed. */
int filter_matches(
    struct filter *f, struct span line, const struct ledger_record *rec, struct err *e);

/* 4 to 32 hex digits; false if it is none. */
bool filter_is_key(const char *text);
/* Whether a key begins so. */
bool filter_key_begins(const unsigned char key[LEDGER_KEY_SIZE], const char *text);

#endif
