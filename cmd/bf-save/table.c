/* A table of an SQLite database: see table.h. */
#include "table.h"
#include "base/mem.h"
#include "io/num.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define COLUMNS_MAX                                                  \
	1999 /* SQLite's default of 2000, and the stage has one more \
	      */
#define BUSY_MS      5000
#define INTEGER_SAFE ((int64_t)1 << 53) /* what a double holds exactly */

/* ---- the stage ---- */

static void
release(struct save *s)
{
	struct table *t = s->table;

	if (t->db != NULL) {
		t->sq->finalize(t->insert);
		t->sq->close(t->db);
	}
	table_remove_temp(&t->stage);
	buf_release(&t->stage);
	buf_release(&t->sql);
	free(t->kinds);
	free(t->now);
	free(t);
	s->table = NULL;
}

static int
open_database(
    struct table *t, const char *path, int flags, const char *name, struct err *e)
{
	if (t->sq->open_v2(path, &t->db, flags, NULL) == SQLITE_OK) {
		t->sq->busy_timeout(t->db, BUSY_MS);
		return 0;
	}
	return t->db == NULL ? err_set(e, "%s: out of memory", name)
			     : table_fail(t, name, e);
}

/* What is there must be a database, which is better known before a long run. */
static int
look_at_file(struct save *s, struct err *e)
{
	struct table *t = s->table;
	struct buf path = BUF_INIT;
	struct stat st;
	int r;

	if (stat(s->name, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "%s", s->name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, "%s: not a regular file", s->name);
	if (faccessat(AT_FDCWD, s->name, W_OK, AT_EACCESS) < 0)
		return err_sys(e, "%s", s->name);
	table_add_path(&path, s->name);
	r = open_database(t, buf_cstr(&path), SQLITE_OPEN_READWRITE, s->name, e);
	if (r == 0)
		r = table_run(t, s->name, "SELECT 1 FROM sqlite_master", e);
	buf_release(&path);
	t->sq->close(t->db);
	t->db = NULL;
	return r;
}

/* SQLite takes "a" and "A" for one name. */
static bool
same_column(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		char c = a.p[i], d = b.p[i];

		c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
		d = d >= 'A' && d <= 'Z' ? (char)(d + 32) : d;
		if (c != d)
			return false;
	}
	return true;
}

/* Whether it may be a column beside the first n. */
static int
check_name(const struct columns *c, size_t n, struct span name, struct err *e)
{
	if (memchr(name.p, '\0', name.n) != NULL)
		return err_set(
		    e, "a field's name holds a NUL; choose with --fields");
	for (size_t i = 0; i < n; i++)
		if (same_column(c->v[i].name, name))
			return err_set(e,
			    "fields \"%.*s\" and \"%.*s\" are one column to "
			    "SQLite; "
			    "choose and rename with --fields",
			    (int)name.n, c->v[i].name.p, (int)name.n, name.p);
	if (n == COLUMNS_MAX)
		return err_set(e,
		    "more than %d fields, and so many columns has no table; choose "
		    "with --fields",
		    COLUMNS_MAX);
	return 0;
}

/* The stage gets columns as save.columns has them. */
static int
widen_stage(struct save *s, struct err *e)
{
	struct table *t = s->table;
	size_t n = s->columns.n;

	if (n == t->ncolumns)
		return 0;
	t->sq->finalize(t->insert);
	t->insert = NULL;
	buf_clear(&t->sql);
	if (s->count == 0) { /* many at once are quicker so */
		buf_adds(&t->sql, "DROP TABLE came; CREATE TABLE came "
				  "(n INTEGER PRIMARY KEY, ");
		sql_add_staged(&t->sql, n, "", "");
		buf_addc(&t->sql, ')');
	} else
		for (size_t i = t->ncolumns; i < n; i++)
			buf_addf(&t->sql, "ALTER TABLE came ADD COLUMN c%zu;", i);
	t->kinds = mem_resize(t->kinds, n, 1);
	t->now = mem_resize(t->now, n, 1);
	memset(t->kinds + t->ncolumns, 0, n - t->ncolumns);
	t->ncolumns = n;
	return table_run_sql(t, s->name, e);
}

