#include "vector/embedding.h"

#include "base/mem.h"
#include "io/base64.h"
#include "io/num.h"
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

/* ---- written ---- */

#define DIGITS_MOST 9 /* that tell any float32 from all others */

/* All that doubles hold exactly. */
static const double tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

#define TENS_MOST (int)(sizeof(tens) / sizeof(*tens) - 1)

/* x with so many digits behind the point, without the point. */
static int64_t
digits_of(float x, int behind)
{
	return (int64_t)((double)x * tens[behind] + 0.5);
}

/* Both are exact, so that this is the double that the text is read as. */
static bool
reads_as(int64_t digits, int behind, float x)
{
	return (float)((double)digits / tens[behind]) == x;
}

static void
put_point(struct buf *out, int64_t digits, int behind)
{
	char text[32];
	size_t at = sizeof(text);
	int n = 0, exponent = 0;

	for (int64_t d = digits; d > 0; d /= 10)
		n++;
	if (behind > n + 5)
		exponent = behind - n + 1;
	behind -= exponent;
	for (int i = 0; digits > 0 || i <= behind; i++, digits /= 10) {
		if (i == behind && i > 0)
			text[--at] = '.';
		text[--at] = (char)('0' + digits % 10);
	}
	buf_add(out, text + at, sizeof(text) - at);
	if (exponent > 0)
		buf_addf(out, "e-%d", exponent);
}

/* Of the sizes that embeddings have; false: of another. */
static bool
add_usual(struct buf *out, float x)
{
	const double least = tens[DIGITS_MOST - 1], xd = (double)x;
	int behind = 0;

	while (behind < TENS_MOST && xd * tens[behind] < least)
		behind++;
	/* Beyond 10^7 not all integers are numbers, and short ones may do. */
	if (xd * tens[behind] < least || xd >= tens[7] ||
	    !reads_as(digits_of(x, behind), behind, x))
		return false;
	while (behind > 0 && reads_as(digits_of(x, behind - 1), behind - 1, x))
		behind--;
	put_point(out, digits_of(x, behind), behind);
	return true;
}

static void
add_number(struct buf *out, float x)
{
	size_t before;
	double back;

	if (signbit(x)) {
		buf_addc(out, '-');
		x = -x;
	}
	if (x == 0)
		buf_addc(out, '0');
	if (x == 0 || add_usual(out, x))
		return;
	before = out->len;
	for (int n = 1; n <= DIGITS_MOST; n++) {
		out->len = before;
		buf_addf(out, "%.*g", n, (double)x);
		if (num_double(span_of(out->data + before, out->len - before),
			&back) == 0 &&
		    (float)back == x)
			return;
	}
}

void
embedding_add_array(struct buf *out, const float *v, size_t n)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(out, ',');
		add_number(out, v[i]);
	}
	buf_addc(out, ']');
}

void
embedding_add_base64(struct buf *out, const float *v, size_t n)
{
	char bytes[4 * 192]; /* pieces of a multiple of three bytes */
	size_t at = 0;
	uint32_t bits;

	buf_addc(out, '"');
	for (size_t i = 0; i < n; i++) {
		memcpy(&bits, v + i, sizeof(bits));
		for (int k = 0; k < 4; k++)
			bytes[at++] = (char)(bits >> 8 * k);
		if (at == sizeof(bytes) || i + 1 == n) {
			base64_encode(out, span_of(bytes, at));
			at = 0;
		}
	}
	buf_addc(out, '"');
}
