/*
 * entry: one line of JSON Lines that is an object, and edits to it.
 *
 * entry_parse() checks every byte of the line and finds the top-level members
 * in the same pass.  Edits are remembered; entry_write() splices them in and
 * leaves every other byte as it was.  An entry is reused from line to line.
 *
 * entry_set() replaces the value of the member of that name (of duplicates,
 * the last, which is the one that entry_get() finds), in its place, or adds a
 * member at the end.  entry_del() removes every member of that name.  Values
 * given to entry_set() are borrowed until entry_write() or the next
 * entry_parse(); names are borrowed likewise.  The last edit of a name wins.
 */
#ifndef BF_JSON_ENTRY_H
#define BF_JSON_ENTRY_H

#include "json/json.h"

struct entry_edit {
	struct span name;  /* unescaped */
	struct span value; /* JSON; SPAN_NONE removes */
	size_t member; /* the last of that name; n of the entry if there is none */
};

struct entry {
	struct span text; /* borrowed: the line */
	struct json_member *members;
	size_t n;
	size_t cap;
	struct entry_edit *edits;
	size_t nedits;
	size_t edits_cap;
};

#define ENTRY_INIT ((struct entry){.members = NULL})

/* 0; -1 and f if the line is no JSON or no object. Forgets former edits. */
int entry_parse(struct entry *en, struct span line, struct json_fault *f);

/* The value as it stood in the line, edits not seen; SPAN_NONE if there is none. */
struct span entry_get(const struct entry *en, const char *name);
struct span entry_getn(const struct entry *en, struct span name);

/*
 * The name of member i, unescaped, appended to names, which may be full of names of
 * this entry and never moves then.
 */
struct span entry_name(const struct entry *en, size_t i, struct buf *names);

void entry_set(struct entry *en, const char *name, struct span value);
void entry_setn(struct entry *en, struct span name, struct span value);
void entry_del(struct entry *en, const char *name);
void entry_deln(struct entry *en, struct span name);

/* The edited line, with "\n". */
void entry_write(const struct entry *en, struct buf *out);

void entry_release(struct entry *en);

#endif
