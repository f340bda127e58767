/*
 * checked: JSON that is what a JSON Schema says, or is mended until it is.
 */
#ifndef BF_ANSWER_CHECKED_H
#define BF_ANSWER_CHECKED_H

#include "base/buf.h"
#include "base/err.h"
#include "schema/load.h"

struct checked {
	struct schema *schema; /* NULL: all is well */
	bool coerce;           /* what is unambiguous is mended */
	uint64_t mended;       /* values, in all */
	struct buf error;      /* of the last check: {"class":"invalid",...} */
	struct buf scratch;
	struct buf before; /* the value, before it was mended */
};

/*
 * Whether a JSON value, which is owned by the caller and mended in place, is
 * valid.  1; 0, and error says why; -1 and e: that cannot be told.
 */
int checked_value(struct checked *c, struct buf *value, struct err *e);

void checked_release(struct checked *c);

#endif
