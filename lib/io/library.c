#include "io/library.h"

#include <dlfcn.h>
#include <string.h>

void *
library_open(const char *file, const char *what, const char *package, struct err *e)
{
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL)
		err_set(e, "%s needs %s (Debian package %s)", what, file, package);
	return library;
}

/* POSIX wants a data pointer to hold a function's address; ISO C has no cast. */
int
library_function(void *library, const char *name, void *pointer, struct err *e)
{
	void *p = dlsym(library, name);

	if (p == NULL)
		return err_set(e, "a library is too old: it has no %s", name);
	memcpy(pointer, &p, sizeof(p));
	return 0;
}
