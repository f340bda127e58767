#include "io/sqlite.h"

#include "io/library.h"

#include <stdbool.h>
#include <stddef.h>

static struct sqlite sqlite;

#define LOOK_UP(name)                                                         \
	if (library_function(library, "sqlite3_" #name, &sqlite.name, e) < 0) \
		return NULL;

const struct sqlite *
sqlite_load(struct err *e)
{
	static bool ready;
	void *library;

	if (ready)
		return &sqlite;
	library = library_open("libsqlite3.so.0", "SQLite", "libsqlite3-0", e);
	if (library == NULL)
		return NULL;
	SQLITE_FUNCTIONS(LOOK_UP)
	ready = true;
	return &sqlite;
}
