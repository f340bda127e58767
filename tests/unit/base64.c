/* base64, against the vectors of RFC 4648, section 10. */
#include "io/base64.h"
#include "tap.h"

static struct buf out;

static struct span
encoded(struct span bytes)
{
	buf_clear(&out);
	base64_encode(&out, bytes);
	return buf_span(&out);
}

static void
test_vectors(void)
{
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="},
	    {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
	    {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct span bytes = span_str(pairs[i][0]);
		struct span text = span_str(pairs[i][1]);

		is_span(encoded(bytes), text, "encoded");
		buf_clear(&out);
		ok(base64_decode(&out, text) == 0, "\"%s\" is taken", text.p);
		is_span(buf_span(&out), bytes, "decoded");
	}
}

/* All digits, all bytes, all lengths up to some, in pieces and whole. */
static void
test_bytes(void)
{
	struct buf back = BUF_INIT;
	char bytes[256];
	bool same = true;

	for (int i = 0; i < 256; i++)
		bytes[i] = (char)(i * 167 + 3);
	for (size_t n = 0; n <= sizeof bytes; n++) {
		buf_clear(&back);
		same = same &&
		       base64_decode(&back, encoded(span_of(bytes, n))) == 0 &&
		       span_eq(buf_span(&back), span_of(bytes, n));
	}
	ok(same, "any bytes come back");
	(void)encoded(span_of(bytes, 99));
	base64_encode(&out, span_of(bytes + 99, sizeof bytes - 99));
	buf_clear(&back);
	ok(base64_decode(&back, span_of(out.data, 200)) == 0 && back.len == 150 &&
		base64_decode(&back, span_of(out.data + 200, out.len - 200)) == 0,
	    "pieces are decoded one by one");
	is_span(buf_span(&back), span_of(bytes, sizeof bytes),
	    "and encoded one by one");
	is_span(encoded(SPAN("\xfb\xef\xbe\xff\xff\xff")), SPAN("++++////"),
	    "the last two digits");
	buf_release(&back);
}

static void
test_refused(void)
{
	static const struct span texts[] = {SPAN_INIT("Z"), SPAN_INIT("Zg"),
	    SPAN_INIT("Zg="), SPAN_INIT("Zg==\n"), SPAN_INIT("Zm9vYg"),
	    SPAN_INIT("===="), SPAN_INIT("Z==="), SPAN_INIT("=m9v"),
	    SPAN_INIT("Zg==Zg=="), SPAN_INIT("Zh=="), SPAN_INIT("Zm9="),
	    SPAN_INIT("Zm-v"), SPAN_INIT("Zm_v"), SPAN_INIT("Zm 9v"),
	    SPAN_INIT("Zm9\0"), SPAN_INIT("Zm9\xff")};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		buf_clear(&out);
		ok(base64_decode(&out, texts[i]) == -1, "no base64, %zu", i);
	}
}

int
main(void)
{
	test_vectors();
	test_bytes();
	test_refused();
	buf_release(&out);
	return done();
}
