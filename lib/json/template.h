/*
 * template: text with fields of an entry in it.
 *
 * {field}, {a.b[0]}, {/json/pointer}, {field:-default}; "{{" and "}}" are
 * braces.  Strings go in as they are, other values as compact JSON.  A field
 * that is missing takes its default, and without one is an error that names
 * it.  (null is a value: it goes in as "null".)
 *
 * The result is built as the contents of a JSON string: a string field's bytes
 * are copied as they are escaped already.
 */
#ifndef BF_JSON_TEMPLATE_H
#define BF_JSON_TEMPLATE_H

#include "json/path.h"

struct template;

/* NULL and e, naming the column, if it is not well formed or not UTF-8. */
struct template *template_parse(struct span text, struct err *e);
void template_free(struct template *t);
bool template_is_constant(const struct template *t);

/* Appends escaped string contents (no quotes). 0, or -1 and e for a missing field.
 */
int template_render(const struct template *t, const struct entry *en,
    struct buf *out, struct err *e);

/*
 * The same, where fields do not go in as they are: put appends what stands for the
 * value, given as escaped string contents, of the field or its default.  first:
 * nothing stands before it.  0, or -1 and e.
 */
typedef int template_put(
    void *arg, struct buf *out, struct span escaped, bool first, struct err *e);
int template_render_by(const struct template *t, const struct entry *en,
    template_put *put, void *arg, struct buf *out, struct err *e);

#endif
