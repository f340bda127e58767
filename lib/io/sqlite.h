/*
 * sqlite: libsqlite3, loaded with dlopen(3) when a command first needs it: one
 * that does not pays nothing for it at start-up.
 *
 *	const struct sqlite *sq = sqlite_load(&e);
 *	if (sq == NULL)
 *		...
 *	sq->open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);
 *
 * Its functions are those of sqlite3.h, less the sqlite3_ of their names
 * (https://www.sqlite.org/c3ref/funclist.html).
 */
#ifndef BF_IO_SQLITE_H
#define BF_IO_SQLITE_H

#include "base/err.h"

#include <sqlite3.h>

#define SQLITE_FUNCTIONS(F) \
	F(bind_double)      \
	F(bind_int64)       \
	F(bind_null)        \
	F(bind_text64)      \
	F(busy_handler)     \
	F(busy_timeout)     \
	F(clear_bindings)   \
	F(close)            \
	F(column_bytes)     \
	F(column_count)     \
	F(column_double)    \
	F(column_int64)     \
	F(column_name)      \
	F(column_text)      \
	F(column_type)      \
	F(errmsg)           \
	F(errstr)           \
	F(exec)             \
	F(extended_errcode) \
	F(finalize)         \
	F(limit)            \
	F(open_v2)          \
	F(prepare_v2)       \
	F(progress_handler) \
	F(reset)            \
	F(step)             \
	F(stmt_readonly)    \
	F(total_changes)

#define SQLITE_MEMBER(name) __typeof__(sqlite3_##name) *name;

struct sqlite {
	SQLITE_FUNCTIONS(SQLITE_MEMBER)
};

/* NULL and e where it is not installed. */
const struct sqlite *sqlite_load(struct err *e);

#endif
