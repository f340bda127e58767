/*
 * save: what the parts of bf-save share.
 *
 * A format turns one entry after the other into bytes in save.out; bf-save.c
 * takes them from there to the file (sink.c).  Nothing but json_resume() holds
 * more than one entry in memory.
 */
#ifndef BF_SAVE_H
#define BF_SAVE_H

#include "io/outfile.h"
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

struct save {
	struct stage st;
	struct entry en;
	const struct format *format;
	struct columns columns; /* by --fields, or (without paths) from the first
				   entry or an existing file */
	struct buf out;
	struct buf scratch;
	uint64_t count;  /* entries saved in this run */
	bool resumed;    /* there is text of former runs before them */
	struct buf path; /* md: the headings that stand over what comes next */

	const char *name; /* FILE as given */
	bool append;
	bool tee;
	bool expects;
	uint64_t expected;
	struct outfile *file; /* NULL: standard output, by way of st.out */
};

/* lines.c, delimited.c, prose.c */
extern const struct format format_jsonl, format_json, format_csv, format_tsv,
    format_md, format_txt;

/* A value as people read it: a string's text, anything else as compact JSON. */
struct span save_text(struct save *s, struct span value);

/* sink.c */
int sink_open(struct save *s, struct err *e);
int sink_resume(struct save *s, struct err *e);
int sink_write(struct save *s, struct err *e);
/* Puts the file in place, or keeps it aside; the exit status of the whole. */
int sink_close(struct save *s);

#endif
