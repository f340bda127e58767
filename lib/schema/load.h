/* load: a schema from a file that the user named. */
#ifndef BF_SCHEMA_LOAD_H
#define BF_SCHEMA_LOAD_H

#include "schema/schema.h"

/*
 * schema_compile() of a file's text, which is appended to text, compact, unless
 * that is NULL.  NULL and e, which names the file, and the line where it is no
 * JSON.
 */
struct schema *schema_load(const char *path, const struct schema_options *o,
    struct buf *text, struct err *e);

#endif