static int
open_stage(struct save *s, struct err *e)
{
	static const char setup[] =
	    "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
	    "PRAGMA locking_mode=EXCLUSIVE; BEGIN;"
	    "CREATE TABLE came (n INTEGER PRIMARY KEY)";
	struct table *t = s->table;

	if (table_make_temp(s, &t->stage, e) < 0)
		return -1;
	/* What is attached later may be created too. */
	if (open_database(t, buf_cstr(&t->stage),
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, s->name, e) < 0)
		return -1;
	return table_run(t, s->name, setup, e);
}

static int
check_given(struct save *s, struct err *e)
{
	const struct columns *c = &s->columns;

	for (size_t i = 0; i < c->n; i++)
		if (check_name(c, i, c->v[i].name, e) < 0)
			return err_prefix(e, "--fields");
	return 0;
}

static int
begin(struct save *s, struct err *e)
{
	struct table *t = s->table = mem_zero(1, sizeof(*t));

	t->sq = sqlite_load(e);
	if (t->sq == NULL)
		err_prefix(e, "%s", s->name);
	else if (check_given(s, e) == 0 && look_at_file(s, e) == 0 &&
		 open_stage(s, e) == 0 && widen_stage(s, e) == 0)
		return 0;
	release(s);
	return -1;
}

static int
prepare_insert(struct save *s, struct err *e)
{
	struct table *t = s->table;

	if (t->insert != NULL)
		return 0;
	buf_clear(&t->sql);
	buf_adds(&t->sql, "INSERT INTO came (");
	sql_add_staged(&t->sql, t->ncolumns, "", "");
	buf_adds(&t->sql, ") VALUES (");
	for (size_t i = 0; i < t->ncolumns; i++)
		buf_adds(&t->sql, i > 0 ? ",?" : "?");
	buf_adds(&t->sql, ")");
	t->insert = table_prepare(t, s->name, e);
	return t->insert == NULL ? -1 : 0;
}

/* ---- values ---- */

/*
 * The significant digits of a number without its sign, point, exponent and outer
 * zeros, in out, at most max of them: how many there are.
 */
static size_t
digits_of(struct span number, char *out, size_t max)
{
	size_t n = 0, zeros = 0;

	for (size_t i = 0; i < number.n && (number.p[i] | 0x20) != 'e'; i++) {
		if (number.p[i] < '0' || number.p[i] > '9')
			continue;
		if (number.p[i] == '0') {
			zeros += n > 0;
			continue;
		}
		for (; zeros > 0; zeros--, n++)
			if (n < max)
				out[n] = '0';
		if (n < max)
			out[n] = number.p[i];
		n++;
	}
	return n;
}

/* Whether a double gives back every digit that is written. */
static bool
fits_double(struct span number, double *v)
{
	char text[64], want[17], have[17];
	size_t n = digits_of(number, want, sizeof(want)), m;

	if (n > sizeof(want) || num_double(number, v) < 0 || *v - *v != 0 ||
	    (n == 0 && number.p[0] == '-'))
		return false;
	m = (size_t)snprintf(
	    text, sizeof(text), "%.*e", n == 0 ? 0 : (int)n - 1, *v);
	m = digits_of(span_of(text, m), have, sizeof(have));
	return n == m && memcmp(want, have, n) == 0;
}

/* Whether a column of numbers would take this text for one. */
static bool
looks_like_number(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (strchr(" \t\n\v\f\r0123456789+-.eE", text.p[i]) == NULL ||
		    text.p[i] == '\0')
			return false;
	return text.n > 0;
}

static int
bind_text(struct table *t, size_t i, struct span text, bool lasts)
{
	t->now[i] = KIND_TEXT | (looks_like_number(text) ? KIND_DIGITS : 0);
	return t->sq->bind_text64(t->insert, (int)i + 1, text.p, text.n,
	    lasts ? SQLITE_STATIC : SQLITE_TRANSIENT, SQLITE_UTF8);
}

