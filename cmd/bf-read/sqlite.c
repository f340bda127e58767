/* SQLite: each row of a table, or of a query's result, an entry. */
#include "read.h"

#include "base/msg.h"
#include "io/fdio.h"
#include "io/num.h"
#include "io/sqlite.h"
#include "io/unpack.h"
#include "io/utf8.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

/* A database that another program is changing is waited for, so often. */
enum { BUSY_WAIT = 50 /* ms */, BUSY_WAITS = 200 };

/* Virtual machine steps between looks at whether to stop. */
enum { STEPS_PER_LOOK = 10000 };

struct database {
	const struct file *file;
	const struct sqlite *sq;
	sqlite3 *db;
	sqlite3_stmt *rows;
	struct titles columns;
	uint64_t row; /* from 1 */
	struct buf uri;
	struct buf sql;
	struct buf copy; /* path of a temporary copy */
	bool at_rest;    /* nobody has it open, see is_at_rest() */
	struct stat as_it_was;
};

/* ---- messages ---- */

static const char *
sqlite_where(struct reader *r)
{
	struct database *d = r->input;

	buf_clear(&r->place);
	buf_addf(&r->place, "%s: row %" PRIu64, file_name(d->file), d->row);
	return buf_cstr(&r->place);
}

/* Reports what SQLite says, unless it was stopped by us; -1. */
static int
sqlite_failed(struct reader *r, struct database *d)
{
	int code = d->sq->extended_errcode(d->db);
	struct err e = ERR_INIT;

	if (stage_interrupted(r->st))
		return -1;
	if ((code & 0xff) == SQLITE_BUSY)
		err_set(&e, "another program is changing it, and does not end");
	else if (code == SQLITE_READONLY_ROLLBACK ||
		 code == SQLITE_READONLY_RECOVERY)
		err_set(&e,
		    "a program that was changing it was cut off; open it with "
		    "one that may write (sqlite3) to have that undone");
	else
		err_set(&e, "%s", d->sq->errmsg(d->db));
	if (d->row > 0)
		err_prefix(&e, "after row %" PRIu64, d->row);
	stage_lost(r->st, file_name(d->file), e.text);
	return -1;
}

static int
lost(struct reader *r, struct database *d, const char *what)
{
	stage_lost(r->st, file_name(d->file), what);
	return -1;
}

/* ---- a copy of what SQLite cannot read itself ---- */

static int
copy_bytes(struct reader *r, struct unpack *in, int to, struct err *e)
{
	static char bytes[64 << 10];
	ssize_t n;

	reader_flush(r);
	while ((n = unpack_read(in, bytes, sizeof(bytes), e)) > 0)
		if (fd_write(to, bytes, (size_t)n) < 0)
			return err_sys(e, "cannot write a temporary copy");
	return n < 0 ? -1 : 0;
}

/* Takes fd over. The copy is the user's alone (mkstemp), and gone when it is open.
 */
static int
make_copy(struct reader *r, struct database *d, int fd)
{
	struct unpack *in = unpack_open(fd);
	const char *folder = getenv("TMPDIR");
	struct err e = ERR_INIT;
	int to, bad;

	if (folder == NULL || *folder == '\0')
		folder = "/tmp";
	buf_addf(&d->copy, "%s/bf-read-XXXXXX", folder);
	buf_cstr(&d->copy);
	to = mkostemp(d->copy.data, O_CLOEXEC);
	if (to < 0) {
		err_sys(&e, "cannot make a temporary copy in %s", folder);
		buf_clear(&d->copy);
	}
	bad = to < 0 ? -1 : copy_bytes(r, in, to, &e);
	if (to >= 0 && fd_close(to) < 0 && bad == 0)
		bad = err_sys(&e, "cannot write a temporary copy");
	unpack_close(in);
	if (bad < 0 && !stage_interrupted(r->st))
		lost(r, d, e.text);
	return bad;
}

/* ---- opening ---- */

/*
 * Readers of a database in WAL mode leave files beside it.  One that nobody has
 * open has none, and is read as a file that does not change; whether it did is
 * looked at in the end.
 */
