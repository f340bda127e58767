#include "json/id.h"

#include "io/hash.h"
#include "json/json.h"

bool
id_is(struct span value)
{
	if (value.p == NULL)
		return false;
	return json_type(value) == JSON_NUMBER ||
	       (json_type(value) == JSON_STRING && value.n > 2);
}

struct span
id_from_hash(struct span entry, char out[ID_SIZE])
{
	unsigned char digest[16];

	hash_blake2b(entry, digest, sizeof(digest));
	out[0] = out[ID_SIZE - 1] = '"';
	hash_hex(digest, (ID_SIZE - 2) / 2, out + 1);
	return span_of(out, ID_SIZE);
}
