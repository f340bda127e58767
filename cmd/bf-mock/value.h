/* value: what is asked of a JSON value that may not be there. */
#ifndef BF_MOCK_VALUE_H
#define BF_MOCK_VALUE_H

#include "json/json.h"

static inline bool
is_type(struct span value, enum json_type t)
{
	return value.p != NULL && json_type(value) == t;
}

static inline bool
is_bool(struct span value)
{
	return is_type(value, JSON_TRUE) || is_type(value, JSON_FALSE);
}

/* Whether it is there and not null. */
static inline bool
is_given(struct span value)
{
	return value.p != NULL && json_type(value) != JSON_NULL;
}

/* The member of what may be no object; SPAN_NONE if it is none. */
static inline struct span
member(struct span object, const char *name)
{
	return is_type(object, JSON_OBJECT) ? json_get(object, name) : SPAN_NONE;
}

#endif
