/*
 * value: a checked JSON text as an array of its values, each before those in it.
 *
 * So all work is in proportion to the text, however deeply it is nested, and
 * a name is found among many at once.  A tree is reused from text to text; its
 * values borrow the text.
 */
#ifndef BF_SCHEMA_VALUE_H
#define BF_SCHEMA_VALUE_H

#include "json/json.h"

struct value {
	struct span text; /* a string: its contents; else as written */
	struct span key;  /* its name's contents; SPAN_NONE in an array */
	uint64_t hash;    /* of the key */
	uint32_t size;    /* how many values it is, with all in it */
	uint32_t up; /* how many values before it its parent is; 0: it has none */
	uint32_t count;     /* elements, or members without dropped ones */
	uint32_t index;     /* of an object's slots, if it has many members: */
	uint32_t mask;      /* how many there are, less one; 0: none */
	unsigned char type; /* enum json_type */
	bool dropped;       /* a later member has the same name */
};

struct tree {
	struct value *values;
	size_t n, cap;
	struct buf text; /* contents of strings with escapes */
	uint32_t *slots; /* open hash tables of large objects */
	size_t nslots, slots_cap;
	size_t repeated; /* the first value whose name was there before; 0: none */
};

#define TREE_INIT ((struct tree){.text = BUF_INIT})

/* -1 where a text of 4 GB and more is not for this. */
int tree_parse(struct tree *t, struct span checked);
void tree_release(struct tree *t);

/* Members and elements, less dropped ones; NULL behind the last. */
const struct value *value_first(const struct value *v);
const struct value *value_next(const struct value *parent, const struct value *v);

const struct value *value_get(const struct tree *t, const struct value *object,
    struct span name, uint64_t hash);
const struct value *value_named(
    const struct tree *t, const struct value *object, const char *name);

/* By what they mean: 1.0 is 1, and the order of members does not count. */
bool value_equal(const struct tree *ta, const struct value *a,
    const struct tree *tb, const struct value *b);
uint64_t value_hash(const struct value *v);

/* Not the same in each process: nobody can prepare names that collide. */
uint64_t value_hash_text(struct span text);

static inline uint64_t
value_mix(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)(a ^ 0x9e3779b97f4a7c15) * (b ^ 0xd6e8feb86659fd93);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The JSON Pointer of a value, appended. */
void value_pointer(struct buf *out, const struct value *v);

/* Names, each once, with a number. */
struct names {
	struct names_entry {
		struct span name; /* borrowed */
		uint64_t hash;
		uint32_t number;
	} * entries;
	uint32_t *slots;
	size_t n, mask;
};

#define NAMES_NONE UINT32_MAX

/* hash: of the name, and of what else is to tell it apart. */
uint32_t names_find(const struct names *t, struct span name, uint64_t hash);
void names_put(struct names *t, struct span name, uint64_t hash, uint32_t number);
void names_release(struct names *t);

#endif
