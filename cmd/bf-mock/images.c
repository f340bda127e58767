/* images: base64 decoded, and digests of it. */
#include "images.h"

#include "io/base64.h"
#include "io/hash.h"
#include "value.h"

#define DIGEST 16

void
images_clear(struct images *im)
{
	buf_clear(&im->list);
}

static int
add(struct images *im, struct span media, struct span data)
{
	unsigned char digest[DIGEST];
	char hex[2 * DIGEST];

	buf_clear(&im->bytes);
	if (data.n == 0 || base64_decode(&im->bytes, data) == -1)
		return -1;
	hash_blake2b(buf_span(&im->bytes), digest, DIGEST);
	hash_hex(digest, DIGEST, hex);
	buf_adds(&im->list,
	    im->list.len == 0 ? "{\"media_type\":" : ",{\"media_type\":");
	json_add_string(&im->list, media);
	buf_addf(&im->list, ",\"bytes\":%zu,\"blake2b\":\"%.*s\"}", im->bytes.len,
	    (int)sizeof(hex), hex);
	return 0;
}

int
images_add(struct images *im, struct span media, struct span data)
{
	struct buf plain = BUF_INIT;
	struct span type, text;
	int rc = -1;

	if (is_type(media, JSON_STRING) && is_type(data, JSON_STRING) &&
	    json_text(media, &plain, &type) && json_text(data, &im->scratch, &text))
		rc = add(im, type, text);
	buf_release(&plain);
	return rc;
}

int
images_add_url(struct images *im, struct span url)
{
	static const char mark[] = ";base64,";
	struct span text, media;
	const char *at;

	if (!is_type(url, JSON_STRING) || !json_text(url, &im->scratch, &text))
		return -1;
	if (!span_starts(text, SPAN("data:")))
		return 0;
	at = memmem(text.p, text.n < 200 ? text.n : 200, mark, sizeof(mark) - 1);
	if (at == NULL)
		return -1;
	media = span_of(text.p + 5, (size_t)(at - text.p) - 5);
	at += sizeof(mark) - 1;
	return add(im, media, span_of(at, text.n - (size_t)(at - text.p)));
}

void
images_release(struct images *im)
{
	buf_release(&im->list);
	buf_release(&im->bytes);
	buf_release(&im->scratch);
}