static bool
is_at_rest(const char *path, const unsigned char *header)
{
	struct buf wal = BUF_INIT;
	bool rest;

	buf_addf(&wal, "%s-wal", path);
	rest = header[18] == 2 && access(buf_cstr(&wal), F_OK) < 0;
	buf_release(&wal);
	return rest;
}

static void
make_uri(struct database *d, const char *path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
				    "uvwxyz0123456789-._/";

	buf_adds(&d->uri, *path == '/' ? "file://" : "file:");
	for (; *path != '\0'; path++)
		if (strchr(plain, *path) != NULL)
			buf_addc(&d->uri, *path);
		else
			buf_addf(&d->uri, "%%%02x", (unsigned char)*path);
	buf_adds(&d->uri,
	    d->at_rest || d->copy.len > 0 ? "?mode=ro&immutable=1" : "?mode=ro");
}

/* Whether SQLite cannot read it where it is; -1 and errno. */
static int
needs_copy(struct database *d, int fd)
{
	unsigned char header[20] = {0};
	ssize_t n;

	if (fd == STDIN_FILENO)
		return 1;
	if (fstat(fd, &d->as_it_was) < 0)
		return -1;
	if (!S_ISREG(d->as_it_was.st_mode))
		return 1;
	n = fd_read_at(fd, header, sizeof(header), 0);
	if (n < 0)
		return -1;
	d->at_rest = is_at_rest(d->file->path, header);
	return unpack_is_packed(span_of((const char *)header, (size_t)n));
}

/* Where SQLite finds it; NULL if it cannot be had, which was reported. */
static const char *
find_database(struct reader *r, struct database *d)
{
	int fd = open_file(r, d->file), copy;

	if (fd < 0)
		return NULL;
	copy = needs_copy(d, fd);
	if (copy > 0)
		return make_copy(r, d, fd) < 0 ? NULL : d->copy.data;
	if (copy < 0)
		lost(r, d, strerror(errno));
	fd_close(fd);
	return copy < 0 ? NULL : d->file->path;
}

static int
wait_for_other(void *arg, int waits)
{
	struct pollfd stop = {fd_stop_pipe(), POLLIN, 0};

	(void)arg;
	if (waits >= BUSY_WAITS || fd_stopped() != 0)
		return 0;
	poll(&stop, 1, BUSY_WAIT);
	return 1;
}

static int
is_stopped(void *arg)
{
	(void)arg;
	return fd_stopped();
}

