/* --include and --exclude: which names in folders are meant. */
#include "read.h"

#include "base/mem.h"

#include <fnmatch.h>
#include <stdlib.h>

void
globs_add(struct globs *g, const char *pattern)
{
	g->at = mem_resize(g->at, g->n + 1, sizeof(*g->at));
	g->at[g->n++] = pattern;
}

void
globs_release(struct globs *g)
{
	free(g->at);
}

static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

bool
globs_match(const struct globs *g, const char *path, bool hidden_too)
{
	int flags = FNM_PATHNAME | (hidden_too ? 0 : FNM_PERIOD);

	for (size_t i = 0; i < g->n; i++) {
		const char *pattern = g->at[i];
		bool by_path = strchr(pattern, '/') != NULL;

		if (fnmatch(pattern, by_path ? path : base_of(path), flags) == 0)
			return true;
	}
	return false;
}

/* Where the part of a pattern for as many folders as there are in path ends. */
static const char *
same_depth(const char *pattern, const char *path)
{
	const char *end = strchr(pattern, '/');

	while (end != NULL && (path = strchr(path, '/')) != NULL) {
		path++;
		end = strchr(end + 1, '/');
	}
	return end;
}

bool
globs_lead_into(const struct globs *g, const char *folder)
{
	bool leads = false;

	for (size_t i = 0; i < g->n && !leads; i++) {
		const char *pattern = g->at[i], *end = same_depth(pattern, folder);
		char *part;

		if (end == NULL)
			continue;
		part = mem_strndup(pattern, (size_t)(end - pattern));
		leads = fnmatch(part, folder, FNM_PATHNAME | FNM_PERIOD) == 0;
		free(part);
	}
	return leads;
}
