/*
 * The input is JSON: a vector that is read has numbers, all finite, and not only
 * zeros, and is as near to itself as can be.
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct embedding em = EMBEDDING_INIT;
	struct err e = ERR_INIT;
	struct json_fault f;

	if (json_check(text, &f) < 0)
		return 0;
	if (embedding_read(&em, json_value(text), &e) == 0)
		check_vector(&em);
	else if (e.text[0] == '\0')
		abort();
	embedding_release(&em);
	return 0;
}
