/*
 * bf-read's parts: main.c knows the options, paths.c finds the files (globs.c
 * says which of those in folders), emit.c makes entries and ids.c their ids, text.c
 * and markdown.c take texts apart, json.c JSON, and delimited.c CSV and TSV, and
 * sqlite.c SQLite; titles.c makes entries of rows.
 */
#ifndef BF_READ_H
#define BF_READ_H

#include "io/hashset.h"
#include "json/id.h"
#include "json/path.h"
#include "json/stage.h"

enum format {
	FORMAT_BY_NAME,
	FORMAT_TEXT,
	FORMAT_MD,
	FORMAT_JSONL,
	FORMAT_JSON,
	FORMAT_CSV,
	FORMAT_TSV,
	FORMAT_SQLITE
};
enum unit { UNIT_FILE, UNIT_LINES, UNIT_SECTIONS, UNIT_PARAGRAPHS };

/* ---- globs.c ---- */

/* Patterns of fnmatch(3), borrowed. */
struct globs {
	const char **at;
	size_t n;
};

void globs_add(struct globs *g, const char *pattern);
void globs_release(struct globs *g);

/*
 * Whether one of them matches a path: as a whole where the pattern has a slash,
 * else its last part.  hidden_too: wildcards match a dot that a name begins with.
 */
bool globs_match(const struct globs *g, const char *path, bool hidden_too);

/* Whether one of them may match what is below this folder, which it names. */
bool globs_lead_into(const struct globs *g, const char *folder);

/* ---- paths.c ---- */

struct file {
	char *path; /* "-" is standard input */
	enum format format;
};

struct files {
	struct file *at;
	size_t n, cap;

	/* what the user asked for */
	enum format format;
	struct globs include, exclude; /* of what is in folders */
	bool flat;                     /* folders in folders are left out */
};

/*
 * The files that an operand means, appended: itself, or what is below it if it
 * is a folder, in the order of their paths' bytes; or, where there is no such
 * file and it is a pattern, those that match.  What cannot be read is reported
 * to st.
 */
void files_add(struct files *f, const char *operand, struct stage *st);
void files_release(struct files *f);

/* What messages call it. */
const char *file_name(const struct file *f);

/* ---- ids.c ---- */

struct reader;

struct ids {
	enum {
		ID_HASH, /* of the whole entry, where it has none */
		ID_FIELD,
		ID_HASH_OF, /* some fields */
		ID_NONE,
	} from;
	struct path **paths;
	size_t n;
	struct buf text; /* what is hashed */
};

/* --id FIELD, --id-hash FIELD,...; 0, or -1 and e. */
int ids_from_field(struct ids *ids, const char *field, struct err *e);
int ids_from_hash(struct ids *ids, const char *fields, struct err *e);
void ids_release(struct ids *ids);

/*
 * The id of r->entry by ID_FIELD or ID_HASH_OF; SPAN_NONE, and the entry has
 * failed, if a field is not as it must be.  where NULL: ask r->where().
 */
struct span ids_make(struct reader *r, const char *where, char hashed[ID_SIZE]);

/* ---- emit.c ---- */

struct reader {
	struct stage *st;
	enum unit unit;
	bool unit_given;
	struct ids ids;
	char delimiter; /* of CSV; NUL: a comma */
	const char
	    *header; /* the names of columns, or NULL: the first row has them */
	const char *table; /* of SQLite, or NULL */
	const char *query; /* likewise */
	bool infer;        /* cells may be other values than strings */
	struct buf fields; /* the entry being made, less its id: {"source":... */
	struct buf scratch;
	struct entry entry;
	/* "FILE:LINE" of the entry being made, for messages; see place(). */
	const char *(*where)(struct reader *r);
	void *input; /* the format's own, for where() */
	struct buf place;
};

/* From now on where() is that of this input. */
void places_by(
    struct reader *r, const char *(*where)(struct reader *r), void *input);

/* Puts "FILE:LINE" together; borrowed until the next call. */
const char *place(struct reader *r, const struct file *f, uint64_t line);

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

/*
 * Begin an entry, put fields into it, emit it.  o NULL: no such fields; where
 * NULL: ask where().
 */
void entry_begin(struct reader *r, const char *source, const struct outline *o);
void entry_add(struct reader *r, const char *name, struct span text);
void entry_end(struct reader *r, const char *where);

/* Passes r->entry on, with its id. */
void entry_pass(struct reader *r);
/* The same where an id that is empty is none: the hash is put in its place. */
void entry_pass_row(struct reader *r);

/* ---- text.c ---- */

/* White space off both ends. */
struct span text_trim(struct span s);
/* White lines off both ends, and the last line's end. */
struct span text_trim_lines(struct span s);

void read_text(struct reader *r, const struct file *f);

/* A descriptor; -1 if it does not open, and that was reported. */
int open_file(struct reader *r, const struct file *f);

/* For readers to call before they wait: what was made so far goes out. */
void reader_flush(void *reader);

/*
 * All of a file: valid UTF-8 without NUL, without a byte order mark, its lines
 * ending in \n alone.  false if there is none to work with; that was reported.
 */
bool read_whole(struct reader *r, const struct file *f, struct buf *text);

/* ---- markdown.c ---- */

void read_markdown(struct reader *r, const struct file *f);

/* ---- titles.c ---- */

#define COLUMN_NONE SIZE_MAX

struct titles {
	struct buf names; /* what stands before each value: {"a": ,"b": */
	size_t *end;      /* of each in names */
	size_t n, cap;
	size_t id; /* the column called id, or COLUMN_NONE */
	struct hashset seen;
};

void titles_init(struct titles *c);
void titles_release(struct titles *c);
/* false if there is one of that name. */
bool titles_add(struct titles *c, struct span name);

/*
 * Into r->fields, cleared before, goes for each column in turn its name and, by
 * the caller, its value; then the entry is emitted.
 */
void row_name(struct reader *r, const struct titles *c, size_t i);
void row_end(struct reader *r, const struct titles *c);

/* ---- delimited.c ---- */

void read_delimited(struct reader *r, const struct file *f);

/* Whether a comma-separated list names columns, all different. */
bool header_is_good(const char *list);

/* ---- sqlite.c ---- */

void read_sqlite(struct reader *r, const struct file *f);

/* ---- json.c ---- */

void read_json(struct reader *r, const struct file *f);

#endif
