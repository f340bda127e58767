/*
 * id: what tells entries apart, whatever their place.
 *
 * The field "id" of an entry does where it is a number or a string with
 * something in it.  An entry without one goes by the hash of its bytes.
 */
#ifndef BF_JSON_ID_H
#define BF_JSON_ID_H

#include "base/span.h"

#define ID_SIZE 18 /* bytes of a hashed id with its quotes */

/* Whether a value, SPAN_NONE too, can be an id. */
bool id_is(struct span value);

/*
 * The first 16 hex digits of the entry's BLAKE2b-128, as a JSON string in out.
 * The entry is its line without the line's end.
 */
struct span id_from_hash(struct span entry, char out[ID_SIZE]);

#endif
