/*
 * format: what "format" asserts (JSON Schema validation, section 7.3).
 *
 * date-time, date, time: RFC 3339, a leap second only at the end of a UTC day;
 * email: RFC 5321, in ASCII; hostname: RFC 1123; ipv4, ipv6: RFC 2673, 4291;
 * uri, uri-reference: RFC 3986; uuid: RFC 4122; json-pointer: RFC 6901; regex:
 * ECMA-262.
 */
#ifndef BF_SCHEMA_FORMAT_H
#define BF_SCHEMA_FORMAT_H

#include "base/span.h"

typedef bool format_fn(struct span text);

/* NULL: not a known one, which is ignored. */
format_fn *format_find(struct span name);

format_fn format_is_ipv6;

#endif