static int
bind_number(struct table *t, size_t i, struct span value)
{
	int64_t whole;
	double real;

	if (json_i64(value, &whole) && !(whole == 0 && value.p[0] == '-')) {
		t->now[i] = KIND_INTEGER;
		if (whole > INTEGER_SAFE || whole < -INTEGER_SAFE)
			t->now[i] |= KIND_LARGE;
		return t->sq->bind_int64(t->insert, (int)i + 1, whole);
	}
	if (fits_double(value, &real)) {
		t->now[i] = KIND_REAL;
		return t->sq->bind_double(t->insert, (int)i + 1, real);
	}
	return bind_text(t, i, value, true);
}

static int
refuse(struct save *s, size_t i, const char *what, struct err *e)
{
	struct span name = s->columns.v[i].name;

	err_set(e, "field \"%.*s\" %s", (int)name.n, name.p, what);
	return SAVE_REFUSED;
}

static int
bind(struct save *s, size_t i, struct span value, struct err *e)
{
	struct table *t = s->table;
	int r = SQLITE_OK;

	t->now[i] = 0;
	switch (json_type(value)) {
	case JSON_NULL:
		r = t->sq->bind_null(t->insert, (int)i + 1);
		break;
	case JSON_FALSE:
	case JSON_TRUE:
		t->now[i] = KIND_INTEGER;
		r = t->sq->bind_int64(
		    t->insert, (int)i + 1, json_type(value) == JSON_TRUE);
		break;
	case JSON_NUMBER:
		r = bind_number(t, i, value);
		break;
	case JSON_STRING:
		value = span_of(value.p + 1, value.n - 2);
		if (memchr(value.p, '\\', value.n) == NULL) {
			r = bind_text(t, i, value, true);
			break;
		}
		buf_clear(&s->scratch);
		if (json_unescape(&s->scratch, value) > 0)
			return refuse(s, i,
			    "holds half of a surrogate pair, which is no character",
			    e);
		r = bind_text(t, i, buf_span(&s->scratch), false);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		buf_clear(&s->scratch);
		json_compact(&s->scratch, value);
		r = bind_text(t, i, buf_span(&s->scratch), false);
	}
	if (r == SQLITE_TOOBIG)
		return refuse(s, i, "is longer than SQLite allows", e);
	return r == SQLITE_OK ? SAVE_OK : (table_fail(t, s->name, e), SAVE_FAILED);
}

/* ---- entries ---- */

/* The columns of fields that are new. */
static int
add_fields(struct save *s, struct err *e)
{
	struct columns *c = &s->columns;
	struct buf name = BUF_INIT;
	size_t i, had = c->n;
	int r = SAVE_OK;

	for (i = 0; r == SAVE_OK && i < s->en.n; i++) {
		if (i < c->n && json_key_is(s->en.members[i].key, c->v[i].name))
			continue;
		buf_clear(&name);
		if (json_unescape(&name, s->en.members[i].key) > 0) {
			err_set(e, "a field's name holds half of a surrogate pair, "
				   "which is no character");
			r = SAVE_REFUSED;
			break;
		}
		if (columns_find(c, buf_span(&name)) < c->n)
			continue;
		if (check_name(c, c->n, buf_span(&name), e) < 0)
			r = SAVE_REFUSED;
		else
			columns_add(c, buf_span(&name));
	}
	buf_release(&name);
	if (r != SAVE_OK)
		columns_cut(c, had);
	else if (widen_stage(s, e) < 0)
		r = SAVE_FAILED;
	return r;
}

static int
check_key(struct save *s, struct err *e)
{
	struct table *t = s->table;

	for (size_t i = 0; i < s->key.n; i++) {
		struct span name = s->key.v[i].name;
		size_t at = columns_find(&s->columns, name);

		if (at == s->columns.n || t->now[at] == 0)
			return err_set(e, "no field \"%.*s\", which is the key",
			    (int)name.n, name.p);
	}
	return 0;
}

