/*
 * provider: which server answers for MODEL@PROVIDER, under what name its
 * answers are kept, and with which key.
 *
 * One provider is known: openai, for anything that speaks its dialect.  Its
 * base URL is https://api.openai.com/v1; --base-url, else OPENAI_BASE_URL,
 * puts another in its place.
 *
 * The endpoint is the name under which answers are kept: the provider's; where
 * the base URL was replaced, that URL's HOST:PORT, or what --endpoint, else
 * BF_ENDPOINT, calls it.  An answer of one endpoint never serves for another.
 *
 * The key is in memory here and in libcurl's headers, and nowhere else.
 */
#ifndef BF_DIALECTS_PROVIDER_H
#define BF_DIALECTS_PROVIDER_H

#include "base/err.h"
#include "dialects/dialect.h"

struct provider {
	const char *name;
	const struct dialect *dialect;
	const char *key_variable;
	char *base_url; /* no slash at its end */
	char *endpoint;
	char *key; /* NULL: none */
	bool replaced; /* the base URL is not the provider's own */
};

/* What the command line says; NULL where it says nothing. */
struct provider_options {
	const char *base_url;
	const char *endpoint;
	const char *key_file;
	/* A warning, a line; may be NULL. */
	void (*report)(const char *text);
};

/*
 * Splits MODEL@PROVIDER at the last @; without one the provider is openai.
 * -1 and e where the provider is not known or there is no model.
 */
int provider_split(struct span name, struct span *model, struct err *e);

/* The provider as options and environment have it. 0, or -1 and e. */
int provider_open(struct provider *p, const struct provider_options *o, struct err *e);
void provider_close(struct provider *p); /* wipes the key */

/* Whether calls can be made: -1 and e if a key is needed and there is none. */
int provider_ready(const struct provider *p, struct err *e);

/*
 * HOST:PORT of an http or https URL, in lower case, the port always named;
 * malloc'd. NULL and e if it is none, or holds a user, a query or a fragment.
 */
char *provider_host_port(const char *url, struct err *e);

#endif
