/*
 * bf-read's parts: main.c knows the options, paths.c finds the files, emit.c
 * makes entries, and text.c and markdown.c take texts apart.
 */
#ifndef BF_READ_H
#define BF_READ_H

#include "json/path.h"
#include "json/stage.h"

enum format { FORMAT_BY_NAME, FORMAT_TEXT, FORMAT_MD, FORMAT_JSONL };
enum unit { UNIT_FILE, UNIT_LINES, UNIT_SECTIONS, UNIT_PARAGRAPHS };

/* ---- paths.c ---- */

struct file {
	char *path; /* "-" is standard input */
	enum format format;
};

struct files {
	struct file *at;
	size_t n, cap;
};

/*
 * The files that an operand means, appended: itself, or what is below it if it
 * is a folder, in the order of their paths' bytes.  What cannot be read is
 * reported to st.  format is what the user asked for.
 */
void files_add(struct files *f, const char *operand, enum format format, struct stage *st);
void files_release(struct files *f);

/* ---- emit.c ---- */

struct reader {
	struct stage *st;
	enum unit unit;
	struct path *id; /* NULL: from a hash */
	struct buf fields; /* the entry being made, less its id: {"source":... */
	struct buf scratch;
	struct entry entry;
};

/* The headings over a place in a text; titles are borrowed. */
struct heading {
	int level;
	struct span title;
};

struct outline {
	struct heading *at;
	size_t n, cap;
};

/* Takes off those of the same level or below it, adds this one. */
void outline_enter(struct outline *o, int level, struct span title);
void outline_release(struct outline *o);

/* Begin an entry, put fields into it, emit it.  o NULL: no such fields. */
void entry_begin(struct reader *r, const char *source, const struct outline *o);
void entry_add(struct reader *r, const char *name, struct span text);
void entry_end(struct reader *r, const char *where);

/* Passes a line of JSON Lines on, with its id. */
void entry_pass(struct reader *r);

/* ---- text.c ---- */

/* White space off both ends. */
struct span text_trim(struct span s);
/* White lines off both ends, and the last line's end. */
struct span text_trim_lines(struct span s);

void read_text(struct reader *r, const struct file *f);

/*
 * All of a file: valid UTF-8 without NUL, without a byte order mark, its lines
 * ending in \n alone.  false if there is none to work with; that was reported.
 */
bool read_whole(struct reader *r, const char *path, struct buf *text);

/* ---- markdown.c ---- */

void read_markdown(struct reader *r, const struct file *f);

#endif
