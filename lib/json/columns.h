/*
 * columns: which fields of an entry are meant, under which names, in which order.
 *
 *	text,answer=response.text,["x,y"]
 *
 * Each is a path (path.h), or NAME=PATH.  Without NAME it is the name of the
 * field where the path is one name, else the path as it is written.  A comma or
 * an equals sign in quotes within brackets is part of a path.
 */
#ifndef BF_JSON_COLUMNS_H
#define BF_JSON_COLUMNS_H

#include "json/path.h"

struct column {
	struct span name;  /* owned; the name in the output */
	struct path *path; /* NULL: the entry's top-level field of that name */
};

struct columns {
	struct column *v;
	size_t n;
	bool given; /* by columns_parse() */
};

/* 0, or -1 and e: not well formed, or one name twice. */
int columns_parse(struct columns *c, struct span text, struct err *e);
/* Those that the entry has, less those that are there. -1 and e: a name is no text. */
int columns_from_entry(struct columns *c, const struct entry *en, struct err *e);
void columns_add(struct columns *c, struct span name);
void columns_cut(struct columns *c, size_t n); /* all but the first n go */
void columns_release(struct columns *c);

/* The index of the column of that name, or c->n. */
size_t columns_find(const struct columns *c, struct span name);
/* SPAN_NONE where the entry has no such field. */
struct span column_get(const struct column *c, const struct entry *en);

#endif
