/* The table that came, to where it shall be: see table.h. */
#include "io/fdio.h"
#include "table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the schema ---- */

/* A declared type that changes no value, or none. */
static const char *
type_for(unsigned kinds)
{
	if (kinds != 0 && (kinds & ~(KIND_INTEGER | KIND_LARGE)) == 0)
		return " INTEGER";
	if (kinds == KIND_REAL)
		return " REAL";
	if (kinds != 0 && (kinds & ~(KIND_TEXT | KIND_DIGITS)) == 0)
		return " TEXT";
	return "";
}

static void
add_table(struct save *s, struct buf *sql)
{
	buf_adds(sql, "target.");
	sql_add_name(sql, span_str(s->table_name));
}

/* CREATE TABLE, as SQLite keeps it: without the database's name. */
static void
add_create(struct save *s, struct buf *sql, bool with_database)
{
	const struct columns *c = &s->columns;

	buf_adds(sql, "CREATE TABLE ");
	if (with_database)
		add_table(s, sql);
	else
		sql_add_name(sql, span_str(s->table_name));
	for (size_t i = 0; i < c->n; i++) {
		buf_adds(sql, i > 0 ? ", " : " (");
		sql_add_name(sql, c->v[i].name);
		buf_adds(sql, type_for(s->table->kinds[i]));
	}
	if (s->key.n > 0) {
		buf_adds(sql, ", UNIQUE (");
		sql_add_names(sql, &s->key, "", "");
		buf_adds(sql, ")");
	}
	buf_adds(sql, ")");
}

static int
create(struct save *s, struct err *e)
{
	struct table *t = s->table;

	buf_clear(&t->sql);
	add_create(s, &t->sql, true);
	t->altered = true;
	return table_run_sql(t, s->name, e);
}

/* 1 and its SQL if FILE has the table, 0 if not. */
static int
find_table(struct save *s, struct buf *schema, struct err *e)
{
	struct table *t = s->table;
	sqlite3_stmt *q;
	int r = -1, step;

	buf_clear(&t->sql);
	buf_adds(&t->sql, "SELECT sql FROM target.sqlite_master WHERE "
			  "type IN ('table', 'view') AND name = ?1 COLLATE NOCASE");
	q = table_prepare(t, s->name, e);
	if (q == NULL)
		return -1;
	t->sq->bind_text64(
	    q, 1, s->table_name, strlen(s->table_name), SQLITE_STATIC, SQLITE_UTF8);
	step = t->sq->step(q);
	if (step == SQLITE_ROW) {
		buf_add(schema, t->sq->column_text(q, 0),
		    (size_t)t->sq->column_bytes(q, 0));
		r = 1;
	} else if (step == SQLITE_DONE)
		r = 0;
	else
		table_fail(t, s->name, e);
	t->sq->finalize(q);
	return r;
}

/* ---- a table that is replaced ---- */

/* A name of the row's number that no column hides; NULL where all are hidden. */
static const char *
rowid_name(const struct columns *c)
{
	static const char *const names[] = {"rowid", "_rowid_", "oid"};
	size_t i, j;

	for (i = 0; i < 3; i++) {
		for (j = 0; j < c->n; j++)
			if (c->v[j].name.n == strlen(names[i]) &&
			    strncasecmp(c->v[j].name.p, names[i], c->v[j].name.n) ==
				0)
				break;
		if (j == c->n)
			return names[i];
	}
	return NULL;
}

/*
 * Whether FILE's table, which has the columns that ours will have, has the rows
 * too, in their order; any doubt means no.
 */
