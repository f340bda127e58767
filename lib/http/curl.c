/* libcurl, loaded on first need. */
#include "http/private.h"

#include "io/library.h"

#include <string.h>

/*
 * The first that was seen to do it right.  Where the socket takes no more, 7.88
 * (Debian 12) loses its place: requests hang until their time is up although
 * they were answered, and would be paid for again; 70 of 500 with a send buffer
 * of 4 KB.  Through a proxy it writes to connections whose TLS is not there yet.
 * Versions up to 8.10 repaired such things.
 */
#define HTTP2_LEAST 0x080e00 /* 8.14.0 */

struct libcurl libcurl;

static bool ready;

#define LOAD(name)                                                          \
	if (library_function(library, "curl_" #name, &libcurl.name, e) < 0) \
		return -1;

int
curl_load(struct err *e)
{
	void *library;

	if (ready)
		return 0;
	library = library_open("libcurl.so.4", "HTTP", "libcurl4", e);
	if (library == NULL)
		return -1;
	CURL_FUNCTIONS(LOAD)
	if (libcurl.global_init(CURL_GLOBAL_ALL) != CURLE_OK)
		return err_set(e, "libcurl does not start");
	ready = true;
	return 0;
}

bool
curl_has_http2(void)
{
	const curl_version_info_data *v = libcurl.version_info(CURLVERSION_NOW);

	return v->version_num >= HTTP2_LEAST &&
	       (v->features & CURL_VERSION_HTTP2) != 0;
}

bool
curl_knows_cas(void)
{
	const curl_version_info_data *v = libcurl.version_info(CURLVERSION_NOW);

	return v->age >= CURLVERSION_SEVENTH && v->cainfo != NULL;
}