static int
open_database(struct reader *r, struct database *d)
{
	const char *path = find_database(r, d);
	int result;

	if (path != NULL) {
		make_uri(d, path);
		result = d->sq->open_v2(buf_cstr(&d->uri), &d->db,
		    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	}
	if (d->copy.len > 0 && unlink(d->copy.data) < 0)
		msg_warn(
		    "%s: cannot be removed: %s", d->copy.data, strerror(errno));
	if (path == NULL)
		return -1;
	if (result != SQLITE_OK)
		return sqlite_failed(r, d);
	d->sq->busy_handler(d->db, wait_for_other, NULL);
	d->sq->progress_handler(d->db, STEPS_PER_LOOK, is_stopped, NULL);
	/* No other file is opened, whatever a query says. */
	d->sq->limit(d->db, SQLITE_LIMIT_ATTACHED, 0);
	return 0;
}

/* ---- what to read ---- */

/* The next statement of *sql, which moves behind it; NULL if there is none. */
static int
prepare_next(struct database *d, const char **sql, sqlite3_stmt **stmt)
{
	int result;

	do
		result = d->sq->prepare_v2(d->db, *sql, -1, stmt, sql);
	while (result == SQLITE_OK && *stmt == NULL && **sql != '\0');
	return result == SQLITE_OK ? 0 : -1;
}

static int
prepare_query(struct reader *r, struct database *d, const char *sql)
{
	sqlite3_stmt *more = NULL;

	if (prepare_next(d, &sql, &d->rows) < 0)
		return sqlite_failed(r, d);
	if (d->rows == NULL)
		return lost(r, d, "--query holds no statement");
	if (prepare_next(d, &sql, &more) < 0 || more != NULL) {
		d->sq->finalize(more);
		return lost(r, d, "--query holds more than one statement");
	}
	if (!d->sq->stmt_readonly(d->rows) || d->sq->column_count(d->rows) == 0)
		return lost(r, d, "--query is for a SELECT, which changes nothing");
	return 0;
}

/* Through its rows and not an index, so that their order is always the same. */
static int
prepare_table(struct reader *r, struct database *d, const char *name)
{
	const char *sql;

	buf_clear(&d->sql);
	buf_adds(&d->sql, "SELECT * FROM \"");
	for (; *name != '\0'; name++) {
		if (*name == '"')
			buf_addc(&d->sql, '"');
		buf_addc(&d->sql, *name);
	}
	buf_adds(&d->sql, "\" NOT INDEXED");
	sql = buf_cstr(&d->sql);
	return prepare_next(d, &sql, &d->rows) < 0 ? sqlite_failed(r, d) : 0;
}

/* How many tables there are, and their names in a list; -1 if reading fails. */
static int
list_tables(struct reader *r, struct database *d, struct buf *one, struct buf *list)
{
	const char *sql = "SELECT name FROM sqlite_master WHERE type = 'table' "
			  "AND substr(name, 1, 7) <> 'sqlite_' ORDER BY rowid";
	sqlite3_stmt *names;
	int n = 0, result;

	if (prepare_next(d, &sql, &names) < 0)
		return sqlite_failed(r, d);
	while ((result = d->sq->step(names)) == SQLITE_ROW) {
		buf_clear(one);
		buf_adds(one, (const char *)d->sq->column_text(names, 0));
		buf_addf(list, "%s%s", n == 0 ? "" : ", ", buf_cstr(one));
		n++;
	}
	if (result != SQLITE_DONE)
		n = sqlite_failed(r, d);
	d->sq->finalize(names);
	return n;
}

static int
prepare_only_table(struct reader *r, struct database *d)
{
	struct buf one = BUF_INIT, list = BUF_INIT, what = BUF_INIT;
	int n = list_tables(r, d, &one, &list), result = -1;

	if (n == 1) {
		result = prepare_table(r, d, buf_cstr(&one));
	} else if (n == 0) {
		lost(r, d, "there is no table in it");
	} else if (n > 1) {
		buf_addf(&what, "choose one of its tables with --table: %s",
		    buf_cstr(&list));
		lost(r, d, buf_cstr(&what));
	}
	buf_release(&one);
	buf_release(&list);
	buf_release(&what);
	return result;
}

static int
prepare(struct reader *r, struct database *d)
{
	if (r->query != NULL)
		return prepare_query(r, d, r->query);
	if (r->table != NULL)
		return prepare_table(r, d, r->table);
	return prepare_only_table(r, d);
}

static int
name_columns(struct reader *r, struct database *d)
{
	int n = d->sq->column_count(d->rows);
	struct err e = ERR_INIT;

	for (int i = 0; i < n; i++) {
		const char *name = d->sq->column_name(d->rows, i);

		if (titles_add(&d->columns, span_str(name == NULL ? "" : name)))
			continue;
		err_set(&e,
		    "two columns have the name \"%s\"; --query can rename one "
		    "with AS",
		    name);
		return lost(r, d, e.text);
	}
	return 0;
}

/* ---- rows ---- */

static int
bad_cell(struct reader *r, struct database *d, int column, const char *what)
{
	struct err e = ERR_INIT;

	err_set(&e, "column \"%s\": %s", d->sq->column_name(d->rows, column), what);
	stage_bad_entry(r->st, sqlite_where(r), e.text);
	return -1;
}

/* The fewest digits that read back the same, and a point or an exponent. */
static void
add_real(struct buf *out, double v)
{
	/* Fifteen always do where fewer would, but for the smallest of all. */
	int digits = v > -DBL_MIN && v < DBL_MIN ? 1 : 15;
	size_t start = out->len;
	double back;

	for (;; digits++) {
		out->len = start;
		buf_addf(out, "%.*g", digits, v);
		if (digits >= 17 ||
		    (num_double(span_of(out->data + start, out->len - start),
			 &back) == 0 &&
			back == v))
			break;
	}
	if (strpbrk(buf_cstr(out) + start, ".e") == NULL)
		buf_adds(out, ".0");
}

static int
add_text(struct reader *r, struct database *d, int column)
{
	const unsigned char *p = d->sq->column_text(d->rows, column);
	struct span text = span_of(
	    (const char *)p, (size_t)d->sq->column_bytes(d->rows, column));

	if (p == NULL)
		return bad_cell(r, d, column, "out of memory");
	if (utf8_valid(text) < text.n)
		return bad_cell(
		    r, d, column, "invalid UTF-8; --query can have it as hex()");
	json_add_string(&r->fields, text);
	return 0;
}

static int
add_cell(struct reader *r, struct database *d, int column)
{
	double v;

	switch (d->sq->column_type(d->rows, column)) {
	case SQLITE_INTEGER:
		buf_addi(&r->fields, d->sq->column_int64(d->rows, column));
		return 0;
	case SQLITE_FLOAT:
		v = d->sq->column_double(d->rows, column);
		if (!isfinite(v))
			return bad_cell(
			    r, d, column, "infinite, which JSON has no number for");
		add_real(&r->fields, v);
		return 0;
	case SQLITE_TEXT:
		return add_text(r, d, column);
	case SQLITE_NULL:
		buf_adds(&r->fields, "null");
		return 0;
	default:
		return bad_cell(r, d, column,
		    "a BLOB, which is no text; --query can have it as hex() or "
		    "CAST(... AS TEXT)");
	}
}

static void
put_row(struct reader *r, struct database *d)
{
	struct err e = ERR_INIT;

	buf_clear(&r->fields);
	for (size_t i = 0; i < d->columns.n; i++) {
		row_name(r, &d->columns, i);
		if (add_cell(r, d, (int)i) < 0)
			return;
	}
	if (r->fields.len <= r->st->cli->max_line) {
		row_end(r, &d->columns);
		return;
	}
	err_set(&e, "longer than %" PRIu64 " bytes (see --max-line)",
	    r->st->cli->max_line);
	stage_bad_entry(r->st, sqlite_where(r), e.text);
}

/* Whether a database that was to be at rest was. */
static bool
has_changed(const struct database *d)
{
	const struct stat *was = &d->as_it_was;
	struct stat now;

	return d->at_rest &&
	       (stat(d->file->path, &now) < 0 || now.st_size != was->st_size ||
		   now.st_ino != was->st_ino ||
		   now.st_mtim.tv_sec != was->st_mtim.tv_sec ||
		   now.st_mtim.tv_nsec != was->st_mtim.tv_nsec);
}

static void
put_rows(struct reader *r, struct database *d)
{
	int result = SQLITE_ROW;

	while (!stage_interrupted(r->st) && !stage_stopped(r->st)) {
		result = d->sq->step(d->rows);
		if (result != SQLITE_ROW)
			break;
		d->row++;
		put_row(r, d);
	}
	if (result == SQLITE_DONE && has_changed(d))
		lost(r, d, "it changed while it was read");
	else if (result != SQLITE_ROW && result != SQLITE_DONE)
		sqlite_failed(r, d);
}

void
read_sqlite(struct reader *r, const struct file *f)
{
	struct database d = {.file = f};
	struct err e = ERR_INIT;

	d.sq = sqlite_load(&e);
	if (d.sq == NULL) {
		stage_lost(r->st, file_name(f), e.text);
		return;
	}
	titles_init(&d.columns);
	places_by(r, sqlite_where, &d);
	if (open_database(r, &d) == 0 && prepare(r, &d) == 0 &&
	    name_columns(r, &d) == 0)
		put_rows(r, &d);
	d.sq->finalize(d.rows);
	d.sq->close(d.db);
	titles_release(&d.columns);
	buf_release(&d.uri);
	buf_release(&d.sql);
	buf_release(&d.copy);
}
