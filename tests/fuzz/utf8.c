/*
 * The fast validator and the decoder agree on where a text stops being UTF-8,
 * wherever in memory it lies; what decodes encodes to the same bytes; widths
 * and numbers take anything.
 */
#include "io/utf8.h"
#include "io/num.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
decodable(struct span s)
{
	size_t i = 0, len;
	uint32_t code;
	char back[4];

	while (i < s.n) {
		len = utf8_decode(s.p + i, s.n - i, &code);
		if (len == 0)
			break;
		if (utf8_encode(code, back) != len ||
		    memcmp(back, s.p + i, len) != 0)
			abort();
		i += len;
	}
	return i;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = span_of((const char *)data, size), all;
	uint64_t u;
	int64_t i;
	double d;
	char *copy;

	if (utf8_valid(s) != decodable(s))
		abort();
	/* Behind ASCII that shifts it through the blocks. */
	for (size_t shift = 1; shift < 70; shift += 23) {
		copy = malloc(shift + size);
		if (copy == NULL)
			return 0;
		memset(copy, 'x', shift);
		if (size > 0)
			memcpy(copy + shift, data, size);
		all = span_of(copy, shift + size);
		if (utf8_valid(all) != decodable(all))
			abort();
		free(copy);
	}
	if (utf8_width(s) > 2 * size)
		abort();
	num_u64(s, &u);
	num_i64(s, &i);
	num_size(s, &u);
	num_duration(s, &i);
	if (num_fraction(s, &d) == 0 && !(d >= 0 && d <= 1))
		abort();
	num_double(s, &d);
	return 0;
}
