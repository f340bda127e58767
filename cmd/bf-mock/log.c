#include "log.h"

#include "io/clock.h"
#include "io/hash.h"
#include "json/json.h"

#include <inttypes.h>

static void
add_body(struct buf *out, struct span body)
{
	struct json_fault fault;

	if (body.n == 0)
		buf_adds(out, "null");
	else if (json_check(body, &fault) == 0)
		json_compact(out, body);
	else
		json_add_string(out, body);
}

void
log_add(struct buf *out, const char *method, const char *path,
    const struct outcome *o, const char *key, struct span images, struct span body)
{
	static const char *const ends[] = {NULL, "hang", "drop"};
	unsigned char hash[16];
	char hex[2 * sizeof(hash)];

	buf_addf(out, "{\"time\":%" PRId64 ",\"method\":", clock_wall_ms());
	json_add_string(out, span_str(method));
	buf_adds(out, ",\"path\":");
	json_add_string(out, span_str(path));
	if (o->kind == OUTCOME_ANSWER)
		buf_addf(out, ",\"status\":%d", o->status);
	else
		buf_addf(out, ",\"status\":null,\"fault\":\"%s\"", ends[o->kind]);
	if (o->kind == OUTCOME_ANSWER && o->fault != NULL &&
	    o->fault->kind != FAULT_STATUS)
		buf_addf(out, ",\"fault\":\"%s\"", fault_name(o->fault->kind));
	if (key == NULL) {
		buf_adds(out, ",\"key\":null");
	} else {
		hash_blake2b(span_str(key), hash, sizeof(hash));
		hash_hex(hash, sizeof(hash), hex);
		buf_addf(out, ",\"key\":\"%.*s\"", (int)sizeof(hex), hex);
	}
	if (images.n > 0) {
		buf_adds(out, ",\"images\":[");
		buf_addspan(out, images);
		buf_addc(out, ']');
	}
	buf_adds(out, ",\"body\":");
	add_body(out, body);
	buf_adds(out, "}\n");
}