static bool
same_rows(struct save *s)
{
	struct table *t = s->table;
	const char *rowid = rowid_name(&s->columns);
	struct err e = ERR_INIT;
	sqlite3_stmt *q;
	bool same;

	if (rowid == NULL)
		return false;
	buf_clear(&t->sql);
	buf_adds(&t->sql, "SELECT (SELECT count(*) FROM main.came) = "
			  "(SELECT count(*) FROM ");
	add_table(s, &t->sql);
	buf_adds(
	    &t->sql, ") AND NOT EXISTS (SELECT 1 FROM main.came AS a LEFT JOIN ");
	add_table(s, &t->sql);
	buf_addf(&t->sql, " AS b ON b.%s = a.n WHERE (", rowid);
	sql_add_staged(&t->sql, t->ncolumns, "a.", "");
	buf_adds(&t->sql, ") IS NOT (");
	sql_add_names(&t->sql, &s->columns, "b.", "");
	buf_adds(&t->sql, ") OR (");
	sql_add_staged(&t->sql, t->ncolumns, "typeof(a.", ")");
	buf_adds(&t->sql, ") IS NOT (");
	sql_add_names(&t->sql, &s->columns, "typeof(b.", ")");
	buf_adds(&t->sql, "))");
	q = table_prepare(t, s->name, &e);
	same = q != NULL && t->sq->step(q) == SQLITE_ROW &&
	       t->sq->column_int64(q, 0) == 1;
	t->sq->finalize(q);
	return same;
}

static int
insert(struct save *s, struct err *e)
{
	struct table *t = s->table;

	buf_clear(&t->sql);
	buf_adds(&t->sql, "INSERT INTO ");
	add_table(s, &t->sql);
	buf_adds(&t->sql, " (");
	sql_add_names(&t->sql, &s->columns, "", "");
	buf_adds(&t->sql, ") SELECT ");
	sql_add_staged(&t->sql, t->ncolumns, "", "");
	buf_adds(&t->sql, " FROM main.came ORDER BY n");
	return table_run_sql(t, s->name, e);
}

static int
replace(struct save *s, bool exists, struct span schema, struct err *e)
{
	struct table *t = s->table;

	buf_clear(&t->sql);
	add_create(s, &t->sql, false);
	if (exists && span_eq(schema, buf_span(&t->sql)) && same_rows(s))
		return 0;
	buf_clear(&t->sql);
	if (exists) {
		/* Of no entries nothing is known but that there are none. */
		buf_adds(&t->sql, t->ncolumns > 0 ? "DROP TABLE " : "DELETE FROM ");
		add_table(s, &t->sql);
		if (table_run_sql(t, s->name, e) < 0)
			return -1;
	}
	if (t->ncolumns == 0)
		return 0;
	return create(s, e) < 0 ? -1 : insert(s, e);
}

/* ---- a table that is added to ---- */

static bool
has_word(const char *type, const char *word)
{
	return strcasestr(type, word) != NULL;
}

/*
 * The kinds of values that a column declared like this would change: see
 * https://www.sqlite.org/datatype3.html, 3.1.
 */
static unsigned
changed_by(const char *type)
{
	if (has_word(type, "INT"))
		return KIND_DIGITS;
	if (has_word(type, "CHAR") || has_word(type, "CLOB") ||
	    has_word(type, "TEXT"))
		return KIND_INTEGER | KIND_REAL;
	if (has_word(type, "BLOB") || type[0] == '\0')
		return 0;
	if (has_word(type, "REAL") || has_word(type, "FLOA") ||
	    has_word(type, "DOUB"))
		return KIND_DIGITS | KIND_LARGE;
	return KIND_DIGITS;
}

static int
add_column(struct save *s, size_t i, struct err *e)
{
	struct table *t = s->table;

	buf_clear(&t->sql);
	buf_adds(&t->sql, "ALTER TABLE ");
	add_table(s, &t->sql);
	buf_adds(&t->sql, " ADD COLUMN ");
	sql_add_name(&t->sql, s->columns.v[i].name);
	buf_adds(&t->sql, type_for(t->kinds[i]));
	t->altered = true;
	return table_run_sql(t, s->name, e);
}

/* FILE's column of that name: its type must take the values; made where missing. */
static int
fit_column(struct save *s, size_t i, struct err *e)
{
	struct table *t = s->table;
	struct span name = s->columns.v[i].name;
	const char *type;
	sqlite3_stmt *q;
	int step, r = 0;

	buf_clear(&t->sql);
	buf_adds(&t->sql, "SELECT type FROM pragma_table_info(?1, 'target') "
			  "WHERE name = ?2 COLLATE NOCASE");
	q = table_prepare(t, s->name, e);
	if (q == NULL)
		return -1;
	t->sq->bind_text64(
	    q, 1, s->table_name, strlen(s->table_name), SQLITE_STATIC, SQLITE_UTF8);
	t->sq->bind_text64(q, 2, name.p, name.n, SQLITE_STATIC, SQLITE_UTF8);
	step = t->sq->step(q);
	if (step == SQLITE_ROW) {
		type = (const char *)t->sq->column_text(q, 0);
		if (type != NULL && (changed_by(type) & t->kinds[i]) != 0)
			r = err_set(e,
			    "%s: column \"%.*s\" is declared %s, which would "
			    "change "
			    "values of this run",
			    s->name, (int)name.n, name.p, type);
	} else if (step != SQLITE_DONE)
		r = table_fail(t, s->name, e);
	t->sq->finalize(q);
	return step == SQLITE_DONE ? add_column(s, i, e) : r;
}

