#include "io/userdir.h"

#include <stdlib.h>

bool
userdir(struct buf *path, const char *variable, const char *below)
{
	const char *dir = getenv(variable), *home = getenv("HOME");

	if (dir != NULL && *dir == '/')
		buf_adds(path, dir);
	else if (home != NULL && *home == '/')
		buf_addf(path, "%s/%s", home, below);
	else
		return false;
	return true;
}
