#include "engine/inlined.h"

#include "io/base64.h"
#include "io/hash.h"

enum {
	DIGEST = 16,
	PIECE = 64 << 10, /* digits decoded at once: a multiple of 4 */
	/* Providers take an image for 85 to some 1600 tokens, a page for more. */
	LIKE_TEXT = 4000,
};

/* ---- where they are ---- */

/*
 * Whether the value that begins at byte at is the one of a member that holds a URL.
 * In canonical text a quote within a string has a backslash before it, and there
 * is no white space: the bytes before a value tell.
 */
static bool
is_of_url(struct span text, size_t at)
{
	static const struct span names[] = {SPAN_INIT("\"url\":"),
	    SPAN_INIT("\"image_url\":"), SPAN_INIT("\"file_data\":")};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (at > names[i].n &&
		    memcmp(text.p + at - names[i].n, names[i].p, names[i].n) == 0)
			return text.p[at - names[i].n - 1] != '\\';
	return false;
}

/*
 * The next URL that begins with begin, which is a quote and the scheme, from byte
 * *at on, which moves behind it.  Without its quotes; a URL with an escape in it
 * may be cut.
 */
static bool
next_url(struct span text, size_t *at, struct span begin, struct span *url)
{
	const char *p, *end = text.p + text.n, *quote;

	while ((p = memmem(text.p + *at, text.n - *at, begin.p, begin.n)) != NULL) {
		*at = (size_t)(p - text.p) + begin.n;
		if (!is_of_url(text, (size_t)(p - text.p)))
			continue;
		quote = memchr(p + begin.n, '"', (size_t)(end - p) - begin.n);
		if (quote == NULL)
			return false;
		*url = span_of(p + 1, (size_t)(quote - p) - 1);
		*at = (size_t)(quote - text.p);
		return true;
	}
	return false;
}

/* ---- what is kept of them ---- */

/* false if it is no base64. */
static bool
digest(struct span data, unsigned char *out, size_t *bytes)
{
	struct buf piece = BUF_INIT;
	struct blake2b b;
	bool good = data.n > 0;

	*bytes = 0;
	blake2b_init(&b, DIGEST);
	while (good && data.n > 0) {
		size_t n = data.n < PIECE ? data.n : PIECE;

		buf_clear(&piece);
		good = base64_decode(&piece, span_of(data.p, n)) == 0 &&
		       (n == data.n || piece.len == PIECE / 4 * 3);
		if (good)
			blake2b_update(&b, piece.data, piece.len);
		*bytes += piece.len;
		data = span_of(data.p + n, data.n - n);
	}
	blake2b_final(&b, out);
	buf_release(&piece);
	return good;
}

/* Appends what is kept of a URL; false if that is the URL. */
static bool
add_digest(struct buf *out, struct span url)
{
	static const struct span scheme = SPAN_INIT("data:"),
				 end = SPAN_INIT(";base64");
	const char *comma = memchr(url.p, ',', url.n);
	unsigned char sum[DIGEST];
	char hex[2 * DIGEST];
	struct span head;
	size_t bytes;

	if (comma == NULL)
		return false;
	head = span_of(url.p + scheme.n, (size_t)(comma - url.p) - scheme.n);
	if (head.n < end.n || memcmp(head.p + head.n - end.n, end.p, end.n) != 0 ||
	    !digest(span_of(comma + 1, (size_t)(url.p + url.n - comma) - 1), sum,
		&bytes))
		return false;
	hash_hex(sum, DIGEST, hex);
	buf_adds(out, "digest:");
	buf_add(out, head.p, head.n - end.n);
	buf_adds(out, ";blake2b=");
	buf_add(out, hex, sizeof hex);
	buf_addf(out, ";bytes=%zu", bytes);
	return true;
}

struct span
inlined_digest(struct span text, struct buf *scratch)
{
	size_t at = 0, taken = 0, from;
	struct span url;

	buf_clear(scratch);
	while (next_url(text, &at, SPAN("\"data:"), &url)) {
		from = scratch->len;
		buf_add(scratch, text.p + taken, (size_t)(url.p - text.p) - taken);
		if (add_digest(scratch, url))
			taken = at;
		else
			scratch->len = from;
	}
	if (taken == 0)
		return text;
	buf_add(scratch, text.p + taken, text.n - taken);
	return buf_span(scratch);
}

/* Whether it ends as add_digest() ends one. */
static bool
ends_in_digest(struct span url)
{
	static const struct span hash = SPAN_INIT(";blake2b="),
				 bytes = SPAN_INIT(";bytes=");
	unsigned char sum[DIGEST];
	size_t n = url.n;

	while (n > 0 && url.p[n - 1] >= '0' && url.p[n - 1] <= '9')
		n--;
	if (n == url.n || n < hash.n + 2 * DIGEST + bytes.n ||
	    memcmp(url.p + n - bytes.n, bytes.p, bytes.n) != 0)
		return false;
	n -= bytes.n + 2 * DIGEST;
	return memcmp(url.p + n - hash.n, hash.p, hash.n) == 0 &&
	       hash_unhex(span_of(url.p + n, 2 * DIGEST), sum, DIGEST) == 0;
}

bool
inlined_is_digest(struct span text)
{
	struct span url;
	size_t at = 0;

	while (next_url(text, &at, SPAN("\"digest:"), &url))
		if (ends_in_digest(url))
			return true;
	return false;
}

size_t
inlined_size(struct span text)
{
	static const struct span begins[] = {
	    SPAN_INIT("\"data:"), SPAN_INIT("\"digest:")};
	size_t n = text.n, at;
	struct span url;

	for (size_t i = 0; i < 2; i++)
		for (at = 0; next_url(text, &at, begins[i], &url);)
			n = n - url.n + LIKE_TEXT;
	return n;
}