/* What keeps two rows from having one key. */
static int
create_index(struct save *s, struct err *e)
{
	struct table *t = s->table;
	struct buf name = BUF_INIT;
	int r;

	buf_adds(&name, s->table_name);
	for (size_t i = 0; i < s->key.n; i++) {
		buf_addc(&name, '_');
		buf_addspan(&name, s->key.v[i].name);
	}
	buf_clear(&t->sql);
	buf_adds(&t->sql, "CREATE UNIQUE INDEX target.");
	sql_add_name(&t->sql, buf_span(&name));
	buf_adds(&t->sql, " ON ");
	sql_add_name(&t->sql, span_str(s->table_name));
	buf_adds(&t->sql, " (");
	sql_add_names(&t->sql, &s->key, "", "");
	buf_adds(&t->sql, ")");
	t->altered = true;
	r = table_run_sql(t, s->name, e);
	if (r < 0 && (t->sq->extended_errcode(t->db) & 0xff) == SQLITE_CONSTRAINT)
		err_set(e, "%s: rows of table \"%s\" have one key already: %s",
		    s->name, s->table_name, t->sq->errmsg(t->db));
	buf_release(&name);
	return r;
}

/* Of entries with one key the last one; rows that are equal are not written. */
static void
add_upsert(struct save *s, struct buf *sql)
{
	struct table *t = s->table;
	size_t i;

	buf_adds(sql, "INSERT INTO ");
	add_table(s, sql);
	buf_adds(sql, " AS old (");
	sql_add_names(sql, &s->columns, "", "");
	buf_adds(sql, ") SELECT ");
	sql_add_staged(sql, t->ncolumns, "", "");
	buf_adds(sql, " FROM main.came WHERE n IN (SELECT max(n) FROM main.came "
		      "GROUP BY ");
	for (i = 0; i < s->key.n; i++)
		buf_addf(sql, "%sc%zu", i > 0 ? ", " : "",
		    columns_find(&s->columns, s->key.v[i].name));
	buf_adds(sql, ") ORDER BY n ON CONFLICT (");
	sql_add_names(sql, &s->key, "", "");
	buf_adds(sql, ") DO UPDATE SET (");
	sql_add_names(sql, &s->columns, "", "");
	buf_adds(sql, ") = (");
	sql_add_names(sql, &s->columns, "excluded.", "");
	buf_adds(sql, ") WHERE (");
	sql_add_names(sql, &s->columns, "old.", "");
	buf_adds(sql, ") IS NOT (");
	sql_add_names(sql, &s->columns, "excluded.", "");
	buf_adds(sql, ") OR (");
	sql_add_names(sql, &s->columns, "typeof(old.", ")");
	buf_adds(sql, ") IS NOT (");
	sql_add_names(sql, &s->columns, "typeof(excluded.", ")");
	buf_adds(sql, ")");
}

static int
upsert(struct save *s, struct err *e)
{
	struct table *t = s->table;
	sqlite3_stmt *q;

	buf_clear(&t->sql);
	add_upsert(s, &t->sql);
	q = table_prepare(t, s->name, e);
	if (q == NULL &&
	    strstr(e->text, "ON CONFLICT clause does not match") != NULL) {
		if (create_index(s, e) < 0)
			return -1;
		buf_clear(&t->sql);
		add_upsert(s, &t->sql);
		q = table_prepare(t, s->name, e);
	}
	if (q == NULL)
		return -1;
	t->sq->step(q);
	return t->sq->finalize(q) == SQLITE_OK ? 0 : table_fail(t, s->name, e);
}

