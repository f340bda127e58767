/* What the ledger keeps of a request with images in it. */
#include "engine/inlined.h"
#include "io/base64.h"
#include "io/hash.h"
#include "tap.h"

#define GIF    "data:image/gif;base64,R0lGODlh"
#define DIGEST "digest:image/gif;blake2b=a4ebc5f66162847b445559c37cdf009b;bytes=6"

static struct buf scratch;

static void
becomes(const char *text, const char *want, const char *what)
{
	is_span(inlined_digest(span_str(text), &scratch), span_str(want), what);
}

static void
stays(const char *text)
{
	struct span in = span_str(text), out = inlined_digest(in, &scratch);

	ok(out.p == in.p && out.n == in.n, "as it is: %s", text);
	ok(!inlined_is_digest(in), "and no digest");
}

static void
test_digest(void)
{
	becomes("[{\"image_url\":{\"detail\":\"low\",\"url\":\"" GIF "\"}}]",
	    "[{\"image_url\":{\"detail\":\"low\",\"url\":\"" DIGEST "\"}}]",
	    "an image");
	becomes("[{\"image_url\":\"" GIF "\"},{\"file_data\":\"" GIF
		"\",\"filename\":\"f\"},{\"text\":\"t\",\"url\":\"" GIF "\"}]",
	    "[{\"image_url\":\"" DIGEST "\"},{\"file_data\":\"" DIGEST
	    "\",\"filename\":\"f\"},{\"text\":\"t\",\"url\":\"" DIGEST "\"}]",
	    "several, in all places");
	becomes("{\"url\":\"data:a/b;c=d;base64,R0lGODlh\"}",
	    "{\"url\":\"digest:a/b;c=d;blake2b=a4ebc5f66162847b445559c37cdf009b;"
	    "bytes=6\"}",
	    "parameters of the media type");
	becomes("{\"a\":{\"url\":\"data:image/gif;base64,R0lGODl\"},\"b\":{"
		"\"url\":\"" GIF "\"}}",
	    "{\"a\":{\"url\":\"data:image/gif;base64,R0lGODl\"},\"b\":{"
	    "\"url\":\"" DIGEST "\"}}",
	    "one that is not and one that is");
	ok(inlined_is_digest(SPAN("{\"url\":\"" DIGEST "\"}")), "it is a digest");
	becomes("{\"url\":\"" DIGEST "\"}", "{\"url\":\"" DIGEST "\"}",
	    "and its digest is itself");
}

static void
test_others(void)
{
	stays("{\"text\":\"" GIF "\"}");
	stays("{\"content\":\"" GIF "\",\"url\":\"https://h/a,b\"}");
	stays("{\"text\":\"{\\\"url\\\":\\\"" GIF "\\\"}\"}");
	stays("{\"my\\\"url\":\"" GIF "\"}");
	stays("{\"image_url\":[\"" GIF "\"]}");
	stays("{\"url\":\"data:image/gif,R0lGODlh\"}");
	stays("{\"url\":\"data:image/gif;base64\"}");
	stays("{\"url\":\"data:image/gif;base64,\"}");
	stays("{\"url\":\"data:image/gif;base64,R0lGODl=\"}");
	stays("{\"url\":\"data:image/gif;base64,R0lG\\\"ODlh\"}");
	stays("{\"url\":\"data:image/gif;base64,R0lG\\n\"}");
	stays("{\"url\":\"data:\",\"x\":\",\"}");
	stays("{\"url\":\"data:;base6,AAAA\"}");
	stays("{\"text\":\"" DIGEST "\"}");
	stays("{\"url\":\"digest:image/gif;blake2b="
	      "a4ebc5f66162847b445559c37cdf009b;bytes=\"}");
	stays("{\"url\":\"digest:image/gif;blake2b="
	      "x4ebc5f66162847b445559c37cdf009b;bytes=6\"}");
	stays("{\"url\":\"digest:;bytes=6\"}");
	stays("{\"url\":\"digest:6\"}");
	stays("{}");
}

/* More than is decoded at once. */
static void
test_large(void)
{
	struct buf bytes = BUF_INIT, text = BUF_INIT, want = BUF_INIT;
	unsigned char sum[16];
	char hex[32];

	for (size_t i = 0; i < 100000; i++)
		buf_addc(&bytes, (char)(i * i >> 3));
	hash_blake2b(buf_span(&bytes), sum, sizeof sum);
	hash_hex(sum, sizeof sum, hex);
	buf_addf(&want, "{\"url\":\"digest:image/png;blake2b=%.32s;bytes=100000\"}",
	    hex);
	buf_adds(&text, "{\"url\":\"data:image/png;base64,");
	base64_encode(&text, buf_span(&bytes));
	buf_adds(&text, "\"}");
	is_span(inlined_digest(buf_span(&text), &scratch), buf_span(&want),
	    "a large one");
	/* Padding is for the end alone, also where pieces meet. */
	text.data[strlen("{\"url\":\"data:image/png;base64,") + (64 << 10) - 1] =
	    '=';
	ok(inlined_digest(buf_span(&text), &scratch).p == text.data,
	    "padding within it");
	buf_release(&bytes);
	buf_release(&text);
	buf_release(&want);
}

/* For estimates an image is the same in all forms, and text is what it is. */
static void
test_size(void)
{
	size_t digest = inlined_size(SPAN("{\"url\":\"" DIGEST "\"}"));

	is_int((long long)inlined_size(SPAN("{\"a\":\"" GIF "\"}")),
	    (long long)strlen("{\"a\":\"" GIF "\"}"), "a text's size");
	ok(digest > 1000, "an image is like some text");
	is_int((long long)inlined_size(SPAN("{\"url\":\"" GIF "\"}")),
	    (long long)digest, "however it is kept");
	is_int((long long)inlined_size(
		   SPAN("[{\"url\":\"" GIF "\"},{\"url\":\"" DIGEST "\"}]")),
	    (long long)(2 * digest + strlen("[,]")), "and each counts");
}

int
main(void)
{
	test_digest();
	test_others();
	test_large();
	test_size();
	buf_release(&scratch);
	return done();
}
