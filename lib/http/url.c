#include "http/private.h"

#include "http/url.h"

#include <string.h>

/* A part of it, appended; nothing where there is none. */
static void
add_part(struct buf *out, CURLU *url, CURLUPart part, unsigned flags)
{
	char *text = NULL;

	if (libcurl.url_get(url, part, &text, flags) == CURLUE_OK)
		buf_adds(out, text);
	libcurl.free(text);
}

static void
to_lower(struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] >= 'A' && b->data[i] <= 'Z')
			b->data[i] += 'a' - 'A';
}

/* -1 and e. */
static int
take_apart(struct url *u, CURLU *url, const char *text, struct err *e)
{
	struct buf scheme = BUF_INIT;
	bool known;

	(void)libcurl.url_set(url, CURLUPART_FRAGMENT, NULL, 0);
	add_part(&u->text, url, CURLUPART_URL, 0);
	add_part(&u->host, url, CURLUPART_HOST, 0);
	add_part(&scheme, url, CURLUPART_SCHEME, 0);
	to_lower(&u->host);
	to_lower(&scheme);
	known = strcmp(buf_cstr(&scheme), "http") == 0 ||
		strcmp(buf_cstr(&scheme), "https") == 0;
	buf_addf(&u->origin, "%s://%s:", buf_cstr(&scheme), buf_cstr(&u->host));
	add_part(&u->origin, url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	buf_release(&scheme);
	return known ? 0
		     : err_set(e, "%.200s: only http and https are spoken", text);
}

int
url_read(struct url *u, const char *base, const char *text, struct err *e)
{
	CURLUcode code = CURLUE_OK;
	CURLU *url;
	int rc;

	buf_clear(&u->text);
	buf_clear(&u->origin);
	buf_clear(&u->host);
	if (curl_load(e) != 0)
		return -1;
	url = libcurl.url();
	if (base != NULL)
		code = libcurl.url_set(url, CURLUPART_URL, base, 0);
	if (code == CURLUE_OK)
		code = libcurl.url_set(
		    url, CURLUPART_URL, text, CURLU_DISALLOW_USER);
	if (code == CURLUE_USER_NOT_ALLOWED)
		rc = err_set(
		    e, "%.200s: a user in a URL would end up in records", text);
	else if (code != CURLUE_OK)
		rc = err_set(e, "%.200s: %s", text, libcurl.url_strerror(code));
	else
		rc = take_apart(u, url, text, e);
	libcurl.url_cleanup(url);
	return rc;
}

void
url_release(struct url *u)
{
	buf_release(&u->text);
	buf_release(&u->origin);
	buf_release(&u->host);
}

/* ---- without libcurl ---- */

static bool
is_unreserved(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || (c != '\0' && strchr("-._~", c) != NULL);
}

void
url_add_encoded(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (is_unreserved((unsigned char)text.p[i]))
			buf_addc(out, text.p[i]);
		else
			buf_addf(out, "%%%02X", (unsigned char)text.p[i]);
}

void
url_add_written(struct buf *out, struct span text)
{
	unsigned char c;

	while (text.n > 0 && (unsigned char)text.p[text.n - 1] <= ' ')
		text.n--;
	while (text.n > 0 && (unsigned char)*text.p <= ' ')
		text = span_of(text.p + 1, text.n - 1);
	for (size_t i = 0; i < text.n; i++) {
		c = (unsigned char)text.p[i];
		if (c > ' ' && c < 0x7f && strchr("\"<>\\^`{|}", c) == NULL)
			buf_addc(out, (char)c);
		else
			buf_addf(out, "%%%02X", c);
	}
}
