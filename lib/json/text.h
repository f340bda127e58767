/* text: of strings, what only json_canon() needs. */
#ifndef BF_JSON_TEXT_H
#define BF_JSON_TEXT_H

#include "json/json.h"

/*
 * A string's contents as json_escape() would write their text: what
 * json_unescape() and json_escape() do one after the other.
 */
size_t text_normal(struct buf *out, struct span raw);

#endif
