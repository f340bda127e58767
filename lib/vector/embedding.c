#include "vector/embedding.h"

#include "base/mem.h"
#include "io/base64.h"
#include "vector/dot.h"

#include <math.h>
#include <stdlib.h>

static int
add(struct embedding *em, double x, struct err *e)
{
	if (em->n == DOT_MOST)
		return err_set(e, "more than %zu numbers", DOT_MOST);
	if (em->n == em->cap) {
		em->cap = em->cap == 0 ? 512 : 2 * em->cap;
		em->v = mem_resize(em->v, em->cap, sizeof(*em->v));
	}
	em->v[em->n++] = (float)x;
	if (!isfinite(em->v[em->n - 1]))
		return err_set(e, "number %zu is not finite as a float32", em->n);
	return 0;
}

static int
read_array(struct embedding *em, struct span value, struct err *e)
{
	struct json_iter it = json_iter(value);
	struct json_member m;
	double x;

	while (json_next(&it, &m)) {
		if (json_type(m.value) != JSON_NUMBER)
			return err_set(e, "number %zu is of type %s", em->n + 1,
			    json_type_name(json_type(m.value)));
		if (!json_double(m.value, &x))
			x = INFINITY;
		if (add(em, x, e) < 0)
			return -1;
	}
	return 0;
}

static float
little_endian(const char *p)
{
	uint32_t bits = 0;
	float x;

	for (int i = 3; i >= 0; i--)
		bits = bits << 8 | (unsigned char)p[i];
	memcpy(&x, &bits, sizeof(x));
	return x;
}

static int
read_base64(struct embedding *em, struct span value, struct err *e)
{
	struct buf unescaped = BUF_INIT;
	struct span text = SPAN_NONE;
	int r;

	json_text(value, &unescaped, &text);
	buf_clear(&em->scratch);
	r = base64_decode(&em->scratch, text);
	buf_release(&unescaped);
	if (r < 0)
		return err_set(e, "a string that is not base64");
	if (em->scratch.len % 4 != 0)
		return err_set(e, "base64 of %zu bytes, which are no float32",
		    em->scratch.len);
	for (size_t i = 0; i < em->scratch.len; i += 4)
		if (add(em, (double)little_endian(em->scratch.data + i), e) < 0)
			return -1;
	return 0;
}

static bool
is_zero(const struct embedding *em)
{
	for (size_t i = 0; i < em->n; i++)
		if (em->v[i] != 0)
			return false;
	return true;
}

int
embedding_read(struct embedding *em, struct span value, struct err *e)
{
	enum json_type type = json_type(value);
	int r;

	em->n = 0;
	if (type != JSON_ARRAY && type != JSON_STRING)
		return err_set(e,
		    "neither an array of numbers nor base64, but of type %s",
		    json_type_name(type));
	r = type == JSON_ARRAY ? read_array(em, value, e)
			       : read_base64(em, value, e);
	if (r < 0)
		return -1;
	if (em->n == 0)
		return err_set(e, "no numbers");
	if (is_zero(em))
		return err_set(e, "only zeros, which have no direction");
	return 0;
}

void
embedding_release(struct embedding *em)
{
	free(em->v);
	buf_release(&em->scratch);
	*em = EMBEDDING_INIT;
}
