/* libcurl, loaded on first need. */
#include "http/private.h"

#include <dlfcn.h>
#include <string.h>

struct libcurl libcurl;

static void *library;
static bool ready;

static int
load_function(void *where, const char *name, struct err *e)
{
	void *f = dlsym(library, name);

	if (f == NULL)
		return err_set(e, "libcurl has no %s: it is too old", name);
	memcpy(where, &f, sizeof f);
	return 0;
}

#define LOAD(name)                                               \
	if (load_function(&libcurl.name, "curl_" #name, e) != 0) \
		return -1;

int
curl_load(struct err *e)
{
	if (ready)
		return 0;
	library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		return err_set(
		    e, "cannot load libcurl (%s): install libcurl4", dlerror());
	CURL_FUNCTIONS(LOAD)
	if (libcurl.global_init(CURL_GLOBAL_ALL) != CURLE_OK)
		return err_set(e, "libcurl does not start");
	ready = true;
	return 0;
}

bool
curl_knows_cas(void)
{
	const curl_version_info_data *v = libcurl.version_info(CURLVERSION_NOW);

	return v->age >= CURLVERSION_SEVENTH && v->cainfo != NULL;
}
