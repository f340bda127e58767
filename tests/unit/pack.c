#include "io/pack.h"

#include "io/unpack.h"
#include "tap.h"

#include <unistd.h>

/* What unpack reads out of these bytes; an error's text follows "!". */
static void
take_off(struct span packed, struct buf *out)
{
	static char name[] = "/tmp/bf-pack.XXXXXX";
	int fd = mkstemp(name);
	struct unpack *u;
	struct err e = ERR_INIT;
	ssize_t n;

	if (fd < 0 || unlink(name) < 0 ||
	    write(fd, packed.p, packed.n) != (ssize_t)packed.n)
		exit(99);
	memcpy(name + sizeof(name) - 7, "XXXXXX", 6);
	lseek(fd, 0, SEEK_SET);
	u = unpack_open(fd);
	do {
		n = unpack_read(u, buf_room(out, 4096), 4096, &e);
		out->len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	if (n < 0)
		buf_addf(out, "!%s", e.text);
	unpack_close(u);
}

static void
add_all(struct pack *p, struct span text, size_t piece, struct buf *out)
{
	struct err e = ERR_INIT;
	size_t at, n;

	for (at = 0; at < text.n; at += n) {
		n = text.n - at < piece ? text.n - at : piece;
		if (pack_add(p, span_of(text.p + at, n), out, &e) < 0)
			exit(99);
	}
	if (pack_end(p, out, &e) < 0)
		exit(99);
}

static void
test_form(enum pack_form form, const char *name)
{
	static const size_t pieces[] = {1, 1000, 131072, 1000000};
	struct buf text = BUF_INIT, first = BUF_INIT, packed = BUF_INIT;
	struct buf got = BUF_INIT;
	struct err e = ERR_INIT;
	struct pack *p = pack_open(form, &e);
	size_t i;

	ok(p != NULL, "%s: the library is there", name);
	for (i = 0; i < 60000; i++)
		buf_addf(&text, "%zu ", i * i * i);
	for (i = 0; i < 4; i++) {
		buf_clear(&packed);
		add_all(p, buf_span(&text), pieces[i], &packed);
		if (i == 0)
			buf_addspan(&first, buf_span(&packed));
		ok(span_eq(buf_span(&packed), buf_span(&first)),
		    "%s: the same bytes in pieces of %zu", name, pieces[i]);
	}
	pack_close(p);
	ok(first.len < text.len / 2, "%s: less of them", name);
	ok(pack_by_start(buf_span(&first)) == form, "%s: known by its start", name);
	take_off(buf_span(&first), &got);
	ok(span_eq(buf_span(&got), buf_span(&text)), "%s: and back", name);
	first.data[first.len / 2] ^= 1;
	buf_clear(&got);
	take_off(buf_span(&first), &got);
	ok(memchr(got.data, '!', got.len) != NULL, "%s: damage is found", name);

	buf_clear(&packed);
	p = pack_open(form, &e);
	add_all(p, SPAN("one\n"), 9, &packed);
	add_all(p, SPAN(""), 9, &packed);
	add_all(p, SPAN("two\n"), 9, &packed);
	pack_close(p);
	buf_clear(&got);
	take_off(buf_span(&packed), &got);
	is_span(buf_span(&got), SPAN("one\ntwo\n"), "several in a row, also empty");
	buf_release(&text);
	buf_release(&first);
	buf_release(&packed);
	buf_release(&got);
}

static void
test_names(void)
{
	ok(pack_by_name(SPAN("a.jsonl.gz")) == PACK_GZIP, ".gz");
	ok(pack_by_name(SPAN("a.zst")) == PACK_ZSTD, ".zst");
	ok(pack_by_name(SPAN("gz")) == PACK_NONE, "neither");
	is_span(pack_stem(SPAN("a.csv.zst")), SPAN("a.csv"), "the name without it");
	is_span(pack_stem(SPAN("a.csv")), SPAN("a.csv"), "and where there is none");
	ok(pack_by_start(SPAN("\x28\xb5\x2f")) == PACK_NONE,
	    "a start that is short");
}

int
main(void)
{
	test_names();
	test_form(PACK_GZIP, "gzip");
	test_form(PACK_ZSTD, "zstd");
	pack_close(NULL);
	return done();
}
