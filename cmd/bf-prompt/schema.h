/* schema: the answer's form, as a request asks for it. */
#ifndef BF_PROMPT_SCHEMA_H
#define BF_PROMPT_SCHEMA_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Appends the value of "response_format" that asks for what the schema in a file
 * says.  Its name is the schema's title or the file's; it is strict where every
 * provider's strict mode takes it: objects that name all their members as
 * required and allow no others, and no keyword but the usual
 * (https://platform.openai.com/docs/guides/structured-outputs).
 * 0, or -1 and e: the file holds no schema.
 */
int schema_format(const char *path, struct buf *out, struct err *e);

/* The same of JSON, compact, without a file; name is a path's, and begins e. */
int schema_format_text(
    const char *name, struct span text, struct buf *out, struct err *e);

#endif
