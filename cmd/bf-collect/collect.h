/*
 * bf-collect's parts: main.c knows the options and takes the children, parents.c
 * holds them until a parent has all, parent.c makes an entry of them.
 */
#ifndef BF_COLLECT_H
#define BF_COLLECT_H

#include "io/hashset.h"
#include "json/children.h"
#include "json/columns.h"
#include "json/stage.h"

/* ---- parents.c: children that wait ---- */

#define PARENT_KEY 16 /* bytes of a hash */

struct parent {
	unsigned char key[PARENT_KEY];
	struct parent *prev, *next; /* in the order in which they came */
	struct parent *chain;
	uint64_t count, have;
	uint64_t in_order;     /* children from 0 that are there without a gap */
	struct hashset others; /* indexes of those behind the gap */
	struct buf lines; /* children in memory, in the order in which they came */
	uint64_t spilled,
	    spilled_at; /* bytes in the file, of its last piece; where */
};

struct parents {
	struct parent **chains; /* by key */
	size_t n, nchains;
	struct parent *first, *last;
	uint64_t memory; /* bytes that may be held */
	uint64_t held;   /* bytes that are */
	uint64_t lines;  /* of them, those that could go into the file */
	int fd;          /* of the file; -1: none yet */
	uint64_t size;
	struct buf scratch;
};

#define PARENTS_INIT ((struct parents){.fd = -1})

/* A child's line, as it came. */
struct line {
	uint64_t index;
	struct span text;
};

/* By the canonical form of its field "parent"; a new one gets the count. */
struct parent *parents_find(struct parents *ps, const struct child *c);
bool parent_has(const struct parent *p, uint64_t index);

/* Keeps a child, one that is not there yet. -1 and e: the file cannot be written.
 */
int parents_hold(struct parents *ps, struct parent *p, uint64_t index,
    struct span line, struct err *e);

/*
 * All children of a parent by index; they live in memory, which the caller
 * owns.  -1 and e: the file cannot be read.
 */
int parents_lines(const struct parents *ps, const struct parent *p,
    struct buf *memory, struct line **lines, struct err *e);

void parents_forget(struct parents *ps, struct parent *p);
void parents_release(struct parents *ps);

/* ---- parent.c: an entry of its children ---- */

struct maker {
	struct columns columns; /* what is gathered */
	struct span join;       /* an escaped string; SPAN_NONE: into arrays */
	size_t max;             /* bytes of a gathered field */
	struct entry base;      /* the first child, which becomes the parent */
	struct entry other;
	struct buf *values; /* of the columns */
	bool *differs;      /* members of base */
	struct buf scratch;
	struct buf names;
	struct span *left_out; /* names of fields that differed */
	size_t nleft_out;
};

/* Whether a child has all the fields that are gathered; else e names one. */
bool maker_takes(const struct maker *m, const struct entry *en, struct err *e);

/*
 * Makes m->base the parent of n children, with edits that live until the next.
 * missing, unless it is SPAN_NONE, is JSON that goes into the field of that name.
 * -1 and e: it would be too long.
 */
int maker_make(struct maker *m, const struct line *lines, size_t n,
    struct span missing, struct err *e);

void maker_release(struct maker *m);

#endif
