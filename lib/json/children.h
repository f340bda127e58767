/*
 * children: entries made of parts of an entry, and what ties them to it.
 *
 * A child is its parent with other values in some fields, and these:
 *
 *	id      "PARENT/INDEX", the parent's id and the child's index
 *	parent  the parent's id
 *	index   which child it is, from 0
 *	count   how many children the parent has
 *
 * The parent's id is its field "id" as it is written; where there is none, or
 * null, the hash of its line (id.h).  Where the parent has one of the fields
 * parent, index and count itself, being a child, "parent" is an object that
 * keeps them: {"id":ID,"parent":..,"index":..,"count":..}, with those it had.
 * So id, parent, index and count of the parent can be put back.
 *
 *	struct children c = CHILDREN_INIT;
 *	children_begin(&c, &en, count, &e);
 *	for (i = 0; i < count; i++) {
 *		entry_set(&en, "text", ...);
 *		children_number(&c, &en, i);
 *		stage_emit(&st, &en);
 *	}
 */
#ifndef BF_JSON_CHILDREN_H
#define BF_JSON_CHILDREN_H

#include "base/err.h"
#include "json/entry.h"

struct children {
	struct buf parent; /* JSON */
	struct buf id;     /* JSON: the child's */
	size_t stem;       /* of id: the bytes before the index */
	char index[24];
	char count[24];
};

#define CHILDREN_INIT ((struct children){.stem = 0})

/* Of this parent. -1 and e if its "id" is no id. */
int children_begin(
    struct children *c, const struct entry *en, uint64_t count, struct err *e);

/* Sets the four fields of child index; their values are c's until the next. */
void children_number(struct children *c, struct entry *en, uint64_t index);

/* ---- and back ---- */

/* What a child tells of its parent; spans of the child's line. */
struct child {
	struct span
	    parent; /* as it stands in the child: a parent's name among parents */
	struct span id; /* the parent's, a string or a number */
	uint64_t index;
	uint64_t count;
};

/* -1 and e, which names the field, if it is no child. */
int child_read(struct child *c, const struct entry *en, struct err *e);

/* Edits a child: id, parent, index and count are again what its parent had. */
void child_restore(const struct child *c, struct entry *en);

/* Whether it is one of the four names. */
bool children_own(struct span name);

void children_release(struct children *c);

#endif
