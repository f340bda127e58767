#include "vector/vectors.h"

#include "base/mem.h"
#include "vector/dot.h"

#include <stdlib.h>
#include <string.h>

/* What is grown and not used yet is address space alone. */
void
vectors_add(struct vectors *vs, const float *v)
{
	if (vs->n == vs->cap) {
		vs->cap = vs->cap == 0 ? 64 : 2 * vs->cap;
		vs->v = mem_resize(vs->v, vs->cap, vs->length * sizeof(*vs->v));
		vs->squares = mem_resize(
		    vs->squares, vs->cap, sizeof(*vs->squares));
	}
	memcpy(vs->v + vs->n * vs->length, v, vs->length * sizeof(*v));
	vs->squares[vs->n] = dot_exact(v, v, vs->length);
	vs->n++;
}

void
vectors_clear(struct vectors *vs)
{
	vs->n = 0;
}

void
vectors_release(struct vectors *vs)
{
	free(vs->v);
	free(vs->squares);
	*vs = VECTORS_INIT;
}
