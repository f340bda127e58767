/*
 * path: where in an entry.  "a.b[0].c", or an RFC 6901 JSON Pointer where it
 * begins with "/".  A name that is not plain is quoted: a["x.y"].
 */
#ifndef BF_JSON_PATH_H
#define BF_JSON_PATH_H

#include "base/err.h"
#include "json/entry.h"

struct path;

/* NULL and e if it is not well formed. */
struct path *path_parse(struct span text, struct err *e);
void path_free(struct path *p);
struct span path_text(const struct path *p); /* as it was given */
/* The name, when the path is one name; SPAN_NONE else. */
struct span path_name(const struct path *p);
/* The name of the entry's own field that it leads into; SPAN_NONE if it begins with an index. */
struct span path_top(const struct path *p);

/* SPAN_NONE where there is nothing. */
struct span path_find(const struct path *p, struct span value);
struct span path_find_entry(const struct path *p, const struct entry *en);

#endif