/* The column of a field; fields mostly come in the order of the columns. */
static size_t
column_of(const struct columns *c, struct span key, size_t guess)
{
	size_t i = 0;

	if (guess < c->n && json_key_is(key, c->v[guess].name))
		return guess;
	while (i < c->n && !json_key_is(key, c->v[i].name))
		i++;
	return i;
}

static int
bind_all(struct save *s, struct err *e)
{
	struct table *t = s->table;
	struct columns *c = &s->columns;
	struct span value;
	int r = SAVE_OK;
	size_t i;

	t->sq->clear_bindings(t->insert);
	memset(t->now, 0, t->ncolumns);
	if (!c->given) {
		/* Of fields of one name the last one counts. */
		for (i = 0; r == SAVE_OK && i < s->en.n; i++)
			r = bind(s, column_of(c, s->en.members[i].key, i),
			    s->en.members[i].value, e);
		return r;
	}
	for (i = 0; r == SAVE_OK && i < c->n; i++) {
		value = column_get(&c->v[i], &s->en);
		if (value.p != NULL)
			r = bind(s, i, value, e);
	}
	return r;
}

static int
add(struct save *s, struct err *e)
{
	struct table *t = s->table;
	int r = SAVE_OK;

	if (!s->columns.given)
		r = add_fields(s, e);
	if (r == SAVE_OK && s->columns.n == 0) {
		err_set(e, "an entry without fields gives no columns");
		return SAVE_REFUSED;
	}
	if (r == SAVE_OK && prepare_insert(s, e) < 0)
		r = SAVE_FAILED;
	if (r == SAVE_OK)
		r = bind_all(s, e);
	if (r == SAVE_OK && check_key(s, e) < 0)
		r = SAVE_REFUSED;
	if (r == SAVE_OK) {
		t->sq->step(t->insert);
		if (t->sq->reset(t->insert) != SQLITE_OK) {
			table_fail(t, s->name, e);
			r = SAVE_FAILED;
		}
	}
	for (size_t i = 0; r == SAVE_OK && i < t->ncolumns; i++)
		t->kinds[i] |= t->now[i];
	t->broken = t->broken || r == SAVE_FAILED;
	return r;
}

static int
end(struct save *s, struct err *e)
{
	(void)s;
	(void)e;
	return 0;
}

/* ---- the result ---- */

/* Nothing more comes: what is in the stage may be read. */
static int
close_stage(struct save *s, struct err *e)
{
	struct table *t = s->table;

	t->sq->finalize(t->insert);
	t->insert = NULL;
	if (t->broken)
		return err_set(e, "what came is lost");
	return table_run(t, s->name, "COMMIT", e);
}

static int
commit(struct save *s, struct err *e)
{
	struct buf aside = BUF_INIT;
	struct err again = ERR_INIT;
	int r = close_stage(s, e);

	buf_addf(&aside, "%s.partial", s->name);
	if (r == 0 && table_place(s, e) < 0) {
		/* A lock that others hold shall cost nobody what came. */
		r = -1;
		if (table_place_aside(s, buf_cstr(&aside), &again) == 0)
			err_set(
			    e, "%s; what came is in %s", e->text, buf_cstr(&aside));
	}
	buf_release(&aside);
	release(s);
	if (r == 0)
		save_remove_partial(s->name);
	return r;
}

static int
keep(struct save *s, struct err *e)
{
	int r;

	buf_addf(&s->aside, "%s.partial", s->name);
	r = close_stage(s, e) < 0 ? -1
				  : table_place_aside(s, buf_cstr(&s->aside), e);
	release(s);
	return r;
}

const struct target target_table = {
    .open = begin,
    .add = add,
    .end = end,
    .commit = commit,
    .keep = keep,
};

const struct format format_sqlite = {
    .name = "sqlite",
    .extension = ".sqlite",
};