static int
add_to(struct save *s, bool exists, struct err *e)
{
	struct table *t = s->table;
	size_t i;
	int r = 0;

	if (t->ncolumns == 0)
		return 0;
	if (!exists)
		r = create(s, e);
	for (i = 0; exists && r == 0 && i < t->ncolumns; i++)
		r = fit_column(s, i, e);
	if (r < 0)
		return -1;
	return s->key.n > 0 ? upsert(s, e) : insert(s, e);
}

/* ---- the database ---- */

static int
change(struct save *s, struct err *e)
{
	struct buf schema = BUF_INIT;
	int exists = find_table(s, &schema, e), r;

	if (exists < 0)
		r = -1;
	else if (s->append || s->key.n > 0)
		r = add_to(s, exists == 1, e);
	else
		r = replace(s, exists == 1, buf_span(&schema), e);
	buf_release(&schema);
	return r;
}

static int
attach(struct save *s, const char *path, struct err *e)
{
	struct table *t = s->table;
	struct buf full = BUF_INIT;
	sqlite3_stmt *q;
	int r = -1;

	table_add_path(&full, path);
	buf_clear(&t->sql);
	buf_adds(&t->sql, "ATTACH ?1 AS target");
	q = table_prepare(t, s->name, e);
	if (q != NULL) {
		t->sq->bind_text64(
		    q, 1, full.data, full.len, SQLITE_STATIC, SQLITE_UTF8);
		t->sq->step(q);
		r = t->sq->finalize(q) == SQLITE_OK ? 0 : table_fail(t, s->name, e);
	}
	buf_release(&full);
	return r;
}

static int
transact(struct save *s, const char *pragma, struct err *e)
{
	struct table *t = s->table;

	if (table_run(t, s->name, pragma, e) < 0 ||
	    table_run(t, s->name, "BEGIN IMMEDIATE", e) < 0)
		return -1;
	if (change(s, e) == 0 && table_run(t, s->name, "COMMIT", e) == 0)
		return 0;
	t->sq->exec(t->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

/* All in one transaction with the database at path. */
static int
change_database(struct save *s, const char *path, const char *pragma, struct err *e)
{
	struct table *t = s->table;
	int r;

	if (attach(s, path, e) < 0)
		return -1;
	r = transact(s, pragma, e);
	t->sq->exec(t->db, "DETACH target", NULL, NULL, NULL);
	return r;
}

/*
 * A new database in a file beside path, which then gets that name: 0, -1 and e,
 * or 1 if there is such a file meanwhile that is not to be replaced.
 */
static int
make_database(struct save *s, const char *path, bool replaces, struct err *e)
{
	struct buf temp = BUF_INIT;
	mode_t mask = umask(0);
	int r;

	umask(mask);
	if (table_make_temp(s, &temp, e) < 0)
		return -1;
	r = change_database(s, buf_cstr(&temp),
	    "PRAGMA target.journal_mode=MEMORY; PRAGMA target.synchronous=FULL", e);
	if (r == 0 && chmod(buf_cstr(&temp), 0666 & ~mask) < 0)
		r = err_sys(e, "%s: cannot set its mode", path);
	if (r == 0 && replaces && rename(buf_cstr(&temp), path) < 0)
		r = err_sys(e, "%s: cannot rename into place", path);
	if (r == 0 && !replaces &&
	    linkat(AT_FDCWD, buf_cstr(&temp), AT_FDCWD, path, 0) < 0)
		r = errno == EEXIST
			? 1
			: err_sys(e, "%s: cannot link into place", path);
	if (r != 0 || !replaces)
		table_remove_temp(&temp);
	buf_release(&temp);
	return r != 0 ? r : outfile_sync_dir(path, e);
}

int
table_place(struct save *s, struct err *e)
{
	struct table *t = s->table;
	int before = t->sq->total_changes(t->db), r = 1;
	struct stat st;

	if (lstat(s->name, &st) < 0 && errno == ENOENT)
		r = make_database(s, s->name, false, e);
	if (r == 1)
		r = change_database(s, s->name, "", e);
	s->changed = t->altered || t->sq->total_changes(t->db) != before;
	return r;
}

int
table_place_aside(struct save *s, const char *aside, struct err *e)
{
	return make_database(s, aside, true, e);
}
