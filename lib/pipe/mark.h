/*
 * mark: a field that an entry carries through a pipe, so that it is known again
 * when it comes back.
 *
 * Two numbers that say which entry it is, "bf:mark":[17,2].  Where the entry had
 * such a field, of a pipe around this one or of the user's own, its value is kept
 * in the mark, [17,2,OLD], and is there again afterwards: marks nest to any depth
 * and collide with nothing.
 */
#ifndef BF_PIPE_MARK_H
#define BF_PIPE_MARK_H

#include "json/entry.h"

#define MARK_NAME "bf:mark"

/* Adds it to the entry; its value stands in scratch until entry_write(). */
void mark_set(struct entry *en, uint64_t which, uint64_t what, struct buf *scratch);

/* Takes it off the entry, as entry_write() writes it. false: there is none. */
bool mark_take(struct entry *en, uint64_t *which, uint64_t *what);

#endif
