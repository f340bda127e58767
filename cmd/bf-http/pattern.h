/*
 * pattern: a URL, a header or a body with fields of the entry and variables of the
 * environment in it: {field} as in template.h, ${NAME}.
 */
#ifndef BF_HTTP_PATTERN_H
#define BF_HTTP_PATTERN_H

#include "secrets.h"
#include "json/entry.h"

enum pattern_kind {
	PATTERN_TEXT,
	/*
	 * Fields are percent-encoded (RFC 3986, all but unreserved characters), so
	 * that a field stays within its part; but one that the text begins with
	 * is a URL itself.
	 */
	PATTERN_URL,
};

struct pattern;

/* Variables are taken up in s, which is borrowed. NULL and e. */
struct pattern *pattern_new(
    struct span text, enum pattern_kind kind, struct secrets *s, struct err *e);
void pattern_free(struct pattern *p); /* NULL does nothing */

bool pattern_has_secret(const struct pattern *p);

/*
 * Appends it as it is shown, with ${NAME}, and as it is sent.  -1 and e: a field is
 * missing.
 */
int pattern_render(struct pattern *p, const struct entry *en, struct buf *shown,
    struct buf *sent, struct err *e);

#endif
