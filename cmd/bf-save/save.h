/*
 * save: what the parts of bf-save share.
 *
 * A format turns one entry after the other into bytes in save.out; a target
 * takes them from there to where they shall be.  Nothing but json_resume() holds
 * more than one entry in memory.
 */
#ifndef BF_SAVE_H
#define BF_SAVE_H

#include "io/outfile.h"
#include "io/pack.h"
#include "json/columns.h"
#include "json/stage.h"

struct save;

struct format {
	const char *name;
	const char *extension;
	/* Appends the entry to out; -1 and e: it cannot be saved in this format. */
	int (*add)(struct save *s, struct err *e);
	/* What stands before the first entry and after the last; may be NULL. */
	void (*begin)(struct save *s);
	void (*end)(struct save *s);
	/*
	 * For --append.  begin() is not called; resume() looks at the existing
	 * text (its first bytes, unless resume_whole) and may cut text->n to say
	 * how much of it stays.
	 */
	int (*resume)(struct save *s, struct span *text, struct err *e);
	bool resume_whole;
};

/* What a target says of an entry. */
enum {
	SAVE_OK = 0,
	SAVE_REFUSED = -1, /* it cannot hold this one */
	SAVE_FAILED = -2,  /* it cannot go on */
};

/*
 * Where entries go: a file, and what else there is.  All may fail with -1 and e;
 * the last call is commit() or keep().
 */
struct target {
	int (*open)(struct save *s, struct err *e);
	int (*add)(struct save *s, struct err *e); /* save.en; SAVE_... */
	int (*end)(struct save *s, struct err *e); /* all entries came */
	/* Puts all in place; says in save.changed whether anything is new. */
	int (*commit)(struct save *s, struct err *e);
	/*
	 * Leaves all as it was, and what came aside; save.aside says where, and
	 * nothing where entries went out at once and nothing can be taken back.
	 */
	int (*keep)(struct save *s, struct err *e);
};

struct save {
	struct stage st;
	struct entry en;
	const struct format *format;
	const struct target *target;
	struct columns columns; /* by --fields, or (without paths) from the first
				   entry or an existing file */
	struct buf out;
	struct buf scratch;
	struct span
	    halved;     /* a field with half of a surrogate pair; see save_text() */
	uint64_t count; /* entries saved in this run */
	uint64_t in_file; /* those in the file that is being written */
	bool resumed;     /* there is text of former runs before them */
	struct buf path;  /* md: the headings that stand over what comes next */

	const char *name; /* FILE as given */
	bool append;
	bool tee;
	bool expects;
	uint64_t expected;
	uint64_t split; /* entries of a part; 0: one file */
	const char *table_name;
	struct columns key; /* of SQLite rows: names alone */

	struct path *name_field; /* of a folder: what names an entry's file */
	const char *extension;   /* of the files in a folder */
	bool by_source;          /* they have the names of sources, without it */

	bool changed;
	struct buf aside;
	struct file *file;     /* of target_file */
	struct parts *parts;   /* of target_parts */
	struct table *table;   /* of target_table */
	struct folder *folder; /* of target_folder */
};

/* lines.c, delimited.c, prose.c */
extern const struct format format_jsonl, format_json, format_csv, format_tsv,
    format_md, format_txt;

/*
 * A field's value as people read it: a string's text, anything else as compact
 * JSON.  Where that is no text, save.halved gets the field's name.
 */
struct span save_text(struct save *s, struct span field, struct span value);
/* format->add(), where all of the entry can be said in UTF-8. */
int save_add(struct save *s, struct err *e);

/* Has a target of its own. */
extern const struct format format_sqlite;

/* stdout.c, file.c, parts.c, table.c, folder.c */
extern const struct target target_stdout, target_file, target_parts, target_table,
    target_folder;

/*
 * append.c: the text of former runs, which file_write() or file_copy() gets; with
 * none, what a format begins with.
 */
int append_old(struct save *s, struct err *e);

/* file.c: bytes of text, packed where the file's name says so */
int file_write(struct save *s, struct span text, struct err *e);
/* Bytes as they are. */
int file_copy(struct save *s, struct span bytes, struct err *e);
const char *file_path(const struct save *s); /* links followed */
enum pack_form file_form(const struct save *s);

/* Removes FILE.partial of former runs: it is older than what is in place now. */
void save_remove_partial(const char *path);

#endif
