/*
 * bf-shuffle's parts: main.c knows the options and gives each line its number,
 * items.c holds lines and sorts them by it, beyond.c does so beyond memory.
 */
#ifndef BF_SHUFFLE_H
#define BF_SHUFFLE_H

#include "io/buckets.h"
#include "json/stage.h"

/* ---- items.c ---- */

/* A line and its place: items come out by number, of equal numbers as they came. */
struct item {
	uint64_t number;
	uint64_t came; /* how many came before */
	struct span line;
};

struct items {
	struct item *at;
	size_t n, cap;
	struct keep *keep; /* copies of lines that would not stay */
	uint64_t lines;    /* bytes of all lines */
};

/* stays: the line is where it is until the items are released. */
void items_add(
    struct items *s, uint64_t number, uint64_t came, struct span line, bool stays);

/* Bytes in memory, lines that stay where they are too. */
uint64_t items_size(const struct items *s);

/* By number. */
void items_sort(struct items *s);

/*
 * Keeps those that come out first, in the order in which they came: the first n, or
 * with by_group those that have one of the n least numbers.  What comes later with
 * a number above *last comes out after them all.
 */
void items_cut(struct items *s, uint64_t n, bool by_group, uint64_t *last);

void items_release(struct items *s);

/* What is put out: the first so many entries, or groups. */
struct output {
	struct stage *st;
	uint64_t left; /* entries or groups yet to come */
	bool by_group;
	bool begun;
	uint64_t number; /* of the group that is put out */
};

/* In their order; false: no more is wanted, or can be written. */
bool output_items(struct output *o, const struct items *s);

/* ---- beyond.c ---- */

struct beyond;

/* Items in a temporary file, in the order in which they came. NULL, -1 and e. */
struct beyond *beyond_new(uint64_t memory, struct err *e);
int beyond_add(struct beyond *b, uint64_t number, struct span line, struct err *e);

/* Puts them all out. -1 and e: the file failed. */
int beyond_output(struct beyond *b, struct output *o, struct err *e);

void beyond_free(struct beyond *b); /* NULL does nothing */

#endif
