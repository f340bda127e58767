/*
 * The input is JSON: a vector that is read has numbers, all finite, and not only
 * zeros, and is as near to itself as can be.  Written again, in either way, it
 * reads as the same.
 */
#include "vector/embedding.h"

#include "vector/nearest.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_vector(const struct embedding *em)
{
	struct vectors vs = VECTORS_INIT;
	bool zero = true;

	for (size_t i = 0; i < em->n; i++) {
		if (!isfinite(em->v[i]))
			abort();
		zero = zero && em->v[i] == 0;
	}
	if (zero)
		abort();
	vs.length = em->n;
	vectors_add(&vs, em->v);
	if (nearest_score(&vs, 0, &vs, 0) != 1)
		abort();
	vectors_release(&vs);
}

static void
check_written(const struct embedding *em,
    void (*add)(struct buf *out, const float *v, size_t n))
{
	struct embedding again = EMBEDDING_INIT;
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	struct json_fault f;

	add(&text, em->v, em->n);
	if (json_check(buf_span(&text), &f) < 0 ||
	    embedding_read(&again, buf_span(&text), &e) < 0 || again.n != em->n ||
	    memcmp(again.v, em->v, em->n * sizeof(*em->v)) != 0)
		abort();
	buf_release(&text);
	embedding_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct embedding em = EMBEDDING_INIT;
	struct err e = ERR_INIT;
	struct json_fault f;

	if (json_check(text, &f) < 0)
		return 0;
	if (embedding_read(&em, json_value(text), &e) == 0) {
		check_vector(&em);
		check_written(&em, embedding_add_array);
		check_written(&em, embedding_add_base64);
	} else if (e.text[0] == '\0')
		abort();
	embedding_release(&em);
	return 0;
}
