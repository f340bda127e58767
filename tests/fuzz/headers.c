/*
 * The bytes are the header lines of an answer: what is found lies inside of them,
 * or is put together from them.
 */
#include "http/headers.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_found(struct span found, struct span inside)
{
	if (found.p != NULL &&
	    (found.p < inside.p || found.p + found.n > inside.p + inside.n))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"link", "content-type", "location"};
	/* Of its own, so that a byte too far is seen. */
	char *copy = malloc(size + 1);
	struct span lines;
	struct buf value = BUF_INIT;

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	lines = span_of(copy, size);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		buf_clear(&value);
		headers_find(lines, names[i], &value);
		check_found(headers_parameter(buf_span(&value), "charset"),
		    buf_span(&value));
		check_found(headers_next_link(buf_span(&value)), buf_span(&value));
	}
	check_found(headers_parameter(lines, "rel"), lines);
	check_found(headers_next_link(lines), lines);
	buf_release(&value);
	free(copy);
	return 0;
}
