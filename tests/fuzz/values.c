/*
 * The first two bytes are the longest value and the size of the pieces in which
 * the rest arrives.  What comes out does not depend on the pieces, and is what
 * taking the whole text apart with json_check_next() and json_iter() gives.
 */
#include "json/values.h"

#include "json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
take(struct values_reader *r, size_t max, struct buf *log)
{
	struct err e = ERR_INIT;
	struct json_fault fault;
	uint64_t line, column;
	struct span value;

	switch (values_read(r, &value, &e)) {
	case VALUES_VALUE:
		if (value.n > max || json_check(value, &fault) < 0)
			abort();
		buf_addspan(log, value);
		buf_addc(log, '\n');
		return true;
	case VALUES_BAD:
		values_place(r, &line, &column);
		buf_addf(log, "%llu:%llu!%s", (unsigned long long)line,
		    (unsigned long long)column, e.text);
		return true;
	case VALUES_FAIL:
		if (e.errnum != EAGAIN)
			abort();
		return false;
	case VALUES_END:
		return false;
	}
	abort();
}

static void
feed(struct span text, size_t max, size_t piece, struct buf *log)
{
	struct values_reader *r = values_reader_new(max, NULL, NULL);
	size_t at, n;
	int fd[2];

	if (pipe(fd) < 0)
		abort();
	values_reader_no_wait(r);
	values_reader_open(r, fd[0]);
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
	values_reader_free(r);
}

/* Arrays are taken apart; false if the text is no JSON. */
static bool
by_whole(struct span text, struct buf *log)
{
	struct json_fault fault;
	bool any = false;
	size_t used;
	int got;

	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		text = span_of(text.p + 3, text.n - 3);
	while ((got = json_check_next(text, &used, &fault)) == 0) {
		struct span value = json_value(span_of(text.p, used));
		struct json_iter it = json_iter(value);
		struct json_member m;

		any = true;
		if (json_type(value) == JSON_ARRAY)
			while (json_next(&it, &m)) {
				buf_addspan(log, m.value);
				buf_addc(log, '\n');
			}
		else {
			buf_addspan(log, value);
			buf_addc(log, '\n');
		}
		text = span_of(text.p + used, text.n - used);
	}
	return got == 1 && any;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf a = BUF_INIT, b = BUF_INIT, c = BUF_INIT;
	struct span text;
	bool good;

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
	buf_clear(&b);
	feed(text, 60000, data[1] + 1u, &b);
	good = by_whole(text, &c);
	/* What is bad is told on a line of its own, which does not end. */
	if (good != (b.len == 0 || b.data[b.len - 1] == '\n'))
		abort();
	if (good && !span_eq(buf_span(&b), buf_span(&c)))
		abort();
	buf_release(&a);
	buf_release(&b);
	buf_release(&c);
	return 0;
}
