/*
 * change: what the subcommands share that look at segments as files and change
 * them: verify, repair, compact, merge, forget.
 */
#ifndef BF_CMD_LEDGER_CHANGE_H
#define BF_CMD_LEDGER_CHANGE_H

#include "base/buf.h"
#include "ledger/survey.h"

/* A survey of the ledger, strangers told as warnings; ends the program if it cannot be. */
struct survey *change_open(const char *dir);

/* Its segments; ends the program if they cannot be listed. */
size_t change_names(struct survey *s, char *const **names);

/* "1 record", "2 records" */
const char *change_many(uint64_t n);

/* "FILE: byte N: what (M bytes, about K records lost)", or the same as JSON. */
void change_say_damage(struct buf *out, const struct survey *s,
    const struct survey_damage *d);
void change_json_damage(struct buf *out, const struct survey *s,
    const struct survey_damage *d);

/* "12.3 MB" */
void change_add_size(struct buf *out, uint64_t bytes);

/* Standard output, with status 2 where it cannot be written. */
void change_put(struct buf *out);
/* The same once there is enough of it for a write. */
void change_put_much(struct buf *out);

#endif
