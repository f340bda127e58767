/* iter: the steps of json_next(), for json_canon(), which ends values its own way. */
#ifndef BF_JSON_ITER_H
#define BF_JSON_ITER_H

#include "json/check.h"

/* To the next value: p where it begins, its key ({NULL, 0} in an array). */
bool iter_next(struct json_iter *it, struct span *key);

/* Past the value that begins at p. */
const char *iter_value_end(const char *p, const char *end);

static inline const char *
iter_space(const char *p, const char *end)
{
	while (p < end && check_is_space(*p))
		p++;
	return p;
}

#endif
