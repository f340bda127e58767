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
