/*
 * table: what the parts of bf-save's SQLite share.
 *
 * What comes goes into a database of its own beside FILE, the stage, table "came":
 * its columns c0, c1, ... take every value as it is, n numbers the entries, and
 * new columns are added as fields appear.  When all has come, and the kinds of all
 * values are known, it goes to FILE in one transaction.  So FILE is locked for as
 * long as copying takes, not for as long as the pipe does.
 */
#ifndef BF_SAVE_TABLE_H
#define BF_SAVE_TABLE_H

#include "io/sqlite.h"
#include "save.h"

/* What kinds of values a column holds. */
enum {
	KIND_INTEGER = 1,
	KIND_LARGE = 2, /* an integer that a double does not hold */
	KIND_REAL = 4,
	KIND_TEXT = 8,
	KIND_DIGITS = 16, /* text that SQLite may take for a number */
};

struct table {
	const struct sqlite *sq;
	sqlite3 *db;      /* the stage */
	struct buf stage; /* its path; empty: there is none */
	sqlite3_stmt *insert;
	unsigned char *kinds; /* of each column */
	unsigned char *now;   /* of the entry's values */
	size_t ncolumns;      /* that the stage has */
	struct buf sql;
	bool broken;  /* the stage: what is in it is worth nothing */
	bool altered; /* FILE: what its tables are */
};

/* sql.c: SQLITE_OK or an error with name before it */
int table_fail(struct table *t, const char *name, struct err *e);
int table_run(struct table *t, const char *name, const char *sql, struct err *e);
int table_run_sql(struct table *t, const char *name, struct err *e); /* t->sql */
sqlite3_stmt *table_prepare(
    struct table *t, const char *name, struct err *e); /* it */
void sql_add_name(struct buf *sql, struct span name);
/* The columns' names with commas, each between before and after; of the stage: c0.
 */
void sql_add_names(struct buf *sql, const struct columns *c, const char *before,
    const char *after);
void sql_add_staged(
    struct buf *sql, size_t n, const char *before, const char *after);

/* ".NAME.XXXXXX" beside FILE, made: its path, as SQLite wants it. */
int table_make_temp(struct save *s, struct buf *path, struct err *e);
void table_remove_temp(struct buf *path);
/* A path that SQLite takes for nothing but a path. */
void table_add_path(struct buf *b, const char *path);

/* place.c: the stage to FILE, or to a new database instead of what is at aside. */
int table_place(struct save *s, struct err *e);
int table_place_aside(struct save *s, const char *aside, struct err *e);

#endif
