#include "io/sqlite.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

static struct sqlite sqlite;

/* POSIX wants a data pointer to hold a function's address; ISO C has no cast. */
static int
look_up(void *library, const char *name, void *function, struct err *e)
{
	void *p = dlsym(library, name);

	if (p == NULL)
		return err_set(e, "libsqlite3 has no %s: it is too old", name);
	memcpy(function, &p, sizeof(p));
	return 0;
}

#define LOOK_UP(name)                                                 \
	if (look_up(library, "sqlite3_" #name, &sqlite.name, e) != 0) \
		return NULL;

const struct sqlite *
sqlite_load(struct err *e)
{
	static bool ready;
	void *library;

	if (ready)
		return &sqlite;
	library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) {
		err_set(e, "SQLite needs libsqlite3.so.0 (Debian package "
			   "libsqlite3-0)");
		return NULL;
	}
	SQLITE_FUNCTIONS(LOOK_UP)
	ready = true;
	return &sqlite;
}
