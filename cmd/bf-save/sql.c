/* Bits of SQL, and errors of SQLite. */
#include "io/fdio.h"
#include "table.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int
table_fail(struct table *t, const char *name, struct err *e)
{
	int code = t->sq->extended_errcode(t->db) & 0xff;

	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return err_set(
		    e, "%s: another process has locked it; try again", name);
	return err_set(e, "%s: %s", name, t->sq->errmsg(t->db));
}

int
table_run(struct table *t, const char *name, const char *sql, struct err *e)
{
	return t->sq->exec(t->db, sql, NULL, NULL, NULL) == SQLITE_OK
		   ? 0
		   : table_fail(t, name, e);
}

int
table_run_sql(struct table *t, const char *name, struct err *e)
{
	return table_run(t, name, buf_cstr(&t->sql), e);
}

sqlite3_stmt *
table_prepare(struct table *t, const char *name, struct err *e)
{
	sqlite3_stmt *stmt;

	if (t->sq->prepare_v2(t->db, buf_cstr(&t->sql), -1, &stmt, NULL) ==
	    SQLITE_OK)
		return stmt;
	table_fail(t, name, e);
	return NULL;
}

void
sql_add_name(struct buf *sql, struct span name)
{
	buf_addc(sql, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"')
			buf_addc(sql, '"');
		buf_addc(sql, name.p[i]);
	}
	buf_addc(sql, '"');
}

void
sql_add_names(
    struct buf *sql, const struct columns *c, const char *before, const char *after)
{
	for (size_t i = 0; i < c->n; i++) {
		buf_adds(sql, i > 0 ? ", " : "");
		buf_adds(sql, before);
		sql_add_name(sql, c->v[i].name);
		buf_adds(sql, after);
	}
}

void
sql_add_staged(struct buf *sql, size_t n, const char *before, const char *after)
{
	for (size_t i = 0; i < n; i++)
		buf_addf(sql, "%s%sc%zu%s", i > 0 ? ", " : "", before, i, after);
}

int
table_make_temp(struct save *s, struct buf *path, struct err *e)
{
	const char *slash = strrchr(s->name, '/');
	size_t folder = slash == NULL ? 0 : (size_t)(slash - s->name) + 1;
	int fd;

	buf_clear(path);
	/* SQLite might take a bare "file:x" for a URI. */
	buf_adds(path, slash == NULL ? "./" : "");
	buf_addf(
	    path, "%.*s.%.200s.XXXXXX", (int)folder, s->name, s->name + folder);
	fd = mkostemp((char *)buf_cstr(path), O_CLOEXEC);
	if (fd < 0) {
		err_sys(e, "%s: cannot create a file in its folder", s->name);
		buf_clear(path);
		return -1;
	}
	fd_close(fd);
	return 0;
}

void
table_remove_temp(struct buf *path)
{
	if (path->len > 0)
		unlink(buf_cstr(path));
	buf_clear(path);
}

void
table_add_path(struct buf *b, const char *path)
{
	buf_adds(b, path[0] == '/' ? "" : "./");
	buf_adds(b, path);
}
