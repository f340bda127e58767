/*
 * The first two bytes are the longest line and the size of the pieces in which
 * the rest arrives.  The lines do not depend on the pieces; they hold neither
 * newline nor NUL, and none is too long.
 */
#include "json/jsonl.h"

#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
take(struct jsonl_reader *r, size_t max, struct buf *log)
{
	struct err e = {.errnum = 0};
	struct span line;

	switch (jsonl_read(r, &line, &e)) {
	case JSONL_LINE:
		if (line.n == 0 || line.n > max ||
		    memchr(line.p, '\n', line.n) != NULL ||
		    memchr(line.p, '\0', line.n) != NULL)
			abort();
		buf_addf(log, "%llu=", (unsigned long long)jsonl_lineno(r));
		buf_addspan(log, line);
		buf_addc(log, '\n');
		return true;
	case JSONL_BAD:
		buf_addf(log, "%llu!%zu\n", (unsigned long long)jsonl_lineno(r),
		    jsonl_bad_column(r));
		return true;
	case JSONL_FAIL:
		buf_addf(log, "%s\n", e.text);
		return false;
	case JSONL_AGAIN:
	case JSONL_END:
		return false;
	}
	abort();
}

static void
feed(struct span text, size_t max, size_t piece, struct buf *log)
{
	struct jsonl_reader *r = jsonl_reader_new(max, NULL, NULL);
	size_t at, n;
	int fd[2];

	if (pipe(fd) < 0)
		abort();
	jsonl_reader_no_wait(r);
	jsonl_reader_open(r, fd[0], "fuzz");
	for (at = 0; at < text.n; at += n) {
		n = text.n - at < piece ? text.n - at : piece;
		if (write(fd[1], text.p + at, n) != (ssize_t)n)
			abort();
		while (take(r, max, log))
			;
	}
	close(fd[1]);
	while (take(r, max, log))
		;
	jsonl_reader_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct span text;

	if (size < 2 || size > 60000)
		return 0;
	text = span_of((const char *)data + 2, size - 2);
	/* Compressed text has a target of its own. */
	if (text.n > 0 && (text.p[0] == '\x1f' || text.p[0] == '\x28'))
		return 0;
	feed(text, data[0] + 1u, 60000, &a);
	feed(text, data[0] + 1u, data[1] + 1u, &b);
	if (!span_eq(buf_span(&a), buf_span(&b)))
		abort();
	buf_release(&a);
	buf_release(&b);
	return 0;
}
