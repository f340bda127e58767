/*
 * An entry that gets a mark and loses it again is as it was, byte for byte; one
 * that comes with any mark is JSON without it.
 */
#include "pipe/mark.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct entry en, marked;
static struct buf mark, line, again;

/* Whatever mark it has. */
static void
take(struct span text)
{
	struct json_fault f;
	uint64_t a, b;

	if (entry_parse(&en, text, &f) < 0 || !mark_take(&en, &a, &b))
		return;
	buf_clear(&again);
	entry_write(&en, &again);
	if (json_check(buf_span(&again), &f) < 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct json_fault f;
	uint64_t a, b;

	take(text);
	if (entry_parse(&en, text, &f) < 0)
		return 0;
	mark_set(&en, size, 7, &mark);
	buf_clear(&line);
	entry_write(&en, &line);
	/* A mark may be one level too deep. */
	if (entry_parse(&marked, buf_span(&line), &f) < 0)
		return 0;
	if (!mark_take(&marked, &a, &b) || a != size || b != 7)
		abort();
	buf_clear(&again);
	entry_write(&marked, &again);
	/* The newline of each. */
	if (again.len != size + 2 || memcmp(again.data, text.p, size) != 0)
		abort();
	return 0;
}
